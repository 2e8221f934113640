//! Schemas of the answers about one checkout. The answers themselves are made by the operators' room; the tests hold each
//! against its schema.

use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::schema;
use super::super::snapshot::Snapshot;
use super::described_many::AuditRow;

/// What an action did, or would do.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct Acted {
    /// Whether it was a dry run.
    dry_run: bool,
    action: String,
    checkout_id: Uuid,
    #[schema(schema_with = schema::status)]
    status_before: String,
    #[schema(schema_with = schema::status)]
    status_after: String,
    /// What it does to orders, in a sentence.
    effect_on_orders: String,
    /// What it does to money, in a sentence.
    effect_on_money: String,
    /// The row of the audit log; null for a dry run.
    audit_id: Option<i64>,
    /// The checkout as it is now, or would be.
    checkout: Snapshot<'static>,
}

/// A checkout with everything that is known of it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct Case {
    #[schema(inline = false)]
    #[serde(flatten)]
    checkout: Snapshot<'static>,
    /// Grows with every claim; what an older claim brings is not taken.
    fence: i64,
    /// Attempts of the step since it was last started or restarted.
    tries: i64,
    /// Whether a process is working on it right now.
    leased: bool,
    /// When recovery runs.
    due_at: Option<String>,
    /// Sent to BigCommerce as `X-Correlation-Id` with every call.
    correlation_id: Uuid,
    /// Abandoned orders.
    dead_orders: Vec<i64>,
    in_flight: Option<InFlight>,
    timeline: Timeline,
    /// Operator actions, newest first.
    actions: Vec<AuditRow>,
}

/// A checkout as operators see it.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, clippy::large_enum_variant, reason = "it describes an answer of the operators' room")]
pub(super) enum Shown {
    /// With its record.
    Case(Case),
    /// Its record cannot be read.
    Unread(UnreadCase),
}

/// A checkout whose record cannot be read by this version of the program.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct UnreadCase {
    id: Uuid,
    store: String,
    flow: String,
    status: String,
    version: i64,
    fence: i64,
    /// Whether a process is working on it right now.
    leased: bool,
    /// Why it cannot be read.
    unreadable: String,
    cart_id: Option<String>,
    /// BigCommerce's orders that were made for it or taken over.
    order_ids: Vec<i64>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    timeline: Timeline,
    /// Operator actions, newest first.
    actions: Vec<AuditRow>,
}

/// The attempt in flight.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct InFlight {
    step: String,
    attempt: i64,
    fence: i64,
    /// How often its effect was looked for.
    looks: i64,
    /// Whether it was accepted and settles.
    settling: bool,
    started_at: Option<String>,
    /// Since when its outcome is unknown.
    unknown_since: Option<String>,
}

/// What happened, oldest first.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct Timeline {
    attempts: Vec<Attempt>,
    moves: Vec<Moved>,
}

/// One try of a step.
#[derive(ToSchema)]
#[expect(clippy::struct_field_names, reason = "the number of the try is called attempt everywhere")]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct Attempt {
    step: String,
    attempt: i32,
    fence: i64,
    process_id: Uuid,
    correlation_id: Uuid,
    began_at: OffsetDateTime,
    ended_at: Option<OffsetDateTime>,
    /// `succeeded`, `rejected`, `retry` or `unknown`; null: it is in flight.
    outcome: Option<String>,
    /// What was recorded of it: its execution, then each look for its effect.
    results: Vec<AttemptResult>,
}

/// A recorded event of an attempt.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct AttemptResult {
    at: OffsetDateTime,
    outcome: Option<String>,
    /// BigCommerce's HTTP status of the deciding call.
    upstream_status: Option<i32>,
    duration_ms: Option<i32>,
    fence: i64,
    /// It came too late to change anything.
    late: bool,
    /// The calls and how they ended, redacted.
    calls: Value,
}

/// A move of the checkout.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct Moved {
    at: OffsetDateTime,
    event: String,
    version: Option<i64>,
    fence: i64,
    process_id: Uuid,
}

/// A checkout in plain words.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct Why {
    checkout_id: Uuid,
    headline: String,
    what_happened: Vec<String>,
    known: Vec<String>,
    not_known: Vec<String>,
    actions: Vec<AllowedAction>,
    suggested: Option<Suggested>,
}

/// An action and what it would do.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct AllowedAction {
    action: String,
    /// For `resolve`: the member of the finding.
    finding: Option<String>,
    /// For `cancel`: whether what was paid is given back.
    refund: bool,
    /// The required role.
    role: String,
    /// Whether it is possible in the current state.
    allowed: bool,
    effect_on_orders: String,
    effect_on_money: String,
    /// Why it is not possible, or what is checked before it is done.
    guard: Option<String>,
}

/// What to do first.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct Suggested {
    action: String,
    because: String,
    /// Its heading in the runbook.
    runbook: Option<String>,
}
