//! Webhook events: written durably, once for each event, and the checkout they are about.

use std::time::Duration;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::checkout::CheckoutId;
use crate::db::{Db, Error};

/// An event as it came in.
#[derive(Debug, Clone)]
pub struct WebhookEvent<'a> {
    /// Name of the store it was sent for.
    pub store: &'a str,
    /// Such as `store/order/statusUpdated`.
    pub scope: &'a str,
    /// BigCommerce's hash of it; equal when it is sent again.
    pub hash: &'a str,
    /// The body as received.
    pub body: &'a str,
    /// The cart it is about.
    pub cart_id: Option<&'a str>,
    /// The order it is about.
    pub order_id: Option<i64>,
}

/// The result for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookOutcome {
    /// It had come before.
    Duplicate,
    /// It is about none of our checkouts.
    Unrelated,
    /// It is about this one, which looks now if it was waiting.
    Matched(CheckoutId),
}

/// What came in of a store's webhooks in the last day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookStats {
    /// Name of the store.
    pub store: String,
    /// When the last event came.
    pub last_at: OffsetDateTime,
    /// How many came in the last hour.
    pub last_hour: i64,
}

impl Db {
    /// The stores that were heard of in the last day.
    pub async fn heard(&self) -> Result<Vec<WebhookStats>, Error> {
        Ok(sqlx::query_as!(
            WebhookStats,
            r#"select store, max(received_at) as "last_at!",
                 count(*) filter (where received_at > now() - interval '1 hour') as "last_hour!"
               from webhook_event where received_at > now() - interval '1 day' group by store"#
        )
        .fetch_all(&self.pool())
        .await?)
    }

    /// Takes an event in: inserts it, and makes the checkout that it is about look now. One statement: what was answered
    /// with 200 is durable, and a checkout that is being worked on by somebody is left alone.
    ///
    /// `settle`: how far what BigCommerce shows may lag behind. What has ended as it should looks once that has passed, so
    /// that the events of one payment lead to one look.
    pub async fn take_webhook(
        &self,
        event: &WebhookEvent<'_>,
        settle: Duration,
    ) -> Result<WebhookOutcome, Error> {
        let row = sqlx::query!(
            r#"
            with about as (
                select checkout_id from checkout_content where store = $1 and cart_id in ($5, lower($5))
                union all
                -- Also an order that the checkout gave up: somebody may have paid it all the same.
                select checkout_id from checkout_order where store = $1 and order_id = $6
                order by checkout_id desc limit 1
            ), taken as (
                insert into webhook_event (store, scope, hash, body, checkout_id)
                values ($1, $2, $3, $4::text::json, (select checkout_id from about))
                on conflict do nothing
                returning checkout_id
            ), hurried as (
                -- Who is being worked on is left alone, and looks again where the work would have ended in a wait.
                update checkout set due_at = case when status = 'running' then due_at else now() end,
                    hinted = status = 'running'
                where checkout_id = (select checkout_id from taken)
                    -- A cart that was converted was paid, here or elsewhere: also who is at rest looks then.
                    and (status in ('waiting', 'running') or (status = 'awaiting_input' and $2 like '%/cart/converted'))
                returning checkout_id
            ), looked_at as (
                -- Who is at rest with an order, or gave one up, is looked at now, and once more a little later.
                update checkout set look_at = now(), hinted = true
                where checkout_id = (select checkout_id from taken) and status = 'awaiting_input' and $2 like '%/order/%'
            ), late as (
                -- What has ended, or waits for a person, is looked at once more when its cart or its order is heard of.
                insert into late_look (checkout_id, due_at, again)
                select checkout_id, now(), true from checkout
                where checkout_id = (select checkout_id from taken) and (
                    (status in ('cancelled', 'expired') and ($2 like '%/cart/converted' or $2 like '%/order/%'))
                    or (status = 'completed' and $2 like '%/cart/converted' and order_id is distinct from $6)
                    or (status = 'stuck' and stuck_reason in ('paid-twice', 'surplus-order-paid', 'order-unknown',
                            'cancel-found-paid', 'undo-failed', 'payment-unknown', 'payment-pending-too-long')
                        and ($2 like '%/cart/converted' or $2 like '%/order/%'))
                    -- What could not be told of an order's money may be clear now.
                    or (status = 'stuck' and stuck_reason = 'order-not-payable' and $2 like '%/order/%'))
                union all
                -- Of what is paid, or about to be, events tell that were caused here, and may tell of money of others.
                select checkout_id, now() + make_interval(secs => $7::float8), false from checkout
                where checkout_id = (select checkout_id from taken)
                    and (status = 'completed' or (status in ('running', 'waiting') and step = 'payment'))
                    and $2 ~ '/order/(updated|statusUpdated|transaction/.*|refund/.*)$'
                on conflict (checkout_id) do update set due_at = least(late_look.due_at, excluded.due_at),
                    again = late_look.again or excluded.again or late_look.due_at > excluded.due_at
            )
            select (select count(*) from taken) as "taken!", (select checkout_id from taken) as checkout_id,
                (select count(*) from hurried) as "hurried!"
            "#,
            event.store,
            event.scope,
            event.hash,
            event.body,
            event.cart_id,
            event.order_id,
            settle.as_secs_f64(),
        )
        .fetch_one(&self.pool())
        .await?;
        Ok(match (row.taken, row.checkout_id) {
            (0, _) => WebhookOutcome::Duplicate,
            (_, None) => WebhookOutcome::Unrelated,
            (_, Some(checkout_id)) => {
                self.changes.wake_recovery();
                WebhookOutcome::Matched(CheckoutId::from(checkout_id as Uuid))
            }
        })
    }
}
