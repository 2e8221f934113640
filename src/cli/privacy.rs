//! `headless-checkout privacy`: removing the personal data of one person. It needs the database alone.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::output::Format;
use super::print::{Columns, rows};
use crate::app;
use crate::config::Database;
use crate::ops::action;
use crate::ops::privacy::{self, Outcome};

/// The arguments of `privacy`.
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
    /// Erase the personal data of every ended checkout that contains an email address; ids, steps and amounts stay
    ///
    /// A checkout that is still active is refused: cancel it, or wait until it ends, and run this again. Remove the order
    /// and the customer in BigCommerce. Exits with 3 if nothing was found, 4 if everything was refused, 5 if some were.
    Erase {
        /// The email address, or - to read it from standard input, which keeps it out of the shell history
        #[arg(long)]
        email: String,
        /// The reason, such as the number of the request; it is kept, so it must not name the person
        #[arg(long)]
        reason: String,
        /// Only show what would be erased
        #[arg(long)]
        dry_run: bool,
    },
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Command::Erase { email, reason, dry_run } = arguments.command;
    let email = match email.as_str() {
        "-" => std::io::read_to_string(std::io::stdin()).context("the email address cannot be read")?,
        _ => email,
    };
    let (email, reason) = (email.trim(), reason.trim());
    let local = email.split_once('@').map(|(local, domain)| !local.is_empty() && !domain.is_empty());
    if local != Some(true) {
        eprintln!("headless-checkout: --email must be an email address");
        return Ok(ExitCode::from(2));
    }
    let Some(reason) = action::reason(reason) else {
        eprintln!(
            "headless-checkout: --reason must be 1 to {} characters on one line, all of which are seen",
            action::REASON_AT_MOST
        );
        return Ok(ExitCode::from(2));
    };
    if reason.to_lowercase().contains(&email.to_lowercase()) {
        eprintln!("headless-checkout: --reason must not name the person");
        return Ok(ExitCode::from(2));
    }
    let db = app::database(&Database::from_env()?).await?;
    let found = privacy::erase(&db, email, reason, dry_run).await?;
    let columns = Columns { names: ["CHECKOUT", "STATUS", "OUTCOME"], least: &[] };
    rows(arguments.output, &columns, &found, |row| {
        [row.checkout_id.to_string(), row.status.to_owned(), row.outcome.as_str().to_owned()]
    })?;
    let refused = found.iter().filter(|row| row.outcome == Outcome::RefusedStillRunning).count();
    if dry_run {
        eprintln!("nothing was changed: this was a dry run");
    }
    if refused > 0 {
        eprintln!("{refused} still running: cancel them or wait until they end, and run this again");
    }
    Ok(match (found.len(), refused) {
        (0, _) => {
            eprintln!("no checkout contains this email address");
            ExitCode::from(3)
        }
        (_, 0) => ExitCode::SUCCESS,
        (all, refused) if all == refused => ExitCode::from(4),
        _ => ExitCode::from(5),
    })
}
