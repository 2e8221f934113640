//! What several steps do: reading the order and weighing what it holds, finding the orders of a cart, what others did to them,
//! what is checked and noted of a payment, what is given back.

pub(super) mod checkpoint;
pub(super) mod duplicate_orders;
pub(super) mod elsewhere;
pub(super) mod give_back;
pub(super) mod gone;
pub(super) mod held;
pub(super) mod late;
pub(super) mod newest;
pub(super) mod others;
pub(super) mod paying;
pub(super) mod read;
pub(super) mod refusal;
pub(super) mod rest;
pub(super) mod revived;
pub(super) mod taken_back;
