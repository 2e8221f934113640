//! The saga of the model: `saga::{plan, decide, engine, accept}` and the steps `order`, `payment` and `cancel`, in small.
//!
//! Statuses move through `checkout::next` and nothing else, so that the model and the service cannot drift apart there.

use headless_checkout::checkout::{Event, Status, next};

use super::Saga;
use super::mutation::Mutation;
use super::others::{gone, placed};
use super::state::{
    At, Checkpoint, Goal, InFlight, Outcome, Payment, Process, Request, Row, Run, Stands, State, Step,
};

/// What is to be recorded.
struct Decision {
    event: Event,
    row: Row,
    /// Whether the process goes on under its lease.
    held: bool,
    /// Whether the row holds the intent of a new attempt.
    began: bool,
}

impl Saga {
    /// `accept` and `submit`: the shopper pays, with whatever has to be done before.
    pub(super) fn ask(&self, state: &mut State, process: u8) {
        state.budget.asks -= 1;
        let mut row = state.row.clone();
        row.goal = Some(Goal::Pay);
        self.claim(state, process, Event::Claimed, row, true);
    }

    pub(super) fn cancel(&self, state: &mut State, process: u8, event: Event) {
        state.budget.cancels -= 1;
        let mut row = state.row.clone();
        row.goal = (event == Event::CancelRequested).then_some(Goal::Cancel);
        self.claim(state, process, event, row, false);
    }

    /// Recovery takes over what a timer or a lease that ran out calls for.
    pub(super) fn resume(&self, state: &mut State, process: u8) {
        let row = state.row.clone();
        self.claim(state, process, Event::Resumed, row, false);
    }

    /// As `operate::restarted`: what was being undone is undone further.
    pub(super) fn restart(&self, state: &mut State) {
        state.budget.restarts -= 1;
        let undone = state.row.goal != Some(Goal::Pay) && !self.is(Mutation::RestartForward);
        let event = if undone { Event::CancelRequested } else { Event::Restarted };
        let mut row = state.row.clone();
        if undone {
            row.fence += 1;
        }
        Self::enter(state, event, row);
    }

    fn claim(&self, state: &mut State, process: u8, event: Event, mut row: Row, instrument: bool) {
        row.fence += 1;
        row.holder = Some(process);
        let claimed = event == Event::Claimed;
        if claimed {
            begin(&mut row);
        }
        if !Self::enter(state, event, row) {
            return;
        }
        let row = state.row.clone();
        let at = self.next_at(&row, claimed);
        state.set(process, Process::Busy(Box::new(Run { row, instrument, at })));
    }

    /// Writes a row with the status that the event leads to.
    fn enter(state: &mut State, event: Event, row: Row) -> bool {
        let to = next(state.row.status, event);
        state.broken.illegal |= to.is_err();
        if let Ok(status) = to {
            state.row = Row { status, ..row };
        }
        to.is_ok()
    }

    /// `plan`: an attempt in flight comes first.
    fn next_at(&self, row: &Row, unsent: bool) -> At {
        let Some(attempt) = &row.in_flight else { return At::Record(Outcome::GoOn) };
        if !unsent {
            let again = match attempt.step {
                Step::Order => self.is(Mutation::NoReconcileOrder),
                Step::Payment => self.is(Mutation::NoReconcilePayment),
                Step::Cancel => true,
            };
            return if again { At::Record(Outcome::Absent) } else { At::Look };
        }
        match (attempt.step, row.order) {
            (Step::Order, Some(order)) => At::Verify { order },
            (Step::Order, None) => At::SendOrder,
            (Step::Payment, _) => At::Mint,
            (Step::Cancel, _) => At::Undo,
        }
    }

    /// `engine.record`: writes under the current fence, or learns that somebody else holds the checkout.
    pub(super) fn record(&self, state: &mut State, process: u8, run: &Run, outcome: Outcome) {
        let before = &run.row;
        let mut decision = self.decide(before, outcome, run.instrument);
        let current = state.row.fence == before.fence;
        if !current && !self.is(Mutation::NoFence) && !self.is(Mutation::NoFenceNoUniqueOrder) {
            // Kept as evidence only.
            state.set(process, Process::Idle);
            return;
        }
        state.broken.fence |= !current;
        if let (Outcome::Buried | Outcome::PaidElsewhere { .. }, Some(replaced)) = (outcome, before.order) {
            state.alive.retain(|&order| order != replaced);
        }
        if let Some(order) = decision.row.order
            && !state.alive.contains(&order)
        {
            if state.alive.is_empty() || self.is(Mutation::NoFenceNoUniqueOrder) {
                state.alive.push(order);
                state.alive.sort_unstable();
            } else {
                // `checkout_order_one_alive`: a person has to look.
                decision = Decision { event: Event::Stalled, row: before.clone(), held: false, began: false };
            }
        }
        let Ok(status) = next(before.status, decision.event) else {
            state.broken.illegal = true;
            state.set(process, Process::Idle);
            return;
        };
        state.broken.end |= state.row.status.is_final() && state.row.status != status;
        let holder = decision.held.then_some(process);
        state.row = Row { status, holder, ..decision.row };
        if decision.held {
            let row = state.row.clone();
            let at = self.next_at(&row, decision.began);
            state.put(process, Run { row, ..run.clone() }, at);
        } else {
            state.set(process, Process::Idle);
        }
    }

