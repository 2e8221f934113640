//! The doors that only read. Every operator may.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::request::{About, Asked, wrong};
use crate::http::AppState;
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::http::request::auth::Operator;
use crate::http::response::answer::{etag, json};
use crate::http::response::case::Seen;
use crate::http::validate::{AUDIT_QUERY, FILTER, HEAD_QUERY, LIST_QUERY};
use crate::ops::{
    AuditRow, CheckoutId, Cursor, DbError, Listed, Operators, Overview, PAGE, Page, Sort, UnreadCase,
    Verified, Why, why as plainly,
};

/// Why an operator of one store has no chain to verify.
const ONE_CHAIN: &str = "the audit log is one chain of all stores: an operator of one store cannot verify it";

/// A checkout as operators see it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Shown<'a> {
    /// With its record.
    Case(Box<Seen<'a>>),
    /// Its record cannot be read.
    Unread(Box<UnreadCase>),
}

/// One page of checkouts.
#[derive(Serialize, ToSchema)]
pub(super) struct CheckoutPage {
    data: Vec<Listed>,
    /// Where the next page begins; null: there is none.
    next_cursor: Option<String>,
}

/// One page of the audit log.
#[derive(Serialize, ToSchema)]
pub(super) struct AuditPage {
    data: Vec<AuditRow>,
    /// Where the next page begins; null: there is none.
    next_cursor: Option<String>,
}

/// Read the summary
///
/// Counts by status and step, the stuck by reason, money at risk, and for each store the rate budget, the circuit breakers
/// and the webhooks. Rates and breakers are those of the process that answers.
#[utoipa::path(
    get, path = "/ops/v1/summary", operation_id = "summary", tag = "Operators",
    responses((status = 200, description = "As it is now", body = Overview)),
)]
pub(super) async fn summary(
    State(state): State<AppState>,
    Operator(actor): Operator,
) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &state.operators(&actor).overview().await?))
}

/// List checkouts
///
/// Any filter, in pages. A cursor is good for the order that it was made in.
#[utoipa::path(
    get, path = "/ops/v1/checkouts", operation_id = "listCheckouts", tag = "Operators",
    responses((status = 200, description = "One page", body = CheckoutPage)),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Operator(actor): Operator,
    asked: Asked,
) -> Result<Response, Problem> {
    let asked = asked.checked(&[&LIST_QUERY, &FILTER])?;
    let filter = asked.filter()?;
    let sort: Sort = asked.text("sort").and_then(|text| text.parse().ok()).unwrap_or_default();
    let after = asked.text("cursor").map(|text| Cursor::decode(text, sort)).transpose();
    let after = after.map_err(|error| wrong("cursor", error.to_string()))?;
    let page = state.operators(&actor).list(&filter, sort, after, asked.limit(PAGE)).await?;
    let Page { data, next_cursor } = page;
    Ok(json(StatusCode::OK, &CheckoutPage { data, next_cursor }))
}

/// Read a checkout with its timeline
///
/// The checkout, the timeline of its attempts (redacted) and operator actions. Of a checkout whose record this version cannot read:
/// what stands beside the record, and `unreadable`, the reason.
#[utoipa::path(
    get, path = "/ops/v1/checkouts/{id}", operation_id = "readCase", tag = "Operators",
    responses((status = 200, description = "Everything that is known", body = Shown)),
)]
pub(super) async fn case(State(state): State<AppState>, about: About) -> Result<Response, Problem> {
    let room = state.operators(&about.actor);
    let case = match room.case(about.id).await {
        Ok(case) => case.ok_or_else(not_found)?,
        Err(error) => {
            let unread = Shown::Unread(Box::new(unread(&room, about.id, error).await?));
            return Ok(json(StatusCode::OK, &unread));
        }
    };
    let mut response = json(StatusCode::OK, &Shown::Case(Box::new(Seen::of(&case))));
    if let Some(tag) = etag(case.checkout()) {
        response.headers_mut().insert(axum::http::header::ETAG, tag);
    }
    Ok(response)
}

/// Explain the state of a checkout
///
/// What happened, what is known and not known, and each action with its effect on orders and money.
#[utoipa::path(
    get, path = "/ops/v1/checkouts/{id}/why", operation_id = "explainCheckout", tag = "Operators",
    responses((status = 200, description = "In plain words", body = Why)),
)]
pub(super) async fn why(State(state): State<AppState>, about: About) -> Result<Response, Problem> {
    let room = state.operators(&about.actor);
    let why = match room.case(about.id).await {
        Ok(case) => plainly(&case.ok_or_else(not_found)?),
        Err(error) => unread(&room, about.id, error).await?.why(),
    };
    Ok(json(StatusCode::OK, &why))
}

/// The checkout that could not be read, or the error that it was not about that.
async fn unread(room: &Operators, id: CheckoutId, error: DbError) -> Result<UnreadCase, Problem> {
    let (DbError::Unreadable { .. } | DbError::Newer { .. }) = error else { return Err(error.into()) };
    room.unread(id).await?.ok_or_else(|| error.into())
}

/// List what operators did
///
/// Newest first; including refused actions.
#[utoipa::path(
    get, path = "/ops/v1/audit", operation_id = "listAudit", tag = "Operators",
    responses((status = 200, description = "One page", body = AuditPage)),
)]
pub(super) async fn audit(
    State(state): State<AppState>,
    Operator(actor): Operator,
    asked: Asked,
) -> Result<Response, Problem> {
    let asked = asked.checked(&[&AUDIT_QUERY])?;
    let id: Option<CheckoutId> = asked.text("checkout_id").map(str::parse).transpose().map_err(|error| {
        let error: crate::ops::InvalidId = error;
        wrong("checkout_id", error.to_string())
    })?;
    let cursor: Option<i64> = asked.cursor()?;
    let page = state.operators(&actor).audit(id, cursor, asked.limit(PAGE)).await?;
    let Page { data, next_cursor } = page;
    Ok(json(StatusCode::OK, &AuditPage { data, next_cursor }))
}

/// Verify the audit log
///
/// Walks the chain of hashes. With `head`, a head that was noted earlier has to be on it. The chain is of all stores: an
/// operator of one of them is answered with 404.
#[utoipa::path(
    get, path = "/ops/v1/audit/verify", operation_id = "verifyAudit", tag = "Operators",
    responses((status = 200, description = "The result", body = Verified)),
)]
pub(super) async fn verify(
    State(state): State<AppState>,
    Operator(actor): Operator,
    asked: Asked,
) -> Result<Response, Problem> {
    let asked = asked.checked(&[&HEAD_QUERY])?;
    let anchor = match asked.text("head") {
        None => None,
        Some(text) => {
            let mut hash = [0; 32];
            let decoded = hex::decode_to_slice(text, &mut hash);
            decoded.map_err(|_| wrong("head", "must be 64 hexadecimal digits".to_owned()))?;
            Some(hash)
        }
    };
    let verified = state.operators(&actor).verify_audit(anchor).await?;
    let verified = verified.ok_or_else(|| Problem::new(Slug::NotFound, ONE_CHAIN))?;
    Ok(json(StatusCode::OK, &verified))
}

fn not_found() -> Problem {
    Problem::of(Slug::CheckoutNotFound)
}
