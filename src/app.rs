//! Everything is built here once, for the command line and for tests alike.
//!
//! Guarantees: work that was begun is finished before the process ends, as far as `SHUTDOWN_SECONDS` allows; what is not
//! is handed back, so that another process goes on at once.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bigcommerce::budget::{Budget, Replicas};
use crate::bigcommerce::{self, Client};
use crate::config::{self, Config};
use crate::http;
use crate::ops::{self, Operators};
use crate::saga::{Engine, Settings};
use crate::store::Store;

/// The service of one process: built, not yet running.
pub struct App {
    config: Config,
    store: Store,
    pool: PgPool,
    engine: Engine,
    operators: Operators,
    budgets: HashMap<String, Arc<Budget>>,
    presence: Presence,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

/// How the processes that share the quotas of the stores know of each other. It outlives the other tasks: until the
/// last of them has ended, this process still spends.
struct Presence {
    replicas: Replicas,
    tasks: TaskTracker,
    leaving: CancellationToken,
}

/// A service that runs until it is stopped.
pub struct Running {
    app: App,
    /// Where it listens.
    pub addr: SocketAddr,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl App {
    /// Builds the service. The database has to be reachable.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        let pool = PgPoolOptions::new()
            .max_connections(config.database.max_connections)
            .acquire_timeout(Duration::from_secs(5))
            .connect(config.database.url.expose())
            .await
            .context("DATABASE_URL: the database cannot be reached")?;
        let store = Store::new(pool.clone(), config.lease);
        let settings = Settings {
            lease: config.lease,
            settle: config.settle,
            pending: config.pending,
            max_attempts: config.max_attempts,
            retry_base: config.retry_base,
            retry_cap: config.retry_max,
            checkout_ttl: config.checkout_ttl,
        };
        let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
        let presence = Presence::new();
        let budgets = budgets(&config, &presence.replicas);
        let clients = clients(&config, &budgets)?;
        let operators = Operators::new(
            store.clone(),
            clients.clone(),
            budgets.clone(),
            operators_settings(&config),
            tasks.clone(),
        );
        let engine = Engine::new(store.clone(), clients, settings, tasks.clone(), stopping.clone());
        Ok(Self { config, store, pool, engine, operators, budgets, presence, tasks, stopping })
    }

    /// The rate budgets of the stores, by name.
    pub fn budgets(&self) -> &HashMap<String, Arc<Budget>> {
        &self.budgets
    }

    /// The saga engine, for those who do without HTTP.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The operators' room.
    pub fn operators(&self) -> &Operators {
        &self.operators
    }

    /// Begins to serve on this listener, and to recover.
    pub fn serve(self, listener: TcpListener) -> anyhow::Result<Running> {
        let addr = listener.local_addr()?;
        self.presence.announce(&self.store, "serve");
        self.begin_recovery();
        let state = http::State::new(
            &self.config,
            self.engine.clone(),
            self.operators.clone(),
            self.pool.clone(),
            self.tasks.clone(),
            self.stopping.clone(),
        );
        let router = http::router(state);
        let stop = self.stopping.clone();
        let server = self.tasks.spawn(async move {
            let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
                // Nagle's algorithm costs 40 ms on a kept connection.
                let _ = stream.set_nodelay(true);
            });
            axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await }).await
        });
        tracing::info!(listen_addr = %addr, "listening");
        Ok(Running { app: self, addr, server })
    }

    fn begin_recovery(&self) {
        let engine = self.engine.clone();
        self.tasks.spawn(async move { engine.recover().await });
        let (operators, stop) = (self.operators.clone(), self.stopping.clone());
        self.tasks.spawn(async move { operators.work(stop).await });
        let (operators, stop) = (self.operators.clone(), self.stopping.clone());
        self.tasks.spawn(async move { operators.settle_order_actions(stop).await });
        let (changes, pool, stop) = (self.store.changes().clone(), self.pool.clone(), self.stopping.clone());
        self.tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return,
                    ended = changes.listen(pool.clone()) => {
                        if let Err(error) = ended {
                            tracing::warn!(%error, "notifications are lost for now");
                        }
                        tokio::time::sleep(Duration::from_millis(500)).await;
                    }
                }
            }
        });
    }

    /// Ends: takes nothing new, waits for what was begun, hands the rest back.
    async fn drain(self) -> anyhow::Result<()> {
        self.stopping.cancel();
        self.tasks.close();
        if tokio::time::timeout(self.config.shutdown, self.tasks.wait()).await.is_err() {
            tracing::warn!(running = self.tasks.len(), "not all work ended in time");
        }
        match self.store.release_all().await {
            Ok(0) => {}
            Ok(released) => tracing::info!(released, "leases were handed back"),
            Err(error) => tracing::warn!(%error, "leases were not handed back; they run out by themselves"),
        }
        self.presence.leave(&self.store).await;
        self.pool.close().await;
        tracing::info!("stopped");
        Ok(())
    }
}

impl Presence {
    fn new() -> Self {
        // The others know of this process after their next beat; a second more, for a slow one.
        let replicas = Replicas::joining(Store::BEAT + Duration::from_secs(1));
        Self { replicas, tasks: TaskTracker::new(), leaving: CancellationToken::new() }
    }

