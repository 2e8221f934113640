//! Orders: they double, they are found again, they are archived.

use bigcommerce_simulator::{SecondOrder, Settings};
use serde_json::json;

use crate::harness::{Shop, good_card};

#[tokio::test]
async fn every_call_makes_another_order() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let cart = client.guide_cart().await;
    client.make_ready(&cart).await;
    let witness = format!("/v2/orders?cart_id={cart}&sort=id:asc");
    let none = client.get(&witness).await;
    assert_eq!((none.status, &none.body), (204, &serde_json::Value::Null));
    let (first, second) = (client.order_of(&cart).await, client.order_of(&cart).await);
    assert_eq!((first, second), (125, 126));
    let rows = client.get(&witness).await.body;
    assert_eq!(
        (&rows[0]["id"], &rows[1]["id"], &rows[1]["cart_id"]),
        (&json!(125), &json!(126), &json!(cart))
    );
    assert_eq!(client.charge(first, good_card()).await.status, 201);
    let third = client.send("POST", &format!("/v3/checkouts/{cart}/orders"), None).await;
    assert_eq!(third.status, 404, "the cart went with the payment");
}

#[tokio::test]
async fn the_unpaid_order_can_be_given_again() {
    let shop = Shop::with(Settings { second_order: SecondOrder::SameUnpaid, ..Settings::default() }).await;
    let cart = shop.client.guide_cart().await;
    shop.client.make_ready(&cart).await;
    assert_eq!(shop.client.order_of(&cart).await, shop.client.order_of(&cart).await);
}

#[tokio::test]
async fn an_incomplete_checkout_makes_no_order() {
    let shop = Shop::open().await;
    let cart = shop.client.guide_cart().await;
    let got = shop.client.send("POST", &format!("/v3/checkouts/{cart}/orders"), None).await;
    assert_eq!(got.status, 422);
    assert!(shop.simulator.ledger().orders.is_empty());
}

#[tokio::test]
async fn stock_is_checked_again_when_the_order_is_made() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let buy = json!({"line_items": [{"product_id": 113, "quantity": 2}]});
    let (one, two) = (client.cart(buy.clone()).await, client.cart(buy).await);
    client.make_ready(&one).await;
    client.make_ready(&two).await;
    let order = client.order_of(&one).await;
    assert_eq!(client.charge(order, good_card()).await.status, 201);
    let got = client.send("POST", &format!("/v3/checkouts/{two}/orders"), None).await;
    assert_eq!(
        (got.status, got.body["title"].as_str()),
        (422, Some("Only 1 of Numbered Print can be purchased."))
    );
}

#[tokio::test]
async fn archiving_one_hides_it_and_archiving_all_is_noted() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let (one, two) = (client.order().await, client.order().await);
    assert_eq!(client.delete(&format!("/v2/orders/{one}")).await.status, 204);
    assert_eq!(client.delete(&format!("/v2/orders/{one}")).await.status, 204, "again changes nothing");
    assert_eq!(client.get(&format!("/v2/orders/{one}")).await.body["is_deleted"], true);
    let rows = client.get("/v2/orders").await.body;
    assert_eq!(rows.as_array().map(Vec::len), Some(1));
    assert_eq!(client.mint(one).await.status, 404);
    assert_eq!(client.delete("/v2/orders").await.status, 204);
    let ledger = shop.simulator.ledger();
    assert!(ledger.orders.iter().all(|order| order.archived) && ledger.orders.len() == 2, "{two}");
    assert_eq!(ledger.mass_archives, ["abc"]);
    shop.simulator.set(|settings| settings.archived_order_is_404 = true);
    let gone = client.get(&format!("/v2/orders/{one}")).await;
    assert_eq!((gone.status, &gone.body[0]["status"]), (404, &json!(404)), "V2 answers an array");
}

#[tokio::test]
async fn direct_orders_are_validated() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let billing = json!({"zip": "78751", "country_iso2": "US", "email": "a@b.co"});
    let mug = json!({"name": "Mug", "quantity": 1, "price_inc_tax": 50, "price_ex_tax": 45});
    for body in [
        json!({"products": [mug]}),
        json!({"billing_address": {"zip": "7"}, "products": [mug]}),
        json!({"billing_address": billing}),
        json!({"billing_address": billing, "products": [{"name": "Mug", "quantity": 1, "price_inc_tax": 5}]}),
        json!({"billing_address": billing, "products": [mug], "status_id": 99}),
        json!({"billing_address": billing, "products": [{"product_id": 184, "quantity": 1}]}),
    ] {
        let got = client.post("/v2/orders", body).await;
        assert_eq!((got.status, &got.body[0]["status"]), (400, &json!(400)));
    }
    assert!(shop.simulator.ledger().orders.is_empty());
    let got = client.post("/v2/orders", json!({"billing_address": billing, "products": [mug]})).await;
    let id = got.body["id"].as_u64().expect("an id");
    assert_eq!(client.mint(id).await.body["code"], 30_101, "Pending cannot be paid");
    let got = client.put(&format!("/v2/orders/{id}"), json!({"status_id": 0, "staff_notes": "ours"})).await;
    assert_eq!((&got.body["status_id"], &got.body["staff_notes"]), (&json!(0), &json!("ours")));
    assert_eq!(client.mint(id).await.status, 201);
}
