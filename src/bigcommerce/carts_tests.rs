//! Reading carts.

use super::*;

fn cart(text: &str) -> Option<Cart> {
    Cart::parse(serde_json::from_str(text).expect("a fixture"))
}

const CART: &str = r#"{"id":"c-1","customer_id":0,"channel_id":"1","email":"","currency":{"code":"EUR"},"version":3,
    "cart_amount":27.717647058823,"new_field":[1],
    "line_items":{
      "physical_items":[{"id":"p-1","parent_id":null,"variant_id":2,"product_id":3,"sku":"S","quantity":2,"is_mutable":false},
                        {"id":"p-2","parent_id":{},"quantity":1.0,"is_require_shipping":false,"added_by_promotion":true}],
      "digital_items":[{"id":"d-1","parent_id":"p-1","quantity":"1"}],
      "gift_certificates":[{"id":"g-1"}],
      "custom_items":[{"id":"u-1","quantity":"4","list_price":"1.10"}]}}"#;

#[test]
fn a_cart_is_read_with_lines_of_every_kind() {
    let cart = cart(CART).expect("a cart");
    assert_eq!(
        (cart.id.as_str(), cart.version, cart.customer_id, cart.channel_id),
        ("c-1", Some(3), Some(0), Some(1))
    );
    assert_eq!((cart.email.as_deref(), cart.currency.as_deref()), (None, Some("EUR")));
    let lines =
        cart.items.iter().map(|item| (item.id.as_str(), item.kind, item.quantity, item.requires_shipping));
    assert_eq!(
        lines.collect::<Vec<_>>(),
        [
            ("p-1", ItemKind::Physical, 2, true),
            ("p-2", ItemKind::Physical, 1, false),
            ("d-1", ItemKind::Digital, 1, false),
            ("g-1", ItemKind::GiftCertificate, 1, false),
            ("u-1", ItemKind::Custom, 4, true),
        ]
    );
    let parents = cart.items.iter().map(|item| item.parent_id.as_deref()).collect::<Vec<_>>();
    assert_eq!(parents, [None, None, Some("p-1"), None, None]);
    assert!(
        cart.items.iter().any(|item| item.added_by_promotion)
            && cart.items.iter().any(|item| !item.is_mutable)
    );
}

#[test]
fn a_cart_is_passed_on_with_the_text_of_its_amounts() {
    let cart = cart(CART).expect("a cart");
    assert!(cart.raw.to_string().contains(r#""cart_amount":27.717647058823"#));
    assert!(cart.redirect_urls().is_none());
}

#[test]
fn a_cart_without_lines_is_a_cart() {
    for text in [
        r#"{"id":"c"}"#,
        r#"{"id":"c","line_items":null}"#,
        r#"{"id":"c","line_items":{"physical_items":null}}"#,
    ] {
        assert!(cart(text).is_some_and(|cart| cart.items.is_empty()), "{text}");
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
        r#"{"id":"c","line_items":{"custom_items":[{"id":"u","quantity":"1.5"}]}}"#,
    ] {
        assert!(cart(text).is_none(), "{text}");
    }
}

#[test]
fn redirect_urls_are_found_inside_a_cart_too() {
    let urls = r#"{"id":"c","redirect_urls":{"cart_url":"https://a","checkout_url":"https://b"}}"#;
    let urls = cart(urls).and_then(|cart| cart.redirect_urls()).expect("URLs");
    assert_eq!((urls.cart_url.as_str(), urls.checkout_url.as_str()), ("https://a", "https://b"));
    assert_eq!(urls.embedded_checkout_url, None);
}
