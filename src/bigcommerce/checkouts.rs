//! Checkouts (BigCommerce: checkouts.v3): addresses, consignments, coupons, and the order made from them.
//!
//! Guarantees: each call is one request; `version`, where given, goes where BigCommerce expects it and makes the write
//! conditional ([`Error::Moved`] when stale). Creating an order takes no version and is not idempotent.

use std::borrow::Cow;

use reqwest::Method;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Answer, Call, Client, Error, OrderId, carts, document, lenient, transport::Request, versioned};
use crate::json::{self, List, Object, Raw, shape};

/// What to ask for beyond the checkout itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Include {
    /// Nothing.
    #[default]
    Nothing,
    /// The shipping options of each consignment; BigCommerce asks the carriers for them.
    ShippingOptions,
}

impl Include {
    const fn value(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::ShippingOptions => Some("consignments.available_shipping_options"),
        }
    }
}

/// The checkouts of a store, for one call.
#[derive(Clone, Copy)]
pub struct Checkouts<'a> {
    client: &'a Client,
    cx: &'a Call,
}

impl Client {
    /// Checkouts.
    pub const fn checkouts<'a>(&'a self, cx: &'a Call) -> Checkouts<'a> {
        Checkouts { client: self, cx }
    }
}

impl Checkouts<'_> {
    /// Reads a checkout. 404: its cart was deleted, expired, or converted by a paid order.
    pub async fn get(&self, id: &str, include: Include) -> Result<Answer<Checkout>, Error> {
        self.send("checkout.get", Method::GET, &["v3", "checkouts", id], None, include).await
    }

    /// Adds the billing address; the body is BigCommerce's address.
    pub async fn add_billing_address(
        &self,
        id: &str,
        address: &Value,
        version: Option<i64>,
    ) -> Result<Answer<Checkout>, Error> {
        let segments = ["v3", "checkouts", id, "billing-address"];
        let body = versioned(address, version);
        self.send("checkout.add_billing_address", Method::POST, &segments, Some(body), Include::Nothing).await
    }

    /// Replaces the billing address that is there. Naturally idempotent.
    pub async fn update_billing_address(
        &self,
        id: &str,
        address_id: &str,
        address: &Value,
        version: Option<i64>,
    ) -> Result<Answer<Checkout>, Error> {
        let segments = ["v3", "checkouts", id, "billing-address", address_id];
        let body = versioned(address, version);
        self.send("checkout.update_billing_address", Method::PUT, &segments, Some(body), Include::Nothing)
            .await
    }

    /// Adds consignments; the body is BigCommerce's array, and the version goes into each element. Not idempotent.
    pub async fn add_consignments(
        &self,
        id: &str,
        consignments: &[Value],
        version: Option<i64>,
    ) -> Result<Answer<Checkout>, Error> {
        let segments = ["v3", "checkouts", id, "consignments"];
        let body = consignments.iter().map(|consignment| versioned(consignment, version)).collect();
        let include = Include::ShippingOptions;
        self.send("checkout.add_consignments", Method::POST, &segments, Some(body), include).await
    }

    /// Gives a consignment another address, with the items that it has. Naturally idempotent.
    pub async fn update_consignment(
        &self,
        id: &str,
        consignment_id: &str,
        consignment: &Value,
        version: Option<i64>,
    ) -> Result<Answer<Checkout>, Error> {
        let segments = ["v3", "checkouts", id, "consignments", consignment_id];
        let (body, include) = (versioned(consignment, version), Include::ShippingOptions);
        self.send("checkout.update_consignment", Method::PUT, &segments, Some(body), include).await
    }

    /// Selects a consignment's shipping option. Naturally idempotent; 422 means that the quote is gone.
    pub async fn select_shipping_option(
        &self,
        id: &str,
        consignment_id: &str,
        option_id: &str,
        version: Option<i64>,
        include: Include,
    ) -> Result<Answer<Checkout>, Error> {
        let segments = ["v3", "checkouts", id, "consignments", consignment_id];
        let body = versioned(&json!({ "shipping_option_id": option_id }), version);
        self.send("checkout.select_shipping_option", Method::PUT, &segments, Some(body), include).await
    }

    /// Removes a consignment.
    pub async fn delete_consignment(
        &self,
        id: &str,
        consignment_id: &str,
        version: Option<i64>,
    ) -> Result<Answer<Checkout>, Error> {
        let segments = ["v3", "checkouts", id, "consignments", consignment_id];
        let body = version.map(|_| versioned(&json!({}), version));
        self.send("checkout.delete_consignment", Method::DELETE, &segments, body, Include::Nothing).await
    }

    /// Applies a coupon.
    pub async fn add_coupon(
        &self,
        id: &str,
        code: &str,
        version: Option<i64>,
    ) -> Result<Answer<Checkout>, Error> {
        let segments = ["v3", "checkouts", id, "coupons"];
        let body = versioned(&json!({ "coupon_code": code }), version);
        self.send("checkout.add_coupon", Method::POST, &segments, Some(body), Include::Nothing).await
    }

    /// Takes a coupon off, by its code.
    pub async fn delete_coupon(
        &self,
        id: &str,
        code: &str,
        version: Option<i64>,
    ) -> Result<Answer<Checkout>, Error> {
        let segments = ["v3", "checkouts", id, "coupons", code];
        let body = version.map(|_| versioned(&json!({}), version));
        self.send("checkout.delete_coupon", Method::DELETE, &segments, body, Include::Nothing).await
    }

    /// Sets the shopper's message (at most 2000 characters).
    pub async fn set_customer_message(
        &self,
        id: &str,
        message: &str,
        version: Option<i64>,
    ) -> Result<Answer<Checkout>, Error> {
        let body = versioned(&json!({ "customer_message": message }), version);
        let segments = ["v3", "checkouts", id];
        self.send("checkout.set_customer_message", Method::PUT, &segments, Some(body), Include::Nothing).await
    }

    /// Creates an order, with no body. **Not idempotent**: BigCommerce makes as many orders of one cart as it is asked
    /// for. The witness is [`Orders::list`](super::orders::Orders::list) by cart id.
    pub async fn create_order(&self, id: &str) -> Result<Answer<OrderId>, Error> {
        let request = Request::api("order.create", Method::POST, &["v3", "checkouts", id, "orders"]);
        let read = |body: Value| {
            // It is documented as the bare object, inside of `data`, and inside of `data` twice.
            lenient::integer(lenient::innermost(&body), "id").and_then(OrderId::new)
        };
        self.client.call(self.cx, request, document(read)).await
    }

    async fn send(
        &self,
        name: &'static str,
        method: Method,
        segments: &[&str],
        body: Option<Value>,
        include: Include,
    ) -> Result<Answer<Checkout>, Error> {
        let mut request = Request::api(name, method, segments).query("include", include.value());
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.client.text(self.cx, request, Checkout::read).await
    }
}

