//! Where the items go and how they are sent.

use serde_json::{Map, Value};

use super::address::SHIPPING;
use super::{Checked, ID, UNITS, checked_by, elements, fields, text, units};
use crate::checkout::{ConsignmentInput, ConsignmentItem, OptionChoice, Preference};
use crate::http::request::pointer::{Errors, Pointer};
use crate::http::request::shape::{Object, Shape, line, no_rule, opt, req};

/// The most addresses of one checkout.
const ADDRESSES: usize = 100;

static CONSIGNMENT_ITEM: Object = Object {
    name: "ConsignmentItem",
    about: "Units of one line item.",
    fields: &[
        req("item_id", line(1, 64), "Id of the line item in the cart."),
        req("quantity", Shape::Integer { min: 1, max: UNITS }, "Units that go to this address."),
    ],
    rule: no_rule,
};

static PICKUP: Object = Object {
    name: "PickupOption",
    about: "The shopper picks up the items.",
    fields: &[req("pickup_method_id", ID, "BigCommerce's pickup method.")],
    rule: no_rule,
};

/// One consignment of the body.
pub(in crate::http) static CONSIGNMENT: Object = Object {
    name: "ConsignmentInput",
    about: "One address and the items that go there.",
    fields: &[
        opt(
            "address",
            Shape::Object(&SHIPPING),
            "The destination. Required, unless given as `shipping_address`.",
        ),
        opt("shipping_address", Shape::Object(&SHIPPING), "BigCommerce's older name for `address`."),
        opt(
            "line_items",
            Shape::List { of: &Shape::Object(&CONSIGNMENT_ITEM), min: 1, max: super::LINES },
            "May be left out when there is one consignment: all physical and custom items go there.",
        ),
        opt(
            "pickup_option",
            Shape::Object(&PICKUP),
            "Where the shopper picks up the items; no shipping option is needed then.",
        ),
    ],
    rule: one_address,
};

fn one_address(consignment: &Map<String, Value>, at: &mut Pointer, errors: &mut Errors) {
    let given = |field: &str| consignment.get(field).is_some_and(|value| !value.is_null());
    match (given("address"), given("shipping_address")) {
        (true, true) => at.field("shipping_address", |at| errors.push(at, "is given together with address")),
        (false, false) => at.field("address", |at| errors.push(at, "is required")),
        _ => {}
    }
    let items: Vec<&str> = elements(consignment.get("line_items"))
        .iter()
        .filter_map(|item| item.get("item_id")?.as_str())
        .collect();
    if items.iter().enumerate().any(|(index, item)| items.iter().take(index).any(|earlier| earlier == item)) {
        at.field("line_items", |at| errors.push(at, "must name each item once"));
    }
}

/// All consignments.
pub(in crate::http) const CONSIGNMENTS: Shape =
    Shape::List { of: &Shape::Object(&CONSIGNMENT), min: 1, max: ADDRESSES };

static OPTION: Object = Object {
    name: "ShippingOptionChoice",
    about: "The shipping option of one consignment.",
    fields: &[
        opt("consignment_id", line(1, 64), "May be left out when there is one consignment."),
        req("shipping_option_id", line(1, 255), "Id of one of its `available_shipping_options`."),
    ],
    rule: no_rule,
};

/// All choices.
pub(in crate::http) const OPTIONS: Shape =
    Shape::List { of: &Shape::Object(&OPTION), min: 1, max: ADDRESSES };

static PREFERENCE_BY: Object = Object {
    name: "ShippingPreferenceBy",
    about: "The shipping option with this type or this description.",
    fields: &[
        opt("type", line(1, 255), "Such as `shipping_flatrate`."),
        opt("description", line(1, 255), "As the shopper reads it."),
    ],
    rule: by_one,
};

fn by_one(preference: &Map<String, Value>, at: &mut Pointer, errors: &mut Errors) {
    let given = |field: &str| preference.get(field).is_some_and(|value| !value.is_null());
    if given("type") == given("description") {
        errors.push(at, "must contain either type or description");
    }
}

