//! News of a checkout as Server-Sent Events: the snapshot now, and again after each change, until it is final.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;

use crate::checkout::Checkout;
use crate::http::AppState;
use crate::http::problem::Problem;
use crate::http::request::extract::Target;
use crate::http::response::snapshot::Snapshot;

/// A comment this often keeps proxies from closing the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Follow a checkout
///
/// Server-Sent Events: `event: checkout`, `data:` the snapshot on one line, `id:` its version. The first event is the
/// checkout as it is, unless `Last-Event-ID` names that version. Ends after a final status.
#[utoipa::path(
    get, path = "/v1/checkouts/{id}/events", operation_id = "followCheckout", tag = "Checkouts",
    params(("Last-Event-ID" = Option<String>, Header, description = "The last version you received.")),
    responses(
        (status = 200, description = "Events", body = String, content_type = "text/event-stream"),
        (status = 204, description = "The final version was already received: there is nothing to follow"),
    ),
)]
pub(crate) async fn follow(
    State(state): State<AppState>,
    target: Target,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let seen = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()?.trim().parse::<i64>().ok());
    // Watched before it is read, so that no change falls in between.
    let watch = state.engine().watch(target.id);
    let checkout = target.seen(state.engine().snapshot(target.id).await?);
    if checkout.status.is_final() && seen == Some(checkout.version) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let events = changes(state, target, watch, checkout, seen);
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    let mut response = Sse::new(events).keep_alive(keep_alive).into_response();
    // Some proxies would keep events back until there are many.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response.headers_mut().insert(unbuffered.0, unbuffered.1);
    Ok(response)
}

/// Dropped when the caller goes away: then nobody watches any more.
fn changes(
    state: AppState,
    target: Target,
    mut watch: crate::saga::Watch,
    mut checkout: Checkout,
    mut seen: Option<i64>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    async_stream::stream! {
        loop {
            if seen != Some(checkout.version) {
                seen = Some(checkout.version);
                yield Ok(event(&checkout));
            }
            if checkout.status.is_final() {
                break;
            }
            tokio::select! {
                () = state.stopping().cancelled() => break,
                () = watch.changed() => {}
            }
            match state.engine().snapshot(target.id).await {
                Ok(fresh) => checkout = target.seen(fresh),
                // The caller connects again, and is told then.
                Err(_) => break,
            }
        }
    }
}

fn event(checkout: &Checkout) -> Event {
    let data = serde_json::to_string(&Snapshot::of(checkout)).unwrap_or_default();
    Event::default().event("checkout").id(checkout.version.to_string()).data(data)
}
