//! The metrics of one process, in the text format of OpenMetrics. The names are fixed: dashboards and alerts are built on
//! them (`deploy/`).
//!
//! Guarantees: every label has a bounded set of values: fixed words, names of configured stores, routes as they are
//! declared, well-known status codes. No id, no text from outside and no secret is ever a label. Counting never waits.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::budgets::Budgets;
use super::labels::{
    AtRoute, Attempted, Called, Event, Host, Kind, OfStore, Reason, Requested, Step, Timed, Tried,
    known_method, known_status,
};
use super::process::Process;
use super::traces;
use super::vitals::Gauges;
use crate::bigcommerce::budget::Budget;
use crate::bigcommerce::{self, Priority, Seen, Unavailable};
use crate::checkout::{self, Checkout, StepName, StuckReason};
use crate::db::{CommitObserver, Db, Ended, Outcome};
use crate::saga::{self, Try};

/// What every name begins with.
const PREFIX: &str = "headless_checkout";
/// The media type of [`Metrics::page`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// In seconds: from the fastest answers to the longest time-out.
const SECONDS: [f64; 14] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The metrics of this process. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    counted: Counted,
    process: Process,
    budgets: Budgets,
    vitals: Gauges,
}

/// In seconds: what a commit takes, from a fast disk to one in trouble.
const COMMIT_SECONDS: [f64; 12] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

/// Transitions in one commit.
const GROUP_SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// What limits there are.
pub const LIMITS: &[&str] = &[
    "key",
    "address",
    "creations",
    "checkout",
    "unknown",
    "sign-in",
    "payments-of-checkout",
    "streams",
    "streams-of-checkout",
    "streams-of-key",
    "streams-of-address",
    "payments-of-shopper",
    "payments-of-address",
    "declines-of-checkout",
    "declines-of-shopper",
    "declines-of-address",
    "declines-of-key",
];

type Timings<L> = Family<L, Histogram, fn() -> Histogram>;

/// What is counted as it happens.
struct Counted {
    attempts: Family<Attempted, Counter>,
    steps: Timings<Tried>,
    transitions: Family<Event, Counter>,
    late_outcomes: Family<Step, Counter>,
    stuck: Family<Reason, Counter>,
    methods_unavailable: Family<OfStore, Counter>,
    declined: Family<OfStore, Counter>,
    leases: Gauge,
    requests: Family<Called, Counter>,
    latency: Timings<Timed>,
    abandoned: Family<Host, Counter>,
    answered: Family<Requested, Counter>,
    limited: Family<Kind, Counter>,
    answering: Timings<AtRoute>,
    commit_group_size: Histogram,
    commit_wait: Histogram,
    commit_duration: Histogram,
}

fn histogram() -> Histogram {
    Histogram::new(SECONDS)
}

fn timings<L: Clone + std::hash::Hash + Eq>() -> Timings<L> {
    Family::new_with_constructor(histogram)
}

