//! The operators' handlers, `/ops/v1`: extract, call `ops`, answer. Permissions and guards are in `ops`.
//!
//! Reading order: [`request`] reads a request, [`refused`] turns a refusal into a problem. [`look`] has the handlers that
//! only read, [`act`] those that act on one checkout, [`bulk`] on many; [`orders`] has those about orders.

mod act;
mod bulk;
mod look;
mod orders;
mod refused;
mod request;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;

pub(super) use request::{QueryParams, queries, wrong};

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
