//! Nothing is sent under a lease that ran out.

use std::time::Duration;

use bigcommerce_simulator::Fault;
use nix::sys::signal::Signal;
use serde_json::json;

use crate::harness::{PATIENCE, Service, World, everything};

/// Waits until so many calls of a process wait for their turn.
async fn calls_wait(service: &Service, wanted: impl Fn(u64) -> bool) {
    let waiting = async {
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        loop {
            looks.tick().await;
            let metrics = service.get("/metrics").await.expect(200).text;
            let lines =
                metrics.lines().filter(|line| line.contains("budget_waiting{") && line.contains("\"api\""));
            let count: u64 = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum();
            if wanted(count) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("calls wait for their turn");
}

/// A process waits for the quota for longer than its lease, because it is paused meanwhile; another one goes on.
#[tokio::test]
async fn a_call_that_waited_for_longer_than_its_lease_is_not_sent() {
    let world = World::hasty().await;
    let first = world.spawn().await;
    let path = first.create(&everything()).await;
    let read = world.simulator.add_fault(Fault::on("get-checkout").hold_before());
    first.post_waiting(&format!("{path}/order"), "order", 0, &json!({})).await.expect(202);
    tokio::time::timeout(PATIENCE, world.simulator.wait_reached(read, 1))
        .await
        .expect("it is about to order");
    let limited = world.simulator.add_fault(Fault::on("create-cart").rate_limit(9_000));
    let other = first.post_waiting("/v1/checkouts", "other", 0, &everything()).await.expect(202).id();
    tokio::time::timeout(PATIENCE, world.simulator.wait_reached(limited, 1))
        .await
        .expect("it is turned away");
    let other = format!("/v1/checkouts/{other}");
    first.wait_until(&other, "put off", |snapshot| snapshot["status"] == "waiting").await;
    world.simulator.release(read);
    calls_wait(&first, |count| count > 0).await;
    first.signal(Signal::SIGSTOP);
    assert_eq!(orders_asked_for(&world), 0, "nothing was sent yet");

    let second = world.start().await;
    second
        .wait_until(&path, "ordered", |snapshot| {
            snapshot["status"] == "awaiting_input" && snapshot["order"]["id"].is_u64()
        })
        .await;
    assert_eq!(orders_asked_for(&world), 1);
    first.signal(Signal::SIGCONT);
    calls_wait(&first, |count| count == 0).await;
    first.stop().await;
    assert_eq!(orders_asked_for(&world), 1, "whoever lost the lease orders nothing");
    second.stop().await;
    world.finish().await;
}

fn orders_asked_for(world: &World) -> usize {
    world.simulator.requests().iter().filter(|request| request.call == "create-order").count()
}

/// `CLOCK_MONOTONIC` stands still while a VM is paused, and every other process believes by then that the lease has ended.
/// Which clock it is shows at no door, so that the source is read.
#[test]
fn a_lease_is_measured_by_a_clock_that_goes_on_while_the_machine_is_paused() {
    let moment = include_str!("../../../src/db/checkout/moment.rs");
    let on_linux =
        moment.split("target_os = \"linux\"").nth(1).and_then(|rest| rest.split("const CLOCK").nth(1));
    let clock = on_linux.and_then(|rest| rest.split(';').next()).expect("the clock of Linux");
    assert!(clock.ends_with("CLOCK_BOOTTIME"), "{clock}");
    let lease = include_str!("../../../src/db/checkout/claims.rs");
    assert!(lease.contains("struct Lease(Arc<Mutex<Option<Moment>>>)"), "a lease is measured by that clock");
}
