//! Everything is built here once, for the command line and for tests alike.
//!
//! Guarantees: work that was begun is finished before the process ends, as far as `SHUTDOWN_SECONDS` allows; what is not
//! is handed back, so that another process goes on at once.

mod events;
mod presence;

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
use crate::saga::{Engine, Keep, Settings};
use crate::store::Store;
use crate::telemetry::Metrics;
use presence::Presence;

/// The service of one process: built, not yet running.
pub struct App {
    config: Config,
    store: Store,
    pool: PgPool,
    engine: Engine,
    operators: Operators,
    budgets: HashMap<String, Arc<Budget>>,
    metrics: Metrics,
    /// Where the metrics are served, when that is not where everything is.
    metrics_listener: Option<TcpListener>,
    presence: Presence,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

/// A service that runs until it is stopped.
pub struct Running {
    app: App,
    /// Where it listens.
    pub addr: SocketAddr,
    /// Where the metrics are, when they have a listener of their own.
    pub metrics_addr: Option<SocketAddr>,
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
        let store = Store::new(pool.clone(), config.lease).telling(events::told(&config.events)?);
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
        let metrics = Metrics::new(store.clone());
        let clients = clients(&config, &budgets, &metrics)?;
        let operators =
            Operators::new(store.clone(), clients.clone(), budgets.clone(), operators_settings(&config));
        let engine =
            Engine::new(store.clone(), clients, settings, metrics.engine(), tasks.clone(), stopping.clone());
        let metrics_listener = match config.metrics_addr {
            Some(addr) => Some(bind("METRICS_ADDR", addr).await?),
            None => None,
        };
        Ok(Self {
            config,
            store,
            pool,
            engine,
            operators,
            budgets,
            metrics,
            metrics_listener,
            presence,
            tasks,
            stopping,
        })
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
    pub fn serve(mut self, listener: TcpListener) -> anyhow::Result<Running> {
        let addr = listener.local_addr()?;
        let metrics_addr = self.serve_metrics()?;
        self.presence.announce(&self.store, "serve");
        self.begin_work()?;
        let state = http::State::new(
            &self.config,
            self.engine.clone(),
            self.operators.clone(),
            self.pool.clone(),
            self.metrics.clone(),
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
        Ok(Running { app: self, addr, metrics_addr, server })
    }

    /// Serves the metrics where they have a listener of their own.
    fn serve_metrics(&mut self) -> anyhow::Result<Option<SocketAddr>> {
        let Some(listener) = self.metrics_listener.take() else { return Ok(None) };
        let addr = listener.local_addr()?;
        let (router, stop) = (http::metrics_router(self.metrics.clone()), self.stopping.clone());
        self.tasks.spawn(async move {
            let stopped = async move { stop.cancelled().await };
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await {
                tracing::error!(%error, "the metrics are not served any more");
            }
        });
        tracing::info!(metrics_addr = %addr, "the metrics are served");
        Ok(Some(addr))
    }

    /// Begins everything that is done without being asked.
    fn begin_work(&self) -> anyhow::Result<()> {
        let engine = self.engine.clone();
        self.tasks.spawn(async move { engine.recover().await });
        let (engine, keep) = (self.engine.clone(), self.keep());
        self.tasks.spawn(async move { engine.tidy_up(keep).await });
        events::begin(&self.config.events, &self.store, &self.tasks, &self.stopping)?;
        let (operators, stop) = (self.operators.clone(), self.stopping.clone());
        self.tasks.spawn(async move { operators.work(stop).await });
        self.begin_listening();
        Ok(())
    }

    fn keep(&self) -> Keep {
        let events = &self.config.events;
        Keep { personal_data: self.config.retention, events: events.keep, pending_events: events.give_up }
    }

    fn begin_listening(&self) {
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
        if let Err(error) = self.store.release_turns().await {
            tracing::warn!(%error, "deliveries were not handed back; their leases run out by themselves");
        }
        self.presence.leave(&self.store).await;
        self.pool.close().await;
        tracing::info!("stopped");
        Ok(())
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
    let listener = bind("LISTEN_ADDR", addr).await?;
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
    let mut app = App::build(config).await?;
    app.serve_metrics()?;
    app.presence.announce(&app.store, "worker");
    app.begin_work()?;
    tracing::info!("working");
    stop.await;
    app.drain().await
}

async fn bind(setting: &str, addr: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addr).await.with_context(|| format!("{setting} {addr} cannot be used"))
}

/// The database, for a command. No transition is written through it, so it tells nobody anything.
pub async fn store(database: &config::Database) -> anyhow::Result<Store> {
    let pool = PgPoolOptions::new()
        .max_connections(2)
        .acquire_timeout(Duration::from_secs(5))
        .connect(database.url.expose())
        .await
        .context("DATABASE_URL: the database cannot be reached")?;
    // No lease is ever taken.
    Ok(Store::new(pool, Duration::from_secs(1)))
}

/// The operators' room without a service, for a command. With a configuration it can ask BigCommerce.
pub async fn direct(database: &config::Database, config: Option<&Config>) -> anyhow::Result<Operators> {
    let pool = PgPoolOptions::new()
        .max_connections(database.max_connections.min(4))
        .acquire_timeout(Duration::from_secs(5))
        .connect(database.url.expose())
        .await
        .context("DATABASE_URL: the database cannot be reached")?;
    // What is done past the service is told to the same destinations; the service delivers it.
    let store = Store::new(pool, Duration::from_secs(1)).telling(events::told(&config::events()?)?);
    let (clients, budgets, settings) = match config {
        Some(config) => {
            let budgets = budgets(config, &Replicas::joining(Duration::ZERO));
            let clients = clients(config, &budgets, &Metrics::new(store.clone()))?;
            (clients, budgets, operators_settings(config))
        }
        // Without a store nothing is resolved, and nothing else looks at these.
        None => (HashMap::new(), HashMap::new(), ops::Settings::default()),
    };
    Ok(Operators::new(store, clients, budgets, settings))
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

/// One client for each store; they share their connections, and the metrics watch them.
fn clients(
    config: &Config,
    budgets: &HashMap<String, Arc<Budget>>,
    metrics: &Metrics,
) -> anyhow::Result<HashMap<String, Client>> {
    let timeout = config.upstream_timeout.min(config.payment_timeout);
    let connections = bigcommerce::http_client(timeout).context("the HTTP client cannot start")?;
    config
        .stores
        .iter()
        .map(|store| {
            let settings = upstream(config, store);
            let budget = budgets.get(&store.name).context("each store has a budget")?;
            let observer = metrics.upstream(&store.name, budget.clone());
            let client = Client::with(&settings, connections.clone(), observer)
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
