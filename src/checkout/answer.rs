//! What became of an operation, as whoever asked for it is told.

use serde::{Deserialize, Serialize};

use super::{Decline, Money};

/// What became of an operation. It is kept with the idempotency key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It was done.
    Done,
    /// BigCommerce said no.
    Rejected(Refused),
    /// The payment was declined.
    Declined(Decline),
    /// The total rose above what the shopper agreed to; nothing was ordered or charged.
    TotalChanged {
        /// What the shopper agreed to.
        agreed_total: Money,
        /// What it would cost.
        grand_total: Money,
    },
    /// An earlier step has to be done first, because the checkout was changed elsewhere.
    OutOfOrder,
    /// BigCommerce could not be reached; nothing happened.
    Unavailable {
        /// When to come back, in seconds.
        retry_after: u64,
    },
    /// A person is needed.
    Stuck,
    /// The checkout was cancelled or expired first.
    Closed,
}

/// What became of the goal with this ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Which goal.
    pub ticket: i64,
    /// What became of it.
    pub answer: Answer,
}

/// BigCommerce's refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// BigCommerce's HTTP status.
    pub status: u16,
    /// BigCommerce's title.
    pub title: String,
    /// BigCommerce's messages by field.
    #[serde(default)]
    pub errors: Vec<(String, String)>,
}

impl Refused {
    /// Another checkout took the cart over in the same moment. No answer of BigCommerce's, but told in its place.
    pub fn cart_taken() -> Self {
        Self { status: 409, title: "Another checkout has this cart".to_owned(), errors: Vec::new() }
    }
}
