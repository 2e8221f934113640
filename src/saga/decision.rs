//! What a decision is, what it depends on, and how long to wait before the next try.

use std::time::Duration;

use time::OffsetDateTime;

use crate::backoff::Backoff;
use crate::checkout::{Answer, Checkout, Event};
use crate::db::{Began, Hold, Outcome};

/// The bounds of trying again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) max_attempts: u32,
    pub(super) retry_base: Duration,
    pub(super) retry_cap: Duration,
    pub(super) ttl: Duration,
    /// The first wait between two looks whether a checkout was paid elsewhere.
    pub(super) look: Duration,
    /// How long after its end a checkout is looked at once more.
    pub(super) late: Duration,
}

/// What is to be recorded, and how the run goes on.
#[derive(Debug)]
pub(super) struct Decision {
    /// The checkout, but for status, version and fence.
    pub(super) checkout: Checkout,
    pub(super) event: Event,
    pub(super) hold: Hold,
    pub(super) outcome: Option<Outcome>,
    pub(super) began: Option<Began>,
    pub(super) answer: Option<Answer>,
    /// Before the next attempt, under the lease.
    pub(super) pause: Duration,
}

/// Everything a decision depends on beside the checkout.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances {
    pub(super) limits: Limits,
    /// PostgreSQL's clock.
    pub(super) now: OffsetDateTime,
    /// From 0 to 1, for the jitter of a wait.
    pub(super) jitter: f64,
}

impl Decision {
    /// Records the checkout with nothing else.
    pub(super) fn new(checkout: Checkout, event: Event, hold: Hold) -> Self {
        Self { checkout, event, hold, outcome: None, began: None, answer: None, pause: Duration::ZERO }
    }

    /// Records the checkout as it is and goes on holding it.
    pub(super) fn hold(checkout: Checkout) -> Self {
        Self::new(checkout, Event::Advanced, Hold::Lease)
    }
}

/// The wait after so many failed tries in a row.
pub(super) fn backoff(tries: u32, at: Circumstances) -> Duration {
    Backoff::new(at.limits.retry_base, at.limits.retry_cap).pause(tries, at.jitter)
}

/// A little beside a wait that BigCommerce asked for.
pub(super) fn jitter(at: Circumstances) -> Duration {
    at.limits.retry_base.mul_f64(at.jitter.clamp(0.0, 1.0)) / 4
}

/// The wait before the next look for the effect of the attempt in flight.
pub(super) fn wait_for(checkout: &Checkout, at: Circumstances) -> Duration {
    backoff(checkout.in_flight.as_ref().map_or(0, |attempt| attempt.looks), at)
}

/// Whoever paid a part hears that, whatever kept the rest from being paid: "nothing happened" is not true any more, and
/// the same key must not pay the part again.
pub(super) fn told(checkout: &Checkout, answer: Answer) -> Answer {
    let goal_version = checkout.goal.as_ref().map(|goal| goal.goal_version);
    let paid = checkout.facts.parts.iter().any(|part| Some(part.goal_version) == goal_version);
    match answer {
        Answer::Unavailable { .. } | Answer::TotalChanged { .. } | Answer::OutOfOrder if paid => Answer::Done,
        answer => answer,
    }
}
