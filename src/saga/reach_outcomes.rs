//! What can become of an attempt and of a look at each step: what BigCommerce shows then, and by whom it comes about.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::checkout::{
    CartEdit, Checkout, Decline, Document, Flow, HandOff, Money, PaymentFacts, PaymentPart, PaymentStatus,
    StepName, StuckReason, UpstreamRejection,
};
use crate::saga::sample::{NOW, order, payment};
use crate::saga::step::{Finding, Verdict};

/// Who has to do something for it to happen; each includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    /// The shopper, in as many tabs as he likes, or nobody: what BigCommerce answers to what he gave.
    Shopper,
    /// BigCommerce, or a process, is away.
    Outage,
    /// A merchant, another app, a gateway, or a contradiction.
    Others,
}

/// What became of an attempt: by whom, the checkout as the step left it, and the verdict.
pub(super) type Outcome = (By, Checkout, Verdict);

fn rejection() -> UpstreamRejection {
    UpstreamRejection { status: 422, title: String::new(), errors: Vec::new() }
}

fn refused() -> Verdict {
    Verdict::Rejected(rejection())
}

fn retry() -> Verdict {
    Verdict::Retry { after: None, why: String::new() }
}

fn unknown() -> Verdict {
    Verdict::Unknown { why: String::new() }
}

fn stuck(reason: StuckReason) -> Verdict {
    Verdict::Stuck { reason, detail: String::new() }
}

fn declined() -> Verdict {
    Verdict::Declined(Decline { code: None, title: String::new() })
}

fn dearer(order_removed: bool) -> Verdict {
    Verdict::TotalChanged {
        agreed: Money::ZERO,
        total: Money::from(rust_decimal::Decimal::ONE),
        order_removed,
    }
}

/// What BigCommerce shows of the checkout.
#[derive(Clone, Copy)]
struct Shown {
    addressed: bool,
    assigned: bool,
    chosen: bool,
}

fn shown(checkout: &Checkout) -> Shown {
    let document = checkout.facts.document.as_ref().expect("a cart");
    Shown {
        addressed: document.billing_address().is_some(),
        assigned: document.is_covered() && !document.consignments().is_empty(),
        chosen: document.options_selected() && !document.consignments().is_empty(),
    }
}

fn show(checkout: &mut Checkout, now: Shown) {
    let option = now.chosen.then(|| json!({"id": "option"}));
    let consignments = if now.assigned {
        json!([{"id": "one", "line_item_ids": ["0"], "selected_shipping_option": option}])
    } else {
        json!([])
    };
    checkout.facts.document = Some(Document::of(&json!({
        "id": "cart", "grand_total": 1, "consignments": consignments,
        "billing_address": now.addressed.then(|| json!({"city": "Austin"})),
        "cart": {"id": "cart", "currency": {"code": "USD"}, "line_items": {"physical_items": [{"id": "0", "quantity": 1}]}},
    })));
}

fn changed(checkout: &Checkout, change: impl FnOnce(&mut Checkout)) -> Checkout {
    let mut after = checkout.clone();
    change(&mut after);
    after
}

pub(super) fn items() -> Map<String, Value> {
    Map::from_iter([("line_items".to_owned(), json!([{"product_id": 1}]))])
}

/// The order is taken back, or given up.
fn without_order(checkout: &mut Checkout) {
    if let Some(order) = checkout.facts.order.take() {
        checkout.facts.abandoned_orders = vec![order.id];
    }
}

/// All that an attempt of a step can come to.
pub(super) fn outcomes(held: &Checkout, step: StepName) -> Vec<Outcome> {
    match step {
        StepName::Cart => cart(held),
        StepName::BillingAddress
        | StepName::Consignments
        | StepName::ShippingOptions
        | StepName::CartEdit => before_order(held, step),
        StepName::Order => placed(held),
        StepName::Payment => paid(held),
        StepName::HandOff => vec![
            (By::Shopper, handed_over(held), Verdict::Succeeded),
            (By::Outage, handed_over(held), Verdict::Interrupted { retry_after: None }),
            (By::Others, in_full(held), Verdict::Paid),
        ],
        StepName::Cancel => vec![
            (By::Shopper, held.clone(), Verdict::Undone),
            (By::Outage, held.clone(), retry()),
            (By::Others, in_full(held), Verdict::Paid),
            (By::Others, held.clone(), stuck(StuckReason::CancelFoundPaid)),
        ],
    }
}