impl Counted {
    fn register(registry: &mut Registry) -> Self {
        let counted = Self {
            attempts: Family::default(),
            steps: timings(),
            transitions: Family::default(),
            late_outcomes: Family::default(),
            stuck: Family::default(),
            methods_unavailable: Family::default(),
            declined: Family::default(),
            leases: Gauge::default(),
            requests: Family::default(),
            latency: timings(),
            abandoned: Family::default(),
            answered: Family::default(),
            limited: Family::default(),
            answering: timings(),
            commit_group_size: Histogram::new(GROUP_SIZES),
            commit_wait: Histogram::new(COMMIT_SECONDS),
            commit_duration: Histogram::new(COMMIT_SECONDS),
        };
        let c = &counted;
        registry.register("attempts", "Attempts of steps that ended, by outcome", c.attempts.clone());
        let help = "Duration of one run of a step: an attempt, or a check for the effect of an earlier one";
        registry.register_with_unit("step_duration", help, Unit::Seconds, c.steps.clone());
        registry.register(
            "transitions",
            "Transitions of checkouts that this process recorded",
            c.transitions.clone(),
        );
        let help =
            "Outcomes that came after another process had taken the checkout over: kept as evidence only";
        registry.register("late_outcomes", help, c.late_outcomes.clone());
        registry.register(
            "became_stuck",
            "Checkouts that started to need manual review, by reason",
            c.stuck.clone(),
        );
        let help = "Payments that were refused because the store takes none by their method, or its gateway is not set up";
        registry.register("payment_methods_unavailable", help, c.methods_unavailable.clone());
        registry.register("declined_payments", "Payments that were declined", c.declined.clone());
        registry.register("leases_held", "Checkouts that this process works on", c.leases.clone());
        registry.register("upstream_requests", "Calls to BigCommerce, by what came back", c.requests.clone());
        let help = "From sending a call to BigCommerce to the last byte of its answer";
        registry.register_with_unit("upstream_request_duration", help, Unit::Seconds, c.latency.clone());
        let help = "Calls to BigCommerce that were abandoned before they ended";
        registry.register("upstream_abandoned", help, c.abandoned.clone());
        registry.register("http_requests", "Requests that were answered", c.answered.clone());
        registry.register("limited_requests", "Requests that were too many, by limit", c.limited.clone());
        let help = "From a request to the head of its answer";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, c.answering.clone());
        let help = "Transitions of different checkouts that one statement wrote";
        registry.register("commit_group_size", help, c.commit_group_size.clone());
        let help = "How long a transition was queued before it was sent to the database";
        registry.register_with_unit("commit_wait", help, Unit::Seconds, c.commit_wait.clone());
        let help = "From sending a group of transitions to the database to its commit";
        registry.register_with_unit("commit_duration", help, Unit::Seconds, c.commit_duration.clone());
        counted.begin_at_zero();
        counted
    }

    /// What never happened is zero and not missing, so that its first time is an increase.
    fn begin_at_zero(&self) {
        for &step in StepName::ALL {
            for outcome in [Outcome::Succeeded, Outcome::Rejected, Outcome::Retry, Outcome::Unknown] {
                self.attempts.get_or_create_owned(&Attempted::new(step, outcome));
            }
            self.late_outcomes.get_or_create_owned(&Step::of(step));
        }
        for &kind in LIMITS {
            self.limited.get_or_create_owned(&Kind { kind });
        }
        for &event in checkout::Event::ALL {
            self.transitions.get_or_create_owned(&Event { event: event.as_str() });
        }
        for &reason in StuckReason::ALL {
            self.stuck.get_or_create_owned(&Reason { reason: reason.as_str() });
        }
    }
}

impl Metrics {
    /// Metrics of a process that uses this database. `personal_data_kept`: for how long; `None`: forever.
    pub fn new(db: Db, personal_data_kept: Option<Duration>) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version of this process", version);
        let counted = Counted::register(&mut registry);
        let process = Process::register(&mut registry);
        let budgets = Budgets::register(&mut registry);
        let vitals = Gauges::register(&mut registry, db, personal_data_kept);
        Self(Arc::new(Inner { registry, counted, process, budgets, vitals }))
    }

    pub(super) fn process(&self) -> &Process {
        &self.0.process
    }

    /// The page that Prometheus reads. What comes from the database is some seconds old; while the database is away it
    /// stays as it was, and `database_up` is 0.
    pub async fn page(&self) -> String {
        self.0.vitals.refresh().await;
        self.0.budgets.refresh();
        let mut page = String::new();
        if encode(&mut page, &self.0.registry).is_err() {
            // Writing to a text does not fail; a metric that cannot be encoded would be a mistake of ours.
            tracing::error!("the metrics could not be encoded");
        }
        page
    }

    /// Watches the calls of a store, in front of its budget.
    pub fn upstream(&self, store: &str, budget: Arc<Budget>) -> Arc<dyn bigcommerce::Observer> {
        self.0.budgets.add(store, budget.clone());
        self.0.counted.methods_unavailable.get_or_create_owned(&OfStore { store: store.to_owned() });
        self.0.counted.declined.get_or_create_owned(&OfStore { store: store.to_owned() });
        for host in [bigcommerce::Host::Api, bigcommerce::Host::Payments] {
            self.0.counted.abandoned.get_or_create_owned(&Host::of(store, host));
        }
        Arc::new(Upstream { store: store.to_owned(), budget, metrics: self.clone() })
    }

    /// Watches the engine.
    pub fn engine(&self) -> Arc<dyn saga::Observer> {
        Arc::new(Engine(self.clone(), Mutex::default()))
    }

    /// Watches the committer.
    pub fn commits(&self) -> Arc<dyn CommitObserver> {
        Arc::new(Commits(self.clone()))
    }

    /// A request was one too many. `kind`: the limit, one of [`LIMITS`].
    pub fn limited(&self, kind: &'static str) {
        self.0.counted.limited.get_or_create(&Kind { kind }).inc();
    }

    /// A request was answered. `route` is a path as it was declared.
    pub fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let counted = &self.0.counted;
        let (method, status) = (known_method(method), known_status(Some(status)));
        let requested = Requested { method, route: route.to_owned(), status };
        counted.answered.get_or_create(&requested).inc();
        let at = AtRoute { method, route: route.to_owned() };
        counted.answering.get_or_create(&at).observe(took.as_secs_f64());
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// The watch on one store's calls.
struct Upstream {
    store: String,
    budget: Arc<Budget>,
    metrics: Metrics,
}

