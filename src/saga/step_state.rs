//! What an outcome leaves behind in the record: the state of its steps, its attempt and its payment. Pure.

use time::OffsetDateTime;

use super::step::Shown;
use super::steps;
use crate::checkout::{
    Answer, Answered, Checkout, Flow, Goal, PaymentStatus, Status, StepName, StepStatus, Stuck, StuckReason,
};

/// What a look that nobody asked for is called.
pub(super) const LOOK: &str = "look";

/// A person is needed for what a look found out that nobody asked for. It is not undone: a restart looks again.
pub(super) fn stuck(checkout: &mut Checkout, reason: StuckReason, detail: String, now: OffsetDateTime) {
    checkout.stuck = Some(Stuck { reason, detail, since: now });
    if checkout.goal.is_none() && reason != StuckReason::CancelFoundPaid {
        checkout.goal = Some(look(checkout));
        checkout.input.check_hosted_payment = checkout.flow == Flow::Cart;
    }
}

fn look(checkout: &Checkout) -> Goal {
    let (until, goal_version) = (StepName::HandOff, checkout.version);
    Goal { operation: LOOK.to_owned(), until, key: None, agreed_total: None, payer: None, goal_version }
}

/// Whether a checkout that runs is only looked at, and nobody asked for it.
pub(super) fn is_look(checkout: &Checkout) -> bool {
    checkout.goal.as_ref().is_none_or(|goal| goal.operation == LOOK)
}

/// A checkout that was woken from its rest is to look whether it was paid elsewhere.
pub(super) fn schedule_payment_check(checkout: &mut Checkout) {
    let idle = checkout.goal.is_none() && checkout.in_flight.is_none();
    if checkout.status == Status::Running && idle && checkout.flow == Flow::Cart {
        checkout.goal = Some(look(checkout));
        checkout.input.check_hosted_payment = true;
    }
}

pub(super) fn end(checkout: &mut Checkout, step: StepName, status: StepStatus, now: OffsetDateTime) {
    checkout.in_flight = None;
    if let Some(record) = checkout.step_mut(step) {
        record.status = status;
        record.finished_at = Some(now);
    }
    if step == StepName::Payment && checkout.facts.order.is_none() {
        // What was to be paid is over: the next payment needs a new order.
        reopen(checkout, StepName::Order);
    }
}

pub(super) fn reopen(checkout: &mut Checkout, step: StepName) {
    if let Some(record) = checkout.step_mut(step) {
        record.status = StepStatus::Pending;
    }
}

/// The order is paid. What another page did for the shopper is not needed here any more.
pub(super) fn paid(checkout: &mut Checkout, now: OffsetDateTime) {
    for record in &mut checkout.steps {
        if matches!(record.status, StepStatus::Succeeded | StepStatus::Skipped) {
            continue;
        }
        let placed = matches!(record.name, StepName::Order | StepName::Payment);
        record.status = if placed { StepStatus::Succeeded } else { StepStatus::Skipped };
        record.finished_at = Some(now);
    }
}

/// After a look elsewhere: an order that was made there, and of which a part is paid, leaves the rest to be paid; one that was
/// given up is made again.
pub(super) fn follow_order(checkout: &mut Checkout, step: StepName, now: OffsetDateTime) {
    if step != StepName::HandOff {
        return;
    }
    if checkout.facts.order.is_none() {
        if checkout.is_done(StepName::Order) {
            reopen(checkout, StepName::Order);
            reopen(checkout, StepName::Payment);
        }
        return;
    }
    for record in checkout.steps.iter_mut().take_while(|record| record.name != StepName::Payment) {
        if !matches!(record.status, StepStatus::Succeeded | StepStatus::Skipped) {
            let made = record.name == StepName::Order;
            record.status = if made { StepStatus::Succeeded } else { StepStatus::Skipped };
            record.finished_at = Some(now);
        }
    }
}

pub(super) fn mark_unknown(checkout: &mut Checkout, step: StepName, now: OffsetDateTime) {
    if let Some(attempt) = checkout.in_flight.as_mut() {
        attempt.unknown_since.get_or_insert(now);
    }
    checkout.facts.may_show_late |= matches!(step, StepName::Order | StepName::Payment);
    if let Some(record) = checkout.step_mut(step) {
        record.status = StepStatus::Unknown;
    }
    if let Some(payment) = checkout.facts.payment.as_mut()
        && payment.status == PaymentStatus::Processing
        && checkout.in_flight.as_ref().is_some_and(|attempt| attempt.checkpoint.is_some())
    {
        payment.status = PaymentStatus::Unknown;
    }
}

/// A revision that came to nothing costs nothing: a step that was done before counts as done as long as BigCommerce
/// holds what it did, and what was given in its place is forgotten.
pub(super) fn keep_standing(checkout: &mut Checkout) {
    // An order that was to be taken back, and was not, stands with all that it was made of.
    let stands = checkout.facts.order.as_ref().is_some_and(|order| order.verified);
    for name in std::mem::take(&mut checkout.input.revising) {
        if checkout.is_done(name) || (checkout.facts.order.is_some() && !stands) {
            continue;
        }
        let step = steps::find(checkout.flow, name);
        if !stands && !matches!(step.shown(checkout), Shown::Done | Shown::BroughtAlong) {
            continue;
        }
        step.forget(&mut checkout.input);
        if let Some(record) = checkout.step_mut(name) {
            record.status = StepStatus::Succeeded;
        }
    }
}

/// Nothing was ordered, here or elsewhere: what is left to undo is a cart that nobody else knows, which waits for BigCommerce and
/// for no person.
pub(super) fn is_only_a_cart(checkout: &Checkout) -> bool {
    let facts = &checkout.facts;
    let is_ours_alone = facts.hand_off.is_none() && facts.cart_gone_since.is_none();
    is_ours_alone && facts.order.is_none() && facts.abandoned_orders.is_empty() && facts.parts.is_empty()
}

/// A cart that was emptied is gone, and everything that was done to it: what was given for it is done again to the next one.
fn follow_cart(checkout: &mut Checkout) {
    if checkout.facts.cart_id.is_none() && checkout.is_done(StepName::Cart) {
        for record in &mut checkout.steps {
            record.status = StepStatus::Pending;
        }
    }
}

/// The steps that BigCommerce's checkout object shows as not done, or as not needed.
pub(super) fn follow_document(checkout: &mut Checkout) {
    follow_cart(checkout);
    if checkout.facts.document.is_none() || checkout.facts.order.is_some() {
        return;
    }
    for &name in checkout.flow.steps() {
        let shown = steps::find(checkout.flow, name).shown(checkout);
        let Some(record) = checkout.step_mut(name) else { continue };
        record.status = match (shown, record.status) {
            (Shown::NotNeeded, _) => StepStatus::Skipped,
            (Shown::BroughtAlong, StepStatus::Pending) => StepStatus::Succeeded,
            (Shown::NotDone, StepStatus::Succeeded | StepStatus::Skipped) => StepStatus::Pending,
            (_, status) => status,
        };
    }
}

/// The answer to the key of the goal, which is reached or given up with it.
pub(super) fn note_answer(checkout: &mut Checkout, answer: &Answer) {
    note_answer_only(checkout, answer);
    checkout.goal = None;
}

/// The goal stays, so that a restart goes on to it; its key has its answer.
pub(super) fn note_answer_only(checkout: &mut Checkout, answer: &Answer) {
    if let Some(goal) = checkout.goal.as_ref().filter(|goal| goal.operation != LOOK) {
        checkout.answered = Some(Answered::of(goal, answer.clone(), checkout.answered.as_ref()));
    }
}
