//! Reading: documents are passed on as BigCommerce wrote them, digits included.

use serde_json::Value;
use uuid::Uuid;

use super::statuses::{self, Kind};
use super::{CustomerFilter, OrderError, OrderFilter, OrderId, call, unread};
use crate::db::{OrderAction, OrderActionFilter};
use crate::ops::Console;

/// What hangs on an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Its products.
    Products,
    /// Where it is shipped to.
    ShippingAddresses,
    /// The stored quotes of one shipping address. BigCommerce has none for orders that were made by API.
    ShippingQuotes {
        /// The address.
        address_id: i64,
    },
    /// Its taxes.
    Taxes {
        /// With the lines that they are for.
        details: bool,
    },
    /// Its coupons.
    Coupons,
    /// What gateways did about it.
    Transactions,
    /// What was sent.
    Shipments,
    /// What was refunded.
    Refunds,
}

impl Console {
    /// One page of the orders of a store.
    pub async fn orders(&self, store: &str, filter: &OrderFilter) -> Result<Vec<Value>, OrderError> {
        let cx = call(Uuid::now_v7());
        let orders = self.client_of(store)?.orders(&cx).list(filter).await;
        let orders = orders.map_err(|error| unread(&error, "order"))?;
        Ok(orders.value.into_iter().map(|order| order.raw).collect())
    }

    /// One order.
    pub async fn order(&self, store: &str, id: OrderId) -> Result<Value, OrderError> {
        let cx = call(Uuid::now_v7());
        let order = self.client_of(store)?.orders(&cx).get(id).await;
        Ok(order.map_err(|error| unread(&error, "order"))?.value.raw)
    }

    /// What hangs on an order.
    pub async fn order_part(&self, store: &str, id: OrderId, part: Part) -> Result<Vec<Value>, OrderError> {
        let cx = call(Uuid::now_v7());
        let orders = self.client_of(store)?.orders(&cx);
        let read = match part {
            Part::Products => orders.products(id).await,
            Part::ShippingAddresses => orders.shipping_addresses(id).await,
            Part::ShippingQuotes { address_id } => {
                let quotes = orders.shipping_quotes(id, address_id).await;
                return Ok(quotes.map_err(|error| unread(&error, "shipping address of this order"))?.value);
            }
            Part::Taxes { details: false } => orders.taxes(id).await,
            Part::Taxes { details: true } => orders.taxes_in_detail(id).await,
            Part::Coupons => orders.coupons(id).await,
            Part::Shipments => orders.shipments(id).await,
            Part::Transactions => orders
                .transactions(id)
                .await
                .map(|found| found.map(|rows| rows.into_iter().map(|row| row.raw).collect())),
            Part::Refunds => orders
                .refunds(id)
                .await
                .map(|found| found.map(|rows| rows.into_iter().map(|row| row.raw).collect())),
        };
        Ok(read.map_err(|error| unread(&error, "order"))?.value)
    }

    /// What a refund would be. Nothing is moved.
    pub async fn refund_quote(&self, store: &str, id: OrderId, body: &Value) -> Result<Value, OrderError> {
        let cx = call(Uuid::now_v7());
        let quote = self.client_of(store)?.orders(&cx).refund_quote(id, body).await;
        Ok(quote.map_err(|error| unread(&error, "order"))?.value)
    }

    /// The statuses with the store's own labels, and of which kind each is.
    pub async fn order_statuses(&self, store: &str) -> Result<Vec<Value>, OrderError> {
        let cx = call(Uuid::now_v7());
        let found = self.client_of(store)?.orders(&cx).statuses().await;
        let mut rows = found.map_err(|error| unread(&error, "status"))?.value;
        for row in &mut rows {
            let kind: Option<Kind> = row.get("id").and_then(Value::as_i64).and_then(statuses::kind);
            if let Some(row) = row.as_object_mut() {
                row.insert("kind".to_owned(), serde_json::json!(kind));
            }
        }
        Ok(rows)
    }

    /// One page of the customers of a store.
    pub async fn customers(&self, store: &str, filter: &CustomerFilter) -> Result<Vec<Value>, OrderError> {
        let cx = call(Uuid::now_v7());
        let found = self.client_of(store)?.customers(&cx).list(filter).await;
        let found = found.map_err(|error| unread(&error, "customer"))?;
        Ok(found.value.into_iter().map(|customer| customer.raw).collect())
    }

    /// One page of the variants of a product.
    pub async fn variants(
        &self,
        store: &str,
        product_id: i64,
        page: Option<u32>,
        limit: Option<u32>,
    ) -> Result<Vec<Value>, OrderError> {
        let cx = call(Uuid::now_v7());
        let found = self.client_of(store)?.catalog(&cx).variants(product_id, page, limit).await;
        Ok(found.map_err(|error| unread(&error, "product"))?.value)
    }

    /// One action on an order.
    pub async fn order_action(&self, id: Uuid) -> Result<Option<OrderAction>, OrderError> {
        let action = self.db().order_action(id).await?;
        Ok(action.filter(|action| self.sees(&action.store)))
    }

    /// Actions on orders, the newest first.
    pub async fn order_actions(
        &self,
        filter: &OrderActionFilter<'_>,
        limit: u32,
    ) -> Result<Vec<OrderAction>, OrderError> {
        if filter.store.is_some_and(|store| !self.sees(store)) {
            return Ok(Vec::new());
        }
        let filter = OrderActionFilter { store: filter.store.or(self.scope()), ..filter.clone() };
        Ok(self.db().order_actions(&filter, i64::from(limit)).await?)
    }
}
