//! The tests that see the program as its users do.

mod architecture;
mod bad_requests;
mod budget;
mod cli;
mod commerce;
mod conformance;
mod cost;
mod coverage;
mod crash;
mod dashboard;
mod deploy;
mod dev;
mod doubt;
mod events;
mod guides;
mod harness;
mod matrix;
mod operators;
mod orders;
mod prism;
mod privacy;
mod resume;
mod saga;
mod secrets;
mod signals;
mod webhooks;
