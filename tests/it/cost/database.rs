//! What a checkout costs the database, counted on a server of its own: statements, commits, bytes of the log, notifications.

use std::fmt::Write as _;

use bigcommerce_simulator::Settings;
use devtools::Postgres;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions as _, Executor as _, PgPool};

use super::wire::{Seen, Wire};
use super::{in_one_call, stepwise};
use crate::harness::daemon::skipped;
use crate::harness::{Database, Service, World, logs};

/// Enough that what happens beside the checkouts now and then does not count.
const CHECKOUTS: usize = 20;

/// What one checkout may cost. Of the log a twentieth is left for what differs between versions of PostgreSQL.
struct Most {
    statements: usize,
    commits: usize,
    log_bytes: usize,
    notifications: usize,
}

#[tokio::test]
async fn a_checkout_in_one_call_costs_no_more_than_it_did() {
    let most = Most { statements: 10, commits: 10, log_bytes: 25_800, notifications: 4 };
    counted(most, async |service| in_one_call(service).await).await;
}

#[tokio::test]
async fn a_stepwise_checkout_costs_no_more_than_it_did() {
    let most = Most { statements: 14, commits: 14, log_bytes: 34_200, notifications: 12 };
    counted(most, async |service| stepwise(service).await).await;
}

/// Makes checkouts one after the other, and compares what one of them cost.
async fn counted(most: Most, checkout: impl AsyncFn(&Service)) {
    if devtools::find_postgres(None).is_err() {
        return skipped(
            "cost",
            "PostgreSQL's programs are not installed: nobody counted what a checkout costs",
        );
    }
    logs::capture();
    // It logs no page whole after a checkpoint; without autovacuum nothing is left that varies.
    let server = Postgres::start().await.expect("a server of our own");
    let options: PgConnectOptions = server.url().parse().expect("a URL");
    let wire = Wire::before(options.get_port()).await;
    let mut world = World::on(Database::create_alone_in(options).await, Settings::default()).await;
    for sql in ["alter system set autovacuum = off", "select pg_reload_conf()"] {
        world.database.pool.execute(sql).await.expect("it is set");
    }
    let (cluster, name) = world.database.place();
    let through = cluster.clone().database(name).port(wire.port).ssl_mode(PgSslMode::Disable).to_url_lossy();
    world.set("DATABASE_URL", through.as_str());
    let service = world.start().await;
    // What is prepared and cached is there afterwards.
    for _ in 0..3 {
        checkout(&service).await;
    }
    wire.take();
    let before = totals(&world.database.pool).await;
    for _ in 0..CHECKOUTS {
        checkout(&service).await;
    }
    let after = totals(&world.database.pool).await;
    let seen = wire.take();
    service.stop().await;
    world.finish().await;
    server.stop().await;
    compare(&most, &seen, after.0 - before.0, after.1 - before.1);
}

fn compare(most: &Most, seen: &Seen, commits: i64, log_bytes: i64) {
    // What was executed less than once for each checkout belongs to none of them.
    let each: Vec<(usize, &str)> = seen
        .statements
        .iter()
        .map(|(text, count)| (count / CHECKOUTS, text.as_str()))
        .filter(|(count, _)| *count > 0)
        .collect();
    let per_checkout = |total: i64| usize::try_from(total).expect("it grows") / CHECKOUTS;
    let mut listed = String::new();
    for (count, text) in &each {
        let text: Vec<&str> = text.split_whitespace().collect();
        writeln!(listed, "  {count} x {:.150}", text.join(" ")).expect("a string takes it");
    }
    let figures = [
        ("statements", each.iter().map(|(count, _)| count).sum(), most.statements),
        ("commits", per_checkout(commits), most.commits),
        ("bytes of the log", per_checkout(log_bytes), most.log_bytes),
        ("notifications", seen.notifications / CHECKOUTS, most.notifications),
    ];
    let mut all = String::new();
    for (what, is, most) in figures {
        writeln!(all, "  {is} {what}, at most {most}").expect("a string takes it");
    }
    println!("one checkout:\n{all}{listed}");
    for (what, is, most) in figures {
        assert!(is <= most, "a checkout costs {is} {what}, and at most {most} are expected:\n{all}{listed}");
    }
}

/// Transactions that wrote something, and the length of the log.
async fn totals(pool: &PgPool) -> (i64, i64) {
    sqlx::query_as(
        "select pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
             pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint",
    )
    .fetch_one(pool)
    .await
    .expect("the server counts")
}
