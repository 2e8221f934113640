//! Orders (BigCommerce: orders.v2 and orders.v3): reading and changing them. Money on them is in `order_money`.
//!
//! Guarantees: every path names one order by an [`OrderId`], so that `DELETE /v2/orders`, which archives all orders of a
//! store, cannot be built. 204 is "none". A row that cannot be read makes its list unreadable, because the list by
//! cart id is the witness of order creation, and a row left out would be a false proof of absence.

use std::fmt;

use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::Value;

use super::{Answer, Call, Client, Error, as_is, lenient, rows, transport::Request};

pub use super::order_money::{Refund, Transaction, refund_payments};

/// The number of an order, 1 or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(i64);

impl OrderId {
    /// An order's number, if it can be one.
    pub const fn new(id: i64) -> Option<Self> {
        if id >= 1 { Some(Self(id)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The orders of a store, for one call.
#[derive(Clone, Copy)]
pub struct Orders<'a> {
    pub(super) client: &'a Client,
    pub(super) cx: &'a Call,
}

impl Client {
    /// Orders.
    pub const fn orders<'a>(&'a self, cx: &'a Call) -> Orders<'a> {
        Orders { client: self, cx }
    }
}

/// Which orders to list. BigCommerce filters by what is given; check `cart_id` on each row yourself.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Orders made from this cart.
    pub cart_id: Option<String>,
    /// Orders that carry this id of somebody else's.
    pub external_order_id: Option<String>,
    /// This order and later ones.
    pub min_id: Option<i64>,
    /// Up to this order.
    pub max_id: Option<i64>,
    /// Orders in this status.
    pub status_id: Option<i64>,
    /// Orders of this customer.
    pub customer_id: Option<i64>,
    /// Orders of this channel.
    pub channel_id: Option<i64>,
    /// Orders with this email address.
    pub email: Option<String>,
    /// Orders paid with this method.
    pub payment_method: Option<String>,
    /// Made since (RFC 2822 or ISO 8601).
    pub min_date_created: Option<String>,
    /// Made until.
    pub max_date_created: Option<String>,
    /// Changed since.
    pub min_date_modified: Option<String>,
    /// Changed until.
    pub max_date_modified: Option<String>,
    /// Such as `id:asc`.
    pub sort: Option<String>,
    /// From 1.
    pub page: Option<u32>,
    /// Rows in a page; BigCommerce's default is 50.
    pub limit: Option<u32>,
}

impl Filter {
    /// Orders made from this cart, the lowest number first: the witness of order creation.
    pub fn by_cart(cart_id: &str) -> Self {
        Self { cart_id: Some(cart_id.to_owned()), sort: Some("id:asc".to_owned()), ..Self::default() }
    }

    fn apply(&self, request: Request) -> Request {
        request
            .query("cart_id", self.cart_id.as_deref())
            .query("external_order_id", self.external_order_id.as_deref())
            .query("min_id", self.min_id)
            .query("max_id", self.max_id)
            .query("status_id", self.status_id)
            .query("customer_id", self.customer_id)
            .query("channel_id", self.channel_id)
            .query("email", self.email.as_deref())
            .query("payment_method", self.payment_method.as_deref())
            .query("min_date_created", self.min_date_created.as_deref())
            .query("max_date_created", self.max_date_created.as_deref())
            .query("min_date_modified", self.min_date_modified.as_deref())
            .query("max_date_modified", self.max_date_modified.as_deref())
            .query("sort", self.sort.as_deref())
            .query("page", self.page)
            .query("limit", self.limit)
    }
}

impl Orders<'_> {
    /// Creates an order directly (V2); the body is BigCommerce's, with `status_id` 0 if it is to be paid. Not
    /// idempotent; the witness is the list by `external_order_id`.
    pub async fn create(&self, body: &Value) -> Result<Answer<Order>, Error> {
        let request = Request::api("order.create_direct", Method::POST, &["v2", "orders"]).json(body);
        self.client.call(self.cx, request, |body| Order::parse(lenient::data(body?))).await
    }

    /// Reads an order.
    pub async fn get(&self, id: OrderId) -> Result<Answer<Order>, Error> {
        let request = self.one("order.get", Method::GET, id, &[]);
        self.client.call(self.cx, request, |body| Order::parse(lenient::data(body?))).await
    }

    /// Lists orders.
    pub async fn list(&self, filter: &Filter) -> Result<Answer<Vec<Order>>, Error> {
        let request = filter.apply(Request::api("order.list", Method::GET, &["v2", "orders"]));
        self.client.call(self.cx, request, rows(Order::parse)).await
    }

    /// Changes the fields that the body names. Never used to make a paid order "paid": BigCommerce does that itself.
    pub async fn update(&self, id: OrderId, body: &Value) -> Result<Answer<Order>, Error> {
        let request = self.one("order.update", Method::PUT, id, &[]).json(body);
        self.client.call(self.cx, request, |body| Order::parse(lenient::data(body?))).await
    }

    /// Archives one order. Repeatable.
    pub async fn archive(&self, id: OrderId) -> Result<Answer<()>, Error> {
        self.client.done(self.cx, self.one("order.archive", Method::DELETE, id, &[])).await
    }

    /// The products of an order, as they are.
    pub async fn products(&self, id: OrderId) -> Result<Answer<Vec<Value>>, Error> {
        self.sub_list("order.products", id, &["products"]).await
    }

    /// The shipping addresses of an order, as they are.
    pub async fn shipping_addresses(&self, id: OrderId) -> Result<Answer<Vec<Value>>, Error> {
        self.sub_list("order.shipping_addresses", id, &["shipping_addresses"]).await
    }

    /// The stored quotes of one shipping address, as they are; none for orders made by API.
    pub async fn shipping_quotes(&self, id: OrderId, address_id: i64) -> Result<Answer<Vec<Value>>, Error> {
        let address_id = address_id.to_string();
        let below = ["shipping_addresses", &address_id, "shipping_quotes"];
        let request = self.one("order.shipping_quotes", Method::GET, id, &below);
        self.client.call(self.cx, request, quotes).await
    }

    /// The taxes of an order, as they are.
    pub async fn taxes(&self, id: OrderId) -> Result<Answer<Vec<Value>>, Error> {
        self.sub_list("order.taxes", id, &["taxes"]).await
    }

    /// The taxes of an order with the lines that they are for, as they are.
    pub async fn taxes_in_detail(&self, id: OrderId) -> Result<Answer<Vec<Value>>, Error> {
        let request = self.one("order.taxes", Method::GET, id, &["taxes"]);
        let request = request.query("details", Some(true)).query("limit", Some(250));
        self.client.call(self.cx, request, rows(as_is)).await
    }

    /// The coupons of an order, as they are.
    pub async fn coupons(&self, id: OrderId) -> Result<Answer<Vec<Value>>, Error> {
        self.sub_list("order.coupons", id, &["coupons"]).await
    }

    /// The shipments of an order, as they are.
    pub async fn shipments(&self, id: OrderId) -> Result<Answer<Vec<Value>>, Error> {
        self.sub_list("order.shipments", id, &["shipments"]).await
    }

    /// Adds a shipment; the body is BigCommerce's. Not idempotent, and it may send mail to the shopper.
    pub async fn create_shipment(&self, id: OrderId, body: &Value) -> Result<Answer<Value>, Error> {
        let request = self.one("order.create_shipment", Method::POST, id, &["shipments"]).json(body);
        self.client.call(self.cx, request, |body| as_is(lenient::data(body?))).await
    }

    /// The statuses of orders, with the store's own labels, as they are.
    pub async fn statuses(&self) -> Result<Answer<Vec<Value>>, Error> {
        let request = Request::api("order.statuses", Method::GET, &["v2", "order_statuses"]);
        self.client.call(self.cx, request, rows(as_is)).await
    }

    async fn sub_list(
        &self,
        name: &'static str,
        id: OrderId,
        below: &[&str],
    ) -> Result<Answer<Vec<Value>>, Error> {
        // Beyond BigCommerce's default page of 50, up to what it allows at most.
        let request = self.one(name, Method::GET, id, below).query("limit", Some(250));
        self.client.call(self.cx, request, rows(as_is)).await
    }

    fn one(&self, name: &'static str, method: Method, id: OrderId, below: &[&str]) -> Request {
        self.at("v2", name, method, id, below)
    }

    #[expect(clippy::unused_self, reason = "reads as what it is: a request about an order of this store")]
    pub(super) fn at(
        &self,
        api: &str,
        name: &'static str,
        method: Method,
        id: OrderId,
        below: &[&str],
    ) -> Request {
        let id = id.to_string();
        let segments =
            [api, "orders", id.as_str()].into_iter().chain(below.iter().copied()).collect::<Vec<_>>();
        Request::api(name, method, &segments)
    }
}

/// BigCommerce's guide shows the quotes of an address as one object, its specification as a list; none is 204.
fn quotes(body: Option<Value>) -> Option<Vec<Value>> {
    match body.map(lenient::data) {
        Some(one @ Value::Object(_)) => Some(vec![one]),
        other => rows(as_is)(other),
    }
}

/// An order. Its money is in the transactional currency.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its number.
    pub id: OrderId,
    /// 0 Incomplete is the only one that can be paid; see BigCommerce's order statuses.
    pub status_id: i64,
    /// The status in the store's words.
    pub status: String,
    /// Such as `captured` or `authorized`; empty when there is none.
    pub payment_status: String,
    /// The cart it was made from.
    pub cart_id: Option<String>,
    /// An id of somebody else's.
    pub external_order_id: Option<String>,
    /// 0 is a guest.
    pub customer_id: Option<i64>,
    /// What is to be paid; `None` when it cannot be read.
    pub total_inc_tax: Option<Decimal>,
    /// What has been refunded; BigCommerce's specification says that it "always returns 0", so it proves no absence.
    pub refunded_amount: Option<Decimal>,
    /// What store credit paid of it.
    pub store_credit_amount: Option<Decimal>,
    /// Whether it is known that its store credit and certificates were only applied, and not taken. BigCommerce does not say
    /// so: whoever looked at its transactions may.
    pub is_only_applied: bool,
    /// What gift certificates paid of it.
    pub gift_certificate_amount: Option<Decimal>,
    /// ISO 4217 code of what is charged (`default_currency_code`; `currency_code` is only what was displayed).
    pub currency: Option<String>,
    /// The payment provider's id of the payment.
    pub payment_provider_id: Option<String>,
    /// An amount of the order that is there and cannot be read.
    pub unreadable: Option<&'static str>,
    /// Whether it was archived.
    pub is_deleted: bool,
    /// When it was made, as BigCommerce writes it (RFC 2822).
    pub date_created: Option<String>,
    /// Exactly what BigCommerce answered.
    pub raw: Value,
}

