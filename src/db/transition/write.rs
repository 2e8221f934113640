//! Writes transitions with the one statement: through the committer, which writes those of many checkouts together, or alone.
//!
//! Guarantees: a transition is written whole or not at all, and only onto the version and under the fence that it was decided on.

use time::OffsetDateTime;

use crate::checkout::{Checkout, Status};
use crate::db::outbox::Publication;
use crate::db::transition::columns::{DueAt, TransitionRow};
use crate::db::transition::committer::Written;
use crate::db::transition::statement;
use crate::db::{Db, Error, Transition};

impl Db {
    /// Writes a transition. Dropped half-way: it is written whole or not at all. `stays`: its holder goes on, and its lease is
    /// long enough as it is.
    pub(crate) async fn commit(&self, transition: &Transition, stays: bool) -> Result<OffsetDateTime, Error> {
        let mut columns = Box::new(TransitionRow::of(self, transition)?);
        if stays {
            columns.due = DueAt::Stays;
        }
        let publication = Publication::of(&self.destinations, transition)?;
        self.put(columns, publication).await?.ok_or(Error::Lost)
    }

    /// Writes the first transition of a checkout, and the checkout. It causes no event (`checkout/announcement.rs`).
    pub(crate) async fn commit_new(&self, columns: Box<TransitionRow>) -> Result<OffsetDateTime, Error> {
        self.put(columns, None).await?.ok_or(Error::Lost)
    }

    /// Writes fresher facts of a checkout that is completed. `None`: it moved meanwhile, or is not completed.
    pub(crate) async fn commit_refreshed(&self, fresh: &Checkout) -> Result<Option<OffsetDateTime>, Error> {
        if fresh.status != Status::Completed {
            return Ok(None);
        }
        self.put(Box::new(TransitionRow::refreshed(fresh)?), None).await
    }

    /// Through the committer where one runs, unless there are events; else alone. `None`: the checkout moved.
    async fn put(
        &self,
        columns: Box<TransitionRow>,
        publication: Option<Publication>,
    ) -> Result<Option<OffsetDateTime>, Error> {
        let columns = match (&self.queue, &publication) {
            (Some(queue), None) => match queue.write(columns).await {
                Written::At(at) => return Ok(Some(at)),
                Written::Failed(error) => return Err(error.into()),
                Written::Alone(columns) => columns,
            },
            _ => columns,
        };
        let published = publication.is_some();
        let written =
            Box::pin(statement::write_one(&self.pool(), self.process_id, &columns, publication)).await?;
        if published {
            self.changes.notify_outbox();
        }
        Ok(written)
    }

    /// Writes a transition by itself, in a transaction of the caller's.
    pub(crate) async fn write(
        &self,
        executor: impl sqlx::PgExecutor<'_>,
        transition: &Transition,
    ) -> Result<OffsetDateTime, Error> {
        let columns = TransitionRow::of(self, transition)?;
        let publication = Publication::of(&self.destinations, transition)?;
        let published = publication.is_some();
        let written =
            Box::pin(statement::write_one(executor, self.process_id, &columns, publication)).await?;
        if published {
            self.changes.notify_outbox();
        }
        written.ok_or(Error::Lost)
    }
}
