//! What each body may be, and what is said of those that may not.

use serde_json::{Value, json};

use super::*;
use crate::checkout::Preference;
use crate::http::request::json::{Body, canonical};
use crate::saga::Operation;

/// Where the errors of a refusal point to.
fn pointers<T>(checked: Checked<T>) -> Vec<String> {
    match checked {
        Ok(_) => Vec::new(),
        Err(Invalid::Input(errors)) => errors.into_iter().map(|error| error.pointer).collect(),
        Err(Invalid::RawCard) => vec!["raw card".to_owned()],
    }
}

fn address() -> Value {
    json!({"first_name": "Jane", "last_name": "Doe", "email": "jane@example.com", "address1": "123 Main Street",
        "address2": "", "city": "Austin", "state_or_province": "Texas", "state_or_province_code": "TX",
        "country_code": "US", "postal_code": "78751", "phone": "1234567890"})
}

fn with(base: &Value, pointer: &str, field: &str, value: Value) -> Value {
    let mut body = base.clone();
    if let Some(object) = body.pointer_mut(pointer).and_then(Value::as_object_mut) {
        object.insert(field.to_owned(), value);
    }
    body
}

#[test]
fn the_bodies_of_the_guides_are_taken_as_they_are() {
    let cart = json!({"custom_items": [{"sku": "abc-123", "name": "Custom Product", "quantity": 1, "list_price": 10}]});
    let New { cart, .. } = new_checkout(&cart, Shopper::default()).expect("Create a Cart");
    assert_eq!(cart.keys().collect::<Vec<_>>(), ["custom_items"]);
    assert_eq!(billing_address(&address()).expect("the billing address").len(), 11);
    let consignment = json!([{"shipping_address": {"email": "jane2@example.com", "country_code": "US",
        "first_name": "BigCommerce", "last_name": "Cart/Checkout", "address1": "123 Main Street", "city": "Austin",
        "state_or_province": "Texas", "state_or_province_code": "TX", "postal_code": "78751", "phone": "688546",
        "custom_fields": [{"field_id": "field_25", "field_value": "Great!"}]},
        "line_items": [{"item_id": "{{LINE_ITEM_ID}}", "quantity": 1}]}]);
    let taken = consignments(&consignment).expect("the consignment");
    assert_eq!(taken.first().map(|taken| taken.address.len()), Some(11));
    let payment_body = json!({"payment": {"instrument": {"type": "stored_card",
        "token": "8cdf7b6ea1b27119463bf9e5106639618cc77a9adc49f0069ca8b756cc15caee", "verification_value": "1142"},
        "payment_method_id": "adyenv2.scheme", "save_instrument": true}});
    assert!(pointers(payment(Body::from(payment_body), false)).is_empty());
    let order = json!({"customer_id": 1,
        "billing_address": {"first_name": "Rusty", "last_name": "Gates", "company": "Example LLC",
            "street_1": "123 Example ST", "street_2": "", "city": "Austin", "state": "Texas", "zip": "12345",
            "country": "United States", "country_iso2": "US", "phone": "5128675309",
            "email": "rusty.gates@example.com"},
        "products": [
            {"name": "BigCommerce Coffee Mug", "quantity": 1, "price_inc_tax": 50, "price_ex_tax": 45},
            {"product_id": 184, "quantity": 1,
                "product_options": [{"id": 200, "value": "180"}, {"id": 230, "value": "192"}]}]});
    assert!(pointers(direct_order(&order, Shopper::default())).is_empty());
}

