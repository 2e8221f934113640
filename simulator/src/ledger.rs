//! The ledger: what really happened, whatever the clients were told.
//!
//! It is a copy taken at one moment; it never changes afterwards.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Everything of one or all stores, in the order in which it happened.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Ledger {
    /// Carts ever made.
    pub carts: Vec<Cart>,
    /// Orders ever made.
    pub orders: Vec<Order>,
    /// Payment access tokens minted.
    pub tokens: Vec<Token>,
    /// Attempts to pay that reached the payments host with a readable token.
    pub attempts: Vec<Attempt>,
    /// Money taken or authorized.
    pub charges: Vec<Charge>,
    /// Refunds.
    pub refunds: Vec<Refund>,
    /// Stores in which all orders were archived at once (`DELETE /v2/orders`), one entry for each time.
    pub mass_archives: Vec<String>,
}

/// A cart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cart {
    /// Store hash.
    pub store: String,
    /// UUID, also the id of the checkout.
    pub id: String,
    /// `live`, `deleted` or `converted`.
    pub state: String,
    /// How often it was changed, plus one.
    pub version: u64,
    /// Who made it.
    pub correlation_id: Option<String>,
}

/// An order.
#[derive(Debug, Clone, Serialize)]
pub struct Order {
    /// Store hash.
    pub store: String,
    /// Order id, unique within its store.
    pub id: u64,
    /// The cart it came from; `None` for orders made directly.
    pub cart_id: Option<String>,
    /// 0 is Incomplete.
    pub status_id: u64,
    /// BigCommerce's `payment_status`.
    pub payment_status: String,
    /// `total_inc_tax`.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub total: Decimal,
    /// ISO 4217 code.
    pub currency: String,
    /// `is_deleted`.
    pub archived: bool,
    /// The reference the client set, if any.
    pub external_order_id: String,
    /// BigCommerce's `order_source`: `checkout_api`, `external` (made directly) or `www` (the hosted page).
    pub source: String,
    /// Who made it.
    pub correlation_id: Option<String>,
}

/// A payment access token.
#[derive(Debug, Clone, Serialize)]
pub struct Token {
    /// Store hash.
    pub store: String,
    /// Its id within the JWT.
    pub jti: String,
    /// The order it can pay.
    pub order_id: u64,
    /// Whole minor units, fixed when it was minted.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Whether it can no longer be used.
    pub used: bool,
    /// Who minted it.
    pub correlation_id: Option<String>,
}

/// An attempt to pay.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Attempt {
    /// Store hash.
    pub store: String,
    /// The order named by the token.
    pub order_id: u64,
    /// The token.
    pub jti: String,
    /// `success`, `pending`, `declined`, `refused` (before the gateway) or `error`.
    pub outcome: String,
    /// BigCommerce's code, when it was not a success.
    pub code: Option<u32>,
    /// Whether money was taken or authorized by it.
    pub charged: bool,
    /// Who paid.
    pub correlation_id: Option<String>,
}

/// Money taken or authorized.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Charge {
    /// Store hash.
    pub store: String,
    /// The order it paid.
    pub order_id: u64,
    /// What the shopper was charged.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub amount: Decimal,
    /// ISO 4217 code.
    pub currency: String,
    /// The id the payments host answered (or would have answered).
    pub transaction_id: String,
    /// `purchase` or `authorization`.
    pub kind: String,
    /// `captured`, `authorized`, `pending`, `declined`, `voided` or `refunded`.
    pub state: String,
    /// How much of it was given back.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub refunded: Decimal,
    /// The token that was used.
    pub jti: String,
    /// BigCommerce's id of the payment method.
    pub payment_method_id: String,
    /// When it was taken: Unix milliseconds of the simulator's clock.
    pub at: i64,
    /// Who paid.
    pub correlation_id: Option<String>,
}

impl Charge {
    /// Whether the shopper's money is or may still be held by this charge.
    pub fn holds_money(&self) -> bool {
        !matches!(self.state.as_str(), "declined" | "voided")
    }
}

/// A refund.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refund {
    /// Store hash.
    pub store: String,
    /// BigCommerce's id.
    pub id: u64,
    /// The order whose money went back.
    pub order_id: u64,
    /// How much went back.
    #[serde(with = "rust_decimal::serde::arbitrary_precision")]
    pub amount: Decimal,
    /// The reason of its first item.
    pub reason: String,
    /// Who asked for it.
    pub correlation_id: Option<String>,
}

/// One upstream request that arrived, in the order of arrival.
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    /// Counts from 1 since the start or the last reset.
    pub sequence: u64,
    /// The stable name of the call, or `unknown`.
    pub call: String,
    /// HTTP method.
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// Store hash.
    pub store: String,
    /// `X-Correlation-Id`.
    pub correlation_id: Option<String>,
    /// The status that was answered; 0 while unanswered, or when the connection was broken.
    pub status: u16,
    /// The kind of fault that was applied.
    pub fault: Option<String>,
}
