//! Whether an operation may be done: every status with every operation.

use serde_json::{Map, json};

use super::*;
use crate::bigcommerce::PaymentRequest;
use crate::checkout::{CartEdit, Document, Flow, PaymentIntent, PaymentStatus};
use crate::saga::operation::Complete;
use crate::saga::sample::{all_input, checkout, intent, order, payment, stuck, up_to};

fn instrument() -> PaymentRequest {
    let body =
        json!({"payment_method_id": "stripe.card", "instrument": {"type": "stored_card", "token": "t"}});
    PaymentRequest::parse(body, "").map_err(|_| "refused").expect("a stored card")
}

#[expect(clippy::unnecessary_wraps, reason = "as operations hold it")]
fn agreed() -> Option<Money> {
    Some(Money::from(rust_decimal::Decimal::new(1083, 2)))
}

#[expect(clippy::unnecessary_wraps, reason = "as `accept` takes it")]
fn seen(version: i64, alone: bool) -> Option<Seen> {
    Some(Seen { version, alone })
}

fn pay() -> Operation {
    Operation::Payment { intent: intent(), instruments: [instrument()].into(), agreed_total: agreed() }
}

fn complete() -> Operation {
    Operation::Complete(Box::new(Complete {
        billing_address: None,
        consignments: None,
        shipping_options: None,
        shipping_preference: None,
        agreed_total: agreed(),
        intents: vec![intent()],
        instruments: [instrument()].into(),
    }))
}

fn operations() -> Vec<Operation> {
    vec![
        Operation::BillingAddress(Map::new()),
        Operation::Consignments(Vec::new()),
        Operation::ShippingOptions(Vec::new()),
        Operation::Edit(CartEdit::RemoveCoupon("X".to_owned())),
        Operation::Order { agreed_total: None },
        pay(),
        complete(),
        Operation::Cancel,
        Operation::HandOff,
    ]
}

/// What it came to, in a word.
fn verdict(checkout: &Checkout, operation: &Operation) -> String {
    match accept(checkout, operation, None) {
        Ok(Accepted::Already) => "already".to_owned(),
        Ok(Accepted::Cancel) => "cancel".to_owned(),
        Ok(Accepted::Run(run)) => {
            format!("run to {}", run.goal.expect("a run has a goal").until)
        }
        Err(SubmitError::OutOfOrder { next_step }) => {
            format!("first {}", next_step.map_or("nothing", StepName::as_str))
        }
        Err(refusal) => format!("{refusal:?}"),
    }
}

fn verdicts(checkout: &Checkout) -> Vec<String> {
    operations().into_iter().map(|operation| verdict(checkout, &operation)).collect()
}

fn at(status: Status, step: StepName) -> Checkout {
    up_to(Checkout { input: all_input().into(), ..checkout(Flow::Cart, status) }, step)
}

#[test]
fn only_a_checkout_at_rest_takes_input() {
    for &status in Status::ALL {
        let refused = match status {
            Status::AwaitingInput => continue,
            Status::Running | Status::Waiting => "InProgress",
            Status::Stuck => "Stuck",
            Status::Completed | Status::Compensating | Status::Cancelled | Status::Expired => "Closed",
        };
        let mut expected = vec![refused; 9];
        if matches!(status, Status::Compensating | Status::Cancelled) {
            expected[7] = "already";
        }
        assert_eq!(verdicts(&at(status, StepName::Order)), expected, "{status}");
        // The order is there: that was done, whatever came after it.
        expected[4] = "already";
        assert_eq!(verdicts(&at(status, StepName::Payment)), expected, "{status}");
    }
}

