//! One request to the simulator's control plane.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use axum::http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Bytes, client::conn::http1::handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What it answers: the status, and the document if there is one.
pub(crate) type Answer = (StatusCode, Value);

/// Sends it to the control plane of the simulator at `host:port`.
pub(crate) async fn ask(
    place: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> anyhow::Result<Answer> {
    let answer = timeout(PATIENCE, send(place, method, path, body)).await;
    answer.with_context(|| format!("the simulator at {place} does not answer"))?
}

/// What it knows there.
pub(crate) async fn get(place: &str, path: &str) -> anyhow::Result<Value> {
    let (status, document) = ask(place, Method::GET, path, None).await?;
    ensure!(status.is_success(), "the simulator answered {status} to {path}");
    Ok(document)
}

async fn send(place: &str, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Answer> {
    let stream = TcpStream::connect(place).await;
    let stream = stream.with_context(|| format!("the simulator at {place} accepts no connection"))?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let request =
        Request::builder().method(method).uri(format!("/simulator{path}")).header(header::HOST, place);
    let request = request.body(Full::new(Bytes::from(body)))?;
    let exchange = async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        anyhow::Ok((status, response.into_body().collect().await?.to_bytes()))
    };
    // The connection ends when the exchange does, which drops its sender.
    let (answer, _) = futures::future::join(exchange, connection).await;
    let (status, bytes) = answer?;
    Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
}
