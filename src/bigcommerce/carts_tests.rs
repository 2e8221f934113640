//! Reading carts.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::bigcommerce::spoilt::spoilt;

fn cart(text: &str) -> Option<Cart> {
    Cart::read(serde_json::from_str(text).expect("a fixture"))
}

#[test]
fn a_cart_is_passed_on_as_it_came() {
    let text = r#"{"id":"c-1","cart_amount":27.717647058823,"new_field":[1], "line_items":{
      "physical_items":[{"id":"p-1","parent_id":null,"quantity":2},{"id":7,"parent_id":{},"quantity":1.0}],
      "digital_items":[{"id":"d-1","quantity":"1"}],
      "gift_certificates":[{"id":"g-1"},{"id":"g-2","quantity":null}],
      "custom_items":[{"id":"u-1","quantity":"4","list_price":"1.10"}],"new_items":[{}]}}"#;
    let cart = cart(text).expect("a cart");
    assert_eq!((cart.id.as_str(), cart.raw.get()), ("c-1", text));
}

#[test]
fn a_cart_without_lines_is_a_cart() {
    for text in [
        r#"{"id":"c"}"#,
        r#"{"id":"c","line_items":null}"#,
        r#"{"id":"c","line_items":[]}"#,
        r#"{"id":"c","line_items":{"physical_items":null,"custom_items":{}}}"#,
    ] {
        assert!(cart(text).is_some(), "{text}");
    }
}

#[test]
fn what_cannot_be_identified_or_counted_is_unreadable() {
    for text in [
        "{}",
        "[]",
        "null",
        r#"{"id":""}"#,
        r#"{"id":"c","line_items":{"physical_items":[{"quantity":1}]}}"#,
        r#"{"id":"c","line_items":{"physical_items":[{"id":"p"}]}}"#,
        r#"{"id":"c","line_items":{"digital_items":["d"]}}"#,
        r#"{"id":"c","line_items":{"gift_certificates":[{"id":"g","quantity":"many"}]}}"#,
        r#"{"id":"c","line_items":{"custom_items":[{"id":"u","quantity":"1.5"}]}}"#,
    ] {
        assert!(cart(text).is_none(), "{text}");
    }
}

fn whole() -> Value {
    json!({"id": "c-1", "currency": {"code": "USD"}, "cart_amount": 27.72, "line_items": {
        "physical_items": [{"id": "p-1", "quantity": 2, "product_id": 7}, {"id": "p-2", "quantity": "3"}],
        "digital_items": [{"id": "d-1", "quantity": 1}],
        "gift_certificates": [{"id": "g-1", "amount": 5}, {"id": "g-2", "quantity": 1}],
        "custom_items": [{"id": "u-1", "quantity": "4", "list_price": "1.10"}]}})
}

proptest! {
    #![proptest_config(crate::seeded::seeded())]

    /// Each line of a cart that is read is one that can be named and counted.
    #[test]
    fn a_spoilt_cart_is_read_as_it_is_or_not_at_all(document in spoilt(&whole())) {
        let Some(read) = cart(&document.to_string()) else { return Ok(()) };
        prop_assert_eq!(Some(&*read.id), document["id"].as_str());
        prop_assert_eq!(read.raw.get(), document.to_string());
        for group in ["physical_items", "digital_items", "gift_certificates", "custom_items"] {
            for line in document["line_items"][group].as_array().into_iter().flatten() {
                prop_assert!(!line["id"].as_str().unwrap_or_default().trim().is_empty(), "{}", line);
                let said = line.get("quantity").filter(|units| !(group == "gift_certificates" && units.is_null()));
                let counts = said.map(|units| units.to_string().trim_matches('"').parse::<i64>().is_ok());
                prop_assert_eq!(counts.unwrap_or(group == "gift_certificates"), true, "{}", line);
            }
        }
    }
}
