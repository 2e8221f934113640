//! Other hands on the cart and its order: the shopper on BigCommerce's hosted page and the merchant, and the two
//! witnesses by which the saga learns of them.

use super::Saga;
use super::mutation::Mutation;
use super::state::{At, Order, Outcome, Request, Row, Stands, State};
use super::world::Action;

/// Which of the two witnesses does not know yet that the hosted page was paid. They are independent: never both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hides {
    Nothing,
    List,
    Cart,
}

impl Saga {
    /// `cancel.execute`: what was paid elsewhere is not undone, and a cart that is gone proves nothing.
    pub(super) fn undo(&self, state: &mut State, row: &Row) -> Outcome {
        if state.upstream.handed_over {
            let there = !state.upstream.cart_gone || state.upstream.cart_lags;
            let found = placed(state).filter(|_| !self.is(Mutation::NoListWitness));
            if let Some(order) = found {
                return Outcome::PaidElsewhere { order };
            }
            if !there && !self.is(Mutation::NoCartWitness) {
                return Outcome::Stuck;
            }
        }
        let order = row.order.and_then(|id| state.upstream.orders.get_mut(usize::from(id)));
        match order {
            Some(order) if order.stands == Stands::Paid => return Outcome::Stuck,
            Some(order) => order.stands = Stands::Cancelled,
            None => {}
        }
        state.broken.undone_though_paid |= state.upstream.orders.iter().any(|order| order.page_charges > 0);
        // BigCommerce deletes the cart: nobody pays it any more.
        state.upstream.cart_gone = true;
        Outcome::Undone
    }
}

/// An order of the cart that the list shows as paid on the hosted page.
pub(super) fn placed(state: &State) -> Option<u8> {
    let shown = |order: &Order| order.is_found() && order.page_charges > 0 && order.shows_money();
    u8::try_from(state.upstream.orders.iter().position(shown)?).ok()
}

/// The cart is gone: either the list says who paid it, or it is waited for.
pub(super) fn gone(state: &State) -> At {
    At::Record(placed(state).map_or(Outcome::Interrupted, |order| Outcome::PaidElsewhere { order }))
}

/// What the merchant and the shopper on the hosted page may do now.
pub(super) fn possible(state: &State, actions: &mut Vec<Action>) {
    let budget = state.budget;
    let payable = (0_u8..).zip(&state.upstream.orders).filter(|(_, order)| order.can_be_paid());
    let payable: Vec<u8> = payable.map(|(id, _)| id).collect();
    if budget.merchants > 0 {
        for &order in &payable {
            actions.push(Action::MerchantCancels { order });
            actions.push(Action::MerchantMoves { order });
        }
    }
    if budget.pages > 0 && !state.upstream.cart_gone {
        for ours in payable.into_iter().map(Some).chain([None]) {
            for hides in [Hides::Nothing, Hides::List, Hides::Cart] {
                if hides == Hides::Nothing || budget.lags > 0 {
                    actions.push(Action::PagePays { ours, hides });
                }
            }
        }
    }
    if state.upstream.cart_gone && state.upstream.cart_lags {
        actions.push(Action::CartCatchesUp);
    }
}

pub(super) fn page_pays(state: &mut State, ours: Option<u8>, hides: Hides) {
    state.budget.pages -= 1;
    state.budget.lags -= u8::from(hides != Hides::Nothing);
    // Whoever has looked already, or is on the way to the gateway, cannot know of it.
    let looked = [0, 1].into_iter().filter_map(|process| state.run(process)).any(|run| {
        matches!(
            run.at,
            At::AskList(_) | At::Checkpoint(_) | At::SendPayment { .. } | At::AwaitPayment { .. }
        )
    });
    let sent = state.net.iter().any(|request| matches!(request, Request::Pay { .. }));
    let taken = state.upstream.orders.iter().any(|order| !order.gateway.is_empty());
    state.broken.raced |= looked || sent || taken;
    state.upstream.cart_gone = true;
    state.upstream.cart_lags = hides == Hides::Cart;
    let hidden = u8::from(hides == Hides::List);
    if let Some(order) = ours.and_then(|id| state.upstream.orders.get_mut(usize::from(id))) {
        order.page_charges += 1;
        order.hidden_charges += hidden;
        order.stands = Stands::Paid;
        return;
    }
    state.upstream.orders.push(Order {
        send: None,
        stands: Stands::Paid,
        archived: false,
        listed: hides != Hides::List,
        gateway: Vec::new(),
        charges: 0,
        page_charges: 1,
        declines: 0,
        hidden_charges: hidden,
        hidden_declines: 0,
    });
}
