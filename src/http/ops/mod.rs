//! The operators' doors, `/ops/v1`: extract, ask the operators' room, answer. What may be done is decided there.
//!
//! Reading order: [`request`] is what a request brings along, [`refused`] what a refusal looks like. [`look`] are the
//! doors that only read, [`act`] those that act on one checkout, [`bulk`] on many; [`orders`] are those about orders.

mod act;
mod bulk;
mod look;
mod orders;
mod refused;
mod request;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;

pub(super) use request::{Asked, queries, wrong};

/// The routes, with their descriptions.
pub(super) fn documented() -> OpenApiRouter<AppState> {
    let router = OpenApiRouter::default()
        .routes(routes!(look::summary))
        .routes(routes!(look::list))
        .routes(routes!(look::case))
        .routes(routes!(look::why))
        .routes(routes!(act::restart))
        .routes(routes!(act::pause))
        .routes(routes!(act::resume))
        .routes(routes!(act::cancel))
        .routes(routes!(act::resolve))
        .routes(routes!(act::close))
        .routes(routes!(bulk::begin, bulk::list))
        .routes(routes!(bulk::read))
        .routes(routes!(look::audit))
        .routes(routes!(look::verify));
    orders::on(router)
}
