//! Refunds everything that a completed checkout paid, and cancels it: a void if the payment is only authorized, else a refund
//! of the rest.
//!
//! Guarantees: it is recorded and sent like every other action on an order, so it is safe against lost answers and crashes. The
//! checkout becomes cancelled in the transaction that records that the money was returned, and not before.

use std::time::Duration;

use rust_decimal::Decimal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::act::{NewAction, Outcome};
use super::kept::outcome;
use super::{Kind, OrderError, OrderId, call, unread};
use crate::bigcommerce::orders::{Order, refund_payments};
use crate::checkout::{CheckoutId, Status};
use crate::db::{LockedCheckout, OrderAction, OrderActionFilter};
use crate::ops::act::{ActionError, ActionRequest, Report};
use crate::ops::action::Action;
use crate::ops::guard::Guard;
use crate::ops::{Console, effects};
use crate::saga::judge::{Account, Before, Judgment, judge, may_be_refunded};

/// How long the operator waits for it.
const ACTION_WAIT: Duration = Duration::from_secs(10);

/// What gives all back.
struct Way {
    kind: Kind,
    body: Value,
    effect: String,
}

impl From<OrderError> for ActionError {
    fn from(refused: OrderError) -> Self {
        let said = refused.to_string();
        match refused {
            OrderError::Guarded(guard) => Self::Guarded(guard),
            OrderError::Forbidden { needs } => Self::Forbidden { needs },
            OrderError::UnknownStore | OrderError::StoreNeeded(_) => Self::UnknownStore,
            OrderError::Rejected(refused) => Self::Rejected(refused),
            OrderError::NotFound(_) => Self::Contradicted { detail: said, evidence: Vec::new() },
            OrderError::Busy | OrderError::KeyReused => Guard::new("order-busy", said).into(),
            OrderError::Unavailable { .. } | OrderError::Unknown => Self::Upstream(said),
            OrderError::Database(error) => error.into(),
        }
    }
}

impl Console {
    /// Cancels a completed checkout by giving back what was paid.
    pub(in crate::ops) async fn give_back(
        &self,
        held: &LockedCheckout,
        ask: ActionRequest<'_>,
    ) -> Result<Report, ActionError> {
        let checkout = &held.checkout;
        let order = checkout.facts.order.as_ref().and_then(|order| OrderId::new(order.id));
        let order =
            order.ok_or_else(|| Guard::new("no-order", "no order is known, so nothing can be refunded"))?;
        let earlier = if ask.dry_run { None } else { self.earlier(checkout.id).await? };
        let (id, effect) = if let Some(id) = earlier {
            (id, "The payment is refunded.".to_owned())
        } else {
            let way = match self.way_back(&checkout.store, order).await {
                Ok(way) => way,
                Err(refused) => return Err(self.unless_ended(checkout.id, refused).await),
            };
            if ask.dry_run {
                return Ok(report(held, ask, way.effect));
            }
            let begun = self.submit(asked(held, order, &way, ask)).await;
            let id = match begun {
                // Somebody asked for the same at the same time.
                Err(OrderError::Busy) => self.earlier(checkout.id).await?.ok_or(OrderError::Busy)?,
                begun => begun?.id,
            };
            (id, way.effect)
        };
        let action = self.ended(id, ACTION_WAIT).await?.ok_or(ActionError::NotFound)?;
        let effect = match outcome(&action)? {
            Outcome::Done(_) => effect,
            Outcome::Open => format!(
                "BigCommerce gave no clear answer yet. The service is checking whether the money was refunded (action \
                 {id}); nothing is sent again in the meantime."
            ),
            Outcome::Rejected(refused) => return Err(ActionError::Rejected(refused)),
            Outcome::NotDone { detail, .. } => return Err(ActionError::Upstream(detail)),
        };
        let now = self.db().look(checkout.id).await?.ok_or(ActionError::NotFound)?;
        let noted = self.db().audit(Some(checkout.id.uuid()), None, 1, None).await?;
        let report = report(held, ask, effect);
        Ok(Report {
            status_after: now.checkout.status.as_str(),
            audit_id: noted.first().map(|row| row.audit_id),
            checkout: Box::new(now.checkout),
            ..report
        })
    }

