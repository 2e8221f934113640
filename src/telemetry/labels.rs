//! The labels of the metrics: small sets of words, none of which comes from outside.

use prometheus_client::encoding::EncodeLabelSet;

use crate::bigcommerce;
use crate::checkout::StepName;
use crate::db::Outcome;

/// An attempt that ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Attempted {
    pub(super) step: &'static str,
    pub(super) outcome: &'static str,
}

impl Attempted {
    pub(super) fn new(step: StepName, outcome: Outcome) -> Self {
        Self { step: step.as_str(), outcome: outcome.as_str() }
    }
}

/// A try of a step.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Tried {
    pub(super) step: &'static str,
    pub(super) kind: &'static str,
}

/// A store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct OfStore {
    pub(super) store: String,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Step {
    pub(super) step: &'static str,
}

impl Step {
    pub(super) fn of(step: StepName) -> Self {
        Self { step: step.as_str() }
    }
}

/// What happened to a checkout.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Event {
    pub(super) event: &'static str,
}

/// Why a checkout needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Reason {
    pub(super) reason: &'static str,
}

/// Where checkouts stand.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Standing {
    pub(super) status: &'static str,
}

/// What connections to the database do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Connection {
    pub(super) state: &'static str,
}

/// A host of BigCommerce, as one store uses it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Host {
    pub(super) store: String,
    pub(super) host: &'static str,
}

impl Host {
    pub(super) fn of(store: &str, host: bigcommerce::Host) -> Self {
        Self { store: store.to_owned(), host: host.name() }
    }
}

/// A call to BigCommerce and how long it took.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Timed {
    pub(super) call: &'static str,
}

/// A call to BigCommerce and what came back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Called {
    pub(super) store: String,
    pub(super) call: &'static str,
    pub(super) status: &'static str,
    pub(super) outcome: &'static str,
}

/// A request to the service.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct AtRoute {
    pub(super) method: &'static str,
    /// As it was declared, with parameters in braces.
    pub(super) route: String,
}

/// A listener.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Listener {
    pub(super) listener: &'static str,
}

/// Background work of a process.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Task {
    pub(super) task: &'static str,
}

/// What a connection waits for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct PhaseOf {
    pub(super) phase: &'static str,
}

/// A limit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Kind {
    pub(super) kind: &'static str,
}

/// A request to the service and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Requested {
    pub(super) method: &'static str,
    /// As it was declared, with parameters in braces.
    pub(super) route: String,
    pub(super) status: &'static str,
}

macro_rules! words {
    ($asked:expr; $($known:literal)+) => { match $asked { $($known => stringify!($known),)+ 100..=199 => "1xx",
        200..=299 => "2xx", 300..=399 => "3xx", 400..=499 => "4xx", 500..=599 => "5xx", _ => "other" } };
}

/// A status code as a word; unusual ones share the word of their class. `none`: no answer came.
pub(super) fn known_status(status: Option<u16>) -> &'static str {
    let Some(status) = status else { return "none" };
    words!(status; 200 201 202 204 301 302 304 400 401 402 403 404 405 408 409 410 412 413 415 422 423 428 429 499 500
        501 502 503 504 507 509)
}

/// An HTTP method; those that no route has share a word, because anybody can invent them.
pub(super) fn known_method(method: &str) -> &'static str {
    ["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_comes_from_outside_becomes_one_of_few_words() {
        assert_eq!(known_status(Some(429)), "429");
        assert_eq!(known_status(Some(418)), "4xx");
        assert_eq!(known_status(Some(599)), "5xx");
        assert_eq!(known_status(Some(999)), "other");
        assert_eq!(known_status(None), "none");
        let all: std::collections::BTreeSet<_> =
            (0..=u16::MAX).map(|code| known_status(Some(code))).collect();
        assert!(all.len() < 40, "{}", all.len());
        assert_eq!(known_method("DELETE"), "DELETE");
        assert_eq!(known_method("delete"), "other");
        assert_eq!(known_method("X-MADE-UP"), "other");
    }
}
