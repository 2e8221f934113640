//! Changes to the cart until the order is paid. Later steps that a change invalidates go back to pending.

use axum::extract::{FromRequestParts, RawPathParams, State};
use axum::http::request::Parts;
use axum::response::Response;

use crate::checkout::CartEdit;
use crate::http::AppState;
use crate::http::openapi::bodies;
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::http::request::extract::{Json, Target, WriteHeaders};
use crate::http::request::json::canonical;
use crate::http::response::snapshot::Snapshot;
use crate::http::validate;
use crate::saga::Operation;

/// Add items
#[utoipa::path(
    post, path = "/v1/checkouts/{id}/items", operation_id = "addItems", tag = "Cart",
    request_body = bodies::AddItems,
    responses((status = 200, description = "Done", body = Snapshot), (status = 202, description = "Still running", body = Snapshot)),
)]
pub(crate) async fn add(
    State(state): State<AppState>,
    target: Target,
    ask: WriteHeaders,
    Json(body): Json,
) -> Result<Response, Problem> {
    target.principal.may_price_by(&validate::ADD_ITEMS, body.value())?;
    let cart = state.engine().snapshot(target.id).await?.facts.document;
    let (there, guest) = cart.map_or((0, true), |cart| (cart.line_items().len(), cart.customer_id() == 0));
    let items = validate::add_items(body.value(), there, guest)?;
    edit(&state, &target, &ask, CartEdit::AddItems(items), &canonical(body.value())).await
}

/// Change an item
#[utoipa::path(
    put, path = "/v1/checkouts/{id}/items/{item_id}", operation_id = "updateItem", tag = "Cart",
    params(("item_id" = String, Path, description = "Id of the line item in the cart.")),
    request_body = bodies::UpdateItem,
    responses((status = 200, description = "Done", body = Snapshot), (status = 202, description = "Still running", body = Snapshot)),
)]
pub(crate) async fn update(
    State(state): State<AppState>,
    target: Target,
    ItemId(item_id): ItemId,
    ask: WriteHeaders,
    Json(body): Json,
) -> Result<Response, Problem> {
    target.principal.may_price_by(&validate::UPDATE_ITEM, body.value())?;
    let change = validate::update_item(body.value())?;
    let canonical = format!("{item_id} {}", canonical(body.value()));
    edit(&state, &target, &ask, CartEdit::UpdateItem { item_id, body: change }, &canonical).await
}

/// Remove an item
#[utoipa::path(
    delete, path = "/v1/checkouts/{id}/items/{item_id}", operation_id = "removeItem", tag = "Cart",
    params(("item_id" = String, Path, description = "Id of the line item in the cart.")),
    responses((status = 200, description = "Done", body = Snapshot), (status = 202, description = "Still running", body = Snapshot)),
)]
pub(crate) async fn remove(
    State(state): State<AppState>,
    target: Target,
    ItemId(item_id): ItemId,
    ask: WriteHeaders,
) -> Result<Response, Problem> {
    let canonical = format!("remove {item_id}");
    edit(&state, &target, &ask, CartEdit::RemoveItem { item_id }, &canonical).await
}

/// Apply a coupon
#[utoipa::path(
    post, path = "/v1/checkouts/{id}/coupons", operation_id = "addCoupon", tag = "Cart",
    request_body = bodies::Coupon,
    responses((status = 200, description = "Done", body = Snapshot), (status = 202, description = "Still running", body = Snapshot)),
)]
pub(crate) async fn add_coupon(
    State(state): State<AppState>,
    target: Target,
    ask: WriteHeaders,
    Json(body): Json,
) -> Result<Response, Problem> {
    let code = validate::coupon_code(body.value())?;
    let canonical = format!("coupon {}", canonical(body.value()));
    edit(&state, &target, &ask, CartEdit::AddCoupon(code), &canonical).await
}

/// Remove a coupon
#[utoipa::path(
    delete, path = "/v1/checkouts/{id}/coupons/{code}", operation_id = "removeCoupon", tag = "Cart",
    params(("code" = String, Path, description = "The coupon code.")),
    responses((status = 200, description = "Done", body = Snapshot), (status = 202, description = "Still running", body = Snapshot)),
)]
pub(crate) async fn remove_coupon(
    State(state): State<AppState>,
    target: Target,
    CouponCode(code): CouponCode,
    ask: WriteHeaders,
) -> Result<Response, Problem> {
    let canonical = format!("remove-coupon {code}");
    edit(&state, &target, &ask, CartEdit::RemoveCoupon(code), &canonical).await
}

/// Set the message to the merchant
#[utoipa::path(
    put, path = "/v1/checkouts/{id}/customer-message", operation_id = "setCustomerMessage", tag = "Cart",
    request_body = bodies::CustomerMessage,
    responses((status = 200, description = "Done", body = Snapshot), (status = 202, description = "Still running", body = Snapshot)),
)]
pub(crate) async fn customer_message(
    State(state): State<AppState>,
    target: Target,
    ask: WriteHeaders,
    Json(body): Json,
) -> Result<Response, Problem> {
    let message = validate::customer_message(body.value())?;
    let canonical = format!("message {}", canonical(body.value()));
    edit(&state, &target, &ask, CartEdit::CustomerMessage(message), &canonical).await
}

async fn edit(
    state: &AppState,
    target: &Target,
    ask: &WriteHeaders,
    edit: CartEdit,
    canonical: &str,
) -> Result<Response, Problem> {
    state.run(target, ask, Operation::Edit(edit), canonical).await
}

/// The line item of the path.
pub(crate) struct ItemId(String);

/// The coupon of the path.
pub(crate) struct CouponCode(String);

impl FromRequestParts<AppState> for ItemId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let id = part(parts, state, "item_id").await.filter(|id| validate::is_item_id(id));
        id.map(Self).ok_or_else(|| Problem::new(Slug::NotFound, "not a valid item id"))
    }
}

impl FromRequestParts<AppState> for CouponCode {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let code = part(parts, state, "code").await.filter(|code| validate::is_coupon_code(code));
        code.map(Self).ok_or_else(|| Problem::new(Slug::NotFound, "this cannot be a coupon code"))
    }
}

async fn part(parts: &mut Parts, state: &AppState, name: &str) -> Option<String> {
    let params = RawPathParams::from_request_parts(parts, state).await.ok()?;
    params.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}
