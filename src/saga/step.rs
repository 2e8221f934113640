//! How one step is done: the trait that each step implements, and what it has at hand.

use std::collections::VecDeque;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::bigcommerce::carts::RedirectUrls;
use crate::bigcommerce::{AccessToken, Call, Client, Error, PaymentRequest, Priority};
use crate::checkout::{
    Checkout, Decline, Facts, Flow, InFlight, Input, Money, PaymentStatus, StepName, StepStatus, StuckReason,
    UpstreamRejection,
};
use crate::db::{Clock, Lease};
use crate::saga::operation::{Operation, SubmitError};

/// One step of the saga. Its file is the only place that knows its calls, what a shopper may ask of it, where its input
/// is kept and what BigCommerce shows of it.
#[async_trait]
pub(super) trait Step: Send + Sync {
    /// Its name.
    fn name(&self) -> StepName;

    /// Whether the shopper gave what it needs.
    fn is_ready(&self, checkout: &Checkout) -> bool;

    /// Takes what an operation brings for it; false: that is nothing.
    fn take(&self, _input: &mut Input, _operation: &Operation) -> bool {
        false
    }

    /// Whether an operation that brings something for it may be done now.
    fn accepts(&self, checkout: &Checkout) -> Result<(), SubmitError> {
        reachable(checkout, self.name())?;
        if self.invalidates().is_empty() { Ok(()) } else { before_payment(checkout) }
    }

    /// The steps that are done again when new input is given for this one, which is among them. None: it is never done
    /// again. Whatever is done again is done before the order, and takes an unpaid one back.
    fn invalidates(&self) -> &'static [StepName] {
        &[]
    }

    /// Drops its input, which was refused, or came to nothing.
    fn forget(&self, _input: &mut Input) {}

    /// What BigCommerce's checkout object says of it.
    fn shown(&self, _checkout: &Checkout) -> Shown {
        Shown::Nothing
    }

    /// What its calls come before, when the store's budget of calls is short.
    fn priority(&self) -> Priority {
        Priority::Shopper
    }

    /// Whether recovery can do it without the shopper. A payment cannot: its instrument is never stored.
    fn is_resumable(&self) -> bool {
        true
    }

    /// Whether a run that aims at it has failed when it was not reached. The early steps go as far as the input allows.
    fn must_be_reached(&self) -> bool {
        false
    }

    /// Whether an unknown attempt is followed until its own deadline, however often looking fails.
    fn follows_to_the_end(&self) -> bool {
        false
    }

    /// Why a person is needed when what became of an attempt cannot be found out. `None`: nobody is. It orders and charges
    /// nothing, and whoever asks again finds out what is there.
    fn unknown_reason(&self) -> Option<StuckReason> {
        None
    }

    /// Everything harmless that comes before the call that must not be repeated. What it returns is committed before
    /// [`Step::execute`]; nothing in it may be secret.
    async fn prepare(&self, _cx: &mut StepContext) -> Result<Option<Value>, Verdict> {
        Ok(None)
    }

    /// Does it. One request for each write, never a loop around a write. `Ok` and `Err` mean the same: whatever ends it.
    async fn execute(&self, cx: &mut StepContext) -> Result<Verdict, Verdict>;

    /// Finds out whether the attempt in flight took effect. There is no default: the author of a step must know.
    async fn reconcile(&self, cx: &mut StepContext) -> Finding;

    /// Undoes what this checkout did in this step. Repeatable.
    async fn compensate(&self, _cx: &mut StepContext) -> Result<(), Verdict> {
        Ok(())
    }
}

/// What BigCommerce's checkout object says of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Nothing.
    Nothing,
    /// There is nothing to be done.
    NotNeeded,
    /// It is to be done, or done again.
    NotDone,
    /// What it does is there.
    Done,
    /// The same, and nothing else was asked for: a cart that was taken over brought it along.
    BroughtAlong,
}

/// A step may be run, or run again, once all before it are done.
pub(super) fn reachable(checkout: &Checkout, step: StepName) -> Result<(), SubmitError> {
    let out_of_order = Err(SubmitError::OutOfOrder { next_step: checkout.next_step() });
    let Some(position) = checkout.steps.iter().position(|record| record.name == step) else {
        return out_of_order;
    };
    let before_done = checkout.steps.iter().take(position).all(|record| checkout.is_done(record.name));
    let over = checkout.steps.get(position).is_some_and(|record| record.status == StepStatus::Skipped);
    if before_done && !over { Ok(()) } else { out_of_order }
}

