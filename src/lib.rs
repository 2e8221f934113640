//! The checkout for headless BigCommerce storefronts.

pub mod config;

pub mod telemetry;

pub mod migrations;

pub mod app;

pub mod dev;

pub mod cli;
