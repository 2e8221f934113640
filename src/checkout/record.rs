//! What is known of one checkout: the row that operators see, as a value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::status::words;
use super::{
    Answer, Answered, CheckoutId, Document, Flow, HandOff, IdempotencyKey, Input, Money, PaymentFacts,
    PaymentPart, PaymentStatus, SentPayments, Shared, Status, StepName, StepStatus,
};

/// One shopper's run, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkout {
    /// Identity.
    pub id: CheckoutId,
    /// Name of the store it belongs to.
    pub store: String,
    /// Which saga it runs.
    pub flow: Flow,
    /// Grows by one with every recorded transition; the `ETag`.
    pub version: i64,
    /// Grows by one with every claim; an outcome is written only under the current one.
    pub fence: i64,
    /// Where it stands.
    pub status: Status,
    /// Its steps, in order.
    pub steps: Vec<StepRecord>,
    /// What the shopper gave.
    pub input: Shared<Input>,
    /// What BigCommerce said.
    pub facts: Facts,
    /// How far the current run is to go, and for whom.
    pub goal: Option<Goal>,
    /// The attempt whose outcome is not known yet.
    pub in_flight: Option<InFlight>,
    /// Failed tries in a row since the last success or restart.
    pub tries: u32,
    /// How often in a row a lease ran out with nothing recorded.
    pub lost_leases: u32,
    /// The answer of the latest goal that ended.
    pub answered: Option<Answered>,
    /// Why manual review is needed.
    pub stuck: Option<Stuck>,
    /// The storefront's own notes.
    pub metadata: Shared<Map<String, Value>>,
    /// When it was created.
    pub created_at: OffsetDateTime,
    /// When it last changed. The steps of one run do not count.
    pub updated_at: OffsetDateTime,
    /// When it expires if nobody comes back.
    pub expires_at: OffsetDateTime,
}

/// What BigCommerce said, as far as it is needed again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// The latest cart or checkout object. Stored beside the rest, because it is large.
    #[serde(skip)]
    pub document: Option<Document>,
    /// When the document was received.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub document_at: Option<OffsetDateTime>,
    /// Id of the cart, which is the id of BigCommerce's checkout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cart_id: Option<String>,
    /// Whether the cart was made elsewhere, so that it is not ours to delete.
    pub cart_is_foreign: bool,
    /// How many units of each line item were assigned to consignments here. BigCommerce does not say it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub consigned: BTreeMap<String, u32>,
    /// Since when the cart may be paid elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hand_off: Option<HandOff>,
    /// Whether an answer was lost, or an order made again, so that something may still show after the end.
    #[serde(skip_serializing_if = "is_false")]
    pub may_show_late: bool,
    /// Since when the cart is known to be gone, on PostgreSQL's clock: it was paid elsewhere, or deleted, or it expired.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub cart_gone_since: Option<OffsetDateTime>,
    /// Since when the order cannot be found by its number, on PostgreSQL's clock.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub order_gone_since: Option<OffsetDateTime>,
    /// Orders of the cart that were there before this checkout made one: not ours to archive.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub orders_of_others: Vec<i64>,
    /// The order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderFacts>,
    /// Orders of this checkout that can no longer be paid.
    #[serde(rename = "dead_orders", skip_serializing_if = "Vec::is_empty")]
    pub abandoned_orders: Vec<i64>,
    /// The latest payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment: Option<PaymentFacts>,
    /// How many payments of an order may have reached its gateway. `None`: they were not counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payments_sent: Option<SentPayments>,
    /// What was paid of the order so far, where that is only a part of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PaymentPart>,
    /// What is held of the order, where that is more than it costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Money>,
}

