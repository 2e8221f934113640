//! The second dimension for orders that are paid in part: what others do just before or just after the calls that pay the rest, or
//! that give the parts back. BigCommerce is played in both ways in which such an order may be shown.

use std::collections::BTreeSet;

use bigcommerce_simulator::{DEEDS, Deed, Effect, Fault, Kind, PartialPayment};
use rust_decimal::Decimal;

use super::derived::{PARTIAL, named, open_questions};
use super::shops::{self, Shop, play_all};
use super::ways::{Walk, Way};
use crate::harness::{World, run_with};

#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    way: Way,
    call: &'static str,
    nth: u64,
    pub(super) deed: Deed,
    effect: Effect,
    partial: PartialPayment,
}

/// The calls that deeds are done around: the token for the credit, what a cancel sends, the card, and, in one call, the credit.
/// The first two are played under both of the [`PARTIAL`].
const POINTS: [(Way, &str, u64); 4] = [
    (Way::PartsOneByOne, "create-access-token", 2),
    (Way::CancelsParts, "refund", 1),
    (Way::PartsOneByOne, "process-payment", 3),
    (Way::PartsInOneCall, "process-payment", 2),
];

impl Cell {
    fn name(self) -> String {
        let Self { way, call, nth, deed, effect, partial } = self;
        named(&format!("{way:?}:{call}:{nth}:{deed:?}:{effect:?}"), partial)
    }

    /// Whether all is paid when it is done.
    fn is_paid(self) -> bool {
        (self.call, self.nth, self.effect) == ("process-payment", 3, Effect::After)
    }

    /// Whether the parts are back when it is done.
    fn is_given_back(self) -> bool {
        (self.call, self.effect) == ("refund", Effect::After)
    }

    /// Whether the order takes no payment from then on, although no money has moved: the shopper gets the parts back.
    fn closes(self) -> bool {
        matches!(
            self.deed,
            Deed::Cancel
                | Deed::MarkDeclined
                | Deed::MarkPaid
                | Deed::MarkPending
                | Deed::Ship
                | Deed::Archive
        )
    }

    /// Whether certificate and credit are paid when it is done.
    fn holds_more_than_half(self) -> bool {
        (self.call, self.nth) == ("process-payment", 3)
            || (self.call, self.nth, self.effect) == ("process-payment", 2, Effect::After)
    }

    /// Whether the merchant moves money, or makes the order cheaper than what is held already.
    fn moves_money(self) -> bool {
        matches!(self.deed, Deed::RefundPart | Deed::RefundAll)
            || (self.deed == Deed::TotalDown && self.holds_more_than_half())
    }
}

/// What cannot be, and why.
pub(super) fn impossible(cell: Cell) -> Option<&'static str> {
    let Cell { deed, .. } = cell;
    if matches!(deed, Deed::Capture | Deed::Void) {
        return Some("store credit, certificates and a card that pays at once authorize nothing");
    }
    if deed == Deed::PayOrder || (!deed.is_to_order() && deed != Deed::DeleteCart) {
        return Some("nobody was handed the cart over, and the order is made: its cart no longer counts");
    }
    if cell.is_paid() && !matches!(deed, Deed::RefundPart | Deed::RefundAll | Deed::Note | Deed::Archive) {
        return Some("it is paid and its cart is gone: what follows is between the merchant and the shopper");
    }
    if cell.is_given_back() && matches!(deed, Deed::RefundPart | Deed::RefundAll) {
        return Some("everything is given back already");
    }
    if deed == Deed::MarkPending && cell.partial != PARTIAL[0] {
        return Some("it is Pending already");
    }
    None
}

/// How it must end.
pub(super) fn wanted(cell: Cell) -> &'static str {
    let before_the_token = (cell.call, cell.effect) == ("create-access-token", Effect::Before);
    match cell.deed {
        _ if cell.way == Way::CancelsParts => "cancelled",
        _ if cell.closes() && !cell.is_paid() => "cancelled",
        // An order that is called partially refunded, and of which less than the total was ever paid: whether the rest may be
        // paid is for a person, and so is a payment that was sent meanwhile.
        Deed::RefundPart if before_the_token => "stuck:order-not-payable",
        Deed::RefundPart if !cell.is_paid() => "stuck:payment-unknown",
        // Given back before it was known that all was paid: BigCommerce has deleted the cart.
        Deed::RefundAll if cell.is_paid() => "expired",
        // The parts are more than it costs now: which of them goes back is for a person.
        Deed::TotalDown if cell.holds_more_than_half() => "stuck:paid-twice",
        _ => "completed",
    }
}

