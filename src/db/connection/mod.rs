//! The connections of this process to the database.
//!
//! `DATABASE_URL` is one address that always leads to the current primary: a managed database, HAProxy in front of
//! Patroni, a virtual IP. After a switchover, a connection may still be open to the server that was the primary. So every
//! new connection checks whether its server accepts writes, and as soon as a server rejects one (SQLSTATE 25006), stops
//! answering, or answers as a standby, the whole pool is replaced: idle connections are closed at once, those in use when
//! they are returned, and none of them is reused. Connections that outlive a statement (committer, LISTEN) end with the
//! generation of the pool that they were opened in.
//!
//! Never: a statement that is sent twice. One whose response was lost fails, as when a connection is lost.

pub(crate) mod durability;
pub(crate) mod pooler;
pub(crate) mod processes;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Error, Executor as _, PgPool, Row as _};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::db::connection::durability::{Demand, refuse_lossy};
use crate::db::connection::pooler::refuse_unexpected;

/// How long a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that was used this recently is there.
const FRESH: Duration = Duration::from_secs(1);
/// Between two checks whether the server takes writes, and while it does not.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
const CHECK_INTERVAL_IN_TROUBLE: Duration = Duration::from_millis(200);
/// How long a server may take to answer such a check.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// Writes that a server refused because it is read-only, in this process. Counted where such an error is converted, because
/// a statement does not know which pool it came from; each pool remembers how many it has seen.
static REFUSED_WRITES: AtomicU64 = AtomicU64::new(0);

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct ConnectConfig {
    /// The one address, possibly that of a pooler.
    pub url: PgConnectOptions,
    /// The database itself, when `url` is a pooler: for LISTEN, the committer and migrations.
    pub direct: Option<PgConnectOptions>,
    /// The most connections.
    pub max_connections: u32,
    /// What is asked of the database.
    pub demand: Demand,
}

/// The connections.
#[derive(Debug, Clone)]
pub struct Connections(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: ConnectConfig,
    pool: RwLock<PgPool>,
    /// Grows each time the pool is replaced.
    generation: watch::Sender<u64>,
    /// Of [`REFUSED_WRITES`], how many were acted upon.
    refused: AtomicU64,
    writable: watch::Sender<bool>,
}

/// Ends when the pool is replaced that a connection was made beside.
#[derive(Debug)]
pub(crate) struct Generation {
    watch: watch::Receiver<u64>,
    of: u64,
}

/// A database URL as sqlx takes it.
pub fn parse_url(url: &str) -> Result<PgConnectOptions, Error> {
    // Nothing is read as text, so that it changes nothing; and PgBouncer refuses it unless it is told to ignore it.
    Ok(url.parse::<PgConnectOptions>()?.extra_float_digits(None))
}

/// One connection to a server that takes writes, for what cannot share one.
pub async fn connect_once(url: &PgConnectOptions) -> Result<PgConnection, Error> {
    let mut connection = url.connect().await?;
    refuse_read_only(&mut connection).await?;
    Ok(connection)
}

impl Connections {
    /// Connects. The database has to be reachable, and to take writes.
    pub async fn connect(config: ConnectConfig) -> Result<Self, Error> {
        // By itself, because a pool would try again and again, and not say why.
        let mut first = connect_once(&config.url).await?;
        refuse_lossy(&mut first, config.demand, false).await?;
        first.close().await?;
        let pool = options(&config).connect_with(config.url.clone()).await?;
        refuse_unexpected(&config, &pool).await?;
        Ok(Self::of(config, pool))
    }

    fn of(config: ConnectConfig, pool: PgPool) -> Self {
        Self(Arc::new(Inner {
            config,
            pool: RwLock::new(pool),
            generation: watch::Sender::new(0),
            refused: AtomicU64::new(REFUSED_WRITES.load(Ordering::Acquire)),
            writable: watch::Sender::new(true),
        }))
    }

