//! Carts and checkouts: versions, quotes, promotions, coupons, products that cannot be had.

use bigcommerce_simulator::{PromotionSplit, Settings};
use serde_json::json;

use crate::harness::{Shop, address, ship_items};

#[tokio::test]
async fn a_stale_version_is_a_conflict_and_changes_nothing() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let cart = client.guide_cart().await;
    let path = format!("/v3/checkouts/{cart}");
    let mut body = address();
    body["version"] = 1.into();
    let first = client.post(&format!("{path}/billing-address"), body.clone()).await;
    assert_eq!((first.status, &first.body["data"]["version"]), (200, &json!(2)));
    let second = client.post(&format!("{path}/billing-address"), body).await;
    assert_eq!((second.status, &second.body["status"]), (409, &json!(409)));
    assert!(second.body["title"].as_str().is_some_and(|title| title.contains("possible conflict")));

    let items = ship_items(&first.body["data"]);
    let row = |version: u64| json!([{"address": address(), "line_items": items, "version": version}]);
    assert_eq!(client.post(&format!("{path}/consignments"), row(1)).await.status, 409, "inside each element");
    let added = client.post(&format!("{path}/consignments"), row(2)).await;
    assert_eq!((added.status, &added.body["data"]["version"]), (200, &json!(3)));
    let message = json!({"customer_message": "hello", "version": 2});
    assert_eq!(client.put(&path, message).await.status, 409);
    let coupon = json!({"coupon_code": "TENOFF", "version": 3});
    assert_eq!(client.post(&format!("{path}/coupons"), coupon).await.body["data"]["version"], 4);
    let discount = json!({"cart": {"discounts": [{"discounted_amount": 1}], "version": 3}});
    assert_eq!(client.post(&format!("{path}/discounts"), discount).await.status, 409);
    let item = items[0]["item_id"].as_str().expect("an id");
    let gone =
        client.send("DELETE", &format!("/v3/carts/{cart}/items/{item}"), Some(json!({"version": 1}))).await;
    assert_eq!(gone.status, 409);
    assert_eq!(client.get(&path).await.body["data"]["version"], 4);
}

#[tokio::test]
async fn an_option_of_an_old_quote_is_refused() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let cart = client.guide_cart().await;
    let checkout = client.make_ready(&cart).await;
    let consignment = &checkout["consignments"][0];
    let old = consignment["selected_shipping_option"]["id"].clone();
    let path = format!("/v3/checkouts/{cart}/consignments/{}", consignment["id"].as_str().expect("an id"));
    let mut elsewhere = address();
    elsewhere["city"] = "Dallas".into();
    let moved = client.put(&path, json!({"address": elsewhere})).await;
    assert!(moved.body["data"]["consignments"][0].get("selected_shipping_option").is_none(), "cleared");
    assert_eq!(client.put(&path, json!({"shipping_option_id": old})).await.status, 422);
    let both = json!({"shipping_option_id": old, "address": address()});
    assert_eq!(client.put(&path, both).await.status, 422, "never both at once");
    assert_eq!(client.send("POST", &format!("/v3/checkouts/{cart}/orders"), None).await.status, 422);
}

#[tokio::test]
async fn adding_consignments_twice_ships_twice() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let cart = client.guide_cart().await;
    let checkout = client.make_ready(&cart).await;
    let body = json!([{"address": address(), "line_items": ship_items(&checkout)}]);
    let again = client.post(&format!("/v3/checkouts/{cart}/consignments"), body).await;
    assert_eq!(again.body["data"]["consignments"].as_array().map(Vec::len), Some(2));
    let order = client.send("POST", &format!("/v3/checkouts/{cart}/orders"), None).await;
    assert_eq!(order.status, 422, "the second has no option yet");
}

#[tokio::test]
async fn products_refuse_for_their_own_reasons() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let line =
        |product: u64, quantity: u64| json!({"line_items": [{"product_id": product, "quantity": quantity}]});
    let got = client.post("/v3/carts", line(184, 1)).await;
    assert_eq!(
        (got.status, got.body["title"].as_str()),
        (422, Some("This product has options; variant ID is required."))
    );
    let got = client.post("/v3/carts", line(115, 3)).await;
    assert_eq!(got.status, 409, "business, not a version");
    assert!(
        got.body["title"]
            .as_str()
            .is_some_and(|title| title.starts_with("You can only purchase a maximum of 2"))
    );
    for (product, quantity) in [(114, 1), (113, 4), (999, 1), (120, 0)] {
        assert_eq!(client.post("/v3/carts", line(product, quantity)).await.status, 422, "product {product}");
    }
    let options = json!([{"option_id": 200, "option_value": 180}, {"option_id": 230, "option_value": 192}]);
    let body = json!({"line_items": [{"product_id": 184, "quantity": 1, "option_selections": options}]});
    let got = client.post("/v3/carts", body).await;
    assert_eq!(got.body["data"]["line_items"]["physical_items"][0]["variant_id"], 421);
    assert_eq!(client.post("/v3/carts", json!({})).await.status, 422);
    assert_eq!(client.post("/v3/carts", json!([1])).await.status, 422);
    assert_eq!(client.post("/v3/carts", json!({"line_items": "x"})).await.status, 422);
    assert_eq!(
        client.post("/v3/carts", json!({"currency": {"code": "XXX"}, "line_items": []})).await.status,
        422
    );
}

