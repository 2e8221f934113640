//! A small formal model of the saga, explored to the end: every order in which two processes, BigCommerce, its gateway
//! and the faults of a network can take turns on one checkout, within a budget of faults.
//!
//! It shows guarantees 1, 3, 4 and 5 of `saga` for the design, as far as the model resembles the code: its statuses move
//! through `checkout::next` itself, its steps retell `saga/steps`. What it cannot see: amounts, the steps before the
//! order, the SQL. The fault matrix covers those. The shopper on the hosted page and the merchant are actors of their own.
//!
//! `cargo test --test model -- --nocapture` prints how many states were visited. Each safeguard is also taken away once,
//! and the checker has to notice.

mod mutation;
mod others;
mod properties;
mod saga;
mod state;
mod world;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model, Property};

use mutation::Mutation;
use state::{Budget, State};
use world::Action;

/// The model, whole or with one safeguard missing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Saga {
    budget: Budget,
    missing: Option<Mutation>,
    /// Whether the settle window outlasts everything that it waits for.
    window_is_long_enough: bool,
}

impl Saga {
    fn is(&self, mutation: Mutation) -> bool {
        self.missing == Some(mutation)
    }
}

impl Model for Saga {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self.budget)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.possible(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut state = state.clone();
        self.happen(&mut state, action);
        Some(state.canonical())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::all()
    }
}

/// Nothing goes wrong.
const CALM: Budget = Budget {
    asks: 1,
    cancels: 0,
    restarts: 0,
    crashes: 0,
    timeouts: 0,
    slow: 0,
    duplicates: 0,
    lags: 0,
    declines: 0,
    pendings: 0,
    defers: 0,
    refusals: 0,
    pages: 0,
    merchants: 0,
};

/// The faults that a scenario allows beside a shopper who pays twice.
const FAULTS: Budget = Budget { asks: 2, crashes: 1, timeouts: 1, slow: 1, lags: 1, defers: 1, ..CALM };

