//! What others do: the shopper in another place, the merchant and other apps; and who the shopper is.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bigcommerce_simulator::{FreeOrder, PartialPayment, Settings};
use serde_json::{Value, json};

use crate::harness::{Shop, good_card};

async fn cart_of(shop: &Shop, customer: u64) -> String {
    let item = json!({"name": "Custom Product", "quantity": 1, "list_price": 10});
    let cart = shop.client.cart(json!({"customer_id": customer, "custom_items": [item]})).await;
    shop.client.make_ready(&cart).await;
    cart
}

#[tokio::test]
async fn credit_and_certificates_applied_elsewhere_leave_only_the_rest_due() {
    let shop = Shop::with(Settings { checkout_shows_outstanding: true, ..Settings::default() }).await;
    let client = &shop.client;
    let cart = cart_of(&shop, 11).await;
    let applied = json!({"store_credit": true, "gift_certificates": ["GIFT-5"]});
    assert_eq!(client.post(&format!("/simulator/carts/{cart}/applied"), applied).await.status, 204);
    let checkout = client.get(&format!("/v3/checkouts/{cart}")).await.body["data"].clone();
    assert_eq!(
        (checkout["grand_total"].to_string(), checkout["outstanding_balance"].to_string()),
        ("10.83".into(), "2.83".into())
    );
    assert_eq!(
        (&checkout["is_store_credit_applied"], &checkout["gift_certificates"][0]["used"]),
        (&json!(true), &json!(5))
    );
    let order = client.order_of(&cart).await;
    let shown = client.get(&format!("/v2/orders/{order}")).await.body;
    assert_eq!(
        (&shown["total_inc_tax"], &shown["store_credit_amount"]),
        (&json!("10.8300"), &json!("3.0000"))
    );
    assert_eq!(client.charge(order, good_card()).await.status, 201);
    let ledger = shop.simulator.ledger();
    assert_eq!(ledger.tokens[0].amount, 283);
    let money = ledger.money("abc", order).expect("the order");
    assert!(money.is_whole(), "{money:?}");
    assert_eq!((money.credit.to_string(), money.certificate.to_string()), ("3".into(), "5".into()));
    let left = client.get("/v3/customers?id:in=11&include=storecredit").await.body;
    assert_eq!(left["data"][0]["store_credit_amounts"][0]["amount"], 0);
    let rows = client.get(&format!("/v3/orders/{order}/transactions")).await.body;
    assert_eq!(rows["data"].as_array().map(Vec::len), Some(3));
    assert!(!shop.simulator.apply_to_cart(&cart, true, &[]), "the cart is gone");
}

#[tokio::test]
async fn what_was_applied_may_be_spent_before_the_rest_is_paid() {
    let shop = Shop::open().await;
    let (first, second) = (cart_of(&shop, 11).await, cart_of(&shop, 11).await);
    for cart in [&first, &second] {
        assert!(shop.simulator.apply_to_cart(cart, true, &["GIFT-5"]));
    }
    let orders = (shop.client.order_of(&first).await, shop.client.order_of(&second).await);
    assert_eq!(shop.client.charge(orders.0, good_card()).await.status, 201);
    assert_eq!(shop.client.charge(orders.1, good_card()).await.status, 201);
    let money = |order| shop.simulator.ledger().money("abc", order).expect("the order");
    assert!(money(orders.0).is_whole());
    let shown = shop.client.get(&format!("/v2/orders/{}", orders.1)).await.body;
    assert_eq!((&shown["status_id"], &shown["gift_certificate_amount"]), (&json!(11), &json!("0.0000")));
    assert_eq!(money(orders.1).open.to_string(), "8.00", "it looks paid, and is not");
}

#[tokio::test]
async fn a_cart_that_credit_covers_is_an_order_of_which_nothing_is_due() {
    let shop = Shop::with(Settings { free_order: FreeOrder::PlacedAtOnce, ..Settings::default() }).await;
    let cart = cart_of(&shop, 1).await;
    assert!(shop.simulator.apply_to_cart(&cart, true, &[]));
    let order = shop.client.order_of(&cart).await;
    let shown = shop.client.get(&format!("/v2/orders/{order}")).await.body;
    assert_eq!((&shown["status_id"], &shown["store_credit_amount"]), (&json!(11), &json!("10.8300")));
    assert!(shop.simulator.ledger().money("abc", order).is_some_and(|money| money.is_whole()));
}

#[tokio::test]
async fn fees_are_part_of_the_total_whatever_is_edited() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let cart = cart_of(&shop, 0).await;
    let fee = |name: &str| json!({"type": "custom_fee", "name": name, "display_name": name, "cost": 2.5, "source": "app"});
    let path = format!("/v3/checkouts/{cart}/fees");
    let got = client.post(&path, json!({"fees": [fee("a"), fee("b")]})).await;
    assert_eq!(got.body["data"]["grand_total"].to_string(), "15.83");
    let six: Vec<Value> = ["c", "d", "e", "f"].map(fee).into();
    assert_eq!(client.post(&path, json!({"fees": six})).await.status, 422, "at most five");
    let order = client.order_of(&cart).await;
    let path = format!("/v2/orders/{order}");
    let shown = client.get(&path).await.body;
    assert_eq!(
        (&shown["total_inc_tax"], shown["fees"].as_array().map(Vec::len)),
        (&json!("15.8300"), Some(2))
    );
    let edited = client.put(&path, json!({"shipping_cost_ex_tax": 1, "shipping_cost_inc_tax": 1})).await.body;
    assert_eq!(edited["total_inc_tax"], "16.8300", "the fees stay");
    let kept = json!({"id": shown["fees"][0]["id"], "type": "custom_fee", "cost_ex_tax": "2.5", "cost_inc_tax": "3"});
    let edited = client.put(&path, json!({"fees": [kept]})).await.body;
    assert_eq!(
        (&edited["total_inc_tax"], edited["fees"].as_array().map(Vec::len)),
        (&json!("14.8300"), Some(1))
    );
    assert_eq!(client.put(&path, json!({"fees": []})).await.body["total_inc_tax"], "11.8300");
    assert_eq!(client.put(&path, json!({"fees": [{"type": "custom_fee"}]})).await.status, 400);
}

