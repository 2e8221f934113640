//! `order` of a direct order: made by one V2 call, found again by our checkout id in `external_order_id`.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::order::{Origin, reconcile_order, verify, within_agreement};
use super::shared::read::order_facts;
use crate::bigcommerce::{Error, Priority};
use crate::checkout::{Checkout, Input, StepName, StuckReason};
use crate::saga::operation::Operation;
use crate::saga::order_lookup::OrderLookup;
use crate::saga::step::{Finding, Step, StepContext, Verdict, refused, verdict};

/// See the module.
pub(super) struct DirectOrder;

#[async_trait]
impl Step for DirectOrder {
    fn name(&self) -> StepName {
        StepName::Order
    }

    fn is_ready(&self, checkout: &Checkout) -> bool {
        checkout.input.direct_order.is_some()
    }

    fn take(&self, _input: &mut Input, operation: &Operation) -> bool {
        matches!(operation, Operation::Order { .. })
    }

    fn priority(&self) -> Priority {
        Priority::Order
    }

    fn must_be_reached(&self) -> bool {
        true
    }

    fn unknown_reason(&self) -> Option<StuckReason> {
        Some(StuckReason::OrderUnknown)
    }

    async fn execute(&self, cx: &mut StepContext) -> Result<Verdict, Verdict> {
        run(cx).await.map(|()| Verdict::Succeeded)
    }

    async fn reconcile(&self, cx: &mut StepContext) -> Finding {
        let lookup = lookup(&cx.checkout);
        reconcile_order(cx, &lookup).await
    }

    async fn compensate(&self, cx: &mut StepContext) -> Result<(), Verdict> {
        cx.cancel_order().await
    }
}

fn lookup(checkout: &Checkout) -> OrderLookup {
    OrderLookup::External(checkout.id.to_string())
}

async fn run(cx: &mut StepContext) -> Result<(), Verdict> {
    let lookup = lookup(&cx.checkout);
    let mut origin = Origin::Known;
    cx.none_revived().await?;
    if cx.checkout.facts.order.is_none() {
        origin = Origin::ThisAttempt;
        let body = body(&cx.checkout);
        cx.still_held()?;
        let created = cx.client.orders(&cx.call).create(&body).await;
        let order = match cx.note("create-order-v2", created) {
            Ok(answer) => answer.value,
            Err(Error::Moved(rejection)) => return Err(Verdict::Rejected(refused(&rejection))),
            Err(error) => return Err(verdict("create-order-v2", error)),
        };
        cx.facts().order = Some(order_facts(&order, false));
        within_agreement(cx, order.total_inc_tax.map(Into::into))?;
    }
    verify(cx, &lookup, origin).await
}

/// Only an Incomplete order (status 0) can be paid; the default of BigCommerce is 1. After a payment that settled as
/// declined, the external id of the dead order must not be found again, which is why dead orders are left out of lists.
fn body(checkout: &Checkout) -> Value {
    let mut body = checkout.input.direct_order.clone().unwrap_or_default();
    body.insert("status_id".to_owned(), json!(0));
    body.insert("external_order_id".to_owned(), json!(checkout.id.to_string()));
    Value::Object(body)
}
