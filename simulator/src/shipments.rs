//! Shipments of an order (BigCommerce: orders.v2, order shipments). Making one is not idempotent and mails the shopper.

use serde_json::{Value, json};

use crate::answer::{self, Answer, Reply};
use crate::call::{Visit, as_whole, member};
use crate::clock::rfc2822;
use crate::order::Order;
use crate::orders_v2::find;
use crate::webhooks;

const PROVIDERS: [&str; 11] = [
    "",
    "auspost",
    "canadapost",
    "endicia",
    "usps",
    "fedex",
    "royalmail",
    "ups",
    "upsready",
    "upsonline",
    "shipperhq",
];

fn missing() -> Answer {
    answer::v2(404, "The requested resource was not found.")
}

/// `GET /v2/orders/{id}/shipments`; 204 when there is none.
pub(crate) fn list(visit: &mut Visit<'_>) -> Reply {
    let id = find(visit)?;
    let rows = visit.store.orders.get(&id).map(|order| order.shipments.clone()).unwrap_or_default();
    if rows.is_empty() { Ok(Answer::empty(204)) } else { Ok(Answer::json(200, &rows.into())) }
}

/// `GET /v2/orders/{id}/shipments/count`
pub(crate) fn count(visit: &mut Visit<'_>) -> Reply {
    let id = find(visit)?;
    let count = visit.store.orders.get(&id).map_or(0, |order| order.shipments.len());
    Ok(Answer::json(200, &json!({"count": count})))
}

/// `GET /v2/orders/{id}/shipments/{shipmentId}`
pub(crate) fn get(visit: &mut Visit<'_>) -> Reply {
    let (id, wanted) = (find(visit)?, visit.id(1));
    let order = visit.store.orders.get(&id).ok_or_else(missing)?;
    let found = order.shipments.iter().find(|shipment| shipment["id"].as_u64() == wanted);
    found.map(|shipment| Answer::json(200, shipment)).ok_or_else(missing)
}

/// `POST /v2/orders/{id}/shipments`
pub(crate) fn create(visit: &mut Visit<'_>) -> Reply {
    let (id, body) = (find(visit)?, visit.body.clone());
    let mut order = visit.store.orders.get(&id).cloned().ok_or_else(missing)?;
    // A number, not text: the guide shows text and the specification refuses it.
    let address_id = body["order_address_id"].as_u64();
    let address = order.addresses.iter().find(|address| Some(address.id) == address_id).cloned();
    let address = address
        .ok_or_else(|| answer::v2_invalid("order_address_id", "is not a shipping address of this order"))?;
    let provider = body["shipping_provider"].as_str().unwrap_or("");
    if !PROVIDERS.contains(&provider) && !provider.starts_with("carrier_") {
        return Err(answer::v2_invalid("shipping_provider", "is not a known provider"));
    }
    let tracking = body["tracking_number"].as_str().unwrap_or("");
    if tracking.chars().count() > 50 {
        return Err(answer::v2_invalid("tracking_number", "must have at most 50 characters"));
    }
    let items = ship_items(&mut order, &body)?;
    let shipment = json!({
        "id": visit.store.next_id(), "order_id": id, "customer_id": order.customer_id,
        "order_address_id": address.id, "date_created": rfc2822(visit.now), "tracking_number": tracking,
        "merchant_shipping_cost": "0.0000", "shipping_method": address.method,
        "shipping_provider": provider, "tracking_carrier": body["tracking_carrier"].as_str().unwrap_or(""),
        "tracking_link": body["tracking_link"].as_str().unwrap_or(""),
        "comments": body["comments"].as_str().unwrap_or(""), "billing_address": order.billing,
        "shipping_address": address.address, "items": items,
        "shipping_provider_display_name": provider, "generated_tracking_link": "",
    });
    order.shipments.push(shipment.clone());
    let before = order.status_id;
    let complete = order
        .products
        .iter()
        .filter(|product| product.kind == "physical")
        .all(|product| product.shipped >= product.quantity);
    order.status_id = if complete { 2 } else { 3 };
    order.shipped = complete.then_some(visit.now).or(order.shipped);
    order.modified = visit.now;
    let after = order.status_id;
    visit.store.orders.insert(id, order);
    webhooks::status(visit, id, before, after);
    Ok(Answer::json(201, &shipment))
}

/// Moves quantities from open to shipped; more than is open is refused.
fn ship_items(order: &mut Order, body: &Value) -> Result<Vec<Value>, Answer> {
    let rows = body["items"].as_array().filter(|rows| !rows.is_empty());
    let rows = rows.ok_or_else(|| answer::v2_invalid("items", "at least one item is required"))?;
    let mut items = Vec::new();
    for row in rows {
        let wanted = member(row, "order_product_id").and_then(as_whole);
        let product = order.products.iter_mut().find(|product| Some(product.id) == wanted);
        let product = product
            .ok_or_else(|| answer::v2_invalid("items.order_product_id", "is not a product of this order"))?;
        let quantity = member(row, "quantity").and_then(as_whole).unwrap_or(0);
        if quantity == 0 || product.shipped.saturating_add(quantity) > product.quantity {
            return Err(answer::v2_invalid("items.quantity", "is more than what is left to ship"));
        }
        product.shipped += quantity;
        items.push(json!({
            "order_product_id": product.id, "product_id": product.product_id, "quantity": quantity,
        }));
    }
    Ok(items)
}

/// `PUT /v2/orders/{id}/shipments/{shipmentId}`
pub(crate) fn update(visit: &mut Visit<'_>) -> Reply {
    let (id, wanted, body) = (find(visit)?, visit.id(1), visit.body.clone());
    let order = visit.store.orders.get_mut(&id).ok_or_else(missing)?;
    let found = order.shipments.iter_mut().find(|shipment| shipment["id"].as_u64() == wanted);
    let found = found.ok_or_else(missing)?;
    for name in ["tracking_number", "tracking_carrier", "tracking_link", "comments", "shipping_method"] {
        if let Some(Value::String(text)) = member(&body, name) {
            found[name] = text.clone().into();
        }
    }
    Ok(Answer::json(200, found))
}

/// `DELETE /v2/orders/{id}/shipments/{shipmentId}`: the order keeps its status.
pub(crate) fn delete(visit: &mut Visit<'_>) -> Reply {
    let (id, wanted) = (find(visit)?, visit.id(1));
    let order = visit.store.orders.get_mut(&id).ok_or_else(missing)?;
    let at = order.shipments.iter().position(|shipment| shipment["id"].as_u64() == wanted);
    let gone = order.shipments.remove(at.ok_or_else(missing)?);
    for item in gone["items"].as_array().into_iter().flatten() {
        let product =
            order.products.iter_mut().find(|product| Some(product.id) == item["order_product_id"].as_u64());
        if let Some(product) = product {
            product.shipped = product.shipped.saturating_sub(item["quantity"].as_u64().unwrap_or(0));
        }
    }
    Ok(Answer::empty(204))
}

/// `DELETE /v2/orders/{id}/shipments`
pub(crate) fn delete_all(visit: &mut Visit<'_>) -> Reply {
    let id = find(visit)?;
    if let Some(order) = visit.store.orders.get_mut(&id) {
        order.shipments.clear();
        for product in &mut order.products {
            product.shipped = 0;
        }
    }
    Ok(Answer::empty(204))
}
