//! What a cart may hold and where it may go.

use bigcommerce_simulator::{Hosted, PromotionSplit, Settings};
use serde_json::{Value, json};

use super::{amount, ordered, ready};
use crate::harness::{KEY, Service, World, address, agreed, custom_cart, good_card, run, run_with};

async fn pay(service: &Service, path: &str) -> Value {
    let paid = service
        .post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()})))
        .await
        .expect(200)
        .body;
    assert_eq!(paid["status"], "completed", "{paid}");
    paid
}

fn elsewhere() -> Value {
    let mut other = address();
    other["address1"] = json!("1 Second Street");
    other["email"] = json!("second@example.com");
    other
}

/// Ids and units of the lines that ship.
fn lines(snapshot: &Value) -> Vec<(String, u64)> {
    let lines = &snapshot["cart"]["line_items"];
    let of = |group: &str| lines[group].as_array().cloned().unwrap_or_default();
    of("physical_items")
        .into_iter()
        .chain(of("custom_items"))
        .map(|line| {
            (line["id"].as_str().expect("an id").to_owned(), line["quantity"].as_u64().expect("units"))
        })
        .collect()
}

#[tokio::test]
async fn a_cart_holds_everything_that_can_be_bought_at_once() {
    run(async |_, service| {
        let party = |name: &str| json!({"name": name, "email": "someone@example.com"});
        let cart = json!({
            "channel_id": 1,
            "locale": "en-US",
            "line_items": [
                {"product_id": 184, "quantity": 1, "variant_id": 421},
                {"product_id": 184, "quantity": 1, "option_selections": [
                    {"option_id": 200, "option_value": 181}, {"option_id": 230, "option_value": 192}]},
                {"product_id": 120, "quantity": 2, "list_price": 7.5},
                {"product_id": 112, "quantity": 1}
            ],
            "custom_items": [{"sku": "c", "name": "Engraving", "quantity": 1, "list_price": 3.25}],
            "gift_certificates": [{"name": "For you", "theme": "Birthday", "amount": 25, "quantity": 1,
                "sender": party("Jane"), "recipient": party("John"), "message": "Enjoy"}],
            "customer_message": "Please ring twice"
        });
        let path = ready(service, cart).await;
        let snapshot = service.get(&path).await.expect(200).body;
        let lines = &snapshot["cart"]["line_items"];
        let count = |group: &str| lines[group].as_array().map_or(0, Vec::len);
        assert_eq!(
            (
                count("physical_items"),
                count("digital_items"),
                count("custom_items"),
                count("gift_certificates")
            ),
            (3, 1, 1, 1),
            "{lines}"
        );
        let variants: Vec<_> = lines["physical_items"]
            .as_array()
            .expect("lines")
            .iter()
            .map(|line| line["variant_id"].clone())
            .collect();
        assert_eq!(variants[..2], [json!(421), json!(423)]);
        assert_eq!(amount(&lines["physical_items"][2]["list_price"]).to_string(), "7.5");
        pay(service, &path).await;
        let order = service.get(&format!("{path}/order")).await.expect(200).body;
        assert_eq!(order["order"]["customer_message"], "Please ring twice");
        assert_eq!(order["products"].as_array().map(Vec::len), Some(6));
    })
    .await;
}

#[tokio::test]
async fn the_units_of_a_line_go_to_several_addresses() {
    run(async |_, service| {
        let path = service.create(&json!({"line_items": [{"product_id": 120, "quantity": 3}]})).await;
        service.put(&format!("{path}/billing-address"), &address()).await.expect(200);
        let item = lines(&service.get(&path).await.expect(200).body)[0].0.clone();
        let part = |address: Value, units: u32| json!({"address": address, "line_items": [{"item_id": item, "quantity": units}]});
        // A unit less than there are, or one more, is told before anything is asked of BigCommerce's checkout.
        let wrong = json!([part(address(), 1), part(elsewhere(), 1)]);
        service.put(&format!("{path}/consignments"), &wrong).await.expect(422);
        let body = json!([part(address(), 1), part(elsewhere(), 2)]);
        let consigned = service.put(&format!("{path}/consignments"), &body).await.expect(200).body;
        let consignments = consigned["consignments"].as_array().expect("consignments").clone();
        assert_eq!(consignments.len(), 2);
        let options: Vec<Value> = consignments
            .iter()
            .map(|one| {
                json!({"consignment_id": one["id"], "shipping_option_id": one["available_shipping_options"][2]["id"]})
            })
            .collect();
        service.put(&format!("{path}/shipping-options"), &json!(options)).await.expect(200);
        pay(service, &path).await;
        let order = service.get(&format!("{path}/order")).await.expect(200).body;
        assert_eq!(order["shipping_addresses"].as_array().map(Vec::len), Some(2), "{order}");
    })
    .await;
}

