//! Signatures of outgoing events by Standard Webhooks: HMAC-SHA-256 over `{id}.{timestamp}.{body}`, base64, as `v1,...`.
//! Pure.
//!
//! Guarantees: a key has no `Debug` and no `Display`, and its memory is overwritten when it is dropped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// How a secret begins.
const PREFIX: &str = "whsec_";

/// The bytes that a secret stands for.
pub struct SigningKey(Zeroizing<Vec<u8>>);

impl SigningKey {
    /// Reads a secret: `whsec_` and 24 to 64 bytes in base64 (Standard Webhooks, symmetric keys). `None` when it is none.
    pub fn parse(secret: &str) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?);
        (24..=64).contains(&bytes.len()).then_some(Self(bytes))
    }

    fn sign(&self, id: &str, timestamp: i64, body: &str) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for part in [id, ".", &timestamp.to_string(), ".", body] {
            mac.update(part.as_bytes());
        }
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

/// The value of `webhook-signature`: one signature for each key, so that a receiver that knows one of them is content
/// while keys are being changed. `timestamp` is in seconds since 1970.
pub(super) fn signatures(keys: &[SigningKey], id: &str, timestamp: i64, body: &str) -> String {
    let signed: Vec<String> = keys.iter().filter_map(|key| key.sign(id, timestamp, body)).collect();
    signed.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_is_signed_as_published() {
        // Standard Webhooks: the example of its reference libraries.
        let key = SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        assert_eq!(
            signatures(&[key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn several_keys_sign_side_by_side() {
        let keys = [0_u8, 1].map(|byte| SigningKey(Zeroizing::new(vec![byte; 24])));
        let header = signatures(&keys, "id", 1, "{}");
        assert_eq!(header.split(' ').count(), 2);
        assert!(header.split(' ').all(|signature| signature.starts_with("v1,")));
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for text in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_ not base64"]
        {
            assert!(SigningKey::parse(text).is_none(), "{text}");
        }
    }
}
