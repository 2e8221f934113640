//! What must not be done twice: recorded, then sent once.
//!
//! Guarantees: the intent is committed before the call and the outcome after it; no transaction is open in between. The
//! same key returns the result of its action; one that certainly was not done is sent again by the same key, after a check for
//! its effect. Dropped half-way, or killed: the intent stays, and recovery finds out ([`super::settle`]).

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::witness::{self, mark};
use super::{Kind, OrderError, OrderId, call, enough, unread};
use crate::bigcommerce::Error;
use crate::bigcommerce::orders::{Order, Transaction};
use crate::checkout::{CheckoutId, Status, UpstreamRejection};
use crate::db::{self, Entry, Lease, NewOrderAction, OrderAction};
use crate::ops::Console;
use crate::ops::action::Actor;
use crate::ops::guard::Guard;

/// An action as it is asked for.
#[derive(Debug, Clone)]
pub struct NewAction {
    /// The store's name.
    pub store: String,
    /// The order.
    pub order_id: OrderId,
    /// What is to be done.
    pub kind: Kind,
    /// BigCommerce's body; null when it takes none.
    pub body: Value,
    /// Why, as far as it was said.
    pub reason: String,
    /// Who.
    pub actor: Actor,
    /// The scope of the key.
    pub principal: String,
    /// The idempotency key; without one the action is never asked for again.
    pub key: Option<String>,
    /// SHA-256 of the request.
    pub fingerprint: [u8; 32],
    /// The checkout that it cancels.
    pub checkout_id: Option<CheckoutId>,
}

/// An action that was begun, now or earlier.
#[derive(Debug, Clone, Copy)]
pub struct Submitted {
    /// Its id.
    pub id: Uuid,
    /// Whether an earlier request with the same key began it.
    pub replayed: bool,
}

/// What became of an action.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Outcome not known yet.
    Open,
    /// It happened; with BigCommerce's answer.
    Done(Value),
    /// BigCommerce, or the gateway, refused. It did not happen and will not.
    Rejected(UpstreamRejection),
    /// It certainly did not happen. The same key sends it again.
    NotDone {
        /// Why.
        detail: String,
        /// When to send it again, in seconds.
        retry_after: u64,
    },
}

impl Outcome {
    pub(super) fn status(&self) -> &'static str {
        match self {
            Self::Open => "unknown",
            Self::Done(_) => "done",
            Self::Rejected(_) => "rejected",
            Self::NotDone { .. } => "not-done",
        }
    }

    pub(super) fn answer(&self) -> Value {
        match self {
            Self::Open => Value::Null,
            Self::Done(body) => json!({"body": body}),
            Self::Rejected(refused) => json!({"refused": refused}),
            Self::NotDone { detail, retry_after } => json!({"detail": detail, "retry_after": retry_after}),
        }
    }
}

impl Console {
    /// Begins an action, or finds the one that its key is bound to.
    pub async fn submit(&self, new: NewAction) -> Result<Submitted, OrderError> {
        if !self.of(&new.actor).sees(&new.store) {
            return Err(OrderError::UnknownStore);
        }
        let begun = match enough(&new.actor, new.kind.role()) {
            Ok(()) => self.begin(&new).await,
            Err(refused) => Err(refused),
        };
        let refused = match &begun {
            Err(OrderError::Forbidden { .. }) => "refused: forbidden".to_owned(),
            Err(OrderError::Guarded(guard)) => format!("refused: {}", guard.name),
            _ => return begun,
        };
        self.note(&Entry {
            actor: &new.actor.name,
            role: new.actor.role.as_str(),
            action: new.kind.as_str(),
            checkout_id: new.checkout_id.map(CheckoutId::uuid),
            order_id: Some(new.order_id.get()),
            reason: &new.reason,
            result: &refused,
            detail: json!({"store": new.store}),
        })
        .await?;
        begun
    }

