//! How long data is kept.

use std::time::Duration;

use super::reader::{Reader, number};

/// For how long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// `RETENTION_DAYS`; `None`: personal data is kept.
    pub personal_data: Option<Duration>,
    /// `IDEMPOTENCY_KEY_RETENTION_DAYS`, at least the 72 hours that the contract promises.
    pub keys: Duration,
    /// `CHECKOUT_TOKEN_RETENTION_DAYS`.
    pub tokens: Duration,
    /// `WEBHOOK_RETENTION_DAYS`, longer than the two days in which BigCommerce repeats an event (BigCommerce: webhooks
    /// overview, callback retry mechanism).
    pub webhooks: Duration,
    /// `OPERATION_RETENTION_DAYS`, longer than anybody repeats a refund with its key.
    pub operations: Duration,
}

impl Retention {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut days = |name, min| {
            Duration::from_secs(u64::from(reader.defaulted(name, number(min, 36_500))) * 24 * 60 * 60)
        };
        let personal_data = days("RETENTION_DAYS", 0);
        Self {
            personal_data: (!personal_data.is_zero()).then_some(personal_data),
            keys: days("IDEMPOTENCY_KEY_RETENTION_DAYS", 3),
            tokens: days("CHECKOUT_TOKEN_RETENTION_DAYS", 1),
            webhooks: days("WEBHOOK_RETENTION_DAYS", 3),
            operations: days("OPERATION_RETENTION_DAYS", 30),
        }
    }
}
