//! The questions that the saga asks of a checkout object, read from its text in one pass.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{Consignment, LineItem, ShippingOption};
use crate::checkout::money::{Money, parse_decimal};
use crate::json::{self, List, Object, Raw, shape};

/// What was asked of a document.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) version: Option<i64>,
    pub(super) currency: Option<String>,
    pub(super) customer_id: i64,
    pub(super) billing_address: Option<Box<RawValue>>,
    pub(super) email: Option<String>,
    pub(super) order_hint: Option<i64>,
    pub(super) grand_total: Option<Money>,
    pub(super) line_items: Vec<LineItem>,
    pub(super) consignments: Vec<Consignment>,
    pub(super) coupon_codes: Vec<String>,
    pub(super) customer_message: Option<String>,
}

shape!(pub(super) Shape {
    version: Raw<'a>,
    cart: Object<Cart<'a>>,
    billing_address: Raw<'a>,
    consignments: List<Object<Shipment<'a>>>,
    coupons: List<Object<Coded<'a>>>,
    order_id: Raw<'a>,
    grand_total: Raw<'a>,
    customer_message: Raw<'a>,
});
shape!(Cart {
    version: Raw<'a>,
    currency: Object<Coded<'a>>,
    customer_id: Raw<'a>,
    line_items: Object<BTreeMap<String, List<Object<Line<'a>>>>>,
    coupons: List<Object<Coded<'a>>>,
});
// A coupon, or a currency.
shape!(Coded { code: Raw<'a>, });
shape!(Address { email: Raw<'a>, });
shape!(Line {
    id: Raw<'a>,
    quantity: Raw<'a>,
    product_id: Raw<'a>,
    variant_id: Raw<'a>,
    name: Raw<'a>,
});
shape!(Shipment {
    id: Raw<'a>,
    line_item_ids: List<Raw<'a>>,
    address: Raw<'a>,
    shipping_address: Raw<'a>,
    available_shipping_options: Option<List<Object<Choice<'a>>>>,
    selected_shipping_option: Object<Choice<'a>>,
    selected_pickup_option: Raw<'a>,
});
shape!(Choice {
    id: Raw<'a>,
    r#type: Raw<'a>,
    description: Raw<'a>,
    cost: Raw<'a>,
    transit_time: Raw<'a>,
});

impl From<Shape<'_>> for Read {
    fn from(shape: Shape<'_>) -> Self {
        let cart = shape.cart.0;
        let billing_address = shape.billing_address.filled_object();
        let address = billing_address.map(|raw| json::read::<Address<'_>>(raw.get()));
        let email = address.and_then(|address| owned(address.email));
        let codes =
            shape.coupons.0.into_iter().chain(cart.coupons.0).filter_map(|coupon| owned(coupon.0.code));
        let lines = cart.line_items.0.into_iter().flat_map(|(group, items)| {
            let ships = matches!(group.as_str(), "physical_items" | "custom_items");
            items.0.into_iter().filter_map(move |item| line_item(&item.0, ships))
        });
        Self {
            version: number(shape.version).or_else(|| number(cart.version)),
            currency: owned(cart.currency.0.code),
            customer_id: customer(cart.customer_id),
            billing_address: billing_address.map(ToOwned::to_owned),
            email,
            // 0 is no order.
            order_hint: number(shape.order_id).filter(|id| *id > 0),
            grand_total: amount(shape.grand_total),
            line_items: lines.collect(),
            consignments: shape.consignments.0.into_iter().filter_map(|each| consignment(each.0)).collect(),
            coupon_codes: codes.collect(),
            customer_message: shape.customer_message.text().map(Cow::into_owned),
        }
    }
}

/// A guest is 0, null, empty or left out. Whatever else is no id is somebody, and nobody who can be proven.
fn customer(field: Raw<'_>) -> i64 {
    let is_said = field.raw().is_some_and(|raw| !matches!(raw.get(), "null" | "\"\""));
    if is_said { number(field).unwrap_or(-1) } else { 0 }
}

fn line_item(line: &Line<'_>, ships: bool) -> Option<LineItem> {
    // Custom items have no product: then the name tells lines apart, which only says where an unit is shipped to.
    let product = |id| number(id).unwrap_or(0);
    let units = amount(line.quantity).map(Money::decimal);
    let units = units.filter(|units| units.fract().is_zero()).and_then(|units| u32::try_from(units).ok());
    Some(LineItem {
        id: owned(line.id)?,
        quantity: units.unwrap_or(0),
        is_counted: units.is_some(),
        ships,
        product: (product(line.product_id), product(line.variant_id), owned(line.name).unwrap_or_default()),
    })
}

fn consignment(given: Shipment<'_>) -> Option<Consignment> {
    let options = given.available_shipping_options;
    let address = given.address.filled_object().or_else(|| given.shipping_address.filled_object());
    Some(Consignment {
        id: owned(given.id)?,
        line_item_ids: given.line_item_ids.0.into_iter().filter_map(owned).collect(),
        address: address.map(ToOwned::to_owned),
        available: options
            .map(|list| list.0.iter().filter_map(|option| shipping_option(&option.0)).collect()),
        selected: owned(given.selected_shipping_option.0.id),
        is_picked_up: given.selected_pickup_option.filled_object().is_some(),
    })
}

fn shipping_option(choice: &Choice<'_>) -> Option<ShippingOption> {
    let text = |field| owned(field).unwrap_or_default();
    Some(ShippingOption {
        id: owned(choice.id)?,
        kind: text(choice.r#type),
        description: text(choice.description),
        cost: amount(choice.cost),
        transit_time: text(choice.transit_time),
    })
}

fn owned(field: Raw<'_>) -> Option<String> {
    field.filled().map(Cow::into_owned)
}

fn number(field: Raw<'_>) -> Option<i64> {
    field.text()?.parse().ok()
}

fn amount(field: Raw<'_>) -> Option<Money> {
    parse_decimal(&field.text()?).map(Money::from)
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
