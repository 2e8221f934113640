//! The Carts API (BigCommerce: carts.v3): create, read, change, delete, line items and redirect URLs.

use serde_json::{Value, json};
use time::Duration;
use uuid::Uuid;

use crate::answer::{self, Answer, Reply};
use crate::call::{Visit, amount, member, text, whole};
use crate::cart::Cart;
use crate::choices::PromotionSplit;
use crate::lines;
use crate::money;
use crate::render;
use crate::snapshot;
use crate::webhooks;

/// `POST /v3/carts`
pub(crate) fn create(visit: &mut Visit<'_>) -> Reply {
    let body = visit.body.clone();
    let currency = match member(&body, "currency") {
        Some(currency) => text(currency, "code")?.unwrap_or(&visit.settings.store_currency),
        None => &visit.settings.store_currency,
    };
    if !money::TRANSACTIONAL.contains(&currency) {
        return Err(answer::invalid("currency.code", "is not a transactional currency of this store"));
    }
    let mut cart = Cart::new(currency, visit.now, visit.call.correlation_id());
    cart.customer_id = whole(&body, "customer_id")?.unwrap_or(0);
    cart.channel_id = whole(&body, "channel_id")?.unwrap_or(1);
    if let Some(locale) = text(&body, "locale")? {
        locale.clone_into(&mut cart.locale);
    }
    if let Some(customer) = visit.store.customers.get(&cart.customer_id) {
        customer.email.clone_into(&mut cart.email);
    }
    lines::add_all(visit.store, &mut cart, &body)?;
    if visit.settings.promotion_split == PromotionSplit::Cart {
        lines::split_promotions(visit.store, &mut cart);
    }
    visit.store.carts.insert(cart.id.clone(), cart.clone());
    webhooks::cart(visit, "store/cart/created", &cart.id);
    Ok(shown(&cart, visit, 201))
}

/// The cart, with redirect URLs when they were asked for.
fn shown(cart: &Cart, visit: &Visit<'_>, status: u16) -> Answer {
    let mut data = render::cart(cart, visit);
    if visit.includes("redirect_urls") {
        data["redirect_urls"] = redirect_urls(&cart.id);
    }
    Answer::data(status, &data)
}

fn redirect_urls(id: &str) -> Value {
    let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let url = |action: &str| format!("https://store.example.com/cart.php?{action}&id={id}&token={token}");
    json!({
        "cart_url": url("action=load"), "checkout_url": url("action=loadInCheckout"),
        "embedded_checkout_url": url("embedded=1&action=loadInCheckout"),
    })
}

/// How long a cart lives after its last change (BigCommerce: carts.v3).
const LIFETIME: Duration = Duration::days(30);

/// The cart with today's prices; nothing when it has expired.
pub(crate) fn load(visit: &Visit<'_>, id: &str) -> Option<Cart> {
    let known = visit.store.carts.get(id).filter(|cart| visit.now - cart.updated < LIFETIME);
    let mut cart = known?.clone();
    if visit.settings.reprice_carts {
        lines::reprice(visit.store, &mut cart);
    }
    Some(cart)
}

