//! The parts of an order that Orders V2 serves one by one: products, addresses, quotes, taxes, coupons, fees,
//! consignments and messages.

use serde_json::{Value, json};

use crate::answer::{self, Answer, Reply};
use crate::call::Visit;
use crate::money::text4;
use crate::order::{Order, OrderAddress, OrderProduct};
use crate::orders_v2::find;

fn order<'v>(visit: &'v Visit<'_>) -> Result<&'v Order, Answer> {
    let id = find(visit)?;
    visit.store.orders.get(&id).ok_or_else(missing)
}

fn missing() -> Answer {
    answer::v2(404, "The requested resource was not found.")
}

fn page(visit: &Visit<'_>, rows: Vec<Value>) -> Answer {
    let (page, limit) = visit.paging();
    let shown: Vec<Value> = rows.into_iter().skip((page - 1) * limit).take(limit).collect();
    Answer::json(200, &shown.into())
}

/// `GET /v2/orders/{id}/products`
pub(crate) fn products(visit: &mut Visit<'_>) -> Reply {
    let order = order(visit)?;
    let rows = order.products.iter().map(|one| product(order.id, one)).collect();
    Ok(page(visit, rows))
}

/// `GET /v2/orders/{id}/products/{productId}`
pub(crate) fn one_product(visit: &mut Visit<'_>) -> Reply {
    let order = order(visit)?;
    let found = order.products.iter().find(|one| Some(one.id) == visit.id(1)).ok_or_else(missing)?;
    Ok(Answer::json(200, &product(order.id, found)))
}

fn product(order: u64, one: &OrderProduct) -> Value {
    let quantity = rust_decimal::Decimal::from(one.quantity);
    let (ex, inc) = (one.price_ex * quantity, one.price_inc * quantity);
    let options: Vec<Value> = one
        .options
        .iter()
        .zip(1_u64..)
        .map(|(option, number)| {
            let mut option = option.clone();
            option["id"] = number.into();
            option["order_product_id"] = one.id.into();
            option
        })
        .collect();
    json!({
        "id": one.id, "order_id": order, "product_id": one.product_id, "variant_id": one.variant_id,
        "order_address_id": one.address_id, "name": one.name, "name_customer": one.name,
        "name_merchant": one.name, "sku": one.sku, "type": one.kind, "quantity": one.quantity,
        "base_price": text4(one.price_ex), "price_ex_tax": text4(one.price_ex),
        "price_inc_tax": text4(one.price_inc), "price_tax": text4(one.price_inc - one.price_ex),
        "base_total": text4(ex), "total_ex_tax": text4(ex), "total_inc_tax": text4(inc),
        "total_tax": text4(inc - ex), "discounted_total_inc_tax": text4(one.paid), "weight": "1.0000",
        "is_refunded": one.refunded > 0, "quantity_refunded": one.refunded,
        "refund_amount": "0.0000", "quantity_shipped": one.shipped, "applied_discounts": one.discounts,
        "product_options": options, "configurable_fields": [], "parent_order_product_id": null,
        "is_bundled_product": false, "upc": "", "brand": "", "event_name": null, "external_id": null,
    })
}

/// `GET /v2/orders/{id}/shipping_addresses`
pub(crate) fn shipping_addresses(visit: &mut Visit<'_>) -> Reply {
    let order = order(visit)?;
    let rows = order.addresses.iter().map(|one| address(order, one)).collect();
    Ok(page(visit, rows))
}

/// `GET /v2/orders/{id}/shipping_addresses/{addressId}`
pub(crate) fn one_shipping_address(visit: &mut Visit<'_>) -> Reply {
    let order = order(visit)?;
    let found = order.addresses.iter().find(|one| Some(one.id) == visit.id(1)).ok_or_else(missing)?;
    Ok(Answer::json(200, &address(order, found)))
}

