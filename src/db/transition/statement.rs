//! The one statement that writes transitions: of one checkout, or of several.
//!
//! Guarantees: each row is written only onto the version and under the fence that it was decided on, with everything that belongs
//! to it. A row that is not written is not in the answer, and the others are written all the same. An error: none of them was.
//!
//! There is one text of it. Only the input differs between one row and several: as parameters, or as one array per column. What few
//! transitions have is left out for the others: events, and what `usual` names.

use std::collections::HashMap;

use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::checkout::{Document, KeyRef};
use crate::db::checkout::row::RECORD_VERSION;
use crate::db::outbox::Publication;
use crate::db::transition::columns::TransitionRow;

/// A parameter of one row.
macro_rules! value {
    ($row:ident in $rows:expr => $value:expr) => {{
        let $row: &TransitionRow = $rows;
        $value
    }};
}

/// A column of several rows.
macro_rules! array {
    ($row:ident in $rows:expr => $value:expr) => {
        $rows.iter().map(|&$row: &&TransitionRow| $value).collect::<Vec<_>>()
    };
}

/// The statement. `given` makes the row, or the rows, of the parameters; `$of` makes the parameters of the rows. `large` is what is
/// fetched from its parameter where it is needed, and not carried through all of this. Parameters 54 and up are `more`.
///
/// `whole` writes everything that there is. `usual` is the same without what few transitions have, because PostgreSQL prepares
/// each part of a statement whenever it is executed, also for nothing: whoever uses it asks [`is_usual`] first.
macro_rules! transition {
    (
        whole, $of:ident!($rows:expr), process = $process:expr, dead = $dead:expr, given = $given:tt,
        large = [$input:tt, $document:tt, $metadata:tt], events = $events:tt $(, more = [$($more:expr),*])?
    ) => {
        transition!(
            @ $of!($rows), process = $process, dead = $dead, given = $given, input = $input, document = $document,
            changed = "changed",
            beginning = [r#"
            created as (
                insert into checkout (checkout_id, store, flow, status, step, version, fence, leased_by, due_at,
                    expires_at, stuck_reason, order_id, record, record_version)
                select checkout_id, store, flow, status, step, version, fence, leased_by,
                    now() + make_interval(secs => due_in), now() + make_interval(secs => expires_in),
                    stuck_reason, order_id, record::json, $46
                from given where flow is not null
            ), begun as (
                insert into checkout_content (checkout_id, store, cart_id, email, total, metadata, input, document)
                select checkout_id, store, cart_id, email, total::numeric, "# + $metadata + "::json, " + $input + "::json, " + $document
                + r#"::json
                from given where flow is not null
            ), admitted as (
                insert into checkout_token (checkout_id, token_hash)
                select checkout_id, token_hash from given where flow is not null
            ), changed as (
                select checkout_id, store, version, fence, is_news, new_order_id, late_in, event, ended_step,
                    ended_attempt, outcome, upstream_status, duration_ms, detail, began_step, began_attempt,
                    bound_by, bound_key, operation, fingerprint, again, answered_by, answered_key, answer
                from moved
                union all
                select checkout_id, store, version, fence, is_news, new_order_id, late_in, event, ended_step,
                    ended_attempt, outcome, upstream_status, duration_ms, detail, began_step, began_attempt,
                    bound_by, bound_key, operation, fingerprint, again, answered_by, answered_key, answer
                from given where flow is not null
            ),"#],
            seldom = [r#"
            ordered as (
                insert into checkout_order (checkout_id, order_id, store)
                select checkout_id, new_order_id, store from changed where new_order_id is not null
                on conflict (checkout_id, order_id) do nothing
            ), dead as (
                select c.checkout_id, c.store, d.order_id
                from unnest($47::uuid[], $48::bigint[]) as d(checkout_id, order_id)
                join changed c on c.checkout_id = d.checkout_id
            ), buried as (
                update checkout_order o set dead_at = now() from dead d
                where o.checkout_id = d.checkout_id and o.order_id = d.order_id and o.dead_at is null
            ), given_up as (
                -- Made and given up by one attempt: it is ours all the same, and somebody may pay it.
                insert into checkout_order (checkout_id, order_id, store, dead_at)
                select checkout_id, order_id, store, now() from dead
                on conflict do nothing
            ), rebound as (
                update idempotency_key k set answer = null from changed c
                where c.again and k.checkout_id = c.checkout_id and k.principal = c.bound_by and k.key = c.bound_key
            ), late as (
                insert into late_look (checkout_id, due_at)
                select checkout_id, now() + make_interval(secs => late_in) from changed where late_in is not null
                -- Another one is due already: the earlier of both comes first, and one follows.
                on conflict (checkout_id) do update set due_at = least(late_look.due_at, excluded.due_at), again = true
            ),"#],
            events = $events, more = [$($($more),*)?]
        )
    };
    (
        usual, $of:ident!($rows:expr), process = $process:expr, dead = $dead:expr, given = $given:tt,
        large = [$input:tt, $document:tt, $metadata:tt], events = $events:tt
    ) => {
        transition!(
            @ $of!($rows), process = $process, dead = $dead, given = $given, input = $input, document = $document,
            changed = "moved",
            // So that each parameter has a type. It is not executed.
            beginning = ["unused as (select " + $metadata + ", $47::uuid[], $48::bigint[] from moved),"],
            seldom = [""],
            events = $events, more = []
        )
    };
    (
        @ $of:ident!($rows:expr), process = $process:expr, dead = $dead:expr, given = $given:tt, input = $input:tt,
        document = $document:tt, changed = $changed:tt, beginning = [$($beginning:tt)*], seldom = [$seldom:tt],
        events = $events:tt, more = [$($more:expr),*]
    ) => {
        sqlx::query!(
            r#"with given as ("# + $given + r#"), moved as (
                update checkout c set
                    status = g.status, step = g.step, version = c.version + 1, fence = g.fence, leased_by = g.leased_by,
                    lost_leases = 0,
                    -- Where no indexed column changes, no index is written (a heap-only tuple).
                    -- A wait is left out when a webhook came meanwhile; a mark is good until the next attempt begins.
                    due_at = case when g.stays then c.due_at
                        else now() + make_interval(secs => case when c.hinted and g.is_wait then 0 else g.due_in end) end,
                    hinted = c.hinted and g.leased_by is not null and g.began_step is null,
                    expires_at = coalesce(now() + make_interval(secs => g.expires_in), c.expires_at),
                    look_at = now() + make_interval(secs => g.look_in),
                    stuck_reason = g.stuck_reason, order_id = g.order_id, record = g.record::json, record_version = $46,
                    attention = g.attention, obstacle = g.obstacle,
                    updated_at = case when g.stays then c.updated_at else now() end
                from given g
                where g.flow is null and c.checkout_id = g.checkout_id and c.version = g.from_version
                    and c.fence = g.from_fence and c.record_version <= $46
                returning g.checkout_id, g.store, c.version, g.fence, g.is_news, g.new_order_id, g.late_in, g.event, g.ended_step,
                    g.ended_attempt, g.outcome, g.upstream_status, g.duration_ms, g.detail, g.began_step,
                    g.began_attempt, g.bound_by, g.bound_key, g.operation, g.fingerprint, g.again, g.answered_by,
                    g.answered_key, g.answer, g.content, g.released, g.cart_id, g.email, g.total, g.place
            ), kept as (
                update checkout_content t set
                    cart_id = m.cart_id, email = m.email, total = m.total::numeric, released = m.released,
                    input = coalesce("# + $input + r#"::json, t.input),
                    document = coalesce("# + $document + r#"::json, t.document)
                from moved m where m.content and t.checkout_id = m.checkout_id
            ), "# + $($beginning)* + r#" logged as (
                insert into attempt_log (checkout_id, version, event, fence, process_id, ended_step, ended_attempt,
                    outcome, upstream_status, duration_ms, detail, began_step, began_attempt)
                select checkout_id, version, event, fence, $45, ended_step, ended_attempt,
                    outcome, upstream_status, duration_ms, detail::json, began_step, began_attempt
                from "# + $changed + r#" where event is not null
            ), "# + $seldom + r#" bound as (
                insert into idempotency_key (checkout_id, principal, key, operation, fingerprint)
                select checkout_id, bound_by, bound_key, operation, fingerprint
                from "# + $changed + r#" where bound_key is not null and not again
            ), answered as (
                update idempotency_key k set answer = c.answer::json from "# + $changed + r#" c
                where k.checkout_id = c.checkout_id and k.principal = c.answered_by and k.key = c.answered_key
            ), notified as (
                -- A notification holds less than 8000 bytes.
                select pg_notify('checkout', string_agg(checkout_id::text || ' ' || version::text, ','))
                from (
                    select checkout_id, version, row_number() over () / 100 as part from "# + $changed + r#" where is_news
                ) as parts
                group by part
            )"# + $events + r#"
            select checkout_id as "checkout_id!", now() as "at!", (select count(*) from notified) as notified
            from "# + $changed,
            $of!(row in $rows => row.checkout_id) as _,
            $of!(row in $rows => row.store.as_str()) as _,
            $of!(row in $rows => row.from_version) as _,
            $of!(row in $rows => row.from_fence) as _,
            $of!(row in $rows => row.version) as _,
            $of!(row in $rows => row.fence) as _,
            $of!(row in $rows => row.status) as _,
            $of!(row in $rows => row.step) as _,
            $of!(row in $rows => row.leased_by) as _,
            $of!(row in $rows => row.due.seconds()) as _,
            $of!(row in $rows => row.expires_in) as _,
            $of!(row in $rows => row.look_in) as _,
            $of!(row in $rows => row.late_in) as _,
            $of!(row in $rows => row.due.is_wait()) as _,
            $of!(row in $rows => row.stuck_reason) as _,
            $of!(row in $rows => row.cart_id.as_deref()) as _,
            $of!(row in $rows => row.order_id) as _,
            $of!(row in $rows => row.new_order_id) as _,
            $of!(row in $rows => row.email.as_deref()) as _,
            $of!(row in $rows => row.released) as _,
            $of!(row in $rows => row.content) as _,
            $of!(row in $rows => row.record.as_str()) as _,
            $of!(row in $rows => row.event) as _,
            $of!(row in $rows => row.ended_step) as _,
            $of!(row in $rows => row.ended_attempt) as _,
            $of!(row in $rows => row.outcome) as _,
            $of!(row in $rows => row.upstream_status) as _,
            $of!(row in $rows => row.duration_ms) as _,
            $of!(row in $rows => row.detail.as_deref()) as _,
            $of!(row in $rows => row.began_step) as _,
            $of!(row in $rows => row.began_attempt) as _,
            $of!(row in $rows => row.binding.as_ref().map(|binding| principal(&binding.key))) as _,
            $of!(row in $rows => row.binding.as_ref().map(|binding| binding.key.key.as_str())) as _,
            $of!(row in $rows => row.binding.as_ref().map(|binding| binding.operation.as_str())) as _,
            $of!(row in $rows => row.binding.as_ref().map(|binding| binding.fingerprint.as_slice())) as _,
            $of!(row in $rows => row.binding.as_ref().is_some_and(|binding| binding.again)) as _,
            $of!(row in $rows => row.answer.as_ref().map(|(key, _)| principal(key))) as _,
            $of!(row in $rows => row.answer.as_ref().map(|(key, _)| key.key.as_str())) as _,
            $of!(row in $rows => row.answer.as_ref().map(|(_, answer)| answer.as_str())) as _,
            $of!(row in $rows => row.creation.as_ref().map(|creation| creation.flow)) as _,
            $of!(row in $rows => row.creation.as_ref().map(|creation| creation.token_hash.as_slice())) as _,
            $of!(row in $rows => row.input.as_deref()) as _,
            $of!(row in $rows => row.document.as_ref().map(Document::text)) as _,
            $of!(row in $rows => row.creation.as_ref().map(|creation| creation.metadata.as_str())) as _,
            $process,
            RECORD_VERSION,
            &$dead.0,
            &$dead.1,
            $of!(row in $rows => row.attention) as _,
            $of!(row in $rows => row.obstacle) as _,
            $of!(row in $rows => row.total.as_deref()) as _,
            $of!(row in $rows => row.due.stays()) as _,
            $of!(row in $rows => row.is_news) as _,
            $($more,)*
        )
    };
}

/// Writes one row. `None`: nothing was written, because the checkout is not there any more as it was read. A bound key is an error.
pub(crate) async fn write_one(
    executor: impl PgExecutor<'_>,
    process_id: Uuid,
    row: &TransitionRow,
    publication: Option<Publication>,
) -> Result<Option<OffsetDateTime>, sqlx::Error> {
    let dead = dead(&[row]);
    macro_rules! alone {
        ($shape:ident, $events:tt $($more:tt)*) => {
            transition!(
                $shape, value!(row), process = process_id, dead = dead,
                given = r#"
                    select $1::uuid as checkout_id, $2::text as store, $3::bigint as from_version,
                        $4::bigint as from_fence, $5::bigint as version, $6::bigint as fence, $7::text as status,
                        $8::text as step, $9::uuid as leased_by, $10::float8 as due_in, $11::float8 as expires_in,
                        $12::float8 as look_in, $13::float8 as late_in, $14::bool as is_wait,
                        $15::text as stuck_reason, $16::text as cart_id, $17::bigint as order_id,
                        $18::bigint as new_order_id, $19::text as email, $20::bool as released, $21::bool as content,
                        $22::text as record, $23::text as event, $24::text as ended_step, $25::int as ended_attempt,
                        $26::text as outcome, $27::smallint as upstream_status, $28::int as duration_ms,
                        $29::text as detail, $30::text as began_step, $31::int as began_attempt, $32::text as bound_by,
                        $33::text as bound_key, $34::text as operation, $35::bytea as fingerprint, $36::bool as again,
                        $37::text as answered_by, $38::text as answered_key, $39::text as answer, $40::text as flow,
                        $41::bytea as token_hash, $49::text as attention, $50::text as obstacle, $51::text as total,
                        $52::bool as stays, $53::bool as is_news, 1::bigint as place
                "#,
                large = ["$42::text", "$43::text", "$44::text"],
                events = $events $($more)*
            )
            .fetch_optional(executor)
            .await?
            .map(|row| row.at)
        };
    }
    Ok(match &publication {
        None if is_usual(row) => alone!(usual, ""),
        None => alone!(whole, ""),
        Some(Publication { events, addressed }) => alone!(
            whole,
            r#", announced as (
                insert into outbox (checkout_id, event_id, store, version, ordinal, type, at, data)
                select checkout_id, e.event_id, store, version, e.ordinal, e.type, now(), e.data::json
                from changed, unnest($54::uuid[], $55::smallint[], $56::text[], $57::text[])
                    as e(event_id, ordinal, type, data)
            ), addressed as (
                insert into delivery (checkout_id, event_id, destination, version, ordinal)
                select checkout_id, a.event_id, a.destination, version, a.ordinal
                from changed, unnest($58::uuid[], $59::text[], $60::smallint[]) as a(event_id, destination, ordinal)
            ), turned as (
                insert into delivery_turn (checkout_id, destination)
                select distinct checkout_id, t.destination from changed, unnest($59::text[]) as t(destination)
                on conflict (destination, checkout_id) do update set rung = delivery_turn.rung + 1
            ), told as (
                select pg_notify('outbox', '') from changed
            )"#,
            more = [
                &events.ids,
                &events.ordinals,
                &events.types,
                &events.data,
                &addressed.ids,
                &addressed.destinations,
                &addressed.ordinals
            ]
        ),
    })
}

