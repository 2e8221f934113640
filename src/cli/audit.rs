//! `headless-checkout audit`: operator actions, and whether the log of them is complete and unchanged.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::output::{Color, Exit, Format, Screen, color_of, print, print_json};
use super::show::instant;
use super::table::Table;
use crate::app;
use crate::config::Database;
use crate::ops::{AuditRow, CheckoutId, PAGE_AT_MOST, Page};

/// The arguments of `audit`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List operator actions, newest first
    List {
        /// Only this checkout
        #[arg(long)]
        checkout: Option<CheckoutId>,
        /// The maximum number of rows
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// The cursor of an earlier list
        #[arg(long)]
        cursor: Option<i64>,
        /// Output format
        #[arg(short, long, default_value = "table")]
        output: Format,
    },
    /// Verify that no row was changed or removed; exits 1 if one was
    Verify {
        /// A head noted earlier, which the chain must contain
        #[arg(long, value_parser = head)]
        head: Option<[u8; 32]>,
        /// Output format
        #[arg(short, long, default_value = "table")]
        output: Format,
    },
}

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let console = app::reading(&Database::from_env()?).await?;
    match arguments.command {
        Command::List { checkout, limit, mut cursor, output } => {
            let (mut data, mut next) = (Vec::new(), None);
            while data.len() < limit {
                let left = u32::try_from(limit - data.len()).unwrap_or(PAGE_AT_MOST);
                let page = console.audit(checkout, cursor, left).await?;
                data.extend(page.data);
                next = page.next_cursor;
                cursor = next.as_deref().and_then(|text| text.parse().ok());
                if cursor.is_none() {
                    break;
                }
            }
            match output {
                Format::Json => print_json(&json!(Page { data, next_cursor: next })),
                Format::Ids => data.iter().for_each(|row| print(&row.audit_id.to_string())),
                Format::Table => print(&rows(&data, true).render(Screen::new())),
            }
            Ok(Exit::Ok.into())
        }
        Command::Verify { head, output } => {
            let verified = console.verify_audit(head).await?;
            let verified = verified.context("the chain covers all stores")?;
            match (&verified.broken, output) {
                (_, Format::Json) => print_json(&json!(verified)),
                (None, _) => {
                    print(&format!("{} rows, nothing changed\nhead {}", verified.rows, verified.head));
                }
                (Some(broken), _) => {
                    print(&format!("row {}: {}", broken.audit_id, broken.what));
                }
            }
            Ok(if verified.broken.is_none() { Exit::Ok } else { Exit::Error }.into())
        }
    }
}

/// Rows of the audit log as a table.
pub(super) fn rows(data: &[AuditRow], with_checkout: bool) -> Table {
    let mut header = vec!["AUDIT", "AT", "ACTOR", "ACTION", "RESULT", "REASON"];
    if with_checkout {
        header.push("CHECKOUT");
    }
    let mut table = Table::new(&header).leaving_out(&["AT", "REASON"]);
    for row in data {
        let result = row.result.split(':').next().unwrap_or_default();
        let mut cells = vec![
            (row.audit_id.to_string(), Color::Plain),
            (instant(row.at), Color::Dim),
            (format!("{} ({})", row.actor, row.role), Color::Plain),
            (row.action.clone(), Color::Plain),
            (row.result.clone(), color_of(result)),
            (row.reason.clone(), Color::Plain),
        ];
        if with_checkout {
            cells.push((row.checkout_id.map(|id| id.to_string()).unwrap_or_default(), Color::Plain));
        }
        table.row(cells);
    }
    table
}

fn head(text: &str) -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| "must be 64 hexadecimal digits".to_owned())?;
    Ok(bytes)
}
