//! Webhooks: subscriptions (BigCommerce: webhooks.v3), and the events that handlers leave in the store's outbox.
//!
//! Handlers only note events; `delivery` sends them after the store was released.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::answer::{self, Answer, Reply};
use crate::call::{Visit, member, text};
use crate::money::number;
use crate::order::Transaction;

/// A subscription.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hook {
    pub(crate) id: u64,
    pub(crate) scope: String,
    pub(crate) destination: String,
    pub(crate) is_active: bool,
    pub(crate) headers: Value,
    pub(crate) created: i64,
    pub(crate) updated: i64,
}

impl Hook {
    fn wants(&self, scope: &str) -> bool {
        self.is_active
            && (self.scope == scope
                || self.scope.strip_suffix('*').is_some_and(|start| scope.starts_with(start)))
    }
}

/// One event on its way to one destination.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// Value of `webhook-id`.
    pub(crate) id: String,
    pub(crate) destination: String,
    pub(crate) headers: Value,
    /// Unix seconds.
    pub(crate) at: i64,
    pub(crate) body: String,
}

fn emit(visit: &mut Visit<'_>, scope: &str, data: &Value) {
    let at = visit.now.unix_timestamp();
    let seed = format!("{scope}{data}{at}{}", Uuid::new_v4());
    // BigCommerce uses SHA-1; the value is opaque, so forty digits of another hash serve as well.
    let hash: String =
        Sha256::digest(seed).iter().take(20).fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let payload = json!({
        "scope": scope, "store_id": visit.store.number.to_string(), "data": data, "hash": hash,
        "created_at": at, "producer": format!("stores/{}", visit.store.hash),
    });
    let wanted: Vec<Hook> = visit.store.hooks.values().filter(|hook| hook.wants(scope)).cloned().collect();
    for hook in wanted {
        visit.store.outbox.push(Delivery {
            id: format!("msg_{}", Uuid::new_v4().simple()),
            destination: hook.destination,
            headers: hook.headers,
            at,
            body: payload.to_string(),
        });
    }
}

/// `store/cart/created`, `updated` and `deleted`.
pub(crate) fn cart(visit: &mut Visit<'_>, scope: &str, id: &str) {
    emit(visit, scope, &json!({"type": "cart", "id": id}));
}

/// `store/cart/converted`: the link from the cart to its paid order.
pub(crate) fn converted(visit: &mut Visit<'_>, cart: &str, order: u64) {
    emit(visit, "store/cart/converted", &json!({"type": "cart", "id": cart, "orderId": order}));
}

/// `store/order/created`, `updated` and `archived`.
pub(crate) fn order(visit: &mut Visit<'_>, scope: &str, id: u64) {
    emit(visit, scope, &json!({"type": "order", "id": id}));
}

/// `store/order/statusUpdated`; nothing when the status is the same.
pub(crate) fn status(visit: &mut Visit<'_>, id: u64, before: u64, after: u64) {
    if before != after {
        let status = json!({"previous_status_id": before, "new_status_id": after});
        emit(visit, "store/order/statusUpdated", &json!({"type": "order", "id": id, "status": status}));
    }
}

/// `store/order/transaction/created`.
pub(crate) fn transaction(visit: &mut Visit<'_>, order: u64, one: &Transaction) {
    let result = if one.status == "ok" { "success" } else { "declined" };
    let data = json!({
        "type": "transaction", "order_id": order.to_string(), "transaction_id": one.id.to_string(),
        "transaction_status": one.status, "transaction_type": one.event, "amount": number(one.amount),
        "result": {"code": "", "message": "", "type": result},
        "platform_transaction_id": one.id.to_string(), "provider_transaction_id": one.gateway_id,
    });
    emit(visit, "store/order/transaction/created", &data);
}

/// `store/order/refund/created`.
pub(crate) fn refund(visit: &mut Visit<'_>, order: u64, refund: u64) {
    let data = json!({"type": "order", "id": order, "refund": {"refund_id": refund}});
    emit(visit, "store/order/refund/created", &data);
}

fn show(hook: &Hook, visit: &Visit<'_>) -> Value {
    json!({
        "id": hook.id, "client_id": "simulator", "store_hash": visit.store.hash, "scope": hook.scope,
        "destination": hook.destination, "headers": hook.headers, "is_active": hook.is_active,
        "created_at": hook.created, "updated_at": hook.updated,
    })
}

