//! The shopper may pay elsewhere: on BigCommerce's hosted page, which makes an order of its own from the same cart.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

/// Since when a cart may be paid outside of this service, because its hosted page was handed out or because it was made
/// elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOff {
    /// When it was handed over last.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
}

impl HandOff {
    /// How long after `now` to look whether it was paid: often at first, then less and less. Webhooks come in between.
    pub fn next_look(self, now: OffsetDateTime, at_least: Duration) -> Duration {
        const AT_MOST: Duration = Duration::from_mins(15);
        // A moment ahead of now has not passed: the look comes as early as any.
        let waited = Duration::try_from(now - self.since).unwrap_or_default();
        (waited / 4).min(AT_MOST).max(at_least)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_become_rarer_and_never_end() {
        let hand_off = HandOff { since: OffsetDateTime::UNIX_EPOCH };
        for (waited, expected) in [(-5, 5), (0, 5), (60, 15), (3600, 900), (864_000, 900)] {
            let now = OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(waited);
            assert_eq!(hand_off.next_look(now, Duration::from_secs(5)).as_secs(), expected, "{waited}");
        }
    }
}
