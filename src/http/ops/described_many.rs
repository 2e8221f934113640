//! Schemas of the answers about many checkouts, about bulks and about the audit log.

use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::super::schema;

/// The summary.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct Overview {
    by_status: Vec<Count>,
    /// Checkouts that have not ended, by the first step that is not done.
    by_step: Vec<Count>,
    stuck: Vec<StuckCount>,
    /// Amounts that may have been charged and are not known, or belong to a stuck order.
    money_at_risk: Vec<AtRisk>,
    /// The attempt whose outcome has been unknown for the longest time.
    oldest_unknown: Option<OldestUnknown>,
    /// How long the most overdue checkout has waited for recovery.
    recovery_lag_seconds: f64,
    stores: Vec<StoreHealth>,
}

/// How many.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct Count {
    name: String,
    count: i64,
}

/// How many are stuck for a reason.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct StuckCount {
    #[schema(schema_with = schema::stuck_reason)]
    reason: String,
    count: i64,
    /// When the least recently changed one last changed.
    oldest: OffsetDateTime,
    suggested_action: Option<String>,
}

/// Money that hangs.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct AtRisk {
    /// ISO 4217; empty where it is not known.
    currency: String,
    #[schema(schema_with = schema::amount)]
    amount: Value,
    checkouts: i64,
}

/// An attempt whose outcome is unknown.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct OldestUnknown {
    checkout_id: Uuid,
    step: String,
    since: OffsetDateTime,
}

/// How a store stands, as the process that answers knows it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct StoreHealth {
    store: String,
    /// Processes that share its quota.
    replicas: u32,
    api: HostHealth,
    payments: HostHealth,
    hooks: HookHealth,
}

/// How one of BigCommerce's hosts stands.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct HostHealth {
    /// `closed` (calls are sent), `open` (held back) or `half_open` (one is sent to try).
    breaker: String,
    /// Requests of the whole store in one window; null until BigCommerce reported it.
    quota: Option<u64>,
    /// What was left of it, as of the last answer.
    left: Option<u64>,
    /// What this process may still send in this window.
    free: u64,
    resets_in_ms: Option<u64>,
    /// Until calls are sent again after a 429.
    paused_for_ms: Option<u64>,
    in_flight: u64,
    waiting: u64,
    /// Calls that were held back since the start.
    held_back: u64,
    /// 429 answers since the start.
    rate_limited: u64,
}

/// A received webhook.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct HookHealth {
    /// Null: none came in the last day.
    last_event_at: Option<OffsetDateTime>,
    events_last_hour: i64,
}

/// One page of checkouts.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct CheckoutPage {
    data: Vec<Listed>,
    next_cursor: Option<String>,
}

/// One line of a list.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct Listed {
    id: Uuid,
    store: String,
    #[schema(schema_with = schema::flow)]
    flow: String,
    #[schema(schema_with = schema::status)]
    status: String,
    /// The first step that is not done.
    next_step: Option<String>,
    stuck: Option<super::super::snapshot::Stuck<'static>>,
    version: i64,
    cart_id: Option<String>,
    order_id: Option<i64>,
    email: Option<String>,
    #[schema(schema_with = schema::amount_or_null)]
    total: Value,
    currency: Option<String>,
    payment_status: Option<String>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    /// When recovery runs next.
    due_at: Option<OffsetDateTime>,
    /// Why this version of the service cannot read it. No action is possible on it.
    unreadable: Option<String>,
}

/// Recent bulk actions.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct Bulks {
    data: Vec<Bulk>,
}

/// How a bulk stands.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct Bulk {
    id: Uuid,
    /// `running` or `done`.
    status: String,
    action: String,
    /// The filter that was used.
    #[schema(value_type = Object)]
    filter: Value,
    reason: String,
    actor: String,
    total: i64,
    done: i64,
    /// How many refused it, or failed.
    failed: i64,
    created_at: OffsetDateTime,
}

/// A bulk action and the result for each checkout.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct BulkSeen {
    #[serde(flatten)]
    bulk: Bulk,
    results: Vec<BulkResult>,
    next_cursor: Option<Uuid>,
}

/// The result for one checkout.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct BulkResult {
    checkout_id: Uuid,
    /// `done`, `refused` or `failed`; null: it is still to be dealt with.
    outcome: Option<String>,
    detail: String,
}

/// The preview of a bulk action.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct BulkPreview {
    action: String,
    /// How many checkouts fit, counted up to 100000.
    total: i64,
    /// How many of them were looked at one by one.
    examined: i64,
    allowed: i64,
    refused: i64,
    sample: Vec<Previewed>,
}

/// What would happen to one checkout.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct Previewed {
    checkout_id: Uuid,
    status: String,
    allowed: bool,
    /// Why not.
    detail: String,
}

/// One page of the audit log.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct AuditPage {
    data: Vec<AuditRow>,
    next_cursor: Option<String>,
}

/// An action that an operator took or was refused.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct AuditRow {
    /// Its number in the chain, from 1.
    id: i64,
    at: OffsetDateTime,
    actor: String,
    role: String,
    action: String,
    checkout_id: Option<Uuid>,
    order_id: Option<i64>,
    reason: String,
    /// `done`, or `refused: ` and the guard.
    result: String,
    /// The details of the request, as JSON text.
    detail: String,
}

/// The result of verifying the audit log.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct Verified {
    rows: i64,
    /// The last hash. Note it somewhere else: it proves later that nothing was removed.
    head: String,
    /// Null: nothing is wrong.
    broken: Option<Broken>,
}

/// Where the chain is broken.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes an answer of the operators' room")]
pub(super) struct Broken {
    /// The first broken row.
    id: i64,
    what: String,
}
