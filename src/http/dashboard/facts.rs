//! What is known of a checkout, in a few lines. Nothing of the shopper but how to write to them and the last digits of a card.

use maud::{Markup, html};

use super::words::{ago, badge, copied, instant, money};
use crate::checkout::Document;
use crate::ops::CheckoutDetail;

/// The facts.
///
/// `panel` is where a person looks at an order.
pub(super) fn facts(case: &CheckoutDetail, panel: impl Fn(i64) -> Option<String>) -> Markup {
    let (checkout, now) = (case.checkout(), case.held.now);
    let facts = &checkout.facts;
    let currency = facts.order.as_ref().map_or("", |order| order.currency.as_str());
    html! {
        dl.facts {
            dt { "Store" } dd { (checkout.store) " · " (checkout.flow) }
            @if let Some(email) = checkout.email() { dt { "Shopper" } dd { bdi { (email) } (copied(email)) } }
            @if let Some(cart) = &facts.cart_id { dt { "Cart" } dd { span.mono { (cart) } (copied(cart)) } }
            dt { "Order" }
            dd {
                @match &facts.order {
                    Some(order) => { (placed(order.id, panel(order.id))) " · " bdi { (order.status) } @if let Some(total) = order.total { br; (money(total, currency)) } }
                    None => "–",
                }
                @for dead in &facts.abandoned_orders { br; span.muted { (placed(*dead, panel(*dead))) " was abandoned" } }
            }
            @if facts.order.is_none() { @if let Some(total) = checkout.shown_total() {
                @let currency = facts.document.as_ref().and_then(Document::currency).unwrap_or_default();
                dt { "Total" } dd { (money(total, currency)) }
            } }
            dt { "Payment" }
            dd {
                @match &facts.payment {
                    Some(payment) => {
                        (badge(payment.status.as_str()))
                        @if let Some(amount) = payment.amount { " " (money(amount, &payment.currency)) }
                        br; span.muted { bdi { (payment.payment_method_id) } @if let Some(last_4) = &payment.last_4 { " ·· " (last_4) } }
                        @if let Some(transaction) = &payment.transaction_id { br; span.mono { (transaction) } (copied(transaction)) }
                        @if let Some(decline) = &payment.decline { br; bdi { (decline.title) } }
                    }
                    None => "–",
                }
            }
            dt { "Created" } dd { (ago(checkout.created_at, now)) }
            dt { "Changed" } dd { (ago(checkout.updated_at, now)) " · version " (checkout.version) }
            dt { "Next check" }
            dd {
                @if case.held.leased { "a process works on it now" }
                @else if let Some(due) = case.held.due_at { (instant(due)) }
                @else { "none: idle" }
            }
        }
        h3 { "Steps" }
        ul.steps { @for step in &checkout.steps {
            li { span { (step.name) } (badge(step.status.as_str())) }
        } }
    }
}

/// An order, and the way to it in BigCommerce's control panel.
fn placed(id: i64, panel: Option<String>) -> Markup {
    html! {
        @match panel {
            Some(panel) => a href=(panel) target="_blank" rel="noopener noreferrer" title="Open in BigCommerce's control panel" { (id) },
            None => (id),
        }
        (copied(&id.to_string()))
    }
}
