//! The vocabulary of a checkout, and the rules that depend on nothing else.
//!
//! Guarantees: everything here is pure. It reads no clock, no database and no network, so each rule is tested as a table.
//! Never: any IO, any knowledge of HTTP.

mod announcement;
mod answer;
mod attention;
mod begin;
mod customer;
mod document;
mod hand_off;
mod ids;
mod input;
mod money;
mod payment;
mod record;
mod redaction;
#[cfg(test)]
pub(crate) mod sample;
mod shared;
mod status;

pub use announcement::{AnnouncedCheckout, Announcement, announcements};
pub use answer::{Answer, Answered, UpstreamRejection};
pub use attention::{Attention, Obstacle};
pub use document::{Consignment, Document, LineItem, ShippingOption};
pub use hand_off::HandOff;
pub use ids::{CheckoutId, IdempotencyKey, InvalidId};
pub use input::{
    CartEdit, ConsignmentInput, ConsignmentItem, Input, OptionChoice, PaymentIntent, Preference,
};
pub use money::{Money, minor_units_match, parse_decimal};
pub use payment::{Decline, PaymentFacts, PaymentPart, PaymentStatus, SentPayments};
pub use record::{Checkout, Facts, Goal, InFlight, KeyRef, OrderFacts, StepRecord, Stuck, StuckReason};
pub use shared::Shared;
pub use status::{Event, Flow, Illegal, Status, StepName, StepStatus, next};
