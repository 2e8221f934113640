//! Changing an order, and asking what a refund would be. Both may be repeated.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::request::{OrderOf, store_of};
use crate::http::AppState;
use crate::http::openapi::bodies;
use crate::http::openapi::documents::{Order, RefundQuote};
use crate::http::ops::refused::forbidden;
use crate::http::ops::request::QueryParams;
use crate::http::problem::Problem;
use crate::http::request::extract::Json;
use crate::http::response::answer::json;
use crate::http::validate::{self, STORE_QUERY};
use crate::ops::orders::StatusAsk;
use crate::ops::orders::statuses::Change;
use crate::role::Role;

/// An order that was changed: BigCommerce's order, with the effect of the change.
#[derive(Serialize, ToSchema)]
pub(super) struct ChangedOrder {
    #[serde(flatten)]
    order: Order,
    /// Null if no status was requested.
    status_change: Option<Change>,
}

/// Change an order
///
/// Its status, its notes. The answer is the order with `status_change`: the effect on tax documents. No change of
/// status refunds money. Refused: a change to Incomplete (it could be paid again), and a change of an unpaid order
/// that is still part of an open checkout. Role `act`.
#[utoipa::path(
    put, path = "/ops/v1/orders/{order_id}", operation_id = "changeOrder", tag = "Orders",
    params(("order_id" = i64, Path, description = "BigCommerce's order.")),
    request_body = bodies::ChangeOrder,
    responses((status = 200, description = "The order as it is now, or as it is before a dry run", body = ChangedOrder)),
)]
pub(super) async fn update(
    State(state): State<AppState>,
    order: OrderOf,
    query: QueryParams,
    body: Result<Json, Problem>,
) -> Result<Response, Problem> {
    let read = || -> Result<_, Problem> {
        let query = query.checked(&[&STORE_QUERY])?;
        let Json(body) = body?;
        Ok((store_of(&state, &order.actor, &query)?, validate::change_order(body.value())?))
    };
    let (store, (fields, reason, dry_run)) = match read() {
        Ok(read) => read,
        Err(_) if order.actor.role < Role::Act => return Err(forbidden(Role::Act)),
        Err(problem) => return Err(problem),
    };
    let ask = StatusAsk { actor: &order.actor, reason: &reason, fields: &fields, dry_run };
    let changed = state.ops(&order.actor).change_order(&store, order.id, ask).await?;
    let answer = ChangedOrder { order: Order(changed.order), status_change: changed.change };
    Ok(json(StatusCode::OK, &answer))
}

/// Quote a refund
///
/// What would be refunded, and by which methods. No money is moved. Role `act`.
#[utoipa::path(
    post, path = "/ops/v1/orders/{order_id}/refund-quotes", operation_id = "quoteRefund", tag = "Orders",
    params(("order_id" = i64, Path, description = "BigCommerce's order.")),
    request_body = bodies::RefundQuote,
    responses((status = 201, description = "The quote", body = RefundQuote)),
)]
pub(super) async fn quote_refund(
    State(state): State<AppState>,
    order: OrderOf,
    query: QueryParams,
    body: Result<Json, Problem>,
) -> Result<Response, Problem> {
    if order.actor.role < Role::Act {
        return Err(forbidden(Role::Act));
    }
    let store = store_of(&state, &order.actor, &query.checked(&[&STORE_QUERY])?)?;
    let Json(body) = body?;
    let body = validate::refund_quote(body.value())?;
    let quote = state.ops(&order.actor).refund_quote(&store, order.id, &body).await?;
    Ok(json(StatusCode::CREATED, &RefundQuote(quote)))
}
