//! The steps before the order: addresses and shipping.

use axum::extract::State;
use axum::response::Response;

use crate::http::AppState;
use crate::http::openapi::bodies;
use crate::http::problem::Problem;
use crate::http::request::extract::{Json, Target, WriteHeaders};
use crate::http::request::json::canonical;
use crate::http::response::snapshot::Snapshot;
use crate::http::validate;
use crate::saga::Operation;

/// Set the billing address
///
/// Add or replace it, until the order is paid. An unpaid order is canceled first, and made again by the next order or payment.
#[utoipa::path(
    put, path = "/v1/checkouts/{id}/billing-address", operation_id = "setBillingAddress", tag = "Steps",
    request_body = bodies::BillingAddress,
    responses((status = 200, description = "Done", body = Snapshot), (status = 202, description = "Still running", body = Snapshot)),
)]
pub(crate) async fn billing_address(
    State(state): State<AppState>,
    target: Target,
    ask: WriteHeaders,
    Json(body): Json,
) -> Result<Response, Problem> {
    let address = validate::billing_address(body.value())?;
    state.run(&target, &ask, Operation::BillingAddress(address), &canonical(body.value())).await
}

/// Set the consignments
///
/// Add or replace all of them, until the order is paid; an unpaid order is canceled first. The answer holds their `available_shipping_options`.
#[utoipa::path(
    put, path = "/v1/checkouts/{id}/consignments", operation_id = "setConsignments", tag = "Steps",
    request_body = bodies::Consignments,
    responses((status = 200, description = "Done", body = Snapshot), (status = 202, description = "Still running", body = Snapshot)),
)]
pub(crate) async fn consignments(
    State(state): State<AppState>,
    target: Target,
    ask: WriteHeaders,
    Json(body): Json,
) -> Result<Response, Problem> {
    let consignments = validate::consignments(body.value())?;
    state.run(&target, &ask, Operation::Consignments(consignments), &canonical(body.value())).await
}

/// Choose shipping options
///
/// One for each consignment, until the order is paid; an unpaid order is canceled first.
#[utoipa::path(
    put, path = "/v1/checkouts/{id}/shipping-options", operation_id = "setShippingOptions", tag = "Steps",
    request_body = bodies::ShippingOptions,
    responses((status = 200, description = "Done", body = Snapshot), (status = 202, description = "Still running", body = Snapshot)),
)]
pub(crate) async fn shipping_options(
    State(state): State<AppState>,
    target: Target,
    ask: WriteHeaders,
    Json(body): Json,
) -> Result<Response, Problem> {
    let options = validate::shipping_options(body.value())?;
    state.run(&target, &ask, Operation::ShippingOptions(options), &canonical(body.value())).await
}
