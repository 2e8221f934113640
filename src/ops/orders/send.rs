//! Sends an action once, checks for its effect, and records the outcome.
//!
//! Guarantees: an outcome is written with its audit row and with the cancellation of the checkout, if it has one, in one
//! transaction and only under the current fence. A late answer is discarded: the process that has the action by then checks.
//! Dropped half-way: the lease expires, and recovery checks.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::act::{Outcome, entry};
use super::kept::{self, Unreadable};
use super::witness::{self, Evidence, mark};
use super::{Kind, OrderId, RETRY_AFTER_UPSTREAM, call, later, rejection};
use crate::bigcommerce::{Client, Error};
use crate::checkout::Status;
use crate::db::{self, Lease, OrderAction};
use crate::ops::Console;
use crate::saga::operate;

/// Why an action was not sent, or its effect not checked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// BigCommerce's answer, or that there is none.
    #[error(transparent)]
    Upstream(#[from] Error),
    /// The record of what was to be sent, or of what was there before, cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl Trouble {
    fn not_done(&self) -> Outcome {
        match self {
            Self::Upstream(error) => not_done(error),
            Self::Unreadable(unreadable) => {
                let detail = format!("{unreadable}; nothing was sent: check the order, and use a new key");
                Outcome::NotDone { detail, retry_after: RETRY_AFTER_UPSTREAM }
            }
        }
    }

    /// When to look again; `None`: as usual.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Upstream(error) => error.retry_after(),
            Self::Unreadable(_) => Some(Duration::MAX),
        }
    }
}

impl Console {
    /// Sends it, and records the outcome as far as it is known. `lease` is that of the intent.
    pub(super) async fn send(&self, action: OrderAction, mut lease: Lease) {
        if action.attempts > 1 {
            // It was not done when it was last looked for; it may have arrived since.
            match self.find(&action).await {
                Ok(Evidence::Nothing) => {}
                Ok(found) => return self.found(&action, found).await,
                Err(trouble) => return self.end(&action, &trouble.not_done()).await,
            }
            let renewed = self.db().new_lease();
            if !matches!(self.db().renew_order_action(&action).await, Ok(true)) {
                return;
            }
            lease = renewed;
        }
        let outcome = match self.send_once(&action, lease).await {
            Ok(found) => return self.found(&action, found).await,
            // Whoever does not know what to send sends nothing.
            Err(trouble @ Trouble::Unreadable(_)) => trouble.not_done(),
            Err(Trouble::Upstream(Error::Unknown(unknown))) => {
                tracing::warn!(
                    order_action_id = %action.order_action_id, order_id = action.order_id, kind = action.kind, %unknown,
                    "whether an action on an order was executed is not known"
                );
                return self.defer(&action, None).await;
            }
            // The request was turned away this time. What stands in between may deliver it twice, and the second copy is
            // refused while the first is on its way: that is believed once nothing has shown for long enough.
            Err(Trouble::Upstream(error)) if is_doubted(&error) => {
                tracing::warn!(
                    order_action_id = %action.order_action_id, order_id = action.order_id, kind = action.kind, %error,
                    "an action on an order was rejected; checking whether an earlier delivery of it arrived"
                );
                return self.defer(&action, Some(&turned_away(&error))).await;
            }
            // The request itself is wrong. That is no reason either where the first copy of it made it so.
            Err(Trouble::Upstream(Error::Rejected(refused) | Error::Moved(refused))) => {
                let outcome = Outcome::Rejected(rejection(&refused));
                match self.find(&action).await {
                    Ok(Evidence::Nothing | Evidence::Against(_)) => outcome,
                    Ok(found) => return self.found(&action, found).await,
                    Err(_) => return self.defer(&action, Some(&outcome)).await,
                }
            }
            // It was never sent.
            Err(Trouble::Upstream(error @ Error::Unavailable(_))) => not_done(&error),
        };
        self.end(&action, &outcome).await;
    }

    /// What came of it is not known: it is looked for. `believed`: what is believed once nothing has shown for long enough.
    async fn defer(&self, action: &OrderAction, believed: Option<&Outcome>) {
        let answer = believed.map(Outcome::answer);
        if let Err(error) = self.db().defer_order_action(action, 0.0, answer.as_ref()).await {
            tracing::warn!(%error, "the lease of an action on an order was not released, and has to expire");
        }
        self.moved();
    }

