//! Carts and checkouts as JSON. The two APIs name and type some fields differently; both are kept as specified.

use serde_json::{Value, json};

use crate::applied;
use crate::call::Visit;
use crate::cart::{Cart, Consignment, Kind, Line};
use crate::choices::OrderHint;
use crate::clock::iso;
use crate::money::{long, number, round};
use crate::placeholders;
use crate::shipping::{option_json, quote};
use crate::totals::{self, LineTotal, Totals};

/// Which API shows the cart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Api {
    Carts { text: bool },
    Checkouts,
}

/// A cart as the Carts API shows it.
pub(crate) fn cart(cart: &Cart, visit: &Visit<'_>) -> Value {
    let totals = totals::compute(cart, visit.settings);
    let coupons: Vec<Value> = totals
        .coupons
        .iter()
        .map(|(coupon, amount)| {
            json!({
                "code": coupon.code, "id": coupon.id.to_string(),
                "coupon_type": coupon.type_number().to_string(),
                "discounted_amount": number(*amount), "display_name": coupon.name,
            })
        })
        .collect();
    let nothing = visit.settings.nothing_as;
    let api = Api::Carts { text: visit.settings.custom_items_as_text };
    let options = visit.includes("line_items.physical_items.options")
        || visit.includes("line_items.digital_items.options");
    let mut out = json!({
        "id": cart.id, "customer_id": cart.customer_id, "channel_id": cart.channel_id, "email": cart.email,
        "currency": {"code": cart.currency}, "tax_included": false, "base_amount": long(totals.base),
        "discount_amount": long(totals.discount), "manual_discount_amount": long(cart.manual_discount),
        "cart_amount": number(totals.goods_inc), "coupons": coupons, "discounts": discounts(cart, &totals),
        "line_items": lines(cart, &totals, api, options),
        "created_time": iso(cart.created), "updated_time": iso(cart.updated), "locale": cart.locale,
        "version": cart.version,
    });
    placeholders::cart(&mut out, nothing);
    out
}

/// A checkout.
pub(crate) fn checkout(cart: &Cart, visit: &Visit<'_>) -> Value {
    let totals = totals::compute(cart, visit.settings);
    let quotes = visit.includes("consignments.available_shipping_options")
        || visit.includes("consignments.availableShippingOptions");
    let coupons: Vec<Value> = totals
        .coupons
        .iter()
        .map(|(coupon, amount)| {
            json!({
                "code": coupon.code, "id": coupon.id, "coupon_type": coupon.type_name(),
                "discounted_amount": number(*amount), "display_name": coupon.name,
            })
        })
        .collect();
    let taxes: Vec<Value> = totals
        .taxes
        .iter()
        .map(|(rate, amount)| json!({"name": rate.name, "amount": number(*amount)}))
        .collect();
    let consignments: Vec<Value> =
        cart.consignments.iter().map(|one| consignment(cart, one, quotes)).collect();
    let billing = cart.billing.as_ref().map_or_else(|| json!({}), |address| address.json(true));
    let mut out = json!({
        "id": cart.id, "cart": checkout_cart(cart, &totals, &coupons), "billing_address": billing,
        "consignments": consignments, "taxes": taxes, "coupons": coupons,
        "order_id": order_hint(cart, visit), "fees": fees(cart),
        "shipping_cost_total_inc_tax": number(totals.shipping_ex + totals.shipping_tax),
        "shipping_cost_total_ex_tax": number(totals.shipping_ex),
        "handling_cost_total_inc_tax": 0, "handling_cost_total_ex_tax": 0,
        "tax_total": number(totals.tax), "subtotal_inc_tax": long(totals.subtotal_inc),
        "subtotal_ex_tax": long(totals.subtotal_ex), "grand_total": number(totals.grand_total),
        "created_time": iso(cart.created), "updated_time": iso(cart.updated),
        "customer_message": cart.customer_message, "version": cart.version,
    });
    if visit.settings.checkout_shows_outstanding {
        applied::show(cart, totals.grand_total, visit.store, &mut out);
    }
    placeholders::checkout(&mut out, visit.settings.nothing_as);
    out
}

fn checkout_cart(cart: &Cart, totals: &Totals, coupons: &[Value]) -> Value {
    json!({
        "id": cart.id, "customer_id": cart.customer_id, "channel_id": cart.channel_id, "email": cart.email,
        "currency": {"code": cart.currency}, "tax_included": false, "base_amount": long(totals.base),
        "discount_amount": long(totals.discount),
        "cart_amount_inc_tax": number(totals.goods_inc),
        "cart_amount_ex_tax": number(round(totals.goods_ex, &cart.currency)),
        "coupons": coupons, "discounts": discounts(cart, totals),
        "line_items": lines(cart, totals, Api::Checkouts, true),
        "created_time": iso(cart.created), "updated_time": iso(cart.updated),
    })
}

fn discounts(cart: &Cart, totals: &Totals) -> Vec<Value> {
    cart.lines
        .iter()
        .zip(&totals.lines)
        .filter(|(_, total)| !total.discount.is_zero())
        .map(|(line, total)| json!({"id": line.id, "discounted_amount": long(total.discount)}))
        .collect()
}

