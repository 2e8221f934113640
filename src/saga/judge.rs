//! The one judge of money: what an order, its transactions and its refunds prove about what was paid. Pure.
//!
//! Guarantees: paid is a sum and not a word. What is listed is added up in exact decimals and compared with the total of
//! the order at the precision of its currency. The words of an order (`status_id`, `payment_status`) decide only where
//! nothing is listed, because some payment methods leave no transaction, and never against the amounts. Whatever cannot
//! be told is [`Judgment::CannotTell`], and nobody may conclude anything from it.
//!
//! A capture of an authorization is not a second payment; a void takes an authorization back; a refund makes it less.
//! (BigCommerce: orders.v2, order; orders.v3, transactions and refunds)

use std::cmp::Ordering;

use rust_decimal::Decimal;

pub use super::account::Account;
use crate::bigcommerce::orders::{Order, Refund, Transaction};
use crate::checkout::Money;

/// What is proven about the money of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgment {
    /// No money is shown. It is no proof that none was taken.
    Nothing,
    /// A part of the total is paid, and is held.
    Part {
        /// How much is held.
        paid: Money,
    },
    /// All of it is charged or authorized.
    Whole {
        /// `purchase` or `authorization`.
        kind: &'static str,
        /// The latest transaction that took money, where one is listed.
        transaction_id: Option<String>,
    },
    /// More is held than the order costs.
    More {
        /// How much is held.
        paid: Money,
    },
    /// Money was charged or authorized, and none of it is held any more.
    GivenBack,
    /// Accepted and settling, or being let go.
    Pending,
    /// Certainly not charged. `dead`: the order can no longer be paid.
    Declined {
        /// Whether the order left Incomplete.
        dead: bool,
    },
    /// What is shown contradicts itself, or cannot be read.
    CannotTell {
        /// What speaks against what.
        why: String,
    },
}

/// What was known of an order before an attempt to pay it: none of that proves anything about the attempt.
#[derive(Debug, Clone, Default)]
pub struct Before<'a> {
    /// Transactions that were listed.
    pub known: &'a [String],
    /// Earlier attempts whose declined transaction was not listed; it may still come.
    pub unlisted: u32,
    /// What was paid.
    pub paid: Money,
    /// The parts that are known: while no more than them is held, an order that is called partially refunded says what is left.
    pub parts: Money,
}

const PAID: &[i64] = &[2, 3, 8, 9, 10, 11];
const OVER: &[i64] = &[5, 6];

/// Whether the refunds of an order have to be read before it is judged.
pub fn may_be_refunded(order: &Order, transactions: &[Transaction]) -> bool {
    matches!(order.status_id, 4 | 14)
        || matches!(order.payment_status.as_str(), "refunded" | "partially refunded")
        || order.refunded_amount.is_some_and(|amount| !amount.is_zero())
        || transactions.iter().any(|row| row.event == "refund")
}

/// Whether an order that was given up holds money all the same, or may. A status that a person set is no money, and credit that
/// is only applied is none either.
pub fn may_hold(order: &Order, transactions: &[Transaction], judgment: &Judgment) -> bool {
    let declined = order.payment_status == "declined";
    // What was pending when it was declined was not taken.
    let took = |row: &Transaction| row.status != "error" && !(declined && row.event == "pending");
    let told = !(declined || order.payment_status.is_empty()) || transactions.iter().any(took);
    told && !matches!(judgment, Judgment::Nothing | Judgment::GivenBack | Judgment::Declined { .. })
}

/// Judges the order, or, with what was known before, an attempt to pay it.
pub fn judge(
    order: &Order,
    transactions: &[Transaction],
    refunds: &[Refund],
    before: &Before<'_>,
) -> Judgment {
    let account = Account::of(order, transactions, refunds);
    if let Some(why) = account.unclear {
        return Judgment::CannotTell { why };
    }
    if account.has_moved() {
        return by_amount(order, transactions, &account, before);
    }
    // Its status is what a merchant may set by hand, while a payment is under way: it proves no decline. Nor does the word, once
    // an earlier attempt may have left it there.
    let first = before.known.is_empty() && before.unlisted == 0;
    if order.payment_status == "declined" && first {
        return Judgment::Declined { dead: order.status_id != 0 };
    }
    if !account.pending.is_zero() {
        return Judgment::Pending;
    }
    by_word(order, transactions, before)
}

