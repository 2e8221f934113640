//! The order statuses; labels can be customised, so only ids mean something.

use serde_json::{Value, json};

use crate::answer::{self, Answer, Reply};
use crate::call::Visit;

/// Name, custom label and position in the control panel's list.
const STATUSES: [(&str, &str, u64); 15] = [
    ("Incomplete", "Incomplete - Testing", 0),
    ("Pending", "Pending", 1),
    ("Shipped", "Shipped", 8),
    ("Partially Shipped", "Partially Shipped", 6),
    ("Refunded", "Refunded", 11),
    ("Cancelled", "Cancelled", 9),
    ("Declined", "Declined", 10),
    ("Awaiting Payment", "Awaiting Payment", 2),
    ("Awaiting Pickup", "Ready at the counter", 5),
    ("Awaiting Shipment", "Awaiting Shipment", 4),
    ("Completed", "Completed", 7),
    ("Awaiting Fulfillment", "Awaiting Fulfillment", 3),
    ("Manual Verification Required", "Manual Verification Required", 13),
    ("Disputed", "Disputed", 12),
    ("Partially Refunded", "Partially Refunded", 14),
];

/// The system name of a status.
pub(crate) fn name(id: u64) -> &'static str {
    usize::try_from(id).ok().and_then(|at| STATUSES.get(at)).map_or("", |(name, _, _)| name)
}

/// The shop's own name of a status.
pub(crate) fn label(id: u64) -> &'static str {
    usize::try_from(id).ok().and_then(|at| STATUSES.get(at)).map_or("", |(_, label, _)| label)
}

/// Whether there is such a status.
pub(crate) fn exists(id: u64) -> bool {
    !name(id).is_empty()
}

/// As the orders guide shows it.
const INCOMPLETE: &str = "An incomplete order happens when a shopper reached the payment page, but did not complete \
                          the transaction.";

/// A status as the API shows it.
pub(crate) fn show(id: u64) -> Value {
    let order = usize::try_from(id).ok().and_then(|at| STATUSES.get(at)).map_or(0, |(_, _, order)| *order);
    let description = match id {
        0 => INCOMPLETE.to_owned(),
        id => format!("The order is {}.", name(id).to_lowercase()),
    };
    json!({
        "id": id, "name": name(id), "system_label": name(id), "custom_label": label(id),
        "system_description": description, "order": order,
    })
}

/// `GET /v2/order_statuses`
pub(crate) fn list(_: &mut Visit<'_>) -> Reply {
    let rows: Vec<Value> = (0..).take(STATUSES.len()).map(show).collect();
    Ok(Answer::json(200, &rows.into()))
}

/// `GET /v2/order_statuses/{id}`
pub(crate) fn get(visit: &mut Visit<'_>) -> Reply {
    let id = visit.id(0).filter(|id| exists(*id));
    id.map(|id| Answer::json(200, &show(id)))
        .ok_or_else(|| answer::v2(404, "The order status was not found."))
}
