//! What others did to our order before it was paid: a merchant edited its total, archived it, or cancelled it. The order says
//! itself where it stands, so it is read again, and the checkout goes on by itself wherever no money is concerned.

use std::time::Duration;

use super::paying::{expected, fits_order, for_this_goal, not_paid_yet, processing, says_what_it_takes};
use crate::bigcommerce::orders::Order;
use crate::bigcommerce::payments::PaymentClass;
use crate::bigcommerce::{AccessToken, Error, OrderId};
use crate::saga::judge::Judgment;
use crate::saga::step::{StepContext, Verdict};
use crate::saga::steps::order::within_agreement;

/// Cancelled and Declined: over (BigCommerce: order statuses).
pub(in crate::saga) const OVER: &[i64] = &[5, 6];

/// What the token names is what will be charged. Where that is not what was known to be due, the order was edited meanwhile: it
/// is read again, and what is due now is paid if the shopper agreed to so much. So it is where the token says nothing of it.
pub(in crate::saga) async fn fits_order_now(
    cx: &mut StepContext,
    id: OrderId,
    token: &AccessToken,
) -> Result<(), Verdict> {
    let fits = fits_order(cx, token);
    if fits.is_ok() && says_what_it_takes(token) {
        return Ok(());
    }
    let known = cx.checkout.facts.due();
    not_paid_yet(cx, id).await?;
    let edited = |cx: &StepContext| cx.checkout.facts.due() != known;
    let again = || {
        let why = format!("order {id} was edited before its payment access token was made, or since");
        Verdict::Retry { after: Some(Duration::ZERO), why }
    };
    let Err(mismatch) = fits else {
        // It was made between two looks: what it takes is what was due at both.
        return if edited(cx) { Err(again()) } else { Ok(()) };
    };
    let in_all = cx.checkout.facts.due().map(|due| for_this_goal(cx, due));
    within_agreement(cx, in_all)?;
    expected(cx)?;
    if fits_order(cx, token).is_ok() {
        processing(cx)?;
        return Ok(());
    }
    if !edited(cx) {
        // Nobody edited it: BigCommerce contradicts itself.
        return Err(mismatch);
    }
    Err(again())
}

/// BigCommerce made no token. Where that is because the order is gone or over, and no money is held for it, it can never be
/// paid any more: it is buried, and another one is made of the same cart. Nothing was sent for this attempt.
pub(in crate::saga) async fn buried(
    cx: &mut StepContext,
    refusal: &Error,
) -> Result<Option<Verdict>, Verdict> {
    let refused = matches!(refusal, Error::Rejected(_) | Error::Moved(_))
        && !refusal.is_unauthorized()
        && PaymentClass::of_error(refusal) != PaymentClass::Configuration;
    if !refused || !cx.checkout.facts.parts.is_empty() {
        return Ok(None);
    }
    let id = cx.order_id()?;
    let over = match cx.read_order(id).await? {
        // Two witnesses say that there is no such order: the payments and the orders.
        None => refusal.is_not_found(),
        Some(order) => {
            (order.is_deleted || OVER.contains(&order.status_id)) && holds_nothing(cx, &order).await?
        }
    };
    if !over {
        return Ok(None);
    }
    tracing::warn!(checkout_id = %cx.checkout.id, order_id = %id, "the unpaid order is over: another one is made");
    let facts = cx.facts();
    facts.order = None;
    facts.abandoned_orders.push(id.get());
    let why = format!("order {id} can no longer be paid: it was cancelled, archived or deleted");
    Ok(Some(Verdict::Retry { after: Some(Duration::ZERO), why }))
}

pub(in crate::saga) async fn holds_nothing(cx: &mut StepContext, order: &Order) -> Result<bool, Verdict> {
    let judgment = cx.weigh(order).await?.judgment;
    Ok(matches!(judgment, Judgment::Nothing | Judgment::GivenBack | Judgment::Declined { .. }))
}

/// Orders that are over without money are nobody's: neither adopted nor in the way of a new one.
pub(in crate::saga) async fn alive(cx: &mut StepContext, orders: Vec<Order>) -> Result<Vec<Order>, Verdict> {
    let mut alive = Vec::with_capacity(orders.len());
    for order in orders {
        if !OVER.contains(&order.status_id) || !holds_nothing(cx, &order).await? {
            alive.push(order);
        }
    }
    Ok(alive)
}

/// Whether it can be told what was paid for the order, so that a checkout that is stuck because of it goes on.
pub(in crate::saga) async fn is_clear(cx: &mut StepContext) -> Result<bool, Verdict> {
    let id = cx.order_id()?;
    let Some(order) = cx.read_order(id).await? else { return Ok(false) };
    let payable = order.status_id == 0 || order.is_deleted || OVER.contains(&order.status_id);
    Ok(match cx.weigh(&order).await?.judgment {
        Judgment::CannotTell { .. } | Judgment::Pending => false,
        Judgment::Nothing => payable,
        Judgment::Declined { .. } | Judgment::Part { .. } => cx.checkout.facts.parts.is_empty(),
        Judgment::Whole { .. } | Judgment::More { .. } | Judgment::GivenBack => true,
    })
}
