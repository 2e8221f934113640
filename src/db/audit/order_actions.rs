//! What operators ask BigCommerce to do to an order that must not be done twice: the intent, the lease, the outcome.
//!
//! Guarantees: the intent and its audit row are one transaction, and so are the outcome and its own. One action of an
//! order is open at a time. An outcome is written only under the current fence and only once.

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::checkout::CheckoutId;
use crate::db::{AuditedTransaction, Db, Error};

/// An action as it stands.
#[derive(Debug, Clone)]
pub struct OrderAction {
    /// Its id, which is the service's key at BigCommerce.
    pub order_action_id: Uuid,
    /// The store's name.
    pub store: String,
    /// The order.
    pub order_id: i64,
    /// `refund`, `capture`, `void` or `shipment`.
    pub kind: String,
    /// SHA-256 of the request.
    pub fingerprint: Vec<u8>,
    /// Who asked.
    pub actor: String,
    /// In which role.
    pub role: String,
    /// Why.
    pub reason: String,
    /// The checkout that is cancelled by it.
    pub checkout_id: Option<Uuid>,
    /// JSON text as it is sent; empty when there is none.
    pub body: String,
    /// JSON text: what BigCommerce showed just before.
    pub seen: String,
    /// `sending`, `unknown`, `done`, `rejected` or `not-done`.
    pub status: String,
    /// How often it was sent, at most.
    pub attempts: i32,
    /// How often its effect was checked.
    pub looks: i32,
    /// Under which an outcome may be written.
    pub fence: i64,
    /// Since when its outcome is not known.
    pub unknown_since: Option<OffsetDateTime>,
    /// JSON text: what came of it; of an open action, what is believed if nothing of it shows.
    pub answer: Option<String>,
    /// When it was requested.
    pub created_at: OffsetDateTime,
    /// When it changed last.
    pub updated_at: OffsetDateTime,
    /// PostgreSQL's clock when it was read.
    pub now: OffsetDateTime,
}

impl OrderAction {
    /// Whether its outcome is not recorded yet.
    pub fn is_open(&self) -> bool {
        matches!(self.status.as_str(), "sending" | "unknown")
    }
}

/// An action that is about to be sent.
#[derive(Debug, Clone)]
pub struct NewOrderAction<'a> {
    /// Its id.
    pub id: Uuid,
    /// The store's name.
    pub store: &'a str,
    /// The order.
    pub order_id: i64,
    /// What is done.
    pub kind: &'a str,
    /// The scope of the key.
    pub principal: &'a str,
    /// The idempotency key.
    pub key: &'a str,
    /// SHA-256 of the request.
    pub fingerprint: &'a [u8],
    /// Who asks.
    pub actor: &'a str,
    /// In which role.
    pub role: &'a str,
    /// Why.
    pub reason: &'a str,
    /// The checkout that is cancelled by it.
    pub checkout_id: Option<CheckoutId>,
    /// As it is sent.
    pub body: &'a str,
    /// What BigCommerce shows now.
    pub seen: &'a Value,
}

/// Which actions.
#[derive(Debug, Clone, Default)]
pub struct OrderActionFilter<'a> {
    /// In this store.
    pub store: Option<&'a str>,
    /// About this order.
    pub order_id: Option<i64>,
    /// In this status.
    pub status: Option<&'a str>,
    /// Cancelling this checkout.
    pub checkout_id: Option<Uuid>,
    /// Older than this one.
    pub before: Option<Uuid>,
}

impl Db {
    /// One action.
    pub async fn order_action(&self, id: Uuid) -> Result<Option<OrderAction>, Error> {
        Ok(sqlx::query_as!(
            OrderAction,
            r#"select order_action_id, store, order_id, kind, fingerprint, actor, role, reason, checkout_id, body, seen,
                 status, attempts, looks, fence, unknown_since, answer, created_at, updated_at,
                 clock_timestamp() as "now!"
               from order_action where order_action_id = $1"#,
            id
        )
        .fetch_optional(&self.pool())
        .await?)
    }

