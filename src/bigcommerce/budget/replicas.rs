//! How many processes spend the quotas of the stores at this moment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The number of live processes, shared by the budgets of all stores of this one. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Replicas(Arc<Mutex<Known>>);

#[derive(Debug, Clone, Copy)]
struct Known {
    live: u32,
    /// How long it takes until all others know of us.
    notice: Duration,
    /// Until then the others may still spend our share too; `None`: we have not been announced.
    settled: Option<Instant>,
}

impl Replicas {
    /// A process that shares with no other.
    pub fn alone() -> Self {
        Self(Arc::new(Mutex::new(Known { live: 1, notice: Duration::ZERO, settled: Some(Instant::now()) })))
    }

    /// A process that is about to announce itself. Until [`Self::observe`] was called, and while the others may not
    /// know of it (`notice`), it keeps a distance to its share: one request at a time when little is left.
    pub fn joining(notice: Duration) -> Self {
        Self(Arc::new(Mutex::new(Known { live: 1, notice, settled: None })))
    }

    /// Takes note of how many processes are alive, this one included.
    pub fn observe(&self, live: u32) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.live = live.max(1);
        if known.settled.is_none() {
            let wait = if known.live > 1 { known.notice } else { Duration::ZERO };
            known.settled = Some(Instant::now() + wait);
        }
    }

    /// How many there are, and until when we are a newcomer; `None`: no longer.
    pub(super) fn look(&self, now: Instant) -> (u32, Option<Newcomer>) {
        let known = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let newcomer = match known.settled {
            Some(settled) if settled <= now => None,
            until => Some(Newcomer { until }),
        };
        (known.live, newcomer)
    }
}

/// A process of which the others may not know yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Newcomer {
    /// When they all do; `None`: it was not announced yet.
    pub(super) until: Option<Instant>,
}
