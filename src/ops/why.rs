//! A checkout in plain words: what happened, what is known and not known, and what each action would do. Pure.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::action::{Action, Assertion};
use super::detail::CheckoutDetail;
use super::guard::guard;
use super::reasons;
use crate::checkout::{Checkout, Money, OrderFacts, PaymentStatus, Status, StepName, StuckReason};
use crate::db::LockedCheckout;
use crate::saga::operate;

/// A checkout in plain words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Why {
    /// Which one.
    pub checkout_id: Uuid,
    /// In one line.
    pub headline: String,
    /// What happened, oldest first.
    pub what_happened: Vec<String>,
    /// What is certain.
    pub known: Vec<String>,
    /// What is not.
    pub not_known: Vec<String>,
    /// What may be done.
    pub actions: Vec<AllowedAction>,
    /// What to do first.
    pub suggested: Option<Suggested>,
}

/// An action and what it would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AllowedAction {
    /// `restart`, `pause`, `resume`, `cancel`, `resolve` or `close`.
    pub action: &'static str,
    /// For `resolve`: the member of the finding.
    pub finding: Option<&'static str>,
    /// For `cancel`: whether payments are refunded.
    pub refund: bool,
    /// The required role.
    pub role: &'static str,
    /// Whether it is possible in the current state.
    pub allowed: bool,
    /// What it does to orders, in a sentence.
    pub effect_on_orders: String,
    /// What it does to money, in a sentence.
    pub effect_on_money: String,
    /// Why it is not possible, or what is checked before it is done.
    pub guard: Option<String>,
}

/// What to do first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Suggested {
    /// The action.
    pub action: &'static str,
    /// Why that one.
    pub because: String,
    /// Its heading in the runbook.
    pub runbook: Option<&'static str>,
}

/// Says how a checkout stands.
pub fn why(case: &CheckoutDetail) -> Why {
    let checkout = case.checkout();
    let reason =
        checkout.stuck.as_ref().map(|stuck| stuck.reason).filter(|_| checkout.status == Status::Stuck);
    let mut known = facts(checkout);
    known.extend(window(checkout));
    let mut not_known = Vec::new();
    let (headline, suggested) = if let Some(reason) = reason {
        let text = reasons::text(reason);
        known.push(text.known.to_owned());
        not_known.push(text.not_known.to_owned());
        (text.headline.to_owned(), Some(suggested(reason, &text)))
    } else {
        let (headline, unknown) = standing(checkout);
        not_known.extend(unknown);
        (headline, None)
    };
    Why {
        checkout_id: checkout.id.uuid(),
        headline,
        what_happened: what_happened(case, reason),
        known,
        not_known,
        actions: actions(&case.held),
        suggested,
    }
}

fn suggested(reason: StuckReason, text: &reasons::Text) -> Suggested {
    Suggested {
        action: reason.suggested_action(),
        because: text.advice.to_owned(),
        runbook: Some(reason.as_str()),
    }
}

/// A checkout that is not stuck.
fn standing(checkout: &Checkout) -> (String, Option<String>) {
    let step = checkout.next_step().map_or("nothing", StepName::as_str);
    let unknown = checkout.in_flight.as_ref().filter(|attempt| attempt.unknown_since.is_some());
    match checkout.status {
        Status::AwaitingInput => (format!("Waiting for the shopper; the next step is {step}"), None),
        Status::Running => (format!("In progress: {step}"), None),
        Status::Waiting => match (unknown, checkout.payment_in_doubt()) {
            (Some(attempt), _) => (
                format!("Checking whether {} took effect", attempt.step),
                Some(format!("Whether {} took effect at BigCommerce.", attempt.step)),
            ),
            (None, true) => (
                "An accepted payment is settling".to_owned(),
                Some("Whether the payment settles or is declined.".to_owned()),
            ),
            (None, false) => (format!("Waiting for the next attempt: {step}"), None),
        },
        Status::Completed => ("Completed: the order is paid".to_owned(), None),
        Status::Compensating => ("Being canceled".to_owned(), None),
        Status::Cancelled => ("Canceled; the cart and the unpaid order are gone".to_owned(), None),
        Status::Expired => (
            "Expired: the shopper did not come back; the cart and the unpaid order are gone".to_owned(),
            None,
        ),
        // A stuck one has a reason.
        Status::Stuck => ("Manual review required".to_owned(), None),
    }
}

