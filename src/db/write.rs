//! The one statement that writes one transition.
//!
//! Guarantees: it is written whole or not at all, and only onto the version and under the fence that it was decided on.

use time::OffsetDateTime;

use super::columns::Columns;
use super::committer::Written;
use super::row::RECORD_VERSION;
use super::{Db, Error, Transition, group, outbox::Publication};
use crate::checkout::{Checkout, Document, Status};

impl Db {
    /// Writes a transition: with those of other checkouts where a committer runs, or by itself. Dropped half-way: it is
    /// written whole or not at all.
    pub(super) async fn commit(&self, transition: &Transition) -> Result<OffsetDateTime, Error> {
        let columns = Box::new(Columns::of(self, transition)?);
        let publication = Publication::of(&self.destinations, transition)?;
        let columns = match (&self.queue, &publication) {
            (Some(queue), None) if columns.suits_a_group() => match queue.write(columns).await {
                Written::At(at) => return Ok(at),
                Written::Failed(error) => return Err(error.into()),
                Written::Alone(columns) => columns,
            },
            _ => columns,
        };
        let told = publication.is_some();
        let written = Box::pin(one(&self.pool(), self.process_id, &columns, publication)).await?;
        if told {
            self.changes.ring_outbox();
        }
        written.ok_or(Error::Lost)
    }

    /// Writes the first transition of a checkout, and the checkout. Nobody is told of it (`checkout/announcement.rs`).
    pub(super) async fn commit_new(&self, columns: Box<Columns>) -> Result<OffsetDateTime, Error> {
        let columns = match &self.queue {
            Some(queue) => match queue.write(columns).await {
                Written::At(at) => return Ok(at),
                Written::Failed(error) => return Err(error.into()),
                Written::Alone(columns) => columns,
            },
            None => columns,
        };
        let written = Box::pin(group::write(&self.pool(), self.process_id, &[&columns])).await?;
        // A row of a group that would bind a bound key is left out.
        written.into_iter().next().map(|(_, at)| at).ok_or(Error::KeyBound)
    }

    /// Writes fresher facts of a checkout that has ended into a group. `None`: not written; it may be, alone.
    pub(super) async fn commit_refreshed(&self, fresh: &Checkout) -> Result<Option<OffsetDateTime>, Error> {
        let Some(queue) = self.queue.as_ref().filter(|_| fresh.status == Status::Completed) else {
            return Ok(None);
        };
        let columns = Columns::refreshed(fresh)?;
        if !columns.suits_a_group() {
            return Ok(None);
        }
        match queue.write(Box::new(columns)).await {
            Written::At(at) => Ok(Some(at)),
            Written::Failed(error) => Err(error.into()),
            Written::Alone(_) => Ok(None),
        }
    }

    /// Writes a transition by itself, in a transaction of the caller's.
    pub(super) async fn write(
        &self,
        executor: impl sqlx::PgExecutor<'_>,
        transition: &Transition,
    ) -> Result<OffsetDateTime, Error> {
        let columns = Columns::of(self, transition)?;
        let publication = Publication::of(&self.destinations, transition)?;
        let told = publication.is_some();
        let written = Box::pin(one(executor, self.process_id, &columns, publication)).await?;
        if told {
            self.changes.ring_outbox();
        }
        written.ok_or(Error::Lost)
    }
}

