//! `order`: create the order from the cart. **Not repeatable**: BigCommerce makes as many orders of one cart as it is
//! asked for. The lookup is the list of orders by cart id.

use std::cmp::Ordering;
use std::time::Duration;

use async_trait::async_trait;

use super::shared::others::{OVER, holds_nothing};
use super::shared::read::order_facts;
use crate::bigcommerce::{Error, OrderId, Priority};
use crate::checkout::{Checkout, Document, Flow, Input, OrderFacts, StepName, StuckReason};
use crate::saga::operation::Operation;
use crate::saga::order_lookup::OrderLookup;
use crate::saga::step::{Finding, Step, StepContext, Verdict, refused, verdict};

/// See the module.
pub(super) struct Order;

/// What the last write answered this recently is not read again before the order.
const FRESH: Duration = Duration::from_secs(10);

#[async_trait]
impl Step for Order {
    fn name(&self) -> StepName {
        StepName::Order
    }

    fn is_ready(&self, _checkout: &Checkout) -> bool {
        true
    }

    fn take(&self, _input: &mut Input, operation: &Operation) -> bool {
        matches!(operation, Operation::Order { .. })
    }

    fn priority(&self) -> Priority {
        Priority::Order
    }

    fn must_be_reached(&self) -> bool {
        true
    }

    fn unknown_reason(&self) -> Option<StuckReason> {
        Some(StuckReason::OrderUnknown)
    }

    async fn execute(&self, cx: &mut StepContext) -> Result<Verdict, Verdict> {
        run(cx).await.map(|()| Verdict::Succeeded)
    }

    async fn reconcile(&self, cx: &mut StepContext) -> Finding {
        let cart_id = match cx.cart_id() {
            Ok(cart_id) => cart_id,
            Err(verdict) => return verdict.into(),
        };
        reconcile_order(cx, &OrderLookup::Cart(cart_id)).await
    }

    async fn compensate(&self, cx: &mut StepContext) -> Result<(), Verdict> {
        cx.cancel_order().await
    }
}

async fn run(cx: &mut StepContext) -> Result<(), Verdict> {
    let cart_id = cx.cart_id()?;
    let lookup = OrderLookup::Cart(cart_id.clone());
    let mut origin = Origin::Known;
    cx.none_revived().await?;
    if cx.checkout.facts.order.is_none() {
        origin = Origin::ThisAttempt;
        before_order(cx).await?;
        if let Some(found) = hinted(cx, &lookup).await? {
            cx.facts().order = Some(found);
        } else {
            cx.still_held()?;
            let created = cx.client.checkouts(&cx.call).create_order(&cart_id).await;
            let id = match cx.note("create-order", created) {
                Ok(answer) => answer.value,
                // Stock or quantity (BigCommerce documents no version here): a refusal, not a race.
                Err(Error::Moved(rejection)) => {
                    return Err(not_made(cx, Verdict::Rejected(refused(&rejection))).await);
                }
                Err(error) if error.is_not_found() => {
                    cx.not_paid_elsewhere().await?;
                    return Err(verdict("create-order", error));
                }
                Err(error) => return Err(not_made(cx, verdict("create-order", error)).await),
            };
            cx.facts().order = Some(new_order(id));
        }
    }
    verify(cx, &lookup, origin).await
}

/// A refusal gives its cause in words. Where the consignments no longer hold what is in the cart, they come first again.
async fn not_made(cx: &mut StepContext, verdict: Verdict) -> Verdict {
    let refused = matches!(verdict, Verdict::Rejected(_));
    if refused && cx.read_checkout().await == Ok(true) && !cx.checkout.facts.holds_all_units() {
        return Verdict::Reopened;
    }
    verdict
}

/// Reads the checkout again, unless the last write just answered it, and makes sure that an order of it is what the
/// shopper wants.
async fn before_order(cx: &mut StepContext) -> Result<(), Verdict> {
    let goal = cx.checkout.goal.as_ref();
    let in_one_call = goal.is_some_and(|goal| goal.until == StepName::Payment);
    let fresh = cx.attempt.attempt == 1
        && in_one_call
        && cx.checkout.facts.document_at.is_some_and(|at| cx.clock.now() - at < FRESH);
    // What may be ordered elsewhere is ordered here only once both witnesses say that it was not.
    let gone = if cx.checkout.facts.hand_off.is_some() {
        cx.note_others().await?;
        cx.not_paid_elsewhere().await?;
        cx.checkout.facts.cart_gone_since.is_some()
    } else {
        !fresh && !cx.read_checkout().await?
    };
    if gone {
        cx.not_paid_elsewhere().await?;
        return Err(Verdict::Rejected(crate::checkout::UpstreamRejection {
            status: 404,
            title: "The cart is no longer there: it expired, or was deleted".to_owned(),
            errors: Vec::new(),
        }));
    }
    let document = cx.checkout.facts.document.as_ref();
    let ready = cx.checkout.facts.holds_all_units() && document.is_some_and(Document::options_selected);
    if !ready {
        return Err(Verdict::Reopened);
    }
    within_agreement(cx, document.and_then(Document::grand_total))
}