    /// The action that a key is bound to.
    pub async fn order_action_of(&self, principal: &str, key: &str) -> Result<Option<OrderAction>, Error> {
        Ok(sqlx::query_as!(
            OrderAction,
            r#"select order_action_id, store, order_id, kind, fingerprint, actor, role, reason, checkout_id, body, seen,
                 status, attempts, looks, fence, unknown_since, answer, created_at, updated_at,
                 clock_timestamp() as "now!"
               from order_action where principal = $1 and key = $2"#,
            principal,
            key
        )
        .fetch_optional(&self.pool())
        .await?)
    }

    /// The actions that fit, the newest first.
    pub async fn order_actions(
        &self,
        filter: &OrderActionFilter<'_>,
        limit: i64,
    ) -> Result<Vec<OrderAction>, Error> {
        Ok(sqlx::query_as!(
            OrderAction,
            r#"select order_action_id, store, order_id, kind, fingerprint, actor, role, reason, checkout_id, body, seen,
                 status, attempts, looks, fence, unknown_since, answer, created_at, updated_at,
                 clock_timestamp() as "now!"
               from order_action
               where ($1::text is null or store = $1) and ($2::bigint is null or order_id = $2)
                 and ($3::text is null or status = $3) and ($4::uuid is null or checkout_id = $4)
                 and ($5::uuid is null or order_action_id < $5)
               order by order_action_id desc limit $6"#,
            filter.store,
            filter.order_id,
            filter.status,
            filter.checkout_id,
            filter.before,
            limit
        )
        .fetch_all(&self.pool())
        .await?)
    }

    /// The checkout that an order belongs to, also one that was given up.
    pub async fn checkout_of_order(&self, store: &str, order_id: i64) -> Result<Option<CheckoutId>, Error> {
        let id = sqlx::query_scalar!(
            "select checkout_id from checkout_order where store = $1 and order_id = $2",
            store,
            order_id
        )
        .fetch_optional(&self.pool())
        .await?;
        Ok(id.map(CheckoutId::from))
    }

    /// Takes what is due, `limit` of it: the lease of its process ran out, or it is time to look again. From now on its
    /// outcome counts as unknown.
    pub async fn claim_order_actions(&self, limit: i64) -> Result<Vec<OrderAction>, Error> {
        Ok(sqlx::query_as!(
            OrderAction,
            r#"update order_action a set fence = a.fence + 1, looks = a.looks + 1, status = 'unknown',
                 unknown_since = coalesce(a.unknown_since, clock_timestamp()), updated_at = clock_timestamp(),
                 due_at = clock_timestamp() + make_interval(secs => $1)
               from (
                 select order_action_id from order_action where due_at <= clock_timestamp()
                 order by due_at limit $2 for update skip locked
               ) due
               where a.order_action_id = due.order_action_id
               returning a.order_action_id, a.store, a.order_id, a.kind, a.fingerprint, a.actor, a.role, a.reason,
                 a.checkout_id, a.body, a.seen, a.status, a.attempts, a.looks, a.fence, a.unknown_since, a.answer,
                 a.created_at, a.updated_at, clock_timestamp() as "now!""#,
            self.lease.as_secs_f64(),
            limit
        )
        .fetch_all(&self.pool())
        .await?)
    }

    /// In how many seconds the next one is due.
    pub async fn next_order_action(&self) -> Result<Option<f64>, Error> {
        Ok(sqlx::query_scalar!(
            r#"select extract(epoch from min(due_at) - clock_timestamp())::float8 as wait
               from order_action where due_at is not null"#
        )
        .fetch_one(&self.pool())
        .await?)
    }

