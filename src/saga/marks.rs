//! What an outcome leaves behind in the record: the marks on its steps, its attempt and its payment. Pure.

use time::OffsetDateTime;

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
    Goal { operation: LOOK.to_owned(), until, key: None, agreed_total: None, goal_version }
}

/// A checkout that was woken from its rest is to look whether it was paid elsewhere.
pub(super) fn awake(checkout: &mut Checkout) {
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
    if checkout.input.revising.is_empty() {
        return;
    }
    let revised = std::mem::take(&mut checkout.input.revising);
    let Some(document) = checkout.facts.document.clone() else { return };
    let covered = checkout.facts.holds_all_units() && !document.consignments().is_empty();
    for step in revised {
        if checkout.facts.order.is_some() || checkout.is_done(step) {
            continue;
        }
        let stands = match step {
            StepName::BillingAddress => document.billing_address().is_some(),
            StepName::Consignments => covered,
            StepName::ShippingOptions => covered && document.options_selected(),
            _ => false,
        };
        if !stands {
            continue;
        }
        match step {
            StepName::BillingAddress => checkout.input.billing_address = None,
            StepName::Consignments => checkout.input.consignments = None,
            _ => checkout.input.shipping_options = None,
        }
        if let Some(record) = checkout.step_mut(step) {
            record.status = StepStatus::Succeeded;
        }
    }
}

/// What an order needs of its billing address (BigCommerce: checkouts.v3, createOrder).
fn is_complete(address: &serde_json::Map<String, serde_json::Value>) -> bool {
    let filled = |field: &str| {
        address.get(field).and_then(serde_json::Value::as_str).is_some_and(|text| !text.trim().is_empty())
    };
    ["email", "first_name", "last_name", "address1", "city", "country_code"].into_iter().all(filled)
}

/// The steps that BigCommerce's checkout object shows as not done, or as not needed.
pub(super) fn follow_document(checkout: &mut Checkout) {
    let Some(document) = &checkout.facts.document else { return };
    if checkout.facts.order.is_some() {
        return;
    }
    let ships = !document.shipped_items().is_empty();
    let covered = checkout.facts.holds_all_units() && !document.consignments().is_empty();
    let selected = covered && document.options_selected();
    let fetched = selected && document.consignments().iter().all(|consignment| consignment.is_picked_up);
    let addressed = document.billing_address().is_some_and(|address| is_complete(&address));
    let (foreign, input) = (checkout.facts.cart_is_foreign, checkout.input.clone());
    let untouched = |step: StepName| {
        foreign
            && match step {
                StepName::BillingAddress => input.billing_address.is_none(),
                StepName::Consignments => input.consignments.is_none(),
                _ => input.shipping_options.is_none() && input.consignments.is_none(),
            }
    };
    if let Some(record) = checkout.step_mut(StepName::BillingAddress)
        && record.status == StepStatus::Pending
        && addressed
        && untouched(StepName::BillingAddress)
    {
        record.status = StepStatus::Succeeded;
    }
    for (step, done) in [(StepName::Consignments, covered), (StepName::ShippingOptions, selected)] {
        let Some(record) = checkout.step_mut(step) else { continue };
        record.status = match (ships, done, record.status) {
            (false, _, _) => StepStatus::Skipped,
            // A cart that was taken over may bring along what was chosen elsewhere; what is fetched is not sent.
            (true, true, StepStatus::Pending)
                if untouched(step) || (step == StepName::ShippingOptions && fetched) =>
            {
                StepStatus::Succeeded
            }
            (true, _, StepStatus::Skipped) | (true, false, StepStatus::Succeeded) => StepStatus::Pending,
            (true, _, status) => status,
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
        checkout.answered = Some(Answered { goal_version: goal.goal_version, answer: answer.clone() });
    }
}