/// Guarantee 1: never above the total that the shopper agreed to.
pub(super) fn within_agreement(
    cx: &StepContext,
    total: Option<crate::checkout::Money>,
) -> Result<(), Verdict> {
    let Some(agreed) = cx.checkout.goal.as_ref().and_then(|goal| goal.agreed_total) else { return Ok(()) };
    // What cannot be read is not within anything.
    let unreadable = |what: &str| Verdict::Stuck {
        reason: StuckReason::TotalMismatch,
        detail: format!("the total that was agreed to cannot be compared: {what} cannot be read"),
    };
    let total = total.ok_or_else(|| unreadable("what is due"))?;
    let currency = currency(&cx.checkout).ok_or_else(|| unreadable("its currency"))?;
    if total.compare(agreed, currency) == Ordering::Greater {
        return Err(Verdict::TotalChanged { agreed, total, order_removed: false });
    }
    Ok(())
}

fn currency(checkout: &Checkout) -> Option<&str> {
    let facts = &checkout.facts;
    let of_order = || facts.order.as_ref().map(|order| &*order.currency).filter(|code| !code.is_empty());
    facts.document.as_ref().and_then(Document::currency).or_else(of_order)
}

/// The checkout names an order that is not one of ours: a weak hint that an earlier answer was lost.
async fn hinted(cx: &mut StepContext, lookup: &OrderLookup) -> Result<Option<OrderFacts>, Verdict> {
    let hint = cx.checkout.facts.document.as_ref().and_then(Document::order_hint);
    if hint.is_none_or(|id| cx.checkout.facts.abandoned_orders.contains(&id)) {
        return Ok(None);
    }
    let orders = cx.list_orders(lookup).await?.orders;
    cx.none_placed(&orders).await?;
    Ok(orders.iter().find(|order| cx.is_ours(order)).map(|order| order_facts(order, false)))
}

fn new_order(id: OrderId) -> OrderFacts {
    OrderFacts {
        id: id.get(),
        status_id: 0,
        status: "Incomplete".to_owned(),
        payment_status: String::new(),
        total: None,
        credited: None,
        currency: String::new(),
        verified: false,
    }
}

/// Where the order that is verified comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was recorded before, or found by looking.
    Known,
    /// This attempt made it, and nothing is recorded yet.
    ThisAttempt,
}

/// After the order: its twins are archived, and its total is the checkout's. What fails here is tried again; the order
/// is already known, so it is never made twice.
///
/// A process that was frozen may have lost its lease by now, and its successor may have made and recorded an order. So
/// an order of this attempt gives way to an older one: the twin that is archived must be the same one for both.
pub(super) async fn verify(
    cx: &mut StepContext,
    lookup: &OrderLookup,
    origin: Origin,
) -> Result<(), Verdict> {
    let mut id = cx.order_id()?;
    let orders = cx.list_orders(lookup).await?.orders;
    if origin == Origin::ThisAttempt
        && let Some(older) =
            orders.iter().find(|order| order.is_untouched() && cx.is_ours(order) && order.id < id)
    {
        id = older.id;
    }
    let order = match orders.iter().find(|order| order.id == id) {
        Some(order) => order.clone(),
        // The list lags behind: ask for the order itself.
        None => cx.order_there(id).await?,
    };
    cx.facts().order = Some(order_facts(&order, false));
    cx.none_placed(&orders).await?;
    cx.archive_others(&orders, id).await?;
    if let Err(verdict) = total_fits(cx, &order).await {
        // Nothing is paid that the shopper did not see: the order goes, and a new one can be made.
        if let Verdict::TotalChanged { agreed, total, .. } = verdict {
            cx.archive(id).await?;
            cx.facts().abandoned_orders.push(id.get());
            cx.facts().order = None;
            if cx.read_checkout().await != Ok(true) {
                // What is shown is old: the next order reads it first.
                cx.facts().document_at = None;
            }
            return Err(Verdict::TotalChanged { agreed, total, order_removed: true });
        }
        return Err(verdict);
    }
    if let Some(facts) = cx.facts().order.as_mut() {
        facts.verified = true;
    }
    Ok(())
}

