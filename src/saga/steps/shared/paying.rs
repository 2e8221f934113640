//! What is checked and noted of a payment before it is sent, and what its amount makes of it.

use super::checkpoint::checkpoint;
use super::held::{ELSEWHERE, hold_in_parts};
use super::read::{Weighed, order_facts};
use crate::bigcommerce::orders::Transaction;
use crate::bigcommerce::payments::{PaymentAnswer, PaymentStatus as Answered};
use crate::bigcommerce::{AccessToken, OrderId};
use crate::checkout::PaymentIntent;
use crate::checkout::{
    Decline, Money, PaymentFacts, PaymentPart, PaymentStatus, StuckReason, minor_units_match,
};
use crate::saga::judge::Judgment;
use crate::saga::step::{Finding, StepContext, Verdict};
use crate::saga::steps::payment::{judged, look};

/// The token was made for this order, its total and its currency: what it says is what will be charged.
pub(in crate::saga) fn fits_order(cx: &StepContext, token: &AccessToken) -> Result<(), Verdict> {
    let (Some(claims), Some(order)) = (token.claims(), cx.checkout.facts.order.as_ref()) else {
        return Ok(());
    };
    let mismatch = |what: &str| Verdict::Stuck {
        reason: StuckReason::TotalMismatch,
        detail: format!("the payment access token names another {what} than order {}", order.id),
    };
    if claims.order_id.is_some_and(|id| id.get() != order.id) {
        return Err(mismatch("order"));
    }
    if claims.currency.as_ref().is_some_and(|currency| *currency != order.currency) {
        return Err(mismatch("currency"));
    }
    match (claims.amount_minor, cx.checkout.facts.due()) {
        (Some(minor), Some(due)) if !minor_units_match(due, minor, &order.currency) => {
            Err(mismatch("amount"))
        }
        _ => Ok(()),
    }
}

/// Whether the token says which order it pays, how much, and in which currency.
pub(in crate::saga) fn says_what_it_takes(token: &AccessToken) -> bool {
    token.claims().is_some_and(|claims| {
        claims.order_id.is_some() && claims.amount_minor.is_some() && claims.currency.is_some()
    })
}

/// What the answer to the payment says, before its amount is looked at.
pub(in crate::saga) fn answered(cx: &mut StepContext, answer: &PaymentAnswer) -> Verdict {
    let Some(payment) = cx.checkout.facts.payment.as_mut() else {
        return Verdict::Unknown { why: "process-payment: there is no payment".to_owned() };
    };
    payment.transaction_id.clone_from(&answer.id);
    // One that is not said is not known.
    payment.transaction_type =
        Some(answer.transaction_type.name().to_owned()).filter(|kind| !kind.is_empty());
    match &answer.status {
        Answered::Success => {
            payment.status = PaymentStatus::Succeeded;
            Verdict::Paid
        }
        Answered::Pending => {
            payment.status = PaymentStatus::Pending;
            Verdict::Accepted
        }
        Answered::Other(_) => {
            Verdict::Unknown { why: "process-payment: a status that is not documented".to_owned() }
        }
    }
}

/// The currency of the order. An amount without one says nothing, and nobody guesses it.
fn currency(cx: &StepContext) -> Result<String, Verdict> {
    let known = cx.checkout.facts.order.as_ref().map(|order| order.currency.clone());
    known.filter(|currency| !currency.is_empty()).ok_or_else(|| Verdict::Stuck {
        reason: StuckReason::OrderNotPayable,
        detail: "the currency of the order is not known".to_owned(),
    })
}

/// What is known of a payment that is being made.
pub(in crate::saga) fn processing(cx: &mut StepContext) -> Result<(), Verdict> {
    let currency = currency(cx)?;
    let intent = cx.checkout.input.payment.clone();
    let payment = PaymentFacts {
        status: PaymentStatus::Processing,
        transaction_id: None,
        transaction_type: None,
        amount: cx.checkout.facts.due(),
        currency,
        // Shown only: what is sent is taken from the instrument that was given, and without one nothing is.
        payment_method_id: intent.as_ref().map(|intent| intent.payment_method_id.clone()).unwrap_or_default(),
        instrument_type: intent.as_ref().map(|intent| intent.instrument_type.clone()).unwrap_or_default(),
        last_4: intent.and_then(|intent| intent.last_4),
        decline: None,
    };
    cx.facts().payment = Some(payment);
    Ok(())
}

