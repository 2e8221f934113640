//! Changing an order: its status and its notes. Repeatable, so there is no intent; the audit log has a row.
//!
//! Dropped half-way: whether BigCommerce made the change is not known, and the same change may be requested again.

use serde_json::{Value, json};
use uuid::Uuid;

use super::statuses::{Change, INCOMPLETE};
use super::{OrderError, OrderId, call, enough, rejection, unread};
use crate::bigcommerce::orders::Order;
use crate::bigcommerce::{Error, UnavailableReason};
use crate::db::Entry;
use crate::ops::Console;
use crate::ops::action::Actor;
use crate::ops::guard::Guard;
use crate::role::Role;

/// How a change is asked for.
#[derive(Debug, Clone)]
pub struct StatusAsk<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// Why, as far as it was said.
    pub reason: &'a str,
    /// The fields, as they go to BigCommerce; `status_id` is checked to be a status.
    pub fields: &'a Value,
    /// Only show what it would do.
    pub dry_run: bool,
}

/// What became of it.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The order as it is now.
    pub order: Value,
    /// What the move does; `None`: the status was not asked for.
    pub change: Option<Change>,
}

impl Console {
    /// Changes an order.
    pub async fn change_order(
        &self,
        store: &str,
        id: OrderId,
        ask: StatusAsk<'_>,
    ) -> Result<Changed, OrderError> {
        let done = self.of(ask.actor).try_to_change(store, id, &ask).await;
        let result = match &done {
            _ if ask.dry_run => return done,
            Ok(_) => "done".to_owned(),
            Err(OrderError::Forbidden { .. }) => "refused: forbidden".to_owned(),
            Err(OrderError::Guarded(guard)) => format!("refused: {}", guard.name),
            Err(OrderError::Rejected(_)) => "refused: rejected-by-bigcommerce".to_owned(),
            Err(OrderError::Unknown) => "unknown".to_owned(),
            Err(_) => return done,
        };
        let names: Vec<&String> = ask.fields.as_object().into_iter().flat_map(|map| map.keys()).collect();
        let detail = json!({
            "store": store,
            "status_id": ask.fields.get("status_id"),
            // Not what they hold: notes may be personal.
            "fields": names,
        });
        self.note(&Entry {
            actor: &ask.actor.name,
            role: ask.actor.role.as_str(),
            action: "order-status",
            checkout_id: None,
            order_id: Some(id.get()),
            reason: ask.reason,
            result: &result,
            detail,
        })
        .await?;
        done
    }

    async fn try_to_change(
        &self,
        store: &str,
        id: OrderId,
        ask: &StatusAsk<'_>,
    ) -> Result<Changed, OrderError> {
        if !self.sees(store) {
            return Err(OrderError::UnknownStore);
        }
        enough(ask.actor, Role::Act)?;
        let cx = call(Uuid::now_v7());
        let orders = self.client_of(store)?.orders(&cx);
        let before = orders.get(id).await.map_err(|error| unread(&error, "order"))?.value;
        let wanted = ask.fields.get("status_id").and_then(Value::as_i64);
        if let Some(to) = wanted {
            self.guard_move(store, &before, to).await?;
        }
        let change = wanted.and_then(|to| Change::new(before.status_id, to));
        if ask.dry_run {
            return Ok(Changed { order: before.raw, change });
        }
        let error = match orders.update(id, ask.fields).await {
            Ok(changed) => return Ok(Changed { order: changed.value.raw, change }),
            Err(error) => error,
        };
        // An answer that was lost, or the refusal of a second copy: the order itself says whether it was made.
        if was_sent(&error)
            && !shows(&before.raw, ask.fields)
            && let Ok(now) = orders.get(id).await
            && shows(&now.value.raw, ask.fields)
        {
            return Ok(Changed { order: now.value.raw, change });
        }
        Err(match error {
            Error::Rejected(refused) | Error::Moved(refused) => OrderError::Rejected(rejection(&refused)),
            error if was_sent(&error) => OrderError::Unknown,
            error => unread(&error, "order"),
        })
    }

    /// Refuses what would make an order payable again, or would look like its payment.
    async fn guard_move(&self, store: &str, order: &Order, to: i64) -> Result<(), OrderError> {
        if to == INCOMPLETE && order.status_id != INCOMPLETE {
            return Err(Guard::new(
                "payable-again",
                "an Incomplete order (0) can be paid, so an order never goes back there: it could be charged twice. Make \
                 a new order instead",
            )
            .into());
        }
        if order.status_id != INCOMPLETE || to == INCOMPLETE {
            return Ok(());
        }
        let Some(checkout_id) = self.db().checkout_of_order(store, order.id.get()).await? else {
            return Ok(());
        };
        match self.db().look(checkout_id).await? {
            Some(held) if !held.checkout.status.is_final() => Err(Guard::new(
                "checkout-open",
                format!(
                    "checkout {checkout_id} still works with this unpaid order, and another status would be taken as \
                     proof of its payment: cancel or resolve the checkout first"
                ),
            )
            .into()),
            _ => Ok(()),
        }
    }
}

/// Whether it may have been made, also by an earlier delivery of the same request.
fn was_sent(error: &Error) -> bool {
    !matches!(error, Error::Unavailable(unavailable) if unavailable.reason != UnavailableReason::RateLimited)
}

/// Whether an order shows all that was asked for.
fn shows(order: &Value, fields: &Value) -> bool {
    fields.as_object().is_some_and(|fields| {
        fields.iter().all(|(name, wanted)| match (order.get(name), wanted) {
            (Some(Value::Number(shown)), Value::Number(wanted)) => shown == wanted,
            (Some(Value::String(shown)), Value::Number(wanted)) => *shown == wanted.to_string(),
            (shown, wanted) => shown == Some(wanted),
        })
    })
}
