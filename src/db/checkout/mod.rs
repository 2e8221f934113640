//! The row of a checkout: read, listed, claimed under a lease, watched, and reconciled later.

pub(crate) mod changes;
pub(crate) mod claims;
pub(crate) mod filter;
pub(crate) mod identities;
pub(crate) mod keys;
pub(crate) mod late;
pub(crate) mod listing;
pub(crate) mod moment;
pub(crate) mod owners;
pub(crate) mod payments_asked;
pub(crate) mod payments_declined;
pub(crate) mod rests;
pub(crate) mod row;
pub(crate) mod unread;

use uuid::Uuid;

use crate::checkout::{Checkout, CheckoutId};
use crate::db::checkout::row::Row;
use crate::db::{Db, Error};

impl Db {
    /// One checkout as it is now; `None` when there is none.
    pub async fn load(&self, id: CheckoutId) -> Result<Option<Checkout>, Error> {
        read(&self.pool(), id).await
    }

    /// The name of the store that a checkout belongs to.
    pub async fn store_of(&self, id: CheckoutId) -> Result<Option<String>, Error> {
        if let Some(known) = self.owners.get(id) {
            return Ok(Some(known));
        }
        let store = sqlx::query_scalar!("select store from checkout where checkout_id = $1", id.uuid())
            .fetch_optional(&self.pool())
            .await?;
        if let Some(store) = &store {
            self.owners.remember(id, store);
        }
        Ok(store)
    }

    /// The checkout that has this cart and is not undone.
    pub async fn owner_of_cart(&self, store: &str, cart_id: &str) -> Result<Option<CheckoutId>, Error> {
        let owner = sqlx::query_scalar!(
            "select checkout_id from checkout_content where store = $1 and lower(cart_id) = lower($2) and not released limit 1",
            store,
            cart_id
        )
        .fetch_optional(&self.pool())
        .await?;
        Ok(owner.map(CheckoutId::from))
    }

    /// Replaces the order of a completed checkout by a fresher reading of it. Dropped half-way: nothing is lost, the
    /// reading can be repeated at any time.
    pub async fn refresh_order(&self, fresh: &Checkout) -> Result<Option<Checkout>, Error> {
        let at = self.commit_refreshed(fresh).await?;
        let Some(updated_at) = at else { return Ok(None) };
        let version = fresh.version + 1;
        self.changes.publish(fresh.id, version);
        Ok(Some(Checkout { version, updated_at, ..fresh.clone() }))
    }
}

/// One checkout as this executor sees it.
pub(crate) async fn read(
    executor: impl sqlx::PgExecutor<'_>,
    id: CheckoutId,
) -> Result<Option<Checkout>, Error> {
    rows(executor, &[id.uuid()]).await?.pop().map(Row::into_checkout).transpose()
}

/// The rows of these checkouts, in any order.
pub(crate) async fn rows(executor: impl sqlx::PgExecutor<'_>, ids: &[Uuid]) -> Result<Vec<Row>, Error> {
    Ok(sqlx::query_as!(
        Row,
        r#"
        select checkout_id, c.store, flow, status, version, fence, input::text as "input!",
            record::text as "record!", document::text as document, metadata::text as "metadata!",
            created_at, updated_at, expires_at, lost_leases, record_version
        from checkout c join checkout_content using (checkout_id) where checkout_id = any($1)
        "#,
        ids
    )
    .fetch_all(executor)
    .await?)
}
