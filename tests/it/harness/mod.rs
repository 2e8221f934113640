//! The real service on a fresh database against the simulator, and the invariants that hold after every run.

mod command;
pub(crate) mod daemon;
mod database;
pub(crate) mod invariants;
pub(crate) mod logs;
mod receiver;
mod relay;
mod run;
mod service;

use std::time::Duration;

use bigcommerce_simulator::{Settings, Simulator};
use serde_json::{Value, json};

pub(crate) use database::Database;
pub(crate) use receiver::{EVENT_SECRET, Received, Receiver, Reply};
pub(crate) use relay::Relay;
pub(crate) use run::{run, run_with};
pub(crate) use service::{Answer, Service};

/// The storefront key of the tests.
pub(crate) const KEY: &str = "storefront-key-of-the-tests";
/// A second storefront's key, in the same store.
pub(crate) const OTHER_KEY: &str = "another-key-of-the-tests";
/// A publishable key of the same store, for the pages of [`ORIGIN`].
pub(crate) const PAGE_KEY: &str = "publishable-key-of-the-tests";
/// Where the pages come from.
pub(crate) const ORIGIN: &str = "https://shop.example";
/// The token of an operator who may do everything.
pub(crate) const OPERATOR: &str = "operator-token-of-the-tests";
/// The token of an operator who may only look.
pub(crate) const READER: &str = "reader-token-of-the-tests";
/// The token of an operator who may act, but not on money.
pub(crate) const ACTOR: &str = "actor-token-of-the-tests";
/// Nothing that a test waits for takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A simulator, a database and the settings of the services that use them. It ends by [`World::finish`], which checks the
/// invariants: a test that forgets it fails.
pub(crate) struct World {
    pub(crate) simulator: Simulator,
    pub(crate) database: Database,
    vars: Vec<(String, String)>,
    /// Where the file of the stores is, as long as this world is.
    stores: Option<tempfile::TempDir>,
    /// Checkouts whose money others moved: what they hold is for the test itself to judge.
    pub(crate) others: std::sync::Mutex<std::collections::BTreeSet<String>>,
    end: End,
}

/// Whether a world was finished or abandoned. Dropped before that, it fails the test.
struct End {
    came: bool,
}

impl Drop for End {
    fn drop(&mut self) {
        assert!(
            self.came || std::thread::panicking(),
            "a test ends without `world.finish()`, so that nobody checked the invariants; \
             where they cannot hold, `world.abandon(\"why\")` says so"
        );
    }
}

impl World {
    /// A fresh world.
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    /// A fresh world with a simulator that behaves like this.
    pub(crate) async fn with(settings: Settings) -> Self {
        logs::capture();
        Self::on(Database::create().await, settings).await
    }

    /// A fresh world whose waits are short.
    pub(crate) async fn hasty() -> Self {
        let mut world = Self::new().await;
        world.simulator.set(|settings| settings.token_ttl_seconds = 3);
        for (name, value) in [
            ("UPSTREAM_TIMEOUT_SECONDS", "1"),
            ("PAYMENT_TIMEOUT_SECONDS", "1.2"),
            ("LEASE_SECONDS", "4"),
            ("SETTLE_SECONDS", "0.6"),
            ("PENDING_SECONDS", "2"),
            ("RETRY_BASE_MS", "10"),
        ] {
            world.set(name, value);
        }
        world
    }

    /// A world on this database.
    pub(crate) async fn on(database: Database, settings: Settings) -> Self {
        let address = "127.0.0.1:0".parse().expect("an address");
        let simulator = Simulator::start(address, settings).await.expect("the simulator starts");
        Self {
            simulator,
            database,
            vars: Vec::new(),
            stores: None,
            others: std::sync::Mutex::default(),
            end: End { came: false },
        }
    }

