//! What was paid in part goes back when the checkout is undone: a refund, the way it came.
//!
//! Guarantees: a refund is not repeatable (BigCommerce: orders.v3, refund), so that the intent to send it is committed
//! before it is sent, and it is sent once. A lost answer is looked for by the mark in its reason; what is not found is
//! for a person. Nothing is cancelled before BigCommerce shows that nothing is held any more.
//!
//! A merchant may give back some of it, or all, at any time. So no more goes back than is held: where BigCommerce refuses, or says
//! nothing, and less is held by now than was to go back, the intent is made anew for what is left. BigCommerce refuses whatever is
//! more than is left, so that of two intents at most one takes effect.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::bigcommerce::orders::{Order, Refund, Transaction, refund_payments};
use crate::bigcommerce::{Error, OrderId, UnavailableReason};
use crate::checkout::{Answer, PaymentStatus, StuckReason};
use crate::saga::judge::{Account, Before, Judgment, judge};
use crate::saga::step::{Finding, StepContext, Verdict, refused, unread};

/// An order and all that is known of its money.
struct Seen {
    order: Order,
    transactions: Vec<Transaction>,
    refunds: Vec<Refund>,
}

impl Seen {
    fn judgment(&self, before: &Before<'_>) -> Judgment {
        judge(&self.order, &self.transactions, &self.refunds, before)
    }

    fn account(&self) -> Account {
        Account::of(&self.order, &self.transactions, &self.refunds)
    }
}

fn stuck(detail: String) -> Verdict {
    Verdict::Stuck { reason: StuckReason::UndoFailed, detail }
}

/// The parts that were paid are held by an order that cannot be found: nothing is called given back.
fn unseen(id: OrderId) -> Verdict {
    Verdict::Retry {
        after: None,
        why: format!("order {id} holds what was paid in part, and cannot be found"),
    }
}

/// The text of a decimal is a number in JSON, so that the default is never met; BigCommerce would refuse it.
fn amount(amount: Decimal) -> Value {
    serde_json::from_str(&amount.normalize().to_string()).unwrap_or_default()
}

/// How much a refund that was committed was to give back. What cannot be read is nothing, and less than that is never held.
fn asked(refund: &Value) -> Decimal {
    refund.pointer("/items/0/amount").and_then(|amount| amount.to_string().parse().ok()).unwrap_or_default()
}

impl StepContext {
    /// What stands in the reason of our refund, so that it is found again.
    fn mark(&self) -> String {
        format!("checkout {} was cancelled", self.checkout.id)
    }

    async fn see(&mut self, id: OrderId) -> Result<Option<Seen>, Verdict> {
        let Some(order) = self.read_order(id).await? else { return Ok(None) };
        let transactions = self.read_transactions(id).await?;
        let refunds = self.list_refunds(id).await?;
        Ok(Some(Seen { order, transactions, refunds }))
    }

    /// The refund that gives the parts back, where any are held. It is committed before it is sent.
    pub(in crate::saga) async fn refund_of_parts(&mut self) -> Result<Option<Value>, Verdict> {
        if self.checkout.facts.parts.is_empty() {
            return Ok(None);
        }
        let id = self.order_id()?;
        let Some(seen) = self.see(id).await? else { return Err(unseen(id)) };
        match seen.judgment(&self.parts_of(id)) {
            Judgment::Part { .. } => {}
            Judgment::GivenBack => {
                self.money_is_back();
                return Ok(None);
            }
            // Somebody paid the rest.
            whole @ Judgment::Whole { .. } => return Err(self.paid_after_all(&seen.order, whole).await),
            other => {
                return Err(Verdict::Stuck {
                    reason: StuckReason::CancelFoundPaid,
                    detail: format!("order {id} was paid in part, and now its money is {other:?}"),
                });
            }
        }
        let account = seen.account();
        if self.refunded(&seen.refunds) || !account.authorized.is_zero() {
            return Err(stuck(format!("order {id} holds money that a refund does not give back")));
        }
        let held = amount(account.held());
        let items =
            json!([{"item_type": "ORDER", "item_id": id.get(), "amount": held, "reason": self.mark()}]);
        let quote = self.client.orders(&self.call).refund_quote(id, &json!({"items": items})).await;
        let quote = match self.note("refund-quote", quote) {
            Ok(answer) => answer.value,
            // More than is held, or not refundable now: what is held is read again by the next try.
            Err(error @ Error::Rejected(_)) if !error.is_unauthorized() => {
                let less = self.is_less_held(id, account.held()).await?;
                let after = less.then_some(std::time::Duration::ZERO);
                return Err(Verdict::Retry { after, why: format!("refund-quote: {error}") });
            }
            Err(error) => return Err(unread("refund-quote", error)),
        };
        let payments = refund_payments(&quote)
            .ok_or_else(|| stuck(format!("BigCommerce offers no way to refund order {id}")))?;
        Ok(Some(json!({"refund": {"items": items, "payments": payments}})))
    }

    fn refunded(&self, refunds: &[Refund]) -> bool {
        let mark = self.mark();
        refunds.iter().any(|refund| refund.reasons.iter().any(|reason| reason.contains(&mark)))
    }

