//! All stores, the settings, the clock, the faults and the log: everything that `reset` throws away.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::actors::{self, Deed, Subject};
use crate::answer::{self, Answer, Reply};
use crate::applied;
use crate::board::{Board, Other};
use crate::call::{Call, Visit};
use crate::clock::Clock;
use crate::customer_token;
use crate::customers::GiftCertificate;
use crate::delivery;
use crate::fault_kind::Effect;
use crate::hosted::{self, Hosted};
use crate::ledger::{Ledger, Request};
use crate::media;
use crate::payments;
use crate::router::{Family, Route};
use crate::settings::Settings;
use crate::settle;
use crate::store::Store;
use crate::texts;
use crate::webhooks::Delivery;

/// How many requests the log keeps.
const LOG_LENGTH: usize = 200_000;

/// The whole simulation.
#[derive(Debug)]
pub(crate) struct World {
    settings: RwLock<Arc<Settings>>,
    pub(crate) stores: Mutex<HashMap<String, Arc<Mutex<Store>>>>,
    log: Mutex<Log>,
    /// Grows with each reset, so that held requests of an older life change nothing.
    life: AtomicU64,
    pub(crate) board: Board,
    pub(crate) clock: Clock,
    pub(crate) tasks: TaskTracker,
    pub(crate) stopping: CancellationToken,
}

#[derive(Debug, Default)]
struct Log {
    last: u64,
    rows: VecDeque<Request>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A request that was routed and logged.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) route: &'static Route,
    pub(crate) family: Family,
    pub(crate) params: Vec<String>,
    pub(crate) store: String,
    pub(crate) call: Call,
    pub(crate) sequence: u64,
    pub(crate) life: u64,
    /// What others do around it and have not done yet.
    pub(crate) others: Arc<Mutex<Vec<Other>>>,
}

