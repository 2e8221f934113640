//! `hand-off`: look whether the shopper paid elsewhere, on BigCommerce's hosted page, and take that order over. Reads, and
//! the archiving of an unpaid order of ours that the paid one replaces: the cart is never ordered or charged again.
//!
//! The lookup is the list of orders by cart id, and what each of them holds is judged by its amounts. An order that the
//! hosted page made and nobody paid proves nothing.

use std::time::Duration;

use async_trait::async_trait;

use super::shared::held::{Payer, hold_in_parts};
use super::shared::paying::decided;
use super::shared::read::{Weighed, order_facts};
use super::shared::rest::{Rest, look_at_rest};
use crate::backoff::doubled;
use crate::bigcommerce::orders::Order;
use crate::checkout::{
    Checkout, Decline, HandOff as Since, Input, Money, PaymentFacts, PaymentStatus, StepName, StuckReason,
};
use crate::saga::judge::Judgment;
use crate::saga::operation::{Operation, SubmitError};
use crate::saga::order_lookup::OrderLookup;
use crate::saga::step::{Finding, Step, StepContext, Verdict, after_cart};

/// See the module.
pub(super) struct HandOff;

/// What became of the cart elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// Nothing that is proven.
    Nothing,
    /// Its order is paid or authorized, and is ours now.
    Paid,
    /// A part of its order is paid, which was not known; it is ours now, and the rest can be paid.
    Part,
    /// Its order was placed and is not paid yet; it is ours now.
    Pending,
    /// It was placed there, and what was paid for it cannot be told.
    Unclear,
    /// Its order was declined for good.
    Declined,
    /// An unpaid order of ours had to go first: look again.
    Again,
}

#[async_trait]
impl Step for HandOff {
    fn name(&self) -> StepName {
        StepName::HandOff
    }

    fn is_ready(&self, checkout: &Checkout) -> bool {
        checkout.input.check_hosted_payment
    }

    fn follows_to_the_end(&self) -> bool {
        true
    }

    fn unknown_reason(&self) -> Option<StuckReason> {
        Some(StuckReason::PaymentPendingTooLong)
    }

    fn take(&self, input: &mut Input, operation: &Operation) -> bool {
        let asked = matches!(operation, Operation::HandOff);
        input.check_hosted_payment |= asked;
        asked
    }

    fn accepts(&self, checkout: &Checkout) -> Result<(), SubmitError> {
        after_cart(checkout)?;
        // The hosted page would make another order, and take all of it.
        if checkout.facts.parts.is_empty() {
            Ok(())
        } else {
            Err(SubmitError::OutOfOrder { next_step: checkout.next_step() })
        }
    }

    async fn execute(&self, cx: &mut StepContext) -> Result<Verdict, Verdict> {
        let now = cx.clock.now();
        let handed_over = cx.checkout.goal.as_ref().is_some_and(|goal| goal.operation == "hand-off");
        if handed_over || cx.facts().hand_off.is_none() {
            cx.facts().hand_off = Some(Since { since: now });
        }
        cx.checkout.input.check_hosted_payment = false;
        match look(cx).await {
            Ok(Elsewhere::Nothing) if handed_over => cx.make_urls().await.map(|()| Verdict::Succeeded),
            // The list may lag behind. A cart that is gone says so at once, and it is looked at again soon.
            Ok(Elsewhere::Nothing) => match cx.look_at_cart().await {
                Ok(_) => Ok(at_rest(cx).await),
                Err(_) => Err(Verdict::Interrupted { retry_after: None }),
            },
            Ok(found) => Ok(verdict(cx, found)),
            Err(stuck @ Verdict::Stuck { .. }) => Err(stuck),
            // Nothing depends on this look: there will be another one.
            Err(Verdict::Retry { after, .. }) => Err(Verdict::Interrupted { retry_after: after }),
            Err(Verdict::Wait { after, .. }) => Err(Verdict::Interrupted { retry_after: Some(after) }),
            Err(_) => Err(Verdict::Interrupted { retry_after: None }),
        }
    }

    async fn reconcile(&self, cx: &mut StepContext) -> Finding {
        let settling = cx.attempt.settling;
        let deadline = cx.attempt.started_at + cx.timing.pending;
        let settle = cx.timing.settle;
        let after = doubled(settle, cx.attempt.looks, settle.saturating_mul(64));
        match look(cx).await {
            Ok(Elsewhere::Pending) if cx.clock.now() >= deadline => Verdict::Stuck {
                reason: StuckReason::PaymentPendingTooLong,
                detail: "the order was placed on the hosted page, and its payment has not settled".to_owned(),
            }
            .into(),
            Ok(Elsewhere::Unclear) if cx.clock.now() >= deadline => {
                if let Some(payment) = cx.facts().payment.as_mut() {
                    payment.status = PaymentStatus::Unknown;
                }
                let detail =
                    "the order was placed on the hosted page, and what was paid for it cannot be told";
                Verdict::Stuck { reason: StuckReason::OrderNotPayable, detail: detail.to_owned() }.into()
            }
            Ok(Elsewhere::Pending | Elsewhere::Unclear) => {
                Finding::StillUnknown { after, failed: false, settling: true }
            }
            Ok(found) => verdict(cx, found).into(),
            Err(stuck @ Verdict::Stuck { .. }) => stuck.into(),
            Err(_) if settling => Finding::StillUnknown { after, failed: true, settling: true },
            Err(_) => Verdict::Interrupted { retry_after: None }.into(),
        }
    }
}

