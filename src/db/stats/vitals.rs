//! Counts of the checkouts of all processes, for the metrics.
//!
//! Guarantees: a query here costs about the same in a table of millions of finished checkouts as in a small one.
//! Counts of what is alive come from partial indexes; what is finished is counted only while the table is small, and
//! afterwards estimated from PostgreSQL's own statistics.

use std::time::Duration;

use crate::db::checkout::row::RECORD_VERSION;
use crate::db::{Db, Error};

/// Up to this many checkouts every row is counted.
const SMALL: i64 = 10_000;
/// More idle checkouts than this are not counted.
const COUNTED: i64 = 100_000;
/// The latest events that tell how late webhooks are.
const RECENT_EVENTS: i64 = 100;

/// The pending deliveries of the oldest checkouts, of each destination, among which the oldest is looked for.
const OLDEST_DELIVERIES: i64 = 500;
/// The oldest checkouts among which personal data is looked for.
const OLDEST_ENDED: i64 = 500;

/// How things stand. Each number is right for a moment; not all for the same one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vitals {
    /// Checkouts by status, by its word.
    pub statuses: Vec<(String, i64)>,
    /// Stuck checkouts by reason, by its word.
    pub stuck: Vec<(String, i64)>,
    /// How long the oldest of them has been stuck.
    pub oldest_stuck: Option<Duration>,
    /// How long the longest overdue checkout has been waiting for recovery; zero when none is.
    pub recovery_lag: Duration,
    /// How long it has not been known whether a shopper was charged, for the oldest such payment.
    pub oldest_unknown_payment: Option<Duration>,
    /// The longest time between an event at BigCommerce and its webhook, of those that came in the last five minutes.
    pub webhook_lag: Option<Duration>,
    /// Since the last webhook came in.
    pub webhook_silence: Option<Duration>,
    /// Overdue checkouts that a newer version of the program wrote.
    pub newer_records: i64,
    /// Checkouts that could not be read.
    pub unreadable_records: i64,
    /// How long the oldest event waits for its delivery.
    pub event_lag: Option<Duration>,
    /// Since the oldest checkout ended that still holds personal data.
    pub oldest_personal_data: Option<Duration>,
}

fn duration(seconds: Option<f64>) -> Option<Duration> {
    seconds.map(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default())
}

impl Db {
    /// How the checkouts stand.
    pub async fn vitals(&self) -> Result<Vitals, Error> {
        let mut vitals = Vitals { statuses: self.statuses().await?, ..Vitals::default() };
        (vitals.stuck, vitals.oldest_stuck) = self.stuck().await?;
        vitals.recovery_lag = self.lag_of_recovery(None).await?;
        vitals.oldest_unknown_payment = self.oldest_unknown_payment().await?;
        (vitals.webhook_lag, vitals.webhook_silence) = self.webhooks_heard().await?;
        (vitals.newer_records, vitals.unreadable_records) = self.foreign_records().await?;
        vitals.event_lag = self.event_lag().await?;
        vitals.oldest_personal_data = self.oldest_personal_data().await?;
        Ok(vitals)
    }

    /// Overdue checkouts whose record is of a newer version than this program's, and checkouts that could not be read.
    pub async fn foreign_records(&self) -> Result<(i64, i64), Error> {
        let found = sqlx::query!(
            r#"select (select count(*) from checkout where due_at <= now() and record_version > $1) as "newer!",
                (select count(*) from checkout where unreadable_for is not null) as "unreadable!""#,
            RECORD_VERSION
        )
        .fetch_one(&self.pool())
        .await?;
        Ok((found.newer, found.unreadable))
    }

    /// A lease of any process ends within this time.
    fn any_lease(&self) -> f64 {
        self.lease.as_secs_f64() * 2.0 + 60.0
    }

    async fn statuses(&self) -> Result<Vec<(String, i64)>, Error> {
        let counted = sqlx::query!(
            r#"select status, count(*) as "count!" from (select status from checkout limit $1) as seen group by status"#,
            SMALL
        )
        .fetch_all(&self.pool())
        .await?;
        let total: i64 = counted.iter().map(|row| row.count).sum();
        if total < SMALL {
            return Ok(counted.into_iter().map(|row| (row.status, row.count)).collect());
        }
        let alive = sqlx::query!(
            r#"
            select
                (select count(*) from checkout
                    where status = 'running' and due_at <= now() + make_interval(secs => $1::float8)) as "running!",
                (select count(*) from checkout where status = 'waiting') as "waiting!",
                (select count(*) from checkout where status = 'compensating') as "compensating!",
                (select count(*) from checkout where status = 'stuck') as "stuck!",
                (select count(*) from (select from checkout where due_at is not null limit $2) as timed) as "timed!"
            "#,
            self.any_lease(),
            COUNTED
        )
        .fetch_one(&self.pool())
        .await?;
        // Whatever has a due time is at work, waits, or is a shopper at rest.
        let at_rest = alive.timed - alive.running - alive.waiting - alive.compensating;
        let mut all = vec![
            ("awaiting_input".to_owned(), at_rest.max(0)),
            ("running".to_owned(), alive.running),
            ("waiting".to_owned(), alive.waiting),
            ("compensating".to_owned(), alive.compensating),
            ("stuck".to_owned(), alive.stuck),
        ];
        all.extend(self.finished().await?);
        Ok(all)
    }

