//! One action on many checkouts, carried out on the server.
//!
//! Guarantees: each checkout is processed in one transaction that holds its effect, its audit row and its outcome, so
//! a crash leaves it done or untouched and any process continues. Each is guarded as if it had been requested alone. Only
//! actions that need no answer of BigCommerce are possible.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::{self, Bulk, BulkItem, BulkResult, Entry, Filter, NewBulk};

use super::Console;
use super::act::{ActionError, ActionRequest, permitted};
use super::action::{Action, Actor, reason};
use super::guard::{Guard, guard};

/// Checkouts of one bulk at most.
const AT_MOST: i64 = 100_000;
/// Checkouts that a preview looks at one by one.
const EXAMINED: i64 = 500;
/// Checkouts that a preview shows.
const SAMPLE: usize = 20;
/// Between two looks for work that other processes wrote down.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct BulkRequest<'a> {
    /// Which checkouts.
    pub filter: &'a Filter,
    /// What to do to each.
    pub action: &'a Action,
    /// Who, why.
    pub ask: ActionRequest<'a>,
}

/// The preview of a bulk action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BulkPreview {
    /// The action.
    pub action: &'static str,
    /// How many checkouts match, counted up to 100000.
    pub total: i64,
    /// How many of them were checked individually.
    pub examined: i64,
    /// How many of those would be changed.
    pub allowed: i64,
    /// How many of those would be refused.
    pub refused: i64,
    /// Some of them.
    pub sample: Vec<Previewed>,
}

/// What would happen to one checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Previewed {
    /// The checkout.
    pub checkout_id: Uuid,
    /// Where it stands.
    pub status: &'static str,
    /// Whether it would be done.
    pub allowed: bool,
    /// Why not.
    pub detail: String,
}

/// A bulk action and the result for each checkout.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BulkSeen {
    /// State.
    #[serde(flatten)]
    pub bulk: Bulk,
    /// The result for each checkout, one page.
    pub results: Vec<BulkResult>,
}

impl Console {
    /// The preview of a bulk action. Nothing is written.
    pub async fn preview_bulk(&self, bulk: BulkRequest<'_>) -> Result<BulkPreview, ActionError> {
        checked(&bulk)?;
        let filter = self.of(bulk.ask.actor).within(bulk.filter);
        let total = self.db().count(&filter, AT_MOST).await?;
        let (mut allowed, mut sample) = (0, Vec::new());
        let ids = self.db().sample(&filter, EXAMINED).await?;
        let mut examined = 0;
        for id in ids {
            let Some(held) = self.db().look(id).await? else { continue };
            examined += 1;
            let verdict = guard(bulk.action, &held);
            allowed += i64::from(verdict.is_ok());
            if sample.len() < SAMPLE {
                sample.push(Previewed {
                    checkout_id: id.uuid(),
                    status: held.checkout.status.as_str(),
                    allowed: verdict.is_ok(),
                    detail: verdict.err().map(|guard| guard.detail).unwrap_or_default(),
                });
            }
        }
        let refused = examined - allowed;
        Ok(BulkPreview { action: bulk.action.name(), total, examined, allowed, refused, sample })
    }

    /// Writes a bulk down; it is carried out by whichever process is free.
    pub async fn begin_bulk(&self, bulk: BulkRequest<'_>) -> Result<Bulk, ActionError> {
        let why = checked(&bulk)?;
        let id = Uuid::now_v7();
        let actor = bulk.ask.actor;
        let filter = self.of(actor).within(bulk.filter);
        let mut audited = self.db().audited().await?;
        let new = NewBulk {
            id,
            action: bulk.action.name(),
            filter: &filter,
            reason: why,
            actor: &actor.name,
            role: actor.role.as_str(),
        };
        let total = audited.begin_bulk(&new, AT_MOST).await?;
        audited
            .note(&Entry {
                actor: &actor.name,
                role: actor.role.as_str(),
                action: "bulk",
                checkout_id: None,
                order_id: None,
                reason: why,
                result: "done",
                // Not the filter: it may hold an email address, and the audit log is never redacted.
                detail: json!({
                    "bulk_id": id, "action": bulk.action.name(), "total": total,
                    "store": filter.within.as_ref().or(filter.store.as_ref()),
                }),
            })
            .await?;
        audited.commit().await?;
        self.inner.wake_bulk.notify_one();
        tracing::info!(bulk_id = %id, action = bulk.action.name(), total, actor = actor.name, "a bulk action was requested");
        let begun = self.db().bulk(id, None).await.map_err(db::Error::after_writing)?;
        begun.ok_or(ActionError::NotFound)
    }