    /// The pool in use now.
    pub(crate) fn pool(&self) -> PgPool {
        let refused = REFUSED_WRITES.load(Ordering::Acquire);
        if self.0.refused.swap(refused, Ordering::AcqRel) != refused {
            self.replace("a write was refused: the server is read-only");
        }
        self.0.pool.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks again and again whether the database takes writes, until it is dropped.
    pub async fn supervise(&self) {
        let config = &self.0.config;
        let addresses = std::iter::once(&config.url).chain(&config.direct);
        let mut probes: Vec<(&PgConnectOptions, Option<PgConnection>)> =
            addresses.map(|address| (address, None)).collect();
        loop {
            let pause = if self.is_writable() { CHECK_INTERVAL } else { CHECK_INTERVAL_IN_TROUBLE };
            tokio::time::sleep(pause).await;
            let mut trouble = None;
            for (address, kept) in &mut probes {
                let asked = async {
                    let mut connection = match kept.take() {
                        Some(connection) => connection,
                        None => address.connect().await?,
                    };
                    refuse_read_only(&mut connection).await?;
                    Ok::<_, Error>(connection)
                };
                match timeout(CHECK_TIMEOUT, asked).await {
                    Ok(Ok(connection)) => *kept = Some(connection),
                    Ok(Err(error)) => trouble = Some(error.to_string()),
                    Err(_) => trouble = Some("it does not answer".to_owned()),
                }
            }
            let writable = trouble.is_none();
            if self.0.writable.send_replace(writable) != writable {
                if let Some(why) = &trouble {
                    self.replace(why);
                } else {
                    tracing::info!("the database takes writes again");
                }
            }
        }
    }

    /// Whether the database took writes when that was last checked.
    pub fn is_writable(&self) -> bool {
        *self.0.writable.borrow()
    }

    /// No connection that there is now is given out again.
    fn replace(&self, why: &str) {
        let pool = options(&self.0.config).connect_lazy_with(self.0.config.url.clone());
        let old = {
            let mut current = self.0.pool.write().unwrap_or_else(PoisonError::into_inner);
            std::mem::replace(&mut *current, pool)
        };
        self.0.generation.send_modify(|generation| *generation += 1);
        tracing::warn!(why, "the database takes no writes: its connections are replaced");
        // This marks it as closed. Idle connections go with it, those in use when they come back; nobody waits for them.
        drop(old.close());
    }

    /// Completes when the pool is replaced.
    pub async fn replaced(&self) {
        self.generation().ended().await;
    }

    /// A pool to listen with: this one, or a connection of its own where `DATABASE_URL` leads through a pooler.
    pub async fn listener_pool(&self) -> Result<PgPool, Error> {
        let Some(direct) = &self.0.config.direct else { return Ok(self.pool()) };
        let options = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let options = options.after_connect(|connection, _| Box::pin(refuse_read_only(connection)));
        options.acquire_timeout(ACQUIRE_TIMEOUT).connect_with(direct.clone()).await
    }

    /// What is asked of the database.
    pub(crate) fn demand(&self) -> Demand {
        self.0.config.demand
    }

    /// A connection beside the pool, for somebody who keeps it until its generation ends.
    pub(crate) async fn dedicated(&self) -> Result<(PgConnection, Generation), Error> {
        let config = &self.0.config;
        let generation = self.generation();
        let mut connection = connect_once(config.direct.as_ref().unwrap_or(&config.url)).await?;
        refuse_lossy(&mut connection, config.demand, true).await?;
        Ok((connection, generation))
    }

    /// Connections that there are, and how many of them nobody uses.
    pub fn size(&self) -> (usize, usize) {
        let pool = self.pool();
        (usize::try_from(pool.size()).unwrap_or(usize::MAX), pool.num_idle())
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.pool().close().await;
    }

    fn generation(&self) -> Generation {
        let watch = self.0.generation.subscribe();
        let of = *watch.borrow();
        Generation { watch, of }
    }
}

impl Generation {
    /// Whether it has ended.
    pub(crate) fn is_over(&self) -> bool {
        *self.watch.borrow() != self.of
    }

    /// Completes when it ends.
    pub(crate) async fn ended(&mut self) {
        let of = self.of;
        if self.watch.wait_for(|generation| *generation != of).await.is_err() {
            // The sender lives as long as the connections do.
            std::future::pending::<()>().await;
        }
    }
}

impl From<PgPool> for Connections {
    fn from(pool: PgPool) -> Self {
        let config = ConnectConfig {
            url: (*pool.connect_options()).clone(),
            direct: None,
            max_connections: pool.options().get_max_connections(),
            demand: Demand::Nothing,
        };
        Self::of(config, pool)
    }
}

fn options(config: &ConnectConfig) -> PgPoolOptions {
    // Behind a pooler a session is not ours alone.
    let (demand, own) = (config.demand, config.direct.is_none());
    PgPoolOptions::new()
        .max_connections(config.max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        // Asking whether a connection is still there costs as much as most of what it is asked then.
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move { Ok(meta.idle_for < FRESH || connection.ping().await.is_ok()) })
        })
        .after_connect(move |connection, _| {
            Box::pin(async move {
                refuse_read_only(connection).await?;
                refuse_lossy(connection, demand, own).await
            })
        })
}

/// Refuses a connection to a server that takes no writes.
async fn refuse_read_only(connection: &mut PgConnection) -> Result<(), Error> {
    let asked =
        "select pg_is_in_recovery() as standby, current_setting('transaction_read_only') = 'on' as read_only";
    let row = connection.fetch_one(asked).await?;
    let words = match (row.try_get("standby")?, row.try_get("read_only")?) {
        (true, _) => "DATABASE_URL leads to a standby: it must lead to the primary",
        (_, true) => "the server is read-only (default_transaction_read_only is on)",
        (false, false) => return Ok(()),
    };
    Err(Error::Io(std::io::Error::new(std::io::ErrorKind::NotConnected, words)))
}

/// Whether a server refused a statement because it takes no writes.
pub(crate) fn is_read_only(error: &Error) -> bool {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == "25006")
}

/// Every pool of this process is replaced before it gives out another connection, if this error says that a server takes no
/// writes.
pub(crate) fn note(error: &Error) {
    if is_read_only(error) {
        REFUSED_WRITES.fetch_add(1, Ordering::AcqRel);
    }
}
