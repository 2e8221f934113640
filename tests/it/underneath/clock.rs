//! PostgreSQL's clock alone counts: a process whose own clock is wrong writes the same times.

use bigcommerce_simulator::Fault;
use serde_json::json;

use super::{sql, text};
use crate::harness::{PATIENCE, World, everything, run_with};

/// Whether the attempt in flight began at this moment, on the database's clock.
const BEGAN_NOW: &str = "select concat_ws(' ', record #>> '{in_flight,step}',
    abs(extract(epoch from public.now() - (record #>> '{in_flight,started_at}')::timestamptz)) < 60) from checkout";

/// The database is three hours ahead of the process, which is the same as a process that is three hours late.
async fn world() -> World {
    let world = World::new().await;
    let ahead = "create function public.now() returns timestamptz language sql stable
        as $$ select pg_catalog.now() + interval '3 hours' $$";
    sql(&world, ahead).await;
    let name = text(&world, "select current_database()::text").await;
    sql(&world, &format!("alter database {name} set search_path = public, pg_catalog")).await;
    world
}

#[tokio::test]
async fn a_first_attempt_carries_the_clock_of_the_database() {
    run_with(world().await, async |world, service| {
        let path = service.create(&everything()).await;
        let held = world.simulator.add_fault(Fault::on("create-order").hold_before());
        service.post_waiting(&format!("{path}/order"), "order", 0, &json!({})).await.expect(202);
        tokio::time::timeout(PATIENCE, world.simulator.wait_reached(held, 1)).await.expect("it is in flight");
        assert_eq!(text(world, BEGAN_NOW).await, "order t");
        world.simulator.release(held);
        service
            .wait_until(&path, "ordered", |snapshot| {
                snapshot["status"] == "awaiting_input" && snapshot["order"]["id"].is_u64()
            })
            .await;
    })
    .await;
}

/// The very first one is recorded together with the checkout.
#[tokio::test]
async fn so_does_the_attempt_that_a_checkout_begins_with() {
    run_with(world().await, async |world, service| {
        let held = world.simulator.add_fault(Fault::on("create-cart").hold_before());
        let created = service.post_waiting("/v1/checkouts", "create", 0, &everything()).await.expect(202);
        tokio::time::timeout(PATIENCE, world.simulator.wait_reached(held, 1)).await.expect("it is in flight");
        assert_eq!(text(world, BEGAN_NOW).await, "cart t");
        world.simulator.release(held);
        let path = format!("/v1/checkouts/{}", created.id());
        service.wait_until(&path, "ready", |snapshot| snapshot["next_step"] == "order").await;
    })
    .await;
}
