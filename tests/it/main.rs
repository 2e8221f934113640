//! The tests that see the program as its users do.

mod cli;
mod cost;
mod crash;
mod deploy;
mod dev;
mod harness;
mod matrix;
mod operators;
mod saga;
