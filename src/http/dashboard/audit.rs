//! Operator actions, and what was refused to them.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use time::OffsetDateTime;

use super::answer::{Failed, html_page};
use super::layout::{Page, shell};
use super::list::{Pairs, field, text};
use super::session::Viewer;
use super::words::{address, ago, count, short};
use crate::http::AppState;
use crate::ops::{AuditRow, CheckoutId, PAGE, Verified};

/// The log.
pub(super) async fn page(
    State(state): State<AppState>,
    viewer: Viewer,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failed> {
    let about = text(&pairs, "checkout_id").trim();
    let id: Option<CheckoutId> = match about.parse() {
        Ok(id) => Some(id),
        Err(_) if about.is_empty() => None,
        Err(_) => return Err(Failed::bad("This is not a checkout id.")),
    };
    let cursor = match text(&pairs, "cursor") {
        "" => None,
        text => Some(text.parse::<i64>().map_err(|_| Failed::bad("There is no such page."))?),
    };
    let verified = match text(&pairs, "verify") {
        "yes" => {
            let verified = state.ops(&viewer.actor).verify_audit(None).await?;
            Some(verified.ok_or_else(|| {
                Failed::missing("The chain covers all stores, so an operator of one store cannot verify it.")
            })?)
        }
        _ => None,
    };
    let found = state.ops(&viewer.actor).audit(id, cursor, PAGE).await?;
    let main = html! {
        h1 { "Audit" }
        form.panel.filter method="get" action="/ops/audit" role="search" aria-label="Filter" {
            div.fields { (field("checkout_id", "Checkout", "search", about)) }
            p.actions {
                button.primary type="submit" { "Show" }
                @if viewer.actor.store.is_none() { a.button href="/ops/audit?verify=yes" { "Verify the chain" } }
            }
        }
        @if let Some(verified) = &verified { (chain(verified)) }
        div.panel.flush #audit data-live="" { (rows(&found.data, true, OffsetDateTime::now_utc())) }
        nav.pages aria-label="Pages" {
            @if cursor.is_some() { a.button href=(address("/ops/audit", [("checkout_id", about)])) { "First page" } }
            @if let Some(next) = &found.next_cursor {
                a.button rel="next" href=(address("/ops/audit", [("checkout_id", about), ("cursor", next)])) { "Next page" }
            }
        }
    };
    let page = Page { title: "Audit", here: "/ops/audit", live: None };
    Ok(html_page(StatusCode::OK, shell(&page, &viewer, &main)))
}

fn chain(verified: &Verified) -> Markup {
    html! {
        div role="status" class={ "panel " @if verified.broken.is_some() { "wrong" } @else { "done" } } {
            @match &verified.broken {
                None => { p { "The chain of " (count(verified.rows)) " rows is intact." } }
                Some(broken) => { p { b { "The chain is broken at row " (broken.audit_id) ": " } (broken.what) "." } }
            }
            p.muted { "Head: " span.mono.long { (verified.head) } }
        }
    }
}

/// Rows of the log. `named`: with the checkout of each.
pub(super) fn rows(rows: &[AuditRow], named: bool, now: OffsetDateTime) -> Markup {
    html! {
        @if rows.is_empty() { p.muted.empty { "Nothing yet." } } @else {
            div.scroll tabindex="0" role="region" aria-label="Audit log" {
                table.list {
                    caption.visually-hidden { "Audit log, newest first" }
                    thead { tr {
                        th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "What" }
                        @if named { th scope="col" { "Checkout" } }
                        th scope="col" { "Reason" } th scope="col" { "Result" } th.number.opt scope="col" { "Row" }
                    } }
                    tbody { @for row in rows { tr {
                        td { (ago(row.at, now)) }
                        td { (row.actor) " " span.muted { (row.role) } }
                        td { (row.action) }
                        @if named { td { @if let Some(id) = row.checkout_id {
                            @let id = id.to_string();
                            a.mono href={ "/ops/checkouts/" (id) } title=(id) { "…" (short(&id)) }
                        } } }
                        td { bdi { (row.reason) } }
                        td { span class=[row.result.starts_with("refused").then_some("wrong")] { (row.result) } }
                        td.number.opt { (row.audit_id) }
                    } } }
                }
            }
        }
    }
}
