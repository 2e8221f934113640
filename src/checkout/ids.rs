//! Identifiers, parsed once from the request, so every value of these types is valid.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The identity of a checkout: a UUIDv7, so that ids sort by the time they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CheckoutId(Uuid);

/// Text that is not the identifier it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidId(&'static str);

impl InvalidId {
    pub(crate) fn unknown_word() -> Self {
        Self("not one of the known words")
    }
}

impl CheckoutId {
    /// Makes a new id.
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id as a UUID, as the database and the correlation header carry it.
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for CheckoutId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl FromStr for CheckoutId {
    type Err = InvalidId;

    /// Accepts only the hyphenated form, so that one checkout has one spelling.
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        if text.len() != 36 {
            return Err(InvalidId("a checkout id is a UUID such as 0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10"));
        }
        Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| InvalidId("a checkout id is a UUID such as 0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10"))
    }
}

impl fmt::Display for CheckoutId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The value of an `Idempotency-Key` header: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidId("an idempotency key is 1 to 255 visible ASCII characters"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_id_has_one_spelling() {
        let id = CheckoutId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in
            ["", "1", "0199f0c47a347c6f9c4b2f6d3c1e8a10", "{0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10}", "é"]
        {
            assert!(wrong.parse::<CheckoutId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_idempotency_key_is_visible_ascii() {
        assert!("a".parse::<IdempotencyKey>().is_ok());
        assert!("~".repeat(255).parse::<IdempotencyKey>().is_ok());
        for wrong in ["", "a b", "é", "a\n", &"a".repeat(256)] {
            assert!(wrong.parse::<IdempotencyKey>().is_err(), "{wrong:?}");
        }
    }
}
