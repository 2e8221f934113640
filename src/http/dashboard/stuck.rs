//! Checkouts that need manual review, grouped by cause, the longest wait first.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use time::OffsetDateTime;

use super::answer::{Failed, html_page};
use super::layout::{Page, shell};
use super::list::table;
use super::session::Viewer;
use super::words::{ago, count};
use crate::http::AppState;
use crate::ops::{Filter, Listed, Sort, StuckCount, StuckReason, headline};

/// Checkouts that are shown of each cause.
const SHOWN: u32 = 10;

/// The queue.
pub(super) async fn page(State(state): State<AppState>, viewer: Viewer) -> Result<Response, Failed> {
    let seen = state.overview_cache().read(&state, &viewer.actor).await?;
    let mut groups = Vec::new();
    for reason in &seen.overview.summary.stuck {
        let Ok(cause) = reason.reason.parse::<StuckReason>() else { continue };
        let filter = Filter { reason: Some(cause), ..Filter::default() };
        let oldest_first = Sort { by_creation: false, descending: false };
        let page = state.ops(&viewer.actor).list(&filter, oldest_first, None, SHOWN).await?;
        groups.push((cause, reason, page.data));
    }
    let now = OffsetDateTime::now_utc();
    let main = html! {
        h1 { "Stuck" }
        p.lead { "These checkouts need manual review. Nothing is charged and no order is created in the meantime." }
        div #stuck data-live="" {
            @if groups.is_empty() { p.panel.empty { "Nothing is stuck." } }
            @for (cause, reason, rows) in &groups { (group(*cause, reason, rows, now)) }
        }
    };
    let page = Page { title: "Stuck", here: "/ops/stuck", live: Some("/ops/live") };
    Ok(html_page(StatusCode::OK, shell(&page, &viewer, &main)))
}

fn group(cause: StuckReason, reason: &StuckCount, rows: &[Listed], now: OffsetDateTime) -> Markup {
    let title = format!("cause-{cause}");
    html! {
        section.group aria-labelledby=(title) {
            h2 id=(title) { (headline(cause)) " " span.tally { (count(reason.count)) } }
            p.muted {
                span.mono { (cause.as_str()) } " · the oldest " (ago(reason.oldest, now)) " · first: " b { (cause.suggested_action()) }
            }
            (table(rows, now, headline(cause)))
            p.actions {
                a.button href={ "/ops/checkouts?reason=" (cause.as_str()) "&sort=updated_at" } { "Show all " (count(reason.count)) }
                a.button href={ "/ops/bulk?reason=" (cause.as_str()) } { "Act on all…" }
            }
        }
    }
}
