//! Whether commits of the database are durable.
//!
//! A checkpoint that is lost after the payment was sent reads as "certainly not sent". So no work is started, and nothing
//! sent, where a commit is answered before it is on the disk (`synchronous_commit`), or where the disk is not waited for
//! or written whole (`fsync`, `full_page_writes`).
//!
//! `local` and `remote_write` are refused like `off`: they are weaker as soon as there is a synchronous standby, and one may be
//! added later. Where a session is used only by this service the setting is pinned in it, so that neither
//! `ALTER SYSTEM` nor `ALTER ROLE` changes it later; what cannot be pinned is checked with every heartbeat.
//!
//! The exception: a cluster that declares itself disposable (`headless_checkout.throwaway = on`, as `./dev test`
//! starts its own) may run without `fsync` and `full_page_writes`, as long as BigCommerce is on loopback, too.

use std::sync::PoisonError;

use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Error, Executor, Postgres, Row as _};

use crate::db::Db;

/// What is asked of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// Nothing: it is only read.
    Nothing,
    /// What it committed survives whatever happens to it.
    Durable,
    /// The same; but a cluster that is thrown away need not survive a power failure.
    DurableOrThrowaway,
}

const LOOK: &str = "select current_setting('synchronous_commit') as commit, current_setting('fsync') as fsync,
    current_setting('full_page_writes') as pages, coalesce(current_setting('headless_checkout.throwaway', true), '') as throwaway";

/// As strong as it was when it was looked at, for the rest of the session.
const PIN: &str = "select set_config('synchronous_commit', current_setting('synchronous_commit'), false)";

/// The settings that a session has.
#[derive(Debug)]
struct Seen {
    commit: String,
    fsync: String,
    pages: String,
    throwaway: String,
}

impl Seen {
    fn read(row: &PgRow) -> Result<Self, Error> {
        Ok(Self {
            commit: row.try_get("commit")?,
            fsync: row.try_get("fsync")?,
            pages: row.try_get("pages")?,
            throwaway: row.try_get("throwaway")?,
        })
    }

    /// Why what is committed may be lost, in a sentence; `None`: it may not.
    fn weakness(&self, demand: Demand) -> Option<String> {
        if demand == Demand::Nothing {
            return None;
        }
        if !matches!(self.commit.as_str(), "on" | "remote_apply") {
            return Some(format!(
                "synchronous_commit is {}, so that a commit may be lost that was answered: set it to on (or remote_apply) \
                 wherever it comes from (the server, the database, the role, or the options in DATABASE_URL)",
                self.commit
            ));
        }
        if demand == Demand::DurableOrThrowaway && self.throwaway == "on" {
            return None;
        }
        let weak = [("fsync", &self.fsync), ("full_page_writes", &self.pages)];
        let (name, value) = weak.into_iter().find(|(_, value)| *value != "on")?;
        Some(format!(
            "{name} is {value}, so that committed data may be lost: set it to on. Only a test cluster started with \
             headless_checkout.throwaway=on may do without, and only with BIGCOMMERCE_API_URL and \
             BIGCOMMERCE_PAYMENTS_URL on loopback"
        ))
    }
}

/// Fails, naming the setting, where less is kept than is demanded.
async fn look(on: impl Executor<'_, Database = Postgres>, demand: Demand) -> Result<Option<String>, Error> {
    Ok(Seen::read(&on.fetch_one(LOOK).await?)?.weakness(demand))
}

/// Refuses a new connection that keeps less than is demanded. `own`: the session is not shared by a pooler.
pub(crate) async fn refuse_lossy(
    connection: &mut PgConnection,
    demand: Demand,
    own: bool,
) -> Result<(), Error> {
    if demand == Demand::Nothing {
        return Ok(());
    }
    if let Some(weakness) = look(&mut *connection, demand).await? {
        return Err(Error::Configuration(weakness.into()));
    }
    if own {
        connection.execute(PIN).await?;
    }
    Ok(())
}

impl Db {
    /// Looks again whether what is committed survives. While it does not, nothing is begun and nothing is sent.
    pub async fn look_at_durability(&self) -> Result<(), crate::db::Error> {
        let weakness = look(&self.pool(), self.connections.demand()).await?;
        let mut known = self.lossy.lock().unwrap_or_else(PoisonError::into_inner);
        if *known != weakness {
            if let Some(weakness) = &weakness {
                tracing::error!(weakness, "no new work is started: commits may be lost");
            } else {
                tracing::info!("commits are durable again");
            }
        }
        *known = weakness;
        Ok(())
    }

    /// Whether what is committed survives, as far as is known.
    pub fn is_durable(&self) -> bool {
        self.lossy.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    pub(crate) fn durable(&self) -> Result<(), crate::db::Error> {
        let known = self.lossy.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().map_or(Ok(()), |weakness| Err(crate::db::Error::Lossy(weakness.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::Demand::{Durable, DurableOrThrowaway, Nothing};
    use super::*;

    #[test]
    fn what_may_be_lost_is_named() {
        let seen = |commit: &str, fsync: &str, pages: &str, throwaway: &str| Seen {
            commit: commit.to_owned(),
            fsync: fsync.to_owned(),
            pages: pages.to_owned(),
            throwaway: throwaway.to_owned(),
        };
        for (seen, demand, expected) in [
            (seen("on", "on", "on", ""), Durable, None),
            (seen("remote_apply", "on", "on", ""), Durable, None),
            (seen("off", "on", "on", ""), Durable, Some("synchronous_commit is off")),
            (seen("local", "on", "on", ""), Durable, Some("synchronous_commit is local")),
            (seen("remote_write", "on", "on", ""), Durable, Some("synchronous_commit is remote_write")),
            (seen("on", "off", "on", ""), Durable, Some("fsync is off")),
            (seen("on", "on", "off", ""), Durable, Some("full_page_writes is off")),
            // It says that it is thrown away, and is used with BigCommerce itself.
            (seen("on", "off", "off", "on"), Durable, Some("fsync is off")),
            (seen("on", "off", "off", "on"), DurableOrThrowaway, None),
            (seen("on", "off", "off", "off"), DurableOrThrowaway, Some("fsync is off")),
            (seen("on", "off", "off", ""), DurableOrThrowaway, Some("fsync is off")),
            // Such a cluster keeps what it answered for as long as it lives.
            (seen("off", "off", "off", "on"), DurableOrThrowaway, Some("synchronous_commit is off")),
            (seen("something new", "on", "on", ""), Durable, Some("synchronous_commit is something new")),
            (seen("off", "off", "off", ""), Nothing, None),
        ] {
            let found = seen.weakness(demand);
            let fits = match (&found, expected) {
                (Some(found), Some(expected)) => found.starts_with(expected),
                (None, None) => true,
                _ => false,
            };
            assert!(fits, "{seen:?} {demand:?}: {found:?}");
        }
    }
}
