//! Reading orders and what hangs on them.

use proptest::prelude::*;

use super::*;
use crate::bigcommerce::spoilt::spoilt;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("a fixture")
}

#[test]
fn an_order_is_read_with_money_as_text_or_number() {
    for total in [r#""69.8400""#, "69.84", r#""69.84""#] {
        let text = format!(
            r#"{{"id":125,"status_id":0,"status":"Incomplete","payment_status":"","cart_id":"c-1","customer_id":0,
                "total_inc_tax":{total},"currency_code":"EUR","default_currency_code":"USD","is_deleted":false,
                "payment_provider_id":177,"external_order_id":"","date_created":"Tue, 05 Mar 2019 21:40:11 +0000"}}"#
        );
        let order = Order::parse(parsed(&text)).expect("an order");
        assert_eq!((order.id.get(), order.status_id, order.status.as_str()), (125, 0, "Incomplete"));
        assert_eq!(order.total_inc_tax, Some(Decimal::new(6984, 2)));
        assert_eq!((order.currency.as_deref(), order.cart_id.as_deref()), (Some("USD"), Some("c-1")));
        assert_eq!((order.payment_provider_id.as_deref(), order.external_order_id), (Some("177"), None));
        assert!(order.raw.to_string().contains(&format!(r#""total_inc_tax":{total}"#)));
    }
}

#[test]
fn an_order_of_odd_money_still_counts_as_an_order() {
    let order =
        Order::parse(parsed(r#"{"id":"7","status_id":"11","total_inc_tax":"many"}"#)).expect("an order");
    assert_eq!(
        (order.id.get(), order.status_id, order.total_inc_tax, order.is_deleted),
        (7, 11, None, false)
    );
}

/// Nobody guesses in which currency it costs what it costs.
#[test]
fn a_currency_that_is_there_and_cannot_be_read_is_said() {
    for name in ["default_currency_code", "currency_code"] {
        for odd in ["[1]", "{\"code\":\"USD\"}", "true"] {
            let text = format!(r#"{{"id":7,"status_id":0,"total_inc_tax":"10.83","{name}":{odd}}}"#);
            let order = Order::parse(parsed(&text)).expect("an order");
            assert_eq!(order.unreadable, Some(name), "{odd}");
            assert!(!order.is_untouched());
        }
        for nothing in ["null", r#""""#, "[]", "{}", r#""USD""#] {
            let text = format!(r#"{{"id":7,"status_id":0,"total_inc_tax":"10.83","{name}":{nothing}}}"#);
            assert_eq!(Order::parse(parsed(&text)).expect("an order").unreadable, None, "{nothing}");
        }
    }
}

#[test]
fn one_unreadable_row_spoils_the_witness() {
    let list = |text| rows(Order::parse)(Some(parsed(text))).map(|orders| orders.len());
    assert_eq!(list(r#"[{"id":1,"status_id":0},{"id":2,"status_id":0}]"#), Some(2));
    assert_eq!(list(r#"[{"id":1,"status_id":0},{"id":2}]"#), None);
    assert_eq!(list(r#"[{"id":0,"status_id":0}]"#), None);
    assert_eq!(rows(Order::parse)(None).map(|orders| orders.len()), Some(0));
}

#[test]
fn order_ids_begin_at_one() {
    for (id, expected) in [(1, true), (i64::MAX, true), (0, false), (-1, false), (i64::MIN, false)] {
        assert_eq!(OrderId::new(id).is_some(), expected, "{id}");
    }
}

#[test]
fn a_filter_asks_for_what_is_given() {
    let text = |filter: &Filter| filter.apply(Request::api("x", Method::GET, &["v2"])).query_text();
    assert_eq!(text(&Filter::default()), "");
    assert_eq!(text(&Filter::by_cart("c-1")), "?cart_id=c-1&sort=id:asc");
    let filter =
        Filter { email: Some("a b@c.d".to_owned()), status_id: Some(0), page: Some(2), ..Filter::default() };
    assert_eq!(text(&filter), "?status_id=0&email=a%20b%40c.d&page=2");
}

#[test]
fn transactions_are_read_whatever_their_amount() {
    let text = r#"{"data":[{"id":9,"order_id":"125","event":"Purchase","status":"OK","amount":-3.4e38,"currency":"USD",
        "payment_method_id":"stripe.card","reference_transaction_id":null,"test":true,"custom":{}},
        {"id":"10","event":"pending","status":"ok","amount":10.83}]}"#;
    let read = rows(Transaction::parse)(Some(parsed(text))).expect("a list");
    let seen = read.iter().map(|one| (one.id.as_str(), one.event.as_str(), one.status.as_str(), one.amount));
    assert_eq!(
        seen.collect::<Vec<_>>(),
        [("9", "purchase", "ok", None), ("10", "pending", "ok", Some(Decimal::new(1083, 2)))]
    );
    assert!(read.iter().any(|one| one.is_test && one.reference_transaction_id.is_none()));
}

#[test]
fn a_refund_is_found_by_its_reason() {
    let text = r#"{"data":[{"id":3,"order_id":125,"created":"2024-01-01T00:00:00+00:00","total_amount":7.99,
        "items":[{"item_type":"ORDER","item_id":125,"reason":"key-1"},{"item_type":"TAX","reason":""}],
        "payments":[{"provider_id":"stripe","amount":7.99,"is_declined":true,"declined_message":"no"}]}]}"#;
    let read = rows(Refund::parse)(Some(parsed(text))).expect("a list");
    let refund = read.first().expect("a refund");
    assert_eq!((refund.reasons.as_slice(), refund.is_declined), (&["key-1".to_owned()][..], true));
    assert_eq!(
        (refund.order_id.map(OrderId::get), refund.total_amount),
        (Some(125), Some(Decimal::new(799, 2)))
    );
}

#[test]
fn shipping_quotes_may_be_none_one_or_several() {
    assert_eq!(quotes(None).map(|list| list.len()), Some(0));
    assert_eq!(
        quotes(Some(parsed(r#"{"id":"16","shipping_provider_id":"x"}"#))).map(|list| list.len()),
        Some(1)
    );
    assert_eq!(quotes(Some(parsed(r#"[{"id":"16"},{"id":"17"}]"#))).map(|list| list.len()), Some(2));
    assert_eq!(quotes(Some(parsed("7"))), None);
}

#[test]
fn the_call_that_archives_all_orders_cannot_be_built() {
    let call = crate::bigcommerce::Call::new(uuid::Uuid::nil(), crate::bigcommerce::Priority::BackOffice);
    let client = crate::bigcommerce::Client::new(&crate::bigcommerce::Settings {
        store_hash: "abc".to_owned(),
        access_token: crate::secret::Secret::new("token".to_owned()),
        api_url: "http://127.0.0.1:9".to_owned(),
        payments_url: "http://127.0.0.1:9".to_owned(),
        timeout: std::time::Duration::from_secs(1),
        payment_timeout: std::time::Duration::from_secs(1),
    });
    let client = client.expect("a client");
    let orders = client.orders(&call);
    // What names an order is a number from 1 on, so its path has a segment more than that of all orders.
    for id in [1, 125, i64::MAX] {
        let id = OrderId::new(id).expect("an id");
        let request = orders.one("order.archive", Method::DELETE, id, &[]);
        assert_eq!(request.path_text(), Some(&*format!("/v2/orders/{id}")));
    }
    for id in [0, -1, i64::MIN] {
        assert_eq!(OrderId::new(id), None, "{id}");
    }
    // And the sources hold the method once for orders: in the call above.
    let source = include_str!("orders.rs").to_owned() + include_str!("order_money.rs");
    assert_eq!(source.matches("Method::DELETE").count(), 1);
    assert!(source.contains(r#"self.one("order.archive", Method::DELETE, id, &[])"#));
}

#[test]
fn an_order_of_which_something_cannot_be_read_is_not_untouched() {
    let read = |name: &str, value: serde_json::Value| {
        let mut raw =
            serde_json::json!({"id": 125, "status_id": 0, "payment_status": "", "total_inc_tax": "10.83"});
        raw[name] = value;
        super::Order::parse(raw).expect("an order")
    };
    for nothing in
        [serde_json::json!(null), serde_json::json!(""), serde_json::json!([]), serde_json::json!({})]
    {
        assert!(read("payment_status", nothing.clone()).is_untouched(), "{nothing}");
        assert!(read("is_deleted", nothing.clone()).is_untouched(), "{nothing}");
    }
    for (name, odd) in [
        ("payment_status", serde_json::json!({"a": 1})),
        ("payment_status", serde_json::json!(["captured"])),
        ("is_deleted", serde_json::json!("perhaps")),
        ("store_credit_amount", serde_json::json!("five")),
        ("total_inc_tax", serde_json::json!("a lot")),
    ] {
        let order = read(name, odd);
        assert_eq!((order.unreadable, order.is_untouched()), (Some(name), false));
        // Nor is it known that everything went back.
        let refunded = super::Order { status_id: 4, payment_status: "refunded".to_owned(), ..order };
        assert!(!refunded.is_refunded(), "{name}");
        assert!(super::Order { unreadable: None, ..refunded }.is_refunded(), "{name}");
    }
}

fn whole_order() -> Value {
    serde_json::json!({"id": 125, "status_id": 11, "status": "Awaiting Fulfillment", "payment_status": "captured",
        "cart_id": "c-1", "customer_id": 7, "total_inc_tax": "10.83", "refunded_amount": "2.00",
        "store_credit_amount": "3.00", "gift_certificate_amount": "1.00", "currency_code": "EUR",
        "default_currency_code": "EUR", "payment_provider_id": "177", "is_deleted": true, "billing_address": {"email": "a@b.c"}})
}

fn whole_transaction() -> Value {
    serde_json::json!({"id": 9, "order_id": "125", "event": "purchase", "status": "ok", "amount": 10.83, "currency": "EUR",
        "payment_method_id": "stripe.card", "reference_transaction_id": 8, "test": true, "gift_certificate": {"code": "A"}})
}

fn whole_refund() -> Value {
    serde_json::json!({"id": 3, "order_id": 125, "total_amount": 5, "items": [{"item_id": 125, "reason": "key-1"}],
        "payments": [{"id": 1, "amount": 2, "is_declined": false}, {"id": 2, "amount": 3, "is_declined": true}]})
}

/// Nothing of it, or what it is: never something else.
fn is_or_none(read: Option<Decimal>, whole: Decimal) -> bool {
    read.is_none_or(|read| read == whole)
}

proptest! {
    #![proptest_config(crate::seeded::seeded())]

    #[test]
    fn of_a_spoilt_order_nothing_is_invented(raw in spoilt(&whole_order())) {
        let says = |name| lenient::is_said(&raw, name);
        if let Some(order) = Order::parse(raw.clone()) {
            prop_assert_eq!((order.id.get(), order.status_id), (125, 11));
            for (name, read, whole) in [
                ("total_inc_tax", order.total_inc_tax, 1083),
                ("refunded_amount", order.refunded_amount, 200),
                ("store_credit_amount", order.store_credit_amount, 300),
                ("gift_certificate_amount", order.gift_certificate_amount, 100),
            ] {
                prop_assert!(is_or_none(read, Decimal::new(whole, 2)), "{name}");
                prop_assert!(read.is_some() || !says(name) || order.unreadable.is_some(), "{name} is no 0");
            }
            let currency = order.currency.as_deref();
            prop_assert!(currency.is_none_or(|code| ["EUR", "odd"].contains(&code)), "{currency:?}");
            prop_assert!(!order.is_untouched() && !order.is_refunded());
        }
        // Without any envelope, in one, and in two.
        let inner = serde_json::json!({"data": {"data": raw.clone()}});
        prop_assert_eq!(lenient::innermost(&inner), lenient::innermost(&raw));
    }

    #[test]
    fn of_a_spoilt_transaction_nothing_is_invented(raw in spoilt(&whole_transaction())) {
        let Some(read) = Transaction::parse(raw) else { return Ok(()) };
        prop_assert!(!read.id.is_empty());
        prop_assert!(["purchase", "odd", ""].contains(&read.event.as_str()), "{}", read.event);
        prop_assert!(["ok", "odd", ""].contains(&read.status.as_str()), "{}", read.status);
        prop_assert!(is_or_none(read.amount, Decimal::new(1083, 2)));
        prop_assert!(read.currency.as_deref().is_none_or(|code| ["EUR", "odd"].contains(&code)));
    }

    #[test]
    fn of_a_spoilt_refund_nothing_is_invented(raw in spoilt(&whole_refund())) {
        let Some(read) = Refund::parse(raw.clone()) else { return Ok(()) };
        prop_assert!(!read.id.is_empty());
        prop_assert!(is_or_none(read.total_amount, Decimal::from(5)));
        let given = read.given_back();
        // What was not declined; all of it, where nothing is declined any more; else it cannot be told.
        let sums = [0, 2, 5].map(Decimal::from);
        prop_assert!(given.is_none_or(|sum| sums.contains(&sum)), "{given:?} of {raw}");
        let odd = |one: &Value| one.get("is_declined").is_some_and(|word| word == "odd");
        prop_assert!(given.is_none() || !lenient::list(&raw, "payments").iter().any(odd), "{given:?} of {raw}");
    }
}
