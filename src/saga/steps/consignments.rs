//! `consignments`: say which items go where. Adding is not repeatable, so what is there is looked at first, strays are
//! removed, and then all are added in one call under the known `version`.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::billing_address::same_address;
use crate::checkout::{
    Checkout, ConsignmentInput, ConsignmentItem, Document, Input, StepName, UpstreamRejection,
};
use crate::saga::operation::Operation;
use crate::saga::step::{Finding, Shown, Step, StepContext, Verdict};

/// See the module.
pub(super) struct Consignments;

#[async_trait]
impl Step for Consignments {
    fn name(&self) -> StepName {
        StepName::Consignments
    }

    fn is_ready(&self, checkout: &Checkout) -> bool {
        checkout.input.consignments.is_some()
    }

    fn take(&self, input: &mut Input, operation: &Operation) -> bool {
        let given = match operation {
            Operation::Consignments(consignments) => Some(consignments),
            Operation::Complete(complete) => complete.consignments.as_ref(),
            _ => None,
        };
        given.is_some_and(|consignments| {
            input.consignments = Some(consignments.clone());
            // They were chosen for other consignments.
            input.shipping_options = None;
            true
        })
    }

    fn invalidates(&self) -> &'static [StepName] {
        &[StepName::Consignments, StepName::ShippingOptions]
    }

    fn forget(&self, input: &mut Input) {
        input.consignments = None;
    }

    fn shown(&self, checkout: &Checkout) -> Shown {
        let Some(document) = &checkout.facts.document else { return Shown::Nothing };
        if document.shipped_items().is_empty() {
            return Shown::NotNeeded;
        }
        let untouched = checkout.facts.cart_is_foreign && checkout.input.consignments.is_none();
        match checkout.facts.holds_all_units() {
            true if untouched => Shown::BroughtAlong,
            true => Shown::Done,
            false => Shown::NotDone,
        }
    }

    async fn execute(&self, cx: &mut StepContext) -> Result<Verdict, Verdict> {
        run(cx).await.map(|()| deliverable(cx))
    }

    async fn reconcile(&self, cx: &mut StepContext) -> Finding {
        match cx.read_checkout().await {
            Ok(true) if is_there(&cx.checkout) => {
                if let Ok(bodies) = wanted(&cx.checkout) {
                    assigned(cx, &bodies);
                }
                deliverable(cx).into()
            }
            Ok(_) => Finding::Absent,
            Err(verdict) => Finding::of_failed_look(verdict),
        }
    }
}

/// BigCommerce takes any address: whether the store ships there is seen by what it offers.
fn deliverable(cx: &mut StepContext) -> Verdict {
    if cx.checkout.facts.document.as_ref().is_none_or(Document::is_deliverable) {
        return Verdict::Succeeded;
    }
    Consignments.forget(&mut cx.checkout.input);
    Verdict::Undeliverable
}

async fn run(cx: &mut StepContext) -> Result<(), Verdict> {
    let cart_id = cx.cart_id()?;
    let strays: Vec<String> = cx
        .checkout
        .facts
        .document
        .as_ref()
        .map(|document| document.consignments().iter().map(|stray| stray.id.clone()).collect())
        .unwrap_or_default();
    let body = wanted(&cx.checkout).map_err(|title| refusal(&title))?;
    let before = cx.checkout.facts.document.clone();
    let given = cx.input().consignments.clone().unwrap_or_default();
    if let Some(changes) = before.as_ref().and_then(|document| in_place(document, &given, &body)) {
        return correct(cx, &cart_id, changes).await;
    }
    for stray in strays {
        let version = cx.checkout.facts.document.as_ref().and_then(Document::version);
        cx.still_held()?;
        let deleted = cx.client.checkouts(&cx.call).delete_consignment(&cart_id, &stray, version).await;
        let answer = cx.write("delete-consignment", deleted)?;
        cx.keep(Document::from_checkout(answer.value.raw));
    }
    let version = cx.checkout.facts.document.as_ref().and_then(Document::version);
    cx.still_held()?;
    let added = cx.client.checkouts(&cx.call).add_consignments(&cart_id, &body, version).await;
    let answer = match cx.write("add-consignments", added) {
        Err(refused @ Verdict::Rejected(_)) => {
            put_back(cx, &cart_id, before.as_ref()).await;
            return Err(refused);
        }
        answered => answered?,
    };
    cx.keep(Document::from_checkout(answer.value.raw));
    cx.facts().consigned.clear();
    assigned(cx, &body);
    let (Some(before), Some(after)) = (before, cx.checkout.facts.document.clone()) else { return Ok(()) };
    if after.is_covered() {
        return Ok(());
    }
    // A promotion split a line while the consignments were made: its new line goes where the old one goes.
    let given = cx.checkout.input.consignments.take().unwrap_or_default();
    let split = after_split(&before, &after, &given);
    if split == given && given.iter().any(|consignment| consignment.line_items.is_some()) {
        return Err(refusal("BigCommerce left some items without a consignment"));
    }
    cx.checkout.input.consignments = Some(split);
    Err(Verdict::Retry { after: Some(Duration::ZERO), why: "a promotion split a line".to_owned() })
}

