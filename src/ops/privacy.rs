//! Removing the personal data of one person on request.
//!
//! Guarantees: only checkouts that have ended are touched, because a running one still needs what would be removed; ids,
//! steps and amounts stay. It never reaches into BigCommerce, where the merchant removes orders and customers.

use serde::Serialize;
use uuid::Uuid;

use crate::db::{Cause, Db, Erasure, Error};

/// One checkout that holds data of the person, and the outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Which.
    pub checkout_id: Uuid,
    /// Where it stands.
    pub status: &'static str,
    /// What was done, or with a dry run would be.
    pub outcome: Outcome,
}

/// What was done about a checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Its personal data is gone.
    Erased,
    /// It has not ended. Cancel it, or wait until it completes or expires, and ask again.
    RefusedStillRunning,
    /// Another process was faster.
    NothingLeft,
}

impl Outcome {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Erased => "erased",
            Self::RefusedStillRunning => "refused-still-running",
            Self::NothingLeft => "nothing-left",
        }
    }
}

/// Removes the personal data of every checkout that holds this email address, or with `dry_run` says what would be
/// removed. `reason` is kept with each of them; it must not name the person.
pub async fn erase(db: &Db, email: &str, reason: &str, dry_run: bool) -> Result<Vec<Found>, Error> {
    let mut found = Vec::new();
    for holder in db.holders_of(email).await? {
        let mut status = holder.status;
        let outcome = if !status.is_final() {
            Outcome::RefusedStillRunning
        } else if dry_run {
            Outcome::Erased
        } else {
            match db.redact(holder.checkout, Cause::Request(reason)).await? {
                Erasure::Done => Outcome::Erased,
                Erasure::Nothing => Outcome::NothingLeft,
                Erasure::Running(now) => {
                    status = now;
                    Outcome::RefusedStillRunning
                }
            }
        };
        found.push(Found { checkout_id: holder.checkout.uuid(), status: status.as_str(), outcome });
    }
    Ok(found)
}
