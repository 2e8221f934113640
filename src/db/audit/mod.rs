//! The audit log: what operators did, as a chain of hashes.
//!
//! A row holds SHA-256 of the hash of the row before it and of its own content, each field prefixed with its length.
//! Rows are appended one at a time, under the lock of the head row. Changing, removing or inserting a row breaks the chain
//! after it; removing the last rows leaves the head without its row. Anyone who can write to the whole database can also
//! write a new chain: keep the head that `audit verify` prints somewhere else.

pub(crate) mod bulk;
pub(crate) mod operators;
pub(crate) mod order_actions;

use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::FromRow;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{AuditedTransaction, Db, Error};

/// Rows that are read at once while the chain is walked.
const PAGE: i64 = 2000;

/// Something an operator did or was refused.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Who.
    pub actor: &'a str,
    /// In which role.
    pub role: &'a str,
    /// What.
    pub action: &'a str,
    /// To which checkout.
    pub checkout_id: Option<Uuid>,
    /// To which order.
    pub order_id: Option<i64>,
    /// Why.
    pub reason: &'a str,
    /// What came of it.
    pub result: &'a str,
    /// What was asked in particular. No personal data, no secrets.
    pub detail: serde_json::Value,
}

/// An action that an operator took or was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, FromRow, ToSchema)]
pub struct AuditRow {
    /// Its number in the chain, from 1.
    #[serde(rename = "id")]
    pub audit_id: i64,
    /// When, on PostgreSQL's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Who.
    pub actor: String,
    /// In which role.
    pub role: String,
    /// What.
    pub action: String,
    /// To which checkout.
    pub checkout_id: Option<Uuid>,
    /// To which order.
    pub order_id: Option<i64>,
    /// Why.
    pub reason: String,
    /// `done`, or `refused: ` and the guard.
    pub result: String,
    /// The details of the request, as JSON text.
    pub detail: String,
    #[serde(skip)]
    previous: Vec<u8>,
    #[serde(skip)]
    hash: Vec<u8>,
}

/// The result of verifying the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Verified {
    /// How many rows are there.
    pub rows: i64,
    /// The last hash, in hexadecimal. Store it elsewhere: it proves later that nothing was removed.
    pub head: String,
    /// The first error; null: none.
    pub broken: Option<Broken>,
}

/// Where the chain is broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Broken {
    /// The first broken row.
    #[serde(rename = "id")]
    pub audit_id: i64,
    /// What is wrong, in a sentence.
    pub what: String,
}

impl AuditRow {
    fn content_hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let checkout_id = self.checkout_id.map(|id| id.to_string()).unwrap_or_default();
        let order_id = self.order_id.map(|id| id.to_string()).unwrap_or_default();
        let micros = (self.at.unix_timestamp_nanos() / 1000).to_string();
        let id = self.audit_id.to_string();
        for field in [
            self.previous.as_slice(),
            id.as_bytes(),
            micros.as_bytes(),
            self.actor.as_bytes(),
            self.role.as_bytes(),
            self.action.as_bytes(),
            checkout_id.as_bytes(),
            order_id.as_bytes(),
            self.reason.as_bytes(),
            self.result.as_bytes(),
            self.detail.as_bytes(),
        ] {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field);
        }
        hash.finalize().into()
    }
}

impl AuditedTransaction {
    /// Adds a row. From here to the commit nobody else adds one, so it comes last.
    pub async fn note(&mut self, entry: &Entry<'_>) -> Result<i64, Error> {
        let head = sqlx::query!(
            r#"select audit_id, hash, date_trunc('microseconds', clock_timestamp()) as "at!"
               from audit_head for update"#
        )
        .fetch_one(&mut *self.tx)
        .await?;
        let mut row = AuditRow {
            audit_id: head.audit_id + 1,
            at: head.at,
            actor: entry.actor.to_owned(),
            role: entry.role.to_owned(),
            action: entry.action.to_owned(),
            checkout_id: entry.checkout_id,
            order_id: entry.order_id,
            reason: entry.reason.to_owned(),
            result: entry.result.to_owned(),
            detail: entry.detail.to_string(),
            previous: head.hash,
            hash: Vec::new(),
        };
        row.hash = row.content_hash().to_vec();
        sqlx::query!(
            "with added as (
                insert into audit (audit_id, at, actor, role, action, checkout_id, order_id, reason, result, detail,
                    previous, hash)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
             )
             update audit_head set audit_id = $1, hash = $12",
            row.audit_id,
            row.at,
            row.actor,
            row.role,
            row.action,
            row.checkout_id,
            row.order_id,
            row.reason,
            row.result,
            row.detail,
            row.previous,
            row.hash,
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(row.audit_id)
    }
}

