//! The metrics, for Prometheus: on the listener of the API, or on one of their own and then nowhere else.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::AppState;
use super::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::telemetry::Metrics;
use crate::telemetry::metrics::MEDIA_TYPE;

/// The metrics alone.
pub fn router(metrics: Metrics) -> Router {
    Router::new().route("/metrics", get(async move || page(&metrics).await))
}

/// Metrics
#[utoipa::path(
    get, path = "/metrics", operation_id = "metrics", tag = "Health",
    responses(
        (status = 200, description = "OpenMetrics text, which Prometheus reads", body = String, content_type = "application/openmetrics-text"),
        (status = 404, description = "`METRICS_ADDR` is set: the metrics are served there", body = super::problem::Document, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn show(State(state): State<AppState>) -> Response {
    if state.0.metrics_elsewhere {
        return Problem::of(Slug::NotFound).into_response();
    }
    page(state.metrics()).await
}

async fn page(metrics: &Metrics) -> Response {
    let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE))];
    (kind, metrics.page().await).into_response()
}
