//! A transition as a plain value: the new state of a checkout, and what is written with it.
//!
//! `columns` turns it into the parameters sent to PostgreSQL; `write` sends it alone, `committer` together with others.

pub(crate) mod columns;
pub(crate) mod committer;
pub(crate) mod log;
pub(crate) mod statement;
pub(crate) mod write;

use std::time::Duration;

use serde_json::Value;

use crate::checkout::{
    Announcement, Answer, Checkout, Event, Illegal, KeyRef, StepName, announcements, next,
};

/// What a checkout becomes. It is decided on one version, and written only onto that version.
#[derive(Debug)]
pub struct Transition {
    pub(crate) checkout: Checkout,
    pub(crate) from_version: i64,
    pub(crate) from_fence: i64,
    pub(crate) event: Event,
    pub(crate) hold: Hold,
    pub(crate) changed: ContentChange,
    pub(crate) order_is_new: bool,
    pub(crate) ended: Option<Ended>,
    pub(crate) began: Option<Began>,
    pub(crate) binding: Option<Binding>,
    pub(crate) answer: Option<(KeyRef, Answer)>,
    goes_on: bool,
    /// Whether whoever asked has an answer with this.
    answers: bool,
    news: Vec<Announcement>,
}

/// What of the content of a checkout is not as it was; only that is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ContentChange {
    pub(crate) input: bool,
    pub(crate) document: bool,
    /// Its cart, or whether another checkout may have it.
    pub(crate) cart: bool,
}

impl ContentChange {
    fn between(from: &Checkout, to: &Checkout) -> Self {
        Self {
            input: to.input != from.input,
            document: to.facts.document != from.facts.document,
            cart: to.facts.cart_id != from.facts.cart_id || to.status.is_undone() != from.status.is_undone(),
        }
    }

    pub(crate) fn any(self) -> bool {
        self.input || self.document || self.cart
    }
}

/// Whether the process goes on holding the checkout, and when recovery looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Under a lease, renewed from now.
    Lease,
    /// Without a lease, until this long from now.
    Timer(Duration),
    /// At rest; it expires when nobody comes back for this long.
    Rest(Duration),
    /// At rest, and looked at again after this long; it expires as before, or `expires` from now.
    Look {
        /// When to look.
        after: Duration,
        /// When it expires, where that is put off.
        expires: Option<Duration>,
    },
    /// For good, or until a person acts, but for a late look after this long.
    Late(Duration),
    /// For good, or until a person acts.
    None,
}

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It happened.
    Succeeded,
    /// It did not, and will not.
    Rejected,
    /// It certainly did not, and will be tried again.
    Retry,
    /// It may have.
    Unknown,
}

/// The end of an attempt.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Which step.
    pub step: StepName,
    /// Which try of it.
    pub attempt: u32,
    /// What it came to.
    pub outcome: Outcome,
    /// BigCommerce's HTTP status of the deciding call, where there was one.
    pub upstream_status: Option<u16>,
    /// How long the attempt took.
    pub duration: Duration,
    /// What was sent and answered, without secrets.
    pub detail: Value,
}

/// The beginning of an attempt: its intent.
#[derive(Debug, Clone, Copy)]
pub struct Began {
    /// Which step.
    pub step: StepName,
    /// Which try of it.
    pub attempt: u32,
}

/// An idempotency key and the request it stands for.
#[derive(Debug, Clone)]
pub struct Binding {
    /// The key in its scope.
    pub key: KeyRef,
    /// The operation.
    pub operation: String,
    /// SHA-256 of the request.
    pub fingerprint: [u8; 32],
    /// Whether the key was bound before, to an attempt that certainly had no effect.
    pub again: bool,
}

impl Outcome {
    /// The word for it in SQL and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Rejected => "rejected",
            Self::Retry => "retry",
            Self::Unknown => "unknown",
        }
    }
}

impl Transition {
    /// From what was read to what it becomes. `change` may change everything but status, version and fence,
    /// which follow from the event.
    pub fn new(
        from: &Checkout,
        event: Event,
        hold: Hold,
        change: impl FnOnce(&mut Checkout),
    ) -> Result<Self, Illegal> {
        let mut checkout = from.clone();
        change(&mut checkout);
        checkout.status = next(from.status, event)?;
        checkout.version = from.version + 1;
        checkout.fence = from.fence + i64::from(matches!(event, Event::Claimed | Event::CancelRequested));
        if let (Some(attempt), Hold::Lease) = (checkout.in_flight.as_mut(), hold)
            && from.in_flight.is_none()
        {
            attempt.fence = checkout.fence;
        }
        let news = announcements(from, &checkout);
        let changed = ContentChange::between(from, &checkout);
        let order = |checkout: &Checkout| checkout.facts.order.as_ref().map(|order| order.id);
        let order_is_new = order(&checkout) != order(from);
        let goes_on = hold == Hold::Lease && checkout.status == from.status;
        let answers = checkout.answered != from.answered;
        Ok(Self {
            checkout,
            from_version: from.version,
            from_fence: from.fence,
            event,
            hold,
            changed,
            order_is_new,
            ended: None,
            began: None,
            binding: None,
            answer: None,
            goes_on,
            answers,
            news,
        })
    }

    /// Notes the end of an attempt.
    #[must_use]
    pub fn ended(mut self, ended: Option<Ended>) -> Self {
        self.ended = ended;
        self
    }

    /// Notes the beginning of an attempt.
    #[must_use]
    pub fn began(mut self, began: Option<Began>) -> Self {
        self.began = began;
        self
    }

    /// Binds an idempotency key.
    #[must_use]
    pub fn bind(mut self, binding: Option<Binding>) -> Self {
        self.binding = binding;
        self
    }

    /// Answers an idempotency key.
    #[must_use]
    pub fn answer(mut self, answer: Option<(KeyRef, Answer)>) -> Self {
        self.answer = answer;
        self
    }

    /// Whether its holder goes on with it as before, from one step to the next.
    pub(crate) fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// Whether other processes are told at once: whoever waits there waits for an answer, or until it is let go.
    pub(crate) fn is_news(&self) -> bool {
        !self.goes_on || self.answers || self.answer.is_some()
    }

    /// What happened.
    pub fn event(&self) -> Event {
        self.event
    }

    /// What the world is told about it.
    pub(crate) fn news(&self) -> &[Announcement] {
        &self.news
    }

    /// What the checkout will be.
    pub fn checkout(&self) -> &Checkout {
        &self.checkout
    }
}
