//! What operators send about orders: filters in BigCommerce's own names, and bodies in BigCommerce's own shapes.

use serde_json::{Map, Value};

use super::{Checked, ID, MAX_AMOUNT, UNITS, checked, fields, text};
use crate::http::request::pointer::{Errors, Pointer};
use crate::http::request::shape::{Field, Like, Object, Shape, line, no_rule, opt, plain, req};
use crate::ops::action::REASON_AT_MOST;

const STORE: Field = opt("store", line(1, 255), "The name of the store; needed when several are configured.");
const PAGE: Field = opt("page", Shape::Integer { min: 1, max: 100_000 }, "From 1.");
const LIMIT: Field = opt("limit", Shape::Integer { min: 1, max: 250 }, "Rows per page; 50 by default.");
const DATE: Shape = line(1, 64);

/// The store alone.
pub(in crate::http) static STORE_QUERY: Object =
    Object { name: "StoreQuery", about: "Which store.", fields: &[STORE], rule: no_rule };

/// Which orders.
pub(in crate::http) static ORDERS_QUERY: Object = Object {
    name: "OrdersQuery",
    about: "Which orders, in BigCommerce's own names.",
    fields: &[
        STORE,
        opt("min_id", ID, "This order and later ones."),
        opt("max_id", ID, "Up to this order."),
        opt("status_id", Shape::Integer { min: 0, max: 14 }, "In this status."),
        opt("customer_id", Shape::Integer { min: 0, max: 4_294_967_295 }, "Of this customer; 0: of guests."),
        opt("channel_id", ID, "Of this channel."),
        opt("email", line(1, 254), "With this email address."),
        opt("cart_id", line(1, 255), "Made from this cart."),
        opt("external_order_id", line(1, 255), "With this external id."),
        opt("payment_method", line(1, 255), "Paid with this method."),
        opt("min_date_created", DATE, "Made since (RFC 2822 or ISO 8601)."),
        opt("max_date_created", DATE, "Made until."),
        opt("min_date_modified", DATE, "Changed since."),
        opt("max_date_modified", DATE, "Changed until."),
        opt(
            "sort",
            Shape::Word(&[
                "id:asc",
                "id:desc",
                "date_created:asc",
                "date_created:desc",
                "date_modified:asc",
                "date_modified:desc",
                "status_id:asc",
                "status_id:desc",
                "customer_id:asc",
                "customer_id:desc",
            ]),
            "Sort order; by default, the lowest number first.",
        ),
        PAGE,
        LIMIT,
    ],
    rule: no_rule,
};

/// Whether taxes are shown with their lines.
pub(in crate::http) static TAXES_QUERY: Object = Object {
    name: "TaxesQuery",
    about: "How taxes are shown.",
    fields: &[STORE, opt("details", Shape::Word(&["true", "false"]), "With the lines that they are for.")],
    rule: no_rule,
};

/// Which customers.
pub(in crate::http) static CUSTOMERS_QUERY: Object = Object {
    name: "CustomersQuery",
    about: "Which customers.",
    fields: &[
        STORE,
        opt("id", line(1, 1000), "With one of these ids, separated by commas."),
        opt("email", line(1, 1000), "With one of these email addresses, separated by commas."),
        opt("include", line(1, 255), "Such as `addresses,storecredit`."),
        PAGE,
        LIMIT,
    ],
    rule: numbers,
};

fn numbers(query: &Map<String, Value>, at: &mut Pointer, errors: &mut Errors) {
    let ids = query.get("id").and_then(Value::as_str).unwrap_or("1");
    if !ids.split(',').all(|id| id.trim().parse::<i64>().is_ok_and(|id| id > 0)) {
        at.field("id", |at| errors.push(at, "must be numbers from 1 on, separated by commas"));
    }
}

/// Which variants.
pub(in crate::http) static VARIANTS_QUERY: Object =
    Object { name: "VariantsQuery", about: "Which page.", fields: &[STORE, PAGE, LIMIT], rule: no_rule };

/// Which actions.
pub(in crate::http) static ACTIONS_QUERY: Object = Object {
    name: "OrderActionsQuery",
    about: "Which actions.",
    fields: &[
        STORE,
        opt("order_id", ID, "On this order."),
        opt("status", Shape::Word(&["sending", "unknown", "done", "rejected", "not-done"]), "Their status."),
        opt("limit", Shape::Integer { min: 1, max: 200 }, "Rows at most; 50 by default."),
        opt("cursor", line(1, 64), "`next_cursor` of the previous page."),
    ],
    rule: no_rule,
};

