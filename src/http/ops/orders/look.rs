//! Reading orders, and what orders are about.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;

use super::request::{OrderOf, ProductOf, store_of};
use crate::http::AppState;
use crate::http::openapi::documents::{Customers, Order, OrderStatuses, Orders, Variants};
use crate::http::ops::request::QueryParams;
use crate::http::problem::Problem;
use crate::http::request::auth::Operator;
use crate::http::response::answer::json;
use crate::http::validate::{CUSTOMERS_QUERY, ORDERS_QUERY, STORE_QUERY, VARIANTS_QUERY};
use crate::ops::orders::{CustomerFilter, OrderFilter};

/// BigCommerce's own default.
const ROWS: u32 = 50;

/// List orders
///
/// BigCommerce's orders, filtered by BigCommerce. `next_page` is null on the last page.
#[utoipa::path(
    get, path = "/ops/v1/orders", operation_id = "listOrders", tag = "Orders",
    responses((status = 200, description = "One page", body = Orders)),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Operator(actor): Operator,
    query: QueryParams,
) -> Result<Response, Problem> {
    let query = query.checked(&[&ORDERS_QUERY])?;
    let store = store_of(&state, &actor, &query)?;
    let text = |name: &str| query.text(name).map(str::to_owned);
    let filter = OrderFilter {
        cart_id: text("cart_id"),
        external_order_id: text("external_order_id"),
        min_id: query.whole("min_id"),
        max_id: query.whole("max_id"),
        status_id: query.whole("status_id"),
        customer_id: query.whole("customer_id"),
        channel_id: query.whole("channel_id"),
        email: text("email"),
        payment_method: text("payment_method"),
        min_date_created: text("min_date_created"),
        max_date_created: text("max_date_created"),
        min_date_modified: text("min_date_modified"),
        max_date_modified: text("max_date_modified"),
        sort: text("sort"),
        page: Some(query.page()),
        limit: Some(query.limit(ROWS)),
    };
    let rows = state.ops(&actor).orders(&store, &filter).await?;
    Ok(page::<Orders>(&query, rows))
}

/// One page, and the number of the next one as long as this one is full.
fn page<P: From<(Vec<Value>, Option<u32>)> + Serialize>(query: &QueryParams, rows: Vec<Value>) -> Response {
    let full = u32::try_from(rows.len()).is_ok_and(|shown| shown >= query.limit(ROWS));
    let next_page = full.then(|| query.page() + 1);
    json(StatusCode::OK, &P::from((rows, next_page)))
}

/// Read an order
///
/// As BigCommerce shows it (V2). Money is text with the exact digits.
#[utoipa::path(
    get, path = "/ops/v1/orders/{order_id}", operation_id = "readOrderAsOperator", tag = "Orders",
    params(("order_id" = i64, Path, description = "BigCommerce's order.")),
    responses((status = 200, description = "The order", body = Order)),
)]
pub(super) async fn read(
    State(state): State<AppState>,
    order: OrderOf,
    query: QueryParams,
) -> Result<Response, Problem> {
    let store = store_of(&state, &order.actor, &query.checked(&[&STORE_QUERY])?)?;
    Ok(json(StatusCode::OK, &Order(state.ops(&order.actor).order(&store, order.id).await?)))
}

/// List order statuses
///
/// With the store's own labels, and the kind that decides about tax documents (docs/order-statuses.md).
#[utoipa::path(
    get, path = "/ops/v1/order-statuses", operation_id = "listOrderStatuses", tag = "Orders",
    responses((status = 200, description = "Every status", body = OrderStatuses)),
)]
pub(super) async fn statuses(
    State(state): State<AppState>,
    Operator(actor): Operator,
    query: QueryParams,
) -> Result<Response, Problem> {
    let store = store_of(&state, &actor, &query.checked(&[&STORE_QUERY])?)?;
    let rows = state.ops(&actor).order_statuses(&store).await?;
    Ok(json(StatusCode::OK, &OrderStatuses::from(rows)))
}

/// List customers
#[utoipa::path(
    get, path = "/ops/v1/customers", operation_id = "listCustomers", tag = "Orders",
    responses((status = 200, description = "One page", body = Customers)),
)]
pub(super) async fn customers(
    State(state): State<AppState>,
    Operator(actor): Operator,
    query: QueryParams,
) -> Result<Response, Problem> {
    let query = query.checked(&[&CUSTOMERS_QUERY])?;
    let store = store_of(&state, &actor, &query)?;
    let list = |name: &str| -> Vec<String> {
        let parts = query.text(name).unwrap_or_default().split(',').map(str::trim);
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let filter = CustomerFilter {
        ids: list("id").iter().filter_map(|id| id.parse().ok()).collect(),
        emails: list("email"),
        include: list("include"),
        page: Some(query.page()),
        limit: Some(query.limit(ROWS)),
    };
    let rows = state.ops(&actor).customers(&store, &filter).await?;
    Ok(page::<Customers>(&query, rows))
}

/// List the variants of a product
///
/// `option_values[].option_id` and `.id` are what `product_options[].id` and `.value` of a direct order take.
#[utoipa::path(
    get, path = "/ops/v1/products/{product_id}/variants", operation_id = "listVariants", tag = "Orders",
    params(("product_id" = i64, Path, description = "BigCommerce's product.")),
    responses((status = 200, description = "One page", body = Variants)),
)]
pub(super) async fn variants(
    State(state): State<AppState>,
    product: ProductOf,
    query: QueryParams,
) -> Result<Response, Problem> {
    let query = query.checked(&[&VARIANTS_QUERY])?;
    let store = store_of(&state, &product.actor, &query)?;
    let (number, limit) = (Some(query.page()), Some(query.limit(ROWS)));
    let rows = state.ops(&product.actor).variants(&store, product.id, number, limit).await?;
    Ok(page::<Variants>(&query, rows))
}
