//! What the engine does, as seen from outside: the one log line of each transition, the spans of runs and tries, and
//! the [`Observer`] that metrics hang on.
//!
//! Nothing here changes what the engine does. Only words of ours, ids and counts go into a span: never a body, an address
//! or a credential.

use std::sync::Arc;
use std::time::Duration;

use tracing::Span;

use super::decision::Decision;
use crate::checkout::{Checkout, Event, Status, StepName};
use crate::db::{Claim, Ended};

/// What a try of a step was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Try {
    /// It was done.
    Attempt,
    /// BigCommerce was asked whether an earlier attempt had taken effect.
    Look,
}

impl Try {
    /// The word for it in spans and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attempt => "attempt",
            Self::Look => "look",
        }
    }
}

/// Watches what the engine of one process does: the place for metrics. Does nothing by default, and must not wait.
pub trait Observer: Send + Sync {
    /// A lease was taken.
    fn leased(&self) {}

    /// A lease was given back, or lost.
    fn let_go(&self) {}

    /// A checkout moved, and it is recorded. `ended` is the attempt that this ended.
    fn moved(&self, _checkout: &Checkout, _event: Event, _ended: Option<&Ended>) {}

    /// A step was tried for this long. It may never be recorded.
    fn tried(&self, _step: StepName, _what: Try, _took: Duration) {}

    /// An outcome came too late: somebody else holds the checkout now.
    fn fenced_out(&self, _step: StepName) {}
}

/// The observer that does nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}

/// Counts a lease for as long as it lives.
pub(super) struct Leased(Arc<dyn Observer>);

impl Leased {
    pub(super) fn by(observer: &Arc<dyn Observer>) -> Self {
        observer.leased();
        Self(Arc::clone(observer))
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        self.0.let_go();
    }
}

/// Everything that happens under one claim. A root: telemetry puts it into the trace of its checkout. `asked_by` is the
/// span of the request that asked for it.
pub(super) fn run(claim: &Claim, asked_by: &Span) -> Span {
    let checkout = claim.checkout();
    let span = tracing::info_span!(
        "run",
        checkout_id = %checkout.id,
        store = checkout.store,
        flow = checkout.flow.as_str(),
        fence = checkout.fence,
        operation = checkout.goal.as_ref().map(|goal| goal.operation.as_str()),
        status = tracing::field::Empty,
    );
    span.follows_from(asked_by);
    span
}

/// One try of a step.
pub(super) fn a_try(claim: &Claim, step: StepName, what: Try) -> Span {
    let attempt = claim.checkout().in_flight.as_ref().map(|attempt| attempt.attempt);
    let name = step.as_str();
    tracing::info_span!(
        "step",
        otel.name = name,
        step = name,
        kind = what.as_str(),
        attempt,
        outcome = tracing::field::Empty
    )
}

/// Notes in the span of a try what it came to.
pub(super) fn note(span: &Span, decision: &Decision) {
    if let Some(outcome) = decision.outcome {
        span.record("outcome", outcome.as_str());
    }
}

/// Writes the one log line of a transition, and tells the observer.
pub(super) fn moved(observer: &dyn Observer, checkout: &Checkout, event: Event, ended: Option<&Ended>) {
    observer.moved(checkout, event, ended);
    Span::current().record("status", checkout.status.as_str());
    // What needs a person is found among the warnings.
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                checkout_id = %checkout.id,
                store = checkout.store,
                version = checkout.version,
                fence = checkout.fence,
                event = %event,
                status = %checkout.status,
                step = ended.map(|ended| ended.step.as_str()),
                attempt = ended.map(|ended| ended.attempt),
                outcome = ended.map(|ended| ended.outcome.as_str()),
                upstream_status = ended.and_then(|ended| ended.upstream_status),
                duration_ms = ended.and_then(|ended| u64::try_from(ended.duration.as_millis()).ok()),
                stuck_reason = checkout.stuck.as_ref().map(|stuck| stuck.reason.as_str()),
                "checkout moved"
            )
        };
    }
    if checkout.status == Status::Stuck { line!(warn) } else { line!(info) }
}

/// Tells the observer that a shopper's request took the lease.
pub(super) fn claimed(observer: &dyn Observer, checkout: &Checkout) {
    let undo = checkout.status == Status::Compensating;
    observer.moved(checkout, if undo { Event::CancelRequested } else { Event::Claimed }, None);
}

/// Tells the observer that recovery took the lease.
pub(super) fn resumed(observer: &dyn Observer, checkout: &Checkout) {
    // Nobody asked for it to be undone, and nothing of it is in flight yet: it was just found abandoned.
    let abandoned =
        checkout.status == Status::Compensating && checkout.goal.is_none() && checkout.in_flight.is_none();
    observer.moved(checkout, if abandoned { Event::Abandoned } else { Event::Resumed }, None);
    tracing::info!(checkout_id = %checkout.id, fence = checkout.fence, status = %checkout.status, "resumed");
}
