//! The steps of the saga, one file each. A step is its file and its line here; `shared` has what several of them do.

mod billing_address;
mod cancel;
mod cart;
mod cart_edit;
mod consignments;
mod direct_order;
mod hand_off;
mod misplaced;
mod order;
mod payment;
mod shared;
mod shipping_options;

pub(super) use cart::is_given_anew;
pub(super) use shared::checkpoint::Checkpoint;
pub(super) use shared::late::{Late, look_late};
pub(super) use shared::read::order_facts;
pub(super) use shared::rest::{Rest, look_at_rest};

use std::time::Duration;

use super::step::{Finding, Step, StepContext, Verdict};
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

/// The steps of a flow, and what is done beside them.
pub(super) fn of(flow: Flow) -> impl Iterator<Item = &'static dyn Step> {
    STEPS.iter().filter(move |(of, _)| *of == flow).map(|(_, step)| *step)
}

/// The step of this name in this flow; for a name that the flow does not have, one that does nothing and is for a person.
pub(super) fn find(flow: Flow, name: StepName) -> &'static dyn Step {
    of(flow).find(|step| step.name() == name).unwrap_or_else(|| misplaced::of(name))
}

/// Whether it changes what an order is made of.
pub(super) fn is_before_order(step: StepName) -> bool {
    matches!(
        step,
        StepName::BillingAddress | StepName::Consignments | StepName::ShippingOptions | StepName::CartEdit
    )
}

/// Does a step that notes nothing before. What was not found because its cart is gone is told as that; what is ordered and not
/// paid is taken back before it is changed.
pub(super) async fn execute(step: &dyn Step, cx: &mut StepContext) -> Verdict {
    if is_before_order(step.name())
        && let Err(verdict) = cx.take_order_back().await
    {
        return verdict;
    }
    let verdict = execute_noted(step, cx).await;
    cx.or_cart_gone(step.name(), verdict).await
}

/// Does a step whose checkpoint is recorded.
pub(super) async fn execute_noted(step: &dyn Step, cx: &mut StepContext) -> Verdict {
    let (Ok(verdict) | Err(verdict)) = step.execute(cx).await;
    if matches!(verdict, Verdict::Rejected(_)) {
        step.forget(&mut cx.checkout.input);
    }
    verdict
}

/// Finds out what became of a step.
pub(super) async fn reconcile(flow: Flow, step: StepName, cx: &mut StepContext) -> Finding {
    if is_before_order(step) && cx.checkout.facts.order.is_some() {
        // It was lost while the order was taken back, or right after. Taking it back is repeatable, and comes first.
        return match cx.take_order_back().await {
            Ok(()) => Finding::StillUnknown { after: Duration::ZERO, failed: false, settling: false },
            Err(verdict @ (Verdict::Paid | Verdict::Reopened | Verdict::Stuck { .. })) => verdict.into(),
            Err(verdict) => Finding::of_failed_look(verdict),
        };
    }
    match find(flow, step).reconcile(cx).await {
        Finding::Ended(verdict) => cx.or_cart_gone(step, verdict).await.into(),
        finding => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_a_flow_does_not_have_is_for_a_person_and_never_the_undoing() {
        let mut misplaced = 0;
        for &flow in Flow::ALL {
            for &name in StepName::ALL {
                let step = find(flow, name);
                assert_eq!(step.name(), name, "{flow} {name}");
                if STEPS.iter().any(|(of, known)| *of == flow && known.name() == name) {
                    continue;
                }
                misplaced += 1;
                assert!(!step.is_resumable() && !step.must_be_reached() && !step.follows_to_the_end());
                assert!(misplaced::is_one(step, name), "{flow} {name}");
            }
        }
        assert!(misplaced > 4, "a direct order has no steps of a cart");
    }

    #[test]
    fn every_step_of_every_flow_has_its_file() {
        for &flow in Flow::ALL {
            for &name in flow.steps().iter().chain([&StepName::Cancel]) {
                assert_eq!(find(flow, name).name(), name, "{flow} {name}");
            }
        }
    }
}
