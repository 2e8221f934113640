//! The group committer on a real database, without BigCommerce: what it writes, and what it does in trouble.
//!
//! Whether two transitions are in one group is never left to chance: they are queued before the committer begins.

mod groups;
mod leases;
mod restarted;
mod trouble;

use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use futures::poll;
use headless_checkout::checkout::{Checkout, CheckoutId, Event, Flow, Input, KeyRef, OrderFacts};
use headless_checkout::db::{Binding, Claim, CommitObserver, Committer, Db, Error, Hold, Transition};
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::harness::Database;

const TTL: Duration = Duration::from_secs(3630);
const LEASE: Duration = Duration::from_secs(20);

/// The sizes of the groups that were written.
#[derive(Default)]
struct Groups(Mutex<Vec<usize>>);

impl CommitObserver for Groups {
    fn waited(&self, _wait: Duration) {}

    fn committed(&self, size: usize, _took: Duration) {
        self.0.lock().expect("nobody panics").push(size);
    }
}

impl Groups {
    fn sizes(&self) -> Vec<usize> {
        self.0.lock().expect("nobody panics").clone()
    }
}

/// A database, and a [`Db`] whose transitions are written in groups once the committer runs.
struct Bench {
    database: Database,
    db: Db,
    committer: Committer,
    groups: Arc<Groups>,
}

impl Bench {
    async fn new() -> Self {
        let database = Database::create().await;
        let (db, committer) = Db::new(database.pool.clone(), LEASE).with_group_commit();
        Self { database, db, committer, groups: Arc::default() }
    }

    /// Another one on the same database, which writes everything alone.
    fn plain(&self) -> Db {
        Db::new(self.database.pool.clone(), LEASE)
    }

    /// Checkouts that were claimed by this one, written alone.
    async fn claimed(&self, count: usize) -> Vec<Claim> {
        let plain = self.plain();
        let created = join_all((0..count).map(async |n| create(&plain, &format!("claimed-{n}")).await)).await;
        created.into_iter().map(|claim| claim.expect("it is created")).collect()
    }

    /// Queues all of this before the committer begins; then lets it write until everybody is answered.
    async fn together<T>(self, work: Vec<impl Future<Output = T>>) -> (Database, Vec<T>, Vec<usize>) {
        let mut work = pin!(tokio::task::unconstrained(join_all(work)));
        assert!(poll!(&mut work).is_pending(), "nothing is written before the committer begins");
        let done = running(self.committer, self.groups.clone(), work).await;
        (self.database, done, self.groups.sizes())
    }
}

/// Does this while the committer runs, which is drained afterwards.
async fn running<T>(mut committer: Committer, groups: Arc<Groups>, work: impl Future<Output = T>) -> T {
    let stopping = CancellationToken::new();
    let work = Box::pin(work);
    let work = async {
        let done = work.await;
        stopping.cancel();
        done
    };
    tokio::join!(Box::pin(committer.run(&stopping, &*groups)), work).1
}

/// A checkout on which nothing was done, not yet in the database.
fn checkout() -> Checkout {
    let (store, input) = ("main".to_owned(), Input::default());
    Checkout::begin(store, Flow::Cart, input, serde_json::Map::new(), OffsetDateTime::UNIX_EPOCH, TTL)
}

/// An order that nobody has paid.
fn order(id: i64) -> OrderFacts {
    OrderFacts {
        id,
        status_id: 0,
        status: "Incomplete".to_owned(),
        credited: None,
        payment_status: String::new(),
        total: None,
        currency: "USD".to_owned(),
        verified: true,
    }
}

fn key(name: &str) -> KeyRef {
    KeyRef { principal: "web".to_owned(), key: name.parse().expect("a key") }
}

fn binding(name: &str, again: bool) -> Binding {
    Binding { key: key(name), operation: "create".to_owned(), fingerprint: [7; 32], again }
}

/// Creates a checkout and binds a key of this name.
async fn create(db: &Db, name: &str) -> Result<Claim, Error> {
    let from = checkout();
    let transition = Transition::new(&from, Event::Claimed, Hold::Lease, |_| {}).expect("it may be claimed");
    db.create(transition.bind(Some(binding(name, false))), [1; 32], TTL).await
}

/// Goes on with a checkout, with these changes.
async fn advance(db: &Db, claim: Claim, change: impl FnOnce(&mut Checkout)) -> Result<Claim, Error> {
    let transition = Transition::new(claim.checkout(), Event::Advanced, Hold::Lease, change).expect("legal");
    db.advance(claim, transition).await.map_err(|(_, error)| error)
}

async fn version(pool: &PgPool, id: CheckoutId) -> i64 {
    sqlx::query_scalar("select version from checkout where checkout_id = $1")
        .bind(id.uuid())
        .fetch_one(pool)
        .await
        .expect("it is there")
}