impl World {
    /// An empty world.
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings: RwLock::new(Arc::new(settings)),
            stores: Mutex::default(),
            log: Mutex::default(),
            life: AtomicU64::new(0),
            board: Board::default(),
            clock: Clock::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        }
    }

    /// The settings as they are now.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the settings.
    pub(crate) fn set_settings(&self, settings: Settings) {
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }

    /// A store; it is opened on its first request.
    pub(crate) fn store(&self, hash: &str) -> Arc<Mutex<Store>> {
        let first = self.settings().first_order_id;
        let mut stores = lock(&self.stores);
        if let Some(known) = stores.get(hash) {
            return Arc::clone(known);
        }
        let store = Arc::new(Mutex::new(Store::new(hash, first)));
        stores.insert(hash.to_owned(), Arc::clone(&store));
        store
    }

    /// The life that requests belong to.
    pub(crate) fn life(&self) -> u64 {
        self.life.load(Ordering::SeqCst)
    }

    /// Back to the first day: stores, log, faults and clock; settings stay.
    pub(crate) fn reset(&self) {
        self.life.fetch_add(1, Ordering::SeqCst);
        lock(&self.stores).clear();
        *lock(&self.log) = Log::default();
        self.board.clear();
        self.clock.reset();
    }

    /// Writes a request into the log and returns its number.
    pub(crate) fn log(&self, name: &str, store: &str, call: &Call) -> u64 {
        let mut log = lock(&self.log);
        log.last += 1;
        let sequence = log.last;
        if log.rows.len() >= LOG_LENGTH {
            log.rows.pop_front();
        }
        log.rows.push_back(Request {
            sequence,
            call: name.to_owned(),
            method: call.method.to_string(),
            path: call.path.clone(),
            store: store.to_owned(),
            correlation_id: call.correlation_id(),
            status: 0,
            fault: None,
        });
        sequence
    }

    /// Notes in the log what a request came to.
    pub(crate) fn note(&self, sequence: u64, change: impl FnOnce(&mut Request)) {
        let mut log = lock(&self.log);
        let first = log.rows.front().map_or(0, |row| row.sequence);
        let at = sequence.checked_sub(first).and_then(|at| usize::try_from(at).ok());
        if let Some(row) = at.and_then(|at| log.rows.get_mut(at)).filter(|row| row.sequence == sequence) {
            change(row);
        }
    }

    /// The log.
    pub(crate) fn requests(&self) -> Vec<Request> {
        lock(&self.log).rows.iter().cloned().collect()
    }

    /// How many requests of the log fit.
    pub(crate) fn count_requests(&self, fits: impl Fn(&Request) -> bool) -> usize {
        lock(&self.log).rows.iter().filter(|row| fits(row)).count()
    }

    /// The ledger of one or all stores.
    pub(crate) fn ledger(&self, store: Option<&str>) -> Ledger {
        let mut stores: Vec<(String, Arc<Mutex<Store>>)> =
            lock(&self.stores).iter().map(|(hash, store)| (hash.clone(), Arc::clone(store))).collect();
        stores.sort_by(|left, right| left.0.cmp(&right.0));
        let mut ledger = Ledger::default();
        for (hash, state) in stores {
            if store.is_none_or(|wanted| wanted == hash) {
                lock(&state).write_ledger(&mut ledger);
            }
        }
        ledger
    }

    /// Carries a request out: all of its effect, and the answer. `None` when the world was reset meanwhile.
    pub(crate) fn carry_out(self: &Arc<Self>, arrived: &Arrived) -> Option<Answer> {
        let settings = self.settings();
        let store = self.store(&arrived.store);
        let mut store = lock(&store);
        if self.life() != arrived.life {
            return None;
        }
        let answer = self.visit(&mut store, &settings, arrived).unwrap_or_else(|refused| refused);
        self.act(&mut store, &settings, arrived, Effect::After);
        let outbox = std::mem::take(&mut store.outbox);
        drop(store);
        self.deliver(outbox, &settings);
        Some(answer)
    }

    /// Others act before a request takes effect.
    pub(crate) fn others(self: &Arc<Self>, arrived: &Arrived, effect: Effect) {
        let (settings, state) = (self.settings(), self.store(&arrived.store));
        let mut store = lock(&state);
        self.act(&mut store, &settings, arrived, effect);
        let outbox = std::mem::take(&mut store.outbox);
        drop(store);
        self.deliver(outbox, &settings);
    }

    /// What others do at this moment, each of it once however often the request takes effect.
    fn act(&self, store: &mut Store, settings: &Settings, arrived: &Arrived, effect: Effect) {
        let due: Vec<Other> = lock(&arrived.others).extract_if(.., |other| other.effect == effect).collect();
        if due.is_empty() {
            return;
        }
        let body = media::body(&arrived.call, arrived.family).unwrap_or(Value::Null);
        let now = self.clock.now();
        let mut visit = Visit { call: &arrived.call, params: &[], store, settings, now, body };
        let params: Vec<String> = arrived.params.iter().map(|param| visit.canonical(param)).collect();
        visit.params = &params;
        for other in due {
            let subject = actors::subject(&visit, arrived.route.path);
            if actors::act(&mut visit, &subject, other.does) {
                other.note();
            }
        }
    }

    /// Somebody acts on a cart or an order now, in the named store or the first in which it changes something.
    pub(crate) fn does(self: &Arc<Self>, store: Option<&str>, subject: &Subject, does: Deed) -> bool {
        let mut hashes: Vec<String> = lock(&self.stores).keys().cloned().collect();
        hashes.sort();
        hashes.retain(|hash| store.is_none_or(|wanted| wanted == hash));
        hashes.iter().any(|hash| {
            self.by_itself(hash, |visit| {
                let subject = actors::completed(visit, subject.clone());
                actors::act(visit, &subject, does)
            })
        })
    }

    /// Takes a payment as far as the gateway and leaves it there. `None`: it is none, or would not come that far.
    pub(crate) fn hold_payment(self: &Arc<Self>, arrived: &Arrived, reads: Option<u64>) -> Option<u64> {
        if arrived.family != Family::Payments || self.life() != arrived.life {
            return None;
        }
        let (settings, state) = (self.settings(), self.store(&arrived.store));
        let body = media::body(&arrived.call, arrived.family).ok()?;
        media::check(&arrived.call, arrived.family, &settings).ok()?;
        let mut store = lock(&state);
        let mut visit = Visit {
            call: &arrived.call,
            params: &[],
            store: &mut store,
            settings: &settings,
            now: self.clock.now(),
            body,
        };
        payments::hold(&mut visit, reads)
    }

    /// A payment that was held at the gateway is carried out there. False when it was already.
    pub(crate) fn land_payment(self: &Arc<Self>, store: &str, held: u64) -> bool {
        self.by_itself(store, |visit| payments::land(visit, held))
    }

    /// Sends webhooks on their way, after the store was released.
    fn deliver(&self, outbox: Vec<Delivery>, settings: &Settings) {
        for delivery in outbox {
            for _ in 0..settings.webhook_copies.min(10) {
                let sending = delivery::send(
                    delivery.clone(),
                    settings.webhook_secret.clone(),
                    settings.webhook_retries,
                );
                let stopping = self.stopping.clone();
                self.tasks.spawn(async move {
                    tokio::select! { _ = sending => {}, () = stopping.cancelled() => {} }
                });
            }
        }
    }

    fn visit(&self, store: &mut Store, settings: &Settings, arrived: &Arrived) -> Reply {
        let call = &arrived.call;
        media::check(call, arrived.family, settings)?;
        let body = media::body(call, arrived.family)?;
        let now = self.clock.now();
        let mut visit = Visit { call, params: &[], store, settings, now, body };
        let params: Vec<String> = arrived.params.iter().map(|param| visit.canonical(param)).collect();
        visit.params = &params;
        let reply = (arrived.route.run)(&mut visit);
        let reply =
            reply.map(|answer| if settings.nested_answers { nest(answer, arrived.route) } else { answer });
        let reply =
            reply.map(
                |answer| {
                    if settings.unkept_texts { texts::unkept(answer, arrived.route.path) } else { answer }
                },
            );
        reply.map(|answer| media::typed(answer, arrived.family))
    }

    /// Settles what is outstanding on an order, in the named store or the first that has such an order. False when
    /// nothing was outstanding.
    pub(crate) fn settle(self: &Arc<Self>, store: Option<&str>, order: u64, success: bool) -> bool {
        let mut hashes: Vec<String> = lock(&self.stores).keys().cloned().collect();
        hashes.sort();
        hashes.retain(|hash| store.is_none_or(|wanted| wanted == hash));
        hashes.iter().any(|hash| self.by_itself(hash, |visit| settle::finish(visit, order, success)))
    }

    /// The shopper pays a cart on the hosted page, or only makes its order there (`how` is `None`). The order's id.
    pub(crate) fn host(self: &Arc<Self>, cart: &str, how: Option<Hosted>) -> Option<u64> {
        let mut hashes: Vec<String> = lock(&self.stores).keys().cloned().collect();
        hashes.sort();
        hashes.iter().find_map(|hash| {
            self.by_itself(hash, |visit| {
                let order = hosted::order(visit, cart)?;
                how.is_none_or(|how| hosted::pay(visit, order, how)).then_some(order)
            })
        })
    }

    /// The shopper pays an order that the hosted page made.
    pub(crate) fn host_payment(self: &Arc<Self>, store: Option<&str>, order: u64, how: Hosted) -> bool {
        let mut hashes: Vec<String> = lock(&self.stores).keys().cloned().collect();
        hashes.sort();
        hashes.retain(|hash| store.is_none_or(|wanted| wanted == hash));
        hashes.iter().any(|hash| self.by_itself(hash, |visit| hosted::pay(visit, order, how)))
    }

    /// Somebody takes a payment for an order in the control panel.
    pub(crate) fn take_payment(self: &Arc<Self>, order: u64, how: Hosted) -> bool {
        let hashes: Vec<String> = lock(&self.stores).keys().cloned().collect();
        hashes.iter().any(|hash| self.by_itself(hash, |visit| hosted::take(visit, order, how)))
    }

    /// The shopper applies store credit and gift certificates to a cart in another place. False: there is no such cart.
    pub(crate) fn apply(self: &Arc<Self>, cart: &str, credit: bool, certificates: &[String]) -> bool {
        let hashes: Vec<String> = lock(&self.stores).keys().cloned().collect();
        hashes
            .iter()
            .any(|hash| self.by_itself(hash, |visit| applied::apply(visit, cart, credit, certificates)))
    }

    /// A gift certificate is sold; one with the same code is replaced.
    pub(crate) fn issue_certificate(&self, store: &str, code: &str, balance: Decimal) {
        let certificate = GiftCertificate { balance, original: balance, expired: false };
        lock(&self.store(store)).gift_certificates.insert(code.to_owned(), certificate);
    }

    /// A customer token (BigCommerce: Current Customer API) of a customer, with `changes` laid over its claims.
    pub(crate) fn customer_token(&self, store: &str, customer: u64, changes: &Value) -> Option<String> {
        let (settings, state) = (self.settings(), self.store(store));
        let known = lock(&state).customers.get(&customer).cloned()?;
        Some(customer_token::mint(store, &known, self.clock.now(), &settings, changes))
    }

    /// Something that no request asked for.
    fn by_itself<T>(self: &Arc<Self>, hash: &str, act: impl FnOnce(&mut Visit<'_>) -> T) -> T {
        let (settings, call, state) = (self.settings(), Call::nobody(), self.store(hash));
        let mut state = lock(&state);
        let mut visit = Visit {
            call: &call,
            params: &[],
            store: &mut state,
            settings: &settings,
            now: self.clock.now(),
            body: Value::Null,
        };
        let done = act(&mut visit);
        let outbox = std::mem::take(&mut state.outbox);
        drop(state);
        self.deliver(outbox, &settings);
        done
    }
}

/// What is made answers 201 and its envelope inside of another (setting `nested_answers`).
fn nest(answer: Answer, route: &Route) -> Answer {
    let makes = matches!(route.name, "create-order" | "create-access-token" | "process-payment");
    match serde_json::from_slice::<Value>(&answer.body) {
        Ok(body) if makes && answer.status < 300 => Answer::json(201, &json!({"data": body, "meta": {}})),
        _ => answer,
    }
}

/// 404 and 405 for paths and methods that BigCommerce does not have.
pub(crate) fn unrouted(family: Family, known_path: bool) -> Answer {
    let (status, title) = if known_path {
        (405, "Method not allowed.")
    } else {
        (404, "The requested resource was not found.")
    };
    match family {
        Family::V2 => answer::v2(status, title),
        Family::V3 => answer::problem(status, title),
        Family::Payments => Answer::json(
            status,
            &json!({"status": status, "title": title, "type": answer::STATUS_CODES, "code": 10_001}),
        ),
    }
}
