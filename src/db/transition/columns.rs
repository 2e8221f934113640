//! A transition as columns: everything that is sent to PostgreSQL, prepared by the caller, so that the
//! committer only has to send it.

use std::time::Duration;

use uuid::Uuid;

use crate::checkout::{Checkout, Document, KeyRef, Obstacle, Status, StepName};
use crate::db::checkout::row;
use crate::db::{Binding, Db, Error, Hold, TokenHash, Transition};

/// One row of a group, or the parameters of the statement that writes it alone.
#[derive(Debug, Default)]
pub(crate) struct TransitionRow {
    pub(crate) checkout_id: Uuid,
    pub(crate) store: String,
    /// What has to be found, or nothing is written.
    pub(crate) from_version: i64,
    pub(crate) from_fence: i64,
    pub(crate) version: i64,
    pub(crate) fence: i64,
    pub(crate) status: &'static str,
    pub(crate) step: Option<&'static str>,
    pub(crate) leased_by: Option<Uuid>,
    /// Whether other processes are told.
    pub(crate) is_news: bool,
    pub(crate) due: DueAt,
    /// In seconds, from PostgreSQL's now.
    pub(crate) expires_in: Option<f64>,
    /// When what has ended is looked at once more.
    pub(crate) late_in: Option<f64>,
    /// When what rests with an order is looked at.
    pub(crate) look_in: Option<f64>,
    pub(crate) stuck_reason: Option<&'static str>,
    /// What holds the shopper up, and the problem that blocks.
    pub(crate) attention: Option<&'static str>,
    pub(crate) obstacle: Option<&'static str>,
    pub(crate) cart_id: Option<String>,
    pub(crate) order_id: Option<i64>,
    /// The order, where it was not known before.
    pub(crate) new_order_id: Option<i64>,
    pub(crate) abandoned_orders: Vec<i64>,
    pub(crate) email: Option<String>,
    pub(crate) total: Option<String>,
    pub(crate) record: String,
    /// Whether another checkout may have its cart.
    pub(crate) released: bool,
    /// Whether anything changed of what stands in `checkout_content`: the cart, the email address, and the next two.
    pub(crate) content: bool,
    /// Only where it changed.
    pub(crate) input: Option<String>,
    /// Only where it changed.
    pub(crate) document: Option<Document>,
    /// `None`: it is no transition, and nothing is logged.
    pub(crate) event: Option<&'static str>,
    pub(crate) ended_step: Option<&'static str>,
    pub(crate) ended_attempt: Option<i32>,
    pub(crate) outcome: Option<&'static str>,
    pub(crate) upstream_status: Option<i16>,
    pub(crate) duration_ms: Option<i32>,
    pub(crate) detail: Option<String>,
    pub(crate) began_step: Option<&'static str>,
    pub(crate) began_attempt: Option<i32>,
    pub(crate) binding: Option<Binding>,
    pub(crate) answer: Option<(KeyRef, String)>,
    /// Where the checkout begins with this transition.
    pub(crate) creation: Option<Creation>,
}

/// When recovery looks at a checkout; in seconds from PostgreSQL's now.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) enum DueAt {
    #[default]
    Never,
    /// As before: its holder goes on, and neither the end of its lease nor the time of its last change is written.
    Stays,
    In(f64),
    /// A wait, which a webhook cuts short.
    Wait(f64),
}

impl DueAt {
    pub(crate) fn seconds(self) -> Option<f64> {
        match self {
            Self::In(seconds) | Self::Wait(seconds) => Some(seconds),
            Self::Never | Self::Stays => None,
        }
    }

    pub(crate) fn stays(self) -> bool {
        matches!(self, Self::Stays)
    }

    pub(crate) fn is_wait(self) -> bool {
        matches!(self, Self::Wait(_))
    }
}