#[test]
fn a_cart_needs_items_and_each_item_is_checked() {
    let item = json!({"line_items": [{"product_id": 77, "quantity": 1}]});
    for (body, wrong) in [
        (json!({}), ""),
        (json!([]), ""),
        (json!({"line_items": []}), ""),
        (json!({"line_items": {}}), "/line_items"),
        (with(&item, "/line_items/0", "quantity", json!(0)), "/line_items/0/quantity"),
        (with(&item, "/line_items/0", "quantity", json!("1")), "/line_items/0/quantity"),
        (with(&item, "/line_items/0", "quantity", json!(1.5)), "/line_items/0/quantity"),
        (with(&item, "/line_items/0", "product_id", json!(-1)), "/line_items/0/product_id"),
        (with(&item, "/line_items/0", "list_price", json!(-1)), "/line_items/0/list_price"),
        (with(&item, "/line_items/0", "list_price", json!(10_000_000_000_u64)), "/line_items/0/list_price"),
        (with(&item, "/line_items/0", "price", json!(1)), "/line_items/0/price"),
        (with(&item, "", "customer_id", json!("1")), "/customer_id"),
        (with(&item, "", "currency", json!({"code": "US"})), "/currency/code"),
        (with(&item, "", "locale", json!("english")), "/locale"),
        (with(&item, "", "coupon_codes", json!([""])), "/coupon_codes/0"),
        (with(&item, "", "shipping_preference", json!("slowest")), "/shipping_preference"),
        (
            with(&item, "", "shipping_preference", json!({"type": "a", "description": "b"})),
            "/shipping_preference",
        ),
        (with(&item, "", "customer_message", json!("x".repeat(2001))), "/customer_message"),
        (with(&item, "", "metadata", json!({"a": 1})), "/metadata/a"),
        (with(&item, "", "metadata", json!({"a": "x".repeat(501)})), "/metadata/a"),
        (with(&item, "", "billing_address", json!({"email": "jane"})), "/billing_address/email"),
        (with(&item, "", "redirect_urls", json!(true)), "/redirect_urls"),
        (json!({"custom_items": [{"name": "", "quantity": 1, "list_price": 1}]}), "/custom_items/0/name"),
        (
            json!({"custom_items": [{"name": "x".repeat(251), "quantity": 1, "list_price": 1}]}),
            "/custom_items/0/name",
        ),
    ] {
        assert_eq!(
            pointers(new_checkout(&body, Shopper::default())).first().map(String::as_str),
            Some(wrong),
            "{body}"
        );
    }
    let many: Vec<Value> = (0..601).map(|_| json!({"product_id": 1, "quantity": 1})).collect();
    assert_eq!(pointers(new_checkout(&json!({"line_items": many}), Shopper::default())), ["/line_items", ""]);
}

#[test]
fn a_gift_certificate_is_within_its_limits() {
    let party = json!({"name": "Jane", "email": "jane@example.com"});
    let body = json!({"gift_certificates": [{"name": "a", "theme": "General", "amount": 25, "quantity": 1,
        "sender": party, "recipient": party}]});
    assert!(pointers(new_checkout(&body, Shopper::default())).is_empty());
    for (field, value) in [
        ("theme", json!("Easter")),
        ("amount", json!(0.99)),
        ("amount", json!(1001)),
        ("quantity", json!(0)),
        ("message", json!("x".repeat(201))),
        ("sender", json!("Jane")),
    ] {
        let wrong = with(&body, "/gift_certificates/0", field, value);
        assert_eq!(
            pointers(new_checkout(&wrong, Shopper::default())),
            [format!("/gift_certificates/0/{field}")]
        );
    }
}

#[test]
fn what_is_known_already_is_kept_apart_from_the_cart() {
    let body = json!({"customer_id": 5, "line_items": [{"product_id": 77, "quantity": 2, "variant_id": null}],
        "coupon_codes": ["SAVE"], "billing_address": address(), "consignments": [{"address": address()}],
        "shipping_options": [{"shipping_option_id": "o1"}], "shipping_preference": {"type": "flat"},
        "customer_message": "ring twice", "metadata": {"cart": "abc"}});
    let shopper = Shopper { customer: Some(5), by_server: true };
    let New { cart, input, metadata } = new_checkout(&body, shopper).expect("a body that fits");
    assert_eq!(
        Value::Object(cart),
        json!({"customer_id": 5, "line_items": [{"product_id": 77, "quantity": 2}]})
    );
    assert_eq!((input.proven_customer, input.vouched_cart), (Some(5), false));
    assert_eq!(input.coupon_codes, ["SAVE"]);
    assert_eq!(input.shipping_preference, Some(Preference::Type("flat".to_owned())));
    assert!(
        input.billing_address.is_some() && input.consignments.is_some() && input.shipping_options.is_some()
    );
    assert_eq!((input.customer_message.as_deref(), metadata.len()), (Some("ring twice"), 1));
}

