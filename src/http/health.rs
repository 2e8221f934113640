//! Whether this process lives, and whether it can work.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::AppState;
use crate::http::response::answer::json;
use crate::migrations::{self, Schema};

/// How long the database may take to answer.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// A newer version has migrated the database. This one works on it: migrations expand first and contract a release later.
const NEWER: &str = "newer schema";

/// Liveness.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok`.
    status: &'static str,
}

/// Readiness.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// `ready`, `not-ready` or `stopping`.
    status: &'static str,
    /// Each part by itself.
    checks: Checks,
}

/// Each part: `ok`, or what is wrong with it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Checks {
    /// Whether the database answers and accepts writes.
    database: &'static str,
    /// Whether the database has the migrations of this version. `newer schema`: a newer version has migrated it; this
    /// process works with it.
    migrations: &'static str,
    /// Whether there are checkouts that this version does not touch, because a newer version wrote them or because
    /// they cannot be read. Other checkouts are not affected, so the process is still ready.
    records: &'static str,
    /// Whether the background work of this process goes on. What fails is restarted; `restarting`: in a moment; `keeps failing`:
    /// again and again, so the process is not ready. The log and the metric `restarted_tasks` name it.
    background: &'static str,
    /// Checked at startup; otherwise the process would not run.
    config: &'static str,
}

/// Liveness
#[utoipa::path(
    get, path = "/healthz", operation_id = "alive", tag = "Health",
    responses((status = 200, description = "It is", body = Health)),
)]
pub(super) async fn alive() -> Response {
    json(StatusCode::OK, &Health { status: "ok" })
}

/// Readiness
#[utoipa::path(
    get, path = "/readyz", operation_id = "ready", tag = "Health",
    responses((status = 200, description = "It can", body = Readiness), (status = 503, description = "It cannot", body = Readiness)),
)]
pub(super) async fn ready(State(state): State<AppState>) -> Response {
    let (database, migrations, records) =
        tokio::time::timeout(CHECK_TIMEOUT, look(&state)).await.unwrap_or(("slow", "unknown", "unknown"));
    let metrics = &state.0.metrics;
    let background = match (metrics.background_fails(), metrics.background_is_down()) {
        (true, _) => "keeps failing",
        (false, true) => "restarting",
        (false, false) => "ok",
    };
    let checks = Checks { database, migrations, records, background, config: "ok" };
    let status = match (checks.database, checks.migrations) {
        _ if state.is_draining() => "stopping",
        _ if background == "keeps failing" => "not-ready",
        ("ok", "ok" | NEWER) => "ready",
        _ => "not-ready",
    };
    let code = if status == "ready" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(code, &Readiness { status, checks })
}

async fn look(state: &AppState) -> (&'static str, &'static str, &'static str) {
    let (database, migrations) = schema(state).await;
    if !matches!(migrations, "ok" | NEWER) {
        return (database, migrations, "unknown");
    }
    let records = match state.0.ops.foreign_records().await {
        Ok((0, 0)) => "ok",
        Ok((0, _)) => "some cannot be read",
        Ok((_, 0)) => "some are of a newer version",
        Ok(_) => "some are of a newer version, and some cannot be read",
        Err(_) => "unknown",
    };
    (database, migrations, records)
}

async fn schema(state: &AppState) -> (&'static str, &'static str) {
    match state.0.ops.takes_writes().await {
        Ok(true) => {}
        Ok(false) => return ("takes no writes: DATABASE_URL must lead to the primary", "unknown"),
        Err(_) => return ("unreachable", "unknown"),
    }
    match state.0.ops.applied_migrations().await {
        Ok(Some(applied)) => {
            let migrations = match migrations::compare(&applied) {
                Schema::Same => "ok",
                Schema::Newer => NEWER,
                Schema::Older => "not up to date: run headless-checkout migrate",
                Schema::Unknown => "has migrations that are not part of this version",
            };
            ("ok", migrations)
        }
        Ok(None) => ("ok", "cannot be read"),
        Err(_) => ("unreachable", "unknown"),
    }
}
