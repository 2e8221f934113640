//! BigCommerce's cart or checkout object, kept as it was sent, with the few questions that the saga asks of it.
//!
//! It reads leniently: an unknown field is kept, a missing one is empty, a quantity may be a number or a string. What is
//! asked is read once, when it is first asked; everything else is passed on as text.

mod read;

use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use self::read::{Read, Shape};
use super::money::Money;
use crate::json::{self, Fields, List, Raw};

/// A checkout object (BigCommerce: checkouts.v3). A cart (carts.v3) is wrapped into the same shape. Cloning it costs
/// nothing.
#[derive(Debug, Clone)]
pub struct Document(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    raw: Box<RawValue>,
    read: OnceLock<Read>,
}

/// One line of the cart.
#[derive(Debug, PartialEq)]
pub struct LineItem {
    /// Line item id; not stable across writes, because promotions split lines.
    pub id: String,
    /// Units; 0 when they cannot be read.
    pub quantity: u32,
    /// Whether its units could be read.
    pub is_counted: bool,
    /// Whether it has to be in a consignment before an order is possible.
    pub ships: bool,
    /// What it is, whatever its id: product, variant and name.
    pub product: (i64, i64, String),
}

/// One consignment.
#[derive(Debug)]
pub struct Consignment {
    /// BigCommerce's id.
    pub id: String,
    /// The line items that go there.
    pub line_item_ids: Vec<String>,
    address: Option<Box<RawValue>>,
    /// What may be chosen; `None` when it was not asked for.
    available: Option<Vec<ShippingOption>>,
    /// Id of the chosen option.
    pub selected: Option<String>,
    /// Whether the shopper fetches it.
    pub is_picked_up: bool,
}

/// One way to ship a consignment.
#[derive(Debug, PartialEq)]
pub struct ShippingOption {
    /// An opaque quote id.
    pub id: String,
    /// Such as `shipping_flatrate`.
    pub kind: String,
    /// As the shopper reads it.
    pub description: String,
    /// Its cost in the currency of the cart.
    pub cost: Option<Money>,
    /// Such as `3 to 5 days`; empty when BigCommerce does not know.
    pub transit_time: String,
}

impl Consignment {
    /// The address.
    pub fn address(&self) -> Option<Map<String, Value>> {
        serde_json::from_str(self.address.as_ref()?.get()).ok()
    }

    /// What may be chosen; empty when it was not asked for.
    pub fn available(&self) -> &[ShippingOption] {
        self.available.as_deref().unwrap_or_default()
    }
}

impl Document {
    /// Takes a checkout object as BigCommerce sent it.
    pub fn from_checkout(raw: Box<RawValue>) -> Self {
        Self(Arc::new(Inner { raw, read: OnceLock::new() }))
    }

    /// The same of any value that is a checkout object.
    pub fn of(value: &impl Serialize) -> Self {
        let raw = serde_json::value::to_raw_value(value);
        Self::from_checkout(raw.unwrap_or_else(|_| RawValue::NULL.to_owned()))
    }

    /// Takes one that was stored as text.
    pub fn stored(text: String) -> Result<Self, serde_json::Error> {
        RawValue::from_string(text).map(Self::from_checkout)
    }

    /// Wraps a cart into the shape of a checkout, so that a storefront sees one shape throughout. Create a Cart
    /// answers some numbers as strings and names the amount and the tax flag differently from the checkout object.
    pub fn from_cart(cart: &RawValue) -> Self {
        let mut cart: Value = serde_json::from_str(cart.get()).unwrap_or_default();
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
        Self::of(&checkout)
    }

    /// BigCommerce's id of the checkout, which is that of its cart, as BigCommerce writes it.
    pub fn id(&self) -> Option<String> {
        let document: Value = serde_json::from_str(self.text()).ok()?;
        let id = [&document["id"], &document["cart"]["id"]].into_iter().find_map(Value::as_str);
        id.filter(|id| !id.is_empty()).map(str::to_owned)
    }

    /// The object itself, as text.
    pub fn text(&self) -> &str {
        self.0.raw.get()
    }

