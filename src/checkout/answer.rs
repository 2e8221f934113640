//! The result of an operation, as it is returned to the caller.

use serde::{Deserialize, Serialize};

use super::{Decline, Goal, Money, Obstacle, StepName};

/// The result of an operation. It is kept with the idempotency key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It was done.
    Done,
    /// BigCommerce said no.
    Rejected(UpstreamRejection),
    /// It was done, but for what BigCommerce refused of it: the checkout goes on without that.
    Without {
        /// The coupon codes that were refused; none: it was the customer message.
        coupon_codes: Vec<String>,
        /// BigCommerce's first refusal.
        refused: UpstreamRejection,
    },
    /// BigCommerce takes the address, and the store ships nothing to it.
    Undeliverable,
    /// The store takes no payment by this method (payments, error codes 30000 to 30002); nothing was charged by it.
    MethodUnavailable(UpstreamRejection),
    /// Another checkout took the cart over in the same moment. Ours: BigCommerce said nothing of it.
    CartTaken,
    /// BigCommerce takes no payment of the order in its status (payments, error code 30101).
    NotPayable,
    /// The payment was declined.
    Declined(Decline),
    /// The total rose above what the shopper agreed to; nothing was charged, and no order was left behind.
    TotalChanged {
        /// What the shopper agreed to.
        agreed_total: Money,
        /// What it would cost.
        grand_total: Money,
        /// Whether an order was made before that was known, and removed again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        order_removed: bool,
    },
    /// An earlier step has to be done first, because the checkout was changed elsewhere.
    OutOfOrder,
    /// BigCommerce could not be reached; nothing happened.
    Unavailable {
        /// When to come back, in seconds.
        retry_after: u64,
    },
    /// Manual review is needed.
    Stuck,
    /// The checkout was cancelled or expired first.
    Closed,
}

/// What became of the goal with this version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Which goal.
    #[serde(rename = "ticket")]
    pub goal_version: i64,
    /// What became of it.
    pub answer: Answer,
    /// What the last order or payment was refused with, if the shopper has not got on since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<Obstacle>,
}

impl Answered {
    /// What became of this goal, after what was answered before.
    pub fn of(goal: &Goal, answer: Answer, before: Option<&Self>) -> Self {
        let obstacle = Obstacle::of(&answer);
        let obstacle = match goal.until {
            StepName::Order | StepName::Payment => obstacle,
            // The refusal of something else, such as a coupon, neither blocks nor helps; anything that is done is a step on.
            _ => obstacle.and(before.and_then(|before| before.obstacle)),
        };
        Self { goal_version: goal.goal_version, answer, obstacle }
    }
}

/// BigCommerce's refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamRejection {
    /// BigCommerce's HTTP status.
    pub status: u16,
    /// BigCommerce's title.
    pub title: String,
    /// BigCommerce's messages by field.
    #[serde(default)]
    pub errors: Vec<(String, String)>,
}

impl Answer {
    /// As records before version 4 hold it: what is a word of its own now was told by a title, in place of BigCommerce's.
    #[must_use]
    pub fn of_earlier(self) -> Self {
        match self {
            Self::Rejected(refused) if refused == UpstreamRejection::cart_taken() => Self::CartTaken,
            Self::Rejected(refused) if refused == UpstreamRejection::not_payable() => Self::NotPayable,
            other => other,
        }
    }
}

impl UpstreamRejection {
    fn ours(title: &str) -> Self {
        Self { status: 409, title: title.to_owned(), errors: Vec::new() }
    }

    /// What [`Answer::CartTaken`] was before it had a word of its own.
    fn cart_taken() -> Self {
        Self::ours("Another checkout has this cart")
    }

    /// What a shopper hears of [`Answer::NotPayable`].
    pub fn not_payable() -> Self {
        Self::ours("The order cannot be paid in its current status")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_an_earlier_version_recorded_is_told_by_its_title() {
        let stored = |answer: &Answer| serde_json::to_string(answer).expect("JSON");
        for (title, word) in [
            ("Another checkout has this cart", Answer::CartTaken),
            ("The order cannot be paid in its current status", Answer::NotPayable),
        ] {
            let same = Answer::Rejected(UpstreamRejection::ours(title));
            let read: Answer = serde_json::from_str(&stored(&same)).expect("an answer");
            assert_eq!(read, same, "a refusal of BigCommerce's stays one");
            assert_eq!(read.of_earlier(), word);
            assert_eq!(serde_json::from_str::<Answer>(&stored(&word)).expect("an answer"), word);
            let other = Answer::Rejected(UpstreamRejection { status: 422, ..UpstreamRejection::ours(title) });
            assert_eq!(other.clone().of_earlier(), other);
        }
    }
}
