//! The group committer: transitions of different checkouts that are written at the same time share one statement.
//!
//! One task with its own connection takes what queued while the last statement ran, and writes it. Nothing ever
//! waits for a group to fill.
//!
//! Guarantees:
//! - Every caller gets an answer, also at shutdown and when the connection breaks. What is answered as written is durable.
//! - First come, first served; the transitions of one checkout are written in the order in which they came.
//! - A row that cannot be written fails no other: each caller of its group then writes alone, on the pool, and gets its own
//!   error. A row that has to wait for a lock is written alone as well, so that a locked checkout delays no other.
//! - When it cannot be known whether a group was written, every caller in it gets that error, as after a single statement whose
//!   connection broke: the holder of a claim reads the row again (`Db::advance`).
//! - The queue is bounded: when it is full, callers wait until there is room.
//! - It can be run again after a panic. Who was queued is answered meanwhile ([`Committer::stand_in`]); whose group was being
//!   written gets the error that it is not known whether it was.
//!
//! A caller that is dropped while its transition is queued: it is not written. Later: it is written whole or not at all.
//!
//! Never here: transitions that publish events (`outbox`), those of operators, which share a transaction with their audit row, and
//! what recovery claims. They are written alone.

use std::collections::{HashSet, VecDeque};
use std::convert::Infallible;
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{Connection as _, Executor as _};
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::checkout::KeyRef;
use crate::db::Db;
use crate::db::connection::{Connections, Generation, is_read_only, note};
use crate::db::error::{Failure, is_refusal};
use crate::db::transition::columns::TransitionRow;
use crate::db::transition::statement;

/// The most rows of one statement. More would make those who came first wait for those who came last.
const GROUP: usize = 256;
/// How many may wait for the next group.
const QUEUE: usize = 1024;
/// After so long without use the connection is asked whether it is still there.
const IDLE: Duration = Duration::from_secs(1);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// What the connection is for decides how it behaves. Its statements find rows by index whatever the statistics say, so
/// that a plan that was made for small tables is also good for large ones, and is made once. Whoever would wait for a
/// lock waits on a connection of the pool.
const SETTINGS: &str = "set application_name = 'headless-checkout committer'; set lock_timeout = '100ms';
    set plan_cache_mode = force_generic_plan; set jit = off;
    set enable_seqscan = off; set enable_bitmapscan = off; set enable_hashjoin = off; set enable_mergejoin = off";

/// Watches the committer.
pub trait CommitObserver: Send + Sync {
    /// A transition left the queue after so long.
    fn waited(&self, wait: Duration);

    /// A group of so many was written or refused; the statement took so long.
    fn committed(&self, size: usize, took: Duration);
}

/// The way to the committer.
#[derive(Debug, Clone)]
pub(crate) struct Queue(mpsc::Sender<Queued>);

/// What became of a row.
#[derive(Debug)]
pub(crate) enum Written {
    /// It is durable since then.
    At(OffsetDateTime),
    /// It was certainly not written: it has to be written alone.
    Alone(Box<TransitionRow>),
    /// It is not known whether it was written.
    Failed(sqlx::Error),
}

#[derive(Debug)]
struct Queued {
    columns: Box<TransitionRow>,
    since: Instant,
    answer: oneshot::Sender<Written>,
}

/// The group committer of one process; it works while [`Committer::run`] runs.
#[derive(Debug)]
pub struct Committer {
    connections: Connections,
    process_id: Uuid,
    /// How long a statement may take before the connection is given up. Shorter than a lease, so that whoever holds one
    /// can still look and write again.
    patience: Duration,
    queue: mpsc::Receiver<Queued>,
    /// Who was taken from the queue, and is in no group yet.
    waiting: VecDeque<Queued>,
    connection: Option<Connected>,
}

/// A connection of the committer.
#[derive(Debug)]
struct Connected {
    connection: PgConnection,
    /// Ends when a server was found that takes no writes.
    generation: Generation,
    used: Instant,
}

impl Db {
    /// A store whose transitions are written in groups, and who does it. Nothing is written before it runs; once it has
    /// ended, everybody writes alone.
    #[must_use]
    pub fn with_group_commit(self) -> (Self, Committer) {
        let (sender, queue) = mpsc::channel(QUEUE);
        let committer = Committer {
            connections: self.connections.clone(),
            process_id: self.process_id,
            patience: self.lease / 2,
            queue,
            waiting: VecDeque::new(),
            connection: None,
        };
        (Self { queue: Some(Queue(sender)), ..self }, committer)
    }
}

impl Queue {
    /// Queues a row and waits for what becomes of it.
    pub(crate) async fn write(&self, columns: Box<TransitionRow>) -> Written {
        let (answer, written) = oneshot::channel();
        let queued = Queued { columns, since: Instant::now(), answer };
        if let Err(mpsc::error::SendError(refused)) = self.0.send(queued).await {
            // The committer has ended.
            return Written::Alone(refused.columns);
        }
        written.await.unwrap_or(Written::Failed(sqlx::Error::WorkerCrashed))
    }
}

impl Committer {
    /// Writes what is queued until `stopping` is cancelled; then what is still queued, and ends.
    pub async fn run(&mut self, stopping: &CancellationToken, observer: &dyn CommitObserver) {
        loop {
            if self.waiting.is_empty() {
                let next = tokio::select! {
                    () = stopping.cancelled(), if !self.queue.is_closed() => {
                        self.queue.close();
                        continue;
                    }
                    next = self.queue.recv() => next,
                };
                let Some(next) = next else { break };
                self.waiting.push_back(next);
            }
            while self.waiting.len() < GROUP
                && let Ok(next) = self.queue.try_recv()
            {
                self.waiting.push_back(next);
            }
            let group = take(&mut self.waiting);
            if !group.is_empty() {
                Box::pin(self.commit(group, observer)).await;
            }
        }
        if let Some(connected) = self.connection.take() {
            // It is of no use any more, however it ends.
            let _ = connected.connection.close().await;
        }
    }

