//! How long to wait before another try. Pure: the random number is passed in.

use std::time::Duration;

/// Exponential backoff with jitter. Each pause is drawn evenly between `least` and an upper bound, which is `base` at first
/// and doubles with each failure up to `most`, so that those who failed together do not come back together.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// The first upper bound.
    pub base: Duration,
    /// No pause is shorter, even where the upper bound is.
    pub least: Duration,
    /// No upper bound is higher.
    pub most: Duration,
}

impl Backoff {
    /// The usual one: never shorter than a quarter of `base`.
    pub fn new(base: Duration, most: Duration) -> Self {
        Self { base, least: base / 4, most }
    }

    /// The pause after the upper bound has doubled `doublings` times. `jitter` is from 0 (the shortest pause) to 1.
    pub fn pause(&self, doublings: u32, jitter: f64) -> Duration {
        let spread = doubled(self.base, doublings, self.most).saturating_sub(self.least);
        self.least + spread.mul_f64(jitter.clamp(0.0, 1.0))
    }
}

/// `base`, doubled so often, and never more than `most`: the bound of a [`Backoff`], or a pause without jitter.
pub fn doubled(base: Duration, doublings: u32, most: Duration) -> Duration {
    base.saturating_mul(2_u32.saturating_pow(doublings)).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_pause_lies_between_the_least_and_a_bound_that_doubles() {
        let usual = Backoff { base: ms(200), least: ms(50), most: ms(30_000) };
        // The least is the bound at first, as where a floor is all that is known.
        let floor = Backoff { base: ms(2_000), least: ms(2_000), most: ms(60_000) };
        let none = Backoff { base: ms(100), least: ms(0), most: ms(1_000) };
        let inverted = Backoff { base: ms(100), least: ms(500), most: ms(300) };
        for (backoff, doublings, jitter, expected) in [
            (usual, 0, 0.0, ms(50)),
            (usual, 0, 1.0, ms(200)),
            (usual, 1, 1.0, ms(400)),
            (usual, 1, 0.5, ms(225)),
            (usual, 9, 0.0, ms(50)),
            (usual, 9, 1.0, ms(30_000)),
            (usual, u32::MAX, 1.0, ms(30_000)),
            (floor, 0, 1.0, ms(2_000)),
            (floor, 1, 0.0, ms(2_000)),
            (floor, 1, 0.5, ms(3_000)),
            (floor, 5, 1.0, ms(60_000)),
            (none, 2, 0.25, ms(100)),
            (none, 3, 0.0, ms(0)),
            // A bound below the least leaves the least.
            (inverted, 4, 1.0, ms(500)),
            // What is no number from 0 to 1 is the nearest one.
            (usual, 0, -3.0, ms(50)),
            (usual, 0, 7.0, ms(200)),
        ] {
            assert_eq!(backoff.pause(doublings, jitter), expected, "{backoff:?} {doublings} {jitter}");
        }
    }

    #[test]
    fn doubling_ends_at_the_most() {
        for (doublings, expected) in [(0, 250), (1, 500), (4, 4_000), (5, 5_000), (200, 5_000)] {
            assert_eq!(doubled(ms(250), doublings, ms(5_000)), ms(expected), "{doublings}");
        }
        assert_eq!(doubled(Duration::MAX, 3, Duration::MAX), Duration::MAX);
        assert_eq!(doubled(Duration::ZERO, 31, ms(1)), Duration::ZERO);
    }
}
