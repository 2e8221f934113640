//! The rate budget and the circuit breakers of one store.
//!
//! BigCommerce: API rate limits. Guarantees: a known quota is not exceeded by all processes together (see [`Replicas`]); it
//! is spent in the order of [`Priority`]; a call is delayed only before it is sent, and the delay is bounded. Nothing here
//! ever sends, repeats or cancels a call.
//!
//! Each host has its own lane ([`lane`]). A lane only decides; its clock, its jitter and its lock are here.

mod breaker;
mod lane;
mod overload;
mod pace;
mod replicas;
mod share;
mod window;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

use super::{Host, Observer, Priority, Seen, Unavailable, UnavailableReason};
pub use breaker::BreakerState;
use lane::{Admission, Allowance, Lane};
use pace::Pace;
pub use replicas::Replicas;

/// The timer's resolution.
const TICK: Duration = Duration::from_millis(1);

/// The budget and the breakers of one store.
#[derive(Debug)]
pub struct Budget {
    store: String,
    replicas: Replicas,
    hosts: Mutex<Hosts>,
    /// Those who wait have to look earlier than they were told.
    earlier: Notify,
}

#[derive(Debug)]
struct Hosts {
    api: Lane,
    payments: Lane,
    /// When those who wait for a host look again.
    looks: [Option<Instant>; 2],
    /// Who waits for a verdict, by ticket.
    waiting: HashMap<u64, oneshot::Sender<Admission>>,
    next_ticket: u64,
}

/// Where the budget of a store stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetState {
    /// Processes among which the quotas are shared.
    pub replicas: u32,
    /// `api.bigcommerce.com`
    pub api: HostState,
    /// `payments.bigcommerce.com`
    pub payments: HostState,
}

/// Where one host of a store stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostState {
    /// Requests of the whole store in one window; `None` until an answer told.
    pub quota: Option<u64>,
    /// What the last answer reported as left for the whole store; `None` when no answer of this window did.
    pub left: Option<u64>,
    /// What this process may still send in this window.
    pub free: u64,
    /// Until the window is over.
    pub resets_in: Option<Duration>,
    /// Calls that were sent and have not ended.
    pub in_flight: u64,
    /// Calls that wait for their turn.
    pub waiting: usize,
    /// Until calls are sent again after a 429; `None`: it is not paused.
    pub paused_for: Option<Duration>,
    /// The circuit breaker.
    pub breaker: BreakerState,
    /// Calls that were not sent since the start of the process.
    pub held_back: u64,
    /// 429 answers since the start.
    pub rate_limited: u64,
    /// The credentials were refused (401), and nothing has succeeded since.
    pub unauthorized: bool,
}

impl Hosts {
    fn lane(&mut self, host: Host) -> &mut Lane {
        match host {
            Host::Api => &mut self.api,
            Host::Payments => &mut self.payments,
        }
    }
}

/// A call's place in the queue. Dropped before its verdict was taken: the place is given up.
struct Place<'a> {
    budget: &'a Budget,
    host: Host,
    priority: Priority,
    ticket: u64,
    verdict: oneshot::Receiver<Admission>,
    taken: bool,
}

impl Budget {
    /// The budget of a store, by the name that logs give it.
    pub fn new(store: &str, replicas: Replicas) -> Self {
        let now = Instant::now();
        let hosts = Hosts {
            api: Lane::api(now),
            payments: Lane::payments(),
            looks: [None, None],
            waiting: HashMap::new(),
            next_ticket: 0,
        };
        Self { store: store.to_owned(), replicas, hosts: Mutex::new(hosts), earlier: Notify::new() }
    }

    /// Where it stands now.
    pub fn state(&self) -> BudgetState {
        let now = Instant::now();
        let mut hosts = self.lock();
        let seen = self.replicas.look(now);
        hosts.api.observe(seen, now);
        hosts.payments.observe(seen, now);
        BudgetState {
            replicas: seen.0,
            api: host_state(&mut hosts.api, now),
            payments: host_state(&mut hosts.payments, now),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Hosts> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, host: Host, priority: Priority) -> Place<'_> {
        let (sender, verdict) = oneshot::channel();
        let mut hosts = self.lock();
        let ticket = hosts.next_ticket;
        hosts.next_ticket += 1;
        hosts.waiting.insert(ticket, sender);
        hosts.lane(host).enter(ticket, priority, Instant::now());
        Place { budget: self, host, priority, ticket, verdict, taken: false }
    }

    /// Hands out what can be decided now; answers when to ask again.
    fn turn(&self, host: Host) -> Option<Instant> {
        self.turn_of(&mut self.lock(), host)
    }

