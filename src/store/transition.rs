//! A transition as a plain value, and the one statement that writes it.

use std::time::Duration;

use serde_json::Value;
use time::OffsetDateTime;

use super::{Error, Store, outbox::Publication, row};
use crate::checkout::{
    Announcement, Answer, Checkout, Event, Illegal, KeyRef, Status, StepName, announcements, next,
};

/// What a checkout becomes. It is decided on one version, and written only onto that version.
#[derive(Debug)]
pub struct Transition {
    pub(super) checkout: Checkout,
    pub(super) from_version: i64,
    pub(super) from_fence: i64,
    event: Event,
    pub(super) hold: Hold,
    document_changed: bool,
    ended: Option<Ended>,
    began: Option<Began>,
    binding: Option<Binding>,
    answer: Option<(KeyRef, Answer)>,
    news: Vec<Announcement>,
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
        let document_changed = checkout.facts.document != from.facts.document;
        Ok(Self {
            checkout,
            from_version: from.version,
            from_fence: from.fence,
            event,
            hold,
            document_changed,
            ended: None,
            began: None,
            binding: None,
            answer: None,
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

    /// What happened.
    pub fn event(&self) -> Event {
        self.event
    }

    /// What the world is told about it.
    pub(super) fn news(&self) -> &[Announcement] {
        &self.news
    }

    /// What the checkout will be.
    pub fn checkout(&self) -> &Checkout {
        &self.checkout
    }
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

impl Store {
    /// Writes a transition in one statement. Dropped half-way: it is written whole or not at all.
    #[expect(clippy::too_many_lines, reason = "one statement and its bindings")]
    pub(super) async fn write(
        &self,
        executor: impl sqlx::PgExecutor<'_>,
        transition: &Transition,
    ) -> Result<OffsetDateTime, Error> {
        let checkout = &transition.checkout;
        let (due_in, leased) = match transition.hold {
            Hold::Lease => (Some(seconds(self.lease)), true),
            Hold::Timer(after) | Hold::Rest(after) | Hold::Look { after, .. } => {
                (Some(seconds(after)), false)
            }
            Hold::None => (None, false),
        };
        let expires_in = match transition.hold {
            Hold::Rest(after) => Some(seconds(after)),
            Hold::Look { expires, .. } => expires.map(seconds),
            _ => None,
        };
        let document = match (&checkout.facts.document, transition.document_changed) {
            (Some(document), true) => Some(row::to_text(checkout, document)?),
            _ => None,
        };
        let order_id = checkout.facts.order.as_ref().map(|order| order.id);
        let ended = transition.ended.as_ref();
        let detail = ended.map(|ended| row::to_text(checkout, &ended.detail)).transpose()?;
        let began = transition.began;
        let binding = transition.binding.as_ref();
        let answer = transition.answer.as_ref();
        let answer_text = answer.map(|(_, answer)| row::to_text(checkout, answer)).transpose()?;
        let fingerprint: Option<&[u8]> = binding.map(|binding| binding.fingerprint.as_slice());
        // One statement, with or without the part that writes events: a transition that nobody is told about pays nothing
        // for those who could be.
        macro_rules! written {
            ($outbox:tt, $told:tt $(, $more:expr)*) => {
                sqlx::query!(
                    r#"
            with changed as (
                update checkout set
                    status = $4, step = $5, version = version + 1, fence = $6, leased_by = $7, lost_leases = 0,
                    -- A wait is left out when a webhook came meanwhile; a mark is good until the next attempt begins.
                    due_at = now() + make_interval(secs => case when hinted and $36 then 0 else $8::float8 end),
                    hinted = hinted and $7::uuid is not null and $25::text is null,
                    expires_at = coalesce(now() + make_interval(secs => $9::float8), expires_at),
                    stuck_reason = $10, cart_id = $11, order_id = $12, email = $13,
                    input = $14::text::json, record = $15::text::json,
                    document = coalesce($16::text::json, document), updated_at = now()
                where checkout_id = $1 and version = $2 and fence = $3
                returning checkout_id, store, version, updated_at
            ), logged as (
                insert into attempt_log (checkout_id, version, event, fence, process_id, ended_step, ended_attempt,
                    outcome, upstream_status, duration_ms, detail, began_step, began_attempt)
                select checkout_id, version, $17, $6, $18, $19, $20, $21, $22, $23, $24::text::json, $25, $26
                from changed
            ), ordered as (
                insert into checkout_order (checkout_id, order_id, store)
                select checkout_id, $12, store from changed where $12::bigint is not null
                on conflict (checkout_id, order_id) do nothing
            ), buried as (
                update checkout_order set dead_at = now()
                where checkout_id = (select checkout_id from changed) and dead_at is null
                    and order_id = any($27::bigint[])
            ), bound as (
                insert into idempotency_key (checkout_id, principal, key, operation, fingerprint)
                select checkout_id, $28, $29, $30, $31 from changed where $28::text is not null and not $32
            ), rebound as (
                update idempotency_key set answer = null
                where checkout_id = (select checkout_id from changed) and principal = $28 and key = $29 and $32
            ), answered as (
                update idempotency_key set answer = $35::text::json
                where checkout_id = (select checkout_id from changed) and principal = $33 and key = $34
            )"# + $outbox + r#"
            select updated_at, pg_notify('checkout', checkout_id::text || ' ' || version::text) is null as notified"# + $told + r#"
            from changed
            "#,
            checkout.id.uuid(),
            transition.from_version,
            transition.from_fence,
            checkout.status.as_str(),
            checkout.next_step().map(StepName::as_str),
            checkout.fence,
            leased.then_some(self.process_id),
            due_in,
            expires_in,
            checkout.stuck.as_ref().filter(|_| checkout.status == Status::Stuck).map(|stuck| stuck.reason.as_str()),
            checkout.facts.cart_id,
            order_id,
            email(checkout),
            row::to_text(checkout, &checkout.input)?,
            row::record_text(checkout)?,
            document,
            transition.event.as_str(),
            self.process_id,
            ended.map(|ended| ended.step.as_str()),
            ended.and_then(|ended| i32::try_from(ended.attempt).ok()),
            ended.map(|ended| ended.outcome.as_str()),
            ended.and_then(|ended| ended.upstream_status).and_then(|status| i16::try_from(status).ok()),
            ended.and_then(|ended| i32::try_from(ended.duration.as_millis()).ok()),
            detail,
            began.map(|began| began.step.as_str()),
            began.and_then(|began| i32::try_from(began.attempt).ok()),
            &checkout.facts.dead_orders,
            binding.map(|binding| binding.key.principal.as_str()),
            binding.map(|binding| binding.key.key.as_str()),
            binding.map(|binding| binding.operation.as_str()),
            fingerprint,
            binding.is_some_and(|binding| binding.again),
            answer.map(|(key, _)| key.principal.as_str()),
            answer.map(|(key, _)| key.key.as_str()),
            answer_text,
            matches!(transition.hold, Hold::Timer(_)),
                    $($more,)*
                )
                .fetch_optional(executor)
                .await?
                .map(|row| row.updated_at)
            };
        }
        let publication = Publication::of(&self.destinations, transition)?;
        let written = match &publication {
            None => written!("", ""),
            Some(Publication { events, addressed }) => written!(
                r#", announced as (
                    insert into outbox (checkout_id, event_id, store, version, ordinal, type, at, data)
                    select checkout_id, e.event_id, store, version, e.ordinal, e.type, updated_at, e.data::json
                    from changed, unnest($37::uuid[], $38::smallint[], $39::text[], $40::text[])
                        as e(event_id, ordinal, type, data)
                ), addressed as (
                    insert into delivery (checkout_id, event_id, destination, version, ordinal)
                    select checkout_id, a.event_id, a.destination, version, a.ordinal
                    from changed, unnest($41::uuid[], $42::text[], $43::smallint[]) as a(event_id, destination, ordinal)
                ), turned as (
                    insert into delivery_turn (checkout_id, destination)
                    select distinct checkout_id, t.destination from changed, unnest($42::text[]) as t(destination)
                    on conflict (destination, checkout_id) do update set rung = delivery_turn.rung + 1
                )"#,
                ", pg_notify('outbox', '') is null as told",
                &events.ids,
                &events.ordinals,
                &events.types,
                &events.data,
                &addressed.ids,
                &addressed.destinations,
                &addressed.ordinals
            ),
        };
        let at = written.ok_or(Error::Lost)?;
        if publication.is_some() {
            self.changes.ring_outbox();
        }
        Ok(at)
    }
}

/// The shopper's e-mail address, for operators who look for a checkout.
pub(super) fn email(checkout: &Checkout) -> Option<&str> {
    let given = checkout
        .input
        .billing_address
        .as_ref()
        .and_then(|address| address.get("email"))
        .and_then(Value::as_str);
    given.or_else(|| checkout.facts.document.as_ref().and_then(|document| document.email()))
}
