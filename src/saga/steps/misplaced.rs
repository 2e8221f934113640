//! A step that a flow does not have, or that this version does not know there: a row that was changed by hand, or by
//! another version.
//!
//! Guarantees: nothing is sent, nothing is undone, and a person is asked. It never stands in for another step.

use async_trait::async_trait;
use serde_json::Value;

use crate::checkout::{Checkout, StepName, StuckReason};
use crate::saga::step::{Finding, Step, StepContext, Verdict};

/// See the module.
struct Misplaced(StepName);

/// The stand-in of that name.
pub(super) fn of(name: StepName) -> &'static dyn Step {
    match name {
        StepName::Cart => &Misplaced(StepName::Cart),
        StepName::BillingAddress => &Misplaced(StepName::BillingAddress),
        StepName::Consignments => &Misplaced(StepName::Consignments),
        StepName::ShippingOptions => &Misplaced(StepName::ShippingOptions),
        StepName::Order => &Misplaced(StepName::Order),
        StepName::Payment => &Misplaced(StepName::Payment),
        StepName::CartEdit => &Misplaced(StepName::CartEdit),
        StepName::HandOff => &Misplaced(StepName::HandOff),
        StepName::Cancel => &Misplaced(StepName::Cancel),
    }
}

#[cfg(test)]
pub(super) fn is_one(step: &dyn Step, name: StepName) -> bool {
    std::ptr::addr_eq(step, of(name))
}

impl Misplaced {
    fn stuck(&self, cx: &StepContext) -> Verdict {
        let detail = format!("a checkout of the flow {} has no step {}", cx.checkout.flow, self.0);
        Verdict::Stuck { reason: StuckReason::AttemptsExhausted, detail }
    }
}

#[async_trait]
impl Step for Misplaced {
    fn name(&self) -> StepName {
        self.0
    }

    fn is_ready(&self, _checkout: &Checkout) -> bool {
        false
    }

    fn is_resumable(&self) -> bool {
        false
    }

    fn must_be_reached(&self) -> bool {
        // A direct order is created as far as its options for shipping, of which it has none.
        false
    }

    fn unknown_reason(&self) -> Option<StuckReason> {
        Some(StuckReason::AttemptsExhausted)
    }

    async fn prepare(&self, cx: &mut StepContext) -> Result<Option<Value>, Verdict> {
        Err(self.stuck(cx))
    }

    async fn execute(&self, cx: &mut StepContext) -> Result<Verdict, Verdict> {
        Err(self.stuck(cx))
    }

    async fn reconcile(&self, cx: &mut StepContext) -> Finding {
        self.stuck(cx).into()
    }

    async fn compensate(&self, cx: &mut StepContext) -> Result<(), Verdict> {
        Err(self.stuck(cx))
    }
}
