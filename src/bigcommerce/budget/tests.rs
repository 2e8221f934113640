//! The shell: waiting, waking and giving up, on paused time.

use std::sync::Arc;

use tokio::task::JoinSet;
use uuid::Uuid;

use super::*;
use crate::bigcommerce::RateLimit;

fn budget() -> Arc<Budget> {
    Arc::new(Budget::new("test", Replicas::alone()))
}

fn seen(host: Host, status: Option<u16>, rate_limit: RateLimit) -> Seen {
    let outcome = match status {
        Some(200) => "succeeded",
        Some(429) | None => "unavailable",
        Some(_) => "unknown",
    };
    let correlation_id = Uuid::new_v4();
    Seen { host, name: "test", correlation_id, status, outcome, duration: Duration::ZERO, rate_limit }
}

fn limits(left: u64, reset_ms: u64) -> RateLimit {
    RateLimit {
        left: Some(left),
        quota: Some(100),
        reset_ms: Some(reset_ms),
        window_ms: Some(30_000),
        retry_after: None,
    }
}

/// One call that ends with this.
async fn call(budget: &Budget, host: Host, status: Option<u16>, rate_limit: RateLimit) {
    budget.before(host, Priority::Payment).await.expect("it is let through");
    budget.after(&seen(host, status, rate_limit));
}