impl Db {
    /// The newest rows first, of one checkout or of all, before the row `before`. `within`: those of this store, which are
    /// about a checkout of it, or name it because they are about none.
    pub async fn audit(
        &self,
        checkout_id: Option<Uuid>,
        before: Option<i64>,
        limit: i64,
        within: Option<&str>,
    ) -> Result<Vec<AuditRow>, Error> {
        let before = before.unwrap_or(i64::MAX);
        let rows = match checkout_id {
            Some(id) => {
                sqlx::query_as!(
                    AuditRow,
                    "select a.audit_id, a.at, a.actor, a.role, a.action, a.checkout_id, a.order_id, a.reason, a.result, a.detail,
                         a.previous, a.hash
                     from audit a where checkout_id = $1 and audit_id < $2 and ($4::text is null or exists (
                         select from checkout c where c.checkout_id = a.checkout_id and c.store = $4))
                     order by audit_id desc limit $3",
                    id,
                    before,
                    limit,
                    within
                )
                .fetch_all(&self.pool())
                .await?
            }
            None => {
                sqlx::query_as!(
                    AuditRow,
                    r#"select a.audit_id, a.at, a.actor, a.role, a.action, a.checkout_id, a.order_id, a.reason, a.result, a.detail,
                         a.previous, a.hash
                       from audit a where a.audit_id < $1 and ($3::text is null or case
                         when a.checkout_id is not null then exists (
                             select from checkout c where c.checkout_id = a.checkout_id and c.store = $3)
                         when position('\u0000' in a.detail) > 0 then false
                         else coalesce(a.detail::json ->> 'store' = $3, false) end)
                       order by a.audit_id desc limit $2"#,
                    before,
                    limit,
                    within
                )
                .fetch_all(&self.pool())
                .await?
            }
        };
        Ok(rows)
    }

    /// Walks the whole chain. `anchor`: a head that was noted earlier, which has to be on it.
    pub async fn verify_audit(&self, anchor: Option<[u8; 32]>) -> Result<Verified, Error> {
        let mut walk = Walk { last: 0, hash: vec![0; 32], anchor: anchor.map(|hash| hash.to_vec()) };
        // One snapshot, so that rows that are added meanwhile do not look like a broken end.
        let mut tx = self.pool().begin().await?;
        sqlx::query!("set transaction isolation level repeatable read, read only").execute(&mut *tx).await?;
        let mut broken = None;
        while broken.is_none() {
            let page = sqlx::query_as!(
                AuditRow,
                "select audit_id, at, actor, role, action, checkout_id, order_id, reason, result, detail, previous, hash
                 from audit where audit_id > $1 order by audit_id limit $2",
                walk.last,
                PAGE
            )
            .fetch_all(&mut *tx)
            .await?;
            if page.is_empty() {
                break;
            }
            broken = page.iter().find_map(|row| walk.step(row));
        }
        let head = sqlx::query!("select audit_id, hash from audit_head").fetch_optional(&mut *tx).await?;
        let head = head.map(|head| (head.audit_id, head.hash));
        let broken = broken.or_else(|| walk.end(head.as_ref().map(|(id, hash)| (*id, hash.as_slice()))));
        Ok(Verified { rows: walk.last, head: hex::encode(&walk.hash), broken })
    }
}

/// A walk along the chain.
struct Walk {
    last: i64,
    hash: Vec<u8>,
    anchor: Option<Vec<u8>>,
}

