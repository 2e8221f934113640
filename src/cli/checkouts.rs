//! `headless-checkout checkouts`: find, explain and act on checkouts.
//!
//! Reading goes straight to PostgreSQL, so that it works while the service is down.

use std::io::Read as _;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::act;
use super::arguments::{Arguments, Command, List, Look};
use super::output::{Color, Exit, Format, Screen, color_of, one_or_many, print, print_json};
use super::show;
use super::table::Table;
use crate::app;
use crate::config::Database;
use crate::ops::{
    Action, CheckoutDetail, CheckoutId, Console, Cursor, Filter, Listed, PAGE_AT_MOST, Page, why,
};

/// Runs the command.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let exit = match arguments.command {
        Command::List(list) => self::list(list).await?,
        Command::Show(look) => self::look(look, false).await?,
        Command::Why(look) => self::look(look, true).await?,
        Command::Restart(act) => act::act(act, Action::Restart).await?,
        Command::Pause(act) => act::act(act, Action::Pause).await?,
        Command::Resume(act) => act::act(act, Action::Resume).await?,
        Command::Cancel { act, refund } => act::act(act, Action::Cancel { refund }).await?,
        Command::Resolve { act, finding } => {
            let finding = match finding.into_finding() {
                Ok(finding) => finding,
                Err(error) => return Ok(usage(&error.to_string())),
            };
            act::act(act, Action::Resolve(finding)).await?
        }
        Command::RevokeTokens(act) => act::act(act, Action::RevokeTokens).await?,
        Command::Close { act, leaves } => act::act(act, Action::Close { leaves }).await?,
    };
    Ok(exit)
}

