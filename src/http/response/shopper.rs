//! The sentences that a shop may show to the shopper as they are, by cause. Pure.
//!
//! Guarantees: where it is not safe to pay again, no sentence invites to pay; none says that nothing was charged where a part
//! was. BigCommerce documents no codes for what it refuses outside of payments, so its words are matched; they choose
//! a sentence and nothing else, and what is not recognized gets the general one of the catalog.

use crate::checkout::{Checkout, Status, StepName, StepStatus, StuckReason, UpstreamRejection};
use crate::http::problem::catalog::Slug;
use crate::http::response::snapshot::safe_to_pay_again;

/// What a problem has to say beyond its row in the table.
#[derive(Debug, Clone)]
pub(crate) enum Cause {
    /// A payment was declined, with this code (BigCommerce: payments, error codes).
    Declined(Option<i64>),
    /// Too many payments were declined before.
    DeclinedOften,
    /// The cart was made without these coupons.
    Coupons,
    /// BigCommerce refused.
    Refused(UpstreamRejection),
}

const PLACED: &str = "Your order has been placed. There is nothing more to pay.";
const ORDERED: &str = "Your order is ready to be paid and can no longer be changed.";
const COUPON: &str = "This coupon cannot be used. Please check the code, or continue without it.";
const DECLINED_OFTEN: &str =
    "Too many payments were declined. Please wait a while before you try again, or contact the shop.";
const DOUBT: &str = "We are still checking your payment. Please do not pay again.";
const LOOKING: &str = "We are looking into your order. Please do not pay again; we will contact you.";

/// What may be shown of a problem, about this checkout where one is known.
pub(crate) fn sentence(slug: Slug, cause: Option<&Cause>, checkout: Option<&Checkout>) -> String {
    if let Some(standing) = checkout.and_then(|checkout| standing(slug, checkout)) {
        return standing.to_owned();
    }
    match cause {
        Some(Cause::Declined(code)) => {
            let parts = checkout.is_some_and(|checkout| !checkout.facts.parts.is_empty());
            let kind = checkout.and_then(|checkout| checkout.facts.payment.as_ref());
            declined(*code, kind.map_or("", |payment| &payment.instrument_type), parts)
        }
        Some(Cause::DeclinedOften) => DECLINED_OFTEN.to_owned(),
        Some(Cause::Coupons) => COUPON.to_owned(),
        Some(Cause::Refused(refusal)) => limit(refusal)
            .unwrap_or_else(|| refused(refusal, checkout).unwrap_or(slug.entry().shopper).to_owned()),
        None if slug == Slug::StepOutOfOrder
            && checkout.is_some_and(|checkout| checkout.facts.order.is_some()) =>
        {
            ORDERED.to_owned()
        }
        None => slug.entry().shopper.to_owned(),
    }
}

/// How the checkout stands, where that counts for more than what was asked for: an answer may be told again long after it
/// was true.
fn standing(slug: Slug, checkout: &Checkout) -> Option<&'static str> {
    let in_doubt = checkout.payment_in_doubt()
        || checkout.stuck.as_ref().is_some_and(|stuck| {
            matches!(stuck.reason, StuckReason::PaymentUnknown | StuckReason::PaymentPendingTooLong)
        });
    match checkout.status {
        Status::Completed => moves_it_on(slug).then_some(PLACED),
        Status::Stuck if in_doubt => Some(DOUBT),
        Status::Stuck => Some(LOOKING),
        Status::Cancelled | Status::Expired | Status::Compensating => {
            moves_it_on(slug).then_some(Slug::CheckoutClosed.entry().shopper)
        }
        Status::AwaitingInput | Status::Running | Status::Waiting => {
            (!safe_to_pay_again(checkout)).then_some(DOUBT)
        }
    }
}

/// Whether it is about going on with the checkout, which is no question once it has ended.
fn moves_it_on(slug: Slug) -> bool {
    matches!(
        slug,
        Slug::StepOutOfOrder
            | Slug::StepInProgress
            | Slug::CheckoutClosed
            | Slug::CheckoutStuck
            | Slug::VersionMismatch
            | Slug::AgreementRequired
            | Slug::TotalChanged
            | Slug::Rejected
            | Slug::NotDeliverable
            | Slug::MethodUnavailable
            | Slug::PaymentDeclined
            | Slug::PaymentInDoubt
    )
}

