//! The faults of one run: handed to the simulator before the requests that they are for.

use std::sync::Arc;

use bigcommerce_simulator::{Fault, FaultId};

use crate::plan::Opening;
use crate::shopper::Shopper;

impl Shopper {
    /// Hands the planned faults to the simulator: those that are known by the run's own words at once, the others once
    /// the checkout has an id.
    pub(crate) fn script(&mut self, id: Option<&str>) {
        let everything = self.plan().opening == Opening::Everything;
        let worded = |call: &str| match call {
            "create-cart" | "create-order-v2" => true,
            "add-billing-address" | "add-consignments" => everything,
            _ => false,
        };
        let narrowed = |call: &str, fault: Fault, tag: &str| match (id, worded(call)) {
            (None, true) => Some(fault.body_contains(tag)),
            (Some(id), false) => Some(fault.correlation_id(id)),
            _ => None,
        };
        let tag = self.plan().tag.clone();
        for planned in self.plan().faults.clone() {
            if let Some(fault) = narrowed(planned.call, planned.fault(), &tag) {
                let id = self.chaos.world.simulator.add_fault(fault);
                self.record.faults.push((planned.cell(), id));
            }
        }
        for other in self.plan().others.clone() {
            if let Some(fault) = narrowed(other.call, other.fault(), &tag) {
                self.record.others_at_work.push((other.does, self.chaos.world.simulator.add_fault(fault)));
            }
        }
        let Some(strike) = self.plan().strike else { return };
        let held = Fault::on(strike.call).times(1);
        let held = if strike.after_effect { held.hold_after() } else { held.hold_before() };
        if let Some(fault) = narrowed(strike.call, held, &tag) {
            let fault = self.chaos.world.simulator.add_fault(fault);
            self.record.faults.push((format!("{}:strike", strike.call), fault));
            self.watch(fault);
        }
    }

    /// Strikes the process once its call is held.
    fn watch(&self, fault: FaultId) {
        let (chaos, gone, home) = (Arc::clone(&self.chaos), self.gone.clone(), self.plan().home);
        let Some(strike) = self.plan().strike else { return };
        self.chaos.tasks.spawn(async move {
            tokio::select! {
                () = gone.cancelled() => return,
                () = chaos.world.simulator.wait_reached(fault, 1) => {}
            }
            if chaos.world.simulator.reached(fault) > 0 {
                chaos.replicas.strike(home, strike.blow, &chaos.doors).await;
            }
            chaos.world.simulator.release(fault);
        });
    }
}
