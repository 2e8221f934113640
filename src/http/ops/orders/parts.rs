//! What hangs on an order, each as BigCommerce shows it. What BigCommerce answers with 204 is an empty list.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;

use super::request::{AddressOf, OrderOf, store_of};
use crate::http::AppState;
use crate::http::openapi::documents::{
    OrderCoupons, OrderProducts, OrderTaxes, Refunds, Shipments, ShippingAddresses, ShippingQuotes,
    Transactions,
};
use crate::http::ops::request::QueryParams;
use crate::http::problem::Problem;
use crate::http::response::answer::json;
use crate::http::validate::{STORE_QUERY, TAXES_QUERY};
use crate::ops::orders::Part;

async fn part<L: From<Vec<Value>> + Serialize>(
    state: &AppState,
    order: &OrderOf,
    query: QueryParams,
    part: Part,
) -> Result<Response, Problem> {
    let store = store_of(state, &order.actor, &query.checked(&[&STORE_QUERY])?)?;
    let rows = state.ops(&order.actor).order_part(&store, order.id, part).await?;
    Ok(json(StatusCode::OK, &L::from(rows)))
}

/// List the products of an order
#[utoipa::path(
    get, path = "/ops/v1/orders/{order_id}/products", operation_id = "listOrderProducts", tag = "Orders",
    params(("order_id" = i64, Path, description = "BigCommerce's order.")),
    responses((status = 200, description = "All of them", body = OrderProducts)),
)]
pub(super) async fn products(
    State(state): State<AppState>,
    order: OrderOf,
    query: QueryParams,
) -> Result<Response, Problem> {
    part::<OrderProducts>(&state, &order, query, Part::Products).await
}

/// List the shipping addresses of an order
#[utoipa::path(
    get, path = "/ops/v1/orders/{order_id}/shipping-addresses", operation_id = "listShippingAddresses", tag = "Orders",
    params(("order_id" = i64, Path, description = "BigCommerce's order.")),
    responses((status = 200, description = "All of them", body = ShippingAddresses)),
)]
pub(super) async fn shipping_addresses(
    State(state): State<AppState>,
    order: OrderOf,
    query: QueryParams,
) -> Result<Response, Problem> {
    part::<ShippingAddresses>(&state, &order, query, Part::ShippingAddresses).await
}

/// List the shipping quotes of an address
///
/// Always empty for orders that were created by API: BigCommerce answers 204 for them.
#[utoipa::path(
    get, path = "/ops/v1/orders/{order_id}/shipping-addresses/{address_id}/shipping-quotes",
    operation_id = "listShippingQuotes", tag = "Orders",
    params(
        ("order_id" = i64, Path, description = "BigCommerce's order."),
        ("address_id" = i64, Path, description = "A shipping address of the order."),
    ),
    responses((status = 200, description = "What there is", body = ShippingQuotes)),
)]
pub(super) async fn shipping_quotes(
    State(state): State<AppState>,
    order: OrderOf,
    AddressOf(address_id): AddressOf,
    query: QueryParams,
) -> Result<Response, Problem> {
    part::<ShippingQuotes>(&state, &order, query, Part::ShippingQuotes { address_id }).await
}

/// List the taxes of an order
///
/// With `details=true` by line.
#[utoipa::path(
    get, path = "/ops/v1/orders/{order_id}/taxes", operation_id = "listOrderTaxes", tag = "Orders",
    params(("order_id" = i64, Path, description = "BigCommerce's order.")),
    responses((status = 200, description = "All of them", body = OrderTaxes)),
)]
pub(super) async fn taxes(
    State(state): State<AppState>,
    order: OrderOf,
    query: QueryParams,
) -> Result<Response, Problem> {
    let query = query.checked(&[&TAXES_QUERY])?;
    let details = query.text("details") == Some("true");
    let store = store_of(&state, &order.actor, &query)?;
    let rows = state.ops(&order.actor).order_part(&store, order.id, Part::Taxes { details }).await?;
    Ok(json(StatusCode::OK, &OrderTaxes::from(rows)))
}

/// List the transactions of an order
///
/// Its transactions. Some payment methods have none.
#[utoipa::path(
    get, path = "/ops/v1/orders/{order_id}/transactions", operation_id = "listTransactions", tag = "Orders",
    params(("order_id" = i64, Path, description = "BigCommerce's order.")),
    responses((status = 200, description = "All of them", body = Transactions)),
)]
pub(super) async fn transactions(
    State(state): State<AppState>,
    order: OrderOf,
    query: QueryParams,
) -> Result<Response, Problem> {
    part::<Transactions>(&state, &order, query, Part::Transactions).await
}

/// List the coupons of an order
#[utoipa::path(
    get, path = "/ops/v1/orders/{order_id}/coupons", operation_id = "listOrderCoupons", tag = "Orders",
    params(("order_id" = i64, Path, description = "BigCommerce's order.")),
    responses((status = 200, description = "All of them", body = OrderCoupons)),
)]
pub(super) async fn coupons(
    State(state): State<AppState>,
    order: OrderOf,
    query: QueryParams,
) -> Result<Response, Problem> {
    part::<OrderCoupons>(&state, &order, query, Part::Coupons).await
}

/// List the shipments of an order
#[utoipa::path(
    get, path = "/ops/v1/orders/{order_id}/shipments", operation_id = "listShipments", tag = "Orders",
    params(("order_id" = i64, Path, description = "BigCommerce's order.")),
    responses((status = 200, description = "All of them", body = Shipments)),
)]
pub(super) async fn shipments(
    State(state): State<AppState>,
    order: OrderOf,
    query: QueryParams,
) -> Result<Response, Problem> {
    part::<Shipments>(&state, &order, query, Part::Shipments).await
}

/// List the refunds of an order
#[utoipa::path(
    get, path = "/ops/v1/orders/{order_id}/refunds", operation_id = "listRefunds", tag = "Orders",
    params(("order_id" = i64, Path, description = "BigCommerce's order.")),
    responses((status = 200, description = "All of them", body = Refunds)),
)]
pub(super) async fn refunds(
    State(state): State<AppState>,
    order: OrderOf,
    query: QueryParams,
) -> Result<Response, Problem> {
    part::<Refunds>(&state, &order, query, Part::Refunds).await
}