    /// Takes over what a new answer left out: a write that was not asked for shipping options does not repeat them.
    pub fn adopt_options_of(&mut self, earlier: Option<&Document>) {
        let Some(earlier) = earlier else { return };
        let knows =
            |id: &str| earlier.consignments().iter().any(|known| known.id == id && known.available.is_some());
        let lacks = |consignment: &Consignment| consignment.available.is_none() && knows(&consignment.id);
        if self.consignments().iter().any(lacks) {
            *self = self.with_options_of(earlier);
        }
    }

    fn with_options_of(&self, earlier: &Document) -> Self {
        const OPTIONS: &str = "available_shipping_options";
        fn consignments<'a>(of: &Fields<'a>) -> Vec<Fields<'a>> {
            let list = of.get("consignments").map_or("[]", |raw| raw.get());
            let list: List<Raw<'a>> = serde_json::from_str(list).unwrap_or_default();
            list.0.into_iter().filter_map(Raw::fields).collect()
        }
        fn id<'a>(of: &Fields<'a>) -> Option<&'a str> {
            of.get("id").map(|id| id.get())
        }
        let (known, mut document): (_, Fields<'_>) =
            (consignments(&json::read(earlier.text())), json::read(self.text()));
        let mut merged = consignments(&document);
        for consignment in &mut merged {
            let same = known.iter().find(|known| id(known).is_some() && id(known) == id(consignment));
            if let Some(options) = same.and_then(|known| known.get(OPTIONS)) {
                let there = consignment.entry(OPTIONS.to_owned()).or_insert(options);
                if there.get() == "null" {
                    *there = options;
                }
            }
        }
        let Ok(merged) = serde_json::value::to_raw_value(&merged) else { return self.clone() };
        document.insert("consignments".to_owned(), &merged);
        Self::of(&document)
    }

    /// The version for compare-and-set; absent where BigCommerce sent none.
    pub fn version(&self) -> Option<i64> {
        self.read().version
    }

    /// Currency of the cart.
    pub fn currency(&self) -> &str {
        self.read().currency.as_deref().unwrap_or("USD")
    }

    /// BigCommerce's customer; 0 is a guest.
    pub fn customer_id(&self) -> i64 {
        self.read().customer_id
    }

    /// The billing address, where there is one.
    pub fn billing_address(&self) -> Option<Map<String, Value>> {
        serde_json::from_str(self.read().billing_address.as_ref()?.get()).ok()
    }

    /// E-mail address of the billing address.
    pub fn email(&self) -> Option<&str> {
        self.read().email.as_deref()
    }

    /// BigCommerce's order id on the checkout: a weak hint, never a proof.
    pub fn order_hint(&self) -> Option<i64> {
        self.read().order_hint
    }

    /// The total payable amount.
    pub fn grand_total(&self) -> Option<Money> {
        self.read().grand_total
    }

    /// Every line of the cart.
    pub fn line_items(&self) -> &[LineItem] {
        &self.read().line_items
    }

    /// The lines that have to be shipped.
    pub fn shipped_items(&self) -> Vec<&LineItem> {
        self.line_items().iter().filter(|item| item.ships).collect()
    }

    /// Every consignment.
    pub fn consignments(&self) -> &[Consignment] {
        &self.read().consignments
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
    pub fn coupon_codes(&self) -> &[String] {
        &self.read().coupon_codes
    }

    /// The message from the shopper to the merchant.
    pub fn customer_message(&self) -> &str {
        self.read().customer_message.as_deref().unwrap_or_default()
    }

    fn read(&self) -> &Read {
        self.0.read.get_or_init(|| {
            let shape: Shape<'_> = json::read(self.text());
            shape.into()
        })
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.text() == other.text()
    }
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
        Document::of(&parts())
    }

    fn parts() -> Value {
        json!({
            "id": "c1", "version": 4, "grand_total": 30.83, "order_id": "125",
            "cart": {"currency": {"code": "USD"}, "line_items": {
                "physical_items": [{"id": "p1", "quantity": 2}],
                "custom_items": [{"id": "x1", "quantity": "1"}],
                "digital_items": [{"id": "d1", "quantity": 1}],
                "gift_certificates": [{"id": "g1", "quantity": 1}],
            }},
            "consignments": [{"id": "k1", "line_item_ids": ["p1"], "address": {"email": "a@example.com"},
                "available_shipping_options": [{"id": "o1", "type": "t", "description": "d", "cost": 5}]}],
        })
    }

    fn raw(value: &Value) -> Box<RawValue> {
        serde_json::value::to_raw_value(value).expect("JSON")
    }

    #[test]
    fn only_physical_and_custom_items_have_to_be_covered() {
        assert!(!checkout().is_covered());
        let mut parts = parts();
        parts["consignments"][0]["line_item_ids"] = json!(["p1", "x1"]);
        let document = Document::of(&parts);
        assert!(document.is_covered());
        assert!(!document.options_selected());
        parts["consignments"][0]["selected_shipping_option"] = json!({"id": "o1"});
        let document = Document::of(&parts);
        assert!(document.options_selected());
        assert_eq!(document.order_hint(), Some(125));
    }

    #[test]
    fn a_cart_is_read_like_a_checkout() {
        let document = Document::from_cart(&raw(&json!({
            "id": "c1", "version": 1, "base_amount": 10, "cart_amount": 10.83, "currency": {"code": "USD"},
            "line_items": {"custom_items": [{"id": "x1", "quantity": "1", "list_price": "10.00", "taxable": true}]},
        })));
        let value: Value = serde_json::from_str(document.text()).expect("JSON");
        assert_eq!(document.grand_total().map(|total| total.decimal().to_string()), Some("10.83".to_owned()));
        assert_eq!(value.pointer("/cart/line_items/custom_items/0/quantity"), Some(&json!(1)));
        let price = value.pointer("/cart/line_items/custom_items/0/list_price").map(ToString::to_string);
        assert_eq!(price.as_deref(), Some("10.00"));
        assert_eq!(value.pointer("/cart/line_items/custom_items/0/is_taxable"), Some(&json!(true)));
        assert_eq!(document.shipped_items().len(), 1);
    }

    #[test]
    fn an_answer_without_options_keeps_the_known_ones() {
        let earlier = checkout();
        let mut later = Document::of(&json!({"consignments": [{"id": "k1"}, {"id": "k2"}]}));
        later.adopt_options_of(Some(&earlier));
        let consignments = later.consignments();
        assert_eq!(consignments[0].available().len(), 1);
        assert!(consignments[1].available().is_empty());
    }

    #[test]
    fn the_text_is_passed_on_as_it_came() {
        let text = r#"{"id":"c1", "grand_total":27.7170,"new":[{"b":1.0,"a":"\\/"}] , "consignments":[{"id":"k1"}]}"#;
        let mut document = Document::stored(text.to_owned()).expect("JSON");
        document.adopt_options_of(Some(&Document::of(&json!({"consignments": [{"id": "k2"}]}))));
        assert_eq!(document.text(), text);
        document.adopt_options_of(Some(&checkout()));
        assert!(
            document.text().contains(r#""grand_total":27.7170"#)
                && document.text().contains(r#"{"b":1.0,"a":"\\/"}"#)
        );
        assert_eq!(document.consignments()[0].available().len(), 1);
        assert!(Document::stored("{".to_owned()).is_err());
    }

    #[test]
    fn units_that_cannot_be_read_are_not_counted() {
        for (quantity, counted) in [
            (json!(2), true),
            (json!("2"), true),
            (json!(null), false),
            (json!("two"), false),
            (json!(1.5), false),
        ] {
            let items = json!({"physical_items": [{"id": "p1", "quantity": quantity}]});
            let document = Document::of(&json!({"cart": {"line_items": items}}));
            assert_eq!(document.line_items()[0].is_counted, counted, "{quantity}");
        }
    }

    #[test]
    fn nonsense_is_empty_and_never_a_panic() {
        for value in [
            json!(null),
            json!([1]),
            json!({"cart": 5, "consignments": {"a": 1}, "coupons": "x"}),
            json!({"cart": {"line_items": 5}, "consignments": [5, []]}),
        ] {
            let document = Document::of(&value);
            assert!(document.line_items().is_empty() && document.consignments().is_empty());
            assert!(document.grand_total().is_none() && document.coupon_codes().is_empty());
        }
    }
}
