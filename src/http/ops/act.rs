//! Acting on one checkout.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::refused::forbidden;
use super::request::CheckoutScope;
use crate::http::AppState;
use crate::http::openapi::bodies;
use crate::http::problem::Problem;
use crate::http::request::extract::Json;
use crate::http::response::answer::json;
use crate::http::response::snapshot::Snapshot;
use crate::http::validate::{self, ActionBody};
use crate::ops::{Action, ActionRequest, Report};
use crate::role::Role;

/// What an action did, or would do.
#[derive(Serialize, ToSchema)]
pub(super) struct Acted<'a> {
    #[serde(flatten)]
    report: &'a Report,
    /// The checkout as it is now, or would be.
    checkout: Snapshot<'a>,
}

/// Retry now
///
/// The attempts start at zero again. Anything in flight is reconciled before it is repeated: a restart never creates
/// a second order and never charges.
#[utoipa::path(
    post, path = "/ops/v1/checkouts/{id}/restart", operation_id = "restartCheckout", tag = "Operators",
    request_body = bodies::Action,
    responses((status = 200, description = "Done, or the result of the dry run", body = Acted)),
)]
pub(super) async fn restart(
    State(state): State<AppState>,
    about: CheckoutScope,
    body: Result<Json, Problem>,
) -> Result<Response, Problem> {
    act(&state, &about, body, Role::Act, |body| Ok((validate::action_body(body)?, Action::Restart))).await
}

/// Pause a checkout
///
/// Nothing happens until it is resumed. The shopper sees that the order is being reviewed.
#[utoipa::path(
    post, path = "/ops/v1/checkouts/{id}/pause", operation_id = "pauseCheckout", tag = "Operators",
    request_body = bodies::Action,
    responses((status = 200, description = "Done, or the result of the dry run", body = Acted)),
)]
pub(super) async fn pause(
    State(state): State<AppState>,
    about: CheckoutScope,
    body: Result<Json, Problem>,
) -> Result<Response, Problem> {
    act(&state, &about, body, Role::Act, |body| Ok((validate::action_body(body)?, Action::Pause))).await
}

/// Resume a checkout
#[utoipa::path(
    post, path = "/ops/v1/checkouts/{id}/resume", operation_id = "resumeCheckout", tag = "Operators",
    request_body = bodies::Action,
    responses((status = 200, description = "Done, or the result of the dry run", body = Acted)),
)]
pub(super) async fn resume(
    State(state): State<AppState>,
    about: CheckoutScope,
    body: Result<Json, Problem>,
) -> Result<Response, Problem> {
    act(&state, &about, body, Role::Act, |body| Ok((validate::action_body(body)?, Action::Resume))).await
}

/// Cancel a checkout (operator)
///
/// An unpaid order is canceled, the cart is deleted. Refused while anything may have been charged. After a payment only
/// with `refund` and the role `money`.
#[utoipa::path(
    post, path = "/ops/v1/checkouts/{id}/cancel", operation_id = "cancelCheckoutAsOperator", tag = "Operators",
    request_body = bodies::Cancel,
    responses((status = 200, description = "Being canceled, or the result of the dry run", body = Acted)),
)]
pub(super) async fn cancel(
    State(state): State<AppState>,
    about: CheckoutScope,
    body: Result<Json, Problem>,
) -> Result<Response, Problem> {
    act(&state, &about, body, Role::Act, |body| {
        let (fields, refund) = validate::cancel(body)?;
        Ok((fields, Action::Cancel { refund }))
    })
    .await
}

/// Resolve what recovery cannot find out
///
/// BigCommerce is checked first; a finding that it contradicts is refused, with the evidence. Role `money`.
#[utoipa::path(
    post, path = "/ops/v1/checkouts/{id}/resolve", operation_id = "resolveCheckout", tag = "Operators",
    request_body = bodies::Resolve,
    responses((status = 200, description = "Done, or the result of the dry run", body = Acted)),
)]
pub(super) async fn resolve(
    State(state): State<AppState>,
    about: CheckoutScope,
    body: Result<Json, Problem>,
) -> Result<Response, Problem> {
    act(&state, &about, body, Role::Money, |body| {
        let (fields, finding) = validate::resolve(body)?;
        Ok((fields, Action::Resolve(finding)))
    })
    .await
}

/// Revoke checkout tokens
///
/// Every token of the checkout ends at once, for example because one got into the wrong hands. The checkout goes on. A server key gets a
/// new token by repeating the creation with its `Idempotency-Key`.
#[utoipa::path(
    post, path = "/ops/v1/checkouts/{id}/revoke-tokens", operation_id = "revokeCheckoutTokens", tag = "Operators",
    request_body = bodies::Action,
    responses((status = 200, description = "Done, or the result of the dry run", body = Acted)),
)]
pub(super) async fn revoke_tokens(
    State(state): State<AppState>,
    about: CheckoutScope,
    body: Result<Json, Problem>,
) -> Result<Response, Problem> {
    let read = |body: &Value| Ok((validate::action_body(body)?, Action::RevokeTokens));
    act(&state, &about, body, Role::Act, read).await
}

/// Close an unreadable checkout
///
/// For a checkout whose record this version cannot read. It becomes `cancelled`; nothing is canceled at BigCommerce. BigCommerce is
/// checked first: everything it has of the checkout must be listed in `leaves`; otherwise 409 with the missing ids. Role `money`.
#[utoipa::path(
    post, path = "/ops/v1/checkouts/{id}/close", operation_id = "closeCheckout", tag = "Operators",
    request_body = bodies::Close,
    responses((status = 200, description = "Done, or the result of the dry run", body = Acted)),
)]
pub(super) async fn close(
    State(state): State<AppState>,
    about: CheckoutScope,
    body: Result<Json, Problem>,
) -> Result<Response, Problem> {
    act(&state, &about, body, Role::Money, |body| {
        let (fields, leaves) = validate::close(body)?;
        Ok((fields, Action::Close { leaves }))
    })
    .await
}

/// `least` is the role without which no body would do. `ops` decides on the request itself.
async fn act(
    state: &AppState,
    about: &CheckoutScope,
    body: Result<Json, Problem>,
    least: Role,
    read: impl FnOnce(&Value) -> Result<(ActionBody, Action), Problem>,
) -> Result<Response, Problem> {
    let (fields, action) = match body.and_then(|Json(body)| read(body.value())) {
        Ok(asked) => asked,
        // Who may not is told so first. Without a reason there is nothing to write into the audit log.
        Err(_) if about.actor.role < least => return Err(forbidden(least)),
        Err(problem) => return Err(problem),
    };
    let ask = ActionRequest { actor: &about.actor, reason: &fields.reason, dry_run: fields.dry_run };
    let report = state.ops(&about.actor).act(about.id, &action, ask).await?;
    let checkout = Snapshot::of(&report.checkout);
    Ok(json(StatusCode::OK, &Acted { report: &report, checkout }))
}
