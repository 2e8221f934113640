//! What an outcome leaves behind in the record: the marks on its steps, its attempt and its payment. Pure.

use time::OffsetDateTime;

use crate::checkout::{Checkout, PaymentStatus, StepName, StepStatus};

pub(super) fn end(checkout: &mut Checkout, step: StepName, status: StepStatus, now: OffsetDateTime) {
    checkout.in_flight = None;
    if let Some(record) = checkout.step_mut(step) {
        record.status = status;
        record.finished_at = Some(now);
    }
}

pub(super) fn reopen(checkout: &mut Checkout, step: StepName) {
    if let Some(record) = checkout.step_mut(step) {
        record.status = StepStatus::Pending;
    }
}

pub(super) fn mark_unknown(checkout: &mut Checkout, step: StepName, now: OffsetDateTime) {
    if let Some(attempt) = checkout.in_flight.as_mut() {
        attempt.unknown_since.get_or_insert(now);
    }
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

/// A payment that was certainly not sent was never made.
pub(super) fn forget_processing(checkout: &mut Checkout) {
    if checkout.facts.payment.as_ref().is_some_and(|payment| payment.status == PaymentStatus::Processing) {
        checkout.facts.payment = None;
    }
}

/// The steps that BigCommerce's checkout object shows as not done, or as not needed.
pub(super) fn follow_document(checkout: &mut Checkout) {
    let Some(document) = &checkout.facts.document else { return };
    if checkout.facts.order.is_some() {
        return;
    }
    let ships = !document.shipped_items().is_empty();
    let covered = document.is_covered() && !document.consignments().is_empty();
    let selected = covered && document.options_selected();
    for (step, done) in [(StepName::Consignments, covered), (StepName::ShippingOptions, selected)] {
        let Some(record) = checkout.step_mut(step) else { continue };
        record.status = match (ships, done, record.status) {
            (false, _, _) => StepStatus::Skipped,
            (true, _, StepStatus::Skipped) | (true, false, StepStatus::Succeeded) => StepStatus::Pending,
            (true, _, status) => status,
        };
    }
}
