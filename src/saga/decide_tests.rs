//! What every decision keeps, whatever the checkout and whatever came of the attempt.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::checkout::PaymentStatus;
use crate::checkout::{CartEdit, Decline, Flow, UpstreamRejection, next};
use crate::saga::decision::Limits;
use crate::saga::sample::{NOW, all_input, checkout, goal, in_flight, order, payment, up_to};
use crate::seeded::seeded;

const LIMITS: Limits = Limits {
    max_attempts: 4,
    retry_base: Duration::from_millis(200),
    retry_cap: Duration::from_secs(30),
    ttl: Duration::from_hours(24),
    look: Duration::from_secs(5),
    late: Duration::from_mins(3),
};

fn at(jitter: f64) -> Circumstances {
    Circumstances { limits: LIMITS, now: NOW, jitter }
}

fn any_wait() -> impl Strategy<Value = Option<Duration>> {
    prop::option::of((0_u64..20_000).prop_map(Duration::from_millis))
}

/// Anything that an attempt in this status can come to.
fn any_verdict(status: Status) -> impl Strategy<Value = Verdict> {
    let refused = UpstreamRejection { status: 422, title: "no".to_owned(), errors: Vec::new() };
    let decline = Decline { code: Some(30_051), title: "no".to_owned() };
    let total = crate::checkout::Money::from(rust_decimal::Decimal::TEN);
    let why = || "why".to_owned();
    let reason = prop::sample::select(StuckReason::ALL);
    // Only the undoing undoes, and it runs only while undoing.
    let undone = if status == Status::Compensating { Verdict::Undone } else { Verdict::Succeeded };
    prop_oneof![
        Just(Verdict::Succeeded),
        Just(Verdict::Paid),
        Just(undone),
        Just(Verdict::Reopened),
        Just(Verdict::Rejected(refused)),
        Just(Verdict::Declined(decline)),
        Just(Verdict::TotalChanged { agreed: total, total, order_removed: false }),
        any_wait().prop_map(|retry_after| Verdict::Interrupted { retry_after }),
        any_wait().prop_map(move |after| Verdict::Retry { after, why: why() }),
        (0_u64..60)
            .prop_map(|after| Verdict::Wait { after: Duration::from_secs(after), why: "why".to_owned() }),
        Just(Verdict::Moved),
        Just(Verdict::Unknown { why: "why".to_owned() }),
        Just(Verdict::Accepted),
        reason.prop_map(|reason| Verdict::Stuck { reason, detail: String::new() }),
    ]
}

fn any_finding(status: Status) -> impl Strategy<Value = Finding> {
    let still = (0_u64..60, any::<bool>(), any::<bool>()).prop_map(|(after, failed, settling)| {
        Finding::StillUnknown { after: Duration::from_secs(after), failed, settling }
    });
    prop_oneof![any_verdict(status).prop_map(Finding::Ended), Just(Finding::Absent), still]
}

prop_compose! {
    /// A checkout that is held, with an attempt in flight.
    fn any_held()(
        flow in prop::sample::select(Flow::ALL),
        compensating in any::<bool>(),
        lapsing in any::<bool>(),
        statuses in prop::collection::vec(prop::sample::select(StepStatus::ALL), 6),
        until in any::<prop::sample::Index>(),
        step in any::<prop::sample::Index>(),
        (has_input, edits, has_order, noted, settling) in any::<(bool, bool, bool, bool, bool)>(),
        paid in prop::option::of(prop::sample::select(PaymentStatus::ALL)),
        (tries, attempt, looks) in (0_u32..4, 1_u32..5, 0_u32..20),
        resumed in any::<bool>(),
    ) -> Checkout {
        let status = if compensating { Status::Compensating } else { Status::Running };
        let mut held = checkout(flow, status);
        for (record, status) in held.steps.iter_mut().zip(statuses) {
            record.status = status;
        }
        let until = if compensating { StepName::Cancel } else { flow.steps()[until.index(flow.steps().len())] };
        held.goal = (!(compensating && lapsing)).then(|| goal(until));
        if has_input {
            held.input = all_input().into();
        }
        if edits && flow == Flow::Cart {
            held.input.edit = Some(CartEdit::RemoveCoupon("X".to_owned()));
        }
        held.facts.order = has_order.then(|| order(100));
        held.facts.payment = paid.map(payment);
        let mut steps = flow.steps().to_vec();
        if compensating {
            steps.push(StepName::Cancel);
        }
        let step = steps[step.index(steps.len())];
        let mut attempt = InFlight { attempt, settling, looks, ..in_flight(step) };
        attempt.checkpoint = (noted && step == StepName::Payment).then(|| json!({}));
        attempt.fence = held.fence - i64::from(resumed);
        held.in_flight = Some(attempt);
        held.tries = tries;
        held
    }
}

