//! `dev up`: the private PostgreSQL, the simulator and the service, until Ctrl-C.

use std::{
    ffi::OsString,
    fs::File,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use nix::sys::signal::Signal;
use tokio::{
    process::Command,
    time::{Instant, sleep},
};

use crate::{
    StopSignals, absolute,
    account::Account,
    cluster::{Cluster, Purpose, free_port},
    environment, first_checkout, folder, probe,
    tree::{Plan, Tree, last_words},
};
const PATIENCE: Duration = Duration::from_mins(1);

/// The server key of the storefront that `dev` configures.
const STOREFRONT_KEY: &str = "dev-storefront-key";
/// The key for its pages.
const PUBLISHABLE_KEY: &str = "dev-publishable-key";
/// Where its pages come from.
const ORIGINS: [&str; 2] = ["http://localhost:3000", "http://127.0.0.1:3000"];
const OPERATOR_TOKENS: &str =
    "reader:read=dev-operator-read,actor:act=dev-operator-act,cashier:money=dev-operator-money";

/// What `dev up` takes.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct Arguments {
    /// Where the database and the logs of this working copy live
    #[arg(long, default_value = ".dev")]
    folder: PathBuf,
    /// Forget the data of earlier runs
    #[arg(long)]
    reset: bool,
}

/// Runs everything until a signal comes or a process ends.
pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let folder = absolute(&arguments.folder)
        .with_context(|| format!("{} cannot be used", arguments.folder.display()))?;
    let mut signals = StopSignals::listen()?;
    let mut lock = folder::lock(&folder)?;
    let mut tree = Tree::new()?;
    let outcome = tokio::select! {
        failed = run_until_failure(&arguments, &folder, &mut lock, &mut tree) => failed,
        _ = signals.next() => {
            say("stopping");
            Ok(())
        }
    };
    tree.stop().await;
    lock.set_len(0)?;
    if outcome.is_ok() {
        say("stopped; nothing is left running");
    }
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn run_until_failure(
    arguments: &Arguments,
    folder: &Path,
    lock: &mut File,
    tree: &mut Tree,
) -> anyhow::Result<()> {
    let database = database(arguments, folder, tree).await?;
    migrate(&database).await?;
    let simulator = simulator(folder, tree).await?;
    let service = service(folder, &database, simulator, tree).await?;
    let checkout = first_checkout::text(&first_checkout::Place {
        api: &format!("http://{service}"),
        key: STOREFRONT_KEY,
        publishable: PUBLISHABLE_KEY,
        origin: ORIGINS[0],
    });
    std::fs::write(folder.join("first-checkout.sh"), &checkout)?;
    write!(lock, "http://{service} (process {})", std::process::id())?;
    println!("{}", welcome(service, simulator, &database, folder, &checkout));
    bail!(tree.first_end().await)
}

async fn database(arguments: &Arguments, folder: &Path, tree: &mut Tree) -> anyhow::Result<String> {
    if let Some(url) = named()? {
        ensure!(!arguments.reset, "--reset forgets the private database, but DATABASE_URL names another one");
        say("PostgreSQL: the database that DATABASE_URL names");
        return Ok(url);
    }
    let account = Account::choose()?;
    let place = folder::for_cluster(folder, &account).await?;
    let log = folder.join("postgres.log");
    let cluster =
        Cluster { folder: &place, log: &log, account: &account, purpose: Purpose::Keep, under: &[] };
    if arguments.reset {
        cluster.forget().await?;
        say("forgot the data of earlier runs");
    }
    let user = account.other().map(|name| format!(", as the user {name}")).unwrap_or_default();
    say(&format!("PostgreSQL: starting a private one in {}{user}", place.display()));
    cluster.start(tree).await
}

/// The database that the environment names.
fn named() -> anyhow::Result<Option<String>> {
    match environment("DATABASE_URL_FILE") {
        Some(path) => {
            let url = std::fs::read_to_string(&path).with_context(|| format!("DATABASE_URL_FILE: {path}"))?;
            Ok(Some(url.trim().to_owned()))
        }
        None => Ok(environment("DATABASE_URL").filter(|url| !url.is_empty())),
    }
}

/// Brings the database to the schema of the program that will run on it.
async fn migrate(database: &str) -> anyhow::Result<()> {
    let mut command = Command::new(sibling("headless-checkout")?);
    let output =
        command.arg("migrate").env_remove("DATABASE_URL_FILE").env("DATABASE_URL", database).output().await?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    let said = String::from_utf8_lossy(&output.stdout);
    say(said.trim().lines().last().unwrap_or("migrated"));
    Ok(())
}

async fn simulator(folder: &Path, tree: &mut Tree) -> anyhow::Result<SocketAddr> {
    let program = sibling("bigcommerce-simulator")?;
    let address = address("SIMULATOR_ADDR", 4200)?;
    say(&format!("simulator: starting on http://{address}"));
    let log = folder.join("simulator.log");
    let mut command = Command::new(program);
    command.env("SIMULATOR_ADDR", address.to_string());
    // The database remembers the orders of the last run, and so must BigCommerce.
    command.env("SIMULATOR_STATE", folder.join("simulator-state.json"));
    let plan = plan("the simulator", Duration::from_secs(5), &log);
    let member = tree.start(command, plan).await?;
    // Any answer will do: it is listening.
    let url = format!("http://{}/simulator/ledger", probe::reachable(address));
    wait_for(&url, |_| true, member, &log, tree).await?;
    Ok(address)
}

