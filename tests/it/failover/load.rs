//! Storefronts that go on through a failover, and what must be true of what they were told.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::harness::{Answer, KEY, PATIENCE, Service, agreed, everything, good_card};

/// Storefronts that send at the same time, and what each of them does.
pub(crate) const STOREFRONTS: usize = 6;
pub(crate) const CHECKOUTS: usize = 6;

/// What all storefronts together were told.
pub(crate) struct Told {
    /// How many.
    pub(crate) answers: AtomicUsize,
    /// So many are enough to go on with.
    wanted: usize,
    /// Tells that they are there.
    pub(crate) enough: Notify,
}

impl Told {
    pub(crate) fn after(wanted: usize) -> Self {
        Self { answers: AtomicUsize::new(0), wanted, enough: Notify::new() }
    }
}

/// What one checkout's storefront was told.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    path: String,
    /// The keys that were acknowledged.
    created: String,
    paid: Option<String>,
    order: Option<Value>,
    pub(crate) completed: bool,
}

/// Whether a request has to be repeated with the same key: nothing was promised yet.
fn is_to_be_repeated(answer: &Answer) -> bool {
    answer.status.is_server_error()
        || matches!(answer.body["code"].as_str(), Some("idempotency-key-in-use" | "step-in-progress"))
}

/// Sends until it is answered, always with the same key, as every storefront should.
pub(crate) async fn insist(service: &Service, told: &Told, path: &str, key: &str, body: &Value) -> Answer {
    let deadline = tokio::time::Instant::now() + PATIENCE + PATIENCE;
    let bearer = format!("Bearer {KEY}");
    let headers = [
        ("authorization", &*bearer),
        ("prefer", "wait=5"),
        ("idempotency-key", key),
        ("content-type", "application/json"),
    ];
    loop {
        let body = Some(body.to_string().into_bytes());
        let answer = service.call(reqwest::Method::POST, path, &headers, body).await;
        if !is_to_be_repeated(&answer) {
            if told.answers.fetch_add(1, Ordering::Relaxed) + 1 >= told.wanted {
                told.enough.notify_one();
            }
            return answer;
        }
        assert!(tokio::time::Instant::now() < deadline, "{path} {key}: {}", answer.text);
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn storefront(service: &Service, told: &Told, name: String) -> Vec<Acknowledged> {
    let mut all = Vec::new();
    for checkout in 0..CHECKOUTS {
        let mut seen = Acknowledged::default();
        let key = format!("create-{name}-{checkout}");
        let created = insist(service, told, "/v1/checkouts", &key, &everything()).await;
        assert!(created.status.is_success(), "{}", created.text);
        seen.path = format!("/v1/checkouts/{}", created.id());
        seen.created = key;
        let key = format!("complete-{name}-{checkout}");
        let body = agreed(json!({"payment": good_card()}));
        let paid = insist(service, told, &format!("{}/complete", seen.path), &key, &body).await;
        if paid.status.is_success() {
            seen.paid = Some(key);
            seen.order = Some(paid.body["order"]["id"].clone()).filter(Value::is_u64);
            seen.completed = paid.body["status"] == "completed";
        }
        all.push(seen);
    }
    all
}

/// At rest, or waiting for what only time tells: a payment of which nobody can know whether it was made.
fn has_ended(snapshot: &Value) -> bool {
    matches!(snapshot["status"].as_str(), Some("completed" | "stuck" | "awaiting_input" | "cancelled"))
        || snapshot["payment"]["status"] == "unknown"
}

/// Nothing that was acknowledged is lost, and every key answers with its own checkout.
pub(crate) async fn verify(acknowledged: &[Acknowledged], one: &Service, other: &Service, told: &Told) {
    for seen in acknowledged {
        // At the process that it was not sent to.
        let ended = other.wait_until(&seen.path, "at an end", has_ended).await;
        if let Some(order) = &seen.order {
            assert_eq!(&ended["order"]["id"], order, "{seen:?}: {ended:#}");
        }
        if seen.completed {
            assert_eq!(ended["status"], "completed", "{seen:?}: {ended:#}");
        }
        let id = seen.path.rsplit('/').next().expect("an id");
        let again = insist(one, told, "/v1/checkouts", &seen.created, &everything()).await;
        assert_eq!(again.id(), id, "{seen:?} was acknowledged");
        if let Some(key) = &seen.paid {
            let body = agreed(json!({"payment": good_card()}));
            let again = insist(one, told, &format!("{}/complete", seen.path), key, &body).await;
            assert_eq!(again.id(), id, "{seen:?} was acknowledged");
        }
    }
}
