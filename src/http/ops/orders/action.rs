//! A refund, a capture, a void or a shipment that was requested, as operators see it.

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa::openapi::ObjectBuilder;
use uuid::Uuid;

use crate::http::openapi::documents::Made;
use crate::ops::orders::{Kind, OrderAction, Outcome, outcome};
use crate::schema;

/// A refund, a capture, a void or a shipment that was requested.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderAction)]
pub(super) struct Action<'a> {
    /// Also the service's key in the reasons of a refund.
    id: Uuid,
    store: &'a str,
    order_id: i64,
    #[schema(schema_with = kinds)]
    kind: &'a str,
    #[schema(schema_with = statuses)]
    status: &'a str,
    /// How often it was sent, at most.
    attempts: i32,
    actor: &'a str,
    reason: &'a str,
    /// The checkout that it cancels.
    checkout_id: Option<Uuid>,
    #[serde(with = "time::serde::rfc3339::option")]
    unknown_since: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// What BigCommerce answered, or shows.
    result: Option<Made>,
    /// Why it was not done.
    problem: Option<String>,
}

/// Actions on orders.
#[derive(Serialize, ToSchema)]
#[schema(as = OrderActions)]
pub(super) struct Actions<'a> {
    pub(super) data: Vec<Action<'a>>,
    /// Null on the last page.
    pub(super) next_cursor: Option<Uuid>,
}

impl<'a> Action<'a> {
    /// How it stands.
    pub(super) fn of(action: &'a OrderAction) -> Self {
        let kind = Kind::find(&action.kind);
        let made = |body: Value| kind.map(|kind| Made::by(kind, body));
        // One that cannot be read hides no other in a list.
        let (result, problem) = match outcome(action) {
            Ok(Outcome::Open) => (None, None),
            Ok(Outcome::Done(body)) => (made(body), None),
            Ok(Outcome::Rejected(refused)) => (None, Some(refused.title)),
            Ok(Outcome::NotDone { detail, .. }) => (None, Some(detail)),
            Err(error) => (None, Some(error.to_string())),
        };
        Self {
            id: action.order_action_id,
            store: &action.store,
            order_id: action.order_id,
            kind: &action.kind,
            status: &action.status,
            attempts: action.attempts,
            actor: &action.actor,
            reason: &action.reason,
            checkout_id: action.checkout_id,
            unknown_since: action.unknown_since,
            created_at: action.created_at,
            updated_at: action.updated_at,
            result,
            problem,
        }
    }
}

fn kinds() -> ObjectBuilder {
    schema::words_of(&Kind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>())
}

fn statuses() -> ObjectBuilder {
    let about = "`unknown`: being reconciled; `rejected`: refused permanently; `not-done`: it certainly \
        did not happen, and the same key sends it again.";
    schema::words_of(&["sending", "unknown", "done", "rejected", "not-done"]).description(Some(about))
}
