//! Pauses after a 429.
//!
//! With headers, BigCommerce says until when. Without, the platform is overloaded (BigCommerce: API rate limits): then
//! the pause has a floor, grows with each refusal and is jittered, and afterwards one request at a time is sent until
//! the refusals have been answered for.

use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::Backoff;

const LONGEST: Duration = Duration::from_mins(1);
/// Doubled so often, every floor has passed the longest pause.
const HIGHEST_LEVEL: u32 = 6;

/// Where a host stands after refusals.
#[derive(Debug)]
pub(super) struct Overload {
    floor: Duration,
    /// How often it was refused without headers, halved by each good answer.
    level: u32,
    /// When the last pause without headers began.
    began: Option<Instant>,
    until: Option<Instant>,
}

impl Overload {
    /// No pause without headers is shorter than `floor`.
    pub(super) const fn new(floor: Duration) -> Self {
        Self { floor, level: 0, began: None, until: None }
    }

    /// The headers said how long.
    pub(super) fn told(&mut self, until: Instant) {
        self.until = self.until.max(Some(until));
    }

    /// A 429 without headers. `jitter` is from 0 to 1.
    pub(super) fn refused(&mut self, sent: Instant, now: Instant, jitter: f64) {
        // One burst is one refusal, however many of its requests are refused.
        if self.began.is_some_and(|began| sent < began) {
            return;
        }
        self.level = (self.level + 1).min(HIGHEST_LEVEL);
        let backoff = Backoff { base: self.floor, least: self.floor, most: LONGEST };
        self.began = Some(now);
        self.told(now + backoff.pause(self.level, jitter));
    }

    /// The host took a request.
    pub(super) fn answered(&mut self, sent: Instant) {
        if self.began.is_some_and(|began| sent >= began) {
            self.level /= 2;
            if self.level == 0 {
                self.began = None;
            }
        }
    }

    /// Until when nothing is sent.
    pub(super) fn paused_until(&self, now: Instant) -> Option<Instant> {
        self.until.filter(|until| *until > now)
    }

    /// Whether the host is still being tried with one request at a time.
    pub(super) const fn is_trying(&self) -> bool {
        self.level > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_shrink_between_the_floor_and_a_minute() {
        let floor = Duration::from_secs(2);
        for (jitter, expected) in [(0.0, [2, 2, 2, 2, 2, 2, 2]), (1.0, [4, 8, 16, 32, 60, 60, 60])] {
            let mut overload = Overload::new(floor);
            let mut now = Instant::now();
            for seconds in expected {
                overload.refused(now, now, jitter);
                let until = overload.paused_until(now).expect("a pause");
                assert_eq!(until - now, Duration::from_secs(seconds));
                now = until;
                assert_eq!(overload.paused_until(now), None);
            }
            for trying in [true, true, false] {
                overload.answered(now);
                assert_eq!(overload.is_trying(), trying);
            }
        }
    }

    #[test]
    fn a_burst_is_refused_once_and_its_late_successes_prove_nothing() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut overload = Overload::new(Duration::from_secs(2));
        for _ in 0..20 {
            overload.refused(at(0), at(100), 1.0);
        }
        assert_eq!(overload.paused_until(at(100)), Some(at(4_100)));
        overload.answered(at(50));
        assert!(overload.is_trying());
        overload.answered(at(4_100));
        assert!(!overload.is_trying());
    }

    #[test]
    fn the_longest_of_what_was_told_wins() {
        let start = Instant::now();
        let mut overload = Overload::new(Duration::from_secs(2));
        overload.told(start + Duration::from_secs(9));
        overload.told(start + Duration::from_secs(3));
        assert_eq!(overload.paused_until(start), Some(start + Duration::from_secs(9)));
        assert!(!overload.is_trying());
    }
}
