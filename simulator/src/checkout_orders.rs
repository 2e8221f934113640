//! `POST /v3/checkouts/{id}/orders`: the dangerous call. Every call makes another order from the same cart.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::answer::{self, Answer, Reply};
use crate::call::Visit;
use crate::cart::Cart;
use crate::carts::load;
use crate::choices::{FreeOrder, SecondOrder};
use crate::lines;
use crate::order::Order;
use crate::settle;
use crate::stock;
use crate::webhooks;

/// Makes an Incomplete order from a checkout (BigCommerce: checkouts.v3, createOrder).
pub(crate) fn create(visit: &mut Visit<'_>) -> Reply {
    let id = visit.param(0).to_owned();
    let cart = load(visit, &id).ok_or_else(answer::checkout_not_found)?;
    check_complete(&cart)?;
    lines::check_limits(visit.store, &cart)?;
    if visit.settings.second_order == SecondOrder::SameUnpaid
        && let Some(order) = unpaid_order(visit, &id)
    {
        return Ok(made(visit, order));
    }
    let order_id = visit.store.next_order_id();
    let mut order = Order::empty(order_id, &cart.currency, visit);
    order.copy_cart(&cart, visit);
    if visit.settings.incomplete_reserves_stock {
        stock::take(visit.store, &mut order);
    }
    let free = order.due().is_zero() && visit.settings.free_order == FreeOrder::PlacedAtOnce;
    visit.store.orders.insert(order_id, order);
    visit.store.orders_by_cart.entry(id).or_default().push(order_id);
    webhooks::order(visit, "store/order/created", order_id);
    if free {
        settle::place(visit, order_id);
    }
    Ok(made(visit, order_id))
}

/// The id of an order, as a number or as text.
fn made(visit: &Visit<'_>, id: u64) -> Answer {
    let id: Value = if visit.settings.order_ids_as_text { id.to_string().into() } else { id.into() };
    Answer::data(200, &json!({"id": id}))
}

fn unpaid_order(visit: &Visit<'_>, cart: &str) -> Option<u64> {
    let ids = visit.store.orders_by_cart.get(cart)?;
    ids.iter()
        .copied()
        .find(|id| visit.store.orders.get(id).is_some_and(|order| order.status_id == 0 && !order.archived))
}

/// Billing address, consignments for everything that ships, a selected option in each.
fn check_complete(cart: &Cart) -> Result<(), Answer> {
    let refuse = |title: &str| Err(answer::problem(422, title));
    let Some(billing) = &cart.billing else {
        return refuse("A billing address for this order is missing.");
    };
    if let Some(field) = billing.missing_for_order() {
        return refuse(&format!("A billing address for this order is incomplete: {field} is missing."));
    }
    for line in cart.lines.iter().filter(|line| line.ships()) {
        let covered: u64 = cart
            .consignments
            .iter()
            .flat_map(|consignment| &consignment.items)
            .filter(|(id, _)| *id == line.id)
            .map(|(_, quantity)| quantity)
            .sum();
        if covered < line.quantity {
            return refuse("A shipping address for this order is incomplete.");
        }
    }
    for consignment in &cart.consignments {
        if let Some(field) = consignment.address.missing_for_order() {
            return refuse(&format!("A shipping address for this order is incomplete: {field} is missing."));
        }
        if consignment.selected.is_none() && consignment.pickup_method.is_none() {
            return refuse("A shipping option for a consignment of this order is missing.");
        }
    }
    let negative = cart.lines.iter().any(|line| line.list_price < Decimal::ZERO);
    if negative { refuse("A price of this order is negative.") } else { Ok(()) }
}
