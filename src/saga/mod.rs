//! The engine of the saga and its guarantees. BigCommerce has no idempotency keys; this module is what makes it safe.
//!
//! 1. At most one order of a checkout is ever paid, and it is charged at most once, never above the total that the
//!    shopper agreed to. (`matrix::faults_of_the_upstream`, `saga::two_tabs_make_one_order_and_one_charge`)
//! 2. An intent is committed before every call that must not be repeated, its outcome after it; no database
//!    transaction is open during a call. (`matrix::crashes_of_the_process`)
//! 3. An attempt whose outcome is unknown is reconciled before anything is repeated. Unknown fails closed: the service never
//!    charges again on its own. (`crash::killed_before_the_payment_took_effect_nothing_is_charged_again`)
//! 4. An outcome is written only by the holder of the current fence; a late answer of a dead process is kept as
//!    evidence only. (`matrix::crashes_of_the_process`, its cells `LateAnswer` and `SlowerThanLease`)
//! 5. Every checkout is idle, or has a lease or a timer: bounded time after the faults end, none is left unfinished.
//!    (`resume::another_process_that_only_recovers_takes_over_from_a_killed_one`)
//! 6. One failing checkout delays no other. Recovery survives a restart of the database.
//!    (`resume::a_checkout_that_costs_process_after_process_is_stuck_and_delays_no_other`)
//! 7. What the storefront was answered is durable. What was acknowledged is never lost.
//!    (`saga::a_key_answers_with_what_became_of_its_attempt`)
//! 8. Compensation undoes only what its own checkout did; if it fails, the checkout is `stuck`, and it never loops; a
//!    cart that cannot be deleted while BigCommerce is away is tried again, at most every `RETRY_MAX_SECONDS`.
//!    (`resume::an_undoing_that_fails_is_stuck_and_never_a_loop`)
//! 9. Card numbers, verification values, tokens and secrets are in no row, log line, trace, metric or error.
//!    (`secrets::no_canary_is_ever_seen_again`)
//!
//! `docs/guarantees.md` names the mechanism behind each, and every test.
//!
//! Reading order: [`operation`] is what may be requested, [`accept`] whether it is allowed now, [`plan`] what comes next,
//! [`step`] how one step is done, [`decide`] what an outcome means. Those are pure. [`engine`] and [`recovery`] act.

mod accept;
mod account;
mod confirmation;
mod decide;
mod decision;
mod engine;
mod janitor;
pub mod judge;
mod late;
mod memory;
mod observer;
pub mod operate;
mod operation;
mod order_lookup;
mod payments_asked;
mod payments_declined;
mod plan;
#[cfg(test)]
#[path = "reach_tests.rs"]
mod reach;
mod recovery;
mod rests;
#[cfg(test)]
mod sample;
mod settings;
mod step;
mod step_state;
mod steps;
mod storefront;
mod submit;
mod submitted;
mod taken;
mod unwritten;

pub use crate::bigcommerce::carts::RedirectUrls;
pub use confirmation::Confirmation;
pub use engine::Engine;
pub use janitor::Keep;
pub use observer::{NoObserver, Observer, Try};
pub use operation::{Complete, NewCheckout, NewFlow, Operation, Request, Seen, SubmitError, TokenProof};
pub use order_lookup::OrderLookup;
pub use payments_asked::PaymentsOf;
pub use payments_declined::DeclineLimits;
pub use settings::Settings;
pub use storefront::{HintError, ReadError};
pub use submitted::{Submitted, Waited};

// What callers pass through unchanged.
pub use crate::bigcommerce::PaymentRequest;
pub use crate::db::Watch;
