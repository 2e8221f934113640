//! Tickets for event streams. A browser's `EventSource` cannot send a header, so its credential has to be in the URL, where proxies
//! log it: a ticket opens the events of one checkout, for a minute, and nothing else.
//!
//! Nothing is stored: a ticket is signed with what is kept of the newest checkout token, and ends with it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use sha2::Sha256;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use crate::checkout::CheckoutId;
use crate::http::AppState;
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::http::request::extract::Target;
use crate::saga::TokenProof;

const PREFIX: &str = "et_";
/// Long enough to open a stream.
const TTL: Duration = Duration::minutes(1);
/// Between the clocks of two processes.
const SKEW: Duration = Duration::seconds(30);

/// A ticket for the event stream.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventTicket)]
#[expect(clippy::struct_field_names, reason = "the name in the API")]
pub(crate) struct Ticket {
    /// The ticket. It opens the events of this checkout, and nothing else.
    #[schema(example = "et_AAAAAGkr0Fq1vN0d8p3sFz0sT9mB2q1yU5cX7hJ4kL6nR8wE0aV3b")]
    ticket: String,
    /// Where it opens them: for `new EventSource(url)`.
    #[schema(
        example = "/v1/checkouts/01a06a68-3d5c-7000-8000-000000000000/events?ticket=et_AAAAAGkr0Fq1vN0d8p3sFz0sT9mB2q1yU5cX7hJ4kL6nR8wE0aV3b"
    )]
    url: String,
    /// A stream has to be opened before. An open stream does not end with its ticket.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

/// Get a ticket for the event stream
///
/// For a browser's `EventSource`, which cannot send an `Authorization` header. The ticket opens `GET
/// /v1/checkouts/{id}/events?ticket=...` of this checkout for one minute, and nothing else. When the stream closes for good, get
/// another one. With `fetch` you need no ticket.
#[utoipa::path(
    post, path = "/v1/checkouts/{id}/event-tickets", operation_id = "createEventTicket", tag = "Checkouts",
    responses((status = 201, description = "The ticket", body = Ticket)),
)]
pub(crate) async fn create(State(state): State<AppState>, target: Target) -> Result<Response, Problem> {
    let keys = state.engine().token_proofs(target.id).await?;
    let Some(key) = keys.first() else {
        let detail = "every token of this checkout was revoked, and a ticket is made of one: repeat the creation with its \
                      Idempotency-Key for a new token";
        return Err(Problem::new(Slug::Forbidden, detail));
    };
    let expires_at =
        OffsetDateTime::now_utc().replace_nanosecond(0).unwrap_or_else(|_| OffsetDateTime::now_utc()) + TTL;
    let ticket = sign(key, target.id, expires_at.unix_timestamp());
    let url = format!("/v1/checkouts/{}/events?ticket={ticket}", target.id);
    let answer = Ticket { ticket, url, expires_at };
    Ok((StatusCode::CREATED, axum::Json(answer)).into_response())
}

/// What is kept of the checkout token with which this ticket opens the events of the checkout now; `None`: it opens nothing.
pub(super) async fn opens(
    state: &AppState,
    ticket: &str,
    id: CheckoutId,
) -> Result<Option<TokenProof>, Problem> {
    let Some((expires_at, signature)) = parse(ticket) else { return Ok(None) };
    let now = OffsetDateTime::now_utc().unix_timestamp();
    if expires_at <= now || expires_at > now + (TTL + SKEW).whole_seconds() {
        return Ok(None);
    }
    let keys = state.engine().token_proofs(id).await?;
    let signed = keys.into_iter().find(|key| mac(key, id, expires_at).verify_slice(&signature).is_ok());
    Ok(signed.and_then(|key| key.try_into().ok()).map(TokenProof))
}

fn mac(key: &[u8], id: CheckoutId, expires_at: i64) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key may have any length");
    mac.update(b"events of a checkout");
    mac.update(id.uuid().as_bytes());
    mac.update(&expires_at.to_be_bytes());
    mac
}

fn sign(key: &[u8], id: CheckoutId, expires_at: i64) -> String {
    let signature = mac(key, id, expires_at).finalize().into_bytes();
    let bytes: Vec<u8> = expires_at.to_be_bytes().into_iter().chain(signature).collect();
    format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

fn parse(ticket: &str) -> Option<(i64, [u8; 32])> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(ticket.strip_prefix(PREFIX)?).ok()?;
    let (expires_at, signature) = bytes.split_first_chunk::<8>()?;
    Some((i64::from_be_bytes(*expires_at), signature.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_read_back_and_fits_one_checkout_one_time_and_one_key() {
        let (id, other) = (CheckoutId::generate(), CheckoutId::generate());
        let ticket = sign(b"key", id, 1_700_000_000);
        let (expires_at, signature) = parse(&ticket).expect("a ticket");
        let fits = |key: &[u8], id, at| mac(key, id, at).verify_slice(&signature).is_ok();
        assert_eq!(expires_at, 1_700_000_000);
        assert!(fits(b"key", id, expires_at));
        assert!(
            !fits(b"key", other, expires_at)
                && !fits(b"yek", id, expires_at)
                && !fits(b"key", id, expires_at + 1)
        );
        for wrong in ["", "et_", "et_AAAA", &ticket[3..], &format!("{ticket}AAAA")] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
