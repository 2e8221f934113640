//! Orders V2: read, list, count, change and archive (BigCommerce: orders.v2).

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

use crate::answer::{self, Answer, Reply};
use crate::call::{Visit, as_whole, member};
use crate::choices::OrderFilters;
use crate::clock::rfc2822;
use crate::direct_orders;
use crate::money::text4;
use crate::order::{Order, Shown};
use crate::placeholders;
use crate::settings::Settings;
use crate::settle;
use crate::statuses;
use crate::stock;
use crate::webhooks;

/// Fields a client may set and that are shown again.
pub(crate) const KEPT: [&str; 16] = [
    "external_order_id",
    "external_id",
    "external_merchant_id",
    "external_source",
    "staff_notes",
    "customer_message",
    "ip_address",
    "ip_address_v6",
    "geoip_country",
    "geoip_country_iso2",
    "payment_method",
    "payment_provider_id",
    "tax_provider_id",
    "customer_locale",
    "ebay_order_id",
    "date_created",
];

/// `GET /v2/orders/{id}`
pub(crate) fn get(visit: &mut Visit<'_>) -> Reply {
    let id = find(visit)?;
    settle::on_read(visit, id);
    show_id(visit, id, 200)
}

/// The id in the path when there is such an order.
pub(crate) fn find(visit: &Visit<'_>) -> Result<u64, Answer> {
    visit
        .id(0)
        .filter(|id| visit.store.orders.get(id).is_some_and(|order| visible(order, visit)))
        .ok_or_else(|| answer::v2(404, "The requested resource was not found."))
}

fn visible(order: &Order, visit: &Visit<'_>) -> bool {
    !(order.archived && visit.settings.archived_order_is_404)
}

pub(crate) fn show_id(visit: &mut Visit<'_>, id: u64, status: u16) -> Reply {
    let (now, settings) = (visit.now, visit.settings);
    let hash = visit.store.hash.clone();
    let order = visit.store.orders.get_mut(&id);
    let order = order.ok_or_else(|| answer::v2(404, "The requested resource was not found."))?;
    let lagging = !order.status_wait.passed(now);
    Ok(Answer::json(status, &show(order, lagging, settings, &hash)))
}

/// An order as V2 shows it; while `lagging`, as it was before its money moved.
fn show(order: &Order, lagging: bool, settings: &Settings, hash: &str) -> Value {
    let store_currency = &settings.store_currency;
    let now = Shown {
        status_id: order.status_id,
        payment_status: order.payment_status,
        credit_used: order.credit_used,
        certificate_used: order.certificate_used,
    };
    let shown = if lagging { order.before.as_ref().unwrap_or(&now) } else { &now };
    let status_id = shown.status_id;
    let payment_status =
        if settings.payment_status_first { order.payment_status } else { shown.payment_status };
    let mut out = Map::new();
    for name in KEPT {
        let default = match name {
            "external_id" | "external_merchant_id" | "external_source" => Value::Null,
            "tax_provider_id" => "BasicTaxProvider".into(),
            "customer_locale" => "en".into(),
            "ebay_order_id" => "0".into(),
            _ => "".into(),
        };
        out.insert(name.to_owned(), order.kept.get(name).cloned().unwrap_or(default));
    }
    let mut put = |value: Value| {
        if let Value::Object(map) = value {
            out.extend(map);
        }
    };
    let (method, provider) = (order.payment_method.as_str(), order.provider_id.as_str());
    put(json!({
        "id": order.id, "customer_id": order.customer_id, "date_created": rfc2822(order.created),
        "date_modified": rfc2822(order.modified), "date_shipped": order.shipped.map(rfc2822).unwrap_or_default(),
        "status_id": status_id, "status": statuses::name(status_id), "custom_status": statuses::label(status_id),
        "payment_status": payment_status, "is_deleted": order.archived,
        "cart_id": order.cart_id.clone().unwrap_or_default(), "billing_address": order.billing,
        "order_is_digital": order.is_digital(), "order_source": order.source, "channel_id": order.channel_id,
        "refunded_amount": text4(order.refunded), "store_credit_amount": text4(shown.credit_used + order.applied_credit),
        "gift_certificate_amount": text4(shown.certificate_used + order.applied_to_certificates()), "is_email_opt_in": false,
        "credit_card_type": null, "is_tax_inclusive_pricing": false, "currency_id": 1,
        "currency_code": order.currency, "currency_exchange_rate": "1.0000000000", "default_currency_id": 1,
        "default_currency_code": order.currency, "store_default_currency_code": store_currency,
        "store_default_to_transactional_exchange_rate": "1.0000000000", "fees": order.fees,
        "items_total": order.products.iter().map(|product| product.quantity).sum::<u64>(),
        "items_shipped": order.products.iter().map(|product| product.shipped).sum::<u64>(),
        "shipping_address_count": order.addresses.len(),
    }));
    if !method.is_empty() {
        put(json!({"payment_method": method, "payment_provider_id": provider}));
    }
    put(sums(order));
    for (name, resource) in
        [("products", "products"), ("shipping_addresses", "shippingaddresses"), ("coupons", "coupons")]
    {
        let path = format!("/orders/{}/{resource}", order.id);
        let url = format!("https://api.bigcommerce.com/stores/{hash}/v2{path}");
        put(json!({ name: {"url": url, "resource": path} }));
    }
    let mut out = Value::Object(out);
    placeholders::order(&mut out, settings.nothing_as);
    if settings.order_ids_as_text {
        out["id"] = order.id.to_string().into();
    }
    out
}

