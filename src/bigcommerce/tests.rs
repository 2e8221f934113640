//! What all resources share: settings, envelopes, versions.

use serde_json::json;

use super::*;

fn settings(hash: &str, token: &str, url: &str) -> Settings {
    Settings {
        store_hash: hash.to_owned(),
        access_token: Secret::new(token.to_owned()),
        api_url: url.to_owned(),
        payments_url: "http://127.0.0.1:1".to_owned(),
        timeout: Duration::from_secs(1),
        payment_timeout: Duration::from_secs(1),
    }
}

#[test]
fn wrong_settings_make_no_client() {
    let problem =
        |hash, token, url| Client::new(&settings(hash, token, url)).err().map(|error| error.to_string());
    assert_eq!(problem("abc", "t", "http://127.0.0.1:1/"), None);
    for (hash, token, url) in [
        ("", "t", "http://h"),
        ("a/b", "t", "http://h"),
        ("..", "t", "http://h"),
        ("abc", "", "http://h"),
        ("abc", " \n", "http://h"),
        ("abc", "a\nb", "http://h"),
        ("abc", "t", "h"),
        ("abc", "t", "ftp://h"),
        ("abc", "t", "http://h?x=1"),
        ("abc", "t", "http://u:p@h"),
    ] {
        let problem = problem(hash, token, url).expect("a refusal");
        assert!(!problem.contains("a\nb"), "{problem}");
    }
}

#[test]
fn documents_come_in_an_envelope_or_bare() {
    assert_eq!(document(as_is)(Some(json!({"data": {"id": 1}}))), Some(json!({"id": 1})));
    assert_eq!(document(as_is)(Some(json!({"id": 1}))), Some(json!({"id": 1})));
    for nothing in [None, Some(json!({"data": null})), Some(json!({"data": []})), Some(json!([]))] {
        assert_eq!(document(as_is)(nothing), None);
    }
}

#[test]
fn no_rows_is_not_the_same_as_unreadable_rows() {
    let read = |body| rows(as_is)(body).map(|rows| rows.len());
    assert_eq!(read(None), Some(0));
    assert_eq!(read(Some(json!([]))), Some(0));
    assert_eq!(read(Some(json!({"data": null, "meta": {}}))), Some(0));
    assert_eq!(read(Some(json!({"data": [{}, {}]}))), Some(2));
    for unreadable in [json!({}), json!("x"), json!([1]), json!({"data": {"id": 1}}), json!({"status": 200})]
    {
        assert_eq!(read(Some(unreadable)), None);
    }
}

#[test]
fn a_version_is_added_only_where_it_is_known() {
    assert_eq!(versioned(&json!({"a": 1}), Some(7)), json!({"a": 1, "version": 7}));
    assert_eq!(versioned(&json!({"a": 1}), None), json!({"a": 1}));
}
