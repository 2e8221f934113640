//! Pauses that grow with each failure in a row. Pure; the clock is the caller's. Memory is bounded as that of the buckets is.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// Subjects of one generation; at most two are remembered.
const GENERATION: usize = 20_000;
/// Slips that cost nothing.
const FREE: u32 = 5;
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_mins(15);
/// This long after the last failure nothing is left of them.
const FORGOTTEN: Duration = Duration::from_hours(1);

/// Failures of one subject.
#[derive(Debug, Clone, Copy)]
struct Failures {
    times: u32,
    last: Instant,
}

/// Who has to pause.
#[derive(Debug)]
pub(super) struct Pauses<K> {
    most: usize,
    young: HashMap<K, Failures>,
    old: HashMap<K, Failures>,
}

impl<K: Eq + Hash> Pauses<K> {
    pub(super) fn new() -> Self {
        Self { most: GENERATION, young: HashMap::new(), old: HashMap::new() }
    }

    /// How long the pause of this subject still lasts; `None`: there is none.
    pub(super) fn left(&self, subject: &K, now: Instant) -> Option<Duration> {
        let failures = self.known(subject, now)?;
        let pause = FIRST.saturating_mul(2u32.saturating_pow(failures.times.checked_sub(FREE)?)).min(LONGEST);
        pause.checked_sub(now - failures.last).filter(|left| !left.is_zero())
    }

    /// One more failure.
    pub(super) fn failed(&mut self, subject: K, now: Instant) {
        let times = self.known(&subject, now).map_or(0, |failures| failures.times);
        if self.young.len() >= self.most && !self.young.contains_key(&subject) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(subject, Failures { times: times.saturating_add(1), last: now });
    }

    /// A success: nothing is left of the failures before it.
    pub(super) fn succeeded(&mut self, subject: &K) {
        self.young.remove(subject);
        self.old.remove(subject);
    }

    fn known(&self, subject: &K, now: Instant) -> Option<Failures> {
        let known = self.young.get(subject).or_else(|| self.old.get(subject)).copied();
        known.filter(|failures| now - failures.last < FORGOTTEN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_with_each_failure_in_a_row_and_is_forgotten() {
        let (mut pauses, mut now) = (Pauses::new(), Instant::now());
        let fails = |pauses: &mut Pauses<&str>, now: Instant| {
            pauses.failed("a", now);
            pauses.left(&"a", now).map(|left| left.as_secs())
        };
        let told: Vec<_> = (0..8).map(|_| fails(&mut pauses, now)).collect();
        assert_eq!(told, [None, None, None, None, Some(2), Some(4), Some(8), Some(16)]);
        assert_eq!(pauses.left(&"b", now), None, "each has its own");
        now += Duration::from_secs(15);
        assert_eq!(pauses.left(&"a", now), Some(Duration::from_secs(1)));
        now += Duration::from_secs(1);
        assert_eq!(pauses.left(&"a", now), None);
        let told: Vec<_> = (0..40).map(|_| fails(&mut pauses, now)).collect();
        assert_eq!((told[0], told.last()), (Some(32), Some(&Some(900))));
        pauses.succeeded(&"a");
        assert_eq!(fails(&mut pauses, now), None);
        for _ in 0..9 {
            fails(&mut pauses, now);
        }
        assert_eq!(fails(&mut pauses, now + FORGOTTEN), None);
    }

    #[test]
    fn however_many_come_the_memory_is_bounded() {
        let (mut pauses, now) = (Pauses { most: 10, ..Pauses::new() }, Instant::now());
        for subject in 1..1000 {
            pauses.failed(0, now);
            pauses.failed(subject, now);
            assert!(pauses.young.len() <= 10 && pauses.old.len() <= 10);
        }
        assert_eq!(pauses.left(&0, now), Some(LONGEST));
    }
}
