//! Checkouts whose record this program cannot read: what is stored beside the record, and how an operator closes one.
//!
//! Guarantees: nothing of the record is guessed, and one that can be read or that a process holds is not closed.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::checkout::{Checkout, CheckoutId, Event, Input, Status};
use crate::db::checkout;
use crate::db::checkout::row::RECORD_VERSION;
use crate::db::{AuditedTransaction, Db, Error, Hold, Transition};

/// What is known about a checkout whose record cannot be read.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Unread {
    /// Which one.
    #[schema(value_type = Uuid)]
    pub id: CheckoutId,
    /// Its store.
    pub store: String,
    /// Its flow, as stored.
    pub flow: String,
    /// Its status, as stored.
    pub status: String,
    /// Its version.
    pub version: i64,
    /// Its fence.
    pub fence: i64,
    /// Why it cannot be read, without its content.
    #[serde(rename = "unreadable")]
    pub reason: String,
    /// BigCommerce's cart, where one is known.
    pub cart_id: Option<String>,
    /// BigCommerce's orders that were created or adopted for it.
    #[serde(rename = "order_ids")]
    pub orders: Vec<i64>,
    /// Whether a process is working on it right now.
    pub leased: bool,
    /// When it was created.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    /// PostgreSQL's clock.
    #[serde(skip)]
    pub now: OffsetDateTime,
}

impl Unread {
    /// Whether it has ended.
    pub fn is_final(&self) -> bool {
        self.status.parse().is_ok_and(Status::is_final)
    }

    /// A checkout with nothing but what is known: to look around with, and to be written when it is closed. `None`: it runs
    /// a saga that this program does not know.
    pub fn stand_in(&self) -> Option<Checkout> {
        let flow = self.flow.parse().ok()?;
        let begun = Checkout::begin(
            self.store.clone(),
            flow,
            Input::default(),
            serde_json::Map::new(),
            self.created_at,
            std::time::Duration::ZERO,
        );
        let mut checkout = Checkout {
            id: self.id,
            version: self.version,
            fence: self.fence,
            status: Status::Compensating,
            updated_at: self.updated_at,
            ..begun
        };
        checkout.facts.cart_id.clone_from(&self.cart_id);
        // Whatever is left there is not touched by anybody any more.
        checkout.facts.cart_is_foreign = true;
        Some(checkout)
    }
}

impl Db {
    /// What is known of a checkout that cannot be read. `None`: there is none, or it can be read.
    pub async fn unread(&self, id: CheckoutId) -> Result<Option<Unread>, Error> {
        self.audited().await?.lock_unread(id).await
    }
}

impl AuditedTransaction {
    /// Locks a checkout that cannot be read. `None`: there is none, or it can be read.
    pub async fn lock_unread(&mut self, id: CheckoutId) -> Result<Option<Unread>, Error> {
        let found = sqlx::query!(
            r#"select c.store, flow, status, version, fence, cart_id, created_at, updated_at,
                   coalesce(leased_by is not null and due_at > clock_timestamp(), false) as "leased!",
                   clock_timestamp() as "now!",
                   array(select order_id from checkout_order o where o.checkout_id = $1 order by order_id) as "orders!"
               from checkout c join checkout_content using (checkout_id) where checkout_id = $1 for update of c"#,
            id.uuid()
        )
        .fetch_optional(&mut *self.tx)
        .await?;
        let Some(found) = found else { return Ok(None) };
        let reason = match checkout::read(&mut *self.tx, id).await {
            Ok(_) => return Ok(None),
            Err(Error::Unreadable { reason, .. }) => reason,
            Err(error @ Error::Newer { .. }) => error.to_string(),
            Err(error) => return Err(error),
        };
        Ok(Some(Unread {
            id,
            store: found.store,
            flow: found.flow,
            status: found.status,
            version: found.version,
            fence: found.fence,
            reason,
            cart_id: found.cart_id,
            orders: found.orders,
            leased: found.leased,
            created_at: found.created_at,
            updated_at: found.updated_at,
            now: found.now,
        }))
    }

    /// Closes what was locked: it becomes `cancelled`, with its cart and its orders and nothing else. `None`: it runs a saga
    /// that this program does not know.
    pub async fn close_unread(&mut self, unread: &Unread) -> Result<Option<Checkout>, Error> {
        let Some(from) = unread.stand_in() else { return Ok(None) };
        let id: Uuid = unread.id.uuid();
        // What cannot be read would be kept, because a transition writes what changed.
        sqlx::query!(
            "update checkout_content set input = '{}', document = null,
                 metadata = case when json_typeof(metadata) = 'object' then metadata else '{}' end
             where checkout_id = $1",
            id
        )
        .execute(&mut *self.tx)
        .await?;
        sqlx::query!(
            "update checkout set record_version = $2, unreadable_for = null, unreadable_reason = null, lost_leases = 0
             where checkout_id = $1",
            id,
            RECORD_VERSION
        )
        .execute(&mut *self.tx)
        .await?;
        let closed = Transition::new(&from, Event::Undone, Hold::None, |checkout| {
            checkout.facts.abandoned_orders.clone_from(&unread.orders);
        });
        let closed =
            closed.map_err(|error| Error::Unreadable { checkout_id: id, reason: error.to_string() })?;
        self.write(&closed).await.map(Some)
    }
}
