//! Body of a direct order (BigCommerce: orders.v2, createAnOrder), as far as a storefront may decide it.

use serde_json::{Map, Value};

use super::create::{CUSTOMER_ID, CUSTOMER_TOKEN, METADATA, is_guest};
use super::{Checked, GUEST_LINES, ID, LINES, MAX_AMOUNT, Shopper, UNITS, checked, elements, fields};
use crate::http::request::pointer::{Errors, Pointer};
use crate::http::request::shape::{Field, Like, Object, Shape, line, loose, no_rule, opt, req};

const EMAIL: Shape = Shape::Text { min: 3, max: 254, like: Like::Email };
const COUNTRY: Shape = Shape::Text { min: 2, max: 2, like: Like::Country };
const AMOUNT: Shape = Shape::LooseAmount { max: MAX_AMOUNT };

const fn part(name: &'static str) -> Field {
    opt(name, line(0, 255), "")
}

const fn amount(name: &'static str) -> Field {
    opt(name, AMOUNT, "")
}

static BILLING: Object = Object {
    name: "OrderBillingAddress",
    about: "Billing address, in the shape of BigCommerce's V2 orders. One of `country` and `country_iso2` is needed.",
    fields: &[
        part("first_name"),
        part("last_name"),
        part("company"),
        part("street_1"),
        part("street_2"),
        part("city"),
        part("state"),
        req("zip", line(2, 30), ""),
        part("country"),
        opt("country_iso2", COUNTRY, "ISO 3166-1, two letters."),
        opt("phone", line(0, 50), ""),
        req("email", EMAIL, ""),
    ],
    rule: has_country,
};

static SHIPPING: Object = Object {
    name: "OrderShippingAddress",
    about: "Shipping address, in the shape of BigCommerce's V2 orders. One of `country` and `country_iso2` is needed.",
    fields: &[
        part("first_name"),
        part("last_name"),
        part("company"),
        part("street_1"),
        part("street_2"),
        part("city"),
        part("state"),
        opt("zip", line(0, 30), ""),
        part("country"),
        opt("country_iso2", COUNTRY, "ISO 3166-1, two letters."),
        opt("phone", line(0, 50), ""),
        opt("email", EMAIL, ""),
        part("shipping_method"),
    ],
    rule: has_country,
};

fn has_country(address: &Map<String, Value>, at: &mut Pointer, errors: &mut Errors) {
    let filled =
        |field: &str| address.get(field).and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty());
    if !filled("country") && !filled("country_iso2") {
        at.field("country_iso2", |at| errors.push(at, "is required, unless country is given"));
    }
}

static PRODUCT_OPTION: Object = Object {
    name: "OrderProductOption",
    about: "A choice among the options of a product.",
    fields: &[
        req("id", ID, "The option."),
        req("value", Shape::Text { min: 0, max: 2000, like: Like::Lines }, "The chosen value, as text."),
        part("display_name"),
        part("display_value"),
    ],
    rule: no_rule,
};

static PRODUCT: Object = Object {
    name: "OrderProduct",
    about: "A product of the catalog (`product_id`), or a custom product (`name` and both prices).",
    fields: &[
        opt("product_id", ID, ""),
        opt("name", line(1, 250), ""),
        req("quantity", Shape::Integer { min: 1, max: UNITS }, ""),
        opt("variant_id", ID, ""),
        opt("product_options", Shape::List { of: &Shape::Object(&PRODUCT_OPTION), min: 0, max: 100 }, ""),
        opt("price_ex_tax", AMOUNT, "Given together with `price_inc_tax`."),
        opt("price_inc_tax", AMOUNT, "Given together with `price_ex_tax`."),
        part("sku"),
        part("upc"),
        part("name_customer"),
        part("name_merchant"),
        opt("wrapping_id", ID, ""),
        part("wrapping_name"),
        opt("wrapping_message", Shape::Text { min: 0, max: 1000, like: Like::Lines }, ""),
        amount("wrapping_cost_ex_tax"),
        amount("wrapping_cost_inc_tax"),
    ],
    rule: one_kind,
};

fn given(body: &Map<String, Value>, field: &str) -> bool {
    body.get(field).is_some_and(|value| !value.is_null())
}

fn one_kind(product: &Map<String, Value>, at: &mut Pointer, errors: &mut Errors) {
    pair(product, "price_inc_tax", "price_ex_tax", at, errors);
    if given(product, "product_id") {
        return;
    }
    if !given(product, "name") {
        at.field("product_id", |at| {
            errors.push(at, "is required, unless it is a custom product with a name");
        });
    } else if !given(product, "price_inc_tax") && !given(product, "price_ex_tax") {
        at.field("price_inc_tax", |at| errors.push(at, "is required for a custom product"));
        at.field("price_ex_tax", |at| errors.push(at, "is required for a custom product"));
    }
    for field in ["variant_id", "product_options"] {
        if given(product, field) {
            at.field(field, |at| errors.push(at, "is not for custom products"));
        }
    }
}

