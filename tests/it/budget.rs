//! The rate budget and the breakers, with whole services and the simulator's quotas.

use std::sync::Arc;
use std::time::Duration;

use bigcommerce_simulator::{Fault, Settings};
use futures::future::join_all;
use headless_checkout::bigcommerce::budget::{BreakerState, BudgetState};
use serde_json::json;

use crate::harness::{PATIENCE, Service, World, agreed, everything, good_card, run, run_with};

async fn world(quota: u64, window_ms: u64) -> World {
    World::with(Settings { rate_quota: quota, rate_window_ms: window_ms, ..Settings::default() }).await
}

/// How many requests were answered with this.
fn answered(world: &World, status: u16) -> usize {
    world.simulator.requests().iter().filter(|request| request.status == status).count()
}

/// Waits until so many requests were answered with this.
async fn wait_for_answers(world: &World, status: u16, count: usize) {
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let all = async {
        while answered(world, status) < count {
            looks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, all)
        .await
        .unwrap_or_else(|_| panic!("{status} was not answered {count} times"));
}

/// A checkout from its beginning to its payment.
async fn check_out(service: &Service) {
    let path = service.create(&everything()).await;
    let paid =
        service.post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()}))).await.expect(200);
    assert_eq!(paid.body["status"], "completed", "{}", paid.text);
}

#[tokio::test]
async fn two_replicas_share_a_small_quota_without_a_single_429() {
    let world = world(24, 1_500).await;
    let (one, two) = (world.start().await, world.start().await);
    for service in [&one, &two] {
        service.wait_for_budget("shared", |state| state.replicas == 2).await;
    }
    let checkouts = (0..10).map(|n| check_out(if n % 2 == 0 { &one } else { &two }));
    join_all(checkouts).await;
    assert!(world.simulator.requests().len() > 3 * 24, "several windows were needed");
    assert_eq!(answered(&world, 429), 0);
    assert_eq!(world.simulator.ledger().charges.len(), 10);
    one.stop().await;
    two.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn the_share_of_a_replica_that_ends_goes_to_the_others() {
    let world = world(1_000, 30_000).await;
    let (one, two, three) = (world.start().await, world.start().await, world.spawn().await);
    one.wait_for_budget("shared by three", |state| state.replicas == 3).await;
    two.stop().await;
    one.wait_for_budget("shared by two", |state| state.replicas == 2).await;
    three.kill().await;
    // Nobody hears of a kill: the others find out when it was not seen for long enough.
    sqlx::query("update process set seen_at = now() - interval '1 minute' where started_at = (select max(started_at) from process)")
        .execute(&world.database.pool)
        .await
        .expect("it is long ago");
    one.wait_for_budget("its own", |state| state.replicas == 1).await;
    let rows: i64 = sqlx::query_scalar("select count(*) from process")
        .fetch_one(&world.database.pool)
        .await
        .expect("a count");
    assert_eq!(rows, 1);
    one.stop().await;
    let rows: i64 = sqlx::query_scalar("select count(*) from process")
        .fetch_one(&world.database.pool)
        .await
        .expect("a count");
    assert_eq!(rows, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_payment_goes_before_shoppers_who_wait() {
    let world = world(12, 1_500).await;
    let service = Arc::new(world.start().await);
    let path = service.create(&everything()).await;
    service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    let paying = path.trim_start_matches("/v1/checkouts/").to_owned();

    let crowd = service.clone();
    let shoppers = async move {
        let body = everything();
        join_all((0..16).map(|_| crowd.post("/v1/checkouts", &body))).await
    };
    let payment = async {
        service.wait_for_budget("waited for", |state| state.api.waiting >= 14).await;
        let before = world.simulator.requests().len();
        let paid = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        let requests = world.simulator.requests();
        let process = requests.iter().position(|request| request.call == "process-payment");
        let process = process.unwrap_or_else(|| panic!("{:?}", requests.last()));
        let others = requests[before..process]
            .iter()
            .filter(|request| request.correlation_id.as_deref() != Some(&paying))
            .count();
        assert!(others <= 10, "{others} requests of shoppers went before the payment");
        assert!(service.budget().api.waiting > 0, "shoppers still wait");
    };
    let (created, ()) = tokio::join!(shoppers, payment);
    for answer in created {
        assert_eq!(answer.expect(201).body["next_step"], "order");
    }
    assert_eq!(answered(&world, 429), 0);
    Arc::into_inner(service).expect("nobody else has it").stop().await;
    world.finish().await;
}

#[tokio::test]
async fn a_platform_that_is_overloaded_is_asked_seldom() {
    run(async |world, service| {
        check_out(service).await;
        world.simulator.add_fault(Fault::on("*").rate_limit_without_headers().always());
        let body = everything();
        let shoppers = join_all((0..10).map(|_| service.post("/v1/checkouts", &body)));
        let relief = async {
            let paused = |state: &BudgetState| state.api.paused_for.is_some() && state.api.in_flight == 0;
            service.wait_for_budget("paused", paused).await;
            // One finds out after the pause, in vain.
            let burst = answered(world, 429);
            assert!(burst <= 10, "{burst} requests of ten shoppers");
            wait_for_answers(world, 429, burst + 1).await;
            world.simulator.clear_faults();
            burst
        };
        let (created, burst) = tokio::join!(shoppers, relief);
        for answer in created {
            assert_eq!(answer.expect(201).body["next_step"], "order");
        }
        let refused = answered(world, 429);
        assert!(refused <= burst + 2, "{refused} requests were burned");
        check_out(service).await;
        assert_eq!(service.budget().api.rate_limited, refused as u64);
    })
    .await;
}

#[tokio::test]
async fn a_host_that_fails_is_left_alone_until_it_answers_again() {
    let mut world = World::new().await;
    // An attempt that is held back counts like any other.
    world.set("MAX_ATTEMPTS", "30");
    run_with(world, async |world, service| {
        check_out(service).await;
        world.simulator.add_fault(Fault::on("*").status_before(503).always());
        let body = everything();
        let shoppers = join_all((0..8).map(|_| service.post("/v1/checkouts", &body)));
        let relief = async {
            let state =
                service.wait_for_budget("broken", |state| state.api.breaker == BreakerState::Open).await;
            assert_eq!(state.payments.breaker, BreakerState::Closed);
            let failed = answered(world, 503);
            // One finds out, in vain.
            wait_for_answers(world, 503, failed + 1).await;
            world.simulator.clear_faults();
        };
        let (created, ()) = tokio::join!(shoppers, relief);
        for answer in created {
            assert_eq!(answer.expect(201).body["next_step"], "order");
        }
        let failed = answered(world, 503);
        assert!(failed <= 8 + 4, "{failed} requests were sent to a broken host");
        let state = service.budget();
        assert_eq!(state.api.breaker, BreakerState::Closed);
        assert!(state.api.held_back > 0, "calls were held back: {state:?}");
        check_out(service).await;
    })
    .await;
}

#[tokio::test]
async fn what_the_headers_of_a_429_ask_for_is_given() {
    run(async |world, service| {
        check_out(service).await;
        world.simulator.add_fault(Fault::on("*").rate_limit(1_500));
        let began = tokio::time::Instant::now();
        check_out(service).await;
        assert!(began.elapsed() >= Duration::from_millis(1_500), "{:?}", began.elapsed());
        assert_eq!(answered(world, 429), 1);
    })
    .await;
}
