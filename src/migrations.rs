//! The schema of the database, and how a database gets it.
//!
//! Guarantees: forward only; one process migrates at a time (an advisory lock); a database that a newer version of the program has
//! migrated is refused rather than used; a migration that was edited after it was applied is refused.

use sqlx::{
    Connection as _, PgConnection,
    migrate::{Migrate as _, MigrateError, Migrator},
};

use crate::config::Secret;

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// Why a database was not migrated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database has a migration that this program does not know.
    #[error(
        "the database is newer than this program: it has migration {0}, which is not known here; use the newer version"
    )]
    Newer(i64),
    /// An applied migration differs from the one in this program.
    #[error(
        "migration {0} was changed after it had been applied to this database; migrations are never edited"
    )]
    Edited(i64),
    /// The database cannot be reached.
    #[error("the database cannot be reached: {0}")]
    Unreachable(#[source] sqlx::Error),
    /// A migration failed; nothing of it remains.
    #[error("a migration failed: {0}")]
    Failed(#[source] MigrateError),
}

impl From<MigrateError> for Error {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => Self::Newer(version),
            MigrateError::VersionMismatch(version) => Self::Edited(version),
            other => Self::Failed(other),
        }
    }
}

/// A migration by its number and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The number its file name starts with.
    pub version: i64,
    /// The rest of its file name, as words.
    pub description: String,
}

/// Applies what is missing and answers what was applied, in order. Dropped half-way: each migration is wholly there or not at all.
pub async fn apply(database_url: &Secret) -> Result<Vec<Applied>, Error> {
    let mut connection = PgConnection::connect(database_url.expose()).await.map_err(Error::Unreachable)?;
    let fresh = apply_over(&mut connection).await?;
    connection.close().await.map_err(Error::Unreachable)?;
    Ok(fresh)
}

/// As [`apply`], over a connection of the caller's. Its session has to last: a pooler in transaction mode does not carry
/// the advisory lock.
pub async fn apply_over(connection: &mut PgConnection) -> Result<Vec<Applied>, Error> {
    connection.ensure_migrations_table(&MIGRATOR.table_name).await?;
    let before = connection.list_applied_migrations(&MIGRATOR.table_name).await?;
    MIGRATOR.run(&mut *connection).await?;
    let fresh = MIGRATOR.iter().filter(|migration| {
        !migration.migration_type.is_down_migration()
            && !before.iter().any(|done| done.version == migration.version)
    });
    Ok(fresh
        .map(|migration| Applied {
            version: migration.version,
            description: migration.description.to_string(),
        })
        .collect())
}

/// Whether these are exactly the migrations of this program, in order: what `/readyz` asks.
pub fn up_to_date(applied: &[i64]) -> bool {
    let expected = MIGRATOR.iter().filter(|migration| !migration.migration_type.is_down_migration());
    expected.map(|migration| migration.version).eq(applied.iter().copied())
}
