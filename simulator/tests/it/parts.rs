//! Orders that are paid in parts: store credit, gift certificates and a card for the rest.

use bigcommerce_simulator::{Lag, PartShown, PartialPayment, RefundEvent, Settings, magic_card};
use serde_json::{Value, json};

use crate::harness::{Client, Shop, card, good_card};

fn gift(code: &str) -> Value {
    json!({"instrument": {"type": "gift_certificate", "gift_certificate_code": code},
        "payment_method_id": "bigcommerce.gift_certificate"})
}

fn credit() -> Value {
    json!({"instrument": {"type": "store_credit"}, "payment_method_id": "bigcommerce.store_credit"})
}

async fn open(partial_payment: PartialPayment) -> Shop {
    Shop::with(Settings { partial_payment, ..Settings::default() }).await
}

/// An Incomplete order of 10.83 of a customer with a credit of 3; its cart too.
async fn order(client: &Client) -> (String, u64) {
    let item = json!({"name": "Custom Product", "quantity": 1, "list_price": 10});
    let cart = client.cart(json!({"customer_id": 11, "custom_items": [item]})).await;
    client.make_ready(&cart).await;
    let order = client.order_of(&cart).await;
    (cart, order)
}

async fn read(client: &Client, order: u64) -> Value {
    client.get(&format!("/v2/orders/{order}")).await.body
}

/// Amounts of the transactions that are `ok`, with their events.
async fn transactions(client: &Client, order: u64) -> Vec<(String, String)> {
    let rows = client.get(&format!("/v3/orders/{order}/transactions")).await.body;
    let rows = rows["data"].as_array().cloned().unwrap_or_default();
    let text = |row: &Value| (row["event"].as_str().unwrap_or("").to_owned(), row["amount"].to_string());
    rows.iter().filter(|row| row["status"] == "ok").map(text).collect()
}

#[tokio::test]
async fn a_part_can_be_refused_or_leave_the_order_pending() {
    let shop = open(PartialPayment::Refuse).await;
    let (_, id) = order(&shop.client).await;
    assert_eq!(shop.client.charge(id, gift("GIFT-5")).await.body["code"], 30_106);
    assert!(shop.simulator.ledger().charges.is_empty());

    let shop = open(PartialPayment::Pending).await;
    let (cart, id) = order(&shop.client).await;
    assert_eq!(shop.client.charge(id, gift("GIFT-5")).await.status, 201);
    let shown = read(&shop.client, id).await;
    assert_eq!((&shown["status_id"], &shown["gift_certificate_amount"]), (&json!(1), &json!("5.0000")));
    assert_eq!(transactions(&shop.client, id).await, [("purchase".to_owned(), "5".to_owned())]);
    let refused = shop.client.mint(id).await;
    assert_eq!((refused.status, &refused.body["code"]), (409, &json!(30_101)));
    assert_eq!(shop.client.get(&format!("/v3/carts/{cart}")).await.status, 200, "the cart stays");
    let money = shop.simulator.ledger().money("abc", id).expect("the order");
    assert_eq!((money.certificate.to_string(), money.open.to_string()), ("5".into(), "5.83".into()));
}

#[tokio::test]
async fn an_order_can_be_paid_by_certificate_credit_and_card_one_after_the_other() {
    for partial_payment in [PartialPayment::Incomplete, PartialPayment::PendingPayable] {
        let shop = open(partial_payment).await;
        let client = &shop.client;
        let (cart, id) = order(client).await;
        let old = client.token(id).await;
        assert_eq!(client.charge(id, gift("GIFT-5")).await.status, 201);
        let status = i32::from(partial_payment != PartialPayment::Incomplete);
        assert_eq!(read(client, id).await["status_id"], status);
        assert_eq!(client.pay(&old, good_card()).await.body["code"], 30_004, "it names the whole total");
        assert_eq!(client.get(&format!("/v3/payments/methods?order_id={id}")).await.status, 200);
        assert_eq!(client.charge(id, credit()).await.status, 201);
        let shown = read(client, id).await;
        assert_eq!(
            (&shown["store_credit_amount"], &shown["gift_certificate_amount"], &shown["total_inc_tax"]),
            (&json!("3.0000"), &json!("5.0000"), &json!("10.8300"))
        );
        let declined = client.charge(id, card(&magic_card(30_106, 0))).await;
        assert_eq!(declined.body["code"], 30_106);
        assert_eq!(read(client, id).await["status_id"], status, "the parts stand");
        assert_eq!(client.charge(id, good_card()).await.status, 201);
        let shown = read(client, id).await;
        assert_eq!((&shown["status_id"], &shown["payment_status"]), (&json!(11), &json!("captured")));
        assert_eq!(client.get(&format!("/v3/carts/{cart}")).await.status, 404);
        let amounts: Vec<String> = transactions(client, id).await.into_iter().map(|(_, one)| one).collect();
        assert_eq!(amounts, ["5", "3", "2.83"]);
        let ledger = shop.simulator.ledger();
        let money = ledger.money("abc", id).expect("the order");
        assert!(money.is_whole(), "{money:?}");
        assert_eq!((money.captured, money.credit.to_string()), (money.total, "3".into()));
        assert_eq!(ledger.tokens.last().map(|token| token.amount), Some(283));
        let served = client.get(&format!("/simulator/orders/{id}/money?store=abc")).await.body;
        assert_eq!(
            (served["open"].to_string(), served["certificate"].to_string()),
            ("0.00".into(), "5".into())
        );
    }
}

