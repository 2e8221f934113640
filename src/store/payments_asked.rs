//! How often payments were asked for: one row for each subject, in a table that no crash keeps.

use std::time::Duration;

use super::{Error, Store};
use crate::checkout::KeyRef;

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
    /// Its idempotency key: what is bound already is a repetition, and not counted.
    pub key: Option<KeyRef>,
    /// How long payments are counted together.
    pub window: Duration,
}

impl Store {
    /// Counts a payment and answers for each subject how many there were in its window, and how long that still lasts. Nothing: it is
    /// a repetition. The table is not logged, so that the commit waits for no disk; what is a day old is forgotten on the way.
    pub async fn count_asked(&self, asked: &AskedFor) -> Result<Vec<(String, i64, Duration)>, Error> {
        let kinds: Vec<&str> = asked.subjects.iter().map(|one| one.kind).collect();
        let subjects: Vec<Vec<u8>> = asked.subjects.iter().map(|one| one.subject.to_vec()).collect();
        let rows: Vec<(String, i64, f64)> = sqlx::query_as(
            "with forgotten as (
                delete from payment_asked where (kind, subject) in (
                    select kind, subject from payment_asked
                    where since < now() - interval '1 day' and subject <> all ($2)
                    order by since limit 20 for update skip locked
                )
            )
            insert into payment_asked as counted (kind, subject, since, times)
            select kind, subject, now(), 1 from unnest($1::text[], $2::bytea[]) as asked (kind, subject)
            where not exists (select from idempotency_key where principal = $3 and key = $4)
            order by kind, subject
            on conflict (kind, subject) do update set
                times = case when counted.since < now() - make_interval(secs => $5::float8) then 1
                    else least(counted.times + 1, 1000000000) end,
                since = case when counted.since < now() - make_interval(secs => $5::float8) then now()
                    else counted.since end
            returning kind, times,
                greatest(extract(epoch from since - now())::float8 + $5::float8, 0)::float8",
        )
        .bind(&kinds)
        .bind(&subjects)
        .bind(asked.key.as_ref().map(|key| key.principal.as_str()))
        .bind(asked.key.as_ref().map(|key| key.key.as_str()))
        .bind(asked.window.as_secs_f64())
        .fetch_all(&self.pool)
        .await?;
        let left = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        Ok(rows.into_iter().map(|(kind, times, seconds)| (kind, times, left(seconds))).collect())
    }
}
