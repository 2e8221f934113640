//! Counting the payments that are asked for with checkout tokens, over all processes: whoever tests stolen cards does it on
//! many checkouts, and not in a hurry. A shopper's address or email address is kept as a hash only, and not for long.

use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::accept::accept;
use super::engine::Engine;
use super::operation::{Operation, Request, SubmitError};
use super::unwritten::internal;
use crate::checkout::{Checkout, CheckoutId, Document};
use crate::db::{Asked, AskedFor};

/// A payment that is asked for, and how many there may be.
#[derive(Debug, Clone)]
pub struct PaymentsOf {
    /// The client's address.
    pub address: String,
    /// How long they are counted together.
    pub window: Duration,
    /// The most of one checkout; `None`: no limit. The same below.
    pub of_checkout: Option<u32>,
    /// The most of one shopper.
    pub of_shopper: Option<u32>,
    /// The most of one address.
    pub of_address: Option<u32>,
}

impl Engine {
    /// Counts it, if it would be begun. `Some`: it is too many, or too many were declined, by the name of the limit, and how long
    /// it takes until one may be asked for again. What does not fit the checkout is refused here already and not counted: only so
    /// is everything that goes on from here counted, however the checkout changes meanwhile. A key that is bound is a repetition.
    pub async fn count_payment(
        &self,
        id: CheckoutId,
        operation: &Operation,
        request: &Request,
        asked: PaymentsOf,
    ) -> Result<Option<(&'static str, Duration)>, SubmitError> {
        let (checkout, bound) = match request.key_ref() {
            Some(key) => self.inner.db.load_with_key(id, &key).await.map_err(internal)?,
            None => (self.inner.db.load(id).await.map_err(internal)?, None),
        };
        if bound.is_some() {
            return Ok(None);
        }
        let checkout = checkout.ok_or(SubmitError::NotFound)?;
        accept(&checkout, operation, request.if_match)?;
        let shopper = shopper(&checkout, Some(operation));
        let payer = request.payer.as_deref();
        let counted = self.counted_for(&checkout, shopper.clone(), payer, Some(&request.principal)).await;
        if let Some(paused) = self.paused(&counted.map_err(internal)?).await.map_err(internal)? {
            return Ok(Some(paused));
        }
        let all = [
            ("payments-of-address", Some(asked.address), asked.of_address),
            ("payments-of-checkout", Some(id.to_string()), asked.of_checkout),
            ("payments-of-shopper", shopper, asked.of_shopper),
        ];
        let counted: Vec<(&'static str, [u8; 32], u32)> = all
            .into_iter()
            .filter_map(|(kind, subject, most)| Some((kind, hash(&checkout.store, kind, &subject?), most?)))
            .collect();
        if counted.is_empty() {
            return Ok(None);
        }
        let subjects = counted.iter().map(|(kind, hash, _)| Asked { kind, subject: *hash }).collect();
        let asked_for = AskedFor { subjects, window: asked.window };
        let found = self.inner.db.count_asked(&asked_for).await.map_err(internal)?;
        let over = found.into_iter().find_map(|(kind, times, left)| {
            let (name, _, most) = counted.iter().find(|(name, ..)| *name == kind)?;
            (times > i64::from(*most)).then_some((*name, left))
        });
        Ok(over)
    }
}

/// Who the shopper is: a customer, or else an email address.
pub(super) fn shopper(checkout: &Checkout, operation: Option<&Operation>) -> Option<String> {
    let document = checkout.facts.document.as_ref();
    if let Some(customer) = document.map(Document::customer_id).filter(|customer| *customer > 0) {
        return Some(format!("customer {customer}"));
    }
    let asked = match operation {
        Some(Operation::Complete(complete)) => complete.billing_address.as_ref(),
        _ => None,
    };
    let given = asked.or(checkout.input.billing_address.as_ref());
    let given = given.and_then(|address| address.get("email")).and_then(Value::as_str);
    let known = || document.and_then(Document::email);
    given.or_else(known).map(|email| format!("email {}", email.trim().to_lowercase()))
}

pub(super) fn hash(store: &str, kind: &str, subject: &str) -> [u8; 32] {
    Sha256::digest(format!("{store}\n{kind}\n{subject}").as_bytes()).into()
}
