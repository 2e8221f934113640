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

const ORDER: [&str; 53] = [
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
    "fees",
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
    "class",
    "id",
    "line_amount",
    "line_item_type",
    "name",
    "order_address_id",
    "order_id",
    "order_product_id",
    "priority",
    "priority_amount",
    "rate",
];

const COUPON: [&str; 7] = ["amount", "code", "coupon_id", "discount", "id", "order_id", "type"];

const TRANSACTION: [&str; 13] = [
    "amount",
    "credit_card",
    "currency",
    "date_created",
    "event",
    "gift_certificate",
    "id",
    "method",
    "offline",
    "order_id",
    "status",
    "store_credit",
    "test",
];

const CARD: [&str; 4] = ["card_expiry_month", "card_expiry_year", "card_last4", "card_type"];

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

const OPTION: [&str; 11] = [
    "display_name",
    "display_name_customer",
    "display_style",
    "display_value",
    "display_value_customer",
    "id",
    "name",
    "option_id",
    "product_option_id",
    "type",
    "value",
];

const FEE: [&str; 9] = [
    "base_cost",
    "cost",
    "cost_ex_tax",
    "cost_inc_tax",
    "cost_tax",
    "display_name_customer",
    "id",
    "name",
    "type",
];

/// What is inside of these fields, wherever they are shown.
const INSIDE: [(&str, &[&str]); 3] = [("credit_card", &CARD), ("fees", &FEE), ("product_options", &OPTION)];

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
            for one in list {
                show(one, names);
            }
        }
        self
    }

    /// Without names, addresses, email addresses, messages, and cards.
    #[must_use]
    pub fn without_addresses(mut self) -> Self {
        self.shipping_addresses.clear();
        let lists = [&mut self.products, &mut self.transactions, &mut self.shipments];
        for one in std::iter::once(&mut self.order).chain(lists.into_iter().flatten()) {
            let Value::Object(fields) = one else { continue };
            fields.retain(|name, _| !PERSONAL.contains(&name.as_str()));
        }
        self
    }
}

/// What an order and what belongs to it say of a person.
const PERSONAL: [&str; 9] = [
    "billing_address",
    "comments",
    "credit_card",
    "customer_message",
    "event_name",
    "gift_certificate",
    "product_options",
    "shipping_address",
    "wrapping_message",
];

/// Keeps these fields of an object, and of each object of a list; anything else is not shown.
fn show(of: &mut Value, names: &[&str]) {
    match of {
        Value::Object(fields) => {
            fields.retain(|name, _| names.contains(&name.as_str()));
            for (field, inside) in INSIDE {
                if let Some(value) = fields.get_mut(field) {
                    show(value, inside);
                }
            }
        }
        Value::Array(all) => {
            for one in all {
                show(one, names);
            }
        }
        other => *other = Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_listed_is_not_shown_however_deep_it_stands() {
        let shown = Confirmation {
            order: json!({"id": 1, "total_inc_tax": "10.8300", "staff_notes": "s", "is_new_one_day": true,
                "fees": [{"id": 2, "name": "Wrapping", "cost_inc_tax": "1.00", "display_name_merchant": "m"}]}),
            products: vec![json!({"id": 3, "name": "Mug", "cost_price_inc_tax": "2.00",
                "product_options": [{"id": 4, "display_value": "Red", "display_name_merchant": "m"}]})],
            transactions: vec![
                json!({"id": 5, "amount": 10.83, "avs_result": {}, "cvv_result": {}, "gateway_transaction_id": "g",
                    "credit_card": {"card_type": "visa", "card_last4": "1111", "card_iin": "411111"}}),
                json!({"id": 6, "credit_card": "placeholder"}),
            ],
            ..Confirmation::default()
        }
        .for_the_shopper();
        assert_eq!(
            shown.order,
            json!({"id": 1, "total_inc_tax": "10.8300", "fees": [{"id": 2, "name": "Wrapping", "cost_inc_tax": "1.00"}]})
        );
        assert_eq!(
            shown.products,
            [json!({"id": 3, "name": "Mug", "product_options": [{"id": 4, "display_value": "Red"}]})]
        );
        let card = json!({"card_type": "visa", "card_last4": "1111"});
        assert_eq!(
            shown.transactions,
            [json!({"id": 5, "amount": 10.83, "credit_card": card}), json!({"id": 6, "credit_card": null})]
        );
    }
}
