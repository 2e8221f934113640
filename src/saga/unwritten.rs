//! What a failure of the database means for whoever asked for an operation.

use super::operation::SubmitError;
use crate::db;

/// It is not known whether it was recorded.
pub(super) const MAYBE: SubmitError = SubmitError::Unavailable { maybe_recorded: true };

/// Why a write of the database's may not have happened.
pub(super) fn unwritten(error: db::Error) -> SubmitError {
    let wrote_nothing = error.wrote_nothing();
    let refusal = internal(error);
    if wrote_nothing { refusal } else { refusal.after_recording() }
}

/// Why the database could not be read, so that an operation was not taken in.
pub(super) fn internal(error: db::Error) -> SubmitError {
    match error {
        error @ db::Error::Database(_) => {
            tracing::error!(%error, "an operation was not taken in");
            SubmitError::Unavailable { maybe_recorded: false }
        }
        db::Error::Lost => SubmitError::InProgress,
        // A person has to look: nothing can be done with it, and nothing of it is known.
        error @ db::Error::Unreadable { .. } => {
            tracing::error!(%error, "a checkout was asked for that cannot be read");
            SubmitError::Stuck
        }
        // What a newer version wrote is for a process of that version.
        error @ (db::Error::Lossy(_) | db::Error::Newer { .. }) => {
            tracing::warn!(%error, "this process leaves it alone");
            SubmitError::Unavailable { maybe_recorded: false }
        }
        other => SubmitError::Internal(other.to_string()),
    }
}
