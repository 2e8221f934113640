//! How nothing is written, and other ways to write the same: for readers that must be tolerant.

use bigcommerce_simulator::{NothingAs, Settings};
use serde_json::{Value, json};

use crate::harness::{Shop, address, good_card, ship_items};

#[tokio::test]
async fn a_cart_without_an_address_says_so_in_many_ways() {
    for nothing_as in
        [NothingAs::Specified, NothingAs::Null, NothingAs::Absent, NothingAs::Object, NothingAs::Texts]
    {
        let shop = Shop::with(Settings { nothing_as, ..Settings::default() }).await;
        let client = &shop.client;
        let cart = client.guide_cart().await;
        let checkout = client.get(&format!("/v3/checkouts/{cart}")).await.body["data"].clone();
        let billing = checkout.get("billing_address");
        match nothing_as {
            NothingAs::Specified | NothingAs::Object => assert_eq!(billing, Some(&json!({}))),
            NothingAs::Null => assert_eq!(billing, Some(&Value::Null)),
            NothingAs::Absent => assert_eq!(billing, None),
            NothingAs::Texts => {
                let texts = billing.and_then(Value::as_object).expect("members");
                assert!(texts.len() > 10 && texts["id"] == "" && texts["first_name"] == "");
            }
        }
        let nulls = nothing_as == NothingAs::Null;
        assert_eq!(checkout["coupons"].is_null(), nulls || nothing_as == NothingAs::Absent);
        assert_eq!(checkout["cart"].get("customer_id").is_none(), nothing_as == NothingAs::Absent);
        let path = format!("/v3/checkouts/{cart}");
        client.post(&format!("{path}/billing-address"), address()).await;
        let full = client.get(&path).await.body["data"].clone();
        assert_eq!(full["billing_address"]["city"], "Austin", "what is there stays");
        let line = json!({"sku": "x", "id": full["cart"]["line_items"]["custom_items"][0]["id"]});
        let row = json!([{"address": address(), "line_items": [{"item_id": line["id"], "quantity": 1}]}]);
        let added = client.post(&format!("{path}/consignments"), row).await.body["data"].clone();
        let option = added["consignments"][0].get("selected_shipping_option");
        match nothing_as {
            NothingAs::Specified | NothingAs::Absent => assert_eq!(option, None),
            NothingAs::Null => assert_eq!(option, Some(&Value::Null)),
            NothingAs::Object => assert_eq!(option, Some(&json!({}))),
            NothingAs::Texts => assert_eq!(option.map(|option| &option["id"]), Some(&json!(""))),
        }
    }
}

#[tokio::test]
async fn orders_and_transactions_write_nothing_the_same_way() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let order = client.order().await;
    shop.simulator.set(|settings| settings.nothing_as = NothingAs::Absent);
    let shown = client.get(&format!("/v2/orders/{order}")).await.body;
    assert!(shown.get("payment_status").is_none() && shown.get("cart_id").is_some());
    client.charge(order, good_card()).await;
    shop.simulator.set(|settings| settings.nothing_as = NothingAs::Object);
    let rows = client.get(&format!("/v3/orders/{order}/transactions")).await.body;
    assert_eq!(rows["data"][0]["gift_certificate"], json!({}));
    assert_eq!(rows["data"][0]["credit_card"]["card_last4"], "4242");
}

#[tokio::test]
async fn ids_may_be_text_and_what_is_made_may_be_nested() {
    let settings = Settings { order_ids_as_text: true, nested_answers: true, ..Settings::default() };
    let shop = Shop::with(settings).await;
    let client = &shop.client;
    let cart = client.guide_cart().await;
    client.make_ready(&cart).await;
    let made = client.send("POST", &format!("/v3/checkouts/{cart}/orders"), None).await;
    assert_eq!((made.status, &made.body["data"]["data"]["id"]), (201, &json!("125")));
    assert_eq!(client.get("/v2/orders/125").await.body["id"], "125");
    let minted = client.mint(125).await;
    let token = minted.body["data"]["data"]["id"].as_str().expect("a token").to_owned();
    let paid = client.pay(&token, good_card()).await;
    assert_eq!((paid.status, &paid.body["data"]["data"]["status"]), (201, &json!("success")));
}

#[tokio::test]
async fn prefectures_may_come_back_in_english() {
    for (japan_in_english, shown) in [(false, "東京都"), (true, "Tokyo")] {
        let shop = Shop::with(Settings { japan_in_english, ..Settings::default() }).await;
        let client = &shop.client;
        let cart = client.guide_cart().await;
        let path = format!("/v3/checkouts/{cart}");
        let mut place = address();
        for (name, value) in
            [("country_code", "JP"), ("state_or_province", "東京都"), ("state_or_province_code", "JP-13")]
        {
            place[name] = value.into();
        }
        let got = client.post(&format!("{path}/billing-address"), place.clone()).await.body["data"].clone();
        assert_eq!(got["billing_address"]["state_or_province"], shown);
        let row = json!([{"address": place, "line_items": ship_items(&got)}]);
        let got = client.post(&format!("{path}/consignments"), row).await.body["data"].clone();
        assert_eq!(got["consignments"][0]["address"]["state_or_province"], shown);
    }
}

#[tokio::test]
async fn texts_may_hold_what_nobody_can_keep() {
    let shop = Shop::with(Settings::default()).await;
    let client = &shop.client;
    let cart = client.guide_cart().await;
    shop.simulator.set(|settings| settings.unkept_texts = true);
    // Half of a pair is no JSON that can be read.
    assert!(!client.get(&format!("/v3/checkouts/{cart}")).await.body.is_object());
}
