//! A checkout as the storefront sees it. Never: a token, a secret, card data, or what only operators may know.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use time::{OffsetDateTime, UtcOffset};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::checkout::{
    Checkout, Decline, Flow, Money, PaymentFacts, PaymentStatus, Preference, Status, StepName, StuckReason,
};
use crate::http::openapi::documents::{Address, Cart, Consignment};
use crate::http::response::totals::Totals;
use crate::json::{self, Fields, List, Raw, shape};
use crate::schema;

/// A checkout as it is now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Checkout)]
pub(crate) struct Snapshot<'a> {
    /// UUIDv7.
    id: Uuid,
    /// Which saga it runs.
    #[schema(schema_with = schema::flow)]
    flow: &'a str,
    /// The store it belongs to.
    store: &'a str,
    /// Grows with every change; the `ETag`.
    version: i64,
    /// Where it stands.
    #[schema(schema_with = schema::status)]
    status: &'a str,
    /// The first step that is not done; null when the checkout has ended.
    #[schema(schema_with = schema::next_step, required = true)]
    next_step: Option<&'a str>,
    /// Its steps, in order.
    steps: Vec<Step<'a>>,
    /// The cart, in the shape of the cart inside of BigCommerce's checkout object.
    cart: Option<Cart<'a>>,
    /// The billing address as BigCommerce holds it.
    billing_address: Option<Address<'a>>,
    /// Where the items go.
    consignments: Vec<Consignment<'a>>,
    /// The amounts, as far as they are known.
    totals: Option<Totals>,
    /// BigCommerce's order.
    order: Option<Order<'a>>,
    /// The latest payment.
    payment: Option<Payment<'a>>,
    /// Why manual review is needed.
    stuck: Option<Stuck<'a>>,
    /// What was done otherwise than the storefront asked for; left out where there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    notices: Vec<Notice>,
    /// The storefront's own notes.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    metadata: &'a Map<String, Value>,
    /// RFC 3339, UTC.
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it last changed. The steps of one run, while it is `running`, do not count. RFC 3339, UTC.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// When it expires if the shopper does not come back. RFC 3339, UTC.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    /// Only in the answer that creates it: the credential for this one checkout, safe for a browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    checkout_token: Option<&'a str>,
}

shape!(
    /// What a storefront is shown of BigCommerce's checkout object as it is.
    Parts {
        cart: Raw<'a>,
        billing_address: Raw<'a>,
        consignments: List<Raw<'a>>,
    }
);

/// What was done otherwise than the storefront asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Notice {
    /// `no-transit-times`: `fastest` was asked for, and BigCommerce names no times.
    code: &'static str,
    /// In a sentence.
    detail: &'static str,
}

/// No option says how long it takes: which one is the fastest is not known.
fn notices(checkout: &Checkout) -> Vec<Notice> {
    let fastest = checkout.input.shipping_preference == Some(Preference::Fastest)
        && checkout.input.shipping_options.is_none()
        && checkout.is_done(StepName::ShippingOptions);
    let timeless = checkout.facts.document.as_ref().is_some_and(|document| {
        let mut sent = document.consignments().iter().filter(|one| !one.available().is_empty());
        sent.any(|one| one.available().iter().all(|option| option.is_pickup() || option.days() == u64::MAX))
    });
    let notice = Notice {
        code: "no-transit-times",
        detail: "No shipping option says how long it takes, so the cheapest one that delivers was chosen.",
    };
    if fastest && timeless { vec![notice] } else { Vec::new() }
}

/// A step and its progress.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Step<'a> {
    #[schema(schema_with = schema::step)]
    name: &'a str,
    #[schema(schema_with = schema::step_status)]
    status: &'a str,
    /// How often it was tried.
    attempts: u32,
    /// When its last attempt ended.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    finished_at: Option<OffsetDateTime>,
}

/// BigCommerce's order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Order<'a> {
    /// Order id.
    id: i64,
    /// 0 is Incomplete.
    status_id: i64,
    /// BigCommerce's name for it.
    status: &'a str,
    /// Empty when there is none.
    payment_status: &'a str,
}