/// What a checkout begins with beside its first transition.
#[derive(Debug)]
pub(crate) struct Creation {
    pub(crate) flow: &'static str,
    pub(crate) metadata: String,
    pub(crate) token_hash: TokenHash,
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

impl TransitionRow {
    /// The columns of a transition that this store writes.
    pub(crate) fn of(store: &Db, transition: &Transition) -> Result<Self, Error> {
        let checkout = &transition.checkout;
        let (due, leased) = match transition.hold {
            Hold::Lease => (DueAt::In(seconds(store.lease)), true),
            Hold::Timer(after) => (DueAt::Wait(seconds(after)), false),
            Hold::Rest(after) | Hold::Look { after, .. } => (DueAt::In(seconds(after)), false),
            Hold::Late(_) | Hold::None => (DueAt::Never, false),
        };
        let expires_in = match transition.hold {
            Hold::Rest(after) => Some(seconds(after)),
            Hold::Look { expires, .. } => expires.map(seconds),
            _ => None,
        };
        let changed = transition.changed;
        let input = Some(&checkout.input).filter(|_| changed.input);
        let document = checkout.facts.document.as_ref().filter(|_| changed.document);
        let ended = transition.ended.as_ref();
        let answer = transition.answer.as_ref();
        let answer_text = answer.map(|(_, answer)| row::to_text(checkout, answer)).transpose()?;
        Ok(Self {
            from_version: transition.from_version,
            from_fence: transition.from_fence,
            leased_by: leased.then_some(store.process_id),
            is_news: transition.is_news(),
            due,
            expires_in,
            late_in: match transition.hold {
                Hold::Late(after) => Some(seconds(after)),
                _ => None,
            },
            look_in: store.looks_after.filter(|_| is_looked_at(checkout)).map(seconds),
            content: changed.any(),
            new_order_id: order_id(checkout).filter(|_| transition.order_is_new),
            input: input.map(|input| row::to_text(checkout, input)).transpose()?,
            document: document.cloned(),
            event: Some(transition.event.as_str()),
            ended_step: ended.map(|ended| ended.step.as_str()),
            ended_attempt: ended.and_then(|ended| i32::try_from(ended.attempt).ok()),
            outcome: ended.map(|ended| ended.outcome.as_str()),
            upstream_status: ended
                .and_then(|ended| ended.upstream_status)
                .and_then(|status| i16::try_from(status).ok()),
            duration_ms: ended.and_then(|ended| i32::try_from(ended.duration.as_millis()).ok()),
            detail: ended.map(|ended| row::to_text(checkout, &ended.detail)).transpose()?,
            began_step: transition.began.map(|began| began.step.as_str()),
            began_attempt: transition.began.and_then(|began| i32::try_from(began.attempt).ok()),
            binding: transition.binding.clone(),
            answer: answer.zip(answer_text).map(|((key, _), text)| (key.clone(), text)),
            ..Self::state(checkout)?
        })
    }

    /// A checkout that has ended, with fresher facts and nothing else: it has no lease and no timer.
    pub(crate) fn refreshed(fresh: &Checkout) -> Result<Self, Error> {
        let (from_version, from_fence) = (fresh.version, fresh.fence);
        let version = fresh.version + 1;
        Ok(Self { from_version, from_fence, version, is_news: true, ..Self::state(fresh)? })
    }

    fn state(checkout: &Checkout) -> Result<Self, Error> {
        let attention = checkout.attention();
        Ok(Self {
            checkout_id: checkout.id.uuid(),
            store: checkout.store.clone(),
            version: checkout.version,
            fence: checkout.fence,
            status: checkout.status.as_str(),
            step: checkout.next_step().map(StepName::as_str),
            stuck_reason: stuck_reason(checkout),
            attention: attention.map(|(attention, _)| attention.as_str()),
            obstacle: attention.and_then(|(_, obstacle)| obstacle).map(Obstacle::as_str),
            cart_id: checkout.facts.cart_id.clone(),
            order_id: order_id(checkout),
            abandoned_orders: checkout.facts.abandoned_orders.clone(),
            email: checkout.email().map(folded),
            total: total(checkout),
            released: checkout.status.is_undone(),
            record: row::record_text(checkout)?,
            ..Self::default()
        })
    }

    /// The same, for a checkout that is not there yet and expires after `ttl`.
    pub(crate) fn creating(
        self,
        checkout: &Checkout,
        token_hash: TokenHash,
        ttl: Duration,
    ) -> Result<Self, Error> {
        let metadata = row::to_text(checkout, &checkout.metadata)?;
        let input = Some(row::to_text(checkout, &checkout.input)?);
        let creation = Creation { flow: checkout.flow.as_str(), metadata, token_hash };
        // Nobody can wait for it yet.
        let is_news = false;
        Ok(Self { input, expires_in: Some(seconds(ttl)), creation: Some(creation), is_news, ..self })
    }

    /// The key that is bound by it for the first time.
    pub(crate) fn new_key(&self) -> Option<&KeyRef> {
        self.binding.as_ref().filter(|binding| !binding.again).map(|binding| &binding.key)
    }
}

/// Its order may be paid, cancelled or changed by others, and one that it gave up may be paid.
fn is_looked_at(checkout: &Checkout) -> bool {
    let facts = &checkout.facts;
    checkout.status == Status::AwaitingInput && (facts.order.is_some() || !facts.abandoned_orders.is_empty())
}

fn order_id(checkout: &Checkout) -> Option<i64> {
    checkout.facts.order.as_ref().map(|order| order.id)
}

/// What it costs, in its own currency.
fn total(checkout: &Checkout) -> Option<String> {
    let ordered = checkout.facts.order.as_ref().and_then(|order| order.total);
    let total = ordered.or_else(|| checkout.facts.document.as_ref().and_then(Document::grand_total));
    total.map(|total| total.decimal().to_string())
}

fn stuck_reason(checkout: &Checkout) -> Option<&'static str> {
    let stuck = checkout.stuck.as_ref().filter(|_| checkout.status == Status::Stuck);
    stuck.map(|stuck| stuck.reason.as_str())
}

/// In lower case where `lower()` may not fold it: in some locales it folds ASCII only.
fn folded(email: &str) -> String {
    if email.is_ascii() { email.to_owned() } else { email.to_lowercase() }
}
