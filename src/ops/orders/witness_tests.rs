//! What counts as proof, and what does not.

use serde_json::json;

use super::*;

fn order(payment_status: &str) -> Order {
    Order::parse(json!({"id": 125, "status_id": 7, "payment_status": payment_status})).expect("an order")
}

fn transaction(id: i64, event: &str, status: &str) -> Transaction {
    Transaction::parse(json!({"id": id, "event": event, "status": status})).expect("a transaction")
}

fn name(finding: &Evidence) -> &'static str {
    match finding {
        Evidence::Applied(_) => "applied",
        Evidence::Against(_) => "against",
        Evidence::Scheduled => "scheduled",
        Evidence::Nothing => "nothing",
    }
}

#[test]
fn a_refund_is_ours_only_with_our_mark() {
    let id = uuid::Uuid::now_v7();
    let refund_of = |reason: String, declined: bool| {
        let raw = json!({"id": 3, "items": [{"reason": reason}], "payments": [{"is_declined": declined,
            "declined_message": "no funds"}]});
        Refund::parse(raw).expect("a refund")
    };
    let (ours, other) = (mark(id), mark(uuid::Uuid::now_v7()));
    let theirs = refund_of(format!("broken {other}"), false);
    let found = refund_of(format!("broken {ours}"), false);
    assert_eq!(refund(&ours, &[]), Evidence::Nothing);
    assert_eq!(refund(&ours, std::slice::from_ref(&theirs)), Evidence::Nothing);
    assert_eq!(name(&refund(&ours, &[theirs, found])), "applied");
    assert_eq!(name(&refund(&ours, &[refund_of(ours.clone(), true)])), "against");
}

#[test]
fn a_capture_or_a_void_is_shown_by_the_status_or_a_new_transaction() {
    let seen = ["1".to_owned(), "2".to_owned()];
    for (status, transactions, captured, voided) in [
        ("authorized", vec![], "nothing", "nothing"),
        ("capture pending", vec![], "applied", "against"),
        ("captured", vec![], "applied", "against"),
        ("refunded", vec![], "applied", "against"),
        ("void pending", vec![], "against", "applied"),
        ("void", vec![], "against", "applied"),
        ("authorized", vec![transaction(2, "capture", "error")], "nothing", "nothing"),
        ("authorized", vec![transaction(3, "capture", "error")], "against", "nothing"),
        ("authorized", vec![transaction(3, "capture", "ok")], "applied", "nothing"),
        ("authorized", vec![transaction(2, "capture", "ok")], "nothing", "nothing"),
        ("authorized", vec![transaction(3, "void", "ok")], "nothing", "applied"),
        ("authorized", vec![transaction(3, "void", "error")], "nothing", "against"),
    ] {
        assert_eq!(name(&capture(&seen, &order(status), &transactions)), captured, "capture {status}");
        assert_eq!(name(&void(&seen, &order(status), &transactions)), voided, "void {status}");
    }
}

#[test]
fn a_void_that_is_scheduled_has_let_nothing_go_yet() {
    let seen = ["1".to_owned(), "2".to_owned()];
    for (status, transactions, expected) in [
        ("authorized", vec![], "nothing"),
        ("void pending", vec![], "scheduled"),
        ("void pending", vec![transaction(3, "void", "ok")], "scheduled"),
        ("void", vec![], "applied"),
        ("authorized", vec![transaction(3, "void", "ok")], "applied"),
        ("authorized", vec![transaction(3, "void", "error")], "against"),
        ("captured", vec![], "against"),
    ] {
        assert_eq!(name(&let_go(&seen, &order(status), &transactions)), expected, "{status}");
    }
}

#[test]
fn a_shipment_is_new_and_the_same_in_all_that_was_asked_for() {
    let body = json!({"order_address_id": 9, "tracking_number": "EJ1", "items": [
        {"order_product_id": 2, "quantity": 1}, {"order_product_id": 1, "quantity": 3}]});
    let shown = json!({"id": 7, "order_address_id": "9", "tracking_number": "EJ1", "comments": "", "items": [
        {"order_product_id": 1, "quantity": "3", "product_id": 5}, {"order_product_id": 2, "quantity": 1}]});
    let shipment = |known: &[String], shipments: &[Value]| {
        shipment(known, &body, shipments).map_or("unreadable", |found| name(&found))
    };
    assert_eq!(shipment(&[], std::slice::from_ref(&shown)), "applied");
    assert_eq!(shipment(&["7".to_owned()], std::slice::from_ref(&shown)), "nothing", "it was there before");
    for id in [Value::Null, json!(""), json!([7])] {
        let mut other = shown.clone();
        other["id"] = id;
        assert_eq!(shipment(&[], &[other.clone()]), "unreadable");
        assert_eq!(shipment(&[], &[other, shown.clone()]), "applied");
    }
    // What cannot be read may be the shipment: then nothing says that it was not made.
    for (field, odd) in [
        ("/items", json!(null)),
        ("/items", json!({"0": {"order_product_id": 1, "quantity": 3}})),
        ("/items/0/quantity", json!(null)),
        ("/items/0/quantity", json!([3])),
        ("/items/0/order_product_id", json!({})),
        ("/tracking_number", json!(["EJ1"])),
        ("/order_address_id", json!(false)),
    ] {
        let mut other = shown.clone();
        *other.pointer_mut(field).expect("the field") = odd;
        assert_eq!(shipment(&[], std::slice::from_ref(&other)), "unreadable", "{field}");
        assert_eq!(
            shipment(&["7".to_owned()], std::slice::from_ref(&other)),
            "nothing",
            "it was there before"
        );
        let mut ours = shown.clone();
        ours["id"] = json!(8);
        assert_eq!(shipment(&[], &[other, ours]), "applied");
    }
    for (name_of, value) in
        [("order_address_id", json!(8)), ("tracking_number", json!("EJ2")), ("items", json!([]))]
    {
        let mut other = shown.clone();
        other[name_of] = value;
        assert_eq!(shipment(&[], &[other]), "nothing", "{name_of}");
    }
}

#[test]
fn money_is_given_back_only_where_no_provider_kept_any() {
    for (payments, all) in [
        (json!(null), true),
        (json!([{"is_declined": false}]), true),
        (json!([{"amount": 5}, {"is_declined": null}]), true),
        (json!([{"is_declined": "0"}]), true),
        (json!([{"is_declined": false}, {"is_declined": true}]), false),
        (json!([{"is_declined": "true"}]), false),
        (json!([{"is_declined": 1}]), false),
        (json!([{"is_declined": "perhaps"}]), false),
        (json!([{"is_declined": []}]), false),
        (json!([7]), false),
        (json!({"is_declined": false}), false),
        (json!("all"), false),
    ] {
        assert_eq!(gives_all_back(&json!({"id": 3, "payments": payments})), all, "{payments}");
    }
}
