//! What others do around a request: each deed is reached only when it changed something, and the request goes on.

use std::collections::BTreeMap;

use bigcommerce_simulator::{Actor, DEEDS, Deed, Effect, Fault, Kind, PartialPayment, Settings, magic_card};
use serde_json::{Value, json};

use crate::harness::{Shop, card, good_card};

/// A deed needs a cart, an unpaid order, a paid one or an authorized one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Cart,
    Unpaid,
    Paid,
    Authorized,
}

fn needs(deed: Deed) -> Needs {
    match deed {
        Deed::Ship | Deed::RefundPart | Deed::RefundAll => Needs::Paid,
        Deed::Capture | Deed::Void => Needs::Authorized,
        deed if deed.is_to_order() => Needs::Unpaid,
        _ => Needs::Cart,
    }
}

/// A cart with all that an order needs, and its order where one is needed.
async fn prepared(shop: &Shop, needs: Needs) -> (String, Option<u64>) {
    let cart = shop.client.guide_cart().await;
    shop.client.make_ready(&cart).await;
    if needs == Needs::Cart {
        return (cart, None);
    }
    let order = shop.client.order_of(&cart).await;
    match needs {
        Needs::Paid => assert_eq!(shop.client.charge(order, good_card()).await.status, 201),
        Needs::Authorized => {
            assert_eq!(shop.client.charge(order, card(&magic_card(20_004, 0))).await.status, 201);
        }
        Needs::Cart | Needs::Unpaid => {}
    }
    (cart, Some(order))
}

#[tokio::test]
async fn every_deed_is_reached_where_it_changes_something_and_not_elsewhere() {
    for deed in DEEDS {
        for effect in [Effect::Before, Effect::After] {
            let shop = Shop::open().await;
            let (cart, order) = prepared(&shop, needs(deed)).await;
            let path = order.map_or_else(|| format!("/v3/checkouts/{cart}"), |id| format!("/v2/orders/{id}"));
            let call = if order.is_some() { "get-order" } else { "get-checkout" };
            let fault = Fault::on(call).kind(Kind::Meanwhile { does: deed, effect });
            let id = shop.simulator.add_fault(fault);
            let before = shop.simulator.ledger();
            let got = shop.client.get(&path).await;
            let gone = effect == Effect::Before
                && matches!(deed, Deed::DeleteCart | Deed::RemoveItem | Deed::PayPage | Deed::Complete);
            assert_eq!(got.status, if gone { 404 } else { 200 }, "{deed:?} {effect:?}: {}", got.body);
            assert_eq!(shop.simulator.reached(id), 1, "{deed:?} {effect:?}");
            let after = shop.simulator.ledger();
            if matches!(deed, Deed::PayPage | Deed::PayOrder | Deed::Complete) {
                assert_eq!(after.charges.len(), before.charges.len() + 1, "{deed:?}");
            }
            let row = shop.simulator.requests().pop().expect("a request");
            assert_eq!(row.fault.as_deref(), Some("meanwhile"));
            shop.simulator.stop().await;
        }
    }
}

#[tokio::test]
async fn nothing_is_reached_where_nothing_changes() {
    let shop = Shop::open().await;
    for deed in DEEDS {
        let id = shop.simulator.add_fault(Fault::on("get-time").meanwhile_before(deed));
        assert_eq!(shop.client.get("/v2/time").await.status, 200);
        assert_eq!(shop.simulator.reached(id), 0, "{deed:?}: there is no cart and no order");
        shop.simulator.clear_faults();
    }
    let (_, order) = prepared(&shop, Needs::Unpaid).await;
    let order = order.expect("an order");
    assert!(shop.simulator.does_to_order("abc", order, Deed::Cancel));
    assert!(!shop.simulator.does_to_order("abc", order, Deed::Cancel), "it is cancelled already");
    for deed in [Deed::RefundAll, Deed::Capture, Deed::Void, Deed::PayOrder] {
        assert!(!shop.simulator.does_to_order("abc", order, deed), "{deed:?}");
    }
}

#[tokio::test]
async fn what_a_request_is_about_is_read_from_its_path_query_body_token_or_correlation() {
    let shop = Shop::open().await;
    let client = &shop.client;
    // Made first, and not the newest of its correlation id: only what the request names leads to it.
    let (cart, order) = prepared(&shop, Needs::Unpaid).await;
    let order = order.expect("an order");
    prepared(&shop, Needs::Unpaid).await;
    let note = |call: &str| shop.simulator.add_fault(Fault::on(call).meanwhile_before(Deed::Note));
    let token = client.token(order).await;
    let mut reached = Vec::new();
    for call in ["create-access-token", "list-orders", "get-checkout", "list-transactions", "process-payment"]
    {
        reached.push(note(call));
    }
    client.mint(order).await;
    client.get(&format!("/v2/orders?cart_id={cart}")).await;
    client.get(&format!("/v3/checkouts/{cart}")).await;
    client.get(&format!("/v3/orders/{order}/transactions")).await;
    client.pay(&token, good_card()).await;
    assert!(reached.iter().all(|id| shop.simulator.reached(*id) == 1));
    let shown = client.get(&format!("/v2/orders/{order}")).await.body;
    assert_eq!(shown["staff_notes"], "Seen. Seen. Seen. Seen. Seen. ");
    // The newest of the same correlation id.
    let id = shop.simulator.add_fault(Fault::on("get-payment-methods").meanwhile_after(Deed::Note));
    client.get(&format!("/v3/payments/methods?order_id={order}")).await;
    assert_eq!(shop.simulator.reached(id), 1);
    let shown = client.get(&format!("/v2/orders/{}", order + 1)).await.body;
    assert_eq!(shown["staff_notes"], "Seen. ");
}

