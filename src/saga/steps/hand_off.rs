//! `hand-off`: look whether the shopper paid elsewhere, on BigCommerce's hosted page, and take that order over. Reads, and
//! the archiving of an unpaid order of ours that the paid one replaces: the cart is never ordered or charged again.
//!
//! The witness is the list of orders by cart id. An order that the hosted page made and nobody paid proves nothing.

use std::time::Duration;

use async_trait::async_trait;

use super::super::judge::{Before, Judgement, judge};
use super::super::step::{Finding, Step, StepContext, Verdict};
use super::read::order_facts;
use super::surplus::Witness;
use crate::bigcommerce::orders::Order;
use crate::checkout::{
    Checkout, Decline, HandOff as Since, PaymentFacts, PaymentStatus, StepName, StuckReason,
};

/// See the module.
pub(super) struct HandOff;

/// What became of the cart elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Elsewhere {
    /// Nothing that is proven.
    Nothing,
    /// Its order is paid or authorised, and is ours now.
    Paid,
    /// Its order was placed and is not paid yet; it is ours now.
    Pending,
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
        checkout.input.look
    }

    fn follows_to_the_end(&self) -> bool {
        true
    }

    fn unknown_reason(&self) -> StuckReason {
        StuckReason::PaymentPendingTooLong
    }

    async fn execute(&self, cx: &mut StepContext) -> Verdict {
        let now = cx.clock.now();
        let handed_over = cx.checkout.goal.as_ref().is_some_and(|goal| goal.operation == "hand-off");
        if handed_over || cx.facts().hand_off.is_none() {
            cx.facts().hand_off = Some(Since { since: now });
        }
        cx.checkout.input.look = false;
        match look(cx).await {
            Ok(Elsewhere::Nothing) if handed_over => match cx.make_urls().await {
                Ok(()) => Verdict::Succeeded,
                Err(verdict) => verdict,
            },
            // The list may lag behind. A cart that is gone says so at once, and it is looked at again soon.
            Ok(Elsewhere::Nothing) => match cx.look_at_cart().await {
                Ok(_) => Verdict::Succeeded,
                Err(_) => Verdict::Interrupted { retry_after: None },
            },
            Ok(found) => verdict(cx, found),
            Err(stuck @ Verdict::Stuck { .. }) => stuck,
            // Nothing depends on this look: there will be another one.
            Err(Verdict::Retry { after, .. }) => Verdict::Interrupted { retry_after: after },
            Err(_) => Verdict::Interrupted { retry_after: None },
        }
    }

    async fn reconcile(&self, cx: &mut StepContext) -> Finding {
        let settling = cx.attempt.settling;
        let deadline = cx.attempt.started_at + cx.timing.pending;
        let after = cx.timing.settle.saturating_mul(2_u32.saturating_pow(cx.attempt.looks.min(6)));
        match look(cx).await {
            Ok(Elsewhere::Pending) if cx.clock.now() >= deadline => Verdict::Stuck {
                reason: StuckReason::PaymentPendingTooLong,
                detail: "the order was placed on the hosted page, and its payment has not settled".to_owned(),
            }
            .into(),
            Ok(Elsewhere::Pending) => Finding::StillUnknown { after, failed: false, settling: true },
            Ok(found) => verdict(cx, found).into(),
            Err(stuck @ Verdict::Stuck { .. }) => stuck.into(),
            Err(_) if settling => Finding::StillUnknown { after, failed: true, settling: true },
            Err(_) => Verdict::Interrupted { retry_after: None }.into(),
        }
    }
}

fn verdict(cx: &mut StepContext, found: Elsewhere) -> Verdict {
    match found {
        Elsewhere::Nothing => Verdict::Succeeded,
        Elsewhere::Paid => Verdict::Paid,
        Elsewhere::Pending => Verdict::Accepted,
        Elsewhere::Declined => Verdict::Declined(Decline {
            code: None,
            title: "The payment on the hosted page was declined".to_owned(),
        }),
        Elsewhere::Again => {
            cx.checkout.input.look = true;
            Verdict::Retry {
                after: Some(Duration::ZERO),
                why: "an order of ours gave way to the paid one".to_owned(),
            }
        }
    }
}

