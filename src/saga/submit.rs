//! Takes operations in: looks, decides, and records the intent under its key before anything is sent.

use std::collections::VecDeque;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::accept::{Accepted, accept};
use super::decide;
use super::engine::Engine;
use super::observer;
use super::operation::{NewCheckout, NewFlow, Operation, Request, SubmitError, TokenProof};
use super::step_state::is_look;
use super::storefront::ReadError;
use super::submitted::{AnswerSource, Submitted};
use super::unwritten::{MAYBE, internal, unwritten};
use crate::bigcommerce::PaymentRequest;
use crate::checkout::{Answer, Checkout, CheckoutId, Event, Goal, Input, Status, StepName};
use crate::db::{self, Binding, BoundKey, Claim, Hold, Transition};

/// How long an operation waits for a look that nobody asked for.
const FOR_A_LOOK: Duration = Duration::from_secs(5);

/// What became of an operation before it runs.
enum TakenIn {
    /// It is recorded and claimed, and its goal has this version.
    Claimed(Box<Claim>, i64),
    /// It was taken in earlier, or there is nothing to do.
    Known(Box<Submitted>),
}

impl Engine {
    /// Creates a checkout and begins to run it. With a key that is bound already, joins that checkout.
    pub async fn create(
        &self,
        new: NewCheckout,
        request: Request,
        token: TokenProof,
    ) -> Result<Submitted, ReadError> {
        self.admit()?;
        if !self.inner.clients.contains_key(&new.store) {
            return Err(SubmitError::UnknownStore.into());
        }
        if let Some(cart_id) = &new.input.cart_id {
            // The checkout that has this cart may be the one that this very request made.
            if let Some(bound) = self.bound(&request).await? {
                return Ok(self.join_created(bound, &request, token).await?);
            }
            if let Some(owner) = self.inner.db.owner_of_cart(&new.store, cart_id).await.map_err(internal)? {
                let vouched = !request.is_public;
                return Err(self.cart_is_taken(owner, &new.input, vouched.then_some(token)).await?.into());
            }
            self.may_take_over(&new, cart_id).await?;
        }
        let now = self.now().await?;
        let created = self.created(new, now);
        let goal = (StepName::ShippingOptions, "create");
        let transition = claim_transition(&created, created.clone(), goal, &request, (false, now))?;
        let goal_version = transition.checkout().version;
        match self.inner.db.create(transition, token.0, self.inner.settings.checkout_ttl).await {
            Ok(claim) => Ok(self.started(claim, goal_version, VecDeque::new())),
            // The same key, earlier.
            Err(db::Error::KeyBound) => {
                let bound = self.bound(&request).await?.ok_or(SubmitError::KeyInUse)?;
                Ok(self.join_created(bound, &request, token).await?)
            }
            Err(error) => {
                let refusal = unwritten(error);
                // Whether it was written may be known already.
                match self.bound(&request).await {
                    Ok(Some(bound)) if refusal == MAYBE => {
                        Ok(self.join_created(bound, &request, token).await?)
                    }
                    _ => Err(refusal.into()),
                }
            }
        }
    }

    /// Joins the checkout that an earlier request with the same key created, and admits a fresh token for it. Everybody has
    /// a public credential: whoever guesses a key of it would get the token of somebody else's checkout.
    async fn join_created(
        &self,
        bound: BoundKey,
        request: &Request,
        token: TokenProof,
    ) -> Result<Submitted, SubmitError> {
        if request.is_public {
            return Err(SubmitError::PublicReplay);
        }
        let again = matches!(bound.answer, Some(Answer::Unavailable { .. }));
        let submitted = self.join(bound, request, "create").await?;
        let admitted = self.inner.db.admit_token(submitted.checkout.id, token.0).await;
        admitted.map_err(|error| internal(error).after_recording())?;
        if again && submitted.checkout.status == Status::AwaitingInput {
            return self.create_again(&submitted.checkout, request).await;
        }
        Ok(submitted)
    }

