//! Runs checkouts: one step after the other under a claim, from the first intent to rest.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::decide;
use super::decision::{Circumstances, Decision, Limits};
use super::memory::{HandedOver, Idle, Instruments};
use super::observer::{self, Leased, Observer, Try};
use super::plan::{Action, plan};
use super::rests;
use super::settings::Settings;
use super::step::{Evidence, StepContext, Verdict};
use super::steps;
use crate::bigcommerce::{Call, Client, OrderId, PaymentRequest, Priority};
use crate::checkout::{Answer, Checkout, Facts, InFlight, KeyRef, Status, StepName, StuckReason};
use crate::db::{self, Claim, Db, Ended, Hold, Outcome, Transition};

/// How long a shopper who has paid waits for the order's new status.
const REFRESH_AT_MOST: Duration = Duration::from_secs(2);

/// The saga engine of one process. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) db: Db,
    pub(super) clients: HashMap<String, Client>,
    pub(super) settings: Settings,
    pub(super) instruments: Instruments,
    pub(super) idle: Idle,
    pub(super) handed_over: HandedOver,
    /// Who may look at a checkout at rest.
    pub(super) rests: Arc<Semaphore>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) tasks: TaskTracker,
    pub(super) stopping: CancellationToken,
}

/// What a run came to: the checkout as it was let go.
pub(super) type Ran = oneshot::Receiver<Checkout>;

/// What one attempt or look brought, before it is recorded.
struct Tried {
    decision: Decision,
    evidence: Evidence,
    took: Duration,
}

/// What became of the claim when something was recorded.
pub(super) enum Recorded {
    Held(Box<Claim>),
    LetGo(Box<Checkout>),
}

impl Engine {
    /// An engine for these stores, by name, watched by `observer`. Runs are spawned on `tasks`; none is begun once
    /// `stopping` is cancelled.
    pub fn new(
        db: Db,
        clients: HashMap<String, Client>,
        settings: Settings,
        observer: Arc<dyn Observer>,
        tasks: TaskTracker,
        stopping: CancellationToken,
    ) -> Self {
        let (instruments, idle) = (Instruments::default(), Idle::default());
        let handed_over = HandedOver::default();
        let rests = Arc::new(Semaphore::new(rests::CHECKS_AT_ONCE));
        let inner =
            Inner { db, clients, settings, instruments, idle, handed_over, rests, observer, tasks, stopping };
        Self { inner: Arc::new(inner) }
    }

    /// Runs a claimed checkout on its own task, so that a caller who hangs up changes nothing.
    pub(super) fn spawn(&self, claim: Claim, instruments: VecDeque<PaymentRequest>) -> Ran {
        let (sender, receiver) = oneshot::channel();
        let engine = self.clone();
        let asked_by = tracing::Span::current();
        self.inner.tasks.spawn(async move {
            let _leased = Leased::by(&engine.inner.observer);
            let span = observer::run(&claim, &asked_by);
            drop(asked_by);
            if let Some(checkout) = Box::pin(engine.run(claim, instruments)).instrument(span).await {
                // Nobody may be waiting any more.
                let _ = sender.send(checkout);
            }
        });
        receiver
    }

