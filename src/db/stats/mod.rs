//! Counts for the overview, the metrics and each minute of the charts.

pub(crate) mod activity;
pub(crate) mod summary;
pub(crate) mod vitals;
