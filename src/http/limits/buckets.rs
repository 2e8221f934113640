//! Counting by subject: a bucket for each, that fills evenly and holds as much as a whole period. Pure; the clock is the
//! caller's. Memory is bounded: of the subjects that come, at most two generations are remembered.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// Subjects of one generation. Two of them at 64 bytes each are about 13 MB.
const GENERATION: usize = 100_000;

/// The buckets of one limit.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    period: Duration,
    most: usize,
    /// When each bucket is full again.
    young: HashMap<K, Instant>,
    old: HashMap<K, Instant>,
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    /// Buckets that fill in this time.
    pub(super) fn new(period: Duration) -> Self {
        Self::holding(period, GENERATION)
    }

    fn holding(period: Duration, most: usize) -> Self {
        Self { period, most, young: HashMap::new(), old: HashMap::new() }
    }

    /// Takes one out of a bucket that holds `size`. An empty one says how long it takes until there is one again.
    pub(super) fn take(&mut self, subject: K, size: u32, now: Instant) -> Result<(), Duration> {
        let one = self.period / size.max(1);
        let full = self.full_at(&subject).map_or(now, |full| full.max(now));
        let missing = full - now;
        match (missing + one).checked_sub(self.period) {
            None | Some(Duration::ZERO) => {}
            Some(after) => return Err(after),
        }
        self.put(subject, full + one);
        Ok(())
    }

    /// Puts one back.
    pub(super) fn give_back(&mut self, subject: K, size: u32) {
        if let Some(full) = self.full_at(&subject) {
            let earlier = full.checked_sub(self.period / size.max(1));
            self.put(subject, earlier.unwrap_or(full));
        }
    }

    fn full_at(&self, subject: &K) -> Option<Instant> {
        self.young.get(subject).or_else(|| self.old.get(subject)).copied()
    }

    fn put(&mut self, subject: K, full: Instant) {
        if self.young.len() >= self.most && !self.young.contains_key(&subject) {
            // Who was not seen for a whole generation is forgotten.
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(subject, full);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn a_bucket_holds_a_whole_period_and_fills_evenly() {
        let (mut buckets, now) = (Buckets::new(MINUTE), Instant::now());
        for _ in 0..6 {
            assert_eq!(buckets.take("a", 6, now), Ok(()));
        }
        assert_eq!(buckets.take("a", 6, now), Err(Duration::from_secs(10)));
        assert_eq!(buckets.take("b", 6, now), Ok(()), "each has its own");
        let later = now + Duration::from_secs(4);
        assert_eq!(buckets.take("a", 6, later), Err(Duration::from_secs(6)));
        assert_eq!(buckets.take("a", 6, now + Duration::from_secs(10)), Ok(()));
        assert!(buckets.take("a", 6, now + Duration::from_secs(10)).is_err());
        let much_later = now + MINUTE * 3;
        assert_eq!(
            (0..9).filter(|_| buckets.take("a", 6, much_later).is_ok()).count(),
            6,
            "never more than full"
        );
        buckets.give_back("a", 6);
        assert_eq!((0..9).filter(|_| buckets.take("a", 6, much_later).is_ok()).count(), 1);
    }

    #[test]
    fn a_share_of_a_limit_is_at_least_one() {
        let (mut buckets, now) = (Buckets::new(MINUTE), Instant::now());
        assert_eq!(buckets.take("a", 0, now), Ok(()));
        assert!(buckets.take("a", 0, now).is_err());
    }

    #[test]
    fn however_many_come_the_memory_is_bounded_and_who_keeps_coming_is_remembered() {
        let (mut buckets, now) = (Buckets::holding(MINUTE, 10), Instant::now());
        let mut passed = 0;
        for subject in 1..1000 {
            passed += u32::from(buckets.take(0, 3, now).is_ok());
            assert_eq!(buckets.take(subject, 3, now), Ok(()));
            assert!(buckets.young.len() <= 10 && buckets.old.len() <= 10);
        }
        assert!(passed <= 3 * 100, "{passed}");
        let mut busy = Buckets::holding(MINUTE, 10);
        for subject in 1..9 {
            assert_eq!(busy.take(subject, 3, now), Ok(()));
        }
        for _ in 0..3 {
            assert_eq!(busy.take(0, 3, now), Ok(()));
        }
        assert!((10..15).all(|subject| busy.take(subject, 3, now).is_ok()));
        assert!(busy.take(0, 3, now).is_err(), "a generation later it is still known");
    }
}
