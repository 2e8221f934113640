//! When a delivery is retried, when it is given up, and how a failing destination is backed off. Pure, except for
//! [`Health::calm_for`], which reads the clock.

use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::{Backoff, doubled};
use crate::db::TryEnd;

/// The longest pause of a destination that fails, after which one event is tried.
const SPARED_AT_MOST: Duration = Duration::from_mins(1);

/// The bounds of trying again.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// What the pauses start from: see [`Backoff`].
    pub base: Duration,
    /// The longest pause.
    pub cap: Duration,
    /// How long after it was queued an event is given up.
    pub give_up: Duration,
}

/// What a destination answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
}

impl Pace {
    /// What follows from a try. `failures` are those before it in a row, `age` is the time since the event was queued,
    /// `jitter` is from 0 to 1.
    pub(super) fn after(
        &self,
        answer: Result<Reply, &'static str>,
        failures: u32,
        age: Duration,
        jitter: f64,
    ) -> TryEnd {
        match answer {
            Ok(Reply { status: 200..=299, .. }) => TryEnd::Delivered,
            // Gone (Standard Webhooks): the destination wants no more of it.
            Ok(Reply { status: 410, .. }) => TryEnd::GivenUp,
            _ if age >= self.give_up => TryEnd::GivenUp,
            Ok(Reply { retry_after: Some(asked), .. }) => {
                TryEnd::Again(self.pause(failures, jitter).max(asked.min(self.cap)))
            }
            _ => TryEnd::Again(self.pause(failures, jitter)),
        }
    }

    fn pause(&self, failures: u32, jitter: f64) -> Duration {
        Backoff::new(self.base, self.cap).pause(failures, jitter)
    }
}

/// How a destination has been lately, as one process sees it. While it fails, one event at a time is tried after a
/// pause that grows, so that a dead destination is not hammered with a backlog, and is noticed soon when it is back.
#[derive(Debug, Default)]
pub(super) struct Health {
    failures: u32,
    calm_until: Option<Instant>,
}

impl Health {
    /// How many events may be begun now, given the free permits.
    pub(super) fn capacity(&self, free: usize) -> usize {
        match self.failures {
            0 => free,
            _ if !self.calm_for().is_zero() => 0,
            // One at a time: nothing else may be on its way.
            _ if free < super::MAX_CONCURRENT_DELIVERIES => 0,
            _ => 1,
        }
    }

    /// For how long it is left alone.
    pub(super) fn calm_for(&self) -> Duration {
        self.calm_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    pub(super) fn note(&mut self, delivered: bool, pace: Pace) {
        if delivered {
            *self = Self::default();
            return;
        }
        self.failures = self.failures.saturating_add(1);
        // A single failure is the event's own affair.
        let calm = match self.failures.checked_sub(2) {
            None => Duration::ZERO,
            Some(doublings) => doubled(pace.base, doublings, SPARED_AT_MOST.min(pace.cap)),
        };
        self.calm_until = Some(Instant::now() + calm);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        base: Duration::from_secs(1),
        cap: Duration::from_hours(1),
        give_up: Duration::from_hours(72),
    };

    fn answer(status: u16) -> Reply {
        Reply { status, retry_after: None }
    }

    #[test]
    fn an_answer_is_taken_as_it_was_meant() {
        let young = Duration::from_secs(5);
        for status in [200, 202, 204, 299] {
            assert_eq!(PACE.after(Ok(answer(status)), 3, young, 0.5), TryEnd::Delivered);
        }
        let statuses = [301, 400, 404, 429, 500].map(|status| Ok(answer(status)));
        for failed in statuses.into_iter().chain([Err("timeout")]) {
            assert_eq!(PACE.after(failed, 3, young, 1.0), TryEnd::Again(Duration::from_secs(8)));
            assert_eq!(PACE.after(failed, 3, PACE.give_up, 0.5), TryEnd::GivenUp);
        }
        assert_eq!(PACE.after(Ok(answer(410)), 0, young, 0.5), TryEnd::GivenUp);
        // The last try may succeed.
        assert_eq!(PACE.after(Ok(answer(200)), 90, PACE.give_up, 0.5), TryEnd::Delivered);
    }

    #[test]
    fn pauses_double_up_to_the_longest_with_full_jitter() {
        for (failures, jitter, seconds) in [
            (0, 1.0, 1.0),
            (1, 1.0, 2.0),
            (5, 1.0, 32.0),
            (5, 0.5, 16.125),
            (99, 1.0, 3600.0),
            (0, 0.0, 0.25),
        ] {
            let expected = TryEnd::Again(Duration::from_secs_f64(seconds));
            assert_eq!(
                PACE.after(Ok(answer(500)), failures, Duration::ZERO, jitter),
                expected,
                "{failures} {jitter}"
            );
        }
    }

    #[test]
    fn a_destination_says_when_to_come_back_within_reason() {
        let asks = |seconds| Ok(Reply { status: 429, retry_after: Some(Duration::from_secs(seconds)) });
        let after = |seconds| PACE.after(asks(seconds), 0, Duration::ZERO, 1.0);
        assert_eq!(after(0), TryEnd::Again(Duration::from_secs(1)));
        assert_eq!(after(120), TryEnd::Again(Duration::from_mins(2)));
        assert_eq!(after(999_999), TryEnd::Again(PACE.cap));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failing_destination_is_spared_and_noticed_when_it_is_back() {
        let mut health = Health::default();
        assert_eq!(health.capacity(8), 8);
        health.note(false, PACE);
        assert_eq!((health.capacity(8), health.capacity(7)), (1, 0), "one at a time from now on");
        health.note(false, PACE);
        assert_eq!(health.capacity(8), 0);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(health.capacity(8), 1);
        for _ in 0..40 {
            health.note(false, PACE);
        }
        assert_eq!(health.calm_for(), SPARED_AT_MOST);
        health.note(true, PACE);
        assert_eq!(health.capacity(8), 8);
    }
}