#[tokio::test]
async fn a_promotion_splits_a_line_under_the_clients_hands() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let cart = client.cart(json!({"line_items": [{"product_id": 116, "quantity": 10}]})).await;
    let checkout = client.make_ready(&cart).await;
    let lines = checkout["cart"]["line_items"]["physical_items"].as_array().expect("lines");
    let shape: Vec<_> =
        lines.iter().map(|line| (line["quantity"].as_u64(), line["is_mutable"].as_bool())).collect();
    assert_eq!(shape, [(Some(1), Some(true)), (Some(9), Some(false))]);
    assert_eq!(checkout["consignments"][0]["line_item_ids"], json!([lines[0]["id"]]));
    assert_eq!(client.send("POST", &format!("/v3/checkouts/{cart}/orders"), None).await.status, 422);

    let early = Shop::with(Settings { promotion_split: PromotionSplit::Cart, ..Settings::default() }).await;
    let cart = early.client.cart(json!({"line_items": [{"product_id": 116, "quantity": 3}]})).await;
    early.client.make_ready(&cart).await;
    early.client.order_of(&cart).await;
}

#[tokio::test]
async fn removing_the_last_item_removes_the_cart() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let cart = client.guide_cart().await;
    let got = client.get(&format!("/v3/carts/{cart}")).await;
    let item = got.body["data"]["line_items"]["custom_items"][0]["id"].as_str().expect("an id");
    assert_eq!(client.delete(&format!("/v3/carts/{cart}/items/{item}")).await.status, 204);
    assert_eq!(client.get(&format!("/v3/carts/{cart}")).await.status, 404);
    assert_eq!(shop.simulator.ledger().carts[0].state, "deleted");
}

#[tokio::test]
async fn totals_agree_from_the_checkout_to_the_token() {
    let shop = Shop::with(Settings { several_coupons: true, ..Settings::default() }).await;
    let client = &shop.client;
    for (currency, exponent) in [("USD", 2), ("JPY", 0), ("KWD", 3)] {
        let lines = json!([{"product_id": 117, "quantity": 3}, {"product_id": 119, "quantity": 1}]);
        let cart = client.cart(json!({"line_items": lines, "currency": {"code": currency}})).await;
        for code in ["THIRD", "FIVER"] {
            let path = format!("/v3/checkouts/{cart}/coupons");
            assert_eq!(client.post(&path, json!({"coupon_code": code})).await.status, 200);
        }
        let checkout = client.make_ready(&cart).await;
        let total = checkout["grand_total"].to_string();
        assert!(total.split('.').nth(1).map_or(0, str::len) <= exponent, "{total} {currency}");
        let line = &checkout["cart"]["line_items"]["physical_items"][0];
        assert!(line["sale_price"].to_string().len() > 10, "long fractions: {line}");
        let order = client.order_of(&cart).await;
        let shown = client.get(&format!("/v2/orders/{order}")).await.body;
        let text = shown["total_inc_tax"].as_str().expect("text");
        assert_eq!(text.trim_end_matches('0').trim_end_matches('.'), total, "{currency}");
        client.token(order).await;
        let token = shop.simulator.ledger().tokens.last().cloned().expect("a token");
        let padded: String = text.replace('.', "").chars().take(text.len() - 1 - (4 - exponent)).collect();
        assert_eq!(padded.parse::<i64>().expect("digits"), token.amount, "{currency} {text}");
    }
}

#[tokio::test]
async fn coupons_and_metafields_refuse_what_is_wrong() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let cart = client.guide_cart().await;
    let coupons = format!("/v3/checkouts/{cart}/coupons");
    for code in ["NOSUCH", "EXPIRED", ""] {
        assert_eq!(client.post(&coupons, json!({"coupon_code": code})).await.status, 422, "{code}");
    }
    assert_eq!(client.post(&coupons, json!({"coupon_code": "tenoff"})).await.status, 200);
    assert_eq!(client.post(&coupons, json!({"coupon_code": "FIVER"})).await.status, 422, "one coupon only");
    assert_eq!(client.delete(&format!("{coupons}/TENOFF")).await.status, 200);
    let fields = format!("/v3/carts/{cart}/metafields");
    let claim = json!({"permission_set": "app_only", "namespace": "ours", "key": "claim", "value": "1"});
    assert_eq!(client.post(&fields, claim.clone()).await.status, 200);
    assert_eq!(client.post(&fields, claim).await.status, 409);
    client.delete(&format!("/v3/carts/{cart}")).await;
    let kept = client.get(&format!("{fields}?namespace=ours&key=claim")).await;
    assert_eq!(kept.body["data"][0]["value"], "1", "it survives the cart");
}

#[tokio::test]
async fn a_cart_lives_thirty_days_after_its_last_change() {
    let shop = Shop::open().await;
    let cart = shop.client.guide_cart().await;
    shop.simulator.advance_clock(29 * 86_400);
    assert_eq!(
        shop.client
            .put(&format!("/v3/checkouts/{cart}"), json!({"customer_message": "still here"}))
            .await
            .status,
        200
    );
    shop.simulator.advance_clock(29 * 86_400);
    assert_eq!(shop.client.get(&format!("/v3/carts/{cart}")).await.status, 200);
    shop.simulator.advance_clock(86_400);
    assert_eq!(shop.client.get(&format!("/v3/carts/{cart}")).await.status, 404);
    assert_eq!(shop.client.get(&format!("/v3/checkouts/{cart}")).await.status, 404);
}
