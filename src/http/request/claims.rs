//! Which credential each field of a body needs, and which of them a body uses.

use serde_json::Value;

use crate::http::request::pointer::{Errors, Pointer};
use crate::http::request::shape::{Field, Object, Shape};

/// Whose word a field is taken from. This is the one list of what a shopper may not decide: the handlers refuse by it, and
/// `openapi.yaml` shows it as `x-trust`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Any credential's.
    Anybody,
    /// It sets a price: a server key's.
    Price,
    /// It says who the shopper is, where 0 is a guest: a server key's.
    Identity,
    /// Any credential's, on a checkout whose customer was verified.
    Customer,
}

impl Trust {
    /// As `openapi.yaml` names it.
    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Self::Anybody => None,
            Self::Price | Self::Identity => Some("server-key"),
            Self::Customer => Some("proven-customer"),
        }
    }

    /// What is wrong with a field that says something.
    pub(crate) fn refusal(self) -> &'static str {
        match self {
            Self::Anybody => "",
            Self::Price => "sets a price: it is taken from a server key only",
            Self::Identity => {
                "says who the shopper is: it is taken from a server key only; send a customer_token instead"
            }
            Self::Customer => "requires a verified customer: a customer_token, or a server key",
        }
    }

    /// Whether this value says anything at all.
    fn is_said(self, value: &Value) -> bool {
        match value {
            Value::Null | Value::Bool(false) => false,
            Value::Array(list) => !list.is_empty(),
            Value::Number(number) => self != Self::Identity || number.as_i64() != Some(0),
            _ => true,
        }
    }
}

impl Field {
    /// The same field, taken from those only.
    pub(crate) const fn from(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }
}

impl Shape {
    /// Notes each field that is taken from `trust` only and says something. What has the wrong kind says nothing here; it is
    /// refused by [`Shape::check`].
    pub(crate) fn claims(&self, trust: Trust, value: &Value, at: &mut Pointer, errors: &mut Errors) {
        match self {
            Self::List { of, .. } => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    at.index(index, |at| of.claims(trust, value, at, errors));
                }
            }
            Self::Object(object) | Self::Choice { object, .. } => object.claims(trust, value, at, errors),
            Self::Tagged { objects, .. } => {
                let kind = value.get("type").and_then(Value::as_str);
                if let Some((_, object)) = objects.iter().find(|(name, _)| Some(*name) == kind) {
                    object.claims(trust, value, at, errors);
                }
            }
            _ => {}
        }
    }
}

impl Object {
    /// The same of an object.
    pub(crate) fn claims(&self, trust: Trust, value: &Value, at: &mut Pointer, errors: &mut Errors) {
        for field in self.fields {
            let Some(value) = value.get(field.name) else { continue };
            at.field(field.name, |at| {
                if field.trust != trust {
                    field.shape.claims(trust, value, at, errors);
                } else if trust.is_said(value) {
                    errors.push(at, trust.refusal());
                }
            });
        }
    }
}