const REASON: Field =
    opt("reason", plain(1, REASON_AT_MOST), "Why. It goes into the audit log: no personal data.");

/// Body of changing an order.
pub(in crate::http) static CHANGE_ORDER: Object = Object {
    name: "ChangeOrderInput",
    about: "What to change on an order. docs/order-statuses.md explains the statuses.",
    fields: &[
        opt(
            "status_id",
            Shape::Integer { min: 0, max: 14 },
            "The status. Never back to 0: it could be paid again.",
        ),
        opt("staff_notes", lines(65_535), "For the staff; the shopper does not see them."),
        opt("customer_message", lines(2000), "What the shopper wrote."),
        opt("external_source", line(0, 255), "The system it came from."),
        REASON,
        opt("dry_run", Shape::Flag, "Only show what it would do."),
    ],
    rule: something,
};

const fn lines(max: usize) -> Shape {
    Shape::Text { min: 0, max, like: Like::Lines }
}

fn something(body: &Map<String, Value>, at: &mut Pointer, errors: &mut Errors) {
    let given = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
    if !["status_id", "staff_notes", "customer_message", "external_source"].into_iter().any(given) {
        errors.push(at, "must name something to change");
    }
}

static SHIPMENT_ITEM: Object = Object {
    name: "ShipmentItemInput",
    about: "A product of the order.",
    fields: &[
        req("order_product_id", ID, "Its id within the order (`products[].id`)."),
        req("quantity", Shape::Integer { min: 1, max: UNITS }, "The quantity."),
    ],
    rule: no_rule,
};

/// Body of a shipment.
pub(in crate::http) static SHIPMENT: Object = Object {
    name: "ShipmentInput",
    about: "Items shipped to one address. An order with several addresses has at least one shipment for each.",
    fields: &[
        req(
            "order_address_id",
            ID,
            "The shipping address of the order, as a number (`shipping_addresses[].id`).",
        ),
        req("items", Shape::List { of: &Shape::Object(&SHIPMENT_ITEM), min: 1, max: 600 }, "What is sent."),
        opt("tracking_number", line(0, 50), "The carrier's number."),
        opt("shipping_provider", line(0, 100), "Such as `usps`, `fedex` or `carrier_1`; empty: another one."),
        opt("tracking_carrier", line(0, 100), "BigCommerce's code for the carrier."),
        opt("tracking_link", Shape::Text { min: 0, max: 500, like: Like::Line }, "Where to follow it."),
        opt("shipping_method", line(0, 255), "How it is sent."),
        opt("comments", lines(65_535), "For the shopper."),
        REASON,
    ],
    rule: provider,
};

/// BigCommerce: orders.v2, createOrderShipments.
const PROVIDERS: [&str; 12] = [
    "",
    "auspost",
    "canadapost",
    "endicia",
    "usps",
    "fedex",
    "royalmail",
    "ups",
    "upsready",
    "upsonline",
    "shipperhq",
    "custom",
];

fn provider(shipment: &Map<String, Value>, at: &mut Pointer, errors: &mut Errors) {
    let named = shipment.get("shipping_provider").and_then(Value::as_str).unwrap_or_default();
    let carrier = named.strip_prefix("carrier_").is_some_and(|number| number.parse::<u32>().is_ok());
    if !carrier && !PROVIDERS.contains(&named) {
        at.field("shipping_provider", |at| {
            errors.push(at, "must be a provider that BigCommerce knows, carrier_<number>, or empty");
        });
    }
}

const ITEM_TYPES: &[&str] = &["PRODUCT", "GIFT_WRAPPING", "SHIPPING", "HANDLING", "ORDER", "TAX", "FEE"];
const AMOUNT: Shape = Shape::Amount { min: 0, max: MAX_AMOUNT, decimals: 4 };

static REFUND_ITEM: Object = Object {
    name: "RefundItemInput",
    about: "What is paid back: a number of units, or an amount.",
    fields: &[
        req("item_type", Shape::Word(ITEM_TYPES), "What kind of item."),
        req("item_id", ID, "The product of the order, its address, or the order itself."),
        opt("quantity", Shape::Integer { min: 1, max: UNITS }, "For PRODUCT and GIFT_WRAPPING."),
        opt("amount", AMOUNT, "For all others."),
        opt("reason", plain(0, 900), "The reason, for the store's staff."),
    ],
    rule: units_or_amount,
};

