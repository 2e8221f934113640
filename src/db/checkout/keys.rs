//! Idempotency keys and checkout tokens.

use uuid::Uuid;

use crate::checkout::{Answer, Checkout, CheckoutId, KeyRef};
use crate::db::checkout::row::Row;
use crate::db::{Db, Error};

/// What a key was bound to, and its result.
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

impl BoundKey {
    fn read(
        checkout_id: Uuid,
        operation: String,
        fingerprint: Vec<u8>,
        answer: Option<&str>,
    ) -> Result<Self, Error> {
        let answer = answer
            .map(serde_json::from_str)
            .transpose()
            .map_err(|error| Error::Unreadable { checkout_id, reason: format!("answer: {error}") })?;
        Ok(Self { checkout: checkout_id.into(), operation, fingerprint, answer })
    }
}

/// SHA-256 of a checkout token.
pub type TokenHash = [u8; 32];

/// The tokens of one checkout. The oldest goes when there is one more.
const TOKENS_AT_MOST: i64 = 5;

impl Db {
    /// Looks an idempotency key up.
    pub async fn bound_key(&self, key: &KeyRef) -> Result<Option<BoundKey>, Error> {
        let row = sqlx::query!(
            r#"select checkout_id, operation, fingerprint, answer::text as answer from idempotency_key
               where principal = $1 and key = $2"#,
            key.principal,
            key.key.as_str()
        )
        .fetch_optional(&self.pool())
        .await?;
        row.map(|row| BoundKey::read(row.checkout_id, row.operation, row.fingerprint, row.answer.as_deref()))
            .transpose()
    }

    /// A checkout and an idempotency key, as both were at one moment.
    pub async fn load_with_key(
        &self,
        id: CheckoutId,
        key: &KeyRef,
    ) -> Result<(Option<Checkout>, Option<BoundKey>), Error> {
        let row = sqlx::query!(
            r#"
            select c.checkout_id as "checkout_id?", c.store as "store?", flow as "flow?", status as "status?",
                version as "version?", fence as "fence?", input::text as input, record::text as record,
                document::text as document, metadata::text as metadata, c.created_at as "created_at?",
                updated_at as "updated_at?", expires_at as "expires_at?", lost_leases as "lost_leases?",
                record_version as "record_version?",
                k.checkout_id as "bound_to?", k.operation as "operation?", k.fingerprint as "fingerprint?",
                k.answer::text as answer
            from (values ($1::uuid)) as asked (id)
            left join checkout c on c.checkout_id = asked.id
            left join checkout_content d on d.checkout_id = asked.id
            left join idempotency_key k on k.principal = $2 and k.key = $3
            "#,
            id.uuid(),
            key.principal,
            key.key.as_str()
        )
        .fetch_one(&self.pool())
        .await?;
        let bound = row.bound_to.zip(row.operation).zip(row.fingerprint).map(
            |((bound_to, operation), fingerprint)| {
                BoundKey::read(bound_to, operation, fingerprint, row.answer.as_deref())
            },
        );
        let bound = bound.transpose()?;
        let found = || {
            Some(Row {
                checkout_id: row.checkout_id?,
                store: row.store?,
                flow: row.flow?,
                status: row.status?,
                version: row.version?,
                fence: row.fence?,
                input: row.input?,
                record: row.record?,
                document: row.document,
                metadata: row.metadata?,
                created_at: row.created_at?,
                updated_at: row.updated_at?,
                expires_at: row.expires_at?,
                lost_leases: row.lost_leases?,
                record_version: row.record_version?,
            })
        };
        Ok((found().map(Row::into_checkout).transpose()?, bound))
    }

    /// Admits one more checkout token. The latest ones before it stay valid.
    pub async fn admit_token(&self, id: CheckoutId, hash: TokenHash) -> Result<(), Error> {
        sqlx::query!(
            "with old as (
                 delete from checkout_token where checkout_id = $1 and token_hash in (
                     select token_hash from checkout_token where checkout_id = $1 and token_hash <> $2
                     order by created_at desc offset $3)
             )
             insert into checkout_token (checkout_id, token_hash) values ($1, $2) on conflict do nothing",
            id.uuid(),
            hash.as_slice(),
            TOKENS_AT_MOST - 1
        )
        .execute(&self.pool())
        .await?;
        Ok(())
    }

    /// What is kept of the tokens of a checkout, the newest first.
    pub async fn token_hashes(&self, id: CheckoutId) -> Result<Vec<Vec<u8>>, Error> {
        let hashes = sqlx::query_scalar!(
            "select token_hash from checkout_token where checkout_id = $1 order by created_at desc, token_hash limit 50",
            id.uuid()
        );
        Ok(hashes.fetch_all(&self.pool()).await?)
    }

    /// Whether a checkout token is good for this checkout.
    pub async fn admits_token(&self, id: Uuid, hash: TokenHash) -> Result<bool, Error> {
        let found = sqlx::query_scalar!(
            r#"select true as "found!" from checkout_token where checkout_id = $1 and token_hash = $2"#,
            id,
            hash.as_slice()
        )
        .fetch_optional(&self.pool())
        .await?;
        Ok(found.is_some())
    }
}
