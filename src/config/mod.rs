//! Every setting, read from the environment once and validated once.
//!
//! Guarantees: a program with an invalid configuration does not start and reports every error at once, by the name of the
//! variable. Secrets are [`Secret`]s, which cannot be printed. Only this module and `telemetry` read the environment, and
//! nothing here changes after startup.

mod connections;
mod credentials;
mod database;
mod events;
mod exposure;
mod limits;
mod reader;
mod retention;
mod settings;
mod stores;
#[cfg(test)]
mod tests;
mod unknown;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

pub use connections::Connections;
pub use credentials::{MIN_SECRET_CHARS, Operator, StorefrontKey, new_token};
pub use database::Database;
pub use events::{Destination, EVENT_TYPES, Events};
pub use exposure::is_loopback;
pub use limits::{Declines, Limits, Network};
pub use reader::{Errors, Mistake};
pub use retention::Retention;
pub use settings::{SETTINGS, Setting, as_markdown, as_text, setting};
pub use stores::Store;

use crate::secret::Secret;
use reader::{Reader, address, base_url, number, seconds, seconds_or_off, switch};

/// The whole configuration of the service.
#[derive(Clone)]
pub struct Config {
    /// `DATABASE_*`.
    pub database: Database,
    /// `LISTEN_ADDR`.
    pub listen_addr: SocketAddr,
    /// `METRICS_ADDR`.
    pub metrics_addr: Option<SocketAddr>,
    /// `OPS_ADDR`.
    pub ops_addr: Option<SocketAddr>,
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub otlp_endpoint: Option<String>,
    /// `STORES_FILE`, or the single store that the `BIGCOMMERCE_*` variables and `STOREFRONT_KEYS` describe; never empty.
    pub stores: Vec<Store>,
    /// `OPERATOR_TOKENS`, for all stores, and then those that `STORES_FILE` binds to one store each. Names are unique.
    pub operators: Vec<Operator>,
    /// `ALLOW_RAW_CARDS`.
    pub allow_raw_cards: bool,
    /// `ALLOW_INSECURE_UPSTREAM`.
    pub allow_insecure_upstream: bool,
    /// Whether `STORES_FILE` describes the stores.
    from_file: bool,
    /// `UPSTREAM_TIMEOUT_SECONDS`.
    pub upstream_timeout: Duration,
    /// `PAYMENT_TIMEOUT_SECONDS`.
    pub payment_timeout: Duration,
    /// `LEASE_SECONDS`; exceeds both timeouts by more than [`LEASE_MARGIN`].
    pub lease: Duration,
    /// `SETTLE_SECONDS`.
    pub settle: Duration,
    /// `PENDING_SECONDS`.
    pub pending: Duration,
    /// `RECONCILE_SECONDS`; `None`: checkouts at rest are looked at only when a webhook tells of their order.
    pub reconcile: Option<Duration>,
    /// `CHECKOUT_TTL_SECONDS`.
    pub checkout_ttl: Duration,
    /// `MAX_ATTEMPTS`.
    pub max_attempts: u32,
    /// `RETRY_BASE_MS`.
    pub retry_base: Duration,
    /// `RETRY_MAX_SECONDS`.
    pub retry_max: Duration,
    /// `SHUTDOWN_SECONDS`.
    pub shutdown: Duration,
    /// `DRAIN_SECONDS`.
    pub drain: Option<Duration>,
    /// `*_CONNECTIONS` and the timeouts of connections.
    pub connections: Connections,
    /// `BODY_LIMIT_BYTES`.
    pub body_limit_bytes: usize,
    /// `LIMIT_*` and `TRUSTED_PROXIES`.
    pub limits: Limits,
    /// `EVENT_*`.
    pub events: Events,
    /// `RETENTION_DAYS` and `*_RETENTION_DAYS`, but for events.
    pub retention: Retention,
}

/// A lease outlives the longest call by more than this, so that its holder can still record what came of the call.
pub const LEASE_MARGIN: Duration = Duration::from_secs(2);

impl Config {
    /// While more than this is left of a lease, the longest call and what is recorded of it end before the lease does.
    pub fn lease_enough(&self) -> Duration {
        self.upstream_timeout.max(self.payment_timeout) + LEASE_MARGIN
    }

    /// Reads the environment of this process.
    pub fn from_env() -> Result<Self, Errors> {
        let mut unknown = unknown::find(std::env::vars_os().map(|(name, _)| name));
        match Self::from_vars(environment) {
            Ok(config) if unknown.is_empty() => Ok(config),
            Ok(_) => Err(Errors(unknown)),
            Err(Errors(mut problems)) => {
                problems.append(&mut unknown);
                Err(Errors(problems))
            }
        }
    }