/// What is to be sent where the same items only go to other addresses: the consignments keep their ids, and nothing is
/// lost when the new address is refused. `None`: they have to be made anew.
fn in_place(
    document: &Document,
    given: &[ConsignmentInput],
    bodies: &[Value],
) -> Option<Vec<(String, Value)>> {
    let there = document.consignments();
    let fetched = given.iter().any(|consignment| consignment.pickup_method_id.is_some())
        || there.iter().any(|consignment| consignment.is_picked_up);
    if fetched || there.len() != given.len() {
        return None;
    }
    let lines = document.shipped_items();
    let (mut changes, mut unchanged) = (Vec::new(), Vec::new());
    for (consignment, body) in given.iter().zip(bodies) {
        let mut wanted = Vec::new();
        for (id, quantity) in units(document, consignment) {
            // BigCommerce does not say how many units of a line go where: only whole lines can be compared.
            if lines.iter().all(|line| line.id != id || line.quantity != quantity) {
                return None;
            }
            wanted.push(id);
        }
        wanted.sort_unstable();
        let same = there.iter().find(|there| {
            let mut held = there.line_item_ids.clone();
            held.sort_unstable();
            held == wanted
        })?;
        let held = same.address().unwrap_or_default();
        let differs = |(field, value): (&String, &Value)| held.get(field) != Some(value);
        let update = (same.id.clone(), body.clone());
        if consignment.address.iter().any(differs) {
            changes.push(update);
        } else {
            unchanged.push(update);
        }
    }
    // Said again as it was: somebody may have raised a quantity meanwhile, and BigCommerce does not show which units go
    // nowhere. The update names all of them.
    Some(if changes.is_empty() { unchanged } else { changes })
}

async fn correct(cx: &mut StepContext, cart_id: &str, changes: Vec<(String, Value)>) -> Result<(), Verdict> {
    for (consignment, body) in changes {
        let version = cx.checkout.facts.document.as_ref().and_then(Document::version);
        cx.still_held()?;
        let checkouts = cx.client.checkouts(&cx.call);
        let updated = checkouts.update_consignment(cart_id, &consignment, &body, version).await;
        let answer = cx.write("update-consignment", updated)?;
        cx.keep(Document::from_checkout(answer.value.raw));
        assigned(cx, &[body]);
    }
    Ok(())
}

/// Notes which units of which lines these bodies assigned.
fn assigned(cx: &mut StepContext, bodies: &[Value]) {
    let mut sums: BTreeMap<String, u32> = BTreeMap::new();
    for item in bodies.iter().filter_map(|body| body["line_items"].as_array()).flatten() {
        if let (Some(id), Some(units)) = (item["item_id"].as_str(), item["quantity"].as_u64()) {
            let sum = sums.entry(id.to_owned()).or_default();
            *sum = sum.saturating_add(u32::try_from(units).unwrap_or(u32::MAX));
        }
    }
    cx.facts().consigned.extend(sums);
}

