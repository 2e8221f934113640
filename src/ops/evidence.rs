//! What BigCommerce says about a finding. It only reads.
//!
//! Guarantees: a finding that BigCommerce contradicts is refused with what contradicts it; what cannot be read is
//! never taken for absent.

use std::time::Duration;

use crate::bigcommerce::orders::{Order, Refund, Transaction};
use crate::bigcommerce::{Answer, Call, Client, Error, OrderId, Priority, checkouts::Include};
use crate::checkout::{Checkout, Flow, OrderFacts};
use crate::db::LockedCheckout;
use crate::saga::judge::{Before, Judgment, judge, may_be_refunded, may_hold};
use crate::saga::operate;

use super::act::ActionError;
use super::action::Assertion;
use super::guard::Guard;

/// A finding that BigCommerce does not contradict, and what follows.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Checked {
    /// Take this order over; it is not paid.
    Adopt { order: OrderFacts, instead_of: Option<i64> },
    /// There is no order.
    NoOrder,
    /// The order is paid.
    Charged { order: OrderFacts, instead_of: Option<i64>, kind: &'static str, transaction_id: Option<String> },
    /// The order is not paid, and, where it is dead, never will be.
    NotCharged { order: OrderFacts, dead: bool, given_back: bool },
}

/// Statuses in which an order is over without payment: Cancelled and Declined (BigCommerce: order statuses).
pub(super) const OVER: &[i64] = &[5, 6];

/// Asks BigCommerce about a finding.
pub(super) async fn check(
    client: &Client,
    held: &LockedCheckout,
    finding: &Assertion,
    window: Duration,
) -> Result<Checked, ActionError> {
    let call = Call::new(held.checkout.id.uuid(), Priority::BackOffice);
    let look = Look { client, call: &call, checkout: &held.checkout };
    match finding {
        Assertion::Order(id) => look.order(*id).await,
        // What is shown counts at once; only that nothing is shown has to wait.
        Assertion::NoOrder => {
            let checked = look.no_order().await?;
            quiet(held, window)?;
            Ok(checked)
        }
        Assertion::Charged(transaction) => look.charged(transaction).await,
        Assertion::NotCharged => {
            let checked = look.not_charged().await?;
            quiet(held, window)?;
            Ok(checked)
        }
    }
}

/// What BigCommerce does not show is believed only after the longest call and the settle window.
fn quiet(held: &LockedCheckout, window: Duration) -> Result<(), ActionError> {
    let attempt = held.checkout.in_flight.as_ref();
    let sent = attempt.map(|attempt| attempt.unknown_since.unwrap_or(attempt.started_at));
    let expired = operate::token_expires_at(&held.checkout);
    let since = sent.into_iter().chain(expired).max();
    match since {
        Some(since) if held.now - since < window => Err(Guard::new(
            "settling",
            format!(
                "BigCommerce may still show it: try again in {} seconds",
                window.saturating_sub(Duration::try_from(held.now - since).unwrap_or_default()).as_secs() + 1
            ),
        )
        .into()),
        _ => Ok(()),
    }
}

/// A look around at BigCommerce for one checkout.
pub(super) struct Look<'a> {
    pub(super) client: &'a Client,
    pub(super) call: &'a Call,
    pub(super) checkout: &'a Checkout,
}

