//! The operators' pages, at `/ops`: rendered on the server, refreshed by Server-Sent Events, usable without scripts.
//!
//! Guarantees: permissions are decided in `ops`, as for `/ops/v1`; every form carries a token of its session; nothing is
//! loaded from other hosts, and there are no inline scripts or styles. Every text is escaped by the templates. Never: an
//! action on a GET.
//!
//! Reading order: [`session`] is who is signed in, [`form`] what was sent, [`answer`] and [`layout`] what a page is made of,
//! [`words`] how values are written. [`overview`], [`stuck`], [`list`], [`find`], [`detail`], [`bulk`], [`events`] and [`audit`] are the
//! pages, [`act`] performs actions, [`live`] notifies a page that it is out of date. [`chart`] and [`timeline`] draw.

mod act;
mod answer;
mod assets;
mod audit;
mod bulk;
mod chart;
mod detail;
mod events;
mod facts;
mod find;
mod form;
mod layout;
mod list;
mod live;
mod overview;
mod session;
mod sign_in;
mod stuck;
mod timeline;
mod words;

use axum::Router;
use axum::routing::{get, post};

use super::AppState;

pub(super) use answer::refused;
pub(super) use live::OverviewCache;
pub(super) use session::Sessions;

/// The pages. They are no part of the reference, which is for programs; a test walks them by this list.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/ops", get(overview::page))
        .route("/ops/sign-in", get(sign_in::page).post(sign_in::enter))
        .route("/ops/sign-out", post(sign_in::leave))
        .route("/ops/assets/{name}", get(assets::file))
        .route("/ops/live", get(live::everything))
        .route("/ops/stuck", get(stuck::page))
        .route("/ops/find", get(find::page))
        .route("/ops/checkouts", get(list::page))
        .route("/ops/checkouts/{id}", get(detail::page))
        .route("/ops/checkouts/{id}/live", get(live::checkout))
        .route("/ops/checkouts/{id}/preview", post(act::preview))
        .route("/ops/checkouts/{id}/act", post(act::act))
        .route("/ops/bulk", get(bulk::page).post(bulk::begin))
        .route("/ops/bulk/preview", post(bulk::preview))
        .route("/ops/bulk/{bulk_id}", get(bulk::one))
        .route("/ops/bulk/{bulk_id}/live", get(live::bulk))
        .route("/ops/events", get(events::page))
        .route("/ops/events/{event_id}", get(events::one))
        .route("/ops/events/{event_id}/redeliver", post(events::redeliver))
        .route("/ops/audit", get(audit::page))
}