    async fn begin(&self, new: &NewAction) -> Result<Submitted, OrderError> {
        let key = new.key.clone().unwrap_or_else(|| Uuid::now_v7().to_string());
        // Each turn is lost to somebody who got ahead; the third one in a row is hardly that.
        for _ in 0..3 {
            if let Some(bound) = self.db().order_action_of(&new.principal, &key).await? {
                if bound.fingerprint != new.fingerprint {
                    return Err(OrderError::KeyReused);
                }
                let id = bound.order_action_id;
                if bound.status != "not-done" {
                    return Ok(Submitted { id, replayed: true });
                }
                if bound.body.is_empty() && !new.body.is_null() {
                    let detail = "the action of this key was deleted after its retention time: use a new key";
                    return Err(Guard::new("too-old", detail).into());
                }
                if self.again(id).await? {
                    return Ok(Submitted { id, replayed: false });
                }
                continue;
            }
            let seen = self.look_before(new).await;
            // The same request, sent twice at once: what is seen may be the effect of the other one.
            let taken = self.db().order_action_of(&new.principal, &key).await?.is_some();
            if taken {
                continue;
            }
            let lease = self.db().new_lease();
            match self.open(new, &key, &seen?).await {
                Ok(action) => {
                    let id = action.order_action_id;
                    self.send_undisturbed(action, lease);
                    return Ok(Submitted { id, replayed: false });
                }
                Err(db::Error::Lost) => {
                    return Err(Guard::new("ended", "the checkout was canceled in the meantime").into());
                }
                Err(db::Error::KeyBound) => {}
                Err(db::Error::OrderBusy) => {
                    if self.db().order_action_of(&new.principal, &key).await?.is_none() {
                        return Err(OrderError::Busy);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(OrderError::Busy)
    }

    /// What BigCommerce shows before anything is sent; refuses what makes no sense.
    async fn look_before(&self, new: &NewAction) -> Result<Value, OrderError> {
        let cx = call(Uuid::now_v7());
        let orders = self.client_of(&new.store)?.orders(&cx);
        let missing = |error: Error| unread(&error, "order");
        match new.kind {
            Kind::Refund => {
                if !can_be_marked(&new.body) {
                    let detail = "a refund without items could not be found again: list the items";
                    return Err(Guard::new("no-items", detail).into());
                }
                let order = orders.get(new.order_id).await.map_err(missing)?.value;
                Ok(json!({"payment_status": order.payment_status, "status_id": order.status_id}))
            }
            Kind::Shipment => {
                let shipments = orders.shipments(new.order_id).await.map_err(missing)?.value;
                let ids = shipments.iter().map(witness::id).collect::<Option<Vec<_>>>().ok_or_else(|| {
                    let detail = "BigCommerce lists a shipment without an id: a new one could not be \
                            distinguished from it";
                    Guard::new("unreadable", detail)
                })?;
                Ok(json!({"shipments": ids}))
            }
            Kind::Capture | Kind::Void => {
                let order = orders.get(new.order_id).await.map_err(missing)?.value;
                let transactions = orders.transactions(new.order_id).await.map_err(missing)?.value;
                authorized(&order, &transactions, new.kind)?;
                let ids: Vec<&str> = transactions.iter().map(|one| one.id.as_str()).collect();
                Ok(json!({"payment_status": order.payment_status, "transactions": ids}))
            }
        }
    }

    /// Writes the intent down.
    async fn open(&self, new: &NewAction, key: &str, seen: &Value) -> Result<OrderAction, db::Error> {
        let id = Uuid::now_v7();
        let body = match (&new.body, new.kind) {
            (Value::Null, _) => String::new(),
            (body, Kind::Refund) => marked(body, &new.reason, id).to_string(),
            (body, _) => body.to_string(),
        };
        let mut audited = self.db().audited().await?;
        if let Some(id) = new.checkout_id {
            // What is to be cancelled may have been, since it was looked at.
            let held = audited.lock(id).await?;
            if held.is_none_or(|held| held.checkout.status != Status::Completed) {
                return Err(db::Error::Lost);
            }
        }
        let action = audited
            .open_order_action(&NewOrderAction {
                id,
                store: &new.store,
                order_id: new.order_id.get(),
                kind: new.kind.as_str(),
                principal: &new.principal,
                key,
                fingerprint: &new.fingerprint,
                actor: &new.actor.name,
                role: new.actor.role.as_str(),
                reason: &new.reason,
                checkout_id: new.checkout_id,
                body: &body,
                seen,
            })
            .await?;
        audited.note(&entry(&action, "begun")).await?;
        audited.commit().await?;
        Ok(action)
    }

    /// Sends an action again that certainly was not done. False: somebody else did.
    pub(super) async fn again(&self, id: Uuid) -> Result<bool, OrderError> {
        let mut audited = self.db().audited().await?;
        let lease = self.db().new_lease();
        let reopened = match audited.reopen_order_action(id).await {
            Ok(reopened) => reopened,
            Err(db::Error::OrderBusy) => return Err(OrderError::Busy),
            Err(error) => return Err(error.into()),
        };
        let Some(action) = reopened else { return Ok(false) };
        audited.note(&entry(&action, "begun")).await?;
        audited.commit().await?;
        self.send_undisturbed(action, lease);
        Ok(true)
    }

    /// To its end, whether or not somebody waits for it.
    fn send_undisturbed(&self, action: OrderAction, lease: Lease) {
        let console = self.clone();
        self.inner.tasks.spawn(async move { console.send(action, lease).await });
    }

    /// Waits until the outcome is known, so long.
    pub async fn ended(&self, id: Uuid, patience: Duration) -> Result<Option<OrderAction>, OrderError> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let moved = self.inner.actions_moved.notified();
            let action = self.db().order_action(id).await?;
            let over = tokio::time::Instant::now() >= deadline;
            if over || action.as_ref().is_none_or(|action| !action.is_open()) {
                return Ok(action);
            }
            // Another process may be the one that ends it: look now and then.
            let tick = deadline.min(tokio::time::Instant::now() + Duration::from_millis(200));
            let _ = tokio::time::timeout_at(tick, moved).await;
        }
    }
}

pub(super) fn entry<'a>(action: &'a OrderAction, result: &'a str) -> Entry<'a> {
    let (action_name, refund) = match action.checkout_id {
        Some(_) => ("cancel", Some(true)),
        None => (action.kind.as_str(), None),
    };
    Entry {
        actor: &action.actor,
        role: &action.role,
        action: action_name,
        checkout_id: action.checkout_id,
        order_id: Some(action.order_id),
        reason: &action.reason,
        result,
        detail: json!({
            "order_action_id": action.order_action_id, "kind": action.kind, "store": action.store,
            "attempt": action.attempts, "refund": refund,
        }),
    }
}

/// Whether our mark has a place in the body of a refund.
fn can_be_marked(body: &Value) -> bool {
    let items = body.get("items").and_then(Value::as_array);
    items.is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_object))
}