    /// Notes the token before it is used (`Decision::hold`).
    pub(super) fn note(&self, state: &mut State, process: u8, run: &Run, checkpoint: Checkpoint) {
        let current = state.row.fence == run.row.fence;
        if !current && !self.is(Mutation::NoFence) && !self.is(Mutation::NoFenceNoUniqueOrder) {
            state.set(process, Process::Idle);
            return;
        }
        state.broken.fence |= !current;
        let Ok(status) = next(run.row.status, Event::Advanced) else {
            state.broken.illegal = true;
            return;
        };
        state.broken.end |= state.row.status.is_final() && state.row.status != status;
        let mut row = Row { status, holder: Some(process), ..run.row.clone() };
        if let Some(attempt) = row.in_flight.as_mut() {
            attempt.checkpoint = Some(checkpoint);
        }
        state.row = row.clone();
        state.put(process, Run { row, ..run.clone() }, At::SendPayment { token: checkpoint.token });
    }

    /// `decide::{settle, reconcile}`.
    fn decide(&self, before: &Row, outcome: Outcome, instrument: bool) -> Decision {
        let mut row = before.clone();
        let step = row.in_flight.as_ref().map_or(Step::Cancel, |attempt| attempt.step);
        match outcome {
            Outcome::Made { order } => {
                row.order = Some(order);
                row.order_done = true;
                go_on(row)
            }
            Outcome::Unknown => {
                if step == Step::Payment && self.is(Mutation::FailOpen) {
                    return rest(row, Payment::None);
                }
                if step == Step::Payment {
                    row.payment = Payment::Unknown;
                }
                Decision { event: Event::Advanced, row, held: true, began: false }
            }
            Outcome::Absent if step == Step::Payment => {
                let again = self.is(Mutation::NoReconcilePayment) && instrument;
                if again { go_on(row) } else { rest(row, Payment::None) }
            }
            Outcome::GoOn | Outcome::Absent => go_on(row),
            Outcome::StillUnknown if self.is(Mutation::RefusedLookEnds) && step == Step::Payment => {
                let payment = row.payment;
                rest(row, payment)
            }
            Outcome::StillUnknown => Decision { event: Event::Deferred, row, held: false, began: false },
            Outcome::Accepted if self.is(Mutation::PendingIsPaid) => {
                row.in_flight = None;
                row.goal = None;
                Decision { event: Event::Paid, row, held: false, began: false }
            }
            Outcome::Accepted => {
                row.payment = Payment::Pending;
                if let Some(attempt) = row.in_flight.as_mut() {
                    attempt.settling = true;
                }
                Decision { event: Event::Deferred, row, held: false, began: false }
            }
            Outcome::Paid => {
                row.payment = Payment::Succeeded;
                row.in_flight = None;
                row.goal = None;
                Decision { event: Event::Paid, row, held: false, began: false }
            }
            Outcome::Buried => {
                row.order = None;
                row.order_done = false;
                row.payment = Payment::None;
                go_on(row)
            }
            Outcome::PaidElsewhere { order } => {
                row.order = Some(order);
                row.order_done = true;
                row.payment = Payment::Succeeded;
                row.in_flight = None;
                row.goal = None;
                Decision { event: Event::Paid, row, held: false, began: false }
            }
            Outcome::Declined => rest(row, Payment::Declined),
            Outcome::Interrupted => rest(row, Payment::None),
            Outcome::Undone => {
                let event = if row.goal.is_some() { Event::Undone } else { Event::Lapsed };
                row.in_flight = None;
                row.goal = None;
                Decision { event, row, held: false, began: false }
            }
            Outcome::Stuck => Decision { event: Event::Stalled, row, held: false, began: false },
        }
    }

