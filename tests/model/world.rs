//! What happens around the saga: BigCommerce carries requests out when it likes, answers get lost, processes die.

use headless_checkout::checkout::{Event, Status};

use super::Saga;
use super::mutation::Mutation;
use super::others::{self, Hides};
use super::saga::found;
use super::state::{At, Order, Outcome, Payment, Process, Request, Run, Stands, State, Step};

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// The shopper submits the payment to this process.
    Ask(u8),
    /// The shopper cancels.
    Cancel(u8),
    /// Nobody came back.
    Abandon(u8),
    /// An operator restarts what is stuck.
    Restart,
    /// A timer or a lease ran out, and this process takes over.
    Resume(u8),
    /// A living process lost its lease to this one.
    TakeOver(u8),
    /// A process does the next thing that depends on nobody else.
    Step(u8),
    /// A look finds what became of the attempt.
    Find(u8),
    /// The settle window ends without an order.
    WindowEnds(u8),
    /// The access token expires without a charge, or a settling payment takes too long.
    TokenExpires(u8),
    /// A look finds nothing yet, and a timer is set.
    Defer(u8),
    /// BigCommerce refuses to be asked.
    Refuse(u8),
    /// A process stops waiting for an answer.
    TimeOut(u8),
    /// A process dies and comes back empty.
    Crash(u8),
    /// A proxy delivers the request twice.
    Duplicate(Request),
    /// BigCommerce carries it out. `lag`: the list does not show it yet. `heard`: its answer is the one that comes
    /// back, which of a request that was delivered twice may be either.
    Execute { request: Request, lag: bool, heard: bool },
    /// A request that nobody waits for is never carried out.
    Vanish(Request),
    /// The gateway says that it will settle later.
    Accept { token: u8 },
    /// The gateway charges.
    Approve { order: u8, token: u8, lag: bool },
    /// The gateway declines.
    Decline { order: u8, token: u8, lag: bool },
    /// Reads show everything about this order.
    CatchUp { order: u8 },
    /// Reads show that the cart is gone.
    CartCatchesUp,
    /// The shopper pays on the hosted page: an order of the page's own, or the very one that we made.
    PagePays { ours: Option<u8>, hides: Hides },
    /// The merchant cancels an order that nobody paid.
    MerchantCancels { order: u8 },
    /// The merchant gives an order that nobody paid the status of one that was.
    MerchantMoves { order: u8 },
}

impl Action {
    /// Whether the world may as well not do this. What cannot go on without faults is a dead end.
    pub(crate) fn is_optional(self) -> bool {
        matches!(
            self,
            Self::Ask(_)
                | Self::Cancel(_)
                | Self::Abandon(_)
                | Self::Restart
                | Self::TakeOver(_)
                | Self::Refuse(_)
                | Self::TimeOut(_)
                | Self::Crash(_)
                | Self::Duplicate(_)
                | Self::PagePays { .. }
                | Self::MerchantCancels { .. }
                | Self::MerchantMoves { .. }
        )
    }
}

impl Saga {
    /// Everything that may happen now.
    pub(super) fn possible(&self, state: &State, actions: &mut Vec<Action>) {
        for process in [0, 1] {
            match state.run(process) {
                None => self.for_idle(state, process, actions),
                Some(run) => self.for_busy(state, process, run, actions),
            }
        }
        let budget = state.budget;
        if state.row.status == Status::Stuck && budget.restarts > 0 {
            actions.push(Action::Restart);
        }
        let mut seen = None;
        for &request in &state.net {
            if seen.replace(request) == Some(request) {
                continue;
            }
            let creates = matches!(request, Request::Create { .. });
            let twice = state.net.iter().filter(|&&other| other == request).count() > 1;
            for heard in [true, false].into_iter().filter(|&heard| heard || (twice && creates)) {
                actions.push(Action::Execute { request, lag: false, heard });
                if creates && budget.lags > 0 {
                    actions.push(Action::Execute { request, lag: true, heard });
                }
            }
            if budget.duplicates > 0 {
                actions.push(Action::Duplicate(request));
            }
            if !is_awaited(state, request) {
                actions.push(Action::Vanish(request));
            }
        }
        others::possible(state, actions);
        for (order, it) in (0_u8..).zip(&state.upstream.orders) {
            for &token in &it.gateway {
                for lag in [false, true].into_iter().filter(|&lag| !lag || budget.lags > 0) {
                    actions.push(Action::Approve { order, token, lag });
                    if budget.declines > 0 {
                        actions.push(Action::Decline { order, token, lag });
                    }
                }
                if budget.pendings > 0 && waiter(state, At::AwaitPayment { token }).is_some() {
                    actions.push(Action::Accept { token });
                }
            }
            if !it.listed || it.hidden_charges + it.hidden_declines > 0 {
                actions.push(Action::CatchUp { order });
            }
        }
    }

