//! Payment access tokens: bound, single-use, expiring; and what a second use is told.

use base64::Engine as _;
use bigcommerce_simulator::{Settings, TokenReplay};
use serde_json::{Value, json};

use crate::harness::{Shop, card, finish, good_card};

#[tokio::test]
async fn a_token_carries_the_documented_claims() {
    let shop = Shop::open().await;
    let order = shop.client.order().await;
    let token = shop.client.token(order).await;
    let claims = token.split('.').nth(1).expect("three parts");
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).expect("base64");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!(claims["iss"], "payments.bigcommerce.com");
    assert_eq!(claims["sub"], "abc");
    assert_eq!(claims["exp"].as_i64().zip(claims["nbf"].as_i64()).map(|(exp, nbf)| exp - nbf), Some(3600));
    assert_eq!(claims["data"]["order_id"], "125");
    assert_eq!((&claims["data"]["amount"], &claims["data"]["currency"]), (&json!(1083), &json!("USD")));
    assert_eq!(shop.client.mint(999).await.body["code"], 30_003);
    let text = json!({"order": {"id": "125"}});
    assert_eq!(shop.client.post("/v3/payments/access_tokens", text).await.status, 422, "an integer only");
}

#[tokio::test]
async fn a_paid_order_gets_no_token_and_no_methods() {
    let shop = Shop::open().await;
    let order = shop.client.order().await;
    assert_eq!(shop.client.charge(order, good_card()).await.status, 201);
    let mint = shop.client.mint(order).await;
    assert_eq!((mint.status, &mint.body["code"]), (409, &json!(30_101)));
    let methods = shop.client.get(&format!("/v3/payments/methods?order_id={order}")).await;
    assert_eq!((methods.status, &methods.body["code"]), (409, &json!(30_101)));
    assert_eq!(shop.client.get("/v3/payments/methods").await.status, 422);
}

#[tokio::test]
async fn a_used_token_is_told_what_the_setting_says() {
    let shop = Shop::open().await;
    let order = shop.client.order().await;
    let token = shop.client.token(order).await;
    assert_eq!(shop.client.pay(&token, good_card()).await.status, 201);
    for (replay, status, code) in [
        (TokenReplay::Unauthorized, 401, 30_102),
        (TokenReplay::WrongStatus, 409, 30_101),
        (TokenReplay::NotVerified, 422, 30_102),
        (TokenReplay::Duplicate, 422, 30_105),
    ] {
        shop.simulator.set(|settings| settings.token_replay = replay);
        let got = shop.client.pay(&token, good_card()).await;
        assert_eq!((got.status, &got.body["code"]), (status, &json!(code)));
    }
    assert_eq!(shop.simulator.ledger().charges.len(), 1, "never charged again");
}

#[tokio::test]
async fn tokens_expire_and_are_bound_to_the_amount() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let order = client.order().await;
    let token = client.token(order).await;
    client.put(&format!("/v2/orders/{order}"), json!({"discount_amount": 1})).await;
    let got = client.pay(&token, good_card()).await;
    assert_eq!((got.status, &got.body["code"]), (422, &json!(30_004)));
    let token = client.token(order).await;
    shop.simulator.advance_clock(3600);
    for status in [401, 422] {
        shop.simulator.set(|settings| settings.expired_token_status = status);
        let got = client.pay(&token, good_card()).await;
        assert_eq!((got.status, &got.body["code"]), (status, &json!(30_102)));
    }
    assert!(shop.simulator.ledger().charges.is_empty());
}

#[tokio::test]
async fn a_decline_burns_the_token_or_not() {
    for burns in [true, false] {
        let shop = Shop::with(Settings { decline_burns_token: burns, ..Settings::default() }).await;
        let order = shop.client.order().await;
        let token = shop.client.token(order).await;
        let declined = shop.client.pay(&token, card(&bigcommerce_simulator::magic_card(30_106, 0))).await;
        assert_eq!(declined.body["code"], 30_106);
        assert_eq!(shop.client.pay(&token, good_card()).await.status, if burns { 401 } else { 201 });
    }
}

#[tokio::test]
async fn headers_and_bodies_of_payments_are_checked() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let order = client.order().await;
    let token = client.token(order).await;
    let body = json!({"payment": good_card()}).to_string();
    let request = client.request("POST", "/payments").header("authorization", format!("PAT {token}"));
    assert_eq!(finish(request.body(body.clone())).await.expect("an answer").status, 406);
    let request = client.request("POST", "/payments").header("accept", "application/vnd.bc.v1+json");
    let got = finish(request.header("authorization", format!("Bearer {token}")).body(body))
        .await
        .expect("an answer");
    assert_eq!((got.status, &got.body["code"]), (401, &json!(10_001)));
    assert_eq!(client.pay("forged.token.here", good_card()).await.status, 401);
    let mut wrong = good_card();
    wrong["instrument"]["expiry_month"] = 13.into();
    assert_eq!(client.pay(&token, wrong).await.body["code"], 10_001);
    assert_eq!(client.pay(&token, json!({})).await.status, 422);
    let mut wrong = good_card();
    wrong["payment_method_id"] = "nobody.card".into();
    assert_eq!(client.pay(&token, wrong).await.body["code"], 30_000);
    assert_eq!(client.pay(&token, good_card()).await.status, 201, "refusals use nothing up");
}

#[tokio::test]
async fn a_second_token_can_charge_twice_when_nothing_checks() {
    let shop = Shop::with(Settings { charge_checks_status: false, ..Settings::default() }).await;
    let order = shop.client.order().await;
    let (one, two) = (shop.client.token(order).await, shop.client.token(order).await);
    assert_eq!(shop.client.pay(&one, good_card()).await.status, 201);
    assert_eq!(shop.client.pay(&two, good_card()).await.status, 201);
    assert_eq!(shop.simulator.ledger().charges.len(), 2, "a client that mints twice is caught by the ledger");
    shop.simulator.reset();
    shop.simulator.set(|settings| settings.charge_checks_status = true);
    let order = shop.client.order().await;
    let (one, two) = (shop.client.token(order).await, shop.client.token(order).await);
    assert_eq!(shop.client.pay(&one, good_card()).await.status, 201);
    assert_eq!(shop.client.pay(&two, good_card()).await.body["code"], 30_101);
}
