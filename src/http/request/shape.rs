//! What a request body may be, as one constant description: it checks a body and it becomes the schema in
//! `openapi.yaml`, so that the two cannot disagree.
//!
//! Guarantees: all errors are reported at once, by JSON pointer; unknown fields are refused; a reason never quotes
//! a value. Never: a panic, whatever the body is.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use crate::checkout::parse_decimal;
use crate::http::request::claims::Trust;
use crate::http::request::pointer::{Errors, Pointer};
use crate::ops::{instant, is_deceptive};

/// What a value may be.
pub(crate) enum Shape {
    /// Text of this many characters.
    Text { min: usize, max: usize, like: Like },
    /// A whole number.
    Integer { min: i64, max: i64 },
    /// An amount as a JSON number.
    Amount { min: i64, max: i64, decimals: u32 },
    /// An amount as a JSON number or as text, as BigCommerce's V2 takes it.
    LooseAmount { max: i64 },
    /// True or false.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list.
    List { of: &'static Shape, min: usize, max: usize },
    /// Text by text keys.
    Notes { entries: usize, characters: usize },
    /// An object of known fields.
    Object(&'static Object),
    /// One of the words, or an object with exactly one of the fields.
    Choice { words: &'static [&'static str], object: &'static Object },
    /// One of several objects, told apart by `type`. A type that is not known is left to whoever reads it.
    Tagged { name: &'static str, objects: &'static [(&'static str, &'static Object)] },
}

/// What a text is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Like {
    /// One line.
    Line,
    /// Several lines.
    Lines,
    /// One line, all of which is seen in the order in which it was written.
    Plain,
    /// An email address.
    Email,
    /// ISO 3166-1 alpha-2.
    Country,
    /// ISO 4217.
    Currency,
    /// `xx` or `xx-YY`.
    Locale,
    /// An absolute http or https URL.
    Url,
    /// A time (RFC 3339).
    Instant,
}

/// An object of known fields.
pub(crate) struct Object {
    /// Its name among the schemas.
    pub(crate) name: &'static str,
    /// What it is, in a sentence.
    pub(crate) about: &'static str,
    /// Its fields; every other one is refused.
    pub(crate) fields: &'static [Field],
    /// What no single field can tell.
    pub(crate) rule: fn(&Map<String, Value>, &mut Pointer, &mut Errors),
}

/// A field of an object.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) required: bool,
    pub(crate) about: &'static str,
    /// Whose word is taken for it.
    pub(crate) trust: Trust,
}

/// A field that has to be there.
pub(crate) const fn req(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, required: true, about, trust: Trust::Anybody }
}

/// A field that may be left out; null is the same as leaving it out.
pub(crate) const fn opt(name: &'static str, shape: Shape, about: &'static str) -> Field {
    Field { name, shape, required: false, about, trust: Trust::Anybody }
}

/// One line of text.
pub(crate) const fn line(min: usize, max: usize) -> Shape {
    Shape::Text { min, max, like: Like::Line }
}

/// One line that people decide by.
pub(crate) const fn plain(min: usize, max: usize) -> Shape {
    Shape::Text { min, max, like: Like::Plain }
}

/// For objects that need no rule.
pub(crate) fn no_rule(_: &Map<String, Value>, _: &mut Pointer, _: &mut Errors) {}

impl Shape {
    /// Notes all that is wrong with a value.
    pub(crate) fn check(&self, value: &Value, at: &mut Pointer, errors: &mut Errors) {
        match self {
            // In range or not, that is what is wrong with it.
            Self::Integer { .. } | Self::Amount { .. } if value.is_string() => {
                errors.push(at, "must be a number, and not text: send it without quotes");
            }
            Self::Text { min, max, like } => match value.as_str() {
                Some(text) => check_text(text, *min, *max, *like, at, errors),
                None => errors.push(at, "must be text"),
            },
            Self::Integer { min, max } => {
                if !value
                    .as_number()
                    .and_then(serde_json::Number::as_i64)
                    .is_some_and(|n| (*min..=*max).contains(&n))
                {
                    errors.push(at, format!("must be a whole number from {min} to {max}"));
                }
            }
            Self::Amount { min, max, decimals } => {
                let amount = value.as_number().and_then(|number| parse_decimal(&number.to_string()));
                if !amount.is_some_and(|amount| fits(amount, *min, *max, *decimals)) {
                    errors.push(
                        at,
                        format!("must be a number from {min} to {max} with at most {decimals} digits after the point"),
                    );
                }
            }
            Self::LooseAmount { max } => {
                if !loose(value).is_some_and(|amount| fits(amount, 0, *max, 4)) {
                    errors.push(
                        at,
                        format!("must be an amount from 0 to {max} with at most 4 digits after the point"),
                    );
                }
            }
            Self::Flag => {
                if !value.is_boolean() {
                    errors.push(at, "must be true or false");
                }
            }
            Self::Word(words) => {
                if !value.as_str().is_some_and(|text| words.contains(&text)) {
                    errors.push(at, format!("must be one of: {}", words.join(", ")));
                }
            }
            Self::List { of, min, max } => check_list(value, of, *min, *max, at, errors),
            Self::Notes { entries, characters } => check_notes(value, *entries, *characters, at, errors),
            Self::Object(object) => object.check(value, at, errors),
            Self::Choice { words, object } => match value {
                Value::String(text) if words.contains(&text.as_str()) => {}
                Value::Object(_) => object.check(value, at, errors),
                _ => errors.push(at, format!("must be one of: {}, or an object", words.join(", "))),
            },
            Self::Tagged { objects, .. } => {
                let kind = value.get("type").and_then(Value::as_str);
                if let Some((_, object)) = objects.iter().find(|(name, _)| Some(*name) == kind) {
                    object.check(value, at, errors);
                }
            }
        }
    }
}

