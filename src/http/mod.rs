//! The HTTP API and the dashboard: read a request, hand it to the saga or to `ops`, answer. Nothing here writes to
//! BigCommerce, and there is no SQL here.
//!
//! Reading order: [`request::trace`] wraps everything; [`request::auth`] and [`request::extract`] read a request, [`validate`]
//! its body; [`api`] has the handlers for storefronts, [`ops`] those for operators, [`dashboard`] their pages; [`response`] and
//! [`problem`] build the answers; [`openapi`] describes it all.

mod api;
mod dashboard;
mod health;
mod limits;
mod metrics;
mod openapi;
mod ops;
mod problem;
mod request;
pub(crate) mod response;
mod server;
mod validate;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::config::Config;
use crate::ops::{Actor, Console};
use crate::saga::Engine;
use crate::telemetry::Metrics;
use api::{
    checkouts, direct_orders, events, in_use, items, order, payment, steps, streams, tickets, webhooks,
};
use openapi::docs;
use openapi::groups::Group;
use problem::pages;
use request::auth::{Credentials, OpsAccess};
use request::{cors, customer, drain, framing, trace};

pub use limits::Living;
pub use metrics::router as metrics_router;
pub use openapi::as_yaml;
pub use server::{Listener, Server};

/// How far this process is on its way to its end.
#[derive(Clone, Default)]
pub struct Shutdown {
    /// It is not ready any more; everything is still served.
    pub draining: CancellationToken,
    /// Nothing new is begun.
    pub stopping: CancellationToken,
}

/// The state shared by all handlers. Cheap to clone.
#[derive(Clone)]
pub struct AppState(Arc<Inner>);

struct Inner {
    engine: Engine,
    ops: OpsAccess,
    metrics: Metrics,
    metrics_elsewhere: bool,
    tasks: TaskTracker,
    shutdown: Shutdown,
    credentials: Credentials,
    sessions: dashboard::Sessions,
    overview_cache: dashboard::OverviewCache,
    senders: Vec<webhooks::Sender>,
    customers: customer::Proofs,
    cors: cors::Origins,
    in_use: in_use::InUse,
    limits: limits::Limits,
    streams: streams::Streams,
    raw_cards: bool,
    body_limit: usize,
}

impl AppState {
    /// From the configuration and what was built from it.
    pub fn new(
        config: &Config,
        engine: Engine,
        ops: Console,
        metrics: Metrics,
        tasks: TaskTracker,
        shutdown: Shutdown,
        living: Living,
    ) -> Self {
        Self(Arc::new(Inner {
            engine,
            ops: OpsAccess::new(ops),
            metrics,
            metrics_elsewhere: config.metrics_addr.is_some(),
            tasks,
            shutdown,
            credentials: Credentials::of(config),
            sessions: dashboard::Sessions::of(config),
            overview_cache: dashboard::OverviewCache::default(),
            senders: webhooks::Sender::all(config),
            customers: customer::Proofs::of(config),
            cors: cors::Origins::of(config),
            in_use: in_use::InUse::default(),
            limits: limits::Limits::of(config, living),
            streams: streams::Streams::of(config),
            raw_cards: config.allow_raw_cards,
            body_limit: config.body_limit_bytes,
        }))
    }

    fn engine(&self) -> &Engine {
        &self.0.engine
    }

    fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The operators' console, limited to this operator's store. Handlers have no other access to it.
    fn ops(&self, actor: &Actor) -> Console {
        self.0.ops.of(actor)
    }

    fn credentials(&self) -> &Credentials {
        &self.0.credentials
    }

    fn sessions(&self) -> &dashboard::Sessions {
        &self.0.sessions
    }

    fn overview_cache(&self) -> &dashboard::OverviewCache {
        &self.0.overview_cache
    }

    fn limits(&self) -> &limits::Limits {
        &self.0.limits
    }

    fn streams(&self) -> &streams::Streams {
        &self.0.streams
    }

