//! Bodies that are JSON but not what a call takes. Each is told where.

use serde_json::{Value, json};

use super::{Bad, Place, direct_order, post, put, with};
use crate::harness::{address, custom_cart, everything};

/// What no text may be, where an address or a name is expected.
const NO_TEXTS: [&str; 5] = ["\u{0}", "a\u{0}b", "a\nb", "\u{1b}[31m", "\u{7f}"];

fn create(body: &Value, pointer: &str) -> Bad {
    post(format!("a new checkout, {pointer}"), "/v1/checkouts").json(body).at(&[pointer])
}

/// The body with one value replaced, which must be pointed to.
fn changed(pointer: &str, value: Value) -> Bad {
    create(&with(everything(), pointer, value), pointer)
}

fn item(field: &str, value: Value) -> Bad {
    changed(&format!("/custom_items/0/{field}"), value)
}

/// A number as it stands, which `json!` could not hold.
fn number(text: &str) -> Value {
    serde_json::from_str(text).expect("a number")
}

fn new_checkouts() -> Vec<Bad> {
    let mut table = vec![
        create(&json!({}), ""),
        create(&json!([]), ""),
        create(&Value::Null, ""),
        create(&json!(true), ""),
        create(&json!("cart"), ""),
        create(&json!({"line_items": [], "custom_items": []}), ""),
        create(&json!({"line_items": {}}), "/line_items"),
        create(&json!({"line_items": [1]}), "/line_items/0"),
        create(&json!({"line_items": [{}]}), "/line_items/0/product_id"),
        create(&json!({"line_items": vec![json!({"product_id": 111, "quantity": 1}); 601]}), "/line_items"),
        changed("/no_such_field", json!(1)),
        changed("/__proto__", json!({"a": 1})),
        changed("/custom_items/0/color", json!("red")),
        changed("/billing_address/addres1", json!("a slip")),
        changed("/customer_id", json!("1")),
        changed("/customer_id", json!(-1)),
        changed("/customer_id", json!(1.5)),
        changed("/customer_id", number("1e400")),
        changed("/customer_id", json!(4_294_967_296_i64)),
        changed("/channel_id", json!(0)),
        changed("/currency", json!("USD")),
        changed("/currency", json!({"code": "DOLLAR"})).at(&["/currency/code"]).pointing("/currency/code"),
        changed("/locale", json!("english")),
        changed("/coupon_codes", json!("TENOFF")),
        changed("/metadata", json!({"a": 1})).pointing("/metadata/a"),
        changed("/metadata", json!(["a"])),
        changed("/customer_message", json!("m".repeat(2001))),
        changed("/shipping_preference", json!("quickest")),
        changed("/shipping_preference", json!({})),
        changed("/shipping_preference", json!({"type": "a", "description": "b"})),
        changed("/shipping_options", json!([{}])).pointing("/shipping_options/0/shipping_option_id"),
        changed("/consignments", json!([{"address": address()}, {"address": address()}])),
        changed("/consignments/0/line_items", json!([{"item_id": "1", "quantity": 1}])),
        changed("/consignments/0/shipping_address", address()),
        changed("/consignments/0/address", json!({})).pointing("/consignments/0/address/city"),
        changed("/billing_address", json!("123 Main Street")),
        changed("/billing_address", json!({})).pointing("/billing_address/email"),
    ];
    for value in
        [json!(0), json!(-1), json!(1.5), json!("1"), json!(true), json!([]), number("1e400"), number("1e2")]
    {
        table.push(item("quantity", value));
    }
    table.push(item("quantity", json!(99_999_999_999_i64)));
    for value in [json!("10"), json!(-0.01), json!(1e30), json!(0.00001), number("1e400"), number("-1e-400")]
    {
        table.push(item("list_price", value));
    }
    table.push(item("list_price", number(&format!("1{}", "0".repeat(400)))));
    for value in [Value::Null, json!(""), json!("   "), json!(5), json!("n".repeat(251))] {
        table.push(item("name", value));
    }
    for text in NO_TEXTS {
        table.push(item("name", json!(text)));
        table.push(changed("/billing_address/first_name", json!(text)));
        table.push(changed("/coupon_codes", json!([text])).pointing("/coupon_codes/0"));
    }
    for text in ["\u{0}", "a\u{0}b"] {
        table.push(changed("/customer_message", json!(text)));
        table.push(changed("/metadata", json!({"note": text})).pointing("/metadata/note"));
    }
    table.push(changed("/metadata", json!({"a\u{0}b": "text"})).pointing("/metadata/a\u{0}b"));
    for url in ["javascript:alert(1)", "/image.png", "http://", "https://a b", "file:///etc/passwd"] {
        table.push(item("image_url", json!(url)));
    }
    table
}