    fn turn_of(&self, hosts: &mut Hosts, host: Host) -> Option<Instant> {
        let now = Instant::now();
        let seen = self.replicas.look(now);
        let lane = hosts.lane(host);
        lane.observe(seen, now);
        let turn = lane.turn(now);
        for (ticket, verdict) in turn.decided {
            if let Some(sender) = hosts.waiting.remove(&ticket) {
                // Its receiver lives for as long as it is in the map.
                let _ = sender.send(verdict);
            }
        }
        let look = turn.wake.map(|wake| wake.max(now + TICK));
        let [api, payments] = &mut hosts.looks;
        let known = match host {
            Host::Api => api,
            Host::Payments => payments,
        };
        if look.is_some_and(|look| known.is_none_or(|known| look < known || known <= now)) {
            self.earlier.notify_waiters();
        }
        *known = look;
        look
    }

    fn log(&self, host: Host, before: BreakerState, after: BreakerState, paused: Option<Duration>) {
        let (store, host) = (self.store.as_str(), host.name());
        if before != after {
            match after {
                BreakerState::Open => tracing::warn!(store, host, "BigCommerce fails: calls are held back"),
                BreakerState::Closed => tracing::info!(store, host, "BigCommerce answers again"),
                BreakerState::HalfOpen => {}
            }
        }
        if let Some(paused) = paused {
            let pause_ms = u64::try_from(paused.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(store, host, pause_ms, "BigCommerce limits the rate: calls are held back");
        }
    }
}

#[async_trait]
impl Observer for Budget {
    /// Dropped while it waits: its place in the queue is given up.
    async fn before(&self, host: Host, priority: Priority) -> Result<(), Unavailable> {
        let mut place = self.enter(host, priority);
        loop {
            // Before the turn, so that no news is missed.
            let earlier = self.earlier.notified();
            let wake = self.turn(host);
            let woken = async {
                match wake {
                    Some(wake) => sleep_until(wake).await,
                    // Nobody waits any more, so there is a verdict.
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                verdict = &mut place.verdict => {
                    place.taken = true;
                    return match verdict {
                        Ok(Admission::Go) => Ok(()),
                        Ok(Admission::Refused { retry_after }) => Err(held_back(retry_after)),
                        // The sender is dropped after it was used only.
                        Err(_) => Err(held_back(Duration::ZERO)),
                    };
                }
                () = woken => {}
                () = earlier => {}
            }
        }
    }

    fn after(&self, seen: &Seen) {
        let jitter = rand::random();
        let mut hosts = self.lock();
        let now = Instant::now();
        let lane = hosts.lane(seen.host);
        let (before, paused) = (lane.breaker_state(now), lane.paused_until(now));
        lane.ended(seen, now, jitter);
        let (after, until) = (lane.breaker_state(now), lane.paused_until(now));
        self.turn_of(&mut hosts, seen.host);
        drop(hosts);
        self.log(seen.host, before, after, until.filter(|_| until > paused).map(|until| until - now));
    }

    fn unsent(&self, host: Host) {
        let mut hosts = self.lock();
        hosts.lane(host).unsent();
        self.turn_of(&mut hosts, host);
    }

    fn abandoned(&self, host: Host) {
        let mut hosts = self.lock();
        hosts.lane(host).abandoned(Instant::now());
        self.turn_of(&mut hosts, host);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.taken {
            return;
        }
        let mut hosts = self.budget.lock();
        if hosts.waiting.remove(&self.ticket).is_some() {
            hosts.lane(self.host).leave(self.ticket, self.priority);
        } else if let Ok(Admission::Go) = self.verdict.try_recv() {
            hosts.lane(self.host).unsent();
        }
        self.budget.turn_of(&mut hosts, self.host);
    }
}

fn held_back(retry_after: Duration) -> Unavailable {
    Unavailable { reason: UnavailableReason::HeldBack, retry_after: Some(retry_after) }
}

fn host_state(lane: &mut Lane, now: Instant) -> HostState {
    let (quota, left, free, next) = match &mut lane.allowance {
        Allowance::Window(window) => {
            let free = window.free(now);
            let (quota, left) = window.reported();
            (quota, left, free, window.next())
        }
        Allowance::Pace(pace) => (Some(Pace::quota()), None, pace.free(now), pace.next()),
    };
    let until = |at: Instant| at.saturating_duration_since(now);
    HostState {
        quota,
        left,
        free,
        resets_in: next.map(until),
        in_flight: lane.in_flight(),
        waiting: lane.waiting(),
        paused_for: lane.paused_until(now).map(until),
        breaker: lane.breaker_state(now),
        held_back: lane.held_back,
        rate_limited: lane.rate_limited,
        unauthorized: lane.unauthorized,
    }
}

#[cfg(test)]
mod tests;
