//! Paying. What a card is goes from the body into the one type that keeps it secret, and nowhere else.

use axum::Extension;
use axum::extract::State as Has;
use axum::http::StatusCode;
use axum::response::Response;

use super::State;
use super::answer::json;
use super::bodies;
use super::described::PaymentMethods;
use super::extract::{Ask, Json, Target};
use super::json::canonical;
use super::limits::Client;
use super::problem::Problem;
use super::snapshot::Snapshot;
use super::validate;
use crate::saga::Operation;

/// List the payment methods
///
/// BigCommerce's accepted methods with the shopper's stored instruments.
#[utoipa::path(
    get, path = "/v1/checkouts/{id}/payment-methods", operation_id = "listPaymentMethods", tag = "Payment",
    responses((status = 200, description = "The methods", body = PaymentMethods)),
)]
pub(super) async fn methods(Has(state): Has<State>, target: Target) -> Result<Response, Problem> {
    let methods = state.engine().payment_methods(target.id).await?;
    Ok(json(StatusCode::OK, &serde_json::json!({ "data": methods })))
}

/// Pay
///
/// 200: paid. 402: declined, nothing was charged. 202: accepted and settling, or unknown; the service goes on finding
/// out. BigCommerce's own body `{"payment": {...}}` is taken as well. Nothing above `agreed_total`, or above the total of
/// the version that `If-Match` names, is ever charged; one of the two has to be there.
#[utoipa::path(
    post, path = "/v1/checkouts/{id}/payment", operation_id = "pay", tag = "Payment",
    request_body = bodies::Payment,
    responses((status = 200, description = "Paid", body = Snapshot), (status = 202, description = "Settling or unknown", body = Snapshot)),
)]
pub(super) async fn pay(
    Has(state): Has<State>,
    target: Target,
    ask: Ask,
    Extension(client): Extension<Client>,
    Json(body): Json,
) -> Result<Response, Problem> {
    let canonical = canonical(&validate::safe_part(body.value()));
    let operation = validate::payment(body, state.raw_cards())?;
    state.count_payment(&target, &ask, client, email(&operation)).await?;
    state.run(&target, &ask, operation, &canonical).await
}

/// Complete in one call
///
/// Whatever is missing, then the order, then the payment. Nothing above `agreed_total`, or above the total of the version
/// that `If-Match` names, is ever charged; one of the two has to be there.
#[utoipa::path(
    post, path = "/v1/checkouts/{id}/complete", operation_id = "complete", tag = "Payment",
    request_body = bodies::Complete,
    responses((status = 200, description = "Paid", body = Snapshot), (status = 202, description = "Running, settling or unknown", body = Snapshot)),
)]
pub(super) async fn complete(
    Has(state): Has<State>,
    target: Target,
    ask: Ask,
    Extension(client): Extension<Client>,
    Json(body): Json,
) -> Result<Response, Problem> {
    let canonical = canonical(&validate::safe_part(body.value()));
    let operation = validate::complete(body, state.raw_cards())?;
    state.count_payment(&target, &ask, client, email(&operation)).await?;
    state.run(&target, &ask, operation, &canonical).await
}

/// The e-mail address that the request itself names.
fn email(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::Complete(complete) => complete.billing_address.as_ref()?.get("email")?.as_str(),
        _ => None,
    }
}
