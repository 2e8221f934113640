//! Reads a request about orders, and turns a refusal into a problem.

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use crate::http::AppState;
use crate::http::ops::refused::forbidden;
use crate::http::ops::request::{QueryParams, wrong};
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::http::request::auth::Operator;
use crate::ops::orders::{OrderError, OrderId};
use crate::ops::{Actor, DbError, Guard};

/// The order of the path, and who asks.
#[derive(Debug)]
pub(super) struct OrderOf {
    /// Which.
    pub(super) id: OrderId,
    /// Who asks.
    pub(super) actor: Actor,
}

impl FromRequestParts<AppState> for OrderOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Operator(actor) = Operator::from_request_parts(parts, state).await?;
        let id = number(parts, state, "order_id").await.and_then(OrderId::new);
        Ok(Self { id: id.ok_or_else(|| not_found("order"))?, actor })
    }
}

/// The shipping address of the path; 0 when it cannot be one.
#[derive(Debug)]
pub(super) struct AddressOf(pub(super) i64);

impl FromRequestParts<AppState> for AddressOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let id = number(parts, state, "address_id").await.filter(|id| *id > 0);
        id.map(Self).ok_or_else(|| not_found("shipping address of this order"))
    }
}

/// The product of the path.
#[derive(Debug)]
pub(super) struct ProductOf {
    /// Which.
    pub(super) id: i64,
    /// Who asks.
    pub(super) actor: Actor,
}

impl FromRequestParts<AppState> for ProductOf {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Operator(actor) = Operator::from_request_parts(parts, state).await?;
        let id = number(parts, state, "product_id").await.filter(|id| *id > 0);
        Ok(Self { id: id.ok_or_else(|| not_found("product"))?, actor })
    }
}

async fn number(parts: &mut Parts, state: &AppState, name: &str) -> Option<i64> {
    let params = RawPathParams::from_request_parts(parts, state).await.ok()?;
    let text = params.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The store that the query names, or the only one that the operator has.
pub(super) fn store_of(state: &AppState, actor: &Actor, query: &QueryParams) -> Result<String, Problem> {
    Ok(state.ops(actor).store_named(query.text("store"))?)
}

pub(super) fn not_found(what: &str) -> Problem {
    Problem::new(Slug::NotFound, format!("there is no such {what}"))
}

impl From<OrderError> for Problem {
    fn from(refused: OrderError) -> Self {
        let detail = refused.to_string();
        match refused {
            OrderError::StoreNeeded(_) => wrong("store", detail),
            OrderError::UnknownStore => wrong("store", "must be the name of a store".to_owned()),
            OrderError::NotFound(_) => Self::new(Slug::NotFound, detail),
            OrderError::Forbidden { needs } => forbidden(needs),
            OrderError::Guarded(Guard { name, .. }) => {
                Self::new(Slug::Guarded, detail).with(|members| members.guard = Some(name.to_owned()))
            }
            OrderError::Rejected(refused) => Self::rejected(&refused),
            OrderError::Unavailable { retry_after } => {
                Self::new(Slug::UpstreamUnavailable, detail).retry_after(retry_after)
            }
            OrderError::Unknown => Self::new(Slug::OutcomeUnknown, detail).retry_after(1),
            OrderError::KeyReused => Self::of(Slug::KeyReused),
            OrderError::Busy => Self::new(Slug::OrderBusy, detail).retry_after(1),
            // Of several statements and calls: what went before may have been sent as well.
            OrderError::Database(error @ (DbError::Database(_) | DbError::Lossy(_))) => {
                tracing::error!(%error, "a request about an order met a failing database");
                Self::unavailable(true)
            }
            OrderError::Database(error) => Self::internal(&error.to_string()),
        }
    }
}