async fn service(
    folder: &Path,
    database: &str,
    simulator: SocketAddr,
    tree: &mut Tree,
) -> anyhow::Result<SocketAddr> {
    let address = address("LISTEN_ADDR", 8080)?;
    say(&format!("headless-checkout: starting on http://{address}"));
    let log = folder.join("headless-checkout.log");
    let mut command = Command::new(sibling("headless-checkout")?);
    command.arg("serve");
    for (name, value) in variables(database, address, probe::reachable(simulator)) {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let member = tree.start(command, plan("headless-checkout", Duration::from_secs(35), &log)).await?;
    wait_for(&probe::readiness_url(address), |status| status == 200, member, &log, tree).await?;
    Ok(probe::reachable(address))
}

fn plan<'a>(name: &'static str, patience: Duration, log: &'a Path) -> Plan<'a> {
    Plan { name, stop: Signal::SIGTERM, patience, log: Some(log) }
}

/// The environment of the service: what `dev` decides; times and logs may still be set from outside.
fn variables(
    database: &str,
    listen_addr: SocketAddr,
    simulator: SocketAddr,
) -> Vec<(OsString, Option<OsString>)> {
    let simulator = format!("http://{simulator}");
    let set = [
        ("DATABASE_URL", database),
        ("LISTEN_ADDR", &listen_addr.to_string()),
        ("BIGCOMMERCE_STORE_HASH", "simulator"),
        ("BIGCOMMERCE_ACCESS_TOKEN", "simulator-access-token"),
        ("BIGCOMMERCE_CLIENT_SECRET", "simulator-client-secret"),
        ("BIGCOMMERCE_WEBHOOK_SECRET", "dev-webhook-secret"),
        ("BIGCOMMERCE_API_URL", &simulator),
        ("BIGCOMMERCE_PAYMENTS_URL", &simulator),
        (
            "STOREFRONT_KEYS",
            &also(
                "STOREFRONT_KEYS",
                &format!("dev={STOREFRONT_KEY},page={PUBLISHABLE_KEY}@{}", ORIGINS.join("|")),
            ),
        ),
        ("OPERATOR_TOKENS", &also("OPERATOR_TOKENS", OPERATOR_TOKENS)),
        ("CORS_ORIGINS", &also("CORS_ORIGINS", &ORIGINS.join(","))),
        ("ALLOW_RAW_CARDS", "true"),
        ("LOG_FORMAT", "pretty"),
    ]
    .map(|(name, value)| (OsString::from(name), Some(OsString::from(value))));
    // What is given as a file would stand beside what is set here.
    let files =
        std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().ends_with("_FILE"));
    let removed = files.map(|name| (name, None));
    set.into_iter().chain(removed).collect()
}

/// The list of `dev`, and what the environment adds to it: a developer's own key or origin works beside it.
fn also(variable: &str, list: &str) -> String {
    match environment(variable).filter(|text| !text.trim().is_empty() && text.trim() != list) {
        Some(more) => {
            say(&format!("{variable}: what is set is used beside the values of dev"));
            format!("{list},{more}")
        }
        None => list.to_owned(),
    }
}

/// The address that the variable names, or the usual port of loopback, or a free one.
fn address(variable: &str, port: u16) -> anyhow::Result<SocketAddr> {
    if let Some(text) = environment(variable).filter(|text| !text.is_empty()) {
        return text
            .parse()
            .with_context(|| format!("{variable} must be an IP address and a port, not {text:?}"));
    }
    let free = free_port(port)?;
    if free != port {
        say(&format!("port {port} is taken; using {free} instead ({variable} chooses another)"));
    }
    Ok(SocketAddr::from(([127, 0, 0, 1], free)))
}

/// A program that was built together with this one.
fn sibling(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(path.is_file(), "{} is missing: build it with `cargo build --workspace --bins`", path.display());
    Ok(path)
}

/// Waits until the URL answers with a status that satisfies, the process ends, or time is up.
async fn wait_for(
    url: &str,
    satisfies: impl Fn(u16) -> bool,
    member: usize,
    log: &Path,
    tree: &mut Tree,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if tree.ended(member).is_some() {
            bail!(tree.first_end().await);
        }
        if probe::status(url).await.is_ok_and(&satisfies) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{url} does not get ready{}", last_words(Some(log)));
        sleep(Duration::from_millis(50)).await;
    }
}

fn welcome(
    service: SocketAddr,
    simulator: SocketAddr,
    database: &str,
    folder: &Path,
    checkout: &str,
) -> String {
    let (url, folder, origins) = (database, folder.display(), ORIGINS.join(" and "));
    format!(
        "
headless-checkout is ready.

  API        http://{service}   (reference: http://{service}/docs)
  dashboard  http://{service}/ops
  simulator  http://{simulator}   (what really happened: http://{simulator}/simulator/ledger;
             it plays BigCommerce and forgets everything when it stops)
  database   {url}
  logs       {folder}/*.log

  server key       {STOREFRONT_KEY}   (for the storefront's server: it may do everything, and says what things cost)
  publishable key  {PUBLISHABLE_KEY}   (for pages of {origins}: it creates checkouts, nothing else)
  operator tokens  dev-operator-read, dev-operator-act, dev-operator-money

A first checkout, to paste into another terminal (also in {folder}/first-checkout.sh):

{checkout}
Ctrl-C stops everything; the database is kept (`--reset` forgets it)."
    )
}

fn say(text: &str) {
    println!("==> {text}");
}
