//! The service on a Patroni cluster of three with etcd and HAProxy, as `deploy/ha` sets it up: under load the leader is
//! switched over, and then killed. Nothing that was acknowledged is lost, nothing is done twice, and writes work again within
//! two seconds of the address being right.
//!
//! `./dev ha`. Exit code 1: something of that was not so. Without the programs it says so and exits with 0.

mod cluster;
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
#[path = "../it/conformance.rs"]
mod conformance;
#[expect(dead_code, unused_imports, reason = "shared with the tests, which use more of it")]
#[path = "../it/harness/mod.rs"]
mod harness;
#[path = "../it/failover/load.rs"]
mod load;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use bigcommerce_simulator::Settings;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use cluster::{Cluster, Programs};
use harness::{Database, Service, World, everything};
use load::{CHECKOUTS, STOREFRONTS, Told, storefront, verify};

/// The leader is lost after so many answers.
const ANSWERS: usize = 12;
/// Writes work again this long after the address is right.
const WITHIN: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let programs = match Programs::find() {
        Ok(programs) => programs,
        Err(missing) => {
            println!("!!! A FAILOVER OF A CLUSTER IS NOT TESTED: {missing} is not installed !!!");
            return ExitCode::SUCCESS;
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run(programs));
    ExitCode::SUCCESS
}

async fn run(programs: Programs) {
    let began = Instant::now();
    let cluster = Cluster::start(programs).await;
    println!("a leader and two standbys after {:.1} s", began.elapsed().as_secs_f64());
    // HAProxy takes every member for the leader until it has checked it.
    let mut in_a_row = 0;
    while in_a_row < 10 {
        in_a_row = if takes_writes(&cluster).await { in_a_row + 1 } else { 0 };
    }
    let database = Database::create_alone_in(cluster.options()).await;
    let mut world = World::on(database, Settings::default()).await;
    let url = cluster.url(world.database.place().1);
    world.set("DATABASE_URL", &url);
    let (one, other) = (world.spawn().await, world.spawn().await);
    lose(&world, &cluster, (&one, &other), "a switch-over", async || cluster.switch_over().await).await;
    cluster.until_healthy().await;
    lose(&world, &cluster, (&one, &other), "kill -9 of the leader", async || {
        cluster.kill_leader().await;
    })
    .await;
    one.stop().await;
    other.stop().await;
    // What the harness had open there is gone.
    world.database = world.database.moved_to(cluster.options()).await;
    world.finish().await;
    cluster.stop().await;
    println!("nothing was lost and nothing was doubled ({:.0} s)", began.elapsed().as_secs_f64());
}

/// Loses the leader under load, and checks what was promised.
async fn lose(
    world: &World,
    cluster: &Cluster,
    (one, other): (&Service, &Service),
    what: &str,
    lose: impl AsyncFnOnce(),
) {
    let told = Told::after(ANSWERS);
    let before = world.simulator.ledger();
    let load = futures::future::join_all((0..STOREFRONTS).map(|name| {
        storefront(
            if name % 2 == 0 { one } else { other },
            &told,
            format!("{}-{name}", what.replace(' ', "-")),
        )
    }));
    let losing = async {
        told.enough.notified().await;
        let leader = cluster.leader().await;
        let began = Instant::now();
        lose().await;
        let right = until_led_elsewhere(cluster, leader).await;
        let ready = until_both_write(one, other).await;
        let late = ready.saturating_duration_since(right);
        println!(
            "{what}: the address was right after {:.2} s, writes worked {:.2} s later",
            (right - began).as_secs_f64(),
            late.as_secs_f64()
        );
        assert!(late <= WITHIN, "{what}: writes worked {late:?} after the address was right");
    };
    let (acknowledged, ()) = tokio::join!(load, losing);
    let acknowledged: Vec<_> = acknowledged.into_iter().flatten().collect();
    assert_eq!(acknowledged.len(), STOREFRONTS * CHECKOUTS);
    verify(&acknowledged, one, other, &told).await;
    let after = world.simulator.ledger();
    let charges = after.charges.len() - before.charges.len();
    let completed = acknowledged.iter().filter(|seen| seen.completed).count();
    assert!(
        charges >= completed && charges <= acknowledged.len(),
        "{charges} charges, {completed} completed"
    );
    println!("{what}: {} checkouts, {completed} completed at once, {charges} charges", acknowledged.len());
}

/// Whether the address leads to a server that takes writes: a new leader refuses none and still acknowledges none until a
/// standby follows it.
async fn takes_writes(cluster: &Cluster) -> bool {
    let asked = async {
        let mut connection = cluster.options().database("postgres").connect().await?;
        connection
            .execute("create table if not exists written (); insert into written default values")
            .await?;
        connection.close().await
    };
    matches!(tokio::time::timeout(Duration::from_secs(1), asked).await, Ok(Ok(())))
}

/// When the address leads to another member than this one, which takes writes.
async fn until_led_elsewhere(cluster: &Cluster, leader: usize) -> Instant {
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    loop {
        looks.tick().await;
        if takes_writes(cluster).await {
            let at = Instant::now();
            if cluster.server_at_address().await.is_some_and(|member| member != leader) {
                return at;
            }
        }
    }
}

/// When both processes have recorded something again, and say that they are ready.
async fn until_both_write(one: &Service, other: &Service) -> Instant {
    let writes = async |service: &Service| {
        while !service.post("/v1/checkouts", &everything()).await.status.is_success() {
            tokio::task::yield_now().await;
        }
        let at = Instant::now();
        while !service.get("/readyz").await.status.is_success() {
            tokio::task::yield_now().await;
        }
        at
    };
    let (one, other) = tokio::join!(writes(one), writes(other));
    one.max(other)
}
