//! Orders that are paid and still canceled: nobody ships them, so that no shopper is told that all is done.

use bigcommerce_simulator::{Deed, Hosted};
use serde_json::Value;

use super::{moved, ordered};
use crate::harness::{Service, World, run_with};
use crate::webhooks::tell;

/// A world in which nothing but a webhook leads to a look.
async fn world() -> World {
    let mut world = World::hasty().await;
    world.set("RECONCILE_SECONDS", "3600");
    world
}

async fn becomes(service: &Service, path: &str, status: &str) -> Value {
    service.wait_until(path, status, |now| now["status"] == *status).await
}

/// The merchant takes a payment for the order and leaves it, or puts it back, canceled.
fn paid_and_canceled(world: &World, order: u64) {
    assert!(world.simulator.take_payment(order, Hosted::Paid));
    assert!(world.simulator.does_to_order("teststore", order, Deed::Cancel));
}

/// Events lead to looks, which leave the checkout as it is.
async fn stays_stuck(world: &World, service: &Service, path: &str, order: u64, reason: &str) {
    let looks = || world.simulator.requests().iter().filter(|one| one.call == "list-orders").count();
    for _ in 0..2 {
        let before = looks();
        tell(service, order, &uuid::Uuid::new_v4().to_string()).await;
        let looked_at = async {
            while looks() == before {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(crate::harness::PATIENCE, looked_at).await.expect("it is looked at");
    }
    let now = service.get(path).await.body;
    assert_eq!(now["stuck"]["reason"], reason, "{now:#}");
}

#[tokio::test]
async fn an_order_that_was_given_up_and_is_paid_while_canceled_is_not_called_completed() {
    for gives_back in [false, true] {
        run_with(world().await, async |world, service| {
            let (path, order) = ordered(service).await;
            assert!(world.simulator.does_to_order("teststore", order, Deed::Cancel));
            tell(service, order, "canceled").await;
            service.wait_until(&path, "without an order", |now| now["order"] == Value::Null).await;
            paid_and_canceled(world, order);
            tell(service, order, "paid").await;
            let stuck = becomes(service, &path, "stuck").await;
            assert_eq!(stuck["stuck"]["reason"], "surplus-order-paid", "{stuck:#}");
            stays_stuck(world, service, &path, order, "surplus-order-paid").await;
            if gives_back {
                assert!(world.simulator.does_to_order("teststore", order, Deed::RefundAll));
                world.others_moved_money_of(&path);
                tell(service, order, "given back").await;
                let rests = becomes(service, &path, "awaiting_input").await;
                assert_eq!(rests["next_step"], "order", "{rests:#}");
            } else {
                moved(world, order, 11).await;
                tell(service, order, "moved on").await;
                let done = becomes(service, &path, "completed").await;
                assert_eq!(done["order"]["id"].as_u64(), Some(order), "{done:#}");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_checkout_that_was_cancelled_and_whose_order_is_paid_while_canceled_is_not_called_completed() {
    for gives_back in [false, true] {
        run_with(world().await, async |world, service| {
            let (path, order) = ordered(service).await;
            service.delete(&path).await.expect(200);
            becomes(service, &path, "cancelled").await;
            paid_and_canceled(world, order);
            tell(service, order, "paid").await;
            let stuck = becomes(service, &path, "stuck").await;
            assert_eq!(stuck["stuck"]["reason"], "cancel-found-paid", "{stuck:#}");
            stays_stuck(world, service, &path, order, "cancel-found-paid").await;
            if gives_back {
                assert!(world.simulator.does_to_order("teststore", order, Deed::RefundAll));
                world.others_moved_money_of(&path);
                tell(service, order, "given back").await;
                // Nobody asked for this undoing.
                let ended = becomes(service, &path, "expired").await;
                assert_eq!(ended["payment"]["status"], "given_back", "{ended:#}");
            } else {
                moved(world, order, 11).await;
                tell(service, order, "moved on").await;
                becomes(service, &path, "completed").await;
            }
        })
        .await;
    }
}

/// A merchant cancelled what others had paid: the undoing does not say that nothing is held.
#[tokio::test]
async fn an_order_that_is_paid_and_canceled_is_not_undone_as_if_it_were_unpaid() {
    run_with(world().await, async |world, service| {
        let (path, order) = ordered(service).await;
        paid_and_canceled(world, order);
        service.delete(&path).await;
        let over = |now: &Value| now["status"] == "cancelled" || now["status"] == "stuck";
        let stuck = service.wait_until(&path, "at its end", over).await;
        assert_eq!(stuck["stuck"]["reason"], "cancel-found-paid", "{stuck:#}");
        assert!(world.simulator.does_to_order("teststore", order, Deed::RefundAll));
        world.others_moved_money_of(&path);
        tell(service, order, "given back").await;
        becomes(service, &path, "cancelled").await;
    })
    .await;
}
