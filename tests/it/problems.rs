//! Every problem that the service explains is one that it answers: each is met at a real door.

use std::collections::BTreeSet;

use bigcommerce_simulator::{Fault, Settings};
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{
    ACTOR, Answer, KEY, OPERATOR, READER, Relay, Service, World, address, agreed, card, custom_cart,
    everything, good_card, run_with,
};
use crate::orders;

/// Every problem that was met.
#[derive(Default)]
struct Met(BTreeSet<String>);

impl Met {
    /// The answer is this problem, with the status that its explanation tells.
    #[track_caller]
    fn is(&mut self, slug: &str, answer: &Answer) {
        assert_eq!(answer.problem(), slug, "{}", answer.text);
        assert_eq!(answer.body["status"], answer.status.as_u16(), "{}", answer.text);
        assert_eq!(answer.body["type"], format!("/problems/{slug}"));
        self.0.insert(format!("{slug} {}", answer.status.as_u16()));
    }
}

/// A call with every freedom that a test of problems needs.
async fn call(service: &Service, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let bearer = format!("Bearer {KEY}");
    let mut all =
        vec![("authorization", &*bearer), ("content-type", "application/json"), ("prefer", "wait=30")];
    all.retain(|(name, _)| headers.iter().all(|(other, _)| other != name));
    all.extend(headers.iter().filter(|(_, value)| !value.is_empty()));
    service.call(method, path, &all, Some(body.as_bytes().to_vec())).await
}

#[tokio::test]
async fn every_problem_that_is_explained_is_answered_by_a_real_door() {
    let mut world = World::with(Settings::default()).await;
    let relay = Relay::to(&world.database).await;
    world.set("DATABASE_URL", relay.url());
    run_with(world, async |world, service| {
        let mut met = Met::default();
        of_requests(service, &mut met).await;
        of_checkouts(world, service, &mut met).await;
        of_payments(world, service, &mut met).await;
        of_operators(world, service, &mut met).await;
        of_trouble(world, service, &relay, &mut met).await;
        of_a_strict_service(&mut met).await;
        let page = service.get("/problems").await.text;
        let explained: BTreeSet<String> = page
            .lines()
            .filter_map(|line| line.strip_prefix("/problems/")?.split_once(", status "))
            .map(|(slug, rest)| format!("{slug} {}", rest.split(';').next().unwrap_or_default()))
            .collect();
        assert!(explained.len() > 30, "{page}");
        assert_eq!(met.0, explained);
    })
    .await;
}

/// What is wrong with a request by itself.
async fn of_requests(service: &Service, met: &mut Met) {
    let create = "/v1/checkouts";
    let key = [("idempotency-key", "requests")];
    met.is("invalid-input", &call(service, Method::POST, create, &key, "{\"no\": 1}").await);
    met.is("malformed-request", &call(service, Method::POST, create, &key, "{").await);
    let text = [("idempotency-key", "requests"), ("content-type", "text/plain")];
    met.is("unsupported-media-type", &call(service, Method::POST, create, &text, "{}").await);
    met.is("payload-too-large", &call(service, Method::POST, create, &key, &" ".repeat(300_000)).await);
    met.is("method-not-allowed", &call(service, Method::PATCH, create, &[], "{}").await);
    met.is("unauthorized", &call(service, Method::POST, create, &[("authorization", "")], "{}").await);
    let operator = format!("Bearer {OPERATOR}");
    met.is("forbidden", &call(service, Method::POST, create, &[("authorization", &operator)], "{}").await);
    let nobody = "/v1/checkouts/0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10";
    met.is("checkout-not-found", &service.get(nobody).await);
    met.is("not-found", &service.get("/v1/nothing").await);
    met.is("idempotency-key-missing", &call(service, Method::POST, create, &[], "{}").await);
    service.post_with(create, "reused", &custom_cart()).await.expect(201);
    met.is("idempotency-key-reused", &service.post_with(create, "reused", &everything()).await);
    let mut body = custom_cart();
    body["customer_token"] = json!("nobody.knows.it");
    met.is("customer-not-proven", &service.post(create, &body).await);
}

