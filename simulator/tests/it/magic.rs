//! Every magic card and token does what the table says, and other instruments pay too.

use bigcommerce_simulator::{MAGIC, Settings, Settlement, magic_card, magic_token};
use serde_json::{Value, json};

use crate::harness::{Shop, card, good_card, stored_card};

/// Pays a fresh order and gives back the answer's status and code and the order afterwards.
async fn pay(shop: &Shop, payment: Value) -> (u16, Option<u64>, Value) {
    let order = shop.client.order().await;
    let got = shop.client.charge(order, payment).await;
    let order = shop.client.get(&format!("/v2/orders/{order}")).await.body;
    (got.status, got.body["code"].as_u64(), order)
}

#[tokio::test]
async fn every_code_is_answered_by_cards_and_tokens() {
    let shop = Shop::open().await;
    for (code, meaning) in MAGIC.into_iter().filter(|(code, _)| !(20_000..20_006).contains(code)) {
        let expected = if code == 20_006 { 39_999 } else { u64::from(code) };
        for payment in [card(&magic_card(code, 0)), stored_card(&magic_token(code, 0))] {
            let (status, got, order) = pay(&shop, payment).await;
            assert!((400..500).contains(&status), "{code} {meaning}");
            assert_eq!(got, Some(expected), "{meaning}");
            assert_eq!(order["status_id"], 0, "{meaning}");
        }
    }
    assert!(shop.simulator.ledger().charges.is_empty());
    assert!(shop.simulator.ledger().attempts.iter().all(|attempt| !attempt.charged));
}

#[tokio::test]
async fn an_error_can_hide_a_charge() {
    let shop = Shop::open().await;
    for code in [10_000, 30_050, 20_006, 30_105] {
        let (status, _, order) = pay(&shop, card(&magic_card(code, 1))).await;
        assert_eq!((status, &order["status_id"]), (422, &json!(11)), "{code}: BigCommerce knows");
        let (status, _, order) = pay(&shop, card(&magic_card(code, 2))).await;
        assert_eq!((status, &order["status_id"]), (422, &json!(0)), "{code}: BigCommerce does not know");
        let id = order["id"].as_u64().expect("an id");
        assert!(shop.simulator.ledger().charges.iter().any(|charge| charge.order_id == id));
        assert!(shop.simulator.settle(id, Settlement::Success));
        let order = shop.client.get(&format!("/v2/orders/{id}")).await.body;
        assert_eq!(order["status_id"], 11, "{code}: it learns");
    }
}

#[tokio::test]
async fn pending_payments_settle_decline_or_never_end() {
    let shop = Shop::with(Settings { pending_settle_reads: 1, ..Settings::default() }).await;
    for (code, end) in
        [(20_001, "captured"), (20_002, "declined"), (20_003, "pending"), (20_005, "authorized")]
    {
        let cart = shop.client.guide_cart().await;
        shop.client.make_ready(&cart).await;
        let order = shop.client.order_of(&cart).await;
        let got = shop.client.charge(order, card(&magic_card(code, 0))).await;
        assert_eq!((got.status, &got.body["data"]["status"]), (201, &json!("pending")));
        let path = format!("/v2/orders/{order}");
        let first = shop.client.get(&path).await.body;
        assert_eq!((&first["payment_status"], &first["status_id"]), (&json!("pending"), &json!(1)));
        assert_eq!(shop.client.get(&format!("/v3/carts/{cart}")).await.status, 200, "the cart stays");
        assert_eq!(shop.client.get(&path).await.body["payment_status"], end, "{code}");
        let kept = shop.client.get(&format!("/v3/carts/{cart}")).await.status;
        assert_eq!(kept, if matches!(end, "captured" | "authorized") { 404 } else { 200 });
        if end == "declined" {
            assert_ne!(shop.client.order_of(&cart).await, order, "a new order from the same cart");
        }
    }
    let never = shop.simulator.ledger().charges.into_iter().find(|charge| charge.state == "pending");
    let order = never.expect("one never ends").order_id;
    assert!(shop.simulator.settle(order, Settlement::Decline));
    assert_eq!(shop.client.get(&format!("/v2/orders/{order}")).await.body["status_id"], 6);
}

#[tokio::test]
async fn credit_certificates_and_stored_accounts_pay() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let order_of = async |customer: u64| {
        let item = json!({"name": "Custom Product", "quantity": 1, "list_price": 10});
        let cart = client.cart(json!({"customer_id": customer, "custom_items": [item]})).await;
        client.make_ready(&cart).await;
        client.order_of(&cart).await
    };
    let credit =
        json!({"instrument": {"type": "store_credit"}, "payment_method_id": "bigcommerce.store_credit"});
    assert_eq!(client.charge(order_of(1).await, credit.clone()).await.status, 201);
    assert_eq!(client.charge(order_of(2).await, credit.clone()).await.body["code"], 30_106, "no credit left");
    assert_eq!(client.charge(order_of(0).await, credit).await.body["code"], 10_001, "guests have none");
    let gift = |code: &str| {
        json!({"instrument": {"type": "gift_certificate", "gift_certificate_code": code},
            "payment_method_id": "bigcommerce.gift_certificate"})
    };
    assert_eq!(client.charge(order_of(0).await, gift("GIFT-1000")).await.status, 201);
    assert_eq!(client.charge(order_of(0).await, gift("GIFT-5")).await.body["code"], 30_106);
    assert_eq!(client.charge(order_of(0).await, gift("NOSUCH")).await.body["code"], 30_051);

    let own = client.get("/v3/customers/1/stored-instruments").await.body;
    let of_order = order_of(1).await;
    let methods = client.get(&format!("/v3/payments/methods?order_id={of_order}")).await.body;
    let listed: usize = methods["data"]
        .as_array()
        .expect("methods")
        .iter()
        .map(|method| method["stored_instruments"].as_array().map_or(0, Vec::len))
        .sum();
    assert_eq!(Some(listed), own.as_array().map(Vec::len));
    for (at, method, kind) in [
        (0, "stripe.card", "stored_card"),
        (3, "braintree.paypal", "stored_paypal_account"),
        (4, "braintree.ach", "stored_bank_account"),
    ] {
        let payment =
            json!({"instrument": {"type": kind, "token": own[at]["token"]}, "payment_method_id": method});
        assert_eq!(client.charge(order_of(1).await, payment.clone()).await.status, 201, "{kind}");
        assert_eq!(client.charge(order_of(2).await, payment).await.body["code"], 30_051, "only one's own");
    }
    let expired = json!({"instrument": {"type": "stored_card", "token": own[2]["token"]}, "payment_method_id": "stripe.card"});
    assert_eq!(client.charge(order_of(1).await, expired).await.body["code"], 30_103);
    let mut saved = good_card();
    saved["save_instrument"] = true.into();
    assert_eq!(client.charge(order_of(2).await, saved).await.status, 201);
    let own = client.get("/v3/customers/2/stored-instruments").await.body;
    assert_eq!(own.as_array().map(Vec::len), Some(1), "saved");
}
