//! What BigCommerce shows about an action whose outcome is not known. Pure.
//!
//! Guarantees: only what was not there before counts, so another party's refund or shipment is not taken for the service's;
//! a list or a shipment that cannot be read proves nothing and is an error.

use serde_json::{Value, json};

use super::kept::Unreadable;
use crate::bigcommerce::orders::{Order, Refund, Transaction};
use crate::checkout::UpstreamRejection;

/// What is shown.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Evidence {
    /// It happened; with what BigCommerce would have answered.
    Applied(Value),
    /// It did not happen, and cannot any more.
    Against(UpstreamRejection),
    /// It was accepted and is not done yet; it may still fail.
    Scheduled,
    /// Nothing is shown, yet.
    Nothing,
}

/// The mark by which the service finds its own refund.
pub(super) fn mark(action: uuid::Uuid) -> String {
    format!("[{action}]")
}

/// A refund with our mark among the refunds of the order.
pub(super) fn refund(mark: &str, refunds: &[Refund]) -> Evidence {
    let ours = refunds.iter().find(|refund| refund.reasons.iter().any(|reason| reason.contains(mark)));
    ours.map_or(Evidence::Nothing, of_refund)
}

/// What a refund document says: a provider may have declined to pay any of it back.
pub(super) fn of_refund(refund: &Refund) -> Evidence {
    // Without a list nothing says that it was declined; whether all of it goes back is asked by `gives_all_back`.
    let payments =
        refund.raw.get("payments").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if !payments.is_empty() && payments.iter().all(|payment| is_declined(payment) == Some(true)) {
        let said =
            payments.iter().filter_map(|payment| payment.get("declined_message").and_then(Value::as_str));
        let title = said.into_iter().find(|text| !text.is_empty());
        let title = title.unwrap_or("The payment provider declined to pay it back").to_owned();
        return Evidence::Against(UpstreamRejection { status: 201, title, errors: Vec::new() });
    }
    Evidence::Applied(refund.raw.clone())
}

/// Whether certainly no provider kept a part of what was to go back: what cannot be read is no proof.
pub(super) fn gives_all_back(answer: &Value) -> bool {
    match answer.get("payments") {
        None | Some(Value::Null) => true,
        Some(payments) => payments
            .as_array()
            .is_some_and(|payments| payments.iter().all(|payment| is_declined(payment) == Some(false))),
    }
}

/// Statuses of a payment that was captured, or is being.
const CAPTURED: &[&str] = &["capture pending", "captured", "paid", "partially refunded", "refunded"];
/// Statuses of a payment that was let go, or is being.
const VOIDED: &[&str] = &["void pending", "void"];

/// Whether the order is, or is becoming, what a capture makes of it. `known`: the ids of transactions that were there.
pub(super) fn capture(known: &[String], order: &Order, transactions: &[Transaction]) -> Evidence {
    settled("capture", CAPTURED, VOIDED, known, order, transactions)
}

/// Whether the order is, or is becoming, what a void makes of it.
pub(super) fn void(known: &[String], order: &Order, transactions: &[Transaction]) -> Evidence {
    settled("void", VOIDED, CAPTURED, known, order, transactions)
}

/// Whether the money of an authorized payment was let go. That it is scheduled is not enough: the gateway may refuse.
pub(super) fn let_go(known: &[String], order: &Order, transactions: &[Transaction]) -> Evidence {
    let new = |one: &&Transaction| one.event == "void" && !known.contains(&one.id);
    let gone = transactions.iter().filter(new).any(|one| one.status == "ok");
    match void(known, order, transactions) {
        Evidence::Applied(_) if order.payment_status == "void pending" => Evidence::Scheduled,
        Evidence::Applied(_) if order.payment_status != "void" && !gone => Evidence::Scheduled,
        found => found,
    }
}

fn settled(
    event: &str,
    wanted: &[&str],
    contrary: &[&str],
    known: &[String],
    order: &Order,
    transactions: &[Transaction],
) -> Evidence {
    let status = order.payment_status.as_str();
    let new = |one: &&Transaction| one.event == event && !known.contains(&one.id);
    if wanted.contains(&status) || transactions.iter().filter(new).any(|one| one.status == "ok") {
        return Evidence::Applied(scheduled(order));
    }
    let against =
        |title: String| Evidence::Against(UpstreamRejection { status: 409, title, errors: Vec::new() });
    if contrary.contains(&status) {
        return against(format!("The payment is {status} already"));
    }
    if transactions.iter().filter(new).any(|one| one.status == "error") {
        return against(format!("The gateway refused the {event}"));
    }
    Evidence::Nothing
}

/// The answer to a capture or a void: BigCommerce answers nothing but that it is scheduled.
pub(super) fn scheduled(order: &Order) -> Value {
    json!({"order_id": order.id.get(), "payment_status": order.payment_status, "status_id": order.status_id})
}

/// A new shipment of the same items to the same address with the same number. One whose id cannot be read may be new or not,
/// and one whose content cannot be read may be this one or not.
pub(super) fn shipment(known: &[String], body: &Value, shipments: &[Value]) -> Result<Evidence, Unreadable> {
    let mut unclear = None;
    for shipment in shipments {
        let id = id(shipment);
        if id.as_ref().is_some_and(|id| known.contains(id)) {
            continue;
        }
        match (id, is_same(shipment, body)) {
            (Some(_), Some(true)) => return Ok(Evidence::Applied(shipment.clone())),
            (_, Some(false)) => {}
            (None, Some(true)) => unclear = Some("the id of a shipment that BigCommerce shows"),
            (_, None) => unclear = Some("a shipment that BigCommerce shows"),
        }
    }
    unclear.map_or(Ok(Evidence::Nothing), |what| Err(Unreadable(what)))
}

/// The id of a document; `None` when it cannot be read.
pub(super) fn id(of: &Value) -> Option<String> {
    of.get("id").map(plain).filter(|id| !id.is_empty())
}

/// Whether the provider declined to pay it back; left out is no, `None` cannot be read.
fn is_declined(payment: &Value) -> Option<bool> {
    match payment.get("is_declined") {
        None | Some(Value::Null) => payment.is_object().then_some(false),
        Some(flag) => match flag {
            Value::Bool(flag) => Some(*flag),
            other => match plain(other).as_str() {
                "1" | "true" => Some(true),
                "0" | "false" => Some(false),
                _ => None,
            },
        },
    }
}

/// Whether a shipment is what the body asked for; `None`: that cannot be read.
fn is_same(shipment: &Value, body: &Value) -> Option<bool> {
    for name in ["order_address_id", "tracking_number"] {
        if said(shipment, name)? != said(body, name)? {
            return Some(false);
        }
    }
    Some(items(shipment)? == items(body)?)
}

/// A field as text; what is left out or null is empty, and `None` cannot be read.
fn said(of: &Value, name: &str) -> Option<String> {
    match of.get(name) {
        None | Some(Value::Null) => Some(String::new()),
        Some(value @ (Value::String(_) | Value::Number(_))) => Some(plain(value)),
        Some(_) => None,
    }
}

/// Products and quantities; `None` when one of them cannot be read.
fn items(of: &Value) -> Option<Vec<(String, String)>> {
    let filled = |row: &Value, name: &str| said(row, name).filter(|text| !text.is_empty());
    let item = |row: &Value| Some((filled(row, "order_product_id")?, filled(row, "quantity")?));
    let mut items: Vec<_> = of.get("items")?.as_array()?.iter().map(item).collect::<Option<_>>()?;
    items.sort();
    Some(items)
}

/// A number or a text as text; anything else is empty.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
#[path = "witness_tests.rs"]
mod tests;
