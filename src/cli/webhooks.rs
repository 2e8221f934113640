//! `headless-checkout webhooks`: subscriptions at BigCommerce, from the command line.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::output::Format;
use super::print::{Columns, rows};
use crate::app;
use crate::config::{Config, Store};
use crate::ops::webhooks::{Done, State, Subscription, Webhooks};

/// The arguments of `webhooks`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Where BigCommerce sends events: the public https URL of /webhooks/bigcommerce (port 443)
    #[arg(long, global = true)]
    destination: Option<String>,
    /// Only this store
    #[arg(long, global = true)]
    store: Option<String>,
    /// Output format
    #[arg(short, long, global = true, value_enum, default_value = "table")]
    output: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create the subscriptions that the service needs
    Register,
    /// Show the state of each subscription
    List,
    /// Re-enable deactivated subscriptions, and create missing ones
    Repair,
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let config = Config::from_env()?;
    let destination =
        arguments.destination.context("--destination is missing: the public URL of /webhooks/bigcommerce")?;
    anyhow::ensure!(
        destination.starts_with("https://") || destination.starts_with("http://127.0.0.1"),
        "--destination must be an https URL: BigCommerce sends events to port 443 only"
    );
    let wanted = |store: &&Store| arguments.store.as_ref().is_none_or(|name| *name == store.name);
    let stores: Vec<&Store> = config.stores.iter().filter(wanted).collect();
    anyhow::ensure!(!stores.is_empty(), "there is no such store");
    let (mut lines, mut failed) = (Vec::new(), Ok(()));
    for store in stores {
        match subscriptions(&config, store, &destination, &arguments.command).await {
            Ok(found) => lines.extend(found),
            Err(error) => {
                failed = Err(error.context(format!("store {}", store.name)));
                break;
            }
        }
    }
    // What was done at the stores before is printed even if a later one fails.
    print(&lines, &arguments.command, arguments.output)?;
    failed
}

/// A subscription as it is printed.
#[derive(Debug, Serialize)]
struct Line {
    store: String,
    scope: &'static str,
    /// None while it is missing.
    id: Option<i64>,
    #[serde(flatten)]
    how: How,
}

/// The state that was found, or what was done about it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum How {
    State(&'static str),
    Result(&'static str),
}

/// Runs the command for one store.
async fn subscriptions(
    config: &Config,
    store: &Store,
    destination: &str,
    command: &Command,
) -> anyhow::Result<Vec<Line>> {
    let client = app::client(config, store)?;
    let secret = store.webhook_secret.clone();
    let webhooks = Webhooks { client: &client, destination: destination.to_owned(), secret };
    let line = |Subscription { scope, id, .. }: Subscription, how| Line {
        store: store.name.clone(),
        scope,
        id,
        how,
    };
    Ok(match command {
        Command::List => {
            let found = webhooks.list().await?;
            found
                .into_iter()
                .map(|found| {
                    let state = How::State(state(found.state));
                    line(found, state)
                })
                .collect()
        }
        Command::Register | Command::Repair => {
            let done = webhooks.register().await?;
            done.into_iter().map(|(found, done)| line(found, How::Result(result(done)))).collect()
        }
    })
}

fn print(lines: &[Line], command: &Command, format: Format) -> anyhow::Result<()> {
    let last = if matches!(command, Command::List) { "STATE" } else { "RESULT" };
    let columns = Columns { names: ["ID", "STORE", "SCOPE", last], least: &["STORE"] };
    rows(format, &columns, lines, |line| {
        let (How::State(how) | How::Result(how)) = line.how;
        let id = line.id.map(|id| id.to_string()).unwrap_or_default();
        [id, line.store.clone(), line.scope.to_owned(), how.to_owned()]
    })
}

fn state(state: State) -> &'static str {
    match state {
        State::Active => "active",
        State::Inactive => "inactive",
        State::Missing => "missing",
    }
}

fn result(done: Done) -> &'static str {
    match done {
        Done::Nothing => "unchanged",
        Done::Registered => "registered",
        Done::Revived => "re-enabled",
    }
}
