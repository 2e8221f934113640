//! The quota of the payments host: 50 requests in any 4 seconds. BigCommerce: payments API, rate limits.
//!
//! Its answers carry no documented headers, so everything is counted here, from the moment of sending.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::share::Share;

const QUOTA: u64 = 50;
/// Four seconds, and what a request may take to arrive: two that were sent 4 s apart may arrive closer together.
const SPAN: Duration = Duration::from_millis(4_500);

/// What was sent lately.
#[derive(Debug, Default)]
pub(super) struct Pace {
    pub(super) share: Share,
    sent: VecDeque<Instant>,
}

impl Pace {
    /// What may be sent now.
    pub(super) fn free(&mut self, now: Instant) -> u64 {
        while self.sent.front().is_some_and(|sent| *sent + SPAN <= now) {
            self.sent.pop_front();
        }
        // What a process that left had sent is forgotten by then.
        if let Some(known) = now.checked_sub(SPAN) {
            self.share.settle(known);
        }
        self.size().saturating_sub(self.sent.len() as u64)
    }

    /// Our share of the quota.
    pub(super) fn size(&self) -> u64 {
        self.share.of_window(QUOTA)
    }

    /// The quota of the store.
    pub(super) const fn quota() -> u64 {
        QUOTA
    }

    /// When the next one may be sent.
    pub(super) fn next(&self) -> Option<Instant> {
        self.sent.front().map(|sent| *sent + SPAN)
    }

    pub(super) fn sent(&mut self, now: Instant) {
        self.sent.push_back(now);
    }

    /// It was not sent after all.
    pub(super) fn unsent(&mut self) {
        self.sent.pop_back();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_than_fifty_in_any_four_seconds() {
        let start = Instant::now();
        let mut pace = Pace::default();
        let mut sent: Vec<Instant> = Vec::new();
        for step in 0..4_000_u64 {
            // As many as it allows, at uneven moments.
            let now = start + Duration::from_millis(step * 7 + step % 5 * 3);
            for _ in 0..pace.free(now).min(1 + step % 11) {
                pace.sent(now);
                sent.push(now);
            }
            let lately = sent.iter().rev().take_while(|at| **at + Duration::from_secs(4) > now).count();
            assert!(lately <= 50, "{lately} at {:?}", now - start);
        }
        assert!(sent.len() > 300, "{} were sent in 28 s", sent.len());
    }

    #[test]
    fn three_processes_have_a_third_each() {
        let start = Instant::now();
        let mut pace = Pace::default();
        pace.share.observe(3, start);
        assert_eq!(pace.free(start), 16);
        pace.share.observe(1, start);
        assert_eq!(
            pace.free(start + Duration::from_secs(4)),
            16,
            "the others may have sent just before they left"
        );
        assert_eq!(pace.free(start + Duration::from_secs(5)), 50);
    }
}
