//! Signatures by Standard Webhooks: HMAC-SHA-256 over `{id}.{timestamp}.{body}`, base64, as `v1,...`. Ours under outgoing
//! events and BigCommerce's under its webhooks. Pure: the time is passed in.
//!
//! Guarantees: a key has no `Debug` and no `Display`, and its memory is overwritten when it is dropped; signatures are
//! compared in constant time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// How a symmetric secret begins.
const PREFIX: &str = "whsec_";
/// A signature is refused when its timestamp is further away than this, in seconds.
const TOLERANCE: i64 = 300;

/// The bytes that a secret stands for.
#[derive(Clone)]
pub struct SigningKey(Zeroizing<Vec<u8>>);

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`: seconds since 1970, as it is sent.
    pub timestamp: &'a str,
    /// The body, byte by byte.
    pub body: &'a [u8],
}

impl SigningKey {
    /// Reads a secret: `whsec_` and 24 to 64 bytes in base64 (Standard Webhooks, symmetric keys). `None` when it is none.
    pub fn parse(secret: &str) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?);
        (24..=64).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The text itself is the key, as BigCommerce has it with the client secret of an API account (BigCommerce: https webhook
    /// overview, 2025-01).
    pub fn of_text(secret: &str) -> Self {
        Self(Zeroizing::new(secret.as_bytes().to_vec()))
    }

    fn mac(&self, message: Message<'_>) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for part in [message.id.as_bytes(), b".", message.timestamp.as_bytes(), b".", message.body] {
            mac.update(part);
        }
        Some(mac)
    }
}

/// The value of `webhook-signature`: one signature for each key, so that a receiver that knows one of them is content
/// while keys are being changed.
pub fn sign(keys: &[SigningKey], message: Message<'_>) -> String {
    let macs = keys.iter().filter_map(|key| key.mac(message));
    let signed: Vec<String> =
        macs.map(|mac| format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))).collect();
    signed.join(" ")
}

/// Whether one of these signatures is of this key and the message is at most five minutes old, or as much ahead.
/// `signatures`: the value of `webhook-signature`. `now`: seconds since 1970.
pub fn verify(key: &SigningKey, message: Message<'_>, signatures: &str, now: i64) -> bool {
    let recent =
        message.timestamp.parse::<i64>().is_ok_and(|at| now.abs_diff(at) <= TOLERANCE.unsigned_abs());
    let Some(mac) = key.mac(message) else { return false };
    let expected = mac.finalize().into_bytes();
    let fits = |signature: &str| {
        STANDARD.decode(signature).is_ok_and(|sent| bool::from(sent.as_slice().ct_eq(expected.as_slice())))
    };
    recent && signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,")).any(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Standard Webhooks: the example of its reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const AT: i64 = 1_614_265_330;
    const EXAMPLE: Message<'static> = Message {
        id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp: "1614265330",
        body: br#"{"test": 2432232314}"#,
    };

    fn key() -> SigningKey {
        SigningKey::parse(SECRET).expect("a secret")
    }

    #[test]
    fn the_published_example_is_signed_as_published() {
        assert_eq!(sign(&[key()], EXAMPLE), SIGNATURE);
    }

    #[test]
    fn the_published_example_is_authentic_for_five_minutes() {
        for (away, expected) in [(0, true), (299, true), (-299, true), (301, false), (-301, false)] {
            assert_eq!(verify(&key(), EXAMPLE, SIGNATURE, AT + away), expected, "{away}");
        }
        assert!(!verify(&key(), EXAMPLE, SIGNATURE, i64::MIN));
    }

    #[test]
    fn one_of_several_signatures_is_enough() {
        assert!(verify(&key(), EXAMPLE, &format!("v2,abc v1,AAAA {SIGNATURE}"), AT));
        let keys = [0_u8, 1].map(|byte| SigningKey(Zeroizing::new(vec![byte; 24])));
        let signed = sign(&keys, EXAMPLE);
        assert_eq!(signed.split(' ').count(), 2);
        for key in &keys {
            assert!(verify(key, EXAMPLE, &signed, AT));
        }
        assert!(!verify(&key(), EXAMPLE, &signed, AT));
    }

    #[test]
    fn what_differs_in_anything_is_forged() {
        for message in [
            Message { id: "msg_", ..EXAMPLE },
            Message { timestamp: "1614265331", ..EXAMPLE },
            Message { timestamp: "soon", ..EXAMPLE },
            Message { body: b"{}", ..EXAMPLE },
        ] {
            assert!(!verify(&key(), message, SIGNATURE, AT), "{message:?}");
        }
        assert!(!verify(&SigningKey::of_text(SECRET), EXAMPLE, SIGNATURE, AT));
        for nonsense in ["", "v1,", "v1", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="] {
            assert!(!verify(&key(), EXAMPLE, nonsense, AT), "{nonsense}");
        }
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for text in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_ not base64"]
        {
            assert!(SigningKey::parse(text).is_none(), "{text}");
        }
    }
}
