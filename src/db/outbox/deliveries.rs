//! Turns: which event goes to which destination next, which process delivers it, and with what result.
//!
//! Guarantees: of one checkout, one event at a time is on its way to a destination, in the order in which they happened;
//! checkouts and destinations never wait for each other. A turn whose process died is due again when its lease ends.
//! Each write is one statement, and no transaction is open while a destination is called.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::db::{Clock, Db, Error};

/// The right to deliver the next event of one checkout to one destination, for as long as its lease lasts. Dropped: the
/// lease runs out and another process delivers; the receiver may then see the event twice.
#[must_use = "a turn that is dropped keeps its events waiting until the lease runs out"]
#[derive(Debug)]
pub struct Turn {
    checkout_id: Uuid,
    destination: String,
    fence: i64,
    generation: i64,
    /// Failed tries in a row.
    pub failures: u32,
    /// PostgreSQL's clock.
    pub clock: Clock,
    /// The event.
    pub event: OutgoingEvent,
    /// Whether more events of the checkout wait behind it.
    more: bool,
}

/// An event as it goes out.
#[derive(Debug, Clone)]
pub struct OutgoingEvent {
    /// Its id, the same for every try.
    pub event_id: Uuid,
    /// Its type, such as `checkout.completed`.
    pub kind: String,
    /// When it happened.
    pub at: OffsetDateTime,
    /// Its data, JSON as it was written.
    pub data: String,
    /// Tries before this one since it was queued.
    pub attempts: u32,
    /// When it was queued.
    pub queued_at: OffsetDateTime,
}

/// What looking for turns found.
#[derive(Debug)]
pub struct Turns {
    /// Those that are due now, claimed.
    pub claimed: Vec<Turn>,
    /// When the next one is due; `None` when there is none.
    pub next_in: Option<Duration>,
}

/// How a try went.
#[derive(Debug, Clone, Copy)]
pub struct Try {
    /// What follows.
    pub end: TryEnd,
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// What failed when there was no answer, in a word.
    pub failure: Option<&'static str>,
    /// How long it took.
    pub duration: Duration,
}

/// What follows from a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryEnd {
    /// The destination has it.
    Delivered,
    /// It is tried again after this long.
    Again(Duration),
    /// It is not tried again by itself.
    GivenUp,
}

impl TryEnd {
    fn outcome(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Again(_) => "failed",
            Self::GivenUp => "given-up",
        }
    }
}

