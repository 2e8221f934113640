//! What is held for an order: its transactions, refunds, store credit and certificates, added up. Pure.
//!
//! Guarantees: exact decimals; each row counts once, whatever the order of the list; what cannot be read or attributed is
//! said and not guessed. Whoever wants to know what it means asks [`super::judge`].

use std::collections::BTreeSet;

use rust_decimal::Decimal;

use crate::bigcommerce::orders::{Order, Refund, Transaction};

/// What is held for an order, by amount. All of it is exact, and in the order's currency.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// Taken: purchases, captures, what settled, store credit and gift certificates.
    pub taken: Decimal,
    /// Authorized, and neither captured nor voided.
    pub authorized: Decimal,
    /// Accepted and settling.
    pub pending: Decimal,
    /// Given back of what was taken.
    pub refunded: Decimal,
    /// Whether an authorization or a charge was voided.
    pub voided: bool,
    /// What cannot be read or attributed.
    pub unclear: Option<String>,
    pub(super) latest: Option<Latest>,
}

#[derive(Debug, Clone)]
pub(super) struct Latest {
    pub(super) kind: &'static str,
    pub(super) id: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Pending,
    Authorized,
    Taken,
    Over,
}

/// One payment, as its transactions tell of it.
struct Payment<'a> {
    ids: Vec<&'a str>,
    amount: Decimal,
    state: State,
    /// `store_credit` or `gift_certificate`, which the order shows as well; else empty.
    credit: &'static str,
    kind: &'static str,
}

/// Above this an amount is no amount; so many rows of it as a list can hold add up without an overflow.
const LARGEST: Decimal = Decimal::from_parts(2_764_472_320, 232_830, 0, false, 0);

fn sane(amount: Decimal) -> bool {
    amount.abs() < LARGEST
}

impl Account {
    /// Adds up what is listed.
    pub fn of(order: &Order, transactions: &[Transaction], refunds: &[Refund]) -> Self {
        let mut account = Self::default();
        let mut payments: Vec<Payment<'_>> = Vec::new();
        for row in in_order(transactions) {
            account.add(order, &mut payments, row);
        }
        let sum = |state: State, credit: &str| -> Decimal {
            let those = payments.iter().filter(|one| one.state == state && one.credit == credit);
            those.map(|one| one.amount).sum()
        };
        account.taken = sum(State::Taken, "");
        for (credit, shown) in
            [(STORE_CREDIT, order.store_credit_amount), (CERTIFICATE, order.gift_certificate_amount)]
        {
            // Both show the same money, and either may lag behind. What is said and cannot be read is told below.
            let shown = shown.unwrap_or_default();
            if !sane(shown) || shown < Decimal::ZERO {
                account.unclear = Some(format!("the {credit} of the order is {shown}"));
                continue;
            }
            let shown = if order.is_only_applied { Decimal::ZERO } else { shown };
            account.taken += sum(State::Taken, credit).max(shown);
        }
        if let Some(field) = order.unreadable {
            account.unclear = Some(format!("the {field} of the order cannot be read"));
        }
        account.authorized =
            payments.iter().filter(|one| one.state == State::Authorized).map(|one| one.amount).sum();
        account.pending =
            payments.iter().filter(|one| one.state == State::Pending).map(|one| one.amount).sum();
        let held = payments.iter().rev().find(|one| matches!(one.state, State::Authorized | State::Taken));
        account.latest = held
            .and_then(|one| Some(Latest { kind: one.kind, id: one.ids.last().map(|id| (*id).to_owned())? }));
        account.give_back(order, refunds);
        account
    }

    /// What is held.
    pub fn held(&self) -> Decimal {
        self.taken + self.authorized - self.refunded
    }

    /// Whether money was ever charged or authorized.
    pub(super) fn has_moved(&self) -> bool {
        self.voided || !(self.taken + self.authorized + self.refunded).is_zero()
    }

    /// A refund is told in three places, of which each may lag behind or say nothing.
    fn give_back(&mut self, order: &Order, refunds: &[Refund]) {
        let mut listed = Decimal::ZERO;
        for refund in refunds {
            match refund.given_back() {
                Some(amount) if sane(amount) => listed += amount.abs(),
                _ => self.unclear = Some(format!("refund {} has no amount", refund.id)),
            }
        }
        // Not said is not refunded here; what is said and cannot be read was told above.
        let shown = order.refunded_amount.unwrap_or_default();
        if !sane(shown) {
            self.unclear = Some(format!("{shown} of the order was refunded"));
            return;
        }
        self.refunded = self.refunded.max(listed).max(shown);
    }