/// `None`: nothing was written, because the checkout is not there any more as it was read.
#[expect(clippy::too_many_lines, reason = "one statement and its bindings")]
pub(super) async fn one(
    executor: impl sqlx::PgExecutor<'_>,
    process_id: uuid::Uuid,
    columns: &Columns,
    publication: Option<Publication>,
) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    let binding = columns.binding.as_ref();
    let answer = columns.answer.as_ref();
    let fingerprint: Option<&[u8]> = binding.map(|binding| binding.fingerprint.as_slice());
    // One statement, with or without the part that writes events: a transition that nobody is told about pays nothing
    // for those who could be.
    macro_rules! written {
        ($outbox:tt, $told:tt $(, $more:expr)*) => {
            sqlx::query!(
                r#"
            with changed as (
                update checkout set
                    status = $4, step = $5, version = version + 1, fence = $6, leased_by = $7, lost_leases = 0,
                    -- A wait is left out when a webhook came meanwhile; a mark is good until the next attempt begins.
                    due_at = now() + make_interval(secs => case when hinted and $36 then 0 else $8::float8 end),
                    hinted = hinted and $7::uuid is not null and $25::text is null,
                    expires_at = coalesce(now() + make_interval(secs => $9::float8), expires_at),
                    look_at = now() + make_interval(secs => $42::float8),
                    stuck_reason = $10, order_id = $12, record = $15::text::json, record_version = $40,
                    updated_at = now()
                where checkout_id = $1 and version = $2 and fence = $3 and record_version <= $40
                returning checkout_id, store, version, updated_at
            ), kept as (
                update checkout_content set cart_id = $11, email = $13, released = $38,
                    input = coalesce($14::text::json, input), document = coalesce($16::text::json, document)
                where checkout_id = (select checkout_id from changed) and $37
            ), logged as (
                insert into attempt_log (checkout_id, version, event, fence, process_id, ended_step, ended_attempt,
                    outcome, upstream_status, duration_ms, detail, began_step, began_attempt)
                select checkout_id, version, $17, $6, $18, $19, $20, $21, $22, $23, $24::text::json, $25, $26
                from changed
            ), ordered as (
                insert into checkout_order (checkout_id, order_id, store)
                select checkout_id, $39, store from changed where $39::bigint is not null
                on conflict (checkout_id, order_id) do nothing
            ), buried as (
                update checkout_order set dead_at = now()
                where checkout_id = (select checkout_id from changed) and dead_at is null
                    and order_id = any($27::bigint[])
            ), given_up as (
                -- Made and given up by one attempt: it is ours all the same, and somebody may pay it.
                insert into checkout_order (checkout_id, order_id, store, dead_at)
                select checkout_id, dead, store, now() from changed, unnest($27::bigint[]) dead
                on conflict do nothing
            ), bound as (
                insert into idempotency_key (checkout_id, principal, key, operation, fingerprint)
                select checkout_id, $28, $29, $30, $31 from changed where $28::text is not null and not $32
            ), rebound as (
                update idempotency_key set answer = null
                where checkout_id = (select checkout_id from changed) and principal = $28 and key = $29 and $32
            ), answered as (
                update idempotency_key set answer = $35::text::json
                where checkout_id = (select checkout_id from changed) and principal = $33 and key = $34
            ), late as (
                insert into late_look (checkout_id, due_at)
                select checkout_id, now() + make_interval(secs => $41) from changed where $41::float8 is not null
                -- A webhook asked for an earlier one: this one follows.
                on conflict (checkout_id) do update set again = true
            )"# + $outbox + r#"
            select updated_at, pg_notify('checkout', checkout_id::text || ' ' || version::text) is null as notified"# + $told + r#"
            from changed
            "#,
            columns.checkout_id,
                columns.from_version,
                columns.from_fence,
                columns.status,
                columns.step,
                columns.fence,
                columns.leased_by,
                columns.due_in,
                columns.expires_in,
                columns.stuck_reason,
                columns.cart_id,
                columns.order_id,
                columns.email,
                columns.input,
                columns.record,
                columns.document.as_ref().map(Document::text),
                columns.event,
                process_id,
                columns.ended_step,
                columns.ended_attempt,
                columns.outcome,
                columns.upstream_status,
                columns.duration_ms,
                columns.detail,
                columns.began_step,
                columns.began_attempt,
                &columns.dead_orders,
                binding.map(|binding| binding.key.principal.as_str()),
                binding.map(|binding| binding.key.key.as_str()),
                binding.map(|binding| binding.operation.as_str()),
                fingerprint,
                binding.is_some_and(|binding| binding.again),
                answer.map(|(key, _)| key.principal.as_str()),
                answer.map(|(key, _)| key.key.as_str()),
                answer.map(|(_, answer)| answer.as_str()),
                columns.is_wait,
                columns.content,
                columns.released,
                columns.new_order_id,
                RECORD_VERSION,
                columns.late_in,
                columns.look_in,
                $($more,)*
            )
            .fetch_optional(executor)
            .await?
            .map(|row| row.updated_at)
        };
    }
    Ok(match &publication {
        None => written!("", ""),
        Some(Publication { events, addressed }) => written!(
            r#", announced as (
                    insert into outbox (checkout_id, event_id, store, version, ordinal, type, at, data)
                    select checkout_id, e.event_id, store, version, e.ordinal, e.type, updated_at, e.data::json
                    from changed, unnest($43::uuid[], $44::smallint[], $45::text[], $46::text[])
                        as e(event_id, ordinal, type, data)
                ), addressed as (
                    insert into delivery (checkout_id, event_id, destination, version, ordinal)
                    select checkout_id, a.event_id, a.destination, version, a.ordinal
                    from changed, unnest($47::uuid[], $48::text[], $49::smallint[]) as a(event_id, destination, ordinal)
                ), turned as (
                    insert into delivery_turn (checkout_id, destination)
                    select distinct checkout_id, t.destination from changed, unnest($48::text[]) as t(destination)
                    on conflict (destination, checkout_id) do update set rung = delivery_turn.rung + 1
                )"#,
            ", pg_notify('outbox', '') is null as told",
            &events.ids,
            &events.ordinals,
            &events.types,
            &events.data,
            &addressed.ids,
            &addressed.destinations,
            &addressed.ordinals
        ),
    })
}
