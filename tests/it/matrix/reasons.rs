//! Why a call has no cells, with what shows that this is true where a test can read it.

use std::collections::BTreeSet;

use bigcommerce_simulator::CALLS;

use super::deeds::{CANCELLING, DIRECT, LOOKING, PAYING};
use crate::architecture::source::root;
use crate::coverage::calls;

/// Why a call has no cells.
#[derive(Debug, Clone, Copy)]
pub(super) enum Why {
    /// The client has no method that sends it.
    NeverSent,
    /// A GET whose answer is shown, and decides nothing.
    OnlyShows,
    /// The third dimension plays its faults. The runs that it reads its calls off hold that.
    Derived(&'static str),
    /// Other tests, in this file, play its faults.
    Elsewhere(&'static str, &'static str),
    /// It is sent as another call is, which has cells, or tests.
    Like(&'static str, &'static str),
    /// No test can read whether that is true.
    Told(&'static str),
}

impl Why {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::NeverSent => "the service never sends it",
            Self::OnlyShows => "a read that only shows",
            Self::Derived(text) | Self::Elsewhere(text, _) | Self::Like(text, _) | Self::Told(text) => text,
        }
    }
}

const CHAOS: &str = "tests/chaos/faults.rs";

/// Calls without cells in the first dimension that the ways of the third one make.
pub(super) const BY_WAYS: &[&str] = &[
    "get-checkout",
    "get-order",
    "list-transactions",
    "list-refunds",
    "refund-quote",
    "refund",
    "create-order-v2",
];

/// The same of the tasks of operators.
pub(super) const BY_TASKS: &[&str] = &[
    "get-order",
    "list-transactions",
    "refund-quote",
    "refund",
    "capture",
    "void",
    "create-shipment",
    "list-shipments",
];

/// Calls of the simulator that the client has no method for; besides, everything about metafields.
const NEVER_SENT: &[&str] = &[
    "get-cart",
    "update-cart",
    "set-discounts",
    "add-fees",
    "update-fees",
    "delete-fees",
    "create-checkout-token",
    "archive-all-orders",
    "count-orders",
    "get-order-product",
    "get-order-shipping-address",
    "get-stored-instruments",
    "list-order-fees",
    "list-order-messages",
    "list-order-consignments",
    "delete-shipments",
    "count-shipments",
    "get-shipment",
    "update-shipment",
    "delete-shipment",
    "get-order-status",
    "list-all-refunds",
    "get-refund",
    "get-variant",
    "update-variant",
    "get-store",
    "get-time",
    "get-hook",
    "delete-hook",
];

/// Reads whose answers are passed on.
const ONLY_SHOW: &[&str] = &[
    "get-payment-methods",
    "get-customers",
    "list-variants",
    "list-hooks",
    "list-shipments",
    "list-order-products",
    "list-order-taxes",
    "list-order-coupons",
    "list-order-shipping-addresses",
    "list-order-shipping-quotes",
    "list-order-statuses",
];

/// The same for both dimensions.
fn of_both(call: &str) -> Option<Why> {
    Some(match call {
        _ if NEVER_SENT.contains(&call) || call.contains("metafield") => Why::NeverSent,
        _ if ONLY_SHOW.contains(&call) => Why::OnlyShows,
        "refund" | "capture" | "void" | "create-shipment" => Why::Elsewhere(
            "it is about an order that is placed: operators send it, and `orders` plays its faults",
            "tests/it/orders/lost.rs",
        ),
        "refund-quote" => Why::Told("it moves nothing: it says what a refund would give back"),
        "create-hook" | "update-hook" => {
            Why::Elsewhere("it is about no cart and no order; `webhooks` drives it", "tests/it/webhooks.rs")
        }
        _ => return None,
    })
}

/// Why a call has no cells among the faults.
pub(super) fn of_faults(call: &str) -> Option<Why> {
    if BY_WAYS.contains(&call) {
        return Some(Why::Derived("the ways of the third dimension play its faults"));
    }
    if BY_TASKS.contains(&call) {
        return Some(Why::Derived("the tasks of the third dimension play its faults"));
    }
    of_both(call).or_else(|| {
        Some(match call {
            "add-cart-items"
            | "update-cart-item"
            | "update-billing-address"
            | "delete-consignment"
            | "update-checkout"
            | "archive-order" => Why::Elsewhere("random runs (`./dev chaos`) play its faults", CHAOS),
            "delete-cart-item" | "add-coupon" | "delete-coupon" => {
                Why::Like("it carries the version of the cart, like update-cart-item", "update-cart-item")
            }
            "create-redirect-urls" => Why::Elsewhere(
                "it orders and takes nothing; `absence` holds its answer back",
                "tests/it/absence/witnesses.rs",
            ),
            _ => return None,
        })
    })
}

/// Why a call has no cells among what others do.
pub(super) fn of_others(call: &str) -> Option<Why> {
    of_both(call).or_else(|| {
        Some(match call {
            "create-cart" => Why::Told("nobody else knows the cart before it is answered"),
            "add-cart-items" | "update-cart-item" | "delete-cart-item" => {
                Why::Told("an edit of the cart: what others did is in the document that answers it")
            }
            "update-checkout" | "add-coupon" | "delete-coupon" => Why::Like(
                "it carries the version of the cart, like the billing address",
                "add-billing-address",
            ),
            "update-billing-address" => {
                Why::Like("the same step as add-billing-address", "add-billing-address")
            }
            "delete-consignment" => Why::Like("the same step as add-consignments", "add-consignments"),
            "create-redirect-urls" => Why::Told("the way `HandedOver` sends it before the cell begins"),
            "archive-order" => {
                Why::Told("only where another order of the same cart is there, or the total rose")
            }
            "list-transactions" => Why::Like("it is read right after get-order", "get-order"),
            "list-refunds" => Why::Told("only where money was given back"),
            _ => return None,
        })
    })
}

/// The calls of both dimensions: those of the faults, and those of what others do.
pub(super) fn with_cells() -> [BTreeSet<&'static str>; 2] {
    [
        super::CALLS.into_iter().collect(),
        PAYING.into_iter().chain(CANCELLING).chain(LOOKING).chain(DIRECT).collect(),
    ]
}

#[tokio::test]
async fn a_call_has_cells_or_a_reason_that_is_true() {
    let sent = calls::sent().await;
    let mut wrong = Vec::new();
    for (here, why) in with_cells().into_iter().zip([of_faults as fn(&str) -> _, of_others]) {
        for &call in CALLS.iter() {
            let request = sent.get(call);
            let is_true = match why(call) {
                None => here.contains(call) && request.is_some(),
                Some(_) if here.contains(call) => false,
                Some(Why::NeverSent) => request.is_none(),
                Some(Why::OnlyShows) => request.is_some_and(|request| request.method == "GET"),
                Some(Why::Elsewhere(_, file)) => {
                    let test = std::fs::read_to_string(root().join(file)).expect("the tests that are named");
                    request.is_some() && test.contains(&format!("\"{call}\""))
                }
                Some(Why::Like(_, other)) => {
                    let played = matches!(why(other), Some(Why::Elsewhere(..) | Why::Derived(_)));
                    request.is_some() && sent.contains_key(other) && (here.contains(other) || played)
                }
                Some(Why::Derived(_) | Why::Told(_)) => request.is_some(),
            };
            if !is_true {
                wrong.push((call, why(call)));
            }
        }
    }
    assert!(wrong.is_empty(), "neither cells nor a reason, both, or a reason that is not true: {wrong:#?}");
}
