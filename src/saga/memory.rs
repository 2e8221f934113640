//! What a process remembers between two runs: idle checkouts, payment instruments, URLs of the hosted page. In memory
//! only, bounded, and nothing depends on it: what is lost with the process is read again, made again, or certain not to
//! have been charged.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hashlink::LinkedHashMap;
use tokio::time::Instant;

use crate::bigcommerce::PaymentRequest;
use crate::bigcommerce::carts::RedirectUrls;
use crate::checkout::{Checkout, CheckoutId, Status};

/// Idle checkouts that are kept, of some 10 KB each. The oldest are dropped first.
const IDLE_KEPT: usize = 1024;

/// URLs that wait for their caller. The oldest are dropped first.
const URLS_KEPT: usize = 256;

/// An instrument that nobody came back for is wiped after this long: another process went on with its checkout.
const INSTRUMENTS_KEPT: Duration = Duration::from_mins(10);

/// Idle checkouts, as this process released them: what comes next is mostly asked of the process that did the last step.
///
/// Whoever takes one decides on it as on anything that was read before: the claim is written only onto its version and
/// fence, and is refused if the checkout moved since. An old one costs a read, and never more. Each is taken once. Never:
/// an answer to a reader.
#[derive(Debug, Default)]
pub(super) struct Idle(Mutex<LinkedHashMap<CheckoutId, Checkout>>);

impl Idle {
    /// Keeps a checkout that was let go, if it is at rest.
    pub(super) fn keep(&self, checkout: &Checkout) {
        if checkout.status != Status::AwaitingInput {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(checkout.id, checkout.clone());
        if kept.len() > IDLE_KEPT {
            kept.pop_front();
        }
    }

    /// The checkout as it was let go, if it is known.
    pub(super) fn take(&self, id: CheckoutId) -> Option<Checkout> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id)
    }
}

/// When they came, and for which version of the goal.
type Waiting = HashMap<CheckoutId, (Instant, i64, VecDeque<PaymentRequest>)>;

/// Payment instruments that wait for their one attempt, at most one for each checkout. What was not sent when the process
/// ended is certain not to have been charged.
#[derive(Default)]
pub(super) struct Instruments {
    waiting: Mutex<Waiting>,
}

impl Instruments {
    /// Keeps instruments until its checkout is run again for the same goal.
    pub(super) fn keep(&self, checkout: &Checkout, instruments: VecDeque<PaymentRequest>) {
        let Some(goal) = &checkout.goal else { return };
        let mut waiting = self.lock();
        waiting.retain(|_, (since, ..)| since.elapsed() < INSTRUMENTS_KEPT);
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

/// URLs on their way from the run that made them to the caller that asked for them. In memory only.
#[derive(Default)]
pub(super) struct HandedOver(Mutex<LinkedHashMap<CheckoutId, (i64, RedirectUrls)>>);

impl HandedOver {
    /// Keeps them for the goal that has just been answered.
    pub(super) fn keep(&self, checkout: &Checkout, urls: RedirectUrls) {
        let Some(answered) = &checkout.answered else { return };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(checkout.id, (answered.goal_version, urls));
        if kept.len() > URLS_KEPT {
            kept.pop_front();
        }
    }

    /// Those that were made for this goal.
    pub(super) fn take(&self, id: CheckoutId, goal_version: i64) -> Option<RedirectUrls> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        kept.filter(|(of, _)| *of == goal_version).map(|(_, urls)| urls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkout::Flow;
    use crate::saga::sample::checkout;

    #[test]
    fn each_is_taken_once_and_the_oldest_are_forgotten() {
        let kept = Idle::default();
        let ids: Vec<CheckoutId> = (0..=IDLE_KEPT)
            .map(|_| {
                let checkout = checkout(Flow::Cart, Status::AwaitingInput);
                kept.keep(&checkout);
                checkout.id
            })
            .collect();
        assert!(kept.take(ids[0]).is_none() && kept.take(ids[1]).is_some() && kept.take(ids[1]).is_none());
        let running = checkout(Flow::Cart, Status::Running);
        kept.keep(&running);
        assert!(kept.take(running.id).is_none());
    }
}