/// `POST /v3/hooks`
pub(crate) fn create(visit: &mut Visit<'_>) -> Reply {
    let body = visit.body.clone();
    let scope = text(&body, "scope")?.filter(|scope| scope.starts_with("store/"));
    let scope = scope.ok_or_else(|| answer::invalid("scope", "is not a known scope"))?;
    let destination = destination(visit, &body)?;
    let destination = destination.ok_or_else(|| answer::invalid("destination", "is required"))?;
    let known: Vec<&Hook> = visit.store.hooks.values().filter(|hook| hook.scope == scope).collect();
    if known.len() >= 10 {
        return Err(answer::problem(422, "At most 10 hooks can be made for one scope."));
    }
    if known.iter().any(|hook| hook.destination == destination) {
        return Err(answer::problem(422, "A hook with this scope and destination already exists."));
    }
    let now = visit.now.unix_timestamp();
    let hook = Hook {
        id: visit.store.next_id(),
        scope: scope.to_owned(),
        destination: destination.to_owned(),
        is_active: member(&body, "is_active").and_then(Value::as_bool).unwrap_or(true),
        headers: member(&body, "headers")
            .filter(|headers| headers.is_object())
            .cloned()
            .unwrap_or(Value::Null),
        created: now,
        updated: now,
    };
    let shown = show(&hook, visit);
    visit.store.hooks.insert(hook.id, hook);
    Ok(Answer::data(200, &shown))
}

/// HTTPS on port 443; plain HTTP only when the settings allow it for tests.
fn destination<'b>(visit: &Visit<'_>, body: &'b Value) -> Result<Option<&'b str>, Answer> {
    let Some(destination) = text(body, "destination")? else { return Ok(None) };
    let plain = visit.settings.webhook_allow_http && destination.starts_with("http://");
    if plain || destination.starts_with("https://") {
        return Ok(Some(destination));
    }
    Err(answer::invalid("destination", "must be an https address"))
}

/// `GET /v3/hooks`
pub(crate) fn list(visit: &mut Visit<'_>) -> Reply {
    let active = visit.query("is_active").map(|value| value == "true");
    let (scope, destination) = (visit.query("scope"), visit.query("destination"));
    let rows: Vec<Value> = visit
        .store
        .hooks
        .values()
        .filter(|hook| scope.is_none_or(|wanted| hook.scope == wanted))
        .filter(|hook| destination.is_none_or(|wanted| hook.destination == wanted))
        .filter(|hook| active.is_none_or(|wanted| hook.is_active == wanted))
        .map(|hook| show(hook, visit))
        .collect();
    let (page, limit) = visit.paging();
    Ok(Answer::page(&rows, page, limit))
}

fn missing() -> Answer {
    answer::not_found("The hook does not exist.")
}

/// `GET /v3/hooks/{id}`
pub(crate) fn get(visit: &mut Visit<'_>) -> Reply {
    let hook = visit.id(0).and_then(|id| visit.store.hooks.get(&id)).ok_or_else(missing)?;
    Ok(Answer::data(200, &show(hook, visit)))
}

/// `PUT /v3/hooks/{id}`
pub(crate) fn update(visit: &mut Visit<'_>) -> Reply {
    let body = visit.body.clone();
    let destination = destination(visit, &body)?.map(ToOwned::to_owned);
    let scope = text(&body, "scope")?.map(ToOwned::to_owned);
    let now = visit.now.unix_timestamp();
    let hook = visit.id(0).and_then(|id| visit.store.hooks.get_mut(&id)).ok_or_else(missing)?;
    hook.scope = scope.unwrap_or_else(|| hook.scope.clone());
    hook.destination = destination.unwrap_or_else(|| hook.destination.clone());
    hook.is_active = member(&body, "is_active").and_then(Value::as_bool).unwrap_or(hook.is_active);
    if let Some(headers) = member(&body, "headers").filter(|headers| headers.is_object()) {
        hook.headers = headers.clone();
    }
    hook.updated = now;
    let hook = hook.clone();
    Ok(Answer::data(200, &show(&hook, visit)))
}

/// `DELETE /v3/hooks/{id}`
pub(crate) fn delete(visit: &mut Visit<'_>) -> Reply {
    let hook = visit.id(0).and_then(|id| visit.store.hooks.remove(&id)).ok_or_else(missing)?;
    Ok(Answer::data(200, &show(&hook, visit)))
}