/// The page took nothing. What others did to the orders of this checkout is looked at as for any checkout at rest.
async fn at_rest(cx: &mut StepContext) -> Verdict {
    match look_at_rest(cx).await {
        Ok(Rest::AsItWas | Rest::Changed) => Verdict::Succeeded,
        Ok(Rest::Paid) => Verdict::Paid,
        Ok(Rest::Stuck(reason, detail)) => Verdict::Stuck { reason, detail },
        Err(_) => Verdict::Interrupted { retry_after: None },
    }
}

fn verdict(cx: &mut StepContext, found: Elsewhere) -> Verdict {
    match found {
        Elsewhere::Nothing | Elsewhere::Part => Verdict::Succeeded,
        Elsewhere::Paid => Verdict::Paid,
        Elsewhere::Pending | Elsewhere::Unclear => Verdict::Accepted,
        Elsewhere::Declined => Verdict::Declined(Decline {
            code: None,
            title: "The payment on the hosted page was declined".to_owned(),
        }),
        Elsewhere::Again => {
            cx.checkout.input.check_hosted_payment = true;
            Verdict::Retry {
                after: Some(Duration::ZERO),
                why: "an order of ours gave way to the paid one".to_owned(),
            }
        }
    }
}

/// The order of this cart that somebody else made and that is paid or placed, and what its money is; a paid one first, then one
/// that holds money. What was paid there and given back counts for nothing.
pub(super) async fn placed(
    cx: &mut StepContext,
    orders: &[Order],
    ours: Option<i64>,
) -> Result<Option<(Order, Weighed)>, Verdict> {
    let mut found: Option<(Order, Weighed)> = None;
    for order in orders.iter().filter(|order| Some(order.id.get()) != ours) {
        let weighed = cx.weigh(order).await?;
        let better = |other: &Weighed| rank(&weighed.judgment) > rank(&other.judgment);
        if stands(order, &weighed) && found.as_ref().is_none_or(|(_, other)| better(other)) {
            found = Some((order.clone(), weighed));
        }
    }
    Ok(found)
}

fn rank(judgment: &Judgment) -> u8 {
    match judgment {
        Judgment::Whole { .. } => 3,
        Judgment::More { .. } => 2,
        Judgment::Part { .. } => 1,
        _ => 0,
    }
}

/// Whether nothing may be charged beside this order: it was placed, and holds money, or may.
fn stands(order: &Order, weighed: &Weighed) -> bool {
    match weighed.judgment {
        // Pending or Awaiting Payment: an offline method, such as a bank deposit, that the hosted page offers.
        Judgment::Nothing => matches!(order.status_id, 1 | 7),
        Judgment::GivenBack | Judgment::Declined { .. } => false,
        Judgment::Whole { .. }
        | Judgment::More { .. }
        | Judgment::Part { .. }
        | Judgment::Pending
        | Judgment::CannotTell { .. } => true,
    }
}

/// Whether the order of this checkout was taken over from the page, as far as it was paid or placed there.
fn is_taken_over(checkout: &Checkout) -> bool {
    let of_page = |payment: &PaymentFacts| {
        payment.instrument_type == HOSTED && payment.status != PaymentStatus::Declined
    };
    checkout.facts.order.is_some() && checkout.facts.payment.as_ref().is_some_and(of_page)
}

pub(super) async fn look(cx: &mut StepContext) -> Result<Elsewhere, Verdict> {
    let lookup = OrderLookup::Cart(cx.cart_id()?);
    let orders = cx.list_orders(&lookup).await?.orders;
    let ours = cx.checkout.facts.order.as_ref().map(|order| order.id);
    // No payment of ours is in flight, so that our own order can be paid only by the page, which may have taken it.
    let Some((order, weighed)) = placed(cx, &orders, None).await? else { return unplaced(cx).await };
    if let Some(replaced) = ours.filter(|id| *id != order.id.get()) {
        // Only one order of a checkout is alive, here as in the database: ours goes first, and is recorded as dead.
        let id = order.id;
        cx.archive_others(&orders, id).await?;
        tracing::warn!(checkout_id = %cx.checkout.id, order_id = replaced, adopted = %id, "paid elsewhere: our order gave way");
        cx.facts().abandoned_orders.push(replaced);
        cx.facts().order = None;
        return Ok(Elsewhere::Again);
    }
    if ours.is_some()
        && !is_taken_over(&cx.checkout)
        && matches!(weighed.judgment, Judgment::CannotTell { .. })
    {
        // Somebody moved our own order on: that is found by the looks at rest.
        return Ok(Elsewhere::Nothing);
    }
    cx.archive_others(&orders, order.id).await?;
    taken(cx, &order, weighed)
}

