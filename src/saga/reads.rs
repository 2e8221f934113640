//! What the storefront may ask of BigCommerce about its checkout. Reads only.

use serde_json::Value;

use super::engine::Engine;
use super::operation::{NewCheckout, SubmitError};
use super::step::{no_such_cart, refused};
use crate::bigcommerce::checkouts::Include;
use crate::bigcommerce::payments::PaymentFor;
use crate::bigcommerce::{Answer, Call, Client, Error, OrderId, Priority};
use crate::checkout::{Checkout, CheckoutId, Document, UpstreamRejection};

/// Everything that a confirmation page shows.
#[derive(Debug, Clone, Default)]
pub struct Confirmation {
    /// The order (BigCommerce: orders.v2).
    pub order: Value,
    /// Its products.
    pub products: Vec<Value>,
    /// Where it goes.
    pub shipping_addresses: Vec<Value>,
    /// Its taxes.
    pub taxes: Vec<Value>,
    /// Its coupons.
    pub coupons: Vec<Value>,
    /// Its transactions.
    pub transactions: Vec<Value>,
    /// Its shipments.
    pub shipments: Vec<Value>,
}

/// Why a read has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It was refused here.
    #[error(transparent)]
    Refused(#[from] SubmitError),
    /// BigCommerce refused.
    #[error("BigCommerce refused")]
    Rejected(UpstreamRejection),
    /// BigCommerce could not be asked.
    #[error("BigCommerce could not be asked")]
    Unavailable {
        /// When to come back, in seconds.
        retry_after: u64,
    },
}

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        match &error {
            Error::Rejected(_) if error.is_unauthorized() => {
                tracing::error!(%error, "BigCommerce refuses our credentials");
                Self::Unavailable { retry_after: 30 }
            }
            Error::Rejected(rejection) | Error::Moved(rejection) => Self::Rejected(refused(rejection)),
            Error::Unavailable(_) | Error::Unknown(_) => {
                let retry_after = error.retry_after().map_or(1, |after| after.as_secs().clamp(1, 3600));
                Self::Unavailable { retry_after }
            }
        }
    }
}

impl Engine {
    /// BigCommerce's accepted payment methods with the shopper's stored instruments, as BigCommerce sends them.
    pub async fn payment_methods(&self, id: CheckoutId) -> Result<Vec<Value>, ReadError> {
        let (checkout, client, call) = self.reading(id).await?;
        if checkout.payment_in_doubt() {
            return Err(SubmitError::PaymentInDoubt.into());
        }
        let order = checkout.facts.order.as_ref().filter(|order| order.status_id == 0);
        let subject =
            match (order.and_then(|order| OrderId::new(order.id)), checkout.facts.cart_id.as_deref()) {
                (Some(order_id), _) => PaymentFor::Order(order_id),
                (None, Some(cart_id)) if !checkout.status.is_final() => PaymentFor::Checkout(cart_id),
                _ if checkout.status.is_final() => return Err(SubmitError::Closed.into()),
                _ => return Err(SubmitError::OutOfOrder { next_step: checkout.next_step() }.into()),
            };
        let methods = client.payments(&call).methods(subject).await?.value;
        let is_proven = checkout.proven_customer().is_some();
        Ok(methods.into_iter().map(|method| offered(method.raw, is_proven)).collect())
    }

    /// Whether the cart is given to whoever asks for it: before anything is recorded, so that nothing is kept of a refusal.
    /// The step looks again at what it really takes over.
    pub(super) async fn may_take_over(&self, new: &NewCheckout, cart_id: &str) -> Result<(), ReadError> {
        if new.input.vouched_cart && new.input.proven_customer.is_none() {
            return Ok(());
        }
        let client = self.inner.clients.get(&new.store).ok_or(SubmitError::UnknownStore)?;
        let call = Call::new(uuid::Uuid::now_v7(), Priority::Shopper);
        let customer = match client.checkouts(&call).get(cart_id, Include::Nothing).await {
            Ok(answer) => Document::from_checkout(answer.value.raw).customer_id(),
            Err(error) if error.is_not_found() => return Err(ReadError::Rejected(no_such_cart())),
            Err(error) => return Err(error.into()),
        };
        if new.input.may_take_over(customer) { Ok(()) } else { Err(SubmitError::ForeignCart.into()) }
    }

    /// The order as a confirmation page needs it, in one answer.
    pub async fn confirmation(&self, id: CheckoutId) -> Result<Confirmation, ReadError> {
        let (checkout, client, call) = self.reading(id).await?;
        let Some(order_id) = checkout.facts.order.as_ref().and_then(|order| OrderId::new(order.id)) else {
            return Err(SubmitError::OutOfOrder { next_step: checkout.next_step() }.into());
        };
        let orders = client.orders(&call);
        let (order, products, addresses, taxes, coupons, transactions, shipments) = tokio::join!(
            orders.get(order_id),
            orders.products(order_id),
            orders.shipping_addresses(order_id),
            orders.taxes(order_id),
            orders.coupons(order_id),
            orders.transactions(order_id),
            orders.shipments(order_id),
        );
        let transactions: Vec<Value> = list(
            transactions.map(|answer| answer.map(|rows| rows.into_iter().map(|row| row.raw).collect())),
        )?;
        Ok(Confirmation {
            order: order?.value.raw,
            products: list(products)?,
            shipping_addresses: list(addresses)?,
            taxes: list(taxes)?,
            coupons: list(coupons)?,
            transactions,
            shipments: list(shipments)?,
        })
    }

    pub(super) async fn reading(&self, id: CheckoutId) -> Result<(Checkout, Client, Call), SubmitError> {
        let checkout = self.snapshot(id).await?;
        let client = self.client(&checkout).ok_or(SubmitError::UnknownStore)?;
        Ok((checkout, client, Call::new(id.uuid(), Priority::Shopper)))
    }
}

/// A payment method as the shopper may see it: what BigCommerce stores for a customer is for that customer.
fn offered(mut method: Value, is_proven: bool) -> Value {
    if !is_proven && let Some(stored) = method.get_mut("stored_instruments") {
        *stored = Value::Array(Vec::new());
    }
    method
}

/// BigCommerce answers 404 for some lists that are empty.
fn list(rows: Result<Answer<Vec<Value>>, Error>) -> Result<Vec<Value>, ReadError> {
    match rows {
        Ok(answer) => Ok(answer.value),
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}
