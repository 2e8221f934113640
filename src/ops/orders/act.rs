//! What must not be done twice: written down, then sent once.
//!
//! Guarantees: the intent is committed before the call and the outcome after it; no transaction is open in between. The
//! same key answers with what became of its action; one that certainly was not done is sent again by the same key, after a
//! look for it. Dropped half-way, or killed: the intent stays, and recovery finds out ([`super::settle`]).

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::Operators;
use super::super::action::Actor;
use super::super::guard::Guard;
use super::witness::{self, Finding, mark};
use super::{Kind, LATER, OrderId, OrderRefused, call, enough, later, rejection, unread};
use crate::bigcommerce::orders::{Order, Transaction};
use crate::bigcommerce::{Client, Error};
use crate::checkout::{CheckoutId, Refused as Rejection, Status};
use crate::saga::operate;
use crate::store::{self, Entry, NewOrderAction, OrderAction};

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
    /// The checkout that is cancelled by it.
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
    /// It is not known yet.
    Open,
    /// It happened; with BigCommerce's answer.
    Done(Value),
    /// BigCommerce, or the gateway, refused. It did not happen and will not.
    Rejected(Rejection),
    /// It certainly did not happen. The same key sends it again.
    NotDone {
        /// Why.
        detail: String,
        /// When to send it again, in seconds.
        retry_after: u64,
    },
}

/// Reads what is recorded.
pub fn outcome(action: &OrderAction) -> Outcome {
    let answer: Value =
        action.answer.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    match action.status.as_str() {
        "done" => Outcome::Done(answer.get("body").cloned().unwrap_or_default()),
        "rejected" => {
            let refused =
                answer.get("refused").cloned().and_then(|refused| serde_json::from_value(refused).ok());
            let empty =
                || Rejection { status: 0, title: "BigCommerce refused".to_owned(), errors: Vec::new() };
            Outcome::Rejected(refused.unwrap_or_else(empty))
        }
        "not-done" => Outcome::NotDone {
            detail: answer.get("detail").and_then(Value::as_str).unwrap_or_default().to_owned(),
            retry_after: answer.get("retry_after").and_then(Value::as_u64).unwrap_or(LATER),
        },
        _ => Outcome::Open,
    }
}

impl Outcome {
    fn status(&self) -> &'static str {
        match self {
            Self::Open => "unknown",
            Self::Done(_) => "done",
            Self::Rejected(_) => "rejected",
            Self::NotDone { .. } => "not-done",
        }
    }

    fn answer(&self) -> Value {
        match self {
            Self::Open => Value::Null,
            Self::Done(body) => json!({"body": body}),
            Self::Rejected(refused) => json!({"refused": refused}),
            Self::NotDone { detail, retry_after } => json!({"detail": detail, "retry_after": retry_after}),
        }
    }
}

