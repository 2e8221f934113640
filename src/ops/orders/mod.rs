//! Order management for operators: reads and changes BigCommerce's orders.
//!
//! Guarantees: an operation that can be repeated is one call, and its answer is BigCommerce's. One that must not happen twice
//! (a refund, a capture, a void, a shipment) is recorded before it is sent and reconciled before it may be sent again
//! ([`act`], [`settle`]); money moves only on an operator's request. Every change writes rows to the audit log.
//! Never: `DELETE /v2/orders`, an order that becomes payable a second time.
//!
//! Reading order: [`read`] only reads, [`statuses`] is the table of statuses, [`change`] changes one; [`act`] records an
//! intent, [`kept`] reads it back, [`send`] sends it, [`witness`] decides from BigCommerce's data whether it took effect,
//! [`settle`] asks until that is known, [`whole`] returns everything a checkout paid.

mod act;
mod change;
mod kept;
mod read;
mod send;
mod settle;
pub mod statuses;
mod whole;
mod witness;

use std::time::Duration;

use crate::bigcommerce::{Call, Client, Error, Priority};
use crate::checkout::UpstreamRejection;
use crate::db;

use super::guard::Guard;
use super::{Actor, Console};
use crate::role::Role;

pub use crate::bigcommerce::OrderId;
pub use crate::bigcommerce::customers::Filter as CustomerFilter;
pub use crate::bigcommerce::orders::Filter as OrderFilter;
pub use crate::db::{OrderAction, OrderActionFilter};
pub use act::{NewAction, Outcome, Submitted};
pub use change::{Changed, StatusAsk};
pub use kept::outcome;
pub use read::Part;

/// What must not be done twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Pay back, in part or all.
    Refund,
    /// Take what is authorized.
    Capture,
    /// Let go of what is authorized.
    Void,
    /// Send a part of the order, and mail the shopper.
    Shipment,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Refund, Self::Capture, Self::Void, Self::Shipment];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Shipment => "shipment",
        }
    }

    /// The kind of this word.
    pub fn find(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }

    /// The required role.
    pub fn role(self) -> Role {
        match self {
            Self::Shipment => Role::Act,
            Self::Refund | Self::Capture | Self::Void => Role::Money,
        }
    }
}

/// Why an order was not read or not changed.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// Several stores are configured, and none was named.
    #[error("several stores are configured: name one of {}", .0.join(", "))]
    StoreNeeded(Vec<String>),
    /// No store of this name is configured.
    #[error("there is no such store")]
    UnknownStore,
    /// There is no such thing at BigCommerce.
    #[error("BigCommerce knows no such {0}")]
    NotFound(&'static str),
    /// The actor may not do that.
    #[error("this needs the role {}", needs.as_str())]
    Forbidden {
        /// The role that may.
        needs: Role,
    },
    /// It is not allowed as things stand.
    #[error("{}", .0.detail)]
    Guarded(Guard),
    /// BigCommerce said no. Nothing happened.
    #[error("BigCommerce refused it")]
    Rejected(UpstreamRejection),
    /// It could not be asked. Nothing happened.
    #[error("BigCommerce is unavailable; nothing happened there")]
    Unavailable {
        /// When to ask again, in seconds.
        retry_after: u64,
    },
    /// It may have happened, and may be sent again.
    #[error("BigCommerce did not answer, so it is not known whether the change was made")]
    Unknown,
    /// The idempotency key belongs to another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// Another action of the order has not ended.
    #[error("another action on this order is in progress; BigCommerce takes one at a time")]
    Busy,
    /// The database failed.
    #[error("the database failed")]
    Database(#[source] db::Error),
}

impl From<db::Error> for OrderError {
    fn from(error: db::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Guard> for OrderError {
    fn from(guard: Guard) -> Self {
        Self::Guarded(guard)
    }
}

/// When to ask again, where BigCommerce did not say: in seconds.
const RETRY_AFTER_UPSTREAM: u64 = 5;

fn later(error: &Error) -> u64 {
    error.retry_after().map_or(RETRY_AFTER_UPSTREAM, |wait| wait.as_secs().max(1))
}

fn rejection(rejection: &crate::bigcommerce::Rejection) -> UpstreamRejection {
    let title = if rejection.title.is_empty() {
        format!("BigCommerce answered {}", rejection.status)
    } else {
        rejection.title.clone()
    };
    UpstreamRejection {
        status: rejection.status,
        title,
        errors: rejection
            .errors
            .iter()
            .map(|(field, message)| (field.clone(), message.clone()))
            .chain(rejection.detail.clone().map(|detail| ("detail".to_owned(), detail)))
            .collect(),
    }
}

/// What a failed read means to the caller. `what`: what was asked for.
fn unread(error: &Error, what: &'static str) -> OrderError {
    match error {
        error if error.is_not_found() => OrderError::NotFound(what),
        Error::Rejected(refused) | Error::Moved(refused) => OrderError::Rejected(rejection(refused)),
        Error::Unavailable(_) | Error::Unknown(_) => OrderError::Unavailable { retry_after: later(error) },
    }
}

impl Console {
    /// The store that is meant: the one of this name, or the only one that is seen from here.
    pub fn store_named(&self, name: Option<&str>) -> Result<String, OrderError> {
        let clients = &self.inner.clients;
        match name {
            Some(name) if clients.contains_key(name) && self.sees(name) => Ok(name.to_owned()),
            Some(_) => Err(OrderError::UnknownStore),
            None => {
                let mut names: Vec<&String> = clients.keys().filter(|name| self.sees(name)).collect();
                names.sort();
                match names.as_slice() {
                    [one] => Ok((*one).clone()),
                    several => {
                        Err(OrderError::StoreNeeded(several.iter().map(|name| (*name).clone()).collect()))
                    }
                }
            }
        }
    }

    fn client_of(&self, store: &str) -> Result<&Client, OrderError> {
        let client = self.inner.clients.get(store).filter(|_| self.sees(store));
        client.ok_or(OrderError::UnknownStore)
    }
}

/// A call of an operator. `id` correlates the calls of one action.
fn call(id: uuid::Uuid) -> Call {
    Call::new(id, Priority::BackOffice)
}

fn enough(actor: &Actor, needs: Role) -> Result<(), OrderError> {
    if actor.role >= needs { Ok(()) } else { Err(OrderError::Forbidden { needs }) }
}

/// The pause before the next look for an effect that is not shown yet.
fn pause(settle: Duration) -> Duration {
    (settle / 5).clamp(Duration::from_millis(100), Duration::from_secs(5))
}