#[test]
fn a_checkout_at_rest_takes_what_is_next_or_may_be_revised() {
    let table = [
        (StepName::Cart, "first cart; first cart; first cart; first cart; first cart; first cart"),
        (
            StepName::BillingAddress,
            "run to shipping-options; first billing-address; first billing-address; run to shipping-options; \
             first billing-address; first billing-address",
        ),
        (
            StepName::Order,
            "run to shipping-options; run to shipping-options; run to shipping-options; run to shipping-options; run to order; \
             first order",
        ),
        (
            StepName::Payment,
            "run to shipping-options; run to shipping-options; run to shipping-options; run to shipping-options; already; \
             run to payment",
        ),
    ];
    for (step, expected) in table {
        let found = verdicts(&at(Status::AwaitingInput, step));
        assert_eq!(found[..6].join("; "), expected, "{step}");
        let handed = if step == StepName::Cart { "first cart" } else { "run to hand-off" };
        assert_eq!(found[6..], ["run to payment", "cancel", handed], "{step}");
    }
}

#[test]
fn nothing_is_paid_while_a_payment_is_in_doubt() {
    for doubt in [PaymentStatus::Unknown, PaymentStatus::Pending] {
        for status in [Status::Running, Status::Waiting, Status::Stuck, Status::AwaitingInput] {
            let mut doubtful = at(status, StepName::Payment);
            doubtful.facts.payment = Some(payment(doubt));
            assert_eq!(verdict(&doubtful, &pay()), "PaymentInDoubt", "{status}");
            assert_eq!(verdict(&doubtful, &complete()), "PaymentInDoubt", "{status}");
            assert_eq!(verdict(&doubtful, &Operation::HandOff), "PaymentInDoubt", "{status}");
            assert_ne!(verdict(&doubtful, &Operation::Cancel), "cancel", "{status}");
        }
    }
    let mut lost = at(Status::Stuck, StepName::Payment);
    lost.stuck = Some(stuck(StuckReason::PaymentUnknown));
    assert_eq!(verdict(&lost, &pay()), "PaymentInDoubt");
    assert_eq!(verdict(&lost, &Operation::HandOff), "PaymentInDoubt");
    let mut declined = at(Status::AwaitingInput, StepName::Payment);
    declined.facts.payment = Some(payment(PaymentStatus::Declined));
    assert_eq!(verdict(&declined, &pay()), "run to payment");
}

#[test]
fn a_changed_version_refuses_everything() {
    for operation in operations() {
        let refused = accept(&at(Status::AwaitingInput, StepName::Payment), &operation, seen(6, true));
        assert!(matches!(refused, Err(SubmitError::VersionMismatch { version: 7 })));
    }
}

#[test]
fn what_is_ordered_and_not_paid_may_be_changed_and_what_may_hold_money_may_not() {
    // Its verification failed, so that its step is not done; the order exists all the same.
    let mut unverified = at(Status::AwaitingInput, StepName::Order);
    unverified.facts.order = Some(order(100));
    let found = verdicts(&unverified);
    assert_eq!(found[..4], ["run to shipping-options"; 4]);
    assert_eq!(found[4..], ["run to order", "first order", "run to payment", "cancel", "run to hand-off"]);
    let mut declined = at(Status::AwaitingInput, StepName::Payment);
    declined.facts.payment = Some(payment(PaymentStatus::Declined));
    let Ok(Accepted::Run(run)) =
        accept(&declined, &Operation::Edit(CartEdit::AddCoupon("X".to_owned())), None)
    else {
        panic!("refused")
    };
    assert_eq!(run.next_step(), Some(StepName::Order), "it is ordered again");
    for status in PaymentStatus::ALL.iter().filter(|status| **status != PaymentStatus::Declined) {
        let mut paid = declined.clone();
        paid.facts.payment = Some(payment(*status));
        let found = verdicts(&paid);
        let expected = if paid.payment_in_doubt() { "PaymentInDoubt" } else { "first payment" };
        assert_eq!(found[..4], [expected; 4], "{status}");
    }
    let mut credited = declined;
    if let Some(order) = credited.facts.order.as_mut() {
        order.credited = Some(Money::ZERO);
    }
    assert_eq!(verdicts(&credited)[..4], ["first payment"; 4]);
}

