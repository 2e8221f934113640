//! Everything is built here once.

use anyhow::Context as _;
use axum::{Router, extract::State, http::StatusCode, routing::get};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::signal::unix::{SignalKind, signal};

use crate::{config::Config, migrations};

/// Serves the HTTP API until the process is asked to stop.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let pool = connect(&config).await?;
    let router = Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(readiness))
        .with_state(pool.clone());
    let listener = tokio::net::TcpListener::bind(config.listen_addr)
        .await
        .with_context(|| format!("LISTEN_ADDR {} cannot be used", config.listen_addr))?;
    tracing::info!(listen_addr = %config.listen_addr, "listening");
    axum::serve(listener, router).with_graceful_shutdown(stop_asked()?).await?;
    pool.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Runs recovery without the HTTP API until the process is asked to stop.
pub async fn worker(config: Config) -> anyhow::Result<()> {
    let pool = connect(&config).await?;
    tracing::info!("working");
    stop_asked()?.await;
    pool.close().await;
    Ok(())
}

async fn connect(config: &Config) -> anyhow::Result<PgPool> {
    let options = PgPoolOptions::new().max_connections(config.database.max_connections);
    options
        .connect(config.database.url.expose())
        .await
        .context("DATABASE_URL: the database cannot be reached")
}

async fn readiness(State(pool): State<PgPool>) -> (StatusCode, &'static str) {
    let Ok(mut connection) = pool.acquire().await else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be reached");
    };
    match migrations::up_to_date(&mut connection).await {
        Ok(true) => (StatusCode::OK, "ready"),
        _ => {
            (StatusCode::SERVICE_UNAVAILABLE, "the database is not migrated: run `headless-checkout migrate`")
        }
    }
}

/// Completes when the process gets SIGTERM or SIGINT.
fn stop_asked() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
