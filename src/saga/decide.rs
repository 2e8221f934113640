//! What a verdict means for the checkout. Pure: no clock, no jitter of its own, no database.

use std::time::Duration;

use time::OffsetDateTime;

use super::decision::{Circumstances, Decision, backoff, jitter, told, wait_for};
use super::plan::{Action, plan};
use super::step::{Finding, Verdict};
use super::step_state::{
    LOOK, end, follow_document, follow_order, is_only_a_cart, keep_standing, mark_unknown, note_answer,
    note_answer_only, paid, reopen, schedule_payment_check,
};
use super::steps;
use crate::checkout::{Answer, Checkout, Event, InFlight, Status, StepName, StepStatus, Stuck, StuckReason};
use crate::db::{Began, Hold, Outcome};

/// The longest wait that a run sits out under its lease, so that the shopper who waits gets the answer from it.
const SIT_OUT: Duration = Duration::from_secs(5);

/// Others need at least this long to put right what is stuck.
const PUT_RIGHT: Duration = Duration::from_mins(1);

/// Decides what an attempt's verdict means. `checkout` carries the facts and the input as the step left them.
pub(super) fn on_verdict(mut checkout: Checkout, verdict: Verdict, at: Circumstances) -> Decision {
    let Some(step) = checkout.in_flight.as_ref().map(|attempt| attempt.step) else {
        return nothing_in_flight(checkout, at);
    };
    if checkout.status == Status::Compensating && step != StepName::Cancel && verdict.is_over() {
        return undo_next(checkout, step, at);
    }
    match verdict {
        Verdict::Succeeded => {
            end(&mut checkout, step, StepStatus::Succeeded, at.now);
            checkout.tries = 0;
            follow_order(&mut checkout, step, at.now);
            follow_document(&mut checkout);
            go_on(checkout, Some(Outcome::Succeeded), at)
        }
        Verdict::Paid => {
            end(&mut checkout, step, StepStatus::Succeeded, at.now);
            paid(&mut checkout, at.now);
            let hold = end_hold(&checkout, at.limits.late);
            finish(checkout, Event::Paid, Outcome::Succeeded, Answer::Done, hold)
        }
        Verdict::PartPaid => part_paid(checkout, step, at),
        Verdict::Undone => {
            checkout.in_flight = None;
            let event = if checkout.goal.is_some() { Event::Undone } else { Event::Lapsed };
            let hold = end_hold(&checkout, at.limits.late);
            finish(checkout, event, Outcome::Succeeded, Answer::Done, hold)
        }
        Verdict::Reopened => {
            end(&mut checkout, step, StepStatus::Pending, at.now);
            follow_document(&mut checkout);
            rest(checkout, step, Outcome::Rejected, Answer::OutOfOrder, at)
        }
        Verdict::CartGone => {
            end(&mut checkout, step, StepStatus::Pending, at.now);
            cart_gone(checkout, step, at)
        }
        Verdict::Rejected(refused) => {
            end(&mut checkout, step, StepStatus::Rejected, at.now);
            follow_document(&mut checkout);
            checkout.facts.forget_processing();
            rest(checkout, step, Outcome::Rejected, Answer::Rejected(refused), at)
        }
        Verdict::DoneWithout { coupon_codes, refused } => {
            end(&mut checkout, step, StepStatus::Succeeded, at.now);
            follow_document(&mut checkout);
            rest(checkout, step, Outcome::Succeeded, Answer::Without { coupon_codes, refused }, at)
        }
        Verdict::Open => {
            end(&mut checkout, step, StepStatus::Pending, at.now);
            follow_document(&mut checkout);
            let reached = checkout.goal.as_ref().is_none_or(|goal| goal_reached(&checkout, goal.until));
            let answer = if reached { Answer::Done } else { Answer::OutOfOrder };
            rest(checkout, step, Outcome::Rejected, answer, at)
        }
        Verdict::Undeliverable => {
            end(&mut checkout, step, StepStatus::Rejected, at.now);
            follow_document(&mut checkout);
            // BigCommerce holds the address, and it is no good.
            checkout.input.revising.retain(|name| *name != step);
            rest(checkout, step, Outcome::Rejected, Answer::Undeliverable, at)
        }
        Verdict::MethodUnavailable(refused) => {
            end(&mut checkout, step, StepStatus::Rejected, at.now);
            checkout.facts.forget_processing();
            rest(checkout, step, Outcome::Rejected, Answer::MethodUnavailable(refused), at)
        }
        Verdict::CartTaken => {
            end(&mut checkout, step, StepStatus::Rejected, at.now);
            rest(checkout, step, Outcome::Rejected, Answer::CartTaken, at)
        }
        Verdict::Declined(decline) => {
            end(&mut checkout, step, StepStatus::Rejected, at.now);
            if checkout.facts.order.is_none() {
                // BigCommerce's order is no longer Incomplete: the next payment needs a new one.
                reopen(&mut checkout, StepName::Order);
                reopen(&mut checkout, step);
            }
            rest(checkout, step, Outcome::Rejected, Answer::Declined(decline), at)
        }
        Verdict::TotalChanged { agreed, total, order_removed } => {
            end(&mut checkout, step, StepStatus::Pending, at.now);
            checkout.facts.forget_processing();
            let answer = Answer::TotalChanged { agreed_total: agreed, grand_total: total, order_removed };
            rest(checkout, step, Outcome::Rejected, answer, at)
        }
        Verdict::Interrupted { retry_after } => give_up(checkout, step, retry_after, at),
        Verdict::Retry { after, .. } => retry(checkout, step, after, at),
        Verdict::Wait { after, .. } => try_later(checkout, step, after + jitter(at), at),
        Verdict::Moved => look_soon(checkout, None, at),
        Verdict::Unknown { .. } => {
            mark_unknown(&mut checkout, step, at.now);
            look_soon(checkout, Some(Outcome::Unknown), at)
        }
        Verdict::Accepted => {
            if let Some(attempt) = checkout.in_flight.as_mut() {
                attempt.settling = true;
            }
            let after = wait_for(&checkout, at);
            defer(checkout, Some(Outcome::Succeeded), after)
        }
        Verdict::Stuck { reason, detail } => stall(checkout, reason, detail, at),
    }
}

