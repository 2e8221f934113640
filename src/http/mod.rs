//! The doors: extract, call, answer. A door never writes upstream and holds no SQL.

use axum::Router;
use axum::routing::get;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::saga::Engine;

/// What every door has at hand.
#[derive(Clone)]
pub struct State {
    engine: Engine,
    pool: PgPool,
    stopping: CancellationToken,
}

impl State {
    /// From the configuration and what was built from it.
    pub fn new(_config: &Config, engine: Engine, pool: PgPool, stopping: CancellationToken) -> Self {
        Self { engine, pool, stopping }
    }
}

/// Every route of the service.
pub fn router(state: State) -> Router {
    Router::new().route("/healthz", get(async || "ok")).with_state(state)
}
