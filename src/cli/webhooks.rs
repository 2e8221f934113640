//! `headless-checkout webhooks`: subscriptions at BigCommerce, from the command line.

use anyhow::Context as _;
use clap::{Args, Subcommand};

use crate::app;
use crate::config::{Config, Store};
use crate::ops::webhooks::{Done, State, Webhooks};

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
    for store in stores {
        let client = app::client(&config, store)?;
        let secret = store.webhook_secret.clone();
        let webhooks = Webhooks { client: &client, destination: destination.clone(), secret };
        match arguments.command {
            Command::List => list(&store.name, &webhooks).await?,
            Command::Register | Command::Repair => register(&store.name, &webhooks).await?,
        }
    }
    Ok(())
}

async fn list(store: &str, webhooks: &Webhooks<'_>) -> anyhow::Result<()> {
    for subscription in webhooks.list().await.with_context(|| format!("store {store}"))? {
        let state = match subscription.state {
            State::Active => "active",
            State::Inactive => "inactive",
            State::Missing => "missing",
        };
        let id = subscription.id.map(|id| id.to_string()).unwrap_or_default();
        println!("{store}\t{state}\t{}\t{id}", subscription.scope);
    }
    Ok(())
}

async fn register(store: &str, webhooks: &Webhooks<'_>) -> anyhow::Result<()> {
    for (scope, done) in webhooks.register().await.with_context(|| format!("store {store}"))? {
        let what = match done {
            Done::Nothing => "unchanged",
            Done::Registered => "registered",
            Done::Revived => "revived",
        };
        println!("{store}\t{what}\t{scope}");
    }
    Ok(())
}
