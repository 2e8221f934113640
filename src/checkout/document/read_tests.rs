//! Whatever is nested in a checkout object may be missing, empty, filled with nothing, or something else.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::checkout::Document;

const NOTHING: [&str; 6] = [
    "null",
    "{}",
    "[]",
    r#""""#,
    r#"{"id":"","first_name":"","email":" ","country_code":null,"custom_fields":[],"should_save_address":false}"#,
    r#"{"id":"","cost":0,"code":"","line_items":{},"address":{"id":""}}"#,
];

fn nothing() -> impl Strategy<Value = Value> {
    prop::sample::select(&NOTHING[..]).prop_map(|text| serde_json::from_str(text).expect("a fixture"))
}

fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => nothing(),
        1 => prop::sample::select(vec![json!(5), json!("5"), json!("x"), json!(true), json!([[]]), json!({"a": {}})]),
    ]
}

fn whole() -> Value {
    json!({
        "id": "c1", "version": 4, "grand_total": 30.83, "order_id": "125", "customer_message": "m",
        "billing_address": {"id": "b1", "email": "a@example.com"}, "coupons": [{"code": "C"}],
        "cart": {"version": 4, "currency": {"code": "USD"}, "customer_id": 1, "coupons": [{"code": "C"}],
            "line_items": {"physical_items": [{"id": "p1", "quantity": 2}]}},
        "consignments": [{"id": "k1", "line_item_ids": ["p1"], "address": {"email": "a@example.com"},
            "shipping_address": {"email": "a@example.com"},
            "available_shipping_options": [{"id": "o1", "type": "t", "description": "d", "cost": 5}],
            "selected_shipping_option": {"id": "o1", "cost": 5}, "selected_pickup_option": {"pickup_method_id": 1}}],
    })
}

/// Every place in the document that holds something of its own.
fn places(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    let fields: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in fields {
        places(value, &format!("{at}/{key}"), into);
    }
}

fn all_places() -> Vec<String> {
    let mut found = Vec::new();
    places(&whole(), "", &mut found);
    found
}

#[test]
fn a_placeholder_is_no_address() {
    for nothing in NOTHING {
        let nothing: Value = serde_json::from_str(nothing).expect("a fixture");
        let document = Document::of(&json!({"billing_address": nothing, "consignments": [
            {"id": "k", "address": nothing, "selected_shipping_option": nothing, "selected_pickup_option": nothing}]}));
        assert_eq!((document.billing_address(), document.email()), (None, None), "{nothing}");
        let consignment = &document.consignments()[0];
        assert_eq!(consignment.address(), None, "{nothing}");
        assert!(consignment.selected.is_none() && !consignment.is_picked_up, "{nothing}");
    }
    let document = Document::of(&json!({"billing_address": {"id": "", "city": "Austin"}, "order_id": 0}));
    assert!(document.billing_address().is_some());
    assert_eq!(document.order_hint(), None);
}

proptest! {
    #![proptest_config(crate::seeded::seeded())]

    /// Nothing panics, no id is empty, and an amount that cannot be read is none.
    #[test]
    fn whatever_is_nested_is_read_or_is_not_there(
        changes in prop::collection::vec((prop::sample::select(all_places()), anything()), 1..4),
    ) {
        let mut parts = whole();
        for (place, value) in changes {
            if let Some(there) = parts.pointer_mut(&place) {
                *there = value;
            }
        }
        let document = Document::of(&parts);
        for consignment in document.consignments() {
            prop_assert!(!consignment.id.trim().is_empty());
            prop_assert!(consignment.selected.as_ref().is_none_or(|id| !id.trim().is_empty()));
            prop_assert!(consignment.line_item_ids.iter().all(|id| !id.trim().is_empty()));
            prop_assert!(consignment.available().iter().all(|option| !option.id.trim().is_empty()));
            prop_assert!(consignment.address().is_none_or(|address| !address.is_empty()));
        }
        for item in document.line_items() {
            prop_assert!(!item.id.trim().is_empty());
            prop_assert!(item.is_counted || item.quantity == 0);
            // 2 as it was, 5 or "5" as it was made: nothing else is a number of units.
            prop_assert!(!item.is_counted || [2, 5].contains(&item.quantity) || item.quantity == 0);
        }
        prop_assert!(document.coupon_codes().iter().all(|code| !code.trim().is_empty()));
        prop_assert!(document.order_hint().is_none_or(|id| id > 0));
        prop_assert!(document.billing_address().is_none_or(|address| !address.is_empty()));
        let total = parts.get("grand_total").filter(|total| total.is_number() || total.as_str() == Some("5"));
        prop_assert_eq!(document.grand_total().is_some(), total.is_some());
        let _ = (document.version(), document.is_covered(), document.options_selected(), document.customer_id());
    }
}