/// A payment in flight, as far as its own step has come.
fn any_payment() -> impl Strategy<Value = Checkout> {
    (any_held(), any::<bool>()).prop_map(|(mut held, noted)| {
        held.facts.payment = Some(payment(PaymentStatus::Processing));
        if let Some(attempt) = held.in_flight.as_mut() {
            attempt.step = StepName::Payment;
            attempt.checkpoint = noted.then(|| json!({}));
        }
        held
    })
}

fn any_settled() -> impl Strategy<Value = (Checkout, Verdict, f64)> {
    any_held().prop_flat_map(|held| {
        let verdict = any_verdict(held.status);
        (Just(held), verdict, 0.0..1.0)
    })
}

fn any_reconciled() -> impl Strategy<Value = (Checkout, Finding, f64)> {
    any_held().prop_flat_map(|held| {
        let finding = any_finding(held.status);
        (Just(held), finding, 0.0..1.0)
    })
}

fn step_of(checkout: &Checkout) -> StepName {
    checkout.in_flight.as_ref().expect("an attempt in flight").step
}

/// Whether another failure of a step before the order is the last one: nobody has to find out what became of it.
fn gives_up(held: &Checkout) -> bool {
    held.tries + 1 >= LIMITS.max_attempts && steps::find(held.flow, step_of(held)).unknown_reason().is_none()
}

/// It was given up: the shopper hears when to come back, or the undoing goes on.
fn is_given_up(held: &Checkout, decision: &Decision) -> bool {
    let undoes = decision.began.is_some_and(|began| began.step == StepName::Cancel);
    gives_up(held)
        && decision.event != Event::Stalled
        && (undoes || matches!(decision.answer, Some(Answer::Unavailable { .. })))
}

