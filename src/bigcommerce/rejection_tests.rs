//! Every shape in which BigCommerce refuses.

use proptest::prelude::*;

use super::*;

fn read(host: Host, status: u16, body: &str) -> Rejection {
    Rejection::read(host, status, body.as_bytes())
}

fn errors(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(field, said)| ((*field).to_owned(), (*said).to_owned())).collect()
}

#[test]
fn v3_object() {
    let body = r#"{"status":422,"title":"Missing fields","type":"x","instance":"/y",
        "errors":{"line_items":"is required","version":["too old","too small"],"n":7}}"#;
    let seen = read(Host::Api, 422, body);
    assert_eq!((seen.status, seen.code, seen.title.as_str()), (422, None, "Missing fields"));
    assert_eq!(
        seen.errors,
        errors(&[("line_items", "is required"), ("n", "7"), ("version", "too old; too small")])
    );
}

#[test]
fn checkout_not_found_holds_a_list_of_errors() {
    let body = r#"{"errors":[{"status":404,"title":"No such checkout","type":"x","detail":"It is gone"},{"title":"And more"}]}"#;
    let seen = read(Host::Api, 404, body);
    assert_eq!((seen.title.as_str(), seen.detail.as_deref()), ("No such checkout", Some("It is gone")));
    assert_eq!(seen.errors, errors(&[("1", "And more")]));
}

#[test]
fn v2_array() {
    let body =
        r#"[{"status":400,"message":"The field is wrong","details":{"invalid_reason":"must be a number"}}]"#;
    let seen = read(Host::Api, 400, body);
    assert_eq!(seen.title, "The field is wrong");
    assert_eq!(seen.errors, errors(&[("invalid_reason", "must be a number")]));
}

#[test]
fn payments_with_a_code() {
    let body =
        r#"{"status":422,"title":"Card expired","type":"x","detail":"Use another","code":30103,"errors":{}}"#;
    let seen = read(Host::Payments, 422, body);
    assert_eq!((seen.code, seen.title.as_str()), (Some(30103), "Card expired"));
    assert_eq!(read(Host::Payments, 422, r#"{"code":"30106"}"#).code, Some(30106));
}

#[test]
fn refunds_wrap_their_errors_in_data() {
    let seen = read(Host::Api, 422, r#"{"data":[{"status":422,"title":"Not for guests","type":"x"}]}"#);
    assert_eq!(seen.title, "Not for guests");
    let seen =
        read(Host::Api, 503, r#"{"data":[{"order_id":1,"status":503,"error":"Taxes are away"}],"meta":{}}"#);
    assert_eq!(seen.title, "Taxes are away");
}

#[test]
fn nothing_readable_is_an_empty_rejection() {
    for body in
        ["", "<html>502</html>", "null", "\"text\"", "7", "{", "[]", "[[]]", "{}", r#"{"errors":[null,"x"]}"#]
    {
        let seen = read(Host::Api, 400, body);
        assert_eq!((seen.status, seen.title.as_str()), (400, ""), "{body}");
    }
    assert_eq!(Rejection::read(Host::Api, 400, &[0xff, 0xfe]).title, "");
}

#[test]
fn card_numbers_and_tokens_are_masked() {
    let body = r#"{"title":"4111 1111-1111 1111 is wrong","detail":"token eyJh.eyJk.x used","errors":{"4111111111111111":"x 4111111111111111"}}"#;
    let seen = read(Host::Api, 422, body);
    assert_eq!(seen.title, "[masked] is wrong");
    assert_eq!(seen.detail.as_deref(), Some("token [masked] used"));
    assert_eq!(seen.errors, errors(&[("[masked]", "x [masked]")]));
    let seen = read(Host::Payments, 422, r#"{"title":"123 is no verification value, 12 is"}"#);
    assert_eq!(seen.title, "[masked] is no verification value, 12 is");
    assert_eq!(
        read(Host::Api, 404, r#"{"title":"Order 125 of 2024-10-05 is gone -"}"#).title,
        "Order 125 of 2024-10-05 is gone -"
    );
}

#[test]
fn texts_are_bounded() {
    let body = format!(r#"{{"title":"{}"}}"#, "é".repeat(100_000));
    assert_eq!(read(Host::Api, 400, &body).title.chars().count(), LONGEST_TEXT);
    let many = (0..1000).map(|n| format!(r#""f{n}":"x""#)).collect::<Vec<_>>().join(",");
    assert_eq!(read(Host::Api, 400, &format!(r#"{{"errors":{{{many}}}}}"#)).errors.len(), MAX_ERRORS);
}

proptest! {
    #![proptest_config(crate::seeded::seeded())]

    #[test]
    fn no_body_panics(body: Vec<u8>, status: u16) {
        prop_assert_eq!(Rejection::read(Host::Payments, status, &body).status, status);
    }

    #[test]
    fn no_text_with_a_card_number_survives(before in ".{0,8}", after in "[^0-9]{0,8}", number in "[0-9]{4} ?[0-9]{4}-?[0-9]{4} ?[0-9]{4}") {
        let body = serde_json::json!({"title": format!("{before}{number}{after}")}).to_string();
        let seen = read(Host::Api, 422, &body);
        prop_assert!(!seen.title.contains(&number), "{}", seen.title);
    }
}