/// The latest attempts and moves in sentences.
fn what_happened(case: &CheckoutDetail, reason: Option<StuckReason>) -> Vec<String> {
    let skip = case.timeline.attempts.len().saturating_sub(SHOWN);
    let mut lines: Vec<String> = case.timeline.attempts.iter().skip(skip).map(sentence).collect();
    if skip > 0 {
        lines.insert(0, format!("{skip} earlier attempts are not listed here."));
    }
    if let Some(stuck) = case.checkout().stuck.as_ref().filter(|_| reason.is_some()) {
        lines.push(format!("Stuck since {}: {}.", instant(stuck.since), stuck.detail));
        lines.push(reasons::text(stuck.reason).happened.to_owned());
    }
    lines
}

const SHOWN: usize = 12;

fn sentence(attempt: &super::detail::Attempt) -> String {
    let Some(outcome) = attempt.outcome.as_deref() else {
        return format!(
            "{} (attempt {}) started at {} and is in flight.",
            attempt.step,
            attempt.attempt,
            instant(attempt.began_at)
        );
    };
    let meaning = match outcome {
        "succeeded" => "succeeded",
        "rejected" => "was rejected",
        "retry" => "had no effect",
        _ => "has an unknown outcome",
    };
    let status = attempt.results.last().and_then(|result| result.upstream_status);
    let status = status.map(|status| format!(" (BigCommerce answered {status})")).unwrap_or_default();
    format!("{} (attempt {}) {meaning}{status}.", attempt.step, attempt.attempt)
}

fn facts(checkout: &Checkout) -> Vec<String> {
    let mut facts = Vec::new();
    match &checkout.facts.order {
        Some(order) => {
            let costs = order.total.map(|total| format!(" of {}", amount(total, &order.currency)));
            facts.push(format!(
                "Order {}{} is known; it was {} (status {}) when it was last read.",
                order.id,
                costs.unwrap_or_default(),
                order.status,
                order.status_id
            ));
            facts.extend(held_for(checkout, order));
        }
        None => facts.push("No order is known.".to_owned()),
    }
    for dead in &checkout.facts.abandoned_orders {
        facts.push(format!("Order {dead} was abandoned."));
    }
    facts.push(match checkout.facts.payment.as_ref().map(|payment| payment.status) {
        None => "No payment was made.".to_owned(),
        Some(PaymentStatus::Processing) => "A payment was started.".to_owned(),
        Some(PaymentStatus::Succeeded) => {
            let charged = checkout.facts.payment.as_ref().and_then(|payment| {
                payment.amount.map(|charged| format!(" with {}", amount(charged, &payment.currency)))
            });
            format!("The payment succeeded{}.", charged.unwrap_or_default())
        }
        Some(PaymentStatus::Pending) => "A payment was accepted and is settling.".to_owned(),
        Some(PaymentStatus::Declined) => "The latest payment was declined; it charged nothing.".to_owned(),
        Some(PaymentStatus::PartiallyPaid) => "A part was paid; the rest can be paid.".to_owned(),
        Some(PaymentStatus::GivenBack) => "The payment was voided or refunded since.".to_owned(),
        Some(PaymentStatus::Unknown) => "A payment was sent, and its result is not known.".to_owned(),
    });
    let currency = checkout.facts.order.as_ref().map_or("", |order| &order.currency);
    for part in &checkout.facts.parts {
        facts.push(format!(
            "{} was paid with {} and is held.",
            amount(part.amount, currency),
            part.payment_method_id
        ));
    }
    if operate::is_undoing(checkout) && !checkout.status.is_final() {
        facts.push("Cancellation was requested.".to_owned());
    }
    facts
}

