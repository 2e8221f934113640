//! What a shopper does, each in one function.

use bigcommerce_simulator::magic_card;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Service, address, agreed, card, custom_cart, everything, good_card};

pub(super) fn completed(answer: &Value) {
    assert_eq!(answer["status"], "completed", "{answer:#}");
}

pub(super) fn shirt() -> Value {
    json!({"line_items": [
        {"product_id": 184, "quantity": 1, "option_selections": [
            {"option_id": 200, "option_value": 180}, {"option_id": 230, "option_value": 192}]},
        {"product_id": 111, "quantity": 2},
    ]})
}

pub(super) async fn stepwise(service: &Service) {
    let path = service.create(&shirt()).await;
    service.put(&format!("{path}/billing-address"), &address()).await.expect(200);
    let consigned =
        service.put(&format!("{path}/consignments"), &json!([{"address": address()}])).await.expect(200);
    let option = &consigned.body["consignments"][0]["available_shipping_options"][2]["id"];
    service
        .put(&format!("{path}/shipping-options"), &json!([{"shipping_option_id": option}]))
        .await
        .expect(200);
    service
        .put(&format!("{path}/customer-message"), &json!({"customer_message": "Ring twice"}))
        .await
        .expect(200);
    let urls = service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
    assert!(urls.body["checkout_url"].is_string());
    service.get(&format!("{path}/payment-methods")).await.expect(200);
    service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    service.get(&format!("{path}/payment-methods")).await.expect(200);
    completed(&service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200).body);
    let confirmation = service.get(&format!("{path}/order")).await.expect(200);
    assert_eq!(confirmation.body["transactions"].as_array().map(Vec::len), Some(1));
}

pub(super) async fn in_one_call(service: &Service) {
    let path = service.create(&custom_cart()).await;
    let body = json!({
        "billing_address": address(), "consignments": [{"address": address()}], "shipping_preference": "cheapest",
        "agreed_total": 10.83, "payment": good_card(),
    });
    completed(&service.post(&format!("{path}/complete"), &body).await.expect(200).body);
}

pub(super) async fn digital(service: &Service) {
    let path = service.create(&json!({"line_items": [{"product_id": 112, "quantity": 1}]})).await;
    let body = agreed(json!({"billing_address": address(), "payment": good_card()}));
    completed(&service.post(&format!("{path}/complete"), &body).await.expect(200).body);
    let certificate = json!({"gift_certificates": [{
        "name": "Gift", "theme": "Birthday", "amount": 25, "quantity": 1,
        "sender": {"name": "Jane", "email": "jane@example.com"},
        "recipient": {"name": "Joe", "email": "joe@example.com"},
    }]});
    let path = service.create(&certificate).await;
    completed(&service.post(&format!("{path}/complete"), &body).await.expect(200).body);
}

pub(super) async fn revised(service: &Service) {
    let path = service.create(&everything()).await;
    let mut elsewhere = address();
    elsewhere["city"] = json!("Dallas");
    service.put(&format!("{path}/billing-address"), &elsewhere).await.expect(200);
    service.put(&format!("{path}/consignments"), &json!([{"address": elsewhere}])).await.expect(200);
    completed(
        &service
            .post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()})))
            .await
            .expect(200)
            .body,
    );
}

pub(super) async fn edited(service: &Service) {
    let path = service.create(&json!({"line_items": [{"product_id": 120, "quantity": 1}]})).await;
    let added = service.post(&format!("{path}/items"), &shirt()).await.expect(200);
    let mut lines = added.body["cart"]["line_items"]["physical_items"].as_array().expect("lines").iter();
    let (first, second) = (lines.next().expect("one"), lines.next().expect("two"));
    let item = |line: &Value| format!("{path}/items/{}", line["id"].as_str().expect("an id"));
    service.put(&item(first), &json!({"line_item": {"quantity": 3}})).await.expect(200);
    service.delete(&item(second)).await.expect(200);
    let coupon =
        service.post(&format!("{path}/coupons"), &json!({"coupon_code": "TENOFF"})).await.expect(200);
    assert_eq!(coupon.body["cart"]["coupons"][0]["code"], "TENOFF", "{}", coupon.text);
    service.delete(&format!("{path}/coupons/TENOFF")).await.expect(200);
    service.post(&format!("{path}/coupons"), &json!({"coupon_code": "FIVER"})).await.expect(200);
    let body = agreed(json!({
        "billing_address": address(), "consignments": [{"address": address()}], "shipping_preference": "cheapest",
        "payment": good_card(),
    }));
    completed(&service.post(&format!("{path}/complete"), &body).await.expect(200).body);
}