fn handed_over(held: &Checkout) -> Checkout {
    changed(held, |after| {
        after.input.check_hosted_payment = false;
        after.facts.hand_off = Some(HandOff { since: NOW });
    })
}

fn in_full(held: &Checkout) -> Checkout {
    changed(held, |after| {
        after.input.check_hosted_payment = false;
        after.facts.order.get_or_insert_with(|| order(100));
        after.facts.payment = Some(payment(PaymentStatus::Succeeded));
    })
}

fn cart(held: &Checkout) -> Vec<Outcome> {
    let made = changed(held, |after| {
        after.facts.cart_id = Some("cart".to_owned());
        show(after, Shown { addressed: false, assigned: false, chosen: false });
    });
    vec![
        (By::Shopper, made.clone(), Verdict::Succeeded),
        (
            By::Shopper,
            made,
            Verdict::DoneWithout { coupon_codes: vec!["X".to_owned()], refused: rejection() },
        ),
        (By::Shopper, held.clone(), refused()),
        (By::Outage, held.clone(), retry()),
        (By::Outage, held.clone(), unknown()),
    ]
}

/// A step of what the order is made of. An unpaid order is taken back first.
fn before_order(held: &Checkout, step: StepName) -> Vec<Outcome> {
    let mut all = vec![(By::Outage, held.clone(), retry())];
    if held.facts.order.is_some() {
        all.push((By::Others, held.clone(), Verdict::Reopened));
        all.push((By::Others, in_full(held), Verdict::Paid));
    }
    let free = changed(held, without_order);
    let done = changed(&free, |after| does(after, step));
    all.push((By::Shopper, done.clone(), Verdict::Succeeded));
    all.push((By::Shopper, free.clone(), refused()));
    if step != StepName::CartEdit {
        all.push((By::Outage, done, unknown()));
    }
    all.push((By::Outage, free.clone(), unknown()));
    if step == StepName::ShippingOptions {
        all.push((By::Shopper, free.clone(), Verdict::Open));
    }
    if step == StepName::Consignments {
        let undeliverable = changed(&free, |after| {
            show(after, Shown { assigned: true, chosen: false, ..shown(after) });
            after.input.shipping_options = None;
        });
        all.push((By::Shopper, undeliverable, Verdict::Undeliverable));
    }
    all
}

fn does(after: &mut Checkout, step: StepName) {
    let before = shown(after);
    match (step, after.input.edit.take()) {
        (StepName::BillingAddress, edit) => {
            after.input.edit = edit;
            show(after, Shown { addressed: true, ..before });
        }
        (StepName::Consignments, _) => show(after, Shown { assigned: true, chosen: false, ..before }),
        (StepName::ShippingOptions, _) => show(after, Shown { chosen: before.assigned, ..before }),
        (_, Some(CartEdit::RemoveItem { .. })) => {
            // It was the only one.
            let facts = &mut after.facts;
            (facts.cart_id, facts.document) = (None, None);
            after.input.shipping_options = None;
            let cart = Map::from_iter([("line_items".to_owned(), json!([]))]);
            after.input.cart = Some(cart);
        }
        _ => {
            // What was added goes nowhere yet.
            show(after, Shown { assigned: false, chosen: false, ..before });
            (after.input.consignments, after.input.shipping_options) = (None, None);
        }
    }
}

fn placed(held: &Checkout) -> Vec<Outcome> {
    let made = changed(held, |after| after.facts.order = Some(order(100)));
    let unverified = changed(&made, |after| {
        if let Some(order) = after.facts.order.as_mut() {
            order.verified = false;
        }
    });
    let mut all = vec![
        (By::Shopper, made, Verdict::Succeeded),
        (By::Shopper, held.clone(), refused()),
        (By::Shopper, held.clone(), dearer(false)),
        (By::Outage, held.clone(), retry()),
        (By::Outage, unverified, retry()),
        (By::Outage, held.clone(), unknown()),
    ];
    if held.flow == Flow::Cart {
        all.push((
            By::Shopper,
            changed(held, |after| after.facts.abandoned_orders = vec![100]),
            dearer(true),
        ));
        // A second tab changed the cart.
        let other = changed(held, |after| {
            show(after, Shown { assigned: false, chosen: false, ..shown(after) });
        });
        all.push((By::Shopper, other, Verdict::Reopened));
    }
    all
}

