//! Reads an operator's request: the checkout that it is about, its query, its body. All errors are reported at once, by the
//! same shapes that describe it in `openapi.yaml`.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Query, RawPathParams};
use axum::http::request::Parts;
use serde_json::{Map, Value};

use crate::http::AppState;
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::http::request::auth::Operator;
use crate::http::request::json::without_nulls;
use crate::http::request::pointer::{Errors, Pointer};
use crate::http::request::shape::Object;
use crate::http::request::trace::Trace;
use crate::http::validate::{
    ACTIONS_QUERY, AUDIT_QUERY, BULK_QUERY, CUSTOMERS_QUERY, FILTER, HEAD_QUERY, LIST_QUERY, ORDERS_QUERY,
    STORE_QUERY, TAXES_QUERY, VARIANTS_QUERY,
};
use crate::ops::{Actor, CheckoutId, Filter};

/// The checkout of the path, and who asks.
#[derive(Debug)]
pub(super) struct CheckoutScope {
    /// Which.
    pub(super) id: CheckoutId,
    /// Who asks.
    pub(super) actor: Actor,
}

impl FromRequestParts<AppState> for CheckoutScope {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let Operator(actor) = Operator::from_request_parts(parts, state).await?;
        let not_found = || Problem::of(Slug::CheckoutNotFound);
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|_| not_found())?;
        let text = params.iter().find(|(name, _)| *name == "id").map(|(_, value)| value);
        let id: CheckoutId = text.and_then(|text| text.parse().ok()).ok_or_else(not_found)?;
        if !state.ops(&actor).knows(id).await? {
            return Err(not_found());
        }
        if let Some(trace) = parts.extensions.get::<Trace>() {
            trace.set_checkout(id);
        }
        Ok(Self { id, actor })
    }
}

/// Fields of a query that are numbers.
const WHOLE: &[&str] =
    &["order_id", "limit", "page", "min_id", "max_id", "status_id", "customer_id", "channel_id"];

/// The query of a request, as an object. What is empty counts as left out.
#[derive(Debug)]
pub(in crate::http) struct QueryParams(Map<String, Value>);

impl FromRequestParts<AppState> for QueryParams {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let unreadable = || Problem::new(Slug::MalformedRequest, "the query of the URL cannot be read");
        let pairs = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Query(pairs) = pairs.map_err(|_| unreadable())?;
        Self::of(pairs)
    }
}

impl QueryParams {
    /// From names and texts.
    pub(in crate::http) fn of(pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        let (mut fields, mut errors) = (Map::new(), Errors::default());
        for (name, text) in pairs.into_iter().filter(|(_, text)| !text.is_empty()) {
            if fields.contains_key(&name) {
                Pointer::default().field(&name, |at| errors.push(at, "is given twice"));
            }
            // A plus sign that was not escaped arrives as a space, which no such address has.
            let text = if name == "email" { text.trim().replace(' ', "+") } else { text };
            let number = match &*name {
                "total_from" | "total_to" => serde_json::from_str(&text).ok().map(Value::Number),
                whole if WHOLE.contains(&whole) => text.parse::<i64>().ok().map(Value::from),
                _ => None,
            };
            // What is no number is none of any kind: the answer says which numbers fit, and nothing of quotes, which a query has not.
            let numeric = matches!(&*name, "total_from" | "total_to") || WHOLE.contains(&&*name);
            let otherwise = if numeric { Value::Bool(false) } else { Value::String(text) };
            fields.insert(name, number.unwrap_or(otherwise));
        }
        if errors.is_empty() { Ok(Self(fields)) } else { Err(Problem::invalid(&errors.into_list())) }
    }

    /// The fields of these objects; every other one is refused.
    pub(in crate::http) fn checked(self, objects: &[&Object]) -> Result<Self, Problem> {
        let (mut at, mut errors) = (Pointer::default(), Errors::default());
        let mut rest = self.0.clone();
        for (index, object) in objects.iter().enumerate() {
            // What no object knows is left to the last one, which says so.
            let last = index + 1 == objects.len();
            let named = |name: &str| object.fields.iter().any(|field| field.name == name);
            let (own, other): (Map<_, _>, Map<_, _>) =
                std::mem::take(&mut rest).into_iter().partition(|(name, _)| last || named(name));
            rest = other;
            object.check(&Value::Object(own), &mut at, &mut errors);
        }
        if errors.is_empty() { Ok(self) } else { Err(Problem::invalid(&errors.into_list())) }
    }

    /// A text.
    pub(in crate::http) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A number.
    pub(super) fn whole(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(Value::as_i64)
    }

    /// Where the page before ended.
    pub(super) fn cursor<T: FromStr>(&self) -> Result<Option<T>, Problem> {
        let cursor = self.text("cursor").map(str::parse).transpose();
        cursor.map_err(|_| wrong("cursor", "is no cursor of this list".to_owned()))
    }

    /// Which page is asked for, from 1.
    pub(super) fn page(&self) -> u32 {
        self.whole("page").and_then(|page| u32::try_from(page).ok()).unwrap_or(1)
    }

    /// How many rows are asked for.
    pub(in crate::http) fn limit(&self, otherwise: u32) -> u32 {
        let limit = self.0.get("limit").and_then(Value::as_u64);
        limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(otherwise)
    }

    /// The filter among the fields.
    pub(in crate::http) fn filter(&self) -> Result<Filter, Problem> {
        let names: Vec<&str> = FILTER.fields.iter().map(|field| field.name).collect();
        let own = self.0.iter().filter(|(name, _)| names.contains(&name.as_str()));
        filter(&Value::Object(own.map(|(name, value)| (name.clone(), value.clone())).collect()))
    }
}

/// A filter that was checked.
pub(super) fn filter(value: &Value) -> Result<Filter, Problem> {
    // The shape has checked it: what is left is our own mistake.
    serde_json::from_value(without_nulls(value.clone()))
        .map_err(|error| Problem::internal(&error.to_string()))
}

/// One field of the query is not what it must be, which only reading it tells.
pub(in crate::http) fn wrong(name: &str, reason: String) -> Problem {
    let (mut at, mut errors) = (Pointer::default(), Errors::default());
    at.field(name, |at| errors.push(at, reason));
    Problem::invalid(&errors.into_list())
}

/// What an operation takes as its query.
pub(in crate::http) fn queries(operation_id: &str) -> Vec<&'static Object> {
    match operation_id {
        "listCheckouts" => vec![&LIST_QUERY, &FILTER],
        "readBulk" => vec![&BULK_QUERY],
        "listAudit" => vec![&AUDIT_QUERY],
        "verifyAudit" => vec![&HEAD_QUERY],
        "listOrders" => vec![&ORDERS_QUERY],
        "listOrderTaxes" => vec![&TAXES_QUERY],
        "listCustomers" => vec![&CUSTOMERS_QUERY],
        "listVariants" => vec![&VARIANTS_QUERY],
        "listOrderActions" => vec![&ACTIONS_QUERY],
        "readOrderAsOperator"
        | "changeOrder"
        | "listOrderProducts"
        | "listShippingAddresses"
        | "listShippingQuotes"
        | "listTransactions"
        | "listOrderCoupons"
        | "listShipments"
        | "shipOrder"
        | "quoteRefund"
        | "listRefunds"
        | "refundOrder"
        | "captureOrder"
        | "voidOrder"
        | "listOrderStatuses" => vec![&STORE_QUERY],
        _ => Vec::new(),
    }
}