impl Operators {
    /// Begins an action, or finds the one that its key is bound to.
    pub async fn submit(&self, new: NewAction) -> Result<Submitted, OrderRefused> {
        let begun = match enough(&new.actor, new.kind.role()) {
            Ok(()) => self.begin(&new).await,
            Err(refused) => Err(refused),
        };
        let refused = match &begun {
            Err(OrderRefused::Forbidden { .. }) => "refused: forbidden".to_owned(),
            Err(OrderRefused::Guarded(guard)) => format!("refused: {}", guard.name),
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

    async fn begin(&self, new: &NewAction) -> Result<Submitted, OrderRefused> {
        let key = new.key.clone().unwrap_or_else(|| Uuid::now_v7().to_string());
        // Each turn is lost to somebody who got ahead; the third one in a row is hardly that.
        for _ in 0..3 {
            if let Some(bound) = self.store().order_action_of(&new.principal, &key).await? {
                if bound.fingerprint != new.fingerprint {
                    return Err(OrderRefused::KeyReused);
                }
                let id = bound.order_action_id;
                if bound.status != "not-done" {
                    return Ok(Submitted { id, replayed: true });
                }
                if self.again(id).await? {
                    return Ok(Submitted { id, replayed: false });
                }
                continue;
            }
            let seen = self.look_before(new).await;
            // The same request, sent twice at once: what is seen may be the effect of the other one.
            let taken = self.store().order_action_of(&new.principal, &key).await?.is_some();
            if taken {
                continue;
            }
            match self.open(new, &key, &seen?).await {
                Ok(action) => {
                    let id = action.order_action_id;
                    self.send_undisturbed(action);
                    return Ok(Submitted { id, replayed: false });
                }
                Err(store::Error::KeyBound) => {}
                Err(store::Error::OrderBusy) => {
                    if self.store().order_action_of(&new.principal, &key).await?.is_none() {
                        return Err(OrderRefused::Busy);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(OrderRefused::Busy)
    }

    /// What BigCommerce shows before anything is sent; refuses what makes no sense.
    async fn look_before(&self, new: &NewAction) -> Result<Value, OrderRefused> {
        let cx = call(Uuid::now_v7());
        let orders = self.client_of(&new.store)?.orders(&cx);
        let missing = |error: Error| unread(&error, "order");
        match new.kind {
            Kind::Refund => {
                let order = orders.get(new.order_id).await.map_err(missing)?.value;
                Ok(json!({"payment_status": order.payment_status, "status_id": order.status_id}))
            }
            Kind::Shipment => {
                let shipments = orders.shipments(new.order_id).await.map_err(missing)?.value;
                let ids = shipments.iter().filter_map(|shipment| shipment.get("id")).map(witness::plain);
                Ok(json!({"shipments": ids.collect::<Vec<_>>()}))
            }
            Kind::Capture | Kind::Void => {
                let order = orders.get(new.order_id).await.map_err(missing)?.value;
                let transactions = orders.transactions(new.order_id).await.map_err(missing)?.value;
                authorised(&order, &transactions, new.kind)?;
                let ids: Vec<&str> = transactions.iter().map(|one| one.id.as_str()).collect();
                Ok(json!({"payment_status": order.payment_status, "transactions": ids}))
            }
        }
    }

    /// Writes the intent down.
    async fn open(&self, new: &NewAction, key: &str, seen: &Value) -> Result<OrderAction, store::Error> {
        let id = Uuid::now_v7();
        let body = match (&new.body, new.kind) {
            (Value::Null, _) => String::new(),
            (body, Kind::Refund) => marked(body, &new.reason, id).to_string(),
            (body, _) => body.to_string(),
        };
        let mut audited = self.store().audited().await?;
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
    pub(super) async fn again(&self, id: Uuid) -> Result<bool, OrderRefused> {
        let mut audited = self.store().audited().await?;
        let reopened = match audited.reopen_order_action(id).await {
            Ok(reopened) => reopened,
            Err(store::Error::OrderBusy) => return Err(OrderRefused::Busy),
            Err(error) => return Err(error.into()),
        };
        let Some(action) = reopened else { return Ok(false) };
        audited.note(&entry(&action, "begun")).await?;
        audited.commit().await?;
        self.send_undisturbed(action);
        Ok(true)
    }

    /// To its end, whether or not somebody waits for it.
    fn send_undisturbed(&self, action: OrderAction) {
        let operators = self.clone();
        self.inner.tasks.spawn(async move { operators.send(action).await });
    }

    async fn send(&self, action: OrderAction) {
        if action.attempts > 1 {
            // It was not done when it was last looked for; it may have arrived since.
            match self.find(&action).await {
                Ok(Finding::Nothing) => {}
                Ok(found) => return self.found(&action, found).await,
                Err(error) => return self.end(&action, &not_done(&error)).await,
            }
            if !matches!(self.store().renew_order_action(&action).await, Ok(true)) {
                return;
            }
        }
        let outcome = match self.send_once(&action).await {
            Ok(found) => return self.found(&action, found).await,
            Err(Error::Unknown(unknown)) => {
                tracing::warn!(
                    order_action_id = %action.order_action_id, order_id = action.order_id, kind = action.kind, %unknown,
                    "whether an action on an order was executed is not known"
                );
                if let Err(error) = self.store().defer_order_action(&action, 0.0).await {
                    tracing::warn!(%error, "the lease of an action on an order has to run out by itself");
                }
                return self.moved();
            }
            // Nothing is wrong with the request: what refused it can be put right, and the same key sends it again.
            Err(error) if error.is_unauthorized() || error.status() == Some(423) => not_done(&error),
            Err(Error::Rejected(refused) | Error::Moved(refused)) => Outcome::Rejected(rejection(&refused)),
            Err(error @ Error::Unavailable(_)) => not_done(&error),
        };
        self.end(&action, &outcome).await;
    }

    /// The one call.
    async fn send_once(&self, action: &OrderAction) -> Result<Finding, Error> {
        let (client, id) = self.client_for(action)?;
        let cx = call(action.order_action_id);
        let orders = client.orders(&cx);
        let body: Value = serde_json::from_str(&action.body).unwrap_or_default();
        let pending = |status: &str| json!({"order_id": action.order_id, "payment_status": status});
        Ok(match Kind::find(&action.kind) {
            Some(Kind::Refund) => witness::of_refund(&orders.refund(id, &body).await?.value),
            Some(Kind::Shipment) => Finding::Applied(orders.create_shipment(id, &body).await?.value),
            Some(Kind::Capture) => {
                orders.capture(id).await?;
                Finding::Applied(pending("capture pending"))
            }
            Some(Kind::Void) => {
                orders.void(id).await?;
                Finding::Applied(pending("void pending"))
            }
            None => Finding::Nothing,
        })
    }

    /// Looks for the effect.
    pub(super) async fn find(&self, action: &OrderAction) -> Result<Finding, Error> {
        let (client, id) = self.client_for(action)?;
        let cx = call(action.order_action_id);
        let orders = client.orders(&cx);
        let seen: Value = serde_json::from_str(&action.seen).unwrap_or_default();
        Ok(match Kind::find(&action.kind) {
            Some(Kind::Refund) => {
                witness::refund(&mark(action.order_action_id), &orders.refunds(id).await?.value)
            }
            Some(Kind::Shipment) => {
                let body: Value = serde_json::from_str(&action.body).unwrap_or_default();
                witness::shipment(&seen, &body, &orders.shipments(id).await?.value)
            }
            Some(kind) => {
                let transactions = orders.transactions(id).await?.value;
                let order = orders.get(id).await?.value;
                let judge = if kind == Kind::Capture { witness::capture } else { witness::void };
                judge(&seen, &order, &transactions)
            }
            None => Finding::Nothing,
        })
    }

    fn client_for(&self, action: &OrderAction) -> Result<(&Client, OrderId), Error> {
        let client = self.inner.clients.get(&action.store);
        client.zip(OrderId::new(action.order_id)).ok_or_else(Error::not_connected)
    }

    pub(super) async fn found(&self, action: &OrderAction, found: Finding) {
        let outcome = match found {
            Finding::Applied(body) => Outcome::Done(body),
            Finding::Against(refused) => Outcome::Rejected(refused),
            Finding::Nothing => Outcome::NotDone {
                detail: "BigCommerce shows no trace of it; nothing happened there".to_owned(),
                retry_after: 1,
            },
        };
        self.end(action, &outcome).await;
    }

    /// Records the outcome. When the database is away, the lease runs out and recovery finds out anew.
    pub(super) async fn end(&self, action: &OrderAction, outcome: &Outcome) {
        let id = action.order_action_id;
        match self.try_to_end(action, outcome).await {
            Ok(true) => tracing::info!(
                order_action_id = %id, order_id = action.order_id, kind = action.kind, result = outcome.status(),
                attempts = action.attempts, "an action on an order ended"
            ),
            Ok(false) => tracing::warn!(
                order_action_id = %id, result = outcome.status(),
                "a late answer to an action on an order was not taken: somebody else looks for it"
            ),
            Err(error) => tracing::error!(
                order_action_id = %id, %error, "the outcome of an action on an order was not written; it is looked for"
            ),
        }
        self.moved();
    }

    async fn try_to_end(&self, action: &OrderAction, outcome: &Outcome) -> Result<bool, store::Error> {
        let mut audited = self.store().audited().await?;
        if !audited.end_order_action(action, outcome.status(), &outcome.answer()).await? {
            return Ok(false);
        }
        if let (Some(checkout_id), Outcome::Done(_)) = (action.checkout_id, outcome)
            && let Some(held) = audited.lock(checkout_id.into()).await?
            && held.checkout.status == Status::Completed
        {
            let status = if action.kind == Kind::Void.as_str() { "void" } else { "refunded" };
            if let Ok(transition) = operate::refunded(&held.checkout, status) {
                audited.write(&transition).await?;
            }
        }
        let result = match outcome {
            Outcome::Rejected(_) => "refused: rejected-by-bigcommerce",
            other => other.status(),
        };
        audited.note(&entry(action, result)).await?;
        audited.commit().await?;
        Ok(true)
    }

    /// Waits until the outcome is known, so long.
    pub async fn ended(&self, id: Uuid, patience: Duration) -> Result<Option<OrderAction>, OrderRefused> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let moved = self.inner.actions_moved.notified();
            let action = self.store().order_action(id).await?;
            let over = tokio::time::Instant::now() >= deadline;
            if over || action.as_ref().is_none_or(|action| !action.is_open()) {
                return Ok(action);
            }
            // Another process may be the one that ends it: look now and then.
            let tick = deadline.min(tokio::time::Instant::now() + Duration::from_millis(200));
            let _ = tokio::time::timeout_at(tick, moved).await;
        }
    }

    /// Something moved: whoever waits looks, and so does recovery.
    fn moved(&self) {
        self.inner.actions_moved.notify_waiters();
        self.inner.wake_actions.notify_one();
    }
}

fn not_done(error: &Error) -> Outcome {
    let detail = match error {
        error if error.is_unauthorized() => {
            format!(
                "{error}: the access token of the store or its scopes do not allow it; nothing happened there"
            )
        }
        error => format!("{error}; nothing happened there"),
    };
    Outcome::NotDone { detail, retry_after: later(error) }
}

fn entry<'a>(action: &'a OrderAction, result: &'a str) -> Entry<'a> {
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

/// Whether there is an authorised payment that neither was taken nor let go.
fn authorised(order: &Order, transactions: &[Transaction], kind: Kind) -> Result<(), Guard> {
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
        _ => "only an authorised payment is captured",
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