/// The latest payment.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "BigCommerce's name of the method")]
pub(crate) struct Payment<'a> {
    #[schema(schema_with = schema::payment_status)]
    status: &'a str,
    /// BigCommerce's id of the payment.
    transaction_id: Option<&'a str>,
    /// `purchase` or `authorization`.
    transaction_type: Option<&'a str>,
    /// What it was to charge, or, where it paid a part, what it charged.
    #[schema(schema_with = schema::amount_or_null, required = true)]
    amount: Option<Money>,
    /// What is held of the order's total: charged or authorized, and not given back.
    #[schema(schema_with = schema::amount_or_null, required = true)]
    amount_paid: Option<Money>,
    /// What is still to be paid; null while the order's total is not known.
    #[schema(schema_with = schema::amount_or_null, required = true)]
    amount_due: Option<Money>,
    /// The payments that add up to it, and the latest one, whatever its result.
    payments: Vec<OnePayment<'a>>,
    /// ISO 4217.
    currency: &'a str,
    /// Such as `stripe.card`.
    payment_method_id: &'a str,
    instrument: Instrument<'a>,
    /// True only when it is certain that a further payment would not charge anything twice.
    safe_to_pay_again: bool,
    /// Why it was declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    decline: Option<Declined<'a>>,
}

/// One of the payments of an order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OnePayment<'a> {
    #[schema(schema_with = schema::payment_status)]
    status: &'a str,
    /// What it charged, or was to charge.
    #[schema(schema_with = schema::amount_or_null, required = true)]
    amount: Option<Money>,
    /// BigCommerce's id of the payment.
    transaction_id: Option<&'a str>,
    /// `purchase` or `authorization`.
    transaction_type: Option<&'a str>,
    /// Such as `stripe.card`.
    payment_method_id: &'a str,
    /// Such as `stored_card`.
    instrument_type: &'a str,
}

/// The instrument, as far as it may be shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PaidWith)]
pub(crate) struct Instrument<'a> {
    /// Such as `stored_card`.
    #[serde(rename = "type")]
    kind: &'a str,
    /// The last four digits, where there are any.
    last_4: Option<&'a str>,
}

/// Why a payment was declined.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decline)]
pub(crate) struct Declined<'a> {
    /// BigCommerce's code; with a checkout token null, unless it is one that the shopper can do something about.
    code: Option<i64>,
    /// BigCommerce's title.
    title: &'a str,
}

/// Why manual review is needed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stuck<'a> {
    #[schema(schema_with = schema::stuck_reason)]
    reason: &'a str,
    /// In a sentence.
    detail: &'a str,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    /// What an operator should try first.
    #[schema(schema_with = schema::suggested_action)]
    suggested_action: &'a str,
}

impl<'a> Snapshot<'a> {
    /// The checkout as it is now.
    pub(crate) fn of(checkout: &'a Checkout) -> Self {
        let text = checkout.facts.document.as_ref().map_or("null", |document| document.text());
        let parts: Parts<'_> = json::read(text);
        let steps = checkout.steps.iter().map(|step| Step {
            name: step.name.as_str(),
            status: step.status.as_str(),
            attempts: step.attempts,
            finished_at: step.finished_at.map(utc),
        });
        Self {
            id: checkout.id.uuid(),
            flow: checkout.flow.as_str(),
            store: &checkout.store,
            version: checkout.version,
            status: checkout.status.as_str(),
            next_step: checkout.next_step().map(StepName::as_str),
            steps: steps.collect(),
            cart: parts.cart.raw().map(Cart),
            billing_address: billing_address(checkout, parts.billing_address),
            consignments: parts.consignments.0.into_iter().filter_map(Raw::fields).map(consignment).collect(),
            totals: Totals::of(checkout),
            order: checkout.facts.order.as_ref().map(|order| Order {
                id: order.id,
                status_id: order.status_id,
                status: &order.status,
                payment_status: &order.payment_status,
            }),
            payment: checkout.facts.payment.as_ref().map(|payment| Payment::of(checkout, payment)),
            stuck: checkout.stuck.as_ref().map(|stuck| Stuck {
                reason: stuck.reason.as_str(),
                detail: detail(stuck),
                since: utc(stuck.since),
                suggested_action: stuck.reason.suggested_action(),
            }),
            notices: notices(checkout),
            metadata: &checkout.metadata,
            created_at: utc(checkout.created_at),
            updated_at: utc(checkout.updated_at),
            expires_at: utc(checkout.expires_at),
            checkout_token: None,
        }
    }

    /// With the token that was just made for it, if one was.
    pub(crate) fn with_token(self, token: Option<&'a str>) -> Self {
        Self { checkout_token: token, ..self }
    }

    /// With what an operator wrote of it, which is for operators.
    pub(crate) fn for_operators(mut self, checkout: &'a Checkout) -> Self {
        if let (Some(shown), Some(stuck)) = (&mut self.stuck, &checkout.stuck) {
            shown.detail = &stuck.detail;
        }
        self
    }
}

/// What operators write is for operators.
fn detail(stuck: &crate::checkout::Stuck) -> &str {
    if stuck.reason == StuckReason::Paused { "an operator paused it" } else { &stuck.detail }
}

