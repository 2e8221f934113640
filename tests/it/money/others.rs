//! What others did to the order, judged by amount.

use bigcommerce_simulator::{Fault, PartialPayment, magic_card};
use serde_json::json;

use super::{act, certificate, merchant, money, ordered, settings};
use crate::harness::{PATIENCE, World, agreed, card, good_card};

/// A gateway that only authorises.
fn authorising() -> serde_json::Value {
    card(&magic_card(20_004, 0))
}

#[tokio::test]
async fn an_authorisation_that_was_voided_is_not_a_payment() {
    let world = World::hasty().await;
    let service = world.start().await;
    let path = ordered(&service).await;
    let order = service.get(&path).await.body["order"]["id"].clone();
    world.simulator.add_fault(Fault::on("process-payment").status_after(500));
    let blind = world.simulator.add_fault(Fault::on("get-order").always().status_before(503));
    service.post_waiting(&format!("{path}/payment"), "void", 0, &agreed(authorising())).await.expect(202);
    tokio::time::timeout(PATIENCE, world.simulator.wait_reached(blind, 1)).await.expect("a look");
    assert_eq!(money(&world).authorized.to_string(), "10.83");
    act(&world, &order, "void", json!({})).await;
    world.simulator.settle(order.as_u64().expect("an order"), bigcommerce_simulator::Settlement::Success);
    world.simulator.clear_faults();
    let rests = service.wait_until(&path, "at rest", |now| now["status"] == "awaiting_input").await;
    assert_eq!(rests["payment"]["status"], "given_back", "{rests}");
    assert!(money(&world).held().is_zero());
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn an_unpaid_order_that_somebody_moved_to_pending_is_not_called_accepted() {
    let world = World::new().await;
    let service = world.start().await;
    let path = ordered(&service).await;
    let order = service.get(&path).await.body["order"]["id"].clone();
    merchant(&world, &order, json!({"status_id": 1})).await;
    let answer = service.post(&format!("{path}/payment"), &agreed(good_card())).await;
    let snapshot = service.get(&path).await.body;
    assert_ne!(answer.status, 202, "{}", answer.text);
    assert_ne!(snapshot["payment"]["status"], "pending", "{snapshot}");
    assert_ne!(snapshot["status"], "waiting", "{snapshot}");
    assert!(world.simulator.ledger().charges.is_empty());
    service.stop().await;
    world.finish().await;
}

/// The status says that it is paid, and no money is there.
#[tokio::test]
async fn an_unpaid_order_that_somebody_moved_on_is_never_completed() {
    let world = World::new().await;
    let service = world.start().await;
    let path = ordered(&service).await;
    let order = service.get(&path).await.body["order"]["id"].clone();
    merchant(&world, &order, json!({"status_id": 11})).await;
    service.post(&format!("{path}/payment"), &agreed(good_card())).await;
    let snapshot = service.get(&path).await.body;
    assert_ne!(snapshot["status"], "completed", "{snapshot}");
    assert!(world.simulator.ledger().charges.is_empty());
    service.stop().await;
    world.finish().await;
}

/// After a lost answer a part is a part, whatever somebody calls the order.
#[tokio::test]
async fn a_good_purchase_of_a_part_does_not_count_as_the_whole() {
    let world = World::with(settings(PartialPayment::Incomplete)).await;
    let service = world.start().await;
    let path = ordered(&service).await;
    let lost = world.simulator.add_fault(Fault::on("process-payment").status_after(500));
    service.post(&format!("{path}/payment"), &agreed(certificate())).await;
    assert_eq!(world.simulator.reached(lost), 1);
    let part = service.wait_until(&path, "at rest", |now| now["status"] == "awaiting_input").await;
    assert_eq!(part["payment"]["status"], "partially_paid", "{part}");
    assert!(!money(&world).is_whole());
    service.stop().await;
    world.finish().await;
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
