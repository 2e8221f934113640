//! The states of a checkout and the one function that moves between them.

use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The words for them, in order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The word for it in JSON, in SQL and in logs.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::checkout::InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
                    .ok_or($crate::checkout::InvalidId::unknown_word())
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(super) use words;

words! {
    /// Which saga a checkout runs.
    Flow {
        /// From a cart over consignments to an order.
        Cart = "cart",
        /// An order made directly (BigCommerce: orders.v2, createAnOrder), then paid.
        DirectOrder = "direct-order",
    }
}

words! {
    /// Where a checkout stands.
    Status {
        /// At rest: the shopper is to give more.
        AwaitingInput = "awaiting_input",
        /// A process holds the lease and works on it.
        Running = "running",
        /// A timer is set: a retry, a reconciliation or a settling payment.
        Waiting = "waiting",
        /// Paid (or authorized). Final.
        Completed = "completed",
        /// What was done is being undone.
        Compensating = "compensating",
        /// Undone on request. Final.
        Cancelled = "cancelled",
        /// Undone because it was abandoned. Final.
        Expired = "expired",
        /// Needs a person.
        Stuck = "stuck",
    }
}

words! {
    /// Where one step stands.
    StepStatus {
        /// Not done, or to be done again.
        Pending = "pending",
        /// In flight, or a payment that is settling.
        Running = "running",
        /// Done.
        Succeeded = "succeeded",
        /// BigCommerce said no.
        Rejected = "rejected",
        /// It may have happened.
        Unknown = "unknown",
        /// Not needed: there is nothing to ship.
        Skipped = "skipped",
    }
}

words! {
    /// The name of a step or of an operation beside the steps.
    StepName {
        /// Create the cart.
        Cart = "cart",
        /// Give the checkout its billing address.
        BillingAddress = "billing-address",
        /// Say which items go where.
        Consignments = "consignments",
        /// Choose how they are sent.
        ShippingOptions = "shipping-options",
        /// Create the order.
        Order = "order",
        /// Pay it.
        Payment = "payment",
        /// Change the cart until the order is paid: items, coupons, customer message.
        CartEdit = "cart-edit",
        /// Look whether the shopper paid elsewhere.
        HandOff = "hand-off",
        /// Undo what was done.
        Cancel = "cancel",
    }
}

impl Flow {
    /// The steps of this saga, in order.
    pub fn steps(self) -> &'static [StepName] {
        match self {
            Self::Cart => &[
                StepName::Cart,
                StepName::BillingAddress,
                StepName::Consignments,
                StepName::ShippingOptions,
                StepName::Order,
                StepName::Payment,
            ],
            Self::DirectOrder => &[StepName::Order, StepName::Payment],
        }
    }
}

impl Status {
    /// Whether it has ended. It changes again only when an operator gives back what was paid, or when a late look finds
    /// that more was paid than was known.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Expired)
    }

    /// Whether it was undone: its cart may be used again.
    pub fn is_undone(self) -> bool {
        matches!(self, Self::Cancelled | Self::Expired)
    }

    /// Whether it stays as it is until somebody asks for something. The others have a lease or a timer.
    pub fn is_at_rest(self) -> bool {
        self.is_final() || matches!(self, Self::AwaitingInput | Self::Stuck)
    }
}

words! {
    /// What can happen to a checkout.
    Event {
        /// A process took the lease to do what was asked.
        Claimed = "claimed",
        /// A process took over after a crash or when a timer ran out.
        Resumed = "resumed",
        /// An attempt was noted and the same process goes on.
        Advanced = "advanced",
        /// Nothing more can be done without the shopper.
        Rested = "rested",
        /// A timer was set.
        Deferred = "deferred",
        /// The payment was made.
        Paid = "paid",
        /// The shopper or an operator wants it undone.
        CancelRequested = "cancel-requested",
        /// Nobody came back.
        Abandoned = "abandoned",
        /// All was undone on request.
        Undone = "undone",
        /// All was undone after it was abandoned.
        Lapsed = "lapsed",
        /// Manual review is needed.
        Stalled = "stalled",
        /// A person wants it tried again.
        Restarted = "restarted",
        /// A person wants it left alone.
        Paused = "paused",
        /// A person found out what recovery could not: it certainly did not happen.
        Resolved = "resolved",
        /// What was paid was given back on request.
        Refunded = "refunded",
    }
}

