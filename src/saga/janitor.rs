//! Clears up: what a process made that lost its lease meanwhile (a cart or an order that the checkout did not take over),
//! and what was kept for long enough (personal data, delivered events, idempotency keys, checkout tokens, webhook events,
//! what operators asked for).
//!
//! Of what was made it only undoes what its own attempt did, and only when the checkout has another one by now. It is a
//! courtesy: what it does not reach is harmless (a cart expires, an Incomplete order is never paid, because no token is
//! made for it). What was kept goes in small batches, and only from checkouts that have ended.

use std::time::Duration;

use super::engine::Engine;
use crate::bigcommerce::{Call, Client, Error, OrderId, Priority};
use crate::checkout::{Checkout, Facts};
use crate::db;

/// Between two looks for what was kept for long enough. Days are counted, so an hour more or less does not matter.
const TIDY_EVERY: Duration = Duration::from_hours(1);
/// What is cleared up at a time, so that nobody who is paying waits for it.
const BATCH: i64 = 200;
/// Between two batches.
const BATCH_PAUSE: Duration = Duration::from_millis(200);
/// After something could not be cleared up.
const TRY_AGAIN: Duration = Duration::from_mins(1);

/// For how long things are kept.
#[derive(Debug, Clone, Copy)]
pub struct Keep {
    /// Personal data of a checkout, after its end; `None`: forever.
    pub personal_data: Option<Duration>,
    /// Events, after they happened.
    pub events: Duration,
    /// Events that no process delivers any more, before they are given up.
    pub pending_events: Duration,
    /// What only protects for a time.
    pub forgotten: db::Keep,
}

impl Engine {
    /// Clears up what was kept for long enough, now and then, until the process stops. Every process does; they share the
    /// work and never wait for each other.
    pub async fn tidy_up(&self, keep: Keep) {
        loop {
            let wait = self.tidy_once(keep).await;
            tokio::select! {
                () = self.inner.stopping.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One batch of everything. A part that fails costs only itself. Answers how long to wait for the next.
    async fn tidy_once(&self, keep: Keep) -> Duration {
        let (db, forgotten) = (&self.inner.db, keep.forgotten);
        let mut parts = Parts::default();
        if let Some(after) = keep.personal_data {
            parts.note("personal data of checkouts", db.redact_old(after, BATCH).await);
            parts
                .count("personal data of actions on orders", db.redact_old_order_actions(after, BATCH).await);
        }
        let outbox = db.tidy_outbox(keep.pending_events, keep.events, BATCH).await;
        let outbox = outbox.map(|(given_up, gone)| (given_up + gone, is_full(given_up) || is_full(gone)));
        parts.note("events", outbox);
        parts.count("counts of payments", db.forget_asked(BATCH).await);
        parts.count("counts of declined payments", db.forget_declined(BATCH).await);
        parts.count("sessions of operators", db.forget_sessions(BATCH).await);
        parts.count("idempotency keys", db.forget_keys(forgotten.keys, BATCH).await);
        parts.count("checkout tokens", db.forget_tokens(forgotten.tokens, BATCH).await);
        let actions = db.forget_order_actions(forgotten.operations, BATCH).await;
        parts.count("actions on orders", actions);
        let bulks = db.forget_bulks(forgotten.operations).await;
        parts.note("bulk actions", bulks.map(|gone| (gone, gone > 0)));
        parts.count("webhook events", db.forget_webhooks(forgotten.webhooks, BATCH).await);
        match (parts.more, parts.failed) {
            (true, _) => BATCH_PAUSE,
            (false, true) => TRY_AGAIN,
            (false, false) => TIDY_EVERY,
        }
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

/// What the parts of a batch came to.
#[derive(Default)]
struct Parts {
    more: bool,
    failed: bool,
}

impl Parts {
    /// How many were cleared up, and whether there may be more.
    fn note(&mut self, what: &'static str, result: Result<(u64, bool), db::Error>) {
        match result {
            Ok((gone, more)) => {
                self.more |= more;
                if gone > 0 {
                    tracing::info!(what, gone, "what was kept for long enough was cleared up");
                }
            }
            Err(error) => {
                self.failed = true;
                tracing::warn!(what, %error, "what was kept for long enough could not be cleared up");
            }
        }
    }

    fn count(&mut self, what: &'static str, result: Result<u64, db::Error>) {
        self.note(what, result.map(|gone| (gone, is_full(gone))));
    }
}

/// Whether a batch was full.
fn is_full(gone: u64) -> bool {
    i64::try_from(gone).is_ok_and(|gone| gone >= BATCH)
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