    /// Runs until the checkout is let go. `None`: the claim was lost, or the database is away; recovery goes on.
    ///
    /// Dropped half-way: the lease runs out, and what was in flight is reconciled by recovery.
    async fn run(&self, mut claim: Claim, given: VecDeque<PaymentRequest>) -> Option<Checkout> {
        let mut instruments =
            if given.is_empty() { self.inner.instruments.take(claim.checkout()) } else { given };
        // Begun by this very claim, so it was certainly not sent yet.
        let mut unsent = claim
            .checkout()
            .in_flight
            .as_ref()
            .is_some_and(|attempt| attempt.fence == claim.checkout().fence);
        if claim.checkout().lost_leases >= self.inner.settings.max_attempts {
            return Box::pin(self.poisoned(claim)).await;
        }
        let mut urls = None;
        loop {
            let tried = match plan(claim.checkout()) {
                Action::Look(step) => {
                    let mut cx = self.context(&claim, mem::take(&mut instruments))?;
                    let began = Instant::now();
                    let what = if unsent { Try::Attempt } else { Try::Look };
                    let span = observer::a_try(&claim, step, what);
                    let decision = if unsent {
                        let attempt = Box::pin(self.attempt(claim, step, &mut cx)).instrument(span.clone());
                        let (held, verdict) = attempt.await?;
                        claim = held;
                        decide::on_verdict(merge(&claim, &cx), verdict, self.circumstances(&claim))
                    } else {
                        let reconcile = steps::reconcile(claim.checkout().flow, step, &mut cx);
                        let finding = self.under_lease(&claim, reconcile).instrument(span.clone()).await;
                        decide::on_finding(merge(&claim, &cx), finding, self.circumstances(&claim))
                    };
                    observer::note(&span, &decision);
                    self.inner.observer.tried(step, what, began.elapsed());
                    instruments = mem::take(&mut cx.instruments);
                    urls = cx.urls.take().or(urls);
                    Tried { decision, evidence: cx.evidence, took: began.elapsed() }
                }
                Action::Attempt(_) | Action::Rest => {
                    let decision = decide::go_on(claim.checkout().clone(), None, self.circumstances(&claim));
                    Tried { decision, evidence: Evidence::default(), took: Duration::ZERO }
                }
            };
            unsent = tried.decision.began.is_some();
            let pause = tried.decision.pause;
            if matches!(tried.decision.answer, Some(Answer::Declined(_))) {
                // Before anybody is told of it: then the next payment finds it counted.
                Box::pin(self.under_lease(&claim, self.count_declined(claim.checkout()))).await;
            }
            match self.record(claim, tried).await? {
                Recorded::Held(held) => claim = *held,
                Recorded::LetGo(checkout) => {
                    if let Some(urls) = urls {
                        self.inner.handed_over.keep(&checkout, urls);
                    }
                    if !instruments.is_empty() && !checkout.status.is_at_rest() {
                        self.inner.instruments.keep(&checkout, instruments);
                    }
                    self.inner.idle.keep(&checkout);
                    return Some(self.refreshed(*checkout).await);
                }
            }
            if !pause.is_zero() {
                self.under_lease(&claim, tokio::time::sleep(pause)).await;
            }
        }
    }

    /// Whatever this checkout does to its process, it does not do it forever (guarantee 6).
    async fn poisoned(&self, claim: Claim) -> Option<Checkout> {
        let checkout = claim.checkout();
        let detail = format!(
            "its process was lost {} times in a row without recording anything",
            checkout.lost_leases
        );
        let reason = unknown_reason(checkout);
        let decision = decide::stall(checkout.clone(), reason, detail, self.circumstances(&claim));
        match self
            .record(claim, Tried { decision, evidence: Evidence::default(), took: Duration::ZERO })
            .await?
        {
            Recorded::LetGo(checkout) => Some(*checkout),
            Recorded::Held(_) => None,
        }
    }

    /// The payment moved BigCommerce's order on, by itself. Whoever waits is shown where it stands now; a read that fails
    /// or is slow changes nothing, because the payment is recorded already.
    async fn refreshed(&self, checkout: Checkout) -> Checkout {
        if checkout.status != Status::Completed {
            return checkout;
        }
        match tokio::time::timeout(REFRESH_AT_MOST, self.fresh_order(&checkout)).await {
            Ok(Some(fresh)) => fresh,
            Ok(None) | Err(_) => checkout,
        }
    }

