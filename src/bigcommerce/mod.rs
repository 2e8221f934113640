//! The upstream client: BigCommerce's calls, its wire types, and one interpretation of each of its responses.
//!
//! Guarantees: one method is one HTTP request. There is no retry, no redirect and no cache, so the caller knows exactly
//! what was sent; and every failure says whether the request may have had an effect ([`Error`]). It knows nothing of the
//! saga, the database or the settings, and never logs bodies, tokens or email addresses.
//!
//! Dropping the future of a call leaves open whether BigCommerce executed it, like [`Error::Unknown`].

pub mod budget;
pub mod carts;
pub mod catalog;
pub mod checkouts;
mod clean;
pub mod customers;
pub mod error;
pub mod hooks;
pub mod instrument;
mod lenient;
mod order_money;
pub mod orders;
mod path;
pub mod payments;
mod rejection;
#[cfg(test)]
mod spoilt;
mod transport;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::header::{HeaderValue, InvalidHeaderValue};
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

pub use error::{
    Error, Host, RateLimit, Rejection, Unavailable, UnavailableReason, Unknown, UnknownCause, classify,
};
pub use instrument::{FieldError, PaymentRequest};
pub use orders::OrderId;
pub use payments::AccessToken;
pub use transport::{Answer, http_client};

use crate::secret::Secret;
use transport::{Received, Request, Transport};

/// Where a store is and how to speak to it.
pub struct Settings {
    /// The store's hash, as in `stores/{store_hash}`.
    pub store_hash: String,
    /// The API account's token, sent as `X-Auth-Token` to the API host only.
    pub access_token: Secret,
    /// Usually `https://api.bigcommerce.com`.
    pub api_url: String,
    /// Usually `https://payments.bigcommerce.com`.
    pub payments_url: String,
    /// How long a call may take from connecting to the last byte.
    pub timeout: Duration,
    /// The same for calls that move money.
    pub payment_timeout: Duration,
}

/// Why a client cannot be made from its settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The store hash is empty or holds more than letters, digits, `-` and `_`.
    #[error("the store hash must consist of letters, digits, '-' and '_'")]
    StoreHash,
    /// The access token cannot be sent in a header.
    #[error("the access token is empty or cannot be sent in a header")]
    AccessToken,
    /// Not an absolute http or https URL, or one with a query.
    #[error("{0:?} is not an http or https URL without query")]
    Url(String),
    /// The HTTP client cannot start, for example because the machine has no root certificates.
    #[error("the HTTP client cannot start")]
    Http(#[source] reqwest::Error),
}

/// Who a call is made for. A quota is spent in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Paying and finding out about payments.
    Payment,
    /// Creating the order and what verifies it.
    Order,
    /// A shopper who waits.
    Shopper,
    /// Recovery.
    Recovery,
    /// Operators and supervision.
    BackOffice,
}

/// On whose behalf a request is sent.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// Sent as `X-Correlation-Id` to both hosts. It correlates, it does not deduplicate.
    pub correlation_id: Uuid,
    /// Its place in the queue for the quota.
    pub priority: Priority,
}

impl Call {
    /// A call for a checkout: its id is the correlation id.
    pub const fn new(correlation_id: Uuid, priority: Priority) -> Self {
        Self { correlation_id, priority }
    }
}

/// What is seen of one answer or of its absence.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// The host asked.
    pub host: Host,
    /// The call's name, such as `order.create`.
    pub name: &'static str,
    /// On whose behalf it was sent.
    pub correlation_id: Uuid,
    /// The status; `None` when none arrived.
    pub status: Option<u16>,
    /// `succeeded`, or the name of the [`Error`].
    pub outcome: &'static str,
    /// From sending to the last byte.
    pub duration: Duration,
    /// The quota as the answer reported it.
    pub rate_limit: RateLimit,
}

/// Watches the calls of a store: the place for a rate budget, a breaker and metrics. Does nothing by default.
#[async_trait]
pub trait Observer: Send + Sync {
    /// Before anything is sent; may wait for its turn, or hold the call back. The waiting is not part of the timeout.
    async fn before(&self, _host: Host, _priority: Priority) -> Result<(), Unavailable> {
        Ok(())
    }

    /// After each call that got past [`Self::before`].
    fn after(&self, _seen: &Seen) {}

    /// Instead of [`Self::after`], when the call was not sent after all, because its sender had lost the right to.
    fn unsent(&self, host: Host) {
        self.abandoned(host);
    }

    /// Instead of [`Self::after`], when the call's future was dropped: nobody knows how it ends.
    fn abandoned(&self, _host: Host) {}
}

/// The observer that does nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

#[async_trait]
impl Observer for NoObserver {}

/// Whether whoever sends may still send. Asked after the wait for the quota, right before a request that changes
/// something goes out.
pub type Guard = Arc<dyn Fn() -> bool + Send + Sync>;

