//! Tables for what is decided about one call.

use uuid::Uuid;

use super::*;
use crate::bigcommerce::{Host, RateLimit};

#[path = "lane_model.rs"]
mod model;

const PRIORITIES: [Priority; 5] =
    [Priority::Payment, Priority::Order, Priority::Shopper, Priority::Recovery, Priority::BackOffice];

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn seen(status: u16, took: Duration, rate_limit: RateLimit) -> Seen {
    Seen {
        host: Host::Api,
        name: "test",
        correlation_id: Uuid::nil(),
        status: Some(status),
        outcome: if status == 200 { "succeeded" } else { "unavailable" },
        duration: took,
        rate_limit,
    }
}

fn limits(quota: u64, left: u64, reset_ms: u64, window_ms: u64) -> RateLimit {
    RateLimit {
        left: Some(left),
        quota: Some(quota),
        reset_ms: Some(reset_ms),
        window_ms: Some(window_ms),
        retry_after: None,
    }
}

/// A lane whose first answer reported this.
fn lane_with(start: Instant, live: u32, quota: u64, left: u64) -> Lane {
    let mut lane = Lane::api(start);
    lane.observe((live, None), start);
    lane.enter(0, Priority::Payment, start);
    assert_eq!(lane.turn(start).decided, [(0, Admission::Go)]);
    lane.ended(&seen(200, Duration::ZERO, limits(quota, left, 30_000, 30_000)), start, 0.0);
    lane
}

/// How many calls of a priority are let through at once.
fn let_through(lane: &mut Lane, priority: Priority, now: Instant) -> usize {
    for ticket in 1..=2_000 {
        lane.enter(ticket, priority, now);
    }
    lane.turn(now).decided.iter().filter(|(_, verdict)| *verdict == Admission::Go).count()
}

#[test]
fn each_priority_leaves_its_reserve() {
    // Live processes, quota, left, and what each priority may send at once.
    for (live, quota, left, expected) in [
        (1, 150, 149, [149, 141, 126, 104, 74]),
        (1, 450, 449, [449, 426, 381, 314, 224]),
        (2, 150, 149, [74, 70, 62, 51, 36]),
        (1, 150, 40, [40, 32, 17, 0, 0]),
        (3, 150, 149, [49, 46, 41, 34, 24]),
        (1, 10, 9, [9, 8, 7, 6, 4]),
        (1, 2, 1, [1, 0, 0, 0, 0]),
        (1, 150, 0, [0, 0, 0, 0, 0]),
        (4, 150, 3, [0, 0, 0, 0, 0]),
    ] {
        let start = Instant::now();
        for (priority, expected) in PRIORITIES.into_iter().zip(expected) {
            let mut lane = lane_with(start, live, quota, left);
            assert_eq!(
                let_through(&mut lane, priority, start),
                expected,
                "{priority:?} of {live} with {left} of {quota}"
            );
        }
    }
}

#[test]
fn a_tiny_window_serves_everybody() {
    let start = Instant::now();
    for priority in PRIORITIES {
        let mut lane = lane_with(start, 4, 4, 3);
        let next = start + ms(30_100);
        assert_eq!(let_through(&mut lane, priority, next), 1, "{priority:?}");
    }
}

#[test]
fn before_the_first_answer_one_finds_out() {
    let start = Instant::now();
    let mut lane = Lane::api(start);
    assert_eq!(let_through(&mut lane, Priority::Payment, start), 1);
    // It takes long: one more each second.
    assert_eq!(lane.turn(start + ms(999)).decided, []);
    assert_eq!(lane.turn(start + ms(1_000)).decided.len(), 1);
    // Its end told nothing: 150 in 30 seconds, of which two were sent, and nobody waits longer than the window.
    lane.ended(&seen(200, ms(1_500), RateLimit::default()), start + ms(1_500), 0.0);
    let turn = lane.turn(start + ms(1_500));
    assert_eq!(turn.decided.iter().filter(|(_, verdict)| *verdict == Admission::Go).count(), 148);
    assert_eq!(lane.waiting(), 1_850);
}

