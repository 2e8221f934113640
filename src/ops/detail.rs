//! Everything that is known of one checkout: its state, its attempts in order, and operator actions.
//!
//! Guarantees: nothing secret and no personal data of the shopper is in a timeline, whatever an attempt noted.

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::checkout::Checkout;
use crate::db::{AuditRow, LockedCheckout, LogRow};

/// One checkout with everything that is known of it.
#[derive(Debug, Clone)]
pub struct CheckoutDetail {
    /// The checkout, and whether a process holds it.
    pub held: LockedCheckout,
    /// What happened.
    pub timeline: Timeline,
    /// Operator actions, newest first.
    pub actions: Vec<AuditRow>,
}

/// What happened to a checkout, oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
pub struct Timeline {
    /// Each try of each step.
    pub attempts: Vec<Attempt>,
    /// Each transition of the checkout.
    pub moves: Vec<Moved>,
}

/// One try of a step.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Attempt {
    /// The step.
    pub step: String,
    /// Its number among the tries of the step.
    pub attempt: i32,
    /// The claim under which it was made.
    pub fence: i64,
    /// By which process.
    pub process_id: Uuid,
    /// Sent to BigCommerce as `X-Correlation-Id`.
    pub correlation_id: Uuid,
    /// When its intent was committed.
    #[serde(with = "time::serde::rfc3339")]
    pub began_at: OffsetDateTime,
    /// When the last thing that is known of it was recorded.
    #[serde(with = "time::serde::rfc3339::option")]
    pub ended_at: Option<OffsetDateTime>,
    /// `succeeded`, `rejected`, `retry` or `unknown`; null while it is in flight.
    pub outcome: Option<String>,
    /// What was recorded: its execution, then each check for its effect that had a result.
    pub results: Vec<AttemptResult>,
}

/// A recorded event of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AttemptResult {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The outcome.
    pub outcome: Option<String>,
    /// BigCommerce's HTTP status of the deciding call.
    pub upstream_status: Option<i16>,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<i32>,
    /// Under which claim.
    pub fence: i64,
    /// Whether it came too late to change anything.
    pub late: bool,
    /// The calls and how they ended, redacted.
    pub calls: Value,
}

/// A move of the checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Moved {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What happened.
    pub event: String,
    /// The version that it made.
    pub version: Option<i64>,
    /// Under which claim.
    pub fence: i64,
    /// By which process.
    pub process_id: Uuid,
}

impl CheckoutDetail {
    /// From what was read.
    pub fn new(held: LockedCheckout, rows: &[LogRow], actions: Vec<AuditRow>) -> Self {
        let timeline = Timeline::of(held.checkout.id.uuid(), rows);
        Self { held, timeline, actions }
    }

    /// The checkout.
    pub fn checkout(&self) -> &Checkout {
        &self.held.checkout
    }
}

impl Timeline {
    pub(super) fn of(checkout_id: Uuid, rows: &[LogRow]) -> Self {
        let mut timeline = Self::default();
        for row in rows {
            timeline.moves.push(Moved {
                at: row.at,
                event: row.event.clone(),
                version: row.version,
                fence: row.fence,
                process_id: row.process_id,
            });
            if let (Some(step), Some(attempt)) = (&row.ended_step, row.ended_attempt) {
                timeline.end(checkout_id, row, step, attempt);
            }
            if let (Some(step), Some(attempt)) = (&row.began_step, row.began_attempt) {
                timeline.attempts.push(begun(checkout_id, row, step, attempt));
            }
        }
        timeline
    }

    fn end(&mut self, checkout_id: Uuid, row: &LogRow, step: &str, attempt: i32) {
        let result = AttemptResult {
            at: row.at,
            outcome: row.outcome.clone(),
            upstream_status: row.upstream_status,
            duration_ms: row.duration_ms,
            fence: row.fence,
            late: row.version.is_none(),
            calls: redacted(row.detail.as_deref()),
        };
        let known = self.attempts.iter().rposition(|known| known.step == step && known.attempt == attempt);
        // The beginning may be further back than what was read.
        let at = known.unwrap_or_else(|| {
            self.attempts.push(begun(checkout_id, row, step, attempt));
            self.attempts.len() - 1
        });
        let Some(entry) = self.attempts.get_mut(at) else { return };
        if !result.late {
            entry.ended_at = Some(result.at);
            entry.outcome.clone_from(&result.outcome);
        }
        entry.results.push(result);
    }
}

