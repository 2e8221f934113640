//! What cannot be read of an order's money is said, and is never nothing.

use serde_json::json;

use super::*;
use crate::saga::judge::{Before, Judgment, judge};

#[test]
fn an_amount_that_cannot_be_read_is_not_nothing() {
    let row = json!({"id": 1, "event": "purchase", "status": "ok", "amount": 5, "currency": "USD"});
    let row = Transaction::parse(row).expect("a transaction");
    for (field, value) in [
        ("refunded_amount", json!("five")),
        ("refunded_amount", json!([5])),
        ("store_credit_amount", json!({"amount": 5})),
        ("store_credit_amount", json!("-1")),
        ("gift_certificate_amount", json!("5,00")),
        ("gift_certificate_amount", json!(true)),
        ("total_inc_tax", json!("ten")),
        ("default_currency_code", json!("")),
    ] {
        let mut raw =
            json!({"id": 125, "status_id": 0, "total_inc_tax": "10.83", "default_currency_code": "USD"});
        raw[field] = value;
        let order = Order::parse(raw).expect("an order");
        let judgment = judge(&order, std::slice::from_ref(&row), &[], &Before::default());
        assert!(matches!(judgment, Judgment::CannotTell { .. }), "{field}: {judgment:?}");
    }
    for nothing in [json!(null), json!(""), json!("0.0000")] {
        let raw = json!({"id": 125, "status_id": 0, "total_inc_tax": "10.83", "default_currency_code": "USD",
            "refunded_amount": nothing, "store_credit_amount": nothing, "gift_certificate_amount": nothing});
        let order = Order::parse(raw).expect("an order");
        let judgment = judge(&order, std::slice::from_ref(&row), &[], &Before::default());
        assert!(matches!(judgment, Judgment::Part { .. }), "{nothing}: {judgment:?}");
    }
}

#[test]
fn a_refund_of_which_nobody_can_tell_whether_it_was_declined_is_not_counted() {
    let order = Order::parse(
        json!({"id": 125, "status_id": 4, "total_inc_tax": "10.83", "default_currency_code": "USD"}),
    );
    let order = order.expect("an order");
    let row = json!({"id": 1, "event": "purchase", "status": "ok", "amount": "10.83", "currency": "USD"});
    let row = Transaction::parse(row).expect("a transaction");
    for said in [json!("perhaps"), json!(null), json!([]), json!(2)] {
        let refund =
            json!({"id": 3, "total_amount": "10.83", "payments": [{"amount": "10.83", "is_declined": said}]});
        let refund = Refund::parse(refund).expect("a refund");
        assert_eq!(refund.given_back(), None, "{said}");
        let judgment = judge(&order, std::slice::from_ref(&row), &[refund], &Before::default());
        assert!(matches!(judgment, Judgment::CannotTell { .. }), "{said}: {judgment:?}");
    }
}

/// The refund of a part is shown as a void: it does not let go what is authorized beside it.
#[test]
fn a_void_that_names_what_was_taken_leaves_what_is_authorized() {
    let order = json!({"id": 125, "status_id": 7, "payment_status": "authorized", "total_inc_tax": "10.83",
        "default_currency_code": "USD"});
    let order = Order::parse(order).expect("an order");
    let rows: Vec<Transaction> = [
        json!({"id": 1, "event": "purchase", "status": "ok", "amount": 5}),
        json!({"id": 2, "event": "authorization", "status": "ok", "amount": 5.83}),
        json!({"id": 3, "event": "void", "status": "ok", "amount": 5, "reference_transaction_id": 1}),
    ]
    .into_iter()
    .map(|row| Transaction::parse(row).expect("a transaction"))
    .collect();
    let account = Account::of(&order, &rows, &[]);
    assert_eq!(account.held().to_string(), "5.83", "{account:?}");
}
