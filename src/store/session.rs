//! Statements within a transaction, and how the answers of a statement are heard.
//!
//! Guarantees: where prepared statements do not outlive a transaction, none is left behind by a name; where the primary may
//! move, nobody waits for one that was left behind. Never: a statement that is sent twice.

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use sqlx::postgres::{PgConnection, PgQueryResult, PgRow, PgStatement, PgTypeInfo};
use sqlx::{Describe, Either, Error, Execute, Executor, Postgres, SqlStr};
use tokio::sync::watch;

use super::servers::Primary;

/// What a database answered: the end of a statement, or a row of it.
pub(super) type Part = Either<PgQueryResult, PgRow>;

/// A transaction. Dropped: nothing of it happened.
#[derive(Debug)]
pub struct Transaction(Session);

/// What the statements of a transaction are sent over.
#[derive(Debug)]
pub struct Session {
    transaction: sqlx::Transaction<'static, Postgres>,
    prepared_statements: bool,
    moved: Moved,
}

/// Tells when the primary that something was begun on was left for another one.
#[derive(Debug)]
pub(super) struct Moved(pub(super) Option<watch::Receiver<Primary>>);

/// A statement that is never left prepared.
pub(super) struct Once<E>(pub(super) E);

impl<'q, E: Execute<'q, Postgres>> Execute<'q, Postgres> for Once<E> {
    fn sql(self) -> SqlStr {
        self.0.sql()
    }

    fn statement(&self) -> Option<&PgStatement> {
        self.0.statement()
    }

    fn take_arguments(&mut self) -> Result<Option<sqlx::postgres::PgArguments>, sqlx::error::BoxDynError> {
        self.0.take_arguments()
    }

    fn persistent(&self) -> bool {
        false
    }
}

impl Moved {
    pub(super) async fn wait(&mut self) {
        let told = match &mut self.0 {
            Some(primary) => primary.changed().await.is_ok(),
            None => false,
        };
        if !told {
            std::future::pending::<()>().await;
        }
    }

    /// Whether it was left already.
    pub(super) fn is_over(&self) -> bool {
        self.0.as_ref().is_some_and(|primary| primary.has_changed().unwrap_or(true))
    }

    /// The work, unless its primary is left behind: then whether it happened is not known.
    pub(super) async fn or<T>(&mut self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            biased;
            done = work => done,
            () = self.wait() => {
                let words = "the primary was left for another one";
                Err(std::io::Error::new(std::io::ErrorKind::ConnectionAborted, words).into())
            }
        }
    }
}

impl Transaction {
    pub(super) fn of(
        transaction: sqlx::Transaction<'static, Postgres>,
        prepared_statements: bool,
        moved: Moved,
    ) -> Self {
        Self(Session { transaction, prepared_statements, moved })
    }

    /// Commits. On an error whether it did is not known.
    pub async fn commit(self) -> Result<(), Error> {
        let Session { transaction, mut moved, .. } = self.0;
        moved.or(transaction.commit()).await
    }

    /// Undoes everything.
    pub async fn rollback(self) -> Result<(), Error> {
        let Session { transaction, mut moved, .. } = self.0;
        moved.or(transaction.rollback()).await
    }
}

impl std::ops::Deref for Transaction {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}

impl std::ops::DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut Session {
        &mut self.0
    }
}

impl Session {
    async fn answers<'q>(&mut self, query: impl Execute<'q, Postgres> + 'q) -> Result<Vec<Part>, Error> {
        let connection: &mut PgConnection = &mut self.transaction;
        let prepared_statements = self.prepared_statements;
        let work = async {
            if prepared_statements {
                connection.fetch_many(query).try_collect().await
            } else {
                connection.fetch_many(Once(query)).try_collect().await
            }
        };
        self.moved.or(work).await
    }
}

/// The answers, one after the other.
pub(super) fn parts<'e>(
    answers: impl Future<Output = Result<Vec<Part>, Error>> + Send + 'e,
) -> BoxStream<'e, Result<Part, Error>> {
    stream::once(answers).map_ok(|parts| stream::iter(parts.into_iter().map(Ok))).try_flatten().boxed()
}

pub(super) fn first(parts: Vec<Part>) -> Option<PgRow> {
    parts.into_iter().find_map(Either::right)
}

impl<'c> Executor<'c> for &'c mut Session {
    type Database = Postgres;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Part, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        parts(self.answers(query))
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<PgRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Postgres>,
    {
        Box::pin(async move { self.answers(query).await.map(first) })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        types: &'e [PgTypeInfo],
    ) -> BoxFuture<'e, Result<PgStatement, Error>>
    where
        'c: 'e,
    {
        (&mut *self.transaction).prepare_with(sql, types)
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<Describe<Postgres>, Error>>
    where
        'c: 'e,
    {
        (&mut *self.transaction).describe(sql)
    }
}
