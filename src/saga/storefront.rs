//! What a storefront, and BigCommerce's webhooks, may ask beside the steps: payment methods, the order for a confirmation
//! page, URLs of the hosted page, a hint that something happened. A hint makes a checkout look, and never says what it
//! will see.

use std::time::Duration;

use serde_json::Value;
use tracing::Instrument as _;

use super::confirmation::Confirmation;
use super::engine::Engine;
use super::operation::{NewCheckout, Operation, Request, SubmitError, TokenProof};
use super::step::{no_such_cart, refused};
use super::unwritten::{internal, unwritten};
use crate::bigcommerce::carts::RedirectUrls;
use crate::bigcommerce::checkouts::Include;
use crate::bigcommerce::payments::PaymentFor;
use crate::bigcommerce::{Answer, Call, Client, Error, OrderId, Priority};
use crate::checkout::{self, Checkout, CheckoutId, Document, Input, StepName, UpstreamRejection};
use crate::db::{WebhookEvent, WebhookOutcome};

/// How long a hand-over may take.
const HAND_OFF_AT_MOST: Duration = Duration::from_secs(10);

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

/// The longest scope and hash of an event; BigCommerce's have about 40 characters.
const WORD_AT_MOST: usize = 200;

/// Why an event cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum HintError {
    /// It is no event of BigCommerce's.
    #[error("the event has no {0}")]
    Malformed(&'static str),
    /// It could not be stored; BigCommerce will send it again.
    #[error(transparent)]
    Refused(#[from] SubmitError),
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

    /// The cart belongs to this checkout. A server key may act on it: with a token, a shopper who closed the page goes on. Whoever
    /// proves or names a customer speaks for that one, and is shown no other's checkout. `token`: `None` for a public credential.
    pub(super) async fn cart_is_taken(
        &self,
        owner: CheckoutId,
        asks: &Input,
        token: Option<TokenProof>,
    ) -> Result<SubmitError, SubmitError> {
        let Some(token) = token else { return Ok(SubmitError::CartTaken { by: None }) };
        let theirs = self.snapshot(owner).await?;
        let of_cart = theirs.facts.document.as_ref().map(Document::customer_id);
        let mut customers = of_cart.into_iter().chain(theirs.input.proven_customer);
        if !customers.all(|customer| asks.may_take_over(customer)) {
            return Ok(SubmitError::CartTaken { by: None });
        }
        self.inner.db.admit_token(owner, token.0).await.map_err(internal)?;
        Ok(SubmitError::CartTaken { by: Some(owner) })
    }

    /// The checkout that was faster with the cart that this one was to take over, where there is one and whoever asks may act on
    /// it. The token is good for it then.
    pub async fn faster_owner(
        &self,
        lost: &Checkout,
        token: TokenProof,
    ) -> Result<Option<CheckoutId>, SubmitError> {
        let Some(cart_id) = &lost.input.cart_id else { return Ok(None) };
        let owner = self.inner.db.owner_of_cart(&lost.store, cart_id).await.map_err(internal)?;
        let Some(owner) = owner.filter(|owner| *owner != lost.id) else { return Ok(None) };
        match self.cart_is_taken(owner, &lost.input, Some(token)).await? {
            SubmitError::CartTaken { by } => Ok(by),
            _ => Ok(None),
        }
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

    /// Fresh URLs of BigCommerce's hosted cart and checkout. Each can be used once, so each call makes new ones.
    ///
    /// The hand-over is recorded before a URL is made, so that what the shopper pays there is found, by a webhook or by
    /// looking again and again. The step `hand-off` makes them while the checkout is held, so that no payment of ours is
    /// in doubt or begins meanwhile.
    pub async fn redirect_urls(
        &self,
        id: CheckoutId,
        mut request: Request,
    ) -> Result<RedirectUrls, ReadError> {
        let checkout = self.snapshot(id).await?;
        if checkout.status.is_final() {
            return Err(SubmitError::Closed.into());
        }
        if checkout.facts.cart_id.is_none() {
            return Err(SubmitError::OutOfOrder { next_step: Some(StepName::Cart) }.into());
        }
        // URLs are never recorded, so that no key can answer with them again.
        request.key = None;
        // On a task of its own: a caller who hangs up between the commit and the work would leave the checkout held.
        let engine = self.clone();
        let begun = async move { engine.submit(id, Operation::HandOff, request).await };
        let begun = self.inner.tasks.spawn(begun.in_current_span()).await;
        let submitted = begun.map_err(|error| SubmitError::Internal(error.to_string()))??;
        let goal_version = submitted.checkout().goal.as_ref().map(|goal| goal.goal_version);
        let waited = submitted.wait(HAND_OFF_AT_MOST).await?;
        if waited.checkout.status.is_final() {
            return Err(SubmitError::Closed.into());
        }
        if waited.checkout.payment_in_doubt() {
            return Err(SubmitError::PaymentInDoubt.into());
        }
        match waited.answer {
            Some(checkout::Answer::Done | checkout::Answer::Declined(_)) => {}
            Some(checkout::Answer::Rejected(refused)) => return Err(ReadError::Rejected(refused)),
            Some(checkout::Answer::Unavailable { retry_after }) => {
                return Err(ReadError::Unavailable { retry_after });
            }
            Some(checkout::Answer::Stuck) => return Err(SubmitError::Stuck.into()),
            _ => return Err(SubmitError::InProgress.into()),
        }
        let urls = goal_version.and_then(|goal_version| self.inner.handed_over.take(id, goal_version));
        let Some(urls) = urls else { return Err(ReadError::Unavailable { retry_after: 1 }) };
        Ok(urls)
    }

    /// Takes a webhook event of this store in, durably. The checkout that it is about looks at BigCommerce now.
    pub async fn hint(&self, store: &str, body: &str) -> Result<WebhookOutcome, HintError> {
        let event: Value = serde_json::from_str(body).map_err(|_| HintError::Malformed("JSON body"))?;
        // PostgreSQL has no text with a NUL in it.
        let word = |field| event[field].as_str().filter(|word| !word.contains('\0'));
        // They are a key of the table, and an entry of an index has an end.
        let word = |field| word(field).filter(|word| word.len() <= WORD_AT_MOST);
        let scope = word("scope").ok_or(HintError::Malformed("scope of at most 200 characters"))?;
        let hash = word("hash").ok_or(HintError::Malformed("hash of at most 200 characters"))?;
        let (cart_id, order_id) = subject(scope, &event["data"]);
        let event = WebhookEvent { store, scope, hash, body, cart_id: cart_id.as_deref(), order_id };
        let taken =
            self.inner.db.take_webhook(&event, self.inner.settings.late_pause()).await.map_err(unwritten)?;
        tracing::info!(store, scope, taken = ?taken, "a webhook event came in");
        Ok(taken)
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

/// The cart and the order that an event is about. The same thing has many names: `data.id` is an order in `order/*` and
/// a cart in `cart/*`, and `order_id`, `orderId` and `cart_id` come as numbers or as text.
fn subject(scope: &str, data: &Value) -> (Option<String>, Option<i64>) {
    let text = |field: &str| match &data[field] {
        Value::String(text) if !text.contains('\0') => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let number = |field: &str| text(field).and_then(|text| text.parse::<i64>().ok());
    let about_cart = scope.contains("/cart/");
    let cart = text("cart_id").or_else(|| text("id").filter(|_| about_cart));
    let order =
        number("order_id").or_else(|| number("orderId")).or_else(|| number("id").filter(|_| !about_cart));
    (cart, order)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_names_its_subject_in_many_ways() {
        let cart = || Some("c-1".to_owned());
        for (scope, data, expected) in [
            ("store/order/statusUpdated", json!({"type": "order", "id": 250}), (None, Some(250))),
            ("store/order/transaction/created", json!({"order_id": "121"}), (None, Some(121))),
            ("store/cart/converted", json!({"type": "cart", "id": "c-1", "orderId": 7}), (cart(), Some(7))),
            ("store/channel/1/cart/updated", json!({"cart_id": "c-1"}), (cart(), None)),
            ("store/channel/1/order/updated", json!({"order_id": 9}), (None, Some(9))),
            ("store/order/created", json!("nonsense"), (None, None)),
        ] {
            assert_eq!(subject(scope, &data), expected, "{scope}");
        }
    }
}
