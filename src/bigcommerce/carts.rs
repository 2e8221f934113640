//! Carts (BigCommerce: carts.v3).
//!
//! Guarantees: each call is one request; documents keep BigCommerce's exact JSON beside what is read from them.
//! Creating a cart cannot be asked about afterwards: there is no list of carts.

use reqwest::Method;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Answer, Call, Client, Error, document, lenient, transport::Request, versioned};
use crate::json::{self, List, Object, Raw, shape};
use crate::loopback::is_loopback;

/// The carts of a store, for one call.
#[derive(Clone, Copy)]
pub struct Carts<'a> {
    client: &'a Client,
    cx: &'a Call,
}

impl Client {
    /// Carts.
    pub const fn carts<'a>(&'a self, cx: &'a Call) -> Carts<'a> {
        Carts { client: self, cx }
    }
}

impl Carts<'_> {
    /// Creates a cart from a body of BigCommerce's shape. Not idempotent; a cart that nobody knows of has no order and
    /// expires. Here 409 ([`Error::Moved`]) is a business refusal, such as a maximum quantity.
    pub async fn create(&self, body: &Value, include: &[&str]) -> Result<Answer<Cart>, Error> {
        let request = Request::api("cart.create", Method::POST, &["v3", "carts"]).json(body);
        let include = (!include.is_empty()).then(|| include.join(","));
        self.client.text(self.cx, request.query("include", include), Cart::read).await
    }

    /// Adds items; the body is BigCommerce's (`line_items`, `custom_items`, `gift_certificates`).
    pub async fn add_items(
        &self,
        cart_id: &str,
        body: &Value,
        version: Option<i64>,
    ) -> Result<Answer<Cart>, Error> {
        let request = Request::api("cart.add_items", Method::POST, &["v3", "carts", cart_id, "items"]);
        self.client.text(self.cx, request.json(&versioned(body, version)), Cart::read).await
    }

    /// Changes a line item; the body is BigCommerce's (`{"line_item": {..}}`). Custom items cannot be changed.
    pub async fn update_item(
        &self,
        cart_id: &str,
        item_id: &str,
        body: &Value,
        version: Option<i64>,
    ) -> Result<Answer<Cart>, Error> {
        let segments = ["v3", "carts", cart_id, "items", item_id];
        let request = Request::api("cart.update_item", Method::PUT, &segments);
        self.client.text(self.cx, request.json(&versioned(body, version)), Cart::read).await
    }

    /// Removes a line item. With the last one BigCommerce deletes the cart.
    pub async fn delete_item(
        &self,
        cart_id: &str,
        item_id: &str,
        version: Option<i64>,
    ) -> Result<Answer<()>, Error> {
        let segments = ["v3", "carts", cart_id, "items", item_id];
        let mut request = Request::api("cart.delete_item", Method::DELETE, &segments);
        if version.is_some() {
            request = request.json(&versioned(&json!({}), version));
        }
        self.client.done(self.cx, request).await
    }

    /// Deletes a cart for good. A second time answers 404.
    pub async fn delete(&self, cart_id: &str) -> Result<Answer<()>, Error> {
        let request = Request::api("cart.delete", Method::DELETE, &["v3", "carts", cart_id]);
        self.client.done(self.cx, request).await
    }

    /// Makes fresh URLs of the hosted cart and checkout. Each may be visited once; making them again is harmless.
    pub async fn create_redirect_urls(&self, cart_id: &str) -> Result<Answer<RedirectUrls>, Error> {
        let segments = ["v3", "carts", cart_id, "redirect_urls"];
        let request = Request::api("cart.create_redirect_urls", Method::POST, &segments).json(&json!({}));
        self.client.call(self.cx, request, document(|body| RedirectUrls::parse(&body))).await
    }
}

/// A cart, exactly as BigCommerce answered it.
#[derive(Debug)]
pub struct Cart {
    /// The cart's id, which is also its checkout's.
    pub id: String,
    /// Its text. Whoever shows or keeps it needs all of it.
    pub raw: Box<RawValue>,
}

shape!(
    /// What a cart must hold to be one.
    pub(super) Shape {
        id: Raw<'a>,
        line_items: Object<Lines<'a>>,
    }
);

shape!(Lines {
    physical_items: List<Object<Line<'a>>>,
    digital_items: List<Object<Line<'a>>>,
    gift_certificates: List<Object<Line<'a>>>,
    custom_items: List<Object<Line<'a>>>,
});

shape!(Line {
    id: Raw<'a>,
    quantity: Raw<'a>,
});

impl Cart {
    /// Takes an answer. `None`: what identifies it is missing, or a line that cannot be identified or counted.
    pub(super) fn read(raw: &RawValue) -> Option<Self> {
        let shape: Shape<'_> = json::read(raw.get());
        let id = shape.id.filled()?.into_owned();
        shape.is_whole().then(|| Self { id, raw: raw.to_owned() })
    }
}

impl Shape<'_> {
    /// Whether it and each of its lines are identified, and each line is counted.
    pub(super) fn is_whole(&self) -> bool {
        let Lines { physical_items, digital_items, gift_certificates, custom_items } = &self.line_items.0;
        let counted = [physical_items, digital_items, custom_items].into_iter().flat_map(|list| &list.0);
        // A gift certificate without a quantity counts once.
        let certificates = gift_certificates.0.iter();
        self.id.filled().is_some()
            && counted.into_iter().all(|line| line.0.is_named() && line.0.units().is_some())
            && certificates.into_iter().all(|line| {
                line.0.is_named() && (line.0.quantity.raw().is_none() || line.0.units().is_some())
            })
    }
}

impl Line<'_> {
    fn is_named(&self) -> bool {
        self.id.filled().is_some()
    }

    fn units(&self) -> Option<i64> {
        lenient::whole(self.quantity.text()?.trim())
    }
}

/// Where the hosted cart and checkout are. Each URL carries a token: for the shopper, not for a log.
#[derive(Clone, PartialEq, Eq)]
pub struct RedirectUrls {
    /// The hosted cart.
    pub cart_url: String,
    /// The hosted checkout.
    pub checkout_url: String,
    /// The hosted checkout for a frame.
    pub embedded_checkout_url: Option<String>,
}

impl RedirectUrls {
    fn parse(body: &Value) -> Option<Self> {
        Some(Self {
            cart_url: page(body, "cart_url")?,
            checkout_url: page(body, "checkout_url")?,
            embedded_checkout_url: page(body, "embedded_checkout_url"),
        })
    }
}

/// A URL to which a storefront can send a browser: one of `javascript:`, for example, would run in the shop's own page.
fn page(body: &Value, name: &str) -> Option<String> {
    let text = lenient::filled(body, name)?;
    let url = reqwest::Url::parse(&text).ok()?;
    let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    safe.then_some(text)
}

#[cfg(test)]
#[path = "carts_tests.rs"]
mod tests;
