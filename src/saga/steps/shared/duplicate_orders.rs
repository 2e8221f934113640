//! Orders of one cart: which is ours, and what becomes of the others.

use super::others::alive;
use super::read::{named, order_facts};
use crate::bigcommerce::OrderId;
use crate::bigcommerce::orders::{Filter, Order};
use crate::checkout::{Flow, StuckReason};
use crate::saga::judge::{Before, Judgment, judge};
use crate::saga::order_lookup::OrderLookup;
use crate::saga::step::{StepContext, Verdict, unread};

/// The orders of a checkout, as BigCommerce lists them.
pub(in crate::saga) struct Listed {
    /// Those that still count, the lowest id first.
    pub(in crate::saga) orders: Vec<Order>,
    /// Whether an order that is not among them is not there, as far as the list has come. A row of something else says that
    /// the filter was ignored, and then ours may stand on any page; and one that does not show the order that is known shows
    /// nothing, or nothing yet.
    pub(in crate::saga) is_whole: bool,
}

/// Rows of a page, and the pages that are read at most. One checkout never has so many orders.
pub(in crate::saga) const ROWS: usize = 50;
pub(in crate::saga) const PAGES: u32 = 4;

impl StepContext {
    /// The orders of this checkout.
    pub(in crate::saga) async fn list_orders(&mut self, lookup: &OrderLookup) -> Result<Listed, Verdict> {
        let mut rows = Vec::new();
        let (mut is_whole, mut is_ignored) = (false, false);
        for page in 1..=PAGES {
            let filter = Filter { page: (page > 1).then_some(page), ..lookup.filter() };
            let listed = self.client.orders(&self.call).list(&filter).await;
            let listed = self.read("list-orders", listed)?.value;
            let (last, fits) = (listed.len() < ROWS, listed.iter().all(|order| lookup.fits(order)));
            rows.extend(listed);
            if last || !fits {
                (is_whole, is_ignored) = (fits, !fits);
                break;
            }
        }
        // A cart that is gone was paid, or deleted: that no order of it is listed proves nothing yet.
        let proves_nothing = rows.is_empty() && self.checkout.facts.cart_gone_since.is_some();
        if is_ignored || proves_nothing {
            let newest = self.newest_orders(lookup, is_ignored).await?;
            is_whole &= newest.is_whole;
            rows.extend(newest.orders);
        }
        // A filter proves itself by showing the order that is known to be there.
        let known = self.checkout.facts.order.as_ref();
        is_whole &= known.is_none_or(|known| rows.iter().any(|order| order.id.get() == known.id));
        let dead = &self.checkout.facts.abandoned_orders;
        rows.retain(|order| lookup.fits(order) && !order.is_deleted && !dead.contains(&order.id.get()));
        rows.sort_unstable_by_key(|order| order.id);
        rows.dedup_by_key(|order| order.id);
        let mut orders = alive(self, rows).await?;
        for order in &mut orders {
            order.is_only_applied = self.is_only_applied(order).await?;
        }
        Ok(Listed { orders, is_whole })
    }

    /// Whether this checkout made an order: by its number, or by how it was made. The hosted page and other programs make
    /// orders of the same cart, and those are theirs.
    pub(in crate::saga) fn is_ours(&self, order: &Order) -> bool {
        let (facts, id) = (&self.checkout.facts, order.id.get());
        if facts.order.as_ref().is_some_and(|ours| ours.id == id) || facts.abandoned_orders.contains(&id) {
            return true;
        }
        self.is_made_here(order)
    }

    /// Whether it was made as this checkout makes its orders, whatever became of it.
    pub(in crate::saga) fn is_made_here(&self, order: &Order) -> bool {
        let (facts, id) = (&self.checkout.facts, order.id.get());
        if self.checkout.flow == Flow::DirectOrder {
            return true;
        }
        let source = match order.raw.get("order_source") {
            None | Some(serde_json::Value::Null) => "",
            // Said, and no text: whoever made it is not known, and what we did not make is left alone.
            Some(source) => source.as_str().unwrap_or("unreadable"),
        };
        // Nobody else knows the number of a cart that was made here and never handed over.
        let ours = source == MADE_BY_API || (source.is_empty() && facts.hand_off.is_none());
        ours && !facts.orders_of_others.contains(&id)
    }

    /// Archives every order of ours but this one. One that is paid, or may be, is for a person; one that is over stays as it
    /// is, and so does an unpaid one that somebody else made.
    pub(in crate::saga) async fn archive_others(
        &mut self,
        orders: &[Order],
        ours: OrderId,
    ) -> Result<(), Verdict> {
        for order in orders.iter().filter(|order| order.id != ours) {
            let transactions = self.read_transactions(order.id).await?;
            // A payment that was refused has taken no money.
            let refused = transactions.iter().all(|transaction| transaction.status == "error");
            // Refunded is a status that anybody may set; the word is BigCommerce's.
            if order.is_refunded() && (refused || order.payment_status == "refunded") {
                continue;
            }
            let over = OVER.contains(&order.status_id) && order.payment_status.is_empty();
            if refused && (over || (order.is_untouched() && !self.is_ours(order))) {
                continue;
            }
            if !order.is_untouched() || !refused {
                let own = orders.iter().find(|order| order.id == ours);
                let paid = own.is_some_and(|own| {
                    let judgment = judge(own, &[], &[], &Before::default());
                    matches!(judgment, Judgment::Whole { .. } | Judgment::More { .. })
                });
                let (reason, how) = if paid {
                    (StuckReason::PaidTwice, ", which is paid")
                } else {
                    (StuckReason::SurplusOrderPaid, "")
                };
                return Err(Verdict::Stuck {
                    reason,
                    detail: format!(
                        "{} was made from the same cart as order {ours}{how}, and is {} ({})",
                        named(order),
                        order.status,
                        order.payment_status
                    ),
                });
            }
            tracing::warn!(checkout_id = %self.checkout.id, order_id = %order.id, adopted = %ours, "a surplus order is archived");
            self.archive(order.id).await?;
        }
        Ok(())
    }

