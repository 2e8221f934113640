//! Texts that JSON can write and nobody can keep (setting `unkept_texts`): NUL and half of a surrogate pair, in what
//! merchants and shoppers typed.

use bytes::Bytes;
use serde_json::Value;

use crate::answer::Answer;

/// What somebody typed, in carts, checkouts and orders.
const TYPED: [&str; 5] = ["name", "description", "customer_message", "staff_notes", "custom_status"];

/// Stands for half of a pair, which no Rust text can hold, until the answer is bytes.
const HALF: &str = "\u{fdd0}";

/// The same answer, whose typed texts end with both.
pub(crate) fn unkept(answer: Answer, path: &str) -> Answer {
    let holds_some = ["/v3/carts", "/v3/checkouts", "/v2/orders"].iter().any(|place| path.starts_with(place));
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(mut body) if holds_some && answer.status < 300 => {
            mark(&mut body);
            let body = Bytes::from(body.to_string().replace(HALF, "\\ud83d"));
            Answer { body, ..answer }
        }
        _ => answer,
    }
}

fn mark(value: &mut Value) {
    match value {
        Value::Array(rows) => rows.iter_mut().for_each(mark),
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(text) if TYPED.contains(&name.as_str()) => {
                        text.push('\0');
                        text.push_str(HALF);
                    }
                    other => mark(other),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_somebody_typed_is_changed() {
        let body = json!({"data": {"id": "1", "rows": [{"name": "Tea", "sku": "T"}]}});
        let shown =
            |path| String::from_utf8(unkept(Answer::json(200, &body), path).body.to_vec()).expect("text");
        assert!(shown("/v3/carts/:id").contains(r#""name":"Tea\u0000\ud83d""#), "{}", shown("/v3/carts/:id"));
        assert!(shown("/v3/carts/:id").contains(r#""sku":"T""#));
        assert_eq!(shown("/v3/customers"), body.to_string());
    }
}
