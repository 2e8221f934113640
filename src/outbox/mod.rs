//! Outgoing events: delivered to the destinations that an operator configured, signed as in Standard Webhooks.
//!
//! Guarantees: every event is delivered at least once, or marked as given up after `EVENT_GIVE_UP_SECONDS`; the events of
//! one checkout arrive at a destination in the order in which they happened; a destination that is down, slow or misconfigured
//! delays no checkout and no other destination. Never: following a redirect, storing a response, or losing an event because
//! a process died.
//!
//! Every process runs one loop per destination; shared work is claimed in the database (`db/outbox/deliveries.rs`).

mod pace;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use time::format_description::well_known::Rfc3339;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use pace::Pace;

use crate::config::Destination;
use crate::db::{Db, OutgoingEvent, Try, TryEnd, Turn};
use crate::standard_webhooks::{Message, sign};
use pace::Health;

/// The longest time without a look, whatever the database says is due next.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(2);
/// Events on their way to one destination at the same time, each of another checkout.
const MAX_CONCURRENT_DELIVERIES: usize = 8;
/// What a turn's lease is longer than the longest try, so that what came of it can still be recorded.
const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// The deliveries of one process. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    http: reqwest::Client,
    timeout: Duration,
    pace: Pace,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

/// One destination and how it has been lately.
struct Route {
    destination: Destination,
    health: Mutex<Health>,
    free: Arc<Semaphore>,
}

impl Outbox {
    /// Deliveries over these connections, which must not follow redirects. A try takes at most `timeout`. Tries are spawned
    /// on `tasks`; none is begun once `stopping` is cancelled.
    pub fn new(
        db: Db,
        http: reqwest::Client,
        timeout: Duration,
        pace: Pace,
        tasks: TaskTracker,
        stopping: CancellationToken,
    ) -> Self {
        Self { inner: Arc::new(Inner { db, http, timeout, pace, tasks, stopping }) }
    }

