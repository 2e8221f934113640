//! Claims: the right to work on a checkout, for as long as its lease lasts.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

use crate::db::checkout::moment::Moment;
use uuid::Uuid;

use crate::checkout::Checkout;
use crate::db::checkout;
use crate::db::checkout::row;
use crate::db::checkout::row::RECORD_VERSION;
use crate::db::checkout::row::Row;
use crate::db::transition::columns::TransitionRow;
use crate::db::{Clock, Db, Ended, Error, Hold, TokenHash, Transition};

/// Between two looks at the database after a commit whose result is not known.
const UNCERTAIN_COMMIT: Duration = Duration::from_millis(250);

/// The right to call BigCommerce for one checkout and to write what came of it. Only the store makes one; whoever
/// holds one ends it through [`Db::advance`]. Dropped: the lease runs out and recovery
/// takes over.
#[must_use = "a claim that is dropped keeps its checkout busy until the lease runs out"]
#[derive(Debug)]
pub struct Claim {
    checkout: Checkout,
    clock: Clock,
    lease: Lease,
}

/// Until when a claim is certainly good, reckoned here from before the statement that took or renewed it. While it
/// lasts nobody else has the checkout; after it somebody may, and nothing more must be sent under it.
///
/// It is measured by a clock that goes on while the machine is paused, as PostgreSQL's does elsewhere.
#[derive(Debug, Clone)]
pub struct Lease(Arc<Mutex<Option<Moment>>>);

impl Lease {
    /// One that was asked for at `from`. Without a clock it never lasts.
    pub(crate) fn from(from: Option<Moment>, lasts: Duration) -> Self {
        Self(Arc::new(Mutex::new(from.map(|from| from.after(lasts)))))
    }

    fn extend(&self, from: Option<Moment>, lasts: Duration) {
        let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *until = from.map(|from| from.after(lasts)).max(*until);
    }

    /// Whether it certainly lasts.
    pub fn lasts(&self) -> bool {
        self.lasts_at(Moment::now())
    }

    /// Whether more than this is certainly left of it.
    fn outlasts(&self, time: Duration) -> bool {
        self.lasts_at(Moment::now().map(|now| now.after(time)))
    }

    fn lasts_at(&self, now: Option<Moment>) -> bool {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What cannot be told has ended.
        now.zip(until).is_some_and(|(now, until)| now < until)
    }
}

/// What recovery found.
#[derive(Debug)]
pub struct Due {
    /// Checkouts whose lease or timer had run out, claimed.
    pub claims: Vec<Claim>,
    /// When the next one is due; `None` when none is.
    pub next_in: Option<Duration>,
}

impl Claim {
    /// The checkout as it was written last.
    pub fn checkout(&self) -> &Checkout {
        &self.checkout
    }

    /// PostgreSQL's clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Its lease; it follows the renewals.
    pub fn lease(&self) -> Lease {
        self.lease.clone()
    }

    /// The checkout, once it was let go.
    pub fn into_checkout(self) -> Checkout {
        self.checkout
    }
}

impl Db {
    /// Creates a checkout and claims it. `token_hash` admits its checkout token.
    pub async fn create(
        &self,
        transition: Transition,
        token_hash: TokenHash,
        ttl: Duration,
    ) -> Result<Claim, Error> {
        self.durable()?;
        let lease = self.new_lease();
        let columns =
            TransitionRow::of(self, &transition)?.creating(&transition.checkout, token_hash, ttl)?;
        let at = self.commit_new(Box::new(columns)).await?;
        self.owners.remember(transition.checkout.id, &transition.checkout.store);
        let mut claim = self.held(transition, (at, false), lease);
        (claim.checkout.created_at, claim.checkout.expires_at) = (at, at + ttl);
        Ok(claim)
    }

    /// Claims a checkout that nobody holds.
    pub async fn claim(&self, transition: Transition) -> Result<Claim, Error> {
        self.durable()?;
        self.hold(transition).await
    }

    /// Writes what an attempt came to. When it is not known whether the database took it (a lost connection, a
    /// restart), it looks, and writes again what is missing, for as long as the lease lasts. The claim comes back with
    /// the error; [`Error::Lost`]: somebody else holds the checkout now.
    ///
    /// Dropped half-way: it is written whole or not at all; recovery finds out by looking.
    pub async fn advance(&self, claim: Claim, transition: Transition) -> Result<Claim, (Claim, Error)> {
        let deadline = Instant::now() + self.lease;
        let mut uncertain = false;
        loop {
            let from = Moment::now();
            let stays = transition.goes_on() && claim.lease.outlasts(self.enough);
            let error = match self.commit(&transition, stays).await {
                Ok(at) => {
                    if !stays {
                        claim.lease.extend(from, self.lease);
                    }
                    return Ok(self.held(transition, (at, stays), claim.lease));
                }
                Err(error @ Error::Database(_)) if Instant::now() < deadline => error,
                // What is in the way may be what was written before, and came through only after the look.
                Err(error @ Error::Lost) if uncertain && Instant::now() < deadline => error,
                Err(error) => return Err((claim, error)),
            };
            tracing::warn!(checkout_id = %claim.checkout.id, %error, "the outcome of a commit is unknown: checking");
            tokio::time::sleep(UNCERTAIN_COMMIT).await;
            uncertain = true;
            let found = sqlx::query!(
                r#"select version, fence, now() as "now!" from checkout where checkout_id = $1"#,
                claim.checkout.id.uuid()
            )
            .fetch_optional(&self.pool())
            .await;
            match found {
                Ok(Some(row))
                    if row.version == transition.checkout.version && row.fence == claim.checkout.fence =>
                {
                    if !stays {
                        claim.lease.extend(from, self.lease);
                    }
                    return Ok(self.held(transition, (row.now, stays), claim.lease));
                }
                // Not taken, or the database is still away: once more.
                Ok(Some(row))
                    if row.version == transition.from_version && row.fence == claim.checkout.fence => {}
                Err(_) => {}
                Ok(_) => return Err((claim, Error::Lost)),
            }
        }
    }

