//! A clock that continues while the machine is suspended.
//!
//! For every other process a lease ends by PostgreSQL's clock. By a clock that stops while this machine is
//! suspended or its VM is paused (`CLOCK_MONOTONIC`, which is Rust's `Instant`), it would still last here afterwards.

use std::time::Duration;

/// A moment since this machine started, the time that it was suspended included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(Duration);

impl Moment {
    /// Now; `None` when the clock cannot be read.
    pub(crate) fn now() -> Option<Self> {
        let read = nix::time::clock_gettime(CLOCK).ok()?;
        let (seconds, nanos) = (u64::try_from(read.tv_sec()).ok()?, u32::try_from(read.tv_nsec()).ok()?);
        Some(Self(Duration::new(seconds, nanos)))
    }

    #[cfg(test)]
    pub(crate) const fn of(since_start: Duration) -> Self {
        Self(since_start)
    }

    /// This much later.
    pub(crate) const fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    /// How long after `earlier` it is; zero when it is not.
    pub(crate) const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: nix::time::ClockId = nix::time::ClockId::CLOCK_BOOTTIME;
/// Elsewhere (macOS) it is this one that goes on while the machine sleeps.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: nix::time::ClockId = nix::time::ClockId::CLOCK_MONOTONIC;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_can_be_read_and_does_not_go_back() {
        let (one, other) = (Moment::now().expect("a clock"), Moment::now().expect("a clock"));
        assert!(one <= other);
        assert_eq!(one.after(Duration::from_secs(1)).since(one), Duration::from_secs(1));
        assert_eq!(one.since(one.after(Duration::from_secs(1))), Duration::ZERO);
    }
}