fn amount(amount: Money, currency: &str) -> String {
    format!("{} {currency}", amount.shown(currency)).trim_end().to_owned()
}

/// What is held of an order, where that is not what it costs.
fn held_for(checkout: &Checkout, order: &OrderFacts) -> Option<String> {
    let currency = &order.currency;
    if let (Some(held), Some(total)) = (checkout.facts.held, order.total) {
        let more = Money::from(held.decimal().checked_sub(total.decimal())?);
        return Some(format!(
            "{} is held for it: {} too much.",
            amount(held, currency),
            amount(more, currency)
        ));
    }
    let due = checkout.facts.due().filter(|_| !checkout.facts.parts.is_empty())?;
    Some(format!("{} of it is still to be paid.", amount(due, currency)))
}

/// How long what was sent and is not shown may still show.
fn window(checkout: &Checkout) -> Option<String> {
    let attempt = checkout.in_flight.as_ref()?;
    let sent = instant(attempt.unknown_since?);
    match attempt.step {
        StepName::Payment => {
            let expires = operate::token_expires_at(checkout)?;
            Some(format!(
                "The payment was started at {}. It may still appear until its access token expires at {}, and for \
                 PAYMENT_TIMEOUT_SECONDS plus SETTLE_SECONDS after it was sent; until then nothing is treated as absent.",
                instant(attempt.started_at),
                instant(expires)
            ))
        }
        step => Some(format!(
            "The result of {step} is not known since {sent}. Nothing is treated as absent earlier than \
             UPSTREAM_TIMEOUT_SECONDS plus SETTLE_SECONDS after it was sent."
        )),
    }
}

/// Every action, whether it is possible, and what it would do.
fn actions(held: &LockedCheckout) -> Vec<AllowedAction> {
    let order = held.checkout.facts.order.as_ref().map_or(0, |order| order.id);
    let all = [
        Action::Restart,
        Action::Pause,
        Action::Resume,
        Action::Cancel { refund: false },
        Action::Cancel { refund: true },
        Action::Resolve(Assertion::Order(order)),
        Action::Resolve(Assertion::NoOrder),
        Action::Resolve(Assertion::Charged(String::new())),
        Action::Resolve(Assertion::NotCharged),
        Action::RevokeTokens,
    ];
    all.iter()
        .map(|action| {
            let (effect_on_orders, effect_on_money) = effects(action, held);
            let refused = guard(action, held).err().map(|guard| guard.detail);
            AllowedAction {
                action: action.name(),
                finding: match action {
                    Action::Resolve(finding) => Some(finding.name()),
                    _ => None,
                },
                refund: matches!(action, Action::Cancel { refund: true }),
                role: action.role().as_str(),
                allowed: refused.is_none(),
                effect_on_orders,
                effect_on_money,
                guard: refused.or_else(|| condition(action).map(str::to_owned)),
            }
        })
        .collect()
}

/// What is checked before it is done.
fn condition(action: &Action) -> Option<&'static str> {
    match action {
        Action::Cancel { refund: true } => {
            Some("For a paid checkout. BigCommerce is checked first for what is left to refund")
        }
        Action::Resolve(Assertion::Order(_)) => Some(
            "BigCommerce is checked first: the order has to be of this cart, not archived, and no other order of the cart \
             may be paid",
        ),
        Action::Resolve(Assertion::NoOrder) => Some(
            "BigCommerce is checked first: it must list no order of this cart, and PAYMENT_TIMEOUT_SECONDS plus \
             SETTLE_SECONDS must have passed since the order was last asked for",
        ),
        Action::Resolve(Assertion::Charged(_)) => {
            Some("BigCommerce is checked first: the order has to be paid, and by this transaction")
        }
        Action::Resolve(Assertion::NotCharged) => Some(
            "BigCommerce is checked first: the order has to be Incomplete, Cancelled or Declined without any transaction \
             that is not an error, and the access token must have expired PAYMENT_TIMEOUT_SECONDS plus SETTLE_SECONDS \
             ago",
        ),
        _ => None,
    }
}