    /// How a bulk stands, with one page of what became of its checkouts.
    pub async fn bulk(
        &self,
        id: Uuid,
        after: Option<Uuid>,
        limit: u32,
    ) -> Result<Option<BulkSeen>, db::Error> {
        let Some(bulk) = self.db().bulk(id, self.scope()).await? else { return Ok(None) };
        let results = self.db().bulk_results(id, after, i64::from(limit.clamp(1, 10_000))).await?;
        Ok(Some(BulkSeen { bulk, results }))
    }

    /// The latest bulks, the newest first.
    pub async fn bulks(&self) -> Result<Vec<Bulk>, db::Error> {
        let mut bulks = Vec::new();
        for id in self.db().bulks(20, self.scope()).await? {
            bulks.extend(self.db().bulk(id, self.scope()).await?);
        }
        Ok(bulks)
    }

    /// Carries bulks out until the process stops. Runs in every process.
    pub async fn work(&self, stopping: CancellationToken) {
        loop {
            let wait = match self.work_off(&stopping).await {
                Ok(()) => LOOK_EVERY,
                Err(error) => {
                    tracing::warn!(%error, "a bulk could not go on for now");
                    Duration::from_millis(500)
                }
            };
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.inner.wake_bulk.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Deals with one checkout after the other, until none is left.
    async fn work_off(&self, stopping: &CancellationToken) -> Result<(), db::Error> {
        while !stopping.is_cancelled() {
            let mut audited = self.db().audited().await?;
            let Some(item) = audited.take_bulk_item().await? else { return Ok(()) };
            match self.deal_with(&mut audited, &item).await {
                Ok(()) => {
                    audited.end_bulk_item(&item, "done", "").await?;
                    audited.commit().await?;
                }
                // Nothing was written before the guard spoke.
                Err(ActionError::Guarded(guard)) => {
                    audited.end_bulk_item(&item, "refused", &guard.detail).await?;
                    audited.commit().await?;
                }
                // The database is away: the item stays to be done.
                Err(ActionError::Database(error @ db::Error::Database(_))) => return Err(error),
                Err(refused) => {
                    // What was begun is undone; the outcome is written by a transaction of its own.
                    drop(audited);
                    let mut audited = self.db().audited().await?;
                    audited.end_bulk_item(&item, "failed", &refused.to_string()).await?;
                    audited.commit().await?;
                }
            }
        }
        Ok(())
    }

    async fn deal_with(
        &self,
        audited: &mut db::AuditedTransaction,
        item: &BulkItem,
    ) -> Result<(), ActionError> {
        let action = Action::for_many(&item.action)
            .map_err(|_| Guard::new("unknown-action", "this version does not know the action"))?;
        // Its checkouts were chosen among those that the operator sees.
        let role = item.role.parse().map_err(|_| {
            Guard::new("unreadable", format!("the requester's role cannot be read: {:?}", item.role))
        })?;
        let actor = Actor { name: item.actor.clone(), role, store: None };
        permitted(&actor, &action)?;
        let held = audited.lock(item.checkout_id).await?.ok_or(ActionError::NotFound)?;
        let ask = ActionRequest { actor: &actor, reason: &item.reason, dry_run: false };
        let detail = json!({"bulk_id": item.bulk_id});
        self.carry_out(audited, &held, &action, None, ask, detail).await.map(drop)
    }
}

fn checked<'a>(bulk: &BulkRequest<'a>) -> Result<&'a str, ActionError> {
    permitted(bulk.ask.actor, bulk.action)?;
    let why = reason(bulk.ask.reason).ok_or(ActionError::NoReason)?;
    if bulk.filter.is_empty() {
        return Err(Guard::new(
            "no-filter",
            "a bulk needs a filter: what would be done to every checkout of the database is never meant",
        )
        .into());
    }
    match bulk.action {
        Action::Resolve(_) | Action::Cancel { refund: true } => {
            Err(Guard::new("one-by-one", "actions that move money are for one checkout at a time").into())
        }
        _ => Ok(why),
    }
}
