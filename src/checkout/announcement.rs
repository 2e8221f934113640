//! Which changes of a checkout are published as an event, and what the event contains. Pure.
//!
//! Guarantees: an event names ids, statuses, reasons and amounts only. Never: an address, a name, an email address, the
//! shopper's or the storefront's own words, a secret.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::status::words;
use super::{Checkout, Money, OrderFacts, PaymentFacts, PaymentStatus, Status, Stuck};

words! {
    /// The type of an outgoing event.
    Announcement {
        /// BigCommerce's order exists (Incomplete, not paid).
        OrderCreated = "order.created",
        /// The payment was accepted and is settling: not paid yet, never to be charged again.
        PaymentPending = "payment.pending",
        /// The shopper may have been charged; the service is finding out.
        PaymentUnknown = "payment.unknown",
        /// Certainly not charged.
        PaymentDeclined = "payment.declined",
        /// Paid (or authorized).
        CheckoutCompleted = "checkout.completed",
        /// Undone on request.
        CheckoutCancelled = "checkout.cancelled",
        /// Undone because it was abandoned.
        CheckoutExpired = "checkout.expired",
        /// Manual review is needed.
        CheckoutStuck = "checkout.stuck",
        /// It is no longer stuck: a person had it tried again, or undone.
        CheckoutRestarted = "checkout.restarted",
    }
}

/// What is new to the world between two versions of a checkout, in the order in which it is told.
pub fn announcements(before: &Checkout, after: &Checkout) -> Vec<Announcement> {
    let order = |checkout: &Checkout| checkout.facts.order.as_ref().map(|order| order.id);
    let payment = |checkout: &Checkout| checkout.facts.payment.as_ref().map(|payment| payment.status);
    let mut news = Vec::new();
    if order(after).is_some() && order(after) != order(before) {
        news.push(Announcement::OrderCreated);
    }
    if payment(after) != payment(before) {
        news.extend(match payment(after) {
            Some(PaymentStatus::Pending) => Some(Announcement::PaymentPending),
            Some(PaymentStatus::Unknown) => Some(Announcement::PaymentUnknown),
            Some(PaymentStatus::Declined) => Some(Announcement::PaymentDeclined),
            // A payment that was made completes its checkout.
            Some(
                PaymentStatus::Processing
                | PaymentStatus::Succeeded
                | PaymentStatus::PartiallyPaid
                | PaymentStatus::GivenBack,
            )
            | None => None,
        });
    }
    if after.status != before.status {
        news.extend(match (before.status, after.status) {
            (_, Status::Completed) => Some(Announcement::CheckoutCompleted),
            (_, Status::Cancelled) => Some(Announcement::CheckoutCancelled),
            (_, Status::Expired) => Some(Announcement::CheckoutExpired),
            (_, Status::Stuck) => Some(Announcement::CheckoutStuck),
            (Status::Stuck, _) => Some(Announcement::CheckoutRestarted),
            (_, Status::AwaitingInput | Status::Running | Status::Waiting | Status::Compensating) => None,
        });
    }
    news
}

/// The `data` of an event: where the checkout stood when it was caused.
#[derive(Debug, Serialize)]
pub struct AnnouncedCheckout<'a> {
    checkout_id: String,
    store: &'a str,
    flow: &'static str,
    version: i64,
    status: &'static str,
    order_id: Option<i64>,
    grand_total: Option<Money>,
    currency: Option<&'a str>,
    payment: Option<AnnouncedPayment<'a>>,
    stuck: Option<AnnouncedStuck>,
}

#[derive(Debug, Serialize)]
struct AnnouncedPayment<'a> {
    status: &'static str,
    transaction_id: Option<&'a str>,
    transaction_type: Option<&'a str>,
    amount: Option<Money>,
    currency: &'a str,
    payment_method_id: &'a str,
    /// BigCommerce's error code; its title stays here, because it is BigCommerce's text.
    decline_code: Option<i64>,
}

#[derive(Debug, Serialize)]
struct AnnouncedStuck {
    reason: &'static str,
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    suggested_action: &'static str,
}

