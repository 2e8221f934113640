//! What operators send: filters, reasons, findings.

use serde_json::{Map, Value};

use super::{Checked, Invalid, PRICE, checked, text};
use crate::http::request::json::without_nulls;
use crate::http::request::pointer::{Errors, Pointer};
use crate::http::request::shape::{Field, Like, Object, Shape, line, no_rule, opt, plain, req};
use crate::ops::action::REASON_AT_MOST;
use crate::ops::{Assertion, Attention, Obstacle, PAGE_AT_MOST, Status, StepName, StuckReason};

const INSTANT: Shape = Shape::Text { min: 1, max: 64, like: Like::Instant };
const CURSOR: Shape = line(1, 255);

/// Which checkouts; the same names in a query and in a body.
pub(in crate::http) static FILTER: Object = Object {
    name: "CheckoutFilter",
    about: "A filter for checkouts; all fields are optional.",
    fields: &[
        opt("status", Shape::Word(Status::WORDS), "Their status."),
        opt("step", Shape::Word(StepName::WORDS), "The first step that is not done."),
        opt("reason", Shape::Word(StuckReason::WORDS), "The reason they are stuck."),
        opt(
            "attention",
            Shape::Word(Attention::WORDS),
            "What holds their shoppers up: `blocked` (the last answer at order or payment was a refusal, and nothing was charged) or \
             `retrying` (a step failed and is tried again by itself).",
        ),
        opt("obstacle", Shape::Word(Obstacle::WORDS), "The problem that blocks their shoppers."),
        opt("total_from", PRICE, "They cost this much or more, in their own currency."),
        opt("total_to", PRICE, "They cost this much or less, in their own currency."),
        opt("store", line(1, 255), "The name of their store."),
        opt("order_id", Shape::Integer { min: 1, max: i64::MAX }, "The order, including abandoned ones."),
        opt("cart_id", line(1, 255), "The cart."),
        opt("email", line(1, 254), "The shopper's email address; case-insensitive."),
        opt("created_after", INSTANT, "Created at this time or later."),
        opt("updated_before", INSTANT, "Last changed before this time."),
    ],
    rule: no_rule,
};

/// How checkouts are listed, beside the filter.
pub(in crate::http) static LIST_QUERY: Object = Object {
    name: "CheckoutListQuery",
    about: "How they are listed.",
    fields: &[
        opt(
            "sort",
            Shape::Word(&["-updated_at", "updated_at", "-created_at", "created_at"]),
            "Sort order; by default, the latest change first.",
        ),
        opt("limit", Shape::Integer { min: 1, max: PAGE_AT_MOST as i64 }, "Rows at most; 50 by default."),
        opt("cursor", CURSOR, "`next_cursor` of the previous page."),
    ],
    rule: no_rule,
};

/// How the audit log is listed.
pub(in crate::http) static AUDIT_QUERY: Object = Object {
    name: "AuditQuery",
    about: "Which rows.",
    fields: &[
        opt("checkout_id", line(1, 64), "Of this checkout only."),
        opt("limit", Shape::Integer { min: 1, max: PAGE_AT_MOST as i64 }, "Rows at most; 50 by default."),
        opt("cursor", CURSOR, "`next_cursor` of the previous page."),
    ],
    rule: no_rule,
};

/// Which results of a bulk.
pub(in crate::http) static BULK_QUERY: Object = Object {
    name: "BulkQuery",
    about: "Which results.",
    fields: &[
        opt("limit", Shape::Integer { min: 1, max: 10_000 }, "Results at most; 10000 by default."),
        opt("cursor", CURSOR, "`next_cursor` of the previous page."),
    ],
    rule: no_rule,
};

/// How the audit log is verified.
pub(in crate::http) static HEAD_QUERY: Object = Object {
    name: "AuditHeadQuery",
    about: "A head that was noted earlier.",
    fields: &[opt("head", line(64, 64), "A head that was noted earlier, in hexadecimal.")],
    rule: no_rule,
};

const REASON: Field = req(
    "reason",
    plain(1, REASON_AT_MOST),
    "Why. It goes into the audit log, which is never redacted: no personal data.",
);
const DRY_RUN: Field = opt("dry_run", Shape::Flag, "Only show what would be done.");

