//! Whole checkouts through the doors.

use serde_json::{Value, json};

use crate::harness::{OTHER_KEY, Service, address, agreed, card, custom_cart, everything, good_card, run};

fn status(snapshot: &Value) -> &str {
    snapshot["status"].as_str().unwrap_or_default()
}

fn step<'a>(snapshot: &'a Value, name: &str) -> &'a str {
    let steps = snapshot["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
    let step = steps.iter().find(|step| step["name"] == name);
    step.and_then(|step| step["status"].as_str()).unwrap_or_default()
}

/// The stepwise checkout, up to and including the order.
async fn up_to_order(service: &Service) -> String {
    let path = service.create(&custom_cart()).await;
    service.put(&format!("{path}/billing-address"), &address()).await.expect(200);
    let consigned =
        service.put(&format!("{path}/consignments"), &json!([{"address": address()}])).await.expect(200);
    let options = &consigned.body["consignments"][0]["available_shipping_options"];
    let option = options
        .as_array()
        .expect("options")
        .iter()
        .find(|option| option["cost"] == 0)
        .expect("a free option");
    let choice = json!([{"shipping_option_id": option["id"]}]);
    service.put(&format!("{path}/shipping-options"), &choice).await.expect(200);
    let ordered = service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    assert_eq!(ordered.body["order"]["status"], "Incomplete");
    path
}

#[tokio::test]
async fn a_stepwise_checkout_ends_with_one_paid_order() {
    run(async |world, service| {
        let path = up_to_order(service).await;
        let paid = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        assert_eq!(status(&paid.body), "completed", "{}", paid.text);
        assert_eq!(paid.body["payment"]["status"], "succeeded");
        assert_eq!(
            paid.body["payment"]["amount"].to_string(),
            paid.body["totals"]["grand_total"].to_string()
        );
        assert_eq!(paid.body["next_step"], Value::Null);
        let ledger = world.simulator.ledger();
        assert_eq!((ledger.orders.len(), ledger.charges.len()), (1, 1));
        let confirmation = service.get(&format!("{path}/order")).await.expect(200);
        assert_eq!(confirmation.body["order"]["id"], paid.body["order"]["id"]);
        assert_eq!(confirmation.body["products"].as_array().map(Vec::len), Some(1));
        assert_eq!(confirmation.body["transactions"].as_array().map(Vec::len), Some(1));
    })
    .await;
}

#[tokio::test]
async fn a_checkout_in_one_call_ends_with_one_paid_order() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        let created = service.get(&path).await.expect(200);
        assert_eq!(created.body["next_step"], "order", "{}", created.text);
        let paid = service
            .post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()})))
            .await
            .expect(200);
        assert_eq!(status(&paid.body), "completed", "{}", paid.text);
        let ledger = world.simulator.ledger();
        assert_eq!((ledger.orders.len(), ledger.charges.len()), (1, 1));
        assert_eq!(ledger.carts[0].state, "converted");
    })
    .await;
}

#[tokio::test]
async fn complete_takes_whatever_is_missing() {
    run(async |_, service| {
        let path = service.create(&custom_cart()).await;
        let missing =
            service.post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()}))).await.expect(409);
        assert_eq!(missing.problem(), "step-out-of-order");
        assert_eq!(missing.body["next_step"], "billing-address");
        let body = json!({
            "billing_address": address(), "consignments": [{"address": address()}], "shipping_preference": "cheapest",
            "agreed_total": 10.83, "payment": good_card(),
        });
        let paid = service.post(&format!("{path}/complete"), &body).await.expect(200);
        assert_eq!(status(&paid.body), "completed", "{}", paid.text);
    })
    .await;
}

#[tokio::test]
async fn a_cart_with_nothing_to_ship_skips_shipping() {
    run(async |_, service| {
        let certificate = json!({"gift_certificates": [{
            "name": "Gift", "theme": "Birthday", "amount": 25, "quantity": 1,
            "sender": {"name": "Jane", "email": "jane@example.com"},
            "recipient": {"name": "Joe", "email": "joe@example.com"},
        }]});
        let path = service.create(&certificate).await;
        let billed = service.put(&format!("{path}/billing-address"), &address()).await.expect(200);
        assert_eq!(
            (step(&billed.body, "consignments"), step(&billed.body, "shipping-options")),
            ("skipped", "skipped")
        );
        assert_eq!(billed.body["next_step"], "order");
        let refused =
            service.put(&format!("{path}/consignments"), &json!([{"address": address()}])).await.expect(409);
        assert_eq!(refused.problem(), "step-out-of-order");
        let paid = service
            .post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()})))
            .await
            .expect(200);
        assert_eq!(status(&paid.body), "completed", "{}", paid.text);
    })
    .await;
}