pub(super) fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for partial in PARTIAL {
        let points = if partial == PARTIAL[0] { &POINTS[..] } else { &POINTS[..2] };
        for &(way, call, nth) in points {
            for deed in DEEDS {
                for effect in [Effect::Before, Effect::After] {
                    cells.push(Cell { way, call, nth, deed, effect, partial });
                }
            }
        }
    }
    cells
}

/// The deeds that have cells.
pub(super) fn deeds() -> impl Iterator<Item = Deed> {
    let played =
        |deed: &Deed| cells().into_iter().any(|cell| cell.deed == *deed && impossible(cell).is_none());
    DEEDS.into_iter().filter(played)
}

/// How an order that is paid in part may end to which this is done.
pub(super) fn ends(deed: Deed) -> BTreeSet<&'static str> {
    let those = cells().into_iter().filter(|cell| cell.deed == deed && impossible(*cell).is_none());
    those.map(wanted).collect()
}

/// Every reason why a cell cannot be.
pub(super) fn all_reasons() -> BTreeSet<&'static str> {
    cells().into_iter().filter_map(impossible).collect()
}

/// What the books say at the end: one order holds money and no other, what is completed holds what it costs, and what is undone
/// holds nothing, but for what a merchant gave back.
fn check(cell: Cell, shop: &Shop<'_>, end: &str) -> Result<(), String> {
    let holding = shop.holding();
    let wrong = |what: &str| Err(format!("{what}: {holding:?} {:?}", shop.ledger().charges));
    let refunded = matches!(cell.deed, Deed::RefundPart | Deed::RefundAll) && cell.is_paid();
    match end {
        "stuck:paid-twice" if holding.len() == 1 => Ok(()),
        "completed" if refunded && holding.len() <= 1 => Ok(()),
        "completed" if holding.len() == 1 && holding[0].is_whole() => Ok(()),
        "completed" => wrong("completed, and what is held is not what it costs"),
        "cancelled" | "expired" if !holding.is_empty() => wrong("undone, and money is held"),
        _ if holding.len() > 1 || holding.iter().any(|money| money.open < Decimal::ZERO) => {
            wrong("too much is held")
        }
        _ => Ok(()),
    }
}

async fn play(world: &World, shop: Shop<'_>, cell: Cell) -> Result<(), String> {
    let name = cell.name();
    let mut walk = Walk::begin(world, cell.way, shop).await;
    if cell.moves_money() {
        world.others_moved_money_of(&walk.path);
    }
    let fault = Fault::on(cell.call).kind(Kind::Meanwhile { does: cell.deed, effect: cell.effect });
    let fault = walk.shop.add_fault(fault.nth(cell.nth));
    let end = walk.go_on(world).await;
    if world.simulator.reached(fault) == 0 {
        return Err(format!("{name} was not reached: {end}"));
    }
    if end != wanted(cell) {
        let why = walk.why().await;
        return Err(format!("{name}: {end} instead of {}: {why}", wanted(cell)));
    }
    check(cell, &walk.shop, &end).map_err(|wrong| format!("{name}: {wrong}"))
}

async fn play_cells(partial: PartialPayment) {
    let chosen = super::wanted();
    let possible = cells().into_iter().filter(|cell| cell.partial == partial && impossible(*cell).is_none());
    let cells: Vec<Cell> =
        possible.filter(|cell| chosen.as_ref().is_none_or(|chosen| cell.name().contains(chosen))).collect();
    let mut world = shops::world(cells.len().max(1), open_questions(partial)).await;
    // Nothing hangs here: only a busy machine could be slower than these.
    for (name, value) in
        [("UPSTREAM_TIMEOUT_SECONDS", "4"), ("PAYMENT_TIMEOUT_SECONDS", "4"), ("LEASE_SECONDS", "12")]
    {
        world.set(name, value);
    }
    run_with(world, async |world, service| {
        let (world_ref, service_ref) = (world, service);
        play_all(&cells, |number, cell| play(world_ref, Shop::new(world_ref, service_ref, number), cell))
            .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_do_around_the_calls_that_pay_the_rest() {
    play_cells(PartialPayment::Incomplete).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_do_to_an_order_that_is_pending_when_paid_in_part() {
    play_cells(PartialPayment::PendingPayable).await;
}