    fn in_use(&self) -> &in_use::InUse {
        &self.0.in_use
    }

    fn senders(&self) -> &[webhooks::Sender] {
        &self.0.senders
    }

    fn customers(&self) -> &customer::Proofs {
        &self.0.customers
    }

    fn raw_cards(&self) -> bool {
        self.0.raw_cards
    }

    fn body_limit(&self) -> usize {
        self.0.body_limit
    }

    fn stopping(&self) -> &CancellationToken {
        &self.0.shutdown.stopping
    }

    fn is_draining(&self) -> bool {
        self.0.shutdown.draining.is_cancelled()
    }
}

/// What a listener serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Routes {
    /// Everything.
    All,
    /// What storefronts and BigCommerce call.
    Storefronts,
    /// What operators use.
    Operators,
}

/// The routes of a listener.
pub fn router(state: AppState, routes: Routes) -> Router {
    let served = match routes {
        Routes::All => documented(),
        Routes::Storefronts => storefronts().merge(everywhere()),
        Routes::Operators => operators().merge(everywhere()),
    };
    let (mut served, _) = served.split_for_parts();
    if routes != Routes::Storefronts {
        served = served.merge(docs::routes()).merge(dashboard::routes());
    }
    served
        .layer(DefaultBodyLimit::disable())
        .layer(CatchPanicLayer::custom(trace::panicked))
        .layer(axum::middleware::from_fn(framing::around))
        .layer(axum::middleware::from_fn_with_state(state.clone(), limits::around))
        .layer(state.0.cors.layer())
        .layer(axum::middleware::from_fn_with_state(state.clone(), trace::around))
        .layer(axum::middleware::map_request(async |request| drain::request_body(request)))
        .with_state(state)
}

/// The routes that the reference describes, with their descriptions.
fn documented() -> OpenApiRouter<AppState> {
    storefronts().merge(everywhere()).merge(operators())
}

fn storefronts() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(Group::CREATE.of(routes!(checkouts::create)))
        .routes(Group::READ.of(routes!(checkouts::read)))
        .routes(Group::STEP.of(routes!(checkouts::cancel)))
        .routes(Group::STEP.of(routes!(steps::billing_address)))
        .routes(Group::STEP.of(routes!(steps::consignments)))
        .routes(Group::STEP.of(routes!(steps::shipping_options)))
        .routes(Group::STEP.of(routes!(items::add)))
        .routes(Group::STEP.of(routes!(items::update, items::remove)))
        .routes(Group::STEP.of(routes!(items::add_coupon)))
        .routes(Group::STEP.of(routes!(items::remove_coupon)))
        .routes(Group::STEP.of(routes!(items::customer_message)))
        .routes(Group::STEP.of(routes!(order::create)))
        .routes(Group::READ_UPSTREAM.of(routes!(order::confirmation)))
        .routes(Group::READ_UPSTREAM.of(routes!(payment::methods)))
        .routes(Group::PAYMENT.of(routes!(payment::pay)))
        .routes(Group::PAYMENT.of(routes!(payment::complete)))
        .routes(Group::HAND_OFF.of(routes!(order::redirect_urls)))
        .routes(Group::FOLLOW.of(routes!(events::follow)))
        .routes(Group::READ.of(routes!(tickets::create)))
        .routes(Group::CREATE.of(routes!(direct_orders::create)))
        .routes(Group::WEBHOOK.of(routes!(webhooks::take)))
}

/// What every listener has: who watches one of them looks there, and problems link to their pages.
fn everywhere() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(Group::PUBLIC.of(routes!(health::alive)))
        .routes(Group::PUBLIC.of(routes!(health::ready)))
        .routes(Group::PUBLIC.of(routes!(pages::list)))
        .routes(Group::PUBLIC.of(routes!(pages::explain)))
}

fn operators() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(Group::PUBLIC.of(routes!(metrics::show)))
        .routes(Group::PUBLIC.of(routes!(docs::openapi)))
        .merge(ops::documented())
}
