//! Payment attempts: how many on one checkout, by one shopper, from one address, and how many of them were declined.

use super::{Client, HOUR, Limited};
use crate::http::AppState;
use crate::http::problem::Problem;
use crate::http::request::extract::Target;
use crate::saga::{Operation, PaymentsOf, Request};

impl AppState {
    /// Counts a payment that is asked for and would be begun. What is refused anyway is refused here, and not counted.
    pub(in crate::http) async fn count_payment(
        &self,
        target: &Target,
        client: Client,
        operation: &Operation,
        request: &Request,
    ) -> Result<(), Problem> {
        let limits = self.limits();
        let settings = &limits.settings;
        // A server knows its shoppers and counts them itself, by what it knows. The first payment of a checkout costs
        // nothing more than it did; whatever comes after it is counted for all processes together.
        let by_server = !target.is_of_shopper();
        let first_is_free = by_server && settings.declines.of_key == 0;
        let counts = settings.payments_of_checkout > 0 || settings.declines.of_checkout > 0;
        if first_is_free && (!counts || limits.is_first_payment(target.id)) {
            return Ok(());
        }
        let limit = |most: u32| (most > 0).then_some(most);
        let others = |most: u32| limit(most).filter(|_| !by_server);
        let asked = PaymentsOf {
            address: client.text(),
            window: HOUR,
            of_checkout: limit(settings.payments_of_checkout).map(|most| most - u32::from(first_is_free)),
            of_shopper: others(settings.payments_of_shopper),
            of_address: others(settings.payments_of_address),
        };
        match self.engine().count_payment(target.id, operation, request, asked).await? {
            None => Ok(()),
            Some((kind, after)) => Err(self.limited(Limited { kind, after })),
        }
    }
}
