//! The state of one store. One mutex guards it, so that every effect is all or nothing.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::call::Call;
use crate::cart::Cart;
use crate::catalog::{self, Product, Variant};
use crate::customers::{self, Customer};
use crate::ledger;
use crate::order::Order;
use crate::rate::Window;
use crate::token::Token;
use crate::webhooks::{Delivery, Hook};

/// One store with everything in it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Store {
    pub(crate) hash: String,
    /// The number of the store inside tokens and webhooks.
    pub(crate) number: u64,
    pub(crate) products: Vec<Product>,
    pub(crate) carts: HashMap<String, Cart>,
    pub(crate) orders: BTreeMap<u64, Order>,
    pub(crate) orders_by_cart: HashMap<String, Vec<u64>>,
    pub(crate) tokens: HashMap<String, Token>,
    pub(crate) customers: BTreeMap<u64, Customer>,
    pub(crate) gift_certificates: HashMap<String, customers::GiftCertificate>,
    pub(crate) metafields: Vec<Metafield>,
    pub(crate) hooks: BTreeMap<u64, Hook>,
    /// Webhooks to send once the store is released.
    #[serde(skip)]
    pub(crate) outbox: Vec<Delivery>,
    pub(crate) buried_carts: Vec<ledger::Cart>,
    pub(crate) attempts: Vec<ledger::Attempt>,
    /// Payments that are at the gateway and not answered by it yet.
    #[serde(skip)]
    pub(crate) held_payments: Vec<HeldPayment>,
    pub(crate) charges: Vec<ledger::Charge>,
    pub(crate) refunds: Vec<ledger::Refund>,
    pub(crate) mass_archives: u64,
    #[serde(skip)]
    pub(crate) management_window: Window,
    #[serde(skip)]
    pub(crate) payment_window: Window,
    next_order: u64,
    next_number: u64,
}

/// A note that an app hangs on a cart or an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Metafield {
    pub(crate) id: u64,
    /// `cart` or `order`.
    #[serde(deserialize_with = "crate::state::word")]
    pub(crate) kind: crate::state::Word,
    pub(crate) resource: String,
    pub(crate) namespace: String,
    pub(crate) key: String,
    pub(crate) fields: Value,
}

/// A payment that BigCommerce passed on and whose gateway has not decided yet.
#[derive(Debug, Clone)]
pub(crate) struct HeldPayment {
    pub(crate) number: u64,
    pub(crate) order_id: u64,
    pub(crate) token: Token,
    pub(crate) call: Call,
    pub(crate) body: Value,
    /// Reads of the order until it is decided; `None`: only when it is let go.
    pub(crate) reads: Option<u64>,
}

impl Store {
    /// A store as it is on its first day.
    pub(crate) fn new(hash: &str, first_order: u64) -> Self {
        Self {
            hash: hash.to_owned(),
            number: 1_001_336_324,
            products: catalog::products(),
            carts: HashMap::new(),
            orders: BTreeMap::new(),
            orders_by_cart: HashMap::new(),
            tokens: HashMap::new(),
            customers: customers::first_customers(),
            gift_certificates: customers::first_certificates(),
            metafields: Vec::new(),
            hooks: BTreeMap::new(),
            outbox: Vec::new(),
            buried_carts: Vec::new(),
            attempts: Vec::new(),
            held_payments: Vec::new(),
            charges: Vec::new(),
            refunds: Vec::new(),
            mass_archives: 0,
            management_window: Window::default(),
            payment_window: Window::default(),
            next_order: first_order.max(1),
            next_number: 1000,
        }
    }

    /// The next order id.
    pub(crate) fn next_order_id(&mut self) -> u64 {
        let id = self.next_order;
        self.next_order += 1;
        id
    }

    /// The next id of anything else that BigCommerce numbers.
    pub(crate) fn next_id(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// The key that signs this store's payment access tokens.
    pub(crate) fn signing_key(&self) -> [u8; 32] {
        Sha256::digest(format!("payment access tokens of {}", self.hash)).into()
    }

    /// A product by id.
    pub(crate) fn product(&self, id: u64) -> Option<&Product> {
        self.products.iter().find(|product| product.id == id)
    }

    /// A variant and its product.
    pub(crate) fn variant(&self, id: u64) -> Option<(&Product, &Variant)> {
        self.products
            .iter()
            .find_map(|product| product.variants.iter().find(|v| v.id == id).map(|v| (product, v)))
    }

    /// A variant to change.
    pub(crate) fn variant_mut(&mut self, id: u64) -> Option<&mut Variant> {
        self.products.iter_mut().flat_map(|product| product.variants.iter_mut()).find(|v| v.id == id)
    }

    /// Takes a cart out of the shop and notes how it ended.
    pub(crate) fn bury_cart(&mut self, id: &str, state: &str) {
        if let Some(cart) = self.carts.remove(id) {
            self.buried_carts.push(cart.ledger(&self.hash, state));
        }
    }

    /// Adds everything of this store to a ledger.
    pub(crate) fn write_ledger(&self, ledger: &mut ledger::Ledger) {
        ledger.carts.extend(self.buried_carts.iter().cloned());
        let mut live: Vec<&Cart> = self.carts.values().collect();
        live.sort_by_key(|cart| cart.created);
        ledger.carts.extend(live.into_iter().map(|cart| cart.ledger(&self.hash, "live")));
        ledger.orders.extend(self.orders.values().map(|order| order.ledger(&self.hash)));
        let mut tokens: Vec<&Token> = self.tokens.values().collect();
        tokens.sort_by_key(|token| token.number);
        ledger.tokens.extend(tokens.into_iter().map(|token| token.ledger(&self.hash)));
        ledger.attempts.extend(self.attempts.iter().cloned());
        ledger.charges.extend(self.charges.iter().cloned());
        ledger.refunds.extend(self.refunds.iter().cloned());
        ledger.mass_archives.extend((0..self.mass_archives).map(|_| self.hash.clone()));
    }
}
