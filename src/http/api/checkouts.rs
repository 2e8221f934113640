//! Checkouts: create, read, cancel.

use axum::Extension;
use axum::extract::State;
use axum::http::header::{self, HeaderMap};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::http::AppState;
use crate::http::openapi::bodies;
use crate::http::problem::Problem;
use crate::http::request::auth::Principal;
use crate::http::request::extract::{Json, Target, WriteHeaders};
use crate::http::request::prefer::Tags;
use crate::http::request::trace::Trace;
use crate::http::response::answer::{etag, snapshot};
use crate::http::response::snapshot::Snapshot;
use crate::http::validate;
use crate::saga::{NewCheckout, NewFlow};

/// Create a checkout
///
/// Creates the cart and runs all steps that the given data allows. The answer contains the `checkout_token`, the
/// credential for this one checkout; a replay contains a new one, and of several the latest five are valid. A publishable
/// key is public, so a replay with one proves nothing and is refused (`idempotency-key-reused`): create a new checkout with
/// a new key.
#[utoipa::path(
    post, path = "/v1/checkouts", operation_id = "createCheckout", tag = "Checkouts",
    request_body = bodies::NewCheckout,
    responses((status = 201, description = "Created", body = Snapshot), (status = 202, description = "Still running", body = Snapshot)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    Extension(trace): Extension<Trace>,
    principal: Principal,
    Creator(ask): Creator,
    Json(body): Json,
) -> Result<Response, Problem> {
    let store = principal.may_create()?.to_owned();
    let shopper = state.shopper(&principal, &store, &validate::NEW_CHECKOUT, body.value())?;
    let request = ask.creation(&principal, "create", &shopper.canonical(body.value()));
    let validate::New { cart, input, metadata } = validate::new_checkout(body.value(), shopper)?;
    let new = NewCheckout { store, flow: NewFlow::Cart(cart), input, metadata };
    state.create(&trace, new, request, ask.wait).await
}

/// The headers of a caller who may create checkouts: that comes before anything that is wrong with the request.
pub(crate) struct Creator(pub(crate) WriteHeaders);

impl axum::extract::FromRequestParts<AppState> for Creator {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        state: &AppState,
    ) -> Result<Self, Problem> {
        Principal::from_request_parts(parts, state).await?.may_create()?;
        WriteHeaders::from_request_parts(parts, state).await.map(Self)
    }
}

/// Read a checkout
///
/// The current checkout; its `ETag` is the version. A day after its end, a checkout token no longer shows names, addresses and other
/// personal data; a server key does.
#[utoipa::path(
    get, path = "/v1/checkouts/{id}", operation_id = "readCheckout", tag = "Checkouts",
    params(("If-None-Match" = Option<String>, Header, description = "An `ETag` that the client already has.")),
    responses((status = 200, description = "As it is now", body = Snapshot), (status = 304, description = "Unchanged")),
)]
pub(crate) async fn read(
    State(state): State<AppState>,
    target: Target,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let Some(known) = known.and_then(Tags::parse) else {
        return state.read(&target).await;
    };
    let checkout = target.seen(state.engine().snapshot(target.id).await?);
    if !known.name(checkout.version) {
        return Ok(snapshot(&checkout));
    }
    let tag = etag(&checkout).unwrap_or(HeaderValue::from_static("\"\""));
    Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response())
}

/// Cancel a checkout
///
/// Before payment only. Deletes the cart and cancels an unpaid order. Repeating it changes nothing.
#[utoipa::path(
    delete, path = "/v1/checkouts/{id}", operation_id = "cancelCheckout", tag = "Checkouts",
    responses((status = 200, description = "Canceled", body = Snapshot), (status = 202, description = "Being canceled", body = Snapshot)),
)]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    target: Target,
    ask: WriteHeaders,
) -> Result<Response, Problem> {
    state.cancel(&target, &ask).await
}
