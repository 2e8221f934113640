//! From every state that a shopper can reach there is a call that goes on, and no slip of his is a case for operators.

mod back;
mod carts;
mod outage;

use serde_json::{Value, json};

use crate::harness::{Answer, Service, address, agreed, custom_cart, everything, good_card, run};

/// The checkout that a refused creation left behind.
fn made(refused: &Answer) -> String {
    assert!(refused.body["checkout_token"].is_string(), "{}", refused.text);
    refused.body["instance"].as_str().expect("an instance").to_owned()
}

async fn paid(service: &Service, path: &str) -> Value {
    let body = agreed(json!({"payment": good_card()}));
    let paid = service.post(&format!("{path}/complete"), &body).await.expect(200).body;
    assert_eq!(paid["status"], "completed", "{paid}");
    paid
}

fn selected(snapshot: &Value) -> &str {
    snapshot["consignments"][0]["selected_shipping_option"]["type"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_cart_stands_without_the_coupon_that_was_refused_at_its_creation() {
    run(async |world, service| {
        let mut body = everything();
        body["coupon_codes"] = json!(["EXPIRED", "TENOFF", "NO-SUCH"]);
        let refused = service.post("/v1/checkouts", &body).await.expect(422);
        assert_eq!(refused.problem(), "rejected-by-bigcommerce", "{}", refused.text);
        assert_eq!(refused.body["coupon_codes"], json!(["EXPIRED", "NO-SUCH"]), "{}", refused.text);
        assert_eq!(refused.body["next_step"], "billing-address", "{}", refused.text);
        assert!(refused.body["detail"].as_str().is_some_and(|detail| detail.contains("EXPIRED")));
        let path = made(&refused);
        let stands = service.get(&path).await.expect(200).body;
        assert_eq!(
            (&stands["status"], &stands["next_step"]),
            (&json!("awaiting_input"), &json!("billing-address"))
        );
        assert_eq!(stands["cart"]["coupons"].as_array().map(Vec::len), Some(1), "{stands}");
        // What was given with it is not lost.
        let on = service.put(&format!("{path}/billing-address"), &address()).await.expect(200).body;
        assert_eq!(on["next_step"], "order", "{on}");
        paid(service, &path).await;
        assert_eq!(world.simulator.ledger().carts.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn after_a_refused_coupon_every_call_on_the_cart_goes_on() {
    run(async |_, service| {
        let mut body = custom_cart();
        body["coupon_codes"] = json!(["EXPIRED"]);
        let path = made(&service.post("/v1/checkouts", &body).await.expect(422));
        let coupon = json!({"coupon_code": "TENOFF"});
        service.post(&format!("{path}/coupons"), &coupon).await.expect(200);
        let items = json!({"line_items": [{"product_id": 120, "quantity": 1}]});
        service.post(&format!("{path}/items"), &items).await.expect(200);
        let on = service.put(&format!("{path}/billing-address"), &address()).await.expect(200).body;
        assert_eq!(on["next_step"], "consignments", "{on}");
    })
    .await;
}

#[tokio::test]
async fn items_that_were_refused_at_creation_are_given_anew() {
    run(async |world, service| {
        let mut body = everything();
        body["line_items"] = json!([{"product_id": 114, "quantity": 1}]);
        let refused = service.post("/v1/checkouts", &body).await.expect(422);
        assert_eq!(refused.body["next_step"], "cart", "{}", refused.text);
        let path = made(&refused);
        let others = json!({"line_items": [{"product_id": 120, "quantity": 1}]});
        let on = service.post(&format!("{path}/items"), &others).await.expect(200).body;
        // The address that was given with the first ones counts.
        assert_eq!(on["next_step"], "order", "{on}");
        assert_eq!(on["cart"]["line_items"]["physical_items"][0]["product_id"], 120, "{on}");
        assert_eq!(on["cart"]["line_items"]["custom_items"], json!([]), "{on}");
        paid(service, &path).await;
        assert_eq!(world.simulator.ledger().carts.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_cart_that_cannot_be_taken_over_is_followed_by_one_of_ours() {
    run(async |_, service| {
        let body = json!({"cart_id": "5f4b2c9e-0000-4000-8000-000000000000"});
        let path = made(&service.post("/v1/checkouts", &body).await.expect(422));
        let on = service.post(&format!("{path}/items"), &custom_cart()).await.expect(200).body;
        assert_eq!(on["next_step"], "billing-address", "{on}");
    })
    .await;
}

#[tokio::test]
async fn a_payment_method_that_does_not_exist_is_a_slip_of_the_shopper() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        let mut slip = agreed(good_card());
        slip["payment_method_id"] = json!("stripe.crad");
        for _ in 0..3 {
            let refused = service.post(&format!("{path}/payment"), &slip).await.expect(422);
            assert_eq!(refused.problem(), "payment-method-unavailable", "{}", refused.text);
            assert_eq!(refused.body["safe_to_pay_again"], true, "{}", refused.text);
            let words = "This payment method is not available here. Please choose another one.";
            assert_eq!(refused.body["shopper_message"], words);
            let rests = service.get(&path).await.expect(200).body;
            assert_eq!(
                (&rests["status"], &rests["next_step"], &rests["stuck"]),
                (&json!("awaiting_input"), &json!("payment"), &Value::Null)
            );
        }
        let metrics = service.get("/metrics").await.text;
        let counted = "headless_checkout_payment_methods_unavailable_total{store=\"default\"} 3";
        assert!(metrics.contains(counted), "{metrics}");
        service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        assert_eq!(world.simulator.ledger().charges.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn who_gave_an_address_gets_a_delivery() {
    run(async |_, service| {
        for preference in ["cheapest", "fastest"] {
            let mut body = everything();
            body["shipping_preference"] = json!(preference);
            let made = service.post("/v1/checkouts", &body).await.expect(201).body;
            assert_eq!(selected(&made), "freeshipping", "{made}");
            let notice = made["notices"][0]["code"].as_str();
            assert_eq!(notice, (preference == "fastest").then_some("no-transit-times"), "{made}");
        }
        let mut body = everything();
        body["shipping_preference"] = json!({"type": "shipping_pickupinstore"});
        let fetched = service.post("/v1/checkouts", &body).await.expect(201).body;
        assert_eq!(selected(&fetched), "shipping_pickupinstore", "{fetched}");
    })
    .await;
}

#[tokio::test]
async fn a_change_of_the_cart_shows_what_will_be_charged() {
    run(async |world, service| {
        let mut body = everything();
        body["line_items"] = json!([{"product_id": 120, "quantity": 2}]);
        body["shipping_preference"] = json!({"type": "shipping_flatrate"});
        let made = service.post("/v1/checkouts", &body).await.expect(201);
        let path = format!("/v1/checkouts/{}", made.id());
        let item = made.body["cart"]["line_items"]["physical_items"][0]["id"].as_str().expect("an item");
        let less = json!({"line_item": {"quantity": 1}});
        let shown = service.put(&format!("{path}/items/{item}"), &less).await.expect(200).body;
        assert_eq!(
            (selected(&shown), &shown["next_step"]),
            ("shipping_flatrate", &json!("order")),
            "{shown}"
        );
        let body = json!({"payment": good_card(), "agreed_total": shown["totals"]["grand_total"]});
        let paid = service.post(&format!("{path}/complete"), &body).await.expect(200).body;
        assert_eq!(paid["payment"]["amount"].to_string(), shown["totals"]["grand_total"].to_string());
        assert_eq!(world.simulator.ledger().charges.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_address_where_the_chosen_option_is_not_offered_asks_for_another_one() {
    run(async |_, service| {
        let mut body = everything();
        body["shipping_preference"] = json!({"type": "freeshipping"});
        let path = service.create(&body).await;
        let mut elsewhere = address();
        elsewhere["country_code"] = json!("CA");
        let put = json!([{"address": elsewhere}]);
        let moved = service.put(&format!("{path}/consignments"), &put).await.expect(200).body;
        assert_eq!(moved["next_step"], "shipping-options", "{moved}");
        assert_eq!(moved["consignments"][0]["address"]["country_code"], "CA");
        let option = moved["consignments"][0]["available_shipping_options"][0]["id"].clone();
        let choice = json!([{"shipping_option_id": option}]);
        let on = service.put(&format!("{path}/shipping-options"), &choice).await.expect(200).body;
        assert_eq!(on["next_step"], "order", "{on}");
        paid(service, &path).await;
    })
    .await;
}

#[tokio::test]
async fn where_nothing_is_delivered_the_shopper_is_told_and_moves_on() {
    run(async |_, service| {
        let path = service.create(&everything()).await;
        let mut far = address();
        far["country_code"] = json!("AQ");
        let put = json!([{"address": far}]);
        let refused = service.put(&format!("{path}/consignments"), &put).await.expect(422);
        assert_eq!(refused.problem(), "not-deliverable", "{}", refused.text);
        assert_eq!(refused.body["next_step"], "consignments", "{}", refused.text);
        let words = "We do not deliver to this address. Please choose another one.";
        assert_eq!(refused.body["shopper_message"], words);
        let pay = agreed(json!({"payment": good_card()}));
        let early = service.post(&format!("{path}/complete"), &pay).await.expect(409);
        assert_eq!(early.body["next_step"], "consignments", "{}", early.text);
        let near = json!([{"address": address()}]);
        service.put(&format!("{path}/consignments"), &near).await.expect(200);
        paid(service, &path).await;
    })
    .await;
}

#[tokio::test]
async fn a_gift_certificate_that_expired_is_no_card() {
    run(async |_, service| {
        let path = service.create(&everything()).await;
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        let expired = json!({"payment_method_id": "bigcommerce.gift_certificate",
            "instrument": {"type": "gift_certificate", "gift_certificate_code": "GIFT-EXPIRED"}});
        let declined = service.post(&format!("{path}/payment"), &agreed(expired)).await.expect(402);
        let words = declined.body["shopper_message"].as_str().expect("a sentence");
        assert!(words.starts_with("Your gift certificate has expired."), "{}", declined.text);
    })
    .await;
}

#[tokio::test]
async fn a_number_that_is_sent_as_text_is_told_as_that() {
    run(async |_, service| {
        let path = service.create(&everything()).await;
        let pay = json!({"payment": good_card(), "agreed_total": "10.83"});
        let mut many = everything();
        many["custom_items"][0]["quantity"] = json!("1");
        for (call, body) in [(format!("{path}/complete"), pay), ("/v1/checkouts".to_owned(), many)] {
            let refused = service.post(&call, &body).await.expect(422);
            assert_eq!(refused.problem(), "invalid-input", "{}", refused.text);
            let detail = refused.body["errors"][0]["detail"].as_str().expect("a detail");
            assert!(detail.contains("number") && detail.contains("not text"), "{}", refused.text);
        }
    })
    .await;
}
