//! Orders V3: transactions, capture and void (BigCommerce: orders.v3).

use serde_json::{Value, json};

use crate::answer::{self, Answer, Reply};
use crate::call::Visit;
use crate::choices::NothingAs;
use crate::clock::iso;
use crate::methods;
use crate::money::number;
use crate::order::{Order, Outstanding, Transaction};
use crate::placeholders;
use crate::settle;

fn find(visit: &Visit<'_>) -> Result<u64, Answer> {
    visit
        .id(0)
        .filter(|id| visit.store.orders.contains_key(id))
        .ok_or_else(|| answer::not_found("The order does not exist."))
}

/// `GET /v3/orders/{id}/transactions`; 204 when there is none.
pub(crate) fn transactions(visit: &mut Visit<'_>) -> Reply {
    let id = find(visit)?;
    settle::on_read(visit, id);
    let (now, strict) = (visit.now, visit.settings.strictly_as_specified);
    let order =
        visit.store.orders.get_mut(&id).ok_or_else(|| answer::not_found("The order does not exist."))?;
    let all = order.transactions_wait.passed(now);
    let seen = if all { order.transactions.len() } else { order.transactions_seen };
    if seen == 0 {
        // The specification gives its 204 a body, which HTTP cannot carry.
        return Ok(if strict { Answer::page(&[], 1, 50) } else { Answer::empty(204) });
    }
    let rows: Vec<Value> =
        order.transactions.iter().take(seen).map(|one| show(order, one, visit.settings.nothing_as)).collect();
    let (page, limit) = visit.paging();
    Ok(Answer::page(&rows, page, limit))
}

fn show(order: &Order, one: &Transaction, nothing: NothingAs) -> Value {
    let gateway = methods::find(&one.payment_method_id).map_or("custom", |method| method.gateway);
    let mut out = json!({
        "id": one.id, "order_id": order.id.to_string(), "event": one.event, "method": one.method,
        "amount": number(one.amount), "currency": order.currency, "gateway": gateway,
        "gateway_transaction_id": one.gateway_id, "status": one.status, "test": true, "fraud_review": false,
        "date_created": iso(one.at), "avs_result": {}, "cvv_result": {}, "gift_certificate": null,
        "store_credit": null, "offline": null, "custom": null, "payment_instrument_token": null,
        "payment_method_id": one.payment_method_id,
    });
    if let Some(reference) = one.reference {
        out["reference_transaction_id"] = reference.into();
    }
    if let (Value::Object(out), Value::Object(details)) = (&mut out, &one.details) {
        out.extend(details.clone());
    }
    placeholders::transaction(&mut out, nothing);
    out
}

/// `POST .../payment_actions/capture`: only schedules.
pub(crate) fn capture(visit: &mut Visit<'_>) -> Reply {
    schedule(visit, Outstanding::Capture, "capture pending")
}

/// `POST .../payment_actions/void`: only schedules.
pub(crate) fn void(visit: &mut Visit<'_>) -> Reply {
    schedule(visit, Outstanding::Void, "void pending")
}

fn schedule(visit: &mut Visit<'_>, what: Outstanding, status: &'static str) -> Reply {
    let id = find(visit)?;
    let reads = visit.settings.action_settle_reads;
    let order =
        visit.store.orders.get_mut(&id).ok_or_else(|| answer::not_found("The order does not exist."))?;
    if order.payment_status != "authorized" {
        return Err(answer::problem(422, "The order has no authorized payment."));
    }
    order.payment_status = status;
    order.outstanding = Some((what, reads));
    Ok(Answer::json(201, &json!({})))
}
