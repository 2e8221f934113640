//! The only `send`: credentials, timeouts, the span, and the one way from an answer to a value or an error.
//!
//! Guarantees: a request is sent once. No redirect is followed and no policy repeats it; the HTTP library may only pick
//! another connection when it can prove that not a byte was written to a pooled one that had been closed. The access
//! token goes to the API host alone, the payment access token to the payments host alone, and bodies, tokens and
//! queries are in no span.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use reqwest::{
    Method, RequestBuilder, Response,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT},
};
use serde_json::Value;
use serde_json::value::RawValue;
use tracing::Instrument;
use zeroize::Zeroizing;

use super::clean::clean;
use super::{
    Call, Error, Guard, Host, Observer, RateLimit, Rejection, Seen, Unavailable, UnavailableReason,
    UnknownCause,
    error::{cause_of, classify, classify_failure},
    path,
};
use crate::json::{self, Raw, shape};
use crate::secret::Secret;

/// No answer is read beyond this.
const LARGEST_BODY: usize = 8 * 1024 * 1024;
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The one type that processing a payment answers. BigCommerce: payments/process_payments.
const PAYMENTS_JSON: HeaderValue = HeaderValue::from_static("application/vnd.bc.v1+json");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("headless-checkout/", env!("CARGO_PKG_VERSION")));

/// A pool of connections that stores may share. `shortest_timeout` is the shortest one of its calls: connecting gets
/// at most half of it, so that a host that cannot be reached is known as such and not as an unknown outcome.
pub fn http_client(shortest_timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may have been faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .tcp_nodelay(true)
        .connect_timeout(Duration::from_secs(3).min(shortest_timeout / 2))
        // Shorter than servers keep idle connections, so that few requests meet one that is just being closed.
        .pool_idle_timeout(Duration::from_secs(30))
        .http2_keep_alive_interval(Duration::from_secs(10))
        .http2_keep_alive_timeout(Duration::from_secs(5))
        .build()
}

/// A value that BigCommerce answered, and what the log of an attempt wants to know about the answer.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// The value.
    pub value: T,
    /// The HTTP status (any 2xx: BigCommerce's success codes drift).
    pub status: u16,
    /// From sending to the last byte of the answer.
    pub duration: Duration,
    /// What the answer said about the quota.
    pub rate_limit: RateLimit,
}

impl<T> Answer<T> {
    /// The same answer with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        let Self { value, status, duration, rate_limit } = self;
        Answer { value: change(value), status, duration, rate_limit }
    }
}

/// One request, not yet bound to a store.
pub(super) struct Request {
    name: &'static str,
    host: Host,
    method: Method,
    /// `None` when an id cannot be a path segment: then nothing is sent.
    path: Option<String>,
    query: Vec<(&'static str, String)>,
    body: Option<Bytes>,
    payment_access_token: Option<HeaderValue>,
    moves_money: bool,
}

impl Request {
    /// A call on the API host.
    pub(super) fn api(name: &'static str, method: Method, segments: &[&str]) -> Self {
        let path = path::path(segments);
        let (query, body, payment_access_token) = (Vec::new(), None, None);
        Self { name, host: Host::Api, method, path, query, body, payment_access_token, moves_money: false }
    }

    /// Processing a payment. The body is overwritten in memory once it was sent.
    pub(super) fn payment(name: &'static str, token: &Secret, body: Zeroizing<Vec<u8>>) -> Self {
        let header = Zeroizing::new(format!("PAT {}", token.expose()));
        let header = HeaderValue::from_str(&header).ok().map(|mut header| {
            header.set_sensitive(true);
            header
        });
        Self {
            // A token that fits into no header makes no request.
            path: header.as_ref().and_then(|_| path::path(&["payments"])),
            host: Host::Payments,
            body: Some(Bytes::from_owner(body)),
            payment_access_token: header,
            moves_money: true,
            ..Self::api(name, Method::POST, &["payments"])
        }
    }

    pub(super) fn json(mut self, body: &Value) -> Self {
        self.body = Some(Bytes::from(body.to_string()));
        self
    }

    /// Adds a parameter when there is a value for it.
    pub(super) fn query(mut self, key: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (key, value.to_string())));
        self
    }

    #[cfg(test)]
    pub(super) fn query_text(&self) -> String {
        path::query(&self.query)
    }

    #[cfg(test)]
    pub(super) fn path_text(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// Gives the call the time that a gateway behind BigCommerce may need.
    pub(super) const fn moves_money(mut self) -> Self {
        self.moves_money = true;
        self
    }
}

/// An answer with a success status.
pub(super) struct Received {
    answer: Answer<Bytes>,
}

impl Received {
    pub(super) fn without_body(self) -> Answer<()> {
        self.answer.map(drop)
    }

    pub(super) fn read<T>(self, read: impl FnOnce(Option<Value>) -> Option<T>) -> Result<Answer<T>, Error> {
        let value = match self.answer.status {
            204 => read(None),
            _ => serde_json::from_slice(&self.answer.value).ok().and_then(|body| read(Some(body))),
        };
        self.with(value)
    }

    /// The document in the envelope, or a bare one, as text.
    pub(super) fn text<T>(self, read: impl FnOnce(&RawValue) -> Option<T>) -> Result<Answer<T>, Error> {
        let body = serde_json::from_slice::<&RawValue>(&self.answer.value).ok();
        let value = body.and_then(|body| {
            let envelope: Envelope<'_> = json::read(body.get());
            read(envelope.data.raw().unwrap_or(body))
        });
        self.with(value)
    }

    fn with<T>(self, value: Option<T>) -> Result<Answer<T>, Error> {
        let status = self.answer.status;
        match value {
            Some(value) => Ok(self.answer.map(|_| value)),
            None => Err(Error::unknown(UnknownCause::Unreadable, Some(status))),
        }
    }
}

