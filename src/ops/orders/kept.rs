//! Reads back what was recorded of an action. Pure.
//!
//! Guarantees: what cannot be read is an error that says so. Never an empty body that is sent, never an empty list of what
//! was there before (all of it would count as new), never an outcome that was not recorded.

use serde_json::Value;

use super::act::Outcome;
use super::{Kind, OrderAction, RETRY_AFTER_UPSTREAM};
use crate::db;

/// A part of the record cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the record of the action cannot be read ({0})")]
pub(super) struct Unreadable(pub(super) &'static str);

/// What is done.
pub(super) fn kind(action: &OrderAction) -> Result<Kind, Unreadable> {
    Kind::find(&action.kind).ok_or(Unreadable("its kind"))
}

/// What is sent, of an action that sends something: an object that is not empty.
pub(super) fn body(action: &OrderAction) -> Result<Value, Unreadable> {
    let body = serde_json::from_str(&action.body).ok();
    body.filter(|body: &Value| body.as_object().is_some_and(|map| !map.is_empty()))
        .ok_or(Unreadable("its body"))
}

/// The ids of what was there before, such as its `transactions`.
pub(super) fn seen(action: &OrderAction, name: &str) -> Result<Vec<String>, Unreadable> {
    let seen: Value = serde_json::from_str(&action.seen).map_err(|_| Unreadable("what was there before"))?;
    let list = seen.get(name).and_then(Value::as_array).ok_or(Unreadable("what was there before"))?;
    let id = |id: &Value| id.as_str().filter(|id| !id.is_empty()).map(str::to_owned);
    list.iter().map(id).collect::<Option<_>>().ok_or(Unreadable("what was there before"))
}

/// What is believed of an open action once nothing of it has shown for long enough: how it was turned away.
pub(super) fn believed(action: &OrderAction) -> Option<Outcome> {
    let noted = |status: &str| {
        read(&OrderAction { status: status.to_owned(), ..action.clone() }).ok().filter(|_| action.is_open())
    };
    noted("rejected").or_else(|| noted("not-done"))
}

/// What became of it.
pub fn outcome(action: &OrderAction) -> Result<Outcome, db::Error> {
    read(action).map_err(|Unreadable(part)| db::Error::Corrupt {
        what: "the action on an order",
        id: action.order_action_id,
        reason: part.to_owned(),
    })
}

fn read(action: &OrderAction) -> Result<Outcome, Unreadable> {
    let unreadable = Unreadable("its outcome");
    let answer = || -> Result<Value, Unreadable> {
        let text = action.answer.as_deref().ok_or(unreadable.clone())?;
        serde_json::from_str(text).map_err(|_| unreadable.clone())
    };
    Ok(match action.status.as_str() {
        "sending" | "unknown" => Outcome::Open,
        "done" => Outcome::Done(answer()?.get("body").cloned().ok_or(unreadable)?),
        "rejected" => {
            let refused = answer()?.get("refused").cloned().ok_or(unreadable.clone())?;
            Outcome::Rejected(serde_json::from_value(refused).map_err(|_| unreadable)?)
        }
        "not-done" => {
            let answer = answer()?;
            let detail = answer.get("detail").and_then(Value::as_str).ok_or(unreadable)?.to_owned();
            let retry_after =
                answer.get("retry_after").and_then(Value::as_u64).unwrap_or(RETRY_AFTER_UPSTREAM);
            Outcome::NotDone { detail, retry_after }
        }
        _ => return Err(Unreadable("its status")),
    })
}

#[cfg(test)]
#[path = "kept_tests.rs"]
mod tests;
