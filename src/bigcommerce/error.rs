//! Answers one question about a call: did it happen?
//!
//! Guarantees: the mapping is total and depends on the status before the body. [`Error::Rejected`], [`Error::Moved`] and
//! [`Error::Unavailable`] are certain: nothing was executed. Everything else is [`Error::Unknown`]: perhaps.
//! `Display` and `Debug` never show what BigCommerce wrote in its errors beyond the status and the code.

use std::{fmt, time::Duration};

use reqwest::header::HeaderMap;

pub use super::rejection::Rejection;

/// Which of BigCommerce's two hosts a call goes to. Each has its own credentials and its own quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Host {
    /// `api.bigcommerce.com`
    Api,
    /// `payments.bigcommerce.com`
    Payments,
}

impl Host {
    /// Its name in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Payments => "payments",
        }
    }
}

/// Why a call has no good answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Refused for good: it was not executed, and the same request will be refused again.
    #[error("BigCommerce refused the request ({0})")]
    Rejected(Rejection),
    /// 409 or 423: it was not executed, because something is in another state than the request assumes. On versioned
    /// writes it is a stale `version`; creating a cart or an order may answer it for a business reason, and the access
    /// token for an order that is not Incomplete (30101). Read again before deciding.
    #[error("BigCommerce reports a conflict ({0})")]
    Moved(Rejection),
    /// It was not executed, and may be sent again later.
    #[error("BigCommerce is unavailable ({0})")]
    Unavailable(Unavailable),
    /// It may have been executed. Nobody knows until BigCommerce is asked.
    #[error("it is unknown whether BigCommerce executed the request ({0})")]
    Unknown(Unknown),
}

/// Certainly not executed; worth another try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// What kept it from being executed.
    pub reason: UnavailableReason,
    /// How long to wait, when BigCommerce said so (the longest of its three headers).
    pub retry_after: Option<Duration>,
}

/// What kept a request from being executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnavailableReason {
    /// DNS, TCP or TLS failed before anything was sent.
    NotConnected,
    /// 429: turned away by the quota. BigCommerce: a 429 without headers means that the platform is overloaded.
    RateLimited,
    /// Held back on our side by the [`Observer`](super::Observer); nothing was sent.
    HeldBack,
    /// Whoever sends had lost the right to by the time that it was its turn; nothing was sent.
    NotHeld,
}

/// Perhaps executed.
#[derive(Debug, Clone)]
pub struct Unknown {
    /// How the certainty was lost.
    pub cause: UnknownCause,
    /// The status, when one arrived.
    pub status: Option<u16>,
    /// When BigCommerce asked for patience. Only reads may be repeated on this alone.
    pub retry_after: Option<Duration>,
    /// What the body said, as evidence for a person; it decides nothing.
    pub evidence: Option<Box<Rejection>>,
}

/// How the certainty was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownCause {
    /// No answer in time after the request was on its way.
    TimedOut,
    /// The connection broke after the request was on its way.
    ConnectionLost,
    /// A status that does not tell (408, 499, 3xx, 5xx).
    Status,
    /// A success whose body could not be read.
    Unreadable,
}

impl UnknownCause {
    /// Its name in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TimedOut => "timed out",
            Self::ConnectionLost => "connection lost",
            Self::Status => "undecided status",
            Self::Unreadable => "unreadable answer",
        }
    }
}

impl Error {
    /// Whether it is certain that the request had no effect.
    pub const fn is_certainly_without_effect(&self) -> bool {
        !matches!(self, Self::Unknown(_))
    }