/// What is known of the order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderFacts {
    /// BigCommerce's order id.
    pub id: i64,
    /// BigCommerce's status id; 0 is Incomplete.
    pub status_id: i64,
    /// BigCommerce's name for the status.
    pub status: String,
    /// BigCommerce's payment status; empty when there is none.
    pub payment_status: String,
    /// What the shopper owes, in `currency`.
    pub total: Option<Money>,
    /// What store credit and gift certificates pay of it, as the order shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credited: Option<Money>,
    /// The transactional currency.
    pub currency: String,
    /// Whether its total was found equal to the checkout's and its surplus twins were archived.
    pub verified: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Facts {
    /// Whether the consignments hold each line that ships, with all the units that are known to have been assigned: somebody
    /// may have raised a quantity since, and an order of the rest would be refused.
    pub fn holds_all_units(&self) -> bool {
        self.document.as_ref().is_some_and(|document| {
            let assigned = |id: &str| self.consigned.get(id).copied();
            document.is_covered()
                && document
                    .shipped_items()
                    .iter()
                    .all(|item| assigned(&item.id).is_none_or(|units| item.quantity <= units))
        })
    }

    /// Whether it is looked at once more after its end: it may have been paid elsewhere, or left an order behind, or an order
    /// that it gave up may be paid.
    pub fn is_looked_at_late(&self) -> bool {
        self.hand_off.is_some() || self.may_show_late || !self.abandoned_orders.is_empty()
    }
}

/// One step of the saga and how it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Which step.
    pub name: StepName,
    /// Where it stands.
    pub status: StepStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// When it last ended.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<OffsetDateTime>,
}

/// How far a run is to go, and which idempotency key gets its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Goal {
    /// The operation that asked for it.
    pub operation: String,
    /// The last step that may be run.
    pub until: StepName,
    /// The key that is to learn the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyRef>,
    /// The most that the shopper agreed to pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed_total: Option<Money>,
    /// The hash of the client's address, where a shopper pays with a checkout token: a decline is counted for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer: Option<String>,
    /// The version that recorded it; whoever waits for its answer knows it by this.
    #[serde(rename = "ticket")]
    pub goal_version: i64,
}

/// An idempotency key in the scope of its credential.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeyRef {
    /// The credential.
    pub principal: String,
    /// The key.
    pub key: IdempotencyKey,
}

/// An attempt whose intent is committed and whose outcome is not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InFlight {
    /// Which step.
    pub step: StepName,
    /// Which try of it.
    pub attempt: u32,
    /// Under which claim it was sent.
    pub fence: i64,
    /// When its intent was committed, on PostgreSQL's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub started_at: OffsetDateTime,
    /// Since when its outcome is known to be unknown.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub unknown_since: Option<OffsetDateTime>,
    /// Whether it was accepted and is settling.
    #[serde(default)]
    pub settling: bool,
    /// How often its outcome was looked for.
    #[serde(default)]
    pub looks: u32,
    /// What the step noted before its non-repeatable call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<Value>,
    /// Whether it was counted among the tries in a row already.
    #[serde(default)]
    pub counted: bool,
    /// What it was refused with, where a refusal does not say that an earlier delivery of the same request had no effect.
    /// It becomes the answer once nothing of such an effect has shown for long enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubted: Option<Answer>,
}

words! {
    /// Why a checkout needs a person.
    StuckReason {
        /// Whether an order was created cannot be found out.
        OrderUnknown = "order-unknown",
        /// The order's total is not what the shopper was shown, and not explained by a change of the cart.
        TotalMismatch = "total-mismatch",
        /// Another order of the same cart has been paid or is being paid.
        SurplusOrderPaid = "surplus-order-paid",
        /// The order already belongs to another checkout.
        OrderTaken = "order-taken",
        /// The order left Incomplete and nothing shows a payment.
        OrderNotPayable = "order-not-payable",
        /// Whether the shopper was charged cannot be found out.
        PaymentUnknown = "payment-unknown",
        /// More was paid for the order than it costs, or it was paid twice.
        PaidTwice = "paid-twice",
        /// A payment was accepted and has not settled for too long.
        PaymentPendingTooLong = "payment-pending-too-long",
        /// The payment gateway is not set up as this payment needs. Recorded by earlier versions only.
        PaymentConfiguration = "payment-configuration",
        /// While undoing, the order turned out to hold money, or to be moved on as if it did, and not exactly its total.
        CancelFoundPaid = "cancel-found-paid",
        /// The undoing failed again and again.
        UndoFailed = "undo-failed",
        /// Its process was lost again and again, or its record does not fit.
        AttemptsExhausted = "attempts-exhausted",
        /// An operator paused it.
        Paused = "paused",
    }
}

/// Why, since when, and what to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stuck {
    /// The reason.
    pub reason: StuckReason,
    /// What happened, in a sentence.
    pub detail: String,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
}

