//! BigCommerce's cart or checkout object, kept as it was sent, with the few questions that the saga asks of it.
//!
//! It reads leniently: an unknown field is kept, a missing one is empty, a quantity may be a number or a string.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Shared;
use super::money::{Money, amount};

/// A checkout object (BigCommerce: checkouts.v3). A cart (carts.v3) is wrapped into the same shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Document(Shared<Value>);

/// One line of the cart.
#[derive(Debug, Clone, PartialEq)]
pub struct LineItem<'a> {
    /// Line item id; not stable across writes, because promotions split lines.
    pub id: &'a str,
    /// Units.
    pub quantity: u32,
    /// Whether it has to be in a consignment before an order is possible.
    pub ships: bool,
    /// What it is, whatever its id: product, variant and name.
    pub product: (i64, i64, &'a str),
}

/// One consignment.
#[derive(Debug, Clone, PartialEq)]
pub struct Consignment<'a> {
    /// BigCommerce's id.
    pub id: &'a str,
    /// The line items that go there.
    pub line_item_ids: Vec<&'a str>,
    /// The address.
    pub address: Option<&'a Map<String, Value>>,
    /// What may be chosen; empty when it was not asked for.
    pub available: Vec<ShippingOption<'a>>,
    /// Id of the chosen option.
    pub selected: Option<&'a str>,
    /// Whether the shopper fetches it.
    pub is_picked_up: bool,
}

/// One way to ship a consignment.
#[derive(Debug, Clone, PartialEq)]
pub struct ShippingOption<'a> {
    /// An opaque quote id.
    pub id: &'a str,
    /// Such as `shipping_flatrate`.
    pub kind: &'a str,
    /// As the shopper reads it.
    pub description: &'a str,
    /// Its cost in the currency of the cart.
    pub cost: Option<Money>,
    /// Such as `3 to 5 days`; empty when BigCommerce does not know.
    pub transit_time: &'a str,
}

impl Document {
    /// Takes a checkout object as BigCommerce sent it.
    pub fn from_checkout(value: Value) -> Self {
        Self(value.into())
    }

    /// Wraps a cart into the shape of a checkout, so that a storefront sees one shape throughout. Create a Cart
    /// answers some numbers as strings and names the amount and the tax flag differently from the checkout object.
    pub fn from_cart(mut cart: Value) -> Self {
        let totals = (cart.get("cart_amount").cloned(), cart.get("base_amount").cloned());
        if let Some(cart) = cart.as_object_mut() {
            cart.remove("redirect_urls");
            if let Some(amount) = cart.remove("cart_amount") {
                cart.entry("cart_amount_inc_tax").or_insert(amount);
            }
            let groups = cart.get_mut("line_items").and_then(Value::as_object_mut);
            for item in groups.into_iter().flat_map(Map::values_mut).filter_map(Value::as_array_mut).flatten()
            {
                normalise_item(item);
            }
        }
        let mut checkout = Map::new();
        for field in ["id", "version", "coupons", "created_time", "updated_time"] {
            if let Some(value) = cart.get(field) {
                checkout.insert(field.to_owned(), value.clone());
            }
        }
        checkout.insert("cart".to_owned(), cart);
        checkout.insert("billing_address".to_owned(), Value::Null);
        checkout.insert("consignments".to_owned(), Value::Array(Vec::new()));
        if let (Some(total), base) = totals {
            checkout.insert("subtotal_ex_tax".to_owned(), base.unwrap_or_else(|| total.clone()));
            checkout.insert("grand_total".to_owned(), total);
        }
        Self(Value::Object(checkout).into())
    }

    /// The object itself.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// Takes over what a new answer left out: a write that was not asked for shipping options does not repeat them.
    pub fn adopt_options_of(&mut self, earlier: Option<&Document>) {
        let Some(earlier) = earlier else { return };
        let known: BTreeMap<&str, &Value> = list(earlier.0.get("consignments"))
            .filter_map(|consignment| {
                Some((consignment.get("id")?.as_str()?, consignment.get("available_shipping_options")?))
            })
            .collect();
        let consignments = self.0.get_mut("consignments").and_then(Value::as_array_mut);
        for consignment in consignments.into_iter().flatten().filter_map(Value::as_object_mut) {
            let id = consignment.get("id").and_then(Value::as_str).unwrap_or_default();
            if let Some(&options) = known.get(id) {
                consignment.entry("available_shipping_options").or_insert_with(|| options.clone());
            }
        }
    }