    /// BigCommerce was away when the checkout was created, and certainly nothing happened: the same key runs it again.
    async fn create_again(&self, checkout: &Checkout, request: &Request) -> Result<Submitted, SubmitError> {
        let goal = (StepName::ShippingOptions, "create");
        let now = self.now().await?;
        let transition = claim_transition(checkout, checkout.clone(), goal, request, (true, now))?;
        let goal_version = transition.checkout().version;
        let claim = self.inner.db.claim(transition).await.map_err(unwritten)?;
        Ok(self.started(claim, goal_version, VecDeque::new()))
    }

    /// Takes an operation in and begins to run it, or joins the earlier request with the same key. A look that nobody
    /// asked for, such as one after a webhook, does not refuse a shopper: the operation waits for it.
    pub async fn submit(
        &self,
        id: CheckoutId,
        operation: Operation,
        request: Request,
    ) -> Result<Submitted, SubmitError> {
        self.admit()?;
        let deadline = Instant::now() + FOR_A_LOOK;
        let mut watch = self.watch(id);
        let mut let_go = None;
        loop {
            match self.take_in(id, &operation, &request).await {
                Ok(TakenIn::Known(submitted)) => return Ok(*submitted),
                Ok(TakenIn::Claimed(claim, goal_version)) => {
                    return Ok(self.started(*claim, goal_version, operation.into_instruments()));
                }
                Err(SubmitError::InProgress) => {}
                Err(refusal) => return Err(refusal),
            }
            let seen = self.snapshot(id).await?;
            let goes_on = match seen.status {
                // It was let go meanwhile; what was refused in the same version is refused again.
                Status::AwaitingInput => {
                    let_go.replace(seen.version) != Some(seen.version) && Instant::now() < deadline
                }
                Status::Running if is_look(&seen) => timeout_at(deadline, watch.changed()).await.is_ok(),
                _ => false,
            };
            if !goes_on {
                return Err(SubmitError::InProgress);
            }
        }
    }

    /// Takes an operation in on what was let go here, or else on what is stored.
    async fn take_in(
        &self,
        id: CheckoutId,
        operation: &Operation,
        request: &Request,
    ) -> Result<TakenIn, SubmitError> {
        let mut maybe_recorded = false;
        // What was let go here is most likely as it was then. Where it is not, the claim is refused, and all begins anew.
        let now = self.now().await?;
        if let Some(seen) = self.inner.idle.take(id)
            && let Ok(Some(transition)) = plan_transition(&seen, operation, request, (false, now))
        {
            let goal_version = transition.checkout().version;
            match self.inner.db.claim(transition).await {
                Ok(claim) => return Ok(TakenIn::Claimed(Box::new(claim), goal_version)),
                Err(error) => maybe_recorded = !error.wrote_nothing(),
            }
        }
        let taken_in = self.look_and_take_in(id, operation, request).await;
        // Where nobody knows whether the claim was written, nothing that is seen says that nothing was recorded.
        taken_in.map_err(|refusal| if maybe_recorded { MAYBE } else { refusal })
    }

    /// Takes an operation in on what is stored.
    async fn look_and_take_in(
        &self,
        id: CheckoutId,
        operation: &Operation,
        request: &Request,
    ) -> Result<TakenIn, SubmitError> {
        let name = operation.name();
        let mut again = false;
        // Of one moment: whatever happens after it moves the version, and the claim is then refused. Were the key read
        // first, a retry with the same key that went through in between would be overlooked, and done once more.
        let (seen, bound) = match request.key_ref() {
            Some(key) => self.inner.db.load_with_key(id, &key).await.map_err(internal)?,
            None => (self.inner.db.load(id).await.map_err(internal)?, None),
        };
        if let Some(bound) = bound {
            if bound.checkout != id {
                return Err(SubmitError::KeyReused);
            }
            again = matches!(bound.answer, Some(Answer::Unavailable { .. }));
            let submitted = self.join(bound, request, name).await?;
            if !again {
                return Ok(TakenIn::Known(Box::new(submitted)));
            }
        }
        let checkout = seen.ok_or(SubmitError::NotFound)?;
        let refusal = match self.accept_and_claim(checkout, operation, request, again).await {
            Err(refusal) => refusal,
            taken_in => return taken_in,
        };
        // The same request may have been a moment faster: then what it did is the very reason of the refusal.
        match self.bound(request).await.ok().flatten() {
            Some(bound) if bound.checkout != id => Err(SubmitError::KeyReused),
            Some(bound) if !matches!(bound.answer, Some(Answer::Unavailable { .. })) => {
                Ok(TakenIn::Known(Box::new(self.join(bound, request, name).await?)))
            }
            _ => Err(refusal),
        }
    }

