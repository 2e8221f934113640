//! What an operator may do, whichever door it is asked through. Never: HTTP, a decision of the saga.

pub mod events;
pub mod privacy;
pub mod webhooks;
