//! What others did to the order, judged by amount.

use bigcommerce_simulator::{Fault, PartialPayment, Settings, Settlement, magic_card};
use reqwest::Method;
use serde_json::json;

use super::{act, certificate, merchant, money, ordered, settings};
use crate::harness::{OPERATOR, PATIENCE, World, agreed, card, everything, good_card, run, run_with};

/// A gateway that only authorizes.
fn authorizing() -> serde_json::Value {
    card(&magic_card(20_004, 0))
}

#[tokio::test]
async fn an_authorization_that_was_voided_is_not_a_payment() {
    run_with(World::hasty().await, async |world, service| {
        let path = ordered(service).await;
        let order = service.get(&path).await.body["order"]["id"].clone();
        world.simulator.add_fault(Fault::on("process-payment").status_after(500));
        let blind = world.simulator.add_fault(Fault::on("get-order").always().status_before(503));
        service.post_waiting(&format!("{path}/payment"), "void", 0, &agreed(authorizing())).await.expect(202);
        tokio::time::timeout(PATIENCE, world.simulator.wait_reached(blind, 1)).await.expect("a look");
        assert_eq!(money(world).authorized.to_string(), "10.83");
        act(world, &order, "void", json!({})).await;
        world.simulator.settle(order.as_u64().expect("an order"), Settlement::Success);
        world.simulator.clear_faults();
        let rests = service.wait_until(&path, "at rest", |now| now["status"] == "awaiting_input").await;
        assert_eq!(rests["payment"]["status"], "given_back", "{rests}");
        assert!(money(world).held().is_zero());
    })
    .await;
}

#[tokio::test]
async fn an_unpaid_order_that_somebody_moved_to_pending_is_not_called_accepted() {
    run(async |world, service| {
        let path = ordered(service).await;
        let order = service.get(&path).await.body["order"]["id"].clone();
        merchant(world, &order, json!({"status_id": 1})).await;
        let answer = service.post(&format!("{path}/payment"), &agreed(good_card())).await;
        let snapshot = service.get(&path).await.body;
        assert_ne!(answer.status, 202, "{}", answer.text);
        assert_ne!(snapshot["payment"]["status"], "pending", "{snapshot}");
        assert_ne!(snapshot["status"], "waiting", "{snapshot}");
        assert!(world.simulator.ledger().charges.is_empty());
    })
    .await;
}

/// The status says that it is paid, and no money is there.
#[tokio::test]
async fn an_unpaid_order_that_somebody_moved_on_is_never_completed() {
    run(async |world, service| {
        let path = ordered(service).await;
        let order = service.get(&path).await.body["order"]["id"].clone();
        merchant(world, &order, json!({"status_id": 11})).await;
        service.post(&format!("{path}/payment"), &agreed(good_card())).await;
        let snapshot = service.get(&path).await.body;
        assert_ne!(snapshot["status"], "completed", "{snapshot}");
        assert!(world.simulator.ledger().charges.is_empty());
    })
    .await;
}

/// After a lost answer a part is a part, whatever somebody calls the order.
#[tokio::test]
async fn a_good_purchase_of_a_part_does_not_count_as_the_whole() {
    run_with(World::with(settings(PartialPayment::Incomplete)).await, async |world, service| {
        let path = ordered(service).await;
        let lost = world.simulator.add_fault(Fault::on("process-payment").status_after(500));
        service.post(&format!("{path}/payment"), &agreed(certificate())).await;
        assert_eq!(world.simulator.reached(lost), 1);
        let part = service.wait_until(&path, "at rest", |now| now["status"] == "awaiting_input").await;
        assert_eq!(part["payment"]["status"], "partially_paid", "{part}");
        assert!(!money(world).is_whole());
    })
    .await;
}

