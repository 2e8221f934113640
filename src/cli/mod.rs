//! The command line: what each command does and how it exits.
//!
//! Exit codes: 0 ok, 1 error, 2 usage, 3 not found, 4 refused by a guard, 5 partly done.

mod act;
mod arguments;
mod audit;
mod checkouts;
mod events;
mod output;
mod print;
mod privacy;
mod remote;
mod show;
mod table;
mod webhooks;

use std::num::NonZero;
use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::Duration;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand};
use tokio::runtime::{self, Runtime};

use crate::ops::visible;
use crate::{
    app,
    config::{self, Config, Database},
    http,
    migrations::Migrated,
    telemetry::{Exporting, Telemetry},
};

/// How long a process may take to say whether it is ready.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(4);

/// The command line as clap knows it.
#[derive(Debug, Parser)]
#[command(name = "headless-checkout", version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the HTTP API and recover interrupted checkouts
    #[command(after_long_help = settings_help())]
    Serve,
    /// Recover interrupted checkouts, without the HTTP API
    #[command(after_long_help = settings_help())]
    Worker,
    /// Bring the database to the schema of this version
    Migrate,
    /// Check whether a running process is ready; exits 0 if it is and 1 if it is not
    Healthcheck {
        /// The URL to ask instead of /readyz at LISTEN_ADDR (http only)
        url: Option<String>,
    },
    /// Find, explain and act on checkouts
    Checkouts(arguments::Arguments),
    /// Inspect the audit log
    Audit(audit::Arguments),
    /// Create, list and re-enable webhook subscriptions at BigCommerce
    Webhooks(webhooks::Arguments),
    /// List, inspect and redeliver outgoing events
    Events(events::Arguments),
    /// Erase one person's data
    Privacy(privacy::Arguments),
    /// List every environment variable
    Settings {
        /// As the Markdown table of docs/configuration.md
        #[arg(long)]
        markdown: bool,
        /// A fresh random token instead, for STOREFRONT_KEYS, OPERATOR_TOKENS or BIGCOMMERCE_WEBHOOK_SECRET
        #[arg(long, conflicts_with = "markdown")]
        new_token: bool,
    },
    /// Print the reference of the HTTP API (OpenAPI 3.1, YAML)
    Openapi,
}

/// Parses the command line, runs the command and answers the exit code.
pub fn main() -> ExitCode {
    let command = Cli::parse().command;
    let code = runtime().and_then(|runtime| runtime.block_on(run(command)));
    code.unwrap_or_else(|error| {
        eprintln!("headless-checkout: {}", visible(&format!("{error:#}")));
        ExitCode::FAILURE
    })
}

/// The command line's description, for tests that check what other files say about it.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Most of the time everything waits for PostgreSQL or BigCommerce, and threads that have little to do wake each other all
/// the time: one for two processors, unless tokio's own variable says otherwise.
fn runtime() -> anyhow::Result<Runtime> {
    const THREADS: &str = "TOKIO_WORKER_THREADS";
    let threads = match config::environment(THREADS) {
        Some(given) => given
            .parse::<NonZero<usize>>()
            .with_context(|| format!("{THREADS} must be a whole number above 0, and is {given:?}"))?
            .get(),
        None => available_parallelism().map_or(1, NonZero::get).div_ceil(2),
    };
    let mut builder = runtime::Builder::new_multi_thread();
    builder.worker_threads(threads).enable_all().build().context("the runtime cannot be started")
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve => {
            let (config, exporting) = start()?;
            let ended = app::serve(config).await;
            exporting.finish().await;
            ended?;
        }
        Command::Worker => {
            let (config, exporting) = start()?;
            let ended = app::worker(config).await;
            exporting.finish().await;
            ended?;
        }
        Command::Migrate => migrate().await?,
        Command::Checkouts(arguments) => return checkouts::run(arguments).await,
        Command::Audit(arguments) => return audit::run(arguments).await,
        Command::Webhooks(arguments) => webhooks::run(arguments).await?,
        Command::Events(arguments) => return events::run(arguments).await,
        Command::Privacy(arguments) => return privacy::run(arguments).await,
        Command::Healthcheck { url } => healthcheck(url).await?,
        Command::Settings { new_token: true, .. } => println!("{}", config::new_token()),
        Command::Settings { markdown: true, .. } => print!("{}", config::as_markdown()),
        Command::Settings { .. } => print!("{}", settings_help()),
        Command::Openapi => print!("{}", http::as_yaml()),
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the configuration and starts logs and traces; all mistakes of both are reported together.
fn start() -> anyhow::Result<(Config, Exporting)> {
    match (Config::from_env(), Telemetry::from_vars(config::environment)) {
        (Ok(config), Ok(telemetry)) => {
            let exporting = telemetry.install(config.otlp_endpoint.as_deref())?;
            for warning in config.warnings() {
                tracing::warn!("{warning}");
            }
            Ok((config, exporting))
        }
        (Err(mut errors), Err(more)) => {
            errors.0.extend(more.0);
            Err(errors.into())
        }
        (Err(errors), _) | (_, Err(errors)) => Err(errors.into()),
    }
}

async fn migrate() -> anyhow::Result<()> {
    let database = Database::from_env()?;
    match app::migrate(&database).await? {
        Migrated::UpToDate(applied) => {
            for migration in &applied {
                println!("applied {} {}", migration.version, migration.description);
            }
            println!("the database is up to date ({} applied)", applied.len());
        }
        Migrated::Newer(last) => println!(
            "nothing to do: a newer version of headless-checkout has already migrated this database (to {last}); this version \
             runs on it"
        ),
    }
    Ok(())
}

/// What listens at this address is asked; a wildcard is no address to connect to.
#[expect(clippy::disallowed_methods, reason = "the service is not BigCommerce")]
async fn healthcheck(url: Option<String>) -> anyhow::Result<()> {
    let url = match url {
        Some(url) => url,
        None => format!("http://{}/readyz", config::reachable(config::listen_addr()?)),
    };
    let asked = app::http_client(HEALTH_TIMEOUT)?.get(&url).timeout(HEALTH_TIMEOUT);
    let status = asked.send().await.with_context(|| format!("{url} does not answer"))?.status();
    anyhow::ensure!(status == reqwest::StatusCode::OK, "{url} answered {}", status.as_u16());
    Ok(())
}

fn settings_help() -> String {
    format!("Environment variables:\n{}", config::as_text())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command().debug_assert();
    }
}
