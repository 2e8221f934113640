//! What a checkout costs, taken from BigCommerce's own numbers. Amounts keep their text where they are not added up.

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Number, Value};
use utoipa::ToSchema;

use super::schema;
use crate::checkout::{Checkout, Document, parse_decimal};

/// What a checkout costs, in its currency. An amount that is not known yet is null.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Totals {
    /// ISO 4217.
    currency: String,
    /// The items before discounts, without tax.
    #[schema(schema_with = schema::amount_or_null)]
    subtotal: Option<Number>,
    /// Discounts of the cart and coupons.
    #[schema(schema_with = schema::amount_or_null)]
    discount: Option<Number>,
    /// Without tax.
    #[schema(schema_with = schema::amount_or_null)]
    shipping: Option<Number>,
    #[schema(schema_with = schema::amount_or_null)]
    tax: Option<Number>,
    /// What is to be paid.
    #[schema(schema_with = schema::amount_or_null)]
    grand_total: Option<Number>,
}

impl Totals {
    /// `None` as long as nothing is known.
    pub(super) fn of(checkout: &Checkout) -> Option<Self> {
        match (&checkout.facts.document, &checkout.facts.order) {
            (Some(document), _) => Some(Self::of_document(document)),
            (None, Some(order)) => {
                let total = order.total?;
                Some(Self {
                    currency: order.currency.clone(),
                    subtotal: None,
                    discount: None,
                    shipping: None,
                    tax: None,
                    grand_total: number(total.decimal()),
                })
            }
            (None, None) => None,
        }
    }

    fn of_document(document: &Document) -> Self {
        let value = document.value();
        let grand_total = exact(value.get("grand_total"));
        let subtotal = exact(value.get("subtotal_ex_tax"));
        let discount = discount(value);
        // A cart, unlike a checkout, does not say what its tax is.
        let tax = exact(value.get("tax_total")).or_else(|| {
            let without = decimal(subtotal.as_ref())? - decimal(discount.as_ref())?;
            number((decimal(grand_total.as_ref())? - without).max(Decimal::ZERO))
        });
        let shipping = exact(value.get("shipping_cost_total_ex_tax")).or_else(|| Some(Number::from(0)));
        Self { currency: document.currency().to_owned(), subtotal, discount, shipping, tax, grand_total }
    }
}

/// The discount of the cart together with those of its coupons (BigCommerce: `discount_amount` leaves coupons out).
fn discount(checkout: &Value) -> Option<Number> {
    let of_cart = exact(checkout.pointer("/cart/discount_amount"));
    let lists = ["/cart/coupons", "/coupons"].map(|list| checkout.pointer(list).and_then(Value::as_array));
    let coupons = lists.into_iter().flatten().find(|list| !list.is_empty());
    let mut sum = Decimal::ZERO;
    for coupon in coupons.into_iter().flatten() {
        let amount = exact(coupon.get("discounted_amount"));
        sum += decimal(amount.as_ref()).unwrap_or_default();
    }
    if sum.is_zero() {
        return of_cart.or_else(|| Some(Number::from(0)));
    }
    number(decimal(of_cart.as_ref()).unwrap_or_default() + sum)
}

/// A number with the text in which it came; V2 sends text.
fn exact(value: Option<&Value>) -> Option<Number> {
    match value? {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => number(parse_decimal(text)?),
        _ => None,
    }
}

fn decimal(number: Option<&Number>) -> Option<Decimal> {
    parse_decimal(&number?.to_string())
}

fn number(decimal: Decimal) -> Option<Number> {
    serde_json::from_str(&decimal.to_string()).ok()
}
