//! Problems of what was refused in part, and goes on.

use crate::checkout::{StepName, UpstreamRejection};
use crate::http::problem::catalog::Slug;
use crate::http::problem::{NextStep, Problem};
use crate::http::response::shopper::Cause;

impl Problem {
    /// The cart was made without the coupons, or the message, that BigCommerce refused.
    pub(crate) fn without(coupon_codes: &[String], refused: &UpstreamRejection) -> Self {
        let mut problem = Self::rejected(refused);
        let said = refused.errors.first().map_or(&refused.title, |(_, message)| message);
        let detail = if coupon_codes.is_empty() {
            format!("the cart was made without the customer message, which was refused: {said}")
        } else {
            format!(
                "the cart was made without {}, which BigCommerce refused: {said}",
                coupon_codes.join(", ")
            )
        };
        problem.0.detail = detail.into();
        if !coupon_codes.is_empty() {
            problem.0.cause = Some(Cause::Coupons);
            problem = problem.with(|members| members.coupon_codes = Some(coupon_codes.to_vec()));
        }
        problem
    }

    /// Another checkout has the cart. The shopper is told what to do, whoever asked.
    pub(crate) fn cart_taken() -> Self {
        let mut problem = Self::of(Slug::CartTaken);
        problem.0.shopper = Some(Slug::CartTaken.entry().shopper.to_owned());
        problem
    }

    /// The store takes no payment by this method.
    pub(crate) fn method_unavailable(refused: &UpstreamRejection) -> Self {
        let upstream = Self::rejected(refused).0.members.upstream;
        let mut problem =
            Self::new(Slug::MethodUnavailable, format!("nothing was charged: {}", refused.title));
        problem.0.members.upstream = upstream;
        problem
    }

    /// With the step that is to be done now.
    pub(crate) fn next(self, next_step: Option<StepName>) -> Self {
        self.with(|members| members.next_step = Some(NextStep(next_step.map(StepName::as_str))))
    }
}
