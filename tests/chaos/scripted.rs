//! The faults of one run: handed to the simulator before the requests that they are for.

use std::sync::Arc;

use bigcommerce_simulator::{Fault, FaultId};

use crate::faults::is_of_the_page;
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
        // Who knows the cart only from the page does nothing before it was handed over.
        let others = self.plan().others.clone();
        for other in others.into_iter().filter(|other| !is_of_the_page(other.does)) {
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

    /// The cart was handed over: what the page and a second tab are to do with it.
    pub(crate) fn script_the_page(&mut self) {
        let Some(id) = self.record.id.clone() else { return };
        let others = self.plan().others.clone();
        for other in others.into_iter().filter(|other| is_of_the_page(other.does)) {
            let fault = self.chaos.world.simulator.add_fault(other.fault().correlation_id(&id));
            self.record.others_at_work.push((other.does, fault));
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
