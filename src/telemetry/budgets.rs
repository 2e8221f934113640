//! The state of the rate budgets and circuit breakers of the stores, read when the metrics are.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::labels::Host;
use crate::bigcommerce;
use crate::bigcommerce::budget::{BreakerState, Budget, HostState};

type Numbers = Family<Host, Gauge>;

/// The budgets that are watched, and their metrics.
#[derive(Default)]
pub(super) struct Budgets {
    watched: Mutex<Vec<(String, Arc<Budget>)>>,
    quota: Numbers,
    left: Numbers,
    free: Numbers,
    waiting: Numbers,
    in_flight: Numbers,
    paused: Family<Host, Gauge<f64, AtomicU64>>,
    breaker: Numbers,
    held_back: Family<Host, Counter>,
    rate_limited: Family<Host, Counter>,
    processes: Gauge,
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

impl Budgets {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let all = Self::default();
        let mut gauge =
            |name: &str, help: &str, gauge: &Numbers| registry.register(name, help, gauge.clone());
        gauge(
            "budget_quota",
            "Requests of the whole store in one window, as last reported by BigCommerce",
            &all.quota,
        );
        gauge("budget_left", "Requests of the whole store that BigCommerce reported as left", &all.left);
        gauge("budget_free", "Requests that this process may still send in this window", &all.free);
        gauge("budget_waiting", "Calls that wait for their turn", &all.waiting);
        gauge("upstream_in_flight", "Calls to BigCommerce that were sent and have not ended", &all.in_flight);
        gauge("breaker_state", "The circuit breaker: 0 closed, 1 half open, 2 open", &all.breaker);
        let help = "Until calls are sent again after a 429";
        registry.register_with_unit("budget_paused", help, Unit::Seconds, all.paused.clone());
        let help = "Calls that were held back and never sent";
        registry.register("budget_held_back", help, all.held_back.clone());
        let help = "Answers with 429, as the budget counted them";
        registry.register("budget_rate_limited", help, all.rate_limited.clone());
        let help = "Processes among which the quotas are shared";
        registry.register("processes", help, all.processes.clone());
        all
    }

    pub(super) fn add(&self, store: &str, budget: Arc<Budget>) {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner).push((store.to_owned(), budget));
    }

    pub(super) fn refresh(&self) {
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        for (store, budget) in watched.iter() {
            let state = budget.state();
            self.processes.set(state.replicas.into());
            self.show(&Host::of(store, bigcommerce::Host::Api), &state.api);
            self.show(&Host::of(store, bigcommerce::Host::Payments), &state.payments);
        }
    }

    fn show(&self, host: &Host, state: &HostState) {
        let set = |gauge: &Numbers, value: Option<u64>| match value {
            Some(value) => drop(gauge.get_or_create(host).set(number(value))),
            // Not told yet, or not any more.
            None => drop(gauge.remove(host)),
        };
        set(&self.quota, state.quota);
        set(&self.left, state.left);
        set(&self.free, Some(state.free));
        set(&self.waiting, u64::try_from(state.waiting).ok());
        set(&self.in_flight, Some(state.in_flight));
        set(&self.breaker, Some(breaker_number(state.breaker)));
        self.paused.get_or_create(host).set(state.paused_for.unwrap_or_default().as_secs_f64());
        self.held_back.get_or_create(host).inner().store(state.held_back, Ordering::Relaxed);
        self.rate_limited.get_or_create(host).inner().store(state.rate_limited, Ordering::Relaxed);
    }
}

const fn breaker_number(state: BreakerState) -> u64 {
    match state {
        BreakerState::Closed => 0,
        BreakerState::HalfOpen => 1,
        BreakerState::Open => 2,
    }
}
