//! What was charged: what every checkout that is called completed is held against.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::answers::number_after;

/// What every order costs, in cents.
pub(super) const DUE: u64 = 14_859;

/// What was charged for each order, in cents.
#[derive(Debug, Default)]
pub(crate) struct Books(Mutex<HashMap<u64, u64>>);

impl Books {
    /// Charges what the access token names.
    pub(super) fn charge(&self, token: &[u8]) {
        let claims = token.split(|byte| *byte == b'.').nth(1).unwrap_or_default();
        let claims = BASE64_URL_SAFE_NO_PAD.decode(claims).unwrap_or_default();
        let order = number_after(&claims, b"\"order_id\":").unwrap_or_default();
        let amount = number_after(&claims, b"\"amount\":").unwrap_or_default();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(order).or_default() += amount;
    }

    /// What was charged in all, in cents.
    pub(crate) fn sum(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    /// What was charged for each of these orders is what it costs.
    pub(crate) fn hold(&self, orders: &[u64]) -> anyhow::Result<()> {
        let charged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for order in orders {
            let sum = charged.get(order).copied().unwrap_or_default();
            anyhow::ensure!(
                sum == DUE,
                "order {order} costs {DUE} cents, its checkout is completed, and {sum} were charged"
            );
        }
        Ok(())
    }
}
