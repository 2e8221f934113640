//! BigCommerce's cart or checkout object, stored as it was sent, with the few questions that the saga asks about it.
//!
//! It reads leniently: an unknown field is kept, a missing one is empty, a quantity may be a number or a string. Each value
//! is parsed once, when it is first needed; everything else is passed on as text.

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

    /// Whether BigCommerce was asked what may be chosen, and there is nothing.
    pub fn offers_nothing(&self) -> bool {
        !self.is_picked_up && self.available.as_ref().is_some_and(Vec::is_empty)
    }
}

impl ShippingOption {
    /// Whether the shopper fetches the items. BigCommerce has no field for it: its type, its id and the merchant's words tell.
    pub fn is_pickup(&self) -> bool {
        [&self.kind, &self.id, &self.description].into_iter().any(|text| {
            let letters = text.chars().filter(|one| one.is_alphanumeric()).flat_map(char::to_lowercase);
            let plain: String = letters.collect();
            ["pickup", "clickandcollect", "clickcollect", "collectinstore"]
                .iter()
                .any(|word| plain.contains(word))
        })
    }

    /// The largest number in the transit time (`3 to 5 days`); without one it is slower than any.
    pub fn days(&self) -> u64 {
        self.transit_time
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|digits| digits.parse().ok())
            .max()
            .unwrap_or(u64::MAX)
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
        // What cannot be read has no lines, no currency and no total, and nothing is ordered of it.
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
                normalize_item(item);
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

    /// When BigCommerce made it, as BigCommerce writes it.
    pub fn created_time(&self) -> Option<String> {
        let document: Value = serde_json::from_str(self.text()).ok()?;
        let times = [&document["cart"]["created_time"], &document["created_time"]];
        times.into_iter().find_map(Value::as_str).map(str::to_owned)
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
            // A list that cannot be read was none when the document was, and then nothing is taken over.
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

    /// Currency of the cart (ISO 4217). `None`: it cannot be read, and no amount can be compared with another one.
    pub fn currency(&self) -> Option<&str> {
        self.read().currency.as_deref()
    }

    /// BigCommerce's customer; 0 is a guest.
    pub fn customer_id(&self) -> i64 {
        self.read().customer_id
    }

    /// The billing address, where there is one.
    pub fn billing_address(&self) -> Option<Map<String, Value>> {
        serde_json::from_str(self.read().billing_address.as_ref()?.get()).ok()
    }

    /// Email address of the billing address.
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

    /// Whether something may be chosen for each consignment, as far as that was asked.
    pub fn is_deliverable(&self) -> bool {
        !self.consignments().iter().any(Consignment::offers_nothing)
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
fn normalize_item(item: &mut Value) {
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
mod tests;
