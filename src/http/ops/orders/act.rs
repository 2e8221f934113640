//! What must not be done twice: refund, capture, void, shipment. `ops` records it before it is sent.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::Value;
use uuid::Uuid;

use super::action::{Action, Actions};
use super::request::{OrderOf, not_found, store_of};
use crate::http::AppState;
use crate::http::openapi::bodies;
use crate::http::openapi::documents::{Made, Refund, Scheduled, Shipment};
use crate::http::ops::refused::forbidden;
use crate::http::ops::request::QueryParams;
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::http::request::auth::Operator;
use crate::http::request::extract::{Json, MaybeJson, idempotency_key};
use crate::http::request::json::{Body, canonical, fingerprint};
use crate::http::request::prefer::Wait;
use crate::http::response::answer::{PREFERENCE_APPLIED, REPLAYED, json};
use crate::http::validate::{self, ACTIONS_QUERY, Invalid, STORE_QUERY};
use crate::ops::PAGE;
use crate::ops::orders::{Kind, NewAction, OrderAction, OrderActionFilter, Outcome, outcome};

/// Seconds to wait before the next request.
const RETRY_AFTER_RUNNING: u64 = 1;

/// Refund
///
/// Partial or full, with the methods of the quote. One at a time per order. Sent once; if an answer is lost, the
/// refunds of the order are checked for the service's key in the reason of each item. Role `money`.
#[utoipa::path(
    post, path = "/ops/v1/orders/{order_id}/refunds", operation_id = "refundOrder", tag = "Orders",
    params(("order_id" = i64, Path, description = "BigCommerce's order.")),
    request_body = bodies::Refund,
    responses(
        (status = 201, description = "The refund, as BigCommerce shows it", body = Refund),
        (status = 202, description = "Outcome not known yet", body = Action),
    ),
)]
pub(super) async fn refund(
    State(state): State<AppState>,
    order: OrderOf,
    query: QueryParams,
    headers: HeaderMap,
    body: Result<Json, Problem>,
) -> Result<Response, Problem> {
    let body = body.map(|Json(body)| body);
    act(&state, order, query, &headers, body, Kind::Refund, validate::refund).await
}

/// Capture
///
/// Captures the authorized amount. BigCommerce only schedules it: `payment_status` of the order shows when it is done. Role `money`.
#[utoipa::path(
    post, path = "/ops/v1/orders/{order_id}/capture", operation_id = "captureOrder", tag = "Orders",
    params(("order_id" = i64, Path, description = "BigCommerce's order.")),
    request_body = Option<bodies::Money>,
    responses(
        (status = 201, description = "Scheduled", body = Scheduled),
        (status = 202, description = "Outcome not known yet", body = Action),
    ),
)]
pub(super) async fn capture(
    State(state): State<AppState>,
    order: OrderOf,
    query: QueryParams,
    headers: HeaderMap,
    body: Result<MaybeJson, Problem>,
) -> Result<Response, Problem> {
    let body = body.map(|MaybeJson(body)| body);
    act(&state, order, query, &headers, body, Kind::Capture, validate::money_reason).await
}

/// Void
///
/// Voids the authorization. BigCommerce only schedules it: `payment_status` of the order shows when it is done. Role
/// `money`.
#[utoipa::path(
    post, path = "/ops/v1/orders/{order_id}/void", operation_id = "voidOrder", tag = "Orders",
    params(("order_id" = i64, Path, description = "BigCommerce's order.")),
    request_body = Option<bodies::Money>,
    responses(
        (status = 201, description = "Scheduled", body = Scheduled),
        (status = 202, description = "Outcome not known yet", body = Action),
    ),
)]
pub(super) async fn void(
    State(state): State<AppState>,
    order: OrderOf,
    query: QueryParams,
    headers: HeaderMap,
    body: Result<MaybeJson, Problem>,
) -> Result<Response, Problem> {
    let body = body.map(|MaybeJson(body)| body);
    act(&state, order, query, &headers, body, Kind::Void, validate::money_reason).await
}

/// Ship
///
/// A part of the order, or all of it, to one of its addresses; the shopper gets an email. `Idempotency-Key` is
/// optional. If an answer is lost, the shipments of the order are checked. Role `act`.
#[utoipa::path(
    post, path = "/ops/v1/orders/{order_id}/shipments", operation_id = "shipOrder", tag = "Orders",
    params(("order_id" = i64, Path, description = "BigCommerce's order.")),
    request_body = bodies::Shipment,
    responses(
        (status = 201, description = "The shipment, as BigCommerce shows it", body = Shipment),
        (status = 202, description = "Outcome not known yet", body = Action),
    ),
)]
pub(super) async fn ship(
    State(state): State<AppState>,
    order: OrderOf,
    query: QueryParams,
    headers: HeaderMap,
    body: Result<Json, Problem>,
) -> Result<Response, Problem> {
    let body = body.map(|Json(body)| body);
    act(&state, order, query, &headers, body, Kind::Shipment, validate::shipment).await
}

