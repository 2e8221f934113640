//! Addresses in the shape of BigCommerce's checkouts (checkouts.v3).

use serde_json::{Map, Value};

use super::{Checked, checked, fields};
use crate::http::request::shape::{Field, Like, Object, Shape, line, no_rule, opt, req};

const EMAIL: Shape = Shape::Text { min: 3, max: 254, like: Like::Email };
const COUNTRY: Shape = Shape::Text { min: 2, max: 2, like: Like::Country };

static CUSTOM_FIELD: Object = Object {
    name: "CustomField",
    about: "An extra field of the store's address form.",
    fields: &[
        req("field_id", line(1, 255), "Such as `field_25`."),
        opt("field_value", Shape::Text { min: 0, max: 2000, like: Like::Lines }, "What the shopper entered."),
    ],
    rule: no_rule,
};

const CUSTOM_FIELDS: Shape = Shape::List { of: &Shape::Object(&CUSTOM_FIELD), min: 0, max: 50 };

const fn part(name: &'static str, about: &'static str) -> Field {
    opt(name, line(0, 255), about)
}

const fn needed(name: &'static str, about: &'static str) -> Field {
    req(name, line(1, 255), about)
}

/// Body of the billing address (BigCommerce: checkouts.v3, addCheckoutBillingAddress).
pub(in crate::http) static BILLING: Object = Object {
    name: "BillingAddress",
    about: "Billing address, in BigCommerce's shape.",
    fields: &[
        req("email", EMAIL, "The address for the order confirmation."),
        req("country_code", COUNTRY, "ISO 3166-1, two letters."),
        part("first_name", ""),
        part("last_name", ""),
        part("company", ""),
        part("address1", "Street and number."),
        part("address2", ""),
        part("city", ""),
        part("state_or_province", "By name."),
        part("state_or_province_code", "By code, such as `TX`."),
        opt("postal_code", line(0, 30), ""),
        opt("phone", line(0, 50), ""),
        opt("custom_fields", CUSTOM_FIELDS, ""),
    ],
    rule: no_rule,
};

/// A shipping address; what BigCommerce needs for an order is required.
pub(super) static SHIPPING: Object = Object {
    name: "ShippingAddress",
    about: "Shipping address, in BigCommerce's shape. Fields that the order needs are required here.",
    fields: &[
        req("email", EMAIL, ""),
        req("country_code", COUNTRY, "ISO 3166-1, two letters."),
        needed("first_name", ""),
        needed("last_name", ""),
        part("company", ""),
        needed("address1", "Street and number."),
        part("address2", ""),
        needed("city", ""),
        part("state_or_province", "By name."),
        part("state_or_province_code", "By code, such as `TX`."),
        opt("postal_code", line(0, 30), ""),
        opt("phone", line(0, 50), ""),
        opt("custom_fields", CUSTOM_FIELDS, ""),
    ],
    rule: no_rule,
};

/// Checks and takes a billing address.
pub(in crate::http) fn billing_address(body: &Value) -> Checked<Map<String, Value>> {
    checked(&BILLING, body)?;
    Ok(fields(body))
}
