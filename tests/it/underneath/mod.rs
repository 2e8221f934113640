//! What the service stands on: leases, clocks, the database's promises, and rows that others wrote.

mod clock;
mod durability;
mod keys;
mod lease;
mod mixed_up;
mod newer_schema;
mod records;
mod retention;
mod skew;
mod undoing;
mod unread;

use sqlx::AssertSqlSafe;

use crate::harness::World;

/// Does something to the database behind the service's back.
async fn sql(world: &World, statement: &str) -> u64 {
    let done = sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&world.database.pool).await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}")).rows_affected()
}

/// One text from the database.
async fn text(world: &World, query: &str) -> String {
    let found = sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&world.database.pool).await;
    found.unwrap_or_else(|error| panic!("{query}: {error}"))
}
