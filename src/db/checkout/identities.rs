//! Who a store is: its hash. Its name may be changed in the configuration, and rows keep the one that came first.

use crate::db::{Db, Error};

/// PostgreSQL: `undefined_table`. The migrations have not come this far, so that nothing was ever renamed.
const UNDEFINED_TABLE: &str = "42P01";

impl Db {
    /// The name under which the rows of a store are kept: the one with which its hash was first seen. Two stores never
    /// have the same: whoever comes later with a name that is taken is kept under the hash itself.
    pub async fn identify(&self, name: &str, store_hash: &str) -> Result<String, Error> {
        let hash = store_hash.to_lowercase();
        for kept_as in [name, &hash] {
            let written = sqlx::query!(
                "insert into store_identity (store_hash, store) values ($1, $2) on conflict do nothing",
                hash,
                kept_as
            )
            .execute(&self.pool())
            .await;
            match written {
                Ok(_) => {}
                Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => {
                    return Ok(name.to_owned());
                }
                Err(error) => return Err(error.into()),
            }
            let found = sqlx::query_scalar!("select store from store_identity where store_hash = $1", hash)
                .fetch_optional(&self.pool())
                .await?;
            if let Some(found) = found {
                return Ok(found);
            }
        }
        // Its own hash is the name of another store.
        Ok(format!("{hash}-{hash}"))
    }
}