    /// Cart id, which is also the checkout id.
    pub fn id(&self) -> Option<&str> {
        self.0.get("id").and_then(Value::as_str)
    }

    /// The version for compare-and-set; absent where BigCommerce sent none.
    pub fn version(&self) -> Option<i64> {
        self.0.get("version").or_else(|| self.0.pointer("/cart/version")).and_then(Value::as_i64)
    }

    /// Currency of the cart.
    pub fn currency(&self) -> &str {
        self.0.pointer("/cart/currency/code").and_then(Value::as_str).unwrap_or("USD")
    }

    /// BigCommerce's customer; 0 is a guest.
    pub fn customer_id(&self) -> i64 {
        self.0.pointer("/cart/customer_id").and_then(Value::as_i64).unwrap_or(0)
    }

    /// Id of the billing address, where there is one.
    pub fn billing_address(&self) -> Option<&Map<String, Value>> {
        self.0.get("billing_address").and_then(Value::as_object).filter(|address| !address.is_empty())
    }

    /// E-mail address of the billing address.
    pub fn email(&self) -> Option<&str> {
        self.billing_address()?.get("email").and_then(Value::as_str).filter(|email| !email.is_empty())
    }

    /// BigCommerce's order id on the checkout: a weak hint, never a proof.
    pub fn order_hint(&self) -> Option<i64> {
        match self.0.get("order_id")? {
            Value::String(text) => text.parse().ok(),
            other => other.as_i64(),
        }
    }

    /// The total payable amount.
    pub fn grand_total(&self) -> Option<Money> {
        self.0.get("grand_total").and_then(amount)
    }

    /// Every line of the cart.
    pub fn line_items(&self) -> Vec<LineItem<'_>> {
        let groups = self.0.pointer("/cart/line_items").and_then(Value::as_object);
        groups
            .into_iter()
            .flatten()
            .flat_map(|(group, items)| list(Some(items)).map(move |item| (group, item)))
            .filter_map(|(group, item)| {
                Some(LineItem {
                    id: item.get("id")?.as_str()?,
                    quantity: quantity(item.get("quantity")),
                    ships: matches!(group.as_str(), "physical_items" | "custom_items"),
                    product: (
                        item.get("product_id").and_then(Value::as_i64).unwrap_or(0),
                        item.get("variant_id").and_then(Value::as_i64).unwrap_or(0),
                        item.get("name").and_then(Value::as_str).unwrap_or_default(),
                    ),
                })
            })
            .collect()
    }

    /// The lines that have to be shipped.
    pub fn shipped_items(&self) -> Vec<LineItem<'_>> {
        self.line_items().into_iter().filter(|item| item.ships).collect()
    }

    /// Every consignment.
    pub fn consignments(&self) -> Vec<Consignment<'_>> {
        list(self.0.get("consignments")).filter_map(consignment).collect()
    }

    /// Whether each line that ships is in a consignment and each consignment holds at least one line. A line whose
    /// units go to several addresses is in several consignments.
    pub fn is_covered(&self) -> bool {
        let consignments = self.consignments();
        self.shipped_items()
            .iter()
            .all(|item| consignments.iter().any(|consignment| consignment.line_item_ids.contains(&item.id)))
            && consignments.iter().all(|consignment| !consignment.line_item_ids.is_empty())
    }

    /// Whether each consignment has a selected shipping option, or is picked up.
    pub fn options_selected(&self) -> bool {
        self.consignments()
            .iter()
            .all(|consignment| consignment.selected.is_some() || consignment.is_picked_up)
    }

    /// The codes of the applied coupons.
    pub fn coupon_codes(&self) -> Vec<&str> {
        list(self.0.get("coupons"))
            .chain(list(self.0.pointer("/cart/coupons")))
            .filter_map(|coupon| coupon.get("code").and_then(Value::as_str))
            .collect()
    }

    /// The message from the shopper to the merchant.
    pub fn customer_message(&self) -> &str {
        self.0.get("customer_message").and_then(Value::as_str).unwrap_or_default()
    }
}

fn consignment(value: &Value) -> Option<Consignment<'_>> {
    let address = value.get("address").or_else(|| value.get("shipping_address"));
    Some(Consignment {
        id: value.get("id")?.as_str()?,
        line_item_ids: list(value.get("line_item_ids")).filter_map(Value::as_str).collect(),
        address: address.and_then(Value::as_object),
        available: list(value.get("available_shipping_options")).filter_map(shipping_option).collect(),
        selected: value.pointer("/selected_shipping_option/id").and_then(Value::as_str),
        is_picked_up: value.get("selected_pickup_option").is_some_and(Value::is_object),
    })
}