    /// Whether BigCommerce is played on this machine, for every store: what is sold is not real.
    pub fn is_local(&self) -> bool {
        use exposure::is_loopback;
        self.stores.iter().all(|store| is_loopback(&store.api_url) && is_loopback(&store.payments_url))
    }

    /// Reads the variables that `get` answers; pure but for the files that some of them name.
    pub fn from_vars(get: impl Fn(&str) -> Option<String>) -> Result<Self, Errors> {
        let mut reader = Reader::new(&get);
        let config = Self::read(&mut reader);
        if let Some(config) = &config {
            config.cross_check(&mut reader);
            config.check_exposure(&mut reader);
        }
        reader.finish(config)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        const DAY: u32 = 86_400;
        let database = Database::read(reader);
        let listen_addr = reader.defaulted("LISTEN_ADDR", address);
        let metrics_addr = reader.optional("METRICS_ADDR", address);
        let ops_addr = reader.optional("OPS_ADDR", address);
        let otlp_endpoint = reader.optional("OTEL_EXPORTER_OTLP_ENDPOINT", base_url);
        let stores = stores::read(reader);
        let operators = reader.secret("OPERATOR_TOKENS").map(|tokens| {
            let mut refuse = |reason| reader.refuse("OPERATOR_TOKENS", reason);
            credentials::operators(tokens.expose(), None, &mut refuse)
        });
        let allow_raw_cards = reader.defaulted("ALLOW_RAW_CARDS", switch);
        let allow_insecure_upstream = reader.defaulted("ALLOW_INSECURE_UPSTREAM", switch);
        let upstream_timeout = reader.defaulted("UPSTREAM_TIMEOUT_SECONDS", seconds(300));
        let payment_timeout = reader.defaulted("PAYMENT_TIMEOUT_SECONDS", seconds(300));
        let lease = reader.defaulted("LEASE_SECONDS", seconds(3600));
        // Checked here, so that it is reported even when something else is missing.
        if lease <= upstream_timeout.max(payment_timeout) + LEASE_MARGIN {
            reader.refuse(
                "LEASE_SECONDS",
                format!(
                    "must exceed the larger of UPSTREAM_TIMEOUT_SECONDS and PAYMENT_TIMEOUT_SECONDS by more than 2: \
                     {} is not above {} + 2",
                    lease.as_secs_f64(),
                    upstream_timeout.max(payment_timeout).as_secs_f64()
                ),
            );
        }
        let settle = reader.defaulted("SETTLE_SECONDS", seconds(DAY));
        let pending = reader.defaulted("PENDING_SECONDS", seconds(30 * DAY));
        let reconcile = reader.defaulted("RECONCILE_SECONDS", seconds_or_off(DAY));
        let checkout_ttl = reader.defaulted("CHECKOUT_TTL_SECONDS", seconds(365 * DAY));
        let max_attempts = reader.defaulted("MAX_ATTEMPTS", number(1, 100));
        let retry_base = reader.defaulted("RETRY_BASE_MS", number(1, 60_000));
        let retry_base = Duration::from_millis(retry_base.into());
        let retry_max = reader.defaulted("RETRY_MAX_SECONDS", seconds(3600));
        if retry_max < retry_base {
            reader.refuse("RETRY_MAX_SECONDS", "must not be shorter than RETRY_BASE_MS");
        }
        let shutdown = reader.defaulted("SHUTDOWN_SECONDS", seconds(3600));
        let drain = reader.defaulted("DRAIN_SECONDS", seconds_or_off(3600));
        let connections = Connections::read(reader);
        let body_limit = reader.defaulted("BODY_LIMIT_BYTES", number(1024, 16 * 1024 * 1024));
        let limits = Limits::read(reader);
        let events = Events::read(reader);
        let retention = Retention::read(reader);
        let (stores, bound) = stores?;
        Some(Self {
            database: database?,
            listen_addr,
            metrics_addr,
            ops_addr,
            otlp_endpoint,
            stores,
            operators: operators.unwrap_or_default().into_iter().chain(bound).collect(),
            allow_raw_cards,
            allow_insecure_upstream,
            from_file: reader.set("STORES_FILE").is_some(),
            upstream_timeout,
            payment_timeout,
            lease,
            settle,
            pending,
            reconcile,
            checkout_ttl,
            max_attempts,
            retry_base,
            retry_max,
            shutdown,
            drain,
            connections,
            body_limit_bytes: usize::try_from(body_limit).unwrap_or(usize::MAX),
            limits,
            events,
            retention,
        })
    }

