//! Actions on many checkouts: what was requested, and the result for each.
//!
//! An item is processed in one transaction with its effect and its audit row, so that a crash leaves it either done or
//! untouched. Items are taken with `skip locked`: processes never wait for each other and never take the same one.

use serde::Serialize;
use sqlx::QueryBuilder;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::checkout::CheckoutId;
use crate::db::checkout::filter::Filter;
use crate::db::checkout::listing::push_from;
use crate::db::{AuditedTransaction, Db, Error};

/// What is asked for.
#[derive(Debug)]
pub struct NewBulk<'a> {
    /// Identity.
    pub id: Uuid,
    /// `restart`, `pause`, `resume` or `cancel`.
    pub action: &'a str,
    /// Which checkouts.
    pub filter: &'a Filter,
    /// Why.
    pub reason: &'a str,
    /// Who.
    pub actor: &'a str,
    /// In which role.
    pub role: &'a str,
}

/// One checkout of a bulk that is to be processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkItem {
    /// Of which bulk.
    pub bulk_id: Uuid,
    /// Which checkout.
    pub checkout_id: CheckoutId,
    /// What to do.
    pub action: String,
    /// Why.
    pub reason: String,
    /// For whom.
    pub actor: String,
    /// In which role.
    pub role: String,
}

/// The state of a bulk action.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Bulk {
    /// Identity.
    pub id: Uuid,
    /// `running` or `done`.
    pub status: &'static str,
    /// What is done.
    pub action: String,
    /// The filter that was used.
    #[schema(value_type = Filter)]
    pub filter: serde_json::Value,
    /// Why.
    pub reason: String,
    /// Who requested it.
    pub actor: String,
    /// How many checkouts.
    pub total: i64,
    /// How many succeeded.
    pub done: i64,
    /// How many were refused or failed.
    pub failed: i64,
    /// When it was requested.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// The result for one checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BulkResult {
    /// The checkout.
    pub checkout_id: Uuid,
    /// `done`, `refused` or `failed`; null: not processed yet.
    pub outcome: Option<String>,
    /// In a sentence.
    pub detail: String,
}

impl Db {
    /// How many checkouts fit, counted up to `at_most`.
    pub async fn count(&self, filter: &Filter, at_most: i64) -> Result<i64, Error> {
        let mut query = QueryBuilder::new("select count(*) from (");
        push_selection(&mut query, filter, at_most);
        query.push(") counted");
        Ok(query.build_query_scalar().persistent(false).fetch_one(&self.pool()).await?)
    }

    /// The first checkouts that fit, up to `at_most`.
    pub async fn sample(&self, filter: &Filter, at_most: i64) -> Result<Vec<CheckoutId>, Error> {
        let mut query = QueryBuilder::new("");
        push_selection(&mut query, filter, at_most);
        let ids: Vec<Uuid> = query.build_query_scalar().persistent(false).fetch_all(&self.pool()).await?;
        Ok(ids.into_iter().map(CheckoutId::from).collect())
    }

    /// How a bulk stands; `None`: there is none. `within`: one that was asked for this store alone.
    pub async fn bulk(&self, id: Uuid, within: Option<&str>) -> Result<Option<Bulk>, Error> {
        let row = sqlx::query!(
            r#"
            select b.action, b.filter::text as "filter!", b.reason, b.actor, b.total, b.created_at,
                (select count(*) from bulk_item i where i.bulk_id = b.bulk_id and i.outcome = 'done') as "done!",
                (select count(*) from bulk_item i where i.bulk_id = b.bulk_id and i.outcome <> 'done') as "failed!"
            from bulk b where b.bulk_id = $1 and ($2::text is null or $2 = case when position('\u0000' in b.filter::text) > 0 then null else b.filter ->> 'store' end)
            "#,
            id,
            within
        )
        .fetch_optional(&self.pool())
        .await?;
        Ok(row.map(|row| Bulk {
            id,
            status: if row.done + row.failed < row.total { "running" } else { "done" },
            action: row.action,
            filter: shown(&row.filter),
            reason: row.reason,
            actor: row.actor,
            total: row.total,
            done: row.done,
            failed: row.failed,
            created_at: row.created_at,
        }))
    }

    /// The latest bulks. `within`: those that were asked for this store alone.
    pub async fn bulks(&self, limit: i64, within: Option<&str>) -> Result<Vec<Uuid>, Error> {
        Ok(sqlx::query_scalar!(
            r#"select bulk_id from bulk b where $2::text is null or $2 = case when position('\u0000' in b.filter::text) > 0 then null else b.filter ->> 'store' end
               order by bulk_id desc limit $1"#,
            limit,
            within
        )
        .fetch_all(&self.pool())
        .await?)
    }

