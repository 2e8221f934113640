//! Orders made directly, without a cart (BigCommerce: orders.v2, createAnOrder), and partial updates of any order.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::address;
use crate::answer::{self, Answer, Reply};
use crate::call::{Visit, as_whole, member};
use crate::lines::variant_of;
use crate::money::{read, round};
use crate::order::{Order, OrderAddress, OrderProduct};
use crate::order_edits;
use crate::orders_v2::KEPT;
use crate::statuses;
use crate::stock;
use crate::webhooks;

/// Fields whose change makes BigCommerce compute the totals again.
const RECALCULATING: [&str; 11] = [
    "products",
    "fees",
    "shipping_cost_ex_tax",
    "shipping_cost_inc_tax",
    "handling_cost_ex_tax",
    "handling_cost_inc_tax",
    "wrapping_cost_ex_tax",
    "wrapping_cost_inc_tax",
    "discount_amount",
    "billing_address",
    "shipping_addresses",
];

/// `POST /v2/orders`
pub(crate) fn create(visit: &mut Visit<'_>) -> Reply {
    let body = visit.body.clone();
    let billing = member(&body, "billing_address")
        .filter(|billing| billing.is_object())
        .ok_or_else(|| answer::v2_invalid("billing_address", "is required"))?;
    if billing["zip"].as_str().is_none_or(|zip| zip.chars().count() < 2) {
        return Err(answer::v2_invalid("billing_address.zip", "is required"));
    }
    if body["products"].as_array().is_none_or(Vec::is_empty) {
        return Err(answer::v2_invalid("products", "at least one product is required"));
    }
    let currency = match member(&body, "default_currency_code") {
        Some(Value::String(code)) if crate::money::TRANSACTIONAL.contains(&code.as_str()) => code.clone(),
        Some(_) => {
            return Err(answer::v2_invalid("default_currency_code", "is not a transactional currency"));
        }
        None => visit.settings.store_currency.clone(),
    };
    // The id is taken only when everything was valid.
    let mut order = Order::empty(0, &currency, visit);
    order.status_id = match member(&body, "status_id") {
        None => 1,
        Some(value) => as_whole(value)
            .filter(|status| statuses::exists(*status))
            .ok_or_else(|| answer::v2_invalid("status_id", "is not an order status"))?,
    };
    apply(visit, &mut order, &body)?;
    order.id = visit.store.next_order_id();
    for tax in &mut order.taxes {
        tax["order_id"] = order.id.into();
    }
    if order.status_id != 0 {
        stock::take(visit.store, &mut order);
    }
    let id = order.id;
    visit.store.orders.insert(id, order);
    webhooks::order(visit, "store/order/created", id);
    crate::orders_v2::show_id(visit, id, 200)
}

/// Applies the fields of a create or update body, except `status_id`.
pub(crate) fn apply(visit: &mut Visit<'_>, order: &mut Order, body: &Value) -> Result<(), Answer> {
    if !body.is_object() {
        return Err(answer::v2(400, "The request body must be a JSON object."));
    }
    for name in KEPT {
        match member(body, name) {
            Some(value @ (Value::String(_) | Value::Number(_))) => {
                order.kept.insert(name.to_owned(), value.clone());
            }
            Some(_) => return Err(answer::v2_invalid(name, "must be a string")),
            None => {}
        }
    }
    let whole = |name: &str, default: u64| match member(body, name) {
        None => Ok(default),
        Some(value) => as_whole(value).ok_or_else(|| answer::v2_invalid(name, "must be a whole number")),
    };
    order.customer_id = whole("customer_id", order.customer_id)?;
    order.channel_id = whole("channel_id", order.channel_id)?;
    if let Some(billing) = member(body, "billing_address") {
        order.billing = v2_address(billing, &order.billing, "billing_address")?;
    }
    if let Some(rows) = member(body, "shipping_addresses") {
        order.addresses = addresses(visit, rows)?;
    }
    if let Some(rows) = member(body, "fees") {
        order_edits::replace_fees(visit, order, rows)?;
    }
    if let Some(rows) = member(body, "products") {
        if order.id == 0 {
            order.products = products(visit, order, rows)?;
        } else {
            order_edits::change_products(visit, order, rows)?;
        }
        order.sums.discount = Decimal::ZERO;
        order.sums.coupons = Decimal::ZERO;
    }
    if RECALCULATING.iter().any(|name| member(body, name).is_some()) {
        recalculate(order, body)?;
    }
    override_sums(order, body)
}

