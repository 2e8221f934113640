//! Refunds and their quotes (BigCommerce: orders.v3, payment actions). Refunding is not idempotent; `items[].reason`
//! comes back, so that a client can find its own refund again.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::answer::{self, Answer, Reply};
use crate::call::{Visit, as_whole, member};
use crate::clock::iso;
use crate::giving_back;
use crate::ledger;
use crate::money::{number, read, round};
use crate::order::Order;
use crate::settle::{self, Entry};
use crate::webhooks;

/// The provider that declines every refund.
const DECLINES: &str = "declining";

fn missing() -> Answer {
    answer::not_found("The order does not exist.")
}

fn order(visit: &Visit<'_>) -> Result<Order, Answer> {
    visit.id(0).and_then(|id| visit.store.orders.get(&id)).cloned().ok_or_else(missing)
}

/// A 422 of refunds: wrapped in `data`.
fn refused(title: &str) -> Answer {
    let row = json!({"status": 422, "title": title, "type": answer::STATUS_CODES, "errors": {}});
    Answer::json(422, &json!({"data": [row]}))
}

/// What a body asks for: the amount, the items as they will be shown and the units for each product.
struct Wish {
    total: Decimal,
    items: Vec<Value>,
    units: Vec<(u64, u64)>,
}

fn read_wish(order: &Order, body: &Value) -> Result<Wish, Answer> {
    let rows = body["items"].as_array().filter(|rows| !rows.is_empty());
    let rows = rows.ok_or_else(|| answer::invalid("items", "at least one item is required"))?;
    let mut wish = Wish { total: Decimal::ZERO, items: Vec::new(), units: Vec::new() };
    for row in rows {
        let kind = row["item_type"].as_str().unwrap_or("");
        let id = member(row, "item_id").and_then(as_whole).unwrap_or(0);
        let reason = row["reason"].as_str().unwrap_or("");
        if reason.chars().count() > 1000 {
            return Err(answer::invalid("items.reason", "must have at most 1000 characters"));
        }
        let (amount, quantity) = match kind {
            "PRODUCT" => product_amount(order, id, row, &mut wish)?,
            "ORDER" | "SHIPPING" | "HANDLING" | "TAX" | "FEE" => {
                let amount = member(row, "amount").and_then(read).filter(|amount| *amount > Decimal::ZERO);
                (amount.ok_or_else(|| answer::invalid("items.amount", "must be more than zero"))?, 1)
            }
            "GIFT_WRAPPING" => (Decimal::ZERO, 1),
            _ => return Err(answer::invalid("items.item_type", "is not a known type")),
        };
        wish.total += amount;
        wish.items.push(json!({
            "item_type": kind, "item_id": id, "reason": reason, "quantity": quantity, "adjustments": [],
            "requested_amount": number(amount),
        }));
    }
    wish.total = round(wish.total, &order.currency);
    Ok(wish)
}

fn product_amount(order: &Order, id: u64, row: &Value, wish: &mut Wish) -> Result<(Decimal, u64), Answer> {
    let product = order.products.iter().find(|product| product.id == id);
    let product =
        product.ok_or_else(|| answer::invalid("items.item_id", "is not a product of this order"))?;
    let quantity = member(row, "quantity").and_then(as_whole).unwrap_or(0);
    let open = product.quantity.saturating_sub(product.refunded);
    if quantity == 0 || quantity > open {
        return Err(refused("The quantity is more than what can be refunded."));
    }
    wish.units.push((id, quantity));
    let share = Decimal::from(quantity) / Decimal::from(product.quantity.max(1));
    let amount = product.paid * share;
    Ok((round(amount, &order.currency), quantity))
}

/// `POST .../payment_actions/refund_quotes`
pub(crate) fn quote(visit: &mut Visit<'_>) -> Reply {
    let (order, body) = (order(visit)?, visit.body.clone());
    let wish = read_wish(&order, &body)?;
    if wish.total > giving_back::refundable(visit, order.id) {
        return Err(answer::problem(422, "The amount is more than what can be refunded."));
    }
    let way = |id: &str, description: &str, offline: bool| {
        json!([{
            "provider_id": id, "provider_description": description, "amount": number(wish.total),
            "offline": offline, "offline_provider": offline, "offline_reason": "",
        }])
    };
    let quote = json!({
        "order_id": order.id, "total_refund_amount": number(wish.total), "total_refund_tax_amount": 0,
        "order_level_refund_amount": 0, "rounding": 0, "adjustment": 0, "tax_inclusive": false,
        "refund_methods": [
            giving_back::as_paid(visit, &order, wish.total),
            way("storecredit", "Store Credit", false), way("custom", "Custom", true),
        ],
    });
    Ok(Answer::data(201, &quote))
}

