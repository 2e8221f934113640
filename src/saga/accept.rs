//! Whether an operation may be done now, decided on a snapshot. Pure.

use super::operation::{Operation, Seen, SubmitError};
use super::step::before_payment;
use super::{plan, steps};
use crate::checkout::{CartEdit, Checkout, Goal, Money, Status, StepName, StepStatus, StuckReason};

/// What an operation does to a checkout that may run it.
pub(super) enum Accepted {
    /// It was done before: the snapshot is the answer.
    Already,
    /// It is to be run: the checkout with the new input and goal, not yet recorded.
    Run(Box<Checkout>),
    /// The checkout is to be undone.
    Cancel,
}

/// Decides on what was read. The decision is recorded only if nothing changed since.
pub(super) fn accept(
    checkout: &Checkout,
    operation: &Operation,
    if_match: Option<Seen>,
) -> Result<Accepted, SubmitError> {
    if let Some(seen) = if_match
        && seen.version != checkout.version
    {
        return Err(SubmitError::VersionMismatch { version: checkout.version });
    }
    if matches!(operation, Operation::Order { .. }) && checkout.is_done(StepName::Order) {
        return Ok(Accepted::Already);
    }
    if matches!(operation, Operation::Cancel)
        && matches!(checkout.status, Status::Compensating | Status::Cancelled)
    {
        return Ok(Accepted::Already);
    }
    at_rest(checkout, operation)?;
    if operation.needs_customer() && checkout.proven_customer().is_none() {
        return Err(SubmitError::CustomerNotProven);
    }
    let agreed_total = agreement(checkout, operation, if_match)?;
    if matches!(operation, Operation::Cancel) {
        return cancel(checkout);
    }
    let mut next = checkout.clone();
    let until = take_input(checkout, &mut next, operation)?;
    next.tries = 0;
    next.goal =
        Some(Goal { operation: String::new(), until, key: None, agreed_total, payer: None, goal_version: 0 });
    Ok(Accepted::Run(Box::new(next)))
}

/// Only a checkout that is at rest takes input.
fn at_rest(checkout: &Checkout, operation: &Operation) -> Result<(), SubmitError> {
    let pays = matches!(operation, Operation::Payment { .. } | Operation::Complete(_) | Operation::HandOff);
    let in_doubt = checkout.payment_in_doubt()
        || checkout.stuck.as_ref().is_some_and(|stuck| stuck.reason == StuckReason::PaymentUnknown);
    match checkout.status {
        Status::Completed | Status::Cancelled | Status::Expired | Status::Compensating => {
            Err(SubmitError::Closed)
        }
        // Also while it is being found out: what to tell the shopper does not change from look to look. When idle nothing should be
        // in doubt; if it ever is, this fails closed.
        Status::Stuck | Status::Waiting | Status::AwaitingInput | Status::Running if pays && in_doubt => {
            Err(SubmitError::PaymentInDoubt)
        }
        Status::Stuck => Err(SubmitError::Stuck),
        Status::Running | Status::Waiting => Err(SubmitError::InProgress),
        Status::AwaitingInput => Ok(()),
    }
}

fn cancel(checkout: &Checkout) -> Result<Accepted, SubmitError> {
    if checkout.payment_in_doubt() { Err(SubmitError::PaymentInDoubt) } else { Ok(Accepted::Cancel) }
}

/// Lets each step take what is meant for it, and says how far to run.
fn take_input(
    checkout: &Checkout,
    next: &mut Checkout,
    operation: &Operation,
) -> Result<StepName, SubmitError> {
    if let Operation::Edit(CartEdit::AddItems(items)) = operation
        && steps::is_given_anew(checkout, &mut next.input, items)
    {
        return Ok(StepName::ShippingOptions);
    }
    let mut taken = false;
    for step in steps::of(checkout.flow) {
        if !step.take(&mut next.input, operation) {
            continue;
        }
        taken = true;
        if !matches!(operation, Operation::Complete(_)) {
            step.accepts(checkout)?;
            if steps::is_before_order(step.name()) {
                reopen_order(checkout, next);
            }
        }
        for &again in step.invalidates() {
            reopen(next, again);
        }
    }
    // It brings what is missing, in any order.
    if let Operation::Complete(complete) = operation {
        if complete.revises() {
            before_payment(checkout)?;
            reopen_order(checkout, next);
        }
        if let Some(missing) = plan::missing_input(next, StepName::Payment) {
            return Err(SubmitError::OutOfOrder { next_step: Some(missing) });
        }
    }
    if taken {
        Ok(operation.until())
    } else {
        Err(SubmitError::OutOfOrder { next_step: checkout.next_step() })
    }
}

/// An unpaid order of what is changed is taken back, and made again.
fn reopen_order(checkout: &Checkout, next: &mut Checkout) {
    if checkout.facts.order.is_some() {
        reopen(next, StepName::Order);
        reopen(next, StepName::Payment);
    }
}

/// The step is to be done again with what was given last.
fn reopen(checkout: &mut Checkout, step: StepName) {
    let Some(record) = checkout.step_mut(step) else { return };
    let before = record.status;
    if before != StepStatus::Skipped {
        record.status = StepStatus::Pending;
    }
    if before == StepStatus::Succeeded && !checkout.input.revising.contains(&step) {
        checkout.input.revising.push(step);
    }
}

/// The most that the shopper agreed to pay. Whoever pays says so, by the amount or by the one version whose total was
/// seen; what has been shown since to another tab, or by a person in the control panel, is nothing that he agreed to.
fn agreement(
    checkout: &Checkout,
    operation: &Operation,
    if_match: Option<Seen>,
) -> Result<Option<Money>, SubmitError> {
    let named = match operation {
        // Nothing is charged yet. What is ordered is not more than what was shown last, where that is a whole total.
        Operation::Order { agreed_total } => return Ok(agreed_total.or_else(|| implied_total(checkout))),
        Operation::Payment { agreed_total, .. } => *agreed_total,
        Operation::Complete(complete) => complete.agreed_total,
        _ => return Ok(None),
    };
    let seen = || if_match.filter(|seen| seen.alone).and_then(|_| checkout.shown_total());
    named.or_else(seen).map(Some).ok_or(SubmitError::AgreementRequired)
}

/// A shopper who orders without naming a total agrees to the one that was shown last, once everything that makes up a
/// total is chosen.
fn implied_total(checkout: &Checkout) -> Option<Money> {
    let shown = checkout.is_done(StepName::ShippingOptions) || checkout.facts.order.is_some();
    shown.then(|| checkout.shown_total()).flatten()
}

#[cfg(test)]
#[path = "accept_tests.rs"]
mod tests;
