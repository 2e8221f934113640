//! Carts (BigCommerce: carts.v3).
//!
//! Guarantees: each call is one request; documents keep BigCommerce's exact JSON beside what is read from them.
//! Creating a cart cannot be asked about afterwards: there is no list of carts.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Call, Client, Error, as_is, document, lenient, transport::Request, versioned};

/// `include`: the hosted cart's and checkout's URLs in the answer.
pub const REDIRECT_URLS: &str = "redirect_urls";
/// `include`: the options of physical items.
pub const PHYSICAL_OPTIONS: &str = "line_items.physical_items.options";
/// `include`: the options of digital items.
pub const DIGITAL_OPTIONS: &str = "line_items.digital_items.options";

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
        self.client.call(self.cx, request.query("include", joined(include)), document(Cart::parse)).await
    }

    /// Adds items; the body is BigCommerce's (`line_items`, `custom_items`, `gift_certificates`).
    pub async fn add_items(
        &self,
        cart_id: &str,
        body: &Value,
        version: Option<i64>,
    ) -> Result<Answer<Cart>, Error> {
        let request = Request::api("cart.add_items", Method::POST, &["v3", "carts", cart_id, "items"]);
        self.client.call(self.cx, request.json(&versioned(body, version)), document(Cart::parse)).await
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
        self.client.call(self.cx, request.json(&versioned(body, version)), document(Cart::parse)).await
    }

    /// Removes a line item. `None`: it was the last one, and BigCommerce deleted the cart.
    pub async fn delete_item(
        &self,
        cart_id: &str,
        item_id: &str,
        version: Option<i64>,
    ) -> Result<Answer<Option<Cart>>, Error> {
        let segments = ["v3", "carts", cart_id, "items", item_id];
        let mut request = Request::api("cart.delete_item", Method::DELETE, &segments);
        if version.is_some() {
            request = request.json(&versioned(&json!({}), version));
        }
        let read = |body: Option<Value>| match body {
            None => Some(None),
            Some(body) => Cart::parse(lenient::data(body)).map(Some),
        };
        self.client.call(self.cx, request, read).await
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

fn joined(include: &[&str]) -> Option<String> {
    (!include.is_empty()).then(|| include.join(","))
}

/// A cart as its own API or a checkout shows it.
#[derive(Debug, Clone)]
pub struct Cart {
    /// The cart's id, which is also its checkout's.
    pub id: String,
    /// Grows with each change; sent back, it makes a write conditional.
    pub version: Option<i64>,
    /// 0 is a guest.
    pub customer_id: Option<i64>,
    /// The channel it was made for.
    pub channel_id: Option<i64>,
    /// The shopper's e-mail address.
    pub email: Option<String>,
    /// ISO 4217 code; fixed for the cart's life.
    pub currency: Option<String>,
    /// All lines of all kinds. Their ids change when promotions split lines: read them anew after every write.
    pub items: Vec<LineItem>,
    /// Exactly what BigCommerce answered.
    pub raw: Value,
}

impl Cart {
    /// Reads a cart. A line that cannot be identified or counted makes it unreadable.
    pub fn parse(raw: Value) -> Option<Self> {
        let mut items = Vec::new();
        if let Some(lists) = raw.get("line_items") {
            for kind in ItemKind::ALL {
                for item in lenient::list(lists, kind.list_name()) {
                    items.push(LineItem::parse(item, kind)?);
                }
            }
        }
        Some(Self {
            id: lenient::filled(&raw, "id")?,
            version: lenient::integer(&raw, "version"),
            customer_id: lenient::integer(&raw, "customer_id"),
            channel_id: lenient::integer(&raw, "channel_id"),
            email: lenient::filled(&raw, "email"),
            currency: raw.get("currency").and_then(|currency| lenient::filled(currency, "code")),
            items,
            raw: as_is(raw)?,
        })
    }

    /// The redirect URLs, where they were included.
    pub fn redirect_urls(&self) -> Option<RedirectUrls> {
        self.raw.get("redirect_urls").and_then(RedirectUrls::parse)
    }
}

/// Which of the four lists a line is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// A catalog product that is a thing.
    Physical,
    /// A catalog product that is downloaded.
    Digital,
    /// A gift certificate.
    GiftCertificate,
    /// A line that is no catalog product.
    Custom,
}

impl ItemKind {
    /// All kinds, in BigCommerce's order.
    pub const ALL: [Self; 4] = [Self::Physical, Self::Digital, Self::GiftCertificate, Self::Custom];

    /// The name of its list in `line_items`.
    pub const fn list_name(self) -> &'static str {
        match self {
            Self::Physical => "physical_items",
            Self::Digital => "digital_items",
            Self::GiftCertificate => "gift_certificates",
            Self::Custom => "custom_items",
        }
    }
}

/// A line of a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineItem {
    /// Its id, good until the next write.
    pub id: String,
    /// Its list.
    pub kind: ItemKind,
    /// The catalog product, where it is one.
    pub product_id: Option<i64>,
    /// The product's variant.
    pub variant_id: Option<i64>,
    /// How many. A gift certificate without one counts once.
    pub quantity: i64,
    /// The line it belongs to, such as that of a bundle.
    pub parent_id: Option<String>,
    /// What it is called by the store.
    pub sku: Option<String>,
    /// Whether a consignment must carry it: custom items always, physical ones unless BigCommerce says otherwise.
    pub requires_shipping: bool,
    /// `false` for lines that a promotion made.
    pub is_mutable: bool,
    /// Whether a promotion put it there.
    pub added_by_promotion: bool,
}

impl LineItem {
    fn parse(item: &Value, kind: ItemKind) -> Option<Self> {
        let quantity = match item.get("quantity") {
            None | Some(Value::Null) if kind == ItemKind::GiftCertificate => 1,
            _ => lenient::integer(item, "quantity")?,
        };
        let requires_shipping = match kind {
            ItemKind::Physical => lenient::flag(item, "is_require_shipping").unwrap_or(true),
            ItemKind::Custom => true,
            ItemKind::Digital | ItemKind::GiftCertificate => false,
        };
        Some(Self {
            id: lenient::filled(item, "id")?,
            kind,
            product_id: lenient::integer(item, "product_id"),
            variant_id: lenient::integer(item, "variant_id"),
            quantity,
            parent_id: lenient::filled(item, "parent_id"),
            sku: lenient::filled(item, "sku"),
            requires_shipping,
            is_mutable: lenient::flag(item, "is_mutable").unwrap_or(true),
            added_by_promotion: lenient::flag(item, "added_by_promotion").unwrap_or(false),
        })
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
            cart_url: lenient::filled(body, "cart_url")?,
            checkout_url: lenient::filled(body, "checkout_url")?,
            embedded_checkout_url: lenient::filled(body, "embedded_checkout_url"),
        })
    }
}

#[cfg(test)]
#[path = "carts_tests.rs"]
mod tests;