    /// In the place of [`Committer::run`] while that is down: everybody writes alone.
    pub async fn stand_in(&mut self) -> Infallible {
        self.waiting.drain(..).for_each(Queued::alone);
        while let Some(queued) = self.queue.recv().await {
            queued.alone();
        }
        std::future::pending().await
    }

    /// Ends, also when it did not run to its end: everybody writes alone.
    pub fn close(&mut self) {
        self.queue.close();
        self.waiting.drain(..).for_each(Queued::alone);
        while let Ok(queued) = self.queue.try_recv() {
            queued.alone();
        }
    }

    async fn commit(&mut self, group: Vec<Queued>, observer: &dyn CommitObserver) {
        let mut connected = match timeout(CONNECT, self.connected()).await {
            Ok(Ok(connected)) => connected,
            failed => {
                let error = match failed {
                    Ok(Err(error)) => Failure(error).to_string(),
                    _ => format!("no connection within {CONNECT:?}"),
                };
                tracing::warn!(error, "the committer has no connection: each writes alone");
                return group.into_iter().for_each(Queued::alone);
            }
        };
        let began = Instant::now();
        for queued in &group {
            observer.waited(began.duration_since(queued.since));
        }
        let rows: Vec<&TransitionRow> = group.iter().map(|queued| &*queued.columns).collect();
        let Connected { connection, generation, .. } = &mut connected;
        let written = match rows.as_slice() {
            [row] => {
                let one = Box::pin(statement::write_one(&mut *connection, self.process_id, row, None));
                let id = row.checkout_id;
                timeout(self.patience, while_good(generation, one))
                    .await
                    .map(|written| written.map(|at| at.map(|at| (id, at)).into_iter().collect()))
            }
            rows => {
                let all = Box::pin(statement::write_batch(&mut *connection, self.process_id, rows));
                timeout(self.patience, while_good(generation, all)).await
            }
        };
        observer.committed(group.len(), began.elapsed());
        match written {
            Ok(Ok(written)) => {
                self.connection = Some(Connected { used: Instant::now(), ..connected });
                for queued in group {
                    match written.get(&queued.columns.checkout_id) {
                        Some(&at) => queued.answer(Written::At(at)),
                        None => queued.alone(),
                    }
                }
            }
            Ok(Err(error)) if is_refusal(&error) => {
                note(&error);
                if !is_read_only(&error) {
                    self.connection = Some(Connected { used: Instant::now(), ..connected });
                }
                let error = Failure(error);
                tracing::info!(rows = group.len(), %error, "a group was refused: each writes alone");
                group.into_iter().for_each(Queued::alone);
            }
            broken => {
                let error = match broken {
                    Ok(Err(error)) => Failure(error).to_string(),
                    _ => format!("no answer within {:?}", self.patience),
                };
                tracing::warn!(rows = group.len(), error, "a group may have been written or not");
                for queued in group {
                    queued.answer(Written::Failed(sqlx::Error::Io(std::io::Error::other(error.clone()))));
                }
            }
        }
    }

    /// The connection; it is put back once it is known to be good.
    async fn connected(&mut self) -> Result<Connected, sqlx::Error> {
        if let Some(mut connected) = self.connection.take()
            && !connected.generation.is_over()
            && (connected.used.elapsed() < IDLE || connected.connection.ping().await.is_ok())
        {
            return Ok(connected);
        }
        let (mut connection, generation) = self.connections.dedicated().await?;
        connection.execute(sqlx::raw_sql(SETTINGS)).await?;
        Ok(Connected { connection, generation, used: Instant::now() })
    }
}

/// The write, unless its server is found to take none meanwhile: then whether it happened is not known.
async fn while_good<T>(
    generation: &mut Generation,
    write: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, sqlx::Error> {
    tokio::select! {
        biased;
        written = write => written,
        () = generation.ended() => Err(sqlx::Error::Io(std::io::Error::new(
            std::io::ErrorKind::ConnectionAborted,
            "the server takes no writes any more",
        ))),
    }
}

impl Queued {
    fn alone(self) {
        let Self { columns, answer, .. } = self;
        let _ = answer.send(Written::Alone(columns));
    }

    fn answer(self, written: Written) {
        // Nobody may be waiting any more.
        let _ = self.answer.send(written);
    }
}

/// Takes the next group: in the order of the queue, no checkout twice and no key that is bound twice. Whoever would be the
/// second waits for the next group, in which the first can be seen.
fn take(waiting: &mut VecDeque<Queued>) -> Vec<Queued> {
    let (mut group, mut later) = (Vec::with_capacity(waiting.len()), VecDeque::new());
    let mut checkouts: HashSet<Uuid> = HashSet::with_capacity(waiting.len());
    let mut keys: HashSet<KeyRef> = HashSet::with_capacity(waiting.len());
    for queued in waiting.drain(..) {
        if queued.answer.is_closed() {
            continue;
        }
        let is_first = checkouts.insert(queued.columns.checkout_id);
        let binds_first = queued.columns.new_key().is_none_or(|key| keys.insert(key.clone()));
        if is_first && binds_first {
            group.push(queued);
        } else {
            later.push_back(queued);
        }
    }
    *waiting = later;
    // Two processes that write the same checkouts lock them in the same order.
    group.sort_unstable_by_key(|queued| queued.columns.checkout_id);
    group
}

#[cfg(test)]
#[path = "committer_tests.rs"]
mod tests;