#[test]
fn consignments_name_their_items_once_there_are_several() {
    let one = json!({"address": address()});
    let items = json!({"address": address(), "line_items": [{"item_id": "a", "quantity": 1}]});
    assert!(pointers(consignments(&json!([one]))).is_empty());
    for (body, wrong) in [
        (json!([]), &[""][..]),
        (json!({}), &[""]),
        (json!([{}]), &["/0/address"]),
        (json!([{"address": address(), "shipping_address": address()}]), &["/0/shipping_address"]),
        (json!([one, items]), &["/0/line_items"]),
        (json!([with(&items, "/line_items/0", "quantity", json!(0))]), &["/0/line_items/0/quantity"]),
        (
            json!([{"address": address(), "line_items": [{"item_id": "a", "quantity": 1}, {"item_id": "a", "quantity": 1}]}]),
            &["/0/line_items"],
        ),
        (
            json!([{"address": {"email": "jane@example.com", "country_code": "US"}}]),
            &["/0/address/first_name", "/0/address/last_name", "/0/address/address1", "/0/address/city"],
        ),
    ] {
        assert_eq!(pointers(consignments(&body)), wrong, "{body}");
    }
}

#[test]
fn a_choice_names_its_consignment_once_there_are_several() {
    let choice = |id: Value| json!({"consignment_id": id, "shipping_option_id": "o"});
    assert!(pointers(shipping_options(&json!([choice(Value::Null)]))).is_empty());
    assert!(pointers(shipping_options(&json!([choice(json!("a")), choice(json!("b"))]))).is_empty());
    for (body, wrong) in [
        (json!([choice(json!("a")), choice(Value::Null)]), "/1/consignment_id"),
        (json!([choice(json!("a")), choice(json!("a"))]), "/1/consignment_id"),
        (json!([{"consignment_id": "a"}]), "/0/shipping_option_id"),
        (json!("o"), ""),
    ] {
        assert_eq!(pointers(shipping_options(&body)), [wrong], "{body}");
    }
}

#[test]
fn a_change_of_an_item_changes_something() {
    assert!(pointers(update_item(&json!({"line_item": {"quantity": 2}}))).is_empty());
    assert_eq!(pointers(update_item(&json!({"line_item": {}}))), ["/line_item"]);
    assert_eq!(pointers(update_item(&json!({"quantity": 2}))), ["/quantity", "/line_item"]);
    assert_eq!(pointers(coupon_code(&json!({"coupon_code": "x".repeat(51)}))), ["/coupon_code"]);
    assert_eq!(pointers(order(&json!({"agreed_total": "10"}))), ["/agreed_total"]);
    assert!(is_item_id("7e2f9b22-a16e-4056-9e2d-8fc919bcf653") && !is_item_id("../1") && !is_item_id(""));
}

fn card() -> Value {
    json!({"payment_method_id": "stripe.card", "instrument": {"type": "card", "number": "4111 1111 1111 1111",
        "cardholder_name": "Jane", "expiry_month": 12, "expiry_year": 2031, "verification_value": "123"}})
}

#[test]
fn a_payment_is_checked_with_everything_beside_it() {
    assert!(pointers(payment(Body::from(card()), true)).is_empty());
    assert_eq!(pointers(payment(Body::from(card()), false)), ["raw card"]);
    let mut wrong = with(&card(), "/instrument", "number", json!("41"));
    wrong = with(&wrong, "/instrument", "cvv", json!("123"));
    wrong = with(&wrong, "", "agreed_total", json!(-1));
    wrong = with(&wrong, "", "amount", json!(10));
    let found = pointers(payment(Body::from(wrong.clone()), true));
    assert_eq!(found, ["/amount", "/agreed_total", "/instrument/cvv", "/instrument/number"]);
    for body in [json!(5), json!([]), json!({}), json!({"payment": 5}), json!({"payment": null})] {
        assert!(!pointers(payment(Body::from(body.clone()), true)).is_empty(), "{body}");
    }
}

#[test]
fn one_call_takes_what_is_missing_and_tells_all_that_is_wrong() {
    let body = json!({"billing_address": address(), "consignments": [{"address": address()}],
        "shipping_preference": "cheapest", "agreed_total": serde_json::from_str::<Value>("27.717647058823").unwrap_or_default(), "payment": card()});
    let Ok(Operation::Complete(taken)) = complete(Body::from(body.clone()), true) else { panic!("it fits") };
    assert_eq!(
        taken.agreed_total.map(|total| total.decimal().to_string()).as_deref(),
        Some("27.717647058823")
    );
    assert_eq!(taken.intents[0].last_4.as_deref(), Some("1111"));
    let wrong =
        json!({"billing_address": {}, "consignments": [], "payment": {"instrument": {"type": "x"}, "y": 1}});
    let found = pointers(complete(Body::from(wrong), true));
    for pointer in [
        "/billing_address/email",
        "/billing_address/country_code",
        "/consignments",
        "/payment/y",
        "/payment/payment_method_id",
        "/payment/instrument/type",
    ] {
        assert!(found.iter().any(|found| found == pointer), "{pointer} of {found:?}");
    }
    assert!(pointers(complete(Body::from(json!({})), true)).contains(&"/payment".to_owned()));
}