    /// Decides on what was read, and records it if nothing changed since.
    async fn accept_and_claim(
        &self,
        checkout: Checkout,
        operation: &Operation,
        request: &Request,
        again: bool,
    ) -> Result<TakenIn, SubmitError> {
        let Some(transition) = plan_transition(&checkout, operation, request, (again, self.now().await?))?
        else {
            return Ok(TakenIn::Known(Box::new(self.already(checkout))));
        };
        let goal_version = transition.checkout().version;
        match self.inner.db.claim(transition).await {
            Ok(claim) => Ok(TakenIn::Claimed(Box::new(claim), goal_version)),
            // Somebody else was a moment faster.
            Err(db::Error::KeyBound) => Err(SubmitError::KeyInUse),
            Err(error) => Err(unwritten(error)),
        }
    }

    /// The checkout as it is now.
    pub async fn snapshot(&self, id: CheckoutId) -> Result<Checkout, SubmitError> {
        self.inner.db.load(id).await.map_err(internal)?.ok_or(SubmitError::NotFound)
    }

    /// The name of the store that a checkout belongs to.
    pub async fn store_of(&self, id: CheckoutId) -> Result<Option<String>, SubmitError> {
        self.inner.db.store_of(id).await.map_err(internal)
    }

    /// Whether a checkout token is good for this checkout.
    pub async fn admits(&self, id: Uuid, token: TokenProof) -> Result<bool, SubmitError> {
        self.inner.db.admits_token(id, token.0).await.map_err(internal)
    }

    /// What is kept of the tokens of a checkout, the newest first.
    pub async fn token_proofs(&self, id: CheckoutId) -> Result<Vec<Vec<u8>>, SubmitError> {
        self.inner.db.token_hashes(id).await.map_err(internal)
    }

    /// News of one checkout.
    pub fn watch(&self, id: CheckoutId) -> db::Watch {
        self.inner.db.changes().watch(id)
    }

    fn admit(&self) -> Result<(), SubmitError> {
        let stopping = self.inner.stopping.is_cancelled();
        if stopping { Err(SubmitError::Unavailable { maybe_recorded: false }) } else { Ok(()) }
    }

    async fn bound(&self, request: &Request) -> Result<Option<BoundKey>, SubmitError> {
        match request.key_ref() {
            Some(key) => self.inner.db.bound_key(&key).await.map_err(internal),
            None => Ok(None),
        }
    }

    async fn join(
        &self,
        bound: BoundKey,
        request: &Request,
        operation: &str,
    ) -> Result<Submitted, SubmitError> {
        let same = bound.operation == operation && bound.fingerprint == request.fingerprint;
        let Some(key) = request.key_ref().filter(|_| same) else { return Err(SubmitError::KeyReused) };
        let checkout = self.snapshot(bound.checkout).await.map_err(SubmitError::after_recording)?;
        let source = bound.answer.map_or(AnswerSource::Key(key), AnswerSource::Answered);
        Ok(Submitted { engine: self.clone(), checkout, source, run: None, replayed: true })
    }

    fn already(&self, checkout: Checkout) -> Submitted {
        let source = AnswerSource::Answered(Answer::Done);
        Submitted { engine: self.clone(), checkout, source, run: None, replayed: false }
    }