    /// Archives an order that was not paid. Repeatable, so an uncertain answer only means to do it again.
    pub(in crate::saga) async fn archive(&mut self, id: OrderId) -> Result<(), Verdict> {
        self.still_held()?;
        let archived = self.client.orders(&self.call).archive(id).await;
        match self.note("archive-order", archived) {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(unread("archive-order", error)),
        }
    }

    /// Cancels an order that was not paid (status 5). Repeatable.
    ///
    /// One that turns out to be paid in full, and exactly so, is not undone but done, as what was paid on the hosted page is
    /// ([`StepContext::undo_only_unpaid`]): the shopper holds what the money is for, nothing is charged or refunded by itself,
    /// and nobody has to be asked. An operator can still cancel it with a refund. Whatever is held otherwise, a part, more, or
    /// what settles, is for a person.
    pub(in crate::saga) async fn cancel_order(&mut self) -> Result<(), Verdict> {
        let Some(id) = self.checkout.facts.order.as_ref().and_then(|order| OrderId::new(order.id)) else {
            return Ok(());
        };
        let Some(order) = self.read_order(id).await? else {
            // Not found once is not gone, and what is gone may hold money: the list and the transactions are asked as well.
            let why = format!("order {id} cannot be read, and is listed");
            return if self.no_trace_of(id).await? {
                Ok(())
            } else {
                Err(Verdict::Retry { after: None, why })
            };
        };
        if order.is_deleted || order.status_id == CANCELLED {
            // Somebody took money for it all the same, or cancelled what was paid.
            let weighed = self.weigh(&order).await?;
            if weighed.may_hold {
                return Err(Verdict::Stuck {
                    reason: StuckReason::CancelFoundPaid,
                    detail: format!("{}, which is canceled or archived, holds money, or may", named(&order)),
                });
            }
            if weighed.judgment == Judgment::GivenBack {
                self.money_is_back();
            }
            return Ok(());
        }
        // Incomplete is a word, and may be an old one: what was taken is listed.
        let transactions = self.read_transactions(id).await?;
        let refunds = self.read_refunds(&order, &transactions).await?;
        let judgment = match judge(&order, &transactions, &refunds, &Before::default()) {
            Judgment::Part { .. } if self.is_only_applied(&order).await? => Judgment::Nothing,
            judgment => judgment,
        };
        if judgment == Judgment::GivenBack && order.status_id != 0 {
            // What was paid went back, and BigCommerce has closed it: Refunded, or Cancelled with a void.
            self.money_is_back();
            return Ok(());
        }
        if let whole @ Judgment::Whole { .. } = judgment {
            return Err(self.paid_after_all(&order, whole).await);
        }
        // One that somebody moved, and that holds no money, is undone like any other.
        if !matches!(judgment, Judgment::Nothing | Judgment::GivenBack | Judgment::Declined { .. }) {
            return Err(Verdict::Stuck {
                reason: StuckReason::CancelFoundPaid,
                detail: format!("order {id} is {} ({}), not Incomplete", order.status, order.payment_status),
            });
        }
        self.cancel_unpaid(id).await?;
        // Without a cart there is no second lookup: what others paid of it may show only now.
        self.facts().may_show_late |= self.checkout.flow == Flow::DirectOrder;
        Ok(())
    }
}

impl StepContext {
    /// Cancels an order of which it was just seen that it holds no money.
    pub(super) async fn cancel_unpaid(&mut self, id: OrderId) -> Result<(), Verdict> {
        // What the order shows may lag behind: BigCommerce deletes the cart of what was paid.
        self.cart_is_a_witness().await?;
        let body = serde_json::json!({"status_id": CANCELLED});
        self.still_held()?;
        let updated = self.client.orders(&self.call).update(id, &body).await;
        let order = self.read("update-order", updated)?.value;
        if let Some(facts) = self.checkout.facts.order.as_mut() {
            facts.status_id = order.status_id;
            facts.status = order.status;
        }
        Ok(())
    }

    /// Whether all that an order shows as paid is store credit and certificates that were applied to its cart in another place.
    /// BigCommerce takes them when the rest is paid: then they are listed. What no part of ours paid and what is not listed was
    /// not taken. What our own order shows has to be what it showed from the beginning as well.
    async fn is_only_applied(&mut self, order: &Order) -> Result<bool, Verdict> {
        let shown = order_facts(order, false).credited;
        let unpaid = order.status_id == 0 || OVER.contains(&order.status_id);
        let known =
            self.checkout.facts.order.as_ref().filter(|known| known.verified && known.id == order.id.get());
        let more = known.is_some_and(|known| known.credited != shown);
        if shown.is_none()
            || !unpaid
            || !order.payment_status.is_empty()
            || more
            || !self.checkout.facts.parts.is_empty()
        {
            return Ok(false);
        }
        let listed = self.read_transactions(order.id).await?;
        Ok(listed.iter().all(|transaction| transaction.status == "error"))
    }
}

const CANCELLED: i64 = 5;
/// Cancelled and Declined: over without payment (BigCommerce: order statuses).
const OVER: &[i64] = &[CANCELLED, 6];
/// How BigCommerce calls an order that was made from a checkout through its API (orders.v2, `order_source`).
const MADE_BY_API: &str = "checkout_api";
