//! Checkouts, by any filter. The filter is in the address, so that a list can be bookmarked and shared.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use time::OffsetDateTime;

use super::answer::{Failed, html_page};
use super::layout::{Page, shell};
use super::session::Viewer;
use super::words::{address, ago, badge, money, short};
use crate::checkout::Money;
use crate::http::AppState;
use crate::http::ops::QueryParams;
use crate::http::problem::Problem;
use crate::http::validate::{FILTER, LIST_QUERY};
use crate::ops::{Attention, Cursor, Filter, Listed, Obstacle, PAGE, Sort, Status, StepName, StuckReason};

/// The names of the filter, as in `/ops/v1/checkouts`.
pub(super) const FILTERS: &[&str] = &[
    "status",
    "step",
    "reason",
    "attention",
    "obstacle",
    "total_from",
    "total_to",
    "store",
    "order_id",
    "cart_id",
    "email",
    "created_after",
    "updated_before",
];

const SORTS: &[(&str, &str)] = &[
    ("-updated_at", "Most recently changed first"),
    ("updated_at", "Least recently changed first"),
    ("-created_at", "Newest first"),
    ("created_at", "Oldest first"),
];

/// Names and texts of a query or a form.
pub(super) type Pairs = Vec<(String, String)>;

/// The list.
pub(super) async fn page(
    State(state): State<AppState>,
    viewer: Viewer,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failed> {
    let (found, wrong) = match asked(&pairs) {
        Ok((filter, sort, after, limit)) => {
            (Some(state.ops(&viewer.actor).list(&filter, sort, after, limit).await?), None)
        }
        Err(problem) => (None, Some(problem)),
    };
    let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let now = OffsetDateTime::now_utc();
    let main = html! {
        h1 { "Checkouts" }
        (views(&pairs))
        (form(&pairs, wrong.as_ref()))
        div #list data-live="" {
            @if let Some(found) = &found {
                @if found.data.is_empty() {
                    p.panel.empty { "No checkouts match." }
                } @else {
                    (table(&found.data, now, "Checkouts that match the filter"))
                }
                (pages(&pairs, found.next_cursor.as_deref()))
            }
        }
    };
    let page = Page { title: "Checkouts", here: "/ops/checkouts", live: Some("/ops/live") };
    Ok(html_page(status, shell(&page, &viewer, &main)))
}

type Question = (Filter, Sort, Option<Cursor>, u32);

fn asked(pairs: &Pairs) -> Result<Question, Problem> {
    let asked = QueryParams::of(normal(pairs))?.checked(&[&LIST_QUERY, &FILTER])?;
    let sort: Sort = asked.text("sort").and_then(|text| text.parse().ok()).unwrap_or_default();
    let after = asked.text("cursor").map(|text| Cursor::decode(text, sort)).transpose();
    let after = after.map_err(|error| crate::http::ops::wrong("cursor", error.to_string()))?;
    Ok((asked.filter()?, sort, after, asked.limit(PAGE)))
}

/// Browsers leave the zone of a time out: it is UTC.
pub(super) fn normal(pairs: &Pairs) -> Pairs {
    let mut pairs = pairs.clone();
    for (name, value) in &mut pairs {
        if matches!(name.as_str(), "created_after" | "updated_before") {
            match value.len() {
                10 => value.push_str("T00:00:00Z"),
                16 => value.push_str(":00Z"),
                19 => value.push('Z'),
                _ => {}
            }
        }
        *value = value.trim().to_owned();
    }
    pairs
}

/// A text among them; empty when it is not there.
pub(super) fn text<'a>(pairs: &'a Pairs, name: &str) -> &'a str {
    pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
}

/// The filter among them, for an address.
pub(super) fn kept(pairs: &Pairs) -> impl Iterator<Item = (&str, &str)> {
    pairs
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| FILTERS.contains(name))
}

/// Lists that are asked for again and again. A view is an address: any other one is saved as a bookmark.
const VIEWS: &[(&str, &str)] = &[
    ("All", "/ops/checkouts"),
    ("Blocked shoppers", "/ops/checkouts?attention=blocked"),
    ("Retrying", "/ops/checkouts?attention=retrying"),
    ("Stuck", "/ops/checkouts?status=stuck&sort=updated_at"),
    ("Completed", "/ops/checkouts?status=completed"),
];