/// A checkout, exactly as BigCommerce answered it.
#[derive(Debug)]
pub struct Checkout {
    /// Its text. Whoever shows or keeps it needs all of it.
    pub raw: Box<RawValue>,
    /// A hint only, never proof: it may name an order that is no longer the latest.
    pub order_id: Option<String>,
}

shape!(
    /// What a checkout must hold to be one.
    Shape {
        id: Raw<'a>,
        cart: Object<carts::Shape<'a>>,
        consignments: List<Raw<'a>>,
        order_id: Raw<'a>,
    }
);

shape!(Consignment {
    id: Raw<'a>,
});

impl Checkout {
    /// Takes an answer. `None`: what identifies it, its cart or one of its consignments is missing.
    pub(super) fn read(raw: &RawValue) -> Option<Self> {
        let shape: Shape<'_> = json::read(raw.get());
        let is_whole = shape.id.filled().is_some()
            && shape.cart.0.is_whole()
            && shape.consignments.0.iter().all(|consignment| is_whole(*consignment));
        let order_id = shape.order_id.filled().map(Cow::into_owned);
        is_whole.then(|| Self { raw: raw.to_owned(), order_id })
    }
}

/// A placeholder is no consignment, and one that holds something has an id.
fn is_whole(consignment: Raw<'_>) -> bool {
    let is_object = consignment.raw().is_some_and(|raw| raw.get().starts_with('{'));
    let named = |raw: &RawValue| json::read::<Consignment<'_>>(raw.get()).id.filled().is_some();
    is_object && consignment.filled_object().is_none_or(named)
}

#[cfg(test)]
#[path = "checkouts_tests.rs"]
mod tests;
