//! What operators may do, for all entry points (HTTP, command line, dashboard). Never: HTTP, a decision of the saga.
//!
//! Guarantees: every action requires a role and a reason, has a dry run, is refused if it could charge twice, and writes
//! its row in the audit log in its own transaction. Entry points only translate.
//!
//! Reading order: [`action`] is what can be requested, [`guard`] what refuses it, [`evidence`] what BigCommerce says about
//! a finding, [`act`] performs one, [`bulk`] performs one on many checkouts, [`orders`] is about orders. [`detail`] is
//! everything that is known about one checkout and [`mod@why`] explains it in plain words.

mod act;
pub mod action;
mod bulk;
pub mod detail;
pub mod events;
mod evidence;
mod guard;
mod listed;
pub mod orders;
mod overview;
pub mod privacy;
mod reasons;
mod sessions;
mod text;
mod tokens;
mod unread;
pub mod webhooks;
mod why;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;

use crate::bigcommerce::Client;
use crate::bigcommerce::budget::Budget;
use crate::db::{self, Db};

pub use act::{ActionError, ActionRequest, Report};
pub use action::{Action, Actor, Assertion};
pub use bulk::{BulkPreview, BulkRequest, BulkSeen, Previewed};
pub use detail::{Attempt, AttemptResult, CheckoutDetail, Moved, Timeline};
pub use guard::Guard;
pub use overview::{HookHealth, HostHealth, Overview, StoreHealth};
pub use reasons::headline;
pub use text::{instant, is_deceptive, is_shown_escaped, visible};
pub use unread::UnreadableCheckout;
pub use why::{AllowedAction, Suggested, Why, why};

use why::effects;

// What the entry points need, so that they need no other module.
pub use crate::checkout::{
    Attention, CheckoutId, InvalidId, Money, Obstacle, Status, StepName, StuckReason, parse_decimal,
};
pub use crate::db::Error as DbError;
pub use crate::db::{
    AtRisk, AttentionCount, AuditRow, Broken, Bulk, BulkResult, Count, Cursor, Entry, Filter, InvalidCursor,
    InvalidSort, Listed, ListedStuck, LockedCheckout, Minute, OldestUnknown, Page, Sort, StuckCount, Summary,
    Unread, Verified,
};

/// Rows on a page of a list, unless asked otherwise.
pub const PAGE: u32 = 50;
/// Rows on a page at most.
pub const PAGE_AT_MOST: u32 = 200;
/// Rows of the attempt log that are shown of one checkout.
const LOG_AT_MOST: i64 = 1000;

/// The waits that an operator's actions respect.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How far what BigCommerce shows may lag behind what it did.
    pub settle: Duration,
    /// How long what a call of the management API may have done is not believed absent: its time-out and `settle`.
    pub quiet: Duration,
    /// The same for a payment.
    pub quiet_payment: Duration,
    /// How long after its end a checkout is looked at once more.
    pub late: Duration,
    /// How long an idle checkout is kept before it expires.
    pub checkout_ttl: Duration,
}

impl Default for Settings {
    /// As the configuration's own defaults.
    fn default() -> Self {
        Self {
            settle: Duration::from_secs(30),
            quiet: Duration::from_secs(45),
            quiet_payment: Duration::from_secs(90),
            late: Duration::from_mins(3),
            checkout_ttl: Duration::from_hours(24 * 7),
        }
    }
}

/// What operators see and do, through any entry point. Cheap to clone.
#[derive(Clone)]
pub struct Console {
    inner: Arc<Inner>,
    /// The only store that is seen from here; what is of another one is not there.
    scope: Option<Arc<str>>,
}

struct Inner {
    db: Db,
    clients: HashMap<String, Client>,
    budgets: HashMap<String, Arc<Budget>>,
    settings: Settings,
    tasks: TaskTracker,
    wake_bulk: tokio::sync::Notify,
    /// An action on an order was begun or ended.
    actions_moved: tokio::sync::Notify,
    /// An action on an order may be due.
    wake_actions: tokio::sync::Notify,
}

impl Console {
    /// A console on this database. `clients` are those of the stores by name; without one, what has to ask BigCommerce is
    /// refused. `budgets` are those that this process spends; what was begun is ended on `tasks`.
    pub fn new(
        db: Db,
        clients: HashMap<String, Client>,
        budgets: HashMap<String, Arc<Budget>>,
        settings: Settings,
        tasks: TaskTracker,
    ) -> Self {
        let (wake_bulk, actions_moved, wake_actions) = Default::default();
        let inner = Inner { db, clients, budgets, settings, tasks, wake_bulk, actions_moved, wake_actions };
        Self { inner: Arc::new(inner), scope: None }
    }

