//! What the metrics read from the database, in a table that is too large to be counted.

use std::time::Duration;

use headless_checkout::db::{Db, Vitals};
use sqlx::postgres::PgPoolOptions;

use crate::harness::World;

const FINISHED: i64 = 15_000;

/// Checkouts as if they had happened: many finished ones, and a few of every other kind.
const ROWS: &str = r#"
    insert into checkout (checkout_id, store, flow, status, step, version, fence, leased_by, due_at, stuck_reason,
        record, updated_at, expires_at)
    select gen_random_uuid(), 'default', 'cart', status, step, 1, 1, case when status = 'running' then gen_random_uuid() end,
        now() + due, reason, record::json, now() - interval '2 hours', now() + interval '7 days'
    from (values
        (14500, 'completed', null, null::interval, null, '{}'),
        (500, 'expired', null, null, null, '{}'),
        (400, 'awaiting_input', 'order', interval '3 days', null, '{}'),
        (30, 'running', 'cart', interval '5 seconds', null, '{}'),
        (1, 'running', 'payment', interval '5 seconds', null,
            '{"in_flight": {"step": "payment", "unknown_since": "2020-01-01T00:00:00Z"}}'),
        (20, 'waiting', 'consignments', interval '-90 seconds', null, '{}'),
        (2, 'waiting', 'payment', interval '1 minute', null,
            '{"in_flight": {"step": "payment", "unknown_since": "2021-01-01T00:00:00Z"}}'),
        (1, 'waiting', 'payment', interval '1 minute', null, '{"in_flight": {"step": "payment", "note": "\u0000"}}'),
        (5, 'compensating', 'order', interval '1 minute', null, '{}'),
        (7, 'stuck', 'payment', null, 'payment-unknown',
            '{"in_flight": {"step": "payment", "unknown_since": "2022-01-01T00:00:00Z"}}'),
        (3, 'stuck', 'order', null, 'order-taken', '{}')
    ) as kinds (count, status, step, due, reason, record), generate_series(1, count)
"#;

fn count(counts: &[(String, i64)], word: &str) -> i64 {
    counts.iter().find(|(known, _)| known == word).map_or(0, |(_, count)| *count)
}

#[tokio::test]
async fn what_is_alive_is_counted_and_what_is_finished_is_not_read() {
    let world = World::new().await;
    sqlx::query(ROWS).execute(&world.database.pool).await.expect("rows");
    sqlx::query("vacuum analyze checkout").execute(&world.database.pool).await.expect("statistics");
    let pool =
        PgPoolOptions::new().max_connections(1).connect(&world.database.url()).await.expect("a connection");
    let read = async || -> i64 {
        sqlx::query("select pg_stat_force_next_flush()").execute(&pool).await.expect("flushed");
        sqlx::query_scalar("select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables where relname = 'checkout'")
            .fetch_one(&pool)
            .await
            .expect("a number")
    };
    let before = read().await;
    let vitals = Db::new(pool.clone(), Duration::from_secs(6)).vitals().await.expect("vitals");
    let rows = read().await - before;
    assert!(rows <= 12_000, "{rows} rows of {FINISHED} and more were read");
    for (status, expected) in
        [("awaiting_input", 400), ("running", 31), ("waiting", 23), ("compensating", 5), ("stuck", 10)]
    {
        assert_eq!(count(&vitals.statuses, status), expected, "{status}: {vitals:?}");
    }
    let finished = count(&vitals.statuses, "completed") + count(&vitals.statuses, "expired");
    assert!((finished - FINISHED).abs() < FINISHED / 20, "{vitals:?}");
    assert_eq!(count(&vitals.stuck, "payment-unknown"), 7);
    assert_eq!(count(&vitals.stuck, "order-taken"), 3);
    let year = Duration::from_hours(365 * 24);
    assert!(
        vitals.oldest_unknown_payment.expect("one") > year * 5,
        "the one that runs is the oldest: {vitals:?}"
    );
    assert!(vitals.oldest_stuck.expect("some") >= Duration::from_hours(2), "{vitals:?}");
    assert!(vitals.recovery_lag >= Duration::from_secs(90), "{vitals:?}");
    pool.close().await;
    world.abandon("its rows are of no checkout that ever ran").await;
}

#[tokio::test]
async fn an_empty_database_has_nothing_to_tell_but_zeros() {
    let world = World::new().await;
    let vitals = Db::new(world.database.pool.clone(), Duration::from_secs(6)).vitals().await.expect("vitals");
    assert_eq!(vitals, Vitals::default());
    world.finish().await;
}

#[tokio::test]
async fn webhooks_tell_how_late_they_come() {
    let world = World::new().await;
    let db = Db::new(world.database.pool.clone(), Duration::from_secs(6));
    let heard = "insert into webhook_event (store, scope, hash, body, received_at)
        values ('default', 'store/order/created', $1, $2::text::json, now() - make_interval(secs => $3::float8))";
    let now: f64 = sqlx::query_scalar("select extract(epoch from now())::float8")
        .fetch_one(&world.database.pool)
        .await
        .expect("a clock");
    for (hash, body, ago) in [
        ("long-ago", r#"{"created_at": 1}"#.to_owned(), 4_000.0),
        ("late", format!(r#"{{"created_at": {:.0}}}"#, now - 130.0), 60.0),
        ("strange", r#"{"created_at": "yesterday"}"#.to_owned(), 50.0),
        ("stranger", r#"{"created_at": "\u0000"}"#.to_owned(), 40.0),
        ("scalar", "5".to_owned(), 30.0),
    ] {
        sqlx::query(heard)
            .bind(hash)
            .bind(body)
            .bind(ago)
            .execute(&world.database.pool)
            .await
            .expect("a row");
    }
    let vitals = db.vitals().await.expect("vitals");
    let lag = vitals.webhook_lag.expect("a lag").as_secs();
    assert!((65..=75).contains(&lag), "{vitals:?}");
    let silence = vitals.webhook_silence.expect("a silence").as_secs();
    assert!((30..=60).contains(&silence), "{vitals:?}");
    world.finish().await;
}
