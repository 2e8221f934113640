//! The cells of the second dimension: which deed is done around which call, how each must end, and what cannot be.

use std::collections::BTreeSet;

use bigcommerce_simulator::{Actor, DEEDS, Deed, Effect};

/// What the calls are made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A cart, step by step, paid with a card.
    Pays,
    /// The same; the cart was handed over to the hosted page before.
    HandedOver,
    /// Cancelled after the order was made.
    Cancels,
    /// A cart, step by step; the answer to its payment is lost, and the order is looked at.
    Doubted,
    /// A cart, step by step, whose card only authorizes.
    Authorizes,
    /// The same; the answer to its payment is lost, and the order is looked at.
    DoubtedAuthorization,
    /// A direct order, paid with a card.
    Direct,
    /// A direct order that is cancelled.
    CancelsDirect,
}

/// The calls of each way that a deed is done around. `reasons` says why the other calls have no cells here.
pub(super) const PAYING: [&str; 8] = [
    "add-billing-address",
    "add-consignments",
    "update-consignment",
    "get-checkout",
    "create-order",
    "list-orders",
    "create-access-token",
    "process-payment",
];
pub(super) const CANCELLING: [&str; 2] = ["update-order", "delete-cart"];
pub(super) const LOOKING: [&str; 1] = ["get-order"];
pub(super) const AUTHORIZING: [&str; 2] = ["process-payment", "get-order"];
pub(super) const DIRECT: [&str; 3] = ["create-order-v2", "create-access-token", "process-payment"];

impl Way {
    pub(super) fn cancels(self) -> bool {
        matches!(self, Self::Cancels | Self::CancelsDirect)
    }

    /// Whether its card only authorizes.
    pub(super) fn authorizes(self) -> bool {
        matches!(self, Self::Authorizes | Self::DoubtedAuthorization)
    }

    /// Whether the answer to its payment is lost.
    pub(super) fn is_doubted(self) -> bool {
        matches!(self, Self::Doubted | Self::DoubtedAuthorization)
    }

    pub(super) fn is_direct(self) -> bool {
        matches!(self, Self::Direct | Self::CancelsDirect)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) way: Way,
    pub(super) call: &'static str,
    pub(super) deed: Deed,
    pub(super) effect: Effect,
}

fn is_ordered(Cell { way, call, effect, .. }: Cell) -> bool {
    matches!(call, "list-orders" | "create-access-token" | "process-payment")
        || (matches!(call, "create-order" | "create-order-v2") && effect == Effect::After)
        || way.is_doubted()
        || matches!(way, Way::Cancels | Way::CancelsDirect)
}

fn is_paid(Cell { way, call, effect, .. }: Cell) -> bool {
    way == Way::Doubted || (call == "process-payment" && effect == Effect::After)
}

/// What cannot be, and why.
pub(super) fn impossible(cell: Cell) -> Option<&'static str> {
    let Cell { way, call, deed, effect } = cell;
    let direct = matches!(way, Way::Direct | Way::CancelsDirect);
    let (ordered, paid) = (is_ordered(cell), is_paid(cell));
    if direct && (!deed.is_to_order() || deed == Deed::PayOrder) {
        return Some("a direct order has no cart, and is never handed over");
    }
    let pays =
        matches!(deed, Deed::PayPage | Deed::Complete | Deed::PayOrder | Deed::OpenPage | Deed::OrderAgain);
    if deed.is_to_order() && !ordered {
        return Some("there is no order yet");
    }
    let of_authorized = matches!(deed, Deed::Capture | Deed::Void);
    if of_authorized && !way.authorizes() {
        return Some("a card that pays at once authorizes nothing");
    }
    if way.authorizes() && !of_authorized {
        return Some("the same as for a card that pays at once");
    }
    if way.authorizes() {
        let sent = call != "process-payment" || effect == Effect::After;
        return if sent { None } else { Some("nothing is paid yet") };
    }
    if matches!(deed, Deed::RefundPart | Deed::RefundAll) && !paid {
        return Some("nothing is paid yet");
    }
    if paid && !matches!(deed, Deed::RefundPart | Deed::RefundAll | Deed::Note | Deed::Ship | Deed::Archive) {
        return Some("it is paid and its cart is gone: what follows is between the merchant and the shopper");
    }
    if matches!(way, Way::Pays | Way::Doubted) && (pays || deed.actor() == Actor::HostedPage) {
        return Some("nobody was handed the cart over");
    }
    if !pays && way == Way::HandedOver {
        return Some("the same as without a hand-over");
    }
    if pays && (way == Way::Cancels || matches!(call, "process-payment")) {
        return Some("in the same moment as our payment or cancel: `absence` and `commerce` play it");
    }
    if deed == Deed::Complete
        && matches!(call, "add-billing-address" | "add-consignments" | "update-consignment")
    {
        return Some("it cannot be ordered yet");
    }
    if deed == Deed::OrderAgain && !ordered && call != "create-order" && call != "get-checkout" {
        return Some("it cannot be ordered yet");
    }
    if matches!(deed, Deed::RemoveConsignment | Deed::ChangeAddress) && call == "add-billing-address" {
        return Some("there is no address or consignment yet");
    }
    if way.cancels() && deed == Deed::Cancel && (call == "delete-cart" || effect == Effect::After) {
        return Some("it is cancelled already");
    }
    if deed == Deed::RemoveConsignment && call == "add-consignments" && effect == Effect::Before {
        return Some("there is no address or consignment yet");
    }
    if way == Way::Cancels && call == "delete-cart" && effect == Effect::After && !deed.is_to_order() {
        return Some("the cart is gone");
    }
    None
}

