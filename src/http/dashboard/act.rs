//! Acting on one checkout: first a preview, then, when it is confirmed, the action. Both go through `ops`, which decides.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};

use super::answer::{Failed, html_page, see_other, unless_barred};
use super::form::{Fields, Posted};
use super::layout::{Page, csrf, shell};
use super::session::Viewer;
use super::words::badge;
use crate::http::AppState;
use crate::ops::{Action, ActionRequest, Assertion, CheckoutId, Report};
use crate::role::Role;

/// What would happen.
pub(super) async fn preview(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Posted { viewer, fields }: Posted,
) -> Result<Response, Failed> {
    let (id, action) = asked(&id, &fields).map_err(|wrong| unless_barred(&viewer, Role::Act, wrong))?;
    let ask = ActionRequest { actor: &viewer.actor, reason: fields.text("reason"), dry_run: true };
    let report = state.ops(&viewer.actor).act(id, &action, ask).await?;
    let main = confirmation(id, &action, &report, &viewer, &fields);
    let page = Page { title: "Preview", here: "/ops/checkouts", live: None };
    Ok(html_page(StatusCode::OK, shell(&page, &viewer, &main)))
}

/// It is done.
pub(super) async fn act(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Posted { viewer, fields }: Posted,
) -> Result<Response, Failed> {
    let (id, action) = asked(&id, &fields).map_err(|wrong| unless_barred(&viewer, Role::Act, wrong))?;
    let ask = ActionRequest { actor: &viewer.actor, reason: fields.text("reason"), dry_run: false };
    state.ops(&viewer.actor).act(id, &action, ask).await?;
    Ok(see_other(&format!("/ops/checkouts/{id}?done={}", action.name())))
}

fn asked(id: &str, fields: &Fields) -> Result<(CheckoutId, Action), Failed> {
    let id = id.parse().map_err(|_| Failed::missing("There is no such checkout."))?;
    let value = fields.text("value");
    let action = match fields.text("action") {
        "restart" => Action::Restart,
        "pause" => Action::Pause,
        "resume" => Action::Resume,
        "revoke-tokens" => Action::RevokeTokens,
        "cancel" => Action::Cancel { refund: fields.text("refund") == "true" },
        "resolve" => {
            let finding = match fields.text("finding") {
                "order_id" => value.parse::<i64>().ok().map(|order| serde_json::json!({"order_id": order})),
                "charged" => Some(serde_json::json!({"charged": value})),
                word @ ("no_order" | "not_charged") => Some(serde_json::json!({word: true})),
                _ => None,
            };
            let finding = finding.and_then(|finding| Assertion::parse(&finding).ok());
            Action::Resolve(
                finding.ok_or_else(|| {
                    Failed::bad("The finding needs the id of an order or of a transaction.")
                })?,
            )
        }
        "close" => {
            let leaves = value.split([',', ' ']).filter(|id| !id.is_empty()).map(str::to_owned);
            Action::Close { leaves: leaves.collect() }
        }
        _ => return Err(Failed::bad("There is no such action.")),
    };
    Ok((id, action))
}

fn confirmation(
    id: CheckoutId,
    action: &Action,
    report: &Report,
    viewer: &Viewer,
    fields: &Fields,
) -> Markup {
    html! {
        section.panel.confirm aria-labelledby="confirm-title" {
            p.muted.mono { (id) }
            h1 #confirm-title { "Preview: " (action.name()) }
            p { "Nothing was done yet. This is what would happen now:" }
            dl.effects {
                dt { "Status" } dd { (badge(report.status_before)) " → " (badge(report.status_after)) }
                @if let Action::Close { leaves } = action { dt { "Left there" } dd.mono { (leaves.join(", ")) } }
                @if let Action::Resolve(finding) = action { dt { "Finding" } dd.mono { (finding.to_json()) } }
                dt { "Orders" } dd { (report.effect_on_orders) }
                dt { "Money" } dd { (report.effect_on_money) }
                dt { "Reason" } dd { bdi { (fields.text("reason")) } }
                dt { "Recorded as" } dd { (viewer.actor.name) ", role " (viewer.actor.role.as_str()) }
            }
            form.actions method="post" action={ "/ops/checkouts/" (id) "/act" } {
                (csrf(viewer))
                @for name in ["action", "refund", "finding", "value", "reason"] {
                    @if !fields.text(name).is_empty() { input type="hidden" name=(name) value=(fields.text(name)); }
                }
                button.primary #confirm type="submit" { "Yes, " (action.name()) }
                a.button href={ "/ops/checkouts/" (id) } { "No, go back" }
            }
        }
    }
}