    /// The HTTP status, when one arrived.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Rejected(rejection) | Self::Moved(rejection) => Some(rejection.status),
            Self::Unavailable(unavailable) => match unavailable.reason {
                UnavailableReason::RateLimited => Some(429),
                UnavailableReason::NotConnected
                | UnavailableReason::HeldBack
                | UnavailableReason::NotHeld => None,
            },
            Self::Unknown(unknown) => unknown.status,
        }
    }

    /// What BigCommerce wrote, when it refused. Not the evidence of an unknown outcome.
    pub const fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Rejected(rejection) | Self::Moved(rejection) => Some(rejection),
            Self::Unavailable(_) | Self::Unknown(_) => None,
        }
    }

    /// The payments API's error code, when the request was refused with one.
    pub const fn code(&self) -> Option<i64> {
        match self.rejection() {
            Some(rejection) => rejection.code,
            None => None,
        }
    }

    /// How long BigCommerce asked to wait.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable(unavailable) => unavailable.retry_after,
            Self::Unknown(unknown) => unknown.retry_after,
            Self::Rejected(_) | Self::Moved(_) => None,
        }
    }

    /// 404. For a cart this may mean deleted, expired or converted by a paid order.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Rejected(rejection) if rejection.status == 404)
    }

    /// 401 or 403: the credentials, their scope, or the store's account; for operators.
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Rejected(rejection) if matches!(rejection.status, 401 | 403))
    }

    /// 429.
    pub fn is_rate_limited(&self) -> bool {
        self.status() == Some(429)
    }

    /// One word for logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Rejected(_) => "rejected",
            Self::Moved(_) => "moved",
            Self::Unavailable(_) => "unavailable",
            Self::Unknown(_) => "unknown",
        }
    }

    /// There is nobody to ask: nothing was sent.
    pub const fn not_connected() -> Self {
        Self::Unavailable(Unavailable { reason: UnavailableReason::NotConnected, retry_after: None })
    }

    pub(super) const fn unknown(cause: UnknownCause, status: Option<u16>) -> Self {
        Self::Unknown(Unknown { cause, status, retry_after: None, evidence: None })
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            UnavailableReason::NotConnected => "not connected",
            UnavailableReason::RateLimited => "rate limited",
            UnavailableReason::HeldBack => "held back",
            UnavailableReason::NotHeld => "the lease ran out before the call",
        })?;
        self.retry_after.map_or(Ok(()), |wait| write!(f, ", retry after {} ms", wait.as_millis()))
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cause.name())?;
        self.status.map_or(Ok(()), |status| write!(f, ", status {status}"))
    }
}

/// What the rate-limit headers of an answer said. BigCommerce: API rate limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests left in the window (`X-Rate-Limit-Requests-Left`).
    pub left: Option<u64>,
    /// Requests per window (`X-Rate-Limit-Requests-Quota`).
    pub quota: Option<u64>,
    /// Milliseconds until the window ends (`X-Rate-Limit-Time-Reset-Ms`).
    pub reset_ms: Option<u64>,
    /// Length of the window in milliseconds (`X-Rate-Limit-Time-Window-Ms`).
    pub window_ms: Option<u64>,
    /// The longer of `X-Retry-After` (seconds) and `Retry-After` (seconds, or a date).
    pub retry_after: Option<Duration>,
}

/// No header can make us wait longer than this.
const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// BigCommerce's windows have 30 seconds; a header that tells a longer one than this is not believed.
pub(super) const LONGEST_WINDOW: Duration = Duration::from_mins(1);
const USUAL_WINDOW: Duration = Duration::from_secs(30);

/// Until the date of `Retry-After`, by the clock of whoever wrote it, where that is told.
fn until(headers: &HeaderMap) -> Option<Duration> {
    let date = |name: &str| httpdate::parse_http_date(headers.get(name)?.to_str().ok()?.trim()).ok();
    let then = date("retry-after")?;
    let now = date("date").unwrap_or_else(|| time::OffsetDateTime::now_utc().into());
    then.duration_since(now).ok()
}

impl RateLimit {
    /// Reads the headers; what is missing or no number is `None`.
    pub fn read(headers: &HeaderMap) -> Self {
        let number = |name: &str| -> Option<u64> { headers.get(name)?.to_str().ok()?.trim().parse().ok() };
        let seconds = |name| number(name).map(Duration::from_secs);
        Self {
            left: number("x-rate-limit-requests-left"),
            quota: number("x-rate-limit-requests-quota"),
            reset_ms: number("x-rate-limit-time-reset-ms"),
            window_ms: number("x-rate-limit-time-window-ms"),
            retry_after: seconds("x-retry-after").max(seconds("retry-after")).max(until(headers)),
        }
    }

    /// How long to wait after a 429: the longest of what the headers say, but at most two windows, because a whole store waits
    /// for it and the next call finds out anyway. `None` when they say nothing.
    pub fn wait(&self) -> Option<Duration> {
        let window = self.window_ms.map_or(USUAL_WINDOW, Duration::from_millis);
        let wait = self.reset_ms.map(Duration::from_millis).max(self.retry_after);
        wait.map(|wait| wait.min(window.clamp(USUAL_WINDOW, LONGEST_WINDOW) * 2))
    }
}

