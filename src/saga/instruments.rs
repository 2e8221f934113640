//! Payment instruments between the door and their one attempt. In memory only: they are lost with the process, and
//! what was not sent by then is certain not to have been charged.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::bigcommerce::PaymentRequest;
use crate::checkout::CheckoutId;

/// The instruments that wait for their attempt, at most one for each checkout.
#[derive(Default)]
pub(super) struct Instruments {
    waiting: Mutex<HashMap<CheckoutId, PaymentRequest>>,
}

impl Instruments {
    /// Keeps an instrument for the claim that was just made.
    pub(super) fn keep(&self, id: CheckoutId, instrument: PaymentRequest) {
        self.lock().insert(id, instrument);
    }

    /// Takes it for its attempt.
    pub(super) fn take(&self, id: CheckoutId) -> Option<PaymentRequest> {
        self.lock().remove(&id)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<CheckoutId, PaymentRequest>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
