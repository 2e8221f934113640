//! Checkouts whose record cannot be read, or was written by a newer version: they are shown with what is stored beside the
//! record, and an operator with the role `money` may close one.
//!
//! Guarantees: closing changes nothing at BigCommerce. Everything that exists of the checkout must be listed by the operator, once
//! whatever was in flight has had time to show; what cannot be checked is not taken for absent.

use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

use super::act::{ActionError, ActionRequest, Report};
use super::action::Action;
use super::detail::Timeline;
use super::evidence::{Look, OVER, found, is_unpaid, shown};
use super::guard::Guard;
use super::why::{AllowedAction, Suggested, Why};
use super::{Console, LOG_AT_MOST, PAGE_AT_MOST};
use crate::bigcommerce::{Call, Client, Priority, checkouts::Include};
use crate::checkout::{Checkout, CheckoutId};
use crate::db::{self, AuditRow, Entry, Unread};
use crate::role::Role;

/// A checkout whose record this version cannot read, with everything else that is known about it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UnreadableCheckout {
    /// What is stored beside the record.
    #[serde(flatten)]
    pub unread: Unread,
    /// What happened.
    pub timeline: Timeline,
    /// Operator actions, newest first.
    pub actions: Vec<AuditRow>,
}

fn instant(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

/// What closing does to orders and to money.
pub(super) fn effects() -> (String, String) {
    let orders = "None. Everything at BigCommerce stays as it is; the checkout becomes cancelled, and another checkout may use its \
                  cart.";
    let money = "None is moved or refunded. Payments stay with the orders that are named.";
    (orders.to_owned(), money.to_owned())
}

impl UnreadableCheckout {
    /// Explains its state, in plain words.
    pub fn why(&self) -> Why {
        let unread = &self.unread;
        let mut known = vec![format!(
            "It was {} when it was last written, at {}.",
            unread.status,
            instant(unread.updated_at)
        )];
        if let Some(cart) = &unread.cart_id {
            known.push(format!("Its cart is {cart}."));
        }
        known
            .extend(unread.orders.iter().map(|order| format!("Order {order} was created or adopted by it.")));
        known.push("Nothing is done to it and nothing is charged while it cannot be read.".to_owned());
        let (effect_on_orders, effect_on_money) = effects();
        let refused = closable(unread).err().map(|guard| guard.detail);
        let close = AllowedAction {
            action: "close",
            finding: None,
            refund: false,
            role: Role::Money.as_str(),
            allowed: refused.is_none(),
            effect_on_orders,
            effect_on_money,
            guard: refused.or_else(|| {
                let first = "BigCommerce is checked first: each order and the cart that still exist must be listed in leaves";
                Some(first.to_owned())
            }),
        };
        let because = "If a newer version wrote it, start that version: it continues automatically. Otherwise repair \
                       the record, or check its cart and its orders at BigCommerce, refund what has to be refunded there, and \
                       close it.";
        Why {
            checkout_id: unread.id.uuid(),
            headline: "Its record cannot be read by this version of the program".to_owned(),
            what_happened: vec![format!("It was read, and refused: {}.", unread.reason)],
            known,
            not_known: vec![
                "What was paid, and what the shopper was shown: check its orders at BigCommerce.".to_owned(),
            ],
            actions: vec![close],
            suggested: Some(Suggested {
                action: "close",
                because: because.to_owned(),
                runbook: Some("unreadable"),
            }),
        }
    }
}

/// Whether it may be closed, as far as that is known without asking BigCommerce.
fn closable(unread: &Unread) -> Result<(), Guard> {
    if unread.is_final() {
        let detail =
            format!("the checkout is {}, which is final: nothing is left to be closed", unread.status);
        return Err(Guard::new("ended", detail));
    }
    if unread.leased {
        return Err(Guard::new(
            "running",
            "a process is working on it at this moment; try again in a few seconds",
        ));
    }
    Ok(())
}

impl Console {
    /// What is known of a checkout that cannot be read. `None`: there is none here, or it can be read.
    pub async fn unread(&self, id: CheckoutId) -> Result<Option<UnreadableCheckout>, db::Error> {
        let unread = self.db().unread(id).await?.filter(|unread| self.sees(&unread.store));
        let Some(unread) = unread else { return Ok(None) };
        let rows = self.db().attempt_log(id, LOG_AT_MOST).await?;
        let actions = self.db().audit(Some(id.uuid()), None, i64::from(PAGE_AT_MOST), self.scope()).await?;
        Ok(Some(UnreadableCheckout { unread, timeline: Timeline::of(id.uuid(), &rows), actions }))
    }

    /// Closes one that cannot be read.
    pub(super) async fn close(
        &self,
        id: CheckoutId,
        action: &Action,
        leaves: &[String],
        ask: ActionRequest<'_>,
    ) -> Result<Report, ActionError> {
        let unread = self.db().unread(id).await?.ok_or(ActionError::Moved)?;
        closable(&unread)?;
        let stand_in = unread.stand_in().ok_or_else(|| {
            Guard::new("unreadable", format!("this version of the program knows no flow {}", unread.flow))
        })?;
        let client = self.inner.clients.get(&unread.store).ok_or(ActionError::UnknownStore)?;
        let unnamed = unnamed(client, &stand_in, &unread.orders, leaves).await?;
        if !unnamed.is_empty() {
            let detail = "BigCommerce has something of this checkout that was not named: deal with it there, or name its id \
                          in leaves";
            return Err(ActionError::Contradicted { detail: detail.to_owned(), evidence: unnamed });
        }
        self.quiet(&unread)?;
        let mut audited = self.db().audited().await?;
        let now = audited.lock_unread(id).await?.ok_or(ActionError::Moved)?;
        if (now.version, now.fence) != (unread.version, unread.fence) {
            return Err(ActionError::Moved);
        }
        let checkout = audited.close_unread(&now).await?.ok_or(ActionError::Moved)?;
        let (effect_on_orders, effect_on_money) = effects();
        let mut detail = action.detail();
        if let Some(map) = detail.as_object_mut() {
            map.insert("unreadable".to_owned(), json!(now.reason));
            map.insert("cart_id".to_owned(), json!(now.cart_id));
            map.insert("order_ids".to_owned(), json!(now.orders));
        }
        let audit_id = audited
            .note(&Entry {
                actor: &ask.actor.name,
                role: ask.actor.role.as_str(),
                action: action.name(),
                checkout_id: Some(id.uuid()),
                order_id: now.orders.last().copied(),
                reason: ask.reason,
                result: "done",
                detail,
            })
            .await?;
        let report = Report {
            dry_run: ask.dry_run,
            action: action.name(),
            checkout_id: id.uuid(),
            status_before: word(&now.status),
            status_after: checkout.status.as_str(),
            effect_on_orders,
            effect_on_money,
            audit_id: Some(audit_id).filter(|_| !ask.dry_run),
            checkout: Box::new(checkout),
        };
        if !ask.dry_run {
            audited.commit().await?;
            tracing::info!(checkout_id = %id, actor = ask.actor.name, audit_id, "an operator closed what cannot be read");
        }
        Ok(report)
    }

    /// What was on its way has had the time to show.
    fn quiet(&self, unread: &Unread) -> Result<(), Guard> {
        let passed = std::time::Duration::try_from(unread.now - unread.updated_at).unwrap_or_default();
        let left = self.inner.settings.quiet_payment.saturating_sub(passed);
        if left.is_zero() {
            return Ok(());
        }
        let detail = format!(
            "what it last sent to BigCommerce may still be about to show there: ask again in {} seconds",
            left.as_secs() + 1
        );
        Err(Guard::new("settling", detail))
    }
}

/// The word of a status; of a newer version there may be others.
fn word(status: &str) -> &'static str {
    status.parse().map_or("unknown", crate::checkout::Status::as_str)
}

