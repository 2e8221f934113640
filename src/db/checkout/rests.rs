//! Checks of idle checkouts whose order exists. A check is taken by one process at a time, for as long as a lease lasts. It is no
//! claim: version and fence stay as they are, so that a shopper who read the checkout before may still change it.

use std::time::Duration;

use crate::db::checkout;
use crate::db::checkout::late::LateLook;
use crate::db::checkout::moment::Moment;
use crate::db::checkout::row::RECORD_VERSION;
use crate::db::{Clock, Db, Error, Lease};

/// The longest pause between two looks at one checkout.
const LONGEST: Duration = Duration::from_hours(1);

impl Db {
    /// Has checkouts at rest looked at first after so long. `None`: only when a webhook tells of
    /// their orders.
    #[must_use]
    pub fn looking_at_rests(self, after: Option<Duration>) -> Self {
        Self { looks_after: after, ..self }
    }

    /// Takes up to `limit` looks that are due. What has moved on meanwhile, under a program that does not know of looks, is not
    /// looked at.
    pub async fn claim_rests(&self, limit: i64) -> Result<Vec<LateLook>, Error> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let from = Moment::now();
        let taken = sqlx::query!(
            r#"
            with due as (
                select checkout_id, status = 'awaiting_input' as rests from checkout
                where look_at <= now()
                    -- What a newer version wrote is left to it, and what cannot be read here to whoever can.
                    and record_version <= $3 and (unreadable_for is null or unreadable_for < $3)
                order by look_at limit $1 for update skip locked
            )
            update checkout c set look_at = case when due.rests then now() + make_interval(secs => $2::float8) end
            from due where c.checkout_id = due.checkout_id
            returning c.checkout_id, due.rests as "rests!", now() as "now!"
            "#,
            limit,
            self.lease.as_secs_f64(),
            RECORD_VERSION,
        )
        .fetch_all(&self.pool())
        .await?;
        let mut looks = Vec::with_capacity(taken.len());
        for row in taken.into_iter().filter(|row| row.rests) {
            match checkout::read(&self.pool(), row.checkout_id.into()).await {
                Ok(Some(checkout)) => {
                    looks.push(LateLook::of(checkout, Clock::read(row.now), Lease::from(from, self.lease)));
                }
                Ok(None) => {}
                Err(error) => self.mark_unreadable(&error).await?,
            }
        }
        Ok(looks)
    }

    /// In how many seconds the next one is due.
    pub async fn next_rest(&self) -> Result<Option<f64>, Error> {
        Ok(sqlx::query_scalar!(
            r#"select extract(epoch from min(look_at) - now())::float8 from checkout
               where look_at is not null and record_version <= $1 and (unreadable_for is null or unreadable_for < $1)"#,
            RECORD_VERSION
        )
        .fetch_one(&self.pool())
        .await?)
    }

    /// It found nothing: it is repeated after as long as the checkout has been at rest, so that the pauses double. After a webhook it
    /// is repeated after `settle` first, because what that tells of may not be shown yet; one that came during this look leads to
    /// another at once.
    pub async fn look_again(&self, look: &LateLook, settle: Duration) -> Result<(), Error> {
        let (seen, first) = (&look.checkout, self.looks_after);
        sqlx::query!(
            "update checkout set hinted = false, look_at = case
                 when hinted then now() + make_interval(secs => $5)
                 when $3::float8 is null then null
                 else now() + least(greatest(now() - updated_at, make_interval(secs => $3)), make_interval(secs => $4)) end
             where checkout_id = $1 and version = $2 and status = 'awaiting_input' and look_at > now()",
            seen.id.uuid(),
            seen.version,
            first.map(|first| first.as_secs_f64()),
            first.map(|first| LONGEST.max(first).as_secs_f64()),
            settle.as_secs_f64(),
        )
        .execute(&self.pool())
        .await?;
        Ok(())
    }
}