    /// Writes a transition of a checkout that nobody holds, without claiming it.
    pub async fn transit(&self, transition: Transition) -> Result<Checkout, Error> {
        let lease = self.new_lease();
        let at = self.commit(&transition, false).await?;
        Ok(self.held(transition, (at, false), lease).checkout)
    }

    async fn hold(&self, transition: Transition) -> Result<Claim, Error> {
        let lease = self.new_lease();
        let at = self.commit(&transition, false).await?;
        Ok(self.held(transition, (at, false), lease))
    }

    /// A lease from now on, to be asked for before the statement is sent, so that it ends no later than the one in the database.
    pub fn new_lease(&self) -> Lease {
        Lease::from(Moment::now(), self.lease)
    }

    /// The checkout as it stands in the database now: what the statement computed is known from its time.
    fn held(&self, transition: Transition, (at, stays): (OffsetDateTime, bool), lease: Lease) -> Claim {
        let mut checkout = transition.checkout;
        if !stays {
            checkout.updated_at = at;
        }
        checkout.lost_leases = 0;
        if let Hold::Rest(after) | Hold::Look { expires: Some(after), .. } = transition.hold {
            checkout.expires_at = at + after;
        }
        self.changes.publish(checkout.id, checkout.version);
        if matches!(transition.hold, Hold::Timer(_) | Hold::Look { .. } | Hold::Late(_)) {
            // It may run out before recovery meant to look next.
            self.changes.wake_recovery();
        }
        Claim { checkout, clock: self.read_clock(at), lease }
    }

    /// Extends the lease. [`Error::Lost`]: somebody else holds the checkout now.
    pub async fn renew(&self, claim: &Claim) -> Result<(), Error> {
        let from = Moment::now();
        let renewed = sqlx::query!(
            "update checkout set due_at = now() + make_interval(secs => $3::float8)
             where checkout_id = $1 and fence = $2 and leased_by is not null",
            claim.checkout.id.uuid(),
            claim.checkout.fence,
            self.lease.as_secs_f64(),
        )
        .execute(&self.pool())
        .await?;
        if renewed.rows_affected() != 1 {
            return Err(Error::Lost);
        }
        claim.lease.extend(from, self.lease);
        Ok(())
    }

