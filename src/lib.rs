//! The checkout service for headless BigCommerce storefronts.
//!
//! Reading order: [`checkout`] is the vocabulary and the transition function; [`bigcommerce`] is the upstream client;
//! [`store`] keeps checkouts in PostgreSQL; [`saga`] is the engine that makes BigCommerce safe.

pub mod bigcommerce;
pub mod checkout;
pub mod saga;
pub mod store;
