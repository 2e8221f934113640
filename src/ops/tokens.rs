//! Ends the tokens of a checkout, where one of them got into the wrong hands. The storefront's server gets a new one by repeating
//! the creation with its key.

use serde_json::json;

use super::Console;
use super::act::{ActionError, ActionRequest, Report, order_of};
use super::action::Action;
use crate::checkout::CheckoutId;
use crate::db::Entry;

/// What it does to orders and to money.
pub(super) fn effects() -> (String, String) {
    let orders = "None. The checkout goes on; its tokens are no longer accepted, and shoppers in a page need a new one.";
    (orders.to_owned(), "None.".to_owned())
}

impl Console {
    pub(super) async fn revoke_tokens(
        &self,
        id: CheckoutId,
        action: &Action,
        ask: ActionRequest<'_>,
    ) -> Result<Report, ActionError> {
        let mut audited = self.db().audited().await?;
        let held = audited.lock(id).await?.ok_or(ActionError::NotFound)?;
        let revoked = audited.revoke_tokens(id).await?;
        let audit_id = audited
            .note(&Entry {
                actor: &ask.actor.name,
                role: ask.actor.role.as_str(),
                action: action.name(),
                checkout_id: Some(id.uuid()),
                order_id: order_of(&held.checkout),
                reason: ask.reason,
                result: "done",
                detail: json!({"revoked": revoked}),
            })
            .await?;
        let status = held.checkout.status.as_str();
        let (effect_on_orders, effect_on_money) = effects();
        let report = Report {
            dry_run: ask.dry_run,
            action: action.name(),
            checkout_id: id.uuid(),
            status_before: status,
            status_after: status,
            effect_on_orders,
            effect_on_money,
            audit_id: Some(audit_id).filter(|_| !ask.dry_run),
            checkout: Box::new(held.checkout),
        };
        if !ask.dry_run {
            audited.commit().await?;
            tracing::info!(checkout_id = %id, actor = ask.actor.name, audit_id, revoked, "an operator revoked tokens");
        }
        Ok(report)
    }
}
