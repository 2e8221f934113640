//! The simulator's clock: real time plus an offset that tests may move, and the ways BigCommerce writes a time.

use std::sync::atomic::{AtomicI64, Ordering};

use time::format_description::well_known::Rfc2822;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

/// Real time plus an offset in seconds.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    offset_seconds: AtomicI64,
}

impl Clock {
    /// Now, by this clock.
    pub(crate) fn now(&self) -> OffsetDateTime {
        let offset = Duration::seconds(self.offset_seconds.load(Ordering::Relaxed));
        let real = OffsetDateTime::now_utc();
        real.checked_add(offset).unwrap_or(real)
    }

    /// Moves the clock; negative values move it back.
    pub(crate) fn advance(&self, seconds: i64) {
        self.offset_seconds.fetch_add(seconds.clamp(-4_000_000_000, 4_000_000_000), Ordering::Relaxed);
    }

    /// Back to real time.
    pub(crate) fn reset(&self) {
        self.offset_seconds.store(0, Ordering::Relaxed);
    }
}

/// `2023-09-28T20:30:33+00:00`, as V3 writes times.
pub(crate) fn iso(at: OffsetDateTime) -> String {
    at.format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]+00:00")).unwrap_or_default()
}

/// `Tue, 05 Mar 2019 21:40:11 +0000`, as V2 writes times.
pub(crate) fn rfc2822(at: OffsetDateTime) -> String {
    at.format(&Rfc2822).unwrap_or_default()
}
