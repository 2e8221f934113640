//! The least that a proxy in this stack costs: the two requests of a one-call checkout and its eight calls upstream, through the same
//! server and client libraries, with no database, nothing read from JSON but the ids, and no spans.
//!
//! It is a process of its own, this program started again, so that its CPU time can be told.

use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::Method;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::bare::text_after;
use super::bodies;
use super::upstream::OPTION;

/// Names the upstream, and makes this program the relay.
pub(crate) const UPSTREAM: &str = "RELAY_UPSTREAM";

struct Relay {
    client: reqwest::Client,
    store: String,
}

/// Serves until it is told to stop.
pub(crate) fn run(upstream: &str, addr: SocketAddr) -> anyhow::Result<()> {
    // As many as the program has.
    let threads = available_parallelism().map_or(1, NonZero::get).div_ceil(2);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(threads).enable_all().build()?.block_on(serve(upstream, addr))
}

async fn serve(upstream: &str, addr: SocketAddr) -> anyhow::Result<()> {
    let client = headless_checkout::bigcommerce::http_client(Duration::from_secs(15))?;
    let relay = Relay { client, store: format!("{upstream}/stores/bench") };
    let router = Router::new()
        .route("/readyz", get(async || StatusCode::OK))
        .route("/v1/checkouts", post(create))
        .route("/v1/checkouts/{id}/complete", post(complete))
        .with_state(Arc::new(relay));
    let mut stop = signal(SignalKind::terminate())?;
    let stopped = async move {
        stop.recv().await;
    };
    let listener = axum::serve::ListenerExt::tap_io(TcpListener::bind(addr).await?, |stream| {
        // What cannot be set is slower, and no error.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).with_graceful_shutdown(stopped).await.context("the relay ended")
}

impl Relay {
    async fn call(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Result<Bytes, Failed> {
        let request = self.client.request(method, format!("{}{path}", self.store));
        let request = request.header(ACCEPT, "application/json").header(CONTENT_TYPE, "application/json");
        let request = request.header("x-auth-token", "bench-access-token").body(body.into());
        sent(request).await
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the relay does without everything that the program does around a call"
)]
async fn sent(request: reqwest::RequestBuilder) -> Result<Bytes, Failed> {
    Ok(request.send().await?.error_for_status()?.bytes().await?)
}

async fn create(State(relay): State<Arc<Relay>>, body: Bytes) -> Result<Response, Failed> {
    drop(body);
    let cart = relay.call(Method::POST, "/v3/carts", bodies::CART).await?;
    let id = text_after(&cart, "\"id\":\"", '"')?;
    let at = |below: &str| format!("/v3/checkouts/{id}/{below}");
    relay.call(Method::POST, &at("billing-address"), bodies::ADDRESS).await?;
    let consignments = relay.call(Method::POST, &at("consignments"), bodies::CONSIGNMENTS).await?;
    let consignment = text_after(&consignments, "\"consignments\":[{\"id\":\"", '"')?;
    let option = format!(r#"{{"shipping_option_id":"{OPTION}"}}"#);
    let shown = relay.call(Method::PUT, &at(&format!("consignments/{consignment}")), option).await?;
    let headers = [(LOCATION, format!("/v1/checkouts/{id}")), (CONTENT_TYPE, "application/json".to_owned())];
    Ok((StatusCode::CREATED, headers, shown).into_response())
}

async fn complete(
    State(relay): State<Arc<Relay>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Failed> {
    drop(body);
    let created = relay.call(Method::POST, &format!("/v3/checkouts/{id}/orders"), "").await?;
    let order = text_after(&created, "\"id\":", '}')?;
    relay.call(Method::GET, &format!("/v2/orders?cart_id={id}&sort=id:asc"), "").await?;
    let token = format!(r#"{{"order":{{"id":{order},"is_recurring":false}}}}"#);
    let token = relay.call(Method::POST, "/v3/payments/access_tokens", token).await?;
    let token = text_after(&token, "\"id\":\"", '"')?;
    let pay = relay.client.post(format!("{}/payments", relay.store)).header(CONTENT_TYPE, "application/json");
    let pay = pay.header("authorization", format!("PAT {token}")).body(bodies::UPSTREAM_PAYMENT);
    sent(pay).await?;
    let answer = format!(r#"{{"status":"completed","order":{{"id":{order}}}}}"#);
    Ok(([(CONTENT_TYPE, "application/json")], answer).into_response())
}

/// Any failure ends the run, because the answer is not what the shopper expects.
struct Failed(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (StatusCode::BAD_GATEWAY, format!("{:#}", self.0)).into_response()
    }
}
