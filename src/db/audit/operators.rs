//! The transaction in which an operator's action and its audit row are written together.
//!
//! Guarantees: the checkout is locked from the read to the commit, so that what was decided on is what is changed; and
//! the action is written if and only if its audit row is. BigCommerce is never called while one is open.

use time::OffsetDateTime;

use crate::checkout::{Checkout, CheckoutId};
use crate::db::checkout;
use crate::db::{Db, Error, Transition};
use sqlx::{Postgres, Transaction};

/// A checkout as an operator's action finds it.
#[derive(Debug, Clone)]
pub struct LockedCheckout {
    /// The checkout.
    pub checkout: Checkout,
    /// Whether a process is working on it right now.
    pub leased: bool,
    /// When recovery looks at it.
    pub due_at: Option<OffsetDateTime>,
    /// PostgreSQL's clock.
    pub now: OffsetDateTime,
}

/// An open transaction of an operator. Dropped: nothing was done.
pub struct AuditedTransaction {
    pub(crate) tx: Transaction<'static, Postgres>,
    store: Db,
    moved: Vec<(CheckoutId, i64)>,
}

impl Db {
    /// Opens a transaction for one action.
    pub async fn audited(&self) -> Result<AuditedTransaction, Error> {
        Ok(AuditedTransaction { tx: self.pool().begin().await?, store: self.clone(), moved: Vec::new() })
    }

    /// A checkout with what operators see beside it. Nothing is locked.
    pub async fn look(&self, id: CheckoutId) -> Result<Option<LockedCheckout>, Error> {
        let mut audited = self.audited().await?;
        let found = sqlx::query!(
            r#"select leased_by is not null as "leased!", due_at, clock_timestamp() as "now!"
               from checkout where checkout_id = $1"#,
            id.uuid()
        )
        .fetch_optional(&mut *audited.tx)
        .await?;
        let Some(found) = found else { return Ok(None) };
        audited.held(id, found.leased, found.due_at, found.now).await
    }
}

impl AuditedTransaction {
    /// Locks a checkout and reads it. `None`: there is none.
    pub async fn lock(&mut self, id: CheckoutId) -> Result<Option<LockedCheckout>, Error> {
        let found = sqlx::query!(
            r#"select leased_by is not null as "leased!", due_at, clock_timestamp() as "now!"
               from checkout where checkout_id = $1 for update"#,
            id.uuid()
        )
        .fetch_optional(&mut *self.tx)
        .await?;
        let Some(found) = found else { return Ok(None) };
        self.held(id, found.leased, found.due_at, found.now).await
    }

    async fn held(
        &mut self,
        id: CheckoutId,
        leased: bool,
        due_at: Option<OffsetDateTime>,
        now: OffsetDateTime,
    ) -> Result<Option<LockedCheckout>, Error> {
        let checkout = checkout::read(&mut *self.tx, id).await?;
        Ok(checkout.map(|checkout| LockedCheckout { checkout, leased, due_at, now }))
    }

    /// Writes what the checkout becomes. It has to be the one that was locked.
    pub async fn write(&mut self, transition: &Transition) -> Result<Checkout, Error> {
        let checkout = transition.checkout();
        // Before the transition, whose own statement would find the unique index of living orders still taken.
        sqlx::query!(
            "update checkout_order set dead_at = now()
             where checkout_id = $1 and dead_at is null and order_id = any($2::bigint[])",
            checkout.id.uuid(),
            &checkout.facts.abandoned_orders,
        )
        .execute(&mut *self.tx)
        .await?;
        let at = self.store.write(&mut *self.tx, transition).await?;
        self.moved.push((checkout.id, checkout.version));
        Ok(Checkout { updated_at: at, ..checkout.clone() })
    }

    /// Ends every token of a checkout. Answers how many there were.
    pub async fn revoke_tokens(&mut self, id: CheckoutId) -> Result<u64, Error> {
        let gone = sqlx::query!("delete from checkout_token where checkout_id = $1", id.uuid())
            .execute(&mut *self.tx)
            .await?;
        Ok(gone.rows_affected())
    }

    pub(crate) fn lease(&self) -> std::time::Duration {
        self.store.lease
    }

    /// Makes it durable and tells whoever waits.
    pub async fn commit(self) -> Result<(), Error> {
        self.tx.commit().await?;
        for (id, version) in self.moved {
            self.store.changes().publish(id, version);
        }
        self.store.changes().wake_recovery();
        Ok(())
    }
}
