//! What is answered: a checkout as its storefront and its operators see it, totals, and messages for the shopper.

pub(crate) mod answer;
pub(crate) mod detail;
pub(crate) mod page;
pub(crate) mod shopper;
pub(crate) mod snapshot;
pub(crate) mod totals;
