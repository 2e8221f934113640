//! `shipping-options`: choose how each consignment is sent, as named or by preference. Naturally idempotent.

use std::cmp::Ordering;

use async_trait::async_trait;

use crate::bigcommerce::checkouts::Include;
use crate::checkout::{
    Checkout, Consignment, Document, Input, OptionChoice, Preference, ShippingOption, StepName,
    UpstreamRejection,
};
use crate::saga::operation::Operation;
use crate::saga::step::{Finding, Shown, Step, StepContext, Verdict};

/// See the module.
pub(super) struct ShippingOptions;

#[async_trait]
impl Step for ShippingOptions {
    fn name(&self) -> StepName {
        StepName::ShippingOptions
    }

    fn is_ready(&self, checkout: &Checkout) -> bool {
        checkout.input.shipping_options.is_some() || checkout.input.shipping_preference.is_some()
    }

    fn take(&self, input: &mut Input, operation: &Operation) -> bool {
        let given = match operation {
            Operation::ShippingOptions(options) => Some(options),
            Operation::Complete(complete) => {
                if let Some(preference) = &complete.shipping_preference {
                    input.shipping_preference = Some(preference.clone());
                }
                complete.shipping_options.as_ref()
            }
            _ => None,
        };
        given.is_some_and(|options| {
            input.shipping_options = Some(options.clone());
            true
        })
    }

    fn invalidates(&self) -> &'static [StepName] {
        &[StepName::ShippingOptions]
    }

    fn forget(&self, input: &mut Input) {
        input.shipping_options = None;
    }

    fn shown(&self, checkout: &Checkout) -> Shown {
        let Some(document) = &checkout.facts.document else { return Shown::Nothing };
        if document.shipped_items().is_empty() {
            return Shown::NotNeeded;
        }
        if !(checkout.facts.holds_all_units() && document.options_selected()) {
            return Shown::NotDone;
        }
        let input = &checkout.input;
        let untouched = checkout.facts.cart_is_foreign
            && input.shipping_options.is_none()
            && input.consignments.is_none();
        // What is picked up is not sent.
        let sent = document.consignments().iter().any(|consignment| !consignment.is_picked_up);
        if untouched || !sent { Shown::BroughtAlong } else { Shown::Done }
    }

    async fn execute(&self, cx: &mut StepContext) -> Result<Verdict, Verdict> {
        match run(cx).await {
            Ok(()) => Ok(Verdict::Succeeded),
            Err(refused @ Verdict::Rejected(_)) => {
                // The quote is gone: the shopper chooses again, from fresh ones.
                self.forget(&mut cx.checkout.input);
                cx.read_checkout().await?;
                Err(refused)
            }
            Err(verdict) => Err(verdict),
        }
    }

    async fn reconcile(&self, cx: &mut StepContext) -> Finding {
        match cx.read_checkout().await {
            Ok(true) => {
                let missing = choices(&cx.checkout).map(|choices| choices.is_empty());
                if missing == Ok(true) { Verdict::Succeeded.into() } else { Finding::Absent }
            }
            Ok(false) => Finding::Absent,
            Err(verdict) => Finding::of_failed_look(verdict),
        }
    }
}

async fn run(cx: &mut StepContext) -> Result<(), Verdict> {
    let cart_id = cx.cart_id()?;
    let choices = choices(&cx.checkout).map_err(|title| match cx.input().shipping_options {
        Some(_) => Verdict::Rejected(UpstreamRejection { status: 422, title, errors: Vec::new() }),
        // Nothing that is offered is what was preferred: the shopper chooses from what there is.
        None => Verdict::Open,
    })?;
    for (consignment, option) in choices {
        let version = cx.checkout.facts.document.as_ref().and_then(Document::version);
        let checkouts = cx.client.checkouts(&cx.call);
        let chosen = checkouts
            .select_shipping_option(&cart_id, &consignment, &option, version, Include::Nothing)
            .await;
        let answer = cx.write("update-consignment", chosen)?;
        cx.keep(Document::from_checkout(answer.value.raw));
    }
    let document = cx.checkout.facts.document.as_ref();
    if document.is_none_or(Document::options_selected) {
        Ok(())
    } else {
        let title = "BigCommerce left a consignment without a shipping option".to_owned();
        Err(Verdict::Rejected(UpstreamRejection { status: 422, title, errors: Vec::new() }))
    }
}

