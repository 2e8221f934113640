//! What is committed before a payment is sent, so that it is known afterwards what was there before.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::bigcommerce::payments::Claims;
use crate::checkout::{Money, StuckReason};
use crate::saga::judge::Before;
use crate::saga::step::{StepContext, Verdict};

/// BigCommerce: a payment access token expires after one hour.
const TOKEN_LIFETIME: Duration = Duration::from_hours(1);
/// No token is believed to live longer, in seconds.
const LONGEST_LIFETIME: u32 = 24 * 60 * 60;

/// What is committed before the payment is sent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::saga) struct Checkpoint {
    /// Id of the token, not the token.
    pub(in crate::saga) jti: Option<String>,
    /// When BigCommerce had made it, on PostgreSQL's clock.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub(in crate::saga) minted_at: Option<OffsetDateTime>,
    /// How long it lives by what it says itself, in seconds: its `exp` less its `iat`, both on BigCommerce's clock.
    #[serde(default)]
    pub(in crate::saga) lifetime: Option<u32>,
    /// Transactions that were there before.
    pub(in crate::saga) known: Vec<String>,
    /// Earlier attempts whose declined transaction was not among them: it may still come, because how far the list
    /// lags behind is not documented, and it proves nothing about this attempt.
    #[serde(default)]
    pub(in crate::saga) unlisted: u32,
    /// What was paid before.
    #[serde(default)]
    pub(in crate::saga) paid: Money,
}

impl Checkpoint {
    /// Nothing is known of what was sent.
    pub(in crate::saga) const UNREADABLE: Self = Self {
        jti: None,
        minted_at: None,
        lifetime: None,
        known: Vec::new(),
        unlisted: 0,
        paid: Money::ZERO,
    };

    pub(in crate::saga) fn before(&self) -> Before<'_> {
        Before { known: &self.known, unlisted: self.unlisted, paid: self.paid, ..Before::default() }
    }

    /// When its token can no longer be used, on PostgreSQL's clock: after what it says itself, or an hour. Its `exp` alone
    /// says nothing here, because it is on another clock.
    pub(in crate::saga) fn expires_at(&self, started_at: OffsetDateTime) -> OffsetDateTime {
        let lifetime = self.lifetime.map_or(TOKEN_LIFETIME, |seconds| Duration::from_secs(seconds.into()));
        // Where that was not noted, the attempt began before: whoever waits adds the time that a payment may take.
        self.minted_at.unwrap_or(started_at) + lifetime
    }
}

/// How long a token lives by what it says itself. Nonsense is nothing that it says.
pub(in crate::saga) fn lifetime(claims: &Claims) -> Option<u32> {
    let seconds = claims.exp?.checked_sub(claims.iat?)?;
    u32::try_from(seconds).ok().filter(|seconds| *seconds <= LONGEST_LIFETIME)
}

/// One that cannot be read says nothing about what was there before: whatever is listed now may be older than the attempt.
pub(in crate::saga) fn checkpoint(cx: &StepContext) -> Result<Checkpoint, Verdict> {
    let Some(noted) = cx.attempt.checkpoint.clone() else { return Ok(Checkpoint::UNREADABLE) };
    serde_json::from_value(noted).map_err(|error| Verdict::Stuck {
        reason: StuckReason::PaymentUnknown,
        detail: format!("what was noted before the payment was sent cannot be read: {error}"),
    })
}