/// How to choose where no option is named.
pub(super) const PREFERENCE: Shape =
    Shape::Choice { words: &["cheapest", "fastest"], object: &PREFERENCE_BY };

/// What the list of consignments tells only as a whole.
pub(super) fn check_consignments(body: &Value, at: &mut Pointer, errors: &mut Errors) {
    let list = elements(Some(body));
    for (index, consignment) in list.iter().enumerate() {
        let named = consignment.get("line_items").is_some_and(|items| !items.is_null());
        if list.len() > 1 && !named {
            at.index(index, |at| {
                at.field("line_items", |at| {
                    errors.push(at, "is required when there is more than one consignment");
                });
            });
        }
    }
}

/// What the list of choices tells only as a whole.
pub(super) fn check_options(body: &Value, at: &mut Pointer, errors: &mut Errors) {
    let list = elements(Some(body));
    let ids: Vec<Option<&str>> =
        list.iter().map(|choice| choice.get("consignment_id").and_then(Value::as_str)).collect();
    for (index, id) in ids.iter().enumerate() {
        let problem = match id {
            None if ids.len() > 1 => "is required when there is more than one choice",
            Some(_) if ids.iter().take(index).any(|earlier| earlier == id) => "names a consignment twice",
            _ => continue,
        };
        at.index(index, |at| at.field("consignment_id", |at| errors.push(at, problem)));
    }
}

/// Checks and takes consignments.
pub(in crate::http) fn consignments(body: &Value) -> Checked<Vec<ConsignmentInput>> {
    checked_by(|at, errors| {
        CONSIGNMENTS.check(body, at, errors);
        check_consignments(body, at, errors);
    })?;
    Ok(taken_consignments(body))
}

/// Checks and takes the choice of shipping options.
pub(in crate::http) fn shipping_options(body: &Value) -> Checked<Vec<OptionChoice>> {
    checked_by(|at, errors| {
        OPTIONS.check(body, at, errors);
        check_options(body, at, errors);
    })?;
    Ok(taken_options(body))
}

/// From a list that was checked.
pub(super) fn taken_consignments(list: &Value) -> Vec<ConsignmentInput> {
    let given =
        |consignment: &Value, field: &str| consignment.get(field).cloned().filter(|value| !value.is_null());
    elements(Some(list))
        .iter()
        .map(|consignment| {
            let address = given(consignment, "address").or_else(|| given(consignment, "shipping_address"));
            let items = given(consignment, "line_items").map(|items| {
                let item = |item: &Value| ConsignmentItem {
                    item_id: text(item, "item_id").unwrap_or_default(),
                    quantity: units(item, "quantity"),
                };
                elements(Some(&items)).iter().map(item).collect()
            });
            let pickup = consignment.pointer("/pickup_option/pickup_method_id").and_then(Value::as_i64);
            ConsignmentInput {
                address: fields(&address.unwrap_or_default()),
                line_items: items,
                pickup_method_id: pickup,
            }
        })
        .collect()
}

/// From a list that was checked.
pub(super) fn taken_options(list: &Value) -> Vec<OptionChoice> {
    let choice = |choice: &Value| OptionChoice {
        consignment_id: text(choice, "consignment_id"),
        shipping_option_id: text(choice, "shipping_option_id").unwrap_or_default(),
    };
    elements(Some(list)).iter().map(choice).collect()
}

/// From a preference that was checked.
pub(super) fn taken_preference(value: &Value) -> Option<Preference> {
    match value.as_str() {
        Some("cheapest") => Some(Preference::Cheapest),
        Some("fastest") => Some(Preference::Fastest),
        _ => {
            let by_type = text(value, "type").map(Preference::Type);
            by_type.or_else(|| text(value, "description").map(Preference::Description))
        }
    }
}