    /// The one call. It is not sent once the lease may have run out: by then somebody else may have found it not done.
    async fn send_once(&self, action: &OrderAction, lease: Lease) -> Result<Evidence, Trouble> {
        let (client, id) = self.client_for(action)?;
        let db = self.db().clone();
        let client = client.guarded(Arc::new(move || lease.lasts() && db.is_durable()));
        let cx = call(action.order_action_id);
        let orders = client.orders(&cx);
        let pending = |status: &str| json!({"order_id": action.order_id, "payment_status": status});
        Ok(match kept::kind(action)? {
            Kind::Refund => witness::of_refund(&orders.refund(id, &kept::body(action)?).await?.value),
            Kind::Shipment => {
                Evidence::Applied(orders.create_shipment(id, &kept::body(action)?).await?.value)
            }
            Kind::Capture => {
                orders.capture(id).await?;
                Evidence::Applied(pending("capture pending"))
            }
            Kind::Void => {
                orders.void(id).await?;
                // A checkout is cancelled when the money is let go, and not when that is scheduled.
                if action.checkout_id.is_some() {
                    Evidence::Scheduled
                } else {
                    Evidence::Applied(pending("void pending"))
                }
            }
        })
    }

    /// Looks for the effect.
    pub(super) async fn find(&self, action: &OrderAction) -> Result<Evidence, Trouble> {
        let (client, id) = self.client_for(action)?;
        let cx = call(action.order_action_id);
        let orders = client.orders(&cx);
        Ok(match kept::kind(action)? {
            Kind::Refund => witness::refund(&mark(action.order_action_id), &orders.refunds(id).await?.value),
            Kind::Shipment => {
                let (known, body) = (kept::seen(action, "shipments")?, kept::body(action)?);
                witness::shipment(&known, &body, &orders.shipments(id).await?.value)?
            }
            kind => {
                let known = kept::seen(action, "transactions")?;
                let transactions = orders.transactions(id).await?.value;
                let order = orders.get(id).await?.value;
                let judge = match kind {
                    Kind::Capture => witness::capture,
                    _ if action.checkout_id.is_some() => witness::let_go,
                    _ => witness::void,
                };
                judge(&known, &order, &transactions)
            }
        })
    }

    fn client_for(&self, action: &OrderAction) -> Result<(&Client, OrderId), Error> {
        let client = self.inner.clients.get(&action.store);
        client.zip(OrderId::new(action.order_id)).ok_or_else(Error::not_connected)
    }

    pub(super) async fn found(&self, action: &OrderAction, found: Evidence) {
        let outcome = match found {
            Evidence::Applied(body) => Outcome::Done(body),
            Evidence::Against(refused) => Outcome::Rejected(refused),
            Evidence::Scheduled => return self.defer(action, None).await,
            Evidence::Nothing => kept::believed(action).unwrap_or_else(|| Outcome::NotDone {
                detail: "BigCommerce shows no record of it; it was not done".to_owned(),
                retry_after: 1,
            }),
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
                "a late answer to an action on an order was discarded: another process is reconciling it"
            ),
            Err(error) => tracing::error!(
                order_action_id = %id, %error, "the outcome of an action on an order was not written; it \
                    will be reconciled"
            ),
        }
        self.moved();
    }

    async fn try_to_end(&self, action: &OrderAction, outcome: &Outcome) -> Result<bool, db::Error> {
        let mut audited = self.db().audited().await?;
        // The checkout before the action, as whoever begins one locks them.
        let held = match action.checkout_id {
            Some(id) => audited.lock(id.into()).await?,
            None => None,
        };
        if !audited.end_order_action(action, outcome.status(), &outcome.answer()).await? {
            return Ok(false);
        }
        if let (Some(held), Outcome::Done(body)) = (held, outcome)
            && held.checkout.status == Status::Completed
            && witness::gives_all_back(body)
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

    /// Something moved: whoever waits looks, and so does recovery.
    fn moved(&self) {
        self.inner.actions_moved.notify_waiters();
        self.inner.wake_actions.notify_one();
    }
}

/// Whether the answer says only that this delivery was turned away: by the token, by the quota, or by the state of the order.
fn is_doubted(error: &Error) -> bool {
    error.is_unauthorized() || error.is_rate_limited() || matches!(error, Error::Moved(_))
}

/// What is believed of it in the end. But for a conflict nothing is wrong with the request: what refused it can be put right,
/// and the same key sends it again.
fn turned_away(error: &Error) -> Outcome {
    match error {
        Error::Moved(refused) if refused.status != 423 => Outcome::Rejected(rejection(refused)),
        error => not_done(error),
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
