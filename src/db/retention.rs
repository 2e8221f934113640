//! Personal data: found, removed, and noted to have been removed.
//!
//! Guarantees: a checkout is redacted whole or not at all, in one transaction, and only once it has ended; what is
//! removed comes from [`Checkout::redacted`] alone. Amounts, ids, the order of events and the attempt log's replay stay.

use std::time::Duration;

use futures::TryStreamExt as _;
use serde_json::Value;
use sqlx::{PgConnection, Row as _};
use uuid::Uuid;

use crate::checkout::{Answer, Checkout, CheckoutId, Document, Status};
use crate::db::checkout;
use crate::db::checkout::row;
use crate::db::{Db, Error};

/// Why personal data is removed.
#[derive(Debug, Clone, Copy)]
pub enum Cause<'a> {
    /// It was kept for long enough.
    Retention,
    /// The person it is about asked for it; an operator's words.
    Request(&'a str),
}

/// A checkout that holds data of the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// Which.
    pub checkout: CheckoutId,
    /// Where it stands: only one that has ended is redacted.
    pub status: Status,
}

/// What became of the request to redact one checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasure {
    /// Its personal data is gone.
    Done,
    /// It has not ended; nothing was changed.
    Running(Status),
    /// There is no such checkout, or its personal data was gone already.
    Nothing,
}

impl Db {
    /// Redacts up to `limit` checkouts that ended more than `keep` ago. Answers how many, and whether there may be more.
    /// Several processes never redact the same one and never wait for each other.
    pub async fn redact_old(&self, keep: Duration, limit: i64) -> Result<(u64, bool), Error> {
        let ids = sqlx::query_scalar!(
            "select checkout_id from checkout
             where redacted_at is null and status in ('completed', 'cancelled', 'expired')
                 and created_at < now() - make_interval(secs => $1::float8)
                 and updated_at < now() - make_interval(secs => $1::float8)
             order by created_at limit $2",
            keep.as_secs_f64(),
            limit
        )
        .fetch_all(&self.pool())
        .await?;
        let full = i64::try_from(ids.len()).is_ok_and(|found| found == limit);
        let (mut redacted, mut unreadable) = (0, 0);
        for &id in &ids {
            match self.redact(id.into(), Cause::Retention).await {
                Ok(Erasure::Done) => redacted += 1,
                // Another process has it, or had it.
                Ok(Erasure::Running(_) | Erasure::Nothing) => {}
                // It must not keep the others from being redacted.
                Err(error @ (Error::Unreadable { .. } | Error::Newer { .. } | Error::Refused(_))) => {
                    unreadable += 1;
                    tracing::error!(checkout_id = %id, %error, "personal data could not be removed");
                }
                Err(error) => return Err(error),
            }
        }
        Ok((redacted, full && unreadable < ids.len()))
    }

