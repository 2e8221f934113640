//! How soon checkouts are claimed that a `kill -9` interrupted: thousands at once, by a second process.
//!
//! Every checkout is kept waiting by the upstream at one of its first four calls, in turn. Then the process is killed and
//! the upstream answers again. What is measured is read from the attempt log, by PostgreSQL's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sqlx::Executor as _;
use time::OffsetDateTime;
use tokio::task::JoinSet;

use super::database::Database;
use super::figures::{Figures, real};
use super::place::{self, Place};
use super::report::{Limit, Target, progress};
use super::shopper::{Path, Shop, Shopper};

const SHOPPERS: usize = 64;
/// Few are enough: nobody gets as far as a payment.
const STORES: usize = 4;
const PATIENCE: Duration = Duration::from_mins(5);

/// Measures, and prints.
pub(crate) async fn run(place: &Place) -> anyhow::Result<()> {
    let checkouts = place.options.checkouts.unwrap_or_else(|| place.options.size(10_000, 50));
    // The defaults, but for the timeout: nothing may time out while the others still begin.
    let (timeout, lease) = place.options.size(("60", "70"), ("4", "7"));
    let settings = [
        ("UPSTREAM_TIMEOUT_SECONDS", timeout),
        ("PAYMENT_TIMEOUT_SECONDS", timeout),
        ("LEASE_SECONDS", lease),
    ];
    let database = place.database().await?;
    let first = place.start(&database, STORES, &settings).await?;
    let shop = place::shop(&first, STORES)?;
    let mut shopper = Shopper::enter(&shop).await?;
    for _ in 0..STORES {
        // The quota of each store is known from then on.
        shopper.checkout(Path::OneCall).await?;
    }
    place.upstream.books().hold(&shopper.into_seen().1)?;
    let charged = place.upstream.books().sum();
    let second = place.start(&database, STORES, &settings).await?;
    place.upstream.hold(true);
    progress(&format!("{checkouts} checkouts begin"));
    let began = Instant::now();
    begin(&shop, checkouts).await?;
    all_running(&database, checkouts).await?;
    database
        .pool
        .execute(
            "create table interrupted as select checkout_id, fence, due_at from checkout
             where status = 'running' and leased_by is not null and due_at > now()",
        )
        .await?;
    first.crash().await?;
    place.upstream.hold(false);
    let killed: OffsetDateTime =
        sqlx::query_scalar("select clock_timestamp()").fetch_one(&database.pool).await?;
    let interrupted = count(&database, "select count(*) from interrupted").await?;
    progress(&format!("{interrupted} are interrupted, after {:.1?}", began.elapsed()));
    let lease: f64 = lease.parse()?;
    let mut figures = claimed(&database, killed, lease).await?;
    figures.insert("interrupted".to_owned(), interrupted);
    figures.insert("at_rest_after_s".to_owned(), at_rest(&database, killed).await?);
    let stuck = count(
        &database,
        "select count(*) from interrupted join checkout using (checkout_id) where status = 'stuck'",
    );
    figures.insert("stuck".to_owned(), stuck.await?);
    second.stop().await?;
    let more = place.upstream.books().sum() - charged;
    anyhow::ensure!(more == 0, "nobody got as far as a payment, and {more} cents were charged");
    database.drop().await?;
    print(place, checkouts, lease, &figures);
    Ok(())
}

fn print(place: &Place, checkouts: i64, lease: f64, figures: &Figures) {
    place.report.figures("recovery after kill -9", figures);
    let figure = |name: &str| figures.get(name).copied();
    place.report.targets(&[
        Target::new("checkouts interrupted", Limit::AtLeast(grown(checkouts)), figure("interrupted")),
        Target::new("of them claimed", Limit::AtLeast(grown(checkouts)), figure("claimed")),
        Target::new(
            "the last one claimed after the kill, seconds",
            Limit::AtMost(lease + 5.0),
            figure("last_claim_after_s"),
        ),
        Target::new("of them stuck", Limit::AtMost(0.0), figure("stuck")),
    ]);
}

/// Begins so many checkouts, many at a time.
async fn begin(shop: &Arc<Shop>, checkouts: i64) -> anyhow::Result<()> {
    let left = Arc::new(AtomicI64::new(checkouts));
    let mut running = JoinSet::new();
    for _ in 0..SHOPPERS {
        let (mut shopper, left) = (Shopper::enter(shop).await?, left.clone());
        running.spawn(async move {
            while left.fetch_sub(1, Ordering::Relaxed) > 0 {
                shopper.begin().await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    Ok(())
}

/// Waits until they are all in the middle of something.
async fn all_running(database: &Database, checkouts: i64) -> anyhow::Result<()> {
    let began = Instant::now();
    while count(database, "select count(*) from checkout where status = 'running'").await? < grown(checkouts)
    {
        if began.elapsed() > Duration::from_secs(5) {
            // Those that are not are not counted.
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

/// Waits until every interrupted checkout was claimed; when each of them was.
async fn claimed(database: &Database, killed: OffsetDateTime, lease: f64) -> anyhow::Result<Figures> {
    let began = Instant::now();
    let patience = Duration::try_from_secs_f64(lease)? + PATIENCE;
    let unclaimed =
        "select count(*) from interrupted i join checkout c using (checkout_id) where c.fence = i.fence";
    let mut said = Instant::now();
    loop {
        let left = count(database, unclaimed).await?;
        if left == 0.0 || began.elapsed() > patience {
            break;
        }
        if said.elapsed() > Duration::from_secs(10) {
            progress(&format!("{left} are not claimed yet"));
            said = Instant::now();
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let (claimed, last, spread): (i64, Option<f64>, Option<Vec<f64>>) = sqlx::query_as(
        "select count(*), extract(epoch from max(at) - $1)::float8,
            percentile_cont(array[0.5, 0.99, 1.0]) within group (order by extract(epoch from at - due_at)::float8)
         from (select min(due_at) as due_at, min(l.at) as at
             from interrupted i join attempt_log l using (checkout_id)
             where l.event = 'resumed' and l.fence > i.fence group by checkout_id) first",
    )
    .bind(killed)
    .fetch_one(&database.pool)
    .await?;
    let mut figures = Figures::from([("claimed".to_owned(), grown(claimed))]);
    figures.insert("last_claim_after_s".to_owned(), last.context("not one was claimed")?);
    let names = ["late_p50_s", "late_p99_s", "late_at_most_s"];
    figures.extend(names.into_iter().map(str::to_owned).zip(spread.unwrap_or_default()));
    Ok(figures)
}

/// Waits until nothing of them runs any more; how long after the kill that is.
async fn at_rest(database: &Database, killed: OffsetDateTime) -> anyhow::Result<f64> {
    let began = Instant::now();
    let open = "select count(*) from interrupted join checkout using (checkout_id)
        where status in ('running', 'waiting', 'compensating')";
    while count(database, open).await? > 0.0 {
        anyhow::ensure!(began.elapsed() < PATIENCE, "some are not at rest after {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let after = sqlx::query_scalar("select extract(epoch from clock_timestamp() - $1)::float8").bind(killed);
    Ok(after.fetch_one(&database.pool).await?)
}

async fn count(database: &Database, sql: &'static str) -> anyhow::Result<f64> {
    Ok(grown(sqlx::query_scalar(sql).fetch_one(&database.pool).await?))
}

fn grown(count: i64) -> f64 {
    real(u64::try_from(count).unwrap_or_default())
}