/// Fills an address of the V2 form over an older one; country and its code complete each other.
fn v2_address(given: &Value, old: &Value, field: &str) -> Result<Value, Answer> {
    let mut out = json!({
        "first_name": "", "last_name": "", "company": "", "street_1": "", "street_2": "", "city": "",
        "state": "", "zip": "", "country": "", "country_iso2": "", "phone": "", "email": "", "form_fields": [],
    });
    let Value::Object(map) = &mut out else { return Ok(out) };
    for (name, value) in map.iter_mut() {
        match member(given, name).or_else(|| member(old, name)) {
            Some(found @ (Value::String(_) | Value::Array(_))) => *value = found.clone(),
            Some(Value::Number(number)) => *value = number.to_string().into(),
            Some(_) => return Err(answer::v2_invalid(&format!("{field}.{name}"), "must be a string")),
            None => {}
        }
    }
    complete_country(map);
    Ok(out)
}

fn complete_country(map: &mut Map<String, Value>) {
    let text = |map: &Map<String, Value>, name: &str| map[name].as_str().unwrap_or("").to_owned();
    if text(map, "country").is_empty() {
        map["country"] = address::country_name(&text(map, "country_iso2")).into();
    }
    if text(map, "country_iso2").is_empty() {
        map["country_iso2"] = address::country_code(&text(map, "country")).unwrap_or("").into();
    }
}

fn addresses(visit: &mut Visit<'_>, rows: &Value) -> Result<Vec<OrderAddress>, Answer> {
    let rows = rows.as_array().ok_or_else(|| answer::v2_invalid("shipping_addresses", "must be an array"))?;
    rows.iter()
        .map(|row| {
            Ok(OrderAddress {
                id: visit.store.next_id(),
                address: v2_address(row, &Value::Null, "shipping_addresses")?,
                method: row["shipping_method"].as_str().unwrap_or("").to_owned(),
                cost_ex: Decimal::ZERO,
                cost_inc: Decimal::ZERO,
                items: 0,
            })
        })
        .collect()
}

fn products(visit: &mut Visit<'_>, order: &Order, rows: &Value) -> Result<Vec<OrderProduct>, Answer> {
    let rows = rows.as_array().ok_or_else(|| answer::v2_invalid("products", "must be an array"))?;
    let address_id = order.addresses.first().map_or(0, |address| address.id);
    rows.iter()
        .map(|row| {
            let mut product = product(visit, order, row)?;
            product.id = visit.store.next_id();
            product.address_id = address_id;
            Ok(product)
        })
        .collect()
}

pub(crate) fn product(visit: &Visit<'_>, order: &Order, row: &Value) -> Result<OrderProduct, Answer> {
    let quantity = member(row, "quantity").and_then(as_whole).filter(|quantity| *quantity > 0);
    let quantity = quantity.ok_or_else(|| answer::v2_invalid("products.quantity", "must be at least 1"))?;
    let price = |name: &str| match member(row, name) {
        None => Ok(None),
        Some(value) => {
            let read = read(value).filter(|amount| *amount >= Decimal::ZERO);
            read.map(Some).ok_or_else(|| answer::v2_invalid(&format!("products.{name}"), "must be an amount"))
        }
    };
    let (ex, inc) = (price("price_ex_tax")?, price("price_inc_tax")?);
    let mut out = match member(row, "product_id").and_then(as_whole).filter(|id| *id > 0) {
        Some(id) => catalog_product(visit, order, row, id)?,
        None => custom_product(row, ex, inc)?,
    };
    out.quantity = quantity;
    // BigCommerce takes each override as it is: only a pair gives right totals.
    out.price_ex = ex.unwrap_or(out.price_ex);
    out.price_inc = inc.unwrap_or(out.price_inc);
    out.paid = round(out.price_inc * Decimal::from(quantity), &order.currency);
    Ok(out)
}

fn blank(name: &str) -> OrderProduct {
    OrderProduct {
        id: 0,
        product_id: 0,
        variant_id: 0,
        name: name.to_owned(),
        sku: String::new(),
        kind: "physical",
        quantity: 1,
        price_ex: Decimal::ZERO,
        price_inc: Decimal::ZERO,
        paid: Decimal::ZERO,
        address_id: 0,
        options: Vec::new(),
        discounts: Vec::new(),
        shipped: 0,
        refunded: 0,
    }
}

fn custom_product(row: &Value, ex: Option<Decimal>, inc: Option<Decimal>) -> Result<OrderProduct, Answer> {
    let name = row["name"].as_str().filter(|name| (1..=250).contains(&name.chars().count()));
    let name = name.ok_or_else(|| answer::v2_invalid("products.name", "is required for a custom product"))?;
    if ex.is_none() || inc.is_none() {
        let reason = "price_ex_tax and price_inc_tax are required for a custom product";
        return Err(answer::v2_invalid("products.price_inc_tax", reason));
    }
    let sku = row["sku"].as_str().unwrap_or("").to_owned();
    Ok(OrderProduct { sku, ..blank(name) })
}

