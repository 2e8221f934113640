//! The second saga: an order made directly, then paid.

use axum::Extension;
use axum::extract::State as Has;
use axum::response::Response;

use super::State;
use super::auth::Principal;
use super::bodies;
use super::checkouts::Creator;
use super::extract::Json;
use super::json::canonical;
use super::problem::Problem;
use super::snapshot::Snapshot;
use super::trace::Trace;
use super::validate;
use crate::checkout::Input;
use crate::saga::{NewCheckout, NewFlow};

/// Create a direct order
///
/// The order is made Incomplete (status 0) without a cart, and then paid through the payment of the checkout that is
/// answered.
#[utoipa::path(
    post, path = "/v1/direct-orders", operation_id = "createDirectOrder", tag = "Checkouts",
    request_body = bodies::DirectOrder,
    responses((status = 201, description = "Created", body = Snapshot), (status = 202, description = "Still running", body = Snapshot)),
)]
pub(super) async fn create(
    Has(state): Has<State>,
    Extension(trace): Extension<Trace>,
    principal: Principal,
    Creator(ask): Creator,
    Json(body): Json,
) -> Result<Response, Problem> {
    let store = principal.may_create()?.to_owned();
    let request = ask.creation(&principal, "direct-order", &canonical(body.value()));
    let (order, metadata) = validate::direct_order(body.value())?;
    let new = NewCheckout { store, flow: NewFlow::DirectOrder(order), input: Input::default(), metadata };
    state.create(&trace, new, request, ask.wait).await
}