/// What may still show after the end is looked for once more.
pub(super) fn end_hold(checkout: &Checkout, late: Duration) -> Hold {
    if checkout.facts.is_looked_at_late() { Hold::Late(late) } else { Hold::None }
}

/// A part is paid. What was given to pay the rest with goes on with it; else the shopper is to.
fn part_paid(mut checkout: Checkout, step: StepName, at: Circumstances) -> Decision {
    end(&mut checkout, step, StepStatus::Pending, at.now);
    checkout.tries = 0;
    let mut input = (*checkout.input).clone();
    input.payment = if input.payments.is_empty() { None } else { Some(input.payments.remove(0)) };
    let more = input.payment.is_some();
    checkout.input = input.into();
    if more {
        return go_on(checkout, Some(Outcome::Succeeded), at);
    }
    rest(checkout, step, Outcome::Succeeded, Answer::Done, at)
}

/// There is nothing left that could be bought: whoever asked is told so, and the checkout expires now.
fn cart_gone(checkout: Checkout, step: StepName, at: Circumstances) -> Decision {
    let mut decision = rest(checkout, step, Outcome::Rejected, Answer::Closed, at);
    if decision.event == Event::Rested {
        decision.hold = Hold::Rest(Duration::ZERO);
    }
    decision
}

/// What was in flight is out of the way: the undoing begins.
fn undo_next(mut checkout: Checkout, step: StepName, at: Circumstances) -> Decision {
    end(&mut checkout, step, StepStatus::Pending, at.now);
    checkout.facts.forget_processing();
    go_on(checkout, Some(Outcome::Retry), at)
}

/// What an attempt came to of which nothing is recorded belongs to no step: it is for a person, and no step's verdict.
fn nothing_in_flight(checkout: Checkout, at: Circumstances) -> Decision {
    let undoing = checkout.status == Status::Compensating;
    let reason = if undoing { StuckReason::UndoFailed } else { StuckReason::AttemptsExhausted };
    stall(checkout, reason, "an attempt ended of which nothing is recorded".to_owned(), at)
}

/// Decides what a look for the effect of an attempt means.
pub(super) fn on_finding(mut checkout: Checkout, finding: Finding, at: Circumstances) -> Decision {
    let Some(step) = checkout.in_flight.as_ref().map(|attempt| attempt.step) else {
        return nothing_in_flight(checkout, at);
    };
    match finding {
        Finding::Ended(verdict) => on_verdict(checkout, verdict, at),
        Finding::Absent if checkout.status == Status::Compensating && step != StepName::Cancel => {
            undo_next(checkout, step, at)
        }
        Finding::Absent => {
            let resumable = steps::find(checkout.flow, step).is_resumable();
            // An attempt counts once, and this one did if its effect had to be looked for.
            if checkout.in_flight.as_ref().is_some_and(|attempt| attempt.counted) {
                checkout.tries = checkout.tries.saturating_sub(1);
            }
            if resumable {
                retry(checkout, step, Some(Duration::ZERO), at)
            } else {
                give_up(checkout, step, None, at)
            }
        }
        Finding::StillUnknown { after, failed, settling } => {
            if settling {
                if let Some(attempt) = checkout.in_flight.as_mut() {
                    attempt.settling = true;
                }
            } else {
                mark_unknown(&mut checkout, step, at.now);
            }
            if let Some(attempt) = checkout.in_flight.as_mut() {
                attempt.looks = attempt.looks.saturating_add(1);
            }
            if !failed {
                return defer(checkout, None, after);
            }
            checkout.tries = checkout.tries.saturating_add(1);
            if checkout.tries >= at.limits.max_attempts
                && !steps::find(checkout.flow, step).follows_to_the_end()
            {
                let detail = format!("BigCommerce could not be asked whether {step} took effect");
                return not_found_out(checkout, step, detail, at);
            }
            let after = after.max(backoff(checkout.tries, at));
            defer(checkout, None, after)
        }
    }
}

