//! BigCommerce's webhook subscriptions: created, listed and re-enabled.
//!
//! BigCommerce deactivates a subscription after 48 hours of failures or 90 days of silence, and shows it only to the API
//! account that made it. Every action here may be repeated.

use std::collections::BTreeMap;

use crate::bigcommerce::hooks::{Hook, NewHook};
use crate::bigcommerce::{Call, Client, Error, Priority};
use crate::secret::Secret;
use uuid::Uuid;

/// What the service listens to: everything that may report a change of an order or a cart.
pub const SCOPES: &[&str] = &[
    "store/order/created",
    "store/order/statusUpdated",
    "store/order/transaction/created",
    "store/order/archived",
    "store/cart/converted",
    "store/cart/deleted",
];

/// The header in which BigCommerce sends our own secret back.
pub const SECRET_HEADER: &str = "X-Webhook-Secret";

/// How a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is there and active.
    Active,
    /// It is there, and BigCommerce sends nothing.
    Inactive,
    /// It is not there.
    Missing,
}

/// What was done about a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Nothing: it was as it should be.
    Nothing,
    /// It was subscribed to.
    Registered,
    /// It was turned on again.
    Revived,
}

/// A scope and how its subscription stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// The scope.
    pub scope: &'static str,
    /// BigCommerce's id of it.
    pub id: Option<i64>,
    /// State.
    pub state: State,
}

/// The subscriptions of one store, for one destination.
pub struct Webhooks<'a> {
    /// The store's client.
    pub client: &'a Client,
    /// Where events go: https on port 443.
    pub destination: String,
    /// Sent back with every event, where the store uses it.
    pub secret: Option<Secret>,
}

impl Webhooks<'_> {
    /// How each scope stands.
    pub async fn list(&self) -> Result<Vec<Subscription>, Error> {
        let hooks = self.client.hooks(&call()).list().await?.value;
        Ok(SCOPES.iter().map(|&scope| self.subscription(scope, &hooks)).collect())
    }

    /// Subscribes to what is missing, and turns on what is inactive.
    pub async fn register(&self) -> Result<Vec<(Subscription, Done)>, Error> {
        let mut done = Vec::with_capacity(SCOPES.len());
        for mut subscription in self.list().await? {
            let wanted = self.wanted(subscription.scope);
            let what = match (subscription.state, subscription.id) {
                (State::Inactive, Some(id)) => {
                    self.client.hooks(&call()).update(id, &wanted).await?;
                    Done::Revived
                }
                (State::Missing, _) => {
                    let hook = self.client.hooks(&call()).create(&wanted).await?.value;
                    subscription.id = Some(hook.id);
                    Done::Registered
                }
                _ => Done::Nothing,
            };
            subscription.state = State::Active;
            done.push((subscription, what));
        }
        Ok(done)
    }

    fn subscription(&self, scope: &'static str, hooks: &[Hook]) -> Subscription {
        let hook = hooks.iter().find(|hook| hook.scope == scope && hook.destination == self.destination);
        let state = match hook {
            Some(hook) if hook.is_active => State::Active,
            Some(_) => State::Inactive,
            None => State::Missing,
        };
        Subscription { scope, id: hook.map(|hook| hook.id), state }
    }

    fn wanted(&self, scope: &str) -> NewHook {
        let headers = self.secret.iter().map(|secret| (SECRET_HEADER.to_owned(), secret.clone()));
        NewHook {
            scope: scope.to_owned(),
            destination: self.destination.clone(),
            is_active: true,
            headers: headers.collect::<BTreeMap<_, _>>(),
        }
    }
}

fn call() -> Call {
    Call::new(Uuid::now_v7(), Priority::BackOffice)
}