/// What comes before the order may be changed: there is none yet, or nothing of it was paid as far as is known. Then it is taken
/// back first ([`StepContext::take_order_back`]), which asks BigCommerce.
pub(super) fn before_payment(checkout: &Checkout) -> Result<(), SubmitError> {
    let facts = &checkout.facts;
    let Some(order) = &facts.order else { return Ok(()) };
    if checkout.payment_in_doubt() {
        return Err(SubmitError::PaymentInDoubt);
    }
    let untouched = facts.parts.is_empty()
        && facts.held.is_none()
        && order.credited.is_none()
        && facts.payment.as_ref().is_none_or(|payment| payment.status == PaymentStatus::Declined);
    if untouched && checkout.flow == Flow::Cart {
        Ok(())
    } else {
        Err(SubmitError::OutOfOrder { next_step: checkout.next_step() })
    }
}

/// The cart exists.
pub(super) fn after_cart(checkout: &Checkout) -> Result<(), SubmitError> {
    if checkout.is_done(StepName::Cart) {
        Ok(())
    } else {
        Err(SubmitError::OutOfOrder { next_step: checkout.next_step() })
    }
}

/// What a step has at hand. It changes the facts and the input of `checkout`; those are recorded whatever the verdict
/// is, and nothing else of it.
pub(super) struct StepContext {
    pub(super) client: Client,
    pub(super) call: Call,
    pub(super) checkout: Checkout,
    pub(super) attempt: InFlight,
    pub(super) clock: Clock,
    pub(super) lease: Lease,
    pub(super) timing: Timing,
    /// In memory only: the one that pays now, then those that pay the rest.
    pub(super) instruments: VecDeque<PaymentRequest>,
    /// In memory only.
    pub(super) token: Option<AccessToken>,
    /// In memory only: URLs of the hosted page, for whoever asked for them.
    pub(super) urls: Option<RedirectUrls>,
    pub(super) evidence: Evidence,
}

/// The waits that a step knows of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// How far what BigCommerce shows may lag behind what it did.
    pub(super) settle: Duration,
    /// How long what a call of the management API may have done is not believed absent: its time-out and `settle`.
    pub(super) quiet: Duration,
    /// The same for a payment.
    pub(super) quiet_payment: Duration,
    /// How long a payment may be pending.
    pub(super) pending: Duration,
}

/// What the attempt log keeps of the calls of an attempt: no secrets, no personal data.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) upstream_status: Option<u16>,
    calls: Vec<Value>,
}

/// What an execution came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Verdict {
    /// It is done.
    Succeeded,
    /// The payment was made, and with it all is paid.
    Paid,
    /// The payment was made, and paid a part.
    PartPaid,
    /// All is undone.
    Undone,
    /// The checkout was changed elsewhere: an earlier step has to be done again.
    Reopened,
    /// The cart is gone and was not ordered: there is nothing to go on with.
    CartGone,
    /// Another checkout took the cart over in the same moment.
    CartTaken,
    /// BigCommerce said no.
    Rejected(UpstreamRejection),
    /// It is done, but for what BigCommerce refused of it, which is forgotten: these coupons, or the message.
    DoneWithout { coupon_codes: Vec<String>, refused: UpstreamRejection },
    /// It cannot be done without the shopper, who is asked: nothing was refused.
    Open,
    /// BigCommerce takes the address, and the store ships nothing to it.
    Undeliverable,
    /// The store takes no payment by this method: certainly not charged.
    MethodUnavailable(UpstreamRejection),
    /// The payment was declined.
    Declined(Decline),
    /// The total rose above what was agreed. `order_removed`: an order of that total was made, and archived at once.
    TotalChanged { agreed: Money, total: Money, order_removed: bool },
    /// Certainly no effect, and not to be tried again without the shopper.
    Interrupted { retry_after: Option<Duration> },
    /// Certainly no effect; worth another try.
    Retry { after: Option<Duration>, why: String },
    /// Nothing can be concluded before a window has passed. That is no failure, and does not count among the tries in a row.
    Wait { after: Duration, why: String },
    /// Not executed, because the state moved: look, then plan again.
    Moved,
    /// Perhaps an effect.
    Unknown { why: String },
    /// Accepted, settling.
    Accepted,
    /// A person is needed.
    Stuck { reason: StuckReason, detail: String },
}

impl Verdict {
    /// Whether what was in flight when the undoing was asked for needs no more looking at: it had no effect, or one that
    /// is known and that the undoing undoes.
    pub(super) fn is_over(&self) -> bool {
        matches!(
            self,
            Self::Reopened
                | Self::CartGone
                | Self::CartTaken
                | Self::Rejected(_)
                | Self::DoneWithout { .. }
                | Self::Open
                | Self::Undeliverable
                | Self::MethodUnavailable(_)
                | Self::TotalChanged { .. }
                | Self::Interrupted { .. }
                | Self::PartPaid
                | Self::Stuck { reason: StuckReason::TotalMismatch, .. }
        )
    }
}

/// What a look for the effect of an attempt found.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Finding {
    /// It took effect (or ended otherwise): go on as if the answer had come.
    Ended(Verdict),
    /// It certainly took no effect.
    Absent,
    /// Not known yet: look again later. `failed`: BigCommerce could not be asked.
    StillUnknown { after: Duration, failed: bool, settling: bool },
}