#[tokio::test]
async fn products_of_an_order_are_changed_one_by_one() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let order = client.order().await;
    let path = format!("/v2/orders/{order}");
    let id = client.get(&format!("{path}/products")).await.body[0]["id"].clone();
    let more = json!({"products": [{"name": "Gift", "quantity": 2, "price_ex_tax": 1, "price_inc_tax": 1}]});
    assert_eq!(client.put(&path, more).await.body["total_inc_tax"], "12.8300", "added");
    let dearer = json!({"products": [{"id": id, "price_ex_tax": 20, "price_inc_tax": 20}]});
    assert_eq!(client.put(&path, dearer).await.body["total_inc_tax"], "22.0000");
    let none = json!({"products": [{"id": id, "quantity": 0}]});
    assert_eq!(client.put(&path, none.clone()).await.body["total_inc_tax"], "2.0000", "removed");
    assert_eq!(client.put(&path, none).await.status, 400, "it is gone");
    let last = client.get(&format!("{path}/products")).await.body[0]["id"].clone();
    let none = json!({"products": [{"id": last, "quantity": 0}]});
    assert_eq!(client.put(&path, none).await.status, 400, "one must stay");
}

#[tokio::test]
async fn another_app_orders_the_same_cart_and_uses_the_same_reference() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let cart = cart_of(&shop, 0).await;
    let ours = client.order_of(&cart).await;
    let other = client.order_of(&cart).await;
    let address = json!({"first_name": "J", "last_name": "D", "street_1": "1 St", "city": "Austin", "state": "Texas",
        "zip": "78751", "country": "United States", "country_iso2": "US", "email": "j@example.com"});
    let body = json!({"status_id": 0, "external_order_id": "ref", "billing_address": address,
        "products": [{"name": "x", "quantity": 1, "price_ex_tax": 1, "price_inc_tax": 1}]});
    assert_eq!(client.post("/v2/orders", body).await.status, 200);
    client.put(&format!("/v2/orders/{ours}"), json!({"external_order_id": "ref"})).await;
    let rows = client.get("/v2/orders?external_order_id=ref").await.body;
    assert_eq!(rows.as_array().map(Vec::len), Some(2));
    let of_cart = client.get(&format!("/v2/orders?cart_id={cart}&max_total=11&min_total=10.83")).await.body;
    let ids: Vec<Option<u64>> =
        of_cart.as_array().into_iter().flatten().map(|row| row["id"].as_u64()).collect();
    assert_eq!(ids, [Some(ours), Some(other)]);
    // What a merchant writes by hand moves no money.
    for status in [11, 1, 5, 0] {
        let shown = client.put(&format!("/v2/orders/{ours}"), json!({"status_id": status})).await.body;
        assert_eq!((&shown["status_id"], &shown["payment_status"]), (&json!(status), &json!("")));
        assert_eq!(client.mint(ours).await.status, if status == 0 { 201 } else { 409 });
    }
    let money = shop.simulator.ledger().money("abc", ours).expect("the order");
    assert_eq!(money.held().to_string(), "0");
}

#[tokio::test]
async fn a_total_that_was_edited_down_below_the_parts_is_not_due() {
    let settings = Settings { partial_payment: PartialPayment::Incomplete, ..Settings::default() };
    let shop = Shop::with(settings).await;
    let client = &shop.client;
    let order = client.order().await;
    let gift = json!({"instrument": {"type": "gift_certificate", "gift_certificate_code": "GIFT-5"},
        "payment_method_id": "bigcommerce.gift_certificate"});
    assert_eq!(client.charge(order, gift).await.status, 201);
    client.put(&format!("/v2/orders/{order}"), json!({"total_ex_tax": 4, "total_inc_tax": 4})).await;
    let minted = client.mint(order).await;
    assert_eq!((minted.status, &minted.body["code"]), (422, &json!(30_100)), "nothing is due");
    let money = shop.simulator.ledger().money("abc", order).expect("the order");
    assert_eq!(money.open.to_string(), "-1");
}

#[tokio::test]
async fn customer_tokens_say_who_the_shopper_is() {
    let shop = Shop::open().await;
    let token = shop.simulator.customer_token("abc", 1, &Value::Null).expect("customer 1");
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3);
    let read = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
    };
    assert_eq!(read(parts[0]), json!({"alg": "HS256", "typ": "JWT"}));
    let claims = read(parts[1]);
    assert_eq!(claims["customer"], json!({"id": 1, "email": "jane@example.com", "group_id": "0"}));
    assert_eq!((&claims["store_hash"], &claims["operation"]), (&json!("abc"), &json!("current_customer")));
    let life = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat);
    assert_eq!(life, Some(900));
    let body = json!({"claims": {"exp": 1, "operation": null}});
    let made = shop.client.post("/simulator/customers/2/token?store=abc", body).await;
    let token = made.body["token"].as_str().expect("a token").to_owned();
    let claims = read(token.split('.').nth(1).expect("claims"));
    assert_eq!((&claims["exp"], claims.get("operation")), (&json!(1), None));
    assert_eq!(shop.client.post("/simulator/customers/77/token?store=abc", json!({})).await.status, 404);
    assert_eq!(shop.client.post("/simulator/customers/1/token", json!({})).await.status, 422);
}
