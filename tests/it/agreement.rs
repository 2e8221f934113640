//! Nothing above what the shopper agreed to is ever charged, and whoever pays says how much that is.

use std::collections::BTreeMap;

use bigcommerce_simulator::{Effect, Fault, Kind};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{
    Answer, KEY, Service, World, address, agreed, custom_cart, everything, good_card, run, run_with,
};
use crate::operators::stuck;

/// A call with this key and this `If-Match`.
async fn post(service: &Service, path: &str, key: &str, if_match: Option<&str>, body: &Value) -> Answer {
    post_as(service, KEY, path, key, if_match, body).await
}

async fn post_as(
    service: &Service,
    credential: &str,
    path: &str,
    key: &str,
    if_match: Option<&str>,
    body: &Value,
) -> Answer {
    let bearer = format!("Bearer {credential}");
    let mut headers = vec![
        ("authorization", &*bearer),
        ("prefer", "wait=30"),
        ("idempotency-key", key),
        ("content-type", "application/json"),
    ];
    headers.extend(if_match.map(|tags| ("if-match", tags)));
    service.call(Method::POST, path, &headers, Some(body.to_string().into_bytes())).await
}

#[tokio::test]
async fn without_an_agreement_nothing_is_bound_recorded_or_sent() {
    run(async |world, service| {
        let created = service.post("/v1/checkouts", &everything()).await.expect(201);
        let path = format!("/v1/checkouts/{}", created.id());
        let token = created.body["checkout_token"].as_str().expect("a token").to_owned();
        let whole = json!({"payment": good_card()});
        let mut last = String::new();
        for (call, body) in [("complete", whole.clone()), ("payment", good_card()), ("payment", whole)] {
            if call == "payment" {
                service.post(&format!("{path}/order"), &json!({"agreed_total": 10.83})).await.expect(200);
            }
            let place = format!("{path}/{call}");
            let before = service.get(&path).await.expect(200);
            let version = before.header("etag").expect("a version").to_owned();
            let calls = world.simulator.requests().len();
            let several = format!("\"0\", {version}");
            for (tags, status, problem) in [
                (None, 428, "agreement-required"),
                (Some("*"), 428, "agreement-required"),
                // Of several versions nobody knows which one was shown.
                (Some(&*several), 428, "agreement-required"),
                (Some("W/\"0\""), 412, "version-mismatch"),
                (Some("\"0\""), 412, "version-mismatch"),
            ] {
                for credential in [KEY, &token] {
                    let refused =
                        post_as(service, credential, &place, call, tags, &body).await.expect(status);
                    assert_eq!(refused.problem(), problem, "{tags:?}");
                    assert_eq!(refused.body["instance"], json!(path), "{}", refused.text);
                    assert_eq!(refused.body["retryable"], false);
                }
            }
            assert_eq!(world.simulator.requests().len(), calls, "nothing was sent");
            assert_eq!(service.get(&path).await.expect(200).text, before.text, "nothing was recorded");
            // A proxy that compresses answers weakens the tag; the version in it is the same.
            last = format!("W/{version}");
        }
        // Nothing was bound either: the very same key pays, once it is said how much.
        let paid =
            post(service, &format!("{path}/payment"), "payment", Some(&last), &good_card()).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        // What it was paid with is answered again, whatever the repetition says about versions.
        for tags in [None, Some("*"), Some(&*last)] {
            let again =
                post(service, &format!("{path}/payment"), "payment", tags, &good_card()).await.expect(200);
            assert_eq!(again.header("idempotent-replayed"), Some("true"));
        }
        let closed =
            post(service, &format!("{path}/payment"), "another", None, &good_card()).await.expect(409);
        assert_eq!(closed.problem(), "checkout-closed");
        assert_eq!(world.simulator.ledger().charges.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_version_agrees_to_its_own_total_and_to_no_later_one() {
    run(async |world, service| {
        let mut body = custom_cart();
        body["billing_address"] = address();
        body["consignments"] = json!([{"address": address()}]);
        let created = service.post("/v1/checkouts", &body).await.expect(201);
        let path = format!("/v1/checkouts/{}", created.id());
        let complete = format!("{path}/complete");
        let shown = service.get(&path).await.expect(200);
        assert_eq!(shown.body["totals"]["grand_total"].to_string(), "10.83");
        let tag = shown.header("etag").map(str::to_owned);
        // The shopper saw a total without shipping: what comes on top was never agreed to.
        let dear = json!({"shipping_preference": {"type": "shipping_flatrate"}, "payment": good_card()});
        let refused = post(service, &complete, "dear", tag.as_deref(), &dear).await.expect(409);
        assert_eq!(refused.problem(), "total-changed");
        assert_eq!(refused.body["agreed_total"].to_string(), "10.83", "{}", refused.text);
        assert_eq!(world.simulator.ledger().orders.len(), 0);
        let free = json!({"shipping_preference": "cheapest", "payment": good_card(),
            "consignments": [{"address": address()}]});
        let stale = post(service, &complete, "stale", tag.as_deref(), &free).await.expect(412);
        assert_eq!(stale.problem(), "version-mismatch");
        // An amount counts, whatever the version says.
        let now = service.get(&path).await.expect(200).header("etag").map(str::to_owned);
        let mut less = free.clone();
        less["agreed_total"] = json!(1);
        let refused = post(service, &complete, "less", now.as_deref(), &less).await.expect(409);
        assert_eq!(refused.body["agreed_total"].to_string(), "1", "{}", refused.text);
        let mut named = free;
        named["agreed_total"] = json!(10.83);
        let paid = post(service, &complete, "free", None, &named).await.expect(200);
        assert_eq!(paid.body["payment"]["amount"].to_string(), "10.83", "{}", paid.text);
    })
    .await;
}

#[tokio::test]
async fn what_another_tab_adds_is_not_paid_by_the_shopper_who_never_saw_it() {
    run(async |world, service| {
        for call in ["complete", "payment"] {
            let path = service.create(&everything()).await;
            let one = service.get(&path).await.expect(200);
            let tag = one.header("etag").expect("a version").to_owned();
            let more = json!({"custom_items": [{"name": "More", "quantity": 1, "list_price": 1000}]});
            service.post(&format!("{path}/items"), &more).await.expect(200);
            service.put(&format!("{path}/consignments"), &json!([{"address": address()}])).await.expect(200);
            let two = service.get(&path).await.expect(200);
            assert_eq!(two.body["next_step"], "order", "{}", two.text);
            let mut body = json!({"payment": good_card()});
            let place = format!("{path}/{call}");
            if call == "payment" {
                body = good_card();
                // The other tab ordered, and agreed for itself: that is no agreement of this one.
                service.post(&format!("{path}/order"), &json!({})).await.expect(200);
            }
            let silent = post(service, &place, &format!("{call}-silent"), None, &body).await.expect(428);
            assert_eq!(silent.problem(), "agreement-required");
            let stale = post(service, &place, &format!("{call}-stale"), Some(&tag), &body).await.expect(412);
            assert_eq!(stale.problem(), "version-mismatch");
            body["agreed_total"] = one.body["totals"]["grand_total"].clone();
            let refused = post(service, &place, &format!("{call}-named"), None, &body).await.expect(409);
            assert_eq!(refused.problem(), "total-changed");
            assert_eq!(refused.body["grand_total"], two.body["totals"]["grand_total"], "{}", refused.text);
            body["agreed_total"] = two.body["totals"]["grand_total"].clone();
            let charges = world.simulator.ledger().charges.len();
            post(service, &place, &format!("{call}-seen"), None, &body).await.expect(200);
            assert_eq!(world.simulator.ledger().charges.len(), charges + 1);
        }
    })
    .await;
}

#[tokio::test]
async fn a_direct_order_is_paid_for_what_was_agreed_to() {
    run(async |world, service| {
        let order = json!({
            "billing_address": {
                "first_name": "Jane", "last_name": "Doe", "street_1": "1 Main St", "city": "Austin", "state": "Texas",
                "zip": "78751", "country": "United States", "country_iso2": "US", "email": "jane@example.com",
            },
            "products": [{"name": "Mug", "quantity": 1, "price_inc_tax": 50, "price_ex_tax": 45}],
        });
        let created = service.post("/v1/direct-orders", &order).await.expect(201);
        let payment = format!("/v1/checkouts/{}/payment", created.id());
        let silent = service.post(&payment, &good_card()).await.expect(428);
        assert_eq!(silent.problem(), "agreement-required");
        let mut less = good_card();
        less["agreed_total"] = json!(49.99);
        assert_eq!(service.post(&payment, &less).await.expect(409).problem(), "total-changed");
        service.post(&payment, &agreed(good_card())).await.expect(200);
        assert_eq!(world.simulator.ledger().charges.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_total_that_cannot_be_read_is_within_no_agreement() {
    for (place, odd) in [
        ("/data/grand_total", json!("a lot")),
        // Nor is an amount of a currency that is not said.
        ("/data/cart/currency", Value::Null),
        ("/data/cart/currency", json!({"code": ""})),
    ] {
        unreadable(place, odd).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "it is not the service that reads")]
async fn unreadable(place: &str, odd: Value) {
    run_with(World::hasty().await, async |world, service| {
        let path = service.create(&everything()).await;
        let cart =
            service.get(&path).await.expect(200).body["cart"]["id"].as_str().expect("a cart").to_owned();
        let include = "consignments.available_shipping_options,cart.line_items.physical_items.options,\
                       cart.line_items.digital_items.options";
        let url = format!("{}/stores/teststore/v3/checkouts/{cart}?include={include}", world.simulator.url());
        let request =
            reqwest::Client::new().get(url).header("x-auth-token", "a").header("accept", "application/json");
        let text = request.send().await.expect("an answer").text().await.expect("a body");
        let mut body: Value = serde_json::from_str(&text).expect("JSON");
        assert!(body["data"]["grand_total"].is_number(), "{text}");
        *body.pointer_mut(place).expect("it is there") = odd;
        let kind =
            Kind::Status { status: 200, effect: Effect::After, headers: BTreeMap::new(), body: Some(body) };
        let odd = world.simulator.add_fault(Fault::on("get-checkout").nth(1).kind(kind));
        service.post(&format!("{path}/order"), &json!({"agreed_total": 1000})).await;
        let orders = world.simulator.ledger().orders.len();
        stuck(service, &path, "total-mismatch").await;
        assert_eq!((orders, world.simulator.reached(odd)), (0, 1), "nothing is ordered");
    })
    .await;
}