/// Begins the first attempt of a run that was just accepted or resumed.
pub(super) fn begin(mut checkout: Checkout, now: OffsetDateTime) -> (Checkout, Option<Began>) {
    let Action::Attempt(step) = plan(&checkout) else { return (checkout, None) };
    let attempt = checkout.step_mut(step).map_or(1, |record| {
        record.attempts = record.attempts.saturating_add(1);
        record.status = StepStatus::Running;
        record.attempts
    });
    checkout.facts.may_show_late |= step == StepName::Order && attempt > 1;
    checkout.in_flight = Some(InFlight {
        step,
        attempt,
        fence: checkout.fence,
        started_at: now,
        unknown_since: None,
        settling: false,
        looks: 0,
        checkpoint: None,
        counted: false,
        doubted: None,
    });
    (checkout, Some(Began { step, attempt }))
}

/// Goes on to the next step, or rests when there is nothing more to do without the shopper.
pub(super) fn go_on(checkout: Checkout, outcome: Option<Outcome>, at: Circumstances) -> Decision {
    go_on_after(checkout, outcome, at, Duration::ZERO)
}

fn go_on_after(checkout: Checkout, outcome: Option<Outcome>, at: Circumstances, pause: Duration) -> Decision {
    let mut checkout = checkout;
    schedule_payment_check(&mut checkout);
    let reached = checkout.goal.as_ref().is_none_or(|goal| goal_reached(&checkout, goal.until));
    let (checkout, began) = begin(checkout, at.now);
    if began.is_some() {
        return Decision { outcome, began, pause, ..Decision::new(checkout, Event::Advanced, Hold::Lease) };
    }
    let answer = if reached { Answer::Done } else { Answer::OutOfOrder };
    let mut decision = rest(checkout, StepName::Cancel, Outcome::Succeeded, answer, at);
    decision.outcome = outcome;
    decision
}

/// A run for the early steps goes as far as the input allows; an order or a payment has to be reached.
fn goal_reached(checkout: &Checkout, until: StepName) -> bool {
    checkout.is_done(until) || !steps::find(checkout.flow, until).must_be_reached()
}

fn finish(mut checkout: Checkout, event: Event, outcome: Outcome, answer: Answer, hold: Hold) -> Decision {
    checkout.in_flight = None;
    if checkout.input.edit.is_some() || checkout.input.check_hosted_payment {
        (checkout.input.edit, checkout.input.check_hosted_payment) = (None, false);
    }
    keep_standing(&mut checkout);
    checkout.tries = 0;
    note_answer(&mut checkout, &answer);
    Decision { outcome: Some(outcome), answer: Some(answer), ..Decision::new(checkout, event, hold) }
}

fn rest(checkout: Checkout, step: StepName, outcome: Outcome, answer: Answer, at: Circumstances) -> Decision {
    let answer = told(&checkout, answer);
    if checkout.status == Status::Compensating {
        // What is being undone has no way back to the shopper. What was in flight before has ended without effect, so
        // the undoing may go on; only when the undoing itself was refused is a person needed.
        if step != StepName::Cancel {
            return go_on(checkout, Some(outcome), at);
        }
        let detail = format!("the undoing was answered with {answer:?}");
        return stall(checkout, StuckReason::UndoFailed, detail, at);
    }
    let hold = rest_until(&checkout, at);
    finish(checkout, Event::Rested, outcome, answer, hold)
}

/// What may be paid elsewhere is looked at again; what nobody asked for does not put off the day on which it expires.
fn rest_until(checkout: &Checkout, at: Circumstances) -> Hold {
    let Some(hand_off) = checkout.facts.hand_off else { return Hold::Rest(at.limits.ttl) };
    let after = hand_off.next_look(at.now, at.limits.look);
    let asked = checkout.goal.as_ref().is_some_and(|goal| goal.operation != LOOK);
    Hold::Look { after, expires: asked.then_some(at.limits.ttl) }
}

