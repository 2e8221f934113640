//! A checkout service for headless BigCommerce storefronts.

pub mod bigcommerce;
