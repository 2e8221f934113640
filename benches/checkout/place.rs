//! Where a benchmark takes place: the upstream, a folder, databases, and processes of the program.
//!
//! Guarantees: everything is in a temporary folder and in databases of its own, and is gone when the place is left.

use std::fmt::Write as _;
use std::path::Path;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use sqlx::postgres::PgConnectOptions;
use tempfile::TempDir;

use super::database::{self, Database};
use super::options::Options;
use super::program::{Plan, Running};
use super::report::{Report, progress};
use super::shopper::Shop;
use super::upstream::Upstream;

/// What the program needs besides those of a benchmark's own (recovery beside it, the watchers of this process).
const CONNECTIONS: i64 = 64;

/// The place.
pub(crate) struct Place {
    pub(crate) options: Options,
    pub(crate) report: Report,
    pub(crate) upstream: Upstream,
    pub(crate) folder: TempDir,
    cluster: PgConnectOptions,
    /// The databases that were made here.
    made: Mutex<Vec<String>>,
}

impl Place {
    /// Makes everything that is common to all benchmarks.
    pub(crate) async fn make(options: Options) -> anyhow::Result<Self> {
        let url = headless_checkout::config::environment("TEST_DATABASE_URL")
            .context("TEST_DATABASE_URL names a PostgreSQL where a database may be made: run ./dev bench")?;
        let cluster = PgConnectOptions::from_str(&url)?;
        let report = Report::new(options.json);
        progress(&database::check(&cluster, CONNECTIONS + 256).await?);
        let upstream = Upstream::start()?;
        upstream.set_latency(options.latency());
        Ok(Self { options, report, upstream, folder: tempfile::tempdir()?, cluster, made: Mutex::default() })
    }

    /// A fresh database.
    pub(crate) async fn database(&self) -> anyhow::Result<Database> {
        let name = format!("bench_{}", uuid::Uuid::now_v7().simple());
        self.made.lock().unwrap_or_else(PoisonError::into_inner).push(name.clone());
        Database::make(&self.cluster, name).await
    }

    /// Removes what is still there.
    pub(crate) async fn leave(self) -> anyhow::Result<()> {
        for name in self.made.into_inner().unwrap_or_else(PoisonError::into_inner) {
            database::remove(&self.cluster, &name).await?;
        }
        Ok(self.folder.close()?)
    }

    /// A fresh process of the program on that database, for so many stores.
    pub(crate) async fn start(
        &self,
        database: &Database,
        stores: usize,
        more: &[(&'static str, &str)],
    ) -> anyhow::Result<Running> {
        let mut settings = self.settings(&database.url(), stores)?;
        settings.extend(self.options.connections.map(|most| ("DATABASE_MAX_CONNECTIONS", most.to_string())));
        settings.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
        self.run(&self.options.program, &[], settings).await
    }

    /// A process for one store on the database of that URL, under another program.
    pub(crate) async fn start_under(&self, under: &[String], database: &str) -> anyhow::Result<Running> {
        let mut settings = self.settings(database, 1)?;
        // Few: it takes long until a process of PostgreSQL has begun there.
        settings.push(("DATABASE_MAX_CONNECTIONS", "5".to_owned()));
        self.run(&self.options.program, under, settings).await
    }

    async fn run(
        &self,
        program: &Path,
        under: &[String],
        settings: Vec<(&'static str, String)>,
    ) -> anyhow::Result<Running> {
        Running::start(&Plan { program, under, folder: self.folder.path(), settings }).await
    }

    fn settings(&self, database: &str, stores: usize) -> anyhow::Result<Vec<(&'static str, String)>> {
        let upstream = format!("http://{}", self.upstream.addr);
        let file = self.folder.path().join(format!("stores-{stores}.toml"));
        std::fs::write(&file, stores_file(stores)?)?;
        Ok(vec![
            ("DATABASE_URL", database.to_owned()),
            ("BIGCOMMERCE_API_URL", upstream.clone()),
            ("BIGCOMMERCE_PAYMENTS_URL", upstream),
            ("STORES_FILE", file.to_string_lossy().into_owned()),
        ])
    }

    /// The relay, ready.
    pub(crate) async fn start_relay(&self) -> anyhow::Result<Running> {
        self.start_relay_under(&[]).await
    }

    /// The same, under another program.
    pub(crate) async fn start_relay_under(&self, under: &[String]) -> anyhow::Result<Running> {
        let settings = vec![(super::relay::UPSTREAM, format!("http://{}", self.upstream.addr))];
        self.run(&std::env::current_exe()?, under, settings).await
    }

    /// Shoppers' way to the upstream itself.
    pub(crate) fn bare_shop(&self) -> anyhow::Result<Arc<Shop>> {
        Shop::new(self.upstream.addr, &[key(0)], "bare")
    }
}

/// Shoppers' way to a process.
pub(crate) fn shop(program: &Running, stores: usize) -> anyhow::Result<Arc<Shop>> {
    let keys: Vec<String> = (0..stores).map(key).collect();
    Shop::new(program.addr, &keys, &uuid::Uuid::now_v7().simple().to_string())
}

fn key(store: usize) -> String {
    format!("bench-storefront-key-{store:04}")
}

/// Many stores, because the payments API grants each store 50 requests in 4 seconds, and the program holds itself to it.
fn stores_file(stores: usize) -> anyhow::Result<String> {
    let mut text = String::new();
    for store in 0..stores {
        write!(
            text,
            "[[store]]\nname = \"store-{store}\"\nstore_hash = \"bench{store}\"\naccess_token = \"bench-access-token\"\n\
             storefront_keys = [{{ name = \"bench\", key = \"{}\" }}]\n\n",
            key(store)
        )?;
    }
    Ok(text)
}
