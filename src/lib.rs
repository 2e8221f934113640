//! The checkout service for headless BigCommerce storefronts.
//!
//! In reading order: [`checkout`] is the vocabulary and the transition function; [`bigcommerce`] is the upstream client
//! (both read JSON from outside through [`json`]); [`backoff`] is the delay before a retry, [`loopback`] says whether a URL
//! leads to this machine, [`secret`] holds what must not be shown; [`schema`] describes the vocabulary in `openapi.yaml`;
//! [`db`] stores checkouts in PostgreSQL, whose schema [`migrations`] creates; [`saga`] is the engine that makes BigCommerce
//! safe; [`outbox`] delivers events, signed by [`standard_webhooks`]; [`ops`] is what operators may do, each in a [`role`];
//! [`http`] has the handlers; [`config`] and [`telemetry`] read the environment; [`app`] builds everything once; [`cli`] is
//! the command line.

pub mod backoff;
pub mod bigcommerce;
pub mod checkout;
pub mod db;
pub mod json;
pub mod loopback;
pub mod outbox;
pub mod role;
pub mod saga;
pub mod schema;
pub mod secret;
pub mod standard_webhooks;

pub mod http;
pub mod ops;

pub mod app;
pub mod cli;
pub mod config;
pub mod migrations;
pub mod telemetry;

#[cfg(test)]
mod seeded;
