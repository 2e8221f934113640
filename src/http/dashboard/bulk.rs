//! One action on many checkouts: chosen by a filter, previewed, confirmed, and followed while the server does it.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use time::OffsetDateTime;
use uuid::Uuid;

use super::answer::{Failed, html_page, see_other, unless_barred};
use super::form::Posted;
use super::layout::{Page, csrf, shell};
use super::list::{FILTERS, Pairs, choice, field, kept, mistakes, more, normal, text};
use super::session::Viewer;
use super::words::{ago, badge, count, missing_role, short};
use crate::http::AppState;
use crate::http::ops::QueryParams;
use crate::http::problem::Problem;
use crate::http::validate::FILTER;
use crate::ops::action::REASON_AT_MOST;
use crate::ops::{
    Action, ActionRequest, Bulk, BulkPreview, BulkRequest, BulkSeen, Filter, Status, StuckReason,
};
use crate::role::Role;

const ACTIONS: &[(&str, &str)] = &[
    ("restart", "Restart: retry now"),
    ("pause", "Pause: nothing happens until resumed"),
    ("resume", "Resume: continue after a pause"),
    ("cancel", "Cancel: unpaid orders and carts"),
];
/// Outcomes that are shown of one bulk.
const SHOWN: u32 = 200;
const HERE: &str = "/ops/bulk";

