//! Builds the whole service once, for the command line and for tests.
//!
//! Guarantees: work that was begun is finished before the process ends, as far as `SHUTDOWN_SECONDS` allows; the leases of
//! the rest are released, so that another process continues at once.

mod commands;
mod committing;
mod files;
mod guarded;
mod heartbeat;
mod parts;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bigcommerce;
use crate::bigcommerce::budget::Budget;
use crate::config::Config;
use crate::db::{Changes, Connections, Db, Demand, Error as DbError};
use crate::http;
use crate::ops::Console;
use crate::outbox::{self, Outbox};
use crate::saga::{Engine, Settings};
use crate::telemetry::Metrics;
use committing::Committing;
use guarded::{guarded, nobody, told};
use heartbeat::Heartbeat;
use parts::{budgets, clients, decline_limits, event_destinations, identified, keep, operators_settings};

pub use commands::{acting, client, database, detail_as_json, http_client, migrate, reading};

/// The service of one process: built, not yet running.
pub struct App {
    config: Config,
    db: Db,
    connections: Connections,
    engine: Engine,
    ops: Console,
    budgets: HashMap<String, Arc<Budget>>,
    metrics: Metrics,
    /// Where the metrics are served, when that is not where everything is.
    metrics_listener: Option<TcpListener>,
    /// Where operators are served, when that is not where everything is.
    ops_listener: Option<TcpListener>,
    heartbeat: Heartbeat,
    committing: Committing,
    tasks: TaskTracker,
    shutdown: http::Shutdown,
    server: http::Server,
}

/// A service that runs until it is stopped.
pub struct Running {
    app: App,
    /// Where it listens.
    pub addr: SocketAddr,
    /// Where the metrics are, when they have a listener of their own.
    pub metrics_addr: Option<SocketAddr>,
    /// Where operators are served, when they have a listener of their own.
    pub ops_addr: Option<SocketAddr>,
}

