//! Order management over HTTP: what it takes, what it answers, and that nothing of it happens twice.

mod cancel;
mod crash;
mod lost;
mod money;
mod read;
mod refused;
mod shipments;
mod status;
mod unreadable;

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, OPERATOR, READER, Service, World, agreed, card, everything, good_card};

pub(crate) use crate::operators::{id, world};

/// A card whose payment is only authorized.
const AUTHORIZES: &str = "4000020004000006";

/// Where a refused request is wrong.
pub(crate) fn pointers(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.problem(), "invalid-input", "{}", answer.text);
    let errors = answer.body["errors"].as_array().expect("errors");
    let mut found: Vec<&str> =
        errors.iter().map(|error| error["pointer"].as_str().expect("a pointer")).collect();
    found.sort_unstable();
    found
}

/// A completed checkout and its order.
pub(crate) async fn paid(service: &Service) -> (String, u64) {
    completed(service, &good_card()).await
}

/// A completed checkout whose payment is only authorized, and its order.
pub(crate) async fn authorized(service: &Service) -> (String, u64) {
    completed(service, &card(AUTHORIZES)).await
}

async fn completed(service: &Service, payment: &Value) -> (String, u64) {
    let path = service.create(&everything()).await;
    let done =
        service.post(&format!("{path}/complete"), &agreed(json!({"payment": payment}))).await.expect(200);
    (path, done.body["order"]["id"].as_u64().expect("an order"))
}

pub(crate) async fn get(service: &Service, path: &str) -> Answer {
    service.operate(Method::GET, &format!("/ops/v1/{path}"), READER, None).await
}

/// Asks for what must not be done twice.
pub(crate) async fn ask(service: &Service, path: &str, key: Option<&str>, body: Option<&Value>) -> Answer {
    ask_as(service, OPERATOR, path, key, body).await
}

pub(crate) async fn ask_as(
    service: &Service,
    token: &str,
    path: &str,
    key: Option<&str>,
    body: Option<&Value>,
) -> Answer {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("authorization", &*bearer), ("prefer", "wait=30")];
    if let Some(key) = key {
        headers.push(("idempotency-key", key));
    }
    if body.is_some() {
        headers.push(("content-type", "application/json"));
    }
    let body = body.map(|body| body.to_string().into_bytes());
    service.call(Method::POST, &format!("/ops/v1/{path}"), &headers, body).await
}

pub(crate) fn fresh() -> String {
    Uuid::now_v7().to_string()
}

/// A refund of so much of an order.
pub(crate) fn refund_of(order: u64, amount: &str) -> Value {
    let amount: Value = serde_json::from_str(amount).expect("a number");
    json!({
        "items": [{"item_type": "ORDER", "item_id": order, "amount": amount, "reason": "arrived broken"}],
        "payments": [{"provider_id": "stripe", "amount": amount, "offline": false}],
        "reason": "the shopper sent a photo",
    })
}

/// The reasons of the refunds of an order that really happened.
fn refunds(world: &World, order: u64) -> Vec<String> {
    let all = world.simulator.ledger().refunds.into_iter();
    all.filter(|refund| refund.order_id == order).map(|refund| refund.reason).collect()
}

/// How often an event is among the transactions of an order.
async fn happened(service: &Service, order: u64, event: &str) -> usize {
    let found = get(service, &format!("orders/{order}/transactions")).await.expect(200);
    let rows = found.body["data"].as_array().expect("rows");
    rows.iter().filter(|row| row["event"] == event && row["status"] == "ok").count()
}

/// What the audit log says of an order, the newest first: action and result.
async fn noted(service: &Service, order: u64) -> Vec<(String, String)> {
    let audit = get(service, "audit?limit=200").await.expect(200);
    let rows = audit.body["data"].as_array().expect("rows");
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    rows.iter()
        .filter(|row| row["order_id"] == order)
        .map(|row| (text(row, "action"), text(row, "result")))
        .collect()
}

fn pairs(rows: &[(String, String)]) -> Vec<(&str, &str)> {
    rows.iter().map(|(action, result)| (&**action, &**result)).collect()
}