    fn started(&self, claim: Claim, goal_version: i64, instruments: VecDeque<PaymentRequest>) -> Submitted {
        let checkout = claim.checkout().clone();
        observer::claimed(&*self.inner.observer, &checkout);
        let key = checkout.goal.as_ref().and_then(|goal| goal.key.clone());
        let run = Some(self.spawn(claim, instruments));
        Submitted {
            engine: self.clone(),
            checkout,
            source: AnswerSource::Goal(goal_version, key),
            run,
            replayed: false,
        }
    }

    /// PostgreSQL's clock: windows count from what is written here, also when another process counts.
    async fn now(&self) -> Result<OffsetDateTime, SubmitError> {
        self.inner.db.clock().await.map(|clock| clock.now()).map_err(internal)
    }

    fn created(&self, new: NewCheckout, now: OffsetDateTime) -> Checkout {
        let (flow, mut input): (_, Input) = (new.flow.flow(), new.input);
        match new.flow {
            NewFlow::Cart(body) => input.cart = Some(body),
            NewFlow::DirectOrder(body) => input.direct_order = Some(body),
        }
        Checkout::begin(new.store, flow, input, new.metadata, now, self.inner.settings.checkout_ttl)
    }
}

/// The claim that an operation takes, decided on what was read. `None`: it was done before.
/// `again`: whether its key was bound before; and PostgreSQL's clock.
fn plan_transition(
    seen: &Checkout,
    operation: &Operation,
    request: &Request,
    (again, now): (bool, OffsetDateTime),
) -> Result<Option<Transition>, SubmitError> {
    let name = operation.name();
    Ok(Some(match accept(seen, operation, request.if_match)? {
        Accepted::Already => return Ok(None),
        Accepted::Cancel => cancel_transition(seen, request, again)?,
        Accepted::Run(checkout) => {
            let until = checkout.goal.as_ref().map_or(StepName::Payment, |goal| goal.until);
            claim_transition(seen, *checkout, (until, name), request, (again, now))?
        }
    }))
}

/// The claim that begins to undo a checkout.
fn cancel_transition(seen: &Checkout, request: &Request, again: bool) -> Result<Transition, SubmitError> {
    let goal = goal(request, "cancel", StepName::Cancel, seen.version + 1, None);
    let transition = Transition::new(seen, Event::CancelRequested, Hold::Lease, |checkout| {
        checkout.stuck = None;
        checkout.goal = Some(goal);
        checkout.tries = 0;
    });
    Ok(transition.map_err(|_| SubmitError::Closed)?.bind(binding(request, "cancel", again)))
}

/// The claim that records what is wanted, together with the intent of the first attempt.
fn claim_transition(
    from: &Checkout,
    mut wanted: Checkout,
    (until, name): (StepName, &str),
    request: &Request,
    (again, now): (bool, OffsetDateTime),
) -> Result<Transition, SubmitError> {
    let goal_version = from.version + 1;
    let agreed = wanted.goal.as_ref().and_then(|goal| goal.agreed_total);
    wanted.goal = Some(goal(request, name, until, goal_version, agreed));
    let (wanted, began) = decide::begin(wanted, now);
    Ok(Transition::new(from, Event::Claimed, Hold::Lease, |checkout| *checkout = wanted)
        .map_err(|_| SubmitError::InProgress)?
        .began(began)
        .bind(binding(request, name, again)))
}

fn goal(
    request: &Request,
    operation: &str,
    until: StepName,
    goal_version: i64,
    agreed: Option<crate::checkout::Money>,
) -> Goal {
    Goal {
        operation: operation.to_owned(),
        until,
        key: request.key_ref(),
        agreed_total: agreed,
        payer: request.payer.clone(),
        goal_version,
    }
}

fn binding(request: &Request, operation: &str, again: bool) -> Option<Binding> {
    let key = request.key_ref()?;
    Some(Binding { key, operation: operation.to_owned(), fingerprint: request.fingerprint, again })
}