fn begun(correlation_id: Uuid, row: &LogRow, step: &str, attempt: i32) -> Attempt {
    Attempt {
        step: step.to_owned(),
        attempt,
        fence: row.fence,
        process_id: row.process_id,
        correlation_id,
        began_at: row.at,
        ended_at: None,
        outcome: None,
        results: Vec::new(),
    }
}

/// Members that must not be shown, should an attempt ever note them.
const HIDDEN: &[&str] = &[
    "token",
    "secret",
    "password",
    "authorization",
    "number",
    "verification",
    "cvv",
    "email",
    "phone",
    "address",
    "first_name",
    "last_name",
    "cardholder",
];

fn redacted(detail: Option<&str>) -> Value {
    let mut value: Value = detail.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    redact(&mut value);
    value
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let name = name.to_ascii_lowercase();
                if HIDDEN.iter().any(|hidden| name.contains(hidden)) {
                    *value = Value::String("[redacted]".to_owned());
                } else {
                    redact(value);
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(redact),
        Value::String(text) if holds_card_number(text) || text.contains("eyJ") => {
            "[redacted]".clone_into(text);
        }
        _ => {}
    }
}

/// Whether a run of 13 to 19 digits in it passes the check of card numbers (ISO/IEC 7812, Luhn).
fn holds_card_number(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit() && c != ' ' && c != '-').any(|run| {
        let digits: Vec<u32> = run.chars().filter_map(|c| c.to_digit(10)).collect();
        (13..=19).contains(&digits.len()) && luhn(&digits)
    })
}

fn luhn(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, &digit)| match index % 2 {
            0 => digit,
            _ if digit * 2 > 9 => digit * 2 - 9,
            _ => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(id: i64, event: &str) -> LogRow {
        LogRow {
            attempt_log_id: id,
            version: Some(id),
            at: OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(id),
            event: event.to_owned(),
            fence: 1,
            process_id: Uuid::nil(),
            ended_step: None,
            ended_attempt: None,
            outcome: None,
            upstream_status: None,
            duration_ms: None,
            detail: None,
            began_step: None,
            began_attempt: None,
        }
    }

    fn ended(row: LogRow, step: &str, outcome: &str) -> LogRow {
        LogRow {
            ended_step: Some(step.to_owned()),
            ended_attempt: Some(1),
            outcome: Some(outcome.to_owned()),
            detail: Some(r#"[{"call":"create-order","result":"unknown"}]"#.to_owned()),
            ..row
        }
    }

    fn began(row: LogRow, step: &str) -> LogRow {
        LogRow { began_step: Some(step.to_owned()), began_attempt: Some(1), ..row }
    }

    #[test]
    fn what_ended_is_paired_with_what_began() {
        let late = LogRow { version: None, ..ended(row(5, "fenced-out"), "order", "succeeded") };
        let rows = [
            began(row(1, "claimed"), "cart"),
            began(ended(row(2, "advanced"), "cart", "succeeded"), "order"),
            ended(row(3, "advanced"), "order", "unknown"),
            row(4, "deferred"),
            late,
            ended(row(6, "rested"), "order", "rejected"),
        ];
        let timeline = Timeline::of(Uuid::nil(), &rows);
        assert_eq!(timeline.moves.len(), 6);
        let [cart, order] = timeline.attempts.as_slice() else { panic!("{:?}", timeline.attempts) };
        assert_eq!((cart.outcome.as_deref(), cart.results.len()), (Some("succeeded"), 1));
        assert_eq!((order.outcome.as_deref(), order.results.len()), (Some("rejected"), 3));
        assert!(order.results[1].late && !order.results[2].late);
        assert_eq!(order.results[0].calls[0]["call"], "create-order");
    }

    #[test]
    fn an_attempt_whose_beginning_is_out_of_sight_is_still_shown() {
        let timeline = Timeline::of(Uuid::nil(), &[ended(row(9, "advanced"), "payment", "unknown")]);
        assert_eq!(timeline.attempts.len(), 1);
    }

    #[test]
    fn nothing_secret_is_shown() {
        let mut value = json!([{
            "call": "process-payment", "status": 422, "access_token": "abc", "card": {"number": "4111"},
            "detail": "refused 4111 1111 1111 1111", "why": "eyJhbGciOi", "email": "a@example.com",
            "order": "order 1234567890123 is fine",
        }]);
        redact(&mut value);
        let text = value.to_string();
        for secret in ["abc", "4111", "eyJ", "a@example.com"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("1234567890123") && text.contains("422"), "{text}");
    }
}
