//! Body of a new checkout: the cart, and whatever else is known already.

use serde_json::{Map, Value};

use super::address::BILLING;
use super::cart::{
    COUPON_CODE, CUSTOM_ITEMS, GIFT_CERTIFICATES, LINE_ITEMS, MESSAGE, fits_the_cart, holds_items, is_item_id,
};
use super::shipping::{
    CONSIGNMENT, OPTIONS, PREFERENCE, check_options, taken_consignments, taken_options, taken_preference,
};
use super::{Checked, ID, LONGEST_TOKEN, Shopper, checked, elements, fields, text};
use crate::checkout::Input;
use crate::http::request::claims::Trust;
use crate::http::request::pointer::{Errors, Pointer};
use crate::http::request::shape::{Field, Like, Object, Shape, line, no_rule, opt, req};

static CURRENCY: Object = Object {
    name: "Currency",
    about: "A currency.",
    fields: &[req("code", Shape::Text { min: 3, max: 3, like: Like::Currency }, "ISO 4217, such as `USD`.")],
    rule: no_rule,
};

/// The storefront's own notes.
pub(super) const METADATA: Field = opt(
    "metadata",
    Shape::Notes { entries: 50, characters: 500 },
    "The storefront's own data: at most 50 entries, each at most 500 characters. Never sent to BigCommerce.",
);

/// The customer.
pub(super) const CUSTOMER_ID: Field = opt(
    "customer_id",
    Shape::Integer { min: 0, max: 4_294_967_295 },
    "BigCommerce's customer; 0 is a guest.",
)
.from(Trust::Identity);

/// The proof of the customer. Only its customer is kept.
pub(super) const CUSTOMER_TOKEN: Field = opt(
    "customer_token",
    line(1, LONGEST_TOKEN),
    "BigCommerce's Current Customer token of the shopper (a JWT, HS256): proves the customer with any \
        key. Instead of \
    `customer_id`. Repeating the request with a fresher token of the same customer is the same request.",
);

/// Fields that go into Create a Cart.
const CART_FIELDS: &[&str] =
    &["channel_id", "currency", "locale", "line_items", "custom_items", "gift_certificates"];

/// Body of a new checkout.
pub(in crate::http) static NEW_CHECKOUT: Object = Object {
    name: "NewCheckout",
    about: "A cart (as in BigCommerce's Create a Cart), and whatever else is known already.",
    fields: &[
        opt(
            "cart_id",
            line(1, 64),
            "An existing cart, adopted with the data of its checkout; instead of items and other data of \
                a new cart. A customer's cart requires a server key, or that customer's token.",
        ),
        CUSTOMER_ID,
        CUSTOMER_TOKEN,
        opt("channel_id", ID, "BigCommerce's channel; 1 by default."),
        opt("currency", Shape::Object(&CURRENCY), "Needed when the store sells in several currencies."),
        opt("locale", Shape::Text { min: 2, max: 8, like: Like::Locale }, "`en` or `en-US`."),
        LINE_ITEMS,
        CUSTOM_ITEMS,
        GIFT_CERTIFICATES,
        opt(
            "coupon_codes",
            Shape::List { of: &COUPON_CODE, min: 0, max: 20 },
            "Applied once the cart exists.",
        ),
        opt("billing_address", Shape::Object(&BILLING), ""),
        opt(
            "consignments",
            Shape::List { of: &Shape::Object(&CONSIGNMENT), min: 0, max: 1 },
            "One address for everything; items have no ids yet, so that they can only be divided later.",
        ),
        opt("shipping_options", OPTIONS, ""),
        opt("shipping_preference", PREFERENCE, "How to choose a shipping option if none is given."),
        opt("customer_message", MESSAGE, "From the shopper to the merchant."),
        METADATA,
    ],
    rule: together,
};

fn together(body: &Map<String, Value>, at: &mut Pointer, errors: &mut Errors) {
    if let Some(cart_id) = body.get("cart_id").and_then(Value::as_str) {
        takes_over(cart_id, body, at, errors);
    } else {
        holds_items(body, at, errors);
        fits_the_cart(body, 0, is_guest(body), at, errors);
    }
    for (index, consignment) in elements(body.get("consignments")).iter().enumerate() {
        if consignment.get("line_items").is_some_and(|items| !items.is_null()) {
            at.field("consignments", |at| {
                at.index(index, |at| {
                    at.field("line_items", |at| {
                        errors.push(at, "must be left out here: items have no ids before the cart exists");
                    });
                });
            });
        }
    }
    if let Some(options) = body.get("shipping_options") {
        at.field("shipping_options", |at| check_options(options, at, errors));
    }
}

/// Whether nobody is said to be the customer.
pub(super) fn is_guest(body: &Map<String, Value>) -> bool {
    let given =
        |field: &str| body.get(field).is_some_and(|value| !value.is_null() && value.as_i64() != Some(0));
    !given("customer_id") && !given("customer_token")
}

/// A cart that exists has its channel, its currency and its items.
fn takes_over(cart_id: &str, body: &Map<String, Value>, at: &mut Pointer, errors: &mut Errors) {
    if !is_item_id(cart_id) {
        at.field("cart_id", |at| errors.push(at, "must be the id of a cart"));
    }
    for field in CART_FIELDS.iter().filter(|field| body.get(**field).is_some_and(|value| !value.is_null())) {
        at.field(field, |at| errors.push(at, "must be left out when cart_id is given"));
    }
}

/// A body that was checked, in its parts.
#[derive(Debug)]
pub(in crate::http) struct New {
    /// The body of Create a Cart.
    pub(in crate::http) cart: Map<String, Value>,
    /// Everything else that is known already.
    pub(in crate::http) input: Input,
    /// The storefront's own notes.
    pub(in crate::http) metadata: Map<String, Value>,
}

/// Checks and takes a new checkout.
pub(in crate::http) fn new_checkout(body: &Value, shopper: Shopper) -> Checked<New> {
    checked(&NEW_CHECKOUT, body)?;
    let all = fields(body);
    let cart = all.iter().filter(|(name, _)| CART_FIELDS.contains(&name.as_str()));
    let mut cart: Map<String, Value> = cart.map(|(name, value)| (name.clone(), value.clone())).collect();
    let cart_id = text(body, "cart_id");
    if cart_id.is_none() && (shopper.customer.is_some() || all.contains_key("customer_id")) {
        cart.insert("customer_id".to_owned(), shopper.customer.unwrap_or(0).into());
    }
    let list = |field: &str| all.get(field).filter(|list| !elements(Some(list)).is_empty());
    let codes = elements(all.get("coupon_codes")).iter().filter_map(Value::as_str);
    let input = Input {
        proven_customer: shopper.customer,
        vouched_cart: cart_id.is_some() && shopper.by_server,
        cart_id,
        coupon_codes: codes.map(str::to_owned).collect(),
        customer_message: text(body, "customer_message").filter(|message| !message.is_empty()),
        billing_address: all.get("billing_address").map(fields),
        consignments: list("consignments").map(taken_consignments),
        shipping_options: list("shipping_options").map(taken_options),
        shipping_preference: all.get("shipping_preference").and_then(taken_preference),
        ..Input::default()
    };
    Ok(New { cart, input, metadata: all.get("metadata").map(fields).unwrap_or_default() })
}
