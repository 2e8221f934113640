//! Stops calling a host that fails, and finds out when it is back.
//!
//! Guarantees: it decides about requests that were not sent yet and touches no other. One checkout whose requests fail
//! again and again cannot open it alone. While it is half open, one request at a time finds out.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::backoff::{Backoff, doubled};

/// Failures in a row that open it.
const IN_A_ROW: usize = 5;
/// What is looked back at for the share of failures.
const LOOK_BACK: Duration = Duration::from_secs(30);
const REMEMBERED: usize = 128;
/// The circuit opens when half of at least this many calls failed.
const MIN_REQUESTS: usize = 20;
/// Different checkouts among the failures, unless the host cannot even be reached.
const CALLERS: usize = 2;
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What a call says about its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// It answered, be it a refusal.
    Alive,
    /// No answer, or one that says that it is broken. It may be the request's own fault.
    Failed,
    /// No connection.
    Unreachable,
}

/// Whether a request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Permit {
    Any,
    One,
    /// One is on its way to find out.
    Wait,
    Until(Instant),
}

#[derive(Debug, Clone, Copy)]
struct Ended {
    at: Instant,
    sign: Sign,
    caller: Uuid,
}

/// What it does about calls to its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls are sent.
    Closed,
    /// Calls are held back.
    Open,
    /// One call at a time is sent to find out.
    HalfOpen,
}

impl BreakerState {
    /// Its name in logs and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Closed,
    Open { until: Instant },
    HalfOpen { since: Instant, probing: bool },
}

/// The breaker of one host.
#[derive(Debug)]
pub(super) struct Breaker {
    phase: Phase,
    recent: VecDeque<Ended>,
    /// How often it opened without having closed.
    opened: u32,
}

impl Breaker {
    pub(super) const fn new() -> Self {
        Self { phase: Phase::Closed, recent: VecDeque::new(), opened: 0 }
    }

    /// Whether a request may be sent now.
    pub(super) fn permit(&mut self, now: Instant) -> Permit {
        if let Phase::Open { until } = self.phase
            && until <= now
        {
            self.phase = Phase::HalfOpen { since: now, probing: false };
        }
        match self.phase {
            Phase::Closed => Permit::Any,
            Phase::Open { until } => Permit::Until(until),
            Phase::HalfOpen { probing: false, .. } => Permit::One,
            Phase::HalfOpen { probing: true, .. } => Permit::Wait,
        }
    }

    pub(super) fn state(&self, now: Instant) -> BreakerState {
        match self.phase {
            Phase::Closed => BreakerState::Closed,
            Phase::Open { until } if until > now => BreakerState::Open,
            Phase::Open { .. } | Phase::HalfOpen { .. } => BreakerState::HalfOpen,
        }
    }

    /// A request is sent.
    pub(super) fn sent(&mut self) {
        if let Phase::HalfOpen { probing, .. } = &mut self.phase {
            *probing = true;
        }
    }

    /// A request ended without telling anything: another one has to find out.
    pub(super) fn untold(&mut self) {
        if let Phase::HalfOpen { probing, .. } = &mut self.phase {
            *probing = false;
        }
    }

    /// A request ended. `jitter` is from 0 to 1.
    pub(super) fn ended(&mut self, sent: Instant, now: Instant, sign: Sign, caller: Uuid, jitter: f64) {
        match self.phase {
            Phase::Closed => {
                if self.recent.len() == REMEMBERED {
                    self.recent.pop_front();
                }
                self.recent.push_back(Ended { at: now, sign, caller });
                if self.should_open(now) {
                    self.open(now, jitter);
                }
            }
            // Sent before it opened: that is old news.
            Phase::Open { .. } => {}
            Phase::HalfOpen { since, .. } if sent < since => {}
            Phase::HalfOpen { .. } if sign == Sign::Alive => *self = Self::new(),
            Phase::HalfOpen { .. } => self.open(now, jitter),
        }
    }

    fn open(&mut self, now: Instant, jitter: f64) {
        let least = doubled(FIRST_PAUSE, self.opened, LONGEST_PAUSE) / 2;
        let backoff = Backoff { base: FIRST_PAUSE, least, most: LONGEST_PAUSE };
        self.phase = Phase::Open { until: now + backoff.pause(self.opened, jitter) };
        self.opened = self.opened.saturating_add(1);
        self.recent.clear();
    }