#[tokio::test(start_paused = true)]
async fn payments_are_fifty_in_four_seconds() {
    let budget = budget();
    let start = Instant::now();
    for _ in 0..50 {
        budget.before(Host::Payments, Priority::Payment).await.expect("its turn");
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!(budget.state().payments.free, 0);
    // Its token would age: it is told when to come back.
    let refused = budget.before(Host::Payments, Priority::Payment).await.expect_err("too long");
    let after = refused.retry_after.expect("a time");
    assert!((Duration::from_secs(4)..Duration::from_secs(5)).contains(&after), "{after:?}");
    // The other host is not touched by it.
    budget.before(Host::Api, Priority::Shopper).await.expect("its turn");
    assert_eq!(start.elapsed(), Duration::ZERO);
    tokio::time::advance(after.saturating_sub(Duration::from_secs(1))).await;
    budget.before(Host::Payments, Priority::Payment).await.expect("its turn after a second");
    assert_eq!(start.elapsed(), after);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_woken_by_priority_when_the_window_opens() {
    // One request in a second.
    let one = |left| RateLimit { quota: Some(1), window_ms: Some(1_000), ..limits(left, 1_000) };
    let budget = budget();
    call(&budget, Host::Api, Some(200), one(0)).await;
    let (sender, mut served) = tokio::sync::mpsc::unbounded_channel();
    let mut calls = JoinSet::new();
    let queue = [
        Priority::Recovery,
        Priority::Shopper,
        Priority::Payment,
        Priority::Order,
        Priority::Shopper,
        Priority::Payment,
    ];
    for (place, priority) in queue.into_iter().enumerate() {
        let (entrant, sender) = (budget.clone(), sender.clone());
        calls.spawn(async move {
            entrant.before(Host::Api, priority).await.expect("its turn");
            sender.send((priority, place)).expect("somebody listens");
            entrant.after(&seen(Host::Api, Some(200), one(0)));
        });
        // In this order.
        while budget.state().api.waiting == place {
            tokio::task::yield_now().await;
        }
    }
    let start = Instant::now();
    let mut order = Vec::new();
    for _ in 0..queue.len() {
        order.push(served.recv().await.expect("served"));
    }
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(order, sorted);
    assert!((6_000..6_300).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_too_long_is_held_back_at_once() {
    let budget = budget();
    call(&budget, Host::Api, Some(200), limits(0, 25_000)).await;
    let start = Instant::now();
    let refused = budget.before(Host::Api, Priority::Shopper).await.expect_err("too long");
    assert_eq!(refused.reason, UnavailableReason::HeldBack);
    assert_eq!(refused.retry_after.map(|after| after.as_secs()), Some(25));
    assert_eq!(start.elapsed(), Duration::ZERO);
    budget.before(Host::Api, Priority::Payment).await.expect("a payment waits for the window");
    assert_eq!(start.elapsed().as_secs(), 25);
    let state = budget.state();
    assert_eq!((state.api.held_back, state.api.in_flight, state.api.waiting), (1, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_an_answer_waits_a_bounded_time() {
    let budget = budget();
    call(&budget, Host::Api, Some(200), limits(1, 60_000)).await;
    budget.before(Host::Api, Priority::Payment).await.expect("the last one");
    let start = Instant::now();
    let refused = budget.before(Host::Api, Priority::Shopper).await.expect_err("no answer came");
    assert_eq!(refused.reason, UnavailableReason::HeldBack);
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_goes_away_leaves_nothing_behind() {
    let budget = budget();
    call(&budget, Host::Api, Some(200), limits(0, 5_000)).await;
    let waited =
        tokio::time::timeout(Duration::from_secs(1), budget.before(Host::Api, Priority::Order)).await;
    assert!(waited.is_err());
    let state = budget.state().api;
    assert_eq!((state.waiting, state.in_flight), (0, 0));
    // And who goes away between its turn and the moment that it hears of it.
    let entrant = budget.clone();
    let mut gone = Box::pin(async move { entrant.before(Host::Api, Priority::Order).await });
    assert!(futures::poll!(&mut gone).is_pending());
    tokio::time::advance(Duration::from_secs(5)).await;
    budget.turn(Host::Api);
    assert_eq!(budget.state().api.in_flight, 1);
    drop(gone);
    let state = budget.state().api;
    assert_eq!((state.waiting, state.in_flight, state.free), (0, 0, 100));
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_call_counts_until_an_answer_tells() {
    let budget = budget();
    call(&budget, Host::Api, Some(200), limits(10, 20_000)).await;
    budget.before(Host::Api, Priority::Payment).await.expect("its turn");
    budget.abandoned(Host::Api);
    assert_eq!((budget.state().api.in_flight, budget.state().api.free), (0, 9));
    tokio::time::advance(Duration::from_secs(1)).await;
    call(&budget, Host::Api, Some(200), limits(9, 19_000)).await;
    assert_eq!(budget.state().api.free, 9, "it never arrived");
}

#[tokio::test(start_paused = true)]
async fn the_breaker_opens_and_closes_and_the_other_host_goes_on() {
    let budget = budget();
    for _ in 0..5 {
        call(&budget, Host::Payments, Some(503), RateLimit::default()).await;
    }
    let state = budget.state();
    assert_eq!((state.payments.breaker, state.api.breaker), (BreakerState::Open, BreakerState::Closed));
    let start = Instant::now();
    let refused = budget.before(Host::Payments, Priority::Payment).await.expect_err("it is open");
    assert_eq!(refused.reason, UnavailableReason::HeldBack);
    assert_eq!(start.elapsed(), Duration::ZERO);
    call(&budget, Host::Api, Some(200), limits(50, 30_000)).await;
    tokio::time::advance(refused.retry_after.expect("a time")).await;
    assert_eq!(budget.state().payments.breaker, BreakerState::HalfOpen);
    // One finds out; the other waits for what it finds.
    budget.before(Host::Payments, Priority::Payment).await.expect("it finds out");
    let entrant = budget.clone();
    let mut other = Box::pin(async move { entrant.before(Host::Payments, Priority::Payment).await });
    assert!(futures::poll!(&mut other).is_pending());
    budget.after(&seen(Host::Payments, Some(200), RateLimit::default()));
    other.await.expect("its turn");
    assert_eq!(budget.state().payments.breaker, BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_keeps_a_distance_until_the_others_know_of_it() {
    let replicas = Replicas::joining(Duration::from_secs(4));
    let budget = Budget::new("test", replicas.clone());
    call(&budget, Host::Api, Some(200), limits(14, 30_000)).await;
    budget.before(Host::Api, Priority::Payment).await.expect("the first");
    replicas.observe(2);
    let start = Instant::now();
    budget.before(Host::Api, Priority::Payment).await.expect("the second");
    assert_eq!(start.elapsed().as_secs(), 4);
    assert_eq!(budget.state().api.free, 5);
    assert_eq!(budget.state().replicas, 2);
}

#[tokio::test(start_paused = true)]
async fn a_storm_without_headers_is_met_with_one_request_at_a_time() {
    let budget = budget();
    call(&budget, Host::Api, Some(200), limits(99, 30_000)).await;
    let mut calls = JoinSet::new();
    for _ in 0..40 {
        let caller = budget.clone();
        calls.spawn(async move {
            let mut sent = 0;
            // For ten minutes, at once after each refusal.
            let deadline = Instant::now() + Duration::from_mins(10);
            while Instant::now() < deadline {
                match caller.before(Host::Api, Priority::Order).await {
                    Ok(()) => {
                        sent += 1;
                        tokio::task::yield_now().await;
                        caller.after(&seen(Host::Api, Some(429), RateLimit::default()));
                    }
                    Err(held) => tokio::time::sleep(held.retry_after.unwrap_or_default() + TICK).await,
                }
            }
            sent
        });
    }
    let sent: Vec<u32> = calls.join_all().await;
    let total: u32 = sent.iter().sum();
    // The first burst, then a few with growing pauses.
    assert!(total < 40 + 60, "{total} were sent");
    assert!(budget.state().api.rate_limited > 40, "it was tried again");
}