async fn total_fits(cx: &mut StepContext, order: &crate::bigcommerce::orders::Order) -> Result<(), Verdict> {
    let mismatch = |detail: String| Verdict::Stuck { reason: StuckReason::TotalMismatch, detail };
    let Some(total) = order.total_inc_tax.map(crate::checkout::Money::from) else {
        return Err(mismatch(format!("the total of order {} cannot be read", order.id)));
    };
    // What its payment is compared with: an amount without a currency is none.
    let Some(currency) = order.currency.clone() else {
        return Err(mismatch(format!("the currency of order {} cannot be read", order.id)));
    };
    within_agreement(cx, Some(total))?;
    let Some(document) = cx.checkout.facts.document.as_ref() else { return Ok(()) };
    let same = |document: Option<&Document>| {
        document
            .and_then(Document::grand_total)
            .is_some_and(|shown| shown.compare(total, &currency) == Ordering::Equal)
    };
    if same(Some(document)) {
        return Ok(());
    }
    // The cart was changed between the last look and the order: look again, and agree again.
    if cx.read_checkout().await? && same(cx.checkout.facts.document.as_ref()) {
        return Ok(());
    }
    // Somebody edited the order. What it costs now is what the shopper is shown and has to agree to before it is paid.
    tracing::warn!(checkout_id = %cx.checkout.id, order_id = %order.id, "the order costs something else than its checkout");
    Ok(())
}

/// The list does not show an order. Before another one is made, the checkout is asked as well: it names the order that was
/// made of it, if BigCommerce says so at all. Not seen in a list that shows other things is not absent.
async fn absent(cx: &mut StepContext, is_whole: bool) -> Finding {
    let after = cx.timing.quiet;
    if !is_whole {
        return Finding::StillUnknown { after, failed: true, settling: false };
    }
    if cx.checkout.flow == Flow::DirectOrder {
        return Finding::Absent;
    }
    match cx.read_checkout().await {
        Ok(true) => {}
        // There is nothing that could be ordered again.
        Ok(false) => return Finding::Absent,
        Err(verdict) => return Finding::of_failed_look(verdict),
    }
    let named = cx.checkout.facts.document.as_ref().and_then(Document::order_hint);
    let facts = &cx.checkout.facts;
    let strange = |id: &i64| !facts.abandoned_orders.contains(id) && !facts.orders_of_others.contains(id);
    let Some(id) = named.filter(strange).and_then(OrderId::new) else { return Finding::Absent };
    match cx.read_order(id).await {
        // Somebody else's, over, or not there.
        Ok(Some(order)) if order.is_deleted || !cx.is_ours(&order) => Finding::Absent,
        Ok(Some(order)) if OVER.contains(&order.status_id) => match holds_nothing(cx, &order).await {
            Ok(true) => Finding::Absent,
            Ok(false) => Finding::StillUnknown { after, failed: true, settling: false },
            Err(verdict) => Finding::of_failed_look(verdict),
        },
        Ok(None) => Finding::Absent,
        // The list hides it. It may hide others, too.
        Ok(Some(_)) => Finding::StillUnknown { after, failed: true, settling: false },
        Err(verdict) => Finding::of_failed_look(verdict),
    }
}

/// Whether a create-order whose answer was lost made an order. An absent one is believed only after the longest call and the
/// settle window, because the call may still be on its way, and how far BigCommerce's list lags behind is not documented.
pub(super) async fn reconcile_order(cx: &mut StepContext, lookup: &OrderLookup) -> Finding {
    if cx.checkout.facts.order.is_some() {
        // The order is known: only its verification was lost.
        return Finding::Absent;
    }
    let listed = match cx.list_orders(lookup).await {
        Ok(listed) => listed,
        Err(verdict) => return Finding::of_failed_look(verdict),
    };
    let Some(lowest) = listed.orders.iter().find(|order| cx.is_ours(order)) else {
        let quiet = cx.timing.quiet;
        let waited = cx
            .attempt
            .unknown_since
            .map_or(Duration::ZERO, |since| Duration::try_from(cx.clock.now() - since).unwrap_or_default());
        let remaining = quiet.saturating_sub(waited);
        if cx.attempt.unknown_since.is_some() && remaining.is_zero() {
            return absent(cx, listed.is_whole).await;
        }
        let after = remaining.min((quiet / 6).max(Duration::from_millis(50)));
        return Finding::StillUnknown { after, failed: false, settling: false };
    };
    cx.facts().order = Some(order_facts(lowest, false));
    match verify(cx, lookup, Origin::Known).await {
        Ok(()) => Verdict::Succeeded.into(),
        Err(verdict) => verdict.into(),
    }
}