    /// Sends the refund that was committed, once.
    pub(in crate::saga) async fn give_parts_back(&mut self) -> Result<(), Verdict> {
        let body = self.attempt.checkpoint.as_ref().and_then(|noted| noted.get("refund").cloned());
        let Some(body) = body else { return Ok(()) };
        let id = self.order_id()?;
        self.still_held()?;
        self.attempt.doubted = None;
        let sent = self.client.orders(&self.call).refund(id, &body).await;
        let Err(error) = self.note("refund", sent) else { return self.nothing_is_held(id).await };
        match &error {
            Error::Rejected(rejection) if !error.is_unauthorized() => {
                // A second copy is refused because of the first one.
                if self.is_given_back(id).await? {
                    return self.nothing_is_held(id).await;
                }
                if self.is_less_held(id, asked(&body)).await? {
                    let why = format!("less is held of order {id} than was to go back: {error}");
                    return Err(Verdict::Retry { after: Some(std::time::Duration::ZERO), why });
                }
                // What others gave back, or the first copy, may not be shown yet.
                self.attempt.doubted = Some(Answer::Rejected(refused(rejection)));
            }
            Error::Unavailable(unavailable) if unavailable.reason != UnavailableReason::RateLimited => {
                return Err(Verdict::Retry { after: error.retry_after(), why: format!("refund: {error}") });
            }
            // Turned away this time: an earlier delivery of it may still be on its way. It is refunded again only once
            // nothing has shown for long enough.
            Error::Rejected(_) | Error::Moved(_) | Error::Unavailable(_) => {
                let retry_after = error.retry_after().unwrap_or_default().as_secs().clamp(1, 3600);
                self.attempt.doubted = Some(Answer::Unavailable { retry_after });
            }
            Error::Unknown(_) => {}
        }
        Err(Verdict::Unknown { why: format!("refund: {error}") })
    }

    async fn is_given_back(&mut self, id: OrderId) -> Result<bool, Verdict> {
        let before = self.parts_of(id);
        let seen = self.see(id).await?;
        Ok(seen.is_some_and(|seen| seen.judgment(&before) == Judgment::GivenBack))
    }

    /// Whether less is held than this, because others gave some of it back, and nothing was given back by us.
    async fn is_less_held(&mut self, id: OrderId, than: Decimal) -> Result<bool, Verdict> {
        let Some(seen) = self.see(id).await? else { return Err(unseen(id)) };
        Ok(self.is_less(id, &seen, than))
    }

    fn is_less(&self, id: OrderId, seen: &Seen, than: Decimal) -> bool {
        let told = matches!(seen.judgment(&self.parts_of(id)), Judgment::Part { .. } | Judgment::GivenBack);
        told && !self.refunded(&seen.refunds) && seen.account().held() < than
    }

    /// Nothing of what was paid is held any more. A payment that was declined took nothing.
    pub(in crate::saga) fn money_is_back(&mut self) {
        let facts = self.facts();
        let parts = !std::mem::take(&mut facts.parts).is_empty();
        if let Some(payment) = facts.payment.as_mut()
            && (parts || payment.status != PaymentStatus::Declined)
        {
            payment.status = PaymentStatus::GivenBack;
        }
    }

    /// The refund was answered, or found: the parts are no longer there. What is shown may lag behind the answer.
    async fn nothing_is_held(&mut self, id: OrderId) -> Result<(), Verdict> {
        let Some(seen) = self.see(id).await? else { return Ok(()) };
        match seen.judgment(&self.parts_of(id)) {
            Judgment::GivenBack | Judgment::Nothing => {
                self.money_is_back();
                Ok(())
            }
            other => Err(Verdict::Unknown {
                why: format!("what was paid of order {id} was refunded, and its money is {other:?}"),
            }),
        }
    }

    /// What became of the refund whose answer was lost.
    pub(in crate::saga) async fn look_for_refund(&mut self) -> Finding {
        let Ok(id) = self.order_id() else { return Finding::Absent };
        let seen = match self.see(id).await {
            Ok(Some(seen)) => seen,
            // Not found is not undone: a refund that was sent may have landed.
            Ok(None) => return Finding::of_failed_look(unseen(id)),
            Err(verdict) => return Finding::of_failed_look(verdict),
        };
        if seen.judgment(&self.parts_of(id)) == Judgment::GivenBack {
            // The rest of the undoing is done again; it looks first.
            return match self.nothing_is_held(id).await {
                Ok(()) => Finding::Absent,
                Err(verdict) => Finding::of_failed_look(verdict),
            };
        }
        let since = self.attempt.unknown_since.unwrap_or(self.attempt.started_at);
        let waited = std::time::Duration::try_from(self.clock.now() - since).unwrap_or_default();
        match self.timing.quiet.checked_sub(waited).filter(|left| !left.is_zero()) {
            Some(left) => Finding::StillUnknown {
                after: left.min(std::time::Duration::from_millis(500)),
                failed: false,
                settling: false,
            },
            // Others gave some of it back, and ours, which was more than what is left, did not show.
            None if self.is_less(id, &seen, self.asked()) => Finding::Absent,
            None => match &self.attempt.doubted {
                // Certainly not done: a restart may ask again.
                Some(Answer::Rejected(refused)) => Verdict::Rejected(refused.clone()).into(),
                // It was turned away, and no earlier delivery of it has shown.
                Some(_) => Finding::Absent,
                None => stuck(format!(
                    "whether the parts of order {id} were given back is not known: nothing is refunded again by itself"
                ))
                .into(),
            },
        }
    }

    /// How much the refund of this attempt was to give back.
    fn asked(&self) -> Decimal {
        self.attempt.checkpoint.as_ref().and_then(|noted| noted.get("refund")).map(asked).unwrap_or_default()
    }
}
