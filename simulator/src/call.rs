//! One upstream request as the simulator sees it, and the visit of a handler to a store.

use bytes::Bytes;
use hyper::{HeaderMap, Method};
use rust_decimal::Decimal;
use serde_json::Value;
use time::OffsetDateTime;

use crate::answer::{self, Answer};
use crate::money;
use crate::settings::Settings;
use crate::store::Store;

/// A request with its body read completely.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Call {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// All values of a header that may be repeated, as one comma list.
    pub(crate) fn all(&self, name: &str) -> Option<String> {
        let values: Vec<&str> =
            self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        (!values.is_empty()).then(|| values.join(","))
    }

    /// What ties the requests of one saga together.
    pub(crate) fn correlation_id(&self) -> Option<String> {
        self.header("x-correlation-id").map(ToOwned::to_owned)
    }
}

/// Everything a handler may see and change: one call, one store, one moment.
pub(crate) struct Visit<'a> {
    pub(crate) call: &'a Call,
    pub(crate) params: &'a [String],
    pub(crate) store: &'a mut Store,
    pub(crate) settings: &'a Settings,
    pub(crate) now: OffsetDateTime,
    pub(crate) body: Value,
}

impl Visit<'_> {
    /// A path parameter; the empty text when the route has none there.
    pub(crate) fn param(&self, index: usize) -> &str {
        self.params.get(index).map_or("", String::as_str)
    }

    /// A path parameter that must be a whole number.
    pub(crate) fn id(&self, index: usize) -> Option<u64> {
        self.param(index).parse().ok()
    }

    /// The first value of a query parameter.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.call.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether the comma list `include` names `what`.
    pub(crate) fn includes(&self, what: &str) -> bool {
        self.call
            .query
            .iter()
            .filter(|(key, _)| key == "include")
            .any(|(_, value)| value.split(',').any(|part| part.trim() == what))
    }

    /// An id as the store keeps it: UUIDs in lower case, when the settings say that case does not matter.
    pub(crate) fn canonical(&self, id: &str) -> String {
        if self.settings.ids_ignore_case && uuid::Uuid::parse_str(id).is_ok() {
            id.to_lowercase()
        } else {
            id.to_owned()
        }
    }

    /// `page` and `limit` with their defaults and bounds.
    pub(crate) fn paging(&self) -> (usize, usize) {
        let read = |name| self.query(name).and_then(|value| value.parse::<usize>().ok());
        (read("page").unwrap_or(1).clamp(1, 1_000_000), read("limit").unwrap_or(50).clamp(1, 250))
    }
}

/// A member of an object, treating null as absent.
pub(crate) fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.get(name).filter(|inner| !inner.is_null())
}

/// An optional text; a wrong type is a 422.
pub(crate) fn text<'v>(value: &'v Value, name: &str) -> Result<Option<&'v str>, Answer> {
    match member(value, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(answer::invalid(name, "must be a string")),
    }
}

/// An optional whole number that is not negative; text with digits is accepted as BigCommerce does.
pub(crate) fn whole(value: &Value, name: &str) -> Result<Option<u64>, Answer> {
    match member(value, name) {
        None => Ok(None),
        Some(inner) => as_whole(inner)
            .map(Some)
            .ok_or_else(|| answer::invalid(name, "must be a whole number that is not negative")),
    }
}

/// A whole number up to 2^31 - 1 in a JSON number or text.
pub(crate) fn as_whole(value: &Value) -> Option<u64> {
    let decimal = money::read(value)?;
    let whole = decimal.fract().is_zero().then(|| u64::try_from(decimal).ok()).flatten()?;
    (whole <= 2_147_483_647).then_some(whole)
}

/// An optional amount that is not negative.
pub(crate) fn amount(value: &Value, name: &str) -> Result<Option<Decimal>, Answer> {
    match member(value, name) {
        None => Ok(None),
        Some(inner) => money::read(inner)
            .filter(|amount| !amount.is_sign_negative() || amount.is_zero())
            .map(Some)
            .ok_or_else(|| answer::invalid(name, "must be an amount that is not negative")),
    }
}

/// An optional list.
pub(crate) fn list<'v>(value: &'v Value, name: &str) -> Result<&'v [Value], Answer> {
    match member(value, name) {
        None => Ok(&[]),
        Some(Value::Array(rows)) => Ok(rows),
        Some(_) => Err(answer::invalid(name, "must be an array")),
    }
}

impl Call {
    /// The call of nobody: what the simulator does by itself.
    pub(crate) fn nobody() -> Self {
        Self {
            method: Method::GET,
            path: String::new(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            bytes: Bytes::new(),
        }
    }
}
