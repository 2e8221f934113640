//! Reads that lag behind writes, and the other open questions, each with both answers.

use bigcommerce_simulator::{Lag, OrderHint, Settings};
use serde_json::json;

use crate::harness::{Shop, good_card};

#[tokio::test]
async fn a_new_order_is_found_late() {
    let lag = Lag { reads: 2, ms: 0 };
    let shop = Shop::with(Settings { order_lookup_lag: lag, ..Settings::default() }).await;
    let cart = shop.client.guide_cart().await;
    shop.client.make_ready(&cart).await;
    shop.client.order_of(&cart).await;
    let path = format!("/v2/orders?cart_id={cart}");
    let seen = [
        shop.client.get(&path).await.status,
        shop.client.get(&path).await.status,
        shop.client.get(&path).await.status,
    ];
    assert_eq!(seen, [204, 204, 200]);

    shop.simulator.set(|settings| settings.order_lookup_lag = Lag { reads: 0, ms: 5000 });
    let cart = shop.client.guide_cart().await;
    shop.client.make_ready(&cart).await;
    shop.client.order_of(&cart).await;
    let path = format!("/v2/orders?cart_id={cart}");
    assert_eq!(shop.client.get(&path).await.status, 204);
    shop.simulator.advance_clock(5);
    assert_eq!(shop.client.get(&path).await.status, 200);
}

#[tokio::test]
async fn transactions_and_the_status_lag_behind_the_charge() {
    let lag = Lag { reads: 1, ms: 0 };
    let settings = Settings { transactions_lag: lag, status_lag: lag, ..Settings::default() };
    let shop = Shop::with(settings).await;
    let order = shop.client.order().await;
    let (path, transactions) = (format!("/v2/orders/{order}"), format!("/v3/orders/{order}/transactions"));
    assert_eq!(shop.client.get(&transactions).await.status, 204, "none yet");
    assert_eq!(shop.client.charge(order, good_card()).await.status, 201);
    let first = shop.client.get(&path).await.body;
    assert_eq!((&first["status_id"], &first["payment_status"]), (&json!(0), &json!("")));
    assert_eq!(shop.client.get(&path).await.body["status_id"], 11);
    assert_eq!(shop.client.get(&transactions).await.status, 204);
    assert_eq!(shop.client.get(&transactions).await.status, 200);

    shop.simulator.set(|settings| settings.payment_status_first = true);
    let order = shop.client.order().await;
    shop.client.charge(order, good_card()).await;
    let first = shop.client.get(&format!("/v2/orders/{order}")).await.body;
    assert_eq!((&first["status_id"], &first["payment_status"]), (&json!(0), &json!("captured")));
}

#[tokio::test]
async fn an_order_is_a_snapshot_or_follows_its_cart() {
    for follows in [false, true] {
        let shop = Shop::with(Settings { order_follows_cart: follows, ..Settings::default() }).await;
        let client = &shop.client;
        let cart = client.guide_cart().await;
        client.make_ready(&cart).await;
        let order = client.order_of(&cart).await;
        let token = client.token(order).await;
        client
            .post(
                &format!("/v3/carts/{cart}/items"),
                json!({"line_items": [{"product_id": 120, "quantity": 1}]}),
            )
            .await;
        let total = client.get(&format!("/v2/orders/{order}")).await.body["total_inc_tax"].clone();
        assert_eq!(total, if follows { "27.0600" } else { "10.8300" });
        let paid = client.pay(&token, good_card()).await;
        assert_eq!(paid.body["code"].as_u64(), follows.then_some(30_004));
    }
}

#[tokio::test]
async fn the_order_hint_is_only_a_hint() {
    for (hint, shown) in
        [(OrderHint::Latest, json!("126")), (OrderHint::First, json!("125")), (OrderHint::Never, json!(null))]
    {
        let shop = Shop::with(Settings { order_hint: hint, ..Settings::default() }).await;
        let cart = shop.client.guide_cart().await;
        shop.client.make_ready(&cart).await;
        shop.client.order_of(&cart).await;
        shop.client.order_of(&cart).await;
        let checkout = shop.client.get(&format!("/v3/checkouts/{cart}")).await.body;
        assert_eq!(checkout["data"]["order_id"], shown);
    }
}

#[tokio::test]
async fn prices_move_until_the_order_is_made() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let cart = client.cart(json!({"line_items": [{"product_id": 120, "quantity": 1}]})).await;
    client.make_ready(&cart).await;
    client.put("/v3/catalog/products/120/variants/118", json!({"price": 20})).await;
    let order = client.order_of(&cart).await;
    assert_eq!(client.get(&format!("/v2/orders/{order}")).await.body["total_inc_tax"], "21.6500");
}

#[tokio::test]
async fn incomplete_orders_can_reserve_stock() {
    for reserves in [false, true] {
        let shop = Shop::with(Settings { incomplete_reserves_stock: reserves, ..Settings::default() }).await;
        let client = &shop.client;
        let cart = client.cart(json!({"line_items": [{"product_id": 113, "quantity": 3}]})).await;
        client.make_ready(&cart).await;
        let order = client.order_of(&cart).await;
        let level = || async {
            client.get("/v3/catalog/products/113/variants").await.body["data"][0]["inventory_level"].clone()
        };
        assert_eq!(level().await, if reserves { 0 } else { 3 });
        client.delete(&format!("/v2/orders/{order}")).await;
        assert_eq!(level().await, 3);
    }
}

#[tokio::test]
async fn digital_orders_need_no_shipping_and_may_complete() {
    let shop = Shop::with(Settings { digital_order_status: 10, ..Settings::default() }).await;
    let cart = shop.client.cart(json!({"line_items": [{"product_id": 112, "quantity": 1}]})).await;
    shop.client.make_ready(&cart).await;
    let order = shop.client.order_of(&cart).await;
    assert_eq!(shop.client.charge(order, good_card()).await.status, 201);
    assert_eq!(shop.client.get(&format!("/v2/orders/{order}")).await.body["status_id"], 10);
}
