//! Notices a connection pooler in transaction mode that the settings do not expect.
//!
//! Behind one that does not keep prepared statements, a statement may find one of the same name that another process
//! prepared for something else. So it is better not to start. Never certain: while others use the pooler, it can look like
//! the database itself.

use sqlx::pool::PoolConnection;
use sqlx::{Error, Executor as _, PgPool, Postgres, Row as _};

use crate::db::connection::ConnectConfig;

/// How often two connections are compared. A pooler that is idle hands out the same server each time.
const LOOKS: usize = 3;

/// Fails when what answers is a pooler that the settings do not fit.
pub(crate) async fn refuse_unexpected(config: &ConnectConfig, pool: &PgPool) -> Result<(), Error> {
    if config.max_connections < 2 {
        return Ok(());
    }
    // A database that has no second connection to give is no reason to stay down.
    let (Ok(mut one), Ok(mut other)) = (pool.acquire().await, pool.acquire().await) else { return Ok(()) };
    let mut shared = false;
    for _ in 0..LOOKS {
        shared |= server(&mut one).await? == server(&mut other).await?;
    }
    if !shared {
        return Ok(());
    }
    if config.direct.is_none() {
        return refused("set DATABASE_DIRECT_URL to the database itself, for LISTEN");
    }
    for connection in [&mut one, &mut other] {
        if let Err(Error::Database(_)) =
            sqlx::query("select $1::int4").bind(1).execute(&mut **connection).await
        {
            return refused(
                "it does not keep prepared statements. Use PgBouncer 1.21 or later with max_prepared_statements above 0, \
                 or pool_mode = session",
            );
        }
    }
    Ok(())
}

/// The server process that a statement runs on.
async fn server(connection: &mut PoolConnection<Postgres>) -> Result<i32, Error> {
    connection.fetch_one("select pg_backend_pid() as pid").await?.try_get("pid")
}

fn refused(why: &str) -> Result<(), Error> {
    Err(Error::Configuration(format!("DATABASE_URL leads through a connection pooler: {why}").into()))
}