/// The order of this cart that somebody else made and that is paid or placed; a paid one first. What was paid there and
/// given back counts for nothing.
pub(super) fn placed(orders: &[Order], ours: Option<i64>) -> Option<(&Order, Judgement)> {
    let others = orders.iter().filter(|order| Some(order.id.get()) != ours && !order.is_refunded());
    let judged = others.map(|order| {
        let judgement = match judge(order, &[], &[], &Before::default()) {
            // Pending or Awaiting Payment: an offline method, such as a bank deposit, that the hosted page offers.
            Judgement::Nothing if matches!(order.status_id, 1 | 7) => Judgement::Pending,
            // It holds money, or may: nothing is charged beside it.
            Judgement::Part { .. } | Judgement::More { .. } | Judgement::CannotTell { .. } => {
                Judgement::Pending
            }
            judgement => judgement,
        };
        (order, judgement)
    });
    let found: Vec<(&Order, Judgement)> = judged.collect();
    let paid = found.iter().find(|(_, judgement)| matches!(judgement, Judgement::Whole { .. }));
    paid.or_else(|| found.iter().find(|(_, judgement)| *judgement == Judgement::Pending)).cloned()
}

pub(super) async fn look(cx: &mut StepContext) -> Result<Elsewhere, Verdict> {
    let witness = Witness::Cart(cx.cart_id()?);
    let orders = cx.list_orders(&witness).await?.orders;
    let ours = cx.checkout.facts.order.as_ref().map(|order| order.id);
    // No payment of ours is in flight, so that our own order can be paid only by the page, which may have taken it.
    let taken_over =
        cx.checkout.facts.payment.as_ref().is_some_and(|payment| payment.instrument_type == HOSTED);
    let Some((order, judgement)) = placed(&orders, None) else {
        return Ok(if taken_over { bury(cx) } else { Elsewhere::Nothing });
    };
    if let Some(replaced) = ours.filter(|id| *id != order.id.get()) {
        // Only one order of a checkout is alive, here as in the database: ours goes first, and is recorded as dead.
        let id = order.id;
        cx.archive_others(&orders, id).await?;
        tracing::warn!(checkout_id = %cx.checkout.id, order_id = replaced, adopted = %id, "paid elsewhere: our order gave way");
        cx.facts().dead_orders.push(replaced);
        cx.facts().order = None;
        return Ok(Elsewhere::Again);
    }
    let order = order.clone();
    cx.archive_others(&orders, order.id).await?;
    Ok(adopt(cx, &order, judgement))
}

/// How a payment on the hosted page is named among the instruments.
const HOSTED: &str = "hosted_page";

pub(super) fn adopt(cx: &mut StepContext, order: &Order, judgement: Judgement) -> Elsewhere {
    let facts = order_facts(order, true);
    let known =
        cx.checkout.facts.payment.as_ref().is_some_and(|payment| payment.status == PaymentStatus::Succeeded);
    if known && cx.checkout.facts.order.as_ref().is_some_and(|ours| ours.id == facts.id) {
        // Paid here, as we knew.
        cx.facts().order = Some(facts);
        return Elsewhere::Paid;
    }
    let (status, kind, transaction_id) = match judgement {
        Judgement::Whole { kind, transaction_id } => (PaymentStatus::Succeeded, Some(kind), transaction_id),
        _ => (PaymentStatus::Pending, None, None),
    };
    let method = order.raw.get("payment_method").and_then(serde_json::Value::as_str).unwrap_or_default();
    cx.facts().payment = Some(PaymentFacts {
        status,
        transaction_id: transaction_id.or_else(|| order.payment_provider_id.clone()),
        transaction_type: kind.map(str::to_owned),
        amount: facts.total,
        currency: facts.currency.clone(),
        payment_method_id: method.to_owned(),
        instrument_type: HOSTED.to_owned(),
        last_4: None,
        decline: None,
    });
    cx.facts().order = Some(facts);
    if status == PaymentStatus::Succeeded { Elsewhere::Paid } else { Elsewhere::Pending }
}

/// The order that was placed is not any more: it was declined or cancelled, and the cart may be ordered again.
fn bury(cx: &mut StepContext) -> Elsewhere {
    if let Some(dead) = cx.facts().order.take() {
        cx.facts().dead_orders.push(dead.id);
    }
    if let Some(payment) = cx.facts().payment.as_mut() {
        payment.status = PaymentStatus::Declined;
    }
    Elsewhere::Declined
}