impl Finding {
    /// A look that failed has found nothing out, whatever BigCommerce said to the question: a refused *question* says
    /// nothing about the attempt. Ending the attempt on it would let the shopper repeat what may have happened.
    pub(super) fn of_failed_look(verdict: Verdict) -> Self {
        let after = match verdict {
            Verdict::Stuck { .. } => return Self::Ended(verdict),
            Verdict::Retry { after, .. } => after.unwrap_or_default(),
            Verdict::Wait { after, .. } => after,
            _ => Duration::ZERO,
        };
        Self::StillUnknown { after, failed: true, settling: false }
    }
}

impl From<Verdict> for Finding {
    fn from(verdict: Verdict) -> Self {
        Self::Ended(verdict)
    }
}

impl StepContext {
    pub(super) fn facts(&mut self) -> &mut Facts {
        &mut self.checkout.facts
    }

    pub(super) fn input(&self) -> &Input {
        &self.checkout.input
    }

    /// BigCommerce's id of the cart and of its checkout.
    pub(super) fn cart_id(&self) -> Result<String, Verdict> {
        let missing = || Verdict::Stuck {
            reason: StuckReason::AttemptsExhausted,
            detail: "there is no cart".to_owned(),
        };
        self.checkout.facts.cart_id.clone().ok_or_else(missing)
    }

    /// To be asked right before a call that must not be repeated, or that takes something away. Once the lease ran out
    /// another process may go on with this checkout, and must not have an order archived under it.
    pub(super) fn still_held(&self) -> Result<(), Verdict> {
        let lost = || Verdict::Retry { after: None, why: "the lease ran out before the call".to_owned() };
        self.lease.lasts().then_some(()).ok_or_else(lost)
    }

    /// Notes how a call went and passes its value on.
    pub(super) fn note<T>(&mut self, call: &'static str, result: Result<T, Error>) -> Result<T, Error> {
        match &result {
            Ok(_) => self.evidence.calls.push(json!({"call": call, "result": "ok"})),
            Err(error) => {
                self.evidence.upstream_status = error.status();
                self.evidence.calls.push(json!({
                    "call": call,
                    "result": error.name(),
                    "status": error.status(),
                    "code": error.code(),
                    "detail": error.to_string(),
                }));
            }
        }
        result
    }

    /// A read: it has no effect, so whatever failed may be tried again.
    pub(super) fn read<T>(&mut self, call: &'static str, result: Result<T, Error>) -> Result<T, Verdict> {
        self.note(call, result).map_err(|error| unread(call, error))
    }

    /// A write: an uncertain answer is an uncertain effect.
    pub(super) fn write<T>(&mut self, call: &'static str, result: Result<T, Error>) -> Result<T, Verdict> {
        self.note(call, result).map_err(|error| verdict(call, error))
    }

    /// Takes a new checkout object over.
    pub(super) fn keep(&mut self, document: crate::checkout::Document) {
        let mut document = document;
        document.adopt_options_of(self.checkout.facts.document.as_ref());
        self.checkout.facts.document_at = Some(self.clock.now());
        self.checkout.facts.document = Some(document);
    }
}

impl Evidence {
    /// What goes into the attempt log.
    pub(super) fn into_detail(self) -> Value {
        Value::Array(self.calls)
    }
}

/// What a failed read means for its step.
pub(super) fn unread(call: &'static str, error: Error) -> Verdict {
    match error {
        Error::Unknown(_) => Verdict::Retry { after: error.retry_after(), why: format!("{call}: {error}") },
        certain => verdict(call, certain),
    }
}

/// What a failed call means for its step, where the step does not know better.
pub(super) fn verdict(call: &'static str, error: Error) -> Verdict {
    let why = format!("{call}: {error}");
    match error {
        // The credentials of the service, not of the shopper: nothing happened, and an operator can mend it.
        Error::Rejected(_) if error.is_unauthorized() => {
            tracing::error!(call, %error, "BigCommerce refuses our credentials");
            Verdict::Retry { after: None, why }
        }
        Error::Rejected(rejection) => Verdict::Rejected(refused(&rejection)),
        Error::Moved(_) => Verdict::Moved,
        Error::Unavailable(unavailable) => Verdict::Retry { after: unavailable.retry_after, why },
        Error::Unknown(_) => Verdict::Unknown { why },
    }
}

/// What a cart that cannot be taken over is answered with.
pub(super) fn no_such_cart() -> UpstreamRejection {
    let title = "There is no such cart: it expired, was deleted, or was paid".to_owned();
    UpstreamRejection { status: 404, title, errors: Vec::new() }
}

/// A refusal as the storefront may read it.
pub(super) fn refused(rejection: &crate::bigcommerce::Rejection) -> UpstreamRejection {
    UpstreamRejection {
        status: rejection.status,
        title: rejection.title.clone(),
        errors: rejection.errors.iter().map(|(field, message)| (field.clone(), message.clone())).collect(),
    }
}