    /// Does what needs nobody else: sends, verifies, mints, undoes, records.
    pub(super) fn step(&self, state: &mut State, process: u8) {
        let Some(run) = state.run(process).cloned() else { return };
        let held = state.row.fence == run.row.fence;
        match run.at {
            At::SendOrder => {
                let send = state.upstream.sends;
                state.upstream.sends += 1;
                state.net.push(Request::Create { send });
                state.put(process, run, At::AwaitOrder { send });
            }
            At::Verify { order } => {
                let outcome = if held || self.is(Mutation::ArchiveWithoutLease) {
                    archive_others(state, order)
                } else {
                    // The lease ran out: nothing destructive is sent, and nothing of this can be recorded.
                    Outcome::StillUnknown
                };
                state.put(process, run, At::Record(outcome));
            }
            At::Mint => {
                let at = self.mint(state, &run);
                state.put(process, run, at);
            }
            At::AskCart(checkpoint) => {
                let there = !state.upstream.cart_gone || state.upstream.cart_lags;
                let at = if there || self.is(Mutation::NoCartWitness) {
                    At::AskList(checkpoint)
                } else {
                    gone(state)
                };
                state.put(process, run, at);
            }
            At::AskList(checkpoint) => {
                let at = match placed(state) {
                    Some(order) if !self.is(Mutation::NoListWitness) => {
                        At::Record(Outcome::PaidElsewhere { order })
                    }
                    _ => At::Checkpoint(checkpoint),
                };
                state.put(process, run, at);
            }
            At::Checkpoint(checkpoint) => self.note(state, process, &run, checkpoint),
            At::SendPayment { token } => {
                let order = run.row.order.unwrap_or_default();
                state.net.push(Request::Pay { order, token });
                state.put(process, run, At::AwaitPayment { token });
            }
            At::Undo => {
                let outcome = if held { self.undo(state, &run.row) } else { Outcome::StillUnknown };
                state.put(process, run, At::Record(outcome));
            }
            At::Record(outcome) => self.record(state, process, &run, outcome),
            At::AwaitOrder { .. } | At::AwaitPayment { .. } | At::Look => {}
        }
    }

    /// `payment.prepare`.
    fn mint(&self, state: &mut State, run: &Run) -> At {
        if !run.instrument {
            return At::Record(Outcome::Interrupted);
        }
        let Some(order) = run.row.order.and_then(|id| state.upstream.orders.get(usize::from(id))) else {
            return At::Record(Outcome::Stuck);
        };
        if order.can_be_paid() {
            let known = order.declines - order.hidden_declines;
            let unlisted = if self.is(Mutation::LateDeclineBelieved) {
                0
            } else {
                (run.row.attempts - 1).saturating_sub(known)
            };
            let token = state.upstream.minted;
            state.upstream.minted += 1;
            let checkpoint = Checkpoint { token, known, unlisted };
            let elsewhere = state.upstream.handed_over;
            return if elsewhere { At::AskCart(checkpoint) } else { At::Checkpoint(checkpoint) };
        }
        At::Record(match order.stands {
            _ if order.shows_money() => Outcome::Paid,
            Stands::Moved if self.is(Mutation::StatusIsMoney) => Outcome::Paid,
            // Nothing of ours is in doubt when a token is asked for, so nothing can be on its way to it.
            Stands::Cancelled => Outcome::Buried,
            _ => Outcome::Stuck,
        })
    }
}

/// What a look finds: `order.reconcile` and `payment.reconcile` when BigCommerce shows something.
pub(super) fn found(state: &State, run: &Run) -> Option<At> {
    let attempt = run.row.in_flight.as_ref()?;
    match (attempt.step, run.row.order) {
        // Only its verification was lost, or the undoing, which may be repeated.
        (Step::Order, Some(_)) | (Step::Cancel, _) => Some(At::Record(Outcome::Absent)),
        (Step::Order, None) => {
            let lowest = state.upstream.orders.iter().position(super::state::Order::is_found)?;
            Some(At::Verify { order: u8::try_from(lowest).ok()? })
        }
        (Step::Payment, _) if attempt.checkpoint.is_none() && !attempt.settling => {
            Some(At::Record(Outcome::Absent))
        }
        (Step::Payment, order) => {
            let order = state.upstream.orders.get(usize::from(order?))?;
            let checkpoint = attempt.checkpoint?;
            let declines = order.declines - order.hidden_declines;
            if order.shows_money() {
                Some(At::Record(Outcome::Paid))
            } else if declines > checkpoint.known + checkpoint.unlisted {
                Some(At::Record(Outcome::Declined))
            } else {
                None
            }
        }
    }
}

/// `decide::begin`.
fn begin(row: &mut Row) {
    let step = if row.status == Status::Compensating {
        Step::Cancel
    } else if row.order_done {
        Step::Payment
    } else {
        Step::Order
    };
    if step == Step::Payment {
        row.attempts += 1;
    }
    row.in_flight = Some(InFlight { step, fence: row.fence, checkpoint: None, settling: false });
}

fn go_on(mut row: Row) -> Decision {
    row.in_flight = None;
    begin(&mut row);
    Decision { event: Event::Advanced, row, held: true, began: true }
}

/// `decide::rest`: what is being undone goes on to be undone.
fn rest(mut row: Row, payment: Payment) -> Decision {
    row.payment = payment;
    if row.status == Status::Compensating {
        return go_on(row);
    }
    row.in_flight = None;
    row.goal = None;
    Decision { event: Event::Rested, row, held: false, began: false }
}

/// `surplus.archive_others`: an order that was paid, or may be, is for a person.
fn archive_others(state: &mut State, ours: u8) -> Outcome {
    for (id, order) in state.upstream.orders.iter_mut().enumerate() {
        if id == usize::from(ours) || !order.is_found() {
            continue;
        }
        if order.stands != Stands::Incomplete || order.charges + order.declines > 0 {
            return Outcome::Stuck;
        }
        order.archived = true;
    }
    Outcome::Made { order: ours }
}
