//! Looks at checkouts at rest whose order exists: what a merchant did to the order is found without a call of the shopper's and
//! without a webhook.
//!
//! Guarantees: nothing is ordered, charged or undone by it, and a look that finds nothing leaves the checkout as it is, its version
//! included. What it finds is written only onto the version that it looked at.

use std::time::Duration;

use super::decide::end_hold;
use super::engine::Engine;
use super::observer;
use super::step_state::{paid, stuck};
use super::steps::{self, Rest};
use crate::bigcommerce::OrderId;
use crate::checkout::{Checkout, Event, Status};
use crate::db::{self, Hold, LateLook, Transition};

/// So many looks of one process run at once: they are for nobody who waits.
pub(super) const CHECKS_AT_ONCE: usize = 16;
/// Whoever would expire is looked at no earlier than this after it did.
const AFTER_EXPIRY: Duration = Duration::from_secs(1);

impl Engine {
    /// Takes the looks at rest that are due. Answers when the next one is.
    pub(super) async fn look_at_rests(&self) -> Result<Option<Duration>, db::Error> {
        let free = self.inner.rests.available_permits().min(CHECKS_AT_ONCE);
        if free == 0 {
            return Ok(None);
        }
        for look in self.inner.db.claim_rests(i64::try_from(free).unwrap_or(1)).await? {
            let Ok(turn) = self.inner.rests.clone().try_acquire_owned() else { break };
            let engine = self.clone();
            self.inner.tasks.spawn(async move {
                let id = look.checkout.id;
                if let Err(error) = engine.one_rest(look).await {
                    tracing::info!(checkout_id = %id, %error, "a look at a checkout at rest was not recorded");
                }
                drop(turn);
            });
        }
        let next = self.inner.db.next_rest().await?;
        Ok(next.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()))
    }

    async fn one_rest(&self, look: LateLook) -> Result<(), db::Error> {
        let (seen, settle) = (&look.checkout, self.inner.settings.late_pause());
        let facts = &seen.facts;
        let readable = facts.order.as_ref().is_none_or(|order| OrderId::new(order.id).is_some());
        if seen.status != Status::AwaitingInput || !readable {
            return Ok(());
        }
        let Some(mut cx) = self.late_context(&look) else {
            return self.inner.db.look_again(&look, settle).await;
        };
        let found = match steps::look_at_rest(&mut cx).await {
            Ok(Rest::AsItWas) => return self.inner.db.look_again(&look, settle).await,
            Err(verdict) => {
                tracing::info!(checkout_id = %seen.id, ?verdict, "a checkout at rest could not be looked at");
                return self.inner.db.look_again(&look, settle).await;
            }
            Ok(found) => found,
        };
        let now = cx.clock.now();
        let after = match seen.facts.hand_off {
            Some(hand_off) => hand_off.next_look(now, self.inner.settings.settle).min(left(seen, now)),
            None => left(seen, now),
        };
        let at_rest = Hold::Look { after, expires: None };
        let hold = end_hold(&cx.checkout, self.inner.settings.late());
        let state = cx.checkout;
        let transition = match found {
            Rest::Paid => Transition::new(seen, Event::Paid, hold, |checkout| {
                *checkout = state;
                paid(checkout, now);
            }),
            Rest::Stuck(reason, detail) => {
                let late = self.inner.settings.late();
                let hold = if reason.may_pass() { Hold::Late(late) } else { Hold::None };
                Transition::new(seen, Event::Stalled, hold, |checkout| {
                    *checkout = state;
                    stuck(checkout, reason, detail, now);
                })
            }
            Rest::Changed | Rest::AsItWas => {
                Transition::new(seen, Event::Rested, at_rest, |checkout| *checkout = state)
            }
        };
        let Ok(transition) = transition else { return Ok(()) };
        let event = transition.event();
        tracing::info!(checkout_id = %seen.id, event = event.as_str(), "others changed the order of a checkout at rest");
        // Whoever changed it first, or holds it, finds out by himself.
        let shown = self.inner.db.transit(transition).await?;
        observer::moved(&*self.inner.observer, &shown, event, None);
        Ok(())
    }
}

/// What nobody asked for does not put off the day on which it expires.
fn left(checkout: &Checkout, now: time::OffsetDateTime) -> Duration {
    Duration::try_from(checkout.expires_at - now).unwrap_or_default() + AFTER_EXPIRY
}
