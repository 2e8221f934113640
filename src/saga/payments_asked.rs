//! Counting the payments that are asked for with checkout tokens, over all processes: whoever tests stolen cards does it on
//! many checkouts, and not in a hurry. A shopper's address or e-mail address is kept as a hash only, and not for long.

use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::engine::Engine;
use super::operation::Refusal;
use super::submit::internal;
use crate::checkout::{Checkout, CheckoutId, Document, IdempotencyKey, KeyRef};
use crate::store::{Asked, AskedFor};

/// A payment that is asked for, and how many there may be.
#[derive(Debug, Clone)]
pub struct PaymentsOf {
    /// Scope and key of the request: a repetition is not counted.
    pub key: Option<(String, IdempotencyKey)>,
    /// The client's address.
    pub address: String,
    /// The e-mail address that the request itself names.
    pub email: Option<String>,
    /// How long they are counted together.
    pub window: Duration,
    /// The most of one checkout; 0: no limit. The same below.
    pub of_checkout: u32,
    /// The most of one shopper.
    pub of_shopper: u32,
    /// The most of one address.
    pub of_address: u32,
}

impl Engine {
    /// Counts it. `Some`: it is too many, by the name of the limit, and how long it takes until one may be asked for again.
    pub async fn count_payment(
        &self,
        id: CheckoutId,
        asked: PaymentsOf,
    ) -> Result<Option<(&'static str, Duration)>, Refusal> {
        let checkout = self.snapshot(id).await?;
        let shopper = shopper(&checkout, asked.email.as_deref());
        let all = [
            ("payments-of-address", Some(asked.address), asked.of_address),
            ("payments-of-checkout", Some(id.to_string()), asked.of_checkout),
            ("payments-of-shopper", shopper, asked.of_shopper),
        ];
        let counted: Vec<(&'static str, [u8; 32], u32)> = all
            .into_iter()
            .filter(|(.., most)| *most > 0)
            .filter_map(|(kind, subject, most)| Some((kind, hash(&checkout.store, kind, &subject?), most)))
            .collect();
        if counted.is_empty() {
            return Ok(None);
        }
        let subjects = counted.iter().map(|(kind, hash, _)| Asked { kind, subject: *hash }).collect();
        let key = asked.key.map(|(principal, key)| KeyRef { principal, key });
        let asked_for = AskedFor { subjects, key, window: asked.window };
        let found = self.inner.store.count_asked(&asked_for).await.map_err(internal)?;
        let over = found.into_iter().find_map(|(kind, times, left)| {
            let (name, _, most) = counted.iter().find(|(name, ..)| *name == kind)?;
            (times > i64::from(*most)).then_some((*name, left))
        });
        Ok(over)
    }
}

/// Who the shopper is: a customer, or else an e-mail address.
fn shopper(checkout: &Checkout, email: Option<&str>) -> Option<String> {
    let document = checkout.facts.document.as_ref();
    if let Some(customer) = document.map(Document::customer_id).filter(|customer| *customer > 0) {
        return Some(format!("customer {customer}"));
    }
    let given = checkout
        .input
        .billing_address
        .as_ref()
        .and_then(|address| address.get("email"))
        .and_then(Value::as_str);
    let known = || document.and_then(Document::email);
    email.or(given).or_else(known).map(|email| format!("email {}", email.trim().to_lowercase()))
}

fn hash(store: &str, kind: &str, subject: &str) -> [u8; 32] {
    Sha256::digest(format!("{store}\n{kind}\n{subject}").as_bytes()).into()
}
