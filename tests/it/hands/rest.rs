//! What others do to the order of a checkout at rest is found without a call of the shopper's and without a webhook.

use bigcommerce_simulator::{Deed, Fault};
use reqwest::Method;
use serde_json::{Value, json};

use super::{charged, ordered, pays};
use crate::harness::{Answer, KEY, PATIENCE, Service, World, run_with};

/// A world in which checkouts at rest are looked at soon.
async fn looking(after: &str) -> World {
    let mut world = World::new().await;
    world.set("RECONCILE_SECONDS", after);
    world
}

fn orders_read(world: &World, order: u64) -> usize {
    let path = format!("/orders/{order}");
    world
        .simulator
        .requests()
        .iter()
        .filter(|one| one.call == "get-order" && one.path.ends_with(&path))
        .count()
}

#[tokio::test]
async fn an_order_that_was_paid_while_its_checkout_rests_completes_it() {
    run_with(looking("0.2").await, async |world, service| {
        let (path, order) = ordered(service).await;
        assert!(world.simulator.does_to_order("teststore", order, Deed::PayOrder));
        let done = service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
        assert_eq!(
            (&done["order"]["id"], &done["payment"]["status"]),
            (&json!(order), &json!("succeeded")),
            "{done}"
        );
        assert_eq!(charged(world).len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_order_that_was_cancelled_while_its_checkout_rests_awaits_another_one() {
    for deed in [Deed::Cancel, Deed::Archive, Deed::MarkDeclined] {
        run_with(looking("0.2").await, async |world, service| {
            let (path, order) = ordered(service).await;
            assert!(world.simulator.does_to_order("teststore", order, deed));
            let rests =
                service.wait_until(&path, "without an order", |now| now["order"] == Value::Null).await;
            assert_eq!(
                (&rests["status"], &rests["next_step"]),
                (&json!("awaiting_input"), &json!("order")),
                "{rests}"
            );
            service.post(&format!("{path}/order"), &json!({})).await.expect(200);
            let paid = service.post(&format!("{path}/payment"), &pays(json!(10.83))).await.expect(200);
            assert_eq!(paid.body["status"], "completed", "{deed:?}: {}", paid.text);
            assert_eq!(charged(world).iter().map(|(order, _)| *order).collect::<Vec<_>>(), [order + 1]);
        })
        .await;
    }
}

/// It is over, and it holds money: another order would be paid a second time.
#[tokio::test]
async fn an_order_that_was_paid_and_cancelled_while_its_checkout_rests_is_not_replaced() {
    run_with(looking("0.2").await, async |world, service| {
        let (path, order) = ordered(service).await;
        assert!(world.simulator.does_to_order("teststore", order, Deed::PayOrder));
        assert!(world.simulator.does_to_order("teststore", order, Deed::Cancel));
        let moved = service.wait_until(&path, "not as it was", |now| {
            now["status"] != "awaiting_input" || now["order"] == Value::Null
        });
        let moved = moved.await;
        assert_eq!(
            (&moved["status"], &moved["order"]["id"]),
            (&json!("completed"), &json!(order)),
            "{moved}"
        );
        assert_eq!(world.simulator.ledger().orders.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_total_that_a_merchant_changed_is_shown_while_the_checkout_rests() {
    for (deed, total) in [(Deed::TotalUp, 21.66), (Deed::TotalDown, 5.42)] {
        run_with(looking("0.2").await, async |world, service| {
            let (path, order) = ordered(service).await;
            let known = service.get(&path).await.expect(200).body["version"].as_u64();
            assert!(world.simulator.does_to_order("teststore", order, deed));
            let rests = service.wait_until(&path, "changed", |now| now["version"].as_u64() > known).await;
            assert_eq!(
                (&rests["status"], &rests["order"]["id"]),
                (&json!("awaiting_input"), &json!(order)),
                "{rests}"
            );
            service.post(&format!("{path}/payment"), &pays(json!(total))).await.expect(200);
            assert_eq!(charged(world).len(), 1, "{deed:?}");
        })
        .await;
    }
}

async fn pays_if(service: &Service, path: &str, tag: &str) -> Answer {
    let bearer = format!("Bearer {KEY}");
    let headers = [
        ("authorization", &*bearer),
        ("prefer", "wait=30"),
        ("idempotency-key", "the-only-one"),
        ("content-type", "application/json"),
        ("if-match", tag),
    ];
    let body = pays(json!(10.83)).to_string().into_bytes();
    service.call(Method::POST, &format!("{path}/payment"), &headers, Some(body)).await
}

#[tokio::test]
async fn looks_that_find_nothing_leave_the_checkout_as_the_shopper_read_it() {
    run_with(looking("0.05").await, async |world, service| {
        let (path, _) = ordered(service).await;
        let read = service.get(&path).await.expect(200);
        let tag = read.header("etag").expect("a tag").to_owned();
        let looks = world.simulator.add_fault(Fault::on("get-order").slow(1).always());
        tokio::time::timeout(PATIENCE, world.simulator.wait_reached(looks, 3))
            .await
            .expect("it is looked at");
        pays_if(service, &path, &tag).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn two_processes_look_once() {
    let world = looking("0.05").await;
    let (one, other) = (world.start().await, world.start().await);
    let (_, first) = ordered(&one).await;
    let held = world.simulator.add_fault(Fault::on("get-order").nth(1).hold_before());
    tokio::time::timeout(PATIENCE, world.simulator.wait_reached(held, 1)).await.expect("it is looked at");
    // While that look lasts, both go on looking at what else there is.
    let known = orders_read(&world, first);
    let (_, second) = ordered(&other).await;
    let looks = world.simulator.add_fault(Fault::on("get-order").slow(1).always());
    tokio::time::timeout(PATIENCE, world.simulator.wait_reached(looks, 2)).await.expect("it is looked at");
    assert_eq!(orders_read(&world, first), known, "and no other process took it");
    assert!(orders_read(&world, second) >= 2);
    world.simulator.release(held);
    one.stop().await;
    other.stop().await;
    world.finish().await;
}
