//! The outbox as operators see it: events, their delivery attempts, and redelivery.

use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::db::{Db, Error};

/// Which events are meant; what is left out does not matter.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// These.
    pub ids: Option<Vec<Uuid>>,
    /// Of this checkout.
    pub checkout: Option<Uuid>,
    /// Of this type.
    pub kind: Option<String>,
    /// For this destination.
    pub destination: Option<String>,
    /// Whose delivery stands so: `pending`, `delivered` or `given-up`.
    pub state: Option<String>,
    /// That happened at this time or later.
    pub since: Option<OffsetDateTime>,
    /// That happened before this time.
    pub until: Option<OffsetDateTime>,
    /// Of this store whatever else is asked for.
    pub within: Option<String>,
}

/// One event and one destination that it is for.
#[derive(Debug, Clone, Serialize)]
pub struct EventRecord {
    /// The event, which is its `webhook-id`.
    pub event_id: Uuid,
    /// The checkout that it is about.
    pub checkout_id: Uuid,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Where it goes.
    pub destination: String,
    /// `pending`, `delivered` or `given-up`.
    pub state: String,
    /// Tries since it was queued.
    pub attempts: i32,
    /// The HTTP status of the latest try that was answered.
    pub last_status: Option<i16>,
}

/// One try.
#[derive(Debug, Clone, Serialize)]
pub struct TryRecord {
    /// Which destination.
    pub destination: String,
    /// Which try since it was queued.
    pub attempt: i32,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// `delivered`, `failed` or `given-up`.
    pub outcome: String,
    /// The HTTP status of the answer.
    pub status: Option<i16>,
    /// What failed when there was no answer.
    pub failure: Option<String>,
    /// How long it took.
    pub duration_ms: i32,
}

/// An event that is told again.
#[derive(Debug, Clone, Serialize)]
pub struct Redelivered {
    /// The event.
    pub event_id: Uuid,
    /// To whom.
    pub destination: String,
}

impl Db {
    /// The events that are meant, the latest first, at most `limit`.
    pub async fn events(&self, filter: &EventFilter, limit: i64) -> Result<Vec<EventRecord>, Error> {
        Ok(sqlx::query_as!(
            EventRecord,
            r#"
            select o.event_id, o.checkout_id, o.type as kind, o.at, d.destination, d.state, d.attempts,
                (select l.status from delivery_log l where l.event_id = o.event_id and l.destination = d.destination
                    and l.status is not null order by l.delivery_log_id desc limit 1) as last_status
            from outbox o join delivery d on d.event_id = o.event_id
            where ($1::uuid[] is null or o.event_id = any($1)) and ($2::uuid is null or o.checkout_id = $2)
                and ($3::text is null or o.type = $3) and ($4::text is null or d.destination = $4)
                and ($5::text is null or d.state = $5)
                and ($6::timestamptz is null or o.at >= $6) and ($7::timestamptz is null or o.at < $7)
                and ($9::text is null or exists (select from checkout c where c.checkout_id = o.checkout_id and c.store = $9))
            order by o.at desc, o.version desc, o.ordinal desc, d.destination limit $8
            "#,
            filter.ids.as_deref(),
            filter.checkout,
            filter.kind,
            filter.destination,
            filter.state,
            filter.since,
            filter.until,
            limit,
            filter.within,
        )
        .fetch_all(&self.pool())
        .await?)
    }

    /// What an event says, as it was written; `None` when there is none, or none in the store `within`.
    pub async fn event_data(&self, id: Uuid, within: Option<&str>) -> Result<Option<String>, Error> {
        let data = sqlx::query_scalar!(
            r#"select data::text as "data!" from outbox o where event_id = $1
               and ($2::text is null or exists (select from checkout c where c.checkout_id = o.checkout_id and c.store = $2))"#,
            id,
            within
        )
        .fetch_optional(&self.pool())
        .await?;
        Ok(data)
    }

    /// The delivery log of an event, in order.
    pub async fn tries(&self, id: Uuid) -> Result<Vec<TryRecord>, Error> {
        Ok(sqlx::query_as!(
            TryRecord,
            "select destination, attempt, at, outcome, status, failure, duration_ms
             from delivery_log where event_id = $1 order by delivery_log_id",
            id
        )
        .fetch_all(&self.pool())
        .await?)
    }

    /// Queues again what ended, for whom it was meant; or for `to`, even where it was not meant for it. What is pending
    /// anyway stays as it is. The events keep their ids, and go out in the order in which they happened. Dropped
    /// half-way: all of them are queued or none.
    pub async fn redeliver(&self, filter: &EventFilter, to: Option<&str>) -> Result<Vec<Redelivered>, Error> {
        let queued = sqlx::query_as!(
            Redelivered,
            r#"
            with meant as (
                select distinct o.checkout_id, o.event_id, o.version, o.ordinal, coalesce($8, d.destination) as destination
                from outbox o left join delivery d on d.event_id = o.event_id
                where ($1::uuid[] is null or o.event_id = any($1)) and ($2::uuid is null or o.checkout_id = $2)
                    and ($3::text is null or o.type = $3) and ($4::text is null or d.destination = $4)
                    and ($5::text is null or d.state = $5)
                    and ($6::timestamptz is null or o.at >= $6) and ($7::timestamptz is null or o.at < $7)
                    and ($9::text is null or exists (select from checkout c where c.checkout_id = o.checkout_id and c.store = $9))
                    and coalesce($8, d.destination) is not null
            ), queued as (
                insert into delivery as d (checkout_id, event_id, destination, version, ordinal)
                select checkout_id, event_id, destination, version, ordinal from meant
                on conflict (event_id, destination, checkout_id) do update
                    set state = 'pending', attempts = 0, queued_at = now(), ended_at = null
                    where d.state <> 'pending'
                returning checkout_id, event_id, destination
            ), turned as (
                insert into delivery_turn (checkout_id, destination)
                select distinct checkout_id, destination from queued
                on conflict (destination, checkout_id) do update
                    set rung = delivery_turn.rung + 1
            )
            select event_id as "event_id!", destination as "destination!" from queued
            "#,
            filter.ids.as_deref(),
            filter.checkout,
            filter.kind,
            filter.destination,
            filter.state,
            filter.since,
            filter.until,
            to,
            filter.within,
        )
        .fetch_all(&self.pool())
        .await?;
        sqlx::query("select pg_notify('outbox', '')").execute(&self.pool()).await?;
        self.changes.notify_outbox();
        Ok(queued)
    }

    /// The names of all destinations that anything was ever meant for.
    pub async fn known_destinations(&self) -> Result<Vec<String>, Error> {
        Ok(sqlx::query_scalar!("select distinct destination from delivery order by destination")
            .fetch_all(&self.pool())
            .await?)
    }
}
