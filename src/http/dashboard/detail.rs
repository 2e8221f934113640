//! One checkout: its state in plain words, what happened, and what can be done.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use time::OffsetDateTime;

use super::answer::{Failed, html_page};
use super::facts::facts;
use super::layout::{Page, csrf, shell};
use super::list::{Pairs, text};
use super::session::Viewer;
use super::words::{badge, copied, missing_role};
use super::{audit, timeline};
use crate::http::AppState;
use crate::ops::action::REASON_AT_MOST;
use crate::ops::{AllowedAction, CheckoutDetail, CheckoutId, Console, Status, UnreadableCheckout, Why, why};
use crate::role::Role;

/// The page.
pub(super) async fn page(
    State(state): State<AppState>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(pairs): Query<Pairs>,
) -> Result<Response, Failed> {
    let missing = || Failed::missing("There is no such checkout.");
    let id: CheckoutId = id.parse().map_err(|_| missing())?;
    let ops = state.ops(&viewer.actor);
    let case = match ops.case(id).await {
        Ok(case) => case.ok_or_else(missing)?,
        Err(error) => {
            let Some(case) = ops.unread(id).await? else { return Err(error.into()) };
            let page = Page { title: "Checkout", here: "/ops/checkouts", live: None };
            return Ok(html_page(StatusCode::OK, shell(&page, &viewer, &unread(&case, &viewer))));
        }
    };
    let live = format!("/ops/checkouts/{id}/live");
    let open = !case.checkout().status.is_final();
    let main = body(&case, &why(&case), &viewer, &ops, text(&pairs, "done"));
    let page = Page { title: "Checkout", here: "/ops/checkouts", live: open.then_some(live.as_str()) };
    Ok(html_page(StatusCode::OK, shell(&page, &viewer, &main)))
}

