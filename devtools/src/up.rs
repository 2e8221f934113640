//! `dev up`: the private PostgreSQL, the simulator and the service, until Ctrl-C.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use nix::sys::signal::Signal;
use tokio::{
    net::TcpListener,
    process::Command,
    time::{Instant, sleep},
};

use crate::{
    StopSignals, absolute,
    account::Account,
    cluster::{Cluster, Purpose, free_port},
    environment, first_checkout, folder, probe,
    service::{ORIGINS, Place, STOREFRONT_KEY, Service, origins},
    shop::{self, Kills, PUBLISHABLE_KEY, Shop},
    tree::{Plan, Tree, last_words},
};

const PATIENCE: Duration = Duration::from_mins(1);

/// Where the simulator keeps what it holds, in the folder of the working copy.
const SIMULATOR_STATE: &str = "simulator-state.json";

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
    let shop = address("SHOP_ADDR", 3000)?;
    let listener = TcpListener::bind(shop).await.with_context(|| format!("{shop} cannot be used"))?;
    let shop = listener.local_addr()?;
    let place = Place { folder, database: &database, simulator, shop };
    let service = Service::start(&place, tree).await?;
    let checkout = first_checkout::text(&first_checkout::Place {
        api: &format!("http://{}", service.address),
        key: STOREFRONT_KEY,
        publishable: PUBLISHABLE_KEY,
        origin: ORIGINS[0],
    });
    fs::write(folder.join("first-checkout.sh"), &checkout)?;
    write!(lock, "http://{} (process {})", service.address, std::process::id())?;
    let (switch, kills) = shop::switch();
    let pages = shop::serve(listener, Shop::here(service.address, simulator, switch));
    println!("{}", welcome(&place, service.address, &checkout));
    tokio::select! {
        ended = pages => ended.and_then(|()| bail!("the example shop ended unexpectedly")),
        failed = watch(&service, kills, tree) => failed,
    }
}

/// Until a process ends by itself. A service that was killed on purpose is started again.
async fn watch(service: &Service, mut kills: Kills, tree: &mut Tree) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            end = tree.first_end() => bail!(end),
            killed = kills.asked() => {
                say("headless-checkout: killed by the example shop; starting it again");
                service.kill(tree).await?;
                kills.down(killed);
                service.ready(tree).await?;
                kills.up();
            }
        }
    }
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
        // What BigCommerce has goes with what the database knows of it.
        match fs::remove_file(folder.join(SIMULATOR_STATE)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).context("the simulator's data cannot be removed");
            }
            _ => {}
        }
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
            let url = fs::read_to_string(&path).with_context(|| format!("DATABASE_URL_FILE: {path}"))?;
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
    command.env("SIMULATOR_STATE", folder.join(SIMULATOR_STATE));
    let plan = plan("the simulator", Duration::from_secs(5), &log);
    let member = tree.start(command, plan).await?;
    // Any answer will do: it is listening.
    let url = format!("http://{}/simulator/ledger", probe::reachable(address));
    wait_for(&url, |_| true, member, &log, tree).await?;
    Ok(address)
}

pub(crate) fn plan<'a>(name: &'static str, patience: Duration, log: &'a Path) -> Plan<'a> {
    Plan { name, stop: Signal::SIGTERM, patience, log: Some(log) }
}

/// The address that the variable names, or the usual port of loopback, or a free one.
pub(crate) fn address(variable: &str, port: u16) -> anyhow::Result<SocketAddr> {
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
pub(crate) fn sibling(name: &str) -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    ensure!(path.is_file(), "{} is missing: build it with `cargo build --workspace --bins`", path.display());
    Ok(path)
}

/// Waits until the URL answers with a status that satisfies, the process ends, or time is up.
pub(crate) async fn wait_for(
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

fn welcome(place: &Place<'_>, service: SocketAddr, checkout: &str) -> String {
    let (simulator, shop) = (probe::reachable(place.simulator), probe::reachable(place.shop));
    let (url, folder, origins) = (place.database, place.folder.display(), origins(place.shop).join(", "));
    format!(
        "
headless-checkout is ready.

  shop       http://{shop}   (an example to look at: buy something while things go wrong)
  API        http://{service}   (reference: http://{service}/docs)
  dashboard  http://{service}/ops
  simulator  http://{simulator}   (what really happened: http://{simulator}/simulator/ledger;
             it plays BigCommerce)
  database   {url}
  logs       {folder}/*.log

  server key       {STOREFRONT_KEY}   (for the storefront's server: it may do everything, and says what things cost)
  publishable key  {PUBLISHABLE_KEY}   (for pages of {origins}: it creates checkouts, nothing else)
  operator tokens  dev-operator-read, dev-operator-act, dev-operator-money

A first checkout, to paste into another terminal (also in {folder}/first-checkout.sh):

{checkout}
Ctrl-C stops everything; the data of the database and of the simulator are kept (`--reset` forgets them)."
    )
}

pub(crate) fn say(text: &str) {
    println!("==> {text}");
}
