//! Late checks: ended checkouts are compared with BigCommerce once more, because something may show only now.
//!
//! A check is taken by one process at a time, for as long as a lease lasts. What it finds is written as any transition: only
//! onto the version that was read.

use std::time::Duration;

use time::OffsetDateTime;

use crate::checkout::{Checkout, CheckoutId};
use crate::db::checkout;
use crate::db::checkout::moment::Moment;
use crate::db::checkout::row::RECORD_VERSION;
use crate::db::{Clock, Db, Error, Lease};

/// A late look that this process has taken.
#[derive(Debug)]
pub struct LateLook {
    /// The checkout as it stands.
    pub checkout: Checkout,
    /// PostgreSQL's clock.
    pub clock: Clock,
    /// How long it is ours.
    pub lease: Lease,
    /// Which look it is, from 1.
    pub looks: u32,
    /// Whether a webhook asked for it.
    again: bool,
    due_at: OffsetDateTime,
}

impl LateLook {
    /// A look at a checkout that rests; nothing of it stands in the table of late looks.
    pub(crate) fn of(checkout: Checkout, clock: Clock, lease: Lease) -> Self {
        let due_at = clock.now();
        Self { checkout, clock, lease, looks: 1, again: false, due_at }
    }
}

impl Db {
    /// Takes up to `limit` late looks that are due. A checkout that cannot be read is shown to
    /// operators, and left to a version that can.
    pub async fn claim_late(&self, limit: i64) -> Result<Vec<LateLook>, Error> {
        self.durable()?;
        let from = Moment::now();
        let taken = sqlx::query!(
            r#"
            update late_look set due_at = now() + make_interval(secs => $2::float8), looks = looks + 1
            where checkout_id in (
                select checkout_id from late_look join checkout using (checkout_id)
                where late_look.due_at <= now()
                    -- What a newer version wrote is left to it, and what cannot be read here to whoever can.
                    and record_version <= $3 and (unreadable_for is null or unreadable_for < $3)
                order by late_look.due_at limit $1 for update of late_look skip locked)
            returning checkout_id, looks, again, due_at, now() as "now!"
            "#,
            limit,
            self.lease.as_secs_f64(),
            RECORD_VERSION,
        )
        .fetch_all(&self.pool())
        .await?;
        let mut looks = Vec::with_capacity(taken.len());
        for row in taken {
            match checkout::read(&self.pool(), row.checkout_id.into()).await {
                Ok(Some(checkout)) => looks.push(LateLook {
                    checkout,
                    clock: Clock::read(row.now),
                    lease: Lease::from(from, self.lease),
                    looks: u32::try_from(row.looks).unwrap_or(u32::MAX),
                    again: row.again,
                    due_at: row.due_at,
                }),
                Ok(None) => {}
                Err(error) => self.mark_unreadable(&error).await?,
            }
        }
        Ok(looks)
    }

    /// Notes of what has ended, or rests, that it cannot be read here; this version does not look at it again.
    pub(crate) async fn mark_unreadable(&self, error: &Error) -> Result<(), Error> {
        let (Error::Unreadable { checkout_id, .. } | Error::Newer { checkout_id, .. }) = error else {
            tracing::warn!(%error, "a checkout could not be read, and is checked again later");
            return Ok(());
        };
        tracing::error!(%error, "a checkout that is due for a check cannot be read");
        sqlx::query!(
            "update checkout set unreadable_for = $2, unreadable_reason = $3 where checkout_id = $1 and leased_by is null",
            checkout_id,
            RECORD_VERSION,
            error.to_string(),
        )
        .execute(&self.pool())
        .await?;
        Ok(())
    }

    /// In how many seconds the next one is due.
    pub async fn next_late(&self) -> Result<Option<f64>, Error> {
        Ok(sqlx::query_scalar!(
            r#"select extract(epoch from min(late_look.due_at) - now())::float8
               from late_look join checkout using (checkout_id)
               where record_version <= $1 and (unreadable_for is null or unreadable_for < $1)"#,
            RECORD_VERSION
        )
        .fetch_one(&self.pool())
        .await?)
    }

    /// It found nothing. One that a webhook asked for is repeated after `once_more`.
    pub async fn end_late(&self, look: &LateLook, once_more: Duration) -> Result<(), Error> {
        if look.again {
            return self.defer_late(look, once_more, true).await;
        }
        sqlx::query!(
            "delete from late_look where checkout_id = $1 and due_at = $2",
            look.checkout.id.uuid(),
            look.due_at
        )
        .execute(&self.pool())
        .await?;
        Ok(())
    }

    /// It comes again after so long, and a webhook that came meanwhile has a say of its own. A look that found nothing to look at yet
    /// `counts` as none: what a webhook asked for is still to be done.
    pub async fn defer_late(&self, look: &LateLook, after: Duration, counts: bool) -> Result<(), Error> {
        sqlx::query!(
            "update late_look set due_at = now() + make_interval(secs => $3::float8), again = again and not $4,
                 looks = looks - (not $4)::integer
             where checkout_id = $1 and due_at = $2",
            look.checkout.id.uuid(),
            look.due_at,
            after.as_secs_f64(),
            counts,
        )
        .execute(&self.pool())
        .await?;
        self.changes.wake_recovery();
        Ok(())
    }

    /// Forgets a late look: what it was for is known now.
    pub async fn drop_late(&self, id: CheckoutId) -> Result<(), Error> {
        sqlx::query!("delete from late_look where checkout_id = $1", id.uuid()).execute(&self.pool()).await?;
        Ok(())
    }
}
