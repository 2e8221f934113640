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
use crate::http::openapi::groups::Group;

pub(super) use request::{QueryParams, queries, wrong};

/// The routes, with their descriptions.
pub(super) fn documented() -> OpenApiRouter<AppState> {
    let router = OpenApiRouter::default()
        .routes(Group::OPS_LIST.of(routes!(look::summary)))
        .routes(Group::OPS_LIST.of(routes!(look::list)))
        .routes(Group::OPS_READ.of(routes!(look::case)))
        .routes(Group::OPS_READ.of(routes!(look::why)))
        .routes(Group::OPS_ACTION.of(routes!(act::restart)))
        .routes(Group::OPS_ACTION.of(routes!(act::pause)))
        .routes(Group::OPS_ACTION.of(routes!(act::resume)))
        .routes(Group::OPS_ACTION.of(routes!(act::cancel)))
        .routes(Group::OPS_ACTION.of(routes!(act::resolve)))
        .routes(Group::OPS_ACTION.of(routes!(act::close)))
        .routes(Group::OPS_ACTION.of(routes!(act::revoke_tokens)))
        .routes(Group::OPS_BEGIN.of(routes!(bulk::begin)))
        .routes(Group::OPS_LIST.of(routes!(bulk::list)))
        .routes(Group::OPS_READ.of(routes!(bulk::read)))
        .routes(Group::OPS_LIST.of(routes!(look::audit)))
        .routes(Group::OPS_READ.of(routes!(look::verify)));
    orders::on(router)
}
