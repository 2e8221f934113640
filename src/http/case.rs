//! A checkout as operators see it: what the storefront sees, and everything behind it. The command line shows the same.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::snapshot::Snapshot;
use crate::ops::Case;

/// One checkout, its timeline and what operators did.
pub fn as_json(case: &Case) -> Value {
    let checkout = case.checkout();
    let mut value = serde_json::to_value(Snapshot::of(checkout)).unwrap_or_default();
    let Some(map) = value.as_object_mut() else { return value };
    if let (Some(stuck), Some(shown)) = (&checkout.stuck, map.get_mut("stuck").and_then(Value::as_object_mut))
    {
        shown.insert("detail".to_owned(), stuck.detail.as_str().into());
    }
    map.insert("fence".to_owned(), checkout.fence.into());
    map.insert("tries".to_owned(), checkout.tries.into());
    map.insert("leased".to_owned(), case.held.leased.into());
    let due_at = case.held.due_at.and_then(|at| at.format(&Rfc3339).ok());
    map.insert("due_at".to_owned(), due_at.into());
    map.insert("correlation_id".to_owned(), checkout.id.to_string().into());
    map.insert("dead_orders".to_owned(), json!(checkout.facts.dead_orders));
    let in_flight = checkout.in_flight.as_ref().map(|attempt| {
        json!({
            "step": attempt.step, "attempt": attempt.attempt, "fence": attempt.fence, "looks": attempt.looks,
            "settling": attempt.settling,
            "started_at": attempt.started_at.format(&Rfc3339).ok(),
            "unknown_since": attempt.unknown_since.and_then(|at| at.format(&Rfc3339).ok()),
        })
    });
    map.insert("in_flight".to_owned(), in_flight.unwrap_or_default());
    map.insert("timeline".to_owned(), json!(case.timeline));
    map.insert("actions".to_owned(), json!(case.actions));
    value
}
