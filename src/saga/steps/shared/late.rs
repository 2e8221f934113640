//! The look after the end: what may be listed late is an order of ours that nobody touched, which is archived, or one that
//! was paid, which is shown.

use super::duplicate_orders::Listed;
use super::held::ELSEWHERE;
use super::others::{OVER, is_clear};
use super::read::{Weighed, named, order_facts};
use crate::bigcommerce::OrderId;
use crate::checkout::{Money, OrderFacts, PaymentFacts, PaymentStatus, Status, StuckReason};
use crate::saga::judge::Judgment;
use crate::saga::order_lookup::OrderLookup;
use crate::saga::step::{StepContext, Verdict};
use crate::saga::steps::hand_off::{HOSTED, adopt, placed};

/// What a look after the end found.
pub(in crate::saga) enum Late {
    /// Nothing that was not known.
    Nothing,
    /// An order that is not paid yet, or something that others may still put right: look again.
    Settling,
    /// It was paid after all; the order is taken over.
    Paid,
    /// It holds money that is for a person: it was paid here and elsewhere, more is held than it costs, or what was undone is
    /// paid in part.
    Stuck(StuckReason, String),
    /// It was paid twice, and is paid once by now: the rest was given back.
    Once {
        /// `purchase` or `authorization`.
        kind: String,
        /// The latest transaction that took money, where one is listed.
        transaction_id: Option<String>,
    },
    /// What nobody could find shows by now: it is gone on with.
    Again,
}

/// Looks at a checkout that has ended, or that waits for a person. What may be listed late is an order of ours that nobody
/// touched, which is archived, or one that was paid.
pub(in crate::saga) async fn look_late(cx: &mut StepContext) -> Result<Late, Verdict> {
    if cx.checkout.stuck.as_ref().is_some_and(|stuck| stuck.reason == StuckReason::OrderNotPayable) {
        // It was not clear what was paid for the order.
        return Ok(if is_clear(cx).await? { Late::Again } else { Late::Settling });
    }
    let Some(lookup) = OrderLookup::of(&cx.checkout) else { return Ok(Late::Nothing) };
    let listed = cx.list_orders(&lookup).await?;
    match cx.checkout.status {
        Status::Stuck => put_right(cx, &listed).await,
        _ => ended(cx, listed).await,
    }
}

/// Of what was stuck: whether it may go on without a person.
async fn put_right(cx: &mut StepContext, listed: &Listed) -> Result<Late, Verdict> {
    let reason = cx.checkout.stuck.as_ref().map(|stuck| stuck.reason);
    if reason == Some(StuckReason::OrderUnknown) {
        let shows = listed.orders.iter().any(|order| cx.is_ours(order));
        return Ok(if shows { Late::Again } else { Late::Settling });
    }
    let ours = cx.checkout.facts.order.as_ref().map(|order| order.id);
    if placed(cx, &listed.orders, ours).await?.is_some() {
        return Ok(Late::Settling);
    }
    match cx.none_revived().await {
        Ok(()) => {}
        // The other one was given back: what was given up before is the order that is paid.
        Err(Verdict::Paid) => return Ok(once(cx)),
        Err(Verdict::Stuck { .. }) => return Ok(Late::Settling),
        Err(verdict) => return Err(verdict),
    }
    let own = own(cx, listed).await?;
    let over = |order: &OrderFacts| OVER.contains(&order.status_id);
    let is_over = cx.checkout.facts.order.as_ref().is_some_and(over);
    let undoing = matches!(reason, Some(StuckReason::UndoFailed | StuckReason::CancelFoundPaid));
    let others_paid = matches!(reason, Some(StuckReason::CancelFoundPaid | StuckReason::SurplusOrderPaid));
    let nothing_left = others_paid && cx.checkout.facts.order.is_none();
    Ok(match own {
        // The refund shows by now, or somebody gave the money back.
        Some((_, Judgment::GivenBack)) if undoing => Late::Again,
        _ if reason == Some(StuckReason::UndoFailed) => Late::Settling,
        // A merchant is to move it on, or to give the money back.
        Some((_, Judgment::Whole { .. })) if is_over && others_paid => Late::Settling,
        Some((_, Judgment::Whole { kind, transaction_id })) => {
            Late::Once { kind: kind.to_owned(), transaction_id }
        }
        // The other order was given back, and ours is still to be paid.
        Some((_, Judgment::Nothing)) if reason == Some(StuckReason::SurplusOrderPaid) && listed.is_whole => {
            Late::Again
        }
        // No order is left, and none holds money any more.
        None if nothing_left && listed.is_whole => Late::Again,
        _ => Late::Settling,
    })
}

/// Paid by the order that was taken over just now.
fn once(cx: &StepContext) -> Late {
    let payment = cx.checkout.facts.payment.clone();
    let (kind, transaction_id) =
        payment.map_or((None, None), |payment| (payment.transaction_type, payment.transaction_id));
    Late::Once { kind: kind.unwrap_or_else(|| "purchase".to_owned()), transaction_id }
}

