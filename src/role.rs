//! The roles of operators: one vocabulary for the configuration, the API and the audit log.

use std::str::FromStr;

use serde::Serialize;
use utoipa::ToSchema;

/// What an operator may do; each role includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Look at everything.
    Read,
    /// Restart, pause, resume, cancel without refund, ship.
    Act,
    /// Resolve, refund, capture, void.
    Money,
}

impl Role {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Act => "act",
            Self::Money => "money",
        }
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        match text {
            "read" => Ok(Self::Read),
            "act" => Ok(Self::Act),
            "money" => Ok(Self::Money),
            _ => Err(UnknownRole),
        }
    }
}

/// Unknown role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be read, act or money")]
pub struct UnknownRole;