pub(super) fn cells() -> Vec<Cell> {
    let ways = [
        (Way::Pays, &PAYING[..]),
        (Way::HandedOver, &PAYING[..]),
        (Way::Cancels, &CANCELLING[..]),
        (Way::Doubted, &LOOKING[..]),
        (Way::Authorizes, &AUTHORIZING[..]),
        (Way::DoubtedAuthorization, &LOOKING[..]),
        (Way::Direct, &DIRECT[..]),
        (Way::CancelsDirect, &CANCELLING[..1]),
    ];
    let mut cells = Vec::new();
    for (way, calls) in ways {
        for &call in calls {
            for deed in DEEDS {
                for effect in [Effect::Before, Effect::After] {
                    cells.push(Cell { way, call, deed, effect });
                }
            }
        }
    }
    cells
}

/// How it must end; `gone`: nothing is charged, because there is nothing to order any more.
pub(super) fn wanted(cell: Cell) -> &'static str {
    let Cell { way, call, deed, effect } = cell;
    let paid = is_paid(cell);
    match deed {
        _ if way.cancels() => "cancelled",
        // A status that somebody chose by hand, and no money: BigCommerce takes no payment, and a person is asked.
        Deed::MarkPending if !paid => "stuck:order-not-payable",
        // One that says "paid" may be ahead of the list of transactions: once a payment may have been sent, that is no proof of
        // either.
        Deed::MarkPaid | Deed::Ship if !paid => {
            let sent = (call, effect) == ("create-access-token", Effect::After) || call == "process-payment";
            if sent { "stuck:payment-unknown" } else { "stuck:order-not-payable" }
        }
        // Without a cart there is nothing to order; with an order it is paid all the same.
        Deed::DeleteCart if !is_ordered(cell) => "gone",
        // Let go before it was known that it was authorized: BigCommerce has deleted the cart. One that was known to be, in the
        // look that it comes after as well, is between the merchant and the shopper. So is a capture: it takes what was
        // authorized, and is no second payment.
        Deed::Void if way == Way::DoubtedAuthorization && effect == Effect::Before => "gone",
        // Given back before it was known that it was paid: BigCommerce has deleted the cart.
        Deed::RefundAll if way == Way::Doubted => "gone",
        _ => "completed",
    }
}

/// How a checkout may end that is paid and to which this is done; nothing where that has no cells.
pub(super) fn ends(deed: Deed) -> BTreeSet<&'static str> {
    let paid = cells().into_iter().filter(|cell| cell.deed == deed && !cell.way.cancels());
    paid.filter(|cell| impossible(*cell).is_none()).map(wanted).collect()
}

/// Every reason why a cell cannot be.
pub(super) fn all_reasons() -> BTreeSet<&'static str> {
    cells().into_iter().filter_map(impossible).collect()
}

/// What `MATRIX` calls it.
pub(super) fn name(cell: Cell) -> String {
    format!("{:?}:{}:{:?}:{:?}", cell.way, cell.call, cell.deed, cell.effect)
}