fn order_hint(cart: &Cart, visit: &Visit<'_>) -> Value {
    let orders = visit.store.orders_by_cart.get(&cart.id);
    let id = match visit.settings.order_hint {
        OrderHint::Never => None,
        OrderHint::First => orders.and_then(|ids| ids.first()),
        OrderHint::Latest => orders.and_then(|ids| ids.last()),
    };
    id.map_or(Value::Null, |id| id.to_string().into())
}

fn fees(cart: &Cart) -> Vec<Value> {
    cart.fees
        .iter()
        .map(|fee| {
            json!({
                "id": fee.id, "type": "custom_fee", "name": fee.name, "display_name": fee.display_name,
                "cost_inc_tax": number(fee.cost), "cost_ex_tax": number(fee.cost), "source": fee.source,
                "tax_class_id": fee.tax_class_id,
            })
        })
        .collect()
}

fn consignment(cart: &Cart, one: &Consignment, quotes: bool) -> Value {
    let cost = totals::shipping_cost(cart, one);
    let ids: Vec<&str> = one.items.iter().map(|(id, _)| id.as_str()).collect();
    let mut out = json!({
        "id": one.id, "shipping_cost_inc_tax": number(cost), "shipping_cost_ex_tax": number(cost),
        "handling_cost_inc_tax": 0, "handling_cost_ex_tax": 0, "coupon_discounts": [], "discounts": [],
        "line_item_ids": ids, "shipping_address": one.address.json(false), "address": one.address.json(false),
    });
    if let Some(option) = &one.selected {
        out["selected_shipping_option"] = option_json(option);
        if totals::ships_free(cart) && !option.cost.is_zero() {
            out["coupon_discounts"] = json!([{"code": "SHIPFREE", "amount": number(option.cost)}]);
        }
    }
    if let Some(id) = one.pickup_method {
        out["selected_pickup_option"] = json!({"pickup_method_id": id});
    }
    if quotes {
        out["available_shipping_options"] = quote(cart, one).iter().map(option_json).collect();
    }
    out
}

fn lines(cart: &Cart, totals: &Totals, api: Api, options: bool) -> Value {
    let of = |kind: Kind| -> Vec<Value> {
        cart.lines
            .iter()
            .zip(&totals.lines)
            .filter(|(line, _)| line.kind == kind)
            .map(|(line, total)| match kind {
                Kind::Custom => custom(line, api),
                Kind::GiftCertificate => certificate(line),
                Kind::Physical | Kind::Digital => product(line, total, api, options),
            })
            .collect()
    };
    json!({
        "physical_items": of(Kind::Physical), "digital_items": of(Kind::Digital),
        "gift_certificates": of(Kind::GiftCertificate), "custom_items": of(Kind::Custom),
    })
}

fn product(line: &Line, total: &LineTotal, api: Api, options: bool) -> Value {
    let slug = line.name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let taxable = if api == Api::Checkouts { "is_taxable" } else { "taxable" };
    let own_discount = line.list_total() - line.sale_total();
    let mut out = json!({
        "id": line.id, "parent_id": null, "variant_id": line.variant_id, "product_id": line.product_id,
        "sku": line.sku, "name": line.name, "url": format!("https://store.example.com/{slug}/"),
        "quantity": line.quantity, "image_url": "https://store.example.com/images/ProductDefault.gif",
        "discounts": [], "coupons": [], "discount_amount": long(own_discount + total.discount),
        "coupon_amount": long(total.coupon), "original_price": long(line.list_price),
        "list_price": long(line.list_price), "sale_price": long(line.sale_price),
        "extended_list_price": long(line.list_total()), "extended_sale_price": long(line.sale_total()),
        "is_require_shipping": line.kind == Kind::Physical, "is_mutable": line.is_mutable,
        "added_by_promotion": false,
    });
    out[taxable] = line.taxable.into();
    if api == Api::Checkouts {
        out["gift_wrapping"] = Value::Null;
    }
    if options {
        out["options"] = line.options.clone().into();
    }
    out
}

fn custom(line: &Line, api: Api) -> Value {
    let text = matches!(api, Api::Carts { text: true });
    let (quantity, price): (Value, Value) = if text {
        (line.quantity.to_string().into(), line.list_price.normalize().to_string().into())
    } else {
        (line.quantity.into(), long(line.list_price))
    };
    let mut out = json!({
        "id": line.id, "sku": line.sku, "name": line.name, "quantity": quantity, "list_price": price,
        "extended_list_price": long(line.list_total()),
    });
    if !line.image_url.is_empty() {
        out["image_url"] = line.image_url.clone().into();
    }
    out
}

fn certificate(line: &Line) -> Value {
    let mut out = line.certificate.clone();
    out["id"] = line.id.clone().into();
    out["name"] = line.name.clone().into();
    out["amount"] = number(line.list_price);
    out["taxable"] = false.into();
    out["quantity"] = line.quantity.into();
    out
}