#[tokio::test]
async fn parts_go_back_to_where_they_came_from() {
    let shop = open(PartialPayment::Incomplete).await;
    let client = &shop.client;
    let (_, id) = order(client).await;
    for payment in [gift("GIFT-5"), credit(), good_card()] {
        assert_eq!(client.charge(id, payment).await.status, 201);
    }
    let whole = json!({"items": [{"item_type": "ORDER", "item_id": id, "amount": 10.83, "reason": "r"}]});
    let quote = client.post(&format!("/v3/orders/{id}/payment_actions/refund_quotes"), whole.clone()).await;
    let way = quote.body["data"]["refund_methods"][0].clone();
    let told: Vec<(String, String)> = way
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (row["provider_id"].as_str().unwrap_or("").to_owned(), row["amount"].to_string()))
        .collect();
    let pairs = [("stripe", "2.83"), ("storecredit", "3"), ("giftcertificate", "5")];
    assert_eq!(told, pairs.map(|(provider, amount)| (provider.to_owned(), amount.to_owned())));
    let mut body = whole;
    body["payments"] = way;
    let refunded = client.post(&format!("/v3/orders/{id}/payment_actions/refunds"), body).await;
    assert_eq!(refunded.status, 201, "{}", refunded.body);
    let shown = read(client, id).await;
    assert_eq!((&shown["status_id"], &shown["payment_status"]), (&json!(4), &json!("refunded")));
    let credit = client.get("/v3/customers?id:in=11&include=storecredit").await.body;
    assert_eq!(credit["data"][0]["store_credit_amounts"][0]["amount"], 3);
    let events = transactions(client, id).await;
    assert_eq!(events.iter().filter(|(event, _)| event == "refund").count(), 3, "one for each way");
    let (_, next) = order(client).await;
    assert_eq!(client.charge(next, gift("GIFT-5")).await.status, 201, "the certificate is worth 5 again");
    let money = shop.simulator.ledger().money("abc", id).expect("the order");
    assert_eq!((money.refunded, money.open), (money.total, money.total));
}

#[tokio::test]
async fn a_part_of_an_unpaid_order_can_be_given_back() {
    for (moves, status, due) in [(true, 4, None), (false, 0, Some(1083))] {
        let shop = open(PartialPayment::Incomplete).await;
        let client = &shop.client;
        shop.simulator.set(|settings| {
            settings.refund_moves_unpaid = moves;
            settings.part_shown = PartShown::Captured;
            settings.refund_event = RefundEvent::Void;
        });
        let (_, id) = order(client).await;
        assert_eq!(client.charge(id, gift("GIFT-5")).await.status, 201);
        assert_eq!(read(client, id).await["payment_status"], "captured", "a word is not an amount");
        let refund = |amount: f64| {
            json!({"items": [{"item_type": "ORDER", "item_id": id, "amount": amount, "reason": "r"}],
                "payments": [{"provider_id": "giftcertificate", "amount": amount, "offline": false}]})
        };
        let path = format!("/v3/orders/{id}/payment_actions/refunds");
        assert_eq!(client.post(&path, refund(6.0)).await.status, 422, "only what was taken");
        assert_eq!(client.post(&path, refund(5.0)).await.status, 201);
        assert_eq!(read(client, id).await["status_id"], status);
        let minted = client.mint(id).await.status;
        assert_eq!(minted, if due.is_some() { 201 } else { 409 });
        assert_eq!(shop.simulator.ledger().tokens.get(1).map(|token| token.amount), due);
        assert_eq!(
            transactions(client, id).await.last().map(|(event, _)| event.clone()),
            Some("void".into())
        );
    }
}

