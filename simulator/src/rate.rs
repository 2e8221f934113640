//! Fixed windows of requests, as BigCommerce counts them.

use time::OffsetDateTime;

use crate::answer::{self, Answer};

/// The running window of one bucket.
#[derive(Debug, Default)]
pub(crate) struct Window {
    started: Option<OffsetDateTime>,
    used: u64,
}

/// Where a bucket stands after a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) allowed: bool,
    pub(crate) left: u64,
    pub(crate) reset_ms: u64,
}

impl Window {
    /// Counts one request.
    pub(crate) fn count(&mut self, quota: u64, window_ms: u64, now: OffsetDateTime) -> Standing {
        let length = i64::try_from(window_ms.min(86_400_000)).unwrap_or(0);
        let elapsed =
            |since: OffsetDateTime| i64::try_from((now - since).whole_milliseconds()).unwrap_or(i64::MAX);
        let mut since = self.started.unwrap_or(now);
        if self.started.is_none() || elapsed(since) >= length || elapsed(since) < 0 {
            since = now;
            self.started = Some(now);
            self.used = 0;
        }
        let reset_ms = u64::try_from(length - elapsed(since)).unwrap_or(0);
        let allowed = self.used < quota;
        if allowed {
            self.used += 1;
        }
        Standing { allowed, left: quota.saturating_sub(self.used), reset_ms }
    }
}

/// The headers of the management host.
pub(crate) fn headers(answer: Answer, quota: u64, window_ms: u64, standing: Standing) -> Answer {
    answer
        .with_header("X-Rate-Limit-Time-Window-Ms", &window_ms)
        .with_header("X-Rate-Limit-Time-Reset-Ms", &standing.reset_ms)
        .with_header("X-Rate-Limit-Requests-Quota", &quota)
        .with_header("X-Rate-Limit-Requests-Left", &standing.left)
}

/// 429 without any header, as a platform under load answers.
pub(crate) fn refused() -> Answer {
    answer::problem(429, "You have exceeded the rate limit. Please slow down your requests.")
}

/// 429 of the quota layer: with the time to wait in whole seconds, at least one.
pub(crate) fn refused_for(ms: u64) -> Answer {
    refused().with_header("X-Retry-After", &ms.div_ceil(1000).max(1))
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;

    #[test]
    fn a_window_refuses_beyond_its_quota_and_opens_again() {
        let mut window = Window::default();
        let start = OffsetDateTime::UNIX_EPOCH;
        assert!(window.count(2, 1000, start).allowed);
        assert_eq!(window.count(2, 1000, start).left, 0);
        let third = window.count(2, 1000, start + Duration::milliseconds(400));
        assert_eq!((third.allowed, third.reset_ms), (false, 600));
        assert!(window.count(2, 1000, start + Duration::milliseconds(1000)).allowed);
    }
}
