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
use crate::http::openapi::groups::Group;

/// Adds the routes, with their descriptions.
pub(super) fn on(router: OpenApiRouter<AppState>) -> OpenApiRouter<AppState> {
    router
        .routes(Group::OPS_LIST.of(routes!(look::list)))
        .routes(Group::OPS_READ.of(routes!(look::read)))
        .routes(Group::OPS_ACTION.of(routes!(change::update)))
        .routes(Group::OPS_READ.of(routes!(parts::products)))
        .routes(Group::OPS_READ.of(routes!(parts::shipping_addresses)))
        .routes(Group::OPS_READ.of(routes!(parts::shipping_quotes)))
        .routes(Group::OPS_READ.of(routes!(parts::taxes)))
        .routes(Group::OPS_READ.of(routes!(parts::transactions)))
        .routes(Group::OPS_READ.of(routes!(parts::coupons)))
        .routes(Group::OPS_READ.of(routes!(parts::shipments)))
        .routes(Group::OPS_SHIPMENT.of(routes!(act::ship)))
        .routes(Group::OPS_ACTION.of(routes!(change::quote_refund)))
        .routes(Group::OPS_READ.of(routes!(parts::refunds)))
        .routes(Group::OPS_ONCE.of(routes!(act::refund)))
        .routes(Group::OPS_ONCE.of(routes!(act::capture)))
        .routes(Group::OPS_ONCE.of(routes!(act::void)))
        .routes(Group::OPS_LIST.of(routes!(look::statuses)))
        .routes(Group::OPS_LIST.of(routes!(look::customers)))
        .routes(Group::OPS_READ.of(routes!(look::variants)))
        .routes(Group::OPS_LIST.of(routes!(act::list)))
        .routes(Group::OPS_READ.of(routes!(act::read)))
}