    /// What no single setting can tell: a credential must say who it is, and a name in the audit log, too.
    fn cross_check(&self, reader: &mut Reader<'_>) {
        for (index, operator) in self.operators.iter().enumerate() {
            let same = |other: &&Operator| other.name == operator.name && other.store != operator.store;
            if let Some(other) = self.operators.iter().take(index).find(same) {
                let (who, other) = (place(operator), place(other));
                let reason =
                    format!("the operator {:?} of {who} has the name of one of {other}", operator.name);
                reader.refuse(if operator.store.is_some() { "STORES_FILE" } else { OF_ALL }, reason);
            }
        }
        let keys = self.stores.iter().flat_map(|store| {
            store
                .storefront_keys
                .iter()
                .map(|key| (format!("the storefront key {:?} of store {:?}", key.name, store.name), &key.key))
        });
        let tokens = self.operators.iter().map(|operator| {
            (format!("the token of {:?} of {}", operator.name, place(operator)), &operator.token)
        });
        let all: Vec<(String, &Secret)> = keys.chain(tokens).collect();
        for (index, (who, secret)) in all.iter().enumerate() {
            if let Some((other, _)) =
                all.iter().take(index).find(|(_, other)| other.expose() == secret.expose())
            {
                let variable = if index < all.len() - self.operators.len() {
                    "STOREFRONT_KEYS"
                } else if who.ends_with(OF_ALL) {
                    OF_ALL
                } else {
                    "STORES_FILE"
                };
                reader.refuse(variable, format!("{who} is the same as {other}"));
            }
        }
        // What BigCommerce gave out opens nothing here: a key in a page would give it away.
        for store in &self.stores {
            let upstream =
                [Some(&store.access_token), store.client_secret.as_ref(), store.webhook_secret.as_ref()];
            for theirs in upstream.into_iter().flatten() {
                if let Some((who, _)) = all.iter().find(|(_, own)| own.expose() == theirs.expose()) {
                    let variable = if who.ends_with(OF_ALL) {
                        OF_ALL
                    } else if self.from_file {
                        "STORES_FILE"
                    } else {
                        "STOREFRONT_KEYS"
                    };
                    let reason =
                        format!("{who} is the same as a secret of BigCommerce's of store {:?}", store.name);
                    reader.refuse(variable, reason);
                }
            }
        }
        if self.metrics_addr.is_some_and(|metrics| overlap(metrics, self.listen_addr)) {
            reader.refuse("METRICS_ADDR", "is the same as LISTEN_ADDR; leave it unset to serve both there");
        }
        if self.ops_addr.is_some_and(|ops| overlap(ops, self.listen_addr)) {
            reader.refuse("OPS_ADDR", "is the same as LISTEN_ADDR; leave it unset to serve both there");
        }
        if let (Some(metrics), Some(ops)) = (self.metrics_addr, self.ops_addr)
            && overlap(metrics, ops)
        {
            reader.refuse("METRICS_ADDR", "is the same as OPS_ADDR; leave it unset to serve both there");
        }
    }
}

/// Whether two listeners would be one. Two free ports are different ones.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let anywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && one.port() != 0 && (one.ip() == other.ip() || anywhere)
}

/// Where the operators of all stores stand.
const OF_ALL: &str = "OPERATOR_TOKENS";

/// Where an operator stands.
fn place(operator: &Operator) -> String {
    operator.store.as_ref().map_or_else(|| OF_ALL.to_owned(), |store| format!("store {store:?}"))
}

/// `EVENT_*` alone, for commands that need only the database.
pub fn events() -> Result<Events, Errors> {
    let mut reader = Reader::new(&environment);
    let events = Events::read(&mut reader);
    reader.finish(Some(events))
}

/// The address at which this machine reaches a listener: a wildcard is no address to connect to.
pub fn reachable(listen_addr: SocketAddr) -> SocketAddr {
    let ip = match listen_addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen_addr.port())
}

/// `LISTEN_ADDR` alone, for commands that only ask a running service.
pub fn listen_addr() -> Result<SocketAddr, Errors> {
    let mut reader = Reader::new(&environment);
    let address = reader.defaulted("LISTEN_ADDR", address);
    reader.finish(Some(address))
}

/// Where operators are served: `OPS_ADDR`, or `LISTEN_ADDR` alone.
pub fn ops_addr() -> Result<SocketAddr, Errors> {
    let mut reader = Reader::new(&environment);
    let listen = reader.defaulted("LISTEN_ADDR", address);
    let ops = reader.optional("OPS_ADDR", address);
    reader.finish(Some(ops.unwrap_or(listen)))
}

/// A variable of the environment, for the parts of the program that are not the service (`dev`, `telemetry`).
pub fn environment(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}
