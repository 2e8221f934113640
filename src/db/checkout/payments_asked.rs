//! Counts payment attempts: one row for each subject, in an unlogged table that does not survive a crash.

use std::time::Duration;

use crate::db::{Db, Error};

/// Whom a payment is counted for.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// Which limit.
    pub kind: &'static str,
    /// SHA-256 of whom.
    pub subject: [u8; 32],
}

/// A payment that is asked for.
#[derive(Debug, Clone)]
pub struct AskedFor {
    /// Whom it is counted for.
    pub subjects: Vec<Asked>,
    /// How long payments are counted together.
    pub window: Duration,
}

impl Db {
    /// Counts a payment and answers for each subject how many there were in its window, and how long that still lasts. The
    /// table is not logged, so that the commit waits for no disk. A window that began in the future was begun by a clock
    /// that was set back since, and is over; a transaction that began a moment later than this one is no such clock.
    pub async fn count_asked(&self, asked: &AskedFor) -> Result<Vec<(String, i64, Duration)>, Error> {
        let kinds: Vec<&str> = asked.subjects.iter().map(|one| one.kind).collect();
        let subjects: Vec<Vec<u8>> = asked.subjects.iter().map(|one| one.subject.to_vec()).collect();
        let rows = sqlx::query!(
            r#"
            insert into payment_asked as counted (kind, subject, since, times)
            select kind, subject, now(), 1 from unnest($1::text[], $2::bytea[]) as asked (kind, subject)
            order by kind, subject
            on conflict (kind, subject) do update set (since, times) = (
                select case when is_over then now() else counted.since end,
                    case when is_over then 1 else least(counted.times + 1, 1000000000) end
                from (select counted.since < now() - make_interval(secs => $3::float8)
                    or counted.since > now() + interval '1 minute') as the_window (is_over)
            )
            returning kind, times,
                least(greatest(extract(epoch from since - now())::float8 + $3::float8, 0), $3::float8) as "left!"
            "#,
            &kinds as &[&str],
            &subjects,
            asked.window.as_secs_f64()
        )
        .fetch_all(&self.pool())
        .await?;
        let left = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        Ok(rows.into_iter().map(|row| (row.kind, row.times, left(row.left))).collect())
    }

    /// Forgets up to `limit` counts whose window has been over for long. Several processes share the work.
    pub async fn forget_asked(&self, limit: i64) -> Result<u64, Error> {
        let forgotten = sqlx::query!(
            "delete from payment_asked where (kind, subject) in (
                select kind, subject from payment_asked where since < now() - interval '1 day'
                order by since limit $1 for update skip locked
            )",
            limit
        )
        .execute(&self.pool())
        .await?;
        Ok(forgotten.rows_affected())
    }
}
