//! Shipping quotes: the four options of the guide, under opaque ids that change with what was quoted.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::cart::{Cart, Consignment, ShippingOption};
use crate::money;

/// Type, description and cost, in the guide's order.
const OPTIONS: [(&str, &str, u64); 4] = [
    ("shipping_pickupinstore", "Pickup In Store", 0),
    ("freeshipping", "Free Shipping", 0),
    ("shipping_flatrate", "Flat Rate", 5),
    ("shipping_byweight", "Ship by Weight", 10),
];

/// The options for a consignment. Nothing ships to Antarctica; outside the United States there is no pickup and
/// no free shipping.
pub(crate) fn quote(cart: &Cart, consignment: &Consignment) -> Vec<ShippingOption> {
    let country = consignment.address.country_code.as_str();
    OPTIONS
        .iter()
        .filter(|(_, _, cost)| country != "AQ" && (country == "US" || *cost > 0))
        .map(|(kind, description, cost)| ShippingOption {
            id: option_id(cart, consignment, kind),
            kind: (*kind).to_owned(),
            description: (*description).to_owned(),
            cost: Decimal::from(*cost),
        })
        .collect()
}

/// Thirty-two hexadecimal digits over everything the quote depends on.
fn option_id(cart: &Cart, consignment: &Consignment, kind: &str) -> String {
    let mut hash = Sha256::new();
    for part in [&cart.id, &consignment.id, &cart.currency, kind, &consignment.address.place()] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(cart.customer_id.to_be_bytes());
    for (id, quantity) in &consignment.items {
        hash.update(id);
        hash.update(quantity.to_be_bytes());
        if let Some(line) = cart.line(id) {
            hash.update(line.list_price.normalize().to_string());
        }
    }
    hash.finalize().iter().take(16).fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// An option as checkouts show it.
pub(crate) fn option_json(option: &ShippingOption) -> Value {
    json!({
        "id": option.id, "type": option.kind, "description": option.description, "image_url": "",
        "cost": money::number(option.cost), "transit_time": "", "additional_description": "",
    })
}
