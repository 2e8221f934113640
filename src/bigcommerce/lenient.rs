//! Reading BigCommerce's JSON as it is, not as it is specified.
//!
//! Guarantees: numbers may be JSON numbers or strings, lists may be missing or null, unknown fields do not matter, and
//! amounts come from their exact decimal text. Nothing here panics and nothing goes through binary floating point.
//! A value that cannot be read is `None`; the caller decides whether the answer is worth anything without it.

use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

/// The decimal text of a number or of a string; `None` for anything else.
fn scalar(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text.trim()),
        Value::Number(number) => Some(number.as_str()),
        _ => None,
    }
}

/// A string, or a number as text. Null, objects (PHP's empty list) and lists are `None`.
pub(super) fn text(from: &Value, key: &str) -> Option<String> {
    from.get(key).and_then(scalar).map(str::to_owned)
}

/// Like [`text`], and an empty text is `None` too.
pub(super) fn filled(from: &Value, key: &str) -> Option<String> {
    text(from, key).filter(|text| !text.is_empty())
}

/// A whole number, also as a string and also with a fraction of zeros (`"2"`, `2.0`).
pub(super) fn integer(from: &Value, key: &str) -> Option<i64> {
    from.get(key).and_then(integer_of)
}

/// See [`integer`].
pub(super) fn integer_of(value: &Value) -> Option<i64> {
    whole(scalar(value)?)
}

/// See [`integer`], of its text.
pub(super) fn whole(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| {
        let decimal = amount(text)?;
        if decimal.fract().is_zero() { i64::try_from(decimal).ok() } else { None }
    })
}

/// An amount from its exact text. More than 28 digits are rounded; what does not fit at all is `None`.
pub(super) fn decimal(from: &Value, key: &str) -> Option<Decimal> {
    from.get(key).and_then(decimal_of)
}

/// See [`decimal`].
pub(super) fn decimal_of(value: &Value) -> Option<Decimal> {
    amount(scalar(value)?)
}

fn amount(text: &str) -> Option<Decimal> {
    Decimal::from_str(text).ok().or_else(|| Decimal::from_scientific(text).ok())
}

/// A flag as `true`, `1`, `"1"` or `"true"` and their opposites.
pub(super) fn flag(from: &Value, key: &str) -> Option<bool> {
    match from.get(key)? {
        Value::Bool(flag) => Some(*flag),
        other => match scalar(other)? {
            "1" | "true" => Some(true),
            "0" | "false" | "" => Some(false),
            _ => None,
        },
    }
}

/// Whether something is there: missing, null and an empty text are nothing.
pub(super) fn is_said(from: &Value, key: &str) -> bool {
    from.get(key)
        .is_some_and(|value| !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty()))
}

/// A list; missing, null or anything else is empty.
pub(super) fn list<'a>(from: &'a Value, key: &str) -> &'a [Value] {
    from.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// An object that holds something; missing, null and empty are `None`.
pub(super) fn object<'a>(from: &'a Value, key: &str) -> Option<&'a Map<String, Value>> {
    from.get(key).and_then(Value::as_object).filter(|map| !map.is_empty())
}

/// The document in any number of envelopes: what is made comes bare, in one, and in one inside of another.
pub(super) fn innermost(mut answer: &Value) -> &Value {
    while let Some(inner @ Value::Object(_)) = answer.get("data") {
        answer = inner;
    }
    answer
}

/// The content of V3's envelope; a bare document is taken as it is.
pub(super) fn data(mut answer: Value) -> Value {
    match answer.get_mut("data") {
        Some(data) => data.take(),
        None => answer,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(text: &str) -> Value {
        serde_json::from_str(text).expect("a fixture")
    }

    #[test]
    fn amounts_are_read_from_their_exact_text() {
        let body = parsed(
            r#"{"a":13.858823529412,"b":"69.8400","c":"8","d":1e2,"e":-3.4e38,"f":"","g":null,"h":0.1,
               "i":1.00000000000000000000000000000000001}"#,
        );
        let read = |key| decimal(&body, key).map(|amount| amount.to_string());
        assert_eq!(read("a").as_deref(), Some("13.858823529412"));
        assert_eq!(read("b").as_deref(), Some("69.8400"));
        assert_eq!(read("c").as_deref(), Some("8"));
        assert_eq!(read("d").as_deref(), Some("100"));
        assert_eq!(read("e"), None);
        assert_eq!(read("f"), None);
        assert_eq!(read("g"), None);
        assert_eq!(read("h").as_deref(), Some("0.1"));
        assert!(read("i").is_some_and(|text| text.starts_with("1.000")));
    }

    #[test]
    fn whole_numbers_may_be_strings() {
        let body = parsed(r#"{"a":7,"b":"7","c":7.0,"d":7.5,"e":"seven","f":[],"g":99999999999999999999}"#);
        let read = ["a", "b", "c", "d", "e", "f", "g", "h"].map(|key| integer(&body, key));
        assert_eq!(read, [Some(7), Some(7), Some(7), None, None, None, None, None]);
    }

    #[test]
    fn missing_null_and_odd_lists_are_empty() {
        let body = json!({"null": null, "object": {}, "list": ["x", 3, null]});
        assert!(list(&body, "missing").is_empty());
        assert!(list(&body, "null").is_empty());
        assert!(list(&body, "object").is_empty());
        assert_eq!(list(&body, "list").len(), 3);
        assert_eq!(text(&body, "object"), None);
    }

    #[test]
    fn flags_come_in_several_forms() {
        let body = json!({"a": true, "b": 1, "c": "false", "d": "", "e": "yes", "f": null});
        let read = ["a", "b", "c", "d", "e", "f", "g"].map(|key| flag(&body, key));
        assert_eq!(read, [Some(true), Some(true), Some(false), Some(false), None, None, None]);
    }

    #[test]
    fn the_envelope_is_optional() {
        assert_eq!(data(json!({"data": {"id": 1}, "meta": {}})), json!({"id": 1}));
        assert_eq!(data(json!([1])), json!([1]));
        let document = json!({"id": 1, "data": null});
        for answer in
            [json!({"data": {"data": document}}), json!({"data": document, "meta": {}}), document.clone()]
        {
            assert_eq!(innermost(&answer), &document);
        }
    }
}
