//! Checkouts at rest, as this process let them go: what comes next is mostly asked of the process that did the last step.
//!
//! Guarantees: whoever takes one decides on it as on anything that was read before. The claim is written only onto its
//! version and fence, and is refused if the checkout moved since; so an old one costs a look, and never more. Each is
//! taken once, and their number is bounded. Never: an answer to a reader.

use std::sync::{Mutex, PoisonError};

use hashlink::LinkedHashMap;

use crate::checkout::{Checkout, CheckoutId, Status};

/// So many are kept, of some 10 KB each. Those that were let go first are forgotten first.
const MOST: usize = 1024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct AtRest(Mutex<LinkedHashMap<CheckoutId, Checkout>>);

impl AtRest {
    /// Keeps a checkout that was let go, if it is at rest.
    pub(super) fn keep(&self, checkout: &Checkout) {
        if checkout.status != Status::AwaitingInput {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(checkout.id, checkout.clone());
        if kept.len() > MOST {
            kept.pop_front();
        }
    }

    /// The checkout as it was let go, if it is known.
    pub(super) fn take(&self, id: CheckoutId) -> Option<Checkout> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::checkout;
    use super::*;
    use crate::checkout::Flow;

    #[test]
    fn each_is_taken_once_and_the_oldest_are_forgotten() {
        let kept = AtRest::default();
        let ids: Vec<CheckoutId> = (0..=MOST)
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