    /// Estimated: PostgreSQL knows how often each status occurs in a sample, and about how many rows there are.
    async fn finished(&self) -> Result<Vec<(String, i64)>, Error> {
        let rows = sqlx::query!(
            r#"
            select known.status as "status!", (known.share * greatest(c.reltuples, 0))::int8 as "count!"
            from pg_class c
            join pg_namespace n on n.oid = c.relnamespace
            join pg_stats s on s.schemaname = n.nspname and s.tablename = c.relname and s.attname = 'status'
            cross join lateral unnest(s.most_common_vals::text::text[], s.most_common_freqs) as known (status, share)
            where c.oid = 'checkout'::regclass and known.status in ('completed', 'cancelled', 'expired')
            "#
        )
        .fetch_all(&self.pool())
        .await?;
        Ok(rows.into_iter().map(|row| (row.status, row.count)).collect())
    }

    async fn stuck(&self) -> Result<(Vec<(String, i64)>, Option<Duration>), Error> {
        let rows = sqlx::query!(
            r#"
            select coalesce(stuck_reason, '') as "reason!", count(*) as "count!",
                extract(epoch from now() - min(updated_at))::float8 as "oldest!"
            from checkout where status = 'stuck' group by stuck_reason
            "#
        )
        .fetch_all(&self.pool())
        .await?;
        let oldest = rows.iter().map(|row| row.oldest).reduce(f64::max);
        Ok((rows.into_iter().map(|row| (row.reason, row.count)).collect(), duration(oldest)))
    }

    pub(crate) async fn lag_of_recovery(&self, within: Option<&str>) -> Result<Duration, Error> {
        let lag = sqlx::query_scalar!(
            "select extract(epoch from now() - min(due_at))::float8 from checkout
             where due_at <= now() and ($1::text is null or store = $1)
                 and record_version <= $2 and unreadable_for is null",
            within,
            RECORD_VERSION
        )
        .fetch_one(&self.pool())
        .await?;
        Ok(duration(lag).unwrap_or_default())
    }

    async fn oldest_unknown_payment(&self) -> Result<Option<Duration>, Error> {
        let since = sqlx::query_scalar!(
            r#"
            with paying as materialized (
                select record from checkout where status in ('waiting', 'stuck') and step = 'payment'
                union all
                select record from checkout
                where status = 'running' and step = 'payment' and due_at <= now() + make_interval(secs => $1::float8)
            ), unknown as materialized (
                -- A text that cannot be read as JSON must not take the others with it.
                select case when position('\u0000' in record::text) > 0 then null else record -> 'in_flight' end as attempt
                from paying
            )
            select extract(epoch from now() - min((attempt ->> 'unknown_since')::timestamptz))::float8
            from unknown where attempt ->> 'step' = 'payment'
            "#,
            self.any_lease()
        )
        .fetch_one(&self.pool())
        .await?;
        Ok(duration(since))
    }

    /// Of those that were created first: the janitor takes them in this order.
    async fn oldest_personal_data(&self) -> Result<Option<Duration>, Error> {
        let since = sqlx::query_scalar!(
            "select extract(epoch from now() - min(updated_at))::float8 from (
                 select updated_at from checkout
                 where redacted_at is null and status in ('completed', 'cancelled', 'expired')
                 order by created_at limit $1) as oldest",
            OLDEST_ENDED
        )
        .fetch_one(&self.pool())
        .await?;
        Ok(duration(since))
    }

    /// Each destination with pending deliveries is found by one look into the index of the turns.
    async fn event_lag(&self) -> Result<Option<Duration>, Error> {
        let lag = sqlx::query_scalar!(
            r#"
            with recursive named as (
                (select destination from delivery_turn order by destination limit 1)
                union all
                select (select t.destination from delivery_turn t where t.destination > n.destination
                        order by t.destination limit 1)
                from named n where n.destination is not null
            )
            select extract(epoch from now() - min(oldest.queued_at))::float8
            from named, lateral (
                select min(queued_at) as queued_at from (
                    select queued_at from delivery d where d.state = 'pending' and d.destination = named.destination
                    order by d.checkout_id, d.version, d.ordinal limit $1
                ) as pending
            ) as oldest
            "#,
            OLDEST_DELIVERIES
        )
        .fetch_one(&self.pool())
        .await?;
        Ok(duration(lag))
    }

    async fn webhooks_heard(&self) -> Result<(Option<Duration>, Option<Duration>), Error> {
        let heard = sqlx::query!(
            r#"
            with recent as materialized (
                select received_at,
                    case when position('\u0000' in body::text) > 0 then null else body ->> 'created_at' end as created_at
                from webhook_event order by received_at desc limit $1
            )
            select extract(epoch from now() - max(received_at))::float8 as silence,
                max(case when created_at ~ '^[0-9]{1,11}$' and received_at > now() - interval '5 minutes'
                    then extract(epoch from received_at)::float8 - created_at::float8 end) as lag
            from recent
            "#,
            RECENT_EVENTS
        )
        .fetch_one(&self.pool())
        .await?;
        Ok((duration(heard.lag), duration(heard.silence)))
    }

    /// Connections of this process to the database: all, and those that nobody uses.
    pub fn connections(&self) -> (usize, usize) {
        self.connections.size()
    }
}
