//! What comes next, decided on a snapshot. Pure.

use super::steps;
use crate::checkout::{Checkout, Status, StepName};

/// What a run does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Find out what became of the attempt in flight.
    Look(StepName),
    /// Begin this step.
    Attempt(StepName),
    /// Nothing more without the shopper.
    Rest,
}

/// Decides for a checkout that is held. An attempt in flight always comes first (guarantee 3).
pub(super) fn plan(checkout: &Checkout) -> Action {
    if let Some(attempt) = &checkout.in_flight {
        return Action::Look(attempt.step);
    }
    if checkout.status == Status::Compensating {
        return Action::Attempt(StepName::Cancel);
    }
    let Some(goal) = &checkout.goal else { return Action::Rest };
    if checkout.input.check_hosted_payment && goal.until != StepName::Cancel {
        return Action::Attempt(StepName::HandOff);
    }
    if matches!(goal.until, StepName::Cancel | StepName::HandOff) {
        // What was being undone never runs forward again, and a look does nothing else.
        return Action::Rest;
    }
    if checkout.input.edit.is_some() {
        return Action::Attempt(StepName::CartEdit);
    }
    for record in &checkout.steps {
        if !checkout.is_done(record.name) {
            let ready = steps::find(checkout.flow, record.name).is_ready(checkout);
            return if ready { Action::Attempt(record.name) } else { Action::Rest };
        }
        if record.name == goal.until {
            break;
        }
    }
    Action::Rest
}

/// The first step up to `until` that is not done and has nothing to be done with.
pub(super) fn missing_input(checkout: &Checkout, until: StepName) -> Option<StepName> {
    for record in &checkout.steps {
        if !checkout.is_done(record.name) && !steps::find(checkout.flow, record.name).is_ready(checkout) {
            return Some(record.name);
        }
        if record.name == until {
            break;
        }
    }
    None
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
