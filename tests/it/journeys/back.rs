//! The way back from the payment: what was ordered and not paid is taken back, in the call that changes something.

use bigcommerce_simulator::{Deed, Fault, Hosted, PartialPayment, Settings, magic_card};
use reqwest::Method;
use serde_json::{Value, json};

use super::paid;
use crate::harness::{Answer, Service, World, address, agreed, card, everything, good_card, run, run_with};

/// A checkout whose card was declined: its path, and its order.
async fn declined(world: &World, service: &Service) -> (String, u64) {
    let path = service.create(&everything()).await;
    service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    service.post(&format!("{path}/payment"), &agreed(card(&magic_card(30_106, 0)))).await.expect(402);
    (path, world.simulator.ledger().orders[0].id)
}

fn elsewhere() -> Value {
    let mut address = address();
    address["city"] = json!("Dallas");
    address
}

/// Each change, and what is left to be done after it.
fn changes(snapshot: &Value) -> Vec<(Method, String, Value)> {
    let consignment = &snapshot["consignments"][0];
    let options = consignment["available_shipping_options"].as_array().expect("options").iter();
    let mut other = options.filter(|one| one["id"] != consignment["selected_shipping_option"]["id"]);
    let option = json!([{"shipping_option_id": other.next().expect("another option")["id"]}]);
    let print = json!({"line_items": [{"product_id": 120, "quantity": 1}]});
    vec![
        (Method::PUT, "billing-address".to_owned(), elsewhere()),
        (Method::PUT, "consignments".to_owned(), json!([{"address": elsewhere()}])),
        (Method::PUT, "shipping-options".to_owned(), option),
        (Method::POST, "items".to_owned(), print),
        (Method::POST, "coupons".to_owned(), json!({"coupon_code": "TENOFF"})),
        (Method::PUT, "customer-message".to_owned(), json!({"customer_message": "Ring twice"})),
    ]
}

async fn change(service: &Service, path: &str, (method, step, body): &(Method, String, Value)) -> Answer {
    let target = format!("{path}/{step}");
    if *method == Method::PUT { service.put(&target, body).await } else { service.post(&target, body).await }
}

#[tokio::test]
async fn after_a_declined_card_everything_can_be_changed_in_one_call() {
    for nth in 0..6 {
        run(async |world, service| {
            let (path, first) = declined(world, service).await;
            let shown = service.get(&path).await.expect(200).body;
            let one = changes(&shown).swap_remove(nth);
            let changed = change(service, &path, &one).await.expect(200).body;
            assert_eq!(changed["order"], Value::Null, "{changed}");
            if one.1 == "items" {
                // A new item goes nowhere yet.
                assert_eq!(changed["next_step"], "consignments", "{changed}");
                service
                    .put(&format!("{path}/consignments"), &json!([{"address": address()}]))
                    .await
                    .expect(200);
            } else {
                assert_eq!(changed["next_step"], "order", "{changed}");
            }
            let changed = service.get(&path).await.expect(200).body;
            let order = world.simulator.ledger().orders[0].clone();
            assert_eq!((order.id, order.status_id), (first, 5), "the unpaid order is canceled");
            let done = paid(service, &path).await;
            assert_ne!(done["order"]["id"], first, "{done}");
            assert_eq!(done["payment"]["amount"].as_f64(), changed["totals"]["grand_total"].as_f64());
            assert_eq!(world.simulator.ledger().charges.len(), 1);
        })
        .await;
    }
}

#[tokio::test]
async fn so_can_it_within_the_one_call_that_pays() {
    run(async |world, service| {
        let (path, first) = declined(world, service).await;
        let body = agreed(json!({"billing_address": elsewhere(), "payment": good_card()}));
        let done = service.post(&format!("{path}/complete"), &body).await.expect(200).body;
        assert_eq!(
            (&done["status"], &done["billing_address"]["city"]),
            (&json!("completed"), &json!("Dallas"))
        );
        assert_ne!(done["order"]["id"], first, "{done}");
        let ledger = world.simulator.ledger();
        assert_eq!((ledger.charges.len(), ledger.orders[0].status_id), (1, 5));
    })
    .await;
}

/// Somebody else took the money meanwhile: the order is kept, and nothing is charged again.
#[tokio::test]
async fn an_order_that_holds_money_is_never_taken_back() {
    let cases = [
        (Hosted::Paid, PartialPayment::default()),
        (Hosted::Part, PartialPayment::default()),
        // Its status says nothing of it.
        (Hosted::Part, PartialPayment::Incomplete),
    ];
    for (how, partial) in cases {
        for nth in [0, 3] {
            let world = World::hasty().await;
            world.simulator.set(|settings| settings.partial_payment = partial);
            run_with(world, async |world, service| {
                let (path, order) = declined(world, service).await;
                let shown = service.get(&path).await.expect(200).body;
                assert!(world.simulator.take_payment(order, how));
                change(service, &path, &changes(&shown).swap_remove(nth)).await;
                let orders = world.simulator.ledger().orders;
                assert_eq!(orders.len(), 1, "{how:?} {nth}");
                assert!(!orders[0].archived && orders[0].status_id != 5, "{how:?} {nth}: {orders:#?}");
                let now = service.get(&path).await.expect(200).body;
                assert_eq!(now["order"]["id"], order, "{now}");
                if how == Hosted::Paid {
                    service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
                }
                assert_eq!(world.simulator.ledger().charges.len(), 1);
            })
            .await;
        }
    }
}

