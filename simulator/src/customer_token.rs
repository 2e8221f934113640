//! Customer tokens: who the shopper is, signed with the app's client secret (BigCommerce: Current Customer API).
//!
//! The storefront serves them to the app's scripts; here the control plane mints them.

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::customers::Customer;
use crate::settings::Settings;
use crate::token;

/// How long one is valid, in seconds.
const LIFETIME: i64 = 900;

/// The app that the tokens are for.
const CLIENT: &str = "simulator";

/// Mints one; members of `changes` replace claims, and a member that is null is left out.
pub(crate) fn mint(
    store: &str,
    customer: &Customer,
    now: OffsetDateTime,
    settings: &Settings,
    changes: &Value,
) -> String {
    let at = now.unix_timestamp();
    let mut claims = json!({
        "customer": {"id": customer.id, "email": customer.email, "group_id": "0"},
        "iss": "bc/apps", "sub": store, "iat": at, "exp": at + LIFETIME, "version": 1, "aud": CLIENT,
        "application_id": CLIENT, "store_hash": store, "operation": "current_customer",
    });
    for (name, value) in changes.as_object().into_iter().flatten() {
        match (claims.as_object_mut(), value) {
            (Some(map), Value::Null) => drop(map.remove(name)),
            (Some(map), value) => drop(map.insert(name.clone(), value.clone())),
            (None, _) => {}
        }
    }
    token::sign(r#"{"alg":"HS256","typ":"JWT"}"#, &claims, settings.webhook_secret.as_bytes())
}
