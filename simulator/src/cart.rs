//! A cart and the checkout it becomes: one thing under one id with one version.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::address::Address;
use crate::ledger;

/// The kinds of lines, each in a list of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Physical,
    Digital,
    Custom,
    GiftCertificate,
}

/// One line of a cart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) product_id: u64,
    pub(crate) variant_id: u64,
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) quantity: u64,
    pub(crate) list_price: Decimal,
    /// Whether the client set the price, so that the catalog does not move it.
    pub(crate) price_override: bool,
    pub(crate) sale_price: Decimal,
    pub(crate) taxable: bool,
    /// False for the half-price line that a promotion made.
    pub(crate) is_mutable: bool,
    pub(crate) manual_discount: Decimal,
    pub(crate) options: Vec<Value>,
    pub(crate) image_url: String,
    /// Theme, sender, recipient and message of a gift certificate.
    pub(crate) certificate: Value,
}

impl Line {
    /// Whether it must be in a consignment.
    pub(crate) fn ships(&self) -> bool {
        matches!(self.kind, Kind::Physical | Kind::Custom)
    }

    /// List price times quantity.
    pub(crate) fn list_total(&self) -> Decimal {
        self.list_price * Decimal::from(self.quantity)
    }

    /// Price after the product's own discount, times quantity.
    pub(crate) fn sale_total(&self) -> Decimal {
        self.sale_price * Decimal::from(self.quantity)
    }
}

/// A shipping option as it was quoted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ShippingOption {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) description: String,
    pub(crate) cost: Decimal,
}

/// Where a part of the cart goes, and how.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Consignment {
    pub(crate) id: String,
    pub(crate) address: Address,
    /// Line id and quantity.
    pub(crate) items: Vec<(String, u64)>,
    pub(crate) selected: Option<ShippingOption>,
    pub(crate) pickup_method: Option<u64>,
}

/// A fee that the merchant's app added.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Fee {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) cost: Decimal,
    pub(crate) source: String,
    pub(crate) tax_class_id: Option<u64>,
}

/// A cart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cart {
    pub(crate) id: String,
    pub(crate) version: u64,
    pub(crate) customer_id: u64,
    pub(crate) channel_id: u64,
    pub(crate) email: String,
    pub(crate) currency: String,
    pub(crate) locale: String,
    pub(crate) lines: Vec<Line>,
    pub(crate) coupons: Vec<String>,
    /// Discount on the whole cart, given by hand.
    pub(crate) manual_discount: Decimal,
    pub(crate) billing: Option<Address>,
    pub(crate) consignments: Vec<Consignment>,
    pub(crate) fees: Vec<Fee>,
    /// Applied by the shopper in another place.
    pub(crate) applied_credit: bool,
    pub(crate) applied_certificates: Vec<String>,
    pub(crate) customer_message: String,
    pub(crate) created: OffsetDateTime,
    pub(crate) updated: OffsetDateTime,
    pub(crate) correlation_id: Option<String>,
}

impl Cart {
    /// An empty cart.
    pub(crate) fn new(currency: &str, now: OffsetDateTime, correlation_id: Option<String>) -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            version: 1,
            customer_id: 0,
            channel_id: 1,
            email: String::new(),
            currency: currency.to_owned(),
            locale: "en".to_owned(),
            lines: Vec::new(),
            coupons: Vec::new(),
            manual_discount: Decimal::ZERO,
            billing: None,
            consignments: Vec::new(),
            fees: Vec::new(),
            applied_credit: false,
            applied_certificates: Vec::new(),
            customer_message: String::new(),
            created: now,
            updated: now,
            correlation_id,
        }
    }

    /// Marks a successful change.
    pub(crate) fn touch(&mut self, now: OffsetDateTime) {
        self.version += 1;
        self.updated = now;
    }

    /// A line by id.
    pub(crate) fn line(&self, id: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.id == id)
    }

    /// Brings consignments in step after lines changed: forgets lines that are gone, and selected options
    /// when `clear` says so.
    pub(crate) fn settle_consignments(&mut self, clear: bool) {
        let lines = &self.lines;
        for consignment in &mut self.consignments {
            consignment.items.retain(|(id, _)| lines.iter().any(|line| &line.id == id));
            for (id, quantity) in &mut consignment.items {
                if let Some(line) = lines.iter().find(|line| &line.id == id) {
                    *quantity = (*quantity).min(line.quantity);
                }
            }
            if clear {
                consignment.selected = None;
            }
        }
        self.consignments.retain(|consignment| !consignment.items.is_empty());
    }

    /// The short form for the ledger.
    pub(crate) fn ledger(&self, store: &str, state: &str) -> ledger::Cart {
        ledger::Cart {
            store: store.to_owned(),
            id: self.id.clone(),
            state: state.to_owned(),
            version: self.version,
            correlation_id: self.correlation_id.clone(),
        }
    }
}