#[tokio::test]
async fn a_deed_before_the_effect_changes_what_the_request_meets() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let (_, order) = prepared(&shop, Needs::Unpaid).await;
    let order = order.expect("an order");
    let total = |deed| shop.simulator.add_fault(Fault::on("create-access-token").meanwhile_before(deed));
    total(Deed::TotalUp);
    client.mint(order).await;
    total(Deed::TotalDown);
    total(Deed::TotalDown);
    client.mint(order).await;
    let amounts: Vec<i64> = shop.simulator.ledger().tokens.iter().map(|token| token.amount).collect();
    assert_eq!(amounts, [2166, 542], "two deeds of one moment both happen");
    total(Deed::Cancel);
    assert_eq!(client.mint(order).await.status, 409);
}

#[tokio::test]
async fn a_deed_stands_beside_another_fault_of_the_same_request() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let cart = client.guide_cart().await;
    client.make_ready(&cart).await;
    // The answer is lost, the request is delivered twice, and the merchant cancels what was made: once.
    let path = format!("/v3/checkouts/{cart}/orders");
    let cancel = shop.simulator.add_fault(Fault::on("create-order").meanwhile_after(Deed::Cancel));
    shop.simulator.add_fault(Fault::on("create-order").duplicate());
    assert_eq!(client.send("POST", &path, None).await.status, 200);
    assert_eq!(shop.simulator.reached(cancel), 1);
    let states: BTreeMap<u64, u64> =
        shop.simulator.ledger().orders.iter().map(|order| (order.id, order.status_id)).collect();
    assert_eq!(states.values().filter(|status| **status == 5).count(), 1, "{states:?}");
    // A request that never takes effect has no after.
    let cancel = shop.simulator.add_fault(Fault::on("create-order").meanwhile_after(Deed::Archive));
    shop.simulator.add_fault(Fault::on("create-order").reset_before());
    assert!(client.try_send("POST", &path, None).await.is_err());
    assert_eq!(shop.simulator.reached(cancel), 0);
}

#[tokio::test]
async fn refunds_of_parts_go_back_where_they_came_from() {
    let settings = Settings { partial_payment: PartialPayment::Incomplete, ..Settings::default() };
    let shop = Shop::with(settings).await;
    let (_, order) = prepared(&shop, Needs::Unpaid).await;
    let order = order.expect("an order");
    let gift = json!({"instrument": {"type": "gift_certificate", "gift_certificate_code": "GIFT-5"},
        "payment_method_id": "bigcommerce.gift_certificate"});
    assert_eq!(shop.client.charge(order, gift).await.status, 201);
    assert!(shop.simulator.does_to_order("abc", order, Deed::RefundPart));
    assert!(shop.simulator.does_to_order("abc", order, Deed::RefundAll));
    assert!(!shop.simulator.does_to_order("abc", order, Deed::RefundAll), "nothing is left");
    let back: Vec<String> =
        shop.simulator.ledger().refunds.iter().map(|refund| refund.amount.to_string()).collect();
    assert_eq!(back, ["2.5", "2.5"]);
}

#[tokio::test]
async fn deeds_are_scripted_over_http_too() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let (cart, order) = prepared(&shop, Needs::Unpaid).await;
    let fault =
        json!({"call": "get-checkout", "fault": {"kind": "meanwhile", "actor": "app", "does": "add_item"}});
    let added = client.post("/simulator/faults", fault).await;
    assert_eq!((added.status, &added.body["fault"]["effect"]), (201, &json!("before")));
    let lines = client.get(&format!("/v3/checkouts/{cart}")).await.body["data"]["cart"]["line_items"].clone();
    assert_eq!(lines["physical_items"].as_array().map(Vec::len), Some(1));
    let now = |body: Value| async { client.post("/simulator/meanwhile?store=abc", body).await.status };
    assert_eq!(now(json!({"does": "raise_quantity", "cart_id": cart})).await, 204);
    assert_eq!(now(json!({"does": "archive", "order_id": order})).await, 204);
    assert_eq!(now(json!({"does": "archive", "order_id": order})).await, 404);
    assert_eq!(now(json!({"does": "dance", "order_id": order})).await, 422);
}

#[test]
fn the_readme_lists_every_deed_with_its_actor() {
    let readme = include_str!("../../README.md");
    for deed in DEEDS {
        let name = serde_json::to_value(deed).expect("a name");
        let actor = serde_json::to_value(deed.actor()).expect("a name");
        let (name, actor) = (name.as_str().unwrap_or(""), actor.as_str().unwrap_or(""));
        let row = readme.lines().find(|line| line.starts_with(&format!("| `{actor}` |")));
        assert!(row.is_some_and(|row| row.contains(&format!("`{name}`"))), "{actor} {name}");
    }
    assert_eq!(Deed::PayPage.actor(), Actor::HostedPage);
}
