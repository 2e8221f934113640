//! The hand-over to BigCommerce's hosted page. That it happened is recorded before a URL is given out, so that what the
//! shopper pays there is found: by a webhook, or by looking again and again.

use std::time::Duration;

use serde_json::{Value, json};

use super::engine::Engine;
use super::operation::{Operation, Refusal, Request};
use super::reads::ReadError;
use crate::checkout::{Answer, CheckoutId, StepName};

/// How long recording it may take.
const AT_MOST: Duration = Duration::from_secs(10);

impl Engine {
    /// Fresh URLs of BigCommerce's hosted cart and checkout. Each can be used once, so each call makes new ones.
    pub async fn redirect_urls(&self, id: CheckoutId, mut request: Request) -> Result<Value, ReadError> {
        let (checkout, client, call) = self.reading(id).await?;
        if checkout.status.is_final() {
            return Err(Refusal::Closed.into());
        }
        let Some(cart_id) = checkout.facts.cart_id.clone() else {
            return Err(Refusal::OutOfOrder { next_step: Some(StepName::Cart) }.into());
        };
        // URLs are never recorded, so that no key can answer with them again.
        request.key = None;
        let waited = self.submit(id, Operation::HandOff, request).await?.wait(AT_MOST).await?;
        if waited.checkout.status.is_final() {
            return Err(Refusal::Closed.into());
        }
        if waited.checkout.payment_in_doubt() {
            return Err(Refusal::PaymentInDoubt.into());
        }
        match waited.answer {
            Some(Answer::Done | Answer::Declined(_)) => {}
            Some(Answer::Unavailable { retry_after }) => return Err(ReadError::Unavailable { retry_after }),
            Some(Answer::Stuck) => return Err(Refusal::Stuck.into()),
            _ => return Err(Refusal::InProgress.into()),
        }
        let urls = client.carts(&call).create_redirect_urls(&cart_id).await?.value;
        Ok(json!({
            "cart_url": urls.cart_url,
            "checkout_url": urls.checkout_url,
            "embedded_checkout_url": urls.embedded_checkout_url,
        }))
    }
}