/// The new consignments were refused after the old ones had gone: the old ones are made again, as far as BigCommerce
/// takes them. Their shipping options have to be chosen again.
async fn put_back(cx: &mut StepContext, cart_id: &str, before: Option<&Document>) {
    let Some(before) = before.filter(|document| !document.consignments().is_empty()) else { return };
    let lines = before.shipped_items();
    let bodies: Vec<Value> = before
        .consignments()
        .iter()
        .map(|consignment| {
            let held = lines.iter().filter(|line| consignment.line_item_ids.contains(&line.id));
            let items: Vec<Value> =
                held.map(|line| json!({"item_id": line.id, "quantity": line.quantity})).collect();
            let mut address = consignment.address().unwrap_or_default();
            // BigCommerce's own additions, which it does not take back.
            address.retain(|field, value| !matches!(field.as_str(), "id" | "country") && !value.is_null());
            json!({"address": address, "line_items": items})
        })
        .collect();
    let once = lines.iter().all(|line| {
        let held = |consignment: &&crate::checkout::Consignment| consignment.line_item_ids.contains(&line.id);
        before.consignments().iter().filter(held).count() == 1
    });
    let version = cx.checkout.facts.document.as_ref().and_then(Document::version);
    // A unit that went elsewhere than its line cannot be told; then, and when this fails, the shopper is asked again.
    if !once || cx.still_held().is_err() {
        return;
    }
    let added = cx.client.checkouts(&cx.call).add_consignments(cart_id, &bodies, version).await;
    if let Ok(answer) = cx.note("add-consignments", added) {
        cx.keep(Document::from_checkout(answer.value.raw));
        assigned(cx, &bodies);
    }
}

/// The same units of the same products at the same addresses, by the lines that the cart has now.
fn after_split(before: &Document, after: &Document, given: &[ConsignmentInput]) -> Vec<ConsignmentInput> {
    let mut split = given.to_vec();
    let mut left: Vec<(String, u32, _)> =
        after.shipped_items().iter().map(|item| (item.id.clone(), item.quantity, &item.product)).collect();
    let old = before.shipped_items();
    for consignment in split.iter_mut().filter(|consignment| consignment.line_items.is_some()) {
        let mut items: Vec<ConsignmentItem> = Vec::new();
        for wanted in consignment.line_items.take().unwrap_or_default() {
            let Some(product) = old.iter().find(|item| item.id == wanted.item_id).map(|item| &item.product)
            else {
                continue;
            };
            let mut missing = wanted.quantity;
            for (id, units, _) in left.iter_mut().filter(|(_, _, known)| *known == product) {
                let taken = missing.min(*units);
                (missing, *units) = (missing - taken, *units - taken);
                match items.iter_mut().find(|item| item.item_id == *id) {
                    Some(item) => item.quantity += taken,
                    None if taken > 0 => {
                        items.push(ConsignmentItem { item_id: id.clone(), quantity: taken });
                    }
                    None => {}
                }
            }
        }
        consignment.line_items = Some(items);
    }
    // What the promotion gave on top goes to the first address.
    if let Some(items) = split.first_mut().and_then(|first| first.line_items.as_mut()) {
        for (id, units, _) in left.into_iter().filter(|(_, units, _)| *units > 0) {
            match items.iter_mut().find(|item| item.item_id == id) {
                Some(item) => item.quantity += units,
                None => items.push(ConsignmentItem { item_id: id, quantity: units }),
            }
        }
    }
    split
}

fn refusal(title: &str) -> Verdict {
    Verdict::Rejected(UpstreamRejection { status: 422, title: title.to_owned(), errors: Vec::new() })
}