/// The form, and the latest bulks.
pub(super) async fn page(
    State(state): State<AppState>,
    viewer: Viewer,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failed> {
    let latest = state.ops(&viewer.actor).bulks().await?;
    let main = html! {
        h1 { "Act on many" }
        (form(&pairs, &viewer, None))
        section.panel.flush aria-labelledby="latest-title" {
            h2 #latest-title { "Latest" }
            div #latest data-live="" { (bulks(&latest)) }
        }
    };
    let page = Page { title: "Act on many", here: HERE, live: Some("/ops/live") };
    Ok(html_page(StatusCode::OK, shell(&page, &viewer, &main)))
}

/// What would happen.
pub(super) async fn preview(
    State(state): State<AppState>,
    Posted { viewer, fields }: Posted,
) -> Result<Response, Failed> {
    let pairs = fields.without(&["csrf"]);
    let page = Page { title: "Bulk action: preview", here: HERE, live: None };
    let (filter, action) = match asked(&pairs) {
        Ok(asked) => asked,
        Err(problem) if viewer.actor.role < Role::Act => {
            return Err(unless_barred(&viewer, Role::Act, problem));
        }
        Err(problem) => {
            let main = html! { h1 { "Act on many" } (form(&pairs, &viewer, Some(&problem))) };
            return Ok(html_page(StatusCode::UNPROCESSABLE_ENTITY, shell(&page, &viewer, &main)));
        }
    };
    let ask = ActionRequest { actor: &viewer.actor, reason: fields.text("why"), dry_run: true };
    let found =
        state.ops(&viewer.actor).preview_bulk(BulkRequest { filter: &filter, action: &action, ask }).await?;
    Ok(html_page(StatusCode::OK, shell(&page, &viewer, &confirmation(&pairs, &found, &viewer))))
}

/// It is written down; whichever process is free does it.
pub(super) async fn begin(
    State(state): State<AppState>,
    Posted { viewer, fields }: Posted,
) -> Result<Response, Failed> {
    let (filter, action) =
        asked(&fields.without(&["csrf"])).map_err(|wrong| unless_barred(&viewer, Role::Act, wrong))?;
    let ask = ActionRequest { actor: &viewer.actor, reason: fields.text("why"), dry_run: false };
    let begun =
        state.ops(&viewer.actor).begin_bulk(BulkRequest { filter: &filter, action: &action, ask }).await?;
    Ok(see_other(&format!("{HERE}/{}", begun.id)))
}

/// One bulk, while it goes on and afterwards.
pub(super) async fn one(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(bulk_id): Path<String>,
) -> Result<Response, Failed> {
    let missing = || Failed::missing("There is no such bulk action.");
    let id: Uuid = bulk_id.parse().map_err(|_| missing())?;
    let seen = state.ops(&viewer.actor).bulk(id, None, SHOWN).await?.ok_or_else(missing)?;
    let live = format!("{HERE}/{id}/live");
    let page =
        Page { title: "Bulk", here: HERE, live: (seen.bulk.status != "done").then_some(live.as_str()) };
    Ok(html_page(StatusCode::OK, shell(&page, &viewer, &followed(&seen))))
}

fn asked(pairs: &Pairs) -> Result<(Filter, Action), Problem> {
    let filter = pairs.iter().filter(|(name, _)| FILTERS.contains(&name.as_str())).cloned().collect();
    let filter = QueryParams::of(normal(&filter))?.checked(&[&FILTER])?.filter()?;
    let action = Action::for_many(text(pairs, "action"));
    let action = action.map_err(|_| crate::http::ops::wrong("action", "must be chosen".to_owned()))?;
    Ok((filter, action))
}

fn form(pairs: &Pairs, viewer: &Viewer, wrong: Option<&Problem>) -> Markup {
    let refused = missing_role(viewer.actor.role, Role::Act);
    html! {
        form.panel.filter method="post" action="/ops/bulk/preview" aria-label="Act on many" {
            (csrf(viewer))
            @if let Some(wrong) = wrong { (mistakes(wrong)) }
            fieldset {
                legend { "Which checkouts" }
                div.fields {
                    (choice("status", "Status", Status::WORDS, text(pairs, "status")))
                    (choice("reason", "Stuck because of", StuckReason::WORDS, text(pairs, "reason")))
                    (field("email", "Email", "search", text(pairs, "email")))
                    (field("order_id", "Order", "search", text(pairs, "order_id")))
                    (more(pairs))
                }
            }
            fieldset {
                legend { "Action and reason" }
                div.fields {
                    div.field {
                        label for="f-action" { "Action" }
                        select #f-action name="action" {
                            @for (name, label) in ACTIONS { option value=(name) selected[text(pairs, "action") == *name] { (label) } }
                        }
                    }
                    div.field.two {
                        label for="f-why" { "Reason" }
                        // A filter by reason has that name in the address.
                        input #f-why name="why" required maxlength=(REASON_AT_MOST) value=(text(pairs, "why")) autocomplete="off"
                            placeholder="For the audit log; no personal data";
                    }
                }
            }
            p.actions {
                button.primary type="submit" disabled[refused.is_some()] aria-describedby=[refused.as_ref().map(|_| "barred")] { "Preview" }
            }
            @if let Some(refused) = &refused { p.barred #barred { (refused) } }
        }
    }
}

fn confirmation(pairs: &Pairs, found: &BulkPreview, viewer: &Viewer) -> Markup {
    html! {
        section.panel.confirm aria-labelledby="confirm-title" {
            h1 #confirm-title { "Preview: " (found.action) " " (count(found.total)) @if found.total == 1 { " checkout" } @else { " checkouts" } }
            p { "Nothing was done yet. Each checkout is checked as if it had been requested alone." }
            dl.effects {
                dt { "Which" } dd { @for (name, value) in kept(pairs).filter(|(_, value)| !value.is_empty()) { span.mono { (name) "=" bdi { (value) } } " " } }
                dt { "Of the first " (count(found.examined)) }
                dd { b { (count(found.allowed)) } " would be done, " b { (count(found.refused)) } " would be refused" }
                dt { "Reason" } dd { (text(pairs, "why")) }
                dt { "Recorded as" } dd { (viewer.actor.name) ", role " (viewer.actor.role.as_str()) }
            }
            @if !found.sample.is_empty() {
                details {
                    summary { "Some of them (" (found.sample.len()) ")" }
                    div.scroll tabindex="0" role="region" aria-label="Some of them" { table {
                        caption.visually-hidden { "Some of the matching checkouts" }
                        thead { tr { th scope="col" { "Checkout" } th scope="col" { "Status" } th scope="col" { "It" } } }
                        tbody { @for one in &found.sample { tr {
                            @let id = one.checkout_id.to_string();
                            th scope="row" { a.mono href={ "/ops/checkouts/" (id) } { "…" (short(&id)) } }
                            td { (badge(one.status)) }
                            td { @if one.allowed { "would be done" } @else { "would be refused: " bdi { (one.detail) } } }
                        } } }
                    } }
                }
            }
            form.actions method="post" action="/ops/bulk" {
                (csrf(viewer))
                @for (name, value) in pairs { @if !value.is_empty() { input type="hidden" name=(name) value=(value); } }
                button.primary #confirm type="submit" disabled[found.total == 0] { "Yes, " (found.action) " " (count(found.total)) }
                a.button href="/ops/bulk" { "No, go back" }
            }
        }
    }
}

fn followed(seen: &BulkSeen) -> Markup {
    let bulk = &seen.bulk;
    let dealt = bulk.done + bulk.failed;
    html! {
        div #bulk data-live="" {
            p.muted { (ago(bulk.created_at, OffsetDateTime::now_utc())) " by " (bulk.actor) ": " bdi { (bulk.reason) } }
            h1 { "Bulk " (bulk.action) " " (badge(bulk.status)) }
            section.panel aria-label="Progress" {
                progress max=(bulk.total.max(1)) value=(dealt) aria-label="Checkouts processed" {}
                p { b { (count(dealt)) } " of " b { (count(bulk.total)) } " processed · " (count(bulk.done)) " done · " (count(bulk.failed)) " refused or failed" }
            }
            div.scroll.panel.flush tabindex="0" role="region" aria-label="Outcomes" { table.list {
                caption.visually-hidden { "Result for each checkout" }
                thead { tr { th scope="col" { "Checkout" } th scope="col" { "Outcome" } th scope="col" { "Detail" } } }
                tbody { @for result in &seen.results { tr {
                    @let id = result.checkout_id.to_string();
                    th scope="row" { a.mono href={ "/ops/checkouts/" (id) } title=(id) { "…" (short(&id)) } }
                    td { (badge(result.outcome.as_deref().unwrap_or("waiting"))) }
                    td { bdi { (result.detail) } }
                } } }
            } }
            @if i64::try_from(seen.results.len()).unwrap_or(i64::MAX) < bulk.total {
                p.muted { "The first " (seen.results.len()) " are shown; all of them are at " span.mono { "/ops/v1/bulk/" (bulk.id) } "." }
            }
        }
    }
}

fn bulks(latest: &[Bulk]) -> Markup {
    html! {
        @if latest.is_empty() { p.muted.empty { "None yet." } } @else {
            div.scroll tabindex="0" role="region" aria-labelledby="latest-title" { table.list {
                caption.visually-hidden { "Recent bulk actions" }
                thead { tr { th scope="col" { "Requested" } th scope="col" { "What" } th.number scope="col" { "Done" } th.number scope="col" { "Refused" } th.number scope="col" { "Of" } th scope="col" { "Reason" } } }
                tbody { @for bulk in latest { tr {
                    th scope="row" { a href={ "/ops/bulk/" (bulk.id) } { (ago(bulk.created_at, OffsetDateTime::now_utc())) } " " span.muted { (bulk.actor) } }
                    td { (bulk.action) " " (badge(bulk.status)) }
                    td.number { (count(bulk.done)) } td.number { (count(bulk.failed)) } td.number { (count(bulk.total)) }
                    td { bdi { (bulk.reason) } }
                } } }
            } }
        }
    }
}