impl Look<'_> {
    async fn order(&self, id: i64) -> Result<Checked, ActionError> {
        let found = self.read(id).await?.ok_or_else(|| {
            contradicted(format!("BigCommerce has no order {id}, or it is archived"), Vec::new())
        })?;
        if !self.is_ours(&found) {
            return Err(contradicted(
                format!("order {id} was not made by this checkout"),
                vec![format!("order {id} belongs to cart {}", found.cart_id.as_deref().unwrap_or("(none)"))],
            ));
        }
        if self.checkout.facts.abandoned_orders.contains(&id) {
            return Err(contradicted(format!("order {id} was given up by this checkout"), Vec::new()));
        }
        self.others_unpaid(id).await?;
        let known = self.checkout.facts.order.as_ref().map(|order| order.id);
        let instead_of = known.filter(|known| *known != id);
        let transactions = self.transactions(found.id).await?;
        let refunds = self.refunds(&found, &transactions).await?;
        match judge(&found, &transactions, &refunds, &Before::default()) {
            Judgment::Whole { kind, transaction_id } => Ok(Checked::Charged {
                order: operate::order_facts(&found, true),
                instead_of,
                kind,
                transaction_id,
            }),
            Judgment::Pending => Err(contradicted(
                format!("a payment of order {id} is settling: try again once it has"),
                shown(&found, &transactions),
            )),
            Judgment::Declined { .. } | Judgment::Nothing if OVER.contains(&found.status_id) => {
                Err(contradicted(
                    format!("order {id} is {}: it cannot be paid any more", found.status),
                    shown(&found, &transactions),
                ))
            }
            Judgment::Declined { .. } | Judgment::Nothing => {
                Ok(Checked::Adopt { order: operate::order_facts(&found, false), instead_of })
            }
            other => Err(contradicted(not_whole(id, &other), shown(&found, &transactions))),
        }
    }

    /// Every other order of this checkout is certainly not paid.
    async fn others_unpaid(&self, id: i64) -> Result<(), ActionError> {
        for other in self.list().await?.iter().filter(|other| other.id.get() != id) {
            let transactions = self.transactions(other.id).await?;
            if !is_unpaid(other, &transactions) {
                return Err(contradicted(
                    format!("order {} of the same cart is paid or may be paid", other.id),
                    shown(other, &transactions),
                ));
            }
        }
        // Nor does one that was given up hold money.
        for dead in self.checkout.facts.abandoned_orders.iter().filter(|dead| **dead != id) {
            let Some(other) = self.read(*dead).await? else { continue };
            let transactions = self.transactions(other.id).await?;
            let refunds = self.refunds(&other, &transactions).await?;
            let judgment = judge(&other, &transactions, &refunds, &Before::default());
            if may_hold(&other, &transactions, &judgment) {
                return Err(contradicted(
                    format!("order {dead}, which was abandoned, is paid or may be paid"),
                    shown(&other, &transactions),
                ));
            }
        }
        Ok(())
    }

    async fn no_order(&self) -> Result<Checked, ActionError> {
        let orders = self.list().await?;
        if !orders.is_empty() {
            let ids: Vec<String> = orders.iter().map(|order| order.id.to_string()).collect();
            return Err(contradicted(
                format!("BigCommerce has made order {} of this checkout", ids.join(", ")),
                orders.iter().flat_map(|order| shown(order, &[])).collect(),
            ));
        }
        if self.checkout.flow == Flow::Cart {
            self.cart_names_no_order().await?;
        }
        Ok(Checked::NoOrder)
    }

    async fn cart_names_no_order(&self) -> Result<(), ActionError> {
        let Some(cart_id) = self.checkout.facts.cart_id.as_deref() else { return Ok(()) };
        let read = self.client.checkouts(self.call).get(cart_id, Include::ShippingOptions).await;
        let Some(cart) = found(read)? else {
            let detail = "the cart is gone: BigCommerce removes it when its order is paid";
            return Err(contradicted(detail.to_owned(), Vec::new()));
        };
        let hint = match cart.order_id.as_deref() {
            None => None,
            Some(said) => Some(said.parse::<i64>().map_err(|_| {
                let detail =
                    format!("BigCommerce's checkout names an order, by an id that cannot be read: {said:?}");
                contradicted(detail, Vec::new())
            })?),
        };
        let Some(hint) = hint.filter(|id| !self.checkout.facts.abandoned_orders.contains(id)) else {
            return Ok(());
        };
        match self.read(hint).await? {
            Some(order) if !order.is_deleted => {
                Err(contradicted(format!("BigCommerce's checkout names order {hint}"), shown(&order, &[])))
            }
            _ => Ok(()),
        }
    }

    async fn charged(&self, claimed: &str) -> Result<Checked, ActionError> {
        let (order, transactions) = self.known_order().await?;
        self.others_unpaid(order.id.get()).await?;
        let is_claimed = |transaction: &&Transaction| {
            transaction.id == claimed || transaction.gateway_transaction_id.as_deref() == Some(claimed)
        };
        let answered =
            self.checkout.facts.payment.as_ref().and_then(|payment| payment.transaction_id.as_deref());
        let named = transactions.iter().find(is_claimed);
        if let Some(named) = named.filter(|named| named.status != "ok") {
            return Err(contradicted(
                format!("transaction {claimed} is not ok: {} {}", named.event, named.status),
                shown(&order, &transactions),
            ));
        }
        let refunds = self.refunds(&order, &transactions).await?;
        let judgment = judge(&order, &transactions, &refunds, &Before::default());
        if moved_by_hand(&order, &transactions) {
            // Whoever moved it says that it is paid, and a person with the role for money says by what.
            let (order, kind) = (operate::order_facts(&order, true), "purchase");
            let transaction_id = Some(claimed.to_owned());
            return Ok(Checked::Charged { order, instead_of: None, kind, transaction_id });
        }
        let Judgment::Whole { kind, transaction_id } = judgment else {
            if !matches!(judgment, Judgment::Nothing | Judgment::Declined { .. }) {
                let said = not_whole(order.id.get(), &judgment);
                return Err(contradicted(said, shown(&order, &transactions)));
            }
            return Err(contradicted(
                format!(
                    "BigCommerce shows no payment of order {}. If the gateway charged nevertheless, make \
                     BigCommerce show it (or have it refunded at the gateway) first",
                    order.id
                ),
                shown(&order, &transactions),
            ));
        };
        let plain = named.is_some() || transactions.is_empty() || answered == Some(claimed);
        if !plain && !is_payment_id(claimed, &transactions) {
            return Err(contradicted(
                format!("order {} is paid, but not by transaction {claimed}", order.id),
                shown(&order, &transactions),
            ));
        }
        let transaction_id = transaction_id.or_else(|| Some(claimed.to_owned()));
        let order = operate::order_facts(&order, true);
        Ok(Checked::Charged { order, instead_of: None, kind, transaction_id })
    }

    async fn not_charged(&self) -> Result<Checked, ActionError> {
        let (order, transactions) = self.known_order().await?;
        self.others_unpaid(order.id.get()).await?;
        let refunds = self.refunds(&order, &transactions).await?;
        let judgment = judge(&order, &transactions, &refunds, &Before::default());
        let given_back = judgment == Judgment::GivenBack;
        let moved = transactions.iter().any(moved_money);
        let over = order.is_deleted || OVER.contains(&order.status_id);
        let by_hand = moved_by_hand(&order, &transactions);
        let dead = over || by_hand || (given_back && order.status_id != 0);
        let quiet = order.payment_status.is_empty() || order.payment_status == "declined";
        let nothing = matches!(judgment, Judgment::Nothing | Judgment::Declined { .. });
        // The parts that are known are no charge of the payment that is in doubt.
        let known = self.checkout.facts.paid();
        let parts = matches!((&judgment, order.currency.as_deref()), (Judgment::Part { paid }, Some(currency))
            if paid.compare(known, currency).is_eq());
        if dead && !given_back && !self.checkout.facts.parts.is_empty() {
            let detail = format!("a part of order {} was paid, and BigCommerce does not show it", order.id);
            return Err(contradicted(detail, shown(&order, &transactions)));
        }
        let unpaid = (nothing && !moved && quiet && (order.status_id == 0 || over)) || given_back || by_hand;
        if !unpaid && !parts {
            return Err(contradicted(
                format!("order {} is paid or may be paid", order.id),
                shown(&order, &transactions),
            ));
        }
        Ok(Checked::NotCharged { order: operate::order_facts(&order, true), dead, given_back })
    }

    async fn known_order(&self) -> Result<(Order, Vec<Transaction>), ActionError> {
        let id = self.checkout.facts.order.as_ref().map_or(0, |order| order.id);
        let gone = || contradicted(format!("BigCommerce no longer has order {id}"), Vec::new());
        let order = self.read(id).await?.ok_or_else(gone)?;
        let transactions = self.transactions(order.id).await?;
        Ok((order, transactions))
    }

    pub(super) async fn read(&self, id: i64) -> Result<Option<Order>, ActionError> {
        let Some(id) = OrderId::new(id) else { return Ok(None) };
        found(self.client.orders(self.call).get(id).await)
    }

    pub(super) async fn transactions(&self, id: OrderId) -> Result<Vec<Transaction>, ActionError> {
        Ok(found(self.client.orders(self.call).transactions(id).await)?.unwrap_or_default())
    }

    async fn refunds(&self, order: &Order, transactions: &[Transaction]) -> Result<Vec<Refund>, ActionError> {
        if !may_be_refunded(order, transactions) {
            return Ok(Vec::new());
        }
        Ok(found(self.client.orders(self.call).refunds(order.id).await)?.unwrap_or_default())
    }
}