    fn should_open(&self, now: Instant) -> bool {
        let in_a_row = self.recent.iter().rev().take_while(|ended| ended.sign != Sign::Alive);
        if exceeds_threshold(in_a_row.take(IN_A_ROW), IN_A_ROW) {
            return true;
        }
        let recent = || self.recent.iter().filter(|ended| ended.at + LOOK_BACK > now);
        let all = recent().count();
        let failed = recent().filter(|ended| ended.sign != Sign::Alive);
        all >= MIN_REQUESTS && exceeds_threshold(failed, all.div_ceil(2))
    }
}

/// Whether these failures are so many, and not one checkout's own.
fn exceeds_threshold<'a>(failed: impl Iterator<Item = &'a Ended>, needed: usize) -> bool {
    let (mut count, mut unreachable, mut callers) = (0, 0, Vec::with_capacity(CALLERS));
    for ended in failed {
        count += 1;
        unreachable += usize::from(ended.sign == Sign::Unreachable);
        if callers.len() < CALLERS && !callers.contains(&ended.caller) {
            callers.push(ended.caller);
        }
    }
    count >= needed && (callers.len() >= CALLERS || unreachable >= needed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Sign::{Alive, Failed, Unreachable};

    fn after(signs: &[(Sign, u128)]) -> Breaker {
        let now = Instant::now();
        let mut breaker = Breaker::new();
        for (sign, caller) in signs {
            breaker.ended(now, now, *sign, Uuid::from_u128(*caller), 1.0);
        }
        breaker
    }

    #[test]
    fn what_opens_it() {
        let alternating = |share: usize| -> Vec<(Sign, u128)> {
            (0..24).map(|n| (if n % share == 0 { Alive } else { Failed }, n as u128)).collect()
        };
        for (name, signs, expected) in [
            ("nothing", vec![], BreakerState::Closed),
            ("four in a row", vec![(Failed, 1), (Failed, 2), (Failed, 3), (Failed, 4)], BreakerState::Closed),
            ("five in a row", (1..=5).map(|n| (Failed, n)).collect(), BreakerState::Open),
            ("one poisoned checkout", vec![(Failed, 1); 100], BreakerState::Closed),
            ("one checkout, no connection", vec![(Unreachable, 1); 5], BreakerState::Open),
            (
                "an answer in between",
                vec![(Failed, 1), (Failed, 2), (Alive, 3), (Failed, 1), (Failed, 2), (Failed, 4)],
                BreakerState::Closed,
            ),
            ("every second", alternating(2), BreakerState::Open),
            ("two of three fail", alternating(3), BreakerState::Open),
            ("refusals", (1..=50).map(|n| (Alive, n)).collect(), BreakerState::Closed),
        ] {
            assert_eq!(after(&signs).state(Instant::now()), expected, "{name}");
        }
    }

    #[test]
    fn failures_of_long_ago_do_not_count_for_the_share() {
        let start = Instant::now();
        let mut breaker = Breaker::new();
        for n in 0..200_u64 {
            // Three in a row every minute, among a few good answers.
            let now = start + Duration::from_secs(n / 6 * 60);
            let sign = if n % 2 == 0 { Failed } else { Alive };
            breaker.ended(now, now, sign, Uuid::from_u128(n.into()), 1.0);
        }
        assert_eq!(breaker.state(start + Duration::from_secs(4_000)), BreakerState::Closed);
    }

    #[test]
    fn one_probe_decides_and_pauses_double() {
        let mut now = Instant::now();
        let mut breaker = after(&[(Unreachable, 1); 5]);
        for seconds in [2, 4, 8, 16, 30, 30] {
            let Permit::Until(until) = breaker.permit(now) else { panic!("it is open") };
            assert!(until <= Instant::now() + Duration::from_mins(3));
            let began = until - Duration::from_secs(seconds);
            assert!(began <= now + Duration::from_millis(50), "{seconds}");
            now = until;
            assert_eq!(breaker.permit(now), Permit::One);
            breaker.sent();
            assert_eq!(breaker.permit(now), Permit::Wait);
            // What had been sent before is no answer to the question.
            breaker.ended(now - Duration::from_secs(1), now, Alive, Uuid::nil(), 1.0);
            assert_eq!(breaker.permit(now), Permit::Wait);
            breaker.ended(now, now, Failed, Uuid::nil(), 1.0);
        }
        let Permit::Until(until) = breaker.permit(now) else { panic!("it is open") };
        assert_eq!(breaker.permit(until), Permit::One);
        breaker.sent();
        breaker.untold();
        assert_eq!(breaker.permit(until), Permit::One);
        breaker.sent();
        breaker.ended(until, until, Alive, Uuid::nil(), 1.0);
        assert_eq!(breaker.permit(until), Permit::Any);
    }
}