fn with_payment(held: &Checkout, status: PaymentStatus) -> Checkout {
    changed(held, |after| after.facts.payment = Some(payment(status)))
}

fn sent(held: &Checkout) -> Checkout {
    changed(&with_payment(held, PaymentStatus::Processing), |after| {
        if let Some(attempt) = after.in_flight.as_mut() {
            attempt.checkpoint = Some(json!({}));
        }
    })
}

fn part(held: &Checkout) -> Checkout {
    changed(held, |after| {
        let PaymentFacts { payment_method_id, instrument_type, .. } = payment(PaymentStatus::PartiallyPaid);
        let (last_4, transaction_id, transaction_type) = (None, None, None);
        let amount = Money::from(rust_decimal::Decimal::ONE);
        after.facts.payment = Some(payment(PaymentStatus::PartiallyPaid));
        after.facts.parts = vec![PaymentPart {
            amount,
            payment_method_id,
            instrument_type,
            last_4,
            transaction_id,
            transaction_type,
            goal_version: 0,
        }];
    })
}

fn paid(held: &Checkout) -> Vec<Outcome> {
    let no = with_payment(held, PaymentStatus::Declined);
    let mut all = vec![
        (By::Shopper, in_full(held), Verdict::Paid),
        (By::Shopper, part(held), Verdict::PartPaid),
        (By::Shopper, no.clone(), declined()),
        (By::Shopper, with_payment(held, PaymentStatus::Processing), refused()),
        (
            By::Shopper,
            with_payment(held, PaymentStatus::Processing),
            Verdict::Interrupted { retry_after: None },
        ),
        (By::Shopper, held.clone(), dearer(false)),
        (By::Shopper, with_payment(&sent(held), PaymentStatus::Pending), Verdict::Accepted),
        (By::Outage, held.clone(), retry()),
        (By::Outage, sent(held), unknown()),
        (By::Others, held.clone(), stuck(StuckReason::PaidTwice)),
    ];
    if held.facts.parts.is_empty() {
        all.push((By::Shopper, changed(&no, without_order), declined()));
        // Somebody canceled it: another one is made.
        all.push((By::Others, changed(held, without_order), retry()));
    }
    all
}

/// All that a look can find out.
pub(super) fn findings(held: &Checkout, step: StepName) -> Vec<(By, Checkout, Finding)> {
    let still = |failed, settling| Finding::StillUnknown { after: Duration::from_secs(1), failed, settling };
    let noted = held.in_flight.as_ref().is_some_and(|one| one.checkpoint.is_some() || one.settling);
    if step == StepName::Payment && !noted {
        return vec![(By::Shopper, held.clone(), Finding::Absent)];
    }
    if step == StepName::Cancel && held.facts.parts.is_empty() {
        // Only a refund has to be looked for.
        return vec![(By::Shopper, held.clone(), Finding::Absent)];
    }
    let mut all: Vec<_> = outcomes(held, step)
        .into_iter()
        .filter(|(_, _, verdict)| {
            matches!(verdict, Verdict::Succeeded | Verdict::Paid | Verdict::PartPaid | Verdict::Declined(_))
        })
        .map(|(by, after, verdict)| (by, after, Finding::Ended(verdict)))
        .collect();
    all.push((By::Outage, held.clone(), still(true, false)));
    match step {
        StepName::Payment => {
            all.push((By::Shopper, with_payment(held, PaymentStatus::Pending), still(false, true)));
            all.push((By::Outage, held.clone(), still(false, false)));
            let reasons = [StuckReason::PaymentUnknown, StuckReason::PaymentPendingTooLong];
            all.extend(reasons.map(|why| (By::Others, held.clone(), Finding::Ended(stuck(why)))));
        }
        StepName::Order => {
            all.push((By::Shopper, held.clone(), still(false, false)));
            all.push((By::Shopper, held.clone(), Finding::Absent));
        }
        _ => all.push((By::Shopper, held.clone(), Finding::Absent)),
    }
    all
}
