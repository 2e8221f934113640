//! `headless-checkout events`: outgoing events, listed and redelivered. It needs only the database, so it works
//! while the service is down.

use std::io::Read as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::arguments::instant;
use super::output::Format;
use super::print::{Columns, rows};
use crate::app;
use crate::config::{self, Database};
use crate::ops::events::{self, EventFilter};

/// The arguments of `events`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Output format
    #[arg(short, long, global = true, value_enum, default_value = "table")]
    output: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List events and the state of their deliveries, newest first
    List {
        #[command(flatten)]
        which: Which,
        /// The maximum number of rows
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=events::SHOWN_AT_MOST))]
        limit: i64,
    },
    /// Show an event and its delivery log
    Show {
        /// The event: its webhook-id
        id: Uuid,
    },
    /// Redeliver events by id, checkout or time; ids stay the same
    Redeliver {
        /// Event ids, or - to read them from standard input
        ids: Vec<String>,
        #[command(flatten)]
        which: Which,
        /// Send them to this destination, even types it is not subscribed to
        #[arg(long)]
        to: Option<String>,
        /// Only show what would be sent
        #[arg(long)]
        dry_run: bool,
    },
}

/// Which events are meant.
#[derive(Debug, Args)]
struct Which {
    /// Only of this checkout
    #[arg(long)]
    checkout: Option<Uuid>,
    /// Only of this type, such as checkout.completed
    #[arg(long = "type", value_parser = clap::builder::PossibleValuesParser::new(config::EVENT_TYPES))]
    kind: Option<String>,
    /// Only for this destination
    #[arg(long)]
    destination: Option<String>,
    /// Only deliveries in this state
    #[arg(long, value_parser = ["pending", "delivered", "given-up"])]
    state: Option<String>,
    /// Only events at or after this time (RFC 3339, such as 2026-11-21T08:00:00Z)
    #[arg(long, value_parser = instant)]
    since: Option<OffsetDateTime>,
    /// Only events before this time
    #[arg(long, value_parser = instant)]
    until: Option<OffsetDateTime>,
}

impl Which {
    fn filter(self, ids: Option<Vec<Uuid>>) -> EventFilter {
        let Self { checkout, kind, destination, state, since, until } = self;
        EventFilter { ids, checkout, kind, destination, state, since, until, within: None }
    }
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let db = app::database(&Database::from_env()?).await?;
    let format = arguments.output;
    match arguments.command {
        Command::List { which, limit } => {
            let found = db.events(&which.filter(None), limit).await?;
            let columns = Columns {
                names: ["EVENT", "AT", "TYPE", "CHECKOUT", "DESTINATION", "STATE", "ATTEMPTS", "LAST STATUS"],
                least: &["LAST STATUS", "ATTEMPTS", "CHECKOUT", "AT", "DESTINATION"],
            };
            rows(format, &columns, &found, |row| {
                [
                    row.event_id.to_string(),
                    row.at.format(&Rfc3339).unwrap_or_default(),
                    row.kind.clone(),
                    row.checkout_id.to_string(),
                    row.destination.clone(),
                    row.state.clone(),
                    row.attempts.to_string(),
                    row.last_status.map(|status| status.to_string()).unwrap_or_default(),
                ]
            })?;
        }
        Command::Show { id } => {
            let Some(data) = db.event_data(id, None).await? else {
                eprintln!("there is no event {id}");
                return Ok(ExitCode::from(3));
            };
            super::output::print(&data);
            let columns = Columns {
                names: ["AT", "DESTINATION", "ATTEMPT", "OUTCOME", "STATUS", "FAILURE", "DURATION_MS"],
                least: &["DURATION_MS", "ATTEMPT"],
            };
            rows(format, &columns, &db.tries(id).await?, |row| {
                [
                    row.at.format(&Rfc3339).unwrap_or_default(),
                    row.destination.clone(),
                    row.attempt.to_string(),
                    row.outcome.clone(),
                    row.status.map(|status| status.to_string()).unwrap_or_default(),
                    row.failure.clone().unwrap_or_default(),
                    row.duration_ms.to_string(),
                ]
            })?;
        }
        Command::Redeliver { ids, which, to, dry_run } => {
            let filter = which.filter(given(ids)?);
            let told = config::events()?.destinations;
            let configured: Vec<String> = told.into_iter().map(|destination| destination.name).collect();
            let queued = match events::redeliver(&db, &filter, to.as_deref(), &configured, dry_run).await {
                Err(error @ (events::Error::Unbounded | events::Error::UnknownDestination(_))) => {
                    eprintln!("headless-checkout: {error}");
                    return Ok(ExitCode::from(2));
                }
                other => other?,
            };
            let columns = Columns { names: ["EVENT", "DESTINATION"], least: &[] };
            rows(format, &columns, &queued, |row| [row.event_id.to_string(), row.destination.clone()])?;
            if queued.is_empty() {
                eprintln!("no event matches, or all that match are still pending");
                return Ok(ExitCode::from(3));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The ids that were given, or those that stand in the standard input; `None` when there is neither.
fn given(ids: Vec<String>) -> anyhow::Result<Option<Vec<Uuid>>> {
    let mut texts = ids;
    if texts.iter().any(|text| text == "-") {
        let mut input = String::new();
        std::io::stdin().read_to_string(&mut input).context("the ids cannot be read")?;
        texts.retain(|text| text != "-");
        texts.extend(input.split_whitespace().map(str::to_owned));
    } else if texts.is_empty() {
        return Ok(None);
    }
    let parse = |text: &String| text.parse().with_context(|| format!("{text:?} is not an event id"));
    texts.iter().map(parse).collect::<anyhow::Result<_>>().map(Some)
}