#[test]
fn nothing_of_a_card_or_a_token_is_in_what_is_hashed() {
    let hashed = |body: &Value| canonical(&safe_part(body));
    let other = with(&card(), "/instrument", "number", json!("5555555555554444"));
    let other = with(&other, "/instrument", "verification_value", json!("999"));
    assert_eq!(hashed(&card()), hashed(&other));
    assert_eq!(hashed(&card()), hashed(&json!({"payment": card()})));
    for secret in ["4111", "123", "Jane", "2031"] {
        assert!(!hashed(&card()).contains(secret), "{secret}");
    }
    let stored = |token: &str| json!({"payment_method_id": "m", "instrument": {"type": "stored_card", "token": token}});
    assert_eq!(hashed(&stored("a")), hashed(&stored("b")));
    // Everything else counts.
    assert_ne!(hashed(&card()), hashed(&with(&card(), "", "agreed_total", json!(10))));
    assert_ne!(hashed(&card()), hashed(&with(&card(), "", "save_instrument", json!(true))));
    assert_ne!(hashed(&card()), hashed(&with(&card(), "", "payment_method_id", json!("other"))));
    let complete = |total: Value| json!({"agreed_total": total, "payment": card()});
    assert_ne!(hashed(&complete(json!(1))), hashed(&complete(json!(2))));
}

#[test]
fn a_direct_order_names_products_one_way_and_prices_in_pairs() {
    let base = json!({"billing_address": {"email": "jane@example.com", "zip": "12345", "country_iso2": "US"},
        "products": [{"product_id": 1, "quantity": 1}]});
    assert!(pointers(direct_order(&base, Shopper::default())).is_empty());
    for (pointer, field, value, wrong) in [
        ("", "products", json!([]), "/products"),
        ("", "status_id", json!(11), "/status_id"),
        ("", "external_order_id", json!("x"), "/external_order_id"),
        ("", "shipping_cost_ex_tax", json!(5), "/shipping_cost_inc_tax"),
        ("/billing_address", "zip", json!("1"), "/billing_address/zip"),
        ("/billing_address", "country_iso2", json!(""), "/billing_address/country_iso2"),
        ("/products/0", "price_ex_tax", json!(5), "/products/0/price_inc_tax"),
        ("/products/0", "quantity", json!(0), "/products/0/quantity"),
        ("", "products", json!([{"quantity": 1}]), "/products/0/product_id"),
        ("", "products", json!([{"name": "a", "quantity": 1}]), "/products/0/price_inc_tax"),
    ] {
        let body = with(&base, pointer, field, value);
        assert_eq!(
            pointers(direct_order(&body, Shopper::default())).first().map(String::as_str),
            Some(wrong),
            "{body}"
        );
    }
}

#[test]
fn bigcommerce_gets_amounts_of_a_direct_order_as_it_wants_them() {
    let body = json!({"billing_address": {"email": "jane@example.com", "zip": "12345", "country": "US"},
        "shipping_cost_ex_tax": 5.50, "shipping_cost_inc_tax": "6", "metadata": {"a": "b"}, "status_id": 0,
        "products": [{"name": "Mug", "quantity": 1, "price_ex_tax": "45.00", "price_inc_tax": 50}]});
    let (order, metadata) = direct_order(&body, Shopper::default()).expect("it fits");
    assert_eq!(order.get("shipping_cost_ex_tax"), Some(&json!("5.5")));
    assert_eq!(order.get("shipping_cost_inc_tax"), Some(&json!("6")));
    let price = order.get("products").and_then(|products| products.pointer("/0/price_ex_tax"));
    assert_eq!(price.map(ToString::to_string).as_deref(), Some("45.00"));
    assert!(!order.contains_key("status_id") && !order.contains_key("metadata"));
    assert_eq!(metadata.len(), 1);
}