/// An event that cannot happen in this status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a checkout that is {status} cannot be {event}")]
pub struct Illegal {
    /// Where the checkout stands.
    pub status: Status,
    /// What was to happen.
    pub event: Event,
}

/// The transition function of the saga: exhaustive over every pair of status and event.
///
/// What is at rest may turn out to be paid (`paid`, `stalled`), or its order to be changed (`rested`), without being worked on.
///
/// What has ended is never worked on again. It is shown as something else when what was paid is given back, or when it turns
/// out, late, that it was paid after all (`paid`) or twice (`stalled`). A checkout that is being undone is never run forward
/// again: it ends undone, stuck, or completed when it turns out that it had been paid.
pub fn next(status: Status, event: Event) -> Result<Status, Illegal> {
    use Event as E;
    use Status as S;
    match (status, event) {
        (S::AwaitingInput, E::Claimed)
        | (S::Running, E::Resumed | E::Advanced)
        | (S::Waiting, E::Resumed) => Ok(S::Running),
        (S::Compensating, E::Resumed | E::Advanced | E::Deferred | E::Restarted)
        | (S::AwaitingInput, E::CancelRequested | E::Abandoned)
        | (S::Waiting | S::Stuck, E::CancelRequested) => Ok(S::Compensating),
        (S::Running | S::AwaitingInput, E::Rested) | (S::Stuck, E::Resolved) => Ok(S::AwaitingInput),
        (S::Running, E::Deferred) | (S::Stuck | S::Waiting, E::Restarted) => Ok(S::Waiting),
        (S::AwaitingInput | S::Running | S::Compensating | S::Stuck | S::Cancelled | S::Expired, E::Paid) => {
            Ok(S::Completed)
        }
        (S::Compensating, E::Undone) | (S::Completed, E::Refunded) => Ok(S::Cancelled),
        (S::Compensating, E::Lapsed) => Ok(S::Expired),
        (
            S::AwaitingInput | S::Running | S::Compensating | S::Completed | S::Cancelled | S::Expired,
            E::Stalled,
        )
        | (S::AwaitingInput | S::Waiting, E::Paused) => Ok(S::Stuck),
        (
            S::AwaitingInput,
            E::Resumed
            | E::Advanced
            | E::Deferred
            | E::Undone
            | E::Lapsed
            | E::Restarted
            | E::Resolved
            | E::Refunded,
        )
        | (
            S::Running,
            E::Claimed
            | E::CancelRequested
            | E::Abandoned
            | E::Undone
            | E::Lapsed
            | E::Restarted
            | E::Paused
            | E::Resolved
            | E::Refunded,
        )
        | (
            S::Waiting,
            E::Claimed
            | E::Advanced
            | E::Rested
            | E::Deferred
            | E::Paid
            | E::Abandoned
            | E::Undone
            | E::Lapsed
            | E::Stalled
            | E::Resolved
            | E::Refunded,
        )
        | (
            S::Compensating,
            E::Claimed
            | E::Rested
            | E::CancelRequested
            | E::Abandoned
            | E::Paused
            | E::Resolved
            | E::Refunded,
        )
        | (
            S::Stuck,
            E::Claimed
            | E::Resumed
            | E::Advanced
            | E::Rested
            | E::Deferred
            | E::Abandoned
            | E::Undone
            | E::Lapsed
            | E::Stalled
            | E::Paused
            | E::Refunded,
        )
        | (S::Completed | S::Cancelled | S::Expired, _) => Err(Illegal { status, event }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written from the prose of the saga, not from `next`: one line for each status, one column for each event. The
    /// letter is the status that follows: Awaiting input, Running, Waiting, Completed, cOmpensating, canceLled,
    /// Expired, Stuck.
    const TABLE: &str = "
        from            claimed resumed advanced rested deferred paid cancel-requested abandoned undone lapsed stalled restarted paused resolved refunded
         awaiting_input  R       -       -        A      -        C    O                O         -      -      S       -         S      -   -
         running         -       R       R        A      W        C    -                -         -      -      S       -         -      -   -
         waiting         -       R       -        -      -        -    O                -         -      -      -       W         S      -   -
         completed       -       -       -        -      -        -    -                -         -      -      S       -         -      -   L
         compensating    -       O       O        -      O        C    -                -         L      E      S       O         -      -   -
         cancelled       -       -       -        -      -        C    -                -         -      -      S       -         -      -   -
         expired         -       -       -        -      -        C    -                -         -      -      S       -         -      -   -
         stuck           -       -       -        -      -        C    O                -         -      -      -       W         -      A   -";

    #[test]
    fn every_pair_of_status_and_event_is_as_the_table_says() {
        let mut lines = TABLE.lines().filter(|line| !line.trim().is_empty()).map(str::split_whitespace);
        let events: Vec<Event> =
            lines.next().expect("a head").skip(1).map(|word| word.parse().expect("an event")).collect();
        assert_eq!(events, Event::ALL, "a column for each event");
        let mut statuses = Vec::new();
        for mut line in lines {
            let from: Status = line.next().expect("a status").parse().expect("a status");
            let cells: Vec<&str> = line.collect();
            assert_eq!(cells.len(), events.len(), "{from}");
            for (&event, cell) in events.iter().zip(cells) {
                let expected = match cell {
                    "A" => Ok(Status::AwaitingInput),
                    "R" => Ok(Status::Running),
                    "W" => Ok(Status::Waiting),
                    "C" => Ok(Status::Completed),
                    "O" => Ok(Status::Compensating),
                    "L" => Ok(Status::Cancelled),
                    "E" => Ok(Status::Expired),
                    "S" => Ok(Status::Stuck),
                    _ => Err(Illegal { status: from, event }),
                };
                assert_eq!(next(from, event), expected, "{from} {event}");
            }
            statuses.push(from);
        }
        assert_eq!(statuses, Status::ALL, "a line for each status");
    }

    proptest::proptest! {
        #![proptest_config(crate::seeded::seeded())]

        #[test]
        fn a_final_status_stays_but_for_money_and_a_replayed_log_gives_the_stored_status(
            events in proptest::collection::vec(proptest::sample::select(Event::ALL), 0..60),
        ) {
            let (mut stored, mut log) = (Status::AwaitingInput, Vec::new());
            for event in events {
                let before = stored;
                if let Ok(status) = next(stored, event) {
                    stored = status;
                    log.push(event);
                }
                let given_back = before == Status::Completed && event == Event::Refunded;
                let late = matches!(event, Event::Paid | Event::Stalled);
                proptest::prop_assert!(!before.is_final() || before == stored || given_back || late);
            }
            let replayed = log.into_iter().try_fold(Status::AwaitingInput, next);
            proptest::prop_assert_eq!(replayed, Ok(stored));
        }
    }

    #[test]
    fn what_is_being_undone_never_runs_forward_again() {
        for &event in Event::ALL {
            if let Ok(to) = next(Status::Compensating, event) {
                assert!(
                    !matches!(to, Status::Running | Status::Waiting | Status::AwaitingInput),
                    "{event} -> {to}"
                );
            }
        }
    }

    #[test]
    fn every_status_that_is_not_at_rest_can_be_resumed() {
        for &status in Status::ALL {
            assert_eq!(next(status, Event::Resumed).is_ok(), !status.is_at_rest(), "{status}");
        }
    }

    #[test]
    fn words_are_read_back() {
        for &status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
        }
        assert!("paid".parse::<Status>().is_err());
    }
}