    async fn fresh_order(&self, checkout: &Checkout) -> Option<Checkout> {
        let id = OrderId::new(checkout.facts.order.as_ref()?.id)?;
        let call = Call::new(checkout.id.uuid(), Priority::Shopper);
        let order = self.client(checkout)?.orders(&call).get(id).await.ok()?.value;
        let mut fresh = checkout.clone();
        fresh.facts.order = Some(steps::order_facts(&order, true));
        self.inner.db.refresh_order(&fresh).await.ok()?
    }

    /// Prepares and executes. What was prepared is committed in between.
    async fn attempt(&self, claim: Claim, name: StepName, cx: &mut StepContext) -> Option<(Claim, Verdict)> {
        let step = steps::find(claim.checkout().flow, name);
        let checkpoint = match self.under_lease(&claim, step.prepare(cx)).await {
            Ok(checkpoint) => checkpoint,
            Err(verdict) => return Some((claim, verdict)),
        };
        let Some(checkpoint) = checkpoint else {
            let verdict = self.under_lease(&claim, steps::execute(step, cx)).await;
            return Some((claim, verdict));
        };
        let mut checkout = merge(&claim, cx);
        if let Some(attempt) = checkout.in_flight.as_mut() {
            attempt.checkpoint = Some(checkpoint);
            cx.attempt = attempt.clone();
        }
        let tried =
            Tried { decision: Decision::hold(checkout), evidence: Evidence::default(), took: Duration::ZERO };
        let Recorded::Held(claim) = self.record(claim, tried).await? else { return None };
        let verdict = self.under_lease(&claim, steps::execute_noted(step, cx)).await;
        Some((*claim, verdict))
    }

    fn context(&self, claim: &Claim, instruments: VecDeque<PaymentRequest>) -> Option<StepContext> {
        let checkout = claim.checkout().clone();
        let Some(client) = self.client(&checkout) else {
            tracing::error!(checkout_id = %checkout.id, store = checkout.store, "its store is not configured");
            return None;
        };
        // A call may wait for its turn for longer than a lease that cannot be renewed.
        let (lease, db) = (claim.lease(), self.inner.db.clone());
        Some(StepContext {
            client: client.guarded(Arc::new(move || lease.lasts() && db.is_durable())),
            call: Call::new(checkout.id.uuid(), priority(&checkout)),
            attempt: checkout.in_flight.clone()?,
            checkout,
            clock: claim.clock(),
            lease: claim.lease(),
            timing: self.inner.settings.timing(),
            instruments,
            token: None,
            urls: None,
            evidence: Evidence::default(),
        })
    }

    /// The client of the store that a checkout belongs to.
    pub(super) fn client(&self, checkout: &Checkout) -> Option<Client> {
        self.inner.clients.get(&checkout.store).cloned()
    }

