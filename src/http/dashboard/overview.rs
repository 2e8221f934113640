//! The overview: the summary on one page.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use time::OffsetDateTime;

use super::answer::{Failed, html_page};
use super::chart;
use super::layout::{Page, shell};
use super::live::OverviewData;
use super::session::Viewer;
use super::words::{ago, badge, count, money, short, span};
use crate::http::AppState;
use crate::ops::{Attention, AttentionCount, Count, HostHealth, StoreHealth, Summary};

/// The first page.
pub(super) async fn page(State(state): State<AppState>, viewer: Viewer) -> Result<Response, Failed> {
    let seen = state.overview_cache().read(&state, &viewer.actor).await?;
    let main = overview(&seen, OffsetDateTime::now_utc());
    let page = Page { title: "Overview", here: "/ops", live: Some("/ops/live") };
    Ok(html_page(StatusCode::OK, shell(&page, &viewer, &main)))
}

fn overview(seen: &OverviewData, now: OffsetDateTime) -> Markup {
    let summary = &seen.overview.summary;
    html! {
        h1 { "Overview" }
        div #overview data-live="" {
            (figures(summary, now))
            div.columns {
                section.panel aria-labelledby="stuck-title" {
                    h2 #stuck-title { "Stuck, by reason" }
                    (stuck(summary, now))
                }
                section.panel aria-labelledby="standing-title" {
                    h2 #standing-title { "Checkouts by status" }
                    (standing(&summary.by_status))
                }
            }
            div.columns {
                section.panel aria-labelledby="throughput-title" {
                    h2 #throughput-title { "Throughput, last hour" }
                    (chart::throughput(&seen.activity))
                }
                section.panel aria-labelledby="latency-title" {
                    h2 #latency-title { "Duration of attempts, last hour" }
                    (chart::latency(&seen.activity))
                }
            }
            section.panel aria-labelledby="stores-title" {
                h2 #stores-title { "BigCommerce, as seen by this process" }
                (stores(&seen.overview.stores, now))
            }
        }
    }
}

fn figures(summary: &Summary, now: OffsetDateTime) -> Markup {
    let stuck: i64 = summary.stuck.iter().map(|reason| reason.count).sum();
    let held_up = |by: Attention| -> i64 {
        let fits = |one: &&AttentionCount| one.attention == by.as_str();
        summary.attention.iter().filter(fits).map(|one| one.count).sum()
    };
    let (blocked, retrying) = (held_up(Attention::Blocked), held_up(Attention::Retrying));
    html! {
        dl.figures {
            div class={ "figure" @if !summary.money_at_risk.is_empty() { " alarm" } } {
                dt { "Money at risk" }
                @for risk in &summary.money_at_risk {
                    dd.big { (money(risk.amount, &risk.currency)) }
                    dd.muted { "in " (count(risk.checkouts)) @if risk.checkouts == 1 { " checkout" } @else { " checkouts" } }
                }
                @if summary.money_at_risk.is_empty() {
                    dd.big { "None" }
                    dd.muted { "no charge is in doubt" }
                }
            }
            div class={ "figure" @if stuck > 0 { " alarm" } } {
                dt { "Stuck" }
                dd.big { a href="/ops/stuck" { (count(stuck)) } }
                dd.muted { @if stuck == 0 { "no checkouts need attention" } @else if stuck == 1 { "needs manual review" } @else { "need manual review" } }
            }
            div.figure {
                dt { "Blocked shoppers" }
                dd.big { a href="/ops/checkouts?attention=blocked" { (count(blocked)) } }
                dd.muted { @if retrying == 0 { "at order or payment, nothing charged" } @else {
                    a href="/ops/checkouts?attention=retrying" { (count(retrying)) " retrying" }
                } }
            }
            div.figure {
                dt { "Oldest unknown" }
                @if let Some(oldest) = &summary.oldest_unknown {
                    @let id = oldest.checkout_id.to_string();
                    dd.big { a href={ "/ops/checkouts/" (id) } { (span(now - oldest.since)) } }
                    dd.muted { (oldest.step) " of …" (short(&id)) }
                } @else {
                    dd.big { "None" }
                    dd.muted { "every outcome is known" }
                }
            }
            div.figure {
                dt { "Recovery lag" }
                dd.big { (span(time::Duration::seconds_f64(summary.recovery_lag_seconds.min(1e9)))) }
                dd.muted { "the most overdue checkout" }
            }
        }
    }
}

