//! What only protects for a time, and is then forgotten: idempotency keys, checkout tokens, webhook events, and what operators
//! asked for once it has ended.
//!
//! Guarantees: nothing is younger than what it protects. A key goes only when its checkout has ended, because a request
//! that is repeated then is refused by the checkout itself; the key of a creation never goes, because only the key tells a
//! repeated creation from a new one. Several processes never wait for each other, and never for who is served.

use std::time::Duration;

use super::{Db, Error};

/// For how long it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Idempotency keys, after they were bound and their checkout ended.
    pub keys: Duration,
    /// Checkout tokens, after they were made and their checkout ended.
    pub tokens: Duration,
    /// Webhook events, after they came in.
    pub webhooks: Duration,
    /// Bulks and actions on orders, after they ended.
    pub operations: Duration,
}

impl Db {
    // Each forgets up to `limit`, the oldest first. Each row is locked before it is removed, so that its place (`ctid`) is its
    // own, and the plan is the same however large the table is.

    /// Idempotency keys of checkouts that have ended, but for those of creations.
    pub async fn forget_keys(&self, keep: Duration, limit: i64) -> Result<u64, Error> {
        let gone = sqlx::query!(
            "
            delete from idempotency_key where ctid = any(array(
                select k.ctid from idempotency_key k join checkout c using (checkout_id)
                where k.operation <> 'create' and k.created_at < now() - make_interval(secs => $1::float8)
                    and c.status in ('completed', 'cancelled', 'expired')
                    and c.updated_at < now() - make_interval(secs => $1::float8)
                order by k.created_at limit $2 for update of k skip locked
            ))
            ",
            keep.as_secs_f64(),
            limit
        )
        .execute(&self.pool())
        .await?;
        Ok(gone.rows_affected())
    }

    /// Checkout tokens of checkouts that have ended.
    pub async fn forget_tokens(&self, keep: Duration, limit: i64) -> Result<u64, Error> {
        let gone = sqlx::query!(
            "
            delete from checkout_token where ctid = any(array(
                select t.ctid from checkout_token t join checkout c using (checkout_id)
                where t.created_at < now() - make_interval(secs => $1::float8)
                    and c.status in ('completed', 'cancelled', 'expired')
                    and c.updated_at < now() - make_interval(secs => $1::float8)
                order by t.created_at limit $2 for update of t skip locked
            ))
            ",
            keep.as_secs_f64(),
            limit
        )
        .execute(&self.pool())
        .await?;
        Ok(gone.rows_affected())
    }

    /// Webhook events.
    pub async fn forget_webhooks(&self, keep: Duration, limit: i64) -> Result<u64, Error> {
        let gone = sqlx::query!(
            "
            delete from webhook_event where ctid = any(array(
                select ctid from webhook_event
                where received_at < now() - make_interval(secs => $1::float8)
                order by received_at limit $2 for update skip locked
            ))
            ",
            keep.as_secs_f64(),
            limit
        )
        .execute(&self.pool())
        .await?;
        Ok(gone.rows_affected())
    }

    /// Actions on orders that have ended, with their idempotency keys. The audit log says what was done.
    pub async fn forget_order_actions(&self, keep: Duration, limit: i64) -> Result<u64, Error> {
        let gone = sqlx::query!(
            "
            delete from order_action where ctid = any(array(
                select ctid from order_action
                where due_at is null and updated_at < now() - make_interval(secs => $1::float8)
                order by order_action_id limit $2 for update skip locked
            ))
            ",
            keep.as_secs_f64(),
            limit
        )
        .execute(&self.pool())
        .await?;
        Ok(gone.rows_affected())
    }

    /// Bulks of which nothing is left to be done, with what became of each checkout: a few of them, because each may name
    /// thousands.
    pub async fn forget_bulks(&self, keep: Duration) -> Result<u64, Error> {
        let gone = sqlx::query!(
            "
            with old as (
                select bulk_id from bulk b
                where created_at < now() - make_interval(secs => $1::float8) and not exists (
                    select from bulk_item i where i.bulk_id = b.bulk_id and i.outcome is null)
                order by bulk_id limit 10 for update skip locked
            ), items as (
                delete from bulk_item i using old where i.bulk_id = old.bulk_id
            )
            delete from bulk b using old where b.bulk_id = old.bulk_id
            ",
            keep.as_secs_f64()
        )
        .execute(&self.pool())
        .await?;
        Ok(gone.rows_affected())
    }
}
