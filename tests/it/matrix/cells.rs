//! Cells that need no process of their own.

use bigcommerce_simulator::{Fault as Upstream, magic_card};
use serde_json::Value;

use super::shopper::{Shopper, world};
use super::{Cell, Fault};
use crate::harness::{Service, World, card, run_with};

/// Before the second attempt, the first one was turned away.
pub(super) fn spoil_first_attempt(world: &World, cell: Cell) {
    if cell.attempt == 2 {
        world.simulator.add_fault(Upstream::on(cell.call).nth(1).rate_limit(20));
    }
}

/// Runs one.
pub(super) async fn fault(cell: Cell) {
    run_with(world().await, async |world, service| {
        spoil_first_attempt(world, cell);
        let payment = match cell.fault {
            // They settle when the order is read again: a caller who waits has nobody else to settle them.
            Fault::SettlesPaid => Some(card(&magic_card(20_001, 0))),
            Fault::SettlesDeclined => Some(card(&magic_card(20_002, 0))),
            Fault::NeverSettles => Some(card(&magic_card(20_003, 0))),
            _ => None,
        };
        let settles = payment.is_some();
        let fault = cell.fault.on(Upstream::on(cell.call).nth(cell.attempt));
        let fault = fault.map(|fault| world.simulator.add_fault(fault));
        let mut shopper = Shopper::new(payment, cell.cancels());
        shopper.go_on(service, "create").await;
        if let Some(fault) = fault {
            assert_eq!(world.simulator.reached(fault), 1, "{cell:?} was not reached");
        }
        if settles {
            was_accepted(world, cell);
        }
        ends_well(world, service, &shopper, cell).await;
    })
    .await;
}

/// The payment was accepted before it settled.
fn was_accepted(world: &World, cell: Cell) {
    let ledger = world.simulator.ledger();
    assert!(ledger.attempts.iter().any(|attempt| attempt.outcome == "pending"), "{cell:?} was not reached");
}

/// A payment that may have been sent and never shows.
fn stays_in_doubt(cell: Cell) -> bool {
    cell.call == "process-payment"
        && matches!(
            cell.fault,
            Fault::TimeoutWithoutEffect | Fault::ServerErrorWithoutEffect | Fault::CrashBeforeSending
        )
}

/// What must be true in the end.
pub(super) async fn ends_well(world: &World, service: &Service, shopper: &Shopper, cell: Cell) {
    let wanted = match cell.fault {
        Fault::SettlesDeclined => "awaiting_input",
        Fault::NeverSettles => "stuck",
        _ if stays_in_doubt(cell) => "stuck",
        _ if cell.cancels() => "cancelled",
        _ => "completed",
    };
    let last = service.wait_until(shopper.path(), wanted, |snapshot| snapshot["status"] == wanted).await;
    let ledger = world.simulator.ledger();
    let alive =
        ledger.orders.iter().filter(|order| !order.archived && !matches!(order.status_id, 5 | 6)).count();
    let (orders, charges, reason) = match cell.fault {
        Fault::SettlesDeclined => (0, 0, Value::Null),
        Fault::NeverSettles => (1, 0, "payment-pending-too-long".into()),
        _ if stays_in_doubt(cell) => (1, 0, "payment-unknown".into()),
        _ if cell.cancels() => (0, 0, Value::Null),
        _ => (1, 1, Value::Null),
    };
    assert_eq!(alive, orders, "{cell:?}: orders {:#?}", ledger.orders);
    let taken = ledger.charges.iter().filter(|charge| charge.state == "captured").count();
    assert_eq!(taken, charges, "{cell:?}: charges {:#?}", ledger.charges);
    assert_eq!(last["stuck"]["reason"], reason, "{cell:?}");
}
