//! The one statement that writes the transitions of several checkouts, and checkouts that begin.
//!
//! Guarantees: each row is written only onto the version and under the fence that it was decided on; a row that is not
//! written is not in the answer, and the others are written all the same. An error: not one of them was.
//!
//! It says the same as `write`, row by row. Never here: events (`outbox`) and orders that died, whose transitions are rare and
//! written alone.

use std::collections::HashMap;

use time::OffsetDateTime;
use uuid::Uuid;

use super::columns::{Columns, Creation};
use super::row::RECORD_VERSION;
use crate::checkout::{Document, KeyRef};

/// When each of these rows was written, by checkout; no checkout may be in it twice. Missing: it was not written, because
/// its checkout moved, or because its key is bound.
#[expect(clippy::too_many_lines, reason = "one statement and its bindings")]
pub(super) async fn write(
    executor: impl sqlx::PgExecutor<'_>,
    process_id: Uuid,
    rows: &[&Columns],
) -> Result<HashMap<Uuid, OffsetDateTime>, sqlx::Error> {
    let columns = Arrays { rows };
    let written = sqlx::query!(
        r#"
        with given as (
            select g.* from unnest(
                $1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[],
                $9::uuid[], $10::float8[], $11::float8[], $12::bool[], $13::text[], $14::text[], $15::bigint[],
                $16::text[], $18::text[], $20::text[], $21::text[], $22::int[],
                $23::text[], $24::smallint[], $25::int[], $26::text[], $27::text[], $28::int[], $29::text[],
                $30::text[], $31::text[], $32::bytea[], $33::bool[], $34::text[], $35::text[], $36::text[],
                $37::text[], $39::bytea[], $41::bool[], $42::bool[], $43::bigint[], $45::float8[]
            ) with ordinality as g(
                checkout_id, store, from_version, from_fence, version, fence, status, step,
                leased_by, due_in, expires_in, is_wait, stuck_reason, cart_id, order_id,
                email, record, event, ended_step, ended_attempt,
                outcome, upstream_status, duration_ms, detail, began_step, began_attempt, bound_by,
                bound_key, operation, fingerprint, again, answered_by, answered_key, answer,
                flow, token_hash, content, released, new_order_id, look_in, place
            )
            -- A bound key fails one row. Left to the unique index it would fail all of them. Looked up one by one: an
            -- `exists` could be answered by reading the whole table.
            where g.bound_key is null or g.again or (
                select k.checkout_id from idempotency_key k where k.principal = g.bound_by and k.key = g.bound_key
            ) is null
        ), moved as (
            update checkout c set
                status = g.status, step = g.step, version = c.version + 1, fence = g.fence, leased_by = g.leased_by,
                lost_leases = 0,
                -- A wait is left out when a webhook came meanwhile; a mark is good until the next attempt begins.
                due_at = now() + make_interval(secs => case when c.hinted and g.is_wait then 0 else g.due_in end),
                hinted = c.hinted and g.leased_by is not null and g.began_step is null,
                expires_at = coalesce(now() + make_interval(secs => g.expires_in), c.expires_at),
                look_at = now() + make_interval(secs => g.look_in),
                stuck_reason = g.stuck_reason, order_id = g.order_id, record = g.record::json, record_version = $44,
                updated_at = now()
            from given g
            where g.flow is null and c.checkout_id = g.checkout_id and c.version = g.from_version
                and c.fence = g.from_fence and c.record_version <= $44
            returning g.checkout_id, g.store, c.version, g.fence, g.new_order_id, g.event, g.ended_step,
                g.ended_attempt, g.outcome, g.upstream_status, g.duration_ms, g.detail, g.began_step, g.began_attempt,
                g.bound_by, g.bound_key, g.operation, g.fingerprint, g.again, g.answered_by, g.answered_key, g.answer,
                g.content, g.released, g.cart_id, g.email, g.place
        ), kept as (
            update checkout_content t set
                cart_id = m.cart_id, email = m.email, released = m.released,
                -- What is large is fetched from its place, and not carried through all of this.
                input = coalesce(($17::text[])[m.place]::json, t.input),
                document = coalesce(($19::text[])[m.place]::json, t.document)
            from moved m where m.content and t.checkout_id = m.checkout_id
        ), created as (
            insert into checkout (checkout_id, store, flow, status, step, version, fence, leased_by, due_at, expires_at,
                stuck_reason, order_id, record, record_version)
            select checkout_id, store, flow, status, step, version, fence, leased_by,
                now() + make_interval(secs => due_in), now() + make_interval(secs => expires_in),
                stuck_reason, order_id, record::json, $44
            from given where flow is not null
        ), begun as (
            insert into checkout_content (checkout_id, store, cart_id, email, metadata, input, document)
            select checkout_id, store, cart_id, email, ($38::text[])[place]::json, ($17::text[])[place]::json,
                ($19::text[])[place]::json
            from given where flow is not null
        ), admitted as (
            insert into checkout_token (checkout_id, token_hash)
            select checkout_id, token_hash from given where flow is not null
        ), changed as (
            select checkout_id, store, version, fence, new_order_id, event, ended_step,
                ended_attempt, outcome, upstream_status, duration_ms, detail, began_step, began_attempt,
                bound_by, bound_key, operation, fingerprint, again, answered_by, answered_key, answer
            from moved
            union all
            select checkout_id, store, version, fence, new_order_id, event, ended_step,
                ended_attempt, outcome, upstream_status, duration_ms, detail, began_step, began_attempt,
                bound_by, bound_key, operation, fingerprint, again, answered_by, answered_key, answer
            from given where flow is not null
        ), logged as (
            insert into attempt_log (checkout_id, version, event, fence, process_id, ended_step, ended_attempt,
                outcome, upstream_status, duration_ms, detail, began_step, began_attempt)
            select checkout_id, version, event, fence, $40, ended_step, ended_attempt,
                outcome, upstream_status, duration_ms, detail::json, began_step, began_attempt
            from changed where event is not null
        ), ordered as (
            insert into checkout_order (checkout_id, order_id, store)
            select checkout_id, new_order_id, store from changed where new_order_id is not null
            on conflict (checkout_id, order_id) do nothing
        ), bound as (
            insert into idempotency_key (checkout_id, principal, key, operation, fingerprint)
            select checkout_id, bound_by, bound_key, operation, fingerprint
            from changed where bound_key is not null and not again
        ), rebound as (
            update idempotency_key k set answer = null from changed c
            where c.again and k.checkout_id = c.checkout_id and k.principal = c.bound_by and k.key = c.bound_key
        ), answered as (
            update idempotency_key k set answer = c.answer::json from changed c
            where k.checkout_id = c.checkout_id and k.principal = c.answered_by and k.key = c.answered_key
        ), told as (
            -- A notification holds less than 8000 bytes.
            select pg_notify('checkout', string_agg(checkout_id::text || ' ' || version::text, ','))
            from (select checkout_id, version, row_number() over () / 100 as part from changed) as parts
            group by part
        )
        select checkout_id as "checkout_id!", now() as "at!", (select count(*) from told) as notified
        from changed
        "#,
        columns.of(|row| row.checkout_id) as _,
        columns.of(|row| row.store.as_str()) as _,
        columns.of(|row| row.from_version) as _,
        columns.of(|row| row.from_fence) as _,
        columns.of(|row| row.version) as _,
        columns.of(|row| row.fence) as _,
        columns.of(|row| row.status) as _,
        columns.of(|row| row.step) as _,
        columns.of(|row| row.leased_by) as _,
        columns.of(|row| row.due_in) as _,
        columns.of(|row| row.expires_in) as _,
        columns.of(|row| row.is_wait) as _,
        columns.of(|row| row.stuck_reason) as _,
        columns.of(|row| row.cart_id.as_deref()) as _,
        columns.of(|row| row.order_id) as _,
        columns.of(|row| row.email.as_deref()) as _,
        columns.of(|row| row.input.as_deref()) as _,
        columns.of(|row| row.record.as_str()) as _,
        columns.of(|row| row.document.as_ref().map(Document::text)) as _,
        columns.of(|row| row.event) as _,
        columns.of(|row| row.ended_step) as _,
        columns.of(|row| row.ended_attempt) as _,
        columns.of(|row| row.outcome) as _,
        columns.of(|row| row.upstream_status) as _,
        columns.of(|row| row.duration_ms) as _,
        columns.of(|row| row.detail.as_deref()) as _,
        columns.of(|row| row.began_step) as _,
        columns.of(|row| row.began_attempt) as _,
        columns.of(|row| row.binding.as_ref().map(|binding| principal(&binding.key))) as _,
        columns.of(|row| row.binding.as_ref().map(|binding| binding.key.key.as_str())) as _,
        columns.of(|row| row.binding.as_ref().map(|binding| binding.operation.as_str())) as _,
        columns.of(|row| row.binding.as_ref().map(|binding| binding.fingerprint.as_slice())) as _,
        columns.of(|row| row.binding.as_ref().is_some_and(|binding| binding.again)) as _,
        columns.of(|row| row.answer.as_ref().map(|(key, _)| principal(key))) as _,
        columns.of(|row| row.answer.as_ref().map(|(key, _)| key.key.as_str())) as _,
        columns.of(|row| row.answer.as_ref().map(|(_, answer)| answer.as_str())) as _,
        columns.created(|creation| creation.flow) as _,
        columns.created(|creation| creation.metadata.as_str()) as _,
        columns.created(|creation| creation.token_hash.as_slice()) as _,
        process_id,
        columns.of(|row| row.content) as _,
        columns.of(|row| row.released) as _,
        columns.of(|row| row.new_order_id) as _,
        RECORD_VERSION,
        columns.of(|row| row.look_in) as _,
    )
    .fetch_all(executor)
    .await?;
    Ok(written.into_iter().map(|row| (row.checkout_id, row.at)).collect())
}

/// Rows, turned into one array for each column.
struct Arrays<'a> {
    rows: &'a [&'a Columns],
}

impl<'a> Arrays<'a> {
    fn of<T>(&self, column: impl Fn(&'a Columns) -> T) -> Vec<T> {
        self.rows.iter().map(|row| column(row)).collect()
    }

    /// Of the checkouts that begin; null for the others.
    fn created<T>(&self, column: impl Fn(&'a Creation) -> T) -> Vec<Option<T>> {
        self.of(|row| row.creation.as_ref().map(&column))
    }
}

fn principal(key: &KeyRef) -> &str {
    key.principal.as_str()
}