/// BigCommerce computes wrong totals when only one of a pair is overridden.
fn pair(body: &Map<String, Value>, one: &str, other: &str, at: &mut Pointer, errors: &mut Errors) {
    for (here, there) in [(one, other), (other, one)] {
        if given(body, here) && !given(body, there) {
            at.field(there, |at| errors.push(at, format!("is required together with {here}")));
        }
    }
}

/// Pairs of amounts of the whole order.
const PAIRS: &[(&str, &str)] = &[
    ("shipping_cost_ex_tax", "shipping_cost_inc_tax"),
    ("handling_cost_ex_tax", "handling_cost_inc_tax"),
    ("wrapping_cost_ex_tax", "wrapping_cost_inc_tax"),
    ("subtotal_ex_tax", "subtotal_inc_tax"),
    ("total_ex_tax", "total_inc_tax"),
];

/// Body of a direct order.
pub(in crate::http) static DIRECT_ORDER: Object = Object {
    name: "DirectOrder",
    about: "An order made directly, in the shape of BigCommerce's V2 orders. It is created as \
        Incomplete, and then paid.",
    fields: &[
        CUSTOMER_ID,
        CUSTOMER_TOKEN,
        req("billing_address", Shape::Object(&BILLING), ""),
        opt("shipping_addresses", Shape::List { of: &Shape::Object(&SHIPPING), min: 0, max: 100 }, ""),
        req("products", Shape::List { of: &Shape::Object(&PRODUCT), min: 1, max: LINES }, ""),
        amount("shipping_cost_ex_tax"),
        amount("shipping_cost_inc_tax"),
        amount("handling_cost_ex_tax"),
        amount("handling_cost_inc_tax"),
        amount("wrapping_cost_ex_tax"),
        amount("wrapping_cost_inc_tax"),
        amount("subtotal_ex_tax"),
        amount("subtotal_inc_tax"),
        amount("total_ex_tax"),
        amount("total_inc_tax"),
        amount("base_shipping_cost"),
        amount("base_handling_cost"),
        amount("base_wrapping_cost"),
        amount("discount_amount"),
        opt("channel_id", ID, ""),
        opt("default_currency_code", Shape::Text { min: 3, max: 3, like: Like::Currency }, ""),
        opt("customer_message", Shape::Text { min: 0, max: 2000, like: Like::Lines }, ""),
        opt("customer_locale", Shape::Text { min: 2, max: 8, like: Like::Locale }, ""),
        opt("staff_notes", Shape::Text { min: 0, max: 65_535, like: Like::Lines }, ""),
        part("external_source"),
        part("external_id"),
        opt("ip_address", line(0, 30), ""),
        opt("ip_address_v6", line(0, 39), ""),
        part("geoip_country"),
        opt("geoip_country_iso2", COUNTRY, ""),
        opt("order_is_digital", Shape::Flag, ""),
        part("tax_provider_id"),
        opt("payment_method", line(0, 255), ""),
        opt("status_id", Shape::Integer { min: 0, max: 0 }, "Only 0 (Incomplete) can be paid."),
        METADATA,
    ],
    rule: pairs,
};

fn pairs(body: &Map<String, Value>, at: &mut Pointer, errors: &mut Errors) {
    for (one, other) in PAIRS {
        pair(body, one, other, at, errors);
    }
    // BigCommerce computes neither again when the other is overridden.
    pair(body, "subtotal_inc_tax", "total_inc_tax", at, errors);
    let count = elements(body.get("products")).len();
    if is_guest(body) && (GUEST_LINES + 1..=LINES).contains(&count) {
        at.field("products", |at| errors.push(at, format!("must contain at most {GUEST_LINES} for a guest")));
    }
}

/// The order as BigCommerce takes it, and the notes. BigCommerce wants the amounts of an order as text and the
/// prices of a product as numbers.
pub(in crate::http) fn direct_order(
    body: &Value,
    shopper: Shopper,
) -> Checked<(Map<String, Value>, Map<String, Value>)> {
    checked(&DIRECT_ORDER, body)?;
    let mut order = fields(body);
    let metadata = order.remove("metadata").as_ref().map(fields).unwrap_or_default();
    order.remove("status_id");
    order.remove("customer_token");
    if let Some(customer) = shopper.customer {
        order.insert("customer_id".to_owned(), customer.into());
    }
    for field in DIRECT_ORDER.fields.iter().filter(|field| matches!(field.shape, Shape::LooseAmount { .. })) {
        if let Some(value) = order.get_mut(field.name)
            && let Value::Number(number) = value
        {
            *value = Value::String(number.to_string());
        }
    }
    let products: Vec<Value> = elements(order.get("products")).iter().cloned().map(with_numbers).collect();
    order.insert("products".to_owned(), Value::Array(products));
    Ok((order, metadata))
}

fn with_numbers(mut product: Value) -> Value {
    for field in PRODUCT.fields.iter().filter(|field| matches!(field.shape, Shape::LooseAmount { .. })) {
        if let Some(value) = product.get_mut(field.name)
            && value.is_string()
            && let Some(number) =
                loose(value).and_then(|amount| serde_json::from_str(&amount.to_string()).ok())
        {
            *value = Value::Number(number);
        }
    }
    product
}