/// What is at BigCommerce of a checkout and was not named, each in a sentence.
async fn unnamed(
    client: &Client,
    checkout: &Checkout,
    orders: &[i64],
    leaves: &[String],
) -> Result<Vec<String>, ActionError> {
    let call = Call::new(checkout.id.uuid(), Priority::BackOffice);
    let look = Look { client, call: &call, checkout };
    let is_named = |id: &str| leaves.iter().any(|named| named.eq_ignore_ascii_case(id));
    let mut there = look.list().await?;
    for &id in orders {
        if there.iter().all(|order| order.id.get() != id) {
            there.extend(look.read(id).await?);
        }
    }
    let mut unnamed = Vec::new();
    for order in there.iter().filter(|order| !is_named(&order.id.to_string())) {
        let transactions = look.transactions(order.id).await?;
        let over = order.is_deleted || OVER.contains(&order.status_id);
        if !(over && is_unpaid(order, &transactions)) {
            unnamed.extend(shown(order, &transactions));
        }
    }
    if let Some(cart) = checkout.facts.cart_id.as_deref().filter(|cart| !is_named(cart))
        && found(client.checkouts(&call).get(cart, Include::Nothing).await)?.is_some()
    {
        unnamed.push(format!("cart {cart} is there"));
    }
    Ok(unnamed)
}