/// What a service refuses that allows little.
async fn of_a_strict_service(met: &mut Met) {
    let mut world = crate::operators::world().await;
    world.set("ALLOW_RAW_CARDS", "false");
    world.set("LIMIT_UNKNOWN_PER_MINUTE", "1");
    run_with(world, async |world, service| {
        let guess = [("authorization", "Bearer a-guess-that-is-long-enough")];
        met.is("unauthorized", &call(service, Method::GET, "/ops/v1/summary", &guess, "").await);
        met.is("rate-limited", &call(service, Method::GET, "/ops/v1/summary", &guess, "").await);
        let path = service.create(&everything()).await;
        let paid = service.post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()}))).await;
        met.is("raw-card-not-enabled", &paid);
        // An order that was made, whose answer was lost, and which nobody could look for.
        world.simulator.add_fault(Fault::on("create-order").status_after(500));
        world.simulator.add_fault(Fault::on("list-orders").status_before(500).always());
        service.post(&format!("{path}/order"), &json!({})).await;
        crate::operators::stuck(service, &path, "order-unknown").await;
        world.simulator.clear_faults();
        let finding = json!({"reason": "a test", "finding": {"no_order": true}});
        let denied =
            service.operate(Method::POST, &format!("/ops{path}/resolve"), OPERATOR, Some(&finding)).await;
        met.is("contradicted-by-bigcommerce", &denied);
    })
    .await;
}

/// How a checkout stands.
async fn of_checkouts(world: &World, service: &Service, met: &mut Met) {
    let path = service.create(&custom_cart()).await;
    met.is("step-out-of-order", &service.post(&format!("{path}/order"), &json!({})).await);
    let stale = [("if-match", "\"0\"")];
    let message = json!({"customer_message": "x"}).to_string();
    met.is(
        "version-mismatch",
        &call(service, Method::PUT, &format!("{path}/customer-message"), &stale, &message).await,
    );
    let coupon = json!({"coupon_code": "NO-SUCH-COUPON"});
    met.is("rejected-by-bigcommerce", &service.post(&format!("{path}/coupons"), &coupon).await);
    let fault = world.simulator.add_fault(Fault::on("add-billing-address").hang_before());
    let slow = format!("{path}/billing-address");
    let (home, nothing) = (address(), json!({}));
    let (_, busy) = tokio::join!(service.put(&slow, &home), async {
        while world.simulator.reached(fault) == 0 {
            tokio::task::yield_now().await;
        }
        service.put(&slow, &home).await
    });
    met.is("step-in-progress", &busy);
    let urls = format!("{path}/redirect-urls");
    let fault = world.simulator.add_fault(Fault::on("create-redirect-urls").hang_before());
    let (_, second) = tokio::join!(service.post_with(&urls, "urls", &nothing), async {
        while world.simulator.reached(fault) == 0 {
            tokio::task::yield_now().await;
        }
        service.post_with(&urls, "urls", &nothing).await
    });
    met.is("idempotency-key-in-use", &second);
    service.delete(&path).await.expect(200);
    met.is("checkout-closed", &service.put(&slow, &address()).await);
    let mut far = everything();
    far["consignments"][0]["address"]["country_code"] = json!("AQ");
    met.is("not-deliverable", &service.post("/v1/checkouts", &far).await);
    let owner = service.create(&custom_cart()).await;
    let cart = service.get(&owner).await.body["cart"]["id"].clone();
    met.is("cart-taken", &service.post("/v1/checkouts", &json!({"cart_id": cart})).await);
}

