//! Migrations: forward only, compiled in.

use sqlx::PgPool;
use sqlx::migrate::{MigrateError, Migrator};

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// Why the database is not at the version that this binary needs.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A migration failed, or the database has one that this binary does not know.
    #[error("the migrations cannot be applied: {0}")]
    Migrate(#[from] MigrateError),
    /// The database failed.
    #[error("the migrations cannot be read: {0}")]
    Database(#[from] sqlx::Error),
}

/// Applies what is missing, under an advisory lock, and says which versions were applied.
pub async fn migrate(pool: &PgPool) -> Result<Vec<(i64, String)>, MigrationError> {
    let pending = pending_migrations(pool).await?;
    MIGRATOR.run(pool).await?;
    Ok(pending)
}

/// What [`migrate`] would apply.
pub async fn pending_migrations(pool: &PgPool) -> Result<Vec<(i64, String)>, MigrationError> {
    let exists: bool = sqlx::query_scalar("select to_regclass('_sqlx_migrations') is not null").fetch_one(pool).await?;
    let applied: Vec<i64> = if exists {
        sqlx::query_scalar("select version from _sqlx_migrations where success").fetch_all(pool).await?
    } else {
        Vec::new()
    };
    Ok(MIGRATOR
        .iter()
        .filter(|migration| !applied.contains(&migration.version))
        .map(|migration| (migration.version, migration.description.to_string()))
        .collect())
}