/// Why an order does not count as paid in full.
fn not_whole(id: i64, judgment: &Judgment) -> String {
    match judgment {
        Judgment::Part { paid } => format!("order {id} is paid in part: {}", paid.decimal()),
        Judgment::More { paid } => {
            format!("more is held for order {id} than it costs: {}. Refund the excess first", paid.decimal())
        }
        Judgment::GivenBack => format!("what was paid for order {id} was voided or refunded"),
        Judgment::Pending => format!("a payment of order {id} is settling: try again once it has"),
        Judgment::CannotTell { why } => format!("the amount paid for order {id} cannot be determined: {why}"),
        _ => format!("order {id} is not paid"),
    }
}

/// Nothing was charged for this order and nothing is on the way, or all of it was given back.
pub(super) fn is_unpaid(order: &Order, transactions: &[Transaction]) -> bool {
    let over = order.status_id == 0 || OVER.contains(&order.status_id);
    let quiet = order.payment_status.is_empty() || order.payment_status == "declined";
    let moved = transactions.iter().any(moved_money);
    // Refunded is a status that anybody may set; the word is BigCommerce's.
    (order.is_refunded() && (!moved || order.payment_status == "refunded")) || (over && quiet && !moved)
}

/// The id that the payments API answers (a UUID) is in no list of transactions: it is believed of the only charge.
fn is_payment_id(claimed: &str, transactions: &[Transaction]) -> bool {
    let charges = transactions
        .iter()
        .filter(|transaction| matches!(transaction.event.as_str(), "purchase" | "authorization"))
        .filter(|transaction| transaction.status == "ok");
    uuid::Uuid::try_parse(claimed).is_ok() && charges.count() == 1
}

