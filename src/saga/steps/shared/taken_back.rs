//! The way back from the payment: before anything is changed that an unpaid order was made of, the order goes.
//!
//! Guarantees: only an order of which BigCommerce shows no money, by its amounts and by the list of its transactions, and whose
//! cart is still there, is canceled. What holds money, or may, is kept as it is, and the change is not made. It is repeatable,
//! and what was taken back is watched like every order that was given up (`revived`).

use crate::bigcommerce::OrderId;
use crate::saga::judge::Judgment;
use crate::saga::step::{StepContext, Verdict};
use crate::saga::steps::shared::others::OVER;
use crate::saga::steps::shared::rest::{Rest, look_at_rest};

impl StepContext {
    /// Cancels the unpaid order of this checkout, if it has one. `Err`: nothing may be changed.
    pub(in crate::saga) async fn take_order_back(&mut self) -> Result<(), Verdict> {
        let Some(id) = self.checkout.facts.order.as_ref().and_then(|order| OrderId::new(order.id)) else {
            return Ok(());
        };
        if self.checkout.payment_in_doubt() || !self.checkout.facts.parts.is_empty() {
            return Err(Verdict::Reopened);
        }
        self.none_revived().await?;
        if self.checkout.facts.hand_off.is_some() {
            self.not_paid_elsewhere().await?;
        }
        let order = self.order_there(id).await?;
        // Incomplete is a word, and may be an old one: what was taken is listed, and weighed.
        match self.weigh(&order).await?.judgment {
            whole @ Judgment::Whole { .. } => return Err(self.paid_after_all(&order, whole).await),
            Judgment::Nothing | Judgment::Declined { .. } => {}
            _ => return Err(self.is_kept().await),
        }
        let over = order.is_deleted || OVER.contains(&order.status_id);
        if !over && order.status_id != 0 {
            // Somebody moved it on.
            return Err(self.is_kept().await);
        }
        if !over {
            self.cancel_unpaid(id).await?;
        }
        tracing::info!(checkout_id = %self.checkout.id, order_id = %id, "the unpaid order is taken back: its checkout is changed");
        let facts = self.facts();
        facts.order = None;
        facts.abandoned_orders.push(id.get());
        facts.may_show_late = true;
        Ok(())
    }

    /// The order stands. What others did to it is found out as for any checkout at rest, so that it is shown.
    async fn is_kept(&mut self) -> Verdict {
        match look_at_rest(self).await {
            Ok(Rest::AsItWas | Rest::Changed) => Verdict::Reopened,
            Ok(Rest::Paid) => self.paid_once(Verdict::Paid).await,
            Ok(Rest::Stuck(reason, detail)) => Verdict::Stuck { reason, detail },
            Err(verdict) => verdict,
        }
    }
}
