//! What this process does beside checkouts: connections, refused credentials, and background work that was started again.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::{Kind, Listener, PhaseOf, Task};
use super::metrics::Metrics;

/// What listeners there are.
const LISTENERS: [&str; 3] = ["public", "ops", "metrics"];

/// What a connection can wait for too long.
const PHASES: [&str; 3] = ["header", "idle", "write"];

/// What kinds of credentials there are.
const CREDENTIALS: [&str; 4] = ["storefront", "operator", "sign-in", "webhook"];

/// What is done without being asked, as long as the process runs.
const TASKS: [&str; 12] = [
    "recovery",
    "retention",
    "bulk-actions",
    "order-actions",
    "deliveries",
    "notifications",
    "committer",
    "accept-public",
    "accept-ops",
    "accept-metrics",
    "heartbeat",
    "connections",
];

/// The counters.
#[derive(Default)]
pub(super) struct Process {
    connections: Family<Listener, Gauge>,
    event_streams: Gauge,
    refused_connections: Family<Listener, Counter>,
    timed_out_connections: Family<PhaseOf, Counter>,
    refused_credentials: Family<Kind, Counter>,
    restarted_tasks: Family<Task, Counter>,
    troubled: Mutex<Troubled>,
}

/// Background work that does not do well.
#[derive(Default)]
struct Troubled {
    /// It failed and is not begun anew yet.
    down: BTreeSet<&'static str>,
    /// It fails again and again.
    failing: BTreeSet<&'static str>,
}

impl Process {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let all = Self::default();
        registry.register("connections", "Open connections to a listener", all.connections.clone());
        registry.register("event_streams", "Open event streams of checkouts", all.event_streams.clone());
        let help = "Connections that were one too many: closed, or answered with service-unavailable";
        registry.register("refused_connections", help, all.refused_connections.clone());
        let help = "Connections that ended because their peer took too long, by what it took too long for";
        registry.register("timed_out_connections", help, all.timed_out_connections.clone());
        let help = "Requests with a missing or unknown credential, by the kind of credential";
        registry.register("refused_credentials", help, all.refused_credentials.clone());
        let help = "How often background work of this process panicked or ended, and was begun anew";
        registry.register("restarted_tasks", help, all.restarted_tasks.clone());
        // What never happened is zero and not missing.
        for listener in LISTENERS {
            all.connections.get_or_create_owned(&Listener { listener });
            all.refused_connections.get_or_create_owned(&Listener { listener });
        }
        for phase in PHASES {
            all.timed_out_connections.get_or_create_owned(&PhaseOf { phase });
        }
        for kind in CREDENTIALS {
            all.refused_credentials.get_or_create_owned(&Kind { kind });
        }
        for task in TASKS {
            all.restarted_tasks.get_or_create_owned(&Task { task });
        }
        all
    }
}

/// An open connection or stream: it counts until this is dropped.
pub struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// A connection to this listener is open, as long as the answer lives.
    pub fn connection_opened(&self, listener: &'static str) -> OpenConnection {
        let gauge = self.process().connections.get_or_create_owned(&Listener { listener });
        gauge.inc();
        OpenConnection(gauge)
    }

    /// A checkout is followed, as long as the answer lives.
    pub fn stream_opened(&self) -> OpenConnection {
        let gauge = self.process().event_streams.clone();
        gauge.inc();
        OpenConnection(gauge)
    }

    /// A connection was one too many.
    pub fn connection_refused(&self, listener: &'static str) {
        self.process().refused_connections.get_or_create(&Listener { listener }).inc();
    }

    /// A credential was missing or not known. `kind`: what would have been.
    pub fn credential_refused(&self, kind: &'static str) {
        self.process().refused_credentials.get_or_create(&Kind { kind }).inc();
    }

    /// Background work has begun, for the first time or anew.
    pub fn background_begun(&self, task: &'static str) {
        self.troubled().down.remove(task);
    }

    /// Background work has run without a failure for some time.
    pub fn background_works(&self, task: &'static str) {
        self.troubled().failing.remove(task);
    }

    /// Background work failed and is begun anew. `often`: it fails again and again.
    pub fn background_restarted(&self, task: &'static str, often: bool) {
        self.process().restarted_tasks.get_or_create(&Task { task }).inc();
        let mut troubled = self.troubled();
        troubled.down.insert(task);
        if often {
            troubled.failing.insert(task);
        }
    }

    /// Whether some background work fails again and again.
    pub fn background_fails(&self) -> bool {
        !self.troubled().failing.is_empty()
    }

    /// Whether some background work is down and will be begun anew in a moment.
    pub fn background_is_down(&self) -> bool {
        !self.troubled().down.is_empty()
    }

    fn troubled(&self) -> std::sync::MutexGuard<'_, Troubled> {
        self.process().troubled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The peer of a connection took too long.
    pub fn connection_timed_out(&self, phase: &'static str) {
        self.process().timed_out_connections.get_or_create(&PhaseOf { phase }).inc();
    }
}
