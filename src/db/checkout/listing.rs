//! Lists of checkouts for operators: any filter, in pages, from indexes.
//!
//! The statements are built from the given filters and planned for exactly those (no cached plan), because a
//! plan that fits every filter fits none. Never: a value in the text of a statement.

use serde::Serialize;
use sqlx::{FromRow, Postgres, QueryBuilder};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::checkout::{Money, Status, Stuck, parse_decimal};
use crate::db::checkout::filter::{Cursor, Filter, Sort, id_floor};
use crate::db::{Db, Error};
use crate::schema;

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Listed {
    /// Identity.
    pub id: Uuid,
    /// Its store.
    pub store: String,
    /// Which saga it runs.
    #[schema(schema_with = schema::flow)]
    pub flow: String,
    /// Where it stands.
    #[schema(schema_with = schema::status)]
    pub status: String,
    /// The first step that is not done.
    pub next_step: Option<String>,
    /// Why manual review is needed.
    pub stuck: Option<ListedStuck>,
    /// What holds the shopper up: `blocked` (the last answer at order or payment was a refusal, and nothing was charged) or `retrying`.
    pub attention: Option<String>,
    /// The problem that blocks: the `code` of the problem document.
    pub obstacle: Option<String>,
    /// Its version.
    pub version: i64,
    /// BigCommerce's cart.
    pub cart_id: Option<String>,
    /// BigCommerce's order.
    pub order_id: Option<i64>,
    /// The shopper.
    pub email: Option<String>,
    /// What it costs.
    #[schema(schema_with = schema::amount_or_null, required = true)]
    pub total: Option<Money>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// The state of the latest payment.
    pub payment_status: Option<String>,
    /// RFC 3339, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// RFC 3339, UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    /// When recovery runs next.
    #[serde(with = "time::serde::rfc3339::option")]
    pub due_at: Option<OffsetDateTime>,
    /// Why this version of the service cannot read it; null: it can. No action is possible on one that it cannot read.
    pub unreadable: Option<String>,
}

/// Why manual review is needed.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ListedStuck {
    /// The reason.
    #[schema(schema_with = schema::stuck_reason)]
    pub reason: String,
    /// In a sentence.
    pub detail: String,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// What an operator should try first.
    #[schema(schema_with = schema::suggested_action)]
    pub suggested_action: &'static str,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Page<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Where the next page begins; `None`: there is none.
    pub next_cursor: Option<String>,
}

#[derive(FromRow)]
struct Line {
    checkout_id: Uuid,
    store: String,
    flow: String,
    status: String,
    step: Option<String>,
    stuck: Option<String>,
    attention: Option<String>,
    obstacle: Option<String>,
    version: i64,
    cart_id: Option<String>,
    order_id: Option<i64>,
    email: Option<String>,
    total: Option<String>,
    currency: Option<String>,
    payment_status: Option<String>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    due_at: Option<OffsetDateTime>,
    record_version: i16,
    unreadable_reason: Option<String>,
}

impl From<Line> for Listed {
    fn from(line: Line) -> Self {
        let stuck: Result<Option<Stuck>, _> = line.stuck.as_deref().map(serde_json::from_str).transpose();
        let (stuck, wrong) = match stuck {
            Ok(stuck) => (stuck, None),
            Err(error) => (None, Some(format!("stuck: {error}"))),
        };
        Self {
            id: line.checkout_id,
            store: line.store,
            flow: line.flow,
            stuck: stuck.filter(|_| line.status == Status::Stuck.as_str()).map(|stuck| ListedStuck {
                reason: stuck.reason.as_str().to_owned(),
                detail: stuck.detail,
                since: stuck.since,
                suggested_action: stuck.reason.suggested_action(),
            }),
            status: line.status,
            attention: line.attention,
            obstacle: line.obstacle,
            next_step: line.step,
            version: line.version,
            cart_id: line.cart_id,
            order_id: line.order_id,
            email: line.email,
            total: line.total.as_deref().and_then(parse_decimal).map(Money::from),
            currency: line.currency,
            payment_status: line.payment_status,
            created_at: line.created_at,
            updated_at: line.updated_at,
            due_at: line.due_at,
            unreadable: line.unreadable_reason.or(wrong).or_else(|| {
                let newer = line.record_version > crate::db::checkout::row::RECORD_VERSION;
                newer.then(|| "a newer version of the program wrote it".to_owned())
            }),
        }
    }
}

