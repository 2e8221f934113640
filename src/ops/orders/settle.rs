//! Finds the outcome of actions that is not known after a lost answer or a crash. Runs in every process.
//!
//! Guarantees: it only reads. What BigCommerce shows is recorded at once; what it does not show is treated as absent only
//! after the longest call and the settle window, and then the operator decides whether to request it again. An action that
//! cannot be checked delays no other.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::pause;
use super::witness::Evidence;
use crate::backoff::doubled;
use crate::db::{self, OrderAction};
use crate::ops::Console;

/// Taken at once.
const BATCH: i64 = 16;
/// The longest time without a look for what is due.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(2);
/// The first pause while BigCommerce does not answer; it doubles.
const FIRST: Duration = Duration::from_millis(250);
/// The longest pause that BigCommerce may ask for.
const LONGEST: Duration = Duration::from_mins(1);

impl Console {
    /// Looks for what is due until the process stops.
    pub async fn settle_order_actions(&self, stopping: CancellationToken) {
        loop {
            let wait = match self.settle_due(&stopping).await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(%error, "actions on orders cannot be reconciled at the moment");
                    Duration::from_millis(500)
                }
            };
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.inner.wake_actions.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Takes all that is due. Answers when the next one is.
    async fn settle_due(&self, stopping: &CancellationToken) -> Result<Duration, db::Error> {
        while !stopping.is_cancelled() {
            let due = self.db().claim_order_actions(BATCH).await?;
            if due.is_empty() {
                break;
            }
            for action in due {
                let console = self.clone();
                self.inner.tasks.spawn(async move { console.look_for(action).await });
            }
        }
        let next = self.db().next_order_action().await?;
        let next = next.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default());
        Ok(next.unwrap_or(LOOK_AT_LEAST_EVERY).clamp(Duration::from_millis(10), LOOK_AT_LEAST_EVERY))
    }

    async fn look_for(&self, action: OrderAction) {
        let wait = match self.find(&action).await {
            Ok(Evidence::Nothing) if !self.is_quiet(&action) => pause(self.inner.settings.settle),
            // It was accepted: how long the gateway takes is up to the gateway.
            Ok(Evidence::Scheduled) => pause(self.inner.settings.settle),
            Ok(found) => return self.found(&action, found).await,
            Err(error) => {
                tracing::warn!(
                    order_action_id = %action.order_action_id, order_id = action.order_id, looks = action.looks, %error,
                    "the outcome of an action on an order could not be read"
                );
                let looks = u32::try_from(action.looks).unwrap_or_default();
                error.retry_after().unwrap_or(doubled(FIRST, looks, FIRST * 64)).min(LONGEST)
            }
        };
        if let Err(error) = self.db().defer_order_action(&action, wait.as_secs_f64(), None).await {
            tracing::warn!(%error, "the lease of an action on an order was not released, and has to expire");
        }
        self.inner.wake_actions.notify_one();
    }

    /// Whether it has been looked for throughout the window: the longest call, which may land after its answer was given up,
    /// and what BigCommerce's lists may lag behind. Counted from when the answer was missed, never before it was sent.
    fn is_quiet(&self, action: &OrderAction) -> bool {
        action.unknown_since.is_some_and(|since| action.now - since >= self.inner.settings.quiet)
    }
}
