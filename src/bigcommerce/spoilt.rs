//! Documents of which something is missing, empty, filled with nothing, or written in another way.

use proptest::prelude::*;
use serde_json::{Value, json};

/// Every place in it, as JSON pointers, but for the whole.
fn places(document: &Value, place: &str, found: &mut Vec<String>) {
    let mut visit = |key: &str, value: &Value| {
        let inner = format!("{place}/{key}");
        places(value, &inner, found);
        found.push(inner);
    };
    match document {
        Value::Object(map) => map.iter().for_each(|(key, value)| visit(key, value)),
        Value::Array(list) => list.iter().enumerate().for_each(|(at, value)| visit(&at.to_string(), value)),
        _ => {}
    }
}

fn remove(document: &mut Value, place: &str) {
    let Some((parent, key)) = place.rsplit_once('/') else { return };
    match document.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.remove(key);
        }
        Some(Value::Array(list)) => {
            if let Ok(at) = key.parse::<usize>()
                && at < list.len()
            {
                list.remove(at);
            }
        }
        _ => {}
    }
}

/// The document with one to three places spoilt.
pub(super) fn spoilt(whole: &Value) -> impl Strategy<Value = Value> + use<> {
    let (whole, mut all) = (whole.clone(), Vec::new());
    places(&whole, "", &mut all);
    prop::collection::vec((prop::sample::select(all), 0..8_u8), 1..4).prop_map(move |changes| {
        let mut document = whole.clone();
        for (place, way) in changes {
            let Some(there) = document.pointer_mut(&place) else { continue };
            *there = match way {
                0 => Value::Null,
                1 => json!({}),
                2 => json!([]),
                3 => json!(""),
                4 => json!({"id": "", "amount": "", "status": "", "code": "", "is_declined": ""}),
                5 => json!("odd"),
                // The same, as text.
                6 if there.is_number() || there.is_boolean() => json!(there.to_string()),
                6 => continue,
                _ => {
                    remove(&mut document, &place);
                    continue;
                }
            };
        }
        document
    })
}
