//! Orders of this checkout that were buried (declined, cancelled, archived, replaced), and that somebody paid all the same: a
//! merchant in the control panel, or a payment that was declined and settled after all.
//!
//! Guarantees: while one of them holds money, or may, nothing is ordered, charged, undone or called paid beside it. Where it is
//! the only one that holds money, and holds all that it costs, and a merchant has moved it on, it is the order of this checkout from
//! then on. Everything else is for a person, with the amounts: also one that is paid and still canceled. It only reads.

use super::held::ELSEWHERE;
use super::others::OVER;
use super::paying::decided;
use super::read::Weighed;
use crate::bigcommerce::OrderId;
use crate::bigcommerce::orders::Order;
use crate::checkout::{Money, PaymentFacts, PaymentStatus, Status, StuckReason};
use crate::saga::judge::Judgment;
use crate::saga::step::{StepContext, Verdict};
use crate::saga::steps::hand_off::adopt;

/// What the other order of this checkout holds.
enum Own {
    /// Nothing, or there is none.
    Nothing,
    /// Money, or perhaps money.
    Holds(i64, Money),
}

impl StepContext {
    /// Whether no order that was buried holds money. `Err`: what follows. [`Verdict::Paid`]: it was taken over.
    pub(in crate::saga) async fn none_revived(&mut self) -> Result<(), Verdict> {
        let Some((order, weighed)) = self.revived().await? else { return Ok(()) };
        let id = order.id;
        let amount = |money: Money| {
            let currency = order.currency.as_deref().unwrap_or_default();
            format!("{} {currency}", money.shown(currency))
        };
        let held = weighed.held;
        tracing::warn!(checkout_id = %self.checkout.id, order_id = %id, "an order that was given up holds money");
        if let Own::Holds(own, paid) = self.own_money().await? {
            self.facts().held = Some(Money::from(paid.decimal() + held.decimal()));
            return Err(Verdict::Stuck {
                reason: StuckReason::PaidTwice,
                detail: format!(
                    "order {own} holds {}, and order {id}, which was given up before, holds {}",
                    amount(paid),
                    amount(held)
                ),
            });
        }
        // Whoever is told that it is paid has to get what it is for: nobody ships an order that is canceled.
        let is_over = order.is_deleted || OVER.contains(&order.status_id);
        match weighed.judgment {
            Judgment::Whole { .. } | Judgment::More { .. } if is_over => Err(Verdict::Stuck {
                reason: self.paid_and_over(),
                detail: format!("{} were paid for order {id}, which is canceled", amount(held)),
            }),
            judgment @ (Judgment::Whole { .. } | Judgment::More { .. }) => {
                let facts = self.facts();
                facts.abandoned_orders.retain(|dead| *dead != id.get());
                let replaced = facts.order.take().map(|order| order.id);
                facts.abandoned_orders.extend(replaced);
                facts.parts.clear();
                facts.payment = None;
                if let more @ Judgment::More { .. } = judgment {
                    let all = Judgment::Whole { kind: "purchase", transaction_id: None };
                    adopt(self, &order, all, ELSEWHERE.instrument);
                    return Err(decided(self, more, false).err().unwrap_or(Verdict::Moved));
                }
                adopt(self, &order, judgment, ELSEWHERE.instrument);
                Err(Verdict::Paid)
            }
            other => Err(Verdict::Stuck {
                reason: StuckReason::SurplusOrderPaid,
                detail: match other {
                    Judgment::Part { .. } => {
                        format!("order {id}, which was given up before, holds {}", amount(held))
                    }
                    _ => format!("order {id}, which was given up before, is being paid, or may be"),
                },
            }),
        }
    }

    /// Why a person is needed for a paid order that is canceled.
    fn paid_and_over(&self) -> StuckReason {
        let ended = matches!(self.checkout.status, Status::Cancelled | Status::Expired);
        if ended || self.checkout.is_being_undone() {
            StuckReason::CancelFoundPaid
        } else {
            StuckReason::SurplusOrderPaid
        }
    }

    /// The first order that was buried and holds money, or may.
    async fn revived(&mut self) -> Result<Option<(Order, Weighed)>, Verdict> {
        for dead in self.checkout.facts.abandoned_orders.clone() {
            let Some(id) = OrderId::new(dead) else { continue };
            let Some(order) = self.read_order(id).await? else { continue };
            let weighed = self.weigh(&order).await?;
            if weighed.may_hold {
                return Ok(Some((order, weighed)));
            }
        }
        Ok(None)
    }

    /// What the order that is not buried holds, as BigCommerce shows it now.
    async fn own_money(&mut self) -> Result<Own, Verdict> {
        let Some(id) = self.checkout.facts.order.as_ref().and_then(|order| OrderId::new(order.id)) else {
            return Ok(Own::Nothing);
        };
        let known = self.known_money();
        let by_record = if known == Money::ZERO { Own::Nothing } else { Own::Holds(id.get(), known) };
        let Some(order) = self.read_order(id).await? else { return Ok(by_record) };
        let weighed = self.weigh(&order).await?;
        Ok(match weighed.judgment {
            // What was answered may not be shown yet.
            Judgment::Nothing => by_record,
            Judgment::GivenBack | Judgment::Declined { .. } => Own::Nothing,
            _ => Own::Holds(id.get(), weighed.held),
        })
    }

    /// What was paid of it as far as it is recorded, or may have been.
    fn known_money(&self) -> Money {
        let facts = &self.checkout.facts;
        let answered = |payment: &&PaymentFacts| {
            let taken = [PaymentStatus::Succeeded, PaymentStatus::Pending, PaymentStatus::Unknown];
            taken.contains(&payment.status)
        };
        let total = facts.order.as_ref().and_then(|order| order.total);
        let all = facts.payment.as_ref().filter(answered).and_then(|payment| total.or(payment.amount));
        all.unwrap_or_else(|| facts.paid())
    }

    /// Archives what was buried and is still open: the order that a paid one replaced.
    pub(in crate::saga) async fn archive_buried(&mut self) -> Result<(), Verdict> {
        for dead in self.checkout.facts.abandoned_orders.clone() {
            let Some(id) = OrderId::new(dead) else { continue };
            let Some(order) = self.read_order(id).await? else { continue };
            if order.is_deleted || !order.is_untouched() || !self.is_made_here(&order) {
                continue;
            }
            let transactions = self.read_transactions(id).await?;
            if transactions.iter().all(|transaction| transaction.status == "error") {
                self.archive(id).await?;
            }
        }
        Ok(())
    }
}
