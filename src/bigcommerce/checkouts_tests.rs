//! Reading checkouts.

use super::*;

fn checkout(text: &str) -> Option<Checkout> {
    Checkout::read(serde_json::from_str(text).expect("a fixture"))
}

#[test]
fn a_checkout_is_passed_on_as_it_came() {
    let text = r#"{"id":"c-1", "version":9,"cart":{"id":"c-1","line_items":{"physical_items":[{"id":"p-1","quantity":1}]}},
        "consignments":[{"id":"a1","new":[{}]}],"order_id":"125","grand_total":16.930}"#;
    let checkout = checkout(text).expect("a checkout");
    assert_eq!((checkout.raw.get(), checkout.order_id.as_deref()), (text, Some("125")));
}

#[test]
fn a_young_checkout_has_nothing_but_a_cart() {
    for rest in [
        r#""billing_address":{},"consignments":null,"coupons":null,"order_id":"""#,
        r#""consignments":{},"order_id":null"#,
        r#""consignments":[],"order_id":{}"#,
    ] {
        let checkout = checkout(&format!(r#"{{"id":"c","cart":{{"id":"c","version":1}},{rest}}}"#));
        assert_eq!(checkout.expect("a checkout").order_id, None, "{rest}");
    }
}

#[test]
fn a_checkout_without_cart_or_with_a_nameless_consignment_is_unreadable() {
    for text in [
        "null",
        "[]",
        r#"{"id":"c"}"#,
        r#"{"cart":{"id":"c"}}"#,
        r#"{"id":"c","cart":null}"#,
        r#"{"id":"","cart":{"id":"c"}}"#,
        r#"{"id":"c","cart":{"id":"c"},"consignments":[{"line_item_ids":["p"]}]}"#,
        r#"{"id":"c","cart":{"id":"c"},"consignments":["a1"]}"#,
        r#"{"id":"c","cart":{"id":"c","line_items":{"physical_items":[{"id":"p"}]}}}"#,
    ] {
        assert!(checkout(text).is_none(), "{text}");
    }
}