#[tokio::test]
async fn what_is_paid_in_part_or_in_doubt_is_not_changed() {
    let world =
        World::with(Settings { partial_payment: PartialPayment::PendingPayable, ..Settings::default() })
            .await;
    run_with(world, async |world, service| {
        let path = service.create(&everything()).await;
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        let certificate = json!({"payment_method_id": "bigcommerce.gift_certificate",
            "instrument": {"type": "gift_certificate", "gift_certificate_code": "GIFT-5"}});
        let part = service.post(&format!("{path}/payment"), &agreed(certificate)).await.expect(200);
        assert_eq!(part.body["payment"]["status"], "partially_paid", "{}", part.text);
        let refused = service.put(&format!("{path}/billing-address"), &elsewhere()).await.expect(409);
        assert_eq!(refused.problem(), "step-out-of-order");
        assert_eq!(world.simulator.ledger().orders[0].status_id, part.body["order"]["status_id"]);
    })
    .await;
    run_with(World::hasty().await, async |world, service| {
        let path = service.create(&everything()).await;
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        world.simulator.add_fault(Fault::on("process-payment").hang_before());
        service.post_waiting(&format!("{path}/payment"), "lost", 0, &agreed(good_card())).await.expect(202);
        service.put(&format!("{path}/billing-address"), &elsewhere()).await.expect(409);
        let orders = world.simulator.ledger().orders;
        assert!(!orders[0].archived && orders[0].status_id != 5);
    })
    .await;
}

#[tokio::test]
async fn an_order_that_could_not_be_taken_back_can_be_paid_as_it_was() {
    let mut world = World::hasty().await;
    world.set("MAX_ATTEMPTS", "2");
    run_with(world, async |world, service| {
        let (path, order) = declined(world, service).await;
        let before = service.get(&path).await.expect(200).body;
        world.simulator.add_fault(Fault::on("get-order").status_before(503).always());
        let away = service.put(&format!("{path}/billing-address"), &elsewhere()).await.expect(503);
        assert_eq!(away.problem(), "upstream-unavailable");
        world.simulator.clear_faults();
        let after = service.get(&path).await.expect(200).body;
        assert_eq!((&after["next_step"], &after["order"]), (&json!("payment"), &before["order"]), "{after}");
        assert_eq!(after["billing_address"], before["billing_address"]);
        let done = paid(service, &path).await;
        assert_eq!(done["order"]["id"], order);
    })
    .await;
}

/// What it costs now is shown, and whether an order was made of it.
fn told(refused: &Answer, shown: &Value, removed: bool) {
    assert_eq!(refused.problem(), "total-changed", "{}", refused.text);
    let total = refused.body["grand_total"].as_f64();
    assert_eq!(shown["totals"]["grand_total"].as_f64(), total, "{shown}");
    let detail = refused.body["detail"].as_str().expect("a detail");
    assert_eq!(detail.contains("order was made and removed"), removed, "{detail}");
    assert_eq!(detail.contains("nothing was ordered"), !removed && shown["order"].is_null(), "{detail}");
}

#[tokio::test]
async fn a_total_that_changed_is_shown_as_it_is_now() {
    for one_call in [false, true] {
        run(async |world, service| {
            let path = service.create(&everything()).await;
            let cart = world.simulator.ledger().carts[0].id.clone();
            let (call, mut body) =
                if one_call { ("complete", json!({"payment": good_card()})) } else { ("order", json!({})) };
            body["agreed_total"] = json!(10.83);
            // It rises at the very moment of the order.
            world.simulator.add_fault(Fault::on("create-order").meanwhile_before(Deed::AddFee));
            let refused = service.post(&format!("{path}/{call}"), &body).await.expect(409);
            let shown = service.get(&path).await.expect(200).body;
            told(&refused, &shown, true);
            assert!(world.simulator.ledger().orders.iter().all(|order| order.archived));
            // It rose before.
            assert!(world.simulator.does_to_cart(&cart, Deed::AddFee));
            body["agreed_total"] = shown["totals"]["grand_total"].clone();
            let refused = service.post(&format!("{path}/{call}"), &body).await.expect(409);
            let shown = service.get(&path).await.expect(200).body;
            told(&refused, &shown, false);
            paid(service, &path).await;
        })
        .await;
    }
}

#[tokio::test]
async fn so_is_one_of_an_order_that_was_edited() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        let order = world.simulator.ledger().orders[0].id;
        assert!(world.simulator.does_to_order("teststore", order, Deed::TotalUp));
        let mut pay = good_card();
        pay["agreed_total"] = json!(10.83);
        let refused = service.post(&format!("{path}/payment"), &pay).await.expect(409);
        let shown = service.get(&path).await.expect(200).body;
        told(&refused, &shown, false);
        pay["agreed_total"] = refused.body["grand_total"].clone();
        service.post(&format!("{path}/payment"), &pay).await.expect(200);
    })
    .await;
}
