//! What an operator's decision makes of a checkout. Pure: whether it is allowed is decided in `ops`, and what
//! BigCommerce says about it is asked there.
//!
//! Guarantees: an attempt that may have had an effect stays in flight and is looked for (guarantee 3), unless its effect
//! is what the operator asserts and BigCommerce does not contradict.

use std::time::Duration;

use time::OffsetDateTime;

use super::steps::{self, Checkpoint};
use crate::bigcommerce::orders::Order;
use crate::checkout::{
    Answer, Answered, Checkout, Decline, Event, Goal, Illegal, InFlight, OrderFacts, PaymentFacts,
    PaymentStatus, Status, StepName, StepStatus, Stuck, StuckReason,
};
use crate::db::{Binding, Hold, Transition};

/// What is kept of an order that an operator named.
pub fn order_facts(order: &Order, verified: bool) -> OrderFacts {
    steps::order_facts(order, verified)
}

/// Whether the checkout is being undone, or is stuck on the way.
pub fn is_undoing(checkout: &Checkout) -> bool {
    let asked = checkout.goal.as_ref().is_some_and(|goal| goal.until == StepName::Cancel);
    let begun = checkout.in_flight.as_ref().is_some_and(|attempt| attempt.step == StepName::Cancel);
    checkout.is_being_undone() || asked || begun
}

/// Whether a payment may have been sent whose outcome is not known. A refusal by the configuration of the gateway
/// (30000 to 30002) is certain: nothing was charged.
pub fn payment_in_doubt(checkout: &Checkout) -> bool {
    let reason = checkout.stuck.as_ref().map(|stuck| stuck.reason);
    if reason == Some(StuckReason::PaymentConfiguration) {
        return false;
    }
    let sent = checkout
        .in_flight
        .as_ref()
        .is_some_and(|attempt| attempt.step == StepName::Payment && attempt.checkpoint.is_some());
    sent || checkout.payment_in_doubt()
        || matches!(reason, Some(StuckReason::PaymentUnknown | StuckReason::PaymentPendingTooLong))
}

/// When the access token of the payment in flight can no longer be used, where one was made.
pub fn token_expires_at(checkout: &Checkout) -> Option<OffsetDateTime> {
    let attempt = checkout.in_flight.as_ref().filter(|attempt| attempt.step == StepName::Payment)?;
    // One that cannot be read is given the longest life that a token has.
    let checkpoint = serde_json::from_value(attempt.checkpoint.clone()?).unwrap_or(Checkpoint::UNREADABLE);
    Some(checkpoint.expires_at(attempt.started_at))
}

/// Tries again now. The attempt in flight stays and is looked for first. What was being undone is undone further.
pub fn restarted(from: &Checkout, now: OffsetDateTime) -> Result<Transition, Illegal> {
    let undoing = from.status == Status::Stuck && is_undoing(from);
    let event = if undoing { Event::CancelRequested } else { Event::Restarted };
    let transition = Transition::new(from, event, Hold::Timer(Duration::ZERO), |checkout| {
        let not_charged =
            from.stuck.as_ref().is_some_and(|stuck| stuck.reason == StuckReason::PaymentConfiguration);
        checkout.stuck = None;
        checkout.tries = 0;
        if let Some(attempt) = checkout.in_flight.as_mut() {
            attempt.looks = 0;
            if attempt.settling {
                // A new period of patience: a payment that is accepted is followed, never repeated.
                attempt.started_at = now;
            }
            if not_charged {
                attempt.checkpoint = None;
            }
        } else if from.was_paid() && !undoing {
            // It was completed, and more is held than was known: what is held is looked at as for a payment that settles.
            let attempt = from.step(StepName::Payment).map_or(1, |step| step.attempts);
            checkout.input.check_hosted_payment = false;
            checkout.in_flight = Some(InFlight {
                step: StepName::Payment,
                attempt,
                fence: from.fence,
                started_at: now,
                unknown_since: None,
                settling: true,
                looks: 0,
                checkpoint: None,
                counted: false,
                doubted: None,
            });
        }
    })?;
    Ok(transition.bind(asked_again(from, undoing)))
}

/// What was answered "stuck" goes on: until it has ended, its key has no answer. What is being undone does not go on.
fn asked_again(from: &Checkout, undoing: bool) -> Option<Binding> {
    let goal = from.goal.as_ref().filter(|_| from.status == Status::Stuck && !undoing)?;
    // The key was bound by the request, whose fingerprint stays as it is.
    let (operation, fingerprint) = (goal.operation.clone(), [0; 32]);
    Some(Binding { key: goal.key.clone()?, operation, fingerprint, again: true })
}

