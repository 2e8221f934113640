//! What BigCommerce says when it refuses, read from every shape in which it says so.
//!
//! Guarantees: never fails, whatever the body is; bounded in size; digits long enough to be a card number and anything
//! that looks like a token are masked, because an error may quote what it refuses.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use super::{error::Host, lenient};

/// A refusal. Its texts may be shown to the storefront and to operators; `Debug` and `Display` leave them out.
#[derive(Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The HTTP status.
    pub status: u16,
    /// The payments API's error code.
    pub code: Option<i64>,
    /// What BigCommerce calls it; empty when the body held nothing readable.
    pub title: String,
    /// More of it.
    pub detail: Option<String>,
    /// Field to message.
    pub errors: BTreeMap<String, String>,
}

const MAX_ERRORS: usize = 32;
const LONGEST_TEXT: usize = 500;

impl Rejection {
    /// Reads a body of any shape: V3 object, `{"errors": [..]}`, V2 array, `{"data": [..]}`, HTML, nothing.
    pub fn read(host: Host, status: u16, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let mut rejection =
            Self { status, code: None, title: String::new(), detail: None, errors: BTreeMap::new() };
        rejection.take(&body, Masked { host });
        rejection
    }

    /// A refusal of ours, before anything was sent.
    pub(super) fn before_sending(title: &str) -> Self {
        let (code, detail) = (None, None);
        Self { status: 400, code, title: title.to_owned(), detail, errors: BTreeMap::new() }
    }

    fn take(&mut self, body: &Value, masked: Masked) {
        if let Some(list) = body.as_array() {
            return self.take_list(list, masked);
        }
        self.code = self.code.or_else(|| lenient::integer(body, "code"));
        if self.title.is_empty() {
            let title = ["title", "message", "error"].into_iter().find_map(|key| lenient::filled(body, key));
            self.title = title.map(|title| masked.text(&title)).unwrap_or_default();
        }
        if self.detail.is_none() {
            self.detail = lenient::filled(body, "detail").map(|detail| masked.text(&detail));
        }
        for key in ["errors", "details"] {
            match body.get(key) {
                Some(Value::Array(list)) => self.take_list(list, masked),
                Some(Value::Object(map)) => {
                    map.iter().for_each(|(field, value)| self.note(field, value, masked));
                }
                Some(Value::String(text)) if !text.is_empty() => {
                    self.note(key, &Value::from(text.as_str()), masked);
                }
                _ => {}
            }
        }
        if let Some(Value::Array(list)) = body.get("data") {
            self.take_list(list, masked);
        }
    }

    /// The first object speaks for all; what the others add is kept under their position.
    fn take_list(&mut self, list: &[Value], masked: Masked) {
        for (position, entry) in list.iter().enumerate().take(MAX_ERRORS) {
            if entry.is_object() && self.title.is_empty() {
                self.take_flat(entry, masked);
            } else {
                self.note(&position.to_string(), entry, masked);
            }
        }
    }

    /// Like [`Self::take`], without going deeper, so that no body can make us recurse.
    fn take_flat(&mut self, entry: &Value, masked: Masked) {
        self.code = self.code.or_else(|| lenient::integer(entry, "code"));
        let title = ["title", "message", "error"].into_iter().find_map(|key| lenient::filled(entry, key));
        self.title = title.map(|title| masked.text(&title)).unwrap_or_default();
        self.detail =
            self.detail.take().or_else(|| lenient::filled(entry, "detail").map(|text| masked.text(&text)));
        for key in ["errors", "details"] {
            if let Some(map) = lenient::object(entry, key) {
                map.iter().for_each(|(field, value)| self.note(field, value, masked));
            }
        }
    }

    fn note(&mut self, field: &str, value: &Value, masked: Masked) {
        if self.errors.len() >= MAX_ERRORS {
            return;
        }
        let said = match value {
            Value::Null => return,
            Value::String(text) => text.clone(),
            Value::Object(_) => ["title", "message", "detail", "error"]
                .into_iter()
                .find_map(|key| lenient::filled(value, key))
                .unwrap_or_else(|| value.to_string()),
            Value::Array(list) => {
                let texts = list.iter().take(MAX_ERRORS);
                texts
                    .map(|entry| entry.as_str().map_or_else(|| entry.to_string(), str::to_owned))
                    .collect::<Vec<_>>()
                    .join("; ")
            }
            other => other.to_string(),
        };
        self.errors.insert(masked.text(field), masked.text(&said));
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        self.code.map_or(Ok(()), |code| write!(f, ", code {code}"))
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection")
            .field("status", &self.status)
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

/// Cuts and masks texts from the given host.
#[derive(Clone, Copy)]
struct Masked {
    host: Host,
}

impl Masked {
    /// Runs of this many digits are masked. What the payments host answers may quote a verification value.
    const fn shortest_masked_run(self) -> usize {
        match self.host {
            Host::Api => 12,
            Host::Payments => 3,
        }
    }

    fn text(self, text: &str) -> String {
        let without_tokens = text.split_inclusive(char::is_whitespace).map(mask_token).collect::<String>();
        self.mask_digits(&without_tokens).chars().take(LONGEST_TEXT).collect()
    }

    /// Masks digits that stand together, also when blanks or hyphens group them.
    fn mask_digits(self, text: &str) -> String {
        let mut masked = String::with_capacity(text.len());
        let mut run = String::new();
        for char in text.chars().chain(['\0']) {
            if char.is_ascii_digit() || (!run.is_empty() && matches!(char, ' ' | '-')) {
                run.push(char);
                continue;
            }
            let digits = run.chars().filter(char::is_ascii_digit).count();
            let group = run.trim_end_matches([' ', '-']);
            masked.push_str(if digits >= self.shortest_masked_run() { "[masked]" } else { group });
            masked.push_str(&run[group.len()..]);
            run.clear();
            masked.push(char);
        }
        masked.pop();
        masked
    }
}

/// JSON web tokens begin with the encoding of `{"`.
fn mask_token(word: &str) -> &str {
    if word.contains("eyJ") { "[masked] " } else { word }
}

#[cfg(test)]
#[path = "rejection_tests.rs"]
mod tests;
