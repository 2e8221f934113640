//! Who among the shoppers does not get on, so that an operator finds them before they call.

use serde::{Deserialize, Serialize};

use super::status::words;
use super::{Answer, Checkout, Status, StepName};

words! {
    /// What holds a shopper up.
    Attention {
        /// The last answer at order or payment was a refusal, and nothing was charged.
        Blocked = "blocked",
        /// A step failed and is tried again by itself.
        Retrying = "retrying",
    }
}

words! {
    /// The problem that a blocked shopper met: the `code` of the problem document.
    Obstacle {
        /// BigCommerce said no.
        Rejected = "rejected-by-bigcommerce",
        /// The store takes no payment by the method.
        MethodUnavailable = "payment-method-unavailable",
        /// The payment was declined.
        Declined = "payment-declined",
        /// The total rose above what the shopper agreed to.
        TotalChanged = "total-changed",
        /// The store ships nothing to the address.
        Undeliverable = "not-deliverable",
        /// Another checkout has the cart.
        CartTaken = "cart-taken",
        /// An earlier step came first, because the checkout was changed elsewhere.
        OutOfOrder = "step-out-of-order",
        /// BigCommerce could not be reached.
        Unavailable = "upstream-unavailable",
    }
}

impl Obstacle {
    /// Of what was answered, where that is a refusal.
    pub(super) fn of(answer: &Answer) -> Option<Self> {
        Some(match answer {
            Answer::Rejected(_) | Answer::NotPayable => Self::Rejected,
            Answer::MethodUnavailable(_) => Self::MethodUnavailable,
            Answer::Declined(_) => Self::Declined,
            Answer::TotalChanged { .. } => Self::TotalChanged,
            Answer::Undeliverable => Self::Undeliverable,
            Answer::CartTaken => Self::CartTaken,
            Answer::OutOfOrder => Self::OutOfOrder,
            Answer::Unavailable { .. } => Self::Unavailable,
            // What is stuck or closed is found by its status.
            Answer::Done | Answer::Without { .. } | Answer::Stuck | Answer::Closed => return None,
        })
    }
}

impl Checkout {
    /// What holds the shopper up, and for one who is blocked by which problem.
    pub fn attention(&self) -> Option<(Attention, Option<Obstacle>)> {
        match self.status {
            Status::Waiting if self.tries > 0 => Some((Attention::Retrying, None)),
            Status::AwaitingInput if self.pays_next() => {
                let obstacle = self.answered.as_ref().and_then(|answered| answered.obstacle)?;
                Some((Attention::Blocked, Some(obstacle)))
            }
            _ => None,
        }
    }

    /// Whether the shopper is at order or payment, with nothing charged and nothing in doubt.
    fn pays_next(&self) -> bool {
        matches!(self.next_step(), Some(StepName::Order | StepName::Payment))
            && self.facts.parts.is_empty()
            && !self.payment_in_doubt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use serde_json::Map;
    use time::OffsetDateTime;

    use crate::checkout::{
        Answered, Flow, Goal, Input, PaymentStatus, StepStatus, UpstreamRejection, sample,
    };

    fn goal(until: StepName) -> Goal {
        Goal { operation: String::new(), until, key: None, agreed_total: None, payer: None, goal_version: 1 }
    }

    #[test]
    fn what_blocks_is_the_last_answer_at_order_or_payment_until_something_is_done() {
        let refused = || Answer::Rejected(UpstreamRejection::not_payable());
        let away = || Answer::Unavailable { retry_after: 1 };
        let mut answered = None;
        for (until, answer, expected) in [
            (StepName::ShippingOptions, refused(), None),
            (StepName::Order, away(), Some(Obstacle::Unavailable)),
            (StepName::ShippingOptions, refused(), Some(Obstacle::Unavailable)),
            (StepName::Payment, refused(), Some(Obstacle::Rejected)),
            (StepName::ShippingOptions, away(), Some(Obstacle::Rejected)),
            (StepName::ShippingOptions, Answer::Done, None),
            (StepName::Order, away(), Some(Obstacle::Unavailable)),
            (StepName::Order, Answer::Done, None),
        ] {
            let next = Answered::of(&goal(until), answer.clone(), answered.as_ref());
            assert_eq!(next.obstacle, expected, "{until} {answer:?}");
            answered = Some(next);
        }
    }

    fn at(step: StepName, status: Status, answer: Answer) -> Checkout {
        let (store, now) = ("default".to_owned(), OffsetDateTime::UNIX_EPOCH);
        let mut checkout =
            Checkout::begin(store, Flow::Cart, Input::default(), Map::new(), now, Duration::ZERO);
        checkout.status = status;
        let mut before = true;
        for record in &mut checkout.steps {
            before &= record.name != step;
            record.status = if before { StepStatus::Succeeded } else { StepStatus::Pending };
        }
        checkout.answered = Some(Answered::of(&goal(StepName::Payment), answer, None));
        checkout
    }

    #[test]
    fn blocked_is_who_was_refused_at_order_or_payment_with_nothing_charged() {
        let refused = Answer::Rejected(UpstreamRejection::not_payable());
        let blocked = Some((Attention::Blocked, Some(Obstacle::Rejected)));
        for (step, status, answer, expected) in [
            (StepName::Order, Status::AwaitingInput, refused.clone(), blocked),
            (StepName::Payment, Status::AwaitingInput, refused.clone(), blocked),
            (StepName::BillingAddress, Status::AwaitingInput, refused.clone(), None),
            (StepName::Payment, Status::Completed, refused.clone(), None),
            (StepName::Payment, Status::Stuck, Answer::Stuck, None),
            (StepName::Payment, Status::AwaitingInput, Answer::Done, None),
            (
                StepName::Order,
                Status::AwaitingInput,
                Answer::Unavailable { retry_after: 5 },
                Some((Attention::Blocked, Some(Obstacle::Unavailable))),
            ),
        ] {
            assert_eq!(at(step, status, answer.clone()).attention(), expected, "{step} {status} {answer:?}");
        }
        let mut doubtful = at(StepName::Payment, Status::AwaitingInput, refused);
        doubtful.facts.payment = Some(sample::payment(PaymentStatus::Unknown));
        assert_eq!(doubtful.attention(), None, "nobody knows whether it was charged");
    }

    #[test]
    fn retrying_is_what_failed_and_waits() {
        let mut checkout = at(StepName::Order, Status::Waiting, Answer::Done);
        assert_eq!(checkout.attention(), None, "a wait without a failure is a matter of course");
        checkout.tries = 1;
        assert_eq!(checkout.attention(), Some((Attention::Retrying, None)));
    }
}
