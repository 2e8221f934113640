//! The servers that may hold the database, and which of them takes writes.
//!
//! Guarantees: a standby is never taken for the primary; of two servers that both believe to be it, the one with the later
//! timeline is taken, because it was promoted and the other one was left behind. Never: a decision about which server
//! *should* be the primary; whoever promotes one decides that.

use std::time::Duration;

use futures::future::join_all;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Executor as _, Row as _};
use tokio::time::{Instant, timeout_at};

/// How long a server may take to say whether it is the primary; after that it is not.
const ANSWER: Duration = Duration::from_secs(2);

/// Between two looks for a primary while there is none.
const NO_PRIMARY: Duration = Duration::from_millis(100);

/// What a server says of itself: the number of its timeline, or null when it only follows another one. The timeline grows
/// with each promotion.
const WHO_ARE_YOU: &str = "select case when pg_is_in_recovery() then null
    else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end as timeline";

/// The servers of one database, in the order of its URL.
#[derive(Debug, Clone)]
pub struct Servers(Vec<PgConnectOptions>);

/// A server that takes writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Primary {
    /// Its place among the servers.
    pub(super) index: usize,
    /// Its timeline.
    pub(super) timeline: i32,
}

/// Looks at all servers again and again, each over a connection that is kept.
#[derive(Debug)]
pub(super) struct Lookout {
    servers: Servers,
    connections: Vec<Option<PgConnection>>,
}

impl Servers {
    /// From one URL for each server; there is at least one.
    pub fn new<'a>(urls: impl IntoIterator<Item = &'a str>) -> Result<Self, sqlx::Error> {
        let servers: Vec<PgConnectOptions> =
            urls.into_iter().map(str::parse).collect::<Result<_, sqlx::Error>>()?;
        if servers.is_empty() {
            return Err(sqlx::Error::Configuration("no server is named".into()));
        }
        // Nothing is read as text, so that it changes nothing; and PgBouncer refuses it unless it is told to ignore it.
        Ok(Self(servers.into_iter().map(|server| server.extra_float_digits(None)).collect()))
    }

    /// Whether the primary may be another server later.
    pub(super) fn are_several(&self) -> bool {
        self.0.len() > 1
    }

    /// How to reach one of them.
    pub(super) fn options(&self, index: usize) -> PgConnectOptions {
        self.0.get(index).or_else(|| self.0.first()).cloned().unwrap_or_default()
    }

    /// How to reach the one that takes writes, once there is one.
    pub(super) async fn primary(&self, patience: Duration) -> Result<Primary, sqlx::Error> {
        if !self.are_several() {
            return Ok(Primary { index: 0, timeline: 0 });
        }
        let deadline = Instant::now() + patience;
        let mut lookout = Lookout::new(self.clone());
        loop {
            if let Some(primary) = best(None, &lookout.look().await) {
                return Ok(primary);
            }
            if Instant::now() >= deadline {
                let words = "none of the servers takes writes now";
                return Err(std::io::Error::new(std::io::ErrorKind::NotConnected, words).into());
            }
            tokio::time::sleep(NO_PRIMARY).await;
        }
    }

    /// Completes when another server takes writes than when it was called. Where there is just one: never.
    pub(super) async fn moved(&self, pause: Duration) {
        if !self.are_several() {
            std::future::pending::<()>().await;
        }
        let mut lookout = Lookout::new(self.clone());
        let mut first: Option<Primary> = None;
        loop {
            if let Some(primary) = best(first, &lookout.look().await)
                && first.replace(primary).is_some_and(|first| first.index != primary.index)
            {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// One connection to the server that takes writes, for what cannot share one.
    pub async fn connect(&self, patience: Duration) -> Result<PgConnection, sqlx::Error> {
        let primary = self.primary(patience).await?;
        self.options(primary.index).connect().await
    }
}

impl From<PgConnectOptions> for Servers {
    fn from(server: PgConnectOptions) -> Self {
        Self(vec![server])
    }
}

impl Lookout {
    pub(super) fn new(servers: Servers) -> Self {
        let connections = servers.0.iter().map(|_| None).collect();
        Self { servers, connections }
    }

    /// The timeline of each server that takes writes now. Dropped: the next look connects anew.
    pub(super) async fn look(&mut self) -> Vec<Option<i32>> {
        let deadline = Instant::now() + ANSWER;
        let looks = self.servers.0.iter().zip(&mut self.connections).map(|(server, kept)| async move {
            let taken = kept.take();
            let asked = async {
                let mut connection = match taken {
                    Some(connection) => connection,
                    None => server.connect().await?,
                };
                let timeline = connection.fetch_one(WHO_ARE_YOU).await?.try_get("timeline")?;
                Ok::<_, sqlx::Error>((connection, timeline))
            };
            let (connection, timeline) = timeout_at(deadline, asked).await.ok()?.ok()?;
            *kept = Some(connection);
            timeline
        });
        join_all(looks).await
    }
}

/// Refuses a connection to a server that only follows another one.
pub(super) async fn refuse_standby(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let follows: bool =
        connection.fetch_one("select pg_is_in_recovery() as follows").await?.try_get("follows")?;
    if follows {
        let words = "this server is a standby";
        return Err(std::io::Error::new(std::io::ErrorKind::NotConnected, words).into());
    }
    Ok(())
}

/// Which server to use, given the one in use: the latest timeline; never one that is earlier than what was seen; and no
/// change without a reason.
pub(super) fn best(current: Option<Primary>, seen: &[Option<i32>]) -> Option<Primary> {
    let servers = seen.iter().enumerate();
    let taking = servers.filter_map(|(index, timeline)| Some(Primary { index, timeline: (*timeline)? }));
    taking.filter(|server| current.is_none_or(|current| server.timeline >= current.timeline)).max_by_key(
        |server| {
            let stays = current.is_some_and(|current| current.index == server.index);
            (server.timeline, stays, std::cmp::Reverse(server.index))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_timeline_is_followed_and_nothing_changes_without_a_reason() {
        type Case<'a> = (Option<Primary>, &'a [Option<i32>], Option<Primary>);
        let at = |index, timeline| Some(Primary { index, timeline });
        let table: [Case<'_>; 9] = [
            (None, &[None, None], None),
            (None, &[None, Some(1)], at(1, 1)),
            // Both believe to be the primary: the second one was promoted.
            (None, &[Some(1), Some(2)], at(1, 2)),
            (None, &[Some(1), Some(1)], at(0, 1)),
            // Two ways to the same primary.
            (at(1, 1), &[Some(1), Some(1)], at(1, 1)),
            (at(0, 1), &[None, Some(1)], at(1, 1)),
            (at(0, 1), &[Some(1), Some(2)], at(1, 2)),
            // The old primary comes back while the new one cannot be reached.
            (at(1, 2), &[Some(1), None], None),
            (at(1, 2), &[Some(1), Some(2)], at(1, 2)),
        ];
        for (current, seen, expected) in table {
            assert_eq!(best(current, seen), expected, "{current:?} {seen:?}");
        }
    }

    #[test]
    fn a_database_has_a_server() {
        assert!(Servers::new([]).is_err());
        assert!(!Servers::new(["postgres://one/x"]).expect("a server").are_several());
    }
}