/// The consignments whose option is to be set, with the option. Those that have the wanted one are left out.
fn choices(checkout: &Checkout) -> Result<Vec<(String, String)>, String> {
    let Some(document) = &checkout.facts.document else { return Err("there is no cart".to_owned()) };
    let named = checkout.input.shipping_options.as_deref().unwrap_or_default();
    let preference = checkout.input.shipping_preference.as_ref();
    let mut choices = Vec::new();
    for consignment in document.consignments() {
        if consignment.is_picked_up && named_for(consignment, named).is_none() {
            continue;
        }
        let wanted = match (named_for(consignment, named), preference) {
            (Some(option), _) => option.to_owned(),
            (None, Some(preference)) => preferred(consignment, preference).ok_or_else(|| {
                format!("no shipping option of consignment {} fits the preference", consignment.id)
            })?,
            (None, None) if consignment.selected.is_some() => continue,
            (None, None) => return Err(format!("consignment {} has no shipping option", consignment.id)),
        };
        if consignment.selected.as_deref() != Some(wanted.as_str()) {
            choices.push((consignment.id.clone(), wanted));
        }
    }
    Ok(choices)
}

fn named_for<'a>(consignment: &Consignment, named: &'a [OptionChoice]) -> Option<&'a str> {
    named
        .iter()
        .find(|choice| choice.consignment_id.as_deref().is_none_or(|id| id == consignment.id))
        .map(|choice| choice.shipping_option_id.as_str())
}

fn preferred(consignment: &Consignment, preference: &Preference) -> Option<String> {
    let available = consignment.available().iter();
    // Whoever gave an address wants it delivered there; what is picked up is chosen by its name only.
    let delivered = available.clone().filter(|option| !option.is_pickup());
    let option = match preference {
        Preference::Cheapest => delivered.min_by(|a, b| by_cost(a, b)),
        Preference::Fastest => delivered.min_by(|a, b| a.days().cmp(&b.days()).then_with(|| by_cost(a, b))),
        Preference::Type(kind) => {
            available.filter(|option| option.kind == *kind).min_by(|a, b| by_cost(a, b))
        }
        Preference::Description(text) => {
            available.filter(|option| option.description == *text).min_by(|a, b| by_cost(a, b))
        }
    };
    option.map(|option| option.id.clone())
}

/// The first of equals stays first: BigCommerce lists them in the merchant's order.
fn by_cost(a: &ShippingOption, b: &ShippingOption) -> Ordering {
    match (a.cost, b.cost) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn chosen(preference: &Preference) -> Option<String> {
        let document = Document::of(&json!({"consignments": [{"id": "k", "available_shipping_options": [
            {"id": "slow", "type": "flat", "description": "Flat Rate", "cost": 5, "transit_time": "3 to 9 days"},
            {"id": "fast", "type": "air", "description": "Air", "cost": 50.5, "transit_time": "1 day"},
            {"id": "shop", "type": "shipping_pickupinstore", "description": "Store", "cost": 0, "transit_time": "0 days"},
            {"id": "desk", "type": "custom", "description": "Pick-up at the desk", "cost": 0, "transit_time": ""},
            {"id": "free", "type": "free", "description": "Free", "cost": 0, "transit_time": ""},
        ]}]}));
        preferred(document.consignments().first()?, preference)
    }

    #[test]
    fn a_preference_chooses_one_option() {
        assert_eq!(chosen(&Preference::Cheapest).as_deref(), Some("free"));
        assert_eq!(chosen(&Preference::Fastest).as_deref(), Some("fast"));
        assert_eq!(chosen(&Preference::Type("flat".to_owned())).as_deref(), Some("slow"));
        assert_eq!(chosen(&Preference::Description("Air".to_owned())).as_deref(), Some("fast"));
        assert_eq!(chosen(&Preference::Type("shipping_pickupinstore".to_owned())).as_deref(), Some("shop"));
        assert_eq!(chosen(&Preference::Type("drone".to_owned())), None);
    }
}