impl StuckReason {
    /// Whether it may pass without a person here: what was paid twice is given back there, an order that could not be found
    /// shows, what could not be told of an order's money is clear, a payment shows, or a refund of parts. It is looked at again, at
    /// webhooks and now and then.
    pub fn may_pass(self) -> bool {
        matches!(
            self,
            Self::PaidTwice
                | Self::SurplusOrderPaid
                | Self::OrderUnknown
                | Self::OrderNotPayable
                | Self::CancelFoundPaid
                | Self::UndoFailed
                | Self::PaymentUnknown
                | Self::PaymentPendingTooLong
        )
    }

    /// What an operator should do first: `restart`, `resume`, `resolve` or `cancel`.
    pub fn suggested_action(self) -> &'static str {
        match self {
            Self::OrderUnknown
            | Self::PaymentConfiguration
            | Self::PaymentPendingTooLong
            | Self::PaidTwice
            | Self::SurplusOrderPaid
            | Self::UndoFailed
            | Self::AttemptsExhausted => "restart",
            Self::PaymentUnknown | Self::OrderNotPayable | Self::CancelFoundPaid => "resolve",
            Self::TotalMismatch | Self::OrderTaken => "cancel",
            Self::Paused => "resume",
        }
    }
}

impl Checkout {
    /// The first step that is not done; `None` when the checkout is final.
    pub fn next_step(&self) -> Option<StepName> {
        if self.status.is_final() {
            return None;
        }
        self.steps
            .iter()
            .find(|step| !matches!(step.status, StepStatus::Succeeded | StepStatus::Skipped))
            .map(|step| step.name)
    }

    /// Whether this step is done or not needed.
    pub fn is_done(&self, name: StepName) -> bool {
        self.step(name).is_some_and(|step| matches!(step.status, StepStatus::Succeeded | StepStatus::Skipped))
    }

    /// The record of a step of this flow.
    pub fn step(&self, name: StepName) -> Option<&StepRecord> {
        self.steps.iter().find(|step| step.name == name)
    }

    /// The record of a step of this flow, to be changed.
    pub fn step_mut(&mut self, name: StepName) -> Option<&mut StepRecord> {
        self.steps.iter_mut().find(|step| step.name == name)
    }

    /// Whether a payment may have been made whose outcome is not known.
    pub fn payment_in_doubt(&self) -> bool {
        self.facts
            .payment
            .as_ref()
            .is_some_and(|payment| matches!(payment.status, PaymentStatus::Unknown | PaymentStatus::Pending))
    }

    /// How a payment stands, as everybody outside is told. Parts that are paid stay paid when the rest is declined; while a
    /// person is needed, no payment is being made.
    pub fn shown_status(&self, payment: &PaymentFacts) -> PaymentStatus {
        match payment.status {
            PaymentStatus::Declined if !self.facts.parts.is_empty() => PaymentStatus::PartiallyPaid,
            PaymentStatus::Processing if self.status == Status::Stuck => PaymentStatus::Unknown,
            status => status,
        }
    }

    /// Whether it is being undone, or got stuck while it was.
    pub fn is_being_undone(&self) -> bool {
        match self.status {
            Status::Compensating => true,
            Status::Stuck => {
                let reason = self.stuck.as_ref().map(|stuck| stuck.reason);
                let undoing = |step: Option<StepName>| step == Some(StepName::Cancel);
                undoing(self.goal.as_ref().map(|goal| goal.until))
                    || undoing(self.in_flight.as_ref().map(|attempt| attempt.step))
                    || matches!(reason, Some(StuckReason::UndoFailed | StuckReason::CancelFoundPaid))
                    // What was abandoned is undone for nobody, with nothing else in flight. What a person paused at rest
                    // has no goal either, nor has what was found paid twice after its end.
                    || (self.goal.is_none()
                        && self.in_flight.is_none()
                        && !matches!(reason, Some(StuckReason::Paused | StuckReason::PaidTwice)))
            }
            _ => false,
        }
    }

    /// Whether it was paid, and is for a person because of what was found out later.
    pub fn was_paid(&self) -> bool {
        let paid = self.facts.payment.as_ref().is_some_and(|one| one.status == PaymentStatus::Succeeded);
        self.status == Status::Stuck && paid && self.facts.order.is_some() && self.next_step().is_none()
    }

    /// The total that the shopper was last shown.
    pub fn shown_total(&self) -> Option<Money> {
        match (&self.facts.order, &self.facts.document) {
            (Some(order), _) if order.total.is_some() => order.total,
            (_, Some(document)) => document.grand_total(),
            _ => None,
        }
    }
}
