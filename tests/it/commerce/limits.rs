//! BigCommerce's documented limits are told at the door, by the field that breaks them, and cost no call.

use serde_json::{Value, json};

use super::ready;
use crate::harness::{World, address, custom_cart, good_card};

fn items(count: usize) -> Value {
    (0..count)
        .map(|index| json!({"name": format!("Item {index}"), "quantity": 1, "list_price": 1, "sku": "s"}))
        .collect()
}

fn certificate(amount: Value, message: &str) -> Value {
    let party = json!({"name": "Jane", "email": "jane@example.com"});
    json!({"gift_certificates": [{"name": "Gift", "theme": "General", "amount": amount, "quantity": 1,
        "sender": party, "recipient": party, "message": message}]})
}

#[tokio::test]
async fn every_limit_of_a_new_cart_is_named() {
    let world = World::new().await;
    let service = world.start().await;
    let with = |field: &str, value: Value| {
        let mut body = custom_cart();
        body[field] = value;
        body
    };
    let custom = |name: &str, units: u32| json!([{"name": name, "quantity": units, "list_price": 1}]);
    for (body, pointer) in [
        (json!({"custom_items": items(51)}), ""),
        (json!({"customer_id": 1, "custom_items": items(601)}), "/custom_items"),
        (json!({"custom_items": custom(&"x".repeat(251), 1)}), "/custom_items/0/name"),
        (json!({"custom_items": custom("", 1)}), "/custom_items/0/name"),
        (json!({"custom_items": custom("x", 0)}), "/custom_items/0/quantity"),
        (certificate(json!(0.99), ""), "/gift_certificates/0/amount"),
        (certificate(json!(1000.01), ""), "/gift_certificates/0/amount"),
        (certificate(json!(10), &"x".repeat(201)), "/gift_certificates/0/message"),
        (with("customer_message", json!("x".repeat(2001))), "/customer_message"),
        (with("coupon_codes", json!(["x".repeat(51)])), "/coupon_codes/0"),
        (with("currency", json!({"code": "DOLLAR"})), "/currency/code"),
        (with("cart_id", json!("00000000-0000-4000-8000-000000000000")), "/custom_items"),
    ] {
        let refused = service.post("/v1/checkouts", &body).await.expect(422);
        assert_eq!(refused.problem(), "invalid-input");
        let errors = refused.body["errors"].as_array().expect("errors");
        assert!(errors.iter().any(|error| error["pointer"] == pointer), "{pointer}: {errors:?}");
    }
    assert!(world.simulator.requests().is_empty(), "nothing was asked of BigCommerce");
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn what_is_added_counts_together_with_what_is_there() {
    let world = World::new().await;
    let service = world.start().await;
    let path = service.create(&json!({"custom_items": items(50)})).await;
    let calls = world.simulator.requests().len();
    let refused =
        service.post(&format!("{path}/items"), &json!({"custom_items": items(1)})).await.expect(422);
    assert_eq!(refused.problem(), "invalid-input");
    assert!(refused.text.contains("50"), "{}", refused.text);
    assert_eq!(world.simulator.requests().len(), calls);
    // A customer's cart holds more.
    let path = service.create(&json!({"customer_id": 1, "custom_items": items(50)})).await;
    service.post(&format!("{path}/items"), &json!({"custom_items": items(1)})).await.expect(200);
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn limits_of_later_calls_are_named_too() {
    let world = World::new().await;
    let service = world.start().await;
    let path = ready(&service, custom_cart()).await;
    let calls = world.simulator.requests().len();
    let long = "x".repeat(2001);
    let message = service.put(&format!("{path}/customer-message"), &json!({"customer_message": long})).await;
    let coupon = service.post(&format!("{path}/coupons"), &json!({"coupon_code": "x".repeat(51)})).await;
    let mut bad = good_card();
    bad["instrument"]["verification_value"] = json!("12345");
    let card = service.post(&format!("{path}/payment"), &bad).await;
    let mut place = address();
    place["email"] = json!(null);
    let billing = service.put(&format!("{path}/billing-address"), &place).await;
    for (answer, pointer) in [
        (message, "/customer_message"),
        (coupon, "/coupon_code"),
        (card, "/instrument/verification_value"),
        (billing, "/email"),
    ] {
        let refused = answer.expect(422);
        let errors = refused.body["errors"].as_array().expect("errors");
        assert!(errors.iter().any(|error| error["pointer"] == pointer), "{pointer}: {errors:?}");
    }
    assert_eq!(world.simulator.requests().len(), calls);
    service.stop().await;
    world.finish().await;
}
