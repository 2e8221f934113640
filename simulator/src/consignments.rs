//! Consignments of a checkout (BigCommerce: checkouts.v3, consignments). Adding is not idempotent: the same body twice
//! makes two consignments and ships twice.

use rust_decimal::Decimal;
use serde_json::Value;

use crate::address;
use crate::answer::{self, Answer, Reply};
use crate::call::{Visit, amount, list, member, text, whole};
use crate::cart::{Cart, Consignment, ShippingOption};
use crate::carts::{check_version, edit};
use crate::checkouts::shown;
use crate::choices::PromotionSplit;
use crate::lines;
use crate::settings::Settings;
use crate::shipping;

/// `POST /v3/checkouts/{id}/consignments`: an array; the version stands inside each element.
pub(crate) fn add(visit: &mut Visit<'_>) -> Reply {
    let (id, body) = (visit.param(0).to_owned(), visit.body.clone());
    let rows = body.as_array().filter(|rows| !rows.is_empty());
    let rows =
        rows.ok_or_else(|| answer::invalid("consignments", "must be an array with at least one row"))?;
    let cart = edit(visit, &id, &Value::Null, |cart, visit| {
        for row in rows {
            check_version(cart, row)?;
            add_one(cart, row, visit.settings)?;
        }
        if visit.settings.promotion_split == PromotionSplit::Consignment {
            lines::split_promotions(visit.store, cart);
            cart.settle_consignments(false);
        }
        Ok(())
    })?;
    Ok(shown(&cart, visit))
}

fn add_one(cart: &mut Cart, row: &Value, settings: &Settings) -> Result<(), Answer> {
    let given = given_address(row).ok_or_else(|| answer::invalid("address", "is required"))?;
    let items = read_items(cart, row)?;
    if items.is_empty() {
        return Err(answer::invalid("line_items", "at least one line item is required"));
    }
    let mut consignment = Consignment {
        id: address::short_id(),
        address: address::read_for(given, settings)?,
        items,
        selected: None,
        pickup_method: None,
    };
    if let Some(pickup) = member(row, "pickup_option") {
        choose_pickup(&mut consignment, pickup)?;
    }
    cart.consignments.push(consignment);
    Ok(())
}

/// `address`, or the deprecated `shipping_address`.
fn given_address(row: &Value) -> Option<&Value> {
    member(row, "address").or_else(|| member(row, "shipping_address"))
}

fn read_items(cart: &Cart, row: &Value) -> Result<Vec<(String, u64)>, Answer> {
    let mut items: Vec<(String, u64)> = Vec::new();
    for item in list(row, "line_items")? {
        let id = text(item, "item_id")?.unwrap_or("");
        let line = cart.line(id).filter(|line| line.ships());
        let line = line
            .ok_or_else(|| answer::invalid("line_items.item_id", "is not an item of this cart that ships"))?;
        let quantity = whole(item, "quantity")?.unwrap_or(0);
        if quantity == 0 || quantity > line.quantity || items.iter().any(|(known, _)| known == id) {
            return Err(answer::invalid(
                "line_items.quantity",
                "must be between 1 and the quantity in the cart",
            ));
        }
        items.push((id.to_owned(), quantity));
    }
    Ok(items)
}

fn choose_pickup(consignment: &mut Consignment, pickup: &Value) -> Result<(), Answer> {
    let method = whole(pickup, "pickup_method_id")?;
    let method = method.ok_or_else(|| answer::invalid("pickup_method_id", "is required"))?;
    consignment.pickup_method = Some(method);
    Ok(())
}

/// `PUT /v3/checkouts/{id}/consignments/{consignmentId}`: address and items, or a shipping option, never both.
pub(crate) fn update(visit: &mut Visit<'_>) -> Reply {
    let (id, consignment_id, body) =
        (visit.param(0).to_owned(), visit.param(1).to_owned(), visit.body.clone());
    let moves = given_address(&body).is_some() || member(&body, "line_items").is_some();
    let chooses = ["shipping_option_id", "pickup_option", "custom_shipping"]
        .iter()
        .any(|name| member(&body, name).is_some());
    if moves == chooses {
        let message = "either an address and line items, or one shipping option; in separate requests";
        return Err(answer::invalid("shipping_option_id", message));
    }
    let cart = edit(visit, &id, &body, |cart, visit| {
        let at = cart.consignments.iter().position(|known| known.id == consignment_id);
        let at = at.ok_or_else(|| answer::not_found("The consignment does not exist."))?;
        let mut consignment = cart
            .consignments
            .get(at)
            .cloned()
            .ok_or_else(|| answer::not_found("The consignment does not exist."))?;
        if moves {
            relocate(cart, &mut consignment, &body, visit.settings)?;
        } else {
            choose(cart, &mut consignment, &body)?;
        }
        if let Some(place) = cart.consignments.get_mut(at) {
            *place = consignment;
        }
        Ok(())
    })?;
    Ok(shown(&cart, visit))
}

/// A new address or other items: the old quote is worth nothing, so the selection is dropped.
fn relocate(
    cart: &Cart,
    consignment: &mut Consignment,
    body: &Value,
    settings: &Settings,
) -> Result<(), Answer> {
    if let Some(given) = given_address(body) {
        consignment.address = address::read_for(given, settings)?;
    }
    let items = read_items(cart, body)?;
    if !items.is_empty() {
        consignment.items = items;
    }
    consignment.selected = None;
    consignment.pickup_method = None;
    Ok(())
}

fn choose(cart: &Cart, consignment: &mut Consignment, body: &Value) -> Result<(), Answer> {
    if let Some(pickup) = member(body, "pickup_option") {
        return choose_pickup(consignment, pickup);
    }
    if let Some(custom) = member(body, "custom_shipping") {
        let cost: Decimal =
            amount(custom, "price")?.ok_or_else(|| answer::invalid("price", "is required"))?;
        let description = text(custom, "description")?.unwrap_or("Custom").to_owned();
        let id = format!("{:0>32}", consignment.id);
        consignment.selected =
            Some(ShippingOption { id, kind: "shipping_customshipping".into(), description, cost });
        return Ok(());
    }
    let wanted = text(body, "shipping_option_id")?.unwrap_or("");
    let option = shipping::quote(cart, consignment).into_iter().find(|option| option.id == wanted);
    consignment.selected = Some(option.ok_or_else(|| {
        answer::invalid("shipping_option_id", "is not available for this consignment; get the options again")
    })?);
    Ok(())
}

/// `DELETE /v3/checkouts/{id}/consignments/{consignmentId}`
pub(crate) fn delete(visit: &mut Visit<'_>) -> Reply {
    let (id, consignment_id, body) =
        (visit.param(0).to_owned(), visit.param(1).to_owned(), visit.body.clone());
    let cart = edit(visit, &id, &body, |cart, _| {
        let before = cart.consignments.len();
        cart.consignments.retain(|known| known.id != consignment_id);
        if cart.consignments.len() == before {
            return Err(answer::not_found("The consignment does not exist."));
        }
        Ok(())
    })?;
    Ok(shown(&cart, visit))
}
