//! Acting on many checkouts: previewed, written down, carried out on the server.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::refused::forbidden;
use super::request::{QueryParams, filter};
use crate::http::AppState;
use crate::http::openapi::bodies;
use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::http::request::auth::Operator;
use crate::http::request::extract::Json;
use crate::http::response::answer::json;
use crate::http::validate::{self, BULK_QUERY};
use crate::ops::{Action, ActionRequest, Bulk, BulkPreview, BulkRequest, BulkSeen};
use crate::role::Role;

/// Results of a bulk that are shown at once, unless asked otherwise; the most, too.
const RESULTS: u32 = 10_000;

/// Recent bulk actions.
#[derive(Serialize, ToSchema)]
pub(super) struct Bulks {
    data: Vec<Bulk>,
}

/// A bulk action and one page of its results.
#[derive(Serialize, ToSchema)]
pub(super) struct BulkPage {
    #[serde(flatten)]
    seen: BulkSeen,
    /// Where the next page begins; null: there is none.
    next_cursor: Option<Uuid>,
}

/// Act on many checkouts
///
/// Restart, pause, resume or cancel all checkouts that match the filter now. Each is checked as if it had been
/// requested alone. A dry run returns what would happen. The work continues without the caller and survives a crash.
#[utoipa::path(
    post, path = "/ops/v1/bulk", operation_id = "beginBulk", tag = "Operators", request_body = bodies::Bulk,
    responses(
        (status = 200, description = "The result of the dry run (`dry_run`)", body = BulkPreview),
        (status = 202, description = "It is being done", body = Bulk),
    ),
)]
pub(super) async fn begin(
    State(state): State<AppState>,
    Operator(actor): Operator,
    body: Result<Json, Problem>,
) -> Result<Response, Problem> {
    let parsed = body.and_then(|Json(body)| {
        let (fields, action) = validate::bulk(body.value())?;
        Ok((fields, action, filter(body.value().get("filter").unwrap_or(&json!({})))?))
    });
    let (fields, action, filter) = match parsed {
        Ok(parsed) => parsed,
        Err(_) if actor.role < Role::Act => return Err(forbidden(Role::Act)),
        Err(problem) => return Err(problem),
    };
    let action = Action::for_many(&action).map_err(|error| Problem::internal(&error.to_string()))?;
    let ask = ActionRequest { actor: &actor, reason: &fields.reason, dry_run: fields.dry_run };
    let bulk = BulkRequest { filter: &filter, action: &action, ask };
    if fields.dry_run {
        return Ok(json(StatusCode::OK, &state.ops(&actor).preview_bulk(bulk).await?));
    }
    let begun = state.ops(&actor).begin_bulk(bulk).await?;
    let mut response = json(StatusCode::ACCEPTED, &begun);
    if let Ok(location) = HeaderValue::try_from(format!("/ops/v1/bulk/{}", begun.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// List recent bulk actions
#[utoipa::path(
    get, path = "/ops/v1/bulk", operation_id = "listBulks", tag = "Operators",
    responses((status = 200, description = "The latest 20, newest first", body = Bulks)),
)]
pub(super) async fn list(
    State(state): State<AppState>,
    Operator(actor): Operator,
) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &Bulks { data: state.ops(&actor).bulks().await? }))
}

/// Read a bulk action
///
/// Progress, and the result for each checkout.
#[utoipa::path(
    get, path = "/ops/v1/bulk/{bulk_id}", operation_id = "readBulk", tag = "Operators",
    params(("bulk_id" = Uuid, Path, description = "The bulk.")),
    responses((status = 200, description = "State", body = BulkPage)),
)]
pub(super) async fn read(
    State(state): State<AppState>,
    Operator(actor): Operator,
    Path(bulk_id): Path<String>,
    query: QueryParams,
) -> Result<Response, Problem> {
    let query = query.checked(&[&BULK_QUERY])?;
    let not_found = || Problem::new(Slug::NotFound, "there is no such bulk");
    let id: Uuid = bulk_id.parse().map_err(|_| not_found())?;
    let after: Option<Uuid> = query.cursor()?;
    let limit = query.limit(RESULTS);
    let seen = state.ops(&actor).bulk(id, after, limit).await?.ok_or_else(not_found)?;
    let full = u32::try_from(seen.results.len()).is_ok_and(|shown| shown == limit);
    let next_cursor = seen.results.last().filter(|_| full).map(|last| last.checkout_id);
    Ok(json(StatusCode::OK, &BulkPage { seen, next_cursor }))
}