/// No order is listed as placed. Of one that was taken over before, the list proves nothing: it says itself what it is.
async fn unplaced(cx: &mut StepContext) -> Result<Elsewhere, Verdict> {
    if !is_taken_over(&cx.checkout) {
        return Ok(Elsewhere::Nothing);
    }
    let id = cx.order_id()?;
    let Some(order) = cx.read_order(id).await? else {
        let settling = cx.checkout.payment_in_doubt();
        return Ok(if settling { Elsewhere::Pending } else { Elsewhere::Nothing });
    };
    let weighed = cx.weigh(&order).await?;
    if stands(&order, &weighed) { taken(cx, &order, weighed) } else { Ok(bury(cx)) }
}

fn taken(cx: &mut StepContext, order: &Order, weighed: Weighed) -> Result<Elsewhere, Verdict> {
    if let more @ Judgment::More { .. } = weighed.judgment {
        adopt(cx, order, Judgment::Whole { kind: "purchase", transaction_id: None }, HOSTED);
        return Err(decided(cx, more, false).err().unwrap_or(Verdict::Moved));
    }
    Ok(adopt(cx, order, weighed.judgment, HOSTED))
}

/// How a payment on the hosted page is named among the instruments.
pub(super) const HOSTED: &str = "hosted_page";

/// Takes over an order that was paid or placed elsewhere, with what it holds. `by`: how its payment is named among the instruments.
pub(super) fn adopt(cx: &mut StepContext, order: &Order, judgment: Judgment, by: &str) -> Elsewhere {
    let facts = order_facts(order, true);
    let same = cx.checkout.facts.order.as_ref().is_some_and(|ours| ours.id == facts.id);
    let known =
        cx.checkout.facts.payment.as_ref().is_some_and(|payment| payment.status == PaymentStatus::Succeeded);
    if !same {
        cx.facts().parts.clear();
    }
    cx.facts().order = Some(facts.clone());
    if known && same && matches!(judgment, Judgment::Whole { .. }) {
        // Paid here, as we knew.
        return Elsewhere::Paid;
    }
    let method = order.raw.get("payment_method").and_then(serde_json::Value::as_str).unwrap_or_default();
    if let Judgment::Part { paid } = judgment {
        let by = Payer { method, instrument: by, credit: credit_of(order) };
        return if hold_in_parts(cx, paid, &by) { Elsewhere::Part } else { Elsewhere::Nothing };
    }
    let unclear = matches!(judgment, Judgment::CannotTell { .. });
    let (status, kind, transaction_id) = match judgment {
        Judgment::Whole { kind, transaction_id } => (PaymentStatus::Succeeded, Some(kind), transaction_id),
        _ => (PaymentStatus::Pending, None, None),
    };
    let rest = facts.total.map(|total| Money::from(total.decimal() - cx.checkout.facts.paid().decimal()));
    cx.facts().payment = Some(PaymentFacts {
        status,
        transaction_id: transaction_id.or_else(|| order.payment_provider_id.clone()),
        transaction_type: kind.map(str::to_owned),
        amount: rest.map(|rest| rest.at_precision_of(&facts.currency)),
        currency: facts.currency,
        payment_method_id: method.to_owned(),
        instrument_type: by.to_owned(),
        last_4: None,
        decline: None,
    });
    match status {
        PaymentStatus::Succeeded => Elsewhere::Paid,
        _ if unclear => Elsewhere::Unclear,
        _ => Elsewhere::Pending,
    }
}

/// How credit that the order shows is named among the instruments.
fn credit_of(order: &Order) -> &'static str {
    let by_certificate = order.gift_certificate_amount.is_some_and(|amount| !amount.is_zero());
    if by_certificate { "gift_certificate" } else { "store_credit" }
}

/// The order that was placed is not any more: it was declined, cancelled or given back, and the cart may be ordered again.
fn bury(cx: &mut StepContext) -> Elsewhere {
    let facts = cx.facts();
    if let Some(dead) = facts.order.take() {
        facts.abandoned_orders.push(dead.id);
    }
    let parts = !std::mem::take(&mut facts.parts).is_empty();
    if let Some(payment) = facts.payment.as_mut() {
        payment.status = if parts { PaymentStatus::GivenBack } else { PaymentStatus::Declined };
    }
    Elsewhere::Declined
}
