//! Sends webhooks over plain HTTP: signed, repeated when they fail, doubled when the settings say so.
//!
//! Never waits for anybody: each delivery runs on its own.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::Full;
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpStream;

use crate::webhooks::Delivery;

/// The value of `webhook-signature` (Standard Webhooks): key = the raw bytes of the client secret.
pub(crate) fn signature(secret: &str, id: &str, at: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// Sends until 200 is answered, at most `1 + retries` times. Returns whether it arrived.
pub(crate) async fn send(delivery: Delivery, secret: String, retries: u64) -> bool {
    for _ in 0..=retries.min(11) {
        let once = tokio::time::timeout(Duration::from_secs(10), post(&delivery, &secret));
        match once.await {
            Ok(Ok(200)) => return true,
            Ok(Ok(status)) => tracing::debug!(status, destination = %delivery.destination, "webhook refused"),
            Ok(Err(error)) => tracing::debug!(%error, destination = %delivery.destination, "webhook failed"),
            Err(_) => tracing::debug!(destination = %delivery.destination, "webhook timed out"),
        }
    }
    false
}

async fn post(delivery: &Delivery, secret: &str) -> anyhow::Result<u16> {
    let uri: Uri = delivery.destination.parse()?;
    anyhow::ensure!(uri.scheme_str() == Some("http"), "only plain http destinations can be reached");
    let host = uri.host().unwrap_or_default().to_owned();
    let stream = TcpStream::connect((host.as_str(), uri.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let authority = uri.authority().map_or(host, ToString::to_string);
    let mut request = Request::post(path)
        .header("host", authority)
        .header("content-type", "application/json")
        .header("user-agent", "BigCommerce-Simulator")
        .header("webhook-id", &delivery.id)
        .header("webhook-timestamp", delivery.at.to_string())
        .header("webhook-signature", signature(secret, &delivery.id, delivery.at, &delivery.body));
    for (name, value) in delivery.headers.as_object().into_iter().flatten() {
        if let Value::String(value) = value {
            request = request.header(name, value);
        }
    }
    let request = request.body(Full::new(Bytes::from(delivery.body.clone())))?;
    let answer = async { anyhow::Ok(sender.send_request(request).await?.status().as_u16()) };
    tokio::select! {
        answer = answer => answer,
        ended = connection => {
            ended?;
            anyhow::bail!("the connection ended before an answer")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_published_vector() {
        let body = r#"{"scope":"store/order/statusUpdated","store_id":"1025646","data":{"type":"order","id":250,"status":{"previous_status_id":0,"new_status_id":11}},"hash":"7ee67cd1cf2ca60bc1aa9e5fe957d2de373be4ca","created_at":1561479335,"producer":"stores/abc123"}"#;
        let signed = signature("bc_client_secret_example", "msg_2b1f", 1_700_000_000, body);
        assert_eq!(signed, "v1,s4nzz3eBF3wdLUgl6ji5NXVhiGhOvwcbvae/AmVpgIg=");
    }
}