async fn act(
    state: &AppState,
    order: OrderOf,
    query: QueryParams,
    headers: &HeaderMap,
    body: Result<Body, Problem>,
    kind: Kind,
    check: impl FnOnce(&Value) -> Result<(Value, String), Invalid>,
) -> Result<Response, Problem> {
    let least = kind.role();
    let read = || -> Result<_, Problem> {
        let key = idempotency_key(headers)?;
        if key.is_none() && kind != Kind::Shipment {
            return Err(Problem::of(Slug::KeyMissing));
        }
        let store = store_of(state, &order.actor, &query.checked(&[&STORE_QUERY])?)?;
        let body = body?;
        let (checked, reason) = check(body.value())?;
        Ok((key, store, checked, reason, canonical(body.value())))
    };
    let (key, store, body, reason, text) = match read() {
        Ok(read) => read,
        // Who may not is told so first.
        Err(_) if order.actor.role < least => return Err(forbidden(least)),
        Err(problem) => return Err(problem),
    };
    let wait = Wait::of(headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok()));
    let ops = state.ops(&order.actor);
    let principal = format!("operator:{}", order.actor.name);
    let target = format!("{store}/{}", order.id);
    let new = NewAction {
        fingerprint: fingerprint(&principal, kind.as_str(), &target, &text),
        store,
        order_id: order.id,
        kind,
        body,
        reason,
        actor: order.actor,
        principal,
        key: key.map(|key| key.as_str().to_owned()),
        checkout_id: None,
    };
    let submitted = ops.submit(new).await?;
    let action = ops.ended(submitted.id, wait.duration()).await?;
    let action = action.ok_or_else(|| Problem::internal("an action that was begun is gone"))?;
    let mut response = answer(kind, &action)?;
    let headers = response.headers_mut();
    if submitted.replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    if let (true, Ok(applied)) = (wait.asked, HeaderValue::try_from(wait.applied())) {
        headers.insert(PREFERENCE_APPLIED, applied);
    }
    Ok(response)
}

/// What became of an action, as the answer to who asked for it.
fn answer(kind: Kind, action: &OrderAction) -> Result<Response, Problem> {
    let mut response = match outcome(action)? {
        Outcome::Done(body) => json(StatusCode::CREATED, &Made::by(kind, body)),
        Outcome::Rejected(refused) => return Err(Problem::rejected(&refused)),
        Outcome::NotDone { detail, retry_after } => {
            return Err(Problem::new(Slug::UpstreamUnavailable, detail).retry_after(retry_after));
        }
        Outcome::Open => {
            let mut response = json(StatusCode::ACCEPTED, &Action::of(action));
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_RUNNING));
            response
        }
    };
    let location = format!("/ops/v1/order-actions/{}", action.order_action_id);
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// List actions on orders
///
/// Refunds, captures, voids and shipments requested through this service, newest first. `status=unknown`: the outcome
/// is being reconciled.
#[utoipa::path(
    get, path = "/ops/v1/order-actions", operation_id = "listOrderActions", tag = "Orders",
    responses((status = 200, description = "One page", body = Actions)),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Operator(actor): Operator,
    query: QueryParams,
) -> Result<Response, Problem> {
    let query = query.checked(&[&ACTIONS_QUERY])?;
    let before: Option<Uuid> = query.cursor()?;
    let filter = OrderActionFilter {
        store: query.text("store"),
        order_id: query.whole("order_id"),
        status: query.text("status"),
        checkout_id: None,
        before,
    };
    let limit = query.limit(PAGE);
    let mut actions = state.ops(&actor).order_actions(&filter, limit + 1).await?;
    let more = actions.len() > limit as usize;
    actions.truncate(limit as usize);
    let next_cursor = actions.last().filter(|_| more).map(|last| last.order_action_id);
    let data = actions.iter().map(Action::of).collect();
    Ok(json(StatusCode::OK, &Actions { data, next_cursor }))
}

/// Read an action on an order
///
/// Its result. While it is `sending` or `unknown`, ask again.
#[utoipa::path(
    get, path = "/ops/v1/order-actions/{action_id}", operation_id = "readOrderAction", tag = "Orders",
    params(("action_id" = Uuid, Path, description = "The action.")),
    responses((status = 200, description = "State", body = Action)),
)]
pub(super) async fn read(
    State(state): State<AppState>,
    Operator(actor): Operator,
    Path(action_id): Path<String>,
) -> Result<Response, Problem> {
    let missing = || not_found("action");
    let id: Uuid = action_id.parse().map_err(|_| missing())?;
    let action = state.ops(&actor).order_action(id).await?.ok_or_else(missing)?;
    Ok(json(StatusCode::OK, &Action::of(&action)))
}