fn give_up(mut checkout: Checkout, step: StepName, after: Option<Duration>, at: Circumstances) -> Decision {
    end(&mut checkout, step, StepStatus::Pending, at.now);
    checkout.facts.forget_processing();
    let retry_after = after.unwrap_or_default().as_secs().clamp(1, 3600);
    rest(checkout, step, Outcome::Retry, Answer::Unavailable { retry_after }, at)
}

/// What became of an attempt cannot be found out. A person is needed only for what orders, charges or undoes: everything before
/// is begun anew by the next call, on what BigCommerce shows then, which is read before it is ordered.
fn not_found_out(mut checkout: Checkout, step: StepName, detail: String, at: Circumstances) -> Decision {
    if let Some(reason) = steps::find(checkout.flow, step).unknown_reason() {
        return stall(checkout, reason, detail, at);
    }
    if checkout.status == Status::Compensating {
        return undo_next(checkout, step, at);
    }
    checkout.facts.document_at = None;
    // What is there is not known, so that it is not shown as done.
    checkout.input.revising.retain(|name| *name != step);
    let after = backoff(checkout.tries, at);
    give_up(checkout, step, Some(after), at)
}

/// Certainly no effect: try again, unless that was done often enough.
fn retry(mut checkout: Checkout, step: StepName, after: Option<Duration>, at: Circumstances) -> Decision {
    checkout.tries = checkout.tries.saturating_add(1);
    let pause = after.map_or_else(|| backoff(checkout.tries, at), |after| after + jitter(at));
    if checkout.tries >= at.limits.max_attempts {
        if checkout.status == Status::Compensating && is_only_a_cart(&checkout) {
            end(&mut checkout, step, StepStatus::Pending, at.now);
            return defer(checkout, Some(Outcome::Retry), pause);
        }
        if checkout.status == Status::Compensating {
            let detail = format!("undoing failed {} times in a row", checkout.tries);
            return stall(checkout, StuckReason::UndoFailed, detail, at);
        }
        return give_up(checkout, step, Some(pause), at);
    }
    try_later(checkout, step, pause, at)
}

fn try_later(mut checkout: Checkout, step: StepName, pause: Duration, at: Circumstances) -> Decision {
    if !steps::find(checkout.flow, step).is_resumable() && pause > SIT_OUT {
        return give_up(checkout, step, Some(pause), at);
    }
    end(&mut checkout, step, StepStatus::Pending, at.now);
    checkout.facts.forget_processing();
    if pause > SIT_OUT {
        return defer(checkout, Some(Outcome::Retry), pause);
    }
    go_on_after(checkout, Some(Outcome::Retry), at, pause)
}

/// Goes on to look for the effect at once, under the same lease.
fn look_soon(mut checkout: Checkout, outcome: Option<Outcome>, at: Circumstances) -> Decision {
    checkout.tries = checkout.tries.saturating_add(1);
    let Some(attempt) = checkout.in_flight.as_mut() else { return nothing_in_flight(checkout, at) };
    attempt.counted = true;
    let step = attempt.step;
    let found = steps::find(checkout.flow, step);
    if checkout.tries >= at.limits.max_attempts && !found.follows_to_the_end() {
        let detail = format!(
            "{step} was tried {} times and never got an answer that says what happened",
            checkout.tries
        );
        return not_found_out(checkout, step, detail, at);
    }
    let outcome = Some(outcome.unwrap_or(Outcome::Retry));
    let pause = if checkout.tries > 1 { backoff(checkout.tries, at).min(SIT_OUT) } else { Duration::ZERO };
    Decision { outcome, pause, ..Decision::new(checkout, Event::Advanced, Hold::Lease) }
}

fn defer(checkout: Checkout, outcome: Option<Outcome>, after: Duration) -> Decision {
    Decision { outcome, ..Decision::new(checkout, Event::Deferred, Hold::Timer(after)) }
}

pub(super) fn stall(
    mut checkout: Checkout,
    reason: StuckReason,
    detail: String,
    at: Circumstances,
) -> Decision {
    // Without a goal it would be taken for one that is being undone for nobody.
    schedule_payment_check(&mut checkout);
    checkout.stuck = Some(Stuck { reason, detail, since: at.now });
    note_answer_only(&mut checkout, &Answer::Stuck);
    let hold = if reason.may_pass() { Hold::Late(at.limits.late.max(PUT_RIGHT)) } else { Hold::None };
    Decision {
        outcome: Some(Outcome::Unknown),
        answer: Some(Answer::Stuck),
        ..Decision::new(checkout, Event::Stalled, hold)
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