/// Our order and what its money is, as BigCommerce shows it now.
async fn own(cx: &mut StepContext, listed: &Listed) -> Result<Option<(Money, Judgment)>, Verdict> {
    let Some(id) = cx.checkout.facts.order.as_ref().and_then(|order| OrderId::new(order.id)) else {
        return Ok(None);
    };
    let order = match listed.orders.iter().find(|order| order.id == id) {
        Some(order) => Some(order.clone()),
        None => cx.read_order(id).await?,
    };
    let Some(order) = order else { return Ok(None) };
    let judgment = cx.weigh(&order).await?.judgment;
    let known = cx.checkout.facts.order.as_ref();
    let (cost, verified) = (known.and_then(|order| order.total), known.is_some_and(|order| order.verified));
    let facts = order_facts(&order, verified);
    let costs = [cost, facts.total].into_iter().flatten().max_by(|a, b| a.decimal().cmp(&b.decimal()));
    cx.facts().order = Some(facts);
    // Where no cost can be read the judge cannot tell, and whatever is held is more than nothing: for a person.
    Ok(Some((costs.unwrap_or_default(), judgment)))
}

/// Of what has ended.
async fn ended(cx: &mut StepContext, listed: Listed) -> Result<Late, Verdict> {
    let completed = cx.checkout.status == Status::Completed;
    let paid = |payment: &PaymentFacts| {
        matches!(payment.status, PaymentStatus::Succeeded | PaymentStatus::GivenBack)
    };
    // What was paid and is not any more was given back.
    let known = completed || cx.checkout.facts.payment.as_ref().is_some_and(paid);
    let ours = cx.checkout.facts.order.as_ref().map(|order| order.id);
    match cx.none_revived().await {
        Ok(()) => {}
        Err(Verdict::Paid) => return Ok(Late::Paid),
        Err(Verdict::Stuck { reason, detail }) => return Ok(Late::Stuck(reason, detail)),
        Err(verdict) => return Err(verdict),
    }
    if let Some((order, Weighed { judgment, held, .. })) =
        placed(cx, &listed.orders, ours.filter(|_| known)).await?
    {
        let currency = order.currency.clone().unwrap_or_default();
        if let (true, Some(ours)) = (completed, ours) {
            let paid = cx.checkout.facts.order.as_ref().and_then(|order| order.total).unwrap_or_default();
            cx.facts().held = Some(Money::from(paid.decimal() + held.decimal()).at_precision_of(&currency));
            let (paid, held) = (paid.shown(&currency), held.shown(&currency));
            let how = match judgment {
                Judgment::Whole { .. } | Judgment::More { .. } | Judgment::Part { .. } => "paid",
                _ => "being paid",
            };
            let detail = format!(
                "order {ours} was paid here with {paid} {currency}, and {} of the same cart is {how} as well: {held} \
                 {currency} are held for it",
                named(&order)
            );
            return Ok(Late::Stuck(StuckReason::PaidTwice, detail));
        }
        match judgment {
            // We canceled it before its payment showed: nobody ships it unless a person moves it on.
            Judgment::Whole { .. } if OVER.contains(&order.status_id) => {
                let held = held.shown(&currency);
                let detail = format!("{held} {currency} were paid for order {}, which is canceled", order.id);
                adopt(cx, &order, judgment, ELSEWHERE.instrument);
                return Ok(Late::Stuck(StuckReason::CancelFoundPaid, detail));
            }
            Judgment::Whole { .. } => {}
            Judgment::Part { .. } | Judgment::More { .. } => {
                let held = held.shown(&currency);
                let detail =
                    format!("{held} {currency} were paid for order {} after it was undone", order.id);
                return Ok(Late::Stuck(StuckReason::CancelFoundPaid, detail));
            }
            _ => return Ok(Late::Settling),
        }
        if let Some(ended) = ours.filter(|id| *id != order.id.get()) {
            cx.facts().abandoned_orders.push(ended);
        }
        adopt(cx, &order, judgment, HOSTED);
        return Ok(Late::Paid);
    }
    if completed && let Some((costs, Judgment::More { paid })) = own(cx, &listed).await? {
        let order = cx.checkout.facts.order.as_ref();
        let currency = order.map_or_else(String::new, |order| order.currency.clone());
        // What a merchant made cheaper after it was paid was not paid twice.
        if paid.compare(costs, &currency).is_gt() {
            cx.facts().held = Some(paid.at_precision_of(&currency));
            let (held, costs) = (paid.shown(&currency), costs.shown(&currency));
            let detail = format!("{held} {currency} are held for the order, which costs {costs}");
            return Ok(Late::Stuck(StuckReason::PaidTwice, detail));
        }
    }
    for order in &listed.orders {
        let is_surplus = Some(order.id.get()) != ours && order.is_untouched() && cx.is_ours(order);
        let transactions = if is_surplus { cx.read_transactions(order.id).await? } else { continue };
        if transactions.iter().all(|transaction| transaction.status == "error") {
            tracing::warn!(checkout_id = %cx.checkout.id, order_id = %order.id, "a surplus order that showed late is archived");
            cx.archive(order.id).await?;
        }
    }
    cx.archive_buried().await?;
    let unproven =
        || Verdict::Retry { after: None, why: "the list of orders is of something else".to_owned() };
    if listed.is_whole { Ok(Late::Nothing) } else { Err(unproven()) }
}
