//! PostgreSQL. All SQL of the service is here, and nothing else.
//!
//! Guarantees: a transition is one statement (its own, or one shared with other checkouts), so it is written entirely or
//! not at all; it is written only by the holder of the current fence and only onto the version it was decided on. No
//! transaction is ever open while BigCommerce is called. Never: a decision of the saga, or a comparison of step names.

mod audit;
mod checkout;
mod connection;
mod error;
mod forget;
mod outbox;
mod retention;
mod sessions;
mod stats;
mod transition;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;
use uuid::Uuid;

use checkout::moment::Moment;

pub use audit::bulk::{Bulk, BulkItem, BulkResult, NewBulk};
pub use audit::operators::{AuditedTransaction, LockedCheckout};
pub use audit::order_actions::{NewOrderAction, OrderAction, OrderActionFilter};
pub use audit::{AuditRow, Broken, Entry, Verified};
pub use checkout::changes::{Change, Changes, Watch};
pub use checkout::claims::{Claim, Due, Lease};
pub use checkout::filter::{Cursor, Filter, InvalidCursor, InvalidSort, Sort};
pub use checkout::identities::Identity;
pub use checkout::keys::{BoundKey, TokenHash};
pub use checkout::late::LateLook;
pub use checkout::listing::{Listed, ListedStuck, Page};
pub use checkout::payments_asked::{Asked, AskedFor};
pub use checkout::payments_declined::Declined;
pub use checkout::unread::Unread;
pub use connection::durability::Demand;
pub use connection::{ConnectConfig, Connections, connect_once, parse_url};
pub use error::{Error, Failure};
pub use forget::Keep;
pub use outbox::Destination;
pub use outbox::deliveries::{OutgoingEvent, Try, TryEnd, Turn, Turns};
pub use outbox::event_records::{EventFilter, EventRecord, Redelivered, TryRecord};
pub use outbox::webhooks::{WebhookEvent, WebhookOutcome, WebhookStats};
pub use retention::{Cause, Erasure, Holder};
pub use stats::activity::{MINUTES, Minute};
pub use stats::summary::{AtRisk, AttentionCount, Count, OldestUnknown, StuckCount, Summary};
pub use stats::vitals::Vitals;
pub use transition::committer::{CommitObserver, Committer};
pub use transition::log::LogRow;
pub use transition::{Began, Binding, Ended, Hold, Outcome, Transition};

/// How long a reading of PostgreSQL's clock is carried forward by this machine's.
const CLOCK_GOOD_FOR: Duration = Duration::from_mins(1);

/// The database, for one process.
#[derive(Debug, Clone)]
pub struct Db {
    connections: Connections,
    process_id: Uuid,
    lease: Duration,
    /// While more than this is left of a lease, whatever is called under it ends before the lease does.
    enough: Duration,
    changes: Changes,
    destinations: Arc<[Destination]>,
    /// When a checkout that came to rest with an order is looked at first.
    looks_after: Option<Duration>,
    owners: checkout::owners::Owners,
    /// PostgreSQL's clock as it was read last.
    clock: Arc<Mutex<Option<Clock>>>,
    /// Why what is committed may be lost; `None`: it may not.
    lossy: Arc<Mutex<Option<String>>>,
    /// Where transitions are written in groups.
    queue: Option<transition::committer::Queue>,
}

/// PostgreSQL's clock, carried forward by the time that passed here since it was read, also while this machine was paused.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    read: OffsetDateTime,
    at: Option<Moment>,
    /// Where there is no clock that goes on.
    fallback: Instant,
}

impl Clock {
    fn read(now: OffsetDateTime) -> Self {
        Self { read: now, at: Moment::now(), fallback: Instant::now() }
    }

    /// What PostgreSQL's clock shows now.
    pub fn now(&self) -> OffsetDateTime {
        self.read + self.age()
    }

    /// Since it was read.
    fn age(&self) -> Duration {
        let passed = self.at.zip(Moment::now()).map(|(then, now)| now.since(then));
        passed.unwrap_or_else(|| self.fallback.elapsed())
    }
}

impl Db {
    /// The database behind this pool. `lease` is how long a claim is good for without being renewed.
    pub fn new(connections: impl Into<Connections>, lease: Duration) -> Self {
        Self {
            connections: connections.into(),
            process_id: Uuid::now_v7(),
            lease,
            enough: lease,
            changes: Changes::default(),
            destinations: Arc::default(),
            looks_after: None,
            owners: checkout::owners::Owners::default(),
            clock: Arc::default(),
            lossy: Arc::default(),
            queue: None,
        }
    }

    /// A database whose leases are not renewed by each transition, but once no more than `enough` is left: then a call may
    /// outlive what is left. A row whose lease stays as it is touches no index.
    #[must_use]
    pub fn renewing_at(self, enough: Duration) -> Self {
        Self { enough, ..self }
    }

    /// The pool in use now.
    fn pool(&self) -> sqlx::PgPool {
        self.connections.pool()
    }

    /// News of every checkout that changed, from this process and, once [`Changes::listen`] runs, from all others.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// PostgreSQL's clock. A process reads it with every beat and every transition, so that mostly nobody is asked; its
    /// own clock counts for nothing.
    pub async fn clock(&self) -> Result<Clock, Error> {
        let known = *self.clock.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(clock) = known.filter(|clock| clock.age() < CLOCK_GOOD_FOR) {
            return Ok(clock);
        }
        let now = sqlx::query_scalar!(r#"select now() as "now!""#).fetch_one(&self.pool()).await?;
        Ok(self.read_clock(now))
    }

    /// Notes what PostgreSQL's clock just showed.
    fn read_clock(&self, now: OffsetDateTime) -> Clock {
        let clock = Clock::read(now);
        *self.clock.lock().unwrap_or_else(PoisonError::into_inner) = Some(clock);
        clock
    }

    /// Whether the database answers, and takes writes.
    pub async fn takes_writes(&self) -> Result<bool, Error> {
        let asked = "select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on'";
        let read_only: bool = sqlx::query_scalar(asked).fetch_one(&self.pool()).await?;
        Ok(!read_only && self.connections.is_writable())
    }

    /// The numbers of the migrations that the database has. `None`: it has none, or they cannot be read.
    pub async fn applied_migrations(&self) -> Result<Option<Vec<i64>>, Error> {
        let sql = "select version from _sqlx_migrations where success order by version";
        match sqlx::query_scalar(sql).fetch_all(&self.pool()).await {
            Ok(versions) => Ok(Some(versions)),
            Err(sqlx::Error::Database(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
