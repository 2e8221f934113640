//! The summary, for a first look: the checkouts, and what this process knows of each store.
//!
//! Guarantees: it never asks BigCommerce. Rates and breakers are those of the process that answers, because each
//! process has its own share.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::Console;
use crate::bigcommerce::budget::HostState;
use crate::db::{self, Summary, WebhookStats};

/// The summary.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Overview {
    /// The checkouts.
    #[serde(flatten)]
    pub summary: Summary,
    /// The stores, by name.
    pub stores: Vec<StoreHealth>,
}

/// The state of a store, as known to the process that answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StoreHealth {
    /// Its name.
    pub store: String,
    /// Processes that share its quota.
    pub replicas: u32,
    /// BigCommerce's API.
    pub api: HostHealth,
    /// BigCommerce's payments.
    pub payments: HostHealth,
    /// The webhooks that BigCommerce sends.
    pub hooks: HookHealth,
}

/// The state of one of BigCommerce's hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HostHealth {
    /// `closed` (calls are sent), `open` (calls are rejected) or `half_open` (one call is sent as a probe).
    pub breaker: &'static str,
    /// Requests of the whole store in one window; null until BigCommerce reported it.
    pub quota: Option<u64>,
    /// What was left of it, as of the last answer.
    pub left: Option<u64>,
    /// What this process may still send in this window.
    pub free: u64,
    /// Until the window is over, in milliseconds.
    pub resets_in_ms: Option<u64>,
    /// Until calls are sent again after a 429, in milliseconds.
    pub paused_for_ms: Option<u64>,
    /// Calls that were sent and have not ended.
    pub in_flight: u64,
    /// Calls that wait for their turn.
    pub waiting: u64,
    /// Calls that were not sent since the start of the process.
    pub held_back: u64,
    /// 429 answers since the start.
    pub rate_limited: u64,
    /// Whether BigCommerce refuses the credentials of the store (401), with nothing accepted since: see
    /// `BIGCOMMERCE_ACCESS_TOKEN`.
    pub credentials_refused: bool,
}

/// A received webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HookHealth {
    /// When the last event was received; null: none in the last day.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_event_at: Option<OffsetDateTime>,
    /// Events of the last hour.
    pub events_last_hour: i64,
}

impl Console {
    /// The summary, as it is now.
    pub async fn overview(&self) -> Result<Overview, db::Error> {
        let (summary, heard) = tokio::try_join!(self.db().summary(self.scope()), self.db().heard())?;
        let mut stores: Vec<StoreHealth> = self
            .inner
            .budgets
            .iter()
            .filter(|(name, _)| self.sees(name))
            .map(|(name, budget)| {
                let state = budget.state();
                StoreHealth {
                    store: name.clone(),
                    replicas: state.replicas,
                    api: HostHealth::of(&state.api),
                    payments: HostHealth::of(&state.payments),
                    hooks: HookHealth::of(heard.iter().find(|heard| heard.store == *name)),
                }
            })
            .collect();
        stores.sort_by(|one, other| one.store.cmp(&other.store));
        Ok(Overview { summary, stores })
    }
}

impl HostHealth {
    fn of(state: &HostState) -> Self {
        let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            breaker: state.breaker.name(),
            quota: state.quota,
            left: state.left,
            free: state.free,
            resets_in_ms: state.resets_in.map(millis),
            paused_for_ms: state.paused_for.map(millis),
            in_flight: state.in_flight,
            waiting: u64::try_from(state.waiting).unwrap_or(u64::MAX),
            held_back: state.held_back,
            rate_limited: state.rate_limited,
            credentials_refused: state.unauthorized,
        }
    }
}

impl HookHealth {
    fn of(heard: Option<&WebhookStats>) -> Self {
        Self {
            last_event_at: heard.map(|heard| heard.last_at),
            events_last_hour: heard.map_or(0, |heard| heard.last_hour),
        }
    }
}