fn address(order: &Order, one: &OrderAddress) -> Value {
    let mut out = one.address.clone();
    let path = format!("/orders/{}/shippingaddresses/{}/shippingquotes", order.id, one.id);
    let shipped: u64 =
        order.products.iter().filter(|p| p.address_id == one.id).map(|product| product.shipped).sum();
    let more = json!({
        "id": one.id, "order_id": order.id, "items_total": one.items, "items_shipped": shipped,
        "shipping_method": one.method, "base_cost": text4(one.cost_ex), "cost_ex_tax": text4(one.cost_ex),
        "cost_inc_tax": text4(one.cost_inc), "cost_tax": text4(one.cost_inc - one.cost_ex),
        "cost_tax_class_id": 0, "base_handling_cost": "0.0000", "handling_cost_ex_tax": "0.0000",
        "handling_cost_inc_tax": "0.0000", "handling_cost_tax": "0.0000", "handling_cost_tax_class_id": 0,
        "shipping_zone_id": 1, "shipping_zone_name": "United States",
        "shipping_quotes": {"url": format!("https://api.bigcommerce.com/v2{path}"), "resource": path},
    });
    if let (Value::Object(out), Value::Object(more)) = (&mut out, more) {
        out.extend(more);
    }
    out
}

/// `GET .../shipping_addresses/{id}/shipping_quotes`: always 204 for orders made by API.
pub(crate) fn shipping_quotes(visit: &mut Visit<'_>) -> Reply {
    let order = order(visit)?;
    let known = order.addresses.iter().any(|one| Some(one.id) == visit.id(1));
    if known { Ok(Answer::empty(204)) } else { Err(missing()) }
}

/// `GET /v2/orders/{id}/taxes`; with `details=true` each tax names a line that it is for.
pub(crate) fn taxes(visit: &mut Visit<'_>) -> Reply {
    let order = order(visit)?;
    let mut rows = order.taxes.clone();
    if visit.query("details") == Some("true") {
        // As text, unlike everywhere else.
        let line = order.products.first().map(|product| product.id.to_string());
        for row in &mut rows {
            row["order_product_id"] = line.clone().into();
            row["line_item_type"] = "item".into();
        }
    }
    Ok(page(visit, rows))
}

/// `GET /v2/orders/{id}/coupons`
pub(crate) fn coupons(visit: &mut Visit<'_>) -> Reply {
    let rows = order(visit)?.coupons.clone();
    Ok(page(visit, rows))
}

/// `GET /v2/orders/{id}/fees`
pub(crate) fn fees(visit: &mut Visit<'_>) -> Reply {
    let rows = order(visit)?.fees.clone();
    if visit.settings.strictly_as_specified {
        return Ok(Answer::json(200, &rows.into_iter().next().unwrap_or_else(|| json!({}))));
    }
    Ok(page(visit, rows))
}

/// `GET /v2/orders/{id}/messages`: none are ever written.
pub(crate) fn messages(visit: &mut Visit<'_>) -> Reply {
    order(visit)?;
    Ok(Answer::json(200, &json!([])))
}

/// `GET /v2/orders/{id}/consignments`
pub(crate) fn consignments(visit: &mut Visit<'_>) -> Reply {
    let order = order(visit)?;
    let shipping: Vec<Value> = order
        .addresses
        .iter()
        .map(|one| {
            let items: Vec<Value> = order
                .products
                .iter()
                .filter(|product| product.address_id == one.id)
                .map(|found| {
                    let path = format!("/orders/{}/products/{}", order.id, found.id);
                    json!({"url": format!("https://api.bigcommerce.com/v2{path}"), "resource": path})
                })
                .collect();
            let mut out = one.address.clone();
            let path = format!("/orders/{}/consignments/shipping/{}/shipping_quotes", order.id, one.id);
            let more = json!({
                "id": one.id, "line_items": items, "items_total": one.items, "items_shipped": 0,
                "shipping_method": one.method, "base_cost": crate::money::number(one.cost_ex),
                "cost_ex_tax": crate::money::number(one.cost_ex),
                "cost_inc_tax": crate::money::number(one.cost_inc), "cost_tax": 0, "cost_tax_class_id": 0,
                "base_handling_cost": 0, "handling_cost_ex_tax": 0, "handling_cost_inc_tax": 0,
                "handling_cost_tax": 0, "handling_cost_tax_class_id": 0, "shipping_zone_id": 1,
                "shipping_zone_name": "United States",
                "shipping_quotes": {"url": format!("https://api.bigcommerce.com/v2{path}"), "resource": path},
            });
            if let (Value::Object(out), Value::Object(more)) = (&mut out, more) {
                out.extend(more);
            }
            out
        })
        .collect();
    let body = json!({
        "pickups": [], "shipping": shipping, "downloads": [], "email": {"gift_certificates": []},
    });
    Ok(Answer::json(200, &body))
}
