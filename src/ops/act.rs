//! Performs an operator's action: decides by the guards, checks a finding with BigCommerce, and then writes the effect and its
//! audit row in one transaction.
//!
//! Dropped half-way: either both are written or neither. What was refused leaves an audit row too.

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::bigcommerce::Client;
use crate::checkout::{Checkout, CheckoutId, Illegal, Status, UpstreamRejection};
use crate::db::{self, AuditedTransaction, Entry, LockedCheckout, Transition};
use crate::saga::operate;
use crate::schema;

use super::Console;
use super::action::{Action, Actor, reason};
use super::evidence::{Checked, check};
use super::guard::{Guard, guard};
use super::why::effects;
use crate::role::Role;

/// How an action is asked for.
#[derive(Debug, Clone, Copy)]
pub struct ActionRequest<'a> {
    /// Who.
    pub actor: &'a Actor,
    /// Why; 1 to 500 characters.
    pub reason: &'a str,
    /// Only show what would be done.
    pub dry_run: bool,
}

/// What was done, or would be.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Report {
    /// Whether it was a dry run.
    pub dry_run: bool,
    /// The action.
    pub action: &'static str,
    /// The checkout.
    pub checkout_id: uuid::Uuid,
    /// Where it stood.
    #[schema(schema_with = schema::status)]
    pub status_before: &'static str,
    /// Where it stands, or would stand.
    #[schema(schema_with = schema::status)]
    pub status_after: &'static str,
    /// What it does to orders, in a sentence.
    pub effect_on_orders: String,
    /// What it does to money, in a sentence.
    pub effect_on_money: String,
    /// The row of the audit log; null for a dry run.
    pub audit_id: Option<i64>,
    /// The checkout as it is now, or would be.
    #[serde(skip)]
    pub checkout: Box<Checkout>,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ActionError {
    /// There is no such checkout.
    #[error("there is no such checkout")]
    NotFound,
    /// The actor may not do that.
    #[error("this needs the role {}", needs.as_str())]
    Forbidden {
        /// The role that may.
        needs: Role,
    },
    /// The reason says nothing or is too long.
    #[error("a reason is needed: 1 to 500 characters on one line, all of which are seen")]
    NoReason,
    /// It is not allowed as things stand.
    #[error("{}", .0.detail)]
    Guarded(Guard),
    /// BigCommerce says otherwise.
    #[error("{detail}")]
    Contradicted {
        /// What it says.
        detail: String,
        /// In particular.
        evidence: Vec<String>,
    },
    /// BigCommerce refused to do it. Nothing happened.
    #[error("BigCommerce refused it")]
    Rejected(UpstreamRejection),
    /// BigCommerce could not be asked.
    #[error("the check with BigCommerce failed: {0}")]
    Upstream(String),
    /// The checkout's store is not configured here.
    #[error("the store of this checkout is not configured here, so BigCommerce cannot be checked")]
    UnknownStore,
    /// The checkout moved on while it was looked at; nothing was done.
    #[error("the checkout has changed in the meantime; read it again")]
    Moved,
    /// The database failed. Whether it was done is not known: look.
    #[error("the database failed")]
    Database(#[source] db::Error),
}

impl From<Guard> for ActionError {
    fn from(guard: Guard) -> Self {
        Self::Guarded(guard)
    }
}

impl From<db::Error> for ActionError {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::Lost => Self::Moved,
            db::Error::OrderTaken => Self::Contradicted {
                detail: "the order already belongs to another checkout".to_owned(),
                evidence: Vec::new(),
            },
            error @ (db::Error::Unreadable { .. } | db::Error::Newer { .. }) => {
                let detail =
                    format!("{error}: it can only be closed, with all that exists of it listed in leaves");
                Guard::new("unreadable", detail).into()
            }
            other => Self::Database(other),
        }
    }
}

impl From<Illegal> for ActionError {
    fn from(illegal: Illegal) -> Self {
        Guard::new("illegal", illegal.to_string()).into()
    }
}

