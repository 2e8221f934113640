//! Clears up: what a process made that lost its lease meanwhile (a cart or an order that the checkout did not take over),
//! and what was kept for long enough (personal data, delivered events, idempotency keys, checkout tokens, webhook events).
//!
//! Of what was made it only undoes what its own attempt did, and only when the checkout has another one by now. It is a
//! courtesy: what it does not reach is harmless (a cart expires, an Incomplete order is never paid, because no token is
//! made for it). What was kept goes in small batches, and only from checkouts that have ended.

use std::time::Duration;

use super::engine::Engine;
use crate::bigcommerce::{Call, Client, Error, OrderId, Priority};
use crate::checkout::{Checkout, Facts};
use crate::db::{self, Forgotten};

/// Between two looks for what was kept for long enough. Days are counted, so an hour more or less does not matter.
const TIDY_EVERY: Duration = Duration::from_hours(1);
/// What is cleared up at a time, so that nobody who is paying waits for it.
const BATCH: i64 = 200;
/// Between two batches.
const BATCH_PAUSE: Duration = Duration::from_millis(200);

/// For how long things are kept.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// Personal data of a checkout, after its end; `None`: forever.
    pub personal_data: Option<Duration>,
    /// Events, after they happened.
    pub events: Duration,
    /// Events that no process delivers any more, before they are given up.
    pub pending_events: Duration,
    /// Idempotency keys, checkout tokens and webhook events.
    pub forgotten: db::Keep,
}

impl Engine {
    /// Clears up what was kept for long enough, now and then, until the process stops. Every process does; they share the
    /// work and never wait for each other.
    pub async fn tidy_up(&self, keep: Keep) {
        loop {
            let wait = match self.tidy_once(keep).await {
                Ok(true) => BATCH_PAUSE,
                Ok(false) => TIDY_EVERY,
                Err(error) => {
                    tracing::warn!(%error, "what was kept for long enough could not be cleared up");
                    Duration::from_mins(1)
                }
            };
            tokio::select! {
                () = self.inner.stopping.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One batch. Answers whether there may be more.
    async fn tidy_once(&self, keep: Keep) -> Result<bool, crate::db::Error> {
        let db = &self.inner.db;
        let (redacted, more) = match keep.personal_data {
            Some(after) => {
                db.redact_old_order_actions(after, BATCH).await?;
                db.redact_old(after, BATCH).await?
            }
            None => (0, false),
        };
        let (given_up, forgotten) = db.tidy_outbox(keep.pending_events, keep.events, BATCH).await?;
        let uncounted = db.forget_asked(BATCH).await?;
        if redacted + given_up + forgotten + uncounted > 0 {
            tracing::info!(
                redacted,
                given_up,
                forgotten,
                uncounted,
                "what was kept for long enough was cleared up"
            );
        }
        let old = db.forget_old(keep.forgotten, BATCH).await?;
        if old != Forgotten::default() {
            let Forgotten { keys, tokens, webhooks } = old;
            tracing::info!(keys, tokens, webhooks, "what only protects for a time was forgotten");
        }
        let batch = u64::try_from(BATCH).unwrap_or(u64::MAX);
        let counts = [given_up, forgotten, uncounted, old.keys, old.tokens, old.webhooks];
        Ok(more || counts.contains(&batch))
    }

    /// `before` was claimed, `made` is what its attempt brought, and the outcome was fenced out.
    pub(super) async fn clear_up(&self, before: &Checkout, made: &Facts) {
        let (Some(client), Ok(now)) = (self.client(before), self.snapshot(before.id).await) else { return };
        let call = Call::new(before.id.uuid(), Priority::BackOffice);
        if let Some(cart_id) =
            superseded(before.facts.cart_id.as_ref(), made.cart_id.as_ref(), now.facts.cart_id.as_ref())
        {
            let deleted = client.carts(&call).delete(cart_id).await;
            note("cart", before, deleted.map(drop));
        }
        let id = |facts: &Facts| facts.order.as_ref().map(|order| order.id);
        let (was, is, taken) = (id(&before.facts), id(made), id(&now.facts));
        if let Some(order_id) =
            superseded(was.as_ref(), is.as_ref(), taken.as_ref()).copied().and_then(OrderId::new)
        {
            note("order", before, archive(&client, &call, order_id).await);
        }
    }
}

/// What was made by the attempt, when the checkout has another one now.
fn superseded<'a, T: PartialEq>(was: Option<&T>, made: Option<&'a T>, now: Option<&T>) -> Option<&'a T> {
    made.filter(|_| made != was && now.is_some() && now != made)
}

async fn archive(client: &Client, call: &Call, id: OrderId) -> Result<(), Error> {
    let order = client.orders(call).get(id).await?.value;
    let transactions = match client.orders(call).transactions(id).await {
        Ok(answer) => answer.value,
        Err(error) if error.is_not_found() => Vec::new(),
        Err(error) => return Err(error),
    };
    if order.status_id != 0 || !order.payment_status.is_empty() || !transactions.is_empty() {
        tracing::error!(order_id = %id, status = order.status, "an order that no checkout took over is not unpaid");
        return Ok(());
    }
    client.orders(call).archive(id).await.map(drop)
}

fn note(what: &str, before: &Checkout, result: Result<(), Error>) {
    match result {
        Ok(()) => {
            tracing::info!(checkout_id = %before.id, what, "what a fenced-out attempt made was cleared up");
        }
        Err(error) if error.is_not_found() => {}
        Err(error) => {
            tracing::warn!(checkout_id = %before.id, what, %error, "what a fenced-out attempt made is left over");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_attempt_made_and_the_checkout_replaced_is_cleared_up() {
        for (was, made, now, expected) in [
            (None, Some(1), Some(2), Some(1)),
            (None, Some(1), Some(1), None),
            (None, Some(1), None, None),
            (Some(1), Some(1), Some(2), None),
            (None, None, Some(2), None),
        ] {
            assert_eq!(
                superseded(was.as_ref(), made.as_ref(), now.as_ref()).copied(),
                expected,
                "{was:?} {made:?} {now:?}"
            );
        }
    }
}