fn units_or_amount(item: &Map<String, Value>, at: &mut Pointer, errors: &mut Errors) {
    let given = |name: &str| item.get(name).is_some_and(|value| !value.is_null());
    let kind = item.get("item_type").and_then(Value::as_str).unwrap_or_default();
    let (needed, other) = match kind {
        "PRODUCT" | "GIFT_WRAPPING" => ("quantity", "amount"),
        known if ITEM_TYPES.contains(&known) => ("amount", "quantity"),
        _ => return,
    };
    if !given(needed) {
        at.field(needed, |at| errors.push(at, format!("is required for {kind}")));
    }
    // BigCommerce shows `quantity: 1` on items that are an amount; sending that back is no mistake.
    if given(other) && other == "amount" {
        at.field(other, |at| errors.push(at, format!("is not for {kind}")));
    }
    let zero =
        item.get("amount").is_some_and(|amount| amount.to_string().bytes().all(|byte| b"0.".contains(&byte)));
    if given("amount") && zero {
        at.field("amount", |at| errors.push(at, "must be more than 0"));
    }
}

static REFUND_ITEM_SHAPE: Shape = Shape::Object(&REFUND_ITEM);
const ITEMS: Field =
    req("items", Shape::List { of: &REFUND_ITEM_SHAPE, min: 1, max: 600 }, "What is refunded.");

/// Body of a refund quote.
pub(in crate::http) static REFUND_QUOTE: Object =
    Object { name: "RefundQuoteInput", about: "What would be refunded.", fields: &[ITEMS], rule: no_rule };

static REFUND_PAYMENT: Object = Object {
    name: "RefundPaymentInput",
    about: "How it is paid back: one of the quote's `refund_methods`.",
    fields: &[
        req("provider_id", line(1, 255), "The provider of the quote."),
        req("amount", AMOUNT, "How much."),
        opt("offline", Shape::Flag, "Whether it is refunded outside of BigCommerce."),
    ],
    rule: no_rule,
};

static OVERRIDE: Object = Object {
    name: "RefundOverrideInput",
    about: "Amounts that the merchant sets.",
    fields: &[req("total_amount", AMOUNT, "With tax."), opt("total_tax", AMOUNT, "The tax in it.")],
    rule: no_rule,
};

/// Body of a refund.
pub(in crate::http) static REFUND: Object = Object {
    name: "RefundInput",
    about: "What is refunded, and how. The sum of the payments is the amount of the quote.",
    fields: &[
        ITEMS,
        req(
            "payments",
            Shape::List { of: &Shape::Object(&REFUND_PAYMENT), min: 1, max: 20 },
            "How it is paid back.",
        ),
        opt("merchant_calculated_override", Shape::Object(&OVERRIDE), ""),
        opt("reason", plain(1, REASON_AT_MOST), "The reason; also for items without their own."),
    ],
    rule: no_rule,
};

/// Body of a capture or a void, which may be left out.
pub(in crate::http) static MONEY: Object =
    Object { name: "MoneyInput", about: "Why.", fields: &[REASON], rule: no_rule };

/// A change: the fields for BigCommerce, the reason, whether it is only tried.
pub(in crate::http) fn change_order(body: &Value) -> Checked<(Value, String, bool)> {
    let (body_fields, reason) = split(&CHANGE_ORDER, body)?;
    let dry_run = body.get("dry_run").and_then(Value::as_bool).unwrap_or(false);
    Ok((body_fields, reason, dry_run))
}

/// A shipment and the reason.
pub(in crate::http) fn shipment(body: &Value) -> Checked<(Value, String)> {
    split(&SHIPMENT, body)
}

/// What would be refunded.
pub(in crate::http) fn refund_quote(body: &Value) -> Checked<Value> {
    split(&REFUND_QUOTE, body).map(|(body, _)| body)
}

/// A refund and the reason.
pub(in crate::http) fn refund(body: &Value) -> Checked<(Value, String)> {
    split(&REFUND, body)
}

/// Why.
pub(in crate::http) fn money_reason(body: &Value) -> Checked<(Value, String)> {
    split(&MONEY, body).map(|(_, reason)| (Value::Null, reason))
}

/// What is BigCommerce's and what is ours.
fn split(object: &Object, body: &Value) -> Checked<(Value, String)> {
    checked(object, body)?;
    let mut kept = fields(body);
    let reason = text(body, "reason").unwrap_or_default().trim().to_owned();
    kept.remove("reason");
    kept.remove("dry_run");
    Ok((Value::Object(kept), reason))
}