#[tokio::test]
async fn what_is_fetched_needs_no_shipping_option() {
    run(async |_, service| {
        let path = service.create(&custom_cart()).await;
        service.put(&format!("{path}/billing-address"), &address()).await.expect(200);
        let body = json!([{"address": address(), "pickup_option": {"pickup_method_id": 7}}]);
        let consigned = service.put(&format!("{path}/consignments"), &body).await.expect(200).body;
        assert_eq!(consigned["next_step"], "order", "{consigned}");
        assert_eq!(consigned["consignments"][0]["selected_pickup_option"]["pickup_method_id"], 7);
        pay(service, &path).await;
    })
    .await;
}

#[tokio::test]
async fn coupons_change_the_total_and_the_quote() {
    run(async |world, service| {
        let path = ready(service, custom_cart()).await;
        let total = |snapshot: &Value| amount(&snapshot["totals"]["grand_total"]);
        let before = total(&service.get(&path).await.expect(200).body);
        let coupons = format!("{path}/coupons");
        let refused = service.post(&coupons, &json!({"coupon_code": "NO-SUCH-CODE"})).await.expect(422);
        assert_eq!(refused.problem(), "rejected-by-bigcommerce");
        let code = "TENOFF";
        let with = service.post(&coupons, &json!({"coupon_code": code})).await.expect(200);
        assert!(total(&with.body) < before, "{}", with.text);
        let without = service.delete(&format!("{coupons}/{code}")).await.expect(200);
        assert_eq!(total(&without.body), before);
        // With it again, and through: the order is what was shown.
        let with = service.post(&coupons, &json!({"coupon_code": code})).await.expect(200);
        let shown = total(&with.body);
        let paid = pay(service, &path).await;
        assert_eq!(amount(&paid["payment"]["amount"]), shown.normalize());
        world.drove(&["add-coupon", "delete-coupon"]);
    })
    .await;
}

#[tokio::test]
async fn lines_that_a_promotion_splits_are_all_shipped() {
    for split in [PromotionSplit::Consignment, PromotionSplit::Cart] {
        let world = World::with(Settings { promotion_split: split, ..Settings::default() }).await;
        run_with(world, async |_, service| {
            // In one go, with one address.
            let cart = json!({"line_items": [{"product_id": 116, "quantity": 3}]});
            let path = ready(service, cart.clone()).await;
            let snapshot = service.get(&path).await.expect(200).body;
            assert_eq!(
                (snapshot["next_step"].as_str(), lines(&snapshot).len()),
                (Some("order"), 2),
                "{snapshot}"
            );
            pay(service, &path).await;
            // With two addresses that name the line as it was.
            let path = service.create(&cart).await;
            service.put(&format!("{path}/billing-address"), &address()).await.expect(200);
            let known = lines(&service.get(&path).await.expect(200).body);
            let whole = |address: Value, items: &[(String, u64)]| {
                let items: Vec<Value> =
                    items.iter().map(|(id, units)| json!({"item_id": id, "quantity": units})).collect();
                json!({"address": address, "line_items": items})
            };
            let halves = if known.len() == 1 {
                let part = |units| vec![(known[0].0.clone(), units)];
                json!([whole(address(), &part(2)), whole(elsewhere(), &part(1))])
            } else {
                json!([whole(address(), &known[..1]), whole(elsewhere(), &known[1..])])
            };
            let consigned = service.put(&format!("{path}/consignments"), &halves).await.expect(200).body;
            assert_eq!(consigned["consignments"].as_array().map(Vec::len), Some(2));
            assert_eq!(lines(&consigned).iter().map(|(_, units)| units).sum::<u64>(), 3);
            let body = agreed(json!({"payment": good_card(), "shipping_preference": "cheapest"}));
            service.post(&format!("{path}/complete"), &body).await.expect(200);
        })
        .await;
    }
}

#[tokio::test]
async fn an_edit_that_clears_the_shipping_opens_that_step_again() {
    run(async |world, service| {
        let path = service.create(&custom_cart()).await;
        service.put(&format!("{path}/billing-address"), &address()).await.expect(200);
        let consigned = service.put(&format!("{path}/consignments"), &json!([{"address": address()}])).await;
        let consigned = consigned.expect(200).body;
        let option = &consigned["consignments"][0]["available_shipping_options"][0]["id"];
        let chosen = json!([{"shipping_option_id": option}]);
        service.put(&format!("{path}/shipping-options"), &chosen).await.expect(200);
        let items = json!({"line_items": [{"product_id": 120, "quantity": 1}]});
        let edited = service.post(&format!("{path}/items"), &items).await.expect(200).body;
        assert_eq!(edited["next_step"], "consignments", "{edited}");
        let refused = service.post(&format!("{path}/order"), &json!({})).await.expect(409);
        assert_eq!(refused.body["next_step"], "consignments");
        service.put(&format!("{path}/consignments"), &json!([{"address": address()}])).await.expect(200);
        let body = agreed(json!({"payment": good_card(), "shipping_preference": "cheapest"}));
        service.post(&format!("{path}/complete"), &body).await.expect(200);
        assert!(world.simulator.ledger().orders.len() == 1);
    })
    .await;
}

