//! The tests that see the program as its users do.

mod cost;
mod crash;
mod deploy;
mod dev;
mod doubt;
mod harness;
mod matrix;
mod saga;
mod secrets;