pub(super) async fn declined(service: &Service) {
    let path = service.create(&everything()).await;
    let body = agreed(json!({"payment": card(&magic_card(30_106, 0))}));
    service.post(&format!("{path}/complete"), &body).await.expect(402);
    completed(&service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200).body);
}

pub(super) async fn stored(service: &Service) {
    let mut body = everything();
    body["customer_id"] = json!(11);
    body["coupon_codes"] = json!(["TENOFF"]);
    let path = service.create(&body).await;
    service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    let methods = service.get(&format!("{path}/payment-methods")).await.expect(200);
    let all = methods.body["data"].as_array().expect("methods");
    let adyen = all.iter().find(|method| method["id"] == "adyenv2.scheme").expect("the method of the guide");
    let payment = agreed(json!({"payment_method_id": adyen["id"], "save_instrument": true, "instrument": {
        "type": "stored_card", "token": adyen["stored_instruments"][0]["token"], "verification_value": "1142"}}));
    completed(&service.post(&format!("{path}/payment"), &payment).await.expect(200).body);
}

pub(super) async fn with_credit(service: &Service) {
    let mut body = everything();
    body["customer_id"] = json!(1);
    let path = service.create(&body).await;
    let credit =
        json!({"payment_method_id": "bigcommerce.store_credit", "instrument": {"type": "store_credit"}});
    completed(
        &service
            .post(&format!("{path}/complete"), &agreed(json!({"payment": credit})))
            .await
            .expect(200)
            .body,
    );
    let path = service.create(&everything()).await;
    let certificate = json!({"payment_method_id": "bigcommerce.gift_certificate",
        "instrument": {"type": "gift_certificate", "gift_certificate_code": "GIFT-1000"}});
    completed(
        &service
            .post(&format!("{path}/complete"), &agreed(json!({"payment": certificate})))
            .await
            .expect(200)
            .body,
    );
}

pub(super) async fn direct(service: &Service) {
    let v2 = json!({
        "first_name": "Jane", "last_name": "Doe", "street_1": "123 Main Street", "city": "Austin", "state": "Texas",
        "zip": "78751", "country": "United States", "country_iso2": "US", "email": "janedoe@email.com",
    });
    let body = json!({
        "customer_id": 1, "billing_address": v2, "shipping_addresses": [v2],
        "shipping_cost_ex_tax": 9.25, "shipping_cost_inc_tax": 10,
        "products": [
            {"name": "BigCommerce Coffee Mug", "quantity": 1, "price_inc_tax": 50, "price_ex_tax": 45},
            {"product_id": 184, "quantity": 1, "product_options": [{"id": 200, "value": "180"}, {"id": 230, "value": "192"}]},
        ],
    });
    let created = service.post("/v1/direct-orders", &body).await.expect(201);
    let path = format!("/v1/checkouts/{}", created.id());
    service.get(&format!("{path}/payment-methods")).await.expect(200);
    completed(&service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200).body);
    service.get(&format!("{path}/order")).await.expect(200);
}

pub(super) async fn cancelled(service: &Service) {
    let early = service.create(&custom_cart()).await;
    service.delete(&early).await.expect(200);
    let late = service.create(&everything()).await;
    service.post(&format!("{late}/order"), &json!({})).await.expect(200);
    let answer = service.send(Method::DELETE, &late, None, None).await.expect(200);
    assert_eq!(answer.body["status"], "cancelled", "{}", answer.text);
}

pub(super) async fn several_addresses(service: &Service) {
    let path = service.create(&shirt()).await;
    let cart = service.put(&format!("{path}/billing-address"), &address()).await.expect(200).body;
    // All of it to one address first: going to two afterwards means that the first consignment is deleted.
    service.put(&format!("{path}/consignments"), &json!([{"address": address()}])).await.expect(200);
    let lines = cart["cart"]["line_items"]["physical_items"].as_array().expect("lines");
    let mut elsewhere = address();
    elsewhere["city"] = json!("Dallas");
    let part = |address: &Value, line: &Value| json!({"address": address, "line_items": [{"item_id": line["id"], "quantity": line["quantity"]}]});
    let body = json!([part(&address(), &lines[0]), part(&elsewhere, &lines[1])]);
    let consigned = service.put(&format!("{path}/consignments"), &body).await.expect(200).body;
    let choices: Vec<Value> = consigned["consignments"]
        .as_array()
        .expect("consignments")
        .iter()
        .map(|one| json!({"consignment_id": one["id"], "shipping_option_id": one["available_shipping_options"][0]["id"]}))
        .collect();
    assert_eq!(choices.len(), 2);
    service.put(&format!("{path}/shipping-options"), &json!(choices)).await.expect(200);
    completed(
        &service
            .post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()})))
            .await
            .expect(200)
            .body,
    );
}
