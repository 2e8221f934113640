//! What the documents leave open, each with its answers: payments that were overtaken, filters that do nothing, ids in
//! capitals, tokens nobody can read, actions that fail, orders that cost nothing.

use bigcommerce_simulator::{ActionEnd, Fault, FreeOrder, Hosted, OrderFilters, Settings, magic_card};
use serde_json::json;

use crate::harness::{Shop, card, good_card};

#[tokio::test]
async fn a_payment_that_was_overtaken_charges_when_the_gateway_lets_it_go() {
    for (status, code) in [(401, 10_001), (422, 30_102)] {
        let shop = Shop::open().await;
        let client = &shop.client;
        let order = client.order().await;
        let fault = shop.simulator.add_fault(Fault::on("process-payment").overtaken(status, code));
        let told = client.charge(order, good_card()).await;
        assert_eq!((told.status, &told.body["code"]), (status, &json!(code)));
        let path = format!("/v2/orders/{order}");
        assert_eq!(client.get(&path).await.body["status_id"], 0, "nothing can be seen");
        assert_eq!(client.get(&format!("/v3/orders/{order}/transactions")).await.status, 204);
        assert!(shop.simulator.ledger().charges.is_empty());
        assert_eq!(client.charge(order, good_card()).await.status, 201, "who pays again, pays");
        shop.simulator.release(fault);
        shop.simulator.wait_reached(fault, 2).await;
        let money = shop.simulator.ledger().money("abc", order).expect("the order");
        assert_eq!(money.open.to_string(), "-10.83", "charged twice");
        assert_eq!(shop.simulator.ledger().attempts.len(), 2);
    }
}

#[tokio::test]
async fn an_overtaken_payment_can_charge_after_reads_or_be_declined_after_all() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let order = client.order().await;
    let fault = shop.simulator.add_fault(Fault::on("process-payment").overtaken_for_reads(401, 10_001, 1));
    client.charge(order, good_card()).await;
    let path = format!("/v2/orders/{order}");
    assert_eq!(client.get(&path).await.body["status_id"], 0);
    assert_eq!(client.get(&path).await.body["status_id"], 11);
    shop.simulator.release(fault);
    assert_eq!(shop.simulator.ledger().charges.len(), 1, "once");

    let order = client.order().await;
    let kind = json!({"call": "process-payment", "fault": {"kind": "overtaken", "code": 30102, "ms": 1}});
    let fault = client.post("/simulator/faults", kind).await.body;
    assert_eq!((&fault["fault"]["status"], &fault["fault"]["code"]), (&json!(401), &json!(30_102)));
    client.charge(order, card(&magic_card(30_106, 0))).await;
    client.post("/simulator/faults", json!({"call": "get-time", "fault": {"kind": "malformed"}})).await;
    let seen = async || {
        let rows = client.get("/simulator/faults").await.body;
        rows.as_array().is_some_and(|rows| rows.iter().any(|row| row["reached"] == 2))
    };
    while !seen().await {}
    assert_eq!(shop.simulator.ledger().charges.len(), 1, "a bad card stays bad");
}

#[tokio::test]
async fn filters_of_order_lists_may_do_nothing_or_find_nothing() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let cart = client.guide_cart().await;
    client.make_ready(&cart).await;
    for _ in 0..50 {
        client.order().await;
    }
    let order = client.order_of(&cart).await;
    let path = format!("/v2/orders?cart_id={cart}");
    assert_eq!(client.get(&path).await.body[0]["id"], order);
    shop.simulator.set(|settings| settings.order_filters = OrderFilters::Ignored);
    let rows = client.get(&path).await.body.as_array().cloned().unwrap_or_default();
    assert!(rows.len() == 50 && rows.iter().all(|row| row["cart_id"] != cart.as_str()), "ours is on page 2");
    let named = client.get("/v2/orders?external_order_id=nobody&limit=1").await;
    assert_eq!((named.status, &named.body[0]["id"]), (200, &json!(125)));
    shop.simulator.set(|settings| settings.order_filters = OrderFilters::Blind);
    assert_eq!(client.get(&path).await.status, 204);
    shop.simulator.set(|settings| settings.empty_order_list = true);
    let got = client.get(&path).await;
    assert_eq!((got.status, got.body), (200, json!([])));
    assert_eq!(client.get("/v2/orders?limit=1").await.body[0]["id"], 125, "other filters work");
}

#[tokio::test]
async fn an_id_in_capitals_may_be_the_same_cart() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let cart = client.guide_cart().await;
    client.make_ready(&cart).await;
    let loud = cart.to_uppercase();
    assert_eq!(client.get(&format!("/v3/carts/{loud}")).await.status, 404);
    shop.simulator.set(|settings| settings.ids_ignore_case = true);
    assert_eq!(client.get(&format!("/v3/carts/{loud}")).await.body["data"]["id"], cart.as_str());
    let checkout = client.get(&format!("/v3/checkouts/{loud}")).await.body;
    assert_eq!(checkout["data"]["cart"]["id"], cart.as_str());
    let order = client.order_of(&loud).await;
    assert_eq!(client.get(&format!("/v2/orders?cart_id={loud}")).await.body[0]["id"], order);
    assert_eq!(client.get(&format!("/v2/orders/{order}")).await.body["cart_id"], cart.as_str());
    assert_eq!(client.get(&format!("/v3/payments/methods?checkout_id={loud}")).await.status, 200);
}