#[tokio::test]
async fn earlier_steps_may_be_revised_until_the_order_is_paid() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        let mut elsewhere = address();
        elsewhere["city"] = json!("Dallas");
        let revised = service.put(&format!("{path}/billing-address"), &elsewhere).await.expect(200);
        assert_eq!(revised.body["billing_address"]["city"], "Dallas");
        assert_eq!(revised.body["next_step"], "order");
        let moved =
            service.put(&format!("{path}/consignments"), &json!([{"address": elsewhere}])).await.expect(200);
        assert_eq!(moved.body["consignments"].as_array().map(Vec::len), Some(1));
        assert_eq!(moved.body["consignments"][0]["address"]["city"], "Dallas");
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        let again = service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        assert_eq!(again.body["order"]["status_id"], 0);
        assert_eq!(world.simulator.ledger().orders.len(), 1);
        let late = service.put(&format!("{path}/billing-address"), &address()).await.expect(200);
        assert_eq!(late.body["next_step"], "order", "{}", late.text);
        service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        let over = service.put(&format!("{path}/billing-address"), &address()).await.expect(409);
        assert_eq!(over.problem(), "checkout-closed");
        let ledger = world.simulator.ledger();
        assert_eq!((ledger.orders.len(), ledger.orders[0].status_id, ledger.charges.len()), (2, 5, 1));
    })
    .await;
}

#[tokio::test]
async fn a_change_of_the_cart_reopens_what_it_invalidates() {
    run(async |_, service| {
        let path = service.create(&everything()).await;
        let added = service.post(&format!("{path}/items"), &custom_cart()).await.expect(200);
        assert_eq!(
            added.body["cart"]["line_items"]["custom_items"].as_array().map(Vec::len),
            Some(2),
            "{}",
            added.text
        );
        assert_eq!(added.body["next_step"], "consignments");
        let refused = service.post(&format!("{path}/order"), &json!({})).await.expect(409);
        assert_eq!(refused.problem(), "step-out-of-order");
        service.put(&format!("{path}/consignments"), &json!([{"address": address()}])).await.expect(200);
        let paid = service
            .post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()})))
            .await
            .expect(200);
        assert_eq!(status(&paid.body), "completed", "{}", paid.text);
    })
    .await;
}

#[tokio::test]
async fn a_declined_payment_may_be_tried_again_on_the_same_order() {
    run(async |world, service| {
        let path = up_to_order(service).await;
        let declined_card = bigcommerce_simulator::magic_card(30_106, 0);
        let declined =
            service.post(&format!("{path}/payment"), &agreed(card(&declined_card))).await.expect(402);
        assert_eq!(
            (declined.problem(), declined.body["decline"]["code"].as_i64()),
            ("payment-declined", Some(30106))
        );
        assert_eq!(declined.body["safe_to_pay_again"], true);
        let snapshot = service.get(&path).await.expect(200);
        assert_eq!(snapshot.body["payment"]["status"], "declined");
        assert_eq!(
            (status(&snapshot.body), snapshot.body["next_step"].as_str()),
            ("awaiting_input", Some("payment"))
        );
        let paid = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        assert_eq!(status(&paid.body), "completed");
        let ledger = world.simulator.ledger();
        assert_eq!((ledger.orders.len(), ledger.attempts.len(), ledger.charges.len()), (1, 2, 1));
    })
    .await;
}

