//! What must hold in every state, and what must be possible at all.

use headless_checkout::checkout::Status;
use stateright::Property;

use super::Saga;
use super::state::{Goal, Request, Stands, State};

pub(crate) const ONE_PAID_ORDER: &str = "at most one order is paid";
pub(crate) const ONE_CHARGE: &str = "there is at most one charge";
pub(crate) const ONE_ORDER_ROW: &str = "at most one order row is alive";
pub(crate) const FENCED: &str = "an outcome is written only under the current fence";
pub(crate) const LEGAL: &str = "every transition is one of checkout::next";
pub(crate) const FINAL: &str = "a final status never changes";
pub(crate) const PAID_FOR: &str = "a completed checkout was charged";
pub(crate) const NOTHING_HIDDEN: &str = "what awaits input or was undone hides no charge";
pub(crate) const PAID_ONCE: &str = "the page and we are paid together only in the same moment";
pub(crate) const TRULY_UNDONE: &str = "what was paid elsewhere is never called undone";
pub(crate) const NO_SECOND_ORDER: &str = "an order is made again only where none was made";
pub(crate) const NOT_PULLED_AWAY: &str = "the order of a checkout is never archived under it";
pub(crate) const UNDONE_ONLY: &str = "what is being undone is never run forward";
pub(crate) const ENDS_AT_REST: &str = "what cannot go on is at rest";

pub(crate) const COMPLETES: &str = "it completes";
pub(crate) const GETS_STUCK: &str = "it gets stuck";
pub(crate) const IS_UNDONE: &str = "it is undone";
pub(crate) const PAID_THERE: &str = "it completes with what was paid on the hosted page";
pub(crate) const REORDERS: &str = "an order that the merchant cancelled is made again";
pub(crate) const LAPSES: &str = "it expires";
pub(crate) const ARCHIVES: &str = "a surplus order is archived";
pub(crate) const TAKES_OVER: &str = "two processes work on it, one under an old fence";

pub(crate) fn all() -> Vec<Property<Saga>> {
    vec![
        Property::always(ONE_PAID_ORDER, |_, state: &State| {
            state.upstream.orders.iter().filter(|order| order.charges > 0).count() <= 1
        }),
        Property::always(ONE_CHARGE, |_, state: &State| charges(state) <= 1),
        Property::always(ONE_ORDER_ROW, |_, state: &State| state.alive.len() <= 1),
        Property::always(FENCED, |_, state: &State| !state.broken.fence),
        Property::always(LEGAL, |_, state: &State| !state.broken.illegal),
        Property::always(FINAL, |_, state: &State| !state.broken.end),
        Property::always(PAID_FOR, |_, state: &State| {
            let charged = state.row.order.and_then(|id| state.upstream.orders.get(usize::from(id)));
            state.row.status != Status::Completed
                || charged.is_some_and(|order| order.charges + order.page_charges > 0)
        }),
        Property::always(PAID_ONCE, |_, state: &State| {
            state.broken.raced || charges(state) + page_charges(state) <= 1
        }),
        Property::always(TRULY_UNDONE, |_, state: &State| !state.broken.undone_though_paid),
        Property::always(NOTHING_HIDDEN, |_, state: &State| {
            let quiet =
                matches!(state.row.status, Status::AwaitingInput | Status::Cancelled | Status::Expired);
            !quiet || (charges(state) == 0 && !may_yet_be_charged(state))
        }),
        Property::always(NO_SECOND_ORDER, |model, state: &State| {
            // What the merchant cancelled is made again at once, without a window: a slow process may add a twin, which is
            // archived. One of the hosted page is nobody's second.
            let ours = || state.upstream.orders.iter().filter(|order| order.send.is_some());
            let remade = ours().any(|order| order.stands == Stands::Cancelled);
            let mut sends = ours().filter(|_| !remade).map(|order| order.send);
            let first = sends.next();
            !model.window_is_long_enough || sends.all(|send| Some(send) == first)
        }),
        Property::always(NOT_PULLED_AWAY, |_, state: &State| {
            let ours = state.row.order.and_then(|id| state.upstream.orders.get(usize::from(id)));
            ours.is_none_or(|order| !order.archived)
        }),
        Property::always(UNDONE_ONLY, |_, state: &State| {
            let forward = !matches!(state.row.status, Status::Compensating | Status::Stuck);
            !(forward && state.row.goal == Some(Goal::Cancel))
        }),
        Property::always(ENDS_AT_REST, |model, state: &State| {
            if state.row.status.is_at_rest() {
                return true;
            }
            let mut actions = Vec::new();
            model.possible(state, &mut actions);
            actions.iter().any(|action| !action.is_optional())
        }),
        Property::sometimes(COMPLETES, |_, state: &State| state.row.status == Status::Completed),
        Property::sometimes(GETS_STUCK, |_, state: &State| state.row.status == Status::Stuck),
        Property::sometimes(IS_UNDONE, |_, state: &State| state.row.status == Status::Cancelled),
        Property::sometimes(LAPSES, |_, state: &State| state.row.status == Status::Expired),
        Property::sometimes(PAID_THERE, |_, state: &State| {
            state.row.status == Status::Completed && charges(state) == 0
        }),
        Property::sometimes(REORDERS, |_, state: &State| {
            let cancelled = state.upstream.orders.iter().any(|order| order.stands == Stands::Cancelled);
            state.row.status == Status::Completed && cancelled
        }),
        Property::sometimes(ARCHIVES, |_, state: &State| {
            state.upstream.orders.iter().any(|order| order.archived)
        }),
        Property::sometimes(TAKES_OVER, |_, state: &State| {
            let fences = [0, 1].map(|process| state.run(process).map(|run| run.row.fence));
            matches!(fences, [Some(one), Some(other)] if one != other)
        }),
    ]
}

fn page_charges(state: &State) -> u8 {
    state.upstream.orders.iter().map(|order| order.page_charges).sum()
}

fn charges(state: &State) -> u8 {
    state.upstream.orders.iter().map(|order| order.charges).sum()
}

/// A payment in the gateway, or on its way to an order that would take it.
fn may_yet_be_charged(state: &State) -> bool {
    let upstream = &state.upstream;
    upstream.orders.iter().any(|order| !order.gateway.is_empty())
        || state.net.iter().any(|request| match *request {
            Request::Pay { order, token } => {
                !upstream.spent.contains(&token)
                    && upstream.orders.get(usize::from(order)).is_some_and(super::state::Order::can_be_paid)
            }
            Request::Create { .. } => false,
        })
}
