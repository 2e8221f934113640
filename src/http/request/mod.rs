//! What is read from a request before a handler runs: the caller, the body, and how long the caller waits.

pub(crate) mod auth;
pub(crate) mod claims;
pub(crate) mod cors;
pub(crate) mod customer;
pub(crate) mod drain;
pub(crate) mod extract;
pub(crate) mod framing;
pub(crate) mod json;
pub(crate) mod pointer;
pub(crate) mod prefer;
pub(crate) mod shape;
pub(crate) mod trace;
pub(crate) mod trust;