#[tokio::test]
async fn a_key_answers_with_what_became_of_its_attempt() {
    run(async |world, service| {
        let first = service.post_with("/v1/checkouts", "key-1", &everything()).await.expect(201);
        let again = service.post_with("/v1/checkouts", "key-1", &everything()).await.expect(201);
        assert_eq!(first.id(), again.id());
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert_ne!(first.body["checkout_token"], again.body["checkout_token"]);
        let other_body = service.post_with("/v1/checkouts", "key-1", &custom_cart()).await.expect(422);
        assert_eq!(other_body.problem(), "idempotency-key-reused");
        let path = format!("/v1/checkouts/{}", first.id());
        let other_target = service.post_with(&format!("{path}/order"), "key-1", &json!({})).await.expect(422);
        assert_eq!(other_target.problem(), "idempotency-key-reused");

        let body = agreed(json!({"payment": good_card()}));
        let complete = format!("{path}/complete");
        let (one, two) = tokio::join!(
            service.post_with(&complete, "key-2", &body),
            service.post_with(&complete, "key-2", &body),
        );
        for answer in [one.expect(200), two.expect(200)] {
            assert_eq!(status(&answer.body), "completed", "{}", answer.text);
        }
        let third = service.post_with(&format!("{path}/complete"), "key-2", &body).await.expect(200);
        assert_eq!(third.header("idempotent-replayed"), Some("true"));
        let fourth = service.post_with(&format!("{path}/complete"), "key-3", &body).await.expect(409);
        assert_eq!(fourth.problem(), "checkout-closed");
        assert_eq!(world.simulator.ledger().charges.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn two_tabs_make_one_order_and_one_charge() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        let body = agreed(json!({"payment": good_card()}));
        let complete = format!("{path}/complete");
        let answers = futures::future::join_all((0..8).map(|_| service.post(&complete, &body))).await;
        let completed = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(completed, 1);
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!(answer.status, 409);
            assert!(matches!(answer.problem(), "step-in-progress" | "checkout-closed"), "{}", answer.text);
        }
        let ledger = world.simulator.ledger();
        assert_eq!((ledger.orders.len(), ledger.charges.len()), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn a_total_above_the_agreed_one_is_not_ordered() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        let body = json!({"agreed_total": 10.82, "payment": good_card()});
        let refused = service.post(&format!("{path}/complete"), &body).await.expect(409);
        assert_eq!(refused.problem(), "total-changed");
        assert_eq!(refused.body["agreed_total"].to_string(), "10.82");
        assert_eq!(refused.body["grand_total"].to_string(), "10.83");
        let ledger = world.simulator.ledger();
        assert_eq!((ledger.orders.len(), ledger.tokens.len()), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_checkout_leaves_no_cart_and_no_open_order() {
    run(async |world, service| {
        let path = up_to_order(service).await;
        let cancelled = service.delete(&path).await.expect(200);
        assert_eq!(status(&cancelled.body), "cancelled", "{}", cancelled.text);
        let ledger = world.simulator.ledger();
        assert_eq!(ledger.carts[0].state, "deleted");
        assert_eq!(ledger.orders[0].status_id, 5);
        let again = service.delete(&path).await.expect(200);
        assert_eq!(status(&again.body), "cancelled");
        let closed = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(409);
        assert_eq!(closed.problem(), "checkout-closed");
    })
    .await;
}

#[tokio::test]
async fn who_does_not_wait_finds_the_answer_later() {
    run(async |_, service| {
        let path = service.create(&everything()).await;
        let (complete, body) = (format!("{path}/complete"), agreed(json!({"payment": good_card()})));
        let accepted = service.post_waiting(&complete, "not-waiting", 0, &body).await.expect(202);
        assert_eq!(accepted.header("location"), Some(path.as_str()));
        assert!(accepted.header("retry-after").is_some());
        let done = service.wait_until(&path, "completed", |snapshot| status(snapshot) == "completed").await;
        assert_eq!(done["payment"]["status"], "succeeded");
    })
    .await;
}

#[tokio::test]
async fn a_direct_order_is_paid_like_any_other() {
    run(async |_, service| {
        let body = json!({
            "billing_address": {
                "first_name": "Jane", "last_name": "Doe", "street_1": "123 Main Street", "city": "Austin",
                "state": "Texas", "zip": "78751", "country": "United States", "country_iso2": "US",
                "email": "janedoe@email.com",
            },
            "products": [{"name": "BigCommerce Coffee Mug", "quantity": 1, "price_inc_tax": 50, "price_ex_tax": 45}],
        });
        let created = service.post("/v1/direct-orders", &body).await.expect(201);
        assert_eq!(
            (created.body["flow"].as_str(), created.body["next_step"].as_str()),
            (Some("direct-order"), Some("payment"))
        );
        let path = format!("/v1/checkouts/{}", created.id());
        let paid = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        assert_eq!(status(&paid.body), "completed", "{}", paid.text);
        assert_eq!(paid.body["payment"]["amount"].to_string().parse::<f32>().ok(), Some(50.0));
    })
    .await;
}

#[tokio::test]
async fn a_checkout_is_invisible_to_the_token_of_another() {
    run(async |_, service| {
        let mine = service.post("/v1/checkouts", &custom_cart()).await.expect(201);
        let other = service.post("/v1/checkouts", &custom_cart()).await.expect(201);
        let path = format!("/v1/checkouts/{}", mine.id());
        let token = |answer: &crate::harness::Answer| {
            format!("Bearer {}", answer.body["checkout_token"].as_str().unwrap_or_default())
        };
        for (credential, expected) in [
            (token(&mine), 200),
            (token(&other), 404),
            (format!("Bearer {OTHER_KEY}"), 200),
            (format!("Bearer {}", crate::harness::OPERATOR), 403),
            ("Bearer nonsense-nonsense-nonsense".to_owned(), 401),
        ] {
            service
                .call(reqwest::Method::GET, &path, &[("authorization", &credential)], None)
                .await
                .expect(expected);
        }
    })
    .await;
}

#[tokio::test]
async fn a_pending_payment_is_followed_until_it_settles() {
    for (settlement, expected) in [
        (bigcommerce_simulator::Settlement::Success, "completed"),
        (bigcommerce_simulator::Settlement::Decline, "awaiting_input"),
    ] {
        run(async |world, service| {
            let path = up_to_order(service).await;
            let body = agreed(card(&bigcommerce_simulator::magic_card(20_003, 0)));
            let pending =
                service.post_waiting(&format!("{path}/payment"), "pending", 1, &body).await.expect(202);
            assert_eq!(
                (status(&pending.body), pending.body["payment"]["status"].as_str()),
                ("waiting", Some("pending"))
            );
            let second = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(409);
            assert_eq!(second.problem(), "payment-in-doubt");
            let order = pending.body["order"]["id"].as_u64().expect("an order");
            assert!(world.simulator.settle(order, settlement));
            let settled = service.wait_until(&path, "settled", |snapshot| status(snapshot) == expected).await;
            if expected == "awaiting_input" {
                assert_eq!(settled["payment"]["status"], "declined");
                assert_eq!(settled["payment"]["safe_to_pay_again"], true);
                assert_eq!(settled["next_step"], "order", "{settled:#}");
            }
        })
        .await;
    }
}