/// The meaning of an answer that is not a success. Total: every status has a class, whatever the body holds.
pub fn classify(host: Host, status: u16, limits: &RateLimit, body: &[u8]) -> Error {
    let rejection = || Rejection::read(host, status, body);
    match status {
        429 => Error::Unavailable(Unavailable {
            reason: UnavailableReason::RateLimited,
            retry_after: limits.wait(),
        }),
        409 | 423 => Error::Moved(rejection()),
        // 408 and 499 tell that a connection was given up, not what had been done by then.
        400..=407 | 410..=498 => Error::Rejected(rejection()),
        _ => Error::Unknown(Unknown {
            cause: UnknownCause::Status,
            status: Some(status),
            retry_after: limits.retry_after.map(|wait| wait.min(LONGEST_WAIT)),
            evidence: Some(Box::new(rejection())),
        }),
    }
}

/// The meaning of a call that ended without a status.
pub(super) fn classify_failure(failure: &reqwest::Error) -> Error {
    // A connection that was pooled and turned out to be closed is no connect failure: the request may have been read
    // by the other side. A request that could not even be built was certainly not sent.
    if failure.is_connect() || failure.is_builder() {
        let reason = UnavailableReason::NotConnected;
        return Error::Unavailable(Unavailable { reason, retry_after: None });
    }
    Error::unknown(cause_of(failure), None)
}

/// How a connection that had been in use ended.
pub(super) fn cause_of(failure: &reqwest::Error) -> UnknownCause {
    if failure.is_timeout() { UnknownCause::TimedOut } else { UnknownCause::ConnectionLost }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status: u16) -> &'static str {
        classify(Host::Api, status, &RateLimit::default(), b"").name()
    }

    #[test]
    fn every_status_has_a_class() {
        for status in [400, 401, 402, 403, 404, 405, 406, 407, 410, 412, 413, 415, 418, 422, 425, 451, 498] {
            assert_eq!(class(status), "rejected", "{status}");
        }
        for status in [409, 423] {
            assert_eq!(class(status), "moved", "{status}");
        }
        for status in [301, 302, 304, 408, 499, 500, 501, 502, 503, 504, 507, 520, 599, 0, 100, 999] {
            assert_eq!(class(status), "unknown", "{status}");
        }
        assert_eq!(class(429), "unavailable");
    }

    #[test]
    fn only_unknown_leaves_room_for_an_effect() {
        for status in 300..=599 {
            let error = classify(Host::Payments, status, &RateLimit::default(), b"<html>");
            assert_eq!(error.is_certainly_without_effect(), error.name() != "unknown", "{status}");
            assert_eq!(error.status(), Some(status));
        }
    }

    #[test]
    fn a_429_waits_for_the_longest_of_the_headers() {
        for (headers, expected) in [
            (&[][..], None),
            (&[("X-Rate-Limit-Time-Reset-Ms", "1500")][..], Some(1500)),
            (&[("X-Retry-After", "2")][..], Some(2000)),
            (&[("Retry-After", "3")][..], Some(3000)),
            (&[("X-Rate-Limit-Time-Reset-Ms", "9000"), ("X-Retry-After", "2")][..], Some(9000)),
            (&[("X-Rate-Limit-Time-Reset-Ms", "900"), ("Retry-After", "2")][..], Some(2000)),
            (
                &[("X-Rate-Limit-Time-Reset-Ms", "soon"), ("Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT")][..],
                None,
            ),
            (&[("X-Rate-Limit-Time-Reset-Ms", "18446744073709551615")][..], Some(60_000)),
        ] {
            let map = headers
                .iter()
                .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
                .collect::<HeaderMap>();
            let error = classify(Host::Api, 429, &RateLimit::read(&map), b"");
            assert_eq!(error.retry_after(), expected.map(Duration::from_millis), "{headers:?}");
        }
    }

    #[test]
    fn what_bigcommerce_wrote_is_not_shown() {
        let body = br#"{"status":422,"title":"jane@example.com is unknown","code":30051,"errors":{"a":"jane@example.com"}}"#;
        for status in [422, 409, 500] {
            let error = classify(Host::Api, status, &RateLimit::default(), body);
            assert!(!format!("{error} {error:?}").contains("jane"), "{error:?}");
        }
        let error = classify(Host::Api, 422, &RateLimit::default(), body);
        assert_eq!(error.to_string(), "BigCommerce refused the request (status 422, code 30051)");
        assert_eq!(error.code(), Some(30051));
    }
}
