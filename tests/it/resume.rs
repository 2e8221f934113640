//! What becomes of checkouts whose process stops, dies or fails on them, and of those that a shopper leaves.

use bigcommerce_simulator::Fault;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::harness::{KEY, PATIENCE, Service, World, everything, run, run_with};

/// Asks for the order and does not wait.
async fn order_in_background(service: &Service, path: &str) {
    service.post_waiting(&format!("{path}/order"), "order", 0, &json!({})).await.expect(202);
}

async fn execute(world: &World, sql: &'static str) -> u64 {
    sqlx::query(sql).execute(&world.database.pool).await.expect("it is executed").rows_affected()
}

fn is_ordered(snapshot: &Value) -> bool {
    snapshot["status"] == "awaiting_input" && snapshot["order"]["id"].is_u64()
}

#[tokio::test]
async fn a_stopping_process_hands_its_leases_back() {
    let mut world = World::new().await;
    // Only a lease that was handed back explains that another process goes on at once.
    for (name, value) in
        [("LEASE_SECONDS", "600"), ("UPSTREAM_TIMEOUT_SECONDS", "60"), ("SHUTDOWN_SECONDS", "1")]
    {
        world.set(name, value);
    }
    let first = world.spawn().await;
    let path = first.create(&everything()).await;
    let held = world.simulator.add_fault(Fault::on("create-order").hold_after());
    order_in_background(&first, &path).await;
    tokio::time::timeout(PATIENCE, world.simulator.wait_reached(held, 1)).await.expect("it is in flight");
    first.stop().await;
    world.simulator.clear_faults();
    let second = world.spawn().await;
    second.wait_until(&path, "ordered", is_ordered).await;
    assert_eq!(world.simulator.ledger().orders.len(), 1, "the order of the first process is adopted");
    second.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn a_stopping_process_ends_what_it_began() {
    let world = World::new().await;
    let first = world.spawn().await;
    let path = first.create(&everything()).await;
    let held = world.simulator.add_fault(Fault::on("create-order").hold_after());
    order_in_background(&first, &path).await;
    tokio::time::timeout(PATIENCE, world.simulator.wait_reached(held, 1)).await.expect("it is in flight");
    first.signal(Signal::SIGTERM);
    world.simulator.release(held);
    first.stop_signalled().await;
    let status: String = sqlx::query_scalar("select status from checkout")
        .fetch_one(&world.database.pool)
        .await
        .expect("a status");
    assert_eq!(status, "awaiting_input", "it ended its step before it stopped");
    world.finish().await;
}

#[tokio::test]
async fn another_process_that_only_recovers_takes_over_from_a_killed_one() {
    let world = World::new().await;
    let first = world.spawn().await;
    let path = first.create(&everything()).await;
    let held = world.simulator.add_fault(Fault::on("create-order").hold_after());
    order_in_background(&first, &path).await;
    tokio::time::timeout(PATIENCE, world.simulator.wait_reached(held, 1)).await.expect("it is in flight");
    let mut worker = tokio::process::Command::new(env!("CARGO_BIN_EXE_headless-checkout"))
        .arg("worker")
        .env_clear()
        .envs(world.vars())
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    first.kill().await;
    world.simulator.clear_faults();
    let resumed = async {
        loop {
            let ordered: i64 = sqlx::query_scalar(
                "select count(*) from checkout where status = 'awaiting_input' and order_id is not null",
            )
            .fetch_one(&world.database.pool)
            .await
            .expect("a count");
            if ordered == 1 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, resumed).await.expect("the worker goes on");
    worker.kill().await.expect("it is killed");
    assert_eq!(world.simulator.ledger().orders.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_checkout_that_costs_process_after_process_is_stuck_and_delays_no_other() {
    let world = World::new().await;
    let service = world.start().await;
    let poisoned = service.create(&everything()).await;
    let unreadable = service.create(&everything()).await;
    let healthy = service.create(&everything()).await;
    service.stop().await;
    for (path, change) in [
        (&poisoned, "lost_leases = 100"),
        (&unreadable, "record = '{\"nonsense\": true}'"),
        (&healthy, "lost_leases = 0"),
    ] {
        let id = path.rsplit('/').next().expect("an id");
        let sql = format!(
            "update checkout set {change}, status = 'running', leased_by = gen_random_uuid(),
             due_at = now() - interval '1 minute' where checkout_id = '{id}'"
        );
        let changed =
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&world.database.pool).await.expect("a change");
        assert_eq!(changed.rows_affected(), 1);
    }
    let service = world.start().await;
    service.wait_until(&healthy, "at rest", |snapshot| snapshot["status"] == "awaiting_input").await;
    let stuck = service.wait_until(&poisoned, "stuck", |snapshot| snapshot["status"] == "stuck").await;
    assert_eq!(stuck["stuck"]["reason"], "attempts-exhausted", "{stuck:#}");
    service.get(&unreadable).await.expect(409);
    service.stop().await;
    world.abandon("what cannot be read keeps its lease, and waits for a version that can read it").await;
}

#[tokio::test]
async fn an_abandoned_checkout_expires_and_leaves_no_cart_and_no_order() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        assert_eq!(execute(world, "update checkout set expires_at = now(), due_at = now()").await, 1);
        let expired = service.wait_until(&path, "expired", |snapshot| snapshot["status"] == "expired").await;
        assert!(expired["stuck"].is_null());
        let ledger = world.simulator.ledger();
        let open =
            |order: &bigcommerce_simulator::Order| !order.archived && !matches!(order.status_id, 5 | 6);
        assert!(!ledger.orders.iter().any(open), "{:#?}", ledger.orders);
    })
    .await;
}

#[tokio::test]
async fn an_undoing_that_fails_is_stuck_and_never_a_loop() {
    let mut world = World::new().await;
    world.set("MAX_ATTEMPTS", "3");
    run_with(world, async |world, service| {
        let path = service.create(&everything()).await;
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        let failing = world.simulator.add_fault(Fault::on("delete-cart").always().status_before(500));
        let bearer = format!("Bearer {KEY}");
        let headers = [("authorization", &*bearer), ("prefer", "wait=0")];
        service.call(reqwest::Method::DELETE, &path, &headers, None).await.expect(202);
        let stuck = service.wait_until(&path, "stuck", |snapshot| snapshot["status"] == "stuck").await;
        assert_eq!(stuck["stuck"]["reason"], "undo-failed", "{stuck:#}");
        assert!(world.simulator.reached(failing) <= 4, "{} tries", world.simulator.reached(failing));
    })
    .await;
}
