//! Reading the attempt log of one checkout.

use time::OffsetDateTime;
use uuid::Uuid;

use crate::checkout::CheckoutId;
use crate::db::{Db, Error};

/// A row of the attempt log: what ended and what began.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRow {
    /// Its place in the log.
    pub attempt_log_id: i64,
    /// The version that it made; `None`: evidence that came too late to change anything.
    pub version: Option<i64>,
    /// When.
    pub at: OffsetDateTime,
    /// What happened.
    pub event: String,
    /// Under which claim.
    pub fence: i64,
    /// By which process.
    pub process_id: Uuid,
    /// The step that ended.
    pub ended_step: Option<String>,
    /// Which try of it.
    pub ended_attempt: Option<i32>,
    /// What it came to.
    pub outcome: Option<String>,
    /// BigCommerce's HTTP status of the deciding call.
    pub upstream_status: Option<i16>,
    /// How long it took.
    pub duration_ms: Option<i32>,
    /// JSON text of what was sent and answered.
    pub detail: Option<String>,
    /// The step that began.
    pub began_step: Option<String>,
    /// Which try of it.
    pub began_attempt: Option<i32>,
}

impl Db {
    /// The latest `limit` rows of a checkout's attempt log, the oldest first.
    pub async fn attempt_log(&self, id: CheckoutId, limit: i64) -> Result<Vec<LogRow>, Error> {
        let mut rows = sqlx::query_as!(
            LogRow,
            "select attempt_log_id, version, at, event, fence, process_id, ended_step, ended_attempt, outcome,
                upstream_status, duration_ms, detail::text as detail, began_step, began_attempt
             from attempt_log where checkout_id = $1 order by attempt_log_id desc limit $2",
            id.uuid(),
            limit
        )
        .fetch_all(&self.pool())
        .await?;
        rows.reverse();
        Ok(rows)
    }
}