/// Somebody moved the order on, as if it were paid or shipped, and no money is shown at all: whether it was paid in another
/// way, only a person knows. As not paid it can never be paid here, because it is not Incomplete any more.
fn moved_by_hand(order: &Order, transactions: &[Transaction]) -> bool {
    matches!(order.status_id, 2 | 3 | 8 | 9 | 10 | 11)
        && !order.is_deleted
        && order.payment_status.is_empty()
        && !transactions.iter().any(moved_money)
}

fn moved_money(transaction: &Transaction) -> bool {
    // Whatever is not plainly an error may have moved money.
    transaction.status != "error"
}

pub(super) fn shown(order: &Order, transactions: &[Transaction]) -> Vec<String> {
    let payment = if order.payment_status.is_empty() { "no payment status" } else { &order.payment_status };
    let mut lines =
        vec![format!("order {} is {} (status {}), {payment}", order.id, order.status, order.status_id)];
    lines.extend(transactions.iter().map(|transaction| {
        let amount = transaction.amount.map(|amount| format!(" of {amount}")).unwrap_or_default();
        format!("transaction {}: {}{amount}, {}", transaction.id, transaction.event, transaction.status)
    }));
    lines
}

/// `None`: it is not there.
pub(super) fn found<T>(result: Result<Answer<T>, Error>) -> Result<Option<T>, ActionError> {
    match result {
        Ok(answer) => Ok(Some(answer.value)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(unreadable(error)),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is used as a function that maps an error")]
pub(super) fn unreadable(error: Error) -> ActionError {
    ActionError::Upstream(error.to_string())
}

fn contradicted(detail: String, evidence: Vec<String>) -> ActionError {
    ActionError::Contradicted { detail, evidence }
}
