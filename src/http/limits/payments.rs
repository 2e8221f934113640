//! Payments that are asked for: how often on one checkout, by one shopper, from one address.

use std::sync::PoisonError;

use tokio::time::Instant;

use super::super::State;
use super::super::auth::Principal;
use super::super::extract::{Ask, Target};
use super::super::problem::Problem;
use super::{Client, HOUR, Limited, Subject};
use crate::saga::PaymentsOf;

impl State {
    /// Counts a payment that is asked for, unless it is a repetition. `email`: the one that the request itself names.
    pub(in super::super) async fn count_payment(
        &self,
        target: &Target,
        ask: &Ask,
        client: Client,
        email: Option<&str>,
    ) -> Result<(), Problem> {
        let limits = self.limits();
        let scope = target.principal.scope();
        let key = ask.key.as_ref().map(|key| key.as_str().to_owned()).unwrap_or_default();
        let asked = Subject::Asked(target.id, scope.clone(), key);
        let counted = {
            let mut asked_before = limits.asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked_before.take(asked.clone(), 1, Instant::now()).is_err()
        };
        if counted {
            return Ok(());
        }
        let allowed = self.allow_payment(target, ask, client, email).await;
        if allowed.is_err() {
            limits.asked.lock().unwrap_or_else(PoisonError::into_inner).give_back(asked, 1);
        }
        allowed
    }

    async fn allow_payment(
        &self,
        target: &Target,
        ask: &Ask,
        client: Client,
        email: Option<&str>,
    ) -> Result<(), Problem> {
        let limits = self.limits();
        if !matches!(target.principal, Principal::Checkout(_)) {
            // A server knows its shoppers and counts them itself, by what it knows.
            let taken = limits.take(&limits.payments, Subject::Checkout(target.id));
            return taken.map_err(|limited| self.limited(limited));
        }
        let settings = &limits.settings;
        let asked = PaymentsOf {
            key: ask.key.as_ref().map(|key| (target.principal.scope(), key.clone())),
            address: client.text(),
            email: email.map(str::to_owned),
            window: HOUR,
            of_checkout: settings.payments_of_checkout,
            of_shopper: settings.payments_of_shopper,
            of_address: settings.payments_of_address,
        };
        match self.engine().count_payment(target.id, asked).await? {
            None => Ok(()),
            Some((kind, after)) => Err(self.limited(Limited { kind, after })),
        }
    }
}
