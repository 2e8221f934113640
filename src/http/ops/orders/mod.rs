//! The handlers of order management, `/ops/v1/orders`: BigCommerce's orders, read and changed by operators.
//!
//! Reading order: [`request`] reads a request, [`look`] only reads orders, [`change`] makes changes that may be repeated,
//! [`act`] does what must not be done twice, and [`action`] is how such an action is shown.

mod act;
mod action;
mod change;
mod look;
mod parts;
mod request;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::http::AppState;

/// Adds the routes, with their descriptions.
pub(super) fn on(router: OpenApiRouter<AppState>) -> OpenApiRouter<AppState> {
    router
        .routes(routes!(look::list))
        .routes(routes!(look::read, change::update))
        .routes(routes!(parts::products))
        .routes(routes!(parts::shipping_addresses))
        .routes(routes!(parts::shipping_quotes))
        .routes(routes!(parts::taxes))
        .routes(routes!(parts::transactions))
        .routes(routes!(parts::coupons))
        .routes(routes!(parts::shipments, act::ship))
        .routes(routes!(change::quote_refund))
        .routes(routes!(parts::refunds, act::refund))
        .routes(routes!(act::capture))
        .routes(routes!(act::void))
        .routes(routes!(look::statuses))
        .routes(routes!(look::customers))
        .routes(routes!(look::variants))
        .routes(routes!(act::list))
        .routes(routes!(act::read))
}