fn sums(order: &Order) -> Value {
    let sums = &order.sums;
    let mut out = Map::new();
    let mut pair = |name: &str, ex, inc| {
        out.insert(format!("{name}_ex_tax"), text4(ex).into());
        out.insert(format!("{name}_inc_tax"), text4(inc).into());
        out.insert(format!("{name}_tax"), text4(inc - ex).into());
    };
    pair("subtotal", sums.subtotal_ex, sums.subtotal_inc);
    pair("shipping_cost", sums.shipping_ex, sums.shipping_inc);
    pair("handling_cost", sums.handling_ex, sums.handling_inc);
    pair("wrapping_cost", sums.wrapping_ex, sums.wrapping_inc);
    pair("total", sums.total_ex, sums.total_inc);
    for (name, amount) in [
        ("base_shipping_cost", sums.shipping_ex),
        ("base_handling_cost", sums.handling_ex),
        ("base_wrapping_cost", sums.wrapping_ex),
        ("discount_amount", sums.discount),
        ("coupon_discount", sums.coupons),
    ] {
        out.insert(name.to_owned(), text4(amount).into());
    }
    for name in ["shipping_cost_tax_class_id", "handling_cost_tax_class_id", "wrapping_cost_tax_class_id"] {
        out.insert(name.to_owned(), 0.into());
    }
    Value::Object(out)
}

/// `GET /v2/orders`; 204 without a body when there is none.
pub(crate) fn list(visit: &mut Visit<'_>) -> Reply {
    let mut ids = matching(visit)?;
    let (key, descending) = match visit.query("sort").unwrap_or("id").split_once(':') {
        Some((key, direction)) => (key.to_owned(), direction == "desc"),
        None => (visit.query("sort").unwrap_or("id").to_owned(), false),
    };
    let orders = &visit.store.orders;
    ids.sort_by_key(|id| {
        let order = orders.get(id);
        let number = match key.as_str() {
            "customer_id" => order.map_or(0, |order| order.customer_id),
            "status_id" => order.map_or(0, |order| order.status_id),
            _ => 0,
        };
        let time = match key.as_str() {
            "date_created" => order.map(|order| order.created),
            "date_modified" => order.map(|order| order.modified),
            _ => None,
        };
        (number, time, *id)
    });
    if descending {
        ids.reverse();
    }
    let (page, limit) = visit.paging();
    let shown: Vec<u64> = ids.into_iter().skip((page - 1) * limit).take(limit).collect();
    if shown.is_empty() && visit.settings.empty_order_list {
        return Ok(Answer::json(200, &json!([])));
    }
    if shown.is_empty() {
        return Ok(Answer::empty(204));
    }
    let settings = visit.settings;
    let hash = visit.store.hash.clone();
    let mut rows = Vec::with_capacity(shown.len());
    for id in shown {
        settle::on_read(visit, id);
        if let Some(order) = visit.store.orders.get_mut(&id) {
            let lagging = !order.status_wait.passed(visit.now);
            rows.push(show(order, lagging, settings, &hash));
        }
    }
    Ok(Answer::json(200, &rows.into()))
}

