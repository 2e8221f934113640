//! What somebody took away: the order that was to be paid, and the cart that was to be ordered. Not seen once is not gone: two
//! witnesses say so, and what may hold money is for a person.

use std::time::Duration;

use crate::bigcommerce::OrderId;
use crate::bigcommerce::orders::Order;
use crate::checkout::{Flow, StepName, StuckReason};
use crate::saga::order_lookup::OrderLookup;
use crate::saga::step::{StepContext, Verdict};

impl StepContext {
    /// Reads the order of this checkout, which was there before.
    pub(in crate::saga) async fn order_there(&mut self, id: OrderId) -> Result<Order, Verdict> {
        let Some(order) = self.read_order(id).await? else { return Err(self.order_gone(id).await) };
        self.facts().order_gone_since = None;
        Ok(order)
    }

    /// The order of this checkout is not found by its number. It is buried, and another one is made, once it has not been
    /// found for the settle window, the list of orders does not show it either, and nothing shows that money was paid for it.
    pub(in crate::saga) async fn order_gone(&mut self, id: OrderId) -> Verdict {
        let now = self.clock.now();
        let since = *self.facts().order_gone_since.get_or_insert(now);
        match self.no_trace_of(id).await {
            Ok(true) => {}
            Ok(false) => {
                return Verdict::Retry {
                    after: None,
                    why: format!("order {id} cannot be read, and is listed"),
                };
            }
            Err(verdict) => return verdict,
        }
        let waited = Duration::try_from(now - since).unwrap_or_default();
        let left = self.timing.settle.saturating_sub(waited);
        if !left.is_zero() {
            return Verdict::Wait { after: left, why: format!("order {id} cannot be read") };
        }
        tracing::warn!(checkout_id = %self.checkout.id, order_id = %id, "the order is gone: another one is made");
        let facts = self.facts();
        facts.order = None;
        facts.order_gone_since = None;
        facts.may_show_late = true;
        facts.abandoned_orders.push(id.get());
        Verdict::Retry { after: Some(Duration::ZERO), why: format!("order {id} is gone") }
    }

    /// Whether neither a list nor a transaction knows the order. `Err`: money was, or may have been, paid for it.
    pub(in crate::saga) async fn no_trace_of(&mut self, id: OrderId) -> Result<bool, Verdict> {
        let stuck = |why: &str| Verdict::Stuck {
            reason: StuckReason::OrderNotPayable,
            detail: format!("order {id} is gone, and {why}"),
        };
        if !self.checkout.facts.parts.is_empty() {
            return Err(stuck("a part of it was paid"));
        }
        let transactions = self.read_transactions(id).await?;
        if transactions.iter().any(|transaction| transaction.status != "error") {
            return Err(stuck("a payment of it is listed"));
        }
        let Some(lookup) = OrderLookup::of(&self.checkout) else { return Err(stuck("it has no cart")) };
        // The list is asked whether it knows this order: that it does not is no sign of a list that lags behind.
        let known = self.checkout.facts.order.take();
        let listed = self.list_orders(&lookup).await;
        self.facts().order = known;
        let listed = listed?;
        self.none_placed(&listed.orders).await?;
        Ok(listed.is_whole && listed.orders.iter().all(|order| order.id != id))
    }

    /// A step that was refused because its cart is gone: it was paid elsewhere, which is taken over, or there is nothing to go
    /// on with. Every other verdict stays as it is.
    pub(in crate::saga) async fn or_cart_gone(&mut self, step: StepName, verdict: Verdict) -> Verdict {
        let refused = matches!(&verdict, Verdict::Rejected(refused) if refused.status == 404);
        let about_cart = self.checkout.flow == Flow::Cart
            && !matches!(step, StepName::Cart | StepName::Payment | StepName::Cancel);
        let facts = &self.checkout.facts;
        if !refused || !about_cart || facts.cart_id.is_none() || facts.order.is_some() {
            return verdict;
        }
        let found =
            if facts.hand_off.is_some() { self.not_paid_elsewhere().await } else { self.unordered().await };
        match found {
            Err(later @ (Verdict::Retry { .. } | Verdict::Wait { .. })) => later,
            // What was refused before may be corrected; what is not known of the cart is asked the next time.
            Err(_) => verdict,
            Ok(()) if self.checkout.facts.cart_gone_since.is_none() => verdict,
            Ok(()) => {
                tracing::warn!(checkout_id = %self.checkout.id, %step, "the cart is gone, and was not ordered");
                self.facts().may_show_late = true;
                self.checkout.input.edit = None;
                Verdict::CartGone
            }
        }
    }

    /// Nobody but us knew the number of the cart: both witnesses are asked once.
    pub(in crate::saga) async fn unordered(&mut self) -> Result<(), Verdict> {
        if self.look_at_cart().await? {
            return Ok(());
        }
        let listed = self.list_orders(&OrderLookup::Cart(self.cart_id()?)).await?;
        self.none_placed(&listed.orders).await?;
        let unproven =
            || Verdict::Retry { after: None, why: "the list of orders is of something else".to_owned() };
        listed.is_whole.then_some(()).ok_or_else(unproven)
    }
}
