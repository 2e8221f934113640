//! `cancel`: undo what the steps did, the last first.
//!
//! What turns out to be paid in full, and exactly so, is not undone but done, whoever paid it: the checkout is completed, and
//! whoever asked for the cancel hears that it is closed. It is the one end that is true without moving money: a refund would be
//! money that nobody asked for, to a shopper whose bank shows a charge by then, and a person could find out nothing more than is
//! known already. An operator may still cancel it with a refund. A part, more than the total and what is settling are for a
//! person, who is not needed any more once exactly the total is held.

use async_trait::async_trait;
use serde_json::Value;

use crate::checkout::{Checkout, StepName, StuckReason};
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

    fn unknown_reason(&self) -> Option<StuckReason> {
        Some(StuckReason::UndoFailed)
    }

    async fn prepare(&self, cx: &mut StepContext) -> Result<Option<Value>, Verdict> {
        cx.refund_of_parts().await
    }

    async fn execute(&self, cx: &mut StepContext) -> Result<Verdict, Verdict> {
        cx.undo_only_unpaid().await?;
        cx.give_parts_back().await?;
        let flow = cx.checkout.flow;
        for &name in flow.steps().iter().rev() {
            super::find(flow, name).compensate(cx).await?;
        }
        Ok(Verdict::Undone)
    }

    /// Every undoing looks first and may be repeated, but for the refund of what was paid in part.
    async fn reconcile(&self, cx: &mut StepContext) -> Finding {
        if cx.attempt.checkpoint.is_some() {
            return cx.look_for_refund().await;
        }
        Finding::Absent
    }
}
