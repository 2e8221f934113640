//! What a command needs of the service: its database, the operators' console, a client.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio_util::task::TaskTracker;

use super::parts::{budgets, clients, event_destinations, identified, operators_settings, upstream};
use crate::bigcommerce::budget::{Budget, Replicas};
use crate::bigcommerce::{self, Client};
use crate::config::{self, Config};
use crate::db::{ConnectConfig, Connections, Db, Demand, connect_once, parse_url};
use crate::http;
use crate::migrations::{self, Migrated};
use crate::ops::{self, Console};
use crate::telemetry::Metrics;

/// The database, for a command. No transition is written through it, so it publishes no events.
pub async fn database(database: &config::Database) -> anyhow::Result<Db> {
    over(database, Demand::Nothing).await
}

async fn over(database: &config::Database, demand: Demand) -> anyhow::Result<Db> {
    // No lease is ever taken.
    Ok(Db::new(connect(database, 2, demand).await?, Duration::from_secs(1)))
}

/// Connections to the database, which has to be reachable.
pub(super) async fn connect(
    database: &config::Database,
    max_connections: u32,
    demand: Demand,
) -> anyhow::Result<Connections> {
    let url = parse_url(database.url.expose())?;
    let direct = database.direct.as_ref().map(|url| parse_url(url.expose())).transpose()?;
    let config = ConnectConfig { url, direct, max_connections, demand };
    Connections::connect(config).await.context("DATABASE_URL: the database cannot be reached")
}

/// Brings the database up to date.
pub async fn migrate(database: &config::Database) -> anyhow::Result<Migrated> {
    let url = parse_url(database.direct().expose())?;
    let mut connection = connect_once(&url).await.map_err(migrations::Error::Unreachable)?;
    Ok(migrations::apply_over(&mut connection).await?)
}

/// The operators' console, read-only.
pub async fn reading(database: &config::Database) -> anyhow::Result<Console> {
    let db = self::database(database).await?;
    Ok(Console::new(db, HashMap::new(), HashMap::new(), ops::Settings::default(), TaskTracker::new()))
}

/// The operators' console, to act in. Its transitions cause events like any other. With a configuration it can ask
/// BigCommerce; without one nothing is resolved.
pub async fn acting(
    database: &config::Database,
    events: &config::Events,
    config: Option<&Config>,
) -> anyhow::Result<Console> {
    // What is acted on is money; whether BigCommerce is on loopback is not known without a configuration.
    let db = over(database, Demand::DurableOrThrowaway).await?.with_destinations(event_destinations(events)?);
    let (clients, budgets, settings) = match config {
        Some(config) => {
            let config = &identified(config.clone(), &db).await?;
            let budgets = budgets(config, &Replicas::joining(Duration::ZERO));
            let clients =
                clients(config, &budgets, &Metrics::new(db.clone(), config.retention.personal_data))?;
            (clients, budgets, operators_settings(config))
        }
        None => (HashMap::new(), HashMap::new(), ops::Settings::default()),
    };
    Ok(Console::new(db, clients, budgets, settings, TaskTracker::new()))
}

/// One checkout as operators see it, in the words of `GET /ops/v1/checkouts/{id}`.
pub fn detail_as_json(case: &ops::CheckoutDetail) -> serde_json::Value {
    http::response::detail::as_json(case)
}

/// An HTTP client for a command that asks a running service.
pub fn http_client(connect: Duration) -> anyhow::Result<reqwest::Client> {
    bigcommerce::http_client(connect).context("the HTTP client cannot start")
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
