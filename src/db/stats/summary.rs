//! The state of everything in a few numbers.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::checkout::{Money, StuckReason, parse_decimal};
use crate::db::{Db, Error};
use crate::schema;

/// The checkouts in numbers.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Summary {
    /// Checkouts by status.
    pub by_status: Vec<Count>,
    /// Checkouts that have not ended, by the first step that is not done.
    pub by_step: Vec<Count>,
    /// Stuck checkouts by reason, with the oldest of each.
    pub stuck: Vec<StuckCount>,
    /// Shoppers who do not get on, by what holds them up.
    pub attention: Vec<AttentionCount>,
    /// Amounts that may have been charged and are not known, or belong to a stuck order, by currency.
    pub money_at_risk: Vec<AtRisk>,
    /// The attempt whose outcome has been unknown for the longest time.
    pub oldest_unknown: Option<OldestUnknown>,
    /// How long the most overdue checkout has waited for recovery; 0 when none is overdue.
    pub recovery_lag_seconds: f64,
}

/// How many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Count {
    /// The status or the step.
    pub name: String,
    /// How many.
    pub count: i64,
}

/// How many are stuck for a reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StuckCount {
    /// The reason.
    #[schema(schema_with = schema::stuck_reason)]
    pub reason: String,
    /// How many.
    pub count: i64,
    /// When the least recently changed one last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub oldest: OffsetDateTime,
    /// What to do first.
    pub suggested_action: Option<&'static str>,
}

/// How many shoppers do not get on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AttentionCount {
    /// `blocked` or `retrying`.
    pub attention: String,
    /// The problem that blocks; null when retrying.
    pub obstacle: Option<String>,
    /// How many.
    pub count: i64,
    /// When the least recently changed one last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub oldest: OffsetDateTime,
}

/// Money that may be at risk.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AtRisk {
    /// ISO 4217; empty where it is not known.
    pub currency: String,
    /// The sum of the totals. An exact decimal; do not read it into binary floating point.
    #[schema(schema_with = schema::amount)]
    pub amount: Money,
    /// How many checkouts.
    pub checkouts: i64,
}

/// An attempt whose outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct OldestUnknown {
    /// The checkout.
    pub checkout_id: Uuid,
    /// The step.
    pub step: String,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
}

impl Db {
    /// How things stand, in one store or in all. Each number is right for a moment; not all for the same one.
    pub async fn summary(&self, within: Option<&str>) -> Result<Summary, Error> {
        let (by_status, by_step, stuck, attention, money_at_risk, oldest_unknown, lag) = tokio::try_join!(
            self.counted_by_status(within),
            self.by_step(within),
            self.stuck_by_reason(within),
            self.held_up(within),
            self.money_at_risk(within),
            self.oldest_unknown(within),
            self.lag_of_recovery(within),
        )?;
        Ok(Summary {
            by_status,
            by_step,
            stuck,
            attention,
            money_at_risk,
            oldest_unknown,
            recovery_lag_seconds: lag.as_secs_f64(),
        })
    }

    /// For all stores from an index alone.
    async fn counted_by_status(&self, within: Option<&str>) -> Result<Vec<Count>, Error> {
        Ok(sqlx::query_as!(
            Count,
            r#"select status as name, count(*) as "count!" from checkout
               where ($1::text is null or store = $1) group by status order by status"#,
            within
        )
        .fetch_all(&self.pool())
        .await?)
    }

    /// What has ended has no next step.
    async fn by_step(&self, within: Option<&str>) -> Result<Vec<Count>, Error> {
        Ok(sqlx::query_as!(
            Count,
            r#"select step as "name!", count(*) as "count!" from checkout
               where status in ('awaiting_input', 'running', 'waiting', 'compensating', 'stuck') and step is not null
                   and ($1::text is null or store = $1) group by step order by step"#,
            within
        )
        .fetch_all(&self.pool())
        .await?)
    }

    async fn stuck_by_reason(&self, within: Option<&str>) -> Result<Vec<StuckCount>, Error> {
        let rows = sqlx::query!(
            r#"select stuck_reason as "reason!", count(*) as "count!", min(updated_at) as "oldest!" from checkout
               where stuck_reason is not null and ($1::text is null or store = $1)
               group by stuck_reason order by count(*) desc, stuck_reason"#,
            within
        )
        .fetch_all(&self.pool())
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| StuckCount {
                suggested_action: row.reason.parse().ok().map(StuckReason::suggested_action),
                reason: row.reason,
                count: row.count,
                oldest: row.oldest,
            })
            .collect())
    }

    async fn held_up(&self, within: Option<&str>) -> Result<Vec<AttentionCount>, Error> {
        Ok(sqlx::query_as!(
            AttentionCount,
            r#"select attention as "attention!", obstacle, count(*) as "count!", min(updated_at) as "oldest!" from checkout
               where attention is not null and ($1::text is null or store = $1)
               group by attention, obstacle order by attention, count(*) desc, obstacle"#,
            within
        )
        .fetch_all(&self.pool())
        .await?)
    }

    /// A payment that is unknown or pending belongs to a checkout that runs, waits or is stuck.
    async fn money_at_risk(&self, within: Option<&str>) -> Result<Vec<AtRisk>, Error> {
        let rows = sqlx::query!(
            r#"
            with readable as materialized (
                -- A text that cannot be read as JSON must not take the others with it.
                select status, order_id,
                    case when position('\u0000' in record::text) > 0 then null else record end as record
                from checkout
                where status in ('running', 'waiting', 'compensating', 'stuck') and ($1::text is null or store = $1)
            ), open as materialized (
                select status, order_id, record #> '{facts,payment}' as payment, record #> '{facts,order}' as placed
                from readable
            )
            select coalesce(payment ->> 'currency', placed ->> 'currency', '') as "currency!",
                sum(coalesce(payment ->> 'amount', placed ->> 'total', '0')::numeric)::text as "amount!",
                count(*) as "checkouts!"
            from open
            where payment ->> 'status' in ('unknown', 'pending') or (status = 'stuck' and order_id is not null)
            group by 1 order by 1
            "#,
            within
        )
        .fetch_all(&self.pool())
        .await?;
        Ok(rows
            .into_iter()
            .filter_map(|row| {
                let amount = parse_decimal(&row.amount).map(Money::from)?;
                Some(AtRisk { currency: row.currency, amount, checkouts: row.checkouts })
            })
            .collect())
    }

    async fn oldest_unknown(&self, within: Option<&str>) -> Result<Option<OldestUnknown>, Error> {
        Ok(sqlx::query_as!(
            OldestUnknown,
            r#"
            with open as materialized (
                select checkout_id,
                    case when position('\u0000' in record::text) > 0 then null else record -> 'in_flight' end
                        as in_flight
                from checkout
                where status in ('running', 'waiting', 'compensating', 'stuck') and ($1::text is null or store = $1)
            )
            select checkout_id, coalesce(in_flight ->> 'step', '') as "step!",
                (in_flight ->> 'unknown_since')::timestamptz as "since!"
            from open where in_flight ->> 'unknown_since' is not null
            order by 3 limit 1
            "#,
            within
        )
        .fetch_optional(&self.pool())
        .await?)
    }
}