/// What an action does to orders and to money.
pub(super) fn effects(action: &Action, held: &LockedCheckout) -> (String, String) {
    let (orders, money) = match action {
        Action::Restart | Action::Resume => return go_on(&held.checkout),
        Action::Close { .. } => return super::unread::effects(),
        Action::RevokeTokens => return super::tokens::effects(),
        Action::Pause => ("None. Nothing is sent until it is resumed.", "None."),
        Action::Cancel { refund: true } if held.checkout.status == Status::Completed => (
            "BigCommerce moves the order to Refunded or Cancelled, and the checkout becomes cancelled.",
            "Whatever was paid and not refunded yet is refunded; a payment that is only authorized is voided.",
        ),
        Action::Cancel { .. } if !held.checkout.facts.parts.is_empty() => (
            "The order is canceled or refunded at BigCommerce, and the cart is deleted.",
            "Parts that were paid are refunded. It is refused if more may have been charged.",
        ),
        Action::Cancel { .. } => (
            "An unpaid order is canceled at BigCommerce and the cart is deleted. An order that turns out to be paid is left \
             alone.",
            "None: it is refused if anything may have been charged.",
        ),
        Action::Resolve(Assertion::Order(_)) => (
            "The checkout adopts this order. An order that it had before is abandoned. None is created.",
            "None is moved. If the order is already paid, the checkout is completed with that payment.",
        ),
        Action::Resolve(Assertion::NoOrder) => (
            "The order step runs again: one order is created.",
            "None is moved. The shopper can pay that order.",
        ),
        Action::Resolve(Assertion::Charged(_)) => (
            "None. The known order is treated as paid.",
            "None is moved. The checkout is completed with the payment that BigCommerce shows.",
        ),
        Action::Resolve(Assertion::NotCharged) => (
            "None, if the order is Incomplete. One that was canceled or declined is abandoned, and the shopper may place a \
             new one.",
            "None is moved. The shopper may pay again, once.",
        ),
    };
    (orders.to_owned(), money.to_owned())
}

/// What trying again does depends on what is in flight.
fn go_on(checkout: &Checkout) -> (String, String) {
    if operate::is_undoing(checkout) {
        return (
            "The cancellation continues: an unpaid order is canceled and the cart is deleted. A paid order is left alone."
                .to_owned(),
            "None.".to_owned(),
        );
    }
    let (orders, money) = match checkout.in_flight.as_ref().map(|attempt| attempt.step) {
        Some(StepName::Order) => (
            "BigCommerce is checked for the order first. One is created only if there certainly is none.",
            "None. If the shopper had requested order and payment in one call and the payment did not start, the shopper is \
             asked to pay again.",
        ),
        Some(StepName::Payment) if operate::payment_in_doubt(checkout) => {
            ("None.", "None is moved: the payment is reconciled with BigCommerce and never sent again.")
        }
        Some(StepName::Payment) => (
            "None.",
            "None: it is certain that the payment was not made, and its card data is gone. The shopper may pay again.",
        ),
        _ => (
            "The remaining steps that the shopper requested run; an order is created at most once.",
            "None: only the shopper can start a payment.",
        ),
    };
    (orders.to_owned(), money.to_owned())
}

fn instant(at: time::OffsetDateTime) -> String {
    at.replace_nanosecond(0)
        .unwrap_or(at)
        .format(&time::format_description::well_known::Rfc3339)
        .unwrap_or_default()
}

#[cfg(test)]
#[path = "why_tests.rs"]
mod tests;