#[test]
fn who_cannot_be_served_in_time_is_told_when_to_come_back() {
    let start = Instant::now();
    // Nothing is left for 30 s.
    for (priority, expected) in PRIORITIES.into_iter().zip([None, Some(30), Some(30), Some(30), Some(30)]) {
        let mut lane = lane_with(start, 1, 150, 0);
        lane.enter(1, priority, start);
        let turn = lane.turn(start);
        let refused = turn.decided.first().map(|(_, verdict)| match verdict {
            Admission::Refused { retry_after } => retry_after.as_secs(),
            Admission::Go => panic!("nothing is left"),
        });
        assert_eq!(refused, expected, "{priority:?}");
        if refused.is_none() {
            assert_eq!(turn.wake, Some(start + ms(30_020)));
            assert_eq!(lane.turn(start + ms(30_020)).decided, [(1, Admission::Go)]);
        }
    }
}

#[test]
fn an_answer_that_comes_late_adds_nothing() {
    let start = Instant::now();
    let mut lane = Lane::api(start);
    lane.enter(0, Priority::Payment, start);
    lane.turn(start);
    lane.ended(&seen(200, Duration::ZERO, limits(100, 99, 30_000, 30_000)), start, 0.0);
    assert_eq!(let_through(&mut lane, Priority::Payment, start), 99);
    // The last of them is answered first.
    lane.ended(&seen(200, ms(100), limits(100, 0, 29_900, 30_000)), start + ms(100), 0.0);
    for late in 0..98 {
        lane.ended(&seen(200, ms(200), limits(100, late, 29_900, 30_000)), start + ms(200), 0.0);
    }
    let Allowance::Window(window) = &mut lane.allowance else { panic!("a window") };
    assert_eq!((window.free(start + ms(200)), window.reported()), (0, (Some(100), Some(0))));
    // An answer of the window that is over says nothing about the next one.
    let next = start + ms(30_100);
    assert_eq!(window.free(next), 100);
    lane.enter(3_000, Priority::Payment, next);
    lane.queue.retain(|(_, ticket), _| *ticket == 3_000);
    lane.turn(next);
    lane.ended(&seen(200, ms(30_000), limits(100, 0, 29_000, 30_000)), next, 0.0);
    let Allowance::Window(window) = &mut lane.allowance else { panic!("a window") };
    assert_eq!(window.free(next), 99);
}

#[test]
fn what_is_on_its_way_at_the_turn_counts_in_the_next_window() {
    let start = Instant::now();
    let sent_at_the_turn = || {
        let mut lane = lane_with(start, 1, 10, 9);
        for ticket in 1..=5 {
            lane.enter(ticket, Priority::Payment, start + ms(30_010));
        }
        assert_eq!(lane.turn(start + ms(30_010)).decided.len(), 5);
        lane
    };
    // The window is certainly over.
    assert_eq!(let_through(&mut sent_at_the_turn(), Priority::Payment, start + ms(30_020)), 5);
    // An answer tells that it was over earlier than that.
    let mut lane = sent_at_the_turn();
    let now = start + ms(30_015);
    lane.ended(&seen(200, ms(5), limits(10, 9, 29_995, 30_000)), now, 0.0);
    assert_eq!(let_through(&mut lane, Priority::Payment, now), 5);
    // Of two processes, each has half of the next window too, whatever the other leaves for now.
    let mut lane = lane_with(start, 2, 10, 9);
    for ticket in 1..=4 {
        lane.enter(ticket, Priority::Payment, start + ms(30_010));
    }
    assert_eq!(lane.turn(start + ms(30_010)).decided.len(), 4);
    for left in [9, 8, 7, 6] {
        lane.ended(&seen(200, ms(5), limits(10, left, 29_995, 30_000)), now, 0.0);
    }
    assert_eq!(let_through(&mut lane, Priority::Payment, now), 1);
}

#[test]
fn another_app_of_the_store_is_respected() {
    let start = Instant::now();
    let mut lane = lane_with(start, 1, 150, 149);
    lane.enter(1, Priority::Shopper, start);
    lane.turn(start);
    lane.ended(&seen(200, ms(10), limits(150, 30, 29_990, 30_000)), start + ms(10), 0.0);
    assert_eq!(let_through(&mut lane, Priority::Shopper, start + ms(10)), 7);
}

