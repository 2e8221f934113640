//! Who a store is: its hash. Its name may be changed in the configuration, and rows keep the one that came first.

use crate::db::{Db, Error};

/// PostgreSQL: `undefined_table`. The migrations have not come this far, so that nothing was ever renamed.
const UNDEFINED_TABLE: &str = "42P01";

/// Whose rows a store of the configuration has here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// The name under which they are kept: the one with which the hash was first seen.
    KeptAs(String),
    /// The hash was never seen here, and its name belongs to this other one.
    NameOf(String),
}

impl Db {
    /// Which rows are those of the store with this hash. A hash that is new here takes its name, unless another has it.
    pub async fn identify(&self, name: &str, store_hash: &str) -> Result<Identity, Error> {
        let hash = store_hash.to_lowercase();
        let written = sqlx::query!(
            "insert into store_identity (store_hash, store) values ($1, $2) on conflict do nothing",
            hash,
            name
        )
        .execute(&self.pool())
        .await;
        match written {
            Ok(_) => {}
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => {
                return Ok(Identity::KeptAs(name.to_owned()));
            }
            Err(error) => return Err(error.into()),
        }
        let found = sqlx::query_scalar!("select store from store_identity where store_hash = $1", hash)
            .fetch_optional(&self.pool())
            .await?;
        if let Some(found) = found {
            return Ok(Identity::KeptAs(found));
        }
        let other = sqlx::query_scalar!("select store_hash from store_identity where store = $1", name)
            .fetch_optional(&self.pool())
            .await?;
        Ok(Identity::NameOf(other.unwrap_or_default()))
    }
}