/// The body of a refund with our mark in the reason of each item.
fn marked(body: &Value, reason: &str, id: Uuid) -> Value {
    let mut body = body.clone();
    for item in body.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten() {
        let own = item.get("reason").and_then(Value::as_str).unwrap_or(reason);
        let text = format!("{own} {}", mark(id));
        if let Some(item) = item.as_object_mut() {
            item.insert("reason".to_owned(), text.trim_start().into());
        }
    }
    body
}

/// Whether there is an authorized payment that neither was taken nor let go.
fn authorized(order: &Order, transactions: &[Transaction], kind: Kind) -> Result<(), Guard> {
    let done = |event: &str| transactions.iter().any(|one| one.event == event && one.status == "ok");
    let open = match order.payment_status.as_str() {
        "authorized" => true,
        "" => done("authorization") && !done("capture") && !done("void"),
        _ => false,
    };
    if open {
        return Ok(());
    }
    let status = if order.payment_status.is_empty() { "not set" } else { &order.payment_status };
    let instead = match kind {
        Kind::Void => "a captured payment is refunded, not voided",
        _ => "only an authorized payment is captured",
    };
    Err(Guard::new(
        "nothing-authorized",
        format!(
            "the payment_status of order {} is {status}: there is nothing to {}; {instead}",
            order.id,
            kind.as_str()
        ),
    ))
}
