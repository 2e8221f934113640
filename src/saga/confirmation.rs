//! Everything that a confirmation page shows, in BigCommerce's shapes, and what of it is for shoppers.
//!
//! What a shopper sees is listed, and everything else is not shown: a merchant's notes, cost prices, the results of fraud checks,
//! tokens, and whatever BigCommerce adds one day (BigCommerce: orders.v2 and orders.v3).

use serde_json::Value;

/// Everything that a confirmation page shows.
#[derive(Debug, Clone, Default)]
pub struct Confirmation {
    /// The order (BigCommerce: orders.v2).
    pub order: Value,
    /// Its products.
    pub products: Vec<Value>,
    /// Where it goes.
    pub shipping_addresses: Vec<Value>,
    /// Its taxes.
    pub taxes: Vec<Value>,
    /// Its coupons.
    pub coupons: Vec<Value>,
    /// Its transactions.
    pub transactions: Vec<Value>,
    /// Its shipments.
    pub shipments: Vec<Value>,
}

const ORDER: [&str; 55] = [
    "base_handling_cost",
    "base_shipping_cost",
    "base_wrapping_cost",
    "billing_address",
    "channel_id",
    "coupon_discount",
    "credit_card_type",
    "currency_code",
    "currency_exchange_rate",
    "currency_id",
    "custom_status",
    "customer_id",
    "customer_locale",
    "customer_message",
    "date_created",
    "date_modified",
    "date_shipped",
    "default_currency_code",
    "default_currency_id",
    "discount_amount",
    "external_id",
    "external_order_id",
    "gift_certificate_amount",
    "handling_cost_ex_tax",
    "handling_cost_inc_tax",
    "handling_cost_tax",
    "id",
    "is_tax_inclusive_pricing",
    "items_shipped",
    "items_total",
    "order_is_digital",
    "payment_method",
    "payment_status",
    "refunded_amount",
    "shipping_address_count",
    "shipping_cost_ex_tax",
    "shipping_cost_inc_tax",
    "shipping_cost_tax",
    "status",
    "status_id",
    "store_credit_amount",
    "store_default_currency_code",
    "store_default_to_transactional_exchange_rate",
    "subtotal_ex_tax",
    "subtotal_inc_tax",
    "subtotal_tax",
    "total_ex_tax",
    "total_inc_tax",
    "total_tax",
    "wrapping_cost_ex_tax",
    "wrapping_cost_inc_tax",
    "wrapping_cost_tax",
    "fees",
    "consignments",
    "is_email_opt_in",
];

const PRODUCT: [&str; 43] = [
    "applied_discounts",
    "base_price",
    "base_total",
    "base_wrapping_cost",
    "brand",
    "configurable_fields",
    "depth",
    "discounted_total_inc_tax",
    "event_date",
    "event_name",
    "fixed_shipping_cost",
    "gift_certificate_id",
    "height",
    "id",
    "is_bundled_product",
    "is_refunded",
    "name",
    "name_customer",
    "option_set_id",
    "order_address_id",
    "order_id",
    "order_pickup_method_id",
    "parent_order_product_id",
    "price_ex_tax",
    "price_inc_tax",
    "price_tax",
    "product_id",
    "product_options",
    "quantity",
    "quantity_refunded",
    "quantity_shipped",
    "refund_amount",
    "sku",
    "total_ex_tax",
    "total_inc_tax",
    "total_tax",
    "type",
    "upc",
    "variant_id",
    "weight",
    "width",
    "wrapping_message",
    "wrapping_name",
];

const ADDRESS: [&str; 26] = [
    "base_cost",
    "base_handling_cost",
    "city",
    "company",
    "cost_ex_tax",
    "cost_inc_tax",
    "cost_tax",
    "country",
    "country_iso2",
    "email",
    "first_name",
    "form_fields",
    "handling_cost_ex_tax",
    "handling_cost_inc_tax",
    "handling_cost_tax",
    "id",
    "items_shipped",
    "items_total",
    "last_name",
    "order_id",
    "phone",
    "shipping_method",
    "state",
    "street_1",
    "street_2",
    "zip",
];

const TAX: [&str; 11] = [
    "id",
    "order_id",
    "order_address_id",
    "class",
    "name",
    "rate",
    "priority",
    "priority_amount",
    "line_amount",
    "line_item_type",
    "order_product_id",
];

const COUPON: [&str; 7] = ["id", "coupon_id", "order_id", "code", "amount", "type", "discount"];

const TRANSACTION: [&str; 13] = [
    "id",
    "order_id",
    "event",
    "method",
    "amount",
    "currency",
    "status",
    "date_created",
    "test",
    "credit_card",
    "gift_certificate",
    "store_credit",
    "offline",
];

const CARD: [&str; 4] = ["card_type", "card_last4", "card_expiry_month", "card_expiry_year"];

const SHIPMENT: [&str; 14] = [
    "billing_address",
    "date_created",
    "generated_tracking_link",
    "id",
    "items",
    "order_address_id",
    "order_id",
    "shipping_address",
    "shipping_method",
    "shipping_provider",
    "shipping_provider_display_name",
    "tracking_carrier",
    "tracking_link",
    "tracking_number",
];

impl Confirmation {
    /// What the shopper may see of it: for whoever shows it in a page.
    #[must_use]
    pub fn for_the_shopper(mut self) -> Self {
        show(&mut self.order, &ORDER);
        let lists = [
            (&mut self.products, PRODUCT.as_slice()),
            (&mut self.shipping_addresses, &ADDRESS),
            (&mut self.taxes, &TAX),
            (&mut self.coupons, &COUPON),
            (&mut self.transactions, &TRANSACTION),
            (&mut self.shipments, &SHIPMENT),
        ];
        for (list, names) in lists {
            for one in list.iter_mut() {
                show(one, names);
            }
        }
        for transaction in &mut self.transactions {
            if let Some(card) = transaction.get_mut("credit_card") {
                show(card, &CARD);
            }
        }
        self
    }
}

/// Keeps these fields of an object.
fn show(of: &mut Value, names: &[&str]) {
    if let Some(fields) = of.as_object_mut() {
        fields.retain(|name, _| names.contains(&name.as_str()));
    } else if !of.is_null() {
        *of = Value::Null;
    }
}