impl<'a> AnnouncedCheckout<'a> {
    /// Of this checkout as it is now.
    pub fn of(checkout: &'a Checkout) -> Self {
        let order = checkout.facts.order.as_ref();
        let document = checkout.facts.document.as_ref();
        let of_order = |order: &'a OrderFacts| Some(order.currency.as_str()).filter(|code| !code.is_empty());
        let currency =
            order.and_then(of_order).or_else(|| document.and_then(super::document::Document::currency));
        let total = checkout.shown_total();
        Self {
            checkout_id: checkout.id.to_string(),
            store: &checkout.store,
            flow: checkout.flow.as_str(),
            version: checkout.version,
            status: checkout.status.as_str(),
            order_id: order.map(|order| order.id),
            grand_total: total.map(|total| currency.map_or(total, |code| total.at_precision_of(code))),
            currency,
            payment: checkout.facts.payment.as_ref().map(|payment| AnnouncedPayment::of(checkout, payment)),
            stuck: checkout
                .stuck
                .as_ref()
                .filter(|_| checkout.status == Status::Stuck)
                .map(AnnouncedStuck::of),
        }
    }
}

impl<'a> AnnouncedPayment<'a> {
    fn of(checkout: &Checkout, payment: &'a PaymentFacts) -> Self {
        Self {
            status: checkout.shown_status(payment).as_str(),
            transaction_id: payment.transaction_id.as_deref(),
            transaction_type: payment.transaction_type.as_deref(),
            amount: payment.amount,
            currency: &payment.currency,
            payment_method_id: &payment.payment_method_id,
            decline_code: payment.decline.as_ref().and_then(|decline| decline.code),
        }
    }
}

impl AnnouncedStuck {
    fn of(stuck: &Stuck) -> Self {
        Self {
            reason: stuck.reason.as_str(),
            since: stuck.since.to_offset(time::UtcOffset::UTC),
            suggested_action: stuck.reason.suggested_action(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkout::sample::checkout;

    type Brief = (Status, Option<i64>, Option<PaymentStatus>);

    fn with((status, order, payment): Brief) -> Checkout {
        let mut checkout = checkout();
        checkout.status = status;
        if let (Some(facts), Some(id)) = (checkout.facts.order.as_mut(), order) {
            facts.id = id;
        }
        checkout.facts.order = checkout.facts.order.filter(|_| order.is_some());
        if let (Some(facts), Some(status)) = (checkout.facts.payment.as_mut(), payment) {
            facts.status = status;
        }
        checkout.facts.payment = checkout.facts.payment.filter(|_| payment.is_some());
        checkout
    }

    #[test]
    fn what_changed_is_told_once_and_in_order() {
        use Announcement as A;
        use PaymentStatus as P;
        use Status as S;
        let table: &[(Brief, Brief, &[A])] = &[
            ((S::Running, None, None), (S::Running, None, None), &[]),
            ((S::Running, None, None), (S::Running, Some(5), None), &[A::OrderCreated]),
            ((S::Running, Some(5), None), (S::Running, Some(5), Some(P::Processing)), &[]),
            ((S::Running, Some(5), None), (S::Running, Some(6), None), &[A::OrderCreated]),
            (
                (S::Running, Some(5), Some(P::Processing)),
                (S::AwaitingInput, Some(5), Some(P::Declined)),
                &[A::PaymentDeclined],
            ),
            (
                (S::Running, Some(5), Some(P::Processing)),
                (S::Completed, Some(5), Some(P::Succeeded)),
                &[A::CheckoutCompleted],
            ),
            (
                (S::Running, Some(5), Some(P::Processing)),
                (S::Waiting, Some(5), Some(P::Pending)),
                &[A::PaymentPending],
            ),
            (
                (S::Running, None, Some(P::Processing)),
                (S::Stuck, Some(5), Some(P::Unknown)),
                &[A::OrderCreated, A::PaymentUnknown, A::CheckoutStuck],
            ),
            ((S::Stuck, None, None), (S::Stuck, None, None), &[]),
            ((S::Stuck, None, None), (S::Waiting, None, None), &[A::CheckoutRestarted]),
            ((S::Stuck, None, None), (S::Compensating, None, None), &[A::CheckoutRestarted]),
            ((S::Compensating, None, None), (S::Cancelled, None, None), &[A::CheckoutCancelled]),
            ((S::Compensating, None, None), (S::Expired, None, None), &[A::CheckoutExpired]),
        ];
        for (before, after, expected) in table {
            let found = announcements(&with(*before), &with(*after));
            assert_eq!(found, *expected, "{before:?} {after:?}");
        }
    }

    #[test]
    fn an_event_names_no_person() {
        let checkout = checkout();
        let text = serde_json::to_string(&AnnouncedCheckout::of(&checkout)).expect("json");
        assert!(text.contains(r#""grand_total":10.83"#), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
}