#[test]
fn what_is_given_is_kept_and_what_it_invalidates_is_done_again() {
    let ready = at(Status::AwaitingInput, StepName::Order);
    let Ok(Accepted::Run(run)) = accept(&ready, &Operation::Consignments(Vec::new()), seen(7, true)) else {
        panic!("refused")
    };
    assert!(run.input.shipping_options.is_none());
    assert_eq!(run.next_step(), Some(StepName::Consignments));
    assert!(!run.is_done(StepName::ShippingOptions));
    assert!(run.is_done(StepName::BillingAddress));
}

/// What was agreed to, or the refusal.
fn agreement_of(
    checkout: &Checkout,
    operation: &Operation,
    if_match: Option<Seen>,
) -> Result<Option<Money>, SubmitError> {
    match accept(checkout, operation, if_match)? {
        Accepted::Run(run) => Ok(run.goal.and_then(|goal| goal.agreed_total)),
        Accepted::Already | Accepted::Cancel => panic!("it does not run"),
    }
}

#[test]
fn whoever_pays_says_how_much_was_agreed_to() {
    let silent = || {
        let Operation::Complete(mut complete) = complete() else { panic!("another operation") };
        complete.agreed_total = None;
        let payment =
            Operation::Payment { intent: intent(), instruments: [instrument()].into(), agreed_total: None };
        [payment, Operation::Complete(complete)]
    };
    let mut shown = at(Status::AwaitingInput, StepName::Payment);
    let twelve = Some(Money::from(rust_decimal::Decimal::new(12, 0)));
    shown.facts.order.as_mut().expect("an order").total = twelve;
    for operation in silent() {
        for (if_match, expected) in [
            (None, Err(SubmitError::AgreementRequired)),
            // Of several versions nobody knows which one was shown.
            (seen(7, false), Err(SubmitError::AgreementRequired)),
            (seen(7, true), Ok(twelve)),
            (seen(6, true), Err(SubmitError::VersionMismatch { version: 7 })),
        ] {
            assert_eq!(
                agreement_of(&shown, &operation, if_match),
                expected,
                "{} {if_match:?}",
                operation.name()
            );
        }
        let mut unread = shown.clone();
        unread.facts.order.as_mut().expect("an order").total = None;
        unread.facts.document = None;
        assert_eq!(agreement_of(&unread, &operation, seen(7, true)), Err(SubmitError::AgreementRequired));
        // What is over, busy or in doubt is told so first.
        let closed = at(Status::Completed, StepName::Payment);
        assert_eq!(agreement_of(&closed, &operation, None), Err(SubmitError::Closed));
    }
    for operation in [pay(), complete()] {
        for if_match in [None, seen(7, true), seen(7, false)] {
            assert_eq!(
                agreement_of(&shown, &operation, if_match),
                Ok(agreed()),
                "the amount that is named counts"
            );
        }
    }
}

#[test]
fn what_is_a_customers_own_is_for_whom_the_cart_belongs_to() {
    let stored = || Operation::Payment {
        intent: PaymentIntent { instrument_type: "stored_card".to_owned(), ..intent() },
        instruments: [instrument()].into(),
        agreed_total: agreed(),
    };
    let mut of = at(Status::AwaitingInput, StepName::Payment);
    for (proven, cart, expected) in [
        (None, 0, "CustomerNotProven"),
        (None, 7, "CustomerNotProven"),
        (Some(7), 0, "CustomerNotProven"),
        (Some(7), 8, "CustomerNotProven"),
        (Some(7), -1, "CustomerNotProven"),
        (Some(7), 7, "run to payment"),
    ] {
        of.input.proven_customer = proven;
        of.facts.document = Some(Document::of(&json!({"cart": {"customer_id": cart}})));
        assert_eq!(verdict(&of, &stored()), expected, "{proven:?} {cart}");
        assert_eq!(verdict(&of, &pay()), "run to payment");
    }
    of.facts.document = None;
    assert_eq!(verdict(&of, &stored()), "CustomerNotProven");
    let closed = at(Status::Completed, StepName::Payment);
    assert_eq!(verdict(&closed, &stored()), "Closed");
}