impl Db {
    /// Claims up to `limit` turns of a destination, the longest waiting first. Several processes never get the same one
    /// and never wait for each other.
    pub async fn claim_turns(&self, destination: &str, lease: Duration, limit: i64) -> Result<Turns, Error> {
        let rows = sqlx::query!(
            r#"
            with due as (
                select checkout_id from delivery_turn where destination = $1 and due_at <= now()
                order by due_at limit $2 for update skip locked
            )
            update delivery_turn t set leased_by = $3, fence = t.fence + 1, due_at = now() + make_interval(secs => $4::float8)
            from due where t.destination = $1 and t.checkout_id = due.checkout_id
            returning t.checkout_id, t.fence, t.rung, t.failures
            "#,
            destination,
            limit,
            self.process_id,
            lease.as_secs_f64(),
        )
        .fetch_all(&self.pool())
        .await?;
        let ids: Vec<Uuid> = rows.iter().map(|row| row.checkout_id).collect();
        // A look of its own, after the claim: whatever was queued before the turn was claimed is seen by it, and whatever
        // is queued later rings.
        let mut heads = if ids.is_empty() { Vec::new() } else { self.heads(destination, &ids).await? };
        let mut claimed = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(at) = heads.iter().position(|head| head.checkout_id == row.checkout_id) else {
                self.end_turn(destination, row.checkout_id, row.fence, row.rung).await?;
                continue;
            };
            let head = heads.swap_remove(at);
            claimed.push(Turn {
                checkout_id: row.checkout_id,
                destination: destination.to_owned(),
                fence: row.fence,
                generation: row.rung,
                failures: u32::try_from(row.failures).unwrap_or(0),
                clock: Clock::read(head.now),
                event: OutgoingEvent {
                    event_id: head.event_id,
                    kind: head.kind,
                    at: head.at,
                    data: head.data,
                    attempts: u32::try_from(head.attempts).unwrap_or(0),
                    queued_at: head.queued_at,
                },
                more: head.more,
            });
        }
        let next_in = sqlx::query_scalar!(
            "select extract(epoch from min(due_at) - now())::float8 from delivery_turn where destination = $1",
            destination
        )
        .fetch_one(&self.pool())
        .await?;
        let next_in = next_in.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default());
        Ok(Turns { claimed, next_in })
    }

    async fn heads(&self, destination: &str, ids: &[Uuid]) -> Result<Vec<Head>, Error> {
        Ok(sqlx::query_as!(
            Head,
            r#"
            select d.checkout_id as "checkout_id!", d.event_id as "event_id!", o.type as "kind!", o.at as "at!",
                o.data::text as "data!", d.attempts as "attempts!", d.queued_at as "queued_at!", now() as "now!",
                exists (
                    select from delivery m
                    where m.destination = $1 and m.checkout_id = d.checkout_id and m.state = 'pending'
                        and (m.version, m.ordinal) > (d.version, d.ordinal)
                ) as "more!"
            from unnest($2::uuid[]) as c(checkout_id)
            cross join lateral (
                select p.checkout_id, p.event_id, p.attempts, p.queued_at, p.version, p.ordinal from delivery p
                where p.destination = $1 and p.checkout_id = c.checkout_id and p.state = 'pending'
                order by p.version, p.ordinal limit 1
            ) d
            join outbox o on o.event_id = d.event_id
            "#,
            destination,
            ids
        )
        .fetch_all(&self.pool())
        .await?)
    }

    /// Records how a try went and ends the turn, or lets the next event of the checkout have it. Dropped half-way: it is
    /// recorded whole or not at all; then the lease runs out, and the receiver may see the event twice.
    pub async fn record_attempt(&self, turn: Turn, tried: Try) -> Result<(), Error> {
        let (delay, last) = match tried.end {
            TryEnd::Again(after) => (Some(after.as_secs_f64()), false),
            TryEnd::Delivered | TryEnd::GivenUp => (None, !turn.more),
        };
        let ended = sqlx::query_scalar!(
            r#"
            with logged as (
                insert into delivery_log (checkout_id, event_id, destination, attempt, process_id, outcome, status, failure,
                    duration_ms)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            ), settled as (
                update delivery set attempts = $4,
                    state = case $6 when 'failed' then 'pending' else $6 end,
                    ended_at = case $6 when 'failed' then null else now() end
                where event_id = $2 and destination = $3 and state = 'pending'
            ), paused as (
                update delivery_turn set due_at = now() + make_interval(secs => $10::float8), leased_by = null,
                    failures = failures + 1
                where destination = $3 and checkout_id = $1 and fence = $11 and $10::float8 is not null
                returning 1
            ), ended as (
                delete from delivery_turn
                where destination = $3 and checkout_id = $1 and fence = $11 and rung = $12 and $13
                returning 1
            )
            select (select count(*) from paused) + (select count(*) from ended) > 0 as "ended!"
            "#,
            turn.checkout_id,
            turn.event.event_id,
            turn.destination,
            i32::try_from(turn.event.attempts.saturating_add(1)).unwrap_or(i32::MAX),
            self.process_id,
            tried.end.outcome(),
            tried.status.and_then(|status| i16::try_from(status).ok()),
            tried.failure,
            i32::try_from(tried.duration.as_millis()).unwrap_or(i32::MAX),
            delay,
            turn.fence,
            turn.generation,
            last,
        )
        .fetch_one(&self.pool())
        .await?;
        if !ended && delay.is_none() {
            self.pass_turn(&turn).await?;
        }
        Ok(())
    }

    /// More events wait, or came while this one was on its way.
    async fn pass_turn(&self, turn: &Turn) -> Result<(), Error> {
        sqlx::query!(
            "update delivery_turn set due_at = now(), leased_by = null, failures = 0
             where destination = $1 and checkout_id = $2 and fence = $3",
            turn.destination,
            turn.checkout_id,
            turn.fence,
        )
        .execute(&self.pool())
        .await?;
        self.changes.notify_outbox();
        Ok(())
    }

    /// Nothing is pending: unless something was queued meanwhile, the turn ends.
    async fn end_turn(&self, destination: &str, id: Uuid, fence: i64, generation: i64) -> Result<(), Error> {
        sqlx::query!(
            r#"
            with ended as (
                delete from delivery_turn where destination = $1 and checkout_id = $2 and fence = $3 and rung = $4
            )
            update delivery_turn set due_at = now(), leased_by = null
            where destination = $1 and checkout_id = $2 and fence = $3 and rung <> $4
            "#,
            destination,
            id,
            fence,
            generation
        )
        .execute(&self.pool())
        .await?;
        Ok(())
    }

    /// Hands back the turns of this process, so that another one goes on at once.
    pub async fn release_turns(&self) -> Result<u64, Error> {
        let released = sqlx::query!(
            "update delivery_turn set due_at = now(), leased_by = null where leased_by = $1",
            self.process_id
        )
        .execute(&self.pool())
        .await?;
        Ok(released.rows_affected())
    }

    /// Gives up what no process delivers (its destination is not configured any more) and forgets up to `limit` events
    /// that are older than `keep` and wait for nobody. Answers how many were given up and forgotten.
    pub async fn tidy_outbox(
        &self,
        give_up: Duration,
        keep: Duration,
        limit: i64,
    ) -> Result<(u64, u64), Error> {
        let late = sqlx::query!(
            r#"
            with late as (
                select event_id, destination from delivery
                where state = 'pending' and queued_at < now() - make_interval(secs => $1::float8) - interval '1 day'
                limit $2 for update skip locked
            )
            update delivery d set state = 'given-up', ended_at = now() from late
            where d.event_id = late.event_id and d.destination = late.destination
            "#,
            give_up.as_secs_f64(),
            limit
        )
        .execute(&self.pool())
        .await?;
        // Turns with nothing to deliver. One that rang since this look is left alone.
        sqlx::query!(
            r#"
            with idle as (
                select destination, checkout_id, rung from delivery_turn t
                where due_at < now() - interval '1 day' and not exists (
                    select from delivery d
                    where d.destination = t.destination and d.checkout_id = t.checkout_id and d.state = 'pending')
                limit $1
            )
            delete from delivery_turn t using idle
            where t.destination = idle.destination and t.checkout_id = idle.checkout_id and t.rung = idle.rung
            "#,
            limit
        )
        .execute(&self.pool())
        .await?;
        let forgotten = sqlx::query!(
            r#"
            with old as (
                select event_id from outbox o where at < now() - make_interval(secs => $1::float8)
                    and not exists (select from delivery d where d.event_id = o.event_id and d.state = 'pending')
                order by at limit $2 for update skip locked
            )
            delete from outbox o using old where o.event_id = old.event_id
            "#,
            keep.as_secs_f64(),
            limit
        )
        .execute(&self.pool())
        .await?;
        Ok((late.rows_affected(), forgotten.rows_affected()))
    }
}

/// The next event of a checkout for a destination.
struct Head {
    checkout_id: Uuid,
    event_id: Uuid,
    kind: String,
    at: OffsetDateTime,
    data: String,
    attempts: i32,
    queued_at: OffsetDateTime,
    now: OffsetDateTime,
    more: bool,
}
