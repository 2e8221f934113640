//! Reading checkouts.

use super::*;

fn checkout(text: &str) -> Option<Checkout> {
    Checkout::parse(serde_json::from_str(text).expect("a fixture"))
}

const CHECKOUT: &str = r#"{"id":"c-1","version":9,"cart":{"id":"c-1","currency":{"code":"USD"},"line_items":{
      "physical_items":[{"id":"p-1","quantity":1}]}},
    "billing_address":{"id":"6516f1","first_name":"Ada","company":"","state_or_province":"Texas","state_or_province_code":"TX",
      "country_code":"US","email":"ada@example.com"},
    "consignments":[
      {"id":"a1","line_item_ids":["p-1"],"shipping_address":{"city":"Austin"},
       "available_shipping_options":[{"id":"o1","type":"flat","description":"Flat","cost":5.10,"is_recommended":true},{"type":"no id"}],
       "selected_shipping_option":{"id":"o1","type":"flat","description":"Flat","cost":"5.10","transit_time":""}},
      {"id":"a2","line_item_ids":[],"address":{"city":"Houston"},"shipping_address":{"city":"old"},"selected_shipping_option":{}}],
    "coupons":[{"id":1,"code":"TEN"},{"id":"2","code":"TWENTY"}],"order_id":null,"grand_total":16.930,"tax_total":0.83,
    "subtotal_inc_tax":"11.00","subtotal_ex_tax":null,"shipping_cost_total_inc_tax":-3.4e38,"customer_message":""}"#;

#[test]
fn a_checkout_is_read() {
    let checkout = checkout(CHECKOUT).expect("a checkout");
    assert_eq!(
        (checkout.id.as_str(), checkout.version, checkout.currency.as_deref()),
        ("c-1", Some(9), Some("USD"))
    );
    assert_eq!(checkout.cart.items.len(), 1);
    assert_eq!(checkout.coupon_codes, ["TEN", "TWENTY"]);
    assert_eq!((checkout.order_id, checkout.customer_message), (None, None));
    let address = checkout.billing_address.expect("an address");
    assert_eq!(
        (address.id.as_deref(), address.company, address.first_name.as_deref()),
        (Some("6516f1"), None, Some("Ada"))
    );
}

#[test]
fn an_amount_that_does_not_fit_spoils_nothing_else() {
    let checkout = checkout(CHECKOUT).expect("a checkout");
    assert_eq!(checkout.grand_total.map(|total| total.to_string()).as_deref(), Some("16.930"));
    assert_eq!(checkout.subtotal_inc_tax.map(|total| total.to_string()).as_deref(), Some("11.00"));
    assert_eq!((checkout.subtotal_ex_tax, checkout.shipping_cost_total_inc_tax), (None, None));
}

#[test]
fn consignments_tell_what_was_not_asked_from_what_there_is_not() {
    let checkout = checkout(CHECKOUT).expect("a checkout");
    let [first, second] = checkout.consignments.as_slice() else { panic!("two consignments") };
    let options = first.available_shipping_options.as_deref().expect("asked for");
    assert_eq!(options.len(), 1);
    assert!(options.iter().all(|option| option.is_recommended && option.kind.as_deref() == Some("flat")));
    let selected = first.selected_shipping_option.as_ref().expect("selected");
    assert_eq!(
        (selected.id.as_str(), selected.cost, selected.transit_time.as_ref()),
        ("o1", Some(Decimal::new(510, 2)), None)
    );
    assert_eq!(first.address.as_ref().and_then(|address| address.city.as_deref()), Some("Austin"));
    assert_eq!(second.address.as_ref().and_then(|address| address.city.as_deref()), Some("Houston"));
    assert!(second.available_shipping_options.is_none() && second.selected_shipping_option.is_none());
}

#[test]
fn a_young_checkout_has_nothing_but_a_cart() {
    let text = r#"{"id":"c","cart":{"id":"c","version":1},"billing_address":{},"consignments":null,"coupons":null,"order_id":""}"#;
    let checkout = checkout(text).expect("a checkout");
    assert_eq!((checkout.version, checkout.billing_address, checkout.order_id), (Some(1), None, None));
    assert!(checkout.consignments.is_empty());
}

#[test]
fn a_checkout_without_cart_or_with_a_nameless_consignment_is_unreadable() {
    for text in [
        r#"{"id":"c"}"#,
        r#"{"cart":{"id":"c"}}"#,
        r#"{"id":"c","cart":null}"#,
        r#"{"id":"c","cart":{"id":"c"},"consignments":[{"line_item_ids":["p"]}]}"#,
    ] {
        assert!(checkout(text).is_none(), "{text}");
    }
}
