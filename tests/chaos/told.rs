//! Whose money it is, and whether what a shopper was told was true at the time.

use std::collections::{HashMap, HashSet};

use bigcommerce_simulator::{Charge, Ledger};
use rust_decimal::Decimal;

use crate::faults::{edits, gives_back};
use crate::record::Record;

/// Parts that are no card.
const PARTS: [&str; 2] = ["bigcommerce.gift_certificate", "bigcommerce.store_credit"];

/// Whose order is whose, by the ledger.
pub(crate) struct Money {
    owners: HashMap<u64, String>,
    elsewhere: HashSet<String>,
    ever: HashSet<String>,
}

/// Whether it was taken without the service: by the hosted page, or in a second tab.
pub(crate) fn is_of_others(charge: &Charge) -> bool {
    charge.jti.is_empty() && !is_part(charge)
}

/// Whether store credit or a gift certificate paid it.
pub(crate) fn is_part(charge: &Charge) -> bool {
    PARTS.contains(&&*charge.payment_method_id)
}

impl Money {
    /// Of this ledger.
    pub(crate) fn of(ledger: &Ledger) -> Self {
        let makers: HashMap<&str, &str> = ledger
            .carts
            .iter()
            .filter_map(|cart| Some((cart.id.as_str(), cart.correlation_id.as_deref()?)))
            .collect();
        let owners: HashMap<u64, String> = ledger
            .orders
            .iter()
            .filter_map(|order| {
                let cart = || makers.get(order.cart_id.as_deref()?).copied();
                Some((order.id, order.correlation_id.as_deref().or_else(cart)?.to_owned()))
            })
            .collect();
        let others = ledger.charges.iter().filter(|charge| charge.holds_money() && is_of_others(charge));
        // What was given back is nobody's.
        let held = others.filter(|charge| charge.amount > charge.refunded);
        let elsewhere = held.filter_map(|charge| owners.get(&charge.order_id).cloned()).collect();
        let ever = ledger.charges.iter().filter(|charge| is_of_others(charge));
        let ever = ever.filter_map(|charge| owners.get(&charge.order_id).cloned()).collect();
        Self { owners, elsewhere, ever }
    }

    /// The checkout of an order: who made it, else who made its cart.
    pub(crate) fn owner(&self, order: u64) -> Option<&str> {
        self.owners.get(&order).map(String::as_str)
    }

    /// Whether somebody else holds money for this checkout.
    pub(crate) fn is_paid_elsewhere(&self, checkout: &str) -> bool {
        self.elsewhere.contains(checkout)
    }

    /// Whether somebody else ever began to pay for this checkout, whatever became of that.
    pub(crate) fn was_paid_elsewhere(&self, checkout: &str) -> bool {
        self.ever.contains(checkout)
    }
}

/// Nobody was told that paying again is safe while a payment of ours had been charged, and whoever was told `completed` was
/// told what was taken.
pub(crate) fn check(record: &Record, ledger: &Ledger, money: &Money, say: &mut impl FnMut(&str, String)) {
    for safe in &record.safe {
        let ours = ledger.charges.iter().filter(|charge| {
            // What was given back since may have been given back by then.
            charge.holds_money()
                && charge.refunded.is_zero()
                && !is_of_others(charge)
                && charge.at < safe.at
                && money.owner(charge.order_id) == Some(&safe.checkout)
        });
        let counted = ours.filter(|charge| safe.paid.is_some() || !is_part(charge));
        let taken: Decimal = counted.map(|charge| charge.amount).sum();
        let known = safe.paid.unwrap_or_default();
        if taken > known {
            say(
                &safe.checkout,
                format!(
                    "safe to pay again, was said ({}), with {taken} taken of which {known} were told",
                    safe.what
                ),
            );
        }
    }
    let judged = !record.has_met(edits) && !record.has_met(gives_back);
    if let (Some((order, told)), Some(id), true) = (record.paid, &record.id, judged) {
        let charges = ledger.charges.iter().filter(|charge| charge.order_id == order && charge.holds_money());
        let taken: Decimal = charges.map(|charge| charge.amount).sum();
        if taken != told {
            say(id, format!("completed with {told}, was said of order {order}, and {taken} were taken"));
        }
    }
}
