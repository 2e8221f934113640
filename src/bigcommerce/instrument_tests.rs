//! Instruments: what is taken, what is refused, what is written.

use serde_json::json;

use super::*;

fn parse(instrument: &Value) -> Result<PaymentRequest, Vec<FieldError>> {
    PaymentRequest::parse(json!({"payment_method_id": "stripe.card", "instrument": instrument}), "/payment")
}

fn written(instrument: &Value) -> Value {
    let Ok(request) = parse(instrument) else { panic!("refused") };
    let body: Value = serde_json::from_slice(&request.body()).expect("JSON");
    body.get("payment").and_then(|payment| payment.get("instrument")).cloned().unwrap_or_default()
}

fn card() -> Value {
    json!({"type": "card", "number": "4111 1111-1111 1111", "cardholder_name": "Ada Lovelace", "expiry_month": 2,
        "expiry_year": "2031", "verification_value": "123"})
}

#[test]
fn every_instrument_is_written_as_it_came() {
    for instrument in [
        json!({"type": "stored_card", "token": "t", "verification_value": "1234"}),
        json!({"type": "stored_card", "token": "t"}),
        json!({"type": "stored_paypal_account", "token": "t"}),
        json!({"type": "stored_bank_account", "token": "t"}),
        json!({"type": "gift_certificate", "gift_certificate_code": "ABC"}),
        json!({"type": "store_credit"}),
        json!({"type": "tokenized_card", "token": "t", "iin": "411111", "last_four_digits": "1111",
            "expiration_month": "02", "expiration_year": "2031"}),
        json!({"type": "tokenized_card", "token": "t"}),
    ] {
        assert_eq!(written(&instrument), instrument);
        let kind = parse(&instrument).map(|request| request.instrument().kind());
        assert_eq!(kind.ok(), instrument.get("type").and_then(Value::as_str));
    }
}

#[test]
fn a_card_is_written_with_plain_digits_and_numbers() {
    let expected = json!({"type": "card", "number": "4111111111111111", "cardholder_name": "Ada Lovelace",
        "expiry_month": 2, "expiry_year": 2031, "verification_value": "123"});
    assert_eq!(written(&card()), expected);
    let Ok(request) = parse(&card()) else { panic!("refused") };
    assert_eq!(request.instrument().last_4().as_deref(), Some("1111"));
    assert!(matches!(request.instrument(), Instrument::Card(_)));
}

#[test]
fn storing_the_instrument_is_asked_for_only_where_it_was() {
    for (save, expected) in [(json!(true), Some(json!(true))), (json!(false), None), (json!(null), None)] {
        let body = json!({"payment_method_id": "m", "instrument": {"type": "store_credit"}, "save_instrument": save});
        let Ok(request) = PaymentRequest::parse(body, "") else { panic!("refused") };
        let body: Value = serde_json::from_slice(&request.body()).expect("JSON");
        assert_eq!(body.get("payment").and_then(|payment| payment.get("save_instrument")).cloned(), expected);
    }
}

#[test]
fn everything_wrong_is_told_at_once_by_its_pointer() {
    let pointers = |result: Result<PaymentRequest, Vec<FieldError>>| {
        let errors = result.err().unwrap_or_default();
        errors.into_iter().map(|error| error.pointer).collect::<Vec<_>>()
    };
    let wrong = json!({"type": "card", "number": 4_111_111_111_111_111_u64, "cardholder_name": " ", "expiry_month": 13,
        "expiry_year": 31, "verification_value": 123});
    assert_eq!(
        pointers(parse(&wrong)),
        ["number", "cardholder_name", "expiry_month", "expiry_year", "verification_value"]
            .map(|field| format!("/payment/instrument/{field}"))
    );
    assert_eq!(pointers(parse(&json!({"type": "cash"}))), ["/payment/instrument/type"]);
    assert_eq!(
        pointers(parse(&json!({"type": "stored_card", "token": "t", "verification_value": "12"}))),
        ["/payment/instrument/verification_value"]
    );
    assert_eq!(
        pointers(parse(&json!({"type": "tokenized_card", "token": "t", "last_four_digits": "411111111111"}))),
        ["/payment/instrument/last_four_digits"]
    );
    assert_eq!(pointers(PaymentRequest::parse(json!([]), "/payment")), ["/payment"]);
    let body = json!({"save_instrument": "yes"});
    assert_eq!(
        pointers(PaymentRequest::parse(body, "")),
        ["/payment_method_id", "/save_instrument", "/instrument"]
    );
}

#[test]
fn refusals_do_not_quote() {
    let mut wrong = card();
    wrong["number"] = json!("4111x11111111111");
    wrong["verification_value"] = json!("98765");
    let errors = format!("{:?}", parse(&wrong).err());
    assert!(
        errors.contains("/payment/instrument/number")
            && !errors.contains("4111")
            && !errors.contains("98765")
    );
}

#[test]
fn every_text_of_the_input_is_overwritten() {
    let mut body = json!({"a": "x", "b": ["y", {"c": "z"}], "d": 1});
    wipe(&mut body);
    assert_eq!(body, json!({"a": "", "b": ["", {"c": ""}], "d": 1}));
}