fn certificates() -> Vec<Bad> {
    let whole = json!({"gift_certificates": [{
        "name": "Gift", "theme": "Birthday", "amount": 25, "quantity": 1,
        "sender": {"name": "Jane", "email": "jane@example.com"},
        "recipient": {"name": "Joe", "email": "joe@example.com"},
    }]});
    let rows = [
        ("amount", json!(0.99)),
        ("amount", json!(1000.01)),
        ("amount", json!("25")),
        ("theme", json!("Halloween")),
        ("quantity", json!(0)),
        ("sender", Value::Null),
        ("message", json!("m".repeat(201))),
    ];
    let at = |field: &str| format!("/gift_certificates/0/{field}");
    let mut table: Vec<Bad> = rows
        .into_iter()
        .map(|(field, value)| create(&with(whole.clone(), &at(field), value), &at(field)))
        .collect();
    for email in
        ["", "joe", "joe@", "@example.com", "joe@example", "joe@example..com", "a b@example.com", "a@b@"]
    {
        let at = at("recipient/email");
        table.push(create(&with(whole.clone(), &at, json!(email)), &at));
    }
    table
}

fn steps() -> Vec<Bad> {
    let billing = |pointer: &str, value: Value| {
        put(format!("billing {pointer}"), "{fresh}/billing-address")
            .json(&with(address(), pointer, value))
            .at(&[pointer])
    };
    let consignments = |body: &Value, pointer: &str| {
        put(format!("consignments {pointer}"), "{fresh}/consignments").json(body).at(&[pointer])
    };
    let options = |body: &Value, pointer: &str| {
        put(format!("options {pointer}"), "{fresh}/shipping-options").json(body).at(&[pointer])
    };
    let two = json!([{"item_id": "{item}", "quantity": 1}, {"item_id": "{item}", "quantity": 1}]);
    vec![
        billing("/email", Value::Null),
        billing("/email", json!("jane")),
        billing("/email", json!("j".repeat(65) + "@example.com")),
        billing("/country_code", Value::Null),
        billing("/country_code", json!("USA")),
        billing("/country_code", json!("U1")),
        billing("/first_name", json!(5)),
        billing("/city", json!("c".repeat(256))),
        billing("/address1", json!("a\u{0}")),
        billing("/id", json!("6516f14419a81")),
        billing("/custom_fields", json!({})),
        billing("/custom_fields", json!([{"field_value": "x"}])).pointing("/custom_fields/0/field_id"),
        put("billing as a list", "{fresh}/billing-address").json(&json!([address()])).at(&[""]),
        consignments(&json!({}), ""),
        consignments(&json!([]), ""),
        consignments(&json!([{}]), "/0/address"),
        consignments(&json!([{"address": address(), "line_items": []}]), "/0/line_items"),
        consignments(
            &json!([{"address": address(), "line_items": [{"quantity": 1}]}]),
            "/0/line_items/0/item_id",
        ),
        consignments(
            &json!([{"address": address(), "line_items": [{"item_id": "a", "quantity": 0}]}]),
            "/0/line_items/0/quantity",
        ),
        consignments(
            &json!([{"address": address(), "line_items": [{"item_id": "a", "quantity": 0.5}]}]),
            "/0/line_items/0/quantity",
        ),
        consignments(&json!([{"address": address(), "line_items": two}]), "/0/line_items"),
        consignments(&json!([{"address": address()}, {"address": address()}]), "/1/line_items"),
        consignments(&json!([{"address": with(address(), "/city", Value::Null)}]), "/0/address/city"),
        consignments(&json!([{"address": address(), "shipping_address": address()}]), "/0/shipping_address"),
        consignments(&json!(vec![json!({"address": address()}); 101]), ""),
        options(&json!({}), ""),
        options(&json!([]), ""),
        options(&json!([{}]), "/0/shipping_option_id"),
        options(&json!([{"shipping_option_id": 5}]), "/0/shipping_option_id"),
        options(&json!([{"shipping_option_id": "a"}, {"shipping_option_id": "b"}]), "/0/consignment_id"),
        options(
            &json!([{"consignment_id": "a", "shipping_option_id": "b"}, {"consignment_id": "a", "shipping_option_id": "c"}]),
            "/1/consignment_id",
        ),
    ]
}

