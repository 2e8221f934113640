//! The quota of the API host: fixed windows, known from the headers of each answer.
//!
//! BigCommerce: API rate limits. Guarantees: what this process spends in a window is at most its share of the quota, and
//! at most its share of what an answer reported as left. Requests without an answer count as spent until a later answer
//! tells better, so that concurrency cannot overshoot. An answer that comes late never adds anything.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::share::Share;
use crate::bigcommerce::{RateLimit, error::LONGEST_WINDOW};

/// Before any answer: the smallest quota that BigCommerce documents (Standard and Plus).
const FIRST_QUOTA: u64 = 150;
const FIRST_LENGTH: Duration = Duration::from_secs(30);
/// What a request may take to arrive.
const TRANSIT: Duration = Duration::from_secs(1);
/// Clocks drift, and the headers count whole milliseconds.
const TOLERANCE: Duration = Duration::from_millis(20);

/// The running window, as far as it is known here.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) share: Share,
    quota: u64,
    length: Duration,
    ends: Ends,
    /// The least that an answer of this window reported.
    left: Option<u64>,
    /// Sent by this process in this window, or perhaps in this window.
    used: u64,
    in_flight: u64,
    /// When requests ended that no report covers.
    unreported: VecDeque<Instant>,
    first_sent: Option<Instant>,
    answered: bool,
}

/// When the window ends.
#[derive(Debug, Clone, Copy)]
enum Ends {
    /// No answer of this window has come yet. `at`: after the first request, in case that no answer will ever tell.
    Assumed { opened: Instant, at: Option<Instant> },
    /// Between these two moments: the header was written after the request was sent and before the answer came.
    Between(Instant, Instant),
}

/// Where a report belongs.
enum Belongs {
    Older,
    Same(Instant, Instant),
    Newer,
}

impl Window {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            share: Share::default(),
            quota: FIRST_QUOTA,
            length: FIRST_LENGTH,
            ends: Ends::Assumed { opened: now, at: None },
            left: None,
            used: 0,
            in_flight: 0,
            unreported: VecDeque::new(),
            first_sent: None,
            answered: false,
        }
    }

    /// What may be sent now without asking for more than our share.
    pub(super) fn free(&mut self, now: Instant) -> u64 {
        self.roll(now);
        let mine = self.share.of_window(self.quota).saturating_sub(self.used);
        let pending = self.in_flight.saturating_add(self.unreported.len() as u64);
        let reported = self.left.map_or(u64::MAX, |left| self.share.of(left).saturating_sub(pending));
        mine.min(reported)
    }

    /// Our share of a whole window.
    pub(super) fn size(&self) -> u64 {
        self.share.of_window(self.quota)
    }

    /// How many may have been sent before the first answer has told the quota: one, and one more for each second that
    /// it takes.
    pub(super) fn concurrency(&self, now: Instant) -> Option<(u64, Instant)> {
        if self.answered {
            return None;
        }
        let first = self.first_sent.unwrap_or(now);
        let seconds = now.saturating_duration_since(first).as_secs();
        Some((seconds + 1, first + Duration::from_secs(seconds + 1)))
    }

    /// When the window is over, and all is free again.
    pub(super) fn next(&self) -> Option<Instant> {
        match self.ends {
            Ends::Assumed { at, .. } => at,
            Ends::Between(_, latest) => Some(latest),
        }
    }

    /// The quota of the store and what was left of it, as reported.
    pub(super) fn reported(&self) -> (Option<u64>, Option<u64>) {
        (self.answered.then_some(self.quota), self.left)
    }

    pub(super) fn sent(&mut self, now: Instant) {
        self.used = self.used.saturating_add(1);
        self.in_flight = self.in_flight.saturating_add(1);
        self.first_sent.get_or_insert(now);
        if let Ends::Assumed { at, .. } = &mut self.ends {
            at.get_or_insert(now + self.length + TRANSIT);
        }
    }

    /// It was not sent after all.
    pub(super) fn unsent(&mut self) {
        self.used = self.used.saturating_sub(1);
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Nobody will know how it ended.
    pub(super) fn abandoned(&mut self, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.unreported.push_back(now);
    }

    /// An answer came, or its absence is certain.
    pub(super) fn ended(&mut self, sent: Instant, now: Instant, limits: &RateLimit) {
        self.roll(now);
        self.in_flight = self.in_flight.saturating_sub(1);
        self.answered = true;
        if let Some(quota) = limits.quota.filter(|quota| *quota > 0) {
            self.quota = quota;
        }
        if let Some(ms) = limits.window_ms.filter(|ms| *ms > 0) {
            self.length = Duration::from_millis(ms).min(LONGEST_WINDOW);
        }
        let (Some(left), Some(reset)) = (limits.left, limits.reset_ms) else {
            self.unreported.push_back(now);
            return;
        };
        let reset = Duration::from_millis(reset).min(LONGEST_WINDOW);
        let earliest = (sent + reset).checked_sub(TOLERANCE).unwrap_or(sent);
        let latest = now + reset + TOLERANCE;
        match self.belongs(earliest, latest) {
            Belongs::Older => return,
            Belongs::Same(earliest, latest) => {
                self.ends = Ends::Between(earliest, latest.max(earliest));
                self.left = Some(self.left.map_or(left, |known| known.min(left)));
                self.unreported.retain(|ended| *ended > sent);
            }
            Belongs::Newer => {
                self.ends = Ends::Between(earliest, latest);
                self.left = Some(left);
                self.unreported.retain(|ended| *ended > sent);
                self.used = self.pending() + 1;
            }
        }
        self.share.settle(sent);
    }

    fn belongs(&self, earliest: Instant, latest: Instant) -> Belongs {
        match self.ends {
            // A report of the window that is over tells an end that has passed.
            Ends::Assumed { opened, .. } if earliest <= opened => Belongs::Older,
            Ends::Assumed { .. } => Belongs::Same(earliest, latest),
            Ends::Between(_, known) if earliest > known => Belongs::Newer,
            Ends::Between(known, _) if latest < known => Belongs::Older,
            Ends::Between(low, high) => Belongs::Same(low.max(earliest), high.min(latest)),
        }
    }

    /// Opens the next window once this one is certainly over.
    fn roll(&mut self, now: Instant) {
        let Some(over) = self.next().filter(|over| *over <= now) else { return };
        // What is on its way may be counted in the next window, and so may what went unanswered at the turn.
        let turn = if let Ends::Between(earliest, _) = self.ends { earliest } else { over };
        self.unreported.retain(|ended| *ended >= turn);
        self.ends = Ends::Assumed { opened: over, at: None };
        self.left = None;
        self.used = self.pending();
        self.share.settle(now);
        if self.used > 0
            && let Ends::Assumed { at, .. } = &mut self.ends
        {
            *at = Some(now + self.length + TRANSIT);
        }
    }

    /// Sent, and no report covers it yet: in flight, or without an answer.
    pub(super) fn untold(&self) -> u64 {
        self.pending()
    }

    fn pending(&self) -> u64 {
        self.in_flight.saturating_add(self.unreported.len() as u64)
    }
}
