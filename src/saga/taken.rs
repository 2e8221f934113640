//! What was found belongs to another checkout: the database says so when the outcome is written.

use super::decide;
use super::decision::Decision;
use super::engine::{Engine, Recorded, goal_key};
use super::observer;
use super::step::Verdict;
use crate::checkout::StuckReason;
use crate::db::Claim;

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