fn catalog_product(visit: &Visit<'_>, order: &Order, row: &Value, id: u64) -> Result<OrderProduct, Answer> {
    let found = visit.store.product(id);
    let found =
        found.ok_or_else(|| answer::v2_invalid("products.product_id", "is not a product of this store"))?;
    let mut chosen = Vec::new();
    for option in row["product_options"].as_array().into_iter().flatten() {
        chosen
            .extend(member(option, "id").and_then(as_whole).zip(member(option, "value").and_then(as_whole)));
    }
    let variant = match member(row, "variant_id").and_then(as_whole) {
        Some(id) => found.variants.iter().find(|variant| variant.id == id),
        None => variant_of(found, &chosen),
    };
    let reason = "do not name a variant of this product";
    let variant = variant.ok_or_else(|| answer::v2_invalid("products.product_options", reason))?;
    let options = variant.options.iter().map(|option| {
        json!({
            "option_id": option.option_id, "product_option_id": option.option_id,
            "display_name": option.option, "display_value": option.value,
            "value": option.value_id.to_string(), "type": "Multiple choice",
        })
    });
    let price = found.sale_price(variant.price);
    Ok(OrderProduct {
        product_id: found.id,
        variant_id: variant.id,
        sku: variant.sku.clone(),
        kind: if found.digital { "digital" } else { "physical" },
        options: options.collect(),
        price_ex: price,
        price_inc: if found.taxable { price + price * rate(visit, order) } else { price },
        ..blank(row["name"].as_str().unwrap_or(found.name))
    })
}

/// The tax of the shipping address, else of the billing address, as a fraction.
fn rate(visit: &Visit<'_>, order: &Order) -> Decimal {
    let place = order.addresses.first().map_or(&order.billing, |address| &address.address);
    let state = place["state"].as_str().unwrap_or("");
    let state = address::state_code(state).unwrap_or(state);
    let found = visit.settings.tax_rates.iter().find(|rate| {
        Some(rate.country_code.as_str()) == place["country_iso2"].as_str()
            && (rate.state_code.is_empty() || rate.state_code == state)
    });
    found.map_or(Decimal::ZERO, |rate| rate.percent / Decimal::ONE_HUNDRED)
}

fn given(body: &Value, name: &str) -> Result<Option<Decimal>, Answer> {
    match member(body, name) {
        None => Ok(None),
        Some(value) => read(value)
            .filter(|amount| *amount >= Decimal::ZERO)
            .map(Some)
            .ok_or_else(|| answer::v2_invalid(name, "must be an amount")),
    }
}

fn recalculate(order: &mut Order, body: &Value) -> Result<(), Answer> {
    let currency = order.currency.clone();
    let sums = &mut order.sums;
    let pairs = [
        ("shipping_cost", &mut sums.shipping_ex, &mut sums.shipping_inc),
        ("handling_cost", &mut sums.handling_ex, &mut sums.handling_inc),
        ("wrapping_cost", &mut sums.wrapping_ex, &mut sums.wrapping_inc),
    ];
    for (name, ex, inc) in pairs {
        *ex = given(body, &format!("{name}_ex_tax"))?.unwrap_or(*ex);
        *inc = given(body, &format!("{name}_inc_tax"))?.unwrap_or(*inc);
    }
    sums.discount = given(body, "discount_amount")?.unwrap_or(sums.discount);
    let times = |price: Decimal, quantity: u64| round(price * Decimal::from(quantity), &currency);
    sums.subtotal_ex = order.products.iter().map(|p| times(p.price_ex, p.quantity)).sum();
    sums.subtotal_inc = order.products.iter().map(|p| times(p.price_inc, p.quantity)).sum();
    let off = sums.discount + sums.coupons;
    let (fees_ex, fees_inc) = order_edits::fees(&order.fees);
    let (ex, inc) = (
        sums.subtotal_ex + sums.shipping_ex + sums.handling_ex + sums.wrapping_ex + fees_ex - off,
        sums.subtotal_inc + sums.shipping_inc + sums.handling_inc + sums.wrapping_inc + fees_inc - off,
    );
    sums.total_ex = round(ex.max(Decimal::ZERO), &currency);
    sums.total_inc = round(inc.max(Decimal::ZERO), &currency);
    if let Some(first) = order.addresses.first_mut() {
        first.cost_ex = sums.shipping_ex;
        first.cost_inc = sums.shipping_inc;
        first.items = order.products.iter().map(|product| product.quantity).sum();
    }
    Ok(())
}

/// Totals that the client fixed; BigCommerce does not compute the other of a pair.
fn override_sums(order: &mut Order, body: &Value) -> Result<(), Answer> {
    let sums = &mut order.sums;
    for (name, field) in [
        ("subtotal_ex_tax", &mut sums.subtotal_ex),
        ("subtotal_inc_tax", &mut sums.subtotal_inc),
        ("total_ex_tax", &mut sums.total_ex),
        ("total_inc_tax", &mut sums.total_inc),
    ] {
        *field = given(body, name)?.unwrap_or(*field);
    }
    Ok(())
}
