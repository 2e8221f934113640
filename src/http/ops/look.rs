//! The handlers that only read. Every operator may use them.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::request::{CheckoutScope, QueryParams, wrong};
use crate::http::AppState;
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::http::request::auth::Operator;
use crate::http::response::answer::{etag, json};
use crate::http::response::detail::DetailView;
use crate::http::validate::{AUDIT_QUERY, FILTER, HEAD_QUERY, LIST_QUERY};
use crate::ops::{
    AuditRow, CheckoutId, Console, Cursor, DbError, Listed, Overview, PAGE, Page, Sort, UnreadableCheckout,
    Verified, Why, why as plainly,
};

/// Why an operator of one store has no chain to verify.
const ONE_CHAIN: &str = "the audit log is one chain of all stores: an operator of one store cannot verify it";

/// A checkout as operators see it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum Shown<'a> {
    /// With its record.
    Detail(Box<DetailView<'a>>),
    /// Its record cannot be read.
    Unread(Box<UnreadableCheckout>),
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
/// Counts by status and step, stuck checkouts by reason, money at risk, and for each store the rate budget, the circuit breakers
/// and the webhooks. Rates and breakers are those of the process that answers.
#[utoipa::path(
    get, path = "/ops/v1/summary", operation_id = "summary", tag = "Operators",
    responses((status = 200, description = "As it is now", body = Overview)),
)]
pub(super) async fn summary(
    State(state): State<AppState>,
    Operator(actor): Operator,
) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &state.ops(&actor).overview().await?))
}

/// List checkouts
///
/// Any filter, in pages. A cursor is valid only for its sort order.
#[utoipa::path(
    get, path = "/ops/v1/checkouts", operation_id = "listCheckouts", tag = "Operators",
    responses((status = 200, description = "One page", body = CheckoutPage)),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Operator(actor): Operator,
    query: QueryParams,
) -> Result<Response, Problem> {
    let query = query.checked(&[&LIST_QUERY, &FILTER])?;
    let filter = query.filter()?;
    let sort: Sort = query.text("sort").and_then(|text| text.parse().ok()).unwrap_or_default();
    let after = query.text("cursor").map(|text| Cursor::decode(text, sort)).transpose();
    let after = after.map_err(|error| wrong("cursor", error.to_string()))?;
    let page = state.ops(&actor).list(&filter, sort, after, query.limit(PAGE)).await?;
    let Page { data, next_cursor } = page;
    Ok(json(StatusCode::OK, &CheckoutPage { data, next_cursor }))
}

/// Read a checkout with its timeline
///
/// The checkout, the timeline of its attempts (redacted) and operator actions. If this version cannot read the record
/// of the checkout: what is stored beside the record, and the reason, `unreadable`.
#[utoipa::path(
    get, path = "/ops/v1/checkouts/{id}", operation_id = "getCheckoutDetail", tag = "Operators",
    responses((status = 200, description = "Everything that is known", body = Shown)),
)]
pub(super) async fn case(State(state): State<AppState>, about: CheckoutScope) -> Result<Response, Problem> {
    let ops = state.ops(&about.actor);
    let case = match ops.case(about.id).await {
        Ok(case) => case.ok_or_else(not_found)?,
        Err(error) => {
            let unread = Shown::Unread(Box::new(unread(&ops, about.id, error).await?));
            return Ok(json(StatusCode::OK, &unread));
        }
    };
    let mut response = json(StatusCode::OK, &Shown::Detail(Box::new(DetailView::of(&case))));
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
pub(super) async fn why(State(state): State<AppState>, about: CheckoutScope) -> Result<Response, Problem> {
    let ops = state.ops(&about.actor);
    let why = match ops.case(about.id).await {
        Ok(case) => plainly(&case.ok_or_else(not_found)?),
        Err(error) => unread(&ops, about.id, error).await?.why(),
    };
    Ok(json(StatusCode::OK, &why))
}

/// The checkout that could not be read, or the error that it was not about that.
async fn unread(ops: &Console, id: CheckoutId, error: DbError) -> Result<UnreadableCheckout, Problem> {
    let (DbError::Unreadable { .. } | DbError::Newer { .. }) = error else { return Err(error.into()) };
    ops.unread(id).await?.ok_or_else(|| error.into())
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
    query: QueryParams,
) -> Result<Response, Problem> {
    let query = query.checked(&[&AUDIT_QUERY])?;
    let id: Option<CheckoutId> = query.text("checkout_id").map(str::parse).transpose().map_err(|error| {
        let error: crate::ops::InvalidId = error;
        wrong("checkout_id", error.to_string())
    })?;
    let cursor: Option<i64> = query.cursor()?;
    let page = state.ops(&actor).audit(id, cursor, query.limit(PAGE)).await?;
    let Page { data, next_cursor } = page;
    Ok(json(StatusCode::OK, &AuditPage { data, next_cursor }))
}

/// Verify the audit log
///
/// Verifies the chain of hashes. With `head`, the chain must contain a head that was noted earlier. The chain covers
/// all stores: an operator of a single store gets 404.
#[utoipa::path(
    get, path = "/ops/v1/audit/verify", operation_id = "verifyAudit", tag = "Operators",
    responses((status = 200, description = "The result", body = Verified)),
)]
pub(super) async fn verify(
    State(state): State<AppState>,
    Operator(actor): Operator,
    query: QueryParams,
) -> Result<Response, Problem> {
    let query = query.checked(&[&HEAD_QUERY])?;
    let anchor = match query.text("head") {
        None => None,
        Some(text) => {
            let mut hash = [0; 32];
            let decoded = hex::decode_to_slice(text, &mut hash);
            decoded.map_err(|_| wrong("head", "must be 64 hexadecimal digits".to_owned()))?;
            Some(hash)
        }
    };
    let verified = state.ops(&actor).verify_audit(anchor).await?;
    let verified = verified.ok_or_else(|| Problem::new(Slug::NotFound, ONE_CHAIN))?;
    Ok(json(StatusCode::OK, &verified))
}

fn not_found() -> Problem {
    Problem::of(Slug::CheckoutNotFound)
}