/// `parts`: whether something was paid before, and is held.
fn declined(code: Option<i64>, instrument: &str, parts: bool) -> String {
    let (why, then) = match code {
        Some(30_051) => ("This saved payment method is no longer available.", "Please choose another one."),
        Some(30_102) => (
            "Your payment details could not be verified.",
            "Please check them, or try another payment method.",
        ),
        Some(30_103) if instrument == "gift_certificate" => {
            ("Your gift certificate has expired.", "Please try another payment method.")
        }
        Some(30_103) => ("Your card has expired.", "Please use another card."),
        Some(30_104) => (
            "Your card issuer did not accept the payment.",
            "Please ask your card issuer, or try another payment method.",
        ),
        Some(30_106) => {
            ("Your payment was declined for insufficient funds.", "Please try another payment method.")
        }
        Some(30_107) => ("The card authorization was revoked.", "Please try another payment method."),
        _ => ("Your payment was declined.", "Please try another payment method."),
    };
    let charged = if parts {
        "This attempt charged nothing, and your earlier payment is kept."
    } else {
        "You have not been charged."
    };
    format!("{why} {charged} {then}")
}

/// How many there are is for the shopper to know: BigCommerce's own sentence of it, where it is that and nothing else.
fn limit(refusal: &UpstreamRejection) -> Option<String> {
    let messages = refusal.errors.iter().map(|(_, message)| message);
    let said = [&refusal.title].into_iter().chain(messages).find(|said| {
        let number = said.strip_prefix("Only ").and_then(|rest| rest.split(' ').next());
        number.is_some_and(|number| number.parse::<u32>().is_ok())
            && said.trim_end_matches('.').ends_with("can be purchased")
            && said.chars().count() <= 200
    })?;
    Some(format!("{}. Please change your cart.", said.trim_end_matches('.')))
}

fn refused(refusal: &UpstreamRejection, checkout: Option<&Checkout>) -> Option<&'static str> {
    let mut said = refusal.title.to_lowercase();
    for (field, message) in &refusal.errors {
        said.extend([" ", &field.to_lowercase(), " ", &message.to_lowercase()]);
    }
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let of = |step: StepName| {
        let record = checkout.and_then(|checkout| checkout.step(step));
        record.is_some_and(|record| record.status == StepStatus::Rejected)
    };
    if says(&["coupon", "promo code"]) {
        return Some(COUPON);
    }
    if refusal.status == 404 && says(&["cart"]) {
        return Some("Your cart is no longer available. Please start again.");
    }
    if says(&["stock", "inventory", "quantity", "can be purchased", "can only purchase", "maximum of"]) {
        return Some("Something in your cart is not available in this quantity. Please change your cart.");
    }
    if says(&["no longer available", "not available", "cannot find product"]) {
        return Some("Something in your cart is no longer available. Please change your cart.");
    }
    if of(StepName::Payment) {
        let parts = checkout.is_some_and(|checkout| !checkout.facts.parts.is_empty());
        return Some(if parts {
            "The rest could not be charged, and your earlier payment is kept. Please contact the shop."
        } else {
            "This payment method was not accepted, and you have not been charged. Please choose another one."
        });
    }
    if says(&["shipping option", "shipping method", "shipping zone"]) {
        let offers = checkout.and_then(|checkout| checkout.facts.document.as_ref());
        let nothing = offers.is_some_and(|document| {
            document.consignments().iter().any(|one| one.available().is_empty() && !one.is_picked_up)
        });
        return Some(if nothing {
            "We cannot ship to this address. Please choose another one."
        } else {
            "Please choose a shipping method."
        });
    }
    (says(&["address", "postal", "postcode", "country", "state_or_province", "email"])
        || of(StepName::BillingAddress)
        || of(StepName::Consignments))
    .then_some("This address could not be accepted. Please check it.")
}

#[cfg(test)]
#[path = "shopper_tests.rs"]
mod tests;