#[tokio::test]
async fn a_payment_whose_checkpoint_cannot_be_read_is_stuck() {
    let world = World::new().await;
    let service = world.spawn().await;
    let path = ordered(&service).await;
    let held = world.simulator.add_fault(Fault::on("process-payment").hold_after());
    service.post_waiting(&format!("{path}/payment"), "odd", 0, &agreed(good_card())).await.expect(202);
    tokio::time::timeout(PATIENCE, world.simulator.wait_reached(held, 1)).await.expect("it was sent");
    service.kill().await;
    let changed = sqlx::query(
        r#"update checkout set record = jsonb_set(record::jsonb, '{in_flight,checkpoint}', '{"known": 7}')::json"#,
    );
    changed.execute(&world.database.pool).await.expect("a row");
    world.simulator.clear_faults();
    let service = world.start().await;
    let stuck = service.wait_until(&path, "stuck", |now| now["status"] == "stuck").await;
    assert_eq!(stuck["stuck"]["reason"], "payment-unknown", "{stuck}");
    assert_eq!(stuck["payment"]["safe_to_pay_again"], false);
    service.stop().await;
    world.finish().await;
}

/// That a void is scheduled lets no money go: when it fails, the checkout is not cancelled.
#[tokio::test]
async fn a_cancel_whose_void_fails_leaves_the_checkout_completed() {
    let world = World::with(Settings { action_settle_reads: 1_000, ..Settings::default() }).await;
    run_with(world, async |world, service| {
        let path = ordered(service).await;
        let paid = service.post(&format!("{path}/payment"), &agreed(authorizing())).await.expect(200);
        let order = paid.body["order"]["id"].as_u64().expect("an order");
        let url = format!("/ops{path}/cancel");
        let body = json!({"reason": "she changed her mind", "refund": true});
        let asked = service.operate(Method::POST, &url, OPERATOR, Some(&body));
        let failing = async {
            loop {
                let scheduled = world
                    .simulator
                    .ledger()
                    .orders
                    .iter()
                    .any(|order| order.payment_status == "void pending");
                if scheduled {
                    return service.get(&path).await.body["status"].clone();
                }
                tokio::task::yield_now().await;
            }
        };
        let meanwhile = async {
            let status = failing.await;
            world.simulator.settle(order, Settlement::Decline);
            status
        };
        let (answer, status) = tokio::join!(asked, meanwhile);
        assert_eq!(status, "completed");
        assert_ne!(answer.status, 200, "{}", answer.text);
        assert_eq!(service.get(&path).await.body["status"], "completed");
        assert_eq!(money(world).authorized.to_string(), "10.83");
    })
    .await;
}

#[tokio::test]
async fn an_order_that_costs_nothing_is_placed_without_an_instrument() {
    for one_call in [false, true] {
        run(async |world, service| {
            let mut body = everything();
            body["custom_items"][0]["list_price"] = json!(0);
            let path = service.create(&body).await;
            let free = json!({"agreed_total": 0});
            let placed = if one_call {
                service.post(&format!("{path}/complete"), &free).await
            } else {
                service.post(&format!("{path}/order"), &json!({})).await.expect(200);
                service.post(&format!("{path}/payment"), &free).await
            };
            let placed = placed.expect(200);
            assert_eq!(placed.body["status"], "completed", "{}", placed.text);
            assert_eq!(placed.body["order"]["status_id"], 11, "{}", placed.text);
            assert_eq!(placed.body["payment"]["amount_due"].to_string(), "0");
            let ledger = world.simulator.ledger();
            assert!(ledger.charges.is_empty() && ledger.tokens.is_empty());
        })
        .await;
    }
}

#[tokio::test]
async fn what_costs_something_is_not_placed_without_an_instrument() {
    run(async |_, service| {
        let path = ordered(service).await;
        let refused = service.post(&format!("{path}/payment"), &json!({"agreed_total": 0})).await.expect(409);
        assert_eq!(refused.problem(), "total-changed", "{}", refused.text);
        assert_eq!(service.get(&path).await.body["order"]["status_id"], 0);
    })
    .await;
}