/// The body of the call, with the items of each consignment spelled out.
fn wanted(checkout: &Checkout) -> Result<Vec<Value>, String> {
    let Some(document) = &checkout.facts.document else { return Err("there is no cart".to_owned()) };
    let consignments = checkout.input.consignments.as_deref().unwrap_or_default();
    if let Some(problem) = coverage_problem(document, consignments) {
        return Err(problem);
    }
    Ok(consignments
        .iter()
        .map(|consignment| {
            let items: Vec<Value> = units(document, consignment)
                .into_iter()
                .map(|(item_id, quantity)| json!({"item_id": item_id, "quantity": quantity}))
                .collect();
            let mut body = json!({"address": consignment.address, "line_items": items});
            if let Some(method) = consignment.pickup_method_id {
                body["pickup_option"] = json!({"pickup_method_id": method});
            }
            body
        })
        .collect())
}

/// The units of each item that go to one address.
fn units(document: &Document, consignment: &ConsignmentInput) -> Vec<(String, u32)> {
    match &consignment.line_items {
        Some(items) => items.iter().map(|item| (item.item_id.clone(), item.quantity)).collect(),
        None => document.shipped_items().iter().map(|item| (item.id.clone(), item.quantity)).collect(),
    }
}

/// Why these consignments do not hold each unit of each item that ships exactly once.
pub(in crate::saga) fn coverage_problem(
    document: &Document,
    consignments: &[ConsignmentInput],
) -> Option<String> {
    let mut assigned: BTreeMap<String, u64> = BTreeMap::new();
    for (item_id, quantity) in consignments.iter().flat_map(|consignment| units(document, consignment)) {
        *assigned.entry(item_id).or_default() += u64::from(quantity);
    }
    for item in document.shipped_items() {
        if !item.is_counted {
            return Some(format!("BigCommerce does not say how many units item {} has", item.id));
        }
        let units = assigned.remove(&item.id).unwrap_or(0);
        if units != u64::from(item.quantity) {
            return Some(format!(
                "item {} has {} units, but the consignments hold {units}",
                item.id, item.quantity
            ));
        }
    }
    assigned.keys().next().map(|id| format!("item {id} is not in the cart, or does not ship"))
}

/// Whether BigCommerce holds exactly these consignments.
fn is_there(checkout: &Checkout) -> bool {
    let (Some(document), Some(wanted)) = (&checkout.facts.document, &checkout.input.consignments) else {
        return false;
    };
    let found = document.consignments();
    document.is_covered()
        && found.len() == wanted.len()
        && wanted.iter().all(|consignment| {
            let mut items: Vec<String> = units(document, consignment).into_iter().map(|(id, _)| id).collect();
            items.sort_unstable();
            found.iter().any(|there| {
                let mut held = there.line_item_ids.clone();
                held.sort_unstable();
                held == items
                    && there.address().is_some_and(|address| same_address(&consignment.address, &address))
            })
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Document {
        Document::of(&json!({"cart": {"line_items": {
            "physical_items": [{"id": "a", "quantity": 3}], "custom_items": [{"id": "b", "quantity": 1}]}}}))
    }

    fn consignment(items: &[(&str, u32)]) -> ConsignmentInput {
        let items = items.iter().map(|&(id, quantity)| ConsignmentItem { item_id: id.to_owned(), quantity });
        ConsignmentInput {
            address: serde_json::Map::new(),
            line_items: Some(items.collect()),
            pickup_method_id: None,
        }
    }

    #[test]
    fn each_unit_of_each_item_is_in_exactly_one_consignment() {
        let document = document();
        let covered = |consignments: &[ConsignmentInput]| coverage_problem(&document, consignments).is_none();
        let all =
            ConsignmentInput { address: serde_json::Map::new(), line_items: None, pickup_method_id: None };
        assert!(covered(&[all]));
        assert!(covered(&[consignment(&[("a", 2), ("b", 1)]), consignment(&[("a", 1)])]));
        assert!(!covered(&[consignment(&[("a", 2), ("b", 1)])]), "a unit is missing");
        assert!(
            !covered(&[consignment(&[("a", 3), ("b", 1)]), consignment(&[("a", 1)])]),
            "a unit is sent twice"
        );
        assert!(!covered(&[consignment(&[("a", 3), ("b", 1), ("c", 1)])]), "an item that is not there");
        assert!(!covered(&[]));
    }
}
