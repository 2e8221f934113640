//! The look after the end: what may be listed late is an order of ours that nobody touched, which is archived, or one that
//! was paid, which is shown.

use super::super::judge::Judgement;
use super::super::step::{StepContext, Verdict};
use super::hand_off::{adopt, placed};
use super::surplus::Witness;
use crate::checkout::{Flow, PaymentFacts, PaymentStatus, Status};

/// What a look after the end found.
pub(in super::super) enum Late {
    /// Nothing that was not known.
    Nothing,
    /// An order that is not paid yet: look again.
    Settling,
    /// It was paid after all; the order is taken over.
    Paid,
    /// It was paid here and elsewhere.
    Twice(String),
}

/// Looks at a checkout that has ended. What may be listed late is an order of ours that nobody touched, which is archived, or
/// one that was paid.
pub(in super::super) async fn look_late(cx: &mut StepContext) -> Result<Late, Verdict> {
    let witness = match (cx.checkout.flow, &cx.checkout.facts.cart_id) {
        (Flow::DirectOrder, _) => Witness::External(cx.checkout.id.to_string()),
        (Flow::Cart, Some(cart_id)) => Witness::Cart(cart_id.clone()),
        (Flow::Cart, None) => return Ok(Late::Nothing),
    };
    let listed = cx.list_orders(&witness).await?;
    let completed = cx.checkout.status == Status::Completed;
    let paid = |payment: &PaymentFacts| payment.status == PaymentStatus::Succeeded;
    // What was paid and is not any more was given back.
    let known = completed || cx.checkout.facts.payment.as_ref().is_some_and(paid);
    let ours = cx.checkout.facts.order.as_ref().map(|order| order.id);
    if let Some((order, judgement)) = placed(&listed.orders, ours.filter(|_| known)) {
        let settling = judgement == Judgement::Pending;
        if let (true, Some(ours)) = (completed, ours) {
            let how = if settling { "being paid" } else { "paid" };
            let detail = format!(
                "order {ours} was paid here, and order {} of the same cart is {how} as well",
                order.id
            );
            return Ok(Late::Twice(detail));
        }
        if settling {
            return Ok(Late::Settling);
        }
        let order = order.clone();
        if let Some(ended) = ours.filter(|id| *id != order.id.get()) {
            cx.facts().dead_orders.push(ended);
        }
        adopt(cx, &order, judgement);
        return Ok(Late::Paid);
    }
    for order in &listed.orders {
        let is_surplus = Some(order.id.get()) != ours && order.is_untouched() && cx.is_ours(order);
        let transactions = if is_surplus { cx.read_transactions(order.id).await? } else { continue };
        if transactions.iter().all(|transaction| transaction.status == "error") {
            tracing::warn!(checkout_id = %cx.checkout.id, order_id = %order.id, "a surplus order that showed late is archived");
            cx.archive(order.id).await?;
        }
    }
    let unproven =
        || Verdict::Retry { after: None, why: "the list of orders is of something else".to_owned() };
    if listed.is_whole { Ok(Late::Nothing) } else { Err(unproven()) }
}
