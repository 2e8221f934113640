//! What is answered: a checkout as its storefront and its operators see it, totals, and sentences for the shopper.

pub(crate) mod answer;
pub(crate) mod case;
pub(crate) mod shopper;
pub(crate) mod snapshot;
pub(crate) mod totals;