#[tokio::test]
async fn tokens_may_be_opaque() {
    let shop = Shop::with(Settings { opaque_tokens: true, ..Settings::default() }).await;
    let order = shop.client.order().await;
    let token = shop.client.token(order).await;
    assert!(!token.contains('.') && token.len() == 96, "{token}");
    let forged = format!("{}{}", &token[..32], "0".repeat(64));
    assert_eq!(shop.client.pay(&forged, good_card()).await.status, 401);
    assert_eq!(shop.client.pay(&token, good_card()).await.status, 201);
    assert_eq!(shop.client.pay(&token, good_card()).await.body["code"], 30_102, "used");
}

#[tokio::test]
async fn captures_and_voids_may_fail_after_they_were_scheduled() {
    let shop = Shop::open().await;
    let client = &shop.client;
    for (action, end) in
        [("void", ActionEnd::Fails), ("capture", ActionEnd::Fails), ("void", ActionEnd::Never)]
    {
        shop.simulator.set(|settings| (settings.capture_ends, settings.void_ends) = (end, end));
        let order = client.order().await;
        client.charge(order, card(&magic_card(20_004, 0))).await;
        let path = format!("/v3/orders/{order}/payment_actions/{action}");
        assert_eq!(client.send("POST", &path, None).await.status, 201);
        let read = async || client.get(&format!("/v2/orders/{order}")).await.body["payment_status"].clone();
        assert_eq!(read().await, format!("{action} pending"));
        let expected =
            if end == ActionEnd::Fails { "authorized".to_owned() } else { format!("{action} pending") };
        assert_eq!(read().await, expected);
        let rows = client.get(&format!("/v3/orders/{order}/transactions")).await.body["data"].clone();
        let failed = rows.as_array().is_some_and(|rows| {
            rows.iter().any(|row| {
                row["event"] == action && row["status"] == "error" && row["amount"] == json!(10.83)
            })
        });
        assert_eq!(failed, end == ActionEnd::Fails);
        let money = shop.simulator.ledger().money("abc", order).expect("the order");
        assert_eq!(money.authorized, money.total, "the money is still held");
    }
}

#[tokio::test]
async fn an_order_that_costs_nothing_needs_a_payment_or_none() {
    for (free_order, card_status, status_id) in
        [(FreeOrder::AnyPayment, 201, 11), (FreeOrder::CreditOnly, 422, 0), (FreeOrder::PlacedAtOnce, 0, 11)]
    {
        let shop = Shop::with(Settings { free_order, ..Settings::default() }).await;
        let client = &shop.client;
        let line = json!({"product_id": 112, "quantity": 1, "list_price": 0});
        let cart = client.cart(json!({"line_items": [line]})).await;
        client.make_ready(&cart).await;
        let order = client.order_of(&cart).await;
        if free_order == FreeOrder::PlacedAtOnce {
            assert_eq!(client.mint(order).await.status, 409);
            assert_eq!(client.get(&format!("/v3/carts/{cart}")).await.status, 404);
            assert!(shop.simulator.ledger().charges.is_empty());
        } else {
            assert_eq!(client.charge(order, good_card()).await.status, card_status);
        }
        assert_eq!(client.get(&format!("/v2/orders/{order}")).await.body["status_id"], status_id);
        if free_order == FreeOrder::CreditOnly {
            let gift = json!({"instrument": {"type": "gift_certificate", "gift_certificate_code": "GIFT-5"},
                "payment_method_id": "bigcommerce.gift_certificate"});
            assert_eq!(client.charge(order, gift).await.status, 201);
            assert_eq!(client.get(&format!("/v2/orders/{order}")).await.body["status_id"], 11);
        }
    }
}

#[tokio::test]
async fn the_hosted_page_can_pay_the_order_that_the_api_made() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let order = client.order().await;
    let token = client.token(order).await;
    let path = format!("/simulator/orders/{order}/hosted-payment?store=abc");
    assert_eq!(client.post(&path, json!({"result": "stolen"})).await.status, 422);
    assert_eq!(client.post(&path, json!({"result": "paid"})).await.status, 204);
    assert_eq!(client.post(&path, json!({"result": "paid"})).await.status, 404, "once");
    assert!(!shop.simulator.host_payment(order, Hosted::Paid));
    assert_eq!(client.pay(&token, good_card()).await.body["code"], 30_101);
    assert!(shop.simulator.ledger().money("abc", order).is_some_and(|money| money.is_whole()));
}

#[tokio::test]
async fn a_refund_can_land_after_its_answer_was_lost() {
    let shop = Shop::open().await;
    let order = shop.client.order().await;
    shop.client.charge(order, good_card()).await;
    let fault = shop.simulator.add_fault(Fault::on("refund").deliver_late());
    let path = format!("/v3/orders/{order}/payment_actions/refunds");
    let body = json!({"items": [{"item_type": "ORDER", "item_id": order, "amount": 10.83, "reason": "r"}],
        "payments": [{"provider_id": "stripe", "amount": 10.83, "offline": false}]});
    tokio::select! {
        got = shop.client.try_send("POST", &path, Some(body)) => panic!("answered: {got:?}"),
        () = shop.simulator.wait_reached(fault, 1) => {}
    }
    shop.simulator.wait_abandoned(fault, 1).await;
    assert_eq!(shop.client.get(&path).await.body["data"], json!([]), "nothing yet");
    shop.simulator.release(fault);
    while shop.simulator.ledger().refunds.is_empty() {
        assert_eq!(shop.client.get(&path).await.status, 200);
    }
    assert_eq!(shop.client.get(&path).await.body["data"].as_array().map(Vec::len), Some(1));
}