/// Explores everything and holds the model to all its properties.
fn explore(name: &str, saga: Saga, examples: &[&'static str]) {
    let began = Instant::now();
    let checker = saga.checker().timeout(Duration::from_mins(2)).spawn_bfs().join();
    println!(
        "{name}: {} states, {} unique, depth {}, {:.1} s",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth(),
        began.elapsed().as_secs_f64()
    );
    assert!(checker.is_done(), "{name}: not everything was visited");
    for property in saga.properties() {
        let Some(path) = checker.discovery(property.name) else { continue };
        assert!(!property.expectation.discovery_is_failure(), "{name}: not so: {}\n{path}", property.name);
    }
    for &example in examples {
        assert!(checker.discovery(example).is_some(), "{name}: not reached: {example}");
    }
}

/// Takes a safeguard away and has the checker find what it was for.
fn catches(mutation: Mutation, budget: Budget, property: &'static str) {
    let saga = Saga { budget, missing: Some(mutation), window_is_long_enough: true };
    let whole = Saga { missing: None, ..saga };
    let find = |saga: Saga| {
        let wanted = HasDiscoveries::AnyOf([property].into());
        let checker = saga.checker().finish_when(wanted).spawn_bfs().join();
        (checker.discovery(property), checker.unique_state_count())
    };
    let (found, states) = find(saga);
    let path = found.unwrap_or_else(|| panic!("without it nothing is missed: {mutation:?}, {property}"));
    let actions = path.clone().into_actions();
    println!("{mutation:?}: not so: {property}; {} actions, {states} states: {actions:?}", actions.len());
    assert!(find(whole).0.is_none(), "{property} does not hold with {mutation:?} in place either");
}

fn whole(budget: Budget) -> Saga {
    Saga { budget, missing: None, window_is_long_enough: true }
}

#[test]
fn a_checkout_completes_when_nothing_goes_wrong() {
    explore("calm", whole(CALM), &[properties::COMPLETES]);
}

#[test]
fn a_checkout_survives_crashes_lost_answers_and_slow_processes() {
    let budget = Budget { duplicates: 1, ..FAULTS };
    let reached =
        [properties::COMPLETES, properties::GETS_STUCK, properties::TAKES_OVER, properties::ARCHIVES];
    explore("faults", whole(budget), &reached);
}

#[test]
fn a_checkout_survives_declines_that_are_listed_late_and_payments_that_settle_later() {
    let budget = Budget { asks: 3, declines: 1, pendings: 1, refusals: 1, slow: 0, ..FAULTS };
    explore("gateway", whole(budget), &[properties::COMPLETES, properties::GETS_STUCK]);
}

#[test]
fn a_checkout_can_be_undone_and_restarted_at_any_point() {
    let budget = Budget { cancels: 1, restarts: 1, declines: 1, lags: 0, defers: 0, ..FAULTS };
    let reached = [properties::COMPLETES, properties::GETS_STUCK, properties::IS_UNDONE, properties::LAPSES];
    explore("undone", whole(budget), &reached);
}

#[test]
fn a_checkout_survives_a_hosted_page_that_is_paid_at_any_point() {
    let budget = Budget { pages: 1, declines: 1, crashes: 0, ..FAULTS };
    let reached =
        [properties::COMPLETES, properties::GETS_STUCK, properties::PAID_THERE, properties::TAKES_OVER];
    explore("hosted page", whole(budget), &reached);
    let budget = Budget { cancels: 1, restarts: 1, slow: 0, declines: 0, ..budget };
    explore("hosted page, undone", whole(budget), &[properties::IS_UNDONE, properties::PAID_THERE]);
}

#[test]
fn a_checkout_survives_a_merchant_who_cancels_or_moves_its_order() {
    let budget = Budget { merchants: 1, declines: 1, crashes: 0, ..FAULTS };
    explore(
        "merchant",
        whole(budget),
        &[properties::COMPLETES, properties::GETS_STUCK, properties::REORDERS],
    );
    let budget = Budget { pages: 1, timeouts: 0, slow: 0, ..budget };
    explore("merchant and page", whole(budget), &[properties::PAID_THERE, properties::REORDERS]);
}

#[test]
fn with_one_witness_what_the_hosted_page_took_is_taken_again() {
    let budget = Budget { pages: 1, lags: 1, ..CALM };
    catches(Mutation::NoCartWitness, budget, properties::PAID_ONCE);
    catches(Mutation::NoListWitness, budget, properties::PAID_ONCE);
}

#[test]
fn with_one_witness_what_was_paid_on_the_hosted_page_is_called_undone() {
    let budget = Budget { pages: 1, lags: 1, cancels: 1, ..CALM };
    catches(Mutation::NoCartWitness, budget, properties::TRULY_UNDONE);
    catches(Mutation::NoListWitness, budget, properties::TRULY_UNDONE);
}

#[test]
fn an_order_that_a_person_moved_would_count_as_paid() {
    let budget = Budget { merchants: 1, asks: 2, declines: 1, ..CALM };
    catches(Mutation::StatusIsMoney, budget, properties::PAID_FOR);
}

#[test]
fn a_settle_window_that_is_too_short_costs_an_unpaid_order_but_never_a_charge() {
    let budget = Budget { duplicates: 1, defers: 0, crashes: 0, ..FAULTS };
    let saga = Saga { window_is_long_enough: false, ..whole(budget) };
    explore("short window", saga, &[properties::COMPLETES, properties::ARCHIVES]);
}

#[test]
fn no_run_goes_on_for_ever() {
    fn visit(saga: &Saga, state: State, open: &mut HashSet<State>, done: &mut HashSet<State>) {
        assert!(!open.contains(&state), "it goes round in a circle: {state:#?}");
        if done.contains(&state) {
            return;
        }
        open.insert(state.clone());
        for next in saga.next_states(&state) {
            visit(saga, next, open, done);
        }
        open.remove(&state);
        done.insert(state);
    }
    let budget =
        Budget { duplicates: 1, declines: 1, pendings: 1, refusals: 1, cancels: 1, restarts: 1, ..CALM };
    let (mut open, mut done) = (HashSet::new(), HashSet::new());
    for budget in
        [Budget { crashes: 1, timeouts: 1, ..budget }, Budget { asks: 2, slow: 1, defers: 1, ..budget }]
    {
        visit(&whole(budget), State::new(budget), &mut open, &mut done);
    }
    println!("no circle among {} states", done.len());
}

#[test]
fn without_reconciling_a_payment_there_is_a_double_charge() {
    catches(Mutation::NoReconcilePayment, Budget { timeouts: 1, ..CALM }, properties::ONE_CHARGE);
    catches(Mutation::NoReconcilePayment, Budget { asks: 2, crashes: 1, ..CALM }, properties::ONE_CHARGE);
}

#[test]
fn without_reconciling_an_order_it_is_made_twice() {
    let budget = Budget { timeouts: 1, ..CALM };
    catches(Mutation::NoReconcileOrder, budget, properties::NO_SECOND_ORDER);
}

#[test]
fn without_a_settle_window_an_order_is_made_twice() {
    let budget = Budget { timeouts: 1, ..CALM };
    catches(Mutation::NoSettleWindow, budget, properties::NO_SECOND_ORDER);
}

#[test]
fn without_the_fence_a_slow_process_overwrites_and_charges_again() {
    let budget = Budget { asks: 2, slow: 1, ..CALM };
    catches(Mutation::NoFence, budget, properties::FENCED);
    catches(Mutation::NoFence, budget, properties::FINAL);
    catches(Mutation::NoFence, budget, properties::ONE_CHARGE);
}

#[test]
fn without_the_fence_the_unique_order_row_is_what_is_left_and_then_nothing() {
    let budget = Budget { asks: 2, slow: 1, timeouts: 1, duplicates: 1, ..CALM };
    catches(Mutation::NoFenceNoUniqueOrder, budget, properties::ONE_ORDER_ROW);
    catches(Mutation::NoFenceNoUniqueOrder, budget, properties::ONE_PAID_ORDER);
    let fenceless = Saga { missing: Some(Mutation::NoFence), ..whole(budget) };
    let checker = fenceless.checker().target_max_depth(22).spawn_bfs().join();
    assert!(checker.discovery(properties::ONE_ORDER_ROW).is_none(), "the unique row does not hold alone");
}

#[test]
fn a_payment_that_fails_open_is_charged_twice() {
    let budget = Budget { asks: 2, timeouts: 1, ..CALM };
    catches(Mutation::FailOpen, budget, properties::NOTHING_HIDDEN);
    catches(Mutation::FailOpen, budget, properties::ONE_CHARGE);
}

#[test]
fn a_refused_look_that_ended_its_attempt_would_hide_a_charge() {
    let budget = Budget { asks: 2, timeouts: 1, refusals: 1, ..CALM };
    catches(Mutation::RefusedLookEnds, budget, properties::NOTHING_HIDDEN);
    catches(Mutation::RefusedLookEnds, budget, properties::ONE_CHARGE);
}

#[test]
fn a_late_decline_that_is_believed_is_charged_twice() {
    let budget = Budget { asks: 3, timeouts: 1, lags: 1, declines: 1, ..CALM };
    catches(Mutation::LateDeclineBelieved, budget, properties::ONE_CHARGE);
}

#[test]
fn a_process_without_a_lease_would_archive_the_order_of_its_successor() {
    let budget = Budget { slow: 1, duplicates: 1, ..CALM };
    catches(Mutation::ArchiveWithoutLease, budget, properties::NOT_PULLED_AWAY);
}

#[test]
fn without_recovery_a_dead_process_leaves_a_checkout_hanging() {
    catches(Mutation::NoRecovery, Budget { crashes: 1, ..CALM }, properties::ENDS_AT_REST);
}

#[test]
fn a_settling_payment_that_counted_as_made_would_complete_without_a_charge() {
    let budget = Budget { pendings: 1, declines: 1, ..CALM };
    catches(Mutation::PendingIsPaid, budget, properties::PAID_FOR);
}

#[test]
fn a_restart_that_ran_forward_would_take_up_what_was_being_undone() {
    let budget = Budget { timeouts: 1, cancels: 1, restarts: 1, ..CALM };
    catches(Mutation::RestartForward, budget, properties::UNDONE_ONLY);
}
