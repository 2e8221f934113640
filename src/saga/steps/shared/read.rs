//! Reads that several steps share.

use crate::bigcommerce::OrderId;
use crate::bigcommerce::checkouts::Include;
use crate::bigcommerce::orders::{Order, Refund, Transaction};
use crate::checkout::{Document, Money, OrderFacts, Status, StuckReason};
use crate::saga::judge::{self, Account, Before, Judgment};
use crate::saga::step::{StepContext, Verdict, unread};

/// What the money of an order is.
pub(in crate::saga) struct Weighed {
    pub(in crate::saga) judgment: Judgment,
    /// How much is held, as far as it is listed or shown.
    pub(in crate::saga) held: Money,
    /// Whether something of it was given back.
    pub(in crate::saga) returned: bool,
    /// Whether it holds money, or may, although it was given up.
    pub(in crate::saga) may_hold: bool,
}

impl Weighed {
    pub(in crate::saga) fn of(order: &Order, transactions: &[Transaction], refunds: &[Refund]) -> Self {
        Self::after(order, transactions, refunds, &Before::default())
    }

    fn after(order: &Order, transactions: &[Transaction], refunds: &[Refund], before: &Before<'_>) -> Self {
        let judgment = judge::judge(order, transactions, refunds, before);
        let account = Account::of(order, transactions, refunds);
        // Some methods leave no transaction: then the words of the order say that all of it is paid.
        let held = match (&judgment, account.held()) {
            (Judgment::Whole { .. }, held) if held.is_zero() => order.total_inc_tax.unwrap_or_default(),
            (_, held) => held,
        };
        Self {
            may_hold: judge::may_hold(order, transactions, &judgment),
            judgment,
            held: Money::from(held),
            returned: account.voided || !account.refunded.is_zero(),
        }
    }
}

impl StepContext {
    /// Reads what was paid for an order, and judges it.
    pub(in crate::saga) async fn weigh(&mut self, order: &Order) -> Result<Weighed, Verdict> {
        let transactions = self.read_transactions(order.id).await?;
        let refunds = self.read_refunds(order, &transactions).await?;
        Ok(Weighed::after(order, &transactions, &refunds, &self.parts_of(order.id)))
    }

    /// The parts of this order that are to be given back. Whether the rest of an order may be paid of which a part was given back
    /// is for a person, so that they count only while it is undone.
    pub(in crate::saga) fn parts_of(&self, id: OrderId) -> Before<'static> {
        let facts = &self.checkout.facts;
        let ours = facts.order.as_ref().is_some_and(|order| order.id == id.get());
        let undone = ours && self.checkout.status == Status::Compensating;
        Before { parts: if undone { facts.paid() } else { Money::ZERO }, ..Before::default() }
    }

    /// Reads the checkout object and takes it over. `Ok(false)`: there is none any more.
    pub(in crate::saga) async fn read_checkout(&mut self) -> Result<bool, Verdict> {
        let cart_id = self.cart_id()?;
        let read = self.client.checkouts(&self.call).get(&cart_id, Include::ShippingOptions).await;
        match self.note("get-checkout", read) {
            Ok(answer) => {
                self.keep(Document::from_checkout(answer.value.raw));
                Ok(true)
            }
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(unread("get-checkout", error)),
        }
    }

    /// Reads an order. `None`: it is not there (any more, or not yet).
    pub(in crate::saga) async fn read_order(&mut self, id: OrderId) -> Result<Option<Order>, Verdict> {
        let read = self.client.orders(&self.call).get(id).await;
        match self.note("get-order", read) {
            Ok(answer) => Ok(Some(answer.value)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(unread("get-order", error)),
        }
    }

    /// Reads the transactions of an order.
    pub(in crate::saga) async fn read_transactions(
        &mut self,
        id: OrderId,
    ) -> Result<Vec<Transaction>, Verdict> {
        let read = self.client.orders(&self.call).transactions(id).await;
        match self.note("list-transactions", read) {
            Ok(answer) => Ok(answer.value),
            // BigCommerce: orders.v3 answers 204 or 404 when there is none.
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(unread("list-transactions", error)),
        }
    }

    /// Reads the refunds of an order, where the order or a transaction shows that there may be one.
    pub(in crate::saga) async fn read_refunds(
        &mut self,
        order: &Order,
        transactions: &[Transaction],
    ) -> Result<Vec<Refund>, Verdict> {
        if judge::may_be_refunded(order, transactions) {
            self.list_refunds(order.id).await
        } else {
            Ok(Vec::new())
        }
    }

    /// Reads the refunds of an order.
    pub(in crate::saga) async fn list_refunds(&mut self, id: OrderId) -> Result<Vec<Refund>, Verdict> {
        let read = self.client.orders(&self.call).refunds(id).await;
        match self.note("list-refunds", read) {
            Ok(answer) => Ok(answer.value),
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(unread("list-refunds", error)),
        }
    }

    /// The order of this checkout, as an id that can be sent.
    pub(in crate::saga) fn order_id(&self) -> Result<OrderId, Verdict> {
        let missing = || Verdict::Stuck {
            reason: StuckReason::OrderUnknown,
            detail: "the checkout has no order that could be paid".to_owned(),
        };
        self.checkout.facts.order.as_ref().and_then(|order| OrderId::new(order.id)).ok_or_else(missing)
    }
}

/// What store credit and gift certificates pay of it; `None` where they pay nothing.
fn credited(order: &Order) -> Option<rust_decimal::Decimal> {
    let shown = [order.store_credit_amount, order.gift_certificate_amount];
    let paid = shown.into_iter().flatten().filter(|paid| paid.is_sign_positive() && !paid.is_zero());
    paid.reduce(rust_decimal::Decimal::saturating_add)
}

/// What is kept of an order.
pub(in crate::saga) fn order_facts(order: &Order, verified: bool) -> OrderFacts {
    // Empty: it cannot be read, and nothing is paid for such an order.
    let currency = order.currency.clone().unwrap_or_default();
    OrderFacts {
        id: order.id.get(),
        status_id: order.status_id,
        status: order.status.clone(),
        payment_status: order.payment_status.clone(),
        total: order.total_inc_tax.map(|total| Money::from(total).at_precision_of(&currency)),
        credited: credited(order).map(|credited| Money::from(credited).at_precision_of(&currency)),
        currency,
        verified,
    }
}

/// An order and what it costs, in the words of a detail.
pub(in crate::saga) fn named(order: &Order) -> String {
    let currency = order.currency.as_deref().unwrap_or_default();
    match order.total_inc_tax {
        Some(total) => format!("order {} of {} {currency}", order.id, Money::from(total).shown(currency)),
        None => format!("order {}", order.id),
    }
}