/// A part was paid: what is paid now less what was paid before is what it took.
pub(in crate::saga) fn part_paid(cx: &mut StepContext, paid: Money, before: Money) -> Verdict {
    let goal_version = cx.checkout.goal.as_ref().map_or(0, |goal| goal.goal_version);
    let amount = Money::from(paid.decimal() - before.decimal());
    cx.instruments.pop_front();
    let facts = cx.facts();
    let Some(payment) = facts.payment.as_mut() else { return Verdict::PartPaid };
    payment.status = PaymentStatus::PartiallyPaid;
    payment.amount = Some(amount.at_precision_of(&payment.currency));
    payment.decline = None;
    facts.parts.push(PaymentPart {
        amount: amount.at_precision_of(&payment.currency),
        payment_method_id: payment.payment_method_id.clone(),
        instrument_type: payment.instrument_type.clone(),
        last_4: payment.last_4.clone(),
        transaction_id: payment.transaction_id.clone(),
        transaction_type: Some(payment.transaction_type.clone().unwrap_or_else(|| "purchase".to_owned())),
        goal_version,
    });
    Verdict::PartPaid
}

/// What the money of the order makes of a payment that was not sent yet: it is sent only where `Ok`. `returned`: whether
/// something of what was paid was given back.
pub(in crate::saga) fn decided(
    cx: &mut StepContext,
    judgment: Judgment,
    returned: bool,
) -> Result<(), Verdict> {
    let known = cx.checkout.facts.paid();
    let currency = currency(cx)?;
    let later = |why: String| Err(Verdict::Retry { after: None, why });
    match judgment {
        Judgment::Nothing | Judgment::Declined { .. } if known == Money::ZERO => Ok(()),
        Judgment::Part { paid } if paid.compare(known, &currency).is_eq() => Ok(()),
        // Paid elsewhere, or given back in part: what is due is not what it was.
        Judgment::Part { paid } if returned || paid.compare(known, &currency).is_gt() => {
            hold_in_parts(cx, paid, &ELSEWHERE);
            Ok(())
        }
        Judgment::GivenBack => {
            let facts = cx.facts();
            facts.parts.clear();
            if let Some(payment) = facts.payment.as_mut()
                && payment.status == PaymentStatus::PartiallyPaid
            {
                payment.status = PaymentStatus::GivenBack;
            }
            Ok(())
        }
        Judgment::Whole { kind, transaction_id } => {
            let ended = |payment: &PaymentFacts| payment.safe_to_pay_again();
            let by_others = cx.checkout.facts.payment.as_ref().is_some_and(ended);
            if by_others || cx.checkout.facts.payment.is_none() {
                processing(cx)?;
            }
            cx.facts().held = None;
            if let Some(payment) = cx.facts().payment.as_mut() {
                if by_others {
                    // What was tried here before took another amount, or nothing.
                    ELSEWHERE.method.clone_into(&mut payment.payment_method_id);
                    ELSEWHERE.instrument.clone_into(&mut payment.instrument_type);
                    payment.last_4 = None;
                }
                payment.status = PaymentStatus::Succeeded;
                payment.transaction_type = Some(kind.to_owned());
                payment.transaction_id = transaction_id.or_else(|| payment.transaction_id.take());
                payment.decline = None;
            }
            Err(Verdict::Paid)
        }
        Judgment::More { paid } => {
            cx.facts().held = Some(paid.at_precision_of(&currency));
            Err(Verdict::Stuck {
                reason: StuckReason::PaidTwice,
                detail: format!(
                    "{} {currency} are held for the order, which costs {}",
                    paid.shown(&currency),
                    // More than a total is said only of one that can be read.
                    cx.checkout
                        .facts
                        .order
                        .as_ref()
                        .and_then(|order| order.total)
                        .unwrap_or_default()
                        .shown(&currency),
                ),
            })
        }
        Judgment::Pending => {
            processing(cx)?;
            Err(Verdict::Accepted)
        }
        Judgment::CannotTell { why } => Err(Verdict::Stuck {
            reason: StuckReason::OrderNotPayable,
            detail: format!("what was paid for the order cannot be told: {why}"),
        }),
        Judgment::Nothing | Judgment::Declined { .. } | Judgment::Part { .. } => {
            later("what was paid before is not shown".to_owned())
        }
    }
}

/// What this goal takes in all, when `due` is taken now.
pub(in crate::saga) fn for_this_goal(cx: &StepContext, due: Money) -> Money {
    let goal_version = cx.checkout.goal.as_ref().map(|goal| goal.goal_version);
    let parts = cx.checkout.facts.parts.iter().filter(|part| Some(part.goal_version) == goal_version);
    parts.fold(due, |sum, part| Money::from(sum.decimal() + part.amount.decimal()))
}

/// BigCommerce takes no amount: a payment takes all that is due, or, with store credit or a certificate, what is left on
/// it. One that was to take less than that is not sent.
pub(in crate::saga) fn expected(cx: &StepContext) -> Result<(), Verdict> {
    let intent = cx.checkout.input.payment.as_ref();
    let amount = intent.filter(|intent| !intent.may_pay_a_part()).and_then(|intent| intent.amount);
    match (amount, cx.checkout.facts.due(), cx.checkout.facts.order.as_ref()) {
        (Some(amount), Some(due), Some(order)) if due.compare(amount, &order.currency).is_gt() => {
            Err(Verdict::TotalChanged { agreed: amount, total: due, order_removed: false })
        }
        _ => Ok(()),
    }
}