impl App {
    /// Builds the service. The database has to be reachable.
    pub async fn build(config: Config) -> anyhow::Result<Self> {
        // One more is the committer's.
        let demand = if config.is_local() { Demand::DurableOrThrowaway } else { Demand::Durable };
        let connections =
            commands::connect(&config.database, config.database.max_connections - 1, demand).await?;
        let db = Db::new(connections.clone(), config.lease)
            .with_destinations(event_destinations(&config.events)?)
            .looking_at_rests(config.reconcile)
            .renewing_at(config.lease_enough());
        let config = identified(config, &db).await?;
        let (db, committer) = db.with_group_commit();
        let settings = Settings {
            lease: config.lease,
            settle: config.settle,
            upstream_timeout: config.upstream_timeout,
            payment_timeout: config.payment_timeout,
            pending: config.pending,
            max_attempts: config.max_attempts,
            retry_base: config.retry_base,
            retry_cap: config.retry_max,
            checkout_ttl: config.checkout_ttl,
            declines: decline_limits(config.limits.declines),
        };
        let (tasks, shutdown) = (TaskTracker::new(), http::Shutdown::default());
        let heartbeat = Heartbeat::new();
        let budgets = budgets(&config, &heartbeat.replicas);
        let metrics = Metrics::new(db.clone(), config.retention.personal_data);
        let committing = Committing::begin(committer, &metrics);
        let clients = clients(&config, &budgets, &metrics)?;
        let ops = Console::new(
            db.clone(),
            clients.clone(),
            budgets.clone(),
            operators_settings(&config),
            tasks.clone(),
        );
        let engine = Engine::new(
            db.clone(),
            clients,
            settings,
            metrics.engine(),
            tasks.clone(),
            shutdown.stopping.clone(),
        );
        let metrics_listener = match config.metrics_addr {
            Some(addr) => Some(bind("METRICS_ADDR", addr).await?),
            None => None,
        };
        let ops_listener = match config.ops_addr {
            Some(addr) => Some(bind("OPS_ADDR", addr).await?),
            None => None,
        };
        let server =
            http::Server::new(config.connections.clone(), metrics.clone(), shutdown.stopping.clone());
        Ok(Self {
            config,
            db,
            connections,
            engine,
            ops,
            budgets,
            metrics,
            metrics_listener,
            ops_listener,
            heartbeat,
            committing,
            tasks,
            shutdown,
            server,
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

    /// The operators' console.
    pub fn ops(&self) -> &Console {
        &self.ops
    }

    /// Begins to serve on this listener, and to recover.
    pub fn serve(mut self, listener: TcpListener) -> anyhow::Result<Running> {
        let addr = listener.local_addr()?;
        let metrics_addr = self.serve_metrics()?;
        self.announce("serve");
        self.begin_work()?;
        let state = http::AppState::new(
            &self.config,
            self.engine.clone(),
            self.ops.clone(),
            self.metrics.clone(),
            self.tasks.clone(),
            self.shutdown.clone(),
            self.heartbeat.living(),
        );
        let (mut routes, mut ops_addr) = (http::Routes::All, None);
        if let Some(listener) = self.ops_listener.take() {
            let addr = listener.local_addr()?;
            let operators = http::router(state.clone(), http::Routes::Operators);
            self.accept("accept-ops", self.server.listener("ops", listener, operators));
            tracing::info!(ops_addr = %addr, "operators are served");
            (routes, ops_addr) = (http::Routes::Storefronts, Some(addr));
        }
        self.accept("accept-public", self.server.listener("public", listener, http::router(state, routes)));
        tracing::info!(listen_addr = %addr, "listening");
        Ok(Running { app: self, addr, metrics_addr, ops_addr })
    }

    /// Serves the metrics where they have a listener of their own.
    fn serve_metrics(&mut self) -> anyhow::Result<Option<SocketAddr>> {
        let Some(listener) = self.metrics_listener.take() else { return Ok(None) };
        let addr = listener.local_addr()?;
        let router = http::metrics_router(self.metrics.clone());
        self.accept("accept-metrics", self.server.listener("metrics", listener, router));
        tracing::info!(metrics_addr = %addr, "the metrics are served");
        Ok(Some(addr))
    }

    /// Accepts connections until this process stops.
    fn accept(&self, task: &'static str, listener: http::Listener) {
        self.guard(task, listener, |listener| async move { listener.accept().await });
    }

    /// Says that this process is alive until it leaves.
    fn announce(&self, kind: &'static str) {
        let beating = self.heartbeat.beating(&self.db, kind);
        self.guard_until_left("heartbeat", beating, |beating| async move { beating.beat().await });
    }

    /// Begins everything that is done without being asked.
    fn begin_work(&self) -> anyhow::Result<()> {
        let stop = &self.shutdown.stopping;
        self.guard("recovery", self.engine.clone(), |engine| async move { engine.recover().await });
        let tidied = (self.engine.clone(), keep(&self.config));
        self.guard("retention", tidied, |(engine, keep)| async move { engine.tidy_up(keep).await });
        self.begin_deliveries()?;
        let ops = (self.ops.clone(), stop.clone());
        self.guard("bulk-actions", ops.clone(), |(ops, stop)| async move { ops.work(stop).await });
        self.guard("order-actions", ops, |(ops, stop)| async move { ops.settle_order_actions(stop).await });
        self.begin_listening();
        Ok(())
    }

    /// Runs background work with this on a task of its own until this process stops, whatever it does.
    fn guard<C, F>(&self, name: &'static str, with: C, work: impl Fn(C) -> F + Send + 'static)
    where
        C: Clone + Send + 'static,
        F: Future<Output = ()> + Send,
    {
        let (report, stopping) = (told(&self.metrics, name), self.shutdown.stopping.clone());
        self.tasks.spawn(async move {
            guarded(name, report, stopping, move || work(with.clone()), nobody).await;
        });
    }

    /// The same for what goes on as long as anything is written.
    fn guard_until_left<C, F>(&self, name: &'static str, with: C, work: impl Fn(C) -> F + Send + 'static)
    where
        C: Clone + Send + 'static,
        F: Future<Output = ()> + Send,
    {
        let (report, leaving) = (told(&self.metrics, name), self.heartbeat.leaving.clone());
        self.heartbeat.tasks.spawn(async move {
            guarded(name, report, leaving, move || work(with.clone()), nobody).await;
        });
    }

    fn begin_deliveries(&self) -> anyhow::Result<()> {
        let events = &self.config.events;
        if events.destinations.is_empty() {
            return Ok(());
        }
        let connections = bigcommerce::http_client(events.timeout).context("the HTTP client cannot start")?;
        let pace = outbox::Pace { base: events.retry_base, cap: events.retry_max, give_up: events.give_up };
        let (tasks, stopping) = (self.tasks.clone(), self.shutdown.stopping.clone());
        let outbox = Outbox::new(self.db.clone(), connections, events.timeout, pace, tasks, stopping);
        for destination in events.destinations.clone() {
            self.guard("deliveries", (outbox.clone(), destination), |(outbox, destination)| async move {
                outbox.deliver(destination).await;
            });
        }
        Ok(())
    }

    fn begin_listening(&self) {
        let heard = (self.db.changes().clone(), self.connections.clone(), self.shutdown.stopping.clone());
        self.guard("notifications", heard, listen);
        let watched = (self.connections.clone(), self.heartbeat.leaving.clone());
        self.guard_until_left("connections", watched, |(connections, stop)| async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = connections.supervise() => {}
            }
        });
    }

    /// Ends: takes nothing new, waits for what was begun, hands the rest back. Connections come last, because others may go on
    /// with what was handed back meanwhile.
    async fn stop(self) -> anyhow::Result<()> {
        self.shutdown.draining.cancel();
        self.shutdown.stopping.cancel();
        self.tasks.close();
        if tokio::time::timeout(self.config.shutdown, self.tasks.wait()).await.is_err() {
            tracing::warn!(running = self.tasks.len(), "not all work ended in time");
        }
        match self.db.release_all().await {
            Ok(0) => {}
            Ok(released) => tracing::info!(released, "leases were handed back"),
            Err(error) => tracing::warn!(%error, "leases were not handed back; they run out by themselves"),
        }
        if let Err(error) = self.db.release_turns().await {
            tracing::warn!(%error, "deliveries were not handed back; their leases run out by themselves");
        }
        self.server.close().await;
        self.committing.end().await;
        self.heartbeat.leave(&self.db).await;
        self.connections.close().await;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Hears of changes by other processes.
async fn listen((changes, connections, stop): (Changes, Connections, CancellationToken)) {
    loop {
        let listening =
            async { changes.listen(connections.listener_pool().await.map_err(DbError::from)?).await };
        tokio::select! {
            () = stop.cancelled() => return,
            // Whoever listens to a server that was demoted hears nothing more.
            () = connections.replaced() => {}
            ended = listening => {
                if let Err(error) = ended {
                    tracing::warn!(%error, "notifications are lost for now");
                }
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}

impl Running {
    /// The saga engine.
    pub fn engine(&self) -> &Engine {
        &self.app.engine
    }

    /// The operators' console.
    pub fn ops(&self) -> &Console {
        &self.app.ops
    }

    /// The rate budgets of the stores, by name.
    pub fn budgets(&self) -> &HashMap<String, Arc<Budget>> {
        &self.app.budgets
    }

    /// Stops as the process does on SIGTERM: for a while it is not ready, and serves.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.app.shutdown.draining.cancel();
        if let Some(drain) = self.app.config.drain {
            tracing::info!(seconds = drain.as_secs_f64(), "not ready any more; still serving");
            tokio::time::sleep(drain).await;
        }
        self.app.stop().await
    }
}

/// Serves the HTTP API, and recovers, until the process is asked to stop.
pub async fn serve(mut config: Config) -> anyhow::Result<()> {
    files::fit(&mut config.connections, config.database.max_connections);
    let addr = config.listen_addr;
    let stop = stop_asked()?;
    let app = App::build(config).await?;
    let listener = bind("LISTEN_ADDR", addr).await?;
    let running = app.serve(listener)?;
    stop.await;
    running.stop().await
}

/// Recovers, without the HTTP API, until the process is asked to stop.
pub async fn worker(config: Config) -> anyhow::Result<()> {
    let stop = stop_asked()?;
    let mut app = App::build(config).await?;
    app.serve_metrics()?;
    app.announce("worker");
    app.begin_work()?;
    tracing::info!("working");
    stop.await;
    app.stop().await
}

async fn bind(setting: &str, addr: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(addr).await.with_context(|| format!("{setting} {addr} cannot be used"))
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