/// Writes several rows, none of which causes events; no checkout may be in it twice. When each was written, by checkout. Missing: it
/// was not, because its checkout moved, or because its key is bound.
pub(crate) async fn write_batch(
    executor: impl PgExecutor<'_>,
    process_id: Uuid,
    rows: &[&TransitionRow],
) -> Result<HashMap<Uuid, OffsetDateTime>, sqlx::Error> {
    let dead = dead(rows);
    macro_rules! together {
        ($shape:ident) => {
    transition!(
        $shape, array!(rows), process = process_id, dead = dead,
        given = r#"
            select g.* from unnest(
                $1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[],
                $9::uuid[], $10::float8[], $11::float8[], $12::float8[], $13::float8[], $14::bool[], $15::text[],
                $16::text[], $17::bigint[], $18::bigint[], $19::text[], $20::bool[], $21::bool[], $22::text[],
                $23::text[], $24::text[], $25::int[], $26::text[], $27::smallint[], $28::int[], $29::text[],
                $30::text[], $31::int[], $32::text[], $33::text[], $34::text[], $35::bytea[], $36::bool[],
                $37::text[], $38::text[], $39::text[], $40::text[], $41::bytea[], $49::text[], $50::text[],
                $51::text[], $52::bool[], $53::bool[]
            ) with ordinality as g(
                checkout_id, store, from_version, from_fence, version, fence, status, step,
                leased_by, due_in, expires_in, look_in, late_in, is_wait, stuck_reason,
                cart_id, order_id, new_order_id, email, released, content, record,
                event, ended_step, ended_attempt, outcome, upstream_status, duration_ms, detail,
                began_step, began_attempt, bound_by, bound_key, operation, fingerprint, again,
                answered_by, answered_key, answer, flow, token_hash, attention, obstacle, total, stays, is_news, place
            )
            -- A bound key fails one row. Left to the unique index it would fail all of them. Looked up one by one: an
            -- `exists` could be answered by reading the whole table.
            where g.bound_key is null or g.again or (
                select k.checkout_id from idempotency_key k where k.principal = g.bound_by and k.key = g.bound_key
            ) is null
        "#,
        large = ["($42::text[])[place]", "($43::text[])[place]", "($44::text[])[place]"],
        events = ""
    )
    .fetch_all(executor)
    .await?
    .into_iter()
    .map(|row| (row.checkout_id, row.at))
    .collect()
        };
    }
    Ok(if rows.iter().all(|row| is_usual(row)) { together!(usual) } else { together!(whole) })
}

/// Whether a transition has none of what `usual` leaves out.
fn is_usual(row: &TransitionRow) -> bool {
    row.creation.is_none()
        && row.new_order_id.is_none()
        && row.abandoned_orders.is_empty()
        && row.late_in.is_none()
        && !row.binding.as_ref().is_some_and(|binding| binding.again)
}

/// The orders that died, each beside its checkout.
fn dead(rows: &[&TransitionRow]) -> (Vec<Uuid>, Vec<i64>) {
    rows.iter().flat_map(|row| row.abandoned_orders.iter().map(|order| (row.checkout_id, *order))).unzip()
}

fn principal(key: &KeyRef) -> &str {
    key.principal.as_str()
}
