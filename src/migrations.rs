//! The schema of the database, and how a database gets it.
//!
//! Guarantees: forward only; one process migrates at a time (an advisory lock); a migration that was edited after it was applied is
//! refused. From the first release on, migrations expand first and contract a release later: a process runs on the schema of the
//! version after it, so that the database is migrated before the processes are replaced one by one.

use sqlx::{
    Connection as _, PgConnection,
    migrate::{Migrate as _, MigrateError, Migration, Migrator},
};

use crate::secret::Secret;

static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// Why a database was not migrated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database has a migration that this program neither has nor can be older than.
    #[error(
        "the database has migration {0}, which is not part of this program and not newer than it; use an empty database \
         (for ./dev up: ./dev up --reset)"
    )]
    Unknown(i64),
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
            MigrateError::VersionMissing(version) => Self::Unknown(version),
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

/// What a migration run found or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Migrated {
    /// The database has the schema of this program; these were applied now, in order.
    UpToDate(Vec<Applied>),
    /// A newer version of the program has migrated the database, last to this migration. Nothing was done.
    Newer(i64),
}

/// How the schema of a database compares with that of this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// The same.
    Same,
    /// Everything that this program needs, and later migrations of a newer version.
    Newer,
    /// Migrations of this program are missing.
    Older,
    /// Migrations that this program does not have, and that are not later than its own.
    Unknown,
}

/// Applies what is missing. Dropped half-way: each migration is wholly there or not at all.
pub async fn apply(database_url: &Secret) -> Result<Migrated, Error> {
    let mut connection = PgConnection::connect(database_url.expose()).await.map_err(Error::Unreachable)?;
    let migrated = apply_over(&mut connection).await?;
    connection.close().await.map_err(Error::Unreachable)?;
    Ok(migrated)
}

/// As [`apply`], over a connection of the caller's. Its session has to last: a pooler in transaction mode does not carry
/// the advisory lock.
pub async fn apply_over(connection: &mut PgConnection) -> Result<Migrated, Error> {
    connection.ensure_migrations_table(&MIGRATOR.table_name).await?;
    let before: Vec<i64> = applied(connection).await?;
    // Nothing that is applied is ever taken away, so a newer schema stays one; in any other case the run decides, under its lock.
    if let (Schema::Newer, Some(last)) = (compare(&before), before.last()) {
        return Ok(Migrated::Newer(*last));
    }
    MIGRATOR.run(&mut *connection).await?;
    let fresh = ours().filter(|migration| !before.contains(&migration.version));
    Ok(Migrated::UpToDate(
        fresh
            .map(|migration| Applied {
                version: migration.version,
                description: migration.description.to_string(),
            })
            .collect(),
    ))
}

async fn applied(connection: &mut PgConnection) -> Result<Vec<i64>, Error> {
    let applied = connection.list_applied_migrations(&MIGRATOR.table_name).await?;
    let mut versions: Vec<i64> = applied.iter().map(|migration| migration.version).collect();
    versions.sort_unstable();
    Ok(versions)
}

fn ours() -> impl Iterator<Item = &'static Migration> {
    MIGRATOR.iter().filter(|migration| !migration.migration_type.is_down_migration())
}

/// Compares the migrations that a database has with those of this program: what `/readyz` asks.
pub fn compare(applied: &[i64]) -> Schema {
    let ours: Vec<i64> = ours().map(|migration| migration.version).collect();
    compared(&ours, applied)
}

fn compared(ours: &[i64], applied: &[i64]) -> Schema {
    let newest = ours.iter().max();
    let strange = || applied.iter().filter(|version| !ours.contains(version));
    if strange().any(|version| Some(version) < newest) {
        Schema::Unknown
    } else if ours.iter().any(|version| !applied.contains(version)) {
        Schema::Older
    } else if strange().next().is_some() {
        Schema::Newer
    } else {
        Schema::Same
    }
}

#[cfg(test)]
mod tests {
    use super::{Schema, compared};

    #[test]
    fn a_schema_is_newer_only_if_it_has_all_of_ours_and_later_ones() {
        for (applied, schema) in [
            (&[][..], Schema::Older),
            (&[3], Schema::Older),
            (&[3, 5], Schema::Same),
            (&[5, 3], Schema::Same),
            (&[3, 5, 6], Schema::Newer),
            // A later one without all of ours is not what a newer version leaves behind.
            (&[3, 6], Schema::Older),
            (&[3, 4, 5], Schema::Unknown),
            (&[1, 3, 5, 6], Schema::Unknown),
        ] {
            assert_eq!(compared(&[3, 5], applied), schema, "{applied:?}");
        }
    }
}
