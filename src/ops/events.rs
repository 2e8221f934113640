//! Outgoing events, as an operator looks at them and sends them again.
//!
//! Guarantees: what is sent again keeps its id, so that a receiver that has it already can tell; nothing is queued for a
//! destination that nobody ever heard of.

use crate::store::{self, Store};

pub use crate::store::{EventFilter, EventRecord, Redelivered, TryRecord};

/// The most events that are shown at a time.
pub const SHOWN_AT_MOST: i64 = 10_000;

/// Why events are not sent again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither ids nor a time nor a checkout: that would be everything.
    #[error("say which events: by id, by checkout or by time")]
    Unbounded,
    /// The destination is neither configured nor was anything ever meant for it.
    #[error("there is no destination {0:?}")]
    UnknownDestination(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// Queues again what is meant, or with `dry_run` answers what would be. `configured` are the destinations that the service
/// delivers to; `to` sends to one of them what was not meant for it.
pub async fn redeliver(
    store: &Store,
    filter: &EventFilter,
    to: Option<&str>,
    configured: &[String],
    dry_run: bool,
) -> Result<Vec<Redelivered>, Error> {
    let bounded = filter.ids.is_some() || filter.checkout.is_some() || filter.since.is_some();
    if !bounded {
        return Err(Error::Unbounded);
    }
    for name in [to, filter.destination.as_deref()].into_iter().flatten() {
        let known = configured.iter().any(|known| known == name)
            || store.known_destinations().await?.iter().any(|known| known == name);
        if !known {
            return Err(Error::UnknownDestination(name.to_owned()));
        }
    }
    if !dry_run {
        return Ok(store.redeliver(filter, to).await?);
    }
    let found = store.events(filter, SHOWN_AT_MOST).await?.into_iter();
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