fn views(pairs: &Pairs) -> Markup {
    let here = address("/ops/checkouts", pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    html! {
        nav.views aria-label="Views" { ul {
            @for (label, view) in VIEWS { li { a href=(view) aria-current=[(*view == here).then_some("page")] { (label) } } }
        } }
    }
}

fn form(pairs: &Pairs, wrong: Option<&Problem>) -> Markup {
    let narrowed = kept(pairs)
        .any(|(name, value)| !value.is_empty() && !matches!(name, "status" | "reason" | "attention"));
    html! {
        form.panel.filter method="get" action="/ops/checkouts" role="search" aria-label="Filter" {
            @if let Some(wrong) = wrong { (mistakes(wrong)) }
            div.fields {
                (choice("status", "Status", Status::WORDS, text(pairs, "status")))
                (choice("reason", "Stuck because of", StuckReason::WORDS, text(pairs, "reason")))
                (choice("attention", "Shopper", Attention::WORDS, text(pairs, "attention")))
                (field("email", "Email", "search", text(pairs, "email")))
                (field("order_id", "Order", "search", text(pairs, "order_id")))
            }
            details open[narrowed] {
                summary { "More filters" }
                div.fields { (more(pairs)) }
            }
            p.actions {
                label.inline { "Sort " select name="sort" aria-label="Sort" {
                    @for (value, label) in SORTS {
                        option value=(value) selected[text(pairs, "sort") == *value] { (label) }
                    }
                } }
                button.primary type="submit" { "Show" }
                a.button href="/ops/checkouts" { "Clear" }
                @if kept(pairs).any(|(_, value)| !value.is_empty()) && wrong.is_none() {
                    a.button href=(address("/ops/bulk", kept(pairs))) { "Act on all of these…" }
                }
            }
        }
    }
}

/// The filters that are needed less often.
pub(super) fn more(pairs: &Pairs) -> Markup {
    html! {
        (choice("step", "Next step", StepName::WORDS, text(pairs, "step")))
        (choice("obstacle", "Blocked by", Obstacle::WORDS, text(pairs, "obstacle")))
        (field("total_from", "Total from", "search", text(pairs, "total_from")))
        (field("total_to", "Total to", "search", text(pairs, "total_to")))
        (field("store", "Store", "search", text(pairs, "store")))
        (field("cart_id", "Cart", "search", text(pairs, "cart_id")))
        (field("created_after", "Created after (UTC)", "datetime-local", local(text(pairs, "created_after"))))
        (field("updated_before", "Last changed before (UTC)", "datetime-local", local(text(pairs, "updated_before"))))
    }
}

/// As a browser's field shows it.
fn local(time: &str) -> &str {
    time.get(..16).unwrap_or(time)
}

/// What is wrong with a form.
pub(super) fn mistakes(wrong: &Problem) -> Markup {
    html! {
        div.wrong role="alert" {
            @let errors = wrong.errors();
            @if errors.is_empty() { p { (wrong.detail()) } } @else { ul { @for error in &errors { li { (error) } } } }
        }
    }
}

/// A field with its label.
pub(super) fn field(name: &str, label: &str, kind: &str, value: &str) -> Markup {
    html! {
        div.field {
            label for={ "f-" (name) } { (label) }
            input id={ "f-" (name) } type=(kind) name=(name) value=(value) autocomplete="off";
        }
    }
}

/// A choice with its label.
pub(super) fn choice(name: &str, label: &str, words: &[&str], chosen: &str) -> Markup {
    html! {
        div.field {
            label for={ "f-" (name) } { (label) }
            select id={ "f-" (name) } name=(name) {
                option value="" { "Any" }
                @for word in words { option value=(word) selected[*word == chosen] { (word.replace('_', " ")) } }
            }
        }
    }
}

/// Checkouts as a table.
pub(super) fn table(rows: &[Listed], now: OffsetDateTime, caption: &str) -> Markup {
    html! {
        div.scroll.panel.flush tabindex="0" role="region" aria-label=(caption) {
            table.list {
                caption.visually-hidden { (caption) }
                thead { tr {
                    th scope="col" { "Checkout" } th scope="col" { "Status" } th.opt scope="col" { "Shopper" }
                    th.number scope="col" { "Total" } th.opt scope="col" { "Order" } th.opt scope="col" { "Created" }
                    th scope="col" { "Changed" }
                } }
                tbody { @for row in rows { (line(row, now)) } }
            }
        }
    }
}

fn line(row: &Listed, now: OffsetDateTime) -> Markup {
    let id = row.id.to_string();
    let total = |total: Money| money(total, row.currency.as_deref().unwrap_or_default());
    html! {
        tr {
            th scope="row" { a.mono href={ "/ops/checkouts/" (id) } title=(id) aria-label={ "Checkout " (id) } { "…" (short(&id)) } }
            td {
                (badge(&row.status))
                @if let Some(why) = &row.unreadable { div.muted title=(why) { "unreadable" } }
                @else if let Some(stuck) = &row.stuck { div.muted title=(stuck.detail) { (stuck.reason) } }
                @else if let Some(obstacle) = &row.obstacle { div.muted { "blocked: " (obstacle) } }
                @else if let (Some(attention), Some(step)) = (&row.attention, &row.next_step) { div.muted { (attention) ": " (step) } }
                @else if let Some(step) = &row.next_step { div.muted { "next: " (step) } }
                @if let Some(payment @ ("unknown" | "pending")) = row.payment_status.as_deref() { div.wrong { "payment " (payment) } }
            }
            td.opt { bdi { (row.email.as_deref().unwrap_or("–")) } }
            td.number { (row.total.map_or_else(|| "–".to_owned(), total)) }
            td.opt { @if let Some(order) = row.order_id { (order) } @else { "–" } }
            td.opt { (ago(row.created_at, now)) }
            td { (ago(row.updated_at, now)) }
        }
    }
}

/// Where the next page begins.
fn pages(pairs: &Pairs, next: Option<&str>) -> Markup {
    let same = || {
        let named = |name: &str| matches!(name, "sort" | "limit") || FILTERS.contains(&name);
        pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).filter(move |(name, _)| named(name))
    };
    html! {
        nav.pages aria-label="Pages" {
            @if !text(pairs, "cursor").is_empty() { a.button href=(address("/ops/checkouts", same())) { "First page" } }
            @if let Some(next) = next {
                a.button rel="next" href=(address("/ops/checkouts", same().chain([("cursor", next)]))) { "Next page" }
            }
        }
    }
}
