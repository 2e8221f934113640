//! A database of the benchmark's own, and what PostgreSQL tells about the work that it did.
//!
//! Guarantees: what is counted is counted by PostgreSQL itself, for the whole cluster: nothing else may use it meanwhile.

use std::time::Duration;

use headless_checkout::secret::Secret;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection};

use super::proc;

/// A fresh, migrated database.
pub(crate) struct Database {
    name: String,
    cluster: PgConnectOptions,
    pub(crate) pool: PgPool,
    /// The server's process, when it runs on this machine.
    server: Option<u32>,
    version: i32,
}

/// What PostgreSQL did so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Work {
    pub(crate) cpu: Option<Duration>,
    /// Bytes written to the log.
    pub(crate) wal: i64,
    /// Transactions that wrote something: each of them is a commit that waits for the disk, alone or with others.
    pub(crate) commits: i64,
    /// How often the log was made durable.
    pub(crate) syncs: i64,
}

impl Database {
    /// Makes it in that cluster.
    pub(crate) async fn make(cluster: &PgConnectOptions, name: String) -> anyhow::Result<Self> {
        let cluster = cluster.clone().database("postgres");
        let mut admin = PgConnection::connect_with(&cluster).await?;
        admin.execute(AssertSqlSafe(format!("create database {name}"))).await?;
        let version: String = sqlx::query_scalar("show server_version_num").fetch_one(&mut admin).await?;
        admin.close().await?;
        let options = cluster.clone().database(&name);
        headless_checkout::migrations::apply(&Secret::new(options.to_url_lossy().to_string())).await?;
        let pool = PgPoolOptions::new().max_connections(4).connect_with(options).await?;
        let backend: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&pool).await?;
        let server = u32::try_from(backend).ok().and_then(proc::parent);
        let server = server.filter(|pid| proc::name(*pid).is_some_and(|name| name.starts_with("postgres")));
        Ok(Self { name, cluster, pool, server, version: version.parse()? })
    }

    /// Its URL, for programs other than sqlx.
    pub(crate) fn url(&self) -> String {
        let mut url = self.cluster.clone().database(&self.name).to_url_lossy();
        url.set_query(None);
        url.to_string()
    }

    /// Removes it.
    pub(crate) async fn drop(self) -> anyhow::Result<()> {
        self.pool.close().await;
        remove(&self.cluster, &self.name).await
    }

    /// What was done so far.
    pub(crate) async fn work(&self) -> anyhow::Result<Work> {
        let cpu = self.server.and_then(proc::cpu_of_family);
        let syncs = if self.version >= 180_000 {
            "(select coalesce(sum(fsyncs), 0)::bigint from pg_stat_io where object = 'wal')"
        } else {
            "(select wal_sync from pg_stat_wal)"
        };
        let (wal, commits, syncs) = sqlx::query_as(AssertSqlSafe(format!(
            "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint,
                pg_snapshot_xmax(pg_current_snapshot())::text::bigint, {syncs}"
        )))
        .fetch_one(&self.pool)
        .await?;
        Ok(Work { cpu, wal, commits, syncs })
    }
}

/// Removes a database, if it is there.
pub(crate) async fn remove(cluster: &PgConnectOptions, name: &str) -> anyhow::Result<()> {
    let mut admin = PgConnection::connect_with(&cluster.clone().database("postgres")).await?;
    admin.execute(AssertSqlSafe(format!("drop database if exists {name} with (force)"))).await?;
    Ok(admin.close().await?)
}

/// Whether the cluster is as durable as PostgreSQL comes, in words; and whether so many connections fit.
pub(crate) async fn check(cluster: &PgConnectOptions, connections: i64) -> anyhow::Result<String> {
    let mut admin = PgConnection::connect_with(&cluster.clone().database("postgres")).await?;
    let (version, fsync, commit, most): (String, String, String, String) = sqlx::query_as(
        "select current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit'),
            current_setting('max_connections')",
    )
    .fetch_one(&mut admin)
    .await?;
    admin.close().await?;
    let most: i64 = most.parse()?;
    anyhow::ensure!(
        most >= connections,
        "PostgreSQL has max_connections = {most}, but {connections} are needed: unset TEST_DATABASE_URL"
    );
    let warning =
        if fsync == "on" && commit == "on" { "" } else { " (NOT DURABLE: these figures mean little)" };
    Ok(format!("PostgreSQL {version}, fsync {fsync}, synchronous_commit {commit}{warning}"))
}