/// Leaves it alone until it is resumed.
pub fn paused(from: &Checkout, detail: String, now: OffsetDateTime) -> Result<Transition, Illegal> {
    Transition::new(from, Event::Paused, Hold::None, |checkout| {
        checkout.stuck = Some(Stuck { reason: StuckReason::Paused, detail, since: now });
    })
}

/// Undoes what was done. What may have had an effect is looked for first, so that the undoing knows of it.
pub fn cancelled(from: &Checkout) -> Result<Transition, Illegal> {
    let earlier = from.goal.clone();
    let transition =
        Transition::new(from, Event::CancelRequested, Hold::Timer(Duration::ZERO), |checkout| {
            let taken = from.stuck.as_ref().is_some_and(|stuck| stuck.reason == StuckReason::OrderTaken);
            checkout.stuck = None;
            checkout.tries = 0;
            let over = checkout.in_flight.as_ref().is_some_and(|attempt| {
                // A payment gets here only when it was certainly not sent; and an order that belongs to another checkout
                // would be found again and again.
                attempt.step == StepName::Payment || (taken && attempt.step == StepName::Order)
            });
            if over {
                let step = checkout.in_flight.take().map(|attempt| attempt.step);
                reopen(checkout, step);
            }
            checkout.facts.forget_processing();
            if let Some(goal) = &earlier {
                checkout.answered = Some(Answered::of(goal, Answer::Closed, None));
            }
            checkout.goal = Some(Goal {
                operation: "cancel".to_owned(),
                until: StepName::Cancel,
                key: None,
                agreed_total: None,
                payer: None,
                goal_version: from.version + 1,
            });
        })?;
    // Also the key that was told "stuck": what it asked for will not be done any more.
    let told = earlier.filter(|goal| goal.until != StepName::Cancel).and_then(|goal| goal.key);
    Ok(transition.answer(told.map(|key| (key, Answer::Closed))))
}

/// Takes this order over and goes on with it. `instead_of`: the order that it replaces, which was not paid.
pub fn order_adopted(
    from: &Checkout,
    order: OrderFacts,
    instead_of: Option<i64>,
) -> Result<Transition, Illegal> {
    let undoing = is_undoing(from);
    let event = if undoing { Event::CancelRequested } else { Event::Restarted };
    let transition = Transition::new(from, event, Hold::Timer(Duration::ZERO), |checkout| {
        take_order(checkout, order, instead_of);
        checkout.stuck = None;
        checkout.tries = 0;
        let step = checkout.in_flight.take().map(|attempt| attempt.step);
        reopen(checkout, step);
        reopen(checkout, Some(StepName::Order));
    })?;
    Ok(transition.bind(asked_again(from, undoing)))
}

/// No order was made: the step may be done again.
pub fn order_denied(from: &Checkout) -> Result<Transition, Illegal> {
    let undoing = is_undoing(from);
    let event = if undoing { Event::CancelRequested } else { Event::Restarted };
    let transition = Transition::new(from, event, Hold::Timer(Duration::ZERO), |checkout| {
        checkout.stuck = None;
        checkout.tries = 0;
        let step = checkout.in_flight.take().map(|attempt| attempt.step);
        reopen(checkout, step);
    })?;
    Ok(transition.bind(asked_again(from, undoing)))
}

/// The order was paid: the checkout is completed with that payment, and looked at once more after `late`, as after any other
/// end that may show something late.
pub fn charged(
    from: &Checkout,
    order: OrderFacts,
    instead_of: Option<i64>,
    (kind, transaction_id): (&str, Option<String>),
    (late, now): (Duration, OffsetDateTime),
) -> Result<Transition, Illegal> {
    let key = from.goal.as_ref().and_then(|goal| goal.key.clone());
    let undoing = is_undoing(from);
    let may_show = from.facts.is_looked_at_late() || instead_of.is_some();
    let hold = if may_show { Hold::Late(late) } else { Hold::None };
    let transition = Transition::new(from, Event::Paid, hold, |checkout| {
        let payment = payment_of(checkout, &order);
        checkout.facts.payment = Some(PaymentFacts {
            status: PaymentStatus::Succeeded,
            transaction_id: transaction_id.or(payment.transaction_id),
            transaction_type: Some(kind.to_owned()),
            decline: None,
            ..payment
        });
        take_order(checkout, OrderFacts { verified: true, ..order }, instead_of);
        checkout.facts.held = None;
        for step in [StepName::Order, StepName::Payment] {
            finish(checkout, step, StepStatus::Succeeded, now);
        }
        close(checkout, &Answer::Done);
    })?;
    // Whoever asked for it to be undone is told by the status; whoever paid gets the answer to the payment.
    Ok(transition.answer(key.filter(|_| !undoing).map(|key| (key, Answer::Done))))
}