/// Changes a cart completely or not at all: loads it, compares `version`, changes a copy and stores it.
pub(crate) fn edit(
    visit: &mut Visit<'_>,
    id: &str,
    versioned: &Value,
    change: impl FnOnce(&mut Cart, &mut Visit<'_>) -> Result<(), Answer>,
) -> Result<Cart, Answer> {
    let mut cart =
        load(visit, id).ok_or_else(|| answer::not_found("The cart or checkout does not exist."))?;
    check_version(&cart, versioned)?;
    change(&mut cart, visit)?;
    cart.touch(visit.now);
    visit.store.carts.insert(cart.id.clone(), cart.clone());
    if visit.settings.order_follows_cart {
        snapshot::follow_cart(visit, &cart);
    }
    webhooks::cart(visit, "store/cart/updated", &cart.id);
    Ok(cart)
}

/// The optimistic lock: a `version` that is sent must be the current one.
pub(crate) fn check_version(cart: &Cart, body: &Value) -> Result<(), Answer> {
    match whole(body, "version")? {
        Some(version) if version != cart.version => Err(answer::version_conflict()),
        _ => Ok(()),
    }
}

/// `GET /v3/carts/{id}`
pub(crate) fn get(visit: &mut Visit<'_>) -> Reply {
    let cart = load(visit, visit.param(0)).ok_or_else(|| answer::not_found("The cart does not exist."))?;
    Ok(shown(&cart, visit, 200))
}

/// `PUT /v3/carts/{id}`: the customer; drops consignments' selections and promotions.
pub(crate) fn update(visit: &mut Visit<'_>) -> Reply {
    let (id, body) = (visit.param(0).to_owned(), visit.body.clone());
    let customer = whole(&body, "customer_id")?;
    let cart = edit(visit, &id, &body, |cart, visit| {
        if let Some(customer) = customer {
            cart.customer_id = customer;
            if let Some(known) = visit.store.customers.get(&customer) {
                known.email.clone_into(&mut cart.email);
            }
        }
        cart.coupons.clear();
        cart.settle_consignments(true);
        Ok(())
    })?;
    Ok(shown(&cart, visit, 201))
}

/// `DELETE /v3/carts/{id}`
pub(crate) fn delete(visit: &mut Visit<'_>) -> Reply {
    let id = visit.param(0).to_owned();
    if !visit.store.carts.contains_key(&id) {
        return Err(answer::not_found("The cart does not exist."));
    }
    visit.store.bury_cart(&id, "deleted");
    webhooks::cart(visit, "store/cart/deleted", &id);
    Ok(Answer::empty(204))
}

/// `POST /v3/carts/{id}/redirect_urls`
pub(crate) fn create_redirect_urls(visit: &mut Visit<'_>) -> Reply {
    let id = visit.param(0);
    load(visit, id).ok_or_else(|| answer::not_found("The cart does not exist."))?;
    Ok(Answer::data(201, &redirect_urls(id)))
}

/// `POST /v3/carts/{id}/items`
pub(crate) fn add_items(visit: &mut Visit<'_>) -> Reply {
    let (id, body) = (visit.param(0).to_owned(), visit.body.clone());
    let cart = edit(visit, &id, &body, |cart, visit| {
        lines::add_all(visit.store, cart, &body)?;
        after_item_change(cart, visit);
        Ok(())
    })?;
    Ok(shown(&cart, visit, 201))
}

fn after_item_change(cart: &mut Cart, visit: &Visit<'_>) {
    if visit.settings.promotion_split == PromotionSplit::Cart {
        lines::split_promotions(visit.store, cart);
    }
    cart.settle_consignments(visit.settings.edit_clears_selection);
}

/// `PUT /v3/carts/{id}/items/{itemId}`: quantity and list price.
pub(crate) fn update_item(visit: &mut Visit<'_>) -> Reply {
    let (id, item_id, body) = (visit.param(0).to_owned(), visit.param(1).to_owned(), visit.body.clone());
    let item = member(&body, "line_item").ok_or_else(|| answer::invalid("line_item", "is required"))?;
    let (quantity, price) = (whole(item, "quantity")?, amount(item, "list_price")?);
    if quantity.is_none() && price.is_none() {
        return Err(answer::invalid("line_item.quantity", "is required"));
    }
    if quantity == Some(0) {
        return remove_item(visit, &id, &item_id, &body);
    }
    let cart = edit(visit, &id, &body, |cart, visit| {
        let line = cart.lines.iter_mut().find(|line| line.id == item_id);
        let line = line.ok_or_else(|| answer::not_found("The line item does not exist."))?;
        if !line.is_mutable {
            return Err(answer::problem(422, "This line item cannot be updated."));
        }
        line.quantity = quantity.unwrap_or(line.quantity);
        if let Some(price) = price {
            line.list_price = price;
            line.price_override = true;
        }
        lines::reprice(visit.store, cart);
        lines::check_limits(visit.store, cart)?;
        after_item_change(cart, visit);
        Ok(())
    })?;
    Ok(shown(&cart, visit, 200))
}

/// `DELETE /v3/carts/{id}/items/{itemId}`: 204 when nothing is left and the cart is gone.
pub(crate) fn delete_item(visit: &mut Visit<'_>) -> Reply {
    let (id, item_id, body) = (visit.param(0).to_owned(), visit.param(1).to_owned(), visit.body.clone());
    remove_item(visit, &id, &item_id, &body)
}

fn remove_item(visit: &mut Visit<'_>, id: &str, item_id: &str, body: &Value) -> Reply {
    let cart = edit(visit, id, body, |cart, visit| {
        let line = cart.line(item_id).ok_or_else(|| answer::not_found("The line item does not exist."))?;
        let line = line.clone();
        cart.lines.retain(|known| known.id != line.id);
        if line.variant_id > 0 && !line.is_mutable {
            // The promotion adds its line back, under a new id.
            cart.lines.push(crate::cart::Line { id: Uuid::new_v4().to_string(), ..line });
        } else if let Some(partner) = cart
            .lines
            .iter_mut()
            .find(|known| line.variant_id > 0 && known.variant_id == line.variant_id && !known.is_mutable)
        {
            partner.is_mutable = true;
            partner.sale_price = partner.list_price;
        }
        after_item_change(cart, visit);
        Ok(())
    })?;
    if cart.lines.is_empty() {
        visit.store.bury_cart(id, "deleted");
        webhooks::cart(visit, "store/cart/deleted", id);
        return Ok(Answer::empty(204));
    }
    Ok(shown(&cart, visit, 200))
}