    /// Redacts up to `limit` actions on orders that ended more than `keep` ago, also on orders of no checkout. Answers how
    /// many. One that cannot be redacted costs no other.
    pub async fn redact_old_order_actions(&self, keep: Duration, limit: i64) -> Result<u64, Error> {
        let rows = sqlx::query_as!(
            EndedAction,
            "select order_action_id as id, kind, status, answer from order_action
             where due_at is null and (body <> '' or reason <> '')
                 and updated_at < now() - make_interval(secs => $1::float8)
             order by order_action_id limit $2",
            keep.as_secs_f64(),
            limit
        )
        .fetch_all(&self.pool())
        .await?;
        let mut redacted = 0;
        for action in &rows {
            match redact_order_action(&self.pool(), action).await {
                Ok(()) => redacted += 1,
                Err(error @ Error::Refused(_)) => {
                    tracing::error!(order_action_id = %action.id, %error, "personal data could not be removed");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(redacted)
    }

    /// Every checkout that holds this email address anywhere, in whatever case it was written: in what was given, in what
    /// BigCommerce answered, or in the storefront's notes. It reads the whole table; a person asks for this rarely.
    pub async fn holders_of(&self, email: &str) -> Result<Vec<Holder>, Error> {
        if !email.is_ascii() {
            return self.holders_beyond_ascii(email).await;
        }
        // As it stands in a JSON text.
        let quoted = serde_json::Value::from(email).to_string().to_lowercase();
        let rows = sqlx::query!(
            r#"
            select checkout_id, status from checkout join checkout_content using (checkout_id)
            where redacted_at is null and (lower(email) = lower($1) or position($2 in lower(input::text)) > 0
                or position($2 in lower(document::text)) > 0 or position($2 in lower(metadata::text)) > 0)
            order by checkout_id
            "#,
            email,
            quoted
        )
        .fetch_all(&self.pool())
        .await?;
        rows.into_iter().map(|row| holder(row.checkout_id, &row.status)).collect()
    }

    /// The same for an address that the database cannot compare in any case, and that stands escaped in some JSON texts: what
    /// has its longest piece of ASCII is compared here.
    async fn holders_beyond_ascii(&self, email: &str) -> Result<Vec<Holder>, Error> {
        let folded = email.to_lowercase();
        let pieces = folded.split(|c: char| !c.is_ascii() || "\"\\/".contains(c));
        let piece = pieces.max_by_key(|piece| piece.len()).unwrap_or_default();
        let sql = "select checkout_id, status, email, input::text, document::text, metadata::text
             from checkout join checkout_content using (checkout_id)
             where redacted_at is null and position($1 in lower(concat(email, input, document, metadata))) > 0
             order by checkout_id";
        let mut rows = sqlx::query(sql).bind(piece).fetch(&self.pool());
        let mut holders = Vec::new();
        while let Some(row) = rows.try_next().await? {
            let known: Option<String> = row.try_get(2)?;
            let mut holds = known.is_some_and(|known| known.to_lowercase() == folded);
            for column in 3..6 {
                let text: Option<String> = row.try_get(column)?;
                holds = holds || text.is_some_and(|text| names(&text, &folded));
            }
            if holds {
                holders.push(holder(row.try_get(0)?, row.try_get(1)?)?);
            }
        }
        Ok(holders)
    }

    /// Removes the personal data of one checkout. Dropped half-way: it is removed whole or not at all.
    pub async fn redact(&self, id: CheckoutId, cause: Cause<'_>) -> Result<Erasure, Error> {
        let mut tx = self.pool().begin().await?;
        let locked = match cause {
            Cause::Retention => lock_if_free(&mut tx, id).await?,
            Cause::Request(_) => lock(&mut tx, id).await?,
        };
        let found = if locked { checkout::read(&mut *tx, id).await? } else { None };
        let Some(checkout) = found else { return Ok(Erasure::Nothing) };
        if !checkout.status.is_final() {
            return Ok(Erasure::Running(checkout.status));
        }
        let checkout = checkout.redacted();
        write(&mut tx, &checkout).await?;
        redact_answers(&mut tx, id.uuid()).await?;
        redact_order_actions(&mut tx, id.uuid()).await?;
        let (cause, reason) = match cause {
            Cause::Retention => ("retention", None),
            Cause::Request(reason) => ("request", Some(reason)),
        };
        sqlx::query!(
            "insert into redaction (checkout_id, cause, reason) values ($1, $2, $3)",
            id.uuid(),
            cause,
            reason
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Erasure::Done)
    }
}

fn holder(checkout_id: Uuid, status: &str) -> Result<Holder, Error> {
    let reason = format!("status: {status}");
    let status = status.parse().map_err(|_| Error::Unreadable { checkout_id, reason })?;
    Ok(Holder { checkout: checkout_id.into(), status })
}

/// Whether a text of this JSON document is that one, in any case. What cannot be read is searched as it stands.
fn names(document: &str, folded: &str) -> bool {
    fn any(value: &Value, folded: &str) -> bool {
        match value {
            Value::String(text) => text.to_lowercase() == folded,
            Value::Array(all) => all.iter().any(|value| any(value, folded)),
            Value::Object(fields) => fields.values().any(|value| any(value, folded)),
            _ => false,
        }
    }
    match serde_json::from_str(document) {
        Ok(value) => any(&value, folded),
        Err(_) => document.to_lowercase().contains(folded),
    }
}

/// Locks the row, if it still holds personal data. Not for the key: whoever writes a row that refers to this checkout does
/// not wait.
async fn lock(tx: &mut PgConnection, id: CheckoutId) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"select true as "found!" from checkout where checkout_id = $1 and redacted_at is null for no key update"#,
        id.uuid()
    )
    .fetch_optional(tx)
    .await?;
    Ok(found.is_some())
}

/// The same, unless somebody else has it.
async fn lock_if_free(tx: &mut PgConnection, id: CheckoutId) -> Result<bool, Error> {
    let free = sqlx::query_scalar!(
        r#"select true as "free!" from checkout where checkout_id = $1 and redacted_at is null
           for no key update skip locked"#,
        id.uuid()
    )
    .fetch_optional(tx)
    .await?;
    Ok(free.is_some())
}

/// The version moves, because what a reader sees does; the time of the last change stays, because it tells when the
/// checkout ended.
async fn write(tx: &mut PgConnection, checkout: &Checkout) -> Result<(), Error> {
    let document = checkout.facts.document.as_ref();
    sqlx::query!(
        "with redacted as (
             update checkout set record = $3::text::json, record_version = $6, redacted_at = now(), version = version + 1
             where checkout_id = $1
         )
         update checkout_content set email = null, input = $2::text::json, document = $4::text::json,
             metadata = $5::text::json
         where checkout_id = $1",
        checkout.id.uuid(),
        row::to_text(checkout, &checkout.input)?,
        row::record_text(checkout)?,
        document.map(Document::text),
        row::to_text(checkout, &checkout.metadata)?,
        row::RECORD_VERSION,
    )
    .execute(&mut *tx)
    .await?;
    // The log keeps which calls were made and how they went; what BigCommerce said may quote the shopper.
    sqlx::query!(
        r#"
        update attempt_log set detail = case
            when position('\u0000' in detail::text) = 0 and json_typeof(detail) = 'array' then (
            select json_agg(json_strip_nulls(json_build_object('call', e -> 'call', 'result', e -> 'result',
                'status', e -> 'status', 'code', e -> 'code')))
            from json_array_elements(detail) e
        ) end
        where checkout_id = $1 and detail is not null
        "#,
        checkout.id.uuid()
    )
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// An action on an order that has ended.
struct EndedAction {
    id: Uuid,
    kind: String,
    status: String,
    answer: Option<String>,
}

/// What operators did to its orders keeps what was done, to which order, and by whom.
async fn redact_order_actions(tx: &mut PgConnection, id: Uuid) -> Result<(), Error> {
    let rows = sqlx::query_as!(
        EndedAction,
        "select a.order_action_id as id, a.kind, a.status, a.answer from order_action a
         join checkout_order o on o.store = a.store and o.order_id = a.order_id
         where o.checkout_id = $1 and a.due_at is null",
        id
    )
    .fetch_all(&mut *tx)
    .await?;
    for action in &rows {
        redact_order_action(&mut *tx, action).await?;
    }
    Ok(())
}

/// The answer keeps the id of what was made. It is read here: PostgreSQL reads no text with a NUL in it.
async fn redact_order_action(executor: impl sqlx::PgExecutor<'_>, action: &EndedAction) -> Result<(), Error> {
    let makes = action.status == "done" && matches!(action.kind.as_str(), "refund" | "shipment");
    let answer = if makes {
        let read = action.answer.as_deref().and_then(|answer| serde_json::from_str::<Value>(answer).ok());
        let id = read.and_then(|answer| answer.pointer("/body/id").cloned()).unwrap_or_default();
        Some(serde_json::json!({"body": {"id": id}}).to_string())
    } else {
        action.answer.clone()
    };
    sqlx::query!(
        "update order_action set body = '', reason = '', answer = $2 where order_action_id = $1 and due_at is null",
        action.id,
        answer
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// A key answers as before, but for BigCommerce's messages.
async fn redact_answers(tx: &mut PgConnection, id: Uuid) -> Result<(), Error> {
    let rows = sqlx::query!(
        r#"select principal, key, answer::text as "answer!" from idempotency_key
           where checkout_id = $1 and answer is not null"#,
        id
    )
    .fetch_all(&mut *tx)
    .await?;
    for row in rows {
        let unreadable = |error: serde_json::Error| Error::Unreadable {
            checkout_id: id,
            reason: format!("answer: {error}"),
        };
        let answer: Answer = serde_json::from_str(&row.answer).map_err(unreadable)?;
        let answer = serde_json::to_string(&answer.redacted()).map_err(unreadable)?;
        sqlx::query!(
            "update idempotency_key set answer = $4::text::json where checkout_id = $1 and principal = $2 and key = $3",
            id,
            row.principal,
            row.key,
            answer,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