impl ActionError {
    /// The name of what refused it, for programs and for the audit log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Forbidden { .. } => "forbidden",
            Self::NoReason => "no-reason",
            Self::Guarded(guard) => guard.name,
            Self::Contradicted { .. } => "contradicted",
            Self::Rejected(_) => "rejected-by-bigcommerce",
            Self::Upstream(_) => "upstream-unavailable",
            Self::UnknownStore => "unknown-store",
            Self::Moved => "moved",
            Self::Database(_) => "database",
        }
    }

    /// What speaks against it, where BigCommerce said so.
    pub fn evidence(&self) -> &[String] {
        match self {
            Self::Contradicted { evidence, .. } => evidence,
            _ => &[],
        }
    }

    /// Whether it was decided on what is known of the checkout, and so belongs into its audit log.
    fn is_decision(&self) -> bool {
        matches!(self, Self::Forbidden { .. } | Self::Guarded(_) | Self::Contradicted { .. })
    }
}

impl Console {
    /// Does what is asked for, or says what it would do.
    pub async fn act(
        &self,
        id: CheckoutId,
        action: &Action,
        ask: ActionRequest<'_>,
    ) -> Result<Report, ActionError> {
        let why = reason(ask.reason).ok_or(ActionError::NoReason)?;
        let ask = ActionRequest { reason: why, ..ask };
        // What an operator is not bound to is not there, whatever is asked of it. A checkout never changes its store.
        if !self.of(ask.actor).knows(id).await? {
            return Err(ActionError::NotFound);
        }
        let done = self.try_to(id, action, ask).await;
        if let (Err(refused), false) = (&done, ask.dry_run)
            && refused.is_decision()
        {
            self.note_refusal(id, action, ask, refused).await;
        }
        done
    }

    async fn try_to(
        &self,
        id: CheckoutId,
        action: &Action,
        ask: ActionRequest<'_>,
    ) -> Result<Report, ActionError> {
        permitted(ask.actor, action)?;
        if let Action::Close { leaves } = action
            && self.db().unread(id).await?.is_some()
        {
            return self.close(id, action, leaves, ask).await;
        }
        if matches!(action, Action::RevokeTokens) {
            return self.revoke_tokens(id, action, ask).await;
        }
        let (checked, seen) = match action {
            Action::Resolve(finding) => {
                let held = self.db().look(id).await?.ok_or(ActionError::NotFound)?;
                guard(action, &held)?;
                let checked =
                    check(self.client(&held.checkout)?, &held, finding, self.inner.settings.quiet_payment)
                        .await?;
                (Some(checked), Some(held.checkout.version))
            }
            Action::Cancel { refund: true } => {
                let held = self.db().look(id).await?.ok_or(ActionError::NotFound)?;
                guard(action, &held)?;
                if held.checkout.status == Status::Completed {
                    return self.give_back(&held, ask).await;
                }
                (None, None)
            }
            _ => (None, None),
        };
        let mut audited = self.db().audited().await?;
        let held = audited.lock(id).await?.ok_or(ActionError::NotFound)?;
        if seen.is_some_and(|seen| seen != held.checkout.version) {
            return Err(ActionError::Moved);
        }
        let report = self.carry_out(&mut audited, &held, action, checked, ask, json!({})).await?;
        if ask.dry_run {
            // Dropped: the transaction is rolled back, and what was tried never happened.
            return Ok(Report { audit_id: None, ..report });
        }
        audited.commit().await?;
        tracing::info!(
            checkout_id = %id, action = action.name(), actor = ask.actor.name, audit_id = report.audit_id,
            status = report.status_after, "an operator acted"
        );
        Ok(report)
    }

