//! What is checked and noted of a payment before it is sent.

use super::super::step::{StepContext, Verdict};
use crate::bigcommerce::AccessToken;
use crate::checkout::{PaymentFacts, PaymentStatus, StuckReason, minor_units_match};

/// The token was made for this order, its total and its currency: what it says is what will be charged.
pub(super) fn fits_order(cx: &StepContext, token: &AccessToken) -> Result<(), Verdict> {
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
    match (claims.amount_minor, order.total) {
        (Some(minor), Some(total)) if !minor_units_match(total, minor, &order.currency) => {
            Err(mismatch("amount"))
        }
        _ => Ok(()),
    }
}

/// What is known of a payment that is being made.
pub(super) fn processing(cx: &mut StepContext) {
    let intent = cx.checkout.input.payment.clone();
    let order = cx.checkout.facts.order.as_ref();
    let payment = PaymentFacts {
        status: PaymentStatus::Processing,
        transaction_id: None,
        transaction_type: None,
        amount: order.and_then(|order| order.total),
        currency: order.map(|order| order.currency.clone()).unwrap_or_default(),
        payment_method_id: intent.as_ref().map(|intent| intent.payment_method_id.clone()).unwrap_or_default(),
        instrument_type: intent.as_ref().map(|intent| intent.instrument_type.clone()).unwrap_or_default(),
        last_4: intent.and_then(|intent| intent.last_4),
        decline: None,
    };
    cx.facts().payment = Some(payment);
}
