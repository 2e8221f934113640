//! The order statuses and what moving between them does to tax documents. Pure. `docs/order-statuses.md` is the same
//! table for people; a test holds the two together.
//!
//! Source: BigCommerce's orders overview. A status is of the paid or of the unpaid kind; Refunded is of neither. The kind
//! decides about tax documents at Avalara and says nothing about money: that is `payment_status` and the transactions.

use serde::Serialize;
use utoipa::ToSchema;

/// Incomplete: the only status in which an order can be paid through this service.
pub const INCOMPLETE: i64 = 0;

/// What a status means to BigCommerce's tax documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Counts as paid.
    Paid,
    /// Counts as unpaid.
    Unpaid,
    /// Neither.
    Refunded,
}

/// What a change of the status does to the tax document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaxDocument {
    /// One is submitted.
    Submitted,
    /// The one that was submitted is voided.
    Voided,
    /// Nothing.
    None,
}

/// Every status by its id (BigCommerce: order statuses). Labels can be renamed in a store, ids cannot.
pub const STATUSES: [(i64, &str, Kind); 15] = [
    (0, "Incomplete", Kind::Unpaid),
    (1, "Pending", Kind::Unpaid),
    (2, "Shipped", Kind::Paid),
    (3, "Partially Shipped", Kind::Paid),
    (4, "Refunded", Kind::Refunded),
    (5, "Cancelled", Kind::Unpaid),
    (6, "Declined", Kind::Unpaid),
    (7, "Awaiting Payment", Kind::Unpaid),
    (8, "Awaiting Pickup", Kind::Paid),
    (9, "Awaiting Shipment", Kind::Paid),
    (10, "Completed", Kind::Paid),
    (11, "Awaiting Fulfillment", Kind::Paid),
    (12, "Manual Verification Required", Kind::Unpaid),
    (13, "Disputed", Kind::Unpaid),
    (14, "Partially Refunded", Kind::Unpaid),
];

/// The kind of a status; `None`: there is no such status.
pub fn kind(id: i64) -> Option<Kind> {
    STATUSES.iter().find(|(known, ..)| *known == id).map(|(.., kind)| *kind)
}

/// What moving from one kind to another does.
pub fn tax_document(from: Kind, to: Kind) -> TaxDocument {
    match (from, to) {
        (Kind::Paid | Kind::Refunded, Kind::Unpaid) => TaxDocument::Voided,
        (Kind::Unpaid | Kind::Refunded, Kind::Paid) => TaxDocument::Submitted,
        // To Refunded: BigCommerce's table says nothing, and refunding makes its own documents.
        (Kind::Paid, Kind::Paid) | (Kind::Unpaid, Kind::Unpaid) | (_, Kind::Refunded) => TaxDocument::None,
    }
}

/// The effect of changing one status to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StatusChange)]
pub struct Change {
    /// The status before.
    pub from: i64,
    /// The status after.
    pub to: i64,
    /// What happens to the tax document, where the store has automatic tax.
    pub tax_document: TaxDocument,
    /// In a sentence.
    pub effect: &'static str,
}

impl Change {
    /// From one status to another, both known.
    pub fn new(from: i64, to: i64) -> Option<Self> {
        let (before, after) = (kind(from)?, kind(to)?);
        let tax_document = tax_document(before, after);
        let effect = match tax_document {
            TaxDocument::Submitted => {
                "The order counts as paid from now on: its tax document is submitted to Avalara. No money is moved."
            }
            TaxDocument::Voided => {
                "The order counts as unpaid from now on: its tax document at Avalara is voided. No money is moved."
            }
            TaxDocument::None => "No tax document is submitted or voided, and no money is moved.",
        };
        Some(Self { from, to, tax_document, effect })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tax_documents_follow_the_table_of_the_guide() {
        use Kind::{Paid, Refunded, Unpaid};
        for (from, to, expected) in [
            (Paid, Paid, TaxDocument::None),
            (Refunded, Paid, TaxDocument::Submitted),
            (Unpaid, Unpaid, TaxDocument::None),
            (Paid, Unpaid, TaxDocument::Voided),
            (Refunded, Unpaid, TaxDocument::Voided),
            (Unpaid, Paid, TaxDocument::Submitted),
            (Paid, Refunded, TaxDocument::None),
            (Unpaid, Refunded, TaxDocument::None),
            (Refunded, Refunded, TaxDocument::None),
        ] {
            assert_eq!(tax_document(from, to), expected, "{from:?} to {to:?}");
        }
        assert_eq!(Change::new(11, 5).map(|change| change.tax_document), Some(TaxDocument::Voided));
        assert_eq!(Change::new(11, 15), None);
    }

    #[test]
    fn the_document_shows_the_same_statuses() {
        let document = include_str!("../../../docs/order-statuses.md");
        for (id, name, kind) in STATUSES {
            let kind = format!("{kind:?}").to_lowercase();
            let shown = document.lines().any(|line| line.starts_with(&format!("| {id} | {name} | {kind} |")));
            assert!(shown, "docs/order-statuses.md does not show: | {id} | {name} | {kind} |");
        }
        let rows =
            document.lines().filter(|line| line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit());
        assert_eq!(rows.count(), STATUSES.len());
    }
}
