//! `billing-address`: add or replace it, compare-and-set by `version`.

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::checkout::{Checkout, Document, Input, StepName};
use crate::saga::operation::Operation;
use crate::saga::step::{Finding, Shown, Step, StepContext, Verdict};

/// See the module.
pub(super) struct BillingAddress;

/// What is compared to see whether an address arrived. BigCommerce normalizes the rest.
const COMPARED: &[&str] = &[
    "email",
    "first_name",
    "last_name",
    "address1",
    "address2",
    "company",
    "phone",
    "city",
    "postal_code",
    "country_code",
    "state_or_province_code",
];

#[async_trait]
impl Step for BillingAddress {
    fn name(&self) -> StepName {
        StepName::BillingAddress
    }

    fn is_ready(&self, checkout: &Checkout) -> bool {
        checkout.input.billing_address.is_some()
    }

    fn take(&self, input: &mut Input, operation: &Operation) -> bool {
        let given = match operation {
            Operation::BillingAddress(address) => Some(address),
            Operation::Complete(complete) => complete.billing_address.as_ref(),
            _ => None,
        };
        given.is_some_and(|address| {
            input.billing_address = Some(address.clone());
            true
        })
    }

    fn invalidates(&self) -> &'static [StepName] {
        &[StepName::BillingAddress]
    }

    fn forget(&self, input: &mut Input) {
        input.billing_address = None;
    }

    fn shown(&self, checkout: &Checkout) -> Shown {
        let address = checkout.facts.document.as_ref().and_then(Document::billing_address);
        let untouched = checkout.facts.cart_is_foreign && checkout.input.billing_address.is_none();
        match address {
            Some(address) if untouched && is_complete(&address) => Shown::BroughtAlong,
            Some(_) => Shown::Done,
            // A document that was read without it says nothing.
            None => Shown::Nothing,
        }
    }

    async fn execute(&self, cx: &mut StepContext) -> Result<Verdict, Verdict> {
        run(cx).await.map(|()| Verdict::Succeeded)
    }

    async fn reconcile(&self, cx: &mut StepContext) -> Finding {
        match cx.read_checkout().await {
            Ok(true) => {
                let wanted = cx.checkout.input.billing_address.as_ref();
                let found = cx.checkout.facts.document.as_ref().and_then(Document::billing_address);
                if let (Some(wanted), Some(found)) = (wanted, found)
                    && same_address(wanted, &found)
                {
                    return Verdict::Succeeded.into();
                }
                Finding::Absent
            }
            Ok(false) => Finding::Absent,
            Err(verdict) => Finding::of_failed_look(verdict),
        }
    }
}

/// What an order needs of its billing address (BigCommerce: checkouts.v3, createOrder).
fn is_complete(address: &Map<String, Value>) -> bool {
    let filled =
        |field: &str| address.get(field).and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty());
    ["email", "first_name", "last_name", "address1", "city", "country_code"].into_iter().all(filled)
}

async fn run(cx: &mut StepContext) -> Result<(), Verdict> {
    let cart_id = cx.cart_id()?;
    let address = Value::Object(cx.input().billing_address.clone().unwrap_or_default());
    let document = cx.checkout.facts.document.as_ref();
    let version = document.and_then(Document::version);
    let existing = document
        .and_then(Document::billing_address)
        .and_then(|address| Some(address.get("id")?.as_str()?.to_owned()))
        // A placeholder has no id: then there is nothing to replace.
        .filter(|id| !id.trim().is_empty());
    let checkouts = cx.client.checkouts(&cx.call);
    let (call, written) = match existing {
        Some(id) => (
            "update-billing-address",
            checkouts.update_billing_address(&cart_id, &id, &address, version).await,
        ),
        None => ("add-billing-address", checkouts.add_billing_address(&cart_id, &address, version).await),
    };
    let answer = cx.write(call, written)?;
    cx.keep(Document::from_checkout(answer.value.raw));
    Ok(())
}

/// Whether BigCommerce holds this address: case and surrounding blanks aside, on the fields that it does not rewrite.
pub(super) fn same_address(wanted: &Map<String, Value>, found: &Map<String, Value>) -> bool {
    COMPARED.iter().all(|&field| {
        let text = |address: &Map<String, Value>| {
            address
                .get(field)
                .and_then(Value::as_str)
                .map(|text| text.trim().to_lowercase())
                .unwrap_or_default()
        };
        let wanted = text(wanted);
        wanted.is_empty() || wanted == text(found)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn address(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn an_address_is_recognized_after_bigcommerce_rewrote_it() {
        let wanted =
            address(&json!({"email": "Jane@Example.com", "city": " Austin", "state_or_province": "TX"}));
        let found =
            address(&json!({"email": "jane@example.com", "city": "AUSTIN", "state_or_province": "Texas",
            "country": "United States"}));
        assert!(same_address(&wanted, &found));
        let elsewhere = address(&json!({"email": "jane@example.com", "city": "Dallas"}));
        assert!(!same_address(&wanted, &elsewhere));
    }
}