    fn for_idle(&self, state: &State, process: u8, actions: &mut Vec<Action>) {
        let (row, budget) = (&state.row, state.budget);
        // `accept`: never while a payment is in doubt.
        let in_doubt = matches!(row.payment, Payment::Unknown | Payment::Pending);
        let lax = self.is(Mutation::RefusedLookEnds);
        match row.status {
            Status::AwaitingInput => {
                if budget.asks > 0 && (!in_doubt || lax) {
                    actions.push(Action::Ask(process));
                }
                if budget.cancels > 0 && !in_doubt {
                    actions.push(Action::Cancel(process));
                    actions.push(Action::Abandon(process));
                }
            }
            Status::Stuck if budget.cancels > 0 => actions.push(Action::Cancel(process)),
            _ if self.is(Mutation::NoRecovery) => {}
            Status::Waiting => actions.push(Action::Resume(process)),
            Status::Running | Status::Compensating => {
                let holder = row.holder.and_then(|holder| state.run(holder));
                if holder.is_none_or(|run| run.row.fence != row.fence) {
                    actions.push(Action::Resume(process));
                } else if budget.slow > 0 {
                    actions.push(Action::TakeOver(process));
                }
            }
            _ => {}
        }
    }

    fn for_busy(&self, state: &State, process: u8, run: &Run, actions: &mut Vec<Action>) {
        let budget = state.budget;
        if budget.crashes > 0 {
            actions.push(Action::Crash(process));
        }
        match run.at {
            At::AwaitOrder { .. } | At::AwaitPayment { .. } => {
                if budget.timeouts > 0 {
                    actions.push(Action::TimeOut(process));
                }
            }
            At::Look => {
                if found(state, run).is_some() {
                    actions.push(Action::Find(process));
                    return;
                }
                let payment = run.row.in_flight.as_ref().is_some_and(|attempt| attempt.step == Step::Payment);
                if payment {
                    actions.push(Action::TokenExpires(process));
                } else if self.window_may_end(state) {
                    actions.push(Action::WindowEnds(process));
                }
                if budget.defers > 0 {
                    actions.push(Action::Defer(process));
                }
                if budget.refusals > 0 {
                    actions.push(Action::Refuse(process));
                }
            }
            _ => actions.push(Action::Step(process)),
        }
    }

    /// The settle window is chosen longer than a request is on its way, a list lags behind, or a process sleeps between
    /// its intent and its call. Where that is not assumed, the window may end at any moment.
    fn window_may_end(&self, state: &State) -> bool {
        if !self.window_is_long_enough || self.is(Mutation::NoSettleWindow) {
            return true;
        }
        let on_its_way = state.net.iter().any(|request| matches!(request, Request::Create { .. }));
        let asleep = [0, 1].into_iter().filter_map(|process| state.run(process)).any(|run| {
            run.row.fence != state.row.fence && matches!(run.at, At::SendOrder | At::AwaitOrder { .. })
        });
        let lags = state.upstream.orders.iter().any(|order| !order.listed);
        !on_its_way && !asleep && !lags
    }