impl Walk {
    fn step(&mut self, row: &AuditRow) -> Option<Broken> {
        let broken = |what: &str| Some(Broken { audit_id: row.audit_id, what: what.to_owned() });
        if row.audit_id != self.last + 1 {
            return broken("the row before it was removed");
        }
        if row.previous != self.hash {
            return broken("it does not follow the row before it: one of the two was replaced");
        }
        if row.content_hash().as_slice() != row.hash {
            return broken("its content is not what was written");
        }
        self.last = row.audit_id;
        self.hash.clone_from(&row.hash);
        if self.anchor.as_ref() == Some(&self.hash) {
            self.anchor = None;
        }
        None
    }

    fn end(&self, head: Option<(i64, &[u8])>) -> Option<Broken> {
        let broken = |audit_id: i64, what: &str| Some(Broken { audit_id, what: what.to_owned() });
        match head {
            Some((id, hash)) if id == self.last && hash == self.hash => {}
            Some((id, _)) if id > self.last => {
                return broken(self.last + 1, "it and what followed it were removed");
            }
            _ => return broken(self.last, "the end of the chain is not what was written"),
        }
        match &self.anchor {
            Some(_) => broken(self.last, "the given head is not on the chain: the chain was written anew"),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(length: i64) -> Vec<AuditRow> {
        let mut previous = vec![0; 32];
        (1..=length)
            .map(|audit_id| {
                let mut row = AuditRow {
                    audit_id,
                    at: OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(audit_id),
                    actor: "olga".to_owned(),
                    role: "act".to_owned(),
                    action: "restart".to_owned(),
                    checkout_id: None,
                    order_id: Some(125),
                    reason: "because".to_owned(),
                    result: "done".to_owned(),
                    detail: "{}".to_owned(),
                    previous: previous.clone(),
                    hash: Vec::new(),
                };
                row.hash = row.content_hash().to_vec();
                previous.clone_from(&row.hash);
                row
            })
            .collect()
    }

    fn walk(rows: &[AuditRow], head: (i64, &[u8]), anchor: Option<Vec<u8>>) -> Option<Broken> {
        let mut walk = Walk { last: 0, hash: vec![0; 32], anchor };
        rows.iter().find_map(|row| walk.step(row)).or_else(|| walk.end(Some(head)))
    }

    #[test]
    fn whatever_is_changed_removed_or_moved_is_found() {
        let good = chain(4);
        let hash = good[3].hash.clone();
        let head = (4, hash.as_slice());
        assert_eq!(walk(&good, head, None), None);
        assert_eq!(walk(&good, head, Some(good[1].hash.clone())), None);
        assert_eq!(walk(&good, head, Some(vec![7; 32])).map(|broken| broken.audit_id), Some(4));
        for change in [
            |row: &mut AuditRow| row.actor = "eve".to_owned(),
            |row: &mut AuditRow| row.reason.push('!'),
            |row: &mut AuditRow| row.order_id = None,
            |row: &mut AuditRow| row.at += time::Duration::microseconds(1),
            |row: &mut AuditRow| {
                // Moves a letter from one field to the next.
                row.reason = "becaus".to_owned();
                row.result = "edone".to_owned();
            },
        ] {
            let mut rows = good.clone();
            change(&mut rows[1]);
            assert_eq!(walk(&rows, head, None).map(|broken| broken.audit_id), Some(2));
            // Hashed again, it no longer fits what follows.
            rows[1].hash = rows[1].content_hash().to_vec();
            assert_eq!(walk(&rows, head, None).map(|broken| broken.audit_id), Some(3));
        }
        let mut rows = good.clone();
        rows.remove(1);
        assert_eq!(walk(&rows, head, None).map(|broken| broken.audit_id), Some(3));
        rows = good.clone();
        rows.pop();
        assert_eq!(walk(&rows, head, None).map(|broken| broken.audit_id), Some(4));
        assert_eq!(walk(&[], head, None).map(|broken| broken.audit_id), Some(1));
    }
}
