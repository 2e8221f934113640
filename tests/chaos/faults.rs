//! The faults that a run may meet: every call of the saga, every kind that the simulator plays.

use bigcommerce_simulator::{Deed, Effect, Fault, Kind};

use crate::dice::Dice;

/// The calls that faults are planned for, by the simulator's names, with their weights.
pub(crate) const CALLS: [(u32, &str); 20] = [
    (3, "create-cart"),
    (2, "add-billing-address"),
    (2, "update-billing-address"),
    (4, "add-consignments"),
    (2, "delete-consignment"),
    (3, "update-consignment"),
    (1, "add-cart-items"),
    (1, "update-cart-item"),
    (3, "get-checkout"),
    (8, "create-order"),
    (3, "create-order-v2"),
    (4, "list-orders"),
    (4, "get-order"),
    (3, "create-access-token"),
    (7, "process-payment"),
    (4, "list-transactions"),
    (1, "update-order"),
    (1, "archive-order"),
    (2, "delete-cart"),
    (1, "update-checkout"),
];

/// The kinds, by name, with their weights.
pub(crate) const KINDS: [(u32, &str); 21] = [
    (3, "500-before"),
    (4, "500-after"),
    (2, "503-before"),
    (2, "504-after"),
    (1, "401-before"),
    (1, "423-before"),
    (3, "hang-before"),
    (4, "hang-after"),
    (3, "reset-before"),
    (4, "reset-after"),
    (3, "reset-in-body"),
    (3, "malformed"),
    (1, "html-before"),
    (2, "html-after"),
    (2, "slow-answer"),
    (3, "answer-after-timeout"),
    (3, "delivered-late"),
    (3, "rate-limit"),
    (2, "rate-limit-without-headers"),
    (3, "duplicate"),
    (2, "duplicate-first"),
];

/// A fault that one run meets.
#[derive(Debug, Clone)]
pub(crate) struct Planned {
    /// The simulator's name of the call.
    pub(crate) call: &'static str,
    /// A name of [`KINDS`].
    pub(crate) kind: &'static str,
    /// The first request that is hit.
    pub(crate) nth: u64,
    /// How many are hit.
    pub(crate) times: u64,
}

impl Planned {
    /// Draws one.
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let call = dice.weighted(&CALLS);
        let kind = dice.weighted(&KINDS);
        let nth = if dice.percent(75) { 1 } else { dice.between(2, 3) };
        let times = if dice.percent(80) { 1 } else { dice.between(2, 3) };
        Self { call, kind, nth, times }
    }

    /// From `call:kind`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (call, kind) = name.split_once(':')?;
        let call = CALLS.iter().find(|(_, known)| *known == call)?.1;
        let kind = KINDS.iter().find(|(_, known)| *known == kind)?.1;
        Some(Self { call, kind, nth: 1, times: 1 })
    }

    /// Its cell.
    pub(crate) fn cell(&self) -> String {
        format!("{}:{}", self.call, self.kind)
    }

    /// As the simulator plays it, for every checkout.
    pub(crate) fn fault(&self) -> Fault {
        let on = Fault::on(self.call).nth(self.nth).times(self.times);
        match self.kind {
            "500-before" => on.status_before(500),
            "500-after" => on.status_after(500),
            "503-before" => on.status_before(503),
            "504-after" => on.status_after(504),
            "401-before" => on.status_before(401),
            "423-before" => on.status_before(423),
            "hang-before" => on.hang_before(),
            "hang-after" => on.hang_after(),
            "reset-before" => on.reset_before(),
            "reset-after" => on.reset_after(),
            "reset-in-body" => on.reset_in_body(),
            "malformed" => on.malformed(),
            "html-before" => on.html_before(502),
            "html-after" => on.html_after(504),
            "slow-answer" => on.slow(300),
            "answer-after-timeout" => on.slow(1500),
            // Carried out although the client has given up, but before the settle window has passed.
            "delivered-late" => on.kind(Kind::Slow { ms: 1350, effect: Effect::Before }),
            "rate-limit" => on.rate_limit(50),
            "rate-limit-without-headers" => on.rate_limit_without_headers(),
            "duplicate" => on.duplicate(),
            _ => on.duplicate_first(),
        }
    }
}

/// What somebody else does in the middle of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Other {
    /// The call in whose middle it happens.
    pub(crate) call: &'static str,
    /// What is done.
    pub(crate) does: Deed,
    /// Before the call takes effect, or after it.
    pub(crate) effect: Effect,
}

const TO_ORDER: [(u32, &str); 5] = [
    (3, "create-order"),
    (2, "get-order"),
    (2, "list-transactions"),
    (3, "create-access-token"),
    (4, "process-payment"),
];

