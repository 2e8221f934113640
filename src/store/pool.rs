//! The connections of this process to the database, wherever its primary is and whatever stands between.
//!
//! Guarantees: with one server and prepared statements, this is sqlx's pool and nothing else. With several servers it
//! follows the primary, and no statement waits for one that was left behind. Without prepared statements each statement
//! is prepared and executed within one transaction, because only a transaction keeps a server for itself behind a pooler.
//! Never: a statement that is sent twice. One whose end was not heard fails, as when a connection is lost.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{BoxStream, TryStreamExt as _};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgPoolOptions, PgRow, PgStatement, PgTypeInfo};
use sqlx::{Acquire as _, Connection as _, Describe, Error, Execute, Executor, PgPool, Postgres, SqlStr};
use tokio::sync::watch;

use super::durability::{Demand, refuse_lossy};
use super::pooler::refuse_unexpected;
use super::servers::{Lookout, Primary, Servers, best, refuse_standby};
use super::session::{Moved, Once, Part, Transaction, first, parts};

/// How long a caller waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// A connection that was used this recently is there.
const FRESH: Duration = Duration::from_secs(1);
/// Between two looks at the servers, where there are several.
const LOOK: Duration = Duration::from_secs(1);

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct Reach {
    /// Where it is, possibly behind a pooler.
    pub servers: Servers,
    /// Where LISTEN goes when `servers` is a pooler that does not carry it.
    pub direct: Option<Servers>,
    /// Whether prepared statements outlive the transaction that they were prepared in.
    pub prepared_statements: bool,
    /// The most connections.
    pub max_connections: u32,
    /// What is asked of the database.
    pub demand: Demand,
}

/// The connections. Used as sqlx's pool is.
#[derive(Debug, Clone)]
pub struct Pool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    reach: Reach,
    pool: RwLock<PgPool>,
    primary: watch::Sender<Primary>,
}

impl Pool {
    /// Connects. The database has to be reachable.
    pub async fn connect(reach: Reach) -> Result<Self, Error> {
        let primary = reach.servers.primary(PATIENCE).await?;
        // By itself, because a pool would try again and again, and not say why.
        let mut first = PgConnection::connect_with(&reach.servers.options(primary.index)).await?;
        refuse_lossy(&mut first, reach.demand, false).await?;
        first.close().await?;
        let options = options(&reach);
        let pool = options.connect_with(reach.servers.options(primary.index)).await?;
        refuse_unexpected(&reach, &pool).await?;
        Ok(Self::of(reach, pool, primary))
    }

    fn of(reach: Reach, pool: PgPool, primary: Primary) -> Self {
        Self(Arc::new(Inner { reach, pool: RwLock::new(pool), primary: watch::Sender::new(primary) }))
    }

    /// Follows the primary from server to server until it is dropped. Where there is just one, there is nothing to do.
    pub async fn follow(&self) {
        let servers = &self.0.reach.servers;
        if !servers.are_several() {
            return;
        }
        let mut lookout = Lookout::new(servers.clone());
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut missed = false;
        loop {
            looks.tick().await;
            let current = *self.0.primary.borrow();
            match best(Some(current), &lookout.look().await) {
                Some(primary) => {
                    if primary.index != current.index {
                        self.move_to(primary);
                    } else if primary.timeline != current.timeline {
                        self.0.primary.send_if_modified(|known| {
                            *known = primary;
                            false
                        });
                    }
                    missed = false;
                }
                None if !missed => {
                    missed = true;
                    tracing::warn!("none of the database's servers takes writes");
                }
                None => {}
            }
        }
    }

    /// What was begun on the old primary is given up; everything else goes to the new one.
    fn move_to(&self, primary: Primary) {
        let reach = &self.0.reach;
        let pool = options(reach).connect_lazy_with(reach.servers.options(primary.index));
        *self.0.pool.write().unwrap_or_else(PoisonError::into_inner) = pool;
        self.0.primary.send_replace(primary);
        tracing::warn!(
            server = primary.index,
            timeline = primary.timeline,
            "the database has another primary"
        );
    }

    /// Completes when where [`Pool::to_listen`] leads was left for another server.
    pub async fn moved(&self) {
        match &self.0.reach.direct {
            Some(direct) => direct.moved(LOOK).await,
            None => self.watch().wait().await,
        }
    }

    /// A pool to listen with: this one, or a connection of its own where that does not carry notifications, or may move.
    pub async fn to_listen(&self) -> Result<PgPool, Error> {
        let reach = &self.0.reach;
        if reach.direct.is_none() && !reach.servers.are_several() {
            return Ok(self.current());
        }
        let servers = reach.direct.as_ref().unwrap_or(&reach.servers);
        let primary = servers.primary(PATIENCE).await?;
        let options = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        options.acquire_timeout(PATIENCE).connect_with(servers.options(primary.index)).await
    }

