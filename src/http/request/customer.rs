//! Whether a `customer_token` proves who the shopper is (BigCommerce: Current Customer API). Pure.
//!
//! BigCommerce signs such a token with the client secret of the API account (HS256) for a customer who is logged in at the
//! storefront; it lives 15 minutes. Guarantees: one algorithm, one key, one store; what is not exactly that proves nothing,
//! and nothing of it panics. A token is never kept, logged or hashed.
//!
//! Written here and not taken from a library: what has to be right is one HMAC, which webhooks need anyway, and a few
//! claims; libraries bring every other algorithm, public keys and their parsers, and the job would be to turn them off.

use std::collections::HashMap;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use crate::config::Config;
use crate::http::request::json;
use crate::http::request::json::Body;
use crate::http::validate::LONGEST_TOKEN;
use crate::secret::Secret;

/// What proves a customer, by the names of the stores.
pub(crate) struct Proofs(HashMap<String, Store>);

struct Store {
    hash: String,
    client_secret: Option<Secret>,
}

const UNREADABLE: &str = "the customer_token is no JSON Web Token";
const ALGORITHM: &str = "the customer_token is not signed with HS256";
const SIGNATURE: &str = "the customer_token is not signed with the client secret of this store's API account";
const EXPIRED: &str = "the customer_token has expired, or is not valid yet";
const ELSEWHERE: &str = "the customer_token is of another store";
const NOBODY: &str = "the customer_token is no Current Customer token";
const UNSET: &str =
    "this service has no client secret of the store, so that no customer_token can be verified";

/// BigCommerce's largest id.
const LARGEST: i64 = 4_294_967_295;

impl Proofs {
    /// Those of the configuration.
    pub(crate) fn of(config: &Config) -> Self {
        let proof = |store: &crate::config::Store| {
            let proof = Store { hash: store.store_hash.clone(), client_secret: store.client_secret.clone() };
            (store.name.clone(), proof)
        };
        Self(config.stores.iter().map(proof).collect())
    }

    /// The customer whom a token proves at this store, or why it proves nobody. `now` is in seconds since 1970, by the clock
    /// of this machine; there is no grace.
    pub(crate) fn customer(&self, store: &str, token: &str, now: i64) -> Result<i64, &'static str> {
        let store = self.0.get(store).ok_or(UNSET)?;
        let secret = store.client_secret.as_ref().map(Secret::expose).filter(|secret| !secret.is_empty());
        verify(token, secret.ok_or(UNSET)?, &store.hash, now)
    }
}

fn verify(token: &str, secret: &str, store_hash: &str, now: i64) -> Result<i64, &'static str> {
    if token.len() > LONGEST_TOKEN {
        return Err(UNREADABLE);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(UNREADABLE)?;
    let (header, claims) = signed.split_once('.').ok_or(UNREADABLE)?;
    let header = object(header)?;
    let header = header.value();
    // RFC 7515, 4.1.11: whoever does not understand what is critical refuses it.
    if header.get("alg").and_then(Value::as_str) != Some("HS256") || header.get("crit").is_some() {
        return Err(ALGORITHM);
    }
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| UNREADABLE)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| UNSET)?;
    mac.update(signed.as_bytes());
    // In constant time, and all 32 bytes of it.
    mac.verify_slice(&signature).map_err(|_| SIGNATURE)?;
    let claims = object(claims)?;
    let claims = claims.value();
    let time = |name: &str| claims.get(name).map(Value::as_i64);
    // An `exp` that is missing or no whole number never lies ahead; a `nbf` that is no whole number always does.
    let lasts = matches!(time("exp"), Some(Some(end)) if end > now);
    let began = match time("nbf") {
        None => true,
        Some(begin) => begin.is_some_and(|begin| begin <= now),
    };
    if !lasts || !began {
        return Err(EXPIRED);
    }
    let text = |name: &str| claims.get(name).map(|value| value.as_str().unwrap_or_default());
    if !text("store_hash").is_some_and(|hash| hash.eq_ignore_ascii_case(store_hash)) {
        return Err(ELSEWHERE);
    }
    // The same secret signs the tokens that log a customer in; those name their customer elsewhere, too.
    if text("operation").is_some_and(|operation| operation != "current_customer") {
        return Err(NOBODY);
    }
    let customer = claims.pointer("/customer/id").and_then(Value::as_i64);
    customer.filter(|id| (1..=LARGEST).contains(id)).ok_or(NOBODY)
}

/// A part of the token: an object in which each name occurs once.
fn object(part: &str) -> Result<Body, &'static str> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| UNREADABLE)?;
    let body = json::parse(&bytes).map_err(|_| UNREADABLE)?;
    if body.value().is_object() { Ok(body) } else { Err(UNREADABLE) }
}

#[cfg(test)]
#[path = "customer_tests.rs"]
mod tests;