/// A JSON column; nothing where PostgreSQL could not read a text in it, which must not take the other rows with it.
macro_rules! readable {
    ($column:literal) => {
        concat!("(case when position('\\u0000' in ", $column, "::text) > 0 then null else ", $column, " end)")
    };
}

/// What a line shows. Documents are opened for the rows of a page only.
const COLUMNS: &str = concat!(
    "c.checkout_id, c.store, c.flow, c.status, c.step, c.attention, c.obstacle, c.version, d.cart_id, c.order_id, d.email, c.created_at,
    c.updated_at, c.due_at, c.record_version, c.unreadable_reason, (",
    readable!("c.record"),
    " -> 'stuck')::text as stuck, coalesce(",
    readable!("c.record"),
    " #>> '{facts,order,total}', ",
    readable!("d.document"),
    " #>> '{grand_total}') as total, coalesce(nullif(",
    readable!("c.record"),
    " #>> '{facts,order,currency}', ''), ",
    readable!("d.document"),
    " #>> '{cart,currency,code}') as currency, ",
    readable!("c.record"),
    " #>> '{facts,payment,status}' as payment_status"
);

impl Db {
    /// One page of the checkouts that fit. `limit` rows at most.
    pub async fn list(
        &self,
        filter: &Filter,
        sort: Sort,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Listed>, Error> {
        let mut query = listing(filter, sort, after, i64::from(limit) + 1);
        let rows: Vec<Line> = query.build_query_as().persistent(false).fetch_all(&self.pool()).await?;
        let more = rows.len() > limit as usize;
        let mut data: Vec<Listed> = rows.into_iter().map(Listed::from).collect();
        data.truncate(limit as usize);
        let last = data.last().filter(|_| more);
        let next_cursor = last.map(|last| Cursor { sort, at: last.updated_at, id: last.id }.encode());
        Ok(Page { data, next_cursor })
    }

    /// The plan of a page, for the benchmark.
    pub async fn explain(&self, filter: &Filter, sort: Sort) -> Result<Vec<String>, Error> {
        let mut query = QueryBuilder::new("explain (analyze, buffers) ");
        push_listing(&mut query, filter, sort, None, 51);
        Ok(query.build_query_scalar().persistent(false).fetch_all(&self.pool()).await?)
    }
}

fn listing(filter: &Filter, sort: Sort, after: Option<Cursor>, limit: i64) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new("");
    push_listing(&mut query, filter, sort, after, limit);
    query
}

fn push_listing(
    query: &mut QueryBuilder<Postgres>,
    filter: &Filter,
    sort: Sort,
    after: Option<Cursor>,
    limit: i64,
) {
    let page = Pager { filter, sort, after, limit };
    query.push("with page as materialized (");
    // By the latest change there is an order within each status only: the first rows of each are merged.
    if sort.by_creation || filter.status.is_some() || filter.is_selective() {
        page.push(query, filter.status);
    } else {
        // What has ended has no next step.
        let possible = Status::ALL.iter().filter(|status| filter.step.is_none() || !status.is_final());
        for (index, &status) in possible.enumerate() {
            query.push(if index == 0 { "(" } else { ") union all (" });
            page.push(query, Some(status));
        }
        query.push(")");
    }
    query
        .push(") select ")
        .push(COLUMNS)
        .push(" from page p join checkout c using (checkout_id) join checkout_content d using (checkout_id)");
    query.push(page.order("p")).push(" limit ").push_bind(limit);
}

struct Pager<'a> {
    filter: &'a Filter,
    sort: Sort,
    after: Option<Cursor>,
    limit: i64,
}