impl Object {
    /// Notes all that is wrong with an object.
    pub(crate) fn check(&self, value: &Value, at: &mut Pointer, errors: &mut Errors) {
        let Some(fields) = value.as_object() else {
            errors.push(at, "must be an object");
            return;
        };
        self.check_names(fields, at, errors);
        for field in self.fields {
            match fields.get(field.name).filter(|value| !value.is_null()) {
                Some(value) => at.field(field.name, |at| field.shape.check(value, at, errors)),
                None if field.required => at.field(field.name, |at| errors.push(at, "is required")),
                None => {}
            }
        }
        (self.rule)(fields, at, errors);
    }

    /// Notes the fields that are not known.
    pub(crate) fn check_names(&self, fields: &Map<String, Value>, at: &mut Pointer, errors: &mut Errors) {
        for name in fields.keys().filter(|name| self.fields.iter().all(|field| field.name != name.as_str())) {
            at.field(name, |at| errors.push(at, "is not a known field"));
        }
    }
}

fn check_list(value: &Value, of: &Shape, min: usize, max: usize, at: &mut Pointer, errors: &mut Errors) {
    let Some(list) = value.as_array() else {
        errors.push(at, "must be a list");
        return;
    };
    if list.len() < min {
        errors.push(at, format!("must have at least {min}"));
    }
    if list.len() > max {
        errors.push(at, format!("must have at most {max}"));
        return;
    }
    for (index, value) in list.iter().enumerate() {
        at.index(index, |at| of.check(value, at, errors));
    }
}

fn check_notes(value: &Value, entries: usize, characters: usize, at: &mut Pointer, errors: &mut Errors) {
    let Some(notes) = value.as_object() else {
        errors.push(at, "must be an object of texts");
        return;
    };
    if notes.len() > entries {
        errors.push(at, format!("must have at most {entries} entries"));
        return;
    }
    for (name, value) in notes {
        at.field(name, |at| {
            check_text(name, 1, 100, Like::Line, at, errors);
            match value.as_str() {
                Some(text) => check_text(text, 0, characters, Like::Lines, at, errors),
                None => errors.push(at, "must be text"),
            }
        });
    }
}

fn check_text(text: &str, min: usize, max: usize, like: Like, at: &Pointer, errors: &mut Errors) {
    let characters = text.chars().count();
    if characters < min || characters > max || (min > 0 && text.trim().is_empty()) {
        errors.push(at, format!("must be text of {min} to {max} characters"));
    } else if let Some(reason) = unlike(text, like) {
        errors.push(at, reason);
    }
}

/// Why a text is not what it should be like.
fn unlike(text: &str, like: Like) -> Option<&'static str> {
    let (fits, reason) = match like {
        Like::Line => (!text.chars().any(char::is_control), "must not contain control characters"),
        Like::Lines => (
            !text.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\r' | '\t')),
            "must not contain control characters",
        ),
        Like::Plain => (
            !text.chars().any(is_deceptive),
            "must not contain control or invisible characters, or marks of writing direction",
        ),
        Like::Email => (is_email(text), "must be an email address"),
        Like::Country => {
            (text.len() == 2 && letters(text), "must be a country code of two letters (ISO 3166-1)")
        }
        Like::Currency => {
            (text.len() == 3 && letters(text), "must be a currency code of three letters (ISO 4217)")
        }
        Like::Locale => (is_locale(text), "must be a locale such as en or en-US"),
        Like::Url => (is_url(text), "must be an http or https URL"),
        Like::Instant => (is_instant(text), "must be a time such as 2026-11-21T00:00:00Z (RFC 3339)"),
    };
    (!fits).then_some(reason)
}

fn letters(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Plausible, not proven: only BigCommerce and the mail itself can tell more.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain =
        |part: &str| !part.chars().any(|char| char.is_whitespace() || char.is_control() || char == '@');
    (1..=64).contains(&local.len())
        && text.len() <= 254
        && plain(local)
        && plain(domain)
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
}

fn is_locale(text: &str) -> bool {
    let (language, region) =
        text.split_once('-').map_or((text, None), |(language, region)| (language, Some(region)));
    (2..=3).contains(&language.len())
        && letters(language)
        && region.is_none_or(|region| {
            (2..=4).contains(&region.len()) && region.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !text.chars().any(|char| char.is_whitespace() || char.is_control())
}

fn is_instant(text: &str) -> bool {
    instant(text).is_some()
}

/// An amount as a number or as text.
pub(crate) fn loose(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => parse_decimal(&number.to_string()),
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') => {
            parse_decimal(text)
        }
        _ => None,
    }
}

fn fits(amount: Decimal, min: i64, max: i64, decimals: u32) -> bool {
    amount >= Decimal::from(min) && amount <= Decimal::from(max) && amount.normalize().scale() <= decimals
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
