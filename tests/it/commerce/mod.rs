//! Everything that BigCommerce lets a shopper buy and pay with, through the doors of the service.

mod applied;
pub(crate) mod carts;
mod direct_orders;
mod edits;
mod hosted;
mod limits;
mod payments;
mod reading;
mod refusals;
mod stores;
mod totals;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::harness::{Service, address};

/// An amount of an answer, exactly.
fn amount(value: &Value) -> Decimal {
    value.to_string().trim_matches('"').parse().unwrap_or_else(|_| panic!("not an amount: {value}"))
}

/// A checkout of this cart with everything up to the order; `cheapest` shipping.
async fn ready(service: &Service, mut cart: Value) -> String {
    cart["billing_address"] = address();
    if cart["consignments"].is_null() {
        cart["consignments"] = json!([{"address": address()}]);
        cart["shipping_preference"] = json!("cheapest");
    }
    service.create(&cart).await
}

/// The same with its order.
async fn ordered(service: &Service, cart: Value) -> String {
    let path = ready(service, cart).await;
    service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    path
}
