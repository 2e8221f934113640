//! The activity of the last hour, minute by minute, from indexes.

use serde::Serialize;
use time::OffsetDateTime;

use crate::db::{Db, Error};

/// One minute.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Minute {
    /// Its beginning.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Checkouts that were completed in it.
    pub completed: i64,
    /// Checkouts that ended in it without a payment.
    pub undone: i64,
    /// Checkouts that last changed in it and are stuck.
    pub stuck: i64,
    /// Half of the attempts took less, in milliseconds; `None`: there were none.
    pub p50_ms: Option<f64>,
    /// 95 of 100 attempts took less, in milliseconds.
    pub p95_ms: Option<f64>,
}

/// Minutes that are looked back.
pub const MINUTES: i32 = 60;

impl Db {
    /// The last [`MINUTES`] minutes of one store or of all, the oldest first, the current one included. Times of attempts are those of the 20
    /// checkouts that were completed last in a minute, so that a busy hour costs no more than a calm one.
    pub async fn activity(&self, within: Option<&str>) -> Result<Vec<Minute>, Error> {
        Ok(sqlx::query_as!(
            Minute,
            r#"
            with minute as (
                select generate_series(date_trunc('minute', now()) - make_interval(mins => $1 - 1),
                    date_trunc('minute', now()), interval '1 minute') as at
            ), ended as (
                select date_trunc('minute', updated_at) as at,
                    count(*) filter (where status = 'completed') as completed,
                    count(*) filter (where status in ('cancelled', 'expired')) as undone,
                    count(*) filter (where status = 'stuck') as stuck
                from checkout
                where status in ('completed', 'cancelled', 'expired', 'stuck')
                    and updated_at >= date_trunc('minute', now()) - make_interval(mins => $1 - 1)
                    and ($2::text is null or store = $2)
                group by 1
            ), took as (
                select minute.at,
                    percentile_cont(0.5) within group (order by log.duration_ms) as p50_ms,
                    percentile_cont(0.95) within group (order by log.duration_ms) as p95_ms
                from minute
                cross join lateral (
                    select checkout_id from checkout
                    where status = 'completed' and updated_at >= minute.at
                        and updated_at < minute.at + interval '1 minute' and ($2::text is null or store = $2)
                    order by updated_at desc limit 20
                ) sampled
                join attempt_log log using (checkout_id)
                where log.duration_ms is not null and log.version is not null
                group by 1
            )
            select minute.at as "at!", coalesce(ended.completed, 0) as "completed!",
                coalesce(ended.undone, 0) as "undone!", coalesce(ended.stuck, 0) as "stuck!",
                took.p50_ms as "p50_ms?", took.p95_ms as "p95_ms?"
            from minute left join ended using (at) left join took using (at)
            order by minute.at
            "#,
            MINUTES,
            within
        )
        .fetch_all(&self.pool())
        .await?)
    }
}
