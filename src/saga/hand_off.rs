//! The hand-over to BigCommerce's hosted page. That it happened is recorded before a URL is made, so that what the shopper
//! pays there is found: by a webhook, or by looking again and again. The URLs are made while the checkout is held (the step
//! `hand-off`), so that no payment of ours is in doubt or begins meanwhile.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hashlink::LinkedHashMap;
use tracing::Instrument as _;

use super::engine::Engine;
use super::operation::{Operation, Request, SubmitError};
use super::reads::ReadError;
use crate::bigcommerce::carts::RedirectUrls;
use crate::checkout::{Answer, Checkout, CheckoutId, StepName};

/// How long it may take.
const AT_MOST: Duration = Duration::from_secs(10);
/// So many URLs wait for whoever asked for them. Those that were made first are forgotten first.
const MOST: usize = 256;

/// URLs on their way from the run that made them to the caller that asked for them. In memory only.
#[derive(Default)]
pub(super) struct HandedOver(Mutex<LinkedHashMap<CheckoutId, (i64, RedirectUrls)>>);

impl HandedOver {
    /// Keeps them for the goal that has just been answered.
    pub(super) fn keep(&self, checkout: &Checkout, urls: RedirectUrls) {
        let Some(answered) = &checkout.answered else { return };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(checkout.id, (answered.goal_version, urls));
        if kept.len() > MOST {
            kept.pop_front();
        }
    }

    /// Those that were made for this goal.
    fn take(&self, id: CheckoutId, goal_version: i64) -> Option<RedirectUrls> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        kept.filter(|(of, _)| *of == goal_version).map(|(_, urls)| urls)
    }
}

impl Engine {
    /// Fresh URLs of BigCommerce's hosted cart and checkout. Each can be used once, so each call makes new ones.
    pub async fn redirect_urls(
        &self,
        id: CheckoutId,
        mut request: Request,
    ) -> Result<RedirectUrls, ReadError> {
        let checkout = self.snapshot(id).await?;
        if checkout.status.is_final() {
            return Err(SubmitError::Closed.into());
        }
        if checkout.facts.cart_id.is_none() {
            return Err(SubmitError::OutOfOrder { next_step: Some(StepName::Cart) }.into());
        }
        // URLs are never recorded, so that no key can answer with them again.
        request.key = None;
        // On a task of its own: a caller who hangs up between the commit and the work would leave the checkout held.
        let engine = self.clone();
        let begun = async move { engine.submit(id, Operation::HandOff, request).await };
        let begun = self.inner.tasks.spawn(begun.in_current_span()).await;
        let submitted = begun.map_err(|error| SubmitError::Internal(error.to_string()))??;
        let goal_version = submitted.checkout().goal.as_ref().map(|goal| goal.goal_version);
        let waited = submitted.wait(AT_MOST).await?;
        if waited.checkout.status.is_final() {
            return Err(SubmitError::Closed.into());
        }
        if waited.checkout.payment_in_doubt() {
            return Err(SubmitError::PaymentInDoubt.into());
        }
        match waited.answer {
            Some(Answer::Done | Answer::Declined(_)) => {}
            Some(Answer::Rejected(refused)) => return Err(ReadError::Rejected(refused)),
            Some(Answer::Unavailable { retry_after }) => return Err(ReadError::Unavailable { retry_after }),
            Some(Answer::Stuck) => return Err(SubmitError::Stuck.into()),
            _ => return Err(SubmitError::InProgress.into()),
        }
        let urls = goal_version.and_then(|goal_version| self.inner.handed_over.take(id, goal_version));
        let Some(urls) = urls else { return Err(ReadError::Unavailable { retry_after: 1 }) };
        Ok(urls)
    }
}
