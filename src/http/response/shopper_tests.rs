//! Which sentence a shopper is shown.

use time::OffsetDateTime;

use crate::checkout::sample::payment;
use crate::checkout::{Money, PaymentPart, PaymentStatus, Stuck};
use crate::http::response::shopper::*;
use crate::http::response::snapshot::tests::checkout;

fn refusal(status: u16, title: &str, errors: &[(&str, &str)]) -> Cause {
    let errors = errors.iter().map(|(field, message)| ((*field).to_owned(), (*message).to_owned()));
    Cause::Refused(UpstreamRejection { status, title: title.to_owned(), errors: errors.collect() })
}

fn paying(status: PaymentStatus) -> Checkout {
    let mut checkout = checkout();
    checkout.facts.payment = Some(payment(status));
    checkout
}

fn stuck(reason: StuckReason) -> Checkout {
    let since = OffsetDateTime::UNIX_EPOCH;
    Checkout {
        status: Status::Stuck,
        stuck: Some(Stuck { reason, detail: String::new(), since }),
        ..checkout()
    }
}

#[test]
fn a_refusal_is_told_by_its_cause() {
    for (cause, expected) in [
        (refusal(422, "The coupon code is not valid.", &[]), "This coupon cannot be used."),
        (refusal(422, "Invalid", &[("coupon_code", "is unknown")]), "This coupon cannot be used."),
        (
            refusal(422, "Hand Grinder is out of stock.", &[]),
            "Something in your cart is not available in this",
        ),
        (
            refusal(422, "Only 3 of Numbered Print can be purchased.", &[]),
            "Only 3 of Numbered Print can be purchased. Please change your cart.",
        ),
        (refusal(409, "The maximum quantity is 3", &[]), "Something in your cart is not available in this"),
        (refusal(422, "Cannot find product 9", &[]), "Something in your cart is no longer available."),
        (refusal(404, "The cart is no longer there", &[]), "Your cart is no longer available."),
        (refusal(422, "no shipping option of consignment k1 fits", &[]), "We cannot ship to this address."),
        (refusal(422, "Invalid", &[("postal_code", "is missing")]), "This address could not be accepted."),
        (refusal(422, "Something else", &[]), "This could not be accepted. Please check what you entered."),
    ] {
        let said = sentence(Slug::Rejected, Some(&cause), Some(&checkout()));
        assert!(said.starts_with(expected), "{cause:?}: {said}");
    }
}

#[test]
fn a_decline_is_told_by_its_code_and_never_forgets_what_was_paid_before() {
    let before = paying(PaymentStatus::Declined);
    let mut part = before.clone();
    part.facts.parts.push(PaymentPart {
        amount: Money::ZERO,
        payment_method_id: "bigcommerce.gift_certificate".to_owned(),
        instrument_type: "gift_certificate".to_owned(),
        last_4: None,
        transaction_id: None,
        transaction_type: None,
        goal_version: 1,
    });
    for code in
        [None, Some(1), Some(30_051), Some(30_102), Some(30_103), Some(30_104), Some(30_106), Some(30_107)]
    {
        let cause = Cause::Declined(code);
        let plain = sentence(Slug::PaymentDeclined, Some(&cause), Some(&before));
        assert!(plain.contains("You have not been charged."), "{plain}");
        let after = sentence(Slug::PaymentDeclined, Some(&cause), Some(&part));
        assert!(!after.contains("You have not been charged") && after.contains("is kept"), "{after}");
    }
}

#[test]
fn nobody_is_invited_to_pay_where_that_is_not_safe() {
    let ended = |status| Checkout { status, ..paying(PaymentStatus::Declined) };
    let every = [
        (paying(PaymentStatus::Unknown), DOUBT),
        (paying(PaymentStatus::Pending), DOUBT),
        (paying(PaymentStatus::Processing), DOUBT),
        (stuck(StuckReason::PaymentUnknown), DOUBT),
        (stuck(StuckReason::PaidTwice), LOOKING),
        (ended(Status::Completed), PLACED),
        (ended(Status::Cancelled), Slug::CheckoutClosed.entry().shopper),
        (ended(Status::Expired), Slug::CheckoutClosed.entry().shopper),
        (ended(Status::Compensating), Slug::CheckoutClosed.entry().shopper),
    ];
    for (checkout, expected) in &every {
        for slug in Slug::ALL.iter().copied().filter(|slug| moves_it_on(*slug)) {
            for cause in [None, Some(Cause::Declined(None)), Some(refusal(422, "coupon", &[]))] {
                assert_eq!(sentence(slug, cause.as_ref(), Some(checkout)), *expected, "{slug:?}");
            }
        }
    }
    for (checkout, _) in every.iter().filter(|(checkout, _)| !safe_to_pay_again(checkout)) {
        for slug in Slug::ALL {
            let said = sentence(*slug, Some(&Cause::Declined(None)), Some(checkout));
            let ended = checkout.status == Status::Completed && !moves_it_on(*slug);
            assert!(ended || !said.contains("have not been charged"), "{slug:?}: {said}");
        }
    }
}

#[test]
fn what_was_ordered_is_not_to_be_completed() {
    let mut checkout = checkout();
    let earlier = sentence(Slug::StepOutOfOrder, None, Some(&checkout));
    assert_eq!(earlier, "Please complete the earlier steps first.");
    checkout.facts.order = Some(crate::checkout::sample::order(125));
    assert_eq!(sentence(Slug::StepOutOfOrder, None, Some(&checkout)), ORDERED);
}
