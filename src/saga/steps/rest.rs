//! The look at a checkout that rests with its order: what a merchant, or another program, did to the order since. Reads only.

use super::super::judge::{Before, Judgement, judge};
use super::super::marks::reopen;
use super::super::step::{StepContext, Verdict};
use super::others::OVER;
use super::paying::decided;
use super::read::order_facts;
use crate::checkout::{Facts, PaymentFacts, PaymentStatus, StepName, StuckReason};

/// What a look at a checkout at rest found.
#[derive(Debug)]
pub(in super::super) enum Rest {
    /// Nothing that matters, or nothing that can be told yet.
    AsItWas,
    /// The order is not as it was: the facts say how.
    Changed,
    /// It was paid.
    Paid,
    /// It is for a person.
    Stuck(StuckReason, String),
}

/// Looks at the order of a checkout that rests. `Err`: it could not be read.
///
/// An order that is not found says nothing here: the next payment finds out, with two witnesses and a window. Nor does money that
/// cannot be told or is settling: it is looked at again.
pub(in super::super) async fn look_at_rest(cx: &mut StepContext) -> Result<Rest, Verdict> {
    let before = cx.checkout.facts.clone();
    let id = cx.order_id()?;
    let Some(order) = cx.read_order(id).await? else { return Ok(Rest::AsItWas) };
    let transactions = cx.read_transactions(id).await?;
    let refunds = cx.read_refunds(&order, &transactions).await?;
    let verified = before.order.as_ref().is_some_and(|order| order.verified);
    cx.facts().order = Some(order_facts(&order, verified));
    let over = order.is_deleted || OVER.contains(&order.status_id);
    let judgement = judge(&order, &transactions, &refunds, &Before::default());
    match judgement {
        Judgement::CannotTell { .. } | Judgement::Pending => return Ok(Rest::AsItWas),
        Judgement::GivenBack => given_back(cx),
        _ => {}
    }
    let holds_nothing =
        matches!(judgement, Judgement::Nothing | Judgement::Declined { .. } | Judgement::GivenBack);
    if over && holds_nothing && cx.checkout.facts.parts.is_empty() {
        tracing::warn!(checkout_id = %cx.checkout.id, order_id = %id, "the order of a checkout at rest is over");
        let facts = cx.facts();
        facts.order = None;
        facts.may_show_late = true;
        facts.dead_orders.push(id.get());
        reopen(&mut cx.checkout, StepName::Order);
        reopen(&mut cx.checkout, StepName::Payment);
        return Ok(Rest::Changed);
    }
    Ok(match decided(cx, judgement) {
        Ok(()) if matters(&before, &cx.checkout.facts) => Rest::Changed,
        Err(Verdict::Paid) => Rest::Paid,
        Err(Verdict::Stuck { reason, detail }) => Rest::Stuck(reason, detail),
        // What is known of is not shown, or not yet.
        Ok(()) | Err(_) => Rest::AsItWas,
    })
}

/// What was paid of it was voided or refunded: nothing is held any more.
fn given_back(cx: &mut StepContext) {
    let held = |payment: &&mut PaymentFacts| payment.status == PaymentStatus::PartiallyPaid;
    if let Some(payment) = cx.facts().payment.as_mut().filter(held) {
        payment.status = PaymentStatus::GivenBack;
    }
}

/// Whether what the shopper is shown, or would pay, is not what it was.
fn matters(before: &Facts, now: &Facts) -> bool {
    let seen = |facts: &Facts| {
        let order = facts.order.as_ref();
        let total = order.and_then(|order| order.total).map(|total| total.decimal().normalize());
        let currency = order.map(|order| order.currency.clone());
        (order.map(|order| order.status_id), currency, total, facts.parts.len())
    };
    let paid = |facts: &Facts| facts.payment.as_ref().map(|payment| payment.status);
    seen(before) != seen(now) || paid(before) != paid(now)
}
