//! Many stores in one service. Each cell has a store of its own, so that its faults, its quota, its breaker and its gift
//! certificates touch no other cell, and all cells share one database, one simulator and one service: a cell costs a checkout.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bigcommerce_simulator::{Fault, FaultId, Ledger, Money, Request, Settings};
use futures::StreamExt as _;
use reqwest::Method;
use serde_json::Value;

use crate::harness::{Answer, OPERATOR, Service, World};

/// So many cells run at once.
const AT_ONCE: usize = 12;

/// A hasty world with so many stores.
pub(super) async fn world(stores: usize, settings: impl FnOnce(&mut Settings)) -> World {
    let mut world = World::hasty().await;
    world.simulator.set(settings);
    world.set("DATABASE_MAX_CONNECTIONS", "8");
    // What settles by being looked at has time for it, however busy the machine is.
    world.set("PENDING_SECONDS", "8");
    let tables: Vec<String> = (0..stores)
        .map(|number| {
            format!(
                "[[store]]\nname = \"{name}\"\nstore_hash = \"{name}\"\naccess_token = \"token-of-the-store-{name}\"\n\
                 webhook_secret = \"webhook-secret-of-the-store-{name}\"\n\
                 storefront_keys = [{{ name = \"web\", key = \"{key}\" }}]\n",
                name = name(number),
                key = key(number),
            )
        })
        .collect();
    world.set_stores(&tables.concat());
    world
}

pub(super) fn name(number: usize) -> String {
    format!("store{number}")
}

fn key(number: usize) -> String {
    format!("storefront-key-of-store-{number:05}")
}

/// What was sent for the store of this name, in order.
pub(super) fn requests_of(world: &World, name: &str) -> Vec<Request> {
    let requests = world.simulator.requests().into_iter();
    requests.filter(|request| request.store == name).collect()
}

/// One of the stores, for one cell.
pub(super) struct Shop<'a> {
    world: &'a World,
    pub(super) service: &'a Service,
    /// Its name, and its hash.
    pub(super) name: String,
    key: String,
    sent: AtomicUsize,
    hurries: AtomicBool,
}

impl<'a> Shop<'a> {
    pub(super) fn new(world: &'a World, service: &'a Service, number: usize) -> Self {
        Self {
            world,
            service,
            name: name(number),
            key: key(number),
            sent: AtomicUsize::new(0),
            hurries: AtomicBool::new(false),
        }
    }

    /// Its requests have keys that no earlier process has seen.
    pub(super) fn is_anew(&self) {
        self.sent.fetch_add(1000, Ordering::Relaxed);
    }

    /// Its storefront does not wait for answers any more.
    pub(super) fn hurry(&self) {
        self.hurries.store(true, Ordering::Relaxed);
    }

    /// How many requests its storefront sent.
    pub(super) fn sent_so_far(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// The next request has the key of the one that came after so many.
    pub(super) fn sends_again(&self, after: usize) {
        self.sent.store(after, Ordering::Relaxed);
    }

    /// How often BigCommerce was asked to change something. A read of the paid order may still be on its way.
    pub(super) fn written(&self) -> usize {
        self.requests().iter().filter(|request| request.method != "GET").count()
    }

    /// A request of its storefront with a fresh key.
    pub(super) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        let prefer = if self.hurries.load(Ordering::Relaxed) { "wait=0" } else { "wait=20" };
        self.send_with(&format!("key-{number}"), prefer, method, path, body).await
    }

    /// The same with this key and patience.
    pub(super) async fn send_with(
        &self,
        key: &str,
        prefer: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        self.call(&self.key, key, prefer, method, path, body).await
    }

    /// A request of an operator of all stores.
    pub(super) async fn operate(
        &self,
        key: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let of_store =
            if path.starts_with("orders") { format!("?store={}", self.name) } else { String::new() };
        let path = format!("/ops/v1/{path}{of_store}");
        self.call(OPERATOR, key, "wait=20", method, &path, body).await
    }

    async fn call(
        &self,
        bearer: &str,
        key: &str,
        prefer: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Answer {
        let bearer = format!("Bearer {bearer}");
        let mut headers = vec![("authorization", &*bearer), ("prefer", prefer)];
        if method == Method::POST {
            headers.push(("idempotency-key", key));
        }
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        self.service.call(method, path, &headers, body.map(|body| body.to_string().into_bytes())).await
    }

    /// The checkout once nothing is under way.
    pub(super) async fn settled(&self, path: &str) -> Value {
        let settled =
            |now: &Value| !matches!(now["status"].as_str(), Some("running" | "compensating" | "waiting"));
        self.service.wait_as(&self.key, path, "settled", settled).await
    }

    /// The checkout once nobody but an operator can move it.
    pub(super) async fn ended(&self, path: &str) -> Value {
        let ended = |now: &Value| {
            matches!(now["status"].as_str(), Some("completed" | "cancelled" | "expired" | "stuck"))
        };
        self.service.wait_as(&self.key, path, "ended", ended).await
    }

    /// Plays a fault on this store only.
    pub(super) fn add_fault(&self, fault: Fault) -> FaultId {
        self.world.simulator.add_fault(fault.store(&self.name))
    }

    /// What was sent for it, in order.
    pub(super) fn requests(&self) -> Vec<Request> {
        requests_of(self.world, &self.name)
    }

    /// The same where it is asked for: it costs a copy of the log.
    pub(super) fn sent(&self, asked: bool) -> Vec<Request> {
        if asked { self.requests() } else { Vec::new() }
    }

    pub(super) fn ledger(&self) -> Ledger {
        self.world.simulator.ledger_of(&self.name)
    }

    /// The orders that hold money.
    pub(super) fn holding(&self) -> Vec<Money> {
        self.ledger().moneys().into_iter().filter(|money| !money.held().is_zero()).collect()
    }
}

/// Plays cells, some at a time, each in the store of its number; answers what failed.
pub(super) async fn play<C: Copy, F: Future<Output = Result<(), String>>>(
    cells: &[C],
    cell: impl Fn(usize, C) -> F,
) -> Vec<String> {
    futures::stream::iter(cells.iter().copied().enumerate())
        .map(|(number, one)| cell(number, one))
        .buffer_unordered(AT_ONCE)
        .filter_map(|done| async { done.err() })
        .collect()
        .await
}

/// The same; every cell has to pass.
pub(super) async fn play_all<C: Copy, F: Future<Output = Result<(), String>>>(
    cells: &[C],
    cell: impl Fn(usize, C) -> F,
) {
    let failed = play(cells, cell).await;
    assert!(failed.is_empty(), "{} of {} cells failed:\n{}", failed.len(), cells.len(), failed.join("\n"));
    println!("{} cells passed", cells.len());
}
