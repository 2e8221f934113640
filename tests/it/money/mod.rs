//! Paid is a sum and not a word: through the doors of the service, against the ledger.

mod elsewhere;
mod given_back;
mod gone;
mod listed;
mod others;
mod page;
mod parts;
mod told;
mod voided;

use bigcommerce_simulator::{Money, PartialPayment, Settings};
use serde_json::{Value, json};

use crate::harness::{Service, World, agreed, everything};

/// A gift certificate that holds 5.
fn certificate() -> Value {
    json!({"payment_method_id": "bigcommerce.gift_certificate",
        "instrument": {"type": "gift_certificate", "gift_certificate_code": "GIFT-5"}})
}

/// A world in which a part can be paid.
fn settings(partial_payment: PartialPayment) -> Settings {
    Settings { partial_payment, ..Settings::default() }
}

/// A checkout with its order of 10.83.
async fn ordered(service: &Service) -> String {
    let path = service.create(&everything()).await;
    service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    path
}

/// The same with 5 of it paid.
async fn paid_in_part(service: &Service) -> String {
    let path = ordered(service).await;
    let part = service.post(&format!("{path}/payment"), &agreed(certificate())).await.expect(200);
    assert_eq!(part.body["payment"]["status"], "partially_paid", "{}", part.text);
    path
}

/// The money of the only order that holds or held any.
fn money(world: &World) -> Money {
    let ledger = world.simulator.ledger();
    let orders = ledger
        .moneys()
        .into_iter()
        .filter(|money| !(money.captured + money.voided + money.authorized).is_zero());
    let orders: Vec<Money> = orders.collect();
    assert_eq!(orders.len(), 1, "{orders:#?}");
    orders[0].clone()
}

/// Amounts as the snapshot shows them: paid and due.
fn amounts(snapshot: &Value) -> (String, String) {
    (snapshot["payment"]["amount_paid"].to_string(), snapshot["payment"]["amount_due"].to_string())
}

/// Somebody else changes the order at BigCommerce.
#[expect(clippy::disallowed_methods, reason = "it is not the service that sends")]
async fn merchant(world: &World, order: &Value, body: Value) {
    let url = format!("{}/stores/teststore/v2/orders/{order}", world.simulator.url());
    let client = reqwest::Client::new();
    let request = client.put(url).header("x-auth-token", "the-merchant").header("accept", "application/json");
    let request = request.header("content-type", "application/json").body(body.to_string());
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

/// Somebody else does something about the money of the order at BigCommerce.
#[expect(clippy::disallowed_methods, reason = "it is not the service that sends")]
async fn act(world: &World, order: &Value, action: &str, body: Value) {
    let url =
        format!("{}/stores/teststore/v3/orders/{order}/payment_actions/{action}", world.simulator.url());
    let client = reqwest::Client::new();
    let request =
        client.post(url).header("x-auth-token", "the-merchant").header("accept", "application/json");
    let request = request.header("content-type", "application/json").body(body.to_string());
    let answer = request.send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap_or_default());
}