/// `GET /v2/orders/count`
pub(crate) fn count(visit: &mut Visit<'_>) -> Reply {
    let ids = matching(visit)?;
    let of = |status: u64| {
        ids.iter()
            .filter(|id| visit.store.orders.get(id).is_some_and(|order| order.status_id == status))
            .count()
    };
    let rows: Vec<Value> = (0..15)
        .map(|id| {
            let mut row = statuses::show(id);
            row["count"] = of(id).into();
            row["sort_order"] = row["order"].take();
            row
        })
        .collect();
    Ok(Answer::json(200, &json!({"statuses": rows, "count": ids.len()})))
}

/// Ids that fit the filters and are visible in lists already.
fn matching(visit: &mut Visit<'_>) -> Result<Vec<u64>, Answer> {
    let mut filter = Filter::read(visit)?;
    let now = visit.now;
    match visit.settings.order_filters {
        OrderFilters::Ignored => (filter.cart_id, filter.external_order_id) = (None, None),
        OrderFilters::Blind if filter.cart_id.is_some() || filter.external_order_id.is_some() => {
            return Ok(Vec::new());
        }
        OrderFilters::Honored | OrderFilters::Blind => {}
    }
    let candidates: Vec<u64> = match &filter.cart_id {
        Some(cart) => visit.store.orders_by_cart.get(cart).cloned().unwrap_or_default(),
        None => visit.store.orders.range(filter.min_id.unwrap_or(0)..).map(|(id, _)| *id).collect(),
    };
    let mut ids = Vec::new();
    for id in candidates {
        if let Some(order) = visit.store.orders.get_mut(&id)
            && filter.fits(order)
            && order.lookup.passed(now)
        {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// The filters of lists and counts.
struct Filter {
    cart_id: Option<String>,
    external_order_id: Option<String>,
    email: Option<String>,
    payment_method: Option<String>,
    payment_status: Option<String>,
    min_id: Option<u64>,
    max_id: Option<u64>,
    status_id: Option<u64>,
    customer_id: Option<u64>,
    channels: Vec<u64>,
    min_total: Option<Decimal>,
    max_total: Option<Decimal>,
    min_modified: Option<OffsetDateTime>,
    max_modified: Option<OffsetDateTime>,
    min_created: Option<OffsetDateTime>,
    max_created: Option<OffsetDateTime>,
    deleted: bool,
}

impl Filter {
    fn read(visit: &Visit<'_>) -> Result<Self, Answer> {
        let text = |name: &str| visit.query(name).map(ToOwned::to_owned);
        let number = |name: &str| match visit.query(name) {
            None => Ok(None),
            Some(value) => {
                value.parse::<u64>().map(Some).map_err(|_| answer::v2_invalid(name, "must be a whole number"))
            }
        };
        let date = |name: &str| match visit.query(name) {
            None => Ok(None),
            Some(value) => OffsetDateTime::parse(value, &Rfc2822)
                .or_else(|_| OffsetDateTime::parse(&value.replace(' ', "+"), &Rfc3339))
                .map(Some)
                .map_err(|_| answer::v2_invalid(name, "must be a date in RFC 2822 or ISO 8601 form")),
        };
        let amount = |name: &str| match visit.query(name) {
            None => Ok(None),
            Some(value) => {
                value.parse::<Decimal>().map(Some).map_err(|_| answer::v2_invalid(name, "must be an amount"))
            }
        };
        let channels = text("channel_id").unwrap_or_default();
        Ok(Self {
            cart_id: text("cart_id").map(|id| visit.canonical(&id)),
            external_order_id: text("external_order_id"),
            email: text("email"),
            payment_method: text("payment_method"),
            payment_status: text("payment_status"),
            min_id: number("min_id")?,
            max_id: number("max_id")?,
            status_id: number("status_id")?,
            customer_id: number("customer_id")?,
            channels: channels.split(',').filter_map(|id| id.trim().parse().ok()).collect(),
            min_total: amount("min_total")?,
            max_total: amount("max_total")?,
            min_modified: date("min_date_modified")?,
            max_modified: date("max_date_modified")?,
            min_created: date("min_date_created")?,
            max_created: date("max_date_created")?,
            deleted: visit.query("is_deleted") == Some("true"),
        })
    }

    fn fits(&self, order: &Order) -> bool {
        let email = order.billing["email"].as_str().unwrap_or("");
        self.cart_id.as_deref().is_none_or(|id| order.cart_id.as_deref() == Some(id))
            && self.external_order_id.as_deref().is_none_or(|id| order.kept_text("external_order_id") == id)
            && self.email.as_deref().is_none_or(|wanted| email.eq_ignore_ascii_case(wanted))
            && self.payment_method.as_deref().is_none_or(|wanted| order.payment_method == wanted)
            && self.payment_status.as_deref().is_none_or(|wanted| order.payment_status == wanted)
            && self.min_id.is_none_or(|id| order.id >= id)
            && self.max_id.is_none_or(|id| order.id <= id)
            && self.status_id.is_none_or(|id| order.status_id == id)
            && self.customer_id.is_none_or(|id| order.customer_id == id)
            && (self.channels.is_empty() || self.channels.contains(&order.channel_id))
            && self.min_total.is_none_or(|total| order.sums.total_inc >= total)
            && self.max_total.is_none_or(|total| order.sums.total_inc <= total)
            && self.min_modified.is_none_or(|at| order.modified >= at)
            && self.max_modified.is_none_or(|at| order.modified <= at)
            && self.min_created.is_none_or(|at| order.created >= at)
            && self.max_created.is_none_or(|at| order.created <= at)
            && self.deleted == order.archived
    }
}

/// `PUT /v2/orders/{id}`: a partial update.
pub(crate) fn update(visit: &mut Visit<'_>) -> Reply {
    let id = find(visit)?;
    let body = visit.body.clone();
    let missing = || answer::v2(404, "The requested resource was not found.");
    let mut order = visit.store.orders.get(&id).cloned().ok_or_else(missing)?;
    let before = order.status_id;
    if let Some(value) = member(&body, "status_id") {
        let status = as_whole(value).filter(|status| statuses::exists(*status));
        order.status_id = status.ok_or_else(|| answer::v2_invalid("status_id", "is not an order status"))?;
    }
    direct_orders::apply(visit, &mut order, &body)?;
    order.modified = visit.now;
    if order.status_id == 2 && order.shipped.is_none() {
        order.shipped = Some(visit.now);
    }
    if order.status_id == 5 && before != 5 {
        stock::give_back(visit.store, &mut order);
    }
    let after = order.status_id;
    visit.store.orders.insert(id, order);
    webhooks::order(visit, "store/order/updated", id);
    if before != after {
        webhooks::status(visit, id, before, after);
    }
    show_id(visit, id, 200)
}

/// `DELETE /v2/orders/{id}`: archives; repeating it changes nothing.
pub(crate) fn archive(visit: &mut Visit<'_>) -> Reply {
    let id = find(visit)?;
    if let Some(mut order) = visit.store.orders.get(&id).cloned()
        && !order.archived
    {
        order.archived = true;
        order.modified = visit.now;
        if order.status_id == 0 {
            stock::give_back(visit.store, &mut order);
        }
        visit.store.orders.insert(id, order);
        webhooks::order(visit, "store/order/archived", id);
    }
    Ok(Answer::empty(204))
}

/// `DELETE /v2/orders`: archives every order of the store. It is really there.
pub(crate) fn archive_all(visit: &mut Visit<'_>) -> Reply {
    for order in visit.store.orders.values_mut() {
        order.archived = true;
    }
    visit.store.mass_archives += 1;
    Ok(Answer::empty(204))
}