    /// What became of each checkout, `limit` of them, after the checkout `after`.
    pub async fn bulk_results(
        &self,
        id: Uuid,
        after: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<BulkResult>, Error> {
        Ok(sqlx::query_as!(
            BulkResult,
            "select checkout_id, outcome, detail from bulk_item
             where bulk_id = $1 and checkout_id > $2 order by checkout_id limit $3",
            id,
            after.unwrap_or(Uuid::nil()),
            limit
        )
        .fetch_all(&self.pool())
        .await?)
    }
}

/// Which checkouts were meant, as it is kept. One that cannot be read says so: without conditions it would seem to mean all.
fn shown(filter: &str) -> serde_json::Value {
    serde_json::from_str(filter)
        .ok()
        .filter(serde_json::Value::is_object)
        .unwrap_or_else(|| serde_json::json!({"unreadable": filter}))
}

impl AuditedTransaction {
    /// Writes down what is asked for, and for which checkouts: those that fit now, `at_most` of them. Answers how many.
    pub async fn begin_bulk(&mut self, bulk: &NewBulk<'_>, at_most: i64) -> Result<i64, Error> {
        // Which checkouts are meant is written below, so that nobody's address has to be kept.
        let email = bulk.filter.email.as_ref().map(|_| "[not kept]".to_owned());
        // Of which store it is, is read from here: that of whoever asks comes first.
        let store = bulk.filter.within.clone().or_else(|| bulk.filter.store.clone());
        let kept = Filter { store, email, ..bulk.filter.clone() };
        let filter = serde_json::to_string(&kept).map_err(|error| Error::Corrupt {
            what: "the bulk",
            id: bulk.id,
            reason: format!("filter: {error}"),
        })?;
        sqlx::query!(
            "insert into bulk (bulk_id, action, filter, reason, actor, role, total)
             values ($1, $2, $3::text::json, $4, $5, $6, 0)",
            bulk.id,
            bulk.action,
            filter,
            bulk.reason,
            bulk.actor,
            bulk.role
        )
        .execute(&mut *self.tx)
        .await?;
        let mut query = QueryBuilder::new("insert into bulk_item (bulk_id, checkout_id) select ");
        query.push_bind(bulk.id).push(", chosen.checkout_id from (");
        push_selection(&mut query, bulk.filter, at_most);
        query.push(") chosen");
        let inserted = query.build().persistent(false).execute(&mut *self.tx).await?.rows_affected();
        let total = i64::try_from(inserted).unwrap_or(i64::MAX);
        sqlx::query!("update bulk set total = $2 where bulk_id = $1", bulk.id, total)
            .execute(&mut *self.tx)
            .await?;
        Ok(total)
    }

    /// Takes the next checkout that some bulk asks for; `None`: there is none that nobody else has taken.
    pub async fn take_bulk_item(&mut self) -> Result<Option<BulkItem>, Error> {
        let row = sqlx::query!(
            "with item as (
                select bulk_id, checkout_id from bulk_item where outcome is null
                order by bulk_id, checkout_id limit 1 for update skip locked
             )
             select i.bulk_id, i.checkout_id, b.action, b.reason, b.actor, b.role
             from item i join bulk b using (bulk_id)"
        )
        .fetch_optional(&mut *self.tx)
        .await?;
        Ok(row.map(|row| BulkItem {
            bulk_id: row.bulk_id,
            checkout_id: row.checkout_id.into(),
            action: row.action,
            reason: row.reason,
            actor: row.actor,
            role: row.role,
        }))
    }

    /// Notes what became of it.
    pub async fn end_bulk_item(&mut self, item: &BulkItem, outcome: &str, detail: &str) -> Result<(), Error> {
        sqlx::query!(
            "update bulk_item set outcome = $3, detail = $4, ended_at = now()
             where bulk_id = $1 and checkout_id = $2 and outcome is null",
            item.bulk_id,
            item.checkout_id.uuid(),
            outcome,
            detail
        )
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}

fn push_selection(query: &mut QueryBuilder<sqlx::Postgres>, filter: &Filter, at_most: i64) {
    query.push("select k.checkout_id");
    push_from(query, filter, filter.status);
    query.push(" order by k.checkout_id limit ").push_bind(at_most);
}
