//! Payments that do not fit, at both doors that pay, and in BigCommerce's own body.

use serde_json::{Value, json};

use super::{Bad, Place, post, with};
use crate::harness::{address, good_card};

const TOKEN: &str = "8cdf7b6ea1b27119463bf9e5106639618cc77a9adc49f0069ca8b756cc15caee";

/// Payments with one thing wrong, and where.
fn payments() -> Vec<(Value, &'static str)> {
    let card = |pointer: &'static str, value: Value| (with(good_card(), pointer, value), pointer);
    let instrument =
        |body: Value, pointer| (json!({"payment_method_id": "stripe.card", "instrument": body}), pointer);
    let mut rows = vec![
        (json!({}), "/instrument"),
        (json!({"instrument": {"type": "store_credit"}}), "/payment_method_id"),
        card("/payment_method_id", json!("")),
        card("/payment_method_id", json!(5)),
        card("/payment_method_id", json!("m".repeat(256))),
        card("/payment_method_id", json!("stripe\u{0}.card")),
        card("/save_instrument", json!("true")),
        card("/amount", json!(10)),
        card("/instrument", json!("card")),
        card("/instrument/type", Value::Null),
        card("/instrument/type", json!("apple_pay")),
        card("/instrument/type", json!("CARD")),
        card("/instrument/type", json!(["card"])),
        card("/instrument/number", Value::Null),
        card("/instrument/number", json!(4_111_111_111_111_111_i64)),
        card("/instrument/number", json!("4111 1111 1111 111x")),
        card("/instrument/number", json!("41111111111")),
        card("/instrument/number", json!("41111111111111111111")),
        card("/instrument/cardholder_name", Value::Null),
        card("/instrument/cardholder_name", json!("  ")),
        card("/instrument/cardholder_name", json!("Jane\u{0}Doe")),
        card("/instrument/expiry_month", json!(0)),
        card("/instrument/expiry_month", json!(13)),
        card("/instrument/expiry_month", json!(1.5)),
        card("/instrument/expiry_month", json!("December")),
        card("/instrument/expiry_year", json!(31)),
        card("/instrument/expiry_year", json!("12/31")),
        card("/instrument/expiry_year", json!(20_311)),
        card("/instrument/expiry_year", json!(-2031)),
        card("/instrument/verification_value", json!(900)),
        card("/instrument/verification_value", json!("90")),
        card("/instrument/verification_value", json!("90000")),
        card("/instrument/verification_value", json!("9o0")),
        card("/instrument/cvv", json!("900")),
        card("/instrument/token", json!(TOKEN)),
        instrument(json!({"type": "stored_card"}), "/instrument/token"),
        instrument(json!({"type": "stored_card", "token": ""}), "/instrument/token"),
        instrument(json!({"type": "stored_card", "token": 5}), "/instrument/token"),
        instrument(json!({"type": "stored_card", "token": "t".repeat(1025)}), "/instrument/token"),
        instrument(json!({"type": "stored_card", "token": "a\u{0}b"}), "/instrument/token"),
        instrument(
            json!({"type": "stored_card", "token": TOKEN, "verification_value": "1"}),
            "/instrument/verification_value",
        ),
        instrument(json!({"type": "stored_card", "token": TOKEN, "number": "1"}), "/instrument/number"),
        instrument(json!({"type": "stored_paypal_account"}), "/instrument/token"),
        instrument(json!({"type": "stored_bank_account"}), "/instrument/token"),
        instrument(json!({"type": "gift_certificate"}), "/instrument/gift_certificate_code"),
        instrument(
            json!({"type": "gift_certificate", "gift_certificate_code": "\u{0}"}),
            "/instrument/gift_certificate_code",
        ),
        instrument(json!({"type": "store_credit", "amount": 5}), "/instrument/amount"),
        instrument(json!({"type": "tokenized_card"}), "/instrument/token"),
        instrument(
            json!({"type": "tokenized_card", "token": "t", "last_four_digits": "12345"}),
            "/instrument/last_four_digits",
        ),
    ];
    for value in [json!("12"), json!(true), json!({})] {
        rows.push((with(good_card(), "/instrument/expiry_month", value), "/instrument/expiry_month"));
    }
    rows
}

fn at_both_doors() -> Vec<Bad> {
    let mut table = Vec::new();
    for (payment, pointer) in payments() {
        let what = format!("a payment, {pointer}");
        let inside = format!("/payment{pointer}");
        let wrapped = json!({"payment": payment});
        table.push(post(&*what, "{ordered}/payment").json(&payment).at(&[pointer]));
        table.push(post(format!("{what}, wrapped"), "{ordered}/payment").json(&wrapped).at(&[&inside]));
        table.push(post(format!("{what}, in one call"), "{ordered}/complete").json(&wrapped).at(&[&inside]));
    }
    table
}

fn around_it() -> Vec<Bad> {
    let pay = |body: &Value, pointer: &str| post("a payment", "{ordered}/payment").json(body).at(&[pointer]);
    let complete =
        |body: &Value, pointer: &str| post("one call", "{fresh}/complete").json(body).at(&[pointer]);
    let whole = json!({"billing_address": address(), "consignments": [{"address": address()}], "payment": good_card()});
    let changed = |pointer: &str, value: Value| complete(&with(whole.clone(), pointer, value), pointer);
    vec![
        pay(&json!([]), ""),
        pay(&Value::Null, ""),
        pay(&json!({"payment": null}), "/payment"),
        pay(&json!({"payment": [], "agreed_total": 1}), "/payment"),
        pay(&json!({"payment": good_card(), "payment_method_id": "stripe.card"}), "/payment_method_id"),
        pay(&with(good_card(), "/agreed_total", json!("10.83")), "/agreed_total"),
        pay(&with(good_card(), "/agreed_total", json!(-1)), "/agreed_total"),
        pay(&with(json!({"payment": good_card()}), "/agreed_total", json!([])), "/agreed_total"),
        complete(&json!([]), ""),
        complete(&json!({}), "/payment"),
        complete(&json!({"payment": null}), "/payment"),
        complete(&json!({"payment": "card"}), "/payment"),
        complete(&good_card(), "/instrument"),
        changed("/agreed_total", json!("10.83")),
        changed("/nonsense", json!(1)),
        changed("/billing_address/email", json!("jane")),
        changed("/consignments", json!([])),
        changed("/consignments/0/address/city", json!("\u{0}")),
        changed("/shipping_options", json!({})),
        changed("/shipping_preference", json!("slowest")),
        changed("/payment/agreed_total", json!(1)),
    ]
}

#[tokio::test]
async fn payments_that_do_not_fit_are_told_where() {
    let table = at_both_doors().into_iter().chain(around_it()).collect();
    Place::new().await.refuse_all(table).await;
}