#[test]
fn a_429_pauses_until_the_longest_of_its_headers() {
    let start = Instant::now();
    for (limits, expected) in [
        (limits(150, 0, 4_500, 30_000), 4_500),
        (RateLimit { retry_after: Some(ms(7_000)), ..limits(150, 0, 4_500, 30_000) }, 7_000),
        (RateLimit { retry_after: Some(ms(3_000)), ..RateLimit::default() }, 3_000),
    ] {
        let mut lane = lane_with(start, 1, 150, 149);
        lane.enter(1, Priority::Payment, start);
        lane.turn(start);
        lane.ended(&seen(429, Duration::ZERO, limits), start, 0.0);
        assert_eq!(lane.paused_until(start), Some(start + ms(expected)));
        lane.enter(2, Priority::Payment, start);
        assert_eq!(lane.turn(start).wake, Some(start + ms(expected)));
        let again = start + ms(expected + 20);
        assert_eq!(lane.turn(again).decided, [(2, Admission::Go)]);
        assert_eq!(lane.rate_limited, 1);
    }
}

#[test]
fn after_an_overload_the_payment_tries_first_and_alone() {
    let start = Instant::now();
    let mut lane = lane_with(start, 1, 150, 149);
    for ticket in 1..=10 {
        lane.enter(ticket, Priority::Shopper, start);
    }
    assert_eq!(lane.turn(start).decided.len(), 10);
    for _ in 0..10 {
        lane.ended(&seen(429, ms(50), RateLimit::default()), start + ms(50), 0.5);
    }
    let until = lane.paused_until(start + ms(50)).expect("a pause");
    assert_eq!(until, start + ms(3_050));
    lane.enter(11, Priority::Shopper, start + ms(60));
    lane.enter(12, Priority::Payment, start + ms(70));
    assert_eq!(lane.turn(start + ms(70)).decided, []);
    assert_eq!(lane.turn(until).decided, [(12, Admission::Go)]);
    lane.ended(&seen(200, ms(10), RateLimit::default()), until + ms(10), 0.5);
    assert_eq!(lane.turn(until + ms(10)).decided, [(11, Admission::Go)]);
}

#[test]
fn what_an_answer_says_about_the_host() {
    for (status, outcome, expected) in [
        (None, "unavailable", Sign::Unreachable),
        (None, "unknown", Sign::Failed),
        (Some(500), "unknown", Sign::Failed),
        (Some(503), "unknown", Sign::Failed),
        (Some(200), "unknown", Sign::Failed),
        (Some(200), "succeeded", Sign::Alive),
        (Some(204), "succeeded", Sign::Alive),
        (Some(404), "rejected", Sign::Alive),
        (Some(422), "rejected", Sign::Alive),
        (Some(429), "unavailable", Sign::Alive),
        (Some(499), "unknown", Sign::Alive),
        (Some(507), "unknown", Sign::Alive),
    ] {
        let seen = Seen { status, outcome, ..seen(200, Duration::ZERO, RateLimit::default()) };
        assert_eq!(sign(&seen), expected, "{status:?} {outcome}");
    }
}

#[test]
fn a_broken_host_refuses_at_once_and_the_most_urgent_finds_out() {
    let start = Instant::now();
    let mut lane = lane_with(start, 1, 150, 149);
    for ticket in 1..=5 {
        lane.enter(ticket, Priority::Shopper, start);
        assert_eq!(lane.turn(start).decided, [(ticket, Admission::Go)]);
        let failed =
            Seen { status: None, outcome: "unavailable", ..seen(200, Duration::ZERO, RateLimit::default()) };
        lane.ended(&failed, start, 0.0);
    }
    assert_eq!(lane.breaker_state(start), BreakerState::Open);
    lane.enter(6, Priority::Payment, start);
    assert_eq!(lane.turn(start).decided, [(6, Admission::Refused { retry_after: ms(1_000) })]);
    let later = start + ms(1_000);
    assert_eq!(lane.breaker_state(later), BreakerState::HalfOpen);
    for (ticket, priority) in [(7, Priority::BackOffice), (8, Priority::Recovery), (9, Priority::Order)] {
        lane.enter(ticket, priority, later);
    }
    assert_eq!(lane.turn(later).decided, [(9, Admission::Go)]);
    lane.ended(&seen(200, Duration::ZERO, RateLimit::default()), later, 0.0);
    assert_eq!(lane.turn(later).decided, [(8, Admission::Go), (7, Admission::Go)]);
    assert_eq!(lane.breaker_state(later), BreakerState::Closed);
}