/// What becomes of a payment.
async fn of_payments(world: &World, service: &Service, met: &mut Met) {
    let path = service.create(&everything()).await;
    let payment = format!("{path}/payment");
    met.is("total-changed", &{
        let body = json!({"agreed_total": 1, "payment": good_card()});
        service.post(&format!("{path}/complete"), &body).await
    });
    service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    met.is("agreement-required", &service.post(&payment, &good_card()).await);
    let mut slip = agreed(good_card());
    slip["payment_method_id"] = json!("stripe.crad");
    met.is("payment-method-unavailable", &service.post(&payment, &slip).await);
    let declined = agreed(card(&bigcommerce_simulator::magic_card(30_106, 0)));
    met.is("payment-declined", &service.post(&payment, &declined).await);
    // Another checkout: after a decline, the order is read before anything is sent.
    let path = service.create(&everything()).await;
    let payment = format!("{path}/payment");
    service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    world.simulator.add_fault(Fault::on("process-payment").status_after(500));
    world.simulator.add_fault(Fault::on("get-order").status_before(503).always());
    service.post_waiting(&payment, "in-doubt", 0, &agreed(good_card())).await.expect(202);
    service.wait_until(&path, "in doubt", |snapshot| snapshot["payment"]["status"] == "unknown").await;
    met.is("payment-in-doubt", &service.post(&payment, &agreed(good_card())).await);
    world.simulator.clear_faults();
    service.wait_until(&path, "found", |snapshot| snapshot["status"] == "completed").await;
}

/// What operators are told.
async fn of_operators(world: &World, service: &Service, met: &mut Met) {
    let path = service.create(&everything()).await;
    let act = async |name: &str, body: Value| {
        service.operate(Method::POST, &format!("/ops{path}/{name}"), OPERATOR, Some(&body)).await
    };
    met.is("refused-by-guard", &act("restart", json!({"reason": "a test"})).await);
    act("pause", json!({"reason": "a test"})).await.expect(200);
    met.is("checkout-stuck", &service.post(&format!("{path}/order"), &json!({})).await);
    let denied = service
        .operate(Method::POST, &format!("/ops{path}/resume"), READER, Some(&json!({"reason": "a test"})))
        .await;
    assert_eq!((denied.problem(), &denied.body["needs"]), ("forbidden", &json!("act")));
    let (_, order) = orders::paid(service).await;
    let change = |status: u8| json!({"status_id": status, "reason": "a test"});
    world.simulator.add_fault(Fault::on("update-order").status_before(500));
    let place = format!("/ops/v1/orders/{order}");
    met.is("outcome-unknown", &service.operate(Method::PUT, &place, ACTOR, Some(&change(2))).await);
    world.simulator.add_fault(Fault::on("refund").status_after(500));
    world.simulator.add_fault(Fault::on("list-refunds").status_before(503).always());
    let (refunds, body) = (format!("orders/{order}/refunds"), orders::refund_of(order, "1"));
    let first = async { orders::ask(service, &refunds, Some("first"), Some(&body)).await };
    let second = async {
        loop {
            let actions = orders::get(service, &format!("order-actions?order_id={order}")).await;
            if actions.body["data"]
                .as_array()
                .is_some_and(|rows| rows.iter().any(|row| row["kind"] == "refund"))
            {
                let busy = orders::ask(service, &refunds, Some("second"), Some(&body)).await;
                world.simulator.clear_faults();
                break busy;
            }
        }
    };
    let (refunded, busy) = tokio::join!(first, second);
    met.is("order-busy", &busy);
    refunded.expect(201);
    // Its outcome was written down, and cannot be read any more.
    let spoilt = sqlx::query("update order_action set answer = '{' where kind = 'refund'");
    spoilt.execute(&world.database.pool).await.expect("it is spoilt");
    met.is("internal", &orders::ask(service, &refunds, Some("first"), Some(&body)).await);
}

/// What is nobody's fault who asks.
async fn of_trouble(world: &World, service: &Service, relay: &Relay, met: &mut Met) {
    let path = service.create(&custom_cart()).await;
    world.simulator.add_fault(Fault::on("get-payment-methods").status_before(503).always());
    met.is("upstream-unavailable", &service.get(&format!("{path}/payment-methods")).await);
    world.simulator.clear_faults();
    relay.close();
    met.is("service-unavailable", &service.get(&path).await);
    relay.open();
}
