//! Counts declined payments: one row for each subject, in an unlogged table that does not survive a crash.

use std::time::Duration;

use crate::checkout::CheckoutId;
use crate::db::{Db, Error};

/// Whom a declined payment is counted for.
#[derive(Debug, Clone, Copy)]
pub struct Declined {
    /// Which limit.
    pub kind: &'static str,
    /// SHA-256 of whom.
    pub subject: [u8; 32],
    /// How many there may be in a day.
    pub most: u32,
}

impl Declined {
    fn columns(all: &[Self]) -> (Vec<&'static str>, Vec<Vec<u8>>, Vec<f64>) {
        (
            all.iter().map(|one| one.kind).collect(),
            all.iter().map(|one| one.subject.to_vec()).collect(),
            all.iter().map(|one| 1.0 / f64::from(one.most.max(1))).collect(),
        )
    }
}

impl Db {
    /// Counts one more declined payment. What counts gets less with the time, and is never more than six above the limit: whoever
    /// stops is let in again the next day. A count from the future is of a clock that was set back since, and begins anew.
    pub async fn count_declined(&self, declined: &[Declined]) -> Result<(), Error> {
        let (kinds, subjects, shares) = Declined::columns(declined);
        sqlx::query!(
            "insert into payment_declined as counted (kind, subject, share, at)
             select kind, subject, share, now()
             from unnest($1::text[], $2::bytea[], $3::float8[]) as declined (kind, subject, share)
             order by kind, subject
             on conflict (kind, subject) do update set at = excluded.at, share = excluded.share + case
                 when counted.at > now() + interval '1 minute' then 0
                 else least(greatest(counted.share - extract(epoch from now() - counted.at)::float8 / 86400, 0),
                     1 + 5 * excluded.share) end",
            &kinds as &[&str],
            &subjects,
            &shares
        )
        .execute(&self.pool())
        .await?;
        Ok(())
    }

    /// How many there were by the time of the last one, in shares of what may be, and how long ago that was.
    pub async fn declined_of(&self, all: &[Declined]) -> Result<Vec<(String, f64, Duration)>, Error> {
        let (kinds, subjects, _) = Declined::columns(all);
        let rows = sqlx::query!(
            r#"
            select kind, share, greatest(extract(epoch from now() - at)::float8, 0) as "since!"
            from payment_declined
            join unnest($1::text[], $2::bytea[]) as asked (kind, subject) using (kind, subject)
            where at <= now() + interval '1 minute'
            "#,
            &kinds as &[&str],
            &subjects
        )
        .fetch_all(&self.pool())
        .await?;
        let since = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        Ok(rows.into_iter().map(|row| (row.kind, row.share, since(row.since))).collect())
    }

    /// The credential that created a checkout.
    pub async fn creator(&self, id: CheckoutId) -> Result<Option<String>, Error> {
        let creator = sqlx::query_scalar!(
            "select principal from idempotency_key where checkout_id = $1 and operation = 'create' limit 1",
            id.uuid()
        )
        .fetch_optional(&self.pool())
        .await?;
        Ok(creator)
    }

    /// Forgets up to `limit` counts of which nothing is left. Several processes share the work.
    pub async fn forget_declined(&self, limit: i64) -> Result<u64, Error> {
        let forgotten = sqlx::query!(
            "delete from payment_declined where (kind, subject) in (
                select kind, subject from payment_declined where at + share * interval '1 day' < now()
                limit $1 for update skip locked
            )",
            limit
        )
        .execute(&self.pool())
        .await?;
        Ok(forgotten.rows_affected())
    }
}