    /// Delivers to this destination until the process stops: when something was queued, when a pause is over, and at least
    /// every two seconds. A database that is away is asked again until it is back.
    pub async fn deliver(&self, destination: Destination) {
        let route = Arc::new(Route {
            destination,
            health: Mutex::default(),
            free: Arc::new(Semaphore::new(MAX_CONCURRENT_DELIVERIES)),
        });
        let mut reasons = self.inner.db.changes().outbox();
        loop {
            // Before the look: what comes during it is a reason for the next one.
            reasons.borrow_and_update();
            let wait = match self.deliver_due(&route).await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(%error, "the outbox could not be checked");
                    Duration::from_millis(500)
                }
            };
            let calm = route.health().calm_for();
            tokio::select! {
                () = self.inner.stopping.cancelled() => return,
                _ = reasons.changed(), if calm.is_zero() => {}
                () = tokio::time::sleep(wait.max(calm)) => {}
            }
        }
    }

    /// Begins to deliver what is due, as far as there is capacity. Returns when to check again.
    async fn deliver_due(&self, route: &Arc<Route>) -> Result<Duration, crate::db::Error> {
        loop {
            let capacity = route.health().capacity(route.free.available_permits());
            if self.inner.stopping.is_cancelled() || capacity == 0 {
                // Whatever frees capacity also wakes this loop.
                return Ok(LOOK_AT_LEAST_EVERY);
            }
            let lease = self.inner.timeout + LEASE_MARGIN;
            let limit = i64::try_from(capacity).unwrap_or(1);
            let turns = self.inner.db.claim_turns(&route.destination.name, lease, limit).await?;
            let full = turns.claimed.len() == capacity;
            for turn in turns.claimed {
                // There was capacity, and only this loop uses it.
                let Ok(permit) = Arc::clone(&route.free).acquire_owned().await else { continue };
                let (outbox, route) = (self.clone(), Arc::clone(route));
                self.inner.tasks.spawn(async move {
                    outbox.take_turn(&route, turn).await;
                    drop(permit);
                    outbox.inner.db.changes().notify_outbox();
                });
            }
            if !full {
                return Ok(turns.next_in.unwrap_or(LOOK_AT_LEAST_EVERY).min(LOOK_AT_LEAST_EVERY));
            }
        }
    }

    /// Tries once and records how it went. Dropped half-way: the turn is due again when its lease runs out.
    async fn take_turn(&self, route: &Route, turn: Turn) {
        let began = Instant::now();
        let answer = self.send(&route.destination, &turn).await;
        let duration = began.elapsed();
        let (status, failure) = match answer {
            Ok(answer) => (Some(answer.status), None),
            Err(failure) => (None, Some(failure)),
        };
        let age = turn.clock.now() - turn.event.queued_at;
        let end =
            self.inner.pace.after(answer, turn.failures, age.try_into().unwrap_or_default(), rand::random());
        route.health().note(end == TryEnd::Delivered, self.inner.pace);
        let name = &route.destination.name;
        let (event_id, kind) = (turn.event.event_id, turn.event.kind.clone());
        match end {
            TryEnd::Delivered => {
                tracing::info!(%event_id, kind, destination = name, status, "an event was delivered");
            }
            TryEnd::Again(after) => tracing::warn!(
                %event_id, kind, destination = name, status, failure, retry_in_ms = after.as_millis(),
                "an event was not delivered and is tried again"
            ),
            TryEnd::GivenUp => tracing::error!(
                %event_id, kind, destination = name, status, failure,
                "an event was given up; it can be sent again by `headless-checkout events redeliver`"
            ),
        }
        if let Err(error) = self.inner.db.record_attempt(turn, Try { end, status, failure, duration }).await {
            tracing::warn!(%event_id, %error, "the result of a delivery was not recorded; it may be repeated");
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a destination is not BigCommerce")]
    async fn send(&self, destination: &Destination, turn: &Turn) -> Result<pace::Reply, &'static str> {
        let body = body(&turn.event).ok_or("unreadable")?;
        let (id, timestamp) =
            (turn.event.event_id.to_string(), turn.clock.now().unix_timestamp().to_string());
        let message = Message { id: &id, timestamp: &timestamp, body: body.as_bytes() };
        let signature = sign(&destination.keys, message);
        let request = self
            .inner
            .http
            .post(destination.url.clone())
            .timeout(self.inner.timeout)
            .header("content-type", "application/json")
            .header("user-agent", concat!("headless-checkout/", env!("CARGO_PKG_VERSION")))
            .header("webhook-signature", signature)
            .header("webhook-timestamp", timestamp)
            .header("webhook-id", id)
            .body(body);
        let response = request.send().await.map_err(|error| word(&error))?;
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        Ok(pace::Reply { status: response.status().as_u16(), retry_after })
    }
}

impl Route {
    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body: the same bytes for every try. `None` when what was stored is no JSON.
fn body(event: &OutgoingEvent) -> Option<String> {
    #[derive(Serialize)]
    struct Body<'a> {
        r#type: &'a str,
        timestamp: String,
        data: &'a RawValue,
    }
    let timestamp = event.at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).ok()?;
    let data = serde_json::from_str(&event.data).ok()?;
    serde_json::to_string(&Body { r#type: &event.kind, timestamp, data }).ok()
}

/// What failed, in a word; never the URL, which may carry a secret of the destination's.
fn word(error: &reqwest::Error) -> &'static str {
    match error {
        error if error.is_timeout() => "timeout",
        error if error.is_connect() => "connect",
        error if error.is_builder() => "request",
        _ => "connection-lost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_keeps_the_digits_of_amounts() {
        let event = OutgoingEvent {
            event_id: uuid::Uuid::nil(),
            kind: "checkout.completed".to_owned(),
            at: time::OffsetDateTime::UNIX_EPOCH,
            data: r#"{"grand_total":10.830}"#.to_owned(),
            attempts: 0,
            queued_at: time::OffsetDateTime::UNIX_EPOCH,
        };
        let expected = r#"{"type":"checkout.completed","timestamp":"1970-01-01T00:00:00Z","data":{"grand_total":10.830}}"#;
        assert_eq!(body(&event).as_deref(), Some(expected));
    }
}
