//! `cancel`: undo what the steps did, the last first.

use async_trait::async_trait;

use super::super::step::{Finding, Step, StepContext, Verdict};
use crate::checkout::{Checkout, StepName};

/// See the module.
pub(super) struct Cancel;

#[async_trait]
impl Step for Cancel {
    fn name(&self) -> StepName {
        StepName::Cancel
    }

    fn is_ready(&self, _checkout: &Checkout) -> bool {
        true
    }

    fn unknown_reason(&self) -> crate::checkout::StuckReason {
        crate::checkout::StuckReason::UndoFailed
    }

    async fn execute(&self, cx: &mut StepContext) -> Verdict {
        if let Err(verdict) = cx.undo_only_unpaid().await {
            return verdict;
        }
        let flow = cx.checkout.flow;
        for &name in flow.steps().iter().rev() {
            if let Err(verdict) = super::find(flow, name).compensate(cx).await {
                return verdict;
            }
        }
        Verdict::Undone
    }

    /// Every undoing looks first and may be repeated.
    async fn reconcile(&self, _cx: &mut StepContext) -> Finding {
        Finding::Absent
    }
}