impl<'a> Payment<'a> {
    fn of(checkout: &'a Checkout, payment: &'a PaymentFacts) -> Self {
        Self {
            status: checkout.shown_status(payment).as_str(),
            transaction_id: payment.transaction_id.as_deref(),
            transaction_type: payment.transaction_type.as_deref(),
            amount: payment.amount,
            amount_paid: amounts(checkout, payment).0,
            amount_due: amounts(checkout, payment).1,
            payments: payments(checkout, payment),
            currency: &payment.currency,
            payment_method_id: &payment.payment_method_id,
            instrument: Instrument { kind: &payment.instrument_type, last_4: payment.last_4.as_deref() },
            safe_to_pay_again: safe_to_pay_again(checkout),
            decline: payment.decline.as_ref().map(|Decline { code, title }| Declined { code: *code, title }),
        }
    }
}

/// What is paid, and what is due.
fn amounts(checkout: &Checkout, payment: &PaymentFacts) -> (Option<Money>, Option<Money>) {
    let facts = &checkout.facts;
    let total = facts.order.as_ref().and_then(|order| order.total);
    match (facts.held, payment.status) {
        (Some(held), _) => (Some(held), total.map(|_| Money::ZERO)),
        (None, PaymentStatus::Succeeded) => (total.or(payment.amount), Some(Money::ZERO)),
        (None, PaymentStatus::GivenBack) => (Some(Money::ZERO), total),
        (None, _) => {
            let currency = facts.order.as_ref().map_or("", |order| &order.currency);
            (Some(facts.paid().at_precision_of(currency)), facts.due())
        }
    }
}

fn payments<'a>(checkout: &'a Checkout, payment: &'a PaymentFacts) -> Vec<OnePayment<'a>> {
    let parts = checkout.facts.parts.iter().map(|part| OnePayment {
        status: PaymentStatus::Succeeded.as_str(),
        amount: Some(part.amount),
        transaction_id: part.transaction_id.as_deref(),
        transaction_type: part.transaction_type.as_deref(),
        payment_method_id: &part.payment_method_id,
        instrument_type: &part.instrument_type,
    });
    // The latest one is a part itself once it is known to have paid one.
    let latest = Some(payment).filter(|payment| payment.status != PaymentStatus::PartiallyPaid);
    let latest = latest.map(|payment| OnePayment {
        status: payment.status.as_str(),
        amount: payment.amount,
        transaction_id: payment.transaction_id.as_deref(),
        transaction_type: payment.transaction_type.as_deref(),
        payment_method_id: &payment.payment_method_id,
        instrument_type: &payment.instrument_type,
    });
    parts.chain(latest).collect()
}

/// True only when it is certain that a further payment would not charge anything twice. Fails closed: a checkout that needs
/// manual review is not safe, and neither is one that is paying.
pub(crate) fn safe_to_pay_again(checkout: &Checkout) -> bool {
    let paying = checkout.in_flight.as_ref().is_some_and(|attempt| attempt.step == StepName::Payment);
    let uncertain = matches!(checkout.status, Status::Stuck | Status::Completed);
    let declined = checkout.facts.payment.as_ref().is_none_or(PaymentFacts::safe_to_pay_again);
    declined && !paying && !uncertain
}

/// In UTC and as precise as PostgreSQL keeps it, so that a time does not change once it is read back.
fn utc(time: OffsetDateTime) -> OffsetDateTime {
    let time = time.to_offset(UtcOffset::UTC);
    time.replace_nanosecond(time.microsecond() * 1000).unwrap_or(time)
}

fn billing_address<'a>(checkout: &'a Checkout, answered: Raw<'a>) -> Option<Address<'a>> {
    match checkout.flow {
        Flow::Cart => answered.filled_object().map(Address::Answered),
        Flow::DirectOrder => {
            let given = checkout.input.direct_order.as_ref()?.get("billing_address")?;
            given.as_object().map(Address::Given)
        }
    }
}

/// BigCommerce's consignment, with the fields that a storefront relies on.
fn consignment(mut consignment: Fields<'_>) -> Consignment<'_> {
    // BigCommerce answers the address under its old name as well.
    let older = consignment.remove("shipping_address");
    let list = serde_json::from_str("[]").unwrap_or(RawValue::NULL);
    let relied_on = [
        ("address", older.unwrap_or(RawValue::NULL)),
        ("line_item_ids", list),
        ("available_shipping_options", list),
        ("selected_shipping_option", RawValue::NULL),
    ];
    for (field, missing) in relied_on {
        let there = consignment.entry(field.to_owned()).or_insert(missing);
        if there.get() == "null" {
            *there = missing;
        }
    }
    Consignment(consignment)
}

#[cfg(test)]
#[path = "snapshot_tests.rs"]
pub(crate) mod tests;
