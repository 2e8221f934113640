//! The doors of the replicas, as a storefront uses them: a connection may break, and then nothing was heard.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::harness::KEY;

/// No request of a shopper takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) key: Option<String>,
    pub(crate) body: Option<Value>,
    /// Seconds of `Prefer: wait`.
    pub(crate) wait: u64,
}

/// What was answered.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Ask {
    pub(crate) fn get(path: &str) -> Self {
        Self { method: Method::GET, path: path.to_owned(), key: None, body: None, wait: 0 }
    }

    pub(crate) fn put(path: String, body: Value) -> Self {
        Self { method: Method::PUT, path, key: None, body: Some(body), wait: 8 }
    }

    pub(crate) fn post(path: String, key: String, body: Value) -> Self {
        Self { method: Method::POST, path, key: Some(key), body: Some(body), wait: 8 }
    }

    pub(crate) fn delete(path: &str) -> Self {
        Self { method: Method::DELETE, path: path.to_owned(), key: None, body: None, wait: 8 }
    }
}

impl Heard {
    /// The code of a problem; empty when it is none.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Where the checkout is: its body or, with a problem, its `Location`.
    pub(crate) fn id(&self) -> Option<String> {
        if self.status.is_success() {
            return self.body["id"].as_str().map(str::to_owned);
        }
        let location = self.headers.get("location")?.to_str().ok()?;
        location.strip_prefix("/v1/checkouts/").map(str::to_owned)
    }
}

/// All replicas.
#[derive(Clone)]
pub(crate) struct Doors {
    http: reqwest::Client,
    urls: Vec<String>,
}

impl Doors {
    pub(crate) fn new(urls: Vec<String>) -> Self {
        let http = headless_checkout::bigcommerce::http_client(PATIENCE).expect("an HTTP client");
        Self { http, urls }
    }

    /// Asks one replica. `None`: nothing was heard.
    pub(crate) async fn ask(&self, replica: usize, ask: &Ask) -> Option<Heard> {
        let url = self.urls.get(replica % self.urls.len())?;
        let mut request =
            self.http.request(ask.method.clone(), format!("{url}{}", ask.path)).bearer_auth(KEY);
        request = request.timeout(PATIENCE).header("prefer", format!("wait={}", ask.wait));
        if let Some(key) = &ask.key {
            request = request.header("idempotency-key", HeaderValue::from_str(key).ok()?);
        }
        if let Some(body) = &ask.body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        #[expect(clippy::disallowed_methods, reason = "a shopper is not the upstream client")]
        let response = request.send().await.ok()?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.ok()?;
        Some(Heard { status, headers, body: serde_json::from_str(&text).unwrap_or_default() })
    }

    /// Tells one replica of an event; whether it arrived is not known.
    pub(crate) async fn tell(&self, replica: usize, path: &str, secret: &str, body: axum::body::Bytes) {
        let Some(url) = self.urls.get(replica % self.urls.len()) else { return };
        let request = self.http.post(format!("{url}{path}")).timeout(PATIENCE);
        let request = request.header("content-type", "application/json").header("x-webhook-secret", secret);
        #[expect(clippy::disallowed_methods, reason = "BigCommerce is not the upstream client")]
        let sent = request.body(body).send().await;
        drop(sent);
    }

    /// Whether a replica can work.
    pub(crate) async fn is_ready(&self, replica: usize) -> bool {
        let ask = Ask::get("/readyz");
        let heard =
            tokio::time::timeout(Duration::from_secs(2), self.ask(replica, &ask)).await.ok().flatten();
        heard.is_some_and(|heard| heard.status == StatusCode::OK)
    }
}