    /// Goes on holding it for a whole lease; false: somebody else has it.
    pub async fn renew_order_action(&self, action: &OrderAction) -> Result<bool, Error> {
        let renewed = sqlx::query!(
            "update order_action set due_at = clock_timestamp() + make_interval(secs => $3)
             where order_action_id = $1 and fence = $2 and due_at is not null",
            action.order_action_id,
            action.fence,
            self.lease.as_secs_f64()
        )
        .execute(&self.pool())
        .await?;
        Ok(renewed.rows_affected() == 1)
    }

    /// Its outcome is not known: recovery looks in so many seconds; false: somebody else has it. `believed`: what is its
    /// answer if nothing shows; `None` keeps what was noted before.
    pub async fn defer_order_action(
        &self,
        action: &OrderAction,
        seconds: f64,
        believed: Option<&Value>,
    ) -> Result<bool, Error> {
        let deferred = sqlx::query!(
            "update order_action set status = 'unknown', updated_at = clock_timestamp(),
                 unknown_since = coalesce(unknown_since, clock_timestamp()),
                 due_at = clock_timestamp() + make_interval(secs => $3), answer = coalesce($4, answer)
             where order_action_id = $1 and fence = $2 and due_at is not null",
            action.order_action_id,
            action.fence,
            seconds,
            believed.map(Value::to_string)
        )
        .execute(&self.pool())
        .await?;
        Ok(deferred.rows_affected() == 1)
    }
}

impl AuditedTransaction {
    /// Writes the intent down, under a lease. [`Error::KeyBound`]: the key is taken; [`Error::OrderBusy`]: another action
    /// of the order is open.
    pub async fn open_order_action(&mut self, new: &NewOrderAction<'_>) -> Result<OrderAction, Error> {
        Ok(sqlx::query_as!(
            OrderAction,
            r#"insert into order_action (order_action_id, store, order_id, kind, principal, key, fingerprint, actor, role,
                 reason, checkout_id, body, seen, status, due_at)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'sending',
                 clock_timestamp() + make_interval(secs => $14))
               returning order_action_id, store, order_id, kind, fingerprint, actor, role, reason, checkout_id, body,
                 seen, status, attempts, looks, fence, unknown_since, answer, created_at, updated_at,
                 clock_timestamp() as "now!""#,
            new.id,
            new.store,
            new.order_id,
            new.kind,
            new.principal,
            new.key,
            new.fingerprint,
            new.actor,
            new.role,
            new.reason,
            new.checkout_id.map(CheckoutId::uuid),
            new.body,
            new.seen.to_string(),
            self.lease().as_secs_f64()
        )
        .fetch_one(&mut *self.tx)
        .await?)
    }

    /// Opens an action again that certainly was not done; `None`: it is no longer one of those.
    pub async fn reopen_order_action(&mut self, id: Uuid) -> Result<Option<OrderAction>, Error> {
        Ok(sqlx::query_as!(
            OrderAction,
            r#"update order_action set status = 'sending', attempts = attempts + 1, fence = fence + 1, answer = null,
                 unknown_since = null, looks = 0, updated_at = clock_timestamp(),
                 due_at = clock_timestamp() + make_interval(secs => $2)
               where order_action_id = $1 and status = 'not-done'
               returning order_action_id, store, order_id, kind, fingerprint, actor, role, reason, checkout_id, body,
                 seen, status, attempts, looks, fence, unknown_since, answer, created_at, updated_at,
                 clock_timestamp() as "now!""#,
            id,
            self.lease().as_secs_f64()
        )
        .fetch_optional(&mut *self.tx)
        .await?)
    }

    /// Records what came of it; false: somebody else has it, and nothing was written.
    pub async fn end_order_action(
        &mut self,
        action: &OrderAction,
        status: &str,
        answer: &Value,
    ) -> Result<bool, Error> {
        let ended = sqlx::query!(
            "update order_action set status = $3, answer = $4, due_at = null, updated_at = clock_timestamp()
             where order_action_id = $1 and fence = $2 and due_at is not null",
            action.order_action_id,
            action.fence,
            status,
            answer.to_string()
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(ended.rows_affected() == 1)
    }
}
