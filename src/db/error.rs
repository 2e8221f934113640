//! What the database failed with, without what was to be written: its own words quote whole rows.

use std::borrow::Cow;
use std::fmt;

use sqlx::postgres::{PgDatabaseError, PgSeverity};
use uuid::Uuid;

use crate::db::connection;

/// Why a write or a read did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else changed the checkout first, or holds it. Nothing was written.
    #[error("the checkout has changed in the meantime")]
    Lost,
    /// The idempotency key is already bound.
    #[error("the idempotency key is already bound")]
    KeyBound,
    /// The order already belongs to another checkout.
    #[error("the order already belongs to another checkout")]
    OrderTaken,
    /// Another action of the same order is open.
    #[error("another action of the order is open")]
    OrderBusy,
    /// The cart already belongs to another checkout.
    #[error("the cart already belongs to another checkout")]
    CartTaken,
    /// A row could not be read back. A person should look.
    #[error("checkout {checkout_id} cannot be read: {reason}")]
    Unreadable {
        /// Which.
        checkout_id: Uuid,
        /// What is wrong with it.
        reason: String,
    },
    /// What is no checkout could not be read back. A person should look.
    #[error("{what} {id} cannot be read: {reason}")]
    Corrupt {
        /// What it is.
        what: &'static str,
        /// Which.
        id: Uuid,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer version of this program wrote the row. Nothing was written.
    #[error(
        "checkout {checkout_id} was written by a newer version of this program (its record is of version {version})"
    )]
    Newer {
        /// Which.
        checkout_id: Uuid,
        /// The version of its record.
        version: i16,
    },
    /// What the database commits may be lost, so nothing was written.
    #[error("{0}")]
    Lossy(String),
    /// The database refused a value or a row: a constraint, a size, a character that it does not keep. It would again, and
    /// nothing was written.
    #[error("the database refused what was to be written ({0})")]
    Refused(Failure),
    /// The database failed. Whether a write happened is not known.
    #[error("the database failed ({0})")]
    Database(Failure),
}

impl Error {
    /// Whether a write that failed like this was certainly not written: it was refused, or never got a connection.
    pub fn wrote_nothing(&self) -> bool {
        match self {
            Self::Database(Failure(sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed)) => true,
            Self::Database(Failure(cause)) => is_refusal(cause),
            _ => true,
        }
    }

    /// The same, when something was written before.
    #[must_use]
    pub fn after_writing(self) -> Self {
        match self {
            Self::Database(cause) | Self::Refused(cause) => {
                Self::Database(Failure(sqlx::Error::Io(std::io::Error::other(cause))))
            }
            other => other,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error().and_then(sqlx::error::DatabaseError::constraint) {
            Some("idempotency_key_scope" | "idempotency_key_pkey" | "order_action_key") => Self::KeyBound,
            Some("order_action_one_open") => Self::OrderBusy,
            Some("checkout_order_one_owner" | "checkout_order_one_alive") => Self::OrderTaken,
            Some("checkout_cart_one_alive") => Self::CartTaken,
            _ => {
                connection::note(&error);
                let refused =
                    is_refusal(&error) && Failure::code_of(&error).is_some_and(|code| is_certain(&code));
                if refused { Self::Refused(Failure(error)) } else { Self::Database(Failure(error)) }
            }
        }
    }
}

/// An error of the database. Neither form of it shows PostgreSQL's message, detail or context, which quote the row or the
/// value: a log is no place for names and addresses.
pub struct Failure(pub(crate) sqlx::Error);

impl Failure {
    fn code_of(error: &sqlx::Error) -> Option<Cow<'_, str>> {
        error.as_database_error().and_then(sqlx::error::DatabaseError::code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(error) = self.0.as_database_error() else {
            return match &self.0 {
                // What could not be read may be quoted.
                sqlx::Error::ColumnDecode { index, .. } => write!(f, "column {index} cannot be decoded"),
                sqlx::Error::Decode(_) | sqlx::Error::Encode(_) => f.write_str("a value cannot be converted"),
                other => write!(f, "{other}"),
            };
        };
        write!(f, "SQLSTATE {}", error.code().as_deref().unwrap_or("unknown"))?;
        let of_postgres = error.try_downcast_ref::<PgDatabaseError>();
        for (what, name) in [
            ("constraint", error.constraint()),
            ("table", error.table()),
            ("routine", of_postgres.and_then(PgDatabaseError::routine)),
        ] {
            if let Some(name) = name {
                write!(f, ", {what} {name}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure({self})")
    }
}

impl std::error::Error for Failure {}

/// Whether PostgreSQL refused the statement, and so certainly wrote nothing of it. What ends the connection says nothing.
pub(crate) fn is_refusal(error: &sqlx::Error) -> bool {
    let refused = error.as_database_error().and_then(|error| error.try_downcast_ref::<PgDatabaseError>());
    refused.is_some_and(|error| matches!(error.severity(), PgSeverity::Error))
}

/// Classes 22 (what a value is) and 23 (what a constraint allows): the same statement is refused again.
fn is_certain(code: &str) -> bool {
    code.starts_with("22") || code.starts_with("23")
}
