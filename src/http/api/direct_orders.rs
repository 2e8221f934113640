//! The second saga: an order made directly, then paid.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;

use crate::checkout::Input;
use crate::http::AppState;
use crate::http::openapi::bodies;
use crate::http::problem::Problem;
use crate::http::request::auth::Principal;
use crate::http::request::claims::Trust;
use crate::http::request::extract::{Json, WriteHeaders};
use crate::http::request::trace::Trace;
use crate::http::response::snapshot::Snapshot;
use crate::http::validate;
use crate::saga::{NewCheckout, NewFlow};

/// Create a direct order
///
/// The order is created as Incomplete (status 0) without a cart, and then paid through the payment of the returned
/// checkout. The caller sets all prices, so it requires a server key.
#[utoipa::path(
    post, path = "/v1/direct-orders", operation_id = "createDirectOrder", tag = "Checkouts",
    request_body = bodies::DirectOrder, extensions(("x-trust" = json!(Trust::Price.word()))),
    responses((status = 201, description = "Created", body = Snapshot), (status = 202, description = "Still running", body = Snapshot)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(trace): Extension<Trace>,
    principal: Principal,
    Pricer(ask): Pricer,
    Json(body): Json,
) -> Result<Response, Problem> {
    let store = principal.may_price()?.to_owned();
    let shopper = state.shopper(&principal, &store, &validate::DIRECT_ORDER, body.value())?;
    let request = ask.creation(&principal, "direct-order", &shopper.canonical(body.value()));
    let (order, metadata) = validate::direct_order(body.value(), shopper)?;
    let input = Input { proven_customer: shopper.customer, ..Input::default() };
    let new = NewCheckout { store, flow: NewFlow::DirectOrder(order), input, metadata };
    state.create(&trace, new, request, ask.wait).await
}

/// The headers of a caller who may say what things cost: that comes before anything that is wrong with the request.
pub(crate) struct Pricer(WriteHeaders);

impl axum::extract::FromRequestParts<AppState> for Pricer {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        state: &AppState,
    ) -> Result<Self, Problem> {
        Principal::from_request_parts(parts, state).await?.may_price()?;
        WriteHeaders::from_request_parts(parts, state).await.map(Self)
    }
}
