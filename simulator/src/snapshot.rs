//! How an order takes over what a checkout contains: a snapshot, never a link.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::applied;
use crate::call::Visit;
use crate::cart::{Cart, Kind, Line};
use crate::money::{round, text4};
use crate::order::{Order, OrderAddress, OrderProduct, Sums};
use crate::totals::{self, LineTotal, Totals};

impl Order {
    /// Takes over what the cart contains now.
    pub(crate) fn copy_cart(&mut self, cart: &Cart, visit: &mut Visit<'_>) {
        let totals = totals::compute(cart, visit.settings);
        self.cart_id = Some(cart.id.clone());
        self.source = "checkout_api".into();
        self.customer_id = cart.customer_id;
        self.channel_id = cart.channel_id;
        self.billing = cart.billing.as_ref().map_or_else(|| json!({}), crate::address::Address::v2);
        self.kept.insert("customer_message".into(), cart.customer_message.clone().into());
        self.kept.insert("customer_locale".into(), cart.locale.clone().into());
        self.addresses = addresses(cart, visit);
        self.products = products(cart, &totals, &self.addresses, visit);
        self.coupons = coupons(self.id, &totals);
        self.taxes = taxes(self.id, &totals, self.addresses.first().map_or(0, |address| address.id));
        self.fees = fees(cart);
        (self.applied_certificates, self.applied_credit) =
            applied::split(cart, totals.grand_total, visit.store);
        self.sums = Sums {
            subtotal_ex: totals.subtotal_ex,
            subtotal_inc: totals.subtotal_inc,
            shipping_ex: totals.shipping_ex,
            shipping_inc: totals.shipping_ex + totals.shipping_tax,
            discount: totals.lines.iter().map(|line| line.discount).sum(),
            coupons: totals.coupon_total(),
            total_ex: totals.grand_total - totals.tax,
            total_inc: totals.grand_total,
            ..Sums::default()
        };
    }
}

/// Unpaid orders take over a changed cart (setting `order_follows_cart`).
pub(crate) fn follow_cart(visit: &mut Visit<'_>, cart: &Cart) {
    for id in visit.store.orders_by_cart.get(&cart.id).cloned().unwrap_or_default() {
        let unpaid = visit.store.orders.get(&id).filter(|order| order.status_id == 0 && !order.archived);
        if let Some(mut order) = unpaid.cloned() {
            order.copy_cart(cart, visit);
            order.modified = visit.now;
            visit.store.orders.insert(id, order);
        }
    }
}

fn addresses(cart: &Cart, visit: &mut Visit<'_>) -> Vec<OrderAddress> {
    cart.consignments
        .iter()
        .map(|consignment| {
            let cost = totals::shipping_cost(cart, consignment);
            OrderAddress {
                id: visit.store.next_id(),
                address: consignment.address.v2(),
                method: consignment.selected.as_ref().map_or("", |option| &option.description).to_owned(),
                cost_ex: cost,
                cost_inc: cost,
                items: consignment.items.iter().map(|(_, quantity)| quantity).sum(),
            }
        })
        .collect()
}

fn products(
    cart: &Cart,
    totals: &Totals,
    addresses: &[OrderAddress],
    visit: &mut Visit<'_>,
) -> Vec<OrderProduct> {
    let address_of = |line: &Line| {
        let consignment =
            cart.consignments.iter().position(|one| one.items.iter().any(|(id, _)| *id == line.id));
        consignment.and_then(|at| addresses.get(at)).map_or(0, |address| address.id)
    };
    cart.lines
        .iter()
        .zip(&totals.lines)
        .map(|(line, total)| {
            let quantity = Decimal::from(line.quantity.max(1));
            OrderProduct {
                id: visit.store.next_id(),
                product_id: line.product_id,
                variant_id: line.variant_id,
                name: line.name.clone(),
                sku: line.sku.clone(),
                kind: kind_name(line.kind),
                quantity: line.quantity,
                price_ex: line.sale_price,
                price_inc: line.sale_price + total.tax / quantity,
                paid: round(total.net + total.tax, &cart.currency),
                address_id: address_of(line),
                options: options(line),
                discounts: discounts(total, totals),
                shipped: 0,
                refunded: 0,
            }
        })
        .collect()
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Physical | Kind::Custom => "physical",
        Kind::Digital => "digital",
        Kind::GiftCertificate => "giftcertificate",
    }
}

fn options(line: &Line) -> Vec<Value> {
    line.options
        .iter()
        .map(|option| {
            json!({
                "option_id": option["nameId"], "product_option_id": option["nameId"],
                "display_name": option["name"], "display_value": option["value"],
                "value": option["valueId"].to_string(), "type": "Multiple choice",
            })
        })
        .collect()
}

fn discounts(line: &LineTotal, totals: &Totals) -> Vec<Value> {
    let mut rows = Vec::new();
    if !line.discount.is_zero() {
        let amount = text4(line.discount);
        rows.push(json!({"id": "manual-discount", "amount": amount, "name": "Manual Discount", "code": null, "target": "order"}));
    }
    if let Some((coupon, _)) = totals.coupons.first().filter(|_| !line.coupon.is_zero()) {
        rows.push(json!({
            "id": "coupon", "amount": text4(line.coupon), "name": coupon.name, "code": coupon.code,
            "target": "order",
        }));
    }
    rows
}

fn coupons(order: u64, totals: &Totals) -> Vec<Value> {
    totals
        .coupons
        .iter()
        .map(|(coupon, amount)| {
            json!({
                "id": coupon.id, "coupon_id": coupon.id, "order_id": order, "code": coupon.code,
                "amount": text4(*amount), "type": coupon.type_number(), "discount": crate::money::number(*amount),
            })
        })
        .collect()
}

fn taxes(order: u64, totals: &Totals, address: u64) -> Vec<Value> {
    totals
        .taxes
        .iter()
        .zip(1_u64..)
        .map(|((rate, amount), id)| {
            json!({
                "id": id, "order_id": order, "order_address_id": address, "tax_rate_id": id,
                "tax_class_id": 0, "name": rate.name, "class": "Default Tax Class",
                "rate": text4(rate.percent), "priority": 0, "priority_amount": text4(*amount),
                "line_amount": text4(*amount),
            })
        })
        .collect()
}

fn fees(cart: &Cart) -> Vec<Value> {
    cart.fees
        .iter()
        .zip(1_u64..)
        .map(|(fee, id)| {
            json!({
                "id": id, "type": "custom_fee", "display_name_customer": fee.display_name,
                "display_name_merchant": fee.name, "source": fee.source, "base_cost": text4(fee.cost),
                "cost_ex_tax": text4(fee.cost), "cost_inc_tax": text4(fee.cost), "cost_tax": "0.0000",
                "tax_class_id": fee.tax_class_id,
            })
        })
        .collect()
}