/// Nothing was charged: it is safe to pay again. `dead`: the order can no longer be paid, and a new one is needed. `given_back`:
/// so were the parts that were paid before.
pub fn not_charged(
    from: &Checkout,
    order: OrderFacts,
    (dead, given_back): (bool, bool),
    rest: Duration,
    now: OffsetDateTime,
) -> Result<Transition, Illegal> {
    let key = from.goal.as_ref().and_then(|goal| goal.key.clone());
    let decline = decline_of(from);
    let answer = Answer::Declined(decline.clone());
    let told = answer.clone();
    let transition = Transition::new(from, Event::Resolved, Hold::Rest(rest), |checkout| {
        let payment = payment_of(checkout, &order);
        checkout.facts.payment = Some(PaymentFacts {
            status: PaymentStatus::Declined,
            transaction_id: None,
            transaction_type: None,
            decline: Some(decline),
            ..payment
        });
        if given_back {
            checkout.facts.parts.clear();
        }
        finish(checkout, StepName::Payment, StepStatus::Rejected, now);
        if dead {
            checkout.facts.order = None;
            checkout.facts.abandoned_orders.push(order.id);
            reopen(checkout, Some(StepName::Order));
            reopen(checkout, Some(StepName::Payment));
        } else {
            checkout.facts.order = Some(order);
        }
        close(checkout, &answer);
    })?;
    Ok(transition.answer(key.map(|key| (key, told))))
}

/// What was paid was given back: the checkout is cancelled. `payment_status` is BigCommerce's, as far as it is known.
pub fn refunded(from: &Checkout, payment_status: &str) -> Result<Transition, Illegal> {
    Transition::new(from, Event::Refunded, Hold::None, |checkout| {
        if let Some(order) = checkout.facts.order.as_mut() {
            payment_status.clone_into(&mut order.payment_status);
        }
        checkout.facts.parts.clear();
        checkout.facts.held = None;
        if let Some(payment) = checkout.facts.payment.as_mut() {
            payment.status = PaymentStatus::GivenBack;
        }
    })
}

fn decline_of(from: &Checkout) -> Decline {
    let known = from.facts.payment.as_ref().and_then(|payment| payment.decline.clone());
    known.unwrap_or_else(|| Decline { code: None, title: "The payment was not made".to_owned() })
}

fn take_order(checkout: &mut Checkout, order: OrderFacts, instead_of: Option<i64>) {
    checkout.facts.abandoned_orders.extend(instead_of);
    checkout.facts.abandoned_orders.retain(|dead| *dead != order.id);
    checkout.facts.order = Some(order);
}

/// The payment that was in flight, or one that was made elsewhere.
fn payment_of(checkout: &Checkout, order: &OrderFacts) -> PaymentFacts {
    checkout.facts.payment.clone().unwrap_or_else(|| PaymentFacts {
        status: PaymentStatus::Unknown,
        transaction_id: None,
        transaction_type: None,
        amount: order.total,
        currency: order.currency.clone(),
        payment_method_id: String::new(),
        instrument_type: String::new(),
        last_4: None,
        decline: None,
    })
}

fn reopen(checkout: &mut Checkout, step: Option<StepName>) {
    if let Some(record) = step.and_then(|step| checkout.step_mut(step)) {
        record.status = StepStatus::Pending;
    }
}

fn finish(checkout: &mut Checkout, step: StepName, status: StepStatus, now: OffsetDateTime) {
    if let Some(record) = checkout.step_mut(step) {
        record.status = status;
        record.finished_at = Some(now);
    }
}

/// Nothing is wanted and nothing is in flight any more.
fn close(checkout: &mut Checkout, answer: &Answer) {
    checkout.stuck = None;
    checkout.tries = 0;
    checkout.in_flight = None;
    checkout.input.edit = None;
    if let Some(goal) = checkout.goal.take() {
        checkout.answered = Some(Answered::of(&goal, answer.clone(), None));
    }
}
