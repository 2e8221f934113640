//! Checkouts (BigCommerce: checkouts.v3): addresses, consignments, coupons, and the order made from them.
//!
//! Guarantees: each call is one request; `version`, where given, goes where BigCommerce expects it and makes the write
//! conditional ([`Error::Moved`] when stale). Creating an order takes no version and is not idempotent.

use reqwest::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    Answer, Call, Client, Error, OrderId, as_is, carts::Cart, document, lenient, transport::Request,
    versioned,
};

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
        let read = |body: Value| lenient::integer(&body, "id").and_then(OrderId::new);
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
        self.client.call(self.cx, request, document(Checkout::parse)).await
    }
}

/// A checkout. Amounts are in the cart's currency; one that cannot be read is `None`.
#[derive(Debug, Clone)]
pub struct Checkout {
    /// Its id, which is the cart's.
    pub id: String,
    /// Grows with each change; sent back, it makes a write conditional.
    pub version: Option<i64>,
    /// The cart in it.
    pub cart: Cart,
    /// The billing address, once there is one.
    pub billing_address: Option<Address>,
    /// What goes where.
    pub consignments: Vec<Consignment>,
    /// The codes of the coupons applied.
    pub coupon_codes: Vec<String>,
    /// A hint only, never proof: it may name an order that is no longer the latest.
    pub order_id: Option<String>,
    /// "Total payable amount, before applying any store credit or a gift certificate".
    pub grand_total: Option<Decimal>,
    /// Tax.
    pub tax_total: Option<Decimal>,
    /// Subtotal with tax.
    pub subtotal_inc_tax: Option<Decimal>,
    /// Subtotal without tax.
    pub subtotal_ex_tax: Option<Decimal>,
    /// Shipping with tax.
    pub shipping_cost_total_inc_tax: Option<Decimal>,
    /// Shipping without tax.
    pub shipping_cost_total_ex_tax: Option<Decimal>,
    /// ISO 4217 code.
    pub currency: Option<String>,
    /// The shopper's message.
    pub customer_message: Option<String>,
    /// Exactly what BigCommerce answered.
    pub raw: Value,
}

impl Checkout {
    /// Reads the document, also one that was kept. `None`: what identifies it is missing.
    pub fn parse(raw: Value) -> Option<Self> {
        let cart = Cart::parse(raw.get("cart")?.clone())?;
        let consignments = lenient::list(&raw, "consignments").iter();
        Some(Self {
            id: lenient::filled(&raw, "id")?,
            version: lenient::integer(&raw, "version").or(cart.version),
            billing_address: lenient::object(&raw, "billing_address")
                .and(raw.get("billing_address"))
                .map(Address::parse),
            consignments: consignments.map(Consignment::parse).collect::<Option<_>>()?,
            coupon_codes: lenient::list(&raw, "coupons")
                .iter()
                .filter_map(|coupon| lenient::filled(coupon, "code"))
                .collect(),
            order_id: lenient::filled(&raw, "order_id"),
            grand_total: lenient::decimal(&raw, "grand_total"),
            tax_total: lenient::decimal(&raw, "tax_total"),
            subtotal_inc_tax: lenient::decimal(&raw, "subtotal_inc_tax"),
            subtotal_ex_tax: lenient::decimal(&raw, "subtotal_ex_tax"),
            shipping_cost_total_inc_tax: lenient::decimal(&raw, "shipping_cost_total_inc_tax"),
            shipping_cost_total_ex_tax: lenient::decimal(&raw, "shipping_cost_total_ex_tax"),
            currency: cart.currency.clone(),
            customer_message: lenient::filled(&raw, "customer_message"),
            cart,
            raw: as_is(raw)?,
        })
    }
}

/// An address as BigCommerce normalised it (`TX` comes back as `Texas`, the country's name is added).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the fields are BigCommerce's own and say what they are")]
pub struct Address {
    /// Only a billing address has one, and only once it was added.
    pub id: Option<String>,
    pub email: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub company: Option<String>,
    pub address1: Option<String>,
    pub address2: Option<String>,
    pub city: Option<String>,
    pub state_or_province: Option<String>,
    pub state_or_province_code: Option<String>,
    pub country_code: Option<String>,
    pub postal_code: Option<String>,
    pub phone: Option<String>,
}

impl Address {
    /// Reads an address from any document of its shape, ours or BigCommerce's; empty fields are `None`.
    pub fn parse(body: &Value) -> Self {
        let field = |key| lenient::filled(body, key);
        Self {
            id: field("id"),
            email: field("email"),
            first_name: field("first_name"),
            last_name: field("last_name"),
            company: field("company"),
            address1: field("address1"),
            address2: field("address2"),
            city: field("city"),
            state_or_province: field("state_or_province"),
            state_or_province_code: field("state_or_province_code"),
            country_code: field("country_code"),
            postal_code: field("postal_code"),
            phone: field("phone"),
        }
    }
}

/// A consignment: some line items, one address, one way of shipping.
#[derive(Debug, Clone)]
pub struct Consignment {
    /// Its id.
    pub id: String,
    /// The line items in it.
    pub line_item_ids: Vec<String>,
    /// Where it goes (`address`, or its deprecated alias `shipping_address`).
    pub address: Option<Address>,
    /// `None` when they were not asked for; empty when no method ships there.
    pub available_shipping_options: Option<Vec<ShippingOption>>,
    /// The option chosen. Changing the address or the items may clear it.
    pub selected_shipping_option: Option<ShippingOption>,
}

impl Consignment {
    fn parse(body: &Value) -> Option<Self> {
        let address = ["address", "shipping_address"];
        let address = address.into_iter().find_map(|key| lenient::object(body, key).and(body.get(key)));
        let options = body.get("available_shipping_options").and_then(Value::as_array);
        Some(Self {
            id: lenient::filled(body, "id")?,
            line_item_ids: lenient::texts(body, "line_item_ids"),
            address: address.map(Address::parse),
            available_shipping_options: options
                .map(|list| list.iter().filter_map(ShippingOption::parse).collect()),
            selected_shipping_option: body.get("selected_shipping_option").and_then(ShippingOption::parse),
        })
    }
}

/// A quote for shipping. Its id is opaque and good until the address, the items or the customer change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShippingOption {
    /// Its id.
    pub id: String,
    /// BigCommerce's `type`, such as `shipping_flatrate`.
    pub kind: Option<String>,
    /// What the shopper reads.
    pub description: Option<String>,
    /// Its price, in the cart's currency.
    pub cost: Option<Decimal>,
    /// How long it takes, in the store's words.
    pub transit_time: Option<String>,
    /// Whether the store recommends it.
    pub is_recommended: bool,
}

impl ShippingOption {
    fn parse(body: &Value) -> Option<Self> {
        Some(Self {
            id: lenient::filled(body, "id")?,
            kind: lenient::filled(body, "type"),
            description: lenient::filled(body, "description"),
            cost: lenient::decimal(body, "cost"),
            transit_time: lenient::filled(body, "transit_time"),
            is_recommended: lenient::flag(body, "is_recommended").unwrap_or(false),
        })
    }
}

#[cfg(test)]
#[path = "checkouts_tests.rs"]
mod tests;
