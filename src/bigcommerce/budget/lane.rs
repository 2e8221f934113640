//! One host of one store: which call may be sent now, which waits, which is rejected until later. Pure: time and jitter are
//! passed in.
//!
//! Guarantees: a call never waits behind one of a lower priority, and within a priority first come is first served. The
//! lower priorities leave a reserve to the higher ones. A call that cannot be sent within the wait of its priority is
//! rejected with the time to retry.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::breaker::{Breaker, BreakerState, Permit, Sign};
use super::overload::Overload;
use super::pace::Pace;
use super::replicas::Newcomer;
use super::window::Window;
use crate::bigcommerce::{Host, Priority, Seen};

/// The delay when it is not known how long it takes.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The share of a window, in percent, that a priority may use up.
const fn may_use(priority: Priority) -> u64 {
    match priority {
        Priority::Payment => 100,
        Priority::Order => 95,
        Priority::Shopper => 85,
        Priority::Recovery => 70,
        Priority::BackOffice => 50,
    }
}

/// How long a call waits for its turn at the API host.
const fn patience(priority: Priority) -> Duration {
    Duration::from_secs(match priority {
        // A whole window: a payment is not sent back as long as it can be sent.
        Priority::Payment => 31,
        Priority::Order => 20,
        Priority::Shopper | Priority::Recovery => 10,
        Priority::BackOffice => 5,
    })
}

/// A payment comes to its host with an access token that ages: rather than wait long, it is told when to mint another.
const PAYMENTS_PATIENCE: Duration = Duration::from_secs(2);

/// The shortest pause after a 429 without headers.
const FLOOR: Duration = Duration::from_secs(2);

/// How requests to a host are counted.
#[derive(Debug)]
pub(super) enum Allowance {
    Window(Window),
    Pace(Pace),
}

/// What becomes of a call that waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// It counts as sent from now on.
    Go,
    /// It is held back.
    Refused { retry_after: Duration },
}

/// What was decided, and when to ask again at the latest.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) decided: Vec<(u64, Admission)>,
    pub(super) wake: Option<Instant>,
}

/// What keeps a call from being sent.
#[derive(Debug, Clone, Copy)]
enum Obstacle {
    /// The host is not called.
    Broken(Instant),
    /// Nothing can change before.
    Until(Instant),
    /// An answer that is on its way, or at the latest this moment, may change it.
    Busy(Option<Instant>),
}

/// One host of one store.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) allowance: Allowance,
    overload: Overload,
    breaker: Breaker,
    /// Who waits, in order, and until when.
    queue: BTreeMap<(Priority, u64), Instant>,
    in_flight: u64,
    newcomer: Option<Newcomer>,
    pub(super) held_back: u64,
    pub(super) rate_limited: u64,
    /// The last answer that says something of the credentials refused them.
    pub(super) unauthorized: bool,
}

impl Lane {
    pub(super) fn api(now: Instant) -> Self {
        Self::new(Allowance::Window(Window::new(now)))
    }

    pub(super) fn payments() -> Self {
        Self::new(Allowance::Pace(Pace::default()))
    }

    fn new(allowance: Allowance) -> Self {
        Self {
            allowance,
            overload: Overload::new(FLOOR),
            breaker: Breaker::new(),
            queue: BTreeMap::new(),
            in_flight: 0,
            newcomer: None,
            held_back: 0,
            rate_limited: 0,
            unauthorized: false,
        }
    }

    /// Takes note of how many processes share the quota.
    pub(super) fn observe(&mut self, (live, newcomer): (u32, Option<Newcomer>), now: Instant) {
        self.newcomer = newcomer;
        match &mut self.allowance {
            Allowance::Window(window) => window.share.observe(live, now),
            Allowance::Pace(pace) => pace.share.observe(live, now),
        }
    }

    /// A call wants to be sent. Tickets grow.
    pub(super) fn enter(&mut self, ticket: u64, priority: Priority, now: Instant) {
        let patience = match self.allowance {
            Allowance::Window(_) => patience(priority),
            Allowance::Pace(_) => PAYMENTS_PATIENCE,
        };
        self.queue.insert((priority, ticket), now + patience);
    }

    /// A call no longer waits.
    pub(super) fn leave(&mut self, ticket: u64, priority: Priority) {
        self.queue.remove(&(priority, ticket));
    }

    /// Decides what can be decided now.
    pub(super) fn turn(&mut self, now: Instant) -> Turn {
        let mut turn = Turn::default();
        while let Some((&(priority, ticket), _)) = self.queue.first_key_value() {
            if self.obstacle(priority, now).is_some() {
                break;
            }
            self.queue.pop_first();
            self.send(now);
            turn.decided.push((ticket, Admission::Go));
        }
        self.refuse(&mut turn, now);
        turn
    }