    /// Guards and writes, on a checkout that is locked. Nothing is committed here.
    pub(super) async fn carry_out(
        &self,
        audited: &mut AuditedTransaction,
        held: &LockedCheckout,
        action: &Action,
        checked: Option<Checked>,
        ask: ActionRequest<'_>,
        detail: serde_json::Value,
    ) -> Result<Report, ActionError> {
        guard(action, held)?;
        let transition = self.transition(held, action, checked, ask)?;
        let checkout = audited.write(&transition).await?;
        let (effect_on_orders, effect_on_money) = effects(action, held);
        let mut particulars = action.detail();
        if let (Some(map), Some(more)) = (particulars.as_object_mut(), detail.as_object()) {
            map.extend(more.clone());
        }
        let audit_id = audited
            .note(&Entry {
                actor: &ask.actor.name,
                role: ask.actor.role.as_str(),
                action: action.name(),
                checkout_id: Some(checkout.id.uuid()),
                order_id: order_of(&checkout).or_else(|| order_of(&held.checkout)),
                reason: ask.reason,
                result: "done",
                detail: particulars,
            })
            .await?;
        Ok(Report {
            dry_run: ask.dry_run,
            action: action.name(),
            checkout_id: checkout.id.uuid(),
            status_before: held.checkout.status.as_str(),
            status_after: checkout.status.as_str(),
            effect_on_orders,
            effect_on_money,
            audit_id: Some(audit_id),
            checkout: Box::new(checkout),
        })
    }

    fn transition(
        &self,
        held: &LockedCheckout,
        action: &Action,
        checked: Option<Checked>,
        ask: ActionRequest<'_>,
    ) -> Result<Transition, ActionError> {
        let (from, now) = (&held.checkout, held.now);
        let transition = match (action, checked) {
            (Action::Restart | Action::Resume, _) => operate::restarted(from, now),
            (Action::Pause, _) => {
                let detail = format!("{} paused it: {}", ask.actor.name, ask.reason);
                operate::paused(from, detail, now)
            }
            (Action::Cancel { .. }, _) => operate::cancelled(from),
            (Action::Resolve(_), Some(checked)) => match checked {
                Checked::Adopt { order, instead_of } => operate::order_adopted(from, order, instead_of),
                Checked::NoOrder => operate::order_denied(from),
                Checked::Charged { order, instead_of, kind, transaction_id } => {
                    let late = self.inner.settings.late;
                    operate::charged(from, order, instead_of, (kind, transaction_id), (late, now))
                }
                Checked::NotCharged { order, dead, given_back } => operate::not_charged(
                    from,
                    order,
                    (dead, given_back),
                    self.inner.settings.checkout_ttl,
                    now,
                ),
            },
            (Action::Resolve(_), None) | (Action::RevokeTokens | Action::Close { .. }, _) => {
                return Err(ActionError::Moved);
            }
        };
        Ok(transition?)
    }

    async fn note_refusal(
        &self,
        id: CheckoutId,
        action: &Action,
        ask: ActionRequest<'_>,
        refused: &ActionError,
    ) {
        let result = format!("refused: {}", refused.name());
        let noted = async {
            let mut audited = self.db().audited().await?;
            let order_id = match audited.lock(id).await {
                Ok(Some(held)) => order_of(&held.checkout),
                Err(db::Error::Unreadable { .. } | db::Error::Newer { .. }) => None,
                Ok(None) => return Ok(()),
                Err(error) => return Err(error),
            };
            audited
                .note(&Entry {
                    actor: &ask.actor.name,
                    role: ask.actor.role.as_str(),
                    action: action.name(),
                    checkout_id: Some(id.uuid()),
                    order_id,
                    reason: ask.reason,
                    result: &result,
                    detail: action.detail(),
                })
                .await?;
            audited.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(checkout_id = %id, %error, "a refusal was not written into the audit log");
        }
    }

    /// Writes an action into the audit log that is done elsewhere, such as on an order at BigCommerce.
    pub async fn note(&self, entry: &Entry<'_>) -> Result<i64, db::Error> {
        let mut audited = self.db().audited().await?;
        let id = audited.note(entry).await?;
        audited.commit().await?;
        Ok(id)
    }

    fn client(&self, checkout: &Checkout) -> Result<&Client, ActionError> {
        self.inner.clients.get(&checkout.store).ok_or(ActionError::UnknownStore)
    }
}

/// Whether the actor's role is enough. Checked here, so that all entry points answer alike.
pub(super) fn permitted(actor: &Actor, action: &Action) -> Result<(), ActionError> {
    let needs = action.role();
    if actor.role >= needs { Ok(()) } else { Err(ActionError::Forbidden { needs }) }
}

pub(super) fn order_of(checkout: &Checkout) -> Option<i64> {
    checkout.facts.order.as_ref().map(|order| order.id)
}
