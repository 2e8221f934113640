//! The orders of one checkout, as BigCommerce lists them, for whoever checks a finding. It only reads.
//!
//! Guarantees: a list whose filter was ignored does not say that an order is absent; the newest orders are searched then.

use super::act::ActionError;
use super::evidence::{Look, unreadable};
use crate::bigcommerce::orders::{Filter, Order};
use crate::saga::OrderLookup;

/// Rows of a page, and the pages that are read at most where the filter of the list is ignored.
const ROWS: usize = 50;
const PAGES: u32 = 4;

impl Look<'_> {
    /// Every order of it that is alive.
    pub(super) async fn list(&self) -> Result<Vec<Order>, ActionError> {
        let Some(lookup) = OrderLookup::of(self.checkout) else { return Ok(Vec::new()) };
        let mut orders =
            self.client.orders(self.call).list(&lookup.filter()).await.map_err(unreadable)?.value;
        // A filter that was ignored: ours may stand on any page.
        if !orders.iter().all(|order| self.is_ours(order)) {
            orders = self.newest().await?;
        }
        let dead = &self.checkout.facts.abandoned_orders;
        orders.retain(|order| self.is_ours(order) && !order.is_deleted && !dead.contains(&order.id.get()));
        Ok(orders)
    }

    /// The newest orders of the store, back to where none of this checkout can be. That none is among them proves nothing where
    /// the pages do not go so far back.
    async fn newest(&self) -> Result<Vec<Order>, ActionError> {
        let mut orders: Vec<Order> = Vec::new();
        for page in 1..=PAGES {
            let filter = Filter { sort: Some("id:desc".to_owned()), page: Some(page), ..Filter::default() };
            let listed = self.client.orders(self.call).list(&filter).await.map_err(unreadable)?.value;
            let is_last = listed.len() < ROWS;
            orders.extend(listed);
            if is_last {
                return Ok(orders);
            }
        }
        if orders.iter().any(|order| self.is_ours(order)) {
            return Ok(orders);
        }
        let detail =
            "the list of orders ignores its filter, and the newest orders do not show one of this checkout";
        Err(ActionError::Upstream(detail.to_owned()))
    }

    /// Whether an order is one of this checkout.
    pub(super) fn is_ours(&self, order: &Order) -> bool {
        OrderLookup::of(self.checkout).is_some_and(|lookup| lookup.fits(order))
    }
}
