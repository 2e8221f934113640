//! A checkout as operators see it: what the storefront sees, and everything behind it. The command line shows the same.

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::checkout;
use crate::http::response::snapshot::Snapshot;
use crate::ops::{AuditRow, CheckoutDetail, Timeline};

/// A checkout with everything that is known about it.
#[derive(Serialize, ToSchema)]
#[schema(as = CheckoutDetail)]
pub(crate) struct DetailView<'a> {
    #[serde(flatten)]
    checkout: Snapshot<'a>,
    /// Grows with every claim; results of an older claim are discarded.
    fence: i64,
    /// Attempts of the step since it was last started or restarted.
    tries: u32,
    /// Whether a process is working on it right now.
    leased: bool,
    /// When recovery runs.
    #[serde(with = "time::serde::rfc3339::option")]
    due_at: Option<OffsetDateTime>,
    /// Sent to BigCommerce as `X-Correlation-Id` with every call.
    correlation_id: Uuid,
    /// Abandoned orders.
    #[serde(rename = "dead_orders")]
    abandoned_orders: &'a [i64],
    in_flight: Option<InFlight<'a>>,
    timeline: &'a Timeline,
    /// Operator actions, newest first.
    actions: &'a [AuditRow],
}

/// The attempt in flight.
#[derive(Serialize, ToSchema)]
struct InFlight<'a> {
    step: &'a str,
    attempt: u32,
    fence: i64,
    /// How often its effect was checked.
    looks: u32,
    /// Whether it was accepted and is settling.
    settling: bool,
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
    /// Since when its outcome is unknown.
    #[serde(with = "time::serde::rfc3339::option")]
    unknown_since: Option<OffsetDateTime>,
}

impl<'a> DetailView<'a> {
    /// One checkout, its timeline and what operators did.
    pub(crate) fn of(case: &'a CheckoutDetail) -> Self {
        let checkout = case.checkout();
        Self {
            checkout: Snapshot::of(checkout).for_operators(checkout),
            fence: checkout.fence,
            tries: checkout.tries,
            leased: case.held.leased,
            due_at: case.held.due_at,
            correlation_id: checkout.id.uuid(),
            abandoned_orders: &checkout.facts.abandoned_orders,
            in_flight: checkout.in_flight.as_ref().map(InFlight::of),
            timeline: &case.timeline,
            actions: &case.actions,
        }
    }
}

impl<'a> InFlight<'a> {
    fn of(attempt: &'a checkout::InFlight) -> Self {
        Self {
            step: attempt.step.as_str(),
            attempt: attempt.attempt,
            fence: attempt.fence,
            looks: attempt.looks,
            settling: attempt.settling,
            started_at: attempt.started_at,
            unknown_since: attempt.unknown_since,
        }
    }
}

/// The same as a value.
pub(crate) fn as_json(case: &CheckoutDetail) -> Value {
    serde_json::to_value(DetailView::of(case)).unwrap_or_default()
}