fn shipping_option(value: &Value) -> Option<ShippingOption<'_>> {
    let text = |field| value.get(field).and_then(Value::as_str).unwrap_or_default();
    Some(ShippingOption {
        id: value.get("id")?.as_str()?,
        kind: text("type"),
        description: text("description"),
        cost: value.get("cost").and_then(amount),
        transit_time: text("transit_time"),
    })
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter()
}

fn quantity(value: Option<&Value>) -> u32 {
    value.and_then(amount).and_then(|units| u32::try_from(units.decimal().trunc()).ok()).unwrap_or(0)
}

/// Create a Cart may answer `quantity` and `list_price` as strings and calls `is_taxable` `taxable`.
fn normalise_item(item: &mut Value) {
    let Some(item) = item.as_object_mut() else { return };
    for field in ["quantity", "list_price"] {
        if let Some(value) = item.get_mut(field)
            && let Value::String(text) = value
            && let Ok(number) = serde_json::from_str::<serde_json::Number>(text.trim())
        {
            *value = Value::Number(number);
        }
    }
    if let Some(taxable) = item.remove("taxable") {
        item.entry("is_taxable").or_insert(taxable);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checkout() -> Document {
        Document::from_checkout(json!({
            "id": "c1", "version": 4, "grand_total": 30.83, "order_id": "125",
            "cart": {"currency": {"code": "USD"}, "line_items": {
                "physical_items": [{"id": "p1", "quantity": 2}],
                "custom_items": [{"id": "x1", "quantity": "1"}],
                "digital_items": [{"id": "d1", "quantity": 1}],
                "gift_certificates": [{"id": "g1", "quantity": 1}],
            }},
            "consignments": [{"id": "k1", "line_item_ids": ["p1"], "address": {"email": "a@example.com"},
                "available_shipping_options": [{"id": "o1", "type": "t", "description": "d", "cost": 5}]}],
        }))
    }

    #[test]
    fn only_physical_and_custom_items_have_to_be_covered() {
        let mut document = checkout();
        assert!(!document.is_covered());
        document.0["consignments"][0]["line_item_ids"] = json!(["p1", "x1"]);
        assert!(document.is_covered());
        assert!(!document.options_selected());
        document.0["consignments"][0]["selected_shipping_option"] = json!({"id": "o1"});
        assert!(document.options_selected());
        assert_eq!(document.order_hint(), Some(125));
    }

    #[test]
    fn a_cart_is_read_like_a_checkout() {
        let document = Document::from_cart(json!({
            "id": "c1", "version": 1, "base_amount": 10, "cart_amount": 10.83, "currency": {"code": "USD"},
            "line_items": {"custom_items": [{"id": "x1", "quantity": "1", "list_price": "10.00", "taxable": true}]},
        }));
        assert_eq!(document.grand_total().map(|total| total.decimal().to_string()), Some("10.83".to_owned()));
        assert_eq!(document.value().pointer("/cart/line_items/custom_items/0/quantity"), Some(&json!(1)));
        let price =
            document.value().pointer("/cart/line_items/custom_items/0/list_price").map(ToString::to_string);
        assert_eq!(price.as_deref(), Some("10.00"));
        assert_eq!(
            document.value().pointer("/cart/line_items/custom_items/0/is_taxable"),
            Some(&json!(true))
        );
        assert_eq!(document.shipped_items().len(), 1);
    }

    #[test]
    fn an_answer_without_options_keeps_the_known_ones() {
        let earlier = checkout();
        let mut later = Document::from_checkout(json!({"consignments": [{"id": "k1"}, {"id": "k2"}]}));
        later.adopt_options_of(Some(&earlier));
        let consignments = later.consignments();
        assert_eq!(consignments[0].available.len(), 1);
        assert!(consignments[1].available.is_empty());
    }

    #[test]
    fn nonsense_is_empty_and_never_a_panic() {
        for value in [json!(null), json!([1]), json!({"cart": 5, "consignments": {"a": 1}, "coupons": "x"})] {
            let document = Document::from_checkout(value);
            assert!(document.line_items().is_empty() && document.consignments().is_empty());
            assert!(document.grand_total().is_none() && document.coupon_codes().is_empty());
        }
    }
}