/// What every decision keeps.
fn holds_together(before: &Checkout, decision: &Decision) -> Result<(), TestCaseError> {
    let after = &decision.checkout;
    let status = next(before.status, decision.event);
    prop_assert!(status.is_ok(), "{} in {}", decision.event, before.status);
    let status = status.unwrap_or(before.status);

    // The hold is that of the status.
    match decision.hold {
        Hold::Lease => prop_assert!(matches!(status, Status::Running | Status::Compensating)),
        Hold::Timer(_) => prop_assert!(matches!(status, Status::Waiting | Status::Compensating)),
        Hold::Rest(_) | Hold::Look { .. } => prop_assert_eq!(status, Status::AwaitingInput),
        Hold::Late(_) => prop_assert!(status.is_final() || status == Status::Stuck),
        Hold::None => prop_assert!(status.is_final() || status == Status::Stuck),
    }
    prop_assert_eq!(decision.event == Event::Deferred, matches!(decision.hold, Hold::Timer(_)));

    // At rest with the shopper, or at the end, nothing is in flight and nothing is wanted.
    if status.is_final() || status == Status::AwaitingInput {
        prop_assert!(after.in_flight.is_none() && after.goal.is_none() && after.input.edit.is_none());
        prop_assert_eq!(after.tries, 0);
    }

    // An answer is given when the run ends, to whoever asked, and only then.
    let ended = matches!(decision.hold, Hold::Rest(_) | Hold::Look { .. } | Hold::Late(_) | Hold::None);
    prop_assert_eq!(decision.answer.is_some(), ended);
    let noted = after.answered.as_ref().map(|answered| (answered.goal_version, &answered.answer));
    let wanted =
        before.goal.as_ref().zip(decision.answer.as_ref()).map(|(goal, answer)| (goal.goal_version, answer));
    prop_assert_eq!(noted, wanted);

    // What begins is what is in flight, under this claim, and numbered.
    if let Some(began) = decision.began {
        let attempt = after.in_flight.as_ref();
        prop_assert_eq!(attempt.map(|it| (it.step, it.attempt)), Some((began.step, began.attempt)));
        prop_assert_eq!(attempt.map(|it| it.fence), Some(before.fence));
        prop_assert!(attempt.is_some_and(|it| it.checkpoint.is_none() && !it.settling));
        prop_assert_eq!(decision.hold, Hold::Lease);
    } else if decision.hold == Hold::Lease {
        prop_assert_eq!(
            after.in_flight.as_ref().map(|it| it.step),
            Some(step_of(before)),
            "held for nothing"
        );
    }

    // What is undone is never run forward.
    if before.status == Status::Compensating {
        prop_assert!(decision.began.is_none_or(|began| began.step == StepName::Cancel));
    }

    // Failures are counted, and bounded wherever a step has no deadline of its own.
    prop_assert!(after.tries <= before.tries + 1);
    let followed = steps::find(before.flow, step_of(before)).follows_to_the_end();
    // What is left to undo where nothing was ordered waits for BigCommerce, and for nobody else.
    let waits = status == Status::Compensating && is_only_a_cart(after) && decision.event == Event::Deferred;
    if !ended && !followed && !waits && !gives_up(before) {
        prop_assert!(after.tries < LIMITS.max_attempts);
    }
    prop_assert!(decision.pause <= SIT_OUT);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..seeded() })]

    #[test]
    fn every_verdict_leads_to_a_decision_that_holds_together((held, verdict, jitter) in any_settled()) {
        holds_together(&held, &on_verdict(held.clone(), verdict, at(jitter)))?;
    }

    #[test]
    fn every_finding_leads_to_a_decision_that_holds_together((held, finding, jitter) in any_reconciled()) {
        holds_together(&held, &on_finding(held.clone(), finding, at(jitter)))?;
    }

    #[test]
    fn what_is_unknown_is_looked_for_before_anything_begins(held in any_held(), jitter in 0.0..1.0) {
        let step = step_of(&held);
        for verdict in [Verdict::Unknown { why: String::new() }, Verdict::Moved] {
            let decision = on_verdict(held.clone(), verdict, at(jitter));
            if is_given_up(&held, &decision) {
                continue;
            }
            prop_assert!(decision.began.is_none());
            prop_assert!(decision.event != Event::Rested);
            prop_assert_eq!(decision.checkout.in_flight.as_ref().map(|it| it.step), Some(step));
            if decision.hold == Hold::Lease {
                prop_assert_eq!(plan(&decision.checkout), Action::Look(step));
            }
        }
        for (failed, settling) in [(false, false), (true, false), (false, true)] {
            let finding = Finding::StillUnknown { after: Duration::ZERO, failed, settling };
            let decision = on_finding(held.clone(), finding, at(jitter));
            if is_given_up(&held, &decision) {
                continue;
            }
            prop_assert!(decision.began.is_none());
            prop_assert_eq!(decision.checkout.in_flight.as_ref().map(|it| it.step), Some(step));
            prop_assert!(matches!(decision.event, Event::Deferred | Event::Stalled));
        }
    }

    #[test]
    fn a_payment_never_begins_by_itself(held in any_payment(), jitter in 0.0..1.0) {
        let decision = on_finding(held.clone(), Finding::Absent, at(jitter));
        prop_assert!(decision.began.is_none_or(|began| began.step == StepName::Cancel));
        let unknown = on_verdict(held, Verdict::Unknown { why: String::new() }, at(jitter));
        prop_assert_eq!(unknown.event, Event::Advanced, "it is followed, however often that fails");
    }

    #[test]
    fn a_payment_that_was_not_made_is_forgotten(held in any_payment(), after in any_wait(), jitter in 0.0..1.0) {
        let total = crate::checkout::Money::from(rust_decimal::Decimal::TEN);
        let refused = UpstreamRejection { status: 422, title: "no".to_owned(), errors: Vec::new() };
        for verdict in [
            Verdict::Rejected(refused),
            Verdict::TotalChanged { agreed: total, total, order_removed: false },
            Verdict::Interrupted { retry_after: after },
            Verdict::Retry { after, why: String::new() },
        ] {
            let decision = on_verdict(held.clone(), verdict, at(jitter));
            prop_assert!(decision.event != Event::Rested || decision.checkout.facts.payment.is_none());
        }
    }

    #[test]
    fn a_payment_that_was_sent_is_in_doubt_until_it_is_known(mut held in any_payment(), jitter in 0.0..1.0) {
        if let Some(attempt) = held.in_flight.as_mut() {
            attempt.checkpoint = Some(json!({}));
        }
        let decision = on_verdict(held.clone(), Verdict::Unknown { why: String::new() }, at(jitter));
        prop_assert!(decision.checkout.payment_in_doubt());
        let finding = Finding::StillUnknown { after: Duration::ZERO, failed: true, settling: false };
        prop_assert!(on_finding(held, finding, at(jitter)).checkout.payment_in_doubt());
    }
}

