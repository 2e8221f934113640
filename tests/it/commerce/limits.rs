//! BigCommerce's documented limits are told at the door, by the field that breaks them, and cost no call.

use serde_json::{Value, json};

use super::ready;
use crate::harness::{Answer, address, custom_cart, good_card, run};

fn items(count: usize) -> Value {
    (0..count)
        .map(|index| json!({"name": format!("Item {index}"), "quantity": 1, "list_price": 1, "sku": "s"}))
        .collect()
}

/// The field that breaks the limit is told.
#[track_caller]
fn named(refused: &Answer, pointer: &str) {
    assert_eq!(refused.problem(), "invalid-input");
    let errors = refused.body["errors"].as_array().expect("errors");
    assert!(errors.iter().any(|error| error["pointer"] == pointer), "{pointer}: {errors:?}");
}

fn certificate(amount: &Value, message: &str) -> Value {
    let party = json!({"name": "Jane", "email": "jane@example.com"});
    json!({"gift_certificates": [{"name": "Gift", "theme": "General", "amount": amount, "quantity": 1,
        "sender": party, "recipient": party, "message": message}]})
}

#[tokio::test]
async fn every_limit_of_a_new_cart_is_named() {
    run(async |world, service| {
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
            (certificate(&json!(0.99), ""), "/gift_certificates/0/amount"),
            (certificate(&json!(1000.01), ""), "/gift_certificates/0/amount"),
            (certificate(&json!(10), &"x".repeat(201)), "/gift_certificates/0/message"),
            (with("customer_message", json!("x".repeat(2001))), "/customer_message"),
            (with("coupon_codes", json!(["x".repeat(51)])), "/coupon_codes/0"),
            (with("currency", json!({"code": "DOLLAR"})), "/currency/code"),
            (with("cart_id", json!("00000000-0000-4000-8000-000000000000")), "/custom_items"),
        ] {
            named(&service.post("/v1/checkouts", &body).await.expect(422), pointer);
        }
        assert!(world.simulator.requests().is_empty(), "nothing was asked of BigCommerce");
    })
    .await;
}

#[tokio::test]
async fn what_is_added_counts_together_with_what_is_there() {
    run(async |world, service| {
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
    })
    .await;
}

#[tokio::test]
async fn limits_of_later_calls_are_named_too() {
    run(async |world, service| {
        let path = ready(service, custom_cart()).await;
        let calls = world.simulator.requests().len();
        let long = "x".repeat(2001);
        let message =
            service.put(&format!("{path}/customer-message"), &json!({"customer_message": long})).await;
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
            named(&answer.expect(422), pointer);
        }
        assert_eq!(world.simulator.requests().len(), calls);
    })
    .await;
}

/// A direct order with so many products.
fn direct(customer: u32, count: usize) -> Value {
    let place = json!({"email": "jane@example.com", "zip": "78751", "country_iso2": "US"});
    let products: Value = (0..count)
        .map(|index| json!({"name": format!("Item {index}"), "quantity": 1, "price_ex_tax": 1, "price_inc_tax": 1}))
        .collect();
    json!({"customer_id": customer, "billing_address": place, "products": products})
}

#[tokio::test]
async fn limits_of_direct_orders_are_named() {
    run(async |world, service| {
        let with = |field: &str, value: Value| {
            let mut body = direct(1, 1);
            body[field] = value;
            body
        };
        for (body, pointer) in [
            (direct(0, 51), "/products"),
            (direct(1, 601), "/products"),
            (direct(1, 0), "/products"),
            (with("staff_notes", json!("x".repeat(65_536))), "/staff_notes"),
            (with("customer_message", json!("x".repeat(2001))), "/customer_message"),
            (with("ip_address", json!("1".repeat(31))), "/ip_address"),
            (with("ip_address_v6", json!("1".repeat(40))), "/ip_address_v6"),
            (with("subtotal_ex_tax", json!("1")), "/subtotal_inc_tax"),
        ] {
            named(&service.post("/v1/direct-orders", &body).await.expect(422), pointer);
        }
        assert!(world.simulator.requests().is_empty(), "nothing was asked of BigCommerce");
        // Exactly as many are taken.
        service.post("/v1/direct-orders", &direct(0, 50)).await.expect(201);
        service.post("/v1/direct-orders", &direct(1, 51)).await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn tokens_of_instruments_are_as_long_as_bigcommerce_makes_them() {
    run(async |world, service| {
        let path = ready(service, custom_cart()).await;
        let calls = world.simulator.requests().len();
        for kind in ["stored_card", "stored_paypal_account", "stored_bank_account", "tokenized_card"] {
            for length in [1, 63, 65] {
                let instrument = json!({"type": kind, "token": "a".repeat(length)});
                let body = json!({"payment_method_id": "stripe.card", "instrument": instrument});
                named(
                    &service.post(&format!("{path}/payment"), &body).await.expect(422),
                    "/instrument/token",
                );
            }
        }
        assert_eq!(world.simulator.requests().len(), calls);
    })
    .await;
}

#[tokio::test]
async fn limits_of_shipments_are_named() {
    run(async |world, service| {
        let shipment = json!({"order_address_id": 1, "items": [{"order_product_id": 1, "quantity": 1}]});
        for (field, value) in [
            ("order_address_id", json!("128")),
            ("order_address_id", json!(0)),
            ("order_address_id", json!(1.5)),
            ("tracking_number", json!("1".repeat(51))),
            ("tracking_link", json!(format!("https://example.com/{}", "x".repeat(481)))),
            ("comments", json!("x".repeat(65_536))),
            ("items", json!([])),
        ] {
            let mut body = shipment.clone();
            body[field] = value;
            let refused =
                crate::orders::ask(service, "orders/1/shipments", None, Some(&body)).await.expect(422);
            named(&refused, &format!("/{field}"));
        }
        assert!(world.simulator.requests().is_empty(), "nothing was asked of BigCommerce");
    })
    .await;
}
