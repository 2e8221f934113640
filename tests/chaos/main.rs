//! Random runs: whole checkouts by the hundreds, with random shoppers, faults on every call, kills, freezes and database restarts
//! under two real processes. Then everything heals, and what must be true is checked: safety, then liveness.
//!
//! `./dev chaos --runs N --seed S`; `./dev chaos --help` says the rest. Exit code 1: there were violations.

mod asks;
mod batch;
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
#[path = "../it/conformance.rs"]
mod conformance;
mod dice;
mod door;
mod ends;
mod faults;
mod figures;
mod hands;
#[expect(dead_code, unused_imports, reason = "shared with the tests, which use more of it")]
#[path = "../it/harness/mod.rs"]
mod harness;
mod options;
mod plan;
mod post;
mod record;
mod replicas;
mod scripted;
mod shopper;
mod timeline;
mod told;
mod upheaval;
mod verify;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use bigcommerce_simulator::{PartialPayment, Settings};
use clap::Parser as _;
use devtools::Postgres;
use tokio_util::task::TaskTracker;

use dice::Dice;
use door::Doors;
use faults::Planned;
use harness::{Database, World};
use options::Options;
use post::Post;
use replicas::Replicas;
use upheaval::Server;

/// Everything that a run has at hand.
pub(crate) struct Chaos {
    pub(crate) options: Options,
    /// The one fault of `--cell`.
    pub(crate) only: Option<Planned>,
    pub(crate) world: World,
    pub(crate) server: Server,
    pub(crate) replicas: Replicas,
    pub(crate) doors: Doors,
    pub(crate) post: Post,
    pub(crate) tasks: TaskTracker,
    notes: Mutex<Vec<String>>,
}

impl Chaos {
    /// Remembers what must not have happened.
    pub(crate) fn note(&self, what: String) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Short, so that waiting for them costs little. The lease exceeds the larger timeout by more than two seconds.
const VARS: &[(&str, &str)] = &[
    ("UPSTREAM_TIMEOUT_SECONDS", "1"),
    ("PAYMENT_TIMEOUT_SECONDS", "1.2"),
    ("LEASE_SECONDS", "3.5"),
    ("SETTLE_SECONDS", "1"),
    ("PENDING_SECONDS", "6"),
    ("RETRY_BASE_MS", "10"),
    ("RETRY_MAX_SECONDS", "2"),
    ("SHUTDOWN_SECONDS", "5"),
    ("DATABASE_MAX_CONNECTIONS", "10"),
    ("RECONCILE_SECONDS", "3"),
    ("BIGCOMMERCE_WEBHOOK_SECRET", post::SECRET),
    // A checkout under faults is asked for as often as it takes.
    ("LIMIT_CHECKOUT_PER_MINUTE", "0"),
    ("LIMIT_PAYMENTS_CHECKOUT_PER_HOUR", "0"),
    ("LIMIT_DECLINES_CHECKOUT_PER_DAY", "0"),
];

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    if options.cell.as_deref() == Some("list") {
        println!("calls: {}", faults::CALLS.map(|(_, name)| name).join(" "));
        println!("kinds: {}", faults::KINDS.map(|(_, name)| name).join(" "));
        return ExitCode::SUCCESS;
    }
    let only = match options.cell.as_deref().map(|cell| (cell, Planned::parse(cell))) {
        Some((cell, None)) => {
            eprintln!("{cell} is no cell; `--cell list` prints the names");
            return ExitCode::from(2);
        }
        Some((_, only)) => only,
        None => None,
    };
    let kept = options.logs.clone();
    let logs =
        kept.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("chaos-{}", std::process::id())));
    std::fs::create_dir_all(&logs).expect("a folder for the logs");
    let chaos = Arc::new(set_up(options, only, &logs).await);
    let figures = batch::all(&chaos).await;
    chaos.replicas.stop().await;
    figures.print(chaos.options.seed, chaos.replicas.counts());
    if let Some(Chaos { world, server, .. }) = Arc::into_inner(chaos) {
        world.abandon("each batch was verified by its own rules").await;
        if let Server::Own(server) = server {
            server.into_inner().stop().await;
        }
    }
    if figures.violations > 0 {
        println!("logs: {}", logs.display());
        return ExitCode::FAILURE;
    }
    if kept.is_none() {
        let _ = std::fs::remove_dir_all(&logs);
    }
    ExitCode::SUCCESS
}

async fn set_up(options: Options, only: Option<Planned>, logs: &std::path::Path) -> Chaos {
    let (server, url) = cluster().await;
    let options_of = url.parse().expect("the cluster's URL");
    let partial_payment = partial_payment(options.seed);
    println!("seed {}: an order that is paid in part is {partial_payment:?}", options.seed);
    let settings = Settings { token_ttl_seconds: 3, partial_payment, ..Settings::default() };
    let mut world = World::on(Database::create_in(options_of).await, settings).await;
    // A crash of the server must not take back what was acknowledged.
    sqlx::query("do $$ begin execute format('alter database %I set synchronous_commit = on', current_database()); end $$")
        .execute(&world.database.pool)
        .await
        .expect("commits are durable");
    for (name, value) in VARS {
        world.set(name, value);
    }
    let replicas = Replicas::new(world.vars(), logs, world.database.pool.clone());
    let doors = replicas.doors();
    let post = Post::open(doors.clone(), options.seed).await;
    post.subscribe(&world.simulator.url()).await;
    Chaos {
        options,
        only,
        world,
        server,
        replicas,
        doors,
        post,
        tasks: TaskTracker::new(),
        notes: Mutex::default(),
    }
}

/// What BigCommerce does with an order that is paid in part, which its documents leave open. It holds for the whole store, so that
/// it is drawn from the seed alone: a replay of one run meets the same.
fn partial_payment(seed: u64) -> PartialPayment {
    let choices = [(1, PartialPayment::PendingPayable), (1, PartialPayment::Incomplete)];
    Dice::of(seed, 0, "partial payment").weighted(&choices)
}

/// A cluster of our own, which can be restarted; or the one that `TEST_DATABASE_URL` names, which cannot.
#[expect(clippy::disallowed_methods, reason = "a lent cluster is named by the environment")]
async fn cluster() -> (Server, String) {
    if let Ok(url) = std::env::var("TEST_DATABASE_URL") {
        println!("TEST_DATABASE_URL is set: connections are cut, but the database is not restarted");
        return (Server::Lent, url);
    }
    let server = Postgres::start().await.expect("a PostgreSQL of our own");
    let url = server.url().to_owned();
    (Server::Own(Box::new(tokio::sync::Mutex::new(server))), url)
}
