//! What `ops` refuses, as problems.

use crate::http::problem::Problem;
use crate::http::problem::catalog::Slug;
use crate::ops::{ActionError, DbError};
use crate::role::Role;

/// When to ask again after BigCommerce or the database gave no answer, in seconds.
const RETRY_AFTER_UPSTREAM: u64 = 5;

/// The role is not enough.
pub(super) fn forbidden(needs: Role) -> Problem {
    Problem::new(Slug::Forbidden, format!("this needs the role {}", needs.as_str()))
        .with(|members| members.needs = Some(needs))
}

impl From<ActionError> for Problem {
    fn from(refused: ActionError) -> Self {
        let (guard, detail) = (refused.name(), refused.to_string());
        match refused {
            ActionError::NotFound => Self::of(Slug::CheckoutNotFound),
            ActionError::Forbidden { needs } => forbidden(needs),
            ActionError::NoReason => Self::new(Slug::MalformedRequest, detail),
            ActionError::Guarded(_) | ActionError::Moved | ActionError::UnknownStore => {
                Self::new(Slug::Guarded, detail).with(|members| members.guard = Some(guard.to_owned()))
            }
            ActionError::Contradicted { evidence, .. } => {
                Self::new(Slug::Contradicted, detail).with(|members| {
                    members.guard = Some(guard.to_owned());
                    members.evidence = Some(evidence);
                })
            }
            ActionError::Rejected(refused) => Self::rejected(&refused),
            ActionError::Upstream(_) => {
                Self::new(Slug::UpstreamUnavailable, detail).retry_after(RETRY_AFTER_UPSTREAM)
            }
            ActionError::Database(
                error @ (DbError::Unreadable { .. } | DbError::Newer { .. } | DbError::Corrupt { .. }),
            ) => unreadable(&error),
            ActionError::Database(error @ (DbError::Database(_) | DbError::Lossy(_))) => {
                tracing::error!(%error, "an operator's action met a failing database");
                Self::unavailable(!error.wrote_nothing())
            }
            ActionError::Database(error) => Self::internal(&error.to_string()),
        }
    }
}

/// Nothing can be done with what cannot be read, and it cannot be shown.
fn unreadable(error: &DbError) -> Problem {
    tracing::error!(%error, "an operator requested a record that cannot be read");
    Problem::new(Slug::Guarded, error.to_string())
        .with(|members| members.guard = Some("unreadable".to_owned()))
}

/// Of reading: nothing was to be done.
impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Database(_) | DbError::Lossy(_) => {
                tracing::warn!(%error, "a list for operators could not be read");
                Self::unavailable(false).retry_after(RETRY_AFTER_UPSTREAM)
            }
            error @ (DbError::Unreadable { .. } | DbError::Newer { .. }) => unreadable(&error),
            other => Self::internal(&other.to_string()),
        }
    }
}