/// `POST .../payment_actions/refunds`
pub(crate) fn create(visit: &mut Visit<'_>) -> Reply {
    let (mut order, body) = (order(visit)?, visit.body.clone());
    let wish = read_wish(&order, &body)?;
    let payments = body["payments"].as_array().cloned().unwrap_or_default();
    let paid: Decimal = payments.iter().filter_map(|payment| read(&payment["amount"])).sum();
    if payments.is_empty() || paid != wish.total {
        return Err(refused("The payments do not add up to the amount of the refund."));
    }
    if wish.total > giving_back::refundable(visit, order.id) {
        return Err(refused("The amount is more than what can be refunded."));
    }
    let by_credit = payments.iter().any(|payment| payment["provider_id"] == "storecredit");
    if by_credit && order.customer_id == 0 {
        return Err(refused("Unable to process a guest refund with store credit."));
    }
    for payment in &payments {
        let amount = read(&payment["amount"]).unwrap_or_default();
        if payment["provider_id"] == giving_back::CERTIFICATE
            && amount > giving_back::of_certificates(visit, order.id)
        {
            return Err(refused("The amount is more than what gift certificates paid."));
        }
    }
    let declined = payments.iter().all(|payment| payment["provider_id"] == DECLINES);
    let id = visit.store.next_id();
    let mut rows = Vec::new();
    for payment in &payments {
        rows.push(json!({
            "id": visit.store.next_id(), "provider_id": payment["provider_id"].as_str().unwrap_or(""),
            "amount": payment["amount"], "offline": payment["offline"] == Value::Bool(true),
            "is_declined": declined, "declined_message": if declined { "The provider declined." } else { "" }, "transaction_id": uuid::Uuid::new_v4().to_string(),
        }));
    }
    let first_reason = wish.items.first().map_or("", |item| item["reason"].as_str().unwrap_or("")).to_owned();
    let refund = json!({
        "id": id, "order_id": order.id, "user_id": 1, "created": iso(visit.now), "reason": first_reason,
        "total_amount": number(wish.total), "total_tax": 0, "uses_merchant_override_values": false,
        "items": wish.items, "payments": rows,
    });
    if declined {
        // It is listed, and no money has moved.
        order.add_refund(refund.clone(), visit.settings.refunds_lag, visit.now);
        visit.store.orders.insert(order.id, order);
        return Ok(Answer::data(201, &refund));
    }
    visit.store.refunds.push(ledger::Refund {
        store: visit.store.hash.clone(),
        id,
        order_id: order.id,
        amount: wish.total,
        reason: first_reason,
        correlation_id: visit.call.correlation_id(),
    });
    for payment in &payments {
        let provider = payment["provider_id"].as_str().unwrap_or("");
        giving_back::give_back(visit, &order, provider, read(&payment["amount"]).unwrap_or_default());
    }
    apply(visit, &mut order, &wish, &refund);
    Ok(Answer::data(201, &refund))
}

fn apply(visit: &mut Visit<'_>, order: &mut Order, wish: &Wish, refund: &Value) {
    for (id, quantity) in &wish.units {
        if let Some(product) = order.products.iter_mut().find(|product| product.id == *id) {
            product.refunded += quantity;
        }
    }
    order.start_status_lag(visit.settings.status_lag, visit.now);
    let in_part = order.status_id == 0 || (order.status_id == 1 && order.due() > Decimal::ZERO);
    order.refunded += wish.total;
    order.add_refund(refund.clone(), visit.settings.refunds_lag, visit.now);
    order.modified = visit.now;
    let all = giving_back::refundable(visit, order.id).is_zero();
    let before = order.status_id;
    if in_part && !visit.settings.refund_moves_unpaid {
        order.returned += wish.total;
    } else {
        order.payment_status = if all { "refunded" } else { "partially refunded" };
        order.status_id = if all { 4 } else { 14 };
    }
    for payment in refund["payments"].as_array().into_iter().flatten() {
        let provider = payment["provider_id"].as_str().unwrap_or("");
        let Some(method) = giving_back::method_of(order, provider) else { continue };
        let amount = read(&payment["amount"]).unwrap_or_default();
        let event = visit.settings.refund_event.text();
        let entry = Entry { event, ok: true, amount, method: &method, details: &Value::Null };
        settle::add_transaction(visit, order, entry);
    }
    let (id, after) = (order.id, order.status_id);
    visit.store.orders.insert(id, order.clone());
    webhooks::refund(visit, id, refund["id"].as_u64().unwrap_or(0));
    webhooks::status(visit, id, before, after);
}

/// `GET /v3/orders/{id}/payment_actions/refunds`
pub(crate) fn list(visit: &mut Visit<'_>) -> Reply {
    let (id, now) = (order(visit)?.id, visit.now);
    let rows = visit.store.orders.get_mut(&id).map(|order| order.read_refunds(now)).unwrap_or_default();
    Ok(Answer::data(200, &rows.into()))
}

/// `GET /v3/orders/payment_actions/refunds`
pub(crate) fn list_all(visit: &mut Visit<'_>) -> Reply {
    let wanted: Option<Vec<u64>> = visit
        .query("order_id:in")
        .map(|list| list.split(',').filter_map(|id| id.trim().parse().ok()).collect());
    let now = visit.now;
    let rows: Vec<Value> = visit
        .store
        .orders
        .values_mut()
        .filter(|order| wanted.as_ref().is_none_or(|ids| ids.contains(&order.id)))
        .flat_map(|order| order.read_refunds(now))
        .collect();
    let (page, limit) = visit.paging();
    Ok(Answer::page(&rows, page, limit))
}

/// `GET /v3/orders/payment_actions/refunds/{refundId}`
pub(crate) fn get(visit: &mut Visit<'_>) -> Reply {
    let wanted = visit.id(0);
    let found = visit
        .store
        .orders
        .values()
        .flat_map(|order| &order.refunds)
        .find(|refund| refund["id"].as_u64() == wanted);
    found
        .map(|refund| Answer::data(200, &with_text_amounts(refund)))
        .ok_or_else(|| answer::not_found("The refund does not exist."))
}

/// One refund alone shows `requested_amount` as text; in lists it is a number.
fn with_text_amounts(refund: &Value) -> Value {
    let mut refund = refund.clone();
    for item in refund["items"].as_array_mut().into_iter().flatten() {
        item["requested_amount"] = item["requested_amount"].to_string().into();
    }
    refund
}
