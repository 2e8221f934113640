//! The steps of the saga, one file each. A step is its file and its line here.

mod billing_address;
mod cancel;
mod cart;
mod cart_edit;
mod consignments;
mod direct_order;
mod elsewhere;
mod hand_off;
mod judge;
mod late;
mod order;
mod paying;
mod payment;
mod read;
mod refusal;
mod shipping_options;
mod surplus;

pub(super) use judge::{Judgement, judge};
pub(super) use late::{Late, look_late};
pub(super) use payment::Checkpoint;
pub(super) use read::order_facts;

use super::step::Step;
use crate::checkout::{Flow, StepName};

/// Every step of every flow.
pub(super) const STEPS: &[(Flow, &dyn Step)] = &[
    (Flow::Cart, &cart::Cart),
    (Flow::Cart, &billing_address::BillingAddress),
    (Flow::Cart, &consignments::Consignments),
    (Flow::Cart, &shipping_options::ShippingOptions),
    (Flow::Cart, &order::Order),
    (Flow::Cart, &payment::Payment),
    (Flow::Cart, &cart_edit::Edit),
    (Flow::Cart, &hand_off::HandOff),
    (Flow::Cart, &cancel::Cancel),
    (Flow::DirectOrder, &direct_order::DirectOrder),
    (Flow::DirectOrder, &payment::Payment),
    (Flow::DirectOrder, &cancel::Cancel),
];

/// The step of this name in this flow.
pub(super) fn find(flow: Flow, name: StepName) -> &'static dyn Step {
    let found = STEPS.iter().find(|(of, step)| *of == flow && step.name() == name);
    found.map_or(&cancel::Cancel, |(_, step)| *step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_of_every_flow_has_its_file() {
        for &flow in Flow::ALL {
            for &name in flow.steps().iter().chain([&StepName::Cancel]) {
                assert_eq!(find(flow, name).name(), name, "{flow} {name}");
            }
        }
    }
}
