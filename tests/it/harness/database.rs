//! A database for each test, copied from one that was migrated once.

use std::str::FromStr as _;

use headless_checkout::secret::Secret;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection as _, Executor as _, PgConnection, PgPool};
use tokio::sync::OnceCell;
use uuid::Uuid;

/// A database of one test.
pub(crate) struct Database {
    cluster: PgConnectOptions,
    name: String,
    /// For looking into it.
    pub(crate) pool: PgPool,
}

static TEMPLATE: OnceCell<String> = OnceCell::const_new();

#[expect(clippy::disallowed_methods, reason = "the cluster of the tests is named by the environment")]
fn cluster() -> PgConnectOptions {
    let url = std::env::var("TEST_DATABASE_URL")
        .expect("TEST_DATABASE_URL names a PostgreSQL where tests may create databases: run ./dev test");
    PgConnectOptions::from_str(&url).expect("TEST_DATABASE_URL is a URL")
}

fn url(cluster: &PgConnectOptions, name: &str) -> String {
    let options = cluster.clone().database(name);
    sqlx::ConnectOptions::to_url_lossy(&options).to_string()
}

async fn administer(cluster: &PgConnectOptions, sql: String) {
    let options = cluster.clone().database("postgres");
    let mut connection = PgConnection::connect_with(&options).await.expect("the cluster answers");
    connection.execute(sqlx::AssertSqlSafe(sql)).await.expect("a database is made or dropped");
    connection.close().await.expect("the connection closes");
}

impl Database {
    /// A fresh one, migrated.
    pub(crate) async fn create() -> Self {
        Self::create_in(cluster()).await
    }

    /// A fresh one in this cluster, migrated.
    pub(crate) async fn create_in(cluster: PgConnectOptions) -> Self {
        let template = TEMPLATE
            .get_or_init(|| async {
                let name = format!("template_{}", Uuid::now_v7().simple());
                administer(&cluster, format!("create database {name}")).await;
                headless_checkout::migrations::apply(&Secret::new(url(&cluster, &name)))
                    .await
                    .expect("the migrations apply");
                name
            })
            .await;
        let name = format!("test_{}", Uuid::now_v7().simple());
        administer(&cluster, format!("create database {name} template {template}")).await;
        Self::found_in(cluster, name).await
    }

    /// A fresh one in a cluster of the test's own, migrated.
    pub(crate) async fn create_alone_in(cluster: PgConnectOptions) -> Self {
        let name = "alone".to_owned();
        administer(&cluster, format!("create database {name}")).await;
        headless_checkout::migrations::apply(&Secret::new(url(&cluster, &name)))
            .await
            .expect("the migrations apply");
        Self::found_in(cluster, name).await
    }

    /// The one of that name.
    async fn found_in(cluster: PgConnectOptions, name: String) -> Self {
        let options = cluster.clone().database(&name);
        let pool = PgPoolOptions::new().max_connections(4).connect_with(options).await;
        Self { cluster, name, pool: pool.expect("the database answers") }
    }

    /// The same database where it is now, in another cluster.
    pub(crate) async fn moved_to(self, cluster: PgConnectOptions) -> Self {
        self.pool.close().await;
        Self::found_in(cluster, self.name).await
    }

    /// How the cluster is reached, and the name of this database in it.
    pub(crate) fn place(&self) -> (&PgConnectOptions, &str) {
        (&self.cluster, &self.name)
    }

    /// How a service reaches it.
    pub(crate) fn url(&self) -> String {
        url(&self.cluster, &self.name)
    }

    /// Whatever a service may still hold is cut off.
    pub(crate) async fn drop(self) {
        self.pool.close().await;
        administer(&self.cluster, format!("drop database if exists {} with (force)", self.name)).await;
    }
}