    /// Tells those who wait in vain, and finds out when to look again.
    fn refuse(&mut self, turn: &mut Turn, now: Instant) {
        let mut known: Option<(Priority, Obstacle)> = None;
        let mut refused = Vec::new();
        let waiting: Vec<_> = self.queue.iter().map(|(key, deadline)| (*key, *deadline)).collect();
        for ((priority, ticket), deadline) in waiting {
            let obstacle = match known {
                Some((of, obstacle)) if of == priority => obstacle,
                // The first one is blocked, and so are all behind it.
                _ => self.obstacle(priority, now).unwrap_or(Obstacle::Busy(None)),
            };
            known = Some((priority, obstacle));
            let (in_vain, change) = match obstacle {
                Obstacle::Broken(until) => (true, Some(until)),
                Obstacle::Until(at) => (at > deadline, Some(at)),
                Obstacle::Busy(at) => (false, at),
            };
            if in_vain || deadline <= now {
                let retry_after = change.map_or(DEFAULT_RETRY_AFTER, |at| at.saturating_duration_since(now));
                turn.decided.push((ticket, Admission::Refused { retry_after }));
                refused.push((priority, ticket));
            } else {
                let look = change.map_or(deadline, |at| at.min(deadline));
                turn.wake = Some(turn.wake.map_or(look, |wake| wake.min(look)));
            }
        }
        self.held_back = self.held_back.saturating_add(refused.len() as u64);
        for key in refused {
            self.queue.remove(&key);
        }
    }

    fn obstacle(&mut self, priority: Priority, now: Instant) -> Option<Obstacle> {
        let permit = self.breaker.permit(now);
        if let Permit::Until(until) = permit {
            return Some(Obstacle::Broken(until));
        }
        if let Some(until) = self.overload.paused_until(now) {
            return Some(Obstacle::Until(until));
        }
        if permit == Permit::Wait || (self.overload.is_trying() && self.in_flight > 0) {
            return Some(Obstacle::Busy(None));
        }
        let (free, size, next) = match &mut self.allowance {
            Allowance::Window(window) => {
                if let Some((most, next)) = window.concurrency(now)
                    && window.untold() >= most
                {
                    return Some(Obstacle::Busy(Some(next)));
                }
                (window.free(now), window.size(), window.next())
            }
            Allowance::Pace(pace) => (pace.free(now), pace.size(), pace.next()),
        };
        // The others may spend our share too, so it is approached with a distance.
        if let Some(newcomer) = self.newcomer
            && self.in_flight >= (free / 4).max(1)
        {
            return Some(Obstacle::Busy(newcomer.until));
        }
        if free > reserve(priority, size) {
            return None;
        }
        Some(match (&self.allowance, next) {
            // An answer may report more than was feared.
            (Allowance::Window(_), next) if self.in_flight > 0 => Obstacle::Busy(next),
            (_, Some(next)) => Obstacle::Until(next.max(now)),
            (_, None) => Obstacle::Busy(None),
        })
    }

    fn send(&mut self, now: Instant) {
        self.in_flight += 1;
        self.breaker.sent();
        match &mut self.allowance {
            Allowance::Window(window) => window.sent(now),
            Allowance::Pace(pace) => pace.sent(now),
        }
    }

    /// A call that was let go was not sent after all.
    pub(super) fn unsent(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.breaker.untold();
        match &mut self.allowance {
            Allowance::Window(window) => window.unsent(),
            Allowance::Pace(pace) => pace.unsent(),
        }
    }

    /// Nobody will know how a call ended that was sent.
    pub(super) fn abandoned(&mut self, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.breaker.untold();
        if let Allowance::Window(window) = &mut self.allowance {
            window.abandoned(now);
        }
    }

    /// A call ended.
    pub(super) fn ended(&mut self, seen: &Seen, now: Instant, jitter: f64) {
        let sent = now.checked_sub(seen.duration).unwrap_or(now);
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Allowance::Window(window) = &mut self.allowance {
            window.ended(sent, now, &seen.rate_limit);
        }
        match seen.status {
            // Payments carry a token of their own, which ends by itself.
            _ if seen.host == Host::Payments => {}
            Some(401) => self.unauthorized = true,
            Some(200..300) => self.unauthorized = false,
            // A 403 is about the scope of one call; anything else says nothing of the credentials.
            _ => {}
        }
        let sign = sign(seen);
        if seen.status == Some(429) {
            self.rate_limited = self.rate_limited.saturating_add(1);
            match seen.rate_limit.wait() {
                Some(wait) => self.overload.told(now + wait),
                None => self.overload.refused(sent, now, jitter),
            }
        } else if sign == Sign::Alive {
            self.overload.answered(sent);
        }
        self.breaker.ended(sent, now, sign, seen.correlation_id, jitter);
    }

    pub(super) fn breaker_state(&self, now: Instant) -> BreakerState {
        self.breaker.state(now)
    }

    pub(super) fn paused_until(&self, now: Instant) -> Option<Instant> {
        self.overload.paused_until(now)
    }

    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    pub(super) const fn in_flight(&self) -> u64 {
        self.in_flight
    }
}

/// What a priority leaves to those above it. A window of one request has no reserve.
fn reserve(priority: Priority, size: u64) -> u64 {
    let part = size.saturating_mul(100 - may_use(priority)).div_ceil(100);
    part.min(size.saturating_sub(1))
}

/// What an answer, or its absence, says about the host.
fn sign(seen: &Seen) -> Sign {
    match seen.status {
        None if seen.outcome == "unavailable" => Sign::Unreachable,
        // 501 and 507 are about the request and the plan.
        Some(501 | 507) => Sign::Alive,
        None | Some(500..) => Sign::Failed,
        // It broke off.
        Some(200..=299) if seen.outcome == "unknown" => Sign::Failed,
        Some(_) => Sign::Alive,
    }
}

#[cfg(test)]
#[path = "lane_tests.rs"]
mod tests;
