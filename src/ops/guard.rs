//! The rules that refuse an action, decided on what is stored. Pure.
//!
//! Guarantees: nothing that could charge twice passes. A payment that may have been made is never skipped, whatever the action:
//! it is reconciled, or a finding about it is checked with BigCommerce.

use crate::checkout::{PaymentStatus, Status, StuckReason};
use crate::db::LockedCheckout;
use crate::saga::operate;

use super::action::{Action, Assertion};

/// Why an action is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// Its name, for programs.
    pub name: &'static str,
    /// Why, and what can be done instead, for people.
    pub detail: String,
}

impl Guard {
    pub(super) fn new(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, detail: detail.into() }
    }
}

/// Whether this may be done to this checkout, as far as that is known without asking BigCommerce.
pub(super) fn guard(action: &Action, held: &LockedCheckout) -> Result<(), Guard> {
    let status = held.checkout.status;
    if matches!(action, Action::Close { .. }) {
        return Err(Guard::new(
            "readable",
            "the record can be read: cancel the checkout instead of closing it",
        ));
    }
    if matches!(action, Action::RevokeTokens) {
        // It changes nothing of the checkout, so it waits for nothing.
        return Ok(());
    }
    match action {
        // What is left to be given back only BigCommerce knows.
        Action::Cancel { refund: true } if status == Status::Completed => return Ok(()),
        Action::Cancel { refund: false } if status == Status::Completed => return Err(paid(held)),
        _ if status.is_final() => {
            return Err(Guard::new(
                "ended",
                format!("the checkout is {status}, which is final: it can no longer be changed"),
            ));
        }
        _ => {}
    }
    if status == Status::Running || held.leased {
        return Err(Guard::new(
            "running",
            "a process is working on it right now; try again in a few seconds",
        ));
    }
    match action {
        Action::Restart => restart(held),
        Action::Resume => resume(held),
        Action::Pause => pause(held),
        Action::Cancel { .. } => cancel(held),
        Action::Resolve(finding) => resolve(finding, held),
        Action::RevokeTokens | Action::Close { .. } => Ok(()),
    }
}

fn paid(held: &LockedCheckout) -> Guard {
    let order = held.checkout.facts.order.as_ref().map(|order| order.id.to_string()).unwrap_or_default();
    Guard::new(
        "paid",
        format!("order {order} is paid: to cancel, refund it, which needs refund: true and the role money"),
    )
}

fn restart(held: &LockedCheckout) -> Result<(), Guard> {
    match held.checkout.status {
        Status::Stuck | Status::Waiting | Status::Compensating => Ok(()),
        status => Err(Guard::new(
            "nothing-to-restart",
            format!("the checkout is {status}: it waits for the shopper, and there is nothing to retry"),
        )),
    }
}

fn resume(held: &LockedCheckout) -> Result<(), Guard> {
    match held.checkout.stuck.as_ref().map(|stuck| stuck.reason) {
        Some(StuckReason::Paused) => Ok(()),
        Some(reason) => Err(Guard::new(
            "not-paused",
            format!("the checkout is stuck for another reason ({reason}): restart it instead"),
        )),
        None => Err(Guard::new("not-paused", "the checkout is not paused")),
    }
}

fn pause(held: &LockedCheckout) -> Result<(), Guard> {
    match held.checkout.status {
        Status::AwaitingInput | Status::Waiting => Ok(()),
        Status::Stuck => {
            Err(Guard::new("at-rest", "the checkout is already stuck: nothing happens to it automatically"))
        }
        _ => Err(Guard::new("undoing", "the checkout is being canceled and cannot be paused halfway")),
    }
}

fn cancel(held: &LockedCheckout) -> Result<(), Guard> {
    let checkout = &held.checkout;
    if checkout.status == Status::Compensating {
        return Err(Guard::new("undoing", "the checkout is already being canceled; restart it to retry now"));
    }
    if operate::payment_in_doubt(checkout) {
        return Err(Guard::new(
            "payment-in-doubt",
            "the shopper may have been charged: find out first (restart checks again, resolve records your finding), because \
             a paid order must not be canceled",
        ));
    }
    let reason = checkout.stuck.as_ref().map(|stuck| stuck.reason);
    if reason == Some(StuckReason::PaidTwice) {
        return Err(Guard::new(
            "paid-twice",
            "more was paid than the order costs: refund the excess first and restart; the completed \
                checkout can then be canceled with a refund",
        ));
    }
    if reason == Some(StuckReason::SurplusOrderPaid) {
        return Err(Guard::new(
            "surplus-order-paid",
            "another order of this cart is paid or is being paid: resolve with its order id, or refund it first and \
             restart",
        ));
    }
    if checkout.facts.payment.as_ref().is_some_and(|payment| payment.status == PaymentStatus::Succeeded) {
        return Err(paid(held));
    }
    Ok(())
}

fn resolve(finding: &Assertion, held: &LockedCheckout) -> Result<(), Guard> {
    let checkout = &held.checkout;
    if checkout.status != Status::Stuck {
        return Err(Guard::new(
            "not-stuck",
            "only a stuck checkout can be resolved: recovery may still find out on its own. Restart it to check now, or pause \
             it first to take over",
        ));
    }
    match finding {
        Assertion::Order(_) | Assertion::NoOrder if operate::payment_in_doubt(checkout) => Err(Guard::new(
            "payment-in-doubt",
            "a payment of the known order may have been made: a finding about the payment (charged or not_charged) comes \
             first",
        )),
        Assertion::NoOrder => match &checkout.facts.order {
            Some(order) => Err(Guard::new(
                "order-known",
                format!("order {} is known to belong to this checkout", order.id),
            )),
            None => Ok(()),
        },
        Assertion::Charged(_) | Assertion::NotCharged if checkout.facts.order.is_none() => Err(Guard::new(
            "no-order",
            "no order is known, so nothing can have been charged through this checkout; find the order first \
             (order_id or no_order)",
        )),
        Assertion::Order(_) | Assertion::Charged(_) => Ok(()),
        Assertion::NotCharged => not_charged(held),
    }
}

fn not_charged(held: &LockedCheckout) -> Result<(), Guard> {
    let checkout = &held.checkout;
    if operate::is_undoing(checkout) {
        return Err(Guard::new(
            "undoing",
            "the checkout was being canceled: restart it, and the cancellation checks the order again",
        ));
    }
    match operate::token_expires_at(checkout) {
        Some(at) if at > held.now => Err(Guard::new(
            "token-alive",
            format!(
                "the access token of the payment is valid until {}: until then the payment may still arrive",
                at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
            ),
        )),
        _ => Ok(()),
    }
}