fn body(case: &CheckoutDetail, why: &Why, viewer: &Viewer, ops: &Console, done: &str) -> Markup {
    let checkout = case.checkout();
    let done = Some(done).filter(|done| {
        matches!(*done, "restart" | "pause" | "resume" | "cancel" | "resolve" | "revoke-tokens" | "close")
    });
    html! {
        @if let Some(done) = done {
            p.done role="status" { "Done: " b { (done) } ". It is written in the audit log." }
        }
        div #case data-live="" data-version=(checkout.version) {
            header.case {
                p.muted { span.mono { (checkout.id) } (copied(&checkout.id.to_string())) }
                h1 { (why.headline) " " (badge(checkout.status.as_str())) }
            }
            div.columns.wide {
                section.panel aria-labelledby="why-title" { h2 #why-title { "Why" } (plain_words(why)) }
                section.panel aria-labelledby="facts-title" { h2 #facts-title { "Facts" } (facts(case, |order| ops.control_panel(&case.checkout().store, order))) }
            }
            section.panel aria-labelledby="timeline-title" {
                h2 #timeline-title { "Timeline" }
                (timeline::picture(&case.timeline, case.held.now))
                (timeline::table(&case.timeline))
            }
        }
        section aria-labelledby="actions-title" {
            h2 #actions-title { "Actions" }
            div #actions data-live="" { (actions(case, why, viewer)) }
        }
        section.panel aria-labelledby="done-title" {
            h2 #done-title { "Operator actions" }
            div #audit data-live="" { (audit::rows(&case.actions, false, OffsetDateTime::now_utc())) }
        }
    }
}

/// One whose record cannot be read.
fn unread(case: &UnreadableCheckout, viewer: &Viewer) -> Markup {
    let (unread, why) = (&case.unread, case.why());
    html! {
        header.case {
            p.muted.mono { (unread.id) }
            h1 { (why.headline) " " (badge(&unread.status)) }
        }
        section.panel aria-labelledby="why-title" { h2 #why-title { "Why" } (plain_words(&why)) }
        section.panel aria-labelledby="timeline-title" {
            h2 #timeline-title { "Timeline" }
            (timeline::table(&case.timeline))
        }
        section aria-labelledby="actions-title" {
            h2 #actions-title { "Actions" }
            (possible(unread.id, &why, why.actions.iter().collect(), viewer))
        }
        section.panel aria-labelledby="done-title" {
            h2 #done-title { "Operator actions" }
            (audit::rows(&case.actions, false, unread.now))
        }
    }
}

fn plain_words(why: &Why) -> Markup {
    html! {
        @if let Some(suggested) = &why.suggested {
            p.advice { b { "What to do first. " } bdi { (suggested.because) } }
            @if let Some(entry) = suggested.runbook { p.muted { "Runbook: " span.mono { (entry) } } }
        }
        @for (title, lines) in [("What is known", &why.known), ("What is not known", &why.not_known)] {
            @if !lines.is_empty() { h3 { (title) } ul { @for line in lines { li { bdi { (line) } } } } }
        }
        @if !why.what_happened.is_empty() {
            h3 { "What happened" }
            ol { @for line in &why.what_happened { li { bdi { (line) } } } }
        }
    }
}

fn actions(case: &CheckoutDetail, why: &Why, viewer: &Viewer) -> Markup {
    let paid = case.checkout().status == Status::Completed;
    // Without a payment, that is the same as to cancel.
    let told_apart = why.actions.iter().filter(|action| paid || !action.refund);
    possible(case.checkout().id, why, told_apart.collect(), viewer)
}

fn possible(id: CheckoutId, why: &Why, actions: Vec<&AllowedAction>, viewer: &Viewer) -> Markup {
    let (possible, not_now): (Vec<&AllowedAction>, Vec<&AllowedAction>) =
        actions.into_iter().partition(|action| action.allowed);
    html! {
        @if possible.is_empty() { p.panel.empty { "No further action is possible on this checkout." } }
        div.cards { @for action in &possible { (card(id, action, viewer, suggests(why, action))) } }
        @if !not_now.is_empty() {
            details.panel {
                summary { "Not possible now (" (not_now.len()) ")" }
                dl.refused { @for action in &not_now {
                    dt { (title(action)) }
                    dd { (action.guard.as_deref().unwrap_or_default()) }
                } }
            }
        }
    }
}

/// Whether this is what to do first.
fn suggests(why: &Why, action: &AllowedAction) -> bool {
    why.suggested.as_ref().is_some_and(|suggested| suggested.action == action.action && !action.refund)
}

fn card(id: CheckoutId, action: &AllowedAction, viewer: &Viewer, first: bool) -> Markup {
    let needs: Role = action.role.parse().unwrap_or(Role::Money);
    let refused = missing_role(viewer.actor.role, needs);
    let key = match action.finding {
        Some(finding) => format!("{}-{finding}", action.action),
        None if action.refund => format!("{}-refund", action.action),
        None => action.action.to_owned(),
    };
    let barred = refused.is_some();
    html! {
        form.card method="post" action={ "/ops/checkouts/" (id) "/preview" } aria-labelledby={ (key) "-title" } id={ "action-" (key) } {
            (csrf(viewer))
            input type="hidden" name="action" value=(action.action);
            @if action.refund { input type="hidden" name="refund" value="true"; }
            h3 id={ (key) "-title" } { (title(action)) }
            dl.effects { dt { "Orders" } dd { (action.effect_on_orders) } dt { "Money" } dd { (action.effect_on_money) } }
            @if let Some(guard) = &action.guard { p.muted { (guard) "." } }
            @if let Some(finding) = action.finding {
                input type="hidden" name="finding" value=(finding);
                @if let Some(label) = asks(finding) {
                    label for={ (key) "-value" } { (label) }
                    input id={ (key) "-value" } name="value" required disabled[barred] autocomplete="off" maxlength="128";
                }
            }
            @if action.action == "close" {
                label for={ (key) "-value" } { "Ids that stay at BigCommerce (cart, orders)" }
                input id={ (key) "-value" } name="value" disabled[barred] autocomplete="off" maxlength="1000";
            }
            label for={ (key) "-reason" } { "Reason" }
            input id={ (key) "-reason" } name="reason" required disabled[barred] maxlength=(REASON_AT_MOST) autocomplete="off"
                placeholder="For the audit log; no personal data";
            button class=[first.then_some("primary")] type="submit" disabled[barred] aria-describedby=[barred.then(|| format!("{key}-barred"))] {
                "Preview " (action.action)
            }
            @if let Some(refused) = &refused { p.barred id={ (key) "-barred" } { (refused) } }
        }
    }
}

/// What a finding has to say beside itself.
fn asks(finding: &str) -> Option<&'static str> {
    match finding {
        "order_id" => Some("Order id"),
        "charged" => Some("Transaction id"),
        _ => None,
    }
}

fn title(action: &AllowedAction) -> &'static str {
    match (action.action, action.finding) {
        ("restart", _) => "Restart",
        ("pause", _) => "Pause",
        ("resume", _) => "Resume",
        ("cancel", _) if action.refund => "Cancel with a refund",
        ("cancel", _) => "Cancel",
        ("revoke-tokens", _) => "Revoke checkout tokens",
        ("close", _) => "Close: abandon a checkout that cannot be read",
        (_, Some("order_id")) => "Resolve: this order was created",
        (_, Some("no_order")) => "Resolve: no order was created",
        (_, Some("charged")) => "Resolve: the shopper was charged",
        (_, Some("not_charged")) => "Resolve: the shopper was not charged",
        _ => "Resolve",
    }
}
