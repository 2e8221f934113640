//! Whether a webhook comes from BigCommerce: the two ways that BigCommerce documents, one of which must match. Pure.
//!
//! Standard Webhooks (BigCommerce: https webhook overview, 2025-01), with the API account's client secret as the key. Or the
//! configured webhook secret, sent back in a header.

use axum::http::HeaderMap;
use subtle::ConstantTimeEq as _;

use crate::standard_webhooks::{Message, SigningKey, verify};

/// The secrets of a store, as far as it has them.
#[derive(Clone, Copy)]
pub(crate) struct Secrets<'a> {
    /// The API account's client secret.
    pub(crate) client_secret: Option<&'a str>,
    /// Our own secret.
    pub(crate) webhook_secret: Option<&'a str>,
}

/// Whether one of the two fits. `now` is in seconds since 1970.
pub(crate) fn is_authentic(secrets: Secrets<'_>, headers: &HeaderMap, body: &[u8], now: i64) -> bool {
    let sent_back = match (secrets.webhook_secret, text(headers, "x-webhook-secret")) {
        (Some(secret), Some(sent)) => bool::from(secret.as_bytes().ct_eq(sent.as_bytes())),
        _ => false,
    };
    sent_back || secrets.client_secret.is_some_and(|secret| is_signed(secret, headers, body, now))
}

fn is_signed(secret: &str, headers: &HeaderMap, body: &[u8], now: i64) -> bool {
    let (Some(id), Some(timestamp), Some(signatures)) =
        (text(headers, "webhook-id"), text(headers, "webhook-timestamp"), text(headers, "webhook-signature"))
    else {
        return false;
    };
    verify(&SigningKey::of_text(secret), Message { id, timestamp, body }, signatures, now)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"scope":"store/order/statusUpdated","store_id":"1025646","data":{"type":"order","id":250,"status":{"previous_status_id":0,"new_status_id":11}},"hash":"7ee67cd1cf2ca60bc1aa9e5fe957d2de373be4ca","created_at":1561479335,"producer":"stores/abc123"}"#;
    const SIGNATURE: &str = "v1,s4nzz3eBF3wdLUgl6ji5NXVhiGhOvwcbvae/AmVpgIg=";
    const AT: i64 = 1_700_000_000;

    fn signed(signature: &str) -> HeaderMap {
        let headers = [
            ("webhook-id", "msg_2b1f"),
            ("webhook-timestamp", "1700000000"),
            ("webhook-signature", signature),
        ];
        headers
            .into_iter()
            .filter_map(|(name, value)| {
                Some((name.parse::<axum::http::HeaderName>().ok()?, value.parse().ok()?))
            })
            .collect()
    }

    fn secrets(client_secret: &str) -> Secrets<'_> {
        Secrets { client_secret: Some(client_secret), webhook_secret: None }
    }

    #[test]
    fn the_published_vector_is_authentic_for_five_minutes() {
        let headers = signed(SIGNATURE);
        let at = |now| is_authentic(secrets("bc_client_secret_example"), &headers, BODY.as_bytes(), now);
        assert!(at(AT) && at(AT + 299) && at(AT - 299));
        assert!(!at(AT + 301) && !at(AT - 301));
    }

    #[test]
    fn another_secret_another_body_and_nonsense_are_forged() {
        let example = secrets("bc_client_secret_example");
        assert!(!is_authentic(secrets("another"), &signed(SIGNATURE), BODY.as_bytes(), AT));
        assert!(!is_authentic(example, &signed(SIGNATURE), b"{}", AT));
        assert!(!is_authentic(example, &HeaderMap::new(), BODY.as_bytes(), AT));
        assert!(!is_authentic(
            Secrets { client_secret: None, webhook_secret: None },
            &signed(SIGNATURE),
            b"",
            AT
        ));
    }

    #[test]
    fn our_own_secret_is_enough() {
        let ours = Secrets { client_secret: None, webhook_secret: Some("our-own-secret-sent-back") };
        let mut headers = HeaderMap::new();
        headers.insert("x-webhook-secret", axum::http::HeaderValue::from_static("our-own-secret-sent-back"));
        assert!(is_authentic(ours, &headers, b"{}", AT));
        headers.insert("x-webhook-secret", axum::http::HeaderValue::from_static("our-own-secret-sent-bacK"));
        assert!(!is_authentic(ours, &headers, b"{}", AT));
    }
}