/// Before another payment is sent: nothing that it would take was charged already. Answers with what is listed.
pub(in crate::saga) async fn not_paid_yet(
    cx: &mut StepContext,
    id: OrderId,
) -> Result<Vec<Transaction>, Verdict> {
    let order = cx.order_there(id).await?;
    let transactions = cx.read_transactions(id).await?;
    let refunds = cx.read_refunds(&order, &transactions).await?;
    let verified = cx.checkout.facts.order.as_ref().is_some_and(|order| order.verified);
    cx.facts().order = Some(order_facts(&order, verified));
    let weighed = Weighed::of(&order, &transactions, &refunds);
    decided(cx, weighed.judgment, weighed.returned)?;
    Ok(transactions)
}

/// It was charged or authorized, and voided or refunded since: nothing is held, and nothing is paid.
pub(in crate::saga) fn given_back(cx: &mut StepContext) -> Verdict {
    let facts = cx.facts();
    facts.parts.clear();
    let title = "The payment was voided or refunded".to_owned();
    let decline = Decline { code: None, title };
    if let Some(payment) = facts.payment.as_mut() {
        payment.status = PaymentStatus::GivenBack;
        payment.decline = None;
    }
    if let Some(dead) = facts.order.take_if(|order| order.status_id != 0) {
        facts.abandoned_orders.push(dead.id);
    }
    Verdict::Declined(decline)
}

/// An answer says that it succeeded, and not how much it took. A card takes all that its token names; store credit and
/// certificates take what is left on them, and what is paid in parts has to add up.
pub(in crate::saga) async fn by_amount(cx: &mut StepContext) -> Verdict {
    let parts = cx.checkout.facts.paid() != Money::ZERO;
    let partly = cx.checkout.input.payment.as_ref().is_none_or(PaymentIntent::may_pay_a_part);
    if !parts && !partly {
        return Verdict::Paid;
    }
    let doubt = |cx: &mut StepContext, why: &str| {
        if let Some(payment) = cx.facts().payment.as_mut() {
            payment.status = PaymentStatus::Processing;
        }
        Verdict::Unknown { why: format!("process-payment: it succeeded, and {why}") }
    };
    let checkpoint = match checkpoint(cx) {
        Ok(checkpoint) => checkpoint,
        Err(verdict) => return verdict,
    };
    match look(cx, &checkpoint).await {
        Ok(judgment @ (Judgment::Whole { .. } | Judgment::Part { .. } | Judgment::More { .. })) => {
            match judged(cx, judgment, &checkpoint) {
                Finding::Ended(verdict) => verdict,
                _ => doubt(cx, "how much it took is not known"),
            }
        }
        Ok(_) => doubt(cx, "BigCommerce does not show how much it took yet"),
        Err(_) => doubt(cx, "how much it took cannot be read"),
    }
}

/// BigCommerce: Awaiting Fulfillment, where an order goes by itself once it is paid.
const PLACED: i64 = 11;

/// An order of 0 has nothing to be charged, so that no token is made and no instrument is sent: it is placed by its
/// status. Repeatable. BigCommerce documents no other way.
pub(in crate::saga) async fn nothing_to_pay(cx: &mut StepContext) -> Verdict {
    match placed_without_payment(cx).await {
        Ok(()) => Verdict::Paid,
        Err(verdict) => verdict,
    }
}

async fn placed_without_payment(cx: &mut StepContext) -> Result<(), Verdict> {
    let id = cx.order_id()?;
    let again = |why: String| Verdict::Retry { after: None, why };
    let order = cx.order_there(id).await?;
    let facts = order_facts(&order, true);
    let is_free = facts.total == Some(Money::ZERO) && !order.is_deleted;
    cx.facts().order = Some(facts);
    if !is_free {
        return Err(again(format!("order {id} costs something now")));
    }
    if cx.checkout.facts.hand_off.is_some() {
        cx.not_paid_elsewhere().await?;
    }
    if order.status_id == 0 {
        cx.still_held()?;
        let body = serde_json::json!({"status_id": PLACED});
        let updated = cx.client.orders(&cx.call).update(id, &body).await;
        let order = cx.read("update-order", updated)?.value;
        cx.facts().order = Some(order_facts(&order, true));
    } else if !matches!(order.status_id, 2 | 3 | 8 | 9 | 10 | 11) {
        return Err(Verdict::Stuck {
            reason: StuckReason::OrderNotPayable,
            detail: format!("order {id} costs nothing and is {} (status {})", order.status, order.status_id),
        });
    }
    processing(cx)?;
    if let Some(payment) = cx.facts().payment.as_mut() {
        payment.status = PaymentStatus::Succeeded;
    }
    Ok(())
}
