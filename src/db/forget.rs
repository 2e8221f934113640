//! What only protects for a time, and is then forgotten: idempotency keys, checkout tokens, webhook events.
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
}

/// How many were forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Idempotency keys.
    pub keys: u64,
    /// Checkout tokens.
    pub tokens: u64,
    /// Webhook events.
    pub webhooks: u64,
}

impl Db {
    /// Forgets up to `limit` of each kind, the oldest first. Each row is locked before it is removed, so that its place
    /// (`ctid`) is its own, and the plan is the same however large the table is.
    pub async fn forget_old(&self, keep: Keep, limit: i64) -> Result<Forgotten, Error> {
        let keys = sqlx::query!(
            "
            delete from idempotency_key where ctid = any(array(
                select k.ctid from idempotency_key k join checkout c using (checkout_id)
                where k.operation <> 'create' and k.created_at < now() - make_interval(secs => $1::float8)
                    and c.status in ('completed', 'cancelled', 'expired')
                    and c.updated_at < now() - make_interval(secs => $1::float8)
                order by k.created_at limit $2 for update of k skip locked
            ))
            ",
            keep.keys.as_secs_f64(),
            limit
        )
        .execute(&self.pool())
        .await?;
        let tokens = sqlx::query!(
            "
            delete from checkout_token where ctid = any(array(
                select t.ctid from checkout_token t join checkout c using (checkout_id)
                where t.created_at < now() - make_interval(secs => $1::float8)
                    and c.status in ('completed', 'cancelled', 'expired')
                    and c.updated_at < now() - make_interval(secs => $1::float8)
                order by t.created_at limit $2 for update of t skip locked
            ))
            ",
            keep.tokens.as_secs_f64(),
            limit
        )
        .execute(&self.pool())
        .await?;
        let webhooks = sqlx::query!(
            "
            delete from webhook_event where ctid = any(array(
                select ctid from webhook_event
                where received_at < now() - make_interval(secs => $1::float8)
                order by received_at limit $2 for update skip locked
            ))
            ",
            keep.webhooks.as_secs_f64(),
            limit
        )
        .execute(&self.pool())
        .await?;
        Ok(Forgotten {
            keys: keys.rows_affected(),
            tokens: tokens.rows_affected(),
            webhooks: webhooks.rows_affected(),
        })
    }
}
