//! What each shape takes and refuses.

use serde_json::json;

use crate::http::request::shape::*;

fn wrong(shape: &Shape, value: &Value) -> Vec<(String, String)> {
    let (mut at, mut errors) = (Pointer::default(), Errors::default());
    shape.check(value, &mut at, &mut errors);
    errors.into_list().into_iter().map(|error| (error.pointer, error.detail.into_owned())).collect()
}

fn taken(shape: &Shape, text: &str) -> bool {
    let value: Value = serde_json::from_str(text).expect("the test writes JSON");
    wrong(shape, &value).is_empty()
}

#[test]
fn numbers_are_taken_as_they_are_meant() {
    let units = Shape::Integer { min: 1, max: 100 };
    for (text, fits) in [
        ("1", true),
        ("100", true),
        ("0", false),
        ("101", false),
        ("1.0", false),
        ("1e1", false),
        ("\"1\"", false),
        ("null", false),
        ("99999999999999999999999", false),
    ] {
        assert_eq!(taken(&units, text), fits, "{text}");
    }
    let price = Shape::Amount { min: 0, max: 1000, decimals: 4 };
    for (text, fits) in [
        ("0", true),
        ("10.83", true),
        ("10.83000000", true),
        ("1e2", true),
        ("0.00001", false),
        ("-0.01", false),
        ("1000.01", false),
        ("1e300", false),
        ("1e-300", false),
        ("\"10\"", false),
        ("true", false),
    ] {
        assert_eq!(taken(&price, text), fits, "{text}");
    }
    let loose = Shape::LooseAmount { max: 1000 };
    for (text, fits) in
        [("5", true), ("\"5.00\"", true), ("\"5,00\"", false), ("\"-5\"", false), ("\"\"", false)]
    {
        assert_eq!(taken(&loose, text), fits, "{text}");
    }
}

#[test]
fn texts_are_what_they_are_like() {
    let like = |like, max| Shape::Text { min: 1, max, like };
    for (shape, good, bad) in [
        (
            like(Like::Email, 254),
            &["jane@example.com", "a+b@c.co", "o'neil@x.example"][..],
            &["jane", "jane@", "@example.com", "a b@c.co", "a@b", "a@b..c", "a@@b.co", "a\n@b.co"][..],
        ),
        (like(Like::Country, 2), &["US", "de"], &["USA", "U", "1A", "ÄÖ"]),
        (
            like(Like::Instant, 64),
            &["2026-11-21T00:00:00Z", "9999-12-31T23:59:59Z"],
            &["today", "2026-11-21", "9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00+01:00"],
        ),
        (like(Like::Currency, 3), &["USD", "eur"], &["US", "U5D", "EURO"]),
        (like(Like::Locale, 8), &["en", "en-US", "es-419"], &["e", "en_US", "english-", "en-"]),
        (like(Like::Url, 100), &["https://a.example/x"], &["ftp://a", "https://", "/x", "https://a b"]),
        (like(Like::Line, 5), &["abc", "äöüßé"], &["", "  ", "abcdef", "a\u{0}b", "a\nb"]),
        (like(Like::Lines, 9), &["a\nb\tc"], &["a\u{7}b"]),
        (like(Like::Plain, 9), &["abc", "مریم"], &["", "a\nb", "a\u{202e}b", "a\u{200b}"]),
    ] {
        for text in good {
            assert!(wrong(&shape, &json!(text)).is_empty(), "{text}");
        }
        for text in bad {
            assert!(!wrong(&shape, &json!(text)).is_empty(), "{text}");
        }
        assert!(!wrong(&shape, &json!(7)).is_empty());
    }
}

static INNER: Object = Object {
    name: "Inner",
    about: "",
    fields: &[req("n", Shape::Integer { min: 0, max: 9 }, "")],
    rule: no_rule,
};

static OUTER: Object = Object {
    name: "Outer",
    about: "",
    fields: &[
        req("a", line(1, 5), ""),
        opt("list", Shape::List { of: &Shape::Object(&INNER), min: 1, max: 3 }, ""),
        opt("notes", Shape::Notes { entries: 2, characters: 3 }, ""),
    ],
    rule: no_rule,
};

#[test]
fn all_that_is_wrong_is_told_at_once_and_by_pointer() {
    let body = json!({"list": [{"n": 1}, {"n": 10, "x/y~": 1}, 5], "b": 1, "notes": {"k": 5}});
    let found = wrong(&Shape::Object(&OUTER), &body);
    let pointers: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/b", "/a", "/list/1/x~1y~0", "/list/1/n", "/list/2", "/notes/k"]);
}

#[test]
fn null_is_the_same_as_leaving_out() {
    assert!(wrong(&Shape::Object(&OUTER), &json!({"a": "x", "list": null})).is_empty());
    assert_eq!(wrong(&Shape::Object(&OUTER), &json!({"a": null})).len(), 1);
}

#[test]
fn a_reason_never_quotes_a_value_and_their_number_is_bounded() {
    let body = json!({"a": "4111111111111111", "list": ["4111111111111111"], "notes": "4111111111111111"});
    for (_, detail) in wrong(&Shape::Object(&OUTER), &body) {
        assert!(!detail.contains("4111"), "{detail}");
    }
    let many: serde_json::Map<String, Value> = (0..500).map(|n| (n.to_string(), Value::Null)).collect();
    assert_eq!(wrong(&Shape::Object(&OUTER), &Value::Object(many)).len(), 100);
}
