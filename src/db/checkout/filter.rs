//! Filters, sort order and page cursor of operators' lists. Pure.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::checkout::{Attention, Money, Obstacle, Status, StepName, StuckReason};
use crate::schema;

/// Which checkouts. Fields that are not given do not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = BulkFilter)]
pub struct Filter {
    /// Where they stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::status, required = false)]
    pub status: Option<Status>,
    /// The first step that is not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub step: Option<StepName>,
    /// Why they are stuck.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::stuck_reason, required = false)]
    pub reason: Option<StuckReason>,
    /// What holds their shoppers up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::attention, required = false)]
    pub attention: Option<Attention>,
    /// The problem that blocks their shoppers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::obstacle, required = false)]
    pub obstacle: Option<Obstacle>,
    /// They cost this much or more, in their own currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::amount, required = false)]
    pub total_from: Option<Money>,
    /// They cost this much or less, in their own currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = schema::amount, required = false)]
    pub total_to: Option<Money>,
    /// Their store.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub store: Option<String>,
    /// Their order, including abandoned ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub order_id: Option<i64>,
    /// Their cart.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub cart_id: Option<String>,
    /// The shopper's email address; case-insensitive.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub email: Option<String>,
    /// Created at this time or later.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub created_after: Option<OffsetDateTime>,
    /// Unchanged since before this time.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub updated_before: Option<OffsetDateTime>,
    /// Of this store whatever else is asked for: who asks is bound to it. Never read from outside.
    #[serde(skip)]
    pub within: Option<String>,
}

/// In which order: `updated_at`, `-updated_at` (the latest change first; the default), `created_at`, `-created_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By creation instead of by the latest change.
    pub by_creation: bool,
    /// The newest first.
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { by_creation: false, descending: true }
    }
}

impl std::str::FromStr for Sort {
    type Err = InvalidSort;

    fn from_str(text: &str) -> Result<Self, InvalidSort> {
        let (field, descending) = text.strip_prefix('-').map_or((text, false), |field| (field, true));
        match field {
            "created_at" => Ok(Self { by_creation: true, descending }),
            "updated_at" => Ok(Self { by_creation: false, descending }),
            _ => Err(InvalidSort),
        }
    }
}

/// Unknown sort order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be updated_at, -updated_at, created_at or -created_at")]
pub struct InvalidSort;

/// Where a page ended: the place in its order of the last row on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub(crate) sort: Sort,
    pub(crate) at: OffsetDateTime,
    pub(crate) id: Uuid,
}

impl Cursor {
    /// As the client keeps it. It means nothing to the client.
    pub fn encode(&self) -> String {
        let kind = match (self.sort.by_creation, self.sort.descending) {
            (true, true) => 'C',
            (true, false) => 'c',
            (false, true) => 'U',
            (false, false) => 'u',
        };
        BASE64_URL_SAFE_NO_PAD.encode(format!(
            "{kind}{}|{}",
            self.at.unix_timestamp_nanos() / 1000,
            self.id.simple()
        ))
    }

    /// Reads one back. It is good for the order that it was made in only.
    pub fn decode(text: &str, sort: Sort) -> Result<Self, InvalidCursor> {
        Self::parse(text).filter(|cursor| cursor.sort == sort).ok_or(InvalidCursor)
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let text = std::str::from_utf8(&bytes).ok()?;
        let kind = text.chars().next()?;
        let (micros, id) = text.get(1..)?.split_once('|')?;
        let sort =
            Sort { by_creation: kind.eq_ignore_ascii_case(&'c'), descending: kind.is_ascii_uppercase() };
        if !matches!(kind, 'c' | 'C' | 'u' | 'U') {
            return None;
        }
        let nanos = micros.parse::<i64>().ok()?;
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(nanos) * 1000).ok()?;
        Some(Self { sort, at, id: Uuid::try_parse(id).ok()? })
    }
}

/// Not a cursor of this list in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a valid cursor for this sort order")]
pub struct InvalidCursor;

impl Filter {
    /// Whether it leaves nothing out.
    pub fn is_empty(&self) -> bool {
        *self == Self { within: self.within.clone(), ..Self::default() }
    }

    /// Whether it is about what a checkout costs.
    pub(crate) fn is_of_amounts(&self) -> bool {
        self.total_from.is_some() || self.total_to.is_some()
    }

    /// Whether an index of few rows answers it by itself.
    pub(crate) fn is_selective(&self) -> bool {
        self.order_id.is_some()
            || self.cart_id.is_some()
            || self.email.is_some()
            || self.reason.is_some()
            || self.attention.is_some()
            || self.obstacle.is_some()
            || (self.total_from.is_some() && self.total_to.is_some())
    }
}

/// How far the clocks of a process and of PostgreSQL may be apart.
const SKEW: Duration = Duration::minutes(5);

/// A bound for the ids of what was created at this time: UUIDv7 begins with the time in milliseconds.
pub(crate) fn id_floor(at: OffsetDateTime, later: bool) -> Uuid {
    let at = if later { at.saturating_add(SKEW) } else { at.saturating_sub(SKEW) };
    let millis = (at.unix_timestamp_nanos() / 1_000_000).clamp(0, (1 << 48) - 1);
    Uuid::from_u128(u128::try_from(millis).unwrap_or(0) << 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_in_its_own_order_only() {
        for sort in ["created_at", "-created_at", "updated_at", "-updated_at"] {
            let sort: Sort = sort.parse().expect("an order");
            let at = OffsetDateTime::UNIX_EPOCH + Duration::microseconds(1_234_567_890_123_456);
            let cursor = Cursor { sort, at, id: Uuid::now_v7() };
            assert_eq!(Cursor::decode(&cursor.encode(), sort), Ok(cursor));
            let other = Sort { descending: !sort.descending, ..sort };
            assert_eq!(Cursor::decode(&cursor.encode(), other), Err(InvalidCursor));
        }
        for wrong in ["", "x", "QQ", "VTF8", "Ww==", "é", "VTE3OTE2ODkyODAwMDAwMDAwMDAwMDAwfA"] {
            assert_eq!(Cursor::decode(wrong, Sort::default()), Err(InvalidCursor), "{wrong}");
        }
        assert!("name".parse::<Sort>().is_err());
    }

    #[test]
    fn ids_are_bounded_by_the_time_they_were_made() {
        let now = OffsetDateTime::now_utc();
        let id = Uuid::now_v7();
        assert!(id_floor(now, false) < id && id < id_floor(now, true));
        assert_eq!(id_floor(OffsetDateTime::UNIX_EPOCH, false), Uuid::nil());
    }

    #[test]
    fn a_filter_is_kept_as_it_was_given() {
        let text = r#"{"status":"stuck","reason":"payment-unknown","created_after":"2026-11-21T00:00:00Z"}"#;
        let filter: Filter = serde_json::from_str(text).expect("a filter");
        assert_eq!(serde_json::to_string(&filter).expect("json"), text);
        assert!(serde_json::from_str::<Filter>(r#"{"stauts":"stuck"}"#).is_err());
        assert!(Filter::default().is_empty() && !filter.is_empty());
    }
}
