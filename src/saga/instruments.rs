//! Payment instruments between two runs of the same checkout. In memory only: they are lost with the process, and what
//! was not sent by then is certain not to have been charged.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::bigcommerce::PaymentRequest;
use crate::checkout::CheckoutId;

/// An instrument that nobody came back for is wiped after this long: another process went on with its checkout.
const KEPT: Duration = Duration::from_mins(10);

/// The instruments that wait for their one attempt, at most one for each checkout.
#[derive(Default)]
pub(super) struct Instruments {
    waiting: Mutex<HashMap<CheckoutId, (Instant, PaymentRequest)>>,
}

impl Instruments {
    /// Keeps an instrument until its checkout is run again.
    pub(super) fn keep(&self, id: CheckoutId, instrument: PaymentRequest) {
        let mut waiting = self.lock();
        waiting.retain(|_, (since, _)| since.elapsed() < KEPT);
        waiting.insert(id, (Instant::now(), instrument));
    }

    /// Takes it for its attempt.
    pub(super) fn take(&self, id: CheckoutId) -> Option<PaymentRequest> {
        self.lock().remove(&id).map(|(_, instrument)| instrument)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<CheckoutId, (Instant, PaymentRequest)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
