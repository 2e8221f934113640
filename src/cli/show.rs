//! A checkout as text for the terminal.

use std::fmt::Write as _;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::output::{Color, Screen, color_of};
use super::table::{Table, wrap};
use crate::ops::{Attempt, AuditRow, CheckoutDetail, CheckoutId, UnreadableCheckout, Why};

/// A time as it is printed: UTC, whole seconds.
pub(super) fn instant(at: OffsetDateTime) -> String {
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).unwrap_or_default()
}

/// How long ago, in one unit.
pub(super) fn ago(passed: time::Duration) -> String {
    let seconds = passed.whole_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// A fact on a line of its own; nothing where it is empty.
fn line(name: &str, value: &str) -> String {
    if value.is_empty() { String::new() } else { format!("  {name:<10} {value}\n") }
}

/// What happened: the attempts, and what operators did.
fn history(tried: &[Attempt], actions: &[AuditRow], screen: Screen) -> String {
    let mut text = format!("\n{}", attempts(tried).render(screen));
    if !actions.is_empty() {
        text.push('\n');
        text.push_str(&super::audit::rows(actions, false).render(screen));
    }
    text
}

/// Everything that is known of a checkout.
pub(super) fn case(case: &CheckoutDetail, screen: Screen) -> String {
    let checkout = case.checkout();
    let mut text = String::new();
    let status = screen.paint(color_of(checkout.status.as_str()), checkout.status.as_str());
    let _ = writeln!(text, "{} {status}", screen.paint(Color::Bold, &checkout.id.to_string()));
    let mut fact = |name: &str, value: String| text.push_str(&line(name, &value));
    fact("store", format!("{} ({})", checkout.store, checkout.flow));
    fact("version", format!("{} (fence {})", checkout.version, checkout.fence));
    fact("cart", checkout.facts.cart_id.clone().unwrap_or_default());
    if let Some(order) = &checkout.facts.order {
        let total =
            order.total.map(|total| format!(", {} {}", total.decimal(), order.currency)).unwrap_or_default();
        fact("order", format!("{} {}{total}", order.id, order.status));
    }
    if let Some(payment) = &checkout.facts.payment {
        let id = payment.transaction_id.as_ref().map(|id| format!(", transaction {id}")).unwrap_or_default();
        fact("payment", format!("{}{id}", payment.status));
    }
    if let Some(stuck) = &checkout.stuck {
        fact("stuck", format!("{} since {}: {}", stuck.reason, instant(stuck.since), stuck.detail));
    }
    fact("created", instant(checkout.created_at));
    fact("updated", instant(checkout.updated_at));
    fact("due", case.held.due_at.map(instant).unwrap_or_default());
    text.push('\n');
    text.push_str(&steps(case).render(screen));
    text + &history(&case.timeline.attempts, &case.actions, screen)
}

fn steps(case: &CheckoutDetail) -> Table {
    let mut table = Table::new(&["STEP", "STATUS", "ATTEMPTS", "FINISHED"]);
    for step in &case.checkout().steps {
        table.row(vec![
            (step.name.to_string(), Color::Plain),
            (step.status.to_string(), color_of(step.status.as_str())),
            (step.attempts.to_string(), Color::Plain),
            (step.finished_at.map(instant).unwrap_or_default(), Color::Dim),
        ]);
    }
    table
}

fn attempts(attempts: &[Attempt]) -> Table {
    let header = ["BEGAN", "ATTEMPT", "OUTCOME", "UPSTREAM", "MS", "CALLS"];
    let mut table = Table::new(&header).leaving_out(&["MS", "UPSTREAM"]);
    for attempt in attempts {
        let outcome = attempt.outcome.clone().unwrap_or_else(|| "in flight".to_owned());
        let last = attempt.results.last();
        let calls = attempt.results.iter().flat_map(|result| result.calls.as_array().into_iter().flatten());
        let calls: Vec<String> = calls
            .map(|call| {
                let text = |field: &str| call[field].as_str().unwrap_or_default().to_owned();
                format!("{} {}", text("call"), text("result"))
            })
            .collect();
        table.row(vec![
            (instant(attempt.began_at), Color::Dim),
            (format!("{} {}", attempt.step, attempt.attempt), Color::Plain),
            (outcome.clone(), color_of(&outcome)),
            (number(last.and_then(|result| result.upstream_status)), Color::Plain),
            (number(last.and_then(|result| result.duration_ms)), Color::Plain),
            (calls.join(", "), Color::Dim),
        ]);
    }
    table
}

fn number<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A checkout in plain words.
pub(super) fn why(case: &CheckoutDetail, screen: Screen) -> String {
    plainly(case.checkout().id, &crate::ops::why(case), screen)
}

/// What is known about a checkout whose record cannot be read.
pub(super) fn unread(case: &UnreadableCheckout, screen: Screen) -> String {
    let unread = &case.unread;
    let status = screen.paint(color_of(&unread.status), &unread.status);
    let mut text = format!("{} {status}\n", screen.paint(Color::Bold, &unread.id.to_string()));
    let orders: Vec<String> = unread.orders.iter().map(ToString::to_string).collect();
    for (name, value) in [
        ("unreadable", unread.reason.clone()),
        ("store", format!("{} ({})", unread.store, unread.flow)),
        ("version", format!("{} (fence {})", unread.version, unread.fence)),
        ("cart", unread.cart_id.clone().unwrap_or_default()),
        ("orders", orders.join(", ")),
        ("created", instant(unread.created_at)),
        ("updated", instant(unread.updated_at)),
    ] {
        text.push_str(&line(name, &value));
    }
    text + &history(&case.timeline.attempts, &case.actions, screen)
}

/// How a checkout stands, in plain words.
pub(super) fn plainly(id: CheckoutId, why: &Why, screen: Screen) -> String {
    let mut text =
        format!("{}\n{}", screen.paint(Color::Bold, &why.headline), wrap(&id.to_string(), screen, ""));
    for (title, lines) in
        [("What happened", &why.what_happened), ("Known", &why.known), ("Not known", &why.not_known)]
    {
        if !lines.is_empty() {
            let _ = writeln!(text, "\n{title}");
            text.extend(lines.iter().map(|line| wrap(line, screen, "  - ")));
        }
    }
    let (possible, not): (Vec<_>, Vec<_>) = why.actions.iter().partition(|action| action.allowed);
    if !possible.is_empty() {
        let _ = writeln!(text, "\nWhat can be done");
    }
    for action in possible {
        let name = screen.paint(Color::Bold, &command(action.action, action.finding));
        let _ = writeln!(text, "  {name} (role {})", action.role);
        text.push_str(&wrap(&action.effect_on_orders, screen, "    orders: "));
        text.push_str(&wrap(&action.effect_on_money, screen, "    money:  "));
        if let Some(guard) = &action.guard {
            text.push_str(&wrap(guard, screen, "    first:  "));
        }
    }
    if !not.is_empty() {
        let _ = writeln!(text, "\nWhat cannot be done now");
        for action in not {
            let guard = action.guard.as_deref().unwrap_or_default();
            text.push_str(&wrap(
                &format!("{}: {guard}", command(action.action, action.finding)),
                screen,
                "  - ",
            ));
        }
    }
    if let Some(suggested) = &why.suggested {
        let _ = writeln!(text, "\nSuggested: {}", screen.paint(Color::Bold, suggested.action));
        text.push_str(&wrap(&suggested.because, screen, "  "));
        if let Some(runbook) = suggested.runbook {
            text.push_str(&wrap(&format!("docs/runbook.md, {runbook}"), screen, "  "));
        }
    }
    text
}

fn command(action: &str, finding: Option<&str>) -> String {
    finding.map_or_else(|| action.to_owned(), |finding| format!("{action} --{}", finding.replace('_', "-")))
}