    /// Sets a variable of the services that are started from now on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.vars.push((name.to_owned(), value.to_owned()));
    }

    /// The stores of these tables of a `STORES_FILE`, in place of the single one.
    pub(crate) fn set_stores(&mut self, tables: &str) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("stores.toml");
        std::fs::write(&file, tables).expect("a file");
        self.set("STORES_FILE", &file.display().to_string());
        self.stores = Some(folder);
        for single in [
            "BIGCOMMERCE_STORE_HASH",
            "BIGCOMMERCE_ACCESS_TOKEN",
            "BIGCOMMERCE_CLIENT_SECRET",
            "STOREFRONT_KEYS",
        ] {
            self.set(single, "");
        }
    }

    /// Waits until this fault was reached that often. A test that waits for what never comes fails, and does not hang.
    pub(crate) async fn meets(&self, fault: bigcommerce_simulator::FaultId, times: u64) {
        let reached = self.simulator.wait_reached(fault, times);
        tokio::time::timeout(PATIENCE, reached).await.expect("the fault is reached");
    }

    /// Each of these calls (named as the simulator names them) was sent to BigCommerce and succeeded.
    /// `docs/bigcommerce-coverage.md` counts the test that says so among those that drive them.
    #[track_caller]
    pub(crate) fn drove(&self, calls: &[&str]) {
        let requests = self.simulator.requests();
        for call in calls {
            let done =
                requests.iter().any(|request| request.call == *call && (200..300).contains(&request.status));
            assert!(done, "{call} was not sent, or did not succeed");
        }
    }

    /// The environment of a service.
    pub(crate) fn vars(&self) -> Vec<(String, String)> {
        let (url, database) = (self.simulator.url(), self.database.url());
        let mut vars: Vec<(String, String)> = [
            ("DATABASE_URL", &*database),
            ("DATABASE_MAX_CONNECTIONS", "8"),
            ("LISTEN_ADDR", "127.0.0.1:0"),
            ("BIGCOMMERCE_STORE_HASH", "teststore"),
            ("BIGCOMMERCE_ACCESS_TOKEN", "bigcommerce-token-of-the-tests"),
            ("BIGCOMMERCE_CLIENT_SECRET", "bigcommerce-client-secret-of-the-tests"),
            ("BIGCOMMERCE_API_URL", &*url),
            ("BIGCOMMERCE_PAYMENTS_URL", &*url),
            ("STOREFRONT_KEYS", &format!("web={KEY},other={OTHER_KEY},page={PAGE_KEY}@{ORIGIN}")),
            ("OPERATOR_TOKENS", &format!("olga:money={OPERATOR},rita:read={READER},adam:act={ACTOR}")),
            ("ALLOW_RAW_CARDS", "true"),
            // Short, so that waiting for them costs a test little; never so short that they decide a test.
            ("UPSTREAM_TIMEOUT_SECONDS", "2"),
            ("PAYMENT_TIMEOUT_SECONDS", "3"),
            ("LEASE_SECONDS", "6"),
            ("SETTLE_SECONDS", "1"),
            ("RETRY_BASE_MS", "20"),
            ("SHUTDOWN_SECONDS", "10"),
            // Many tests ask more of one checkout in a second than a shopper does in a minute. Payments keep their limits.
            ("LIMIT_ADDRESS_PER_MINUTE", "0"),
            ("LIMIT_PUBLISHABLE_KEY_PER_MINUTE", "0"),
            ("LIMIT_CREATIONS_PER_MINUTE", "0"),
            ("LIMIT_CHECKOUT_PER_MINUTE", "0"),
            ("LIMIT_UNKNOWN_PER_MINUTE", "0"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        for (name, value) in &self.vars {
            vars.retain(|(known, _)| known != name);
            vars.push((name.clone(), value.clone()));
        }
        vars
    }

    /// The service inside the test's process.
    pub(crate) async fn start(&self) -> Service {
        Service::in_process(self).await
    }

    /// The real binary as a process of its own, which can be killed.
    pub(crate) async fn spawn(&self) -> Service {
        Service::process(self).await
    }

    /// Others moved the money of this checkout: what it holds is for the test to judge, and not for the invariants.
    pub(crate) fn others_moved_money_of(&self, path: &str) {
        let id = path.rsplit('/').next().expect("an id").to_owned();
        self.others.lock().expect("nobody panicked with it").insert(id);
    }

    /// Checks every invariant and clears up. Every test ends with it; [`run`] does it by itself.
    pub(crate) async fn finish(self) {
        invariants::check(&self).await;
        self.clear_up().await;
    }

    /// Clears up without a look at the invariants, which cannot hold here.
    pub(crate) async fn abandon(self, why: &str) {
        println!("the invariants are not checked: {why}");
        self.clear_up().await;
    }

    async fn clear_up(mut self) {
        self.end.came = true;
        self.simulator.stop().await;
        self.database.drop().await;
    }
}

/// A cart with one custom item that costs 10.00 and 10.83 with tax, as in BigCommerce's guide.
pub(crate) fn custom_cart() -> Value {
    json!({"custom_items": [{"sku": "abc-123", "name": "Custom Product", "quantity": 1, "list_price": 10}]})
}

/// An address in BigCommerce's shape.
pub(crate) fn address() -> Value {
    json!({
        "first_name": "Jane", "last_name": "Doe", "email": "jane@example.com", "address1": "123 Main Street",
        "address2": "", "city": "Austin", "state_or_province": "Texas", "state_or_province_code": "TX",
        "country_code": "US", "postal_code": "78751", "phone": "1234567890"
    })
}

/// A payment with a card that succeeds.
pub(crate) fn good_card() -> Value {
    card("4111111111111111")
}

/// More than any checkout of the tests costs.
const ENOUGH: u32 = 100_000;

/// This payment, or this whole of one call, by a shopper who agreed to whatever it may cost. Which total a shopper agrees to is
/// the subject of `agreement`.
pub(crate) fn agreed(mut body: Value) -> Value {
    body["agreed_total"] = json!(ENOUGH);
    body
}

/// A payment with this card.
pub(crate) fn card(number: &str) -> Value {
    json!({
        "payment_method_id": "stripe.card",
        "instrument": {"type": "card", "number": number, "cardholder_name": "Jane Doe", "expiry_month": 12,
            "expiry_year": 2031, "verification_value": "900"}
    })
}

/// Everything that a checkout needs up to the order.
pub(crate) fn everything() -> Value {
    let mut body = custom_cart();
    body["billing_address"] = address();
    body["consignments"] = json!([{"address": address()}]);
    body["shipping_preference"] = json!("cheapest");
    body
}