impl Pager<'_> {
    fn order(&self, of: &str) -> String {
        match (self.sort.by_creation, self.sort.descending) {
            (true, true) => format!(" order by {of}.checkout_id desc"),
            (true, false) => format!(" order by {of}.checkout_id"),
            (false, true) => format!(" order by {of}.updated_at desc, {of}.checkout_id desc"),
            (false, false) => format!(" order by {of}.updated_at, {of}.checkout_id"),
        }
    }

    /// The keys of the first rows after the cursor, in order.
    fn push(&self, query: &mut QueryBuilder<Postgres>, status: Option<Status>) {
        // What has not ended is young: from the oldest on, the primary key would be walked past all that has. The fence
        // (`offset 0`) has the rows of the status found first and sorted then.
        let fenced =
            self.sort.by_creation && !self.sort.descending && status.is_some_and(|status| !status.is_final());
        if fenced {
            query.push("select k.checkout_id, k.updated_at from (");
        }
        query.push("select k.checkout_id, k.updated_at");
        push_from(query, self.filter, status);
        if let Some(after) = self.after {
            let than = if self.sort.descending { "<" } else { ">" };
            if self.sort.by_creation {
                push_id_bound(query, self.filter, than, after.id);
            } else {
                query.push(format_args!(" and (k.updated_at, k.checkout_id) {than} ("));
                query.push_bind(after.at).push(", ").push_bind(after.id).push(")");
            }
        }
        if fenced {
            query.push(" offset 0) k");
        }
        query.push(self.order("k")).push(" limit ").push_bind(self.limit);
    }
}

/// The checkouts that fit, as `k`.
pub(crate) fn push_from(query: &mut QueryBuilder<Postgres>, filter: &Filter, status: Option<Status>) {
    query.push(" from checkout k");
    // Those of a store are found beside it; whether to begin there is for PostgreSQL to decide.
    if is_of_one_store(filter) || filter.is_of_amounts() {
        query.push(" join checkout_content d using (checkout_id)");
    }
    query.push(" where true");
    for store in filter.store.iter().chain(&filter.within) {
        query.push(" and d.store = ").push_bind(store.clone());
    }
    if let Some(status) = status {
        query.push(" and k.status = ").push_bind(status.as_str());
    }
    if let Some(step) = filter.step {
        query.push(" and k.step = ").push_bind(step.as_str());
    }
    if let Some(reason) = filter.reason {
        query.push(" and k.stuck_reason = ").push_bind(reason.as_str());
    }
    // Said of the partial index, which PostgreSQL does not conclude from the other column.
    if filter.attention.is_some() || filter.obstacle.is_some() {
        query.push(" and k.attention is not null");
    }
    if let Some(attention) = filter.attention {
        query.push(" and k.attention = ").push_bind(attention.as_str());
    }
    if let Some(obstacle) = filter.obstacle {
        query.push(" and k.obstacle = ").push_bind(obstacle.as_str());
    }
    for (than, total) in [(">=", filter.total_from), ("<=", filter.total_to)] {
        if let Some(total) = total {
            query.push(format_args!(" and d.total {than} "));
            query.push_bind(total.decimal().to_string()).push("::numeric");
        }
    }
    if let Some(order_id) = filter.order_id {
        push_found(query, "checkout_order f where f.order_id = ").push_bind(order_id).push("))");
    }
    if let Some(cart_id) = &filter.cart_id {
        push_found(query, "checkout_content f where f.cart_id = ").push_bind(cart_id.clone()).push("))");
    }
    if let Some(email) = &filter.email {
        push_found(query, "checkout_content f where f.email is not null and lower(f.email) = lower(");
        query.push_bind(email.to_lowercase()).push(")))");
    }
    // The bounds that follow from the given ones let either order begin or end where it matters.
    if let Some(at) = filter.created_after {
        query.push(" and k.created_at >= ").push_bind(at).push(" and k.updated_at >= ").push_bind(at);
        push_id_bound(query, filter, ">=", id_floor(at, false));
    }
    if let Some(at) = filter.updated_before {
        query.push(" and k.updated_at < ").push_bind(at);
        push_id_bound(query, filter, "<", id_floor(at, true));
    }
}

fn is_of_one_store(filter: &Filter) -> bool {
    filter.store.is_some() || filter.within.is_some()
}

/// The few that another table finds.
fn push_found<'q>(query: &'q mut QueryBuilder<Postgres>, rest: &str) -> &'q mut QueryBuilder<Postgres> {
    query.push(" and k.checkout_id = any(array(select f.checkout_id from ").push(rest)
}

/// Said of both tables: PostgreSQL does not conclude it from the join.
fn push_id_bound(query: &mut QueryBuilder<Postgres>, filter: &Filter, than: &str, id: Uuid) {
    query.push(format_args!(" and k.checkout_id {than} ")).push_bind(id);
    if is_of_one_store(filter) {
        query.push(format_args!(" and d.checkout_id {than} ")).push_bind(id);
    }
}