    /// Somebody else may have given it back meanwhile: then BigCommerce's refusal says only that.
    async fn unless_ended(&self, id: CheckoutId, refused: OrderError) -> ActionError {
        match self.db().look(id).await {
            Ok(Some(held)) if held.checkout.status != Status::Completed => {
                Guard::new("ended", "the checkout was canceled in the meantime").into()
            }
            _ => match self.latest(id).await {
                Ok(Some(latest)) if latest.is_open() => OrderError::Busy.into(),
                _ => refused.into(),
            },
        }
    }

    /// What was begun for this checkout before and is open; or was certainly not done, and is sent again.
    async fn earlier(&self, id: CheckoutId) -> Result<Option<Uuid>, OrderError> {
        let Some(latest) = self.latest(id).await? else { return Ok(None) };
        let id = latest.order_action_id;
        let resumes = latest.is_open() || (latest.status == "not-done" && self.again(id).await?);
        Ok(resumes.then_some(id))
    }

    async fn latest(&self, id: CheckoutId) -> Result<Option<OrderAction>, OrderError> {
        let filter = OrderActionFilter { checkout_id: Some(id.uuid()), ..OrderActionFilter::default() };
        Ok(self.db().order_actions(&filter, 1).await?.pop())
    }

    /// How what was paid goes back, by what BigCommerce shows.
    async fn way_back(&self, store: &str, id: OrderId) -> Result<Way, OrderError> {
        let cx = call(Uuid::now_v7());
        let orders = self.client_of(store)?.orders(&cx);
        let order = orders.get(id).await.map_err(|error| unread(&error, "order"))?.value;
        let transactions = orders.transactions(id).await.map_err(|error| unread(&error, "order"))?.value;
        let refunds = if may_be_refunded(&order, &transactions) {
            orders.refunds(id).await.map_err(|error| unread(&error, "order"))?.value
        } else {
            Vec::new()
        };
        let account = Account::of(&order, &transactions, &refunds);
        if let Some(why) = &account.unclear {
            return Err(Guard::new(
                "unreadable",
                format!("the amount held for order {id} cannot be determined: {why}"),
            )
            .into());
        }
        match order.payment_status.as_str() {
            "authorized" if account.taken > Decimal::ZERO => Err(Guard::new(
                "settling",
                format!("a part of order {id} is authorized and a part is taken: capture or void first, then refund"),
            )
            .into()),
            "authorized" => Ok(Way {
                kind: Kind::Void,
                body: Value::Null,
                effect: "The authorized payment is voided: nothing is taken.".to_owned(),
            }),
            "capture pending" | "void pending" | "pending" | "held for review" => Err(Guard::new(
                "settling",
                format!(
                    "the payment of order {id} is {}: ask again when that has settled",
                    order.payment_status
                ),
            )
            .into()),
            _ => {
                // What was paid may be listed late: a refund of what is listed would leave the rest behind.
                let seen = judge(&order, &transactions, &refunds, &Before::default());
                if !account.taken.is_zero() && !matches!(seen, Judgment::Whole { .. } | Judgment::More { .. } | Judgment::GivenBack) {
                    let detail = format!(
                        "less than order {id} costs is listed as paid ({}): ask again later, or refund it as an order",
                        account.held()
                    );
                    return Err(Guard::new("settling", detail).into());
                }
                let amount = left(&order, &account)?;
                let items = json!([{"item_type": "ORDER", "item_id": id.get(), "amount": number(amount)?}]);
                let quote = orders.refund_quote(id, &json!({"items": items})).await;
                let quote = quote.map_err(|error| unread(&error, "order"))?.value;
                let payments = refund_payments(&quote).ok_or_else(|| {
                    Guard::new("no-way-to-refund", "BigCommerce offers no way to refund this order")
                })?;
                let currency = order.currency.as_deref().unwrap_or_default();
                Ok(Way {
                    kind: Kind::Refund,
                    body: json!({"items": items, "payments": payments}),
                    effect: format!("{amount} {currency} are refunded.").replace("  ", " "),
                })
            }
        }
    }
}

