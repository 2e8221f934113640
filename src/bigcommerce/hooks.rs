//! Webhook subscriptions (BigCommerce: webhooks.v3).
//!
//! Guarantees: the secret that a subscription sends back in its headers stays a secret. BigCommerce turns subscriptions
//! off after two days of failures or 90 days of silence, so list them and turn them on again.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Answer, Call, Client, Error, document, lenient, rows, transport::Request};
use crate::secret::Secret;

/// The webhook subscriptions of the token's API account, for one call.
#[derive(Clone, Copy)]
pub struct Hooks<'a> {
    client: &'a Client,
    cx: &'a Call,
}

impl Client {
    /// Webhook subscriptions.
    pub const fn hooks<'a>(&'a self, cx: &'a Call) -> Hooks<'a> {
        Hooks { client: self, cx }
    }
}

/// A subscription as it shall be.
pub struct NewHook {
    /// Such as `store/order/statusUpdated`.
    pub scope: String,
    /// Where events go: https, port 443.
    pub destination: String,
    /// Whether events are sent.
    pub is_active: bool,
    /// Sent with every event; the place for a shared secret.
    pub headers: BTreeMap<String, Secret>,
}

/// A subscription as it is.
pub struct Hook {
    /// Its id.
    pub id: i64,
    /// What it is about.
    pub scope: String,
    /// Where events go.
    pub destination: String,
    /// Whether events are sent.
    pub is_active: bool,
    /// Sent with every event.
    pub headers: BTreeMap<String, Secret>,
}

impl Hook {
    fn parse(body: &Value) -> Option<Self> {
        let headers = lenient::object(body, "headers").into_iter().flatten();
        Some(Self {
            id: lenient::integer(body, "id")?,
            scope: lenient::filled(body, "scope")?,
            // Where events go that cannot be read is not here, and what may be off is turned on again.
            destination: lenient::text(body, "destination").unwrap_or_default(),
            is_active: lenient::flag(body, "is_active").unwrap_or(false),
            headers: headers
                .filter_map(|(name, value)| Some((name.clone(), Secret::new(value.as_str()?.to_owned()))))
                .collect(),
        })
    }
}

impl NewHook {
    fn body(&self) -> Value {
        let headers = self.headers.iter().map(|(name, value)| (name.clone(), json!(value.expose())));
        json!({
            "scope": self.scope,
            "destination": self.destination,
            "is_active": self.is_active,
            "headers": headers.collect::<serde_json::Map<_, _>>(),
        })
    }
}

impl Hooks<'_> {
    /// Lists the subscriptions, up to 250.
    pub async fn list(&self) -> Result<Answer<Vec<Hook>>, Error> {
        let request = Request::api("hook.list", Method::GET, &["v3", "hooks"]).query("limit", Some(250));
        self.client.call(self.cx, request, rows(|hook| Hook::parse(&hook))).await
    }

    /// Subscribes. A second one with the same scope and destination is refused.
    pub async fn create(&self, hook: &NewHook) -> Result<Answer<Hook>, Error> {
        let request = Request::api("hook.create", Method::POST, &["v3", "hooks"]).json(&hook.body());
        self.client.call(self.cx, request, document(|hook| Hook::parse(&hook))).await
    }

    /// Replaces a subscription; `is_active` turns it on again.
    pub async fn update(&self, id: i64, hook: &NewHook) -> Result<Answer<Hook>, Error> {
        let id = id.to_string();
        let request = Request::api("hook.update", Method::PUT, &["v3", "hooks", &id]).json(&hook.body());
        self.client.call(self.cx, request, document(|hook| Hook::parse(&hook))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_is_read_with_or_without_headers() {
        let hook = Hook::parse(
            &json!({"id": 5, "scope": "store/order/*", "destination": "https://x", "is_active": true,
            "headers": {"X-Webhook-Secret": "s"}}),
        )
        .expect("a hook");
        assert!(hook.is_active);
        assert_eq!(hook.headers.get("X-Webhook-Secret").map(Secret::expose), Some("s"));
        for headers in [json!(null), json!([]), json!({})] {
            let hook = Hook::parse(&json!({"id": "5", "scope": "s", "headers": headers})).expect("a hook");
            assert!(hook.headers.is_empty() && !hook.is_active);
        }
        assert!(Hook::parse(&json!({"scope": "s"})).is_none());
    }

    #[test]
    fn a_new_hook_carries_its_secret() {
        let headers = BTreeMap::from([("X-Webhook-Secret".to_owned(), Secret::new("s".to_owned()))]);
        let (scope, destination) = ("store/cart/*".to_owned(), "https://x".to_owned());
        let body = NewHook { scope, destination, is_active: true, headers }.body();
        let expected = json!({"scope": "store/cart/*", "destination": "https://x", "is_active": true,
            "headers": {"X-Webhook-Secret": "s"}});
        assert_eq!(body, expected);
    }
}