    /// What is asked of the database.
    pub(super) fn demand(&self) -> Demand {
        self.0.reach.demand
    }

    /// Whether there is a way to a server that keeps one for a whole session.
    pub(super) fn has_sessions(&self) -> bool {
        self.0.reach.prepared_statements || self.0.reach.direct.is_some()
    }

    /// A connection beside these, for somebody who keeps it. What it is used for ends when its primary is left.
    pub(super) async fn apart(&self) -> Result<(PgConnection, Moved), Error> {
        let reach = &self.0.reach;
        if let Some(direct) = &reach.direct {
            let primary = direct.primary(PATIENCE).await?;
            let mut connection = PgConnection::connect_with(&direct.options(primary.index)).await?;
            refuse_lossy(&mut connection, reach.demand, true).await?;
            return Ok((connection, self.watch()));
        }
        let (moved, primary) = (self.watch(), *self.0.primary.borrow());
        let mut connection = PgConnection::connect_with(&reach.servers.options(primary.index)).await?;
        if reach.servers.are_several() {
            refuse_standby(&mut connection).await?;
        }
        refuse_lossy(&mut connection, reach.demand, reach.prepared_statements).await?;
        Ok((connection, moved))
    }

    /// Begins a transaction.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        loop {
            let (mut moved, pool) = (self.watch(), self.current());
            tokio::select! {
                biased;
                begun = pool.begin() => {
                    let prepared_statements = self.0.reach.prepared_statements;
                    return Ok(Transaction::of(begun?, prepared_statements, moved));
                }
                // Nothing was begun yet.
                () = moved.wait() => {}
            }
        }
    }

    /// Connections that there are, and how many of them nobody uses.
    pub fn size(&self) -> (usize, usize) {
        let pool = self.current();
        (usize::try_from(pool.size()).unwrap_or(usize::MAX), pool.num_idle())
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.current().close().await;
    }

    fn current(&self) -> PgPool {
        self.0.pool.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asked for before the pool is: a move between the two is noticed.
    fn watch(&self) -> Moved {
        Moved(self.0.reach.servers.are_several().then(|| self.0.primary.subscribe()))
    }

    fn is_plain(&self) -> bool {
        self.0.reach.prepared_statements && !self.0.reach.servers.are_several()
    }

    async fn acquire(&self) -> Result<(PoolConnection<Postgres>, Moved), Error> {
        loop {
            let (mut moved, pool) = (self.watch(), self.current());
            tokio::select! {
                biased;
                acquired = pool.acquire() => return Ok((acquired?, moved)),
                () = moved.wait() => {}
            }
        }
    }

    /// Everything that a statement answers. Dropped: as a lost connection.
    async fn answers<'q>(&self, query: impl Execute<'q, Postgres> + 'q) -> Result<Vec<Part>, Error> {
        let (mut connection, mut moved) = self.acquire().await?;
        let work = async {
            if self.0.reach.prepared_statements {
                return (&mut *connection).fetch_many(query).try_collect().await;
            }
            let mut transaction = connection.begin().await?;
            let parts: Vec<Part> = (&mut *transaction).fetch_many(Once(query)).try_collect().await?;
            transaction.commit().await?;
            Ok(parts)
        };
        moved.or(work).await
    }
}

fn options(reach: &Reach) -> PgPoolOptions {
    let options = PgPoolOptions::new()
        .max_connections(reach.max_connections)
        .acquire_timeout(PATIENCE)
        // Asking whether a connection is still there costs as much as most of what it is asked then.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move { Ok(meta.idle_for < FRESH || connection.ping().await.is_ok()) })
        });
    let (several, demand) = (reach.servers.are_several(), reach.demand);
    // Where a pooler may stand between, a session is not ours alone.
    let own = reach.prepared_statements && reach.direct.is_none();
    options.after_connect(move |connection, _| {
        Box::pin(async move {
            if several {
                refuse_standby(connection).await?;
            }
            refuse_lossy(connection, demand, own).await
        })
    })
}

impl From<PgPool> for Pool {
    fn from(pool: PgPool) -> Self {
        let reach = Reach {
            servers: Servers::from((*pool.connect_options()).clone()),
            direct: None,
            prepared_statements: true,
            max_connections: pool.options().get_max_connections(),
            demand: Demand::Nothing,
        };
        Self::of(reach, pool, Primary { index: 0, timeline: 0 })
    }
}

impl<'p> Executor<'p> for &'_ Pool {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Part, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        if self.is_plain() {
            return (&self.current()).fetch_many(query);
        }
        let pool = self.clone();
        parts(async move { pool.answers(query).await })
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        if self.is_plain() {
            return (&self.current()).fetch_optional(query);
        }
        let pool = self.clone();
        Box::pin(async move { pool.answers(query).await.map(first) })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        types: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'p: 'e,
    {
        (&self.current()).prepare_with(sql, types)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        'p: 'e,
    {
        (&self.current()).describe(sql)
    }
}
