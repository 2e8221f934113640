//! What the database does not take when an outcome is written: it belongs to another checkout, or is refused.

use super::decide;
use super::decision::Decision;
use super::engine::{Engine, Recorded, goal_key, unknown_reason};
use super::observer;
use super::step::Verdict;
use crate::checkout::StuckReason;
use crate::db::{Claim, Ended, Failure};

impl Engine {
    /// The order or the cart that was found belongs to another checkout: a person has to look at both.
    pub(super) async fn taken(&self, claim: &Claim, what: &str) -> Option<Recorded> {
        let detail = format!("the {what} that BigCommerce named already belongs to another checkout");
        let decision = decide::stall(
            claim.checkout().clone(),
            StuckReason::OrderTaken,
            detail,
            self.circumstances(claim),
        );
        self.instead(claim, decision).await
    }

    /// Two tabs took over one cart at once, and the other one was first: this checkout has none, and nothing is done to the
    /// cart. A cart that was made here cannot be another checkout's.
    pub(super) async fn cart_taken(&self, claim: &Claim) -> Option<Recorded> {
        if claim.checkout().input.cart_id.is_none() {
            return self.taken(claim, "cart").await;
        }
        let checkout = claim.checkout().clone();
        self.instead(claim, decide::on_verdict(checkout, Verdict::CartTaken, self.circumstances(claim))).await
    }

    /// The database refused the outcome, and would again. Nobody repeats it: what was in flight is not known to the checkout, and
    /// a person has to look. What it came to is kept in the history, as far as the database takes it.
    pub(super) async fn refused(
        &self,
        claim: &Claim,
        ended: Option<&Ended>,
        cause: &Failure,
    ) -> Option<Recorded> {
        let checkout = claim.checkout();
        tracing::error!(checkout_id = %checkout.id, fence = checkout.fence, error = %cause, "the database refused an outcome");
        if let Some(ended) = ended
            && let Err(error) = self.inner.db.keep_evidence(checkout, ended).await
        {
            tracing::warn!(checkout_id = %checkout.id, %error, "evidence was not kept");
        }
        let detail = format!("the database refused to record an outcome ({cause})");
        let reason = unknown_reason(checkout);
        let decision = decide::stall(checkout.clone(), reason, detail, self.circumstances(claim));
        self.instead(claim, decision).await
    }

    /// Records this in place of what was found. Nothing of what was found is kept.
    async fn instead(&self, claim: &Claim, decision: Decision) -> Option<Recorded> {
        let checkout = claim.checkout();
        let answer = decision.answer.clone().and_then(|answer| Some((goal_key(checkout)?, answer)));
        let state = decision.checkout;
        let transition = crate::db::Transition::new(checkout, decision.event, decision.hold, |checkout| {
            *checkout = state;
        })
        .ok()?
        .answer(answer);
        let instead = self.inner.db.transit(transition).await.ok()?;
        observer::moved(&*self.inner.observer, &instead, decision.event, None);
        Some(Recorded::LetGo(Box::new(instead)))
    }
}
