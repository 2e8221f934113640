//! What is read from a checkout object, and what is not.

use serde_json::json;

use super::*;

fn checkout() -> Document {
    Document::of(&parts())
}

fn parts() -> Value {
    json!({
        "id": "c1", "version": 4, "grand_total": 30.83, "order_id": "125",
        "cart": {"currency": {"code": "USD"}, "line_items": {
            "physical_items": [{"id": "p1", "quantity": 2}],
            "custom_items": [{"id": "x1", "quantity": "1"}],
            "digital_items": [{"id": "d1", "quantity": 1}],
            "gift_certificates": [{"id": "g1", "quantity": 1}],
        }},
        "consignments": [{"id": "k1", "line_item_ids": ["p1"], "address": {"email": "a@example.com"},
            "available_shipping_options": [{"id": "o1", "type": "t", "description": "d", "cost": 5}]}],
    })
}

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("JSON")
}

#[test]
fn only_physical_and_custom_items_have_to_be_covered() {
    assert!(!checkout().is_covered());
    let mut parts = parts();
    parts["consignments"][0]["line_item_ids"] = json!(["p1", "x1"]);
    let document = Document::of(&parts);
    assert!(document.is_covered());
    assert!(!document.options_selected());
    parts["consignments"][0]["selected_shipping_option"] = json!({"id": "o1"});
    let document = Document::of(&parts);
    assert!(document.options_selected());
    assert_eq!(document.order_hint(), Some(125));
}

#[test]
fn a_cart_is_read_like_a_checkout() {
    let document = Document::from_cart(&raw(&json!({
        "id": "c1", "version": 1, "base_amount": 10, "cart_amount": 10.83, "currency": {"code": "USD"},
        "line_items": {"custom_items": [{"id": "x1", "quantity": "1", "list_price": "10.00", "taxable": true}]},
    })));
    let value: Value = serde_json::from_str(document.text()).expect("JSON");
    assert_eq!(document.grand_total().map(|total| total.decimal().to_string()), Some("10.83".to_owned()));
    assert_eq!(value.pointer("/cart/line_items/custom_items/0/quantity"), Some(&json!(1)));
    let price = value.pointer("/cart/line_items/custom_items/0/list_price").map(ToString::to_string);
    assert_eq!(price.as_deref(), Some("10.00"));
    assert_eq!(value.pointer("/cart/line_items/custom_items/0/is_taxable"), Some(&json!(true)));
    assert_eq!(document.shipped_items().len(), 1);
}

#[test]
fn an_answer_without_options_keeps_the_known_ones() {
    let earlier = checkout();
    let mut later = Document::of(&json!({"consignments": [{"id": "k1"}, {"id": "k2"}]}));
    later.adopt_options_of(Some(&earlier));
    let consignments = later.consignments();
    assert_eq!(consignments[0].available().len(), 1);
    assert!(consignments[1].available().is_empty());
}

#[test]
fn the_text_is_passed_on_as_it_came() {
    let text =
        r#"{"id":"c1", "grand_total":27.7170,"new":[{"b":1.0,"a":"\\/"}] , "consignments":[{"id":"k1"}]}"#;
    let mut document = Document::stored(text.to_owned()).expect("JSON");
    document.adopt_options_of(Some(&Document::of(&json!({"consignments": [{"id": "k2"}]}))));
    assert_eq!(document.text(), text);
    document.adopt_options_of(Some(&checkout()));
    assert!(
        document.text().contains(r#""grand_total":27.7170"#)
            && document.text().contains(r#"{"b":1.0,"a":"\\/"}"#)
    );
    assert_eq!(document.consignments()[0].available().len(), 1);
    assert!(Document::stored("{".to_owned()).is_err());
}

#[test]
fn units_that_cannot_be_read_are_not_counted() {
    for (quantity, counted) in [
        (json!(2), true),
        (json!("2"), true),
        (json!(null), false),
        (json!("two"), false),
        (json!(1.5), false),
    ] {
        let items = json!({"physical_items": [{"id": "p1", "quantity": quantity}]});
        let document = Document::of(&json!({"cart": {"line_items": items}}));
        assert_eq!(document.line_items()[0].is_counted, counted, "{quantity}");
    }
}

#[test]
fn nonsense_is_empty_and_never_a_panic() {
    for value in [
        json!(null),
        json!([1]),
        json!({"cart": 5, "consignments": {"a": 1}, "coupons": "x"}),
        json!({"cart": {"line_items": 5}, "consignments": [5, []]}),
    ] {
        let document = Document::of(&value);
        assert!(document.line_items().is_empty() && document.consignments().is_empty());
        assert!(document.grand_total().is_none() && document.coupon_codes().is_empty());
    }
}
