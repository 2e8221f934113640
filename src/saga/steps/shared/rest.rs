//! The look at a checkout that rests with its order: what a merchant, or another program, did to the order since. Reads only.

use std::time::Duration;

use super::others::OVER;
use super::paying::decided;
use super::read::order_facts;
use crate::checkout::{Facts, StepName, StuckReason};
use crate::saga::judge::Judgment;
use crate::saga::step::{StepContext, Verdict};
use crate::saga::step_state::reopen;

/// What a look at a checkout at rest found.
#[derive(Debug)]
pub(in crate::saga) enum Rest {
    /// Nothing that matters, or nothing that can be told yet.
    AsItWas,
    /// The order is not as it was: the facts say how.
    Changed,
    /// It was paid.
    Paid,
    /// It is for a person.
    Stuck(StuckReason, String),
}

/// Looks at the orders of a checkout that rests. `Err`: they could not be read.
///
/// An order that is not found says nothing here: the next payment finds out, with two witnesses and a window.
pub(in crate::saga) async fn look_at_rest(cx: &mut StepContext) -> Result<Rest, Verdict> {
    let found = match cx.checkout.facts.order {
        Some(_) => own(cx).await?,
        None => Rest::AsItWas,
    };
    // What was paid is looked at once more after the end, and what is for a person now and then.
    if matches!(found, Rest::Paid | Rest::Stuck(..)) {
        return Ok(found);
    }
    match cx.none_revived().await {
        Ok(()) => Ok(found),
        Err(Verdict::Paid) => Ok(Rest::Paid),
        Err(Verdict::Stuck { reason, detail }) => Ok(Rest::Stuck(reason, detail)),
        Err(verdict) => Err(verdict),
    }
}

/// Its order. Money that settles is looked at again, and so is money that cannot be told, for as long as what BigCommerce shows
/// may lag behind.
async fn own(cx: &mut StepContext) -> Result<Rest, Verdict> {
    let before = cx.checkout.facts.clone();
    let id = cx.order_id()?;
    let Some(order) = cx.read_order(id).await? else { return Ok(Rest::AsItWas) };
    let weighed = cx.weigh(&order).await?;
    let verified = before.order.as_ref().is_some_and(|order| order.verified);
    cx.facts().order = Some(order_facts(&order, verified));
    let shown = |now: &Facts| if matters(&before, now) { Rest::Changed } else { Rest::AsItWas };
    match &weighed.judgment {
        Judgment::Pending => return Ok(shown(&cx.checkout.facts)),
        Judgment::CannotTell { why } => {
            let found = shown(&cx.checkout.facts);
            let waited = Duration::try_from(cx.clock.now() - cx.checkout.updated_at).unwrap_or_default();
            if matches!(found, Rest::AsItWas) && waited >= cx.timing.settle {
                let detail = format!("what was paid for the order cannot be told: {why}");
                return Ok(Rest::Stuck(StuckReason::OrderNotPayable, detail));
            }
            return Ok(found);
        }
        _ => {}
    }
    let holds_nothing =
        matches!(weighed.judgment, Judgment::Nothing | Judgment::Declined { .. } | Judgment::GivenBack);
    let over = order.is_deleted || OVER.contains(&order.status_id);
    let gone = over && holds_nothing;
    Ok(match decided(cx, weighed.judgment, weighed.returned) {
        _ if gone && cx.checkout.facts.parts.is_empty() => {
            tracing::warn!(checkout_id = %cx.checkout.id, order_id = %id, "the order of a checkout at rest is over");
            let facts = cx.facts();
            facts.order = None;
            facts.may_show_late = true;
            facts.abandoned_orders.push(id.get());
            reopen(&mut cx.checkout, StepName::Order);
            reopen(&mut cx.checkout, StepName::Payment);
            Rest::Changed
        }
        Err(Verdict::Paid) => Rest::Paid,
        Err(Verdict::Stuck { reason, detail }) => Rest::Stuck(reason, detail),
        // What is known of is not shown, or not yet.
        Ok(()) | Err(_) => shown(&cx.checkout.facts),
    })
}

/// Whether what the shopper is shown, or would pay, is not what it was.
fn matters(before: &Facts, now: &Facts) -> bool {
    let seen = |facts: &Facts| {
        let order = facts.order.as_ref();
        let total = order.and_then(|order| order.total).map(|total| total.decimal().normalize());
        let currency = order.map(|order| order.currency.clone());
        let paid = facts.paid().decimal().normalize();
        (order.map(|order| order.status_id), currency, total, facts.parts.len(), paid)
    };
    let paid = |facts: &Facts| facts.payment.as_ref().map(|payment| payment.status);
    seen(before) != seen(now) || paid(before) != paid(now)
}