    /// Says that this process is alive, and counts the others, until it leaves.
    fn announce(&self, store: &Store, kind: &'static str) {
        let (store, replicas, leaving) = (store.clone(), self.replicas.clone(), self.leaving.clone());
        self.tasks.spawn(async move {
            let mut beats = tokio::time::interval(Store::BEAT);
            beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    () = leaving.cancelled() => return,
                    _ = beats.tick() => {}
                }
                match store.beat(kind).await {
                    Ok(live) => replicas.observe(live),
                    Err(error) => tracing::warn!(%error, "the other processes could not be counted"),
                }
            }
        });
    }

    async fn leave(self, store: &Store) {
        self.leaving.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        if let Err(error) = store.leave().await {
            tracing::warn!(%error, "this process counts as alive for a few seconds more");
        }
    }
}

impl Running {
    /// The saga engine.
    pub fn engine(&self) -> &Engine {
        &self.app.engine
    }

    /// The operators' room.
    pub fn operators(&self) -> &Operators {
        &self.app.operators
    }

    /// The rate budgets of the stores, by name.
    pub fn budgets(&self) -> &HashMap<String, Arc<Budget>> {
        &self.app.budgets
    }

    /// Stops as the process does on SIGTERM.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.app.drain().await
    }
}

/// Serves the HTTP API, and recovers, until the process is asked to stop.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    let addr = config.listen_addr;
    let stop = stop_asked()?;
    let app = App::build(config).await?;
    let listener =
        TcpListener::bind(addr).await.with_context(|| format!("LISTEN_ADDR {addr} cannot be used"))?;
    let mut running = app.serve(listener)?;
    tokio::select! {
        () = stop => {}
        ended = &mut running.server => ended.context("the server panicked")?.context("the server failed")?,
    }
    running.stop().await
}

/// Recovers, without the HTTP API, until the process is asked to stop.
pub async fn worker(config: Config) -> anyhow::Result<()> {
    let stop = stop_asked()?;
    let app = App::build(config).await?;
    app.presence.announce(&app.store, "worker");
    app.begin_recovery();
    tracing::info!("working");
    stop.await;
    app.drain().await
}

/// The operators' room without a service, for a command. With a configuration it can ask BigCommerce.
pub async fn direct(database: &config::Database, config: Option<&Config>) -> anyhow::Result<Operators> {
    let pool = PgPoolOptions::new()
        .max_connections(database.max_connections.min(4))
        .acquire_timeout(Duration::from_secs(5))
        .connect(database.url.expose())
        .await
        .context("DATABASE_URL: the database cannot be reached")?;
    let (clients, budgets, settings) = match config {
        Some(config) => {
            let budgets = budgets(config, &Replicas::joining(Duration::ZERO));
            (clients(config, &budgets)?, budgets, operators_settings(config))
        }
        // Without a store nothing is resolved, and nothing else looks at these.
        None => (HashMap::new(), HashMap::new(), ops::Settings::default()),
    };
    let store = Store::new(pool, Duration::from_secs(1));
    Ok(Operators::new(store, clients, budgets, settings, TaskTracker::new()))
}

/// One checkout as operators see it, in the words of `GET /ops/v1/checkouts/{id}`.
pub fn case_as_json(case: &ops::Case) -> serde_json::Value {
    http::case::as_json(case)
}

/// An HTTP client for a command that asks a running service.
pub fn http_client(connect: Duration) -> anyhow::Result<reqwest::Client> {
    bigcommerce::http_client(connect).context("the HTTP client cannot start")
}

fn operators_settings(config: &Config) -> ops::Settings {
    ops::Settings { settle: config.settle, checkout_ttl: config.checkout_ttl }
}

/// A client of one store, for a command. It shares the store's quota with processes that do not know of it, so it
/// keeps a distance to what is left.
pub fn client(config: &Config, store: &config::Store) -> anyhow::Result<Client> {
    let timeout = config.upstream_timeout.min(config.payment_timeout);
    let connections = bigcommerce::http_client(timeout).context("the HTTP client cannot start")?;
    let budget = Budget::new(&store.name, Replicas::joining(Duration::ZERO));
    Client::with(&upstream(config, store), connections, Arc::new(budget))
        .with_context(|| format!("store {}", store.name))
}

/// One budget for each store.
fn budgets(config: &Config, replicas: &Replicas) -> HashMap<String, Arc<Budget>> {
    let budget = |name: &String| Arc::new(Budget::new(name, replicas.clone()));
    config.stores.iter().map(|store| (store.name.clone(), budget(&store.name))).collect()
}

/// One client for each store; they share their connections.
fn clients(
    config: &Config,
    budgets: &HashMap<String, Arc<Budget>>,
) -> anyhow::Result<HashMap<String, Client>> {
    let timeout = config.upstream_timeout.min(config.payment_timeout);
    let connections = bigcommerce::http_client(timeout).context("the HTTP client cannot start")?;
    config
        .stores
        .iter()
        .map(|store| {
            let settings = upstream(config, store);
            let budget = budgets.get(&store.name).context("each store has a budget")?;
            let client = Client::with(&settings, connections.clone(), budget.clone())
                .with_context(|| format!("store {}", store.name))?;
            Ok((store.name.clone(), client))
        })
        .collect()
}

fn upstream(config: &Config, store: &config::Store) -> bigcommerce::Settings {
    bigcommerce::Settings {
        store_hash: store.store_hash.clone(),
        access_token: bigcommerce::Secret::new(store.access_token.expose().to_owned()),
        api_url: store.api_url.clone(),
        payments_url: store.payments_url.clone(),
        timeout: config.upstream_timeout,
        payment_timeout: config.payment_timeout,
    }
}

/// Completes when the process gets SIGTERM or SIGINT.
fn stop_asked() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
