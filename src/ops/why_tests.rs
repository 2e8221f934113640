//! What is said of each way a checkout may stand.

use std::time::Duration;

use serde_json::{Map, json};
use time::OffsetDateTime;

use super::*;
use crate::checkout::sample::{order, payment};
use crate::checkout::{Flow, Goal, InFlight, Input, Stuck};
use crate::ops::Timeline;

fn checkout(status: Status) -> Checkout {
    let (store, now) = ("default".to_owned(), OffsetDateTime::UNIX_EPOCH);
    let begun = Checkout::begin(store, Flow::Cart, Input::default(), Map::new(), now, Duration::ZERO);
    Checkout { version: 7, fence: 2, status, tries: 3, ..begun }
}

fn stuck(reason: StuckReason) -> Checkout {
    let mut checkout = checkout(Status::Stuck);
    checkout.stuck = Some(Stuck { reason, detail: "a detail".to_owned(), since: OffsetDateTime::UNIX_EPOCH });
    checkout
}

fn held(checkout: Checkout) -> LockedCheckout {
    LockedCheckout { checkout, leased: false, due_at: None, now: OffsetDateTime::UNIX_EPOCH }
}

fn case(checkout: Checkout) -> CheckoutDetail {
    CheckoutDetail { held: held(checkout), timeline: Timeline::default(), actions: Vec::new() }
}

fn with_order(mut checkout: Checkout) -> Checkout {
    checkout.facts.order = Some(order(125));
    checkout
}

fn in_flight(mut checkout: Checkout, step: StepName, sent: bool) -> Checkout {
    checkout.in_flight = Some(InFlight {
        step,
        attempt: 1,
        fence: 1,
        started_at: OffsetDateTime::UNIX_EPOCH,
        unknown_since: None,
        settling: false,
        looks: 4,
        checkpoint: sent
            .then(|| json!({"jti": "j", "minted_at": "1970-01-01T00:00:00Z", "lifetime": 100, "known": []})),
        counted: false,
        doubted: None,
    });
    checkout
}

fn paying(status: PaymentStatus, reason: StuckReason) -> Checkout {
    let mut checkout = in_flight(with_order(stuck(reason)), StepName::Payment, true);
    checkout.facts.payment = Some(payment(status));
    checkout
}

fn allowed(why: &Why, action: &str, finding: Option<&str>) -> bool {
    let found = why.actions.iter().find(|found| found.action == action && found.finding == finding);
    found.expect("every action is listed").allowed
}

#[test]
fn every_reason_has_its_words_its_runbook_entry_and_a_way_out() {
    let runbook = include_str!("../../docs/runbook.md");
    for &reason in StuckReason::ALL {
        let why = why(&case(stuck(reason)));
        assert!(why.headline.len() > 10, "{reason}");
        let suggested = why.suggested.as_ref().unwrap_or_else(|| panic!("{reason} has no suggestion"));
        assert_eq!(suggested.action, reason.suggested_action());
        assert!(suggested.because.ends_with('.'), "{reason}");
        assert!(
            why.known.len() >= 3 && !why.not_known.is_empty() && why.what_happened.len() >= 2,
            "{reason}"
        );
        let heading = format!("\n### {reason}\n");
        assert_eq!(
            runbook.matches(&heading).count(),
            1,
            "docs/runbook.md needs the heading {heading:?} once"
        );
        for action in &why.actions {
            assert!(!action.effect_on_orders.is_empty() && !action.effect_on_money.is_empty(), "{reason}");
            assert!(action.allowed || action.guard.is_some(), "{reason} {}", action.action);
        }
        assert!(
            why.actions.iter().any(|action| action.allowed && action.action != "pause"),
            "{reason} has no way out"
        );
    }
}

#[test]
fn every_status_has_its_words() {
    for &status in Status::ALL {
        let mut checkout = checkout(status);
        if status == Status::Stuck {
            checkout = stuck(StuckReason::Paused);
        }
        let why = why(&case(checkout));
        assert!(!why.headline.is_empty() && !why.known.is_empty(), "{status}");
        if status.is_final() {
            let left = |action: &AllowedAction| match action.action {
                "cancel" => status == Status::Completed && action.role == "money",
                action => action == "revoke-tokens",
            };
            for action in &why.actions {
                assert_eq!(action.allowed, left(action), "{status} is final: {}", action.action);
            }
        }
    }
}