/// The action that goes this way.
fn asked(held: &LockedCheckout, order_id: OrderId, way: &Way, ask: ActionRequest<'_>) -> NewAction {
    let checkout = &held.checkout;
    let principal = format!("checkout:{}", checkout.id);
    // One open action for each order is what keeps two of them apart; the key only has to be new.
    let key = Uuid::now_v7().to_string();
    NewAction {
        store: checkout.store.clone(),
        order_id,
        kind: way.kind,
        body: way.body.clone(),
        reason: ask.reason.to_owned(),
        actor: ask.actor.clone(),
        fingerprint: Sha256::digest(key.as_bytes()).into(),
        principal,
        key: Some(key),
        checkout_id: Some(checkout.id),
    }
}

fn report(held: &LockedCheckout, ask: ActionRequest<'_>, effect_on_money: String) -> Report {
    let action = Action::Cancel { refund: true };
    let status = held.checkout.status.as_str();
    Report {
        dry_run: ask.dry_run,
        action: action.name(),
        checkout_id: held.checkout.id.uuid(),
        status_before: status,
        status_after: if ask.dry_run { "cancelled" } else { status },
        effect_on_orders: effects(&action, held).0,
        effect_on_money,
        audit_id: None,
        checkout: Box::new(held.checkout.clone()),
    }
}

/// What has not been refunded yet.
fn left(order: &Order, account: &Account) -> Result<Decimal, Guard> {
    let total =
        order.total_inc_tax.ok_or_else(|| Guard::new("no-total", "the total of the order cannot be read"))?;
    // What is listed is what can go back; a method that leaves no transaction took the total.
    let taken = if account.taken.is_zero() { total } else { account.taken };
    let left = (taken - account.refunded).normalize();
    if left > Decimal::ZERO && !matches!(order.payment_status.as_str(), "void" | "refunded" | "declined") {
        return Ok(left);
    }
    let status = if order.payment_status.is_empty() { "refunded" } else { &order.payment_status };
    Err(Guard::new(
        "nothing-left",
        format!("nothing of order {} is left to refund: it is {status}", order.id),
    ))
}

/// An amount as a JSON number with its exact text.
fn number(amount: Decimal) -> Result<Value, Guard> {
    let unreadable = |_| Guard::new("no-total", "the remaining amount of the order is not a valid amount");
    serde_json::from_str(&amount.to_string()).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_goes_back_the_way_it_came_when_there_is_one() {
        let way = |provider: &str, offline: bool| json!([{"provider_id": provider, "amount": 10.83, "offline": offline}]);
        for (ways, expected) in [
            (json!([way("custom", true), way("stripe", false)]), Some("stripe")),
            (json!([way("custom", true)]), Some("custom")),
            (json!([[]]), None),
            (json!([]), None),
        ] {
            let chosen = refund_payments(&json!({"refund_methods": ways}));
            let provider =
                chosen.as_ref().and_then(|list| list.get(0)).and_then(|one| one.get("provider_id"));
            assert_eq!(provider.and_then(Value::as_str), expected, "{ways}");
        }
        assert_eq!(refund_payments(&json!({})), None);
    }

    #[test]
    fn what_was_refunded_before_is_not_refunded_again() {
        for (status, refunded, expected) in [
            ("captured", "0.0000", Some("10.83")),
            ("partially refunded", "4.0000", Some("6.83")),
            ("", "0", Some("10.83")),
            ("refunded", "10.8300", None),
            ("void", "0", None),
        ] {
            let order = Order::parse(json!({"id": 1, "status_id": 11, "payment_status": status,
                "total_inc_tax": "10.8300", "refunded_amount": refunded}));
            let order = order.expect("an order");
            let found = left(&order, &Account::of(&order, &[], &[])).ok().map(|amount| amount.to_string());
            assert_eq!(found.as_deref(), expected, "{status}");
        }
    }
}