#[async_trait]
impl bigcommerce::Observer for Upstream {
    /// Dropped while it waits: as the budget says.
    async fn before(&self, host: bigcommerce::Host, priority: Priority) -> Result<(), Unavailable> {
        self.budget.before(host, priority).await
    }

    fn after(&self, seen: &Seen) {
        self.budget.after(seen);
        let counted = &self.metrics.0.counted;
        counted.latency.get_or_create(&Timed { call: seen.name }).observe(seen.duration.as_secs_f64());
        let called = Called {
            store: self.store.clone(),
            call: seen.name,
            status: known_status(seen.status),
            outcome: seen.outcome,
        };
        counted.requests.get_or_create(&called).inc();
    }

    fn unsent(&self, host: bigcommerce::Host) {
        self.budget.unsent(host);
    }

    fn abandoned(&self, host: bigcommerce::Host) {
        self.budget.abandoned(host);
        self.metrics.0.counted.abandoned.get_or_create(&Host::of(&self.store, host)).inc();
    }
}

/// The watch on the committer.
struct Commits(Metrics);

impl CommitObserver for Commits {
    fn waited(&self, wait: Duration) {
        self.0.0.counted.commit_wait.observe(wait.as_secs_f64());
    }

    fn committed(&self, size: usize, took: Duration) {
        let counted = &self.0.0.counted;
        counted.commit_group_size.observe(f64::from(u32::try_from(size).unwrap_or(u32::MAX)));
        counted.commit_duration.observe(took.as_secs_f64());
    }
}

/// This many refused methods are told of; who names them is a shopper.
const METHODS_TOLD: usize = 1_000;

/// The watch on the engine, with the payment methods that were told to be refused, by store.
struct Engine(Metrics, Mutex<BTreeSet<(String, String)>>);

impl Engine {
    /// A payment was refused for its method: each is counted, and told once in the log.
    fn method_unavailable(&self, checkout: &Checkout) {
        let store = OfStore { store: checkout.store.clone() };
        self.0.0.counted.methods_unavailable.get_or_create(&store).inc();
        let method = checkout.input.payment.as_ref().map(|intent| intent.payment_method_id.clone());
        let method = method.unwrap_or_default();
        let mut told = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < METHODS_TOLD && told.insert((checkout.store.clone(), method.clone())) {
            // A shopper can cause it.
            tracing::warn!(
                store = checkout.store,
                payment_method_id = method,
                checkout_id = %checkout.id,
                "the store takes no payment by this method, or its gateway is not set up"
            );
        }
    }
}

impl saga::Observer for Engine {
    fn leased(&self) {
        self.0.0.counted.leases.inc();
    }

    fn let_go(&self) {
        self.0.0.counted.leases.dec();
    }

    fn moved(&self, checkout: &Checkout, event: checkout::Event, ended: Option<&Ended>) {
        let counted = &self.0.0.counted;
        counted.transitions.get_or_create(&Event { event: event.as_str() }).inc();
        if let Some(ended) = ended {
            counted.attempts.get_or_create(&Attempted::new(ended.step, ended.outcome)).inc();
            let answer = checkout.answered.as_ref().map(|answered| &answered.answer);
            if ended.step == StepName::Payment
                && matches!(answer, Some(checkout::Answer::MethodUnavailable(_)))
            {
                self.method_unavailable(checkout);
            }
            if ended.step == StepName::Payment && matches!(answer, Some(checkout::Answer::Declined(_))) {
                counted.declined.get_or_create(&OfStore { store: checkout.store.clone() }).inc();
            }
        }
        if let (checkout::Event::Stalled, Some(stuck)) = (event, &checkout.stuck) {
            counted.stuck.get_or_create(&Reason { reason: stuck.reason.as_str() }).inc();
        }
        if checkout.status.is_final() {
            traces::finished(checkout);
        }
    }

    fn tried(&self, step: StepName, what: Try, took: Duration) {
        let tried = Tried { step: step.as_str(), kind: what.as_str() };
        self.0.0.counted.steps.get_or_create(&tried).observe(took.as_secs_f64());
    }

    fn fenced_out(&self, step: StepName) {
        self.0.0.counted.late_outcomes.get_or_create(&Step::of(step)).inc();
    }
}