#[test]
fn nothing_that_could_charge_twice_is_allowed() {
    let in_doubt = [
        paying(PaymentStatus::Unknown, StuckReason::PaymentUnknown),
        paying(PaymentStatus::Pending, StuckReason::PaymentPendingTooLong),
        paying(PaymentStatus::Processing, StuckReason::AttemptsExhausted),
        paying(PaymentStatus::Unknown, StuckReason::Paused),
    ];
    for checkout in in_doubt {
        let held = held(checkout);
        for action in [
            Action::Cancel { refund: false },
            Action::Resolve(Assertion::NoOrder),
            Action::Resolve(Assertion::Order(9)),
        ] {
            let refused = guard(&action, &held).expect_err(action.name());
            assert_eq!(refused.name, "payment-in-doubt", "{action:?}");
        }
        // The token is good until second 100.
        let refused = guard(&Action::Resolve(Assertion::NotCharged), &held).expect_err("too early");
        assert_eq!(refused.name, "token-alive");
        let later =
            LockedCheckout { now: OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(101), ..held.clone() };
        guard(&Action::Resolve(Assertion::NotCharged), &later).expect("late enough");
        // A restart keeps what is in flight, so that it is looked for.
        let restarted = operate::restarted(&held.checkout, held.now).expect("a restart");
        let attempt = restarted.checkout().in_flight.as_ref().expect("it stays in flight");
        assert!(attempt.checkpoint.is_some(), "what was sent is not forgotten");
        assert_eq!(restarted.checkout().status, Status::Waiting);
    }
    let running = held(checkout(Status::Running));
    for action in [Action::Restart, Action::Pause, Action::Cancel { refund: false }] {
        assert_eq!(guard(&action, &running).expect_err("running").name, "running");
    }
    let leased = LockedCheckout { leased: true, ..held(checkout(Status::Compensating)) };
    assert_eq!(guard(&Action::Restart, &leased).expect_err("leased").name, "running");
    let paid = held(with_order(checkout(Status::Completed)));
    assert_eq!(guard(&Action::Cancel { refund: false }, &paid).expect_err("paid").name, "paid");
    guard(&Action::Cancel { refund: true }, &paid).expect("what was paid can be given back");
    let cancelled = held(checkout(Status::Cancelled));
    assert_eq!(guard(&Action::Cancel { refund: true }, &cancelled).expect_err("final").name, "ended");
}

#[test]
fn a_refusal_by_the_gateways_settings_is_certain() {
    let checkout = paying(PaymentStatus::Processing, StuckReason::PaymentConfiguration);
    let restarted = operate::restarted(&checkout, OffsetDateTime::UNIX_EPOCH).expect("a restart");
    let attempt = restarted.checkout().in_flight.as_ref().expect("it stays in flight");
    assert!(attempt.checkpoint.is_none(), "nothing was charged");
    let why = why(&case(checkout));
    assert!(allowed(&why, "cancel", None) && allowed(&why, "restart", None));
}

#[test]
fn what_was_being_undone_is_undone_further() {
    let mut checkout = in_flight(stuck(StuckReason::UndoFailed), StepName::Cancel, false);
    checkout.goal = Some(Goal {
        operation: "cancel".to_owned(),
        until: StepName::Cancel,
        key: None,
        agreed_total: None,
        payer: None,
        goal_version: 3,
    });
    let restarted = operate::restarted(&checkout, OffsetDateTime::UNIX_EPOCH).expect("a restart");
    assert_eq!(restarted.checkout().status, Status::Compensating);
    let held = held(with_order(checkout));
    assert_eq!(guard(&Action::Resolve(Assertion::NotCharged), &held).expect_err("undoing").name, "undoing");
}

#[test]
fn a_cancelled_payment_that_was_never_sent_is_not_looked_for() {
    let checkout = in_flight(with_order(stuck(StuckReason::OrderNotPayable)), StepName::Payment, false);
    let cancelled = operate::cancelled(&checkout).expect("a cancel");
    assert!(cancelled.checkout().in_flight.is_none());
    let unknown = in_flight(stuck(StuckReason::OrderUnknown), StepName::Order, false);
    let cancelled = operate::cancelled(&unknown).expect("a cancel");
    assert!(cancelled.checkout().in_flight.is_some(), "an order that may be there is looked for first");
    let taken = in_flight(stuck(StuckReason::OrderTaken), StepName::Order, false);
    assert!(operate::cancelled(&taken).expect("a cancel").checkout().in_flight.is_none());
}

#[test]
fn only_a_paused_checkout_is_resumed_and_only_a_resting_one_is_paused() {
    for &reason in StuckReason::ALL {
        let resumed = guard(&Action::Resume, &held(stuck(reason)));
        assert_eq!(resumed.is_ok(), reason == StuckReason::Paused, "{reason}");
        assert!(guard(&Action::Pause, &held(stuck(reason))).is_err(), "{reason}");
    }
    for (status, expected) in
        [(Status::AwaitingInput, true), (Status::Waiting, true), (Status::Compensating, false)]
    {
        assert_eq!(guard(&Action::Pause, &held(checkout(status))).is_ok(), expected, "{status}");
    }
}
