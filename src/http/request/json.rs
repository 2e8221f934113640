//! Request bodies as JSON: read strictly, put into one canonical text, and wiped.
//!
//! Guarantees: a name occurs once in an object, so that no other reader sees another value than was checked; the depth is
//! bounded; numbers keep their text. A body that held card data is overwritten when it is dropped.

use std::collections::HashSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

/// Deeper than any body of the API.
const DEEPEST: usize = 32;

/// A body that overwrites its texts when it is dropped, because a card number may be among them.
#[derive(Default)]
pub(crate) struct Body(Value);

impl Body {
    /// The value.
    pub(crate) fn value(&self) -> &Value {
        &self.0
    }

    /// Takes the value out of the care of this type.
    pub(crate) fn take(mut self) -> Value {
        std::mem::take(&mut self.0)
    }
}

impl From<Value> for Body {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Reads a body. The reason never quotes it.
pub(crate) fn parse(bytes: &[u8]) -> Result<Body, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the body is not UTF-8".to_owned())?;
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let what = if error.is_eof() { "ends too early" } else { "is not JSON" };
        format!("the body {what} (line {}, column {})", error.line(), error.column())
    })?;
    let body = Body(value);
    check_names(text)?;
    Ok(body)
}

/// Walks over JSON that was found valid and looks for names that occur twice, and for too much depth.
fn check_names(text: &str) -> Result<(), String> {
    let bytes = text.as_bytes();
    let mut open: Vec<Option<HashSet<String>>> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' => open.push(Some(HashSet::new())),
            b'[' => open.push(None),
            b'}' | b']' => drop(open.pop()),
            b'"' => {
                let end = end_of_string(bytes, at);
                if let (true, Some(Some(names))) = (is_name(bytes, end), open.last_mut()) {
                    let name: String =
                        serde_json::from_str(text.get(at..end).unwrap_or_default()).unwrap_or_default();
                    // What serde_json keeps numbers under.
                    if name.starts_with("$serde_json::") {
                        return Err("the body holds a name that is reserved".to_owned());
                    }
                    if !names.insert(name) {
                        return Err("the body holds the same name twice in one object".to_owned());
                    }
                }
                at = end;
                continue;
            }
            _ => {}
        }
        if open.len() > DEEPEST {
            return Err(format!("the body is nested more than {DEEPEST} deep"));
        }
        at += 1;
    }
    Ok(())
}

/// The index after the closing quote.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn is_name(bytes: &[u8], end: usize) -> bool {
    let rest = bytes.get(end..).unwrap_or_default();
    rest.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b':')
}

/// The one text of a value: sorted names, no blanks, numbers as they were sent.
pub(crate) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut names: Vec<&String> = map.keys().collect();
            names.sort_unstable();
            for (index, name) in names.into_iter().enumerate() {
                out.push(if index == 0 { '{' } else { ',' });
                let _ = write!(out, "{}:", Value::from(name.as_str()));
                write_canonical(map.get(name).unwrap_or(&Value::Null), out);
            }
            out.push_str(if map.is_empty() { "{}" } else { "}" });
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                out.push(if index == 0 { '[' } else { ',' });
                write_canonical(value, out);
            }
            out.push_str(if list.is_empty() { "[]" } else { "]" });
        }
        scalar => {
            let _ = write!(out, "{scalar}");
        }
    }
}

/// SHA-256 over who asks, what, of which target and with which canonical body.
pub(crate) fn fingerprint(principal: &str, operation: &str, target: &str, body: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in [principal, operation, target, body] {
        // With its length in front, a part cannot run into the next one.
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().into()
}

/// The fields of an object; none of anything else.
pub(crate) fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Without fields that are null: for us null is the same as leaving out, for BigCommerce it need not be.
pub(crate) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(list) => Value::Array(list.into_iter().map(without_nulls).collect()),
        scalar => scalar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_one_json_document_is_refused_without_quoting_it() {
        let deep = "[".repeat(40) + &"]".repeat(40);
        let deeper = "[".repeat(40_000);
        for (body, reason) in [
            (&b""[..], "ends too early"),
            (b"{", "ends too early"),
            (b"{} 4111111111111111", "is not JSON"),
            (b"{\"a\":1,}", "is not JSON"),
            (b"\xff\xfe", "not UTF-8"),
            (b"{\"a\":1,\"a\":2}", "same name twice"),
            (b"{\"a\":{\"b\":1, \"\\u0062\" :2}}", "same name twice"),
            (br#"{"$serde_json::private::Number":"1"}"#, ""),
            (deep.as_bytes(), "nested"),
            (deeper.as_bytes(), "is not JSON"),
        ] {
            let Err(refused) = parse(body) else { panic!("{:?} was taken", String::from_utf8_lossy(body)) };
            assert!(refused.contains(reason), "{refused}");
            assert!(!refused.contains("4111"), "{refused}");
        }
    }

    #[test]
    fn equal_names_in_different_objects_and_in_texts_are_no_duplicates() {
        for body in [r#"{"a":{"a":["a","a"]},"b":[{"a":1},{"a":2}]}"#, r#"{"a":"\"a\":1","c":"x\\"}"#] {
            assert!(parse(body.as_bytes()).is_ok(), "{body}");
        }
    }

    #[test]
    fn the_canonical_text_ignores_order_and_blanks_and_keeps_numbers() {
        let text =
            |body: &str| parse(body.as_bytes()).map(|body| canonical(body.value())).unwrap_or_default();
        assert_eq!(text(r#"{ "b": [1.50, {}], "a": null }"#), r#"{"a":null,"b":[1.50,{}]}"#);
        assert_eq!(text(r#"{"a":[],"b":"\u0041"}"#), text(r#"{"b":"A","a":[]}"#));
        assert_ne!(text("[1.5]"), text("[1.50]"));
    }

    #[test]
    fn each_part_counts_in_the_fingerprint() {
        let base = fingerprint("p", "o", "t", "b");
        for other in [
            fingerprint("po", "", "t", "b"),
            fingerprint("p", "o", "tb", ""),
            fingerprint("p", "o", "t", "c"),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn a_dropped_body_is_overwritten() {
        let mut value = serde_json::json!({"card": {"number": "4111111111111111"}, "list": ["secret"]});
        wipe(&mut value);
        assert_eq!(value, serde_json::json!({"card": {"number": ""}, "list": [""]}));
    }
}
