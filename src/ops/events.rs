//! Outgoing events as operators list and redeliver them.
//!
//! Guarantees: a redelivered event keeps its id, so that a receiver recognizes the duplicate; nothing is queued for a
//! destination that is not configured and never was.

use uuid::Uuid;

use super::Console;
use super::act::{ActionError, ActionRequest};
use super::action::reason;
use crate::db::{self, Db, Entry};
use crate::role::Role;

pub use crate::db::{EventFilter, EventRecord, Redelivered, TryRecord};

/// The most events that are shown at a time.
pub const SHOWN_AT_MOST: i64 = 10_000;

/// Why events are not sent again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither ids nor a time nor a checkout nor what was given up: that would be everything.
    #[error("say which events: by id, --checkout, --since or --state given-up")]
    Unbounded,
    /// The destination is neither configured nor was anything ever meant for it.
    #[error("there is no destination {0:?}")]
    UnknownDestination(String),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Queues again what is meant, or with `dry_run` answers what would be. `configured` are the destinations that the service
/// delivers to; `to` sends to one of them what was not meant for it.
pub async fn redeliver(
    db: &Db,
    filter: &EventFilter,
    to: Option<&str>,
    configured: &[String],
    dry_run: bool,
) -> Result<Vec<Redelivered>, Error> {
    let given_up = filter.state.as_deref() == Some("given-up");
    let bounded = given_up || filter.ids.is_some() || filter.checkout.is_some() || filter.since.is_some();
    if !bounded {
        return Err(Error::Unbounded);
    }
    for name in [to, filter.destination.as_deref()].into_iter().flatten() {
        let known = configured.iter().any(|known| known == name)
            || db.known_destinations().await?.iter().any(|known| known == name);
        if !known {
            return Err(Error::UnknownDestination(name.to_owned()));
        }
    }
    if !dry_run {
        return Ok(db.redeliver(filter, to).await?);
    }
    let found = db.events(filter, SHOWN_AT_MOST).await?.into_iter();
    let mut would: Vec<Redelivered> = found
        .filter(|record| to.is_some() || record.state != "pending")
        .map(|record| Redelivered {
            event_id: record.event_id,
            destination: to.map_or(record.destination, str::to_owned),
        })
        .collect();
    would.dedup_by(|one, other| one.event_id == other.event_id && one.destination == other.destination);
    Ok(would)
}

impl Console {
    /// The events that are meant, the latest first, at most `limit`.
    pub async fn events(&self, filter: &EventFilter, limit: i64) -> Result<Vec<EventRecord>, db::Error> {
        let filter = EventFilter { within: self.scope().map(str::to_owned), ..filter.clone() };
        self.db().events(&filter, limit.clamp(1, SHOWN_AT_MOST)).await
    }

    /// What an event says, and the log of its deliveries; `None`: there is none, or it is forgotten.
    pub async fn event(&self, id: Uuid) -> Result<Option<(String, Vec<TryRecord>)>, db::Error> {
        let Some(data) = self.db().event_data(id, self.scope()).await? else { return Ok(None) };
        Ok(Some((data, self.db().tries(id).await?)))
    }

    /// Sends an event again to everybody that it was meant for and that is done with it. Answers whether there is one.
    /// It is queued first and written down then: what was not written down was sent all the same, and can be asked for
    /// again, because a receiver knows it by its id.
    pub async fn redeliver(&self, id: Uuid, ask: ActionRequest<'_>) -> Result<bool, ActionError> {
        if ask.actor.role < Role::Act {
            return Err(ActionError::Forbidden { needs: Role::Act });
        }
        let why = reason(ask.reason).ok_or(ActionError::NoReason)?;
        let within = self.of(ask.actor).scope().map(str::to_owned);
        let filter = EventFilter { ids: Some(vec![id]), within, ..EventFilter::default() };
        let found = self.db().events(&filter, 1).await?;
        let Some(event) = found.first() else { return Ok(false) };
        if ask.dry_run {
            return Ok(true);
        }
        let queued = self.db().redeliver(&filter, None).await?;
        let destinations: Vec<&str> = queued.iter().map(|one| one.destination.as_str()).collect();
        self.note(&Entry {
            actor: &ask.actor.name,
            role: ask.actor.role.as_str(),
            action: "redeliver",
            checkout_id: Some(event.checkout_id),
            order_id: None,
            reason: why,
            result: "done",
            detail: serde_json::json!({"event_id": id, "type": event.kind, "destinations": destinations}),
        })
        .await?;
        Ok(true)
    }
}