#[test]
fn an_undoing_goes_on_once_what_was_in_flight_has_ended_without_effect() {
    let mut held = up_to(checkout(Flow::Cart, Status::Compensating), StepName::Payment);
    held.goal = Some(goal(StepName::Cancel));
    held.in_flight = Some(in_flight(StepName::Payment));
    let decline = Decline { code: None, title: "declined".to_owned() };
    for finding in [Finding::Absent, Finding::Ended(Verdict::Declined(decline))] {
        let decision = on_finding(held.clone(), finding, at(0.5));
        assert_eq!(decision.event, Event::Advanced);
        assert_eq!(decision.began.map(|began| began.step), Some(StepName::Cancel));
    }
}

#[test]
fn an_attempt_whose_answer_was_lost_and_that_had_no_effect_counts_once() {
    for verdict in [Verdict::Unknown { why: String::new() }, Verdict::Moved] {
        let mut held = up_to(checkout(Flow::Cart, Status::Running), StepName::Order);
        held.goal = Some(goal(StepName::Order));
        held.in_flight = Some(in_flight(StepName::Order));
        for tried in 1..LIMITS.max_attempts {
            let lost = on_verdict(held, verdict.clone(), at(0.5)).checkout;
            assert_eq!((lost.tries, lost.status), (tried, Status::Running), "{verdict:?}");
            held = on_finding(lost, Finding::Absent, at(0.5)).checkout;
            assert_eq!(held.tries, tried, "{verdict:?}");
            held.in_flight = Some(in_flight(StepName::Order));
        }
        let lost = on_verdict(held, verdict, at(0.5));
        assert_eq!(lost.event, Event::Stalled, "it was tried often enough");
    }
}

#[test]
fn a_gateway_that_is_not_set_up_leaves_nothing_to_look_for() {
    let mut held = up_to(checkout(Flow::Cart, Status::Running), StepName::Payment);
    held.goal = Some(goal(StepName::Payment));
    held.facts.payment = Some(payment(PaymentStatus::Processing));
    held.in_flight = Some(InFlight { checkpoint: Some(json!({})), ..in_flight(StepName::Payment) });
    let refused = UpstreamRejection { status: 422, title: "not set up".to_owned(), errors: Vec::new() };
    let decision = on_verdict(held, Verdict::MethodUnavailable(refused.clone()), at(0.5));
    assert_eq!((decision.event, decision.answer), (Event::Rested, Some(Answer::MethodUnavailable(refused))));
    assert!(decision.checkout.in_flight.is_none() && !decision.checkout.payment_in_doubt());
    assert!(decision.checkout.facts.payment.is_none());
}

#[test]
fn a_restart_goes_on_with_what_was_being_done() {
    let mut stuck = checkout(Flow::Cart, Status::Stuck);
    assert!(stuck.is_being_undone(), "abandoned: undone for nobody");
    stuck.goal = Some(goal(StepName::Cancel));
    assert!(stuck.is_being_undone());
    stuck.goal = Some(goal(StepName::Payment));
    assert!(!stuck.is_being_undone());
}
