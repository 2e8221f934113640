//! What tokens, answers and refusals mean.

use proptest::prelude::*;

use super::*;
use crate::bigcommerce::spoilt::spoilt;
use crate::bigcommerce::{Host, RateLimit, classify};

#[test]
fn every_code_has_its_class() {
    let table = [
        (PaymentClass::Declined, &[30_051, 30_102, 30_103, 30_104, 30_106, 30_107][..]),
        (PaymentClass::Ambiguous, &[10_000, 30_050, 0, -1, 1, 30_005, 30_108, 30_052, 99_999, 3001]),
        (PaymentClass::StopAndReconcile, &[30_101, 30_105]),
        (PaymentClass::MintAgain, &[30_004]),
        (PaymentClass::Configuration, &[30_000, 30_001, 30_002]),
        (PaymentClass::RequestWrong, &[10_001, 30_003]),
        (PaymentClass::RetryMint, &[30_100]),
    ];
    for (class, codes) in table {
        for code in codes {
            assert_eq!(PaymentClass::of_code(Some(*code)), class, "{code}");
        }
    }
    assert_eq!(PaymentClass::of_code(None), PaymentClass::Ambiguous);
}

#[test]
fn a_code_counts_on_refusals_only_and_silence_is_doubt() {
    let class = |status, code: Option<i64>| {
        let body = code.map(|code| json!({ "status": status, "title": "x", "code": code }).to_string());
        let error =
            classify(Host::Payments, status, &RateLimit::default(), body.unwrap_or_default().as_bytes());
        PaymentClass::of_error(&error)
    };
    for (status, code, expected) in [
        (422, Some(30_106), PaymentClass::Declined),
        (400, Some(30_102), PaymentClass::Declined),
        (401, Some(10_001), PaymentClass::RequestWrong),
        (401, None, PaymentClass::Ambiguous),
        (400, None, PaymentClass::Ambiguous),
        (404, None, PaymentClass::Ambiguous),
        (406, None, PaymentClass::Ambiguous),
        (422, Some(10_000), PaymentClass::Ambiguous),
        (409, Some(30_101), PaymentClass::StopAndReconcile),
        (422, Some(30_105), PaymentClass::StopAndReconcile),
        (409, None, PaymentClass::Ambiguous),
        (423, None, PaymentClass::Ambiguous),
        (429, None, PaymentClass::NotExecuted),
        (429, Some(30_101), PaymentClass::NotExecuted),
        (500, Some(30_106), PaymentClass::Ambiguous),
        (503, None, PaymentClass::Ambiguous),
        (408, Some(30_106), PaymentClass::Ambiguous),
        (302, None, PaymentClass::Ambiguous),
    ] {
        assert_eq!(class(status, code), expected, "{status} {code:?}");
    }
}

