//! The arguments of `headless-checkout checkouts`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::output::Format;
use crate::ops::action::{self, InvalidFinding};
use crate::ops::{Assertion, Attention, Money, Obstacle, Sort, Status, StepName, StuckReason, parse_decimal};

/// The arguments of `checkouts`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List checkouts, most recently changed first
    List(List),
    /// Show everything about one or more checkouts
    Show(Look),
    /// Explain the state of checkouts and what can be done
    Why(Look),
    /// Retry now; anything in flight is reconciled first, never repeated
    Restart(Act),
    /// Pause: nothing happens until resumed
    Pause(Act),
    /// Continue after a pause
    Resume(Act),
    /// Cancel: an unpaid order is canceled, the cart is deleted
    Cancel {
        #[command(flatten)]
        act: Act,
        /// Also if it was paid, by refunding it
        #[arg(long)]
        refund: bool,
    },
    /// State what recovery cannot find out; BigCommerce is checked first
    Resolve {
        #[command(flatten)]
        act: Act,
        #[command(flatten)]
        finding: FindingArguments,
    },
    /// End every checkout token, for example one that leaked; the checkout goes on
    RevokeTokens(Act),
    /// Close one whose record cannot be read; nothing is changed at BigCommerce
    Close {
        #[command(flatten)]
        act: Act,
        /// The ids of its cart and orders that stay at BigCommerce, separated by commas
        #[arg(long, value_delimiter = ',')]
        leaves: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// awaiting_input, running, waiting, completed, compensating, cancelled, expired or stuck
    #[arg(long)]
    pub(super) status: Option<Status>,
    /// The first step that is not done
    #[arg(long)]
    pub(super) step: Option<StepName>,
    /// The reason they are stuck
    #[arg(long)]
    pub(super) reason: Option<StuckReason>,
    /// What holds the shopper up: blocked or retrying
    #[arg(long)]
    pub(super) attention: Option<Attention>,
    /// The problem that blocks the shopper, such as payment-declined
    #[arg(long)]
    pub(super) obstacle: Option<Obstacle>,
    /// The lowest total
    #[arg(long, value_parser = amount)]
    pub(super) total_from: Option<Money>,
    /// The highest total
    #[arg(long, value_parser = amount)]
    pub(super) total_to: Option<Money>,
    /// The name of the store
    #[arg(long)]
    pub(super) store: Option<String>,
    /// The order, including abandoned ones
    #[arg(long)]
    pub(super) order_id: Option<i64>,
    /// The cart
    #[arg(long)]
    pub(super) cart_id: Option<String>,
    /// The shopper's email address
    #[arg(long)]
    pub(super) email: Option<String>,
    /// Created at this time or later (RFC 3339)
    #[arg(long, value_parser = instant)]
    pub(super) created_after: Option<OffsetDateTime>,
    /// Last changed before this time (RFC 3339)
    #[arg(long, value_parser = instant)]
    pub(super) updated_before: Option<OffsetDateTime>,
    /// updated_at, -updated_at, created_at or -created_at
    #[arg(long, default_value = "-updated_at", allow_hyphen_values = true)]
    pub(super) sort: Sort,
    /// The maximum number of rows
    #[arg(long, default_value_t = 50)]
    pub(super) limit: usize,
    /// The cursor of an earlier list
    #[arg(long)]
    pub(super) cursor: Option<String>,
    /// Output format
    #[arg(short, long, default_value = "table")]
    pub(super) output: Format,
}

#[derive(Debug, Args)]
pub(super) struct Look {
    /// Checkout ids; `-` reads them from standard input
    #[arg(required = true)]
    pub(super) ids: Vec<String>,
    /// Output format
    #[arg(short, long, default_value = "table")]
    pub(super) output: Format,
}

#[derive(Debug, Args)]
pub(super) struct Act {
    /// Checkout ids; `-` reads them from standard input
    #[arg(required = true)]
    pub(super) ids: Vec<String>,
    /// The reason, for the audit log
    #[arg(long, value_parser = given_reason)]
    pub(super) reason: String,
    /// Only show what would be done
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Act directly on the database, without the service
    #[arg(long, conflicts_with = "service")]
    pub(super) direct: bool,
    /// The URL of the service [default: the one at OPS_ADDR or LISTEN_ADDR]
    #[arg(long)]
    pub(super) service: Option<String>,
    /// Output format
    #[arg(short, long, default_value = "table")]
    pub(super) output: Format,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct FindingArguments {
    /// This order was created by the checkout
    #[arg(long)]
    pub(super) order_id: Option<i64>,
    /// No order was created
    #[arg(long)]
    pub(super) no_order: bool,
    /// The shopper was charged, by this transaction
    #[arg(long, value_name = "TRANSACTION")]
    pub(super) charged: Option<String>,
    /// The shopper was not charged
    #[arg(long)]
    pub(super) not_charged: bool,
    /// The finding as JSON, such as '{"order_id": 125}'
    #[arg(long, value_parser = finding)]
    pub(super) finding: Option<Assertion>,
}

impl FindingArguments {
    /// What is asserted.
    pub(super) fn into_finding(self) -> Result<Assertion, InvalidFinding> {
        let value = match self {
            Self { finding: Some(finding), .. } => return Ok(finding),
            Self { order_id: Some(id), .. } => json!({"order_id": id}),
            Self { charged: Some(id), .. } => json!({"charged": id}),
            Self { no_order: true, .. } => json!({"no_order": true}),
            _ => json!({"not_charged": true}),
        };
        Assertion::parse(&value)
    }
}

/// A time that a filter takes.
pub(super) fn instant(text: &str) -> Result<OffsetDateTime, String> {
    crate::ops::instant(text).ok_or_else(|| "must be a time such as 2026-11-21T00:00:00Z".to_owned())
}

fn amount(text: &str) -> Result<Money, String> {
    let amount = parse_decimal(text).filter(|amount| !amount.is_sign_negative()).map(Money::from);
    amount.ok_or_else(|| "must be an amount such as 54.13".to_owned())
}

fn given_reason(text: &str) -> Result<String, String> {
    let reason = action::reason(text).map(str::to_owned);
    reason.ok_or_else(|| {
        format!("must be 1 to {} characters on one line, all of which are seen", action::REASON_AT_MOST)
    })
}

fn finding(text: &str) -> Result<Assertion, String> {
    let value: Value = serde_json::from_str(text).map_err(|_| "must be JSON".to_owned())?;
    Assertion::parse(&value).map_err(|error| error.to_string())
}
