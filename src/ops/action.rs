//! What may be asked, by whom. Pure.

use serde_json::{Value, json};

use super::text::is_deceptive;
use crate::checkout::InvalidId;
use crate::role::Role;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The name that stands in the audit log.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The only store that it sees and acts on; `None`: every one.
    pub store: Option<String>,
}

/// What an operator found out and asserts. It is checked against BigCommerce before it is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assertion {
    /// This order was created by the checkout.
    Order(i64),
    /// No order was made.
    NoOrder,
    /// The shopper was charged, by this transaction.
    Charged(String),
    /// The shopper was not charged.
    NotCharged,
}

impl Assertion {
    /// Reads `{"order_id": 125}`, `{"no_order": true}`, `{"charged": "..."}` or `{"not_charged": true}`.
    pub fn parse(value: &Value) -> Result<Self, InvalidFinding> {
        let map = value.as_object().filter(|map| map.len() == 1).ok_or(InvalidFinding)?;
        let (name, value) = map.iter().next().ok_or(InvalidFinding)?;
        match (name.as_str(), value) {
            ("order_id", value) => value.as_i64().filter(|id| *id > 0).map(Self::Order).ok_or(InvalidFinding),
            ("no_order", Value::Bool(true)) => Ok(Self::NoOrder),
            ("charged", Value::String(id)) if is_transaction_id(id) => Ok(Self::Charged(id.clone())),
            ("not_charged", Value::Bool(true)) => Ok(Self::NotCharged),
            _ => Err(InvalidFinding),
        }
    }

    /// As it was read.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Order(id) => json!({"order_id": id}),
            Self::NoOrder => json!({"no_order": true}),
            Self::Charged(id) => json!({"charged": id}),
            Self::NotCharged => json!({"not_charged": true}),
        }
    }

    /// The member that names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Order(_) => "order_id",
            Self::NoOrder => "no_order",
            Self::Charged(_) => "charged",
            Self::NotCharged => "not_charged",
        }
    }
}

/// Gateways use letters, digits and a few signs; anything else has no place in a log.
fn is_transaction_id(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Not a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be one of {{\"order_id\": <number>}}, {{\"no_order\": true}}, {{\"charged\": \"<transaction id>\"}}, {{\"not_charged\": true}}"
)]
pub struct InvalidFinding;

/// What may be done to a checkout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Retry now.
    Restart,
    /// Pause a checkout until it is resumed.
    Pause,
    /// Resume a checkout.
    Resume,
    /// Cancel a checkout.
    Cancel {
        /// Also if it was paid, by refunding it.
        refund: bool,
    },
    /// Resolve what recovery cannot find out.
    Resolve(Assertion),
    /// End every checkout token: who has one can do nothing more with it.
    RevokeTokens,
    /// Close a checkout whose record cannot be read. Nothing is canceled at BigCommerce.
    Close {
        /// The ids of what is at BigCommerce of it, and stays there.
        leaves: Vec<String>,
    },
}

impl Action {
    /// Its name in URLs, in the audit log and on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel { .. } => "cancel",
            Self::Resolve(_) => "resolve",
            Self::RevokeTokens => "revoke-tokens",
            Self::Close { .. } => "close",
        }
    }

    /// The action of this name, as far as a bulk may do it.
    pub fn for_many(name: &str) -> Result<Self, InvalidId> {
        match name {
            "restart" => Ok(Self::Restart),
            "pause" => Ok(Self::Pause),
            "resume" => Ok(Self::Resume),
            "cancel" => Ok(Self::Cancel { refund: false }),
            _ => Err(InvalidId::unknown_word()),
        }
    }

    /// The required role.
    pub fn role(&self) -> Role {
        match self {
            Self::Restart
            | Self::Pause
            | Self::Resume
            | Self::RevokeTokens
            | Self::Cancel { refund: false } => Role::Act,
            Self::Cancel { refund: true } | Self::Resolve(_) | Self::Close { .. } => Role::Money,
        }
    }

    /// What was asked in particular, for the audit log.
    pub fn detail(&self) -> Value {
        match self {
            Self::Resolve(finding) => json!({"finding": finding.to_json()}),
            Self::Cancel { refund: true } => json!({"refund": true}),
            Self::Close { leaves } => json!({"leaves": leaves}),
            _ => json!({}),
        }
    }
}

/// The most characters of a reason.
pub const REASON_AT_MOST: usize = 500;

/// The reason as it is kept; `None`: it says nothing, or it is too long, or it holds what is not seen.
pub fn reason(text: &str) -> Option<&str> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= REASON_AT_MOST && !text.chars().any(is_deceptive);
    fits.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_exactly_one_assertion() {
        for (value, expected) in [
            (json!({"order_id": 125}), Some(Assertion::Order(125))),
            (json!({"no_order": true}), Some(Assertion::NoOrder)),
            (json!({"charged": "tx_1"}), Some(Assertion::Charged("tx_1".to_owned()))),
            (json!({"not_charged": true}), Some(Assertion::NotCharged)),
            (json!({"order_id": 0}), None),
            (json!({"order_id": "125"}), None),
            (json!({"no_order": false}), None),
            (json!({"not_charged": false}), None),
            (json!({"charged": ""}), None),
            (json!({"charged": "a b"}), None),
            (json!({"charged": "1", "not_charged": true}), None),
            (json!({}), None),
            (json!("not_charged"), None),
        ] {
            let finding = Assertion::parse(&value).ok();
            assert_eq!(finding, expected, "{value}");
            if let Some(finding) = finding {
                assert_eq!(finding.to_json(), value);
            }
        }
    }

    #[test]
    fn what_moves_money_needs_the_role_for_it() {
        assert_eq!(Action::Restart.role(), Role::Act);
        assert_eq!(Action::Cancel { refund: false }.role(), Role::Act);
        assert_eq!(Action::Cancel { refund: true }.role(), Role::Money);
        assert_eq!(Action::Resolve(Assertion::NotCharged).role(), Role::Money);
        assert_eq!(Action::Close { leaves: Vec::new() }.role(), Role::Money);
        assert!(Role::Read < Role::Act && Role::Act < Role::Money);
        assert!(Action::for_many("resolve").is_err());
    }

    #[test]
    fn a_reason_says_something() {
        assert_eq!(reason("  the gateway was down "), Some("the gateway was down"));
        for wrong in ["", "  ", "a\nb", "a\u{202e}b", "\u{200b}", &"a".repeat(501)] {
            assert_eq!(reason(wrong), None, "{wrong:?}");
        }
    }
}