#[tokio::test]
async fn an_authorized_rest_is_captured_or_voided_by_its_own_amount() {
    let shop = open(PartialPayment::Incomplete).await;
    let client = &shop.client;
    shop.simulator.set(|settings| settings.action_settle_reads = 0);
    for (action, open) in [("capture", "0.00"), ("void", "5.83")] {
        let (_, id) = order(client).await;
        shop.client.charge(id, gift("GIFT-1000")).await;
        assert!(shop.simulator.ledger().money("abc", id).is_some_and(|money| money.is_whole()));
        shop.simulator.reset();
        let (_, id) = order(client).await;
        assert_eq!(client.charge(id, gift("GIFT-5")).await.status, 201);
        assert_eq!(client.charge(id, card(&magic_card(20_004, 0))).await.status, 201);
        let shown = read(client, id).await;
        assert_eq!((&shown["status_id"], &shown["payment_status"]), (&json!(7), &json!("authorized")));
        let path = format!("/v3/orders/{id}/payment_actions/{action}");
        assert_eq!(client.send("POST", &path, None).await.status, 201);
        read(client, id).await;
        let last = transactions(client, id).await.pop().expect("a transaction");
        assert_eq!(last, (action.to_owned(), "5.83".to_owned()));
        let money = shop.simulator.ledger().money("abc", id).expect("the order");
        assert_eq!(money.open.to_string(), open, "{action}");
    }
}

#[tokio::test]
async fn parts_and_refunds_show_late_too() {
    let lag = Lag { reads: 1, ms: 0 };
    let shop = open(PartialPayment::Pending).await;
    let client = &shop.client;
    shop.simulator.set(|settings| (settings.status_lag, settings.transactions_lag) = (lag, lag));
    let (_, id) = order(client).await;
    assert_eq!(client.charge(id, gift("GIFT-5")).await.status, 201);
    let shown = read(client, id).await;
    assert_eq!((&shown["status_id"], &shown["gift_certificate_amount"]), (&json!(0), &json!("0.0000")));
    let shown = read(client, id).await;
    assert_eq!((&shown["status_id"], &shown["gift_certificate_amount"]), (&json!(1), &json!("5.0000")));
    assert_eq!(transactions(client, id).await.len(), 0);
    assert_eq!(transactions(client, id).await.len(), 1);
    let body = json!({"items": [{"item_type": "ORDER", "item_id": id, "amount": 5, "reason": "r"}],
        "payments": [{"provider_id": "giftcertificate", "amount": 5, "offline": false}]});
    assert_eq!(client.post(&format!("/v3/orders/{id}/payment_actions/refunds"), body).await.status, 201);
    assert_eq!(read(client, id).await["status_id"], 1, "the old state");
    assert_eq!(read(client, id).await["status_id"], 4);
    assert_eq!(transactions(client, id).await.len(), 1, "what was seen stays seen");
    assert_eq!(transactions(client, id).await.len(), 2);
}

#[tokio::test]
async fn refunds_are_listed_late() {
    let shop = open(PartialPayment::Incomplete).await;
    let client = &shop.client;
    shop.simulator.set(|settings| settings.refunds_lag = Lag { reads: 1, ms: 0 });
    let (_, id) = order(client).await;
    assert_eq!(client.charge(id, good_card()).await.status, 201);
    let path = format!("/v3/orders/{id}/payment_actions/refunds");
    let refund = json!({"items": [{"item_type": "ORDER", "item_id": id, "amount": 1, "reason": "r"}],
        "payments": [{"provider_id": "stripe", "amount": 1, "offline": false}]});
    for (before, after) in [(0, 1), (1, 2)] {
        assert_eq!(client.post(&path, refund.clone()).await.status, 201);
        for seen in [before, after] {
            assert_eq!(client.get(&path).await.body["data"].as_array().map(Vec::len), Some(seen));
        }
    }
    let all = format!("/v3/orders/payment_actions/refunds?order_id:in={id}");
    assert_eq!(client.get(&all).await.body["data"].as_array().map(Vec::len), Some(2));
}