/// A client for one store; cheap to clone.
#[derive(Clone)]
pub struct Client {
    transport: Arc<Transport>,
    guard: Option<Guard>,
}

impl Client {
    /// A client with connections of its own and no observer.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let http =
            http_client(settings.timeout.min(settings.payment_timeout)).map_err(SettingsError::Http)?;
        Self::with(settings, http, Arc::new(NoObserver))
    }

    /// A client that shares the connections of `http` (see [`http_client`]) and is watched by `observer`.
    pub fn with(
        settings: &Settings,
        http: reqwest::Client,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, SettingsError> {
        let hash = settings.store_hash.as_str();
        if hash.is_empty() || !hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        {
            return Err(SettingsError::StoreHash);
        }
        let mut access_token = access_token(settings).map_err(|_| SettingsError::AccessToken)?;
        if access_token.is_empty() {
            return Err(SettingsError::AccessToken);
        }
        access_token.set_sensitive(true);
        let transport = Transport {
            http,
            observer,
            access_token,
            api: base_url(&settings.api_url, hash)?,
            payments: base_url(&settings.payments_url, hash)?,
            timeout: settings.timeout,
            payment_timeout: settings.payment_timeout,
        };
        Ok(Self { transport: Arc::new(transport), guard: None })
    }

    /// Where a person looks at an order: the store's control panel. `None`: this is not BigCommerce itself.
    pub fn control_panel(&self, order_id: i64) -> Option<String> {
        let hash =
            self.transport.api.strip_prefix("https://api.bigcommerce.com/stores/")?.trim_end_matches('/');
        Some(format!("https://store-{hash}.mybigcommerce.com/manage/orders/{order_id}"))
    }

    /// The same client, for somebody whose right to send may end while a request waits for its turn: once `guard` says
    /// so, nothing that changes anything is sent any more ([`UnavailableReason::NotHeld`]). Reads are.
    #[must_use]
    pub fn guarded(&self, guard: Guard) -> Self {
        Self { transport: self.transport.clone(), guard: Some(guard) }
    }

    async fn send(&self, cx: &Call, request: Request) -> Result<Received, Error> {
        self.transport.send(cx, request, self.guard.as_ref()).await
    }

    /// Sends, and reads the answer's body with `read`, which is given nothing when the status is 204. What it cannot
    /// read is an unknown outcome.
    async fn call<T>(
        &self,
        cx: &Call,
        request: Request,
        read: impl FnOnce(Option<Value>) -> Option<T> + Send,
    ) -> Result<Answer<T>, Error> {
        self.send(cx, request).await?.read(read)
    }

    /// The same of V3's envelope, for a document that is passed on as text.
    async fn text<T>(
        &self,
        cx: &Call,
        request: Request,
        read: impl FnOnce(&RawValue) -> Option<T> + Send,
    ) -> Result<Answer<T>, Error> {
        self.send(cx, request).await?.text(read)
    }

    /// Sends a request whose success is all in its status.
    async fn done(&self, cx: &Call, request: Request) -> Result<Answer<()>, Error> {
        self.send(cx, request).await.map(Received::without_body)
    }
}

fn access_token(settings: &Settings) -> Result<HeaderValue, InvalidHeaderValue> {
    HeaderValue::from_str(settings.access_token.expose().trim())
}

fn base_url(url: &str, hash: &str) -> Result<String, SettingsError> {
    let wrong = || SettingsError::Url(url.to_owned());
    let parsed = reqwest::Url::parse(url).map_err(|_| wrong())?;
    let plain = parsed.query().is_none() && parsed.fragment().is_none() && parsed.username().is_empty();
    if !plain || !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
        return Err(wrong());
    }
    Ok(format!("{}/stores/{hash}", parsed.as_str().trim_end_matches('/')))
}

/// V3: the document in the envelope.
fn document<T>(
    parse: impl FnOnce(Value) -> Option<T> + Send,
) -> impl FnOnce(Option<Value>) -> Option<T> + Send {
    move |body| parse(lenient::data(body?))
}

/// V3 and V2: the list, in an envelope or bare. 204 is the empty list, and so is null. One row that cannot be read
/// makes the whole list unreadable, because a row that is left out looks like proof of absence.
fn rows<T>(parse: impl Fn(Value) -> Option<T> + Send) -> impl FnOnce(Option<Value>) -> Option<Vec<T>> + Send {
    move |body| match body.map(lenient::data) {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(list)) => list.into_iter().map(parse).collect(),
        Some(_) => None,
    }
}

/// A document that is passed on as it is.
fn as_is(document: Value) -> Option<Value> {
    document.is_object().then_some(document)
}

/// The body with `version` at its root, where a version is known.
fn versioned(body: &Value, version: Option<i64>) -> Value {
    let mut body = body.clone();
    if let (Some(version), Some(map)) = (version, body.as_object_mut()) {
        map.insert("version".to_owned(), version.into());
    }
    body
}

#[cfg(test)]
mod tests;
