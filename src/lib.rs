//! The checkout service for headless BigCommerce storefronts.
//!
//! Reading order: [`checkout`] is the vocabulary and the transition function; [`store`] keeps it in PostgreSQL.

pub mod checkout;
pub mod store;
