//! Checkouts for the tests of the pure rules.

use std::time::Duration;

use serde_json::{Map, json};
use time::OffsetDateTime;

use crate::checkout::{
    Checkout, Flow, Goal, InFlight, Input, PaymentIntent, Status, StepName, StepStatus, Stuck, StuckReason,
};

pub(super) use crate::checkout::sample::{order, payment};

pub(super) const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

/// A checkout on which nothing was done.
pub(super) fn checkout(flow: Flow, status: Status) -> Checkout {
    let begun = Checkout::begin("main".to_owned(), flow, Input::default(), Map::new(), NOW, Duration::ZERO);
    Checkout { version: 7, fence: 3, status, ..begun }
}

/// All steps before this one are done.
pub(super) fn up_to(mut checkout: Checkout, step: StepName) -> Checkout {
    for record in checkout.steps.iter_mut().take_while(|record| record.name != step) {
        record.status = StepStatus::Succeeded;
    }
    if step == StepName::Payment {
        checkout.facts.order = Some(order(100));
    }
    checkout
}

pub(super) fn goal(until: StepName) -> Goal {
    Goal { operation: until.to_string(), until, key: None, agreed_total: None, payer: None, goal_version: 7 }
}

pub(super) fn in_flight(step: StepName) -> InFlight {
    InFlight {
        step,
        attempt: 1,
        fence: 3,
        started_at: NOW,
        unknown_since: None,
        settling: false,
        looks: 0,
        checkpoint: None,
        counted: false,
        doubted: None,
    }
}

pub(super) fn intent() -> PaymentIntent {
    PaymentIntent {
        payment_method_id: "stripe.card".to_owned(),
        instrument_type: "card".to_owned(),
        last_4: None,
        save_instrument: false,
        amount: None,
    }
}

pub(super) fn stuck(reason: StuckReason) -> Stuck {
    Stuck { reason, detail: String::new(), since: NOW }
}

/// Everything that the steps of both flows need.
pub(super) fn all_input() -> Input {
    let object = json!({}).as_object().cloned().unwrap_or_default();
    Input {
        cart: Some(object.clone()),
        billing_address: Some(object.clone()),
        consignments: Some(Vec::new()),
        shipping_options: Some(Vec::new()),
        direct_order: Some(object),
        payment: Some(intent()),
        ..Input::default()
    }
}