fn edits() -> Vec<Bad> {
    let items = |body: &Value, pointer: &str| post("items", "{fresh}/items").json(body).at(&[pointer]);
    let change =
        |body: &Value, pointer: &str| put("an item", "{fresh}/items/{item}").json(body).at(&[pointer]);
    let coupon = |body: &Value, pointer: &str| post("a coupon", "{fresh}/coupons").json(body).at(&[pointer]);
    let message =
        |body: &Value, pointer: &str| put("a message", "{fresh}/customer-message").json(body).at(&[pointer]);
    let order = |body: &Value, pointer: &str| post("an order", "{fresh}/order").json(body).at(&[pointer]);
    vec![
        items(&json!({}), ""),
        items(&json!({"custom_items": []}), ""),
        items(&with(custom_cart(), "/custom_items/0/quantity", json!(-5)), "/custom_items/0/quantity"),
        items(&with(custom_cart(), "/version", json!(1)), "/version"),
        change(&json!({}), "/line_item"),
        change(&json!({"line_item": {}}), "/line_item"),
        change(&json!({"line_item": {"quantity": 0}}), "/line_item/quantity"),
        change(&json!({"line_item": {"quantity": "2"}}), "/line_item/quantity"),
        change(&json!({"line_item": {"list_price": -1}}), "/line_item/list_price"),
        change(&json!({"quantity": 2}), "/quantity"),
        coupon(&json!({}), "/coupon_code"),
        coupon(&json!({"coupon_code": ""}), "/coupon_code"),
        coupon(&json!({"coupon_code": "c".repeat(51)}), "/coupon_code"),
        coupon(&json!({"coupon_code": "a\u{0}"}), "/coupon_code"),
        coupon(&json!({"coupon_code": ["TENOFF"]}), "/coupon_code"),
        message(&json!({}), "/customer_message"),
        message(&json!({"customer_message": 5}), "/customer_message"),
        message(&json!({"customer_message": "m".repeat(2001)}), "/customer_message"),
        message(&json!({"customer_message": "\u{0}"}), "/customer_message"),
        order(&json!({"agreed_total": "10.83"}), "/agreed_total"),
        order(&json!({"agreed_total": -1}), "/agreed_total"),
        order(&json!({"agreed_total": number("1e400")}), "/agreed_total"),
        order(&json!({"agreed_totals": 1}), "/agreed_totals"),
        order(&json!([]), ""),
        post("redirect URLs", "{fresh}/redirect-urls").json(&json!({"a": 1})).at(&["/a"]),
    ]
}

fn direct_orders() -> Vec<Bad> {
    let direct = |pointer: &str, value: Value| {
        post(format!("a direct order, {pointer}"), "/v1/direct-orders")
            .json(&with(direct_order(), pointer, value))
            .at(&[pointer])
    };
    let catalog = json!([{"product_id": 184, "quantity": 1, "product_options": [{"id": 200, "value": 180}]}]);
    vec![
        direct("/products", Value::Null),
        direct("/products", json!([])),
        direct("/products", json!([{}])).pointing("/products/0/quantity"),
        direct("/products", catalog).pointing("/products/0/product_options/0/value"),
        direct("/products/0/quantity", json!(0)),
        direct("/products/0/quantity", json!("1")),
        direct("/products/0/price_inc_tax", json!(-50)),
        direct("/products/0/price_inc_tax", json!("fifty")),
        direct("/products/0/price_inc_tax", number("1e400")),
        direct("/products/0/price_inc_tax", Value::Null),
        direct("/products/0/name", json!("a\u{0}b")),
        direct("/products/0/product_options", json!([])),
        direct("/billing_address", Value::Null),
        direct("/billing_address/zip", Value::Null),
        direct("/billing_address/zip", json!("7")),
        direct("/billing_address/email", json!("jane")),
        direct("/billing_address/state", json!("\u{0}")),
        direct("/customer_id", json!("1")),
        direct("/customer_id", json!(-1)),
        direct("/status_id", json!(11)),
        direct("/order_source", json!("external")),
        direct("/external_order_id", json!("ours")),
        direct("/shipping_addresses", json!({})),
        direct("/shipping_addresses", json!([{}])).pointing("/shipping_addresses/0/country_iso2"),
        direct("/shipping_cost_ex_tax", json!("-1")),
        direct("/shipping_cost_ex_tax", json!(9.25)).pointing("/shipping_cost_inc_tax"),
        direct("/default_currency_code", json!("US")),
        direct("/metadata", json!({"a": null})).pointing("/metadata/a"),
    ]
}

impl Bad {
    /// Instead of where the change was made.
    fn pointing(mut self, pointer: &str) -> Self {
        self.pointers = vec![pointer.to_owned()];
        self
    }
}

#[tokio::test]
async fn new_checkouts_that_do_not_fit_are_told_where() {
    let table = new_checkouts().into_iter().chain(certificates()).collect();
    Place::new().await.refuse_all(table).await;
}

#[tokio::test]
async fn steps_and_edits_that_do_not_fit_are_told_where() {
    let table = steps().into_iter().chain(edits()).collect();
    Place::new().await.refuse_all(table).await;
}

#[tokio::test]
async fn direct_orders_that_do_not_fit_are_told_where() {
    Place::new().await.refuse_all(direct_orders()).await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let place = Place::new().await;
    let body = json!({
        "custom_items": [{"name": "", "quantity": 0, "list_price": "10"}], "customer_id": -1, "nonsense": true,
        "billing_address": {"email": "jane"},
    });
    let all = [
        "/custom_items/0/name",
        "/custom_items/0/quantity",
        "/custom_items/0/list_price",
        "/customer_id",
        "/nonsense",
        "/billing_address/email",
        "/billing_address/country_code",
    ];
    place.refuse(&post("seven mistakes", "/v1/checkouts").json(&body).at(&all)).await.expect("all of them");
    place.service.stop().await;
    place.world.finish().await;
}
