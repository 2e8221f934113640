//! Edits of an order's products and fees (BigCommerce: orders.v2, updateOrder): products are patched one by one, fees are
//! replaced as a whole.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::answer::{self, Answer};
use crate::call::{Visit, as_whole, member};
use crate::direct_orders;
use crate::money::{read, round, text4};
use crate::order::Order;

/// Rows without an id are added, rows with one change what they name, a quantity of 0 removes.
pub(crate) fn change_products(visit: &mut Visit<'_>, order: &mut Order, rows: &Value) -> Result<(), Answer> {
    let rows = rows.as_array().ok_or_else(|| answer::v2_invalid("products", "must be an array"))?;
    for row in rows {
        match member(row, "id").and_then(as_whole) {
            None => add(visit, order, row)?,
            Some(id) => change(order, id, row)?,
        }
    }
    if order.products.is_empty() {
        return Err(answer::v2_invalid("products", "at least one product must stay"));
    }
    Ok(())
}

fn add(visit: &mut Visit<'_>, order: &mut Order, row: &Value) -> Result<(), Answer> {
    let mut product = direct_orders::product(visit, order, row)?;
    product.id = visit.store.next_id();
    product.address_id = order.addresses.first().map_or(0, |address| address.id);
    order.products.push(product);
    Ok(())
}

fn change(order: &mut Order, id: u64, row: &Value) -> Result<(), Answer> {
    let unknown = || answer::v2_invalid("products.id", "is not a product of this order");
    let at = order.products.iter().position(|one| one.id == id).ok_or_else(unknown)?;
    let quantity = member(row, "quantity").map(as_whole);
    if quantity == Some(Some(0)) {
        order.products.remove(at);
        return Ok(());
    }
    let amount = |name: &str| match member(row, name) {
        None => Ok(None),
        Some(value) => {
            let read = read(value).filter(|amount| *amount >= Decimal::ZERO);
            read.map(Some).ok_or_else(|| answer::v2_invalid(&format!("products.{name}"), "must be an amount"))
        }
    };
    let (ex, inc) = (amount("price_ex_tax")?, amount("price_inc_tax")?);
    let currency = order.currency.clone();
    let product = order.products.get_mut(at).ok_or_else(unknown)?;
    match quantity {
        None => {}
        Some(Some(quantity)) => product.quantity = quantity,
        Some(None) => return Err(answer::v2_invalid("products.quantity", "must be a whole number")),
    }
    if let Some(name) = row["name"].as_str() {
        name.clone_into(&mut product.name);
    }
    product.price_ex = ex.unwrap_or(product.price_ex);
    product.price_inc = inc.unwrap_or(product.price_inc);
    product.discounts.clear();
    product.paid = round(product.price_inc * Decimal::from(product.quantity), &currency);
    Ok(())
}

/// The fees of the body are all that the order has from now on.
pub(crate) fn replace_fees(visit: &mut Visit<'_>, order: &mut Order, rows: &Value) -> Result<(), Answer> {
    let rows = rows.as_array().ok_or_else(|| answer::v2_invalid("fees", "must be an array"))?;
    let mut fees = Vec::new();
    for row in rows {
        let amount = |name: &str| member(row, name).and_then(read);
        let tax = amount("cost_tax").unwrap_or_default();
        let inc = amount("cost_inc_tax").or_else(|| amount("cost_ex_tax").map(|ex| ex + tax));
        let inc = inc.ok_or_else(|| answer::v2_invalid("fees.cost_inc_tax", "is required"))?;
        let ex = amount("cost_ex_tax").unwrap_or(inc - tax);
        let id = member(row, "id").and_then(as_whole).unwrap_or_else(|| visit.store.next_id());
        fees.push(json!({
            "id": id, "type": "custom_fee", "display_name_customer": row["display_name_customer"].as_str().unwrap_or(""),
            "display_name_merchant": row["display_name_merchant"].as_str().unwrap_or(""),
            "source": row["source"].as_str().unwrap_or(""), "base_cost": text4(ex), "cost_ex_tax": text4(ex),
            "cost_inc_tax": text4(inc), "cost_tax": text4(inc - ex), "tax_class_id": row["tax_class_id"],
        }));
    }
    order.fees = fees;
    Ok(())
}

/// What the fees of an order cost, without and with tax.
pub(crate) fn fees(rows: &[Value]) -> (Decimal, Decimal) {
    let sum = |name: &str| rows.iter().filter_map(|fee| read(&fee[name])).sum();
    (sum("cost_ex_tax"), sum("cost_inc_tax"))
}
