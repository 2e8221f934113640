//! The newest orders of the store, for a cart that is gone although no order of it is listed: the filter of a list may be ignored,
//! or find nothing, and what was paid must not end unseen.
//!
//! Guarantees: what is found this way counts like any other order of the cart. That there is none is believed only where the pages
//! go back to when the cart was made, or the filter finds another order by that order's cart. The pages that are read are few.

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

use super::duplicate_orders::{PAGES, ROWS};
use crate::bigcommerce::orders::{Filter, Order};
use crate::checkout::Document;
use crate::saga::order_lookup::OrderLookup;
use crate::saga::step::{StepContext, Verdict};

/// So far two clocks, BigCommerce's and ours, may be apart.
const APART: Duration = Duration::from_hours(1);

/// What the newest orders show.
pub(in crate::saga) struct Newest {
    /// Those of the lookup.
    pub(in crate::saga) orders: Vec<Order>,
    /// Whether there is no other one.
    pub(in crate::saga) is_whole: bool,
}

fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc2822).or_else(|_| OffsetDateTime::parse(text, &Rfc3339)).ok()
}

impl StepContext {
    /// Looks through the newest orders, whatever cart they were made of. `is_ignored`: the filter is known to prove nothing.
    pub(in crate::saga) async fn newest_orders(
        &mut self,
        lookup: &OrderLookup,
        is_ignored: bool,
    ) -> Result<Newest, Verdict> {
        let made = self.cart_made_at();
        let mut orders: Vec<Order> = Vec::new();
        let mut last: Option<Order> = None;
        for page in 1..=PAGES {
            let filter = Filter {
                sort: Some("id:desc".to_owned()),
                page: (page > 1).then_some(page),
                ..Filter::default()
            };
            let listed = self.client.orders(&self.call).list(&filter).await;
            let listed = self.read("list-orders", listed)?.value;
            orders.extend(listed.iter().filter(|order| lookup.fits(order)).cloned());
            let unseen = !is_ignored && orders.is_empty() && page == 1;
            if listed.len() < ROWS || (unseen && self.filter_finds(&listed).await?) {
                return Ok(Newest { orders, is_whole: !is_ignored });
            }
            let descends = last.iter().chain(&listed).is_sorted_by(|newer, older| newer.id > older.id);
            last = listed.into_iter().last();
            let oldest = last.as_ref().and_then(|order| moment(order.date_created.as_deref()?));
            if !descends {
                break;
            }
            if made.zip(oldest).is_some_and(|(made, oldest)| oldest < made) {
                return Ok(Newest { orders, is_whole: !is_ignored });
            }
        }
        tracing::warn!(checkout_id = %self.checkout.id, "the newest orders do not go back to when the cart was made");
        Ok(Newest { orders, is_whole: false })
    }

    /// Whether the filter shows another order by the cart that it was made of, and nothing else.
    async fn filter_finds(&mut self, there: &[Order]) -> Result<bool, Verdict> {
        let Some((id, cart_id)) = there.iter().find_map(|order| Some((order.id, order.cart_id.clone()?)))
        else {
            return Ok(false);
        };
        let other = OrderLookup::Cart(cart_id);
        let found = self.client.orders(&self.call).list(&other.filter()).await;
        let found = self.read("list-orders", found)?.value;
        Ok(found.iter().any(|order| order.id == id) && found.iter().all(|order| other.fits(order)))
    }

    /// When the cart was made at the latest, as far as that is known: no order of it is older.
    fn cart_made_at(&self) -> Option<OffsetDateTime> {
        let checkout = &self.checkout;
        let made = if checkout.facts.cart_is_foreign {
            moment(&checkout.facts.document.as_ref().and_then(Document::created_time)?)?
        } else {
            checkout.created_at
        };
        Some(made - APART)
    }
}
