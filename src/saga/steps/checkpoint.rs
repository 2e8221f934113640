//! What is committed before a payment is sent, so that it is known afterwards what was there before.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::super::judge::Before;
use super::super::step::{StepContext, Verdict};
use crate::checkout::{Money, StuckReason};

/// BigCommerce: a payment access token expires after one hour.
const TOKEN_LIFETIME: Duration = Duration::from_hours(1);

/// What is committed before the payment is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in super::super) struct Checkpoint {
    /// Id of the token, not the token.
    pub(super) jti: Option<String>,
    /// When it expires, in seconds since 1970.
    pub(super) exp: Option<i64>,
    /// Transactions that were there before.
    pub(super) known: Vec<String>,
    /// Earlier attempts whose declined transaction was not among them: it may still come, because how far the list
    /// lags behind is not documented, and it proves nothing about this attempt.
    #[serde(default)]
    pub(super) unlisted: u32,
    /// What was paid before.
    #[serde(default)]
    pub(super) paid: Money,
}

impl Checkpoint {
    /// Nothing is known of what was sent.
    pub(in super::super) const UNREADABLE: Self =
        Self { jti: None, exp: None, known: Vec::new(), unlisted: 0, paid: Money::ZERO };

    pub(super) fn before(&self) -> Before<'_> {
        Before { known: &self.known, unlisted: self.unlisted, paid: self.paid }
    }

    /// When its token can no longer be used: what it says itself, or an hour after it was made.
    pub(in super::super) fn expires_at(&self, started_at: OffsetDateTime) -> OffsetDateTime {
        let told = self.exp.and_then(|exp| OffsetDateTime::from_unix_timestamp(exp).ok());
        told.unwrap_or(started_at + TOKEN_LIFETIME)
    }
}

/// One that cannot be read says nothing about what was there before: whatever is listed now may be older than the attempt.
pub(super) fn checkpoint(cx: &StepContext) -> Result<Checkpoint, Verdict> {
    let Some(noted) = cx.attempt.checkpoint.clone() else { return Ok(Checkpoint::UNREADABLE) };
    serde_json::from_value(noted).map_err(|error| Verdict::Stuck {
        reason: StuckReason::PaymentUnknown,
        detail: format!("what was noted before the payment was sent cannot be read: {error}"),
    })
}
