//! Whether the run explains how a checkout ended.

use bigcommerce_simulator::Deed;

use crate::faults::{bars, ends, gives_back, moves_on};
use crate::hands::HandOver;
use crate::record::Record;
use crate::told::Money;
use crate::verify::Evidence;

/// Pending, Shipped, Partially Shipped, Completed, and what is awaited: BigCommerce's statuses of what goes on.
const MOVED_ON: [u64; 8] = [1, 2, 3, 7, 8, 9, 10, 11];

/// The calls of an undoing.
const UNDOING: &[&str] =
    &["get-order", "list-transactions", "update-order", "delete-cart", "list-orders", "get-checkout"];

impl Evidence {
    /// Guarantee 5: an end that the run explains.
    pub(crate) fn ended(&self, record: &Record, money: &Money, say: &mut impl FnMut(&str, String)) {
        for id in &record.given_up {
            let status = self.stored.get(id).map(|stored| stored.status.as_str()).unwrap_or_default();
            if !matches!(status, "awaiting_input" | "expired") {
                say(id, format!("was given up by its shopper and is {status}"));
            }
        }
        let Some(id) = &record.id else {
            say("", format!("run {}: no checkout could be created", record.plan.run));
            return;
        };
        let Some(stored) = self.stored.get(id) else { return };
        match &*stored.status {
            "completed" if !record.cancelling || money.is_paid_elsewhere(id) => {}
            // Paid on the page before the cancel, and given back after the end.
            "completed" if money.was_paid_elsewhere(id) && record.has_met(gives_back) => {}
            "cancelled" if record.cancelling => {}
            "awaiting_input" | "expired" if record.left || record.has_met(bars) => {}
            // The part can be given back, and no more be paid for an order that is over.
            "awaiting_input" if stored.payment == "partially_paid" && record.has_met(ends) => {}
            // The rest was accepted and declined later: BigCommerce's order is over, and the parts can be given back.
            "awaiting_input"
                if record.plan.has_parts() && record.plan.has_card(&[20_002]) && self.is_of_status(id, 6) => {
            }
            "stuck" => {
                let reason = stored.reason.as_deref().unwrap_or_default();
                if let Some(why) = self.unexplained(record, id, money, reason) {
                    say(id, format!("stuck ({reason}): {why}"));
                }
            }
            status => {
                say(id, format!("ended {status}, wanted {:?}, left {}", record.plan.ending, record.left));
            }
        }
    }

    /// Why this reason is not explained by the run; `None`: it is.
    fn unexplained(&self, record: &Record, id: &str, money: &Money, reason: &str) -> Option<&'static str> {
        let plan = &record.plan;
        let page_settles = record.handed_over.is_some() && plan.hand_over.is_some_and(HandOver::settles_late);
        match reason {
            "order-not-payable" | "payment-unknown" | "payment-pending-too-long" if record.has_met(bars) => {
                None
            }
            // A part of which some was given back: how much is due is for a person.
            "order-not-payable"
                if plan.has_parts()
                    && record.has_met(|deed| deed == Deed::RefundPart)
                    && self.is_of_status(id, 14) =>
            {
                None
            }
            // Paid at its old price, and made dearer: it is called paid, and less than its total is listed.
            "order-not-payable" if record.has_met(|deed| deed == Deed::TotalUp) && self.is_short(id) => None,
            // Made late, and over before it was seen: nobody can tell that it is the one.
            "order-unknown" if record.has_met(ends) => None,
            // Eight tries that learn nothing are for a person, and each of these costs one. Kills cost the rest.
            "order-unknown" if plan.hides(&["create-order", "list-orders", "get-checkout"]) => None,
            "undo-failed" if plan.hides(UNDOING) => None,
            // Made cheaper than what was taken already: more is held than it costs.
            "paid-twice" if record.has_met(|deed| deed == Deed::TotalDown) => None,
            "paid-twice" | "surplus-order-paid" => {
                // What was given back, or was declined late, was paid or being paid nevertheless.
                (!money.was_paid_elsewhere(id)).then_some("nobody else paid")
            }
            "payment-unknown" => {
                // A part that was paid moves the order on, too, and says nothing of the rest.
                let visible = self.ledger.orders.iter().any(|order| {
                    order.correlation_id.as_deref() == Some(id)
                        // One that somebody else made and paid says nothing of our payment.
                        && self.knows(id, order.id)
                        && !matches!(order.status_id, 0 | 5 | 6)
                        && !order.archived
                        && self.held(order.id) >= order.total
                });
                // Others may have paid it since it was looked for last.
                (visible && !plan.hides_a_charge() && !money.was_paid_elsewhere(id))
                    .then_some("BigCommerce shows what became of the payment")
            }
            // Undone while somebody else paid, or a payment on the page was settling.
            "cancel-found-paid" if record.cancelling && money.was_paid_elsewhere(id) => None,
            // A person says that it is paid, or on its way, and no money is listed: it is not undone on a word.
            "cancel-found-paid"
                if record.cancelling
                    && record.has_met(moves_on)
                    && MOVED_ON.iter().any(|status| self.is_of_status(id, *status)) =>
            {
                None
            }
            "payment-pending-too-long" if page_settles => None,
            "payment-pending-too-long" => (!plan.has_card(&[20_001, 20_002, 20_003, 20_005]))
                .then_some("no card of this run is ever pending"),
            _ => Some("nothing in this run explains it"),
        }
    }
}
