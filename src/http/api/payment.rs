//! Paying. What a card is goes from the body into the one type that keeps it secret, and nowhere else.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::http::AppState;
use crate::http::limits::Client;
use crate::http::openapi::bodies;
use crate::http::openapi::documents::PaymentMethods;
use crate::http::problem::Problem;
use crate::http::request::extract::{Json, Target, WriteHeaders};
use crate::http::request::json::canonical;
use crate::http::request::trust::of_customers;
use crate::http::response::answer::json;
use crate::http::response::snapshot::Snapshot;
use crate::http::validate;

/// List the payment methods
///
/// BigCommerce's accepted methods; with the shopper's stored instruments if the customer of the checkout was verified.
#[utoipa::path(
    get, path = "/v1/checkouts/{id}/payment-methods", operation_id = "listPaymentMethods", tag = "Payment",
    responses((status = 200, description = "The methods", body = PaymentMethods)),
)]
pub(crate) async fn methods(State(state): State<AppState>, target: Target) -> Result<Response, Problem> {
    let methods = state.engine().payment_methods(target.id).await?;
    Ok(json(StatusCode::OK, &PaymentMethods::from(methods)))
}

/// Pay
///
/// 200: paid. 402: declined, nothing was charged. 202: accepted and settling, or unknown; the service keeps checking.
/// BigCommerce's own body `{"payment": {...}}` is accepted as well. Nothing above `agreed_total`, or above the total of
/// the version that `If-Match` names, is ever charged; one of the two is required.
#[utoipa::path(
    post, path = "/v1/checkouts/{id}/payment", operation_id = "payCheckout", tag = "Payment",
    request_body = bodies::Payment,
    responses((status = 200, description = "Paid", body = Snapshot), (status = 202, description = "Settling or unknown", body = Snapshot)),
)]
pub(crate) async fn pay(
    State(state): State<AppState>,
    target: Target,
    ask: WriteHeaders,
    Extension(client): Extension<Client>,
    Json(body): Json,
) -> Result<Response, Problem> {
    let canonical = canonical(&validate::safe_part(body.value()));
    let wrapped = body.value().get("payment").is_some();
    let shape = if wrapped { &validate::WRAPPED } else { &validate::PAYMENT };
    let of_customers = of_customers(shape, body.value());
    let operation = validate::payment(body, state.raw_cards())?;
    state.pay(&target, &ask, operation, &canonical, client).await.map_err(|problem| problem.at(&of_customers))
}

/// Complete in one call
///
/// Runs all missing steps, then the order, then the payment. Nothing above `agreed_total`, or above the total of the version
/// that `If-Match` names, is ever charged; one of the two is required.
#[utoipa::path(
    post, path = "/v1/checkouts/{id}/complete", operation_id = "completeCheckout", tag = "Payment",
    request_body = bodies::Complete,
    responses((status = 200, description = "Paid", body = Snapshot), (status = 202, description = "Running, settling or unknown", body = Snapshot)),
)]
pub(crate) async fn complete(
    State(state): State<AppState>,
    target: Target,
    ask: WriteHeaders,
    Extension(client): Extension<Client>,
    Json(body): Json,
) -> Result<Response, Problem> {
    let canonical = canonical(&validate::safe_part(body.value()));
    let of_customers = of_customers(&validate::COMPLETE, body.value());
    let operation = validate::complete(body, state.raw_cards())?;
    state.pay(&target, &ask, operation, &canonical, client).await.map_err(|problem| problem.at(&of_customers))
}
