//! Turns bodies into the input of the saga. BigCommerce's documented limits are checked here, so a bad request costs no
//! call and gets all of its errors at once.

mod address;
mod cart;
mod create;
mod direct_order;
mod operators;
mod orders;
mod payment;
mod shipping;

use serde_json::Value;

use crate::checkout::{Money, parse_decimal};
use crate::http::request::json;
use crate::http::request::pointer::{Errors, InputError, Pointer};
use crate::http::request::shape::{Object, Shape};
use crate::http::request::trust::Shopper;

pub(super) use address::{BILLING, billing_address};
pub(super) use cart::{
    ADD_ITEMS, COUPON, CUSTOMER_MESSAGE, UPDATE_ITEM, add_items, coupon_code, customer_message,
    is_coupon_code, is_item_id, update_item,
};
pub(super) use create::{NEW_CHECKOUT, New, new_checkout};
pub(super) use direct_order::{DIRECT_ORDER, direct_order};
pub(super) use operators::{
    ACTION, AUDIT_QUERY, ActionBody, BULK, BULK_QUERY, CANCEL, CLOSE, FILTER, HEAD_QUERY, LIST_QUERY,
    RESOLVE, action_body, bulk, cancel, close, resolve,
};
pub(super) use orders::{
    ACTIONS_QUERY, CHANGE_ORDER, CUSTOMERS_QUERY, MONEY, ORDERS_QUERY, REFUND, REFUND_QUOTE, SHIPMENT,
    STORE_QUERY, TAXES_QUERY, VARIANTS_QUERY, change_order, money_reason, refund, refund_quote, shipment,
};
pub(super) use payment::{
    COMPLETE, FREE, NOTHING, ORDER, PAYMENT, WRAPPED, complete, empty, order, payment, safe_part,
};
pub(super) use shipping::{CONSIGNMENTS, OPTIONS, consignments, shipping_options};

/// Everything that is wrong, or that a raw card is not welcome here.
#[derive(Debug)]
pub(super) enum Invalid {
    /// The body does not fit.
    Input(Vec<InputError>),
    /// The operator has not turned raw cards on.
    RawCard,
}

type Checked<T> = Result<T, Invalid>;

/// The largest amount that is taken for one.
const MAX_AMOUNT: i64 = 1_000_000_000;
/// The most units of one line.
const UNITS: i64 = 100_000;
/// The most line items (BigCommerce: 600 for a customer).
const LINES: usize = 600;
/// The most line items of a guest (BigCommerce: 50).
const GUEST_LINES: usize = 50;
/// The longest `customer_token`; BigCommerce's have some 500 characters.
pub(super) const LONGEST_TOKEN: usize = 4096;
/// Ids of BigCommerce's.
const ID: Shape = Shape::Integer { min: 1, max: 4_294_967_295 };
/// A price.
const PRICE: Shape = Shape::Amount { min: 0, max: MAX_AMOUNT, decimals: 4 };
/// The total that a shopper was shown; BigCommerce shows long fractions.
const TOTAL: Shape = Shape::Amount { min: 0, max: MAX_AMOUNT, decimals: 20 };

/// Checks a body against an object.
fn checked(object: &Object, body: &Value) -> Checked<()> {
    checked_by(|at, errors| object.check(body, at, errors))
}

fn checked_by(check: impl FnOnce(&mut Pointer, &mut Errors)) -> Checked<()> {
    let (mut at, mut errors) = (Pointer::default(), Errors::default());
    check(&mut at, &mut errors);
    if errors.is_empty() { Ok(()) } else { Err(Invalid::Input(errors.into_list())) }
}

/// An amount that was checked.
fn money(value: Option<&Value>) -> Option<Money> {
    let number = value.and_then(Value::as_number)?;
    parse_decimal(&number.to_string()).map(Money::from)
}

fn text(value: &Value, field: &str) -> Option<String> {
    value.get(field).and_then(Value::as_str).map(str::to_owned)
}

/// A count that was checked to be small.
fn units(value: &Value, field: &str) -> u32 {
    value.get(field).and_then(Value::as_u64).and_then(|units| u32::try_from(units).ok()).unwrap_or(0)
}

fn elements(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The fields of a checked object, as they go to BigCommerce.
fn fields(value: &Value) -> serde_json::Map<String, Value> {
    json::fields(json::without_nulls(value.clone()))
}

#[cfg(test)]
mod tests;