async fn list(list: List) -> anyhow::Result<ExitCode> {
    let filter = Filter {
        status: list.status,
        step: list.step,
        reason: list.reason,
        attention: list.attention,
        obstacle: list.obstacle,
        total_from: list.total_from,
        total_to: list.total_to,
        store: list.store,
        order_id: list.order_id,
        cart_id: list.cart_id,
        email: list.email,
        created_after: list.created_after,
        updated_before: list.updated_before,
        within: None,
    };
    let mut cursor = list.cursor;
    let console = reading().await?;
    let mut data: Vec<Listed> = Vec::new();
    while data.len() < list.limit {
        let after = match cursor.as_deref().map(|text| Cursor::decode(text, list.sort)).transpose() {
            Ok(after) => after,
            Err(error) => return Ok(usage(&format!("--cursor {error}"))),
        };
        let left = u32::try_from(list.limit - data.len()).unwrap_or(PAGE_AT_MOST);
        let page = console.list(&filter, list.sort, after, left).await?;
        data.extend(page.data);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    match list.output {
        Format::Json => print_json(&json!(Page { data, next_cursor: cursor })),
        Format::Ids => print_ids(data.iter().map(|line| line.id.to_string())),
        Format::Table => {
            let screen = Screen::new();
            print(&lines(&data).render(screen));
            if let Some(cursor) = cursor {
                eprintln!("more: --cursor {cursor}");
            }
        }
    }
    Ok(Exit::Ok.into())
}

fn lines(data: &[Listed]) -> Table {
    let header = ["ID", "STATUS", "NEXT STEP", "REASON", "ORDER", "TOTAL", "PAYMENT", "UPDATED"];
    let mut table = Table::new(&header).leaving_out(&["PAYMENT", "TOTAL", "UPDATED", "NEXT STEP", "ORDER"]);
    let now = OffsetDateTime::now_utc();
    for line in data {
        let total = line.total.map(|total| {
            let currency = line.currency.as_deref().unwrap_or_default();
            format!("{} {currency}", total.rounded(currency))
        });
        let payment = line.payment_status.clone().unwrap_or_default();
        table.row(vec![
            (line.id.to_string(), Color::Plain),
            (line.status.clone(), color_of(&line.status)),
            (line.next_step.clone().unwrap_or_default(), Color::Plain),
            (reason(line), Color::Plain),
            (line.order_id.map(|id| id.to_string()).unwrap_or_default(), Color::Plain),
            (total.unwrap_or_default(), Color::Plain),
            (payment.clone(), color_of(&payment)),
            (show::ago(now - line.updated_at), Color::Dim),
        ]);
    }
    table
}

/// Why manual review is needed.
fn reason(line: &Listed) -> String {
    let stuck = || line.stuck.as_ref().map(|stuck| stuck.reason.clone());
    let unreadable = line.unreadable.as_ref().map(|_| "unreadable".to_owned());
    unreadable
        .or_else(stuck)
        .or_else(|| line.obstacle.clone())
        .or_else(|| line.attention.clone())
        .unwrap_or_default()
}

async fn look(look: Look, plainly: bool) -> anyhow::Result<ExitCode> {
    let ids = match ids(&look.ids)? {
        Ok(ids) => ids,
        Err(wrong) => return Ok(usage(&wrong)),
    };
    let console = reading().await?;
    let (mut exits, mut values, screen) = (Vec::new(), Vec::new(), Screen::new());
    for id in ids {
        let case = match console.case(id).await {
            Ok(case) => case,
            Err(error) => {
                let Some(unread) = console.unread(id).await? else { return Err(error.into()) };
                exits.push(Exit::Ok);
                match look.output {
                    Format::Json if plainly => values.push(json!(unread.why())),
                    Format::Json => values.push(json!(unread)),
                    Format::Ids => print(&id.to_string()),
                    Format::Table if plainly => print(&show::plainly(id, &unread.why(), screen)),
                    Format::Table => print(&show::unread(&unread, screen)),
                }
                continue;
            }
        };
        let Some(case) = case else {
            eprintln!("{id}: there is no such checkout");
            exits.push(Exit::NotFound);
            continue;
        };
        exits.push(Exit::Ok);
        match look.output {
            Format::Json => values.push(as_json(&case, plainly)),
            Format::Ids => print(&id.to_string()),
            Format::Table if plainly => print(&show::why(&case, screen)),
            Format::Table => print(&show::case(&case, screen)),
        }
    }
    if look.output == Format::Json && !values.is_empty() {
        print_json(&one_or_many(values));
    }
    Ok(Exit::of(&exits).into())
}

fn as_json(case: &CheckoutDetail, plainly: bool) -> Value {
    if !plainly {
        return app::detail_as_json(case);
    }
    json!(why(case))
}

/// The operators' console, read-only.
async fn reading() -> anyhow::Result<Console> {
    app::reading(&Database::from_env()?).await
}

/// The ids that were given, each once, in order. The inner error is one of usage.
pub(super) fn ids(given: &[String]) -> anyhow::Result<Result<Vec<CheckoutId>, String>> {
    let mut texts = Vec::new();
    for text in given {
        if text == "-" {
            let mut input = String::new();
            std::io::stdin().read_to_string(&mut input).context("standard input cannot be read")?;
            texts.extend(input.split_whitespace().map(str::to_owned));
        } else {
            texts.push(text.clone());
        }
    }
    let mut ids: Vec<CheckoutId> = Vec::with_capacity(texts.len());
    let mut seen = std::collections::HashSet::new();
    for text in texts {
        match text.parse() {
            Ok(id) if seen.insert(id) => ids.push(id),
            Ok(_) => {}
            Err(error) => return Ok(Err(format!("{text:?}: {error}"))),
        }
    }
    Ok(Ok(ids))
}

/// The command line was wrong.
pub(super) fn usage(what: &str) -> ExitCode {
    eprintln!("headless-checkout: {what}");
    ExitCode::from(2)
}

/// Prints ids, one on each line.
pub(super) fn print_ids(ids: impl Iterator<Item = String>) {
    let text: String = ids.map(|id| id + "\n").collect();
    if !text.is_empty() {
        print(&text);
    }
}