/// Body of an action that needs nothing more.
pub(in crate::http) static ACTION: Object =
    Object { name: "ActionInput", about: "An action.", fields: &[REASON, DRY_RUN], rule: no_rule };

/// Body of cancelling.
pub(in crate::http) static CANCEL: Object = Object {
    name: "CancelInput",
    about: "Cancel a checkout.",
    fields: &[REASON, DRY_RUN, opt("refund", Shape::Flag, "Also if it was paid. Role `money`.")],
    rule: no_rule,
};

/// Body of closing an unreadable checkout.
pub(in crate::http) static CLOSE: Object = Object {
    name: "CloseInput",
    about: "Close a checkout whose record cannot be read.",
    fields: &[
        REASON,
        DRY_RUN,
        opt(
            "leaves",
            Shape::List { of: &line(1, 64), min: 0, max: 100 },
            "The ids of the cart and of the orders at BigCommerce that are left as they are.",
        ),
    ],
    rule: no_rule,
};

/// Body of asserting a finding.
pub(in crate::http) static RESOLVE: Object = Object {
    name: "ResolveInput",
    about: "The finding.",
    fields: &[REASON, DRY_RUN, req("finding", Shape::Object(&FINDING), "")],
    rule: no_rule,
};

static FINDING: Object = Object {
    name: "Finding",
    about: "Exactly one assertion.",
    fields: &[
        opt("order_id", Shape::Integer { min: 1, max: i64::MAX }, "This order was created by the checkout."),
        opt("no_order", Shape::Flag, "True: no order was made."),
        opt("charged", line(1, 128), "The shopper was charged, by this transaction."),
        opt("not_charged", Shape::Flag, "True: the shopper was not charged."),
    ],
    rule: one_assertion,
};

fn one_assertion(finding: &Map<String, Value>, at: &mut Pointer, errors: &mut Errors) {
    if let Err(error) = Assertion::parse(&without_nulls(Value::Object(finding.clone()))) {
        errors.push(at, error.to_string());
    }
}

/// Body of acting on many.
pub(in crate::http) static BULK: Object = Object {
    name: "BulkInput",
    about: "One action on many checkouts.",
    fields: &[
        req("filter", Shape::Object(&FILTER), ""),
        req("action", Shape::Word(&["restart", "pause", "resume", "cancel"]), "The action."),
        REASON,
        DRY_RUN,
    ],
    rule: no_rule,
};

/// Why, and whether it is only tried.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) struct ActionBody {
    /// Why.
    pub(in crate::http) reason: String,
    /// Only show what would be done.
    pub(in crate::http) dry_run: bool,
}

/// An action that needs nothing more.
pub(in crate::http) fn action_body(body: &Value) -> Checked<ActionBody> {
    checked(&ACTION, body)?;
    Ok(action_body_of(body))
}

/// Cancelling, and whether with a refund.
pub(in crate::http) fn cancel(body: &Value) -> Checked<(ActionBody, bool)> {
    checked(&CANCEL, body)?;
    Ok((action_body_of(body), flag(body, "refund")))
}

/// Closing, and what is left at BigCommerce.
pub(in crate::http) fn close(body: &Value) -> Checked<(ActionBody, Vec<String>)> {
    checked(&CLOSE, body)?;
    let leaves = super::elements(body.get("leaves")).iter().filter_map(Value::as_str);
    Ok((action_body_of(body), leaves.map(str::to_owned).collect()))
}

/// A finding.
pub(in crate::http) fn resolve(body: &Value) -> Checked<(ActionBody, Assertion)> {
    checked(&RESOLVE, body)?;
    let finding = without_nulls(body.get("finding").cloned().unwrap_or_default());
    // The rule of the shape has read it already.
    let finding = Assertion::parse(&finding).map_err(|_| Invalid::Input(Vec::new()))?;
    Ok((action_body_of(body), finding))
}

/// Acting on many: why, and what is done.
pub(in crate::http) fn bulk(body: &Value) -> Checked<(ActionBody, String)> {
    checked(&BULK, body)?;
    Ok((action_body_of(body), text(body, "action").unwrap_or_default()))
}

fn action_body_of(body: &Value) -> ActionBody {
    ActionBody { reason: text(body, "reason").unwrap_or_default(), dry_run: flag(body, "dry_run") }
}

fn flag(body: &Value, field: &str) -> bool {
    body.get(field).and_then(Value::as_bool).unwrap_or(false)
}