fn by_amount(
    order: &Order,
    transactions: &[Transaction],
    account: &Account,
    before: &Before<'_>,
) -> Judgment {
    let cannot = |why: &str| Judgment::CannotTell { why: why.to_owned() };
    let Some(currency) = order.currency.as_deref() else { return cannot("the order has no currency") };
    let word = order.payment_status.as_str();
    let Some(total) = order.total_inc_tax.map(Money::from) else { return cannot("the order has no total") };
    let mut held = account.held();
    match word {
        "void pending" => return Judgment::Pending,
        // The void itself is listed late.
        "void" if !account.authorized.is_zero() => held -= account.authorized,
        "void" if !account.voided => {
            return cannot("it is void, and what was charged is not shown as given back");
        }
        _ => {}
    }
    let nothing =
        |amount: Decimal| Money::from(amount).compare(Money::default(), currency) != Ordering::Greater;
    // Anybody may set the status: beside what is listed or applied it proves nothing.
    if nothing(held) || (order.status_id == 4 && word == "refunded") {
        return given_back(transactions, before);
    }
    let part = Money::from(held).compare(total, currency) == Ordering::Less;
    if word == "refunded" || (order.status_id == 4 && !(part && word.is_empty())) {
        return cannot("it is called refunded, and its money is not shown as given back");
    }
    let paid = Money::from(held);
    let once = Money::from(held + account.refunded);
    match (paid.compare(total, currency), once.compare(total, currency)) {
        (Ordering::Greater, _) => Judgment::More { paid },
        // What was paid in full and given back in part is paid: nobody is to pay it again.
        (Ordering::Equal, _) | (Ordering::Less, Ordering::Equal | Ordering::Greater) => whole(account),
        (Ordering::Less, Ordering::Less) => {
            let claims_all =
                PAID.contains(&order.status_id) && matches!(word, "captured" | "paid" | "authorized");
            let left_of_parts = !account.refunded.is_zero()
                && before.parts != Money::default()
                && paid.compare(before.parts, currency) != Ordering::Greater;
            if claims_all || (word == "partially refunded" && !left_of_parts) {
                return cannot("it is called paid, and less than its total is listed");
            }
            if !account.pending.is_zero() || word == "held for review" {
                return Judgment::Pending;
            }
            if paid.compare(before.paid, currency) == Ordering::Greater {
                return Judgment::Part { paid };
            }
            if word == "pending" && before.paid != Money::default() {
                return Judgment::Pending;
            }
            // Nothing was paid beside what was paid before.
            if before.paid != Money::default() && word == "declined" {
                return Judgment::Declined { dead: order.status_id == 6 };
            }
            match refusal(order, transactions, before) {
                Judgment::Nothing if before.paid == Money::default() => Judgment::Part { paid },
                judgment => judgment,
            }
        }
    }
}

/// What was given back before the attempt says nothing about it.
fn given_back(transactions: &[Transaction], before: &Before<'_>) -> Judgment {
    let new = |row: &Transaction| row.status == "ok" && !before.known.contains(&row.id);
    if !before.known.is_empty() && !transactions.iter().any(new) {
        return Judgment::Nothing;
    }
    Judgment::GivenBack
}

fn whole(account: &Account) -> Judgment {
    let kind = account.latest.as_ref().map_or("purchase", |latest| latest.kind);
    Judgment::Whole { kind, transaction_id: account.latest.as_ref().map(|latest| latest.id.clone()) }
}

/// No amount is listed: some methods leave no transaction, and then the words of the order are all there is.
fn by_word(order: &Order, transactions: &[Transaction], before: &Before<'_>) -> Judgment {
    let cannot = |why: String| Judgment::CannotTell { why };
    let whole = |kind: &'static str| Judgment::Whole { kind, transaction_id: None };
    let status = order.status_id;
    match order.payment_status.as_str() {
        "captured" | "paid" | "capture pending" if PAID.contains(&status) => whole("purchase"),
        "partially refunded" if PAID.contains(&status) || status == 14 => whole("purchase"),
        "authorized" | "capture pending" if PAID.contains(&status) || status == 7 => whole("authorization"),
        "refunded" | "void" => Judgment::GivenBack,
        "pending" | "held for review" | "void pending" => Judgment::Pending,
        "declined" => refusal(order, transactions, before),
        "" => match status {
            0 | 1 | 7 => refusal(order, transactions, before),
            4 => Judgment::GivenBack,
            12 => Judgment::Pending,
            _ if OVER.contains(&status) => refusal(order, transactions, before),
            _ => cannot(format!("its status is {status}, and no money is shown")),
        },
        word => cannot(format!("it is {word} with status {status}, and no money is listed")),
    }
}

/// A listed decline proves that the attempt failed, unless it may be an earlier one that is listed late.
fn refusal(order: &Order, transactions: &[Transaction], before: &Before<'_>) -> Judgment {
    let new = || transactions.iter().filter(|row| !before.known.contains(&row.id));
    let errors = new().filter(|row| row.status == "error").count();
    let ours = u32::try_from(errors).is_ok_and(|errors| errors > before.unlisted);
    let latest = new().max_by_key(|row| row.id.parse::<u64>().unwrap_or(0));
    let over = OVER.contains(&order.status_id);
    let payable = order.status_id == 0 || (order.status_id == 1 && before.paid != Money::default());
    if (payable || over) && ours && latest.is_some_and(|latest| latest.status == "error") {
        return Judgment::Declined { dead: over };
    }
    Judgment::Nothing
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