fn stuck(summary: &Summary, now: OffsetDateTime) -> Markup {
    html! {
        @if summary.stuck.is_empty() {
            p.muted { "Nothing is stuck." }
        } @else {
            div.scroll tabindex="0" role="region" aria-labelledby="stuck-title" {
                table {
                    caption.visually-hidden { "Stuck checkouts by reason" }
                    thead { tr { th scope="col" { "Reason" } th.number scope="col" { "How many" } th scope="col" { "Oldest" } th scope="col" { "First" } } }
                    tbody {
                        @for reason in &summary.stuck {
                            tr {
                                th scope="row" { a href={ "/ops/checkouts?reason=" (reason.reason) } { (reason.reason) } }
                                td.number { (count(reason.count)) }
                                td { (ago(reason.oldest, now)) }
                                td { (reason.suggested_action.unwrap_or("look")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn standing(by_status: &[Count]) -> Markup {
    let total = by_status.iter().map(|one| one.count).max().unwrap_or(1).max(1);
    html! {
        @if by_status.is_empty() {
            p.muted { "There are no checkouts yet." }
        } @else {
            table {
                caption.visually-hidden { "Checkouts by status" }
                thead.visually-hidden { tr { th scope="col" { "Status" } th scope="col" { "Share" } th scope="col" { "How many" } } }
                tbody {
                    @for one in by_status {
                        tr {
                            th scope="row" { a.quiet href={ "/ops/checkouts?status=" (one.name) } { (badge(&one.name)) } }
                            td.bar aria-hidden="true" { (chart::bar(one.count, total)) }
                            td.number { (count(one.count)) }
                        }
                    }
                }
            }
        }
    }
}

fn stores(stores: &[StoreHealth], now: OffsetDateTime) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-labelledby="stores-title" {
            table {
                caption.visually-hidden { "Rate budget, circuit breaker and webhooks of each store" }
                thead { tr {
                    th scope="col" { "Store" } th scope="col" { "Host" } th scope="col" { "Breaker" } th scope="col" { "Rate budget" }
                    th.number scope="col" { "In flight" } th.number scope="col" { "Waiting" } th.number scope="col" { "429" }
                    th scope="col" { "Webhooks" }
                } }
                @for store in stores {
                    tbody {
                        tr {
                            th scope="row" rowspan="2" { (store.store) br; span.muted { (store.replicas) @if store.replicas == 1 { " process" } @else { " processes" } } }
                            (host("API", &store.api))
                            td rowspan="2" {
                                @if let Some(last) = store.hooks.last_event_at {
                                    (ago(last, now)) br;
                                    span.muted { (count(store.hooks.events_last_hour)) " in the last hour" }
                                } @else { span.muted { "none in the last day" } }
                            }
                        }
                        tr { (host("Payments", &store.payments)) }
                    }
                }
            }
        }
    }
}

fn host(name: &str, health: &HostHealth) -> Markup {
    html! {
        td { (name) }
        td {
            (badge(health.breaker))
            @if health.credentials_refused { br; span.wrong { "BigCommerce refuses the access token" } }
        }
        td {
            @match (health.left, health.quota) {
                (Some(left), Some(quota)) => {
                    span { (left) " of " (quota) " left" }
                    (chart::bar(i64::try_from(left).unwrap_or(i64::MAX), i64::try_from(quota).unwrap_or(i64::MAX)))
                }
                _ => span.muted { "not known yet; " (health.free) " free" },
            }
            @if let Some(paused) = health.paused_for_ms { span.wrong { "paused for " (paused) " ms" } }
        }
        td.number { (health.in_flight) }
        td.number { (health.waiting) }
        td.number { (health.rate_limited) }
    }
}
