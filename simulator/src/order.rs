//! An order: a snapshot of a checkout, or made directly; with its payments, shipments and the lags of reading it.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use crate::call::Visit;
use crate::cart::{Cart, Kind, Line};
use crate::ledger;
use crate::money::{round, text4};
use crate::settings::Lag;
use crate::totals::{self, LineTotal, Totals};

/// Something that is not visible yet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wait {
    reads_left: u64,
    until: Option<OffsetDateTime>,
}

impl Wait {
    /// Starts to hide what was just written.
    pub(crate) fn start(lag: Lag, now: OffsetDateTime) -> Self {
        let ms = i64::try_from(lag.ms.min(86_400_000)).unwrap_or(0);
        Self { reads_left: lag.reads, until: now.checked_add(Duration::milliseconds(ms)) }
    }

    /// One read: whether it sees the new state.
    pub(crate) fn passed(&mut self, now: OffsetDateTime) -> bool {
        if self.reads_left > 0 {
            self.reads_left -= 1;
            return false;
        }
        self.until.is_none_or(|until| now >= until)
    }
}

/// A product of an order.
#[derive(Debug, Clone)]
pub(crate) struct OrderProduct {
    pub(crate) id: u64,
    pub(crate) product_id: u64,
    pub(crate) variant_id: u64,
    pub(crate) name: String,
    pub(crate) sku: String,
    /// `physical`, `digital` or `giftcertificate`.
    pub(crate) kind: &'static str,
    pub(crate) quantity: u64,
    pub(crate) price_ex: Decimal,
    pub(crate) price_inc: Decimal,
    /// What was paid for all units, after every discount, with tax.
    pub(crate) paid: Decimal,
    pub(crate) address_id: u64,
    pub(crate) options: Vec<Value>,
    pub(crate) discounts: Vec<Value>,
    pub(crate) shipped: u64,
    pub(crate) refunded: u64,
}

/// A shipping address of an order.
#[derive(Debug, Clone)]
pub(crate) struct OrderAddress {
    pub(crate) id: u64,
    /// In the V2 form.
    pub(crate) address: Value,
    pub(crate) method: String,
    pub(crate) cost_ex: Decimal,
    pub(crate) cost_inc: Decimal,
    pub(crate) items: u64,
}

/// The sums of an order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sums {
    pub(crate) subtotal_ex: Decimal,
    pub(crate) subtotal_inc: Decimal,
    pub(crate) shipping_ex: Decimal,
    pub(crate) shipping_inc: Decimal,
    pub(crate) handling_ex: Decimal,
    pub(crate) handling_inc: Decimal,
    pub(crate) wrapping_ex: Decimal,
    pub(crate) wrapping_inc: Decimal,
    pub(crate) discount: Decimal,
    pub(crate) coupons: Decimal,
    pub(crate) total_ex: Decimal,
    pub(crate) total_inc: Decimal,
}

/// A row of `GET transactions`.
#[derive(Debug, Clone)]
pub(crate) struct Transaction {
    pub(crate) id: u64,
    pub(crate) event: String,
    /// `ok` or `error`.
    pub(crate) status: &'static str,
    pub(crate) method: &'static str,
    pub(crate) amount: Decimal,
    pub(crate) gateway_id: String,
    pub(crate) payment_method_id: String,
    pub(crate) reference: Option<u64>,
    pub(crate) at: OffsetDateTime,
    pub(crate) card: Value,
}

/// Something asynchronous that reads bring nearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outstanding {
    /// A pending payment settles with success.
    Settle,
    /// A pending payment settles as declined.
    Decline,
    /// A pending payment waits for the control plane.
    Never,
    Capture,
    Void,
}

/// An order.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) cart_id: Option<String>,
    pub(crate) status_id: u64,
    pub(crate) payment_status: String,
    pub(crate) customer_id: u64,
    pub(crate) channel_id: u64,
    pub(crate) currency: String,
    /// In the V2 form.
    pub(crate) billing: Value,
    pub(crate) addresses: Vec<OrderAddress>,
    pub(crate) products: Vec<OrderProduct>,
    pub(crate) coupons: Vec<Value>,
    pub(crate) taxes: Vec<Value>,
    pub(crate) fees: Vec<Value>,
    pub(crate) sums: Sums,
    pub(crate) created: OffsetDateTime,
    pub(crate) modified: OffsetDateTime,
    pub(crate) shipped: Option<OffsetDateTime>,
    pub(crate) archived: bool,
    pub(crate) source: String,
    pub(crate) payment_method: String,
    pub(crate) provider_id: String,
    pub(crate) refunded: Decimal,
    /// Store credit and gift certificates that paid a part.
    pub(crate) credit_used: Decimal,
    pub(crate) certificate_used: Decimal,
    /// Fields that BigCommerce keeps for the client: notes, external ids, addresses.
    pub(crate) kept: Map<String, Value>,
    pub(crate) transactions: Vec<Transaction>,
    pub(crate) shipments: Vec<Value>,
    pub(crate) refunds: Vec<Value>,
    pub(crate) outstanding: Option<(Outstanding, u64)>,
    pub(crate) stock_taken: bool,
    pub(crate) lookup: Wait,
    pub(crate) status_wait: Wait,
    pub(crate) transactions_wait: Wait,
    pub(crate) correlation_id: Option<String>,
}

impl Order {
    /// An order with nothing in it yet.
    pub(crate) fn empty(id: u64, currency: &str, visit: &Visit<'_>) -> Self {
        Self {
            id,
            cart_id: None,
            status_id: 0,
            payment_status: String::new(),
            customer_id: 0,
            channel_id: 1,
            currency: currency.to_owned(),
            billing: json!({}),
            addresses: Vec::new(),
            products: Vec::new(),
            coupons: Vec::new(),
            taxes: Vec::new(),
            fees: Vec::new(),
            sums: Sums::default(),
            created: visit.now,
            modified: visit.now,
            shipped: None,
            archived: false,
            source: "external".into(),
            payment_method: String::new(),
            provider_id: String::new(),
            refunded: Decimal::ZERO,
            credit_used: Decimal::ZERO,
            certificate_used: Decimal::ZERO,
            kept: Map::new(),
            transactions: Vec::new(),
            shipments: Vec::new(),
            refunds: Vec::new(),
            outstanding: None,
            stock_taken: false,
            lookup: Wait::start(visit.settings.order_lookup_lag, visit.now),
            status_wait: Wait::default(),
            transactions_wait: Wait::default(),
            correlation_id: visit.call.correlation_id(),
        }
    }

    /// Whether nothing in it ships.
    pub(crate) fn is_digital(&self) -> bool {
        !self.products.is_empty() && self.products.iter().all(|product| product.kind != "physical")
    }

    /// What is still to be paid.
    pub(crate) fn due(&self) -> Decimal {
        self.sums.total_inc - self.credit_used - self.certificate_used
    }

    /// A text that the client gave.
    pub(crate) fn kept_text(&self, name: &str) -> &str {
        self.kept.get(name).and_then(Value::as_str).unwrap_or("")
    }

    /// The short form for the ledger.
    pub(crate) fn ledger(&self, store: &str) -> ledger::Order {
        ledger::Order {
            store: store.to_owned(),
            id: self.id,
            cart_id: self.cart_id.clone(),
            status_id: self.status_id,
            payment_status: self.payment_status.clone(),
            total: self.sums.total_inc,
            currency: self.currency.clone(),
            archived: self.archived,
            external_order_id: self.kept_text("external_order_id").to_owned(),
            correlation_id: self.correlation_id.clone(),
        }
    }

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
