//! How a checkout looks from outside.

use std::time::Duration;

use serde_json::json;
use time::macros::datetime;

use crate::checkout::sample::order;
use crate::checkout::{
    Document, Facts, InFlight, Input, PaymentStatus, StepRecord, StepStatus, Stuck as StuckAs, StuckReason,
    parse_decimal,
};
use crate::http::response::snapshot::*;

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("JSON")
}

/// A checkout to be changed by a test.
pub(crate) fn checkout() -> Checkout {
    let step = |name: StepName, status| StepRecord { name, status, attempts: 1, finished_at: None };
    let now = datetime!(2026-01-02 03:04:05.123456789 +02:00);
    let document = json!({
        "id": "c1", "version": 3, "subtotal_ex_tax": 10.00, "tax_total": 0.83, "grand_total": 13.63,
        "shipping_cost_total_ex_tax": 5, "handling_cost_total_ex_tax": 0, "order_id": null,
        "billing_address": {"id": "b1", "email": "jane@example.com", "state_or_province": "Texas"},
        "cart": {"id": "c1", "currency": {"code": "USD"}, "discount_amount": 1.20,
            "coupons": [{"code": "x", "discounted_amount": 1}], "line_items": {"custom_items": []}},
        "consignments": [{"id": "k1", "line_item_ids": ["l1"], "shipping_address": {"email": "jane@example.com"}}],
    });
    let (store, input) = ("default".to_owned(), Input::default());
    let begun = Checkout::begin(store, Flow::Cart, input, Map::new(), now, Duration::ZERO);
    Checkout {
        version: 7,
        fence: 2,
        steps: vec![
            step(StepName::Cart, StepStatus::Succeeded),
            step(StepName::BillingAddress, StepStatus::Succeeded),
            step(StepName::Consignments, StepStatus::Pending),
        ],
        facts: Facts { document: Some(Document::of(&document)), ..Facts::default() },
        ..begun
    }
}

fn payment(status: PaymentStatus) -> PaymentFacts {
    PaymentFacts {
        status,
        transaction_id: Some("t1".to_owned()),
        transaction_type: Some("purchase".to_owned()),
        amount: parse_decimal("13.630").map(Money::from),
        currency: "USD".to_owned(),
        payment_method_id: "stripe.card".to_owned(),
        instrument_type: "stored_card".to_owned(),
        last_4: Some("4242".to_owned()),
        decline: Some(Decline { code: Some(30106), title: "Insufficient funds".to_owned() }),
    }
}

fn shown(checkout: &Checkout) -> Value {
    serde_json::to_value(Snapshot::of(checkout)).expect("a snapshot is JSON")
}

#[test]
fn a_snapshot_has_every_field_of_the_contract_in_its_order() {
    let text = serde_json::to_string(&Snapshot::of(&checkout())).expect("a snapshot is JSON");
    let fields = [
        "id",
        "flow",
        "store",
        "version",
        "status",
        "next_step",
        "steps",
        "cart",
        "billing_address",
        "consignments",
        "totals",
        "order",
        "payment",
        "stuck",
        "metadata",
        "created_at",
        "updated_at",
        "expires_at",
    ];
    let shown = shown(&checkout());
    assert_eq!(shown.as_object().map(Map::len), Some(fields.len()));
    assert!(text.starts_with("{\"id\":"), "{text}");
    for field in fields {
        assert!(shown.get(field).is_some(), "{field}");
    }
    assert_eq!(shown["next_step"], json!("consignments"));
    assert_eq!(shown["created_at"], json!("2026-01-02T01:04:05.123456Z"));
    assert_eq!(shown["consignments"][0]["address"], json!({"email": "jane@example.com"}));
    assert_eq!(shown["consignments"][0]["available_shipping_options"], json!([]));
    assert_eq!(shown["consignments"][0]["selected_shipping_option"], Value::Null);
}

#[test]
fn amounts_keep_their_text_and_discounts_are_added_up() {
    let text = serde_json::to_string(&Totals::of(&checkout())).expect("totals are JSON");
    let expected = r#"{"currency":"USD","subtotal":10.0,"discount":2.2,"shipping":5,"handling":0,"fees":0,"tax":0.83,"other":0,"grand_total":13.63}"#;
    assert_eq!(text.replace("2.20", "2.2").replace("10.00", "10.0"), expected);
}

#[test]
fn a_cart_alone_has_totals_too() {
    let mut cart = checkout();
    cart.facts.document =
        Some(Document::from_cart(&raw(&json!({"id": "c1", "base_amount": 10, "cart_amount": 9.83,
        "discount_amount": 1, "currency": {"code": "USD"}, "line_items": {}}))));
    let totals = shown(&cart)["totals"].to_string();
    assert_eq!(
        totals,
        r#"{"currency":"USD","discount":1,"fees":0,"grand_total":9.83,"handling":0,"other":0,"shipping":0,"subtotal":10,"tax":0.83}"#
    );
    cart.facts.document = None;
    assert_eq!(shown(&cart)["totals"], Value::Null);
}

#[test]
fn a_payment_is_shown_without_anything_secret() {
    let mut paid = checkout();
    paid.facts.order = Some(order(125));
    paid.facts.payment = Some(payment(PaymentStatus::Declined));
    let shown = shown(&paid);
    assert_eq!(
        shown["order"],
        json!({"id": 125, "status_id": 0, "status": "Incomplete", "payment_status": ""})
    );
    assert_eq!(shown["payment"]["amount"].to_string(), "13.630");
    assert_eq!(shown["payment"]["instrument"], json!({"type": "stored_card", "last_4": "4242"}));
    assert_eq!(shown["payment"]["decline"], json!({"code": 30106, "title": "Insufficient funds"}));
    assert_eq!(shown["payment"]["safe_to_pay_again"], json!(true));
}

#[test]
fn it_is_safe_to_pay_again_only_when_nothing_was_charged() {
    let safe = |change: &dyn Fn(&mut Checkout)| {
        let mut checkout = checkout();
        change(&mut checkout);
        safe_to_pay_again(&checkout)
    };
    assert!(safe(&|_| {}));
    for &status in PaymentStatus::ALL {
        let certain = matches!(
            status,
            PaymentStatus::Declined | PaymentStatus::PartiallyPaid | PaymentStatus::GivenBack
        );
        assert_eq!(safe(&|checkout| checkout.facts.payment = Some(payment(status))), certain, "{status}");
    }
    assert!(!safe(&|checkout| {
        checkout.facts.payment = Some(payment(PaymentStatus::Declined));
        checkout.in_flight = Some(InFlight {
            step: StepName::Payment,
            attempt: 2,
            fence: 3,
            started_at: checkout.created_at,
            unknown_since: None,
            settling: false,
            looks: 0,
            checkpoint: None,
            counted: false,
            doubted: None,
        });
    }));
    assert!(!safe(&|checkout| checkout.status = Status::Stuck));
    assert!(!safe(&|checkout| checkout.status = Status::Completed));
}

#[test]
fn a_person_is_asked_for_with_a_first_thing_to_try() {
    let mut stuck = checkout();
    stuck.stuck = Some(StuckAs {
        reason: StuckReason::PaymentUnknown,
        detail: "nobody knows".to_owned(),
        since: stuck.created_at,
    });
    let expected = json!({"reason": "payment-unknown", "detail": "nobody knows",
        "since": "2026-01-02T01:04:05.123456Z", "suggested_action": "resolve"});
    assert_eq!(shown(&stuck)["stuck"], expected);
}