/// The amounts of an order that say what is held for it.
const AMOUNTS: [&str; 4] =
    ["total_inc_tax", "refunded_amount", "store_credit_amount", "gift_certificate_amount"];

impl Order {
    /// Incomplete, and nothing was paid or promised for it: whatever says so can be read.
    pub fn is_untouched(&self) -> bool {
        self.status_id == 0 && self.payment_status.is_empty() && self.unreadable.is_none()
    }

    /// All that was paid was given back: Refunded (4). It holds no money any more, as far as everything of it can be read.
    pub fn is_refunded(&self) -> bool {
        self.unreadable.is_none()
            && self.status_id == 4
            && (self.payment_status.is_empty() || self.payment_status == "refunded")
    }

    /// Reads the document, also one that was kept. `None`: what identifies it is missing.
    pub fn parse(raw: Value) -> Option<Self> {
        let currency = ["default_currency_code", "currency_code"];
        Some(Self {
            id: lenient::integer(&raw, "id").and_then(OrderId::new)?,
            status_id: lenient::integer(&raw, "status_id")?,
            // Shown and never compared: the number decides.
            status: lenient::text(&raw, "status").unwrap_or_default(),
            // What is said and no text is `unreadable`; what is not said is BigCommerce's own word for unpaid.
            payment_status: lenient::text(&raw, "payment_status").unwrap_or_default().to_ascii_lowercase(),
            cart_id: lenient::filled(&raw, "cart_id"),
            external_order_id: lenient::filled(&raw, "external_order_id")
                .or_else(|| lenient::filled(&raw, "external_id")),
            customer_id: lenient::integer(&raw, "customer_id"),
            is_only_applied: false,
            total_inc_tax: lenient::decimal(&raw, "total_inc_tax"),
            refunded_amount: lenient::decimal(&raw, "refunded_amount"),
            store_credit_amount: lenient::decimal(&raw, "store_credit_amount"),
            gift_certificate_amount: lenient::decimal(&raw, "gift_certificate_amount"),
            currency: currency.into_iter().find_map(|key| lenient::filled(&raw, key)),
            payment_provider_id: lenient::filled(&raw, "payment_provider_id"),
            unreadable: AMOUNTS
                .into_iter()
                .find(|name| lenient::is_said(&raw, name) && lenient::decimal(&raw, name).is_none())
                .or_else(|| odd(&raw)),
            // What is said and no flag is `unreadable`.
            is_deleted: lenient::flag(&raw, "is_deleted").unwrap_or(false),
            date_created: lenient::filled(&raw, "date_created"),
            raw: as_is(raw)?,
        })
    }
}

/// A word that says what was done to the order and cannot be read. An empty list or object is PHP's nothing.
fn odd(raw: &Value) -> Option<&'static str> {
    let is_empty = |name: &str| matches!(raw.get(name), Some(Value::Array(list)) if list.is_empty());
    let is_said = |name: &str| {
        lenient::is_said(raw, name) && !is_empty(name) && raw.get(name) != Some(&serde_json::json!({}))
    };
    if is_said("payment_status") && lenient::text(raw, "payment_status").is_none() {
        return Some("payment_status");
    }
    let currencies = ["default_currency_code", "currency_code"];
    if let Some(name) =
        currencies.into_iter().find(|name| is_said(name) && lenient::text(raw, name).is_none())
    {
        return Some(name);
    }
    (is_said("is_deleted") && lenient::flag(raw, "is_deleted").is_none()).then_some("is_deleted")
}

#[cfg(test)]
#[path = "orders_tests.rs"]
mod tests;
