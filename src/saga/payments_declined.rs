//! Counting the payments that were declined, over all processes. Whoever tests stolen cards learns from each answer whether one
//! is alive: so each decline above a limit begins a pause, and the next pause is twice as long.

use std::time::Duration;

use super::engine::Engine;
use super::payments_asked::{hash, shopper};
use crate::checkout::Checkout;
use crate::db::{self, Declined};

/// How many payments may be declined in a day before the next one has to wait. 0: no such limit.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeclineLimits {
    /// On one checkout.
    pub of_checkout: u32,
    /// Of one shopper, with checkout tokens.
    pub of_shopper: u32,
    /// From one client address, with checkout tokens.
    pub of_address: u32,
    /// On the checkouts of one key.
    pub of_key: u32,
}

const FIRST_PAUSE: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

impl Engine {
    /// Whom declines are counted for. `payer`: the hash of the client's address; `None`: a server pays, which knows its shoppers.
    /// `principal`: the credential that pays, where it is known.
    pub(super) async fn counted_for(
        &self,
        checkout: &Checkout,
        shopper: Option<String>,
        payer: Option<&str>,
        principal: Option<&str>,
    ) -> Result<Vec<Declined>, db::Error> {
        let limits = self.inner.settings.declines;
        let key = match payer {
            _ if limits.of_key == 0 => None,
            Some(_) => self.inner.db.creator(checkout.id).await?,
            None => principal.map(str::to_owned),
        };
        let all = [
            ("declines-of-address", payer.map(str::to_owned), limits.of_address),
            ("declines-of-checkout", Some(checkout.id.to_string()), limits.of_checkout),
            ("declines-of-key", key, limits.of_key),
            ("declines-of-shopper", shopper.filter(|_| payer.is_some()), limits.of_shopper),
        ];
        let counted = all.into_iter().filter(|(.., most)| *most > 0).filter_map(|(kind, subject, most)| {
            Some(Declined { kind, subject: hash(&checkout.store, kind, &subject?), most })
        });
        Ok(counted.collect())
    }

    /// The longest pause that is left of any of them, by the name of its limit.
    pub(super) async fn paused(
        &self,
        counted: &[Declined],
    ) -> Result<Option<(&'static str, Duration)>, db::Error> {
        if counted.is_empty() {
            return Ok(None);
        }
        let found = self.inner.db.declined_of(counted).await?;
        let left = found.into_iter().filter_map(|(kind, share, since)| {
            let one = counted.iter().find(|one| one.kind == kind)?;
            let left = pause(share, one.most).saturating_sub(since);
            (!left.is_zero()).then_some((one.kind, left))
        });
        Ok(left.max_by_key(|(_, left)| *left))
    }

    /// Counts a payment that was declined. `before`: with the goal that asked for it. What cannot
    /// be counted is recorded all the same: the shopper has to know that nothing was charged.
    pub(super) async fn count_declined(&self, before: &Checkout) {
        let Some(goal) = before.goal.as_ref() else { return };
        let principal = goal.key.as_ref().map(|key| key.principal.as_str());
        let count = async {
            let counted =
                self.counted_for(before, shopper(before, None), goal.payer.as_deref(), principal).await?;
            if counted.is_empty() { Ok(()) } else { self.inner.db.count_declined(&counted).await }
        };
        if let Err(error) = count.await {
            tracing::warn!(checkout_id = %before.id, %error, "a declined payment was not counted");
        }
    }
}

/// How long nobody pays after so many declines, in shares of what may be: a minute, and twice as long after each further one.
fn pause(share: f64, most: u32) -> Duration {
    let above = (share * f64::from(most)).round() - f64::from(most);
    if above < 0.0 {
        return Duration::ZERO;
    }
    FIRST_PAUSE.mul_f64(above.min(10.0).exp2()).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_begins_with_the_limit_and_doubles_up_to_an_hour() {
        let minutes = |share, most| pause(share, most).as_secs() / 60;
        assert_eq!([0.0, 0.2, 0.79].map(|share| minutes(share, 5)), [0, 0, 0]);
        // A little of it is over by the time that the last one comes.
        assert_eq!(
            [0.98, 1.0, 1.2, 1.4, 2.0, 2.2, 99.0].map(|share| minutes(share, 5)),
            [1, 1, 2, 4, 32, 60, 60]
        );
        assert_eq!([0.0, 0.9, 2.0].map(|share| minutes(share, 1)), [0, 1, 2]);
    }
}