shape!(
    /// V3's envelope.
    Envelope {
        data: Raw<'a>,
    }
);

/// What a client holds.
pub(super) struct Transport {
    pub(super) http: reqwest::Client,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) access_token: HeaderValue,
    pub(super) api: String,
    pub(super) payments: String,
    pub(super) timeout: Duration,
    pub(super) payment_timeout: Duration,
}

impl Transport {
    /// Sends the request once. Dropping the future leaves it open whether it was executed.
    pub(super) async fn send(
        &self,
        cx: &Call,
        request: Request,
        guard: Option<&Guard>,
    ) -> Result<Received, Error> {
        let (name, host) = (request.name, request.host);
        let guard = guard.filter(|_| !request.method.is_safe());
        let span = tracing::info_span!(
            "upstream.call",
            otel.name = name,
            otel.kind = "client",
            otel.status_code = tracing::field::Empty,
            name,
            host = host.name(),
            method = request.method.as_str(),
            correlation_id = %cx.correlation_id,
            status = tracing::field::Empty,
            outcome = tracing::field::Empty,
            duration_ms = tracing::field::Empty,
        );
        let Some(prepared) = self.prepare(cx, request) else {
            let refused =
                Rejection::before_sending("the request holds an id that cannot exist; nothing was sent");
            return Err(Error::Rejected(refused));
        };
        self.observer.before(host, cx.priority).await.map_err(Error::Unavailable)?;
        if guard.is_some_and(|may_send| !may_send()) {
            self.observer.unsent(host);
            let reason = UnavailableReason::NotHeld;
            return Err(Error::Unavailable(Unavailable { reason, retry_after: None }));
        }
        let watched = Watched { observer: &*self.observer, host };

        let started = Instant::now();
        let (status, rate_limit, result) = exchange(host, prepared).instrument(span.clone()).await;
        let duration = started.elapsed();

        let outcome = result.as_ref().map_or_else(Error::name, |_| "succeeded");
        if matches!(result, Err(Error::Unavailable(_) | Error::Unknown(_))) {
            span.record("otel.status_code", "ERROR");
        }
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        tracing::record_all!(span, status = status, outcome = outcome, duration_ms = duration_ms);
        let correlation_id = cx.correlation_id;
        watched.after(&Seen { host, name, correlation_id, status, outcome, duration, rate_limit });
        let answer = |value| Answer { value, status: status.unwrap_or_default(), duration, rate_limit };
        result.map(|body| Received { answer: answer(body) })
    }

    fn prepare(&self, cx: &Call, request: Request) -> Option<RequestBuilder> {
        let base = match request.host {
            Host::Api => &self.api,
            Host::Payments => &self.payments,
        };
        let url = format!("{base}{}{}", request.path?, path::query(&request.query));
        let url = reqwest::Url::parse(&url).ok()?;

        let mut headers = HeaderMap::with_capacity(6);
        headers.insert(USER_AGENT, AGENT);
        // BigCommerce's specification asks for both on every call, also without a body.
        headers.insert(CONTENT_TYPE, JSON);
        headers.insert("x-correlation-id", HeaderValue::from_str(&cx.correlation_id.to_string()).ok()?);
        if let Some(token) = request.payment_access_token {
            headers.insert(ACCEPT, PAYMENTS_JSON);
            headers.insert(AUTHORIZATION, token);
        } else {
            headers.insert(ACCEPT, JSON);
            headers.insert("x-auth-token", self.access_token.clone());
        }

        let timeout = if request.moves_money { self.payment_timeout } else { self.timeout };
        let prepared = self.http.request(request.method, url).headers(headers).timeout(timeout);
        Some(match request.body {
            Some(body) => prepared.body(body),
            None => prepared,
        })
    }
}

/// A call that the observer let pass and of which it learns the end, even when the call's future is dropped.
struct Watched<'a> {
    observer: &'a dyn Observer,
    host: Host,
}

impl Watched<'_> {
    fn after(self, seen: &Seen) {
        self.observer.after(seen);
        std::mem::forget(self);
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.observer.abandoned(self.host);
    }
}

/// One request and its answer: the status, the quota, and the body of a success or the meaning of anything else.
async fn exchange(host: Host, request: RequestBuilder) -> (Option<u16>, RateLimit, Result<Bytes, Error>) {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that sends")]
    let response = match request.send().await {
        Ok(response) => response,
        Err(failure) => {
            let error = classify_failure(&failure);
            // Without its URL: that may hold an email address.
            tracing::debug!(cause = cause_chain(&failure.without_url()), "no answer from BigCommerce");
            return (None, RateLimit::default(), Err(error));
        }
    };
    // The status counts whatever becomes of the body.
    let status = response.status().as_u16();
    let rate_limit = RateLimit::read(response.headers());
    let body = read_body(response).await;
    let result = if (200..300).contains(&status) {
        body.map_err(|cause| Error::unknown(cause, Some(status)))
    } else {
        Err(classify(host, status, &rate_limit, &body.unwrap_or_default()))
    };
    (Some(status), rate_limit, result)
}

async fn read_body(mut response: Response) -> Result<Bytes, UnknownCause> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|failure| cause_of(&failure))? {
        if body.len() + chunk.len() > LARGEST_BODY {
            return Err(UnknownCause::Unreadable);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(clean(body.into()))
}

/// What the error and its causes say, outermost first.
fn cause_chain(error: &dyn std::error::Error) -> String {
    let mut chain = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        chain.push_str(": ");
        chain.push_str(&error.to_string());
        cause = error.source();
    }
    chain
}

#[cfg(test)]
#[path = "transport_tests.rs"]
mod tests;