const TO_CART: [(u32, &str); 7] = [
    (2, "add-billing-address"),
    (2, "add-consignments"),
    (2, "update-consignment"),
    (2, "get-checkout"),
    (4, "create-order"),
    (2, "create-access-token"),
    (2, "process-payment"),
];

/// What needs a cart that was handed over: nobody else knows it.
const OF_THE_PAGE: [(u32, Deed); 5] = [
    (3, Deed::OpenPage),
    (4, Deed::PayPage),
    (3, Deed::PayOrder),
    (2, Deed::OrderAgain),
    (3, Deed::Complete),
];

/// What a merchant does after the end.
const AFTERWARDS: [(u32, Deed); 10] = [
    (3, Deed::RefundPart),
    (3, Deed::RefundAll),
    (2, Deed::Void),
    (2, Deed::Capture),
    (2, Deed::Ship),
    (2, Deed::Archive),
    (1, Deed::Note),
    (1, Deed::Cancel),
    (2, Deed::TotalUp),
    (2, Deed::TotalDown),
];

/// Without those that need a cart that was handed over.
const DEEDS: [(u32, Deed); 22] = [
    (4, Deed::TotalUp),
    (4, Deed::TotalDown),
    (1, Deed::Note),
    (3, Deed::MarkPending),
    (3, Deed::MarkPaid),
    (4, Deed::Cancel),
    (2, Deed::MarkDeclined),
    (4, Deed::Archive),
    (1, Deed::Ship),
    (1, Deed::Capture),
    (2, Deed::Void),
    (2, Deed::RefundPart),
    (2, Deed::RefundAll),
    (3, Deed::AddItem),
    (1, Deed::RemoveItem),
    (1, Deed::ApplyCoupon),
    (1, Deed::ChangeAddress),
    (1, Deed::RemoveConsignment),
    (2, Deed::AddFee),
    (2, Deed::DeleteCart),
    (4, Deed::PayOrder),
    (2, Deed::RaiseQuantity),
];

impl Other {
    /// Draws one; `handed_over`: the hosted page and a second tab know the cart.
    pub(crate) fn draw(dice: &mut Dice, handed_over: bool) -> Self {
        let of_the_page = handed_over && dice.percent(40);
        let does = if of_the_page { dice.weighted(&OF_THE_PAGE) } else { dice.weighted(&DEEDS) };
        let call = if does.is_to_order() { dice.weighted(&TO_ORDER) } else { dice.weighted(&TO_CART) };
        let effect = if dice.percent(50) { Effect::Before } else { Effect::After };
        Self { call, does, effect }
    }

    /// As the simulator plays it: at the first such call that it changes something at.
    pub(crate) fn fault(self) -> Fault {
        Fault::on(self.call).times(1).kind(Kind::Meanwhile { does: self.does, effect: self.effect })
    }
}

/// What a merchant does after the end.
pub(crate) fn afterwards(dice: &mut Dice) -> Deed {
    dice.weighted(&AFTERWARDS)
}

/// Whether what an order costs is no longer what it was.
pub(crate) fn edits(does: Deed) -> bool {
    matches!(does, Deed::TotalUp | Deed::TotalDown)
}

/// Whether money goes back.
pub(crate) fn gives_back(does: Deed) -> bool {
    matches!(does, Deed::RefundPart | Deed::RefundAll | Deed::Void)
}

/// Whether another order of the same cart is made through the API.
pub(crate) fn orders(does: Deed) -> bool {
    matches!(does, Deed::OrderAgain | Deed::Complete)
}

/// Whether it takes the hosted page, or another tab that knows the cart from there.
pub(crate) fn is_of_the_page(does: Deed) -> bool {
    matches!(does, Deed::OpenPage | Deed::PayPage | Deed::OrderAgain | Deed::Complete)
}

/// Whether the order moves on without money.
pub(crate) fn moves_on(does: Deed) -> bool {
    matches!(does, Deed::MarkPaid | Deed::MarkPending | Deed::Ship)
}

/// Whether what an order costs, or what is held for it, is no longer ours alone.
pub(crate) fn moves_money(does: Deed) -> bool {
    edits(does) || gives_back(does) || matches!(does, Deed::PayOrder | Deed::PayPage | Deed::Complete)
}

/// Whether the order is over afterwards.
pub(crate) fn ends(does: Deed) -> bool {
    matches!(does, Deed::Archive | Deed::Cancel | Deed::MarkDeclined)
}

/// Whether the cart is gone, the order looks paid, or the money was given back afterwards: then nothing is charged, and the
/// shopper hears that it cannot go on.
pub(crate) fn bars(does: Deed) -> bool {
    matches!(
        does,
        Deed::DeleteCart
            | Deed::RemoveItem
            | Deed::MarkPaid
            | Deed::MarkPending
            | Deed::Ship
            | Deed::Void
            | Deed::RefundAll
    )
}
