//! `cancel`: undo what the steps did, the last first.

use async_trait::async_trait;
use serde_json::Value;

use crate::checkout::{Checkout, StepName};
use crate::saga::step::{Finding, Step, StepContext, Verdict};

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

    async fn prepare(&self, cx: &mut StepContext) -> Result<Option<Value>, Verdict> {
        cx.refund_of_parts().await
    }

    async fn execute(&self, cx: &mut StepContext) -> Verdict {
        if let Err(verdict) = cx.undo_only_unpaid().await {
            return verdict;
        }
        if let Err(verdict) = cx.give_parts_back().await {
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

    /// Every undoing looks first and may be repeated, but for the refund of what was paid in part.
    async fn reconcile(&self, cx: &mut StepContext) -> Finding {
        if cx.attempt.checkpoint.is_some() {
            return cx.look_for_refund().await;
        }
        Finding::Absent
    }
}