    /// Awaits something while the lease is renewed. A lost lease does not end it: a call that was sent cannot be
    /// called back, and its answer is worth keeping as evidence.
    async fn under_lease<T>(&self, claim: &Claim, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        let every = self.inner.settings.lease / 3;
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(every) => {
                    if let Err(error) = self.inner.db.renew(claim).await {
                        tracing::warn!(checkout_id = %claim.checkout().id, %error, "a lease could not be renewed");
                    }
                }
            }
        }
    }

    /// Records what was tried. When it is not known whether the database took it, looks, and writes again only what
    /// is certainly missing.
    async fn record(&self, claim: Claim, tried: Tried) -> Option<Recorded> {
        let Tried { decision, evidence, took } = tried;
        let before = claim.checkout();
        let ended = decision.outcome.and_then(|outcome| {
            let attempt = before.in_flight.as_ref()?;
            Some(ended(attempt, outcome, evidence, took))
        });
        let answer = decision.answer.clone().and_then(|answer| Some((goal_key(before)?, answer)));
        let held = decision.hold == Hold::Lease;
        let made = decision.checkout.facts.clone();
        let state = decision.checkout;
        let transition =
            match Transition::new(before, decision.event, decision.hold, |checkout| *checkout = state) {
                Ok(transition) => transition.ended(ended.clone()).began(decision.began).answer(answer),
                Err(error) => {
                    tracing::error!(checkout_id = %before.id, %error, "a decision was refused");
                    return None;
                }
            };
        let event = transition.event();
        match self.inner.db.advance(claim, transition).await {
            Ok(claim) => {
                observer::moved(&*self.inner.observer, claim.checkout(), event, ended.as_ref());
                if held {
                    return Some(Recorded::Held(Box::new(claim)));
                }
                Some(Recorded::LetGo(Box::new(claim.into_checkout())))
            }
            Err((claim, db::Error::OrderTaken)) => Box::pin(self.taken(&claim, "order")).await,
            Err((claim, db::Error::CartTaken)) => Box::pin(self.cart_taken(&claim)).await,
            Err((claim, db::Error::Refused(cause))) => {
                Box::pin(self.refused(&claim, ended.as_ref(), &cause)).await
            }
            Err((claim, error)) => {
                Box::pin(self.not_recorded(&claim, &made, ended, &error)).await;
                None
            }
        }
    }

    async fn not_recorded(&self, claim: &Claim, made: &Facts, ended: Option<Ended>, error: &db::Error) {
        let checkout = claim.checkout();
        tracing::warn!(checkout_id = %checkout.id, fence = checkout.fence, %error, "an outcome was not recorded");
        if !matches!(error, db::Error::Lost) {
            return;
        }
        if let Some(ended) = ended {
            self.inner.observer.fenced_out(ended.step);
            if let Err(error) = self.inner.db.keep_evidence(checkout, &ended).await {
                tracing::warn!(checkout_id = %checkout.id, %error, "evidence was not kept");
            }
        }
        self.clear_up(checkout, made).await;
    }

    pub(super) fn circumstances(&self, claim: &Claim) -> Circumstances {
        let settings = &self.inner.settings;
        let limits = Limits {
            max_attempts: settings.max_attempts,
            retry_base: settings.retry_base,
            retry_cap: settings.retry_cap,
            ttl: settings.checkout_ttl,
            look: settings.settle,
            late: settings.late(),
        };
        Circumstances { limits, now: claim.clock().now(), jitter: rand::random() }
    }
}

/// What was claimed, with the facts and the input as the step left them.
fn merge(claim: &Claim, cx: &StepContext) -> Checkout {
    let mut checkout = claim.checkout().clone();
    checkout.facts = cx.checkout.facts.clone();
    checkout.input = cx.checkout.input.clone();
    if let Some(attempt) = checkout.in_flight.as_mut() {
        attempt.doubted.clone_from(&cx.attempt.doubted);
    }
    checkout
}

/// A payment comes before an order, an order before a shopper who fills in a form, all before what nobody waits for.
fn priority(checkout: &Checkout) -> Priority {
    let until = checkout.goal.as_ref().map(|goal| goal.until);
    until.map_or(Priority::Recovery, |until| steps::find(checkout.flow, until).priority())
}

/// Why it is stuck when what became of its attempt, if there is one, cannot be recorded.
pub(super) fn unknown_reason(checkout: &Checkout) -> StuckReason {
    let in_flight = checkout.in_flight.as_ref();
    match in_flight.and_then(|attempt| steps::find(checkout.flow, attempt.step).unknown_reason()) {
        Some(reason) => reason,
        None if checkout.status == Status::Compensating => StuckReason::UndoFailed,
        None => StuckReason::AttemptsExhausted,
    }
}

pub(super) fn goal_key(checkout: &Checkout) -> Option<KeyRef> {
    checkout.goal.as_ref()?.key.clone()
}

fn ended(attempt: &InFlight, outcome: Outcome, evidence: Evidence, took: Duration) -> Ended {
    Ended {
        step: attempt.step,
        attempt: attempt.attempt,
        outcome,
        upstream_status: evidence.upstream_status,
        duration: took,
        detail: evidence.into_detail(),
    }
}
