//! The tests that see the program as its users do.

mod deploy;
mod dev;