    /// The console limited to this operator: other stores do not exist for an operator of one store.
    #[must_use = "the console itself is not limited"]
    pub fn of(&self, actor: &Actor) -> Self {
        let scope = actor.store.as_deref().map(Arc::from).or_else(|| self.scope.clone());
        Self { inner: self.inner.clone(), scope }
    }

    /// Whether there is such a checkout here.
    pub async fn knows(&self, id: CheckoutId) -> Result<bool, db::Error> {
        Ok(self.db().store_of(id).await?.is_some_and(|store| self.sees(&store)))
    }

    fn db(&self) -> &Db {
        &self.inner.db
    }

    /// Whether the database answers, and takes writes.
    pub async fn takes_writes(&self) -> Result<bool, db::Error> {
        self.db().takes_writes().await
    }

    /// The numbers of the migrations that the database has. `None`: they cannot be read.
    pub async fn applied_migrations(&self) -> Result<Option<Vec<i64>>, db::Error> {
        self.db().applied_migrations().await
    }

    /// Overdue checkouts of a newer version of the program, and checkouts that cannot be read.
    pub async fn foreign_records(&self) -> Result<(i64, i64), db::Error> {
        self.db().foreign_records().await
    }

    /// Where a person looks at an order of this store: BigCommerce's control panel. `None`: there is none, as with the simulator.
    pub fn control_panel(&self, store: &str, order_id: i64) -> Option<String> {
        self.inner.clients.get(store)?.control_panel(order_id)
    }

    fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    fn sees(&self, store: &str) -> bool {
        self.scope().is_none_or(|own| own == store)
    }

    fn within(&self, filter: &Filter) -> Filter {
        Filter { within: self.scope().map(str::to_owned), ..filter.clone() }
    }

    /// The counts of the summary.
    pub async fn summary(&self) -> Result<Summary, db::Error> {
        self.db().summary(self.scope()).await
    }

    /// What went on in the last hour, minute by minute.
    pub async fn activity(&self) -> Result<Vec<Minute>, db::Error> {
        self.db().activity(self.scope()).await
    }

    /// One page of the checkouts that fit; at most [`PAGE_AT_MOST`] rows.
    pub async fn list(
        &self,
        filter: &Filter,
        sort: Sort,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Listed>, db::Error> {
        self.db().list(&self.within(filter), sort, after, limit.clamp(1, PAGE_AT_MOST)).await
    }

    /// One checkout with everything that is known of it; `None`: there is none.
    pub async fn case(&self, id: CheckoutId) -> Result<Option<CheckoutDetail>, db::Error> {
        let held = self.db().look(id).await?.filter(|held| self.sees(&held.checkout.store));
        let Some(held) = held else { return Ok(None) };
        let rows = self.db().attempt_log(id, LOG_AT_MOST).await?;
        let actions = self.db().audit(Some(id.uuid()), None, i64::from(PAGE_AT_MOST), self.scope()).await?;
        Ok(Some(CheckoutDetail::new(held, &rows, actions)))
    }

    /// One page of the audit log, the newest first, of one checkout or of everything.
    pub async fn audit(
        &self,
        id: Option<CheckoutId>,
        cursor: Option<i64>,
        limit: u32,
    ) -> Result<Page<AuditRow>, db::Error> {
        let limit = limit.clamp(1, PAGE_AT_MOST);
        let id = id.map(CheckoutId::uuid);
        let mut data = self.db().audit(id, cursor, i64::from(limit) + 1, self.scope()).await?;
        let more = data.len() > limit as usize;
        data.truncate(limit as usize);
        let next_cursor = data.last().filter(|_| more).map(|row| row.audit_id.to_string());
        Ok(Page { data, next_cursor })
    }

    /// Walks the audit chain. `anchor`: a head that was noted earlier. `None`: the chain is of all stores, so an operator
    /// of one of them has none to walk.
    pub async fn verify_audit(&self, anchor: Option<[u8; 32]>) -> Result<Option<Verified>, db::Error> {
        if self.scope.is_some() {
            return Ok(None);
        }
        self.db().verify_audit(anchor).await.map(Some)
    }
}
