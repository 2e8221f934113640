//! Recovery: takes over what a crash left behind and what a timer calls for. Runs in every process.
//!
//! One checkout that fails delays no other: each is run on its own task, and a claim that is lost in the middle of
//! things is simply due again when its lease runs out.

use std::time::Duration;

use super::engine::Engine;
use super::observer;

/// The longest time without a look, whatever the database says is due next.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(2);
const BATCH: i64 = 64;

impl Engine {
    /// Looks for due checkouts until the process stops: when one is due, when a notification comes, and at least every
    /// two seconds. A database that is away is asked again until it is back.
    pub async fn recover(&self) {
        loop {
            let due = async {
                Ok((self.recover_once().await?, self.look_late().await?, self.look_at_rests().await?))
            };
            let wait = match due.await {
                Ok((wait, late, rests)) => wait
                    .into_iter()
                    .chain(late)
                    .chain(rests)
                    .min()
                    .unwrap_or(LOOK_AT_LEAST_EVERY)
                    .min(LOOK_AT_LEAST_EVERY),
                Err::<_, crate::db::Error>(error) => {
                    tracing::warn!(%error, "recovery could not look for due checkouts");
                    Duration::from_millis(500)
                }
            };
            tokio::select! {
                () = self.inner.stopping.cancelled() => return,
                () = self.inner.db.changes().due() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Claims what is due now and runs it. Answers when the next one is due.
    pub async fn recover_once(&self) -> Result<Option<Duration>, crate::db::Error> {
        loop {
            if self.inner.stopping.is_cancelled() {
                return Ok(None);
            }
            let due = self.inner.db.claim_due(BATCH).await?;
            let full = i64::try_from(due.claims.len()).is_ok_and(|claimed| claimed == BATCH);
            for claim in due.claims {
                observer::resumed(&*self.inner.observer, claim.checkout());
                drop(self.spawn(claim, std::collections::VecDeque::new()));
            }
            if !full {
                return Ok(due.next_in);
            }
        }
    }
}
