//! The operators' room: every reason to be stuck is made to happen, explained, and solved by the suggested action.

mod audit;
mod bulk;
mod doors;
mod findings;
mod held_up;
mod http;
mod kept;
mod keys;
mod lists;
mod paid_twice;
mod queries;
mod reasons;
mod stores;
mod surplus;
mod words;

pub(crate) use doors::{Denied, Done, act};
use headless_checkout::ops::{Actor, CheckoutDetail, CheckoutId};
use headless_checkout::role::Role;
use serde_json::{Value, json};

use crate::harness::{Service, World, agreed, everything, good_card};

/// A hasty world whose patience is small.
pub(crate) async fn world() -> World {
    let mut world = World::hasty().await;
    world.set("MAX_ATTEMPTS", "3");
    world
}

/// An operator with this role.
pub(crate) fn actor(role: Role) -> Actor {
    Actor { name: "olga".to_owned(), role, store: None }
}

/// The id in a checkout's path.
pub(crate) fn id(path: &str) -> CheckoutId {
    path.rsplit('/').next().and_then(|id| id.parse().ok()).expect("a checkout's path")
}

/// Everything that is known of a checkout.
pub(crate) async fn case(service: &Service, path: &str) -> CheckoutDetail {
    service.ops().case(id(path)).await.expect("the database answers").expect("it is there")
}

/// A checkout whose order is there and unpaid.
pub(crate) async fn ordered(service: &Service) -> String {
    let path = service.create(&everything()).await;
    service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    path
}

/// Waits until a checkout is stuck, and for what.
pub(crate) async fn stuck(service: &Service, path: &str, reason: &str) {
    let snapshot = service.wait_until(path, "stuck", |snapshot| snapshot["status"] == "stuck").await;
    assert_eq!(snapshot["stuck"]["reason"], reason, "{snapshot:#}");
    let why = headless_checkout::ops::why(&case(service, path).await);
    let suggested = why.suggested.expect("a suggestion");
    assert_eq!(snapshot["stuck"]["suggested_action"], suggested.action);
    assert!(
        why.actions.iter().any(|action| action.action == suggested.action && action.allowed),
        "{reason}: the suggested {} is refused: {:#?}",
        suggested.action,
        why.actions
    );
}

/// Waits for a status.
pub(crate) async fn until(service: &Service, path: &str, status: &str) -> Value {
    service.wait_until(path, status, |snapshot| snapshot["status"] == status).await
}

/// Somebody else speaks to BigCommerce: a member of staff, an app, or the shopper in another window.
#[expect(clippy::disallowed_methods, reason = "a test is not the upstream client")]
pub(crate) async fn upstream(
    world: &World,
    method: reqwest::Method,
    path: &str,
    correlation: &str,
    body: &Value,
) -> Value {
    let http =
        headless_checkout::bigcommerce::http_client(std::time::Duration::from_secs(5)).expect("a client");
    let response = http
        .request(method, format!("{}/stores/teststore{path}", world.simulator.url()))
        .header("x-auth-token", "bigcommerce-token-of-the-tests")
        .header("x-correlation-id", correlation)
        .header("content-type", "application/json")
        .header("accept", "application/json")
        .body(body.to_string())
        .send()
        .await
        .expect("the simulator answers");
    let status = response.status();
    let text = response.text().await.expect("a body");
    assert!(status.is_success(), "{path}: {status} {text}");
    serde_json::from_str(&text).unwrap_or_default()
}

/// Somebody else pays an order.
#[expect(clippy::disallowed_methods, reason = "a test is not the upstream client")]
pub(crate) async fn paid_elsewhere(world: &World, order: &Value, correlation: &str) {
    let body = json!({"order": {"id": order}});
    let token =
        upstream(world, reqwest::Method::POST, "/v3/payments/access_tokens", correlation, &body).await;
    let token = token["data"]["id"].as_str().expect("a token").to_owned();
    let mut instrument = good_card()["instrument"].clone();
    instrument["expiry_year"] = json!(2031);
    let payment = agreed(json!({"payment": {"instrument": instrument, "payment_method_id": "stripe.card"}}));
    let http =
        headless_checkout::bigcommerce::http_client(std::time::Duration::from_secs(5)).expect("a client");
    let response = http
        .post(format!("{}/stores/teststore/payments", world.simulator.url()))
        .header("authorization", format!("PAT {token}"))
        .header("x-correlation-id", correlation)
        .header("accept", "application/vnd.bc.v1+json")
        .header("content-type", "application/json")
        .body(payment.to_string())
        .send()
        .await
        .expect("the simulator answers");
    let status = response.status();
    assert!(status.is_success(), "{status} {}", response.text().await.unwrap_or_default());
}
