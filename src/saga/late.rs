//! Late looks: what has ended is looked at once more, because the hosted page may have been paid in the same moment, or an
//! order whose answer was lost shows only now, or a webhook tells of money that we did not take. What waits for a person is
//! looked at too: what was paid twice may have been given back, and an order that nobody could find may show.
//!
//! Guarantees: nothing is ordered, charged or undone by it. What was paid is shown as it is; an order of ours that nobody
//! touched is archived; everything else is for a person.

use std::collections::VecDeque;
use std::time::Duration;

use super::engine::Engine;
use super::step::{Evidence, StepContext};
use super::step_state::{paid, stuck};
use super::steps::{self, Late};
use super::{observer, operate};
use crate::backoff::doubled;
use crate::bigcommerce::{Call, Priority};
use crate::checkout::{Checkout, Event, InFlight, Status, StepName, StuckReason};
use crate::db::{self, Hold, LateLook, Transition};

const BATCH: i64 = 16;
/// Between two looks while BigCommerce does not answer, or its list proves nothing.
const LONGEST: Duration = Duration::from_hours(1);
/// So many looks that find nothing out, and it is given up.
const MAX_CHECKS: u32 = 24;

impl Engine {
    /// Takes the late looks that are due. Answers when the next one is.
    pub(super) async fn look_late(&self) -> Result<Option<Duration>, db::Error> {
        for look in self.inner.db.claim_late(BATCH).await? {
            let engine = self.clone();
            self.inner.tasks.spawn(async move { engine.one_late(look).await });
        }
        let next = self.inner.db.next_late().await?;
        Ok(next.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()))
    }

    async fn one_late(&self, look: LateLook) {
        let id = look.checkout.id;
        if let Err(error) = self.try_late(look).await {
            tracing::warn!(checkout_id = %id, %error, "a late look was not recorded; it comes again");
        }
    }

    async fn try_late(&self, look: LateLook) -> Result<(), db::Error> {
        match look.checkout.status {
            // Nothing was looked at yet.
            Status::Running | Status::Waiting => {
                return self.inner.db.defer_late(&look, self.inner.settings.late(), false).await;
            }
            // Somebody else has found something.
            Status::AwaitingInput | Status::Compensating => {
                return self.inner.db.drop_late(look.checkout.id).await;
            }
            Status::Stuck if !is_looked_at(&look.checkout) => {
                return self.inner.db.drop_late(look.checkout.id).await;
            }
            Status::Stuck | Status::Completed | Status::Cancelled | Status::Expired => {}
        }
        let Some(mut cx) = self.late_context(&look) else { return Ok(()) };
        let found = steps::look_late(&mut cx).await;
        let now = cx.clock.now();
        let transition = match found {
            Ok(Late::Nothing) => return self.inner.db.end_late(&look, self.inner.settings.late()).await,
            Ok(Late::Settling) => return self.not_yet(&look).await,
            Ok(Late::Paid) => {
                let facts = cx.checkout.facts;
                Transition::new(&look.checkout, Event::Paid, Hold::None, |checkout| {
                    checkout.facts = facts;
                    paid(checkout, now);
                })
            }
            Ok(Late::Stuck(reason, detail)) => {
                let (held, payment) = (cx.checkout.facts.held, cx.checkout.facts.payment);
                Transition::new(&look.checkout, Event::Stalled, Hold::None, |checkout| {
                    checkout.facts.held = held.or(checkout.facts.held);
                    checkout.facts.payment = payment.or(checkout.facts.payment.take());
                    stuck(checkout, reason, detail, now);
                })
            }
            Ok(Late::Once { kind, transaction_id }) => match cx.checkout.facts.order {
                Some(order) => {
                    let late = self.inner.settings.late();
                    let known = look.checkout.facts.order.as_ref().map(|order| order.id);
                    let instead_of = known.filter(|known| *known != order.id);
                    operate::charged(&look.checkout, order, instead_of, (&kind, transaction_id), (late, now))
                }
                None => return self.not_yet(&look).await,
            },
            Ok(Late::Again) => operate::restarted(&look.checkout, now),
            Err(verdict) => {
                tracing::warn!(checkout_id = %look.checkout.id, looks = look.looks, ?verdict, "a late look found nothing out");
                return self.not_yet(&look).await;
            }
        };
        let Ok(transition) = transition else { return self.inner.db.drop_late(look.checkout.id).await };
        let event = transition.event();
        tracing::warn!(checkout_id = %look.checkout.id, event = event.as_str(), "a late look found something out");
        match self.inner.db.transit(transition).await {
            Ok(shown) => {
                observer::moved(&*self.inner.observer, &shown, event, None);
                // What waits for a person is looked at again: others may put it right.
                if shown.status.is_final() {
                    self.inner.db.drop_late(shown.id).await
                } else {
                    self.not_yet(&look).await
                }
            }
            // Another checkout has this cart, and its order, by now.
            Err(db::Error::CartTaken | db::Error::OrderTaken) => {
                self.inner.db.drop_late(look.checkout.id).await
            }
            Err(error) => Err(error),
        }
    }

    async fn not_yet(&self, look: &LateLook) -> Result<(), db::Error> {
        if look.looks >= MAX_CHECKS {
            tracing::error!(checkout_id = %look.checkout.id, "what became of an ended checkout could not be found out");
            return self.inner.db.drop_late(look.checkout.id).await;
        }
        let wait = doubled(self.inner.settings.late() / 2, look.looks, LONGEST);
        self.inner.db.defer_late(look, wait, true).await
    }

    pub(super) fn late_context(&self, look: &LateLook) -> Option<StepContext> {
        let checkout = look.checkout.clone();
        let attempt = InFlight {
            step: StepName::HandOff,
            attempt: look.looks,
            fence: checkout.fence,
            started_at: look.clock.now(),
            unknown_since: None,
            settling: false,
            looks: 0,
            checkpoint: None,
            counted: false,
            doubted: None,
        };
        Some(StepContext {
            client: self.client(&checkout)?,
            call: Call::new(checkout.id.uuid(), Priority::Recovery),
            checkout,
            attempt,
            clock: look.clock,
            lease: look.lease.clone(),
            timing: self.inner.settings.timing(),
            instruments: VecDeque::new(),
            token: None,
            urls: None,
            evidence: Evidence::default(),
        })
    }
}

/// Whether what it is stuck for may be put right by others, or show by itself.
fn is_looked_at(checkout: &Checkout) -> bool {
    let Some(stuck) = &checkout.stuck else { return false };
    // Of an undoing that failed only the refund of parts may show.
    let shows = stuck.reason != StuckReason::UndoFailed || !checkout.facts.parts.is_empty();
    stuck.reason.may_pass() && shows
}