    /// Makes it happen.
    pub(super) fn happen(&self, state: &mut State, action: Action) {
        match action {
            Action::Ask(process) => self.ask(state, process),
            Action::Cancel(process) => self.cancel(state, process, Event::CancelRequested),
            Action::Abandon(process) => self.cancel(state, process, Event::Abandoned),
            Action::Restart => self.restart(state),
            Action::Resume(process) => self.resume(state, process),
            Action::TakeOver(process) => {
                state.budget.slow -= 1;
                self.resume(state, process);
            }
            Action::Step(process) => self.step(state, process),
            Action::Find(process) => {
                if let Some(run) = state.run(process).cloned()
                    && let Some(at) = found(state, &run)
                {
                    state.put(process, run, at);
                }
            }
            Action::WindowEnds(process) => go_to(state, process, At::Record(Outcome::Absent)),
            Action::TokenExpires(process) => {
                let token = state.run(process).and_then(|run| run.row.in_flight.as_ref()?.checkpoint);
                if let Some(checkpoint) = token
                    && !state.upstream.spent.contains(&checkpoint.token)
                {
                    state.upstream.spent.push(checkpoint.token);
                }
                go_to(state, process, At::Record(Outcome::Stuck));
            }
            Action::Defer(process) => {
                state.budget.defers -= 1;
                go_to(state, process, At::Record(Outcome::StillUnknown));
            }
            Action::Refuse(process) => {
                state.budget.refusals -= 1;
                go_to(state, process, At::Record(Outcome::StillUnknown));
            }
            Action::TimeOut(process) => {
                state.budget.timeouts -= 1;
                go_to(state, process, At::Record(Outcome::Unknown));
            }
            Action::Crash(process) => {
                state.budget.crashes -= 1;
                state.set(process, Process::Idle);
            }
            Action::Duplicate(request) => {
                state.budget.duplicates -= 1;
                state.net.push(request);
            }
            Action::Execute { request, lag, heard } => {
                take(state, request);
                state.budget.lags -= u8::from(lag);
                execute(state, request, !lag, heard);
            }
            Action::Vanish(request) => take(state, request),
            Action::Accept { token } => {
                state.budget.pendings -= 1;
                answer(state, At::AwaitPayment { token }, At::Record(Outcome::Accepted));
            }
            Action::Approve { order, token, lag } => {
                state.budget.lags -= u8::from(lag);
                if let Some(order) = settled(state, order, token) {
                    order.charges += 1;
                    order.hidden_charges += u8::from(lag);
                    order.stands = Stands::Paid;
                }
                state.upstream.cart_gone = true;
                answer(state, At::AwaitPayment { token }, At::Record(Outcome::Paid));
            }
            Action::Decline { order, token, lag } => {
                state.budget.lags -= u8::from(lag);
                state.budget.declines -= 1;
                if let Some(order) = settled(state, order, token) {
                    order.declines += 1;
                    order.hidden_declines += u8::from(lag);
                }
                answer(state, At::AwaitPayment { token }, At::Record(Outcome::Declined));
            }
            Action::PagePays { ours, hides } => others::page_pays(state, ours, hides),
            Action::CartCatchesUp => state.upstream.cart_lags = false,
            Action::MerchantCancels { order } | Action::MerchantMoves { order } => {
                state.budget.merchants -= 1;
                let moved = matches!(action, Action::MerchantMoves { .. });
                if let Some(order) = state.upstream.orders.get_mut(usize::from(order)) {
                    order.stands = if moved { Stands::Moved } else { Stands::Cancelled };
                }
            }
            Action::CatchUp { order } => {
                if let Some(order) = state.upstream.orders.get_mut(usize::from(order)) {
                    order.listed = true;
                    order.hidden_charges = 0;
                    order.hidden_declines = 0;
                }
            }
        }
    }
}

/// BigCommerce carries a request out: as many orders of one cart as it is asked for, one payment for a token.
fn execute(state: &mut State, request: Request, listed: bool, heard: bool) {
    match request {
        // 404: there is no such cart any more.
        Request::Create { send } if state.upstream.cart_gone => {
            answer(state, At::AwaitOrder { send }, At::Record(Outcome::Interrupted));
        }
        Request::Create { send } => {
            let id = u8::try_from(state.upstream.orders.len()).unwrap_or(u8::MAX);
            state.upstream.orders.push(Order {
                send: Some(send),
                stands: Stands::Incomplete,
                archived: false,
                listed,
                gateway: Vec::new(),
                charges: 0,
                page_charges: 0,
                declines: 0,
                hidden_charges: 0,
                hidden_declines: 0,
            });
            if heard {
                answer(state, At::AwaitOrder { send }, At::Verify { order: id });
            }
        }
        Request::Pay { order, token } => {
            let spent = state.upstream.spent.contains(&token);
            match state.upstream.orders.get_mut(usize::from(order)) {
                Some(order) if order.can_be_paid() && !spent => {
                    order.gateway.push(token);
                    order.gateway.sort_unstable();
                    state.upstream.spent.push(token);
                }
                // 30101 or 30105: a charge probably exists. Never taken for a refusal.
                _ => answer(state, At::AwaitPayment { token }, At::Record(Outcome::Unknown)),
            }
        }
    }
}

/// The order, with this payment out of the gateway.
fn settled(state: &mut State, order: u8, token: u8) -> Option<&mut Order> {
    let order = state.upstream.orders.get_mut(usize::from(order))?;
    order.gateway.retain(|&other| other != token);
    Some(order)
}

fn take(state: &mut State, request: Request) {
    if let Some(place) = state.net.iter().position(|&other| other == request) {
        state.net.remove(place);
    }
}

fn go_to(state: &mut State, process: u8, at: At) {
    if let Some(run) = state.run(process).cloned() {
        state.put(process, run, at);
    }
}

/// Who waits there.
fn waiter(state: &State, at: At) -> Option<u8> {
    [0, 1].into_iter().find(|&process| state.run(process).is_some_and(|run| run.at == at))
}

/// An answer reaches whoever still waits for it.
fn answer(state: &mut State, from: At, to: At) {
    if let Some(process) = waiter(state, from) {
        go_to(state, process, to);
    }
}

fn is_awaited(state: &State, request: Request) -> bool {
    let at = match request {
        Request::Create { send } => At::AwaitOrder { send },
        Request::Pay { token, .. } => At::AwaitPayment { token },
    };
    waiter(state, at).is_some() && state.net.iter().filter(|&&other| other == request).count() == 1
}
