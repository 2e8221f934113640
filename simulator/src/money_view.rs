//! The money of one order, added up from the ledger: what it is due and what was really taken.

use rust_decimal::Decimal;
use serde::Serialize;

use crate::ledger::{Charge, Ledger};

/// The money of one order, in its currency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Money {
    /// Store hash.
    pub store: String,
    /// The order.
    pub order_id: u64,
    /// What the order costs now.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub total: Decimal,
    /// What is still to be paid: `total` less everything that is held; negative when too much is held.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub open: Decimal,
    /// Taken, before any refund; credit and certificates included.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub captured: Decimal,
    /// Authorized and neither captured nor voided.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub authorized: Decimal,
    /// At the gateway, not settled or unknown to BigCommerce.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub pending: Decimal,
    /// Given back by refunds.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub refunded: Decimal,
    /// Authorizations (and captures that were not settled) that were let go.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub voided: Decimal,
    /// The part of `captured` that was store credit.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub credit: Decimal,
    /// The part of `captured` that came from gift certificates.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub certificate: Decimal,
}

impl Money {
    /// What the shopper is without: captured, authorized or pending, less what was given back.
    pub fn held(&self) -> Decimal {
        self.captured + self.authorized + self.pending - self.refunded
    }

    /// Whether the order holds exactly what it costs.
    pub fn is_whole(&self) -> bool {
        self.open.is_zero()
    }

    /// Adds one charge.
    fn add(&mut self, charge: &Charge) {
        match charge.state.as_str() {
            "captured" | "refunded" => {
                self.captured += charge.amount;
                match charge.payment_method_id.as_str() {
                    "bigcommerce.store_credit" => self.credit += charge.amount,
                    "bigcommerce.gift_certificate" => self.certificate += charge.amount,
                    _ => {}
                }
            }
            "authorized" => self.authorized += charge.amount,
            "pending" => self.pending += charge.amount,
            "voided" => self.voided += charge.amount,
            _ => {}
        }
    }
}

impl Ledger {
    /// The money of one order; `None` when there is no such order.
    pub fn money(&self, store: &str, order: u64) -> Option<Money> {
        let known = self.orders.iter().find(|known| known.id == order && known.store == store)?;
        let mut money =
            Money { store: store.to_owned(), order_id: order, total: known.total, ..Money::default() };
        for charge in self.charges.iter().filter(|one| one.order_id == order && one.store == store) {
            money.add(charge);
            money.refunded += charge.refunded;
        }
        money.open = money.total - money.held();
        Some(money)
    }

    /// The money of every order.
    pub fn moneys(&self) -> Vec<Money> {
        self.orders.iter().filter_map(|order| self.money(&order.store, order.id)).collect()
    }
}
