//! Around every request: its trace id, its one line in the log, its problem document, the headers of every answer.
//!
//! Never logged: the query, the body, credentials.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;
use tracing::Instrument as _;
use tracing::field::Empty;
use uuid::Uuid;

use crate::checkout::CheckoutId;
use crate::http::AppState;
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;

/// The trace id, on every answer.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is known of a request beside itself.
#[derive(Clone)]
pub(crate) struct Trace(Arc<Known>);

struct Known {
    id: String,
    checkout: OnceLock<CheckoutId>,
}

impl Trace {
    /// The request is about this checkout, which the caller may see.
    pub(crate) fn set_checkout(&self, id: CheckoutId) {
        // The first one counts; there is never another.
        let _ = self.0.checkout.set(id);
    }
}

/// The layer.
pub(crate) async fn around(
    axum::extract::State(state): axum::extract::State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let trace = Trace(Arc::new(Known { id: Uuid::new_v4().to_string(), checkout: OnceLock::new() }));
    request.extensions_mut().insert(trace.clone());
    let client = state.limits().client(&request);
    request.extensions_mut().insert(client);
    let presented = presented(request.uri().path());
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let path = path.unwrap_or_else(|| "(none)".to_owned());
    let span = span(&trace.0.id, method.as_str(), &path);
    let inside = span.clone();
    let response = async {
        let response = next.run(request).await;
        let mut response = written(&state, response, &trace).await;
        add_headers(&mut response, &trace.0.id);
        response
    }
    .instrument(inside)
    .await;
    let checkout_id = trace.0.checkout.get().map(tracing::field::display);
    tracing::record_all!(span, status = response.status().as_u16(), checkout_id = checkout_id);
    if response.status() == StatusCode::UNAUTHORIZED {
        state.metrics().credential_refused(presented);
    }
    state.metrics().answered(method.as_str(), &path, response.status().as_u16(), began.elapsed());
    tracing::info!(
        method = %method,
        path,
        status = response.status().as_u16(),
        duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        client = client.text(),
        trace_id = trace.0.id,
        checkout_id = trace.0.checkout.get().map(ToString::to_string),
        "request answered"
    );
    response
}

/// What kind of credential a path takes, in the words of the metrics.
fn presented(path: &str) -> &'static str {
    match path {
        "/ops/sign-in" => "sign-in",
        _ if path.starts_with("/ops") => "operator",
        _ if path.starts_with("/webhooks/") => "webhook",
        _ => "storefront",
    }
}

/// The span of a request. What asks again and again whether all is well is a detail.
fn span(trace_id: &str, method: &str, route: &str) -> tracing::Span {
    let name = format!("{method} {route}");
    if matches!(route, "/healthz" | "/readyz" | "/metrics") {
        return tracing::debug_span!("request", trace_id, status = Empty, checkout_id = Empty);
    }
    tracing::info_span!(
        "request",
        otel.name = name,
        otel.kind = "server",
        trace_id,
        status = Empty,
        checkout_id = Empty
    )
}

/// Writes the problem document, where the answer is a problem.
async fn written(state: &AppState, mut response: Response, trace: &Trace) -> Response {
    let Some(mut problem) = response.extensions_mut().remove::<Problem>().or_else(|| of_router(&response))
    else {
        return response;
    };
    let checkout = trace.0.checkout.get().copied();
    if let (Some(id), false) = (checkout, problem.knows_safety())
        && let Ok(checkout) = state.engine().snapshot(id).await
    {
        problem = problem.about(&checkout);
    }
    let body = serde_json::to_vec(&problem.document(&trace.0.id, checkout)).unwrap_or_default();
    let (mut parts, _) = response.into_parts();
    let slug = problem.slug();
    parts.status = StatusCode::from_u16(slug.entry().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::CONTENT_ENCODING);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    Response::from_parts(parts, body.into())
}

/// What the router answers by itself.
fn of_router(response: &Response) -> Option<Problem> {
    // A page says by itself what is wrong.
    let kind = response.headers().get(header::CONTENT_TYPE);
    if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        return None;
    }
    match response.status() {
        StatusCode::NOT_FOUND => Some(Problem::of(Slug::NotFound)),
        StatusCode::METHOD_NOT_ALLOWED => Some(Problem::of(Slug::MethodNotAllowed)),
        StatusCode::BAD_REQUEST => Some(Problem::of(Slug::MalformedRequest)),
        StatusCode::PAYLOAD_TOO_LARGE => Some(Problem::of(Slug::PayloadTooLarge)),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Some(Problem::of(Slug::UnsupportedMediaType)),
        StatusCode::INTERNAL_SERVER_ERROR => Some(Problem::internal("an answer without a reason")),
        _ => None,
    }
}

fn add_headers(response: &mut Response, trace_id: &str) {
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(trace_id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// What a panic is answered with. It was logged where it happened.
pub(crate) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    Problem::internal("a request panicked").into_response()
}
