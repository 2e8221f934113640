//! The simulator through its HTTP surface, as a client of BigCommerce sees it.

mod about;
mod checkouts;
mod control;
mod doubts;
mod faults;
mod happy_path;
mod harness;
mod lags;
mod limits;
mod magic;
mod meanwhile;
mod nothing;
mod orders;
mod others;
mod parts;
mod state;
mod tokens;
mod webhooks;
