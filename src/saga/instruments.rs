//! Payment instruments between two runs of the same checkout. In memory only: they are lost with the process, and what
//! was not sent by then is certain not to have been charged.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::bigcommerce::PaymentRequest;
use crate::checkout::{Checkout, CheckoutId};

/// An instrument that nobody came back for is wiped after this long: another process went on with its checkout.
const KEPT: Duration = Duration::from_mins(10);

/// Since when, and for which version of the goal.
type Waiting = HashMap<CheckoutId, (Instant, i64, VecDeque<PaymentRequest>)>;

/// The instruments that wait for their one attempt, at most one for each checkout.
#[derive(Default)]
pub(super) struct Instruments {
    waiting: Mutex<Waiting>,
}

impl Instruments {
    /// Keeps instruments until its checkout is run again for the same goal.
    pub(super) fn keep(&self, checkout: &Checkout, instruments: VecDeque<PaymentRequest>) {
        let Some(goal) = &checkout.goal else { return };
        let mut waiting = self.lock();
        waiting.retain(|_, (since, ..)| since.elapsed() < KEPT);
        waiting.insert(checkout.id, (Instant::now(), goal.goal_version, instruments));
    }

    /// Takes them for their attempts. What was given for an earlier goal is wiped: another process may have gone on
    /// meanwhile, and the shopper may have chosen another card there.
    pub(super) fn take(&self, checkout: &Checkout) -> VecDeque<PaymentRequest> {
        let Some((_, goal_version, instruments)) = self.lock().remove(&checkout.id) else {
            return VecDeque::new();
        };
        let same = checkout.goal.as_ref().is_some_and(|goal| goal.goal_version == goal_version);
        if same { instruments } else { VecDeque::new() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