    fn add<'a>(&mut self, order: &Order, payments: &mut Vec<Payment<'a>>, row: &'a Transaction) {
        let event = row.event.as_str();
        let amount = row.amount.map(|amount| if event == "refund" { amount.abs() } else { amount });
        let foreign = matches!((&row.currency, &order.currency), (Some(own), Some(shown)) if own != shown);
        let Some(amount) = amount.filter(|amount| sane(*amount) && *amount >= Decimal::ZERO && !foreign)
        else {
            if row.status != "error" {
                self.unclear = Some(format!("the amount of transaction {} cannot be read", row.id));
            }
            return;
        };
        let reference = row.reference_transaction_id.as_deref();
        // The payment that a row is about: the one it names, else the only one of this amount, in one of these states.
        let about = |payments: &[Payment<'_>], states: &[State]| {
            let fits = |one: &Payment<'_>| states.contains(&one.state);
            let named = |one: &Payment<'_>| reference.is_some_and(|id| one.ids.contains(&id));
            let found = payments.iter().position(|one| fits(one) && named(one) && one.amount >= amount);
            found.or_else(|| payments.iter().position(|one| fits(one) && one.amount == amount))
        };
        match (row.status.as_str(), event) {
            ("ok", "purchase" | "authorization" | "settled") => {
                let state = if event == "authorization" { State::Authorized } else { State::Taken };
                // `settled` is about what was charged before; where that is listed, it is no second payment.
                let open: &[State] = if event == "settled" {
                    &[State::Pending, State::Authorized, State::Taken]
                } else {
                    &[State::Pending]
                };
                match about(payments, open).and_then(|at| payments.get_mut(at)) {
                    Some(one) => one.becomes(state, row),
                    None => payments.push(Payment::new(row, amount, state)),
                }
            }
            ("ok", "capture") => {
                let at = about(payments, &[State::Authorized, State::Taken]);
                let at = at.or_else(|| only(payments, State::Authorized));
                match at.and_then(|at| payments.get_mut(at)) {
                    Some(one) => {
                        if one.state == State::Authorized {
                            one.amount = amount;
                        }
                        one.becomes(State::Taken, row);
                    }
                    // Its authorization is listed late.
                    None => payments.push(Payment::new(row, amount, State::Taken)),
                }
            }
            ("ok", "pending") => payments.push(Payment::new(row, amount, State::Pending)),
            ("ok", "void") => {
                self.voided = true;
                // One that names what was taken is the refund of that, whatever is authorized beside it.
                let of_taken = payments.iter().any(|one| {
                    one.state == State::Taken && reference.is_some_and(|id| one.ids.contains(&id))
                });
                let at = about(payments, &[State::Authorized])
                    .or_else(|| only(payments, State::Authorized))
                    .or_else(|| about(payments, &[State::Pending]))
                    .filter(|_| !of_taken);
                let taken: Decimal =
                    payments.iter().filter(|one| one.state == State::Taken).map(|one| one.amount).sum();
                match at.and_then(|at| payments.get_mut(at)) {
                    Some(one) => one.state = State::Over,
                    // The refund of a charge that was not settled is shown as a void.
                    None if taken >= amount => self.refunded += amount,
                    None => self.unclear = Some(format!("what transaction {} voids is not listed", row.id)),
                }
            }
            ("ok", "refund") => self.refunded += amount,
            ("error", "purchase" | "authorization" | "pending" | "settled") => {
                if let Some(one) = about(payments, &[State::Pending]).and_then(|at| payments.get_mut(at)) {
                    one.state = State::Over;
                }
            }
            // A capture, void or refund that failed changed nothing.
            ("error", _) => {}
            // Whatever is not plainly an error may have moved money.
            (status, _) => self.unclear = Some(format!("transaction {} is {event} {status}", row.id)),
        }
    }
}

impl<'a> Payment<'a> {
    fn new(row: &'a Transaction, amount: Decimal, state: State) -> Self {
        let credit = credit(row);
        Self { ids: vec![&row.id], amount, state, credit, kind: kind(&row.event) }
    }

    fn becomes(&mut self, state: State, row: &'a Transaction) {
        self.state = state;
        self.ids.push(&row.id);
    }
}

fn kind(event: &str) -> &'static str {
    if matches!(event, "authorization" | "capture") { "authorization" } else { "purchase" }
}

const STORE_CREDIT: &str = "store_credit";
const CERTIFICATE: &str = "gift_certificate";

/// Whether it is store credit or a gift certificate, which are amounts of the order too.
fn credit(row: &Transaction) -> &'static str {
    let named = |word: &str| {
        row.raw.get("method").and_then(serde_json::Value::as_str) == Some(word)
            || row.payment_method_id.as_deref().is_some_and(|id| id.ends_with(word))
    };
    [STORE_CREDIT, CERTIFICATE].into_iter().find(|word| named(word)).unwrap_or_default()
}

fn only(payments: &[Payment<'_>], state: State) -> Option<usize> {
    let mut those = payments.iter().enumerate().filter(|(_, one)| one.state == state).map(|(at, _)| at);
    those.next().filter(|_| those.next().is_none())
}

/// Each row once, the oldest first: ids count up.
fn in_order(transactions: &[Transaction]) -> Vec<&Transaction> {
    let mut seen = BTreeSet::new();
    let mut rows: Vec<&Transaction> = transactions.iter().filter(|row| seen.insert(&row.id)).collect();
    rows.sort_by_key(|row| row.id.parse::<u64>().unwrap_or(u64::MAX));
    rows
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
