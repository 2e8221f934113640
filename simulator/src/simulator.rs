//! The handle of a running simulator: start it in a test, script faults, read what really happened.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use anyhow::Context as _;
use rust_decimal::Decimal;
use tokio::net::TcpListener;

use crate::actors::{Deed, Subject};
use crate::customers;
use crate::fault::{Fault, FaultId};
use crate::hosted::Hosted;
use crate::ledger::{Ledger, Request};
use crate::server;
use crate::settings::Settings;
use crate::state;
use crate::world::World;

/// How a pending payment, capture or void ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// With success.
    Success,
    /// Declined.
    Decline,
}

/// A running simulator. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Simulator {
    world: Arc<World>,
    address: SocketAddr,
}

impl Simulator {
    /// Listens on `address` (port 0: any free port) and serves until it is stopped.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(address: SocketAddr, settings: Settings) -> anyhow::Result<Self> {
        Self::start_as(address, settings, None).await
    }

    async fn start_as(
        address: SocketAddr,
        settings: Settings,
        file: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let address = listener.local_addr()?;
        let world = Arc::new(World::new(settings));
        if let Some(file) = file {
            state::load(&world, &file)?;
            state::save(&world, &file)?;
            world.tasks.spawn(state::keep(Arc::clone(&world), file));
        }
        world.tasks.spawn(server::serve(Arc::clone(&world), listener));
        Ok(Self { world, address })
    }

    /// The same, with the stores of an earlier run in `file`, where they are saved about once a second and when it stops.
    ///
    /// # Errors
    /// When the address cannot be bound, or the file cannot be read or written.
    pub async fn start_with_state(
        address: SocketAddr,
        settings: Settings,
        file: PathBuf,
    ) -> anyhow::Result<Self> {
        Self::start_as(address, settings, Some(file)).await
    }

    /// `http://127.0.0.1:4200`; the base URL of both BigCommerce hosts and of the control plane.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What really happened in all stores.
    pub fn ledger(&self) -> Ledger {
        self.world.ledger(None)
    }

    /// What really happened in one store.
    pub fn ledger_of(&self, store: &str) -> Ledger {
        self.world.ledger(Some(store))
    }

    /// The requests that arrived, the last 200,000 of them.
    pub fn requests(&self) -> Vec<Request> {
        self.world.requests()
    }

    /// Adds a fault; it counts requests from now on.
    pub fn add_fault(&self, fault: Fault) -> FaultId {
        self.world.board.add(fault)
    }

    /// How often a fault was reached. With an effect before the fault, it counts once the effect has happened.
    pub fn reached(&self, fault: FaultId) -> u64 {
        self.world.board.reached(fault)
    }

    /// Waits until a fault was reached this often; returns at once when the fault was removed.
    pub async fn wait_reached(&self, fault: FaultId, count: u64) {
        self.world.board.wait_reached(fault, count).await;
    }

    /// Waits until the clients of this many held requests have gone, so that a release afterwards is certainly late;
    /// returns at once when the fault was removed.
    pub async fn wait_abandoned(&self, fault: FaultId, count: u64) {
        self.world.board.wait_abandoned(fault, count).await;
    }

    /// Lets go of every request that this fault holds now; later ones are held again.
    pub fn release(&self, fault: FaultId) {
        self.world.board.release(fault);
    }

    /// Removes all faults; held requests go on.
    pub fn clear_faults(&self) {
        self.world.board.clear();
    }

    /// The settings as they are now.
    pub fn settings(&self) -> Settings {
        (*self.world.settings()).clone()
    }

    /// Changes the settings; requests that arrive from now on see the change.
    pub fn set(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings();
        change(&mut settings);
        self.world.set_settings(settings);
    }

    /// Ends what is outstanding on an order, in the first store that has such an order, and sends the webhooks about it.
    /// False when nothing was outstanding. Called inside of a Tokio runtime.
    pub fn settle(&self, order: u64, result: Settlement) -> bool {
        self.world.settle(None, order, result == Settlement::Success)
    }

    /// The same in one store.
    pub fn settle_in(&self, store: &str, order: u64, result: Settlement) -> bool {
        self.world.settle(Some(store), order, result == Settlement::Success)
    }

    /// The shopper pays a cart on BigCommerce's hosted page: the page makes an order of its own. `None`: there is no such
    /// cart. Called inside of a Tokio runtime.
    pub fn host(&self, cart: &str, how: Hosted) -> Option<u64> {
        self.world.host(cart, Some(how))
    }

    /// The shopper comes to the payment step of the hosted page, which makes its Incomplete order, and does not pay yet.
    pub fn host_order(&self, cart: &str) -> Option<u64> {
        self.world.host(cart, None)
    }

    /// The shopper pays an unpaid order of a cart on the hosted page, whoever made it. False when the page refuses: the order is archived or paid, or
    /// its cart is gone.
    pub fn host_payment(&self, order: u64, how: Hosted) -> bool {
        self.world.host_payment(None, order, how)
    }

    /// Somebody takes a payment for an order in the control panel, whatever its status; also one more for an order that is
    /// paid. False: the order is gone or archived. Called inside of a Tokio runtime.
    pub fn take_payment(&self, order: u64, how: Hosted) -> bool {
        self.world.take_payment(order, how)
    }

    /// Somebody else acts on a cart now: the merchant, another app, the hosted page, a second tab. What is done to an order is
    /// done to the newest order of the cart. False: it changed nothing. Called inside of a Tokio runtime.
    pub fn does_to_cart(&self, cart: &str, does: Deed) -> bool {
        self.world.does(None, &Subject { cart: Some(cart.to_owned()), order: None }, does)
    }

    /// The same with an order, in the named store; what is done to a cart is done to the cart it came from.
    pub fn does_to_order(&self, store: &str, order: u64, does: Deed) -> bool {
        self.world.does(Some(store), &Subject { cart: None, order: Some(order) }, does)
    }

    /// The shopper applies store credit and gift certificates to a cart in another place: orders of it are due only the
    /// rest. False: there is no such cart.
    pub fn apply_to_cart(&self, cart: &str, credit: bool, certificates: &[&str]) -> bool {
        let codes: Vec<String> = certificates.iter().map(|code| (*code).to_owned()).collect();
        self.world.apply(cart, credit, &codes)
    }

    /// A gift certificate with this code and balance in one store; one with the same code is replaced.
    pub fn issue_certificate(&self, store: &str, code: &str, balance: Decimal) {
        self.world.issue_certificate(store, code, balance);
    }

    /// A customer with this much store credit and nothing else in one store; answers the id.
    pub fn add_customer(&self, store: &str, credit: Decimal) -> u64 {
        let store = self.world.store(store);
        let mut store = store.lock().unwrap_or_else(PoisonError::into_inner);
        customers::add(&mut store.customers, credit)
    }

    /// A customer token (BigCommerce: Current Customer API), signed with the setting `webhook_secret`, valid for 15 minutes;
    /// `changes` is laid over its claims, null leaves one out. `None`: no such customer.
    pub fn customer_token(&self, store: &str, customer: u64, changes: &serde_json::Value) -> Option<String> {
        self.world.customer_token(store, customer, changes)
    }

    /// Moves the simulator's clock: tokens expire, windows open, lags pass.
    pub fn advance_clock(&self, seconds: i64) {
        self.world.clock.advance(seconds);
    }

    /// Forgets stores, requests, faults and the moved clock; settings stay. Held requests do nothing any more.
    pub fn reset(&self) {
        self.world.reset();
    }

    /// Closes the listener and all connections and waits for their tasks.
    pub async fn stop(self) {
        self.world.stopping.cancel();
        self.world.tasks.close();
        self.world.tasks.wait().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.world.stopping.cancel();
    }
}
