//! The waits and bounds of the saga, and the windows that follow from them.

use std::time::Duration;

use super::payments_declined::DeclineLimits;
use super::step::Timing;

/// The waits and bounds of the saga.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How long a claim is good for without being renewed.
    pub lease: Duration,
    /// How far what BigCommerce shows may lag behind what it did.
    pub settle: Duration,
    /// The longest call of the management API.
    pub upstream_timeout: Duration,
    /// The longest call of the payments API.
    pub payment_timeout: Duration,
    /// How long a payment may be pending before a person is asked.
    pub pending: Duration,
    /// Failed tries in a row before it is given up.
    pub max_attempts: u32,
    /// What the waits before another try start from: see [`Backoff`](crate::backoff::Backoff).
    pub retry_base: Duration,
    /// The longest wait before another try.
    pub retry_cap: Duration,
    /// How long an idle checkout is kept before it expires.
    pub checkout_ttl: Duration,
    /// How many payments may be declined.
    pub declines: DeclineLimits,
}

impl Settings {
    /// How long after its end a checkout is looked at once more: later than anything that showed in time.
    pub(super) fn late(&self) -> Duration {
        (self.payment_timeout.max(self.upstream_timeout) + self.settle) * 2
    }

    /// How long after a webhook what has ended as it should is looked at: long enough for what it tells of to be shown, and
    /// shorter than a look is claimed for, so that one that comes during a look leads to another.
    pub(super) fn late_pause(&self) -> Duration {
        self.settle.min(self.lease / 2)
    }

    /// A window is longer than what it waits for: while a call may still be on its way, nothing that does not show is
    /// absent. Windows are counted from when the answer was missed, which is never before the call was sent.
    pub(super) fn timing(&self) -> Timing {
        Timing {
            settle: self.settle,
            quiet: self.upstream_timeout + self.settle,
            quiet_payment: self.payment_timeout + self.settle,
            pending: self.pending,
        }
    }
}
