//! What a checkout costs the database, counted on a server of its own: statements, commits, bytes of the log, notifications.

use std::fmt::Write as _;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgPool};

use super::wire::{Seen, Wire};
use super::{in_one_call, stepwise};
use crate::harness::daemon::{Daemon, Place, free_ports, skipped};
use crate::harness::{Database, PATIENCE, Service, World, logs};
use bigcommerce_simulator::Settings;

/// Enough that what happens beside the checkouts now and then does not count.
const CHECKOUTS: usize = 20;

/// Without what varies: pages that are logged whole after a checkpoint, and the work of autovacuum.
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "headless_checkout.throwaway=on",
    "fsync=off",
    "full_page_writes=off",
    "autovacuum=off",
    "max_connections=100",
    "shared_buffers=32MB",
    "timezone=UTC",
];

/// What one checkout may cost.
struct Most {
    statements: usize,
    commits: usize,
    log_bytes: usize,
    notifications: usize,
}

#[tokio::test]
async fn a_checkout_in_one_call_costs_no_more_than_it_did() {
    let most = Most { statements: 10, commits: 10, log_bytes: 25_000, notifications: 4 };
    counted(most, async |service| in_one_call(service).await).await;
}

#[tokio::test]
async fn a_stepwise_checkout_costs_no_more_than_it_did() {
    let most = Most { statements: 14, commits: 14, log_bytes: 33_200, notifications: 12 };
    counted(most, async |service| stepwise(service).await).await;
}

/// Makes checkouts one after the other, and compares what one of them cost.
async fn counted(most: Most, checkout: impl AsyncFn(&Service)) {
    let Ok(found) = devtools::find_postgres(None) else {
        return skipped(
            "cost",
            "PostgreSQL's programs are not installed: nobody counted what a checkout costs",
        );
    };
    logs::capture();
    let (place, [port]) = (Place::new(), free_ports());
    let server = start(&place, &found.folder, port).await;
    let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port).username("checkout");
    let wire = Wire::before(port).await;
    let mut world = World::on(Database::create_alone_in(options).await, Settings::default()).await;
    let through =
        format!("postgres://checkout@127.0.0.1:{}/{}?sslmode=disable", wire.port, world.database.place().1);
    world.set("DATABASE_URL", &through);
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

async fn start(place: &Place, programs: &std::path::Path, port: u16) -> Daemon {
    let data = place.folder("data");
    let data = data.to_string_lossy();
    let made =
        ["--username=checkout", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D", &data];
    place.run(&programs.join("initdb"), &made).await;
    let port_setting = format!("port={port}");
    let mut arguments = vec!["-D", &*data, "-c", &port_setting];
    arguments.extend(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
    let server = place.start("log", "QUIT", &programs.join("postgres"), &arguments);
    let options = PgConnectOptions::new_without_pgpass().host("127.0.0.1").port(port).username("checkout");
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
    while options.clone().database("postgres").connect().await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "{}", place.said("log"));
        looks.tick().await;
    }
    server
}
