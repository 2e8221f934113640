//! The handlers that storefronts call, and how they hand a request to the saga.

pub(crate) mod checkouts;
pub(crate) mod direct_orders;
pub(crate) mod events;
pub(crate) mod in_use;
pub(crate) mod items;
pub(crate) mod order;
pub(crate) mod payment;
pub(crate) mod run;
pub(crate) mod steps;
pub(crate) mod streams;
pub(crate) mod tickets;
pub(crate) mod webhook_signature;
pub(crate) mod webhooks;