#[tokio::test]
async fn every_currency_is_charged_in_its_own_decimals() {
    run(async |world, service| {
        for (currency, price, minor) in
            [("JPY", "1500", 1624), ("KWD", "10.125", 10960), ("EUR", "10.10", 1093), ("USD", "10", 1083)]
        {
            let price: Value = serde_json::from_str(price).expect("a number");
            let cart = json!({
                "currency": {"code": currency},
                "custom_items": [{"sku": "x", "name": "Thing", "quantity": 1, "list_price": price}],
            });
            let path = ordered(service, cart).await;
            let paid = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200).body;
            assert_eq!(
                (paid["status"].as_str(), paid["payment"]["currency"].as_str()),
                (Some("completed"), Some(currency))
            );
            let ledger = world.simulator.ledger();
            let token = ledger.tokens.last().expect("a token");
            assert_eq!((&*token.currency, token.amount), (currency, minor), "{paid}");
            assert_eq!(
                amount(&paid["payment"]["amount"]),
                ledger.charges.last().expect("a charge").amount.normalize()
            );
        }
        let refused = service
            .post(
                "/v1/checkouts",
                &json!({"currency": {"code": "CHF"}, "custom_items": custom_cart()["custom_items"]}),
            )
            .await
            .expect(422);
        assert_eq!(refused.problem(), "rejected-by-bigcommerce");
    })
    .await;
}

/// A cart that somebody else made, at BigCommerce itself.
#[expect(clippy::disallowed_methods, reason = "a test is not the upstream client")]
pub(crate) async fn foreign_cart(world: &World, path: &str, body: &Value) -> Value {
    let http =
        headless_checkout::bigcommerce::http_client(std::time::Duration::from_secs(5)).expect("a client");
    let request = http
        .post(format!("{}/stores/teststore/v3{path}", world.simulator.url()))
        .header("x-auth-token", "somebody-else")
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .body(body.to_string());
    let answer = request.send().await.expect("an answer").text().await.expect("a body");
    serde_json::from_str::<Value>(&answer).expect("JSON")["data"].clone()
}

#[tokio::test]
async fn a_cart_that_was_made_elsewhere_is_taken_over_with_what_it_holds() {
    run(async |world, service| {
        let cart = foreign_cart(world, "/carts", &custom_cart()).await;
        let id = cart["id"].as_str().expect("a cart").to_owned();
        foreign_cart(world, &format!("/checkouts/{id}/billing-address"), &address()).await;
        let created = service.post("/v1/checkouts", &json!({"cart_id": id})).await.expect(201);
        let path = format!("/v1/checkouts/{}", created.id());
        assert_eq!(
            (created.body["cart"]["id"].as_str(), &created.body["next_step"]),
            (Some(&*id), &json!("consignments"))
        );
        assert_eq!(created.body["billing_address"]["city"], "Austin");
        // Nobody else takes it over, here or with a key of another storefront of the same store.
        let again = service.post("/v1/checkouts", &json!({"cart_id": id})).await.expect(409);
        assert_eq!(again.problem(), "cart-taken");
        service.put(&format!("{path}/consignments"), &json!([{"address": address()}])).await.expect(200);
        let body = agreed(json!({"payment": good_card(), "shipping_preference": "cheapest"}));
        service.post(&format!("{path}/complete"), &body).await.expect(200);
        assert_eq!(world.simulator.ledger().carts.len(), 1);
        world.drove(&["get-checkout"]);
    })
    .await;
}

#[tokio::test]
async fn a_cart_that_was_taken_over_is_given_back_and_its_hosted_order_adopted() {
    run(async |world, service| {
        let missing = json!({"cart_id": "00000000-0000-4000-8000-000000000000"});
        let refused = service.post("/v1/checkouts", &missing).await.expect(422);
        assert_eq!(
            (refused.problem(), &refused.body["upstream"]["status"]),
            ("rejected-by-bigcommerce", &json!(404))
        );
        let cart = foreign_cart(world, "/carts", &custom_cart()).await;
        let id = cart["id"].as_str().expect("a cart").to_owned();
        let path = service.create(&json!({"cart_id": id})).await;
        service.delete(&path).await.expect(200);
        // What the page takes for this cart is under the name of whoever took it over first.
        world.others_moved_money_of(&path);
        assert_eq!(world.simulator.ledger().carts[0].state, "live", "it is not ours to delete");
        // Taken over again, and then paid where it came from.
        let headers = [
            ("authorization", &*format!("Bearer {KEY}")),
            ("idempotency-key", "again"),
            ("content-type", "application/json"),
        ];
        let body = json!({"cart_id": id}).to_string().into_bytes();
        let created =
            service.call(reqwest::Method::POST, "/v1/checkouts", &headers, Some(body)).await.expect(201);
        let path = format!("/v1/checkouts/{}", created.id());
        let order = world.simulator.host_order(&id).expect("the page makes its order");
        assert!(world.simulator.host_payment(order, Hosted::Paid));
        let done = service.wait_until(&path, "completed", |snapshot| snapshot["status"] == "completed").await;
        assert_eq!(done["order"]["id"].as_u64(), Some(order));
        world.others_moved_money_of(&path);
    })
    .await;
}
