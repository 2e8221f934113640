//! The tests that see the program as its users do.

mod architecture;
mod bad_requests;
mod budget;
mod commerce;
mod conformance;
mod cost;
mod crash;
mod deploy;
mod dev;
mod doubt;
mod guides;
mod harness;
mod matrix;
mod prism;
mod resume;
mod saga;
mod secrets;
mod webhooks;
