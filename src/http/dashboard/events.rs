//! Outgoing events: the log of their deliveries, and redelivery.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use time::OffsetDateTime;
use uuid::Uuid;

use super::answer::{Failed, html_page, see_other};
use super::form::Posted;
use super::layout::{Page, csrf, shell};
use super::list::{Pairs, choice, field, text};
use super::session::Viewer;
use super::words::{ago, badge, missing_role, short, span};
use crate::http::AppState;
use crate::ops::action::REASON_AT_MOST;
use crate::ops::events::{EventFilter, EventRecord, TryRecord};
use crate::ops::{ActionRequest, CheckoutId};
use crate::role::Role;

const HERE: &str = "/ops/events";
/// Events that are shown; a filter finds the others.
const SHOWN: i64 = 100;
const STATES: &[&str] = &["pending", "delivered", "given-up"];

/// The latest events that fit.
pub(super) async fn page(
    State(state): State<AppState>,
    viewer: Viewer,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failed> {
    let filter = asked(&pairs)?;
    let found = state.ops(&viewer.actor).events(&filter, SHOWN).await?;
    let main = html! {
        h1 { "Events" }
        form.panel.filter method="get" action=(HERE) role="search" aria-label="Filter" {
            div.fields {
                (choice("state", "Delivery", STATES, text(&pairs, "state")))
                (field("type", "Type", "search", text(&pairs, "type")))
                (field("destination", "Destination", "search", text(&pairs, "destination")))
                (field("checkout_id", "Checkout", "search", text(&pairs, "checkout_id")))
            }
            p.actions { button.primary type="submit" { "Show" } a.button href=(HERE) { "Clear" } }
        }
        div.panel.flush #list data-live="" { (rows(&found, OffsetDateTime::now_utc())) }
        @if i64::try_from(found.len()).unwrap_or(i64::MAX) >= SHOWN {
            p.muted { "The latest " (SHOWN) " are shown. " span.mono { "headless-checkout events list" } " shows more." }
        }
    };
    let page = Page { title: "Events", here: HERE, live: Some("/ops/live") };
    Ok(html_page(StatusCode::OK, shell(&page, &viewer, &main)))
}

/// One event: what it says, and the log of its deliveries.
pub(super) async fn one(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(event_id): Path<String>,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failed> {
    let id = known(&event_id)?;
    let (data, tries) = state.ops(&viewer.actor).event(id).await?.ok_or_else(missing)?;
    let filter = EventFilter { ids: Some(vec![id]), ..EventFilter::default() };
    let found = state.ops(&viewer.actor).events(&filter, SHOWN).await?;
    let main = html! {
        @if text(&pairs, "done") == "again" {
            p.done role="status" { "It is being redelivered. This is recorded in the audit log." }
        }
        p.muted.mono { (id) }
        h1 { "Event" @if let Some(first) = found.first() { ": " (first.kind) } }
        div #event data-live="" {
            section.panel.flush aria-labelledby="whom-title" {
                h2 #whom-title { "Destinations" }
                (rows(&found, OffsetDateTime::now_utc()))
            }
            section.panel.flush aria-labelledby="log-title" {
                h2 #log-title { "Delivery log" }
                (log(&tries))
            }
        }
        section.panel aria-labelledby="says-title" {
            h2 #says-title { "Content" }
            pre.mono tabindex="0" { (pretty(&data)) }
        }
        (again(id, &viewer))
    };
    let page = Page { title: "Event", here: HERE, live: Some("/ops/live") };
    Ok(html_page(StatusCode::OK, shell(&page, &viewer, &main)))
}

/// Sends it again to everybody that it was meant for and that is done with it.
pub(super) async fn redeliver(
    State(state): State<AppState>,
    Path(event_id): Path<String>,
    Posted { viewer, fields }: Posted,
) -> Result<Response, Failed> {
    let ask = ActionRequest { actor: &viewer.actor, reason: fields.text("reason"), dry_run: false };
    // Who may not is told so first.
    let id = known(&event_id).map_err(|wrong| super::answer::unless_barred(&viewer, Role::Act, wrong))?;
    if state.ops(&viewer.actor).redeliver(id, ask).await? {
        Ok(see_other(&format!("{HERE}/{id}?done=again")))
    } else {
        Err(missing())
    }
}

fn missing() -> Failed {
    Failed::missing("There is no such event, or it was deleted.")
}

fn known(id: &str) -> Result<Uuid, Failed> {
    id.parse().map_err(|_| missing())
}

fn asked(pairs: &Pairs) -> Result<EventFilter, Failed> {
    let given = |name| Some(text(pairs, name).trim()).filter(|text| !text.is_empty() && !text.contains('\0'));
    let checkout: Option<CheckoutId> = given("checkout_id")
        .map(str::parse)
        .transpose()
        .map_err(|_| Failed::bad("This is not a checkout id."))?;
    let state = given("state");
    if state.is_some_and(|state| !STATES.contains(&state)) {
        return Err(Failed::bad("A delivery is pending, delivered or given-up."));
    }
    Ok(EventFilter {
        checkout: checkout.map(CheckoutId::uuid),
        kind: given("type").map(str::to_owned),
        destination: given("destination").map(str::to_owned),
        state: state.map(str::to_owned),
        ..EventFilter::default()
    })
}

fn rows(found: &[EventRecord], now: OffsetDateTime) -> Markup {
    html! {
        @if found.is_empty() { p.muted.empty { "No events match." } } @else {
            div.scroll tabindex="0" role="region" aria-label="Events" { table.list {
                caption.visually-hidden { "Events and their destinations, newest first" }
                thead { tr {
                    th scope="col" { "When" } th scope="col" { "Event" } th scope="col" { "Destination" } th scope="col" { "Delivery" }
                    th.number scope="col" { "Attempts" } th.number.opt scope="col" { "Response" } th scope="col" { "Checkout" }
                } }
                tbody { @for row in found { tr {
                    @let checkout = row.checkout_id.to_string();
                    td { (ago(row.at, now)) }
                    th scope="row" { a href={ (HERE) "/" (row.event_id) } { (row.kind) } }
                    td { (row.destination) }
                    td { (badge(&row.state)) }
                    td.number { (row.attempts) }
                    td.number.opt { @if let Some(status) = row.last_status { (status) } }
                    td { a.mono href={ "/ops/checkouts/" (checkout) } title=(checkout) { "…" (short(&checkout)) } }
                } } }
            } }
        }
    }
}

fn log(tries: &[TryRecord]) -> Markup {
    html! {
        @if tries.is_empty() { p.muted.empty { "No attempts yet." } } @else {
            div.scroll tabindex="0" role="region" aria-labelledby="log-title" { table.list {
                caption.visually-hidden { "All attempts, oldest first" }
                thead { tr {
                    th scope="col" { "When" } th scope="col" { "Destination" } th.number scope="col" { "Attempt" } th scope="col" { "Outcome" }
                    th scope="col" { "Response" } th.number.opt scope="col" { "Duration" }
                } }
                tbody { @for row in tries { tr {
                    td { (ago(row.at, OffsetDateTime::now_utc())) }
                    th scope="row" { (row.destination) }
                    td.number { (row.attempt) }
                    td { (badge(&row.outcome)) }
                    td { @match (row.status, &row.failure) {
                        (Some(status), _) => (status),
                        (None, Some(failure)) => { bdi { (failure) } },
                        (None, None) => "",
                    } }
                    td.number.opt { (span(time::Duration::milliseconds(row.duration_ms.into()))) }
                } } }
            } }
        }
    }
}

fn again(id: Uuid, viewer: &Viewer) -> Markup {
    let refused = missing_role(viewer.actor.role, Role::Act);
    let barred = refused.is_some();
    html! {
        form.card method="post" action={ (HERE) "/" (id) "/redeliver" } aria-labelledby="again-title" id="redeliver" {
            (csrf(viewer))
            h3 #again-title { "Redeliver" }
            p.muted { "To every destination that was subscribed and has finished with it. The event id stays the same, so receivers can recognize duplicates." }
            label for="again-reason" { "Reason" }
            input #again-reason name="reason" required disabled[barred] maxlength=(REASON_AT_MOST) autocomplete="off"
                placeholder="For the audit log; no personal data";
            button type="submit" disabled[barred] aria-describedby=[barred.then_some("again-barred")] { "Send again" }
            @if let Some(refused) = &refused { p.barred #again-barred { (refused) } }
        }
    }
}

/// Indented, with every digit as it was written.
fn pretty(data: &str) -> String {
    let parsed: Option<serde_json::Value> = serde_json::from_str(data).ok();
    parsed.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_else(|| data.to_owned())
}