#[test]
fn answers_to_payments() {
    let read = |text| document(|body| PaymentAnswer::parse(&body))(serde_json::from_str(text).ok());
    let answer =
        read(r#"{"data":{"id":"t-1","transaction_type":"purchase","status":"success"}}"#).expect("an answer");
    assert_eq!((answer.status, answer.transaction_type), (PaymentStatus::Success, TransactionType::Purchase));
    let answer = read(r#"{"data":{"id":"t-1","transaction_type":"authorization","status":"pending"}}"#)
        .expect("an answer");
    assert_eq!(
        (answer.status, answer.transaction_type),
        (PaymentStatus::Pending, TransactionType::Authorization)
    );
    let answer = read(r#"{"data":{"status":"odd"}}"#).expect("an answer");
    assert_eq!((answer.id, answer.status), (None, PaymentStatus::Other("odd".to_owned())));
    for text in ["{}", r#"{"data":{}}"#, r#"{"data":null}"#, "[]", "\"success\""] {
        assert_eq!(read(text), None, "{text}");
    }
}

fn token(payload: &str) -> Option<AccessToken> {
    let payload = URL_SAFE_NO_PAD.encode(payload);
    AccessToken::parse(&json!({ "id": format!("{}.{payload}.sig", URL_SAFE_NO_PAD.encode("{}")) }))
}

#[test]
fn claims_are_read_from_text_or_numbers() {
    for payload in [
        r#"{"exp":1700003600,"iat":1700000000,"jti":"j","data":{"store_id":"1","order_id":"166","amount":45790,"currency":"USD"}}"#,
        r#"{"exp":"1700003600","iat":"1700000000","jti":"j","data":{"store_id":1,"order_id":166,"amount":"45790","currency":"USD"}}"#,
    ] {
        let token = token(payload).expect("a token");
        let expected = Claims {
            jti: Some("j".to_owned()),
            exp: Some(1_700_003_600),
            iat: Some(1_700_000_000),
            amount_minor: Some(45_790),
            currency: Some("USD".to_owned()),
            order_id: OrderId::new(166),
        };
        assert_eq!(token.claims(), Some(&expected), "{payload}");
    }
    assert_eq!(token("{}").and_then(|token| token.claims().cloned()), Some(Claims::default()));
}

#[test]
fn a_token_in_another_form_is_still_a_token() {
    for id in ["opaque", "a.b.c", "a b.c d.e", "..", "eyJ.!!.x"] {
        let token = AccessToken::parse(&json!({ "id": id })).expect("a token");
        assert_eq!(token.claims(), None, "{id}");
    }
    for id in [json!(""), json!("a\nb"), json!(null), json!({})] {
        assert!(AccessToken::parse(&json!({ "id": id })).is_none(), "{id}");
    }
}

#[test]
fn methods_are_read_and_know_their_stored_instruments() {
    let body = json!({"data": [{"id": "stripe.card", "name": "Stripe", "type": "card", "test_mode": true,
        "supported_instruments": [{"instrument_type": "STORED_CARD"}],
        "stored_instruments": [{"type": "stored_card", "token": "t1", "last_4": "4242"}]}]});
    let methods = rows(PaymentMethod::parse)(Some(body)).expect("a list");
    let method = methods.first().expect("a method");
    assert_eq!((method.id.as_str(), method.test_mode), ("stripe.card", true));
    assert_eq!(method.last_4_of("t1").as_deref(), Some("4242"));
    assert_eq!(method.last_4_of("t2"), None);
}

proptest! {
    #![proptest_config(crate::seeded::seeded())]

    #[test]
    fn only_documented_codes_are_certain(code: i64) {
        let documented = [10_001, 30_000, 30_001, 30_002, 30_003, 30_004, 30_051, 30_100, 30_102, 30_103, 30_104, 30_106, 30_107];
        prop_assert_eq!(PaymentClass::of_code(Some(code)).is_certainly_not_charged(), documented.contains(&code));
    }

    #[test]
    fn no_token_panics(id in ".{0,80}") {
        let _ = AccessToken::parse(&json!({ "id": id }));
    }
}

fn whole_answer() -> Value {
    json!({"data": {"id": "t-1", "status": "success", "transaction_type": "purchase"}})
}

fn whole_method() -> Value {
    json!({"id": "stripe.card", "name": "Stripe", "type": "card", "test_mode": true, "supported_instruments": [{"instrument_type": "VISA"}],
        "stored_instruments": [{"type": "stored_card", "token": "s-1", "last_4": "4242"}]})
}

fn whole_claims() -> Value {
    json!({"jti": "j-1", "iat": 1000, "exp": 4600, "data": {"order_id": 125, "amount": 1083, "currency": "EUR"}})
}

proptest! {
    #![proptest_config(crate::seeded::seeded())]

    #[test]
    fn of_a_spoilt_payment_nothing_is_invented(raw in spoilt(&whole_answer())) {
        let body = lenient::innermost(&raw);
        let Some(read) = PaymentAnswer::parse(body) else { return Ok(()) };
        // Success is what BigCommerce calls that; a word that is missing is not.
        let says = |name, word| lenient::text(body, name).as_deref() == Some(word);
        prop_assert_eq!(read.status == PaymentStatus::Success, says("status", "success"));
        prop_assert!(read.status != PaymentStatus::Pending);
        prop_assert_eq!(read.transaction_type == TransactionType::Purchase, says("transaction_type", "purchase"));
        prop_assert!(read.transaction_type != TransactionType::Authorization);
        prop_assert!(read.id.is_none_or(|id| !id.is_empty()));
    }

    #[test]
    fn of_a_spoilt_method_nothing_is_invented(raw in spoilt(&whole_method())) {
        let Some(read) = PaymentMethod::parse(raw) else { return Ok(()) };
        prop_assert!(["stripe.card", "odd"].contains(&read.id.as_str()), "{}", read.id);
        prop_assert!(read.last_4_of("s-1").is_none_or(|last| ["4242", "odd"].contains(&last.as_str())));
        prop_assert_eq!(read.last_4_of(""), None);
    }

    #[test]
    fn of_a_spoilt_token_nothing_is_invented(claims in spoilt(&whole_claims()), answer in spoilt(&json!({"data": {"id": "x"}}))) {
        let _ = AccessToken::parse(lenient::innermost(&answer)).is_some();
        let token = format!("a.{}.c", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let read = AccessToken::parse(&json!({"id": token})).expect("a token");
        let Some(read) = read.claims() else { return Ok(()) };
        prop_assert!(read.amount_minor.is_none_or(|amount| amount == 1083));
        prop_assert!(read.order_id.is_none_or(|id| id.get() == 125));
        prop_assert!(read.currency.as_deref().is_none_or(|code| ["EUR", "odd"].contains(&code)));
        prop_assert!(read.exp.is_none_or(|exp| exp == 4600) && read.iat.is_none_or(|iat| iat == 1000));
    }
}
