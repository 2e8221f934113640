//! News of a checkout as Server-Sent Events: the snapshot now, and again after each change, until it is final.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, RawPathParams, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;

use super::streams::{Feed, News, Open};
use super::tickets;
use crate::checkout::CheckoutId;
use crate::http::AppState;
use crate::http::limits::Client;
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::http::request::auth::{CheckoutToken, Principal};
use crate::http::request::extract::Target;
use crate::saga::TokenProof;

/// A comment this often keeps proxies from closing the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Who follows a checkout: as everywhere, or with a ticket in the URL, for want of a header.
pub(crate) struct Follower {
    target: Target,
    client: Option<Client>,
    /// Of the checkout token, its own or that of the ticket.
    proof: Option<TokenProof>,
}

/// An open stream.
struct Following {
    _open: Open,
    feed: Feed,
    is_shopper: bool,
    id: CheckoutId,
    proof: Option<TokenProof>,
}

impl Following {
    /// Whether its token is good still: it may have been revoked. What cannot be told is not.
    async fn is_admitted(&self, state: &AppState) -> bool {
        let Some(proof) = self.proof else { return true };
        state.engine().admits(self.id.uuid(), proof).await.unwrap_or(false)
    }
}

impl FromRequestParts<AppState> for Follower {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let client = parts.extensions.get::<Client>().copied();
        let ticket = if parts.headers.contains_key(header::AUTHORIZATION) { None } else { ticket_of(parts) };
        let Some(ticket) = ticket else {
            let target = Target::from_request_parts(parts, state).await?;
            let proof = CheckoutToken::presented(&parts.headers);
            return Ok(Self { target, client, proof });
        };
        let refused =
            || Problem::new(Slug::Unauthorized, "the ticket is wrong or has expired; get another one");
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| refused())?;
        let text = params.iter().find(|(name, _)| *name == "id").map(|(_, value)| value);
        let id: CheckoutId = text.and_then(|text| text.parse().ok()).ok_or_else(refused)?;
        let proof = Some(tickets::opens(state, &ticket, id).await?.ok_or_else(refused)?);
        let principal = Principal::Checkout(id);
        state.count_checkout(id, &principal, &parts.method)?;
        Ok(Self { target: Target { id, principal }, client, proof })
    }
}

/// The ticket of the URL. Two of them are none.
fn ticket_of(parts: &Parts) -> Option<String> {
    let query = parts.uri.query()?;
    let mut all = query.split('&').filter_map(|pair| pair.strip_prefix("ticket="));
    let ticket = all.next()?.to_owned();
    all.next().is_none().then_some(ticket)
}

/// Follow a checkout
///
/// Server-Sent Events: `event: checkout`, `data:` the snapshot on one line, `id:` its version. The first event is the
/// checkout as it is, unless `Last-Event-ID` names that version. Ends after a final status, and otherwise after
/// `EVENT_STREAM_SECONDS`: connect again, as `EventSource` does by itself. A browser's `EventSource` cannot send an
/// `Authorization` header: it needs a `ticket`.
#[utoipa::path(
    get, path = "/v1/checkouts/{id}/events", operation_id = "followCheckout", tag = "Checkouts",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "The last version you received."),
        ("ticket" = Option<String>, Query, description = "A ticket from `POST /v1/checkouts/{id}/event-tickets`, in place of the \
            `Authorization` header."),
    ),
    responses(
        (status = 200, description = "Events", body = String, content_type = "text/event-stream"),
        (status = 204, description = "The final version was already received: there is nothing to follow"),
    ),
)]
pub(crate) async fn follow(
    State(state): State<AppState>,
    follower: Follower,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Follower { target, client, proof } = follower;
    let seen = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok()?.trim().parse::<i64>().ok());
    let open = state.streams().open(&state, &target, client)?;
    // Followed before it is read, so that no change falls in between.
    let feed = state.streams().follow(&state, target.id);
    let checkout = target.seen(state.engine().snapshot(target.id).await?);
    if checkout.status.is_final() && seen == Some(checkout.version) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let first = Arc::new(News::of(&checkout));
    let following = Following { _open: open, feed, is_shopper: target.is_of_shopper(), id: target.id, proof };
    let events = changes(state, following, first, seen);
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    let mut response = Sse::new(events).keep_alive(keep_alive).into_response();
    // Some proxies would keep events back until there are many.
    let unbuffered = (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response.headers_mut().insert(unbuffered.0, unbuffered.1);
    Ok(response)
}

/// Dropped when the caller goes away: then it counts no more.
fn changes(
    state: AppState,
    following: Following,
    mut news: Arc<News>,
    seen: Option<i64>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    async_stream::stream! {
        // All of it, for as long as the stream lives.
        let mut following = following;
        let end = tokio::time::sleep(state.streams().age());
        tokio::pin!(end);
        if seen != Some(news.version) {
            yield Ok(event(&news, following.is_shopper));
        }
        while !news.is_final {
            tokio::select! {
                () = state.stopping().cancelled() => break,
                () = &mut end => break,
                changed = following.feed.changed() => {
                    // The caller connects again, and learns then.
                    if changed.is_err() {
                        break;
                    }
                }
            }
            let latest = following.feed.borrow_and_update().clone();
            if let Some(latest) = latest.filter(|latest| latest.version > news.version) {
                if !following.is_admitted(&state).await {
                    break;
                }
                news = latest;
                yield Ok(event(&news, following.is_shopper));
            }
        }
    }
}

fn event(news: &News, is_shopper: bool) -> Event {
    Event::default().event("checkout").id(news.version.to_string()).data(news.data(is_shopper))
}
