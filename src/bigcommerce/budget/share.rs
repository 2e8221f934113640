//! The part of a quota that this process may spend while others spend theirs.
//!
//! Guarantees: when a process joins, the part shrinks at once; when one leaves, it grows only after what the other may
//! still have spent is known or forgotten.

use tokio::time::Instant;

/// One of this many equal parts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    live: u32,
    /// A smaller number of processes, and since when it is known.
    fewer: Option<(u32, Instant)>,
}

impl Default for Share {
    fn default() -> Self {
        Self { live: 1, fewer: None }
    }
}

impl Share {
    /// Takes note of how many processes are alive.
    pub(super) fn observe(&mut self, live: u32, now: Instant) {
        let live = live.max(1);
        if live >= self.live {
            *self = Self { live, fewer: None };
        } else if self.fewer.is_none_or(|(fewer, _)| fewer != live) {
            self.fewer = Some((live, now));
        }
    }

    /// Whatever was spent before `known` is known: whoever had left by then no longer counts.
    pub(super) fn settle(&mut self, known: Instant) {
        if let Some((live, since)) = self.fewer
            && since <= known
        {
            *self = Self { live, fewer: None };
        }
    }

    /// Our part, rounded down, so that the parts never add up to more than the whole.
    pub(super) fn of(self, whole: u64) -> u64 {
        whole / u64::from(self.live)
    }

    /// Our part of a fresh window: at least one, or nothing would ever be learnt.
    pub(super) fn of_window(self, quota: u64) -> u64 {
        self.of(quota).max(1)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_shrinks_at_once_and_grows_when_the_past_is_known() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut share = Share::default();
        assert_eq!(share.of(151), 151);
        share.observe(2, at(0));
        assert_eq!(share.of(151), 75);
        share.observe(1, at(5));
        share.observe(1, at(8));
        assert_eq!(share.of(151), 75);
        share.settle(at(4));
        assert_eq!(share.of(151), 75, "what the other spent until the fifth second is not known yet");
        share.settle(at(5));
        assert_eq!(share.of(151), 151);
        share.observe(0, at(9));
        assert_eq!(share.of(3), 3, "this process is alive, whatever the database says");
    }
}