    /// Claims up to `limit` checkouts whose lease or timer has run out, the longest overdue first. Several processes
    /// never get the same one and never wait for each other.
    pub async fn claim_due(&self, limit: i64) -> Result<Due, Error> {
        self.durable()?;
        let from = Moment::now();
        // Read afterwards: what this statement sees beside the rows that it claims may be older than they are.
        let claimed = sqlx::query!(
            r#"
            with due as (
                select checkout_id, status, status = 'awaiting_input' and expires_at > now() as looks
                from checkout where due_at <= now()
                    -- What a newer version wrote is left to it, and what could not be read here to whoever can.
                    and record_version <= $4 and (unreadable_for is null or unreadable_for < $4)
                order by due_at limit $1 for update skip locked
            ), claimed as (
                update checkout c set
                    -- As checkout::next decides it: claimed for a look before its day, abandoned on it, or resumed.
                    status = case when due.looks or due.status = 'waiting' then 'running'
                        when due.status = 'awaiting_input' then 'compensating' else due.status end,
                    version = c.version + 1, fence = c.fence + 1, leased_by = $2,
                    lost_leases = c.lost_leases + case when c.leased_by is null then 0 else 1 end,
                    due_at = now() + make_interval(secs => $3::float8), look_at = null, hinted = false,
                    updated_at = now(),
                    unreadable_for = null, unreadable_reason = null
                from due where c.checkout_id = due.checkout_id
                returning c.checkout_id, c.version, c.fence, due.status as was, due.looks
            ), logged as (
                insert into attempt_log (checkout_id, version, event, fence, process_id)
                select checkout_id, version, case when looks then 'claimed' when was = 'awaiting_input' then 'abandoned' else 'resumed' end,
                    fence, $2
                from claimed
            )
            select checkout_id as "checkout_id!", fence as "fence!" from claimed
            "#,
            limit,
            self.process_id,
            self.lease.as_secs_f64(),
            RECORD_VERSION,
        )
        .fetch_all(&self.pool())
        .await?;
        let ids: Vec<Uuid> = claimed.iter().map(|row| row.checkout_id).collect();
        let rows = if ids.is_empty() { Vec::new() } else { checkout::rows(&self.pool(), &ids).await? };
        let mut claims = Vec::with_capacity(rows.len());
        // Whose fence has moved since is no longer ours.
        let is_ours = |found: &Row| {
            claimed.iter().any(|row| row.checkout_id == found.checkout_id && row.fence == found.fence)
        };
        for row in rows.into_iter().filter(is_ours) {
            let (at, fence) = (row.updated_at, row.fence);
            match row.into_checkout() {
                Ok(checkout) => {
                    self.changes.publish(checkout.id, checkout.version);
                    claims.push(Claim {
                        checkout,
                        clock: Clock::read(at),
                        lease: Lease::from(from, self.lease),
                    });
                }
                // It must not keep the others from being resumed.
                Err(error) => {
                    if let Err(failed) = self.leave_unreadable(fence, &error).await {
                        tracing::warn!(error = %failed, "a checkout that cannot be read keeps its lease until it runs out");
                    }
                }
            }
        }
        let next_in = sqlx::query_scalar!(
            r#"select extract(epoch from min(due_at) - now())::float8 from checkout
               where due_at is not null and record_version <= $1 and (unreadable_for is null or unreadable_for < $1)"#,
            RECORD_VERSION
        )
        .fetch_one(&self.pool())
        .await;
        // What was claimed is run whatever becomes of this question, which is asked again soon.
        let next_in = match next_in {
            Err(error) if claims.is_empty() => return Err(error.into()),
            next_in => next_in.ok().flatten(),
        };
        Ok(Due {
            claims,
            next_in: next_in.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default()),
        })
    }

    /// Leaves what was claimed and cannot be read to a version that can, at once; this one does not claim it again. It is
    /// shown to operators. To have it tried again here, `unreadable_for` is set to null.
    async fn leave_unreadable(&self, fence: i64, error: &Error) -> Result<(), Error> {
        let (Error::Unreadable { checkout_id, .. } | Error::Newer { checkout_id, .. }) = error else {
            return Ok(());
        };
        tracing::error!(%error, "a due checkout cannot be read");
        sqlx::query!(
            "update checkout set unreadable_for = $3, unreadable_reason = $4, due_at = now()
             where checkout_id = $1 and fence = $2",
            checkout_id,
            fence,
            RECORD_VERSION,
            error.to_string(),
        )
        .execute(&self.pool())
        .await?;
        Ok(())
    }

    /// Hands back the leases of this process, so that another one goes on at once.
    pub async fn release_all(&self) -> Result<u64, Error> {
        let released = sqlx::query!(
            "update checkout set due_at = now() where leased_by = $1 and due_at is not null",
            self.process_id
        )
        .execute(&self.pool())
        .await?;
        Ok(released.rows_affected())
    }

    /// Keeps an outcome that came after its lease was lost, as evidence only (guarantee 4).
    pub async fn keep_evidence(&self, checkout: &Checkout, ended: &Ended) -> Result<(), Error> {
        sqlx::query!(
            r#"
            insert into attempt_log (checkout_id, event, fence, process_id, ended_step, ended_attempt, outcome,
                upstream_status, duration_ms, detail)
            values ($1, 'fenced-out', $2, $3, $4, $5, $6, $7, $8, $9::text::json)
            "#,
            checkout.id.uuid(),
            checkout.fence,
            self.process_id,
            ended.step.as_str(),
            i32::try_from(ended.attempt).ok(),
            ended.outcome.as_str(),
            ended.upstream_status.and_then(|status| i16::try_from(status).ok()),
            i32::try_from(ended.duration.as_millis()).ok(),
            row::to_text(checkout, &ended.detail)?,
        )
        .execute(&self.pool())
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_ends_by_the_clock_that_goes_on_while_the_machine_is_paused() {
        let at = |seconds| Some(Moment::of(Duration::from_secs(seconds)));
        let ten = Duration::from_secs(10);
        let lease = Lease::from(at(100), ten);
        for (now, lasts) in [
            (at(100), true),
            (at(109), true),
            (at(110), false),
            // Paused for an hour: no other clock moved.
            (at(100 + 3600), false),
            // A clock that cannot be read proves nothing.
            (None, false),
        ] {
            assert_eq!(lease.lasts_at(now), lasts, "{now:?}");
        }
        lease.extend(at(105), ten);
        assert!(lease.lasts_at(at(114)) && !lease.lasts_at(at(115)));
        // A renewal that was asked for earlier takes nothing away, and one without a clock gives nothing.
        lease.extend(at(101), ten);
        lease.extend(None, ten);
        assert!(lease.lasts_at(at(114)) && !lease.lasts_at(at(115)));
        assert!(!Lease::from(None, ten).lasts_at(at(0)));
    }
}
