//! The order, and the hand-off to BigCommerce's hosted checkout.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::checkout::IdempotencyKey;
use crate::http::AppState;
use crate::http::openapi::bodies;
use crate::http::openapi::documents::Confirmation;
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::http::request::auth::Principal;
use crate::http::request::extract::{MaybeJson, Target, WriteHeaders};
use crate::http::request::json::canonical;
use crate::http::response::answer::json;
use crate::http::response::snapshot::Snapshot;
use crate::http::validate;
use crate::saga::{self, Operation};

/// URLs of BigCommerce's hosted cart and checkout; each works once.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "BigCommerce's names")]
pub(crate) struct RedirectUrls {
    /// The hosted cart.
    cart_url: String,
    /// The hosted checkout.
    checkout_url: String,
    /// The hosted checkout for a frame.
    embedded_checkout_url: Option<String>,
}

/// Create the order
///
/// BigCommerce creates it as Incomplete (status 0). If it already exists, nothing is sent. The body is optional.
#[utoipa::path(
    post, path = "/v1/checkouts/{id}/order", operation_id = "createOrder", tag = "Order",
    request_body = Option<bodies::Order>,
    responses((status = 200, description = "The order exists", body = Snapshot), (status = 202, description = "Still running", body = Snapshot)),
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    target: Target,
    ask: WriteHeaders,
    MaybeJson(body): MaybeJson,
) -> Result<Response, Problem> {
    let agreed_total = validate::order(body.value())?;
    state.run(&target, &ask, Operation::Order { agreed_total }, &canonical(body.value())).await
}

/// Read the order
///
/// As a confirmation page needs it: in BigCommerce's shapes, in one answer. With a checkout token: what is for the shopper, and so
/// without notes of the staff, cost prices, results of fraud checks (AVS, CVV), network addresses, and tokens; a day after the end of
/// the checkout also without addresses, messages, options of products and cards.
#[utoipa::path(
    get, path = "/v1/checkouts/{id}/order", operation_id = "readOrder", tag = "Order",
    responses((status = 200, description = "The order and everything that belongs to it", body = Confirmation)),
)]
pub(crate) async fn confirmation(State(state): State<AppState>, target: Target) -> Result<Response, Problem> {
    let mut confirmation = state.engine().confirmation(target.id).await?;
    if !matches!(target.principal, Principal::Server { .. }) {
        confirmation = confirmation.for_the_shopper();
        if target.is_bare(&state.engine().snapshot(target.id).await?) {
            confirmation = confirmation.without_addresses();
        }
    }
    Ok(json(StatusCode::OK, &Confirmation::from(confirmation)))
}

/// Make redirect URLs
///
/// Hands the shopper over to BigCommerce's hosted cart or checkout. Each URL works once; each call creates new ones.
/// A payment made there is detected and completes this checkout.
#[utoipa::path(
    post, path = "/v1/checkouts/{id}/redirect-urls", operation_id = "createRedirectUrls", tag = "Order",
    request_body = Option<bodies::Nothing>,
    responses((status = 200, description = "Fresh URLs", body = RedirectUrls)),
)]
pub(crate) async fn redirect_urls(
    State(state): State<AppState>,
    target: Target,
    ask: WriteHeaders,
    MaybeJson(body): MaybeJson,
) -> Result<Response, Problem> {
    validate::empty(body.value())?;
    let request = ask.request(&state, &target, "redirect-urls", "").await?;
    let key = request.key.as_ref().map_or("", IdempotencyKey::as_str);
    let held = state
        .in_use()
        .hold(request.principal.clone(), key)
        .ok_or_else(|| Problem::of(Slug::KeyInUse).retry_after(1))?;
    let (engine, id) = (state.engine().clone(), target.id);
    // To its end, also when the tab is closed meanwhile: what was claimed is let go, and the key is in use until then.
    let urls = state
        .undisturbed(async move {
            let urls = engine.redirect_urls(id, request).await;
            drop(held);
            urls
        })
        .await?;
    let saga::RedirectUrls { cart_url, checkout_url, embedded_checkout_url } = urls;
    Ok(json(StatusCode::OK, &RedirectUrls { cart_url, checkout_url, embedded_checkout_url }))
}
