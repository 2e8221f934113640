//! Quotas, credentials, media types and hostile input.

use bigcommerce_simulator::Settings;
use serde_json::{Value, json};

use crate::harness::{Client, Shop, finish, good_card};

#[tokio::test]
async fn the_quota_is_counted_down_and_refuses() {
    let shop = Shop::with(Settings { rate_quota: 2, ..Settings::default() }).await;
    let first = shop.client.get("/v2/time").await;
    assert_eq!(
        (&first.headers["x-rate-limit-requests-left"], &first.headers["x-rate-limit-requests-quota"]),
        (&"1".parse().expect("a value"), &"2".parse().expect("a value"))
    );
    shop.client.get("/v2/time").await;
    let third = shop.client.get("/v2/time").await;
    assert_eq!(
        (third.status, third.headers["x-rate-limit-requests-left"].to_str().expect("text")),
        (429, "0")
    );
    let reset: u64 =
        third.headers["x-rate-limit-time-reset-ms"].to_str().expect("text").parse().expect("a number");
    assert!((1..=30_000).contains(&reset));
    assert!(third.headers.contains_key("x-retry-after"));
    let other = Client { store: "other".into(), ..shop.client.clone() };
    assert_eq!(other.get("/v2/time").await.status, 200, "each store has its own");
    shop.simulator.advance_clock(30);
    assert_eq!(shop.client.get("/v2/time").await.status, 200);
}

#[tokio::test]
async fn payments_have_a_lane_of_their_own_without_headers() {
    let shop = Shop::open().await;
    let order = shop.client.order().await;
    let token = shop.client.token(order).await;
    shop.simulator.set(|settings| settings.payment_quota = 1);
    let first = shop.client.pay(&token, json!({})).await;
    assert!(first.status == 422 && !first.headers.contains_key("x-rate-limit-requests-left"));
    assert_eq!(shop.client.pay(&token, good_card()).await.status, 429);
    shop.simulator.advance_clock(4);
    assert_eq!(shop.client.pay(&token, good_card()).await.status, 201);
}

#[tokio::test]
async fn stores_know_nothing_of_each_other() {
    let shop = Shop::open().await;
    let other = Client { store: "other".into(), ..shop.client.clone() };
    let order = shop.client.order().await;
    let token = shop.client.token(order).await;
    assert_eq!(other.get(&format!("/v2/orders/{order}")).await.status, 404);
    assert_eq!(other.get("/v2/orders").await.status, 204);
    assert_eq!(other.order().await, order, "ids are counted in each store");
    assert_eq!(other.pay(&token, good_card()).await.status, 401, "tokens belong to their store");
    assert_eq!(shop.simulator.ledger_of("other").orders.len(), 1);
    assert_eq!(shop.simulator.ledger().orders.len(), 2);
}

#[tokio::test]
async fn credentials_and_media_types_are_checked_in_each_familys_shape() {
    let shop = Shop::with(Settings { accepted_tokens: vec!["token".into()], ..Settings::default() }).await;
    let client = &shop.client;
    for (path, is_array) in [("/v2/time", true), ("/v3/customers", false)] {
        let without = finish(client.request("GET", path)).await.expect("an answer");
        assert_eq!((without.status, without.body.is_array()), (401, is_array));
        let wrong = client.request("GET", path).header("x-auth-token", "wrong");
        assert_eq!(finish(wrong).await.expect("an answer").status, 401);
        assert_eq!(client.get(path).await.status, 200);
    }
    let url = format!("{}/stores/abc/v3/carts", client.url);
    let raw = |name: &str, value: &str| {
        crate::harness::client().post(&url).header("x-auth-token", "token").header(name, value).body("{}")
    };
    assert_eq!(finish(raw("accept", "text/xml")).await.expect("an answer").status, 406);
    assert_eq!(finish(raw("content-type", "text/plain")).await.expect("an answer").status, 415);
    assert_eq!(client.get("/v3/nothing").await.status, 404);
    assert_eq!(client.send("PATCH", "/v3/carts", None).await.status, 405);
}

#[tokio::test]
async fn nothing_a_client_sends_breaks_it() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let cart = client.guide_cart().await;
    client.make_ready(&cart).await;
    let order = client.order_of(&cart).await;
    let huge = json!({"custom_items": [{"name": "x", "quantity": 2_147_483_647_u64, "list_price": 999_999_999_999_u64}]});
    assert_eq!(client.post("/v3/carts", huge).await.status, 201);
    let bodies = [
        "{",
        "null",
        "[]",
        "\"x\"",
        "5",
        "[[]]",
        "{\"version\":\"x\"}",
        "{\"line_items\":[null]}",
        "{\"custom_items\":[{\"name\":\"x\",\"quantity\":1e400,\"list_price\":1}]}",
        "{\"order\":{\"id\":1e99}}",
        "{\"payment\":[]}",
        "{\"billing_address\":[],\"products\":{}}",
        "{\"cart\":5}",
        "{\"fees\":[1]}",
        "{\"line_item\":{\"quantity\":-1}}",
        "{\"items\":[{\"item_type\":\"ORDER\",\"amount\":-5}]}",
        "{\"products\":[5],\"billing_address\":{\"zip\":\"123\"}}",
        "{\"coupon_code\":{}}",
        "{\"status_id\":[]}",
    ];
    let paths = [
        ("POST", "/v3/carts".to_owned()),
        ("POST", format!("/v3/carts/{cart}/items")),
        ("PUT", format!("/v3/carts/{cart}/items/x")),
        ("POST", format!("/v3/carts/{cart}/metafields")),
        ("PUT", format!("/v3/checkouts/{cart}")),
        ("POST", format!("/v3/checkouts/{cart}/billing-address")),
        ("POST", format!("/v3/checkouts/{cart}/consignments")),
        ("PUT", format!("/v3/checkouts/{cart}/consignments/x")),
        ("POST", format!("/v3/checkouts/{cart}/coupons")),
        ("POST", format!("/v3/checkouts/{cart}/discounts")),
        ("POST", format!("/v3/checkouts/{cart}/fees")),
        ("POST", "/v3/payments/access_tokens".to_owned()),
        ("POST", "/v2/orders".to_owned()),
        ("PUT", format!("/v2/orders/{order}")),
        ("POST", format!("/v2/orders/{order}/shipments")),
        ("POST", format!("/v3/orders/{order}/payment_actions/refunds")),
        ("POST", "/v3/hooks".to_owned()),
        ("PUT", "/v3/catalog/products/120/variants/118".to_owned()),
    ];
    for (method, path) in &paths {
        for body in bodies {
            let request = client.request(method, path).header("x-auth-token", "t").body(body);
            let got = finish(request).await.unwrap_or_else(|error| panic!("{method} {path} {body}: {error}"));
            assert!(got.status < 500, "{method} {path} {body}");
        }
    }
    for path in [
        "/v2/orders?min_id=x",
        "/v2/orders?limit=-1&page=0&sort=:",
        "/v2/orders/99999999999999999999",
        "/v3/customers?id:in=,,",
    ] {
        assert!(client.get(path).await.status < 500, "{path}");
    }
    let malformed = client.request("POST", "/v2/orders").header("x-auth-token", "t").body("{");
    let got = finish(malformed).await.expect("an answer");
    assert_eq!((got.status, got.body.as_array().map(Vec::len)), (400, Some(1)));
    assert_ne!(client.get(&format!("/v3/checkouts/{cart}")).await.body["data"], Value::Null);
}
