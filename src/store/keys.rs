//! Idempotency keys and checkout tokens.

use uuid::Uuid;

use super::{Error, Store};
use crate::checkout::{Answer, CheckoutId, KeyRef};

/// What a key was bound to, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct BoundKey {
    /// The checkout.
    pub checkout: CheckoutId,
    /// The operation.
    pub operation: String,
    /// SHA-256 of the request.
    pub fingerprint: Vec<u8>,
    /// `None` while it is running or unknown.
    pub answer: Option<Answer>,
}

/// SHA-256 of a checkout token.
pub type TokenHash = [u8; 32];

impl Store {
    /// Looks an idempotency key up.
    pub async fn bound_key(&self, key: &KeyRef) -> Result<Option<BoundKey>, Error> {
        let row = sqlx::query!(
            r#"select checkout_id, operation, fingerprint, answer::text as answer from idempotency_key
               where principal = $1 and key = $2"#,
            key.principal,
            key.key.as_str()
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            let answer = row.answer.as_deref().map(serde_json::from_str).transpose().map_err(|error| {
                Error::Unreadable { checkout_id: row.checkout_id, reason: format!("answer: {error}") }
            })?;
            Ok(BoundKey {
                checkout: row.checkout_id.into(),
                operation: row.operation,
                fingerprint: row.fingerprint,
                answer,
            })
        })
        .transpose()
    }

    /// Admits one more checkout token. Earlier ones stay valid.
    pub async fn admit_token(&self, id: CheckoutId, hash: TokenHash) -> Result<(), Error> {
        sqlx::query!(
            "insert into checkout_token (checkout_id, token_hash) values ($1, $2) on conflict do nothing",
            id.uuid(),
            hash.as_slice()
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Whether a checkout token is good for this checkout.
    pub async fn admits_token(&self, id: Uuid, hash: TokenHash) -> Result<bool, Error> {
        let found = sqlx::query_scalar!(
            r#"select true as "found!" from checkout_token where checkout_id = $1 and token_hash = $2"#,
            id,
            hash.as_slice()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(found.is_some())
    }
}
