//! What a checkout costs, taken from BigCommerce's own numbers. Amounts keep their text where they are not added up.
//!
//! Guarantees: `subtotal - discount + shipping + handling + fees + tax + other` is `grand_total`, digit by digit, wherever
//! each of them is known; an amount that cannot be read is null and never 0.

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

use crate::checkout::{Checkout, Document, Money, parse_decimal};
use crate::json::{self, List, Object, Raw, shape};
use crate::schema;

/// What a checkout costs, in its currency: `subtotal - discount + shipping + handling + fees + tax + other` is
/// `grand_total`. An amount that is not known is null.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Totals {
    /// ISO 4217; null: not known.
    currency: Option<String>,
    /// The items before discounts, without tax.
    #[schema(schema_with = schema::amount_or_null, required = true)]
    subtotal: Option<Number>,
    /// Discounts of the cart and coupons.
    #[schema(schema_with = schema::amount_or_null, required = true)]
    discount: Option<Number>,
    /// Without tax and handling.
    #[schema(schema_with = schema::amount_or_null, required = true)]
    shipping: Option<Number>,
    /// Handling of what is shipped, without tax.
    #[schema(schema_with = schema::amount_or_null, required = true)]
    handling: Option<Number>,
    /// What merchants and their apps add, without tax: the sum of `fees` in BigCommerce's checkout.
    #[schema(schema_with = schema::amount_or_null, required = true)]
    fees: Option<Number>,
    #[schema(schema_with = schema::amount_or_null, required = true)]
    tax: Option<Number>,
    /// What `grand_total` holds beyond the other parts: gift wrapping, a discount on shipping (negative), what BigCommerce
    /// rounded, and what somebody changed of the order after it was made.
    #[schema(schema_with = schema::amount_or_null, required = true)]
    other: Option<Number>,
    /// What is to be paid, before store credit and gift certificates.
    #[schema(schema_with = schema::amount_or_null, required = true)]
    grand_total: Option<Number>,
}

impl Totals {
    /// `None` as long as nothing is known.
    pub(crate) fn of(checkout: &Checkout) -> Option<Self> {
        match (&checkout.facts.document, &checkout.facts.order) {
            (Some(document), order) => {
                let totals = Self::of_document(document);
                let total = order.as_ref().and_then(|order| Some((order.total?, &*order.currency)));
                Some(match total {
                    Some((total, currency)) => totals.due_now(total, currency),
                    None => totals,
                })
            }
            (None, Some(order)) => Some(Self {
                currency: Some(order.currency.clone()).filter(|code| !code.is_empty()),
                grand_total: number(order.total?.decimal()),
                ..Self::default()
            }),
            (None, None) => None,
        }
    }

    /// The order costs what it costs now, whatever its cart did: somebody may have changed it since.
    fn due_now(mut self, total: Money, currency: &str) -> Self {
        let shown = decimal(self.grand_total.as_ref()).map(Money::from);
        if shown.is_some_and(|shown| shown.compare(total, currency).is_eq()) {
            return self;
        }
        self.grand_total = number(total.decimal());
        let other = decimal(self.tax.as_ref()).and_then(|tax| self.beyond(tax));
        self.other = other.and_then(number);
        self
    }

    fn of_document(document: &Document) -> Self {
        let shape: Shape<'_> = json::read(document.text());
        // Where nothing is shipped yet, nothing is said of what shipping costs.
        let ships = rows(shape.consignments).is_none_or(|list| !list.is_empty());
        let shipped = |field: Raw<'_>| match field.raw() {
            None if !ships => Some(Number::from(0)),
            _ => exact(field),
        };
        let mut totals = Self {
            currency: document.currency().map(str::to_owned),
            subtotal: exact(shape.subtotal_ex_tax),
            discount: discount(&shape),
            shipping: shipped(shape.shipping_cost_total_ex_tax),
            handling: shipped(shape.handling_cost_total_ex_tax),
            fees: sum(shape.fees, |fee| json::read::<Fee<'_>>(fee).cost_ex_tax).and_then(number),
            tax: exact(shape.tax_total),
            other: None,
            grand_total: exact(shape.grand_total),
        };
        // A cart, unlike a checkout, does not say what its tax is.
        if !ships && shape.tax_total.raw().is_none() {
            let tax = totals.beyond(Decimal::ZERO).filter(|tax| *tax >= Decimal::ZERO);
            totals.tax = tax.and_then(number);
        }
        let other = decimal(totals.tax.as_ref()).and_then(|tax| totals.beyond(tax));
        totals.other = other.and_then(number);
        totals
    }

    /// What the total holds beyond this tax and the other parts. `None`: one of them is not known.
    fn beyond(&self, tax: Decimal) -> Option<Decimal> {
        let mut left = decimal(self.grand_total.as_ref())?.checked_add(decimal(self.discount.as_ref())?)?;
        for part in [&self.subtotal, &self.shipping, &self.handling, &self.fees] {
            left = left.checked_sub(decimal(part.as_ref())?)?;
        }
        left.checked_sub(tax).map(|left| left.normalize())
    }
}

shape!(
    /// What of BigCommerce's checkout object says what it costs.
    Shape {
        grand_total: Raw<'a>,
        subtotal_ex_tax: Raw<'a>,
        tax_total: Raw<'a>,
        shipping_cost_total_ex_tax: Raw<'a>,
        handling_cost_total_ex_tax: Raw<'a>,
        consignments: Raw<'a>,
        coupons: Raw<'a>,
        fees: Raw<'a>,
        cart: Object<Cart<'a>>,
    }
);

shape!(Cart {
    discount_amount: Raw<'a>,
    coupons: Raw<'a>,
});

shape!(Coupon {
    discounted_amount: Raw<'a>,
});

shape!(Fee {
    cost_ex_tax: Raw<'a>,
});

/// The discount of the cart together with those of its coupons (BigCommerce: `discount_amount` leaves coupons out).
fn discount(checkout: &Shape<'_>) -> Option<Number> {
    let cart = &checkout.cart.0;
    let of_cart = exact(cart.discount_amount)?;
    // The cart and the checkout show the same coupons.
    let in_cart = rows(cart.coupons)?;
    let coupons = if in_cart.is_empty() { checkout.coupons } else { cart.coupons };
    let sum = sum(coupons, |coupon| json::read::<Coupon<'_>>(coupon).discounted_amount)?;
    if sum.is_zero() {
        return Some(of_cart);
    }
    number(decimal(Some(&of_cart))?.checked_add(sum)?)
}

/// The objects of a list that hold something. `None`: it is something else than a list, or holds something else.
fn rows(list: Raw<'_>) -> Option<Vec<&str>> {
    let Some(raw) = list.raw().filter(|raw| !matches!(raw.get(), "null" | "{}" | "\"\"")) else {
        return Some(Vec::new());
    };
    if !raw.get().starts_with('[') {
        return list.filled_object().is_none().then(Vec::new).filter(|_| raw.get().starts_with('{'));
    }
    let rows: List<Raw<'_>> = serde_json::from_str(raw.get()).ok()?;
    let mut filled = Vec::new();
    for row in rows.0 {
        match (row.raw(), row.filled_object()) {
            (_, Some(object)) => filled.push(object.get()),
            (None, _) => {}
            (Some(raw), None) if raw.get().starts_with('{') => {}
            _ => return None,
        }
    }
    Some(filled)
}

/// The sum of one amount of each row. `None`: one of them cannot be read.
fn sum<'a>(list: Raw<'a>, amount: impl Fn(&'a str) -> Raw<'a>) -> Option<Decimal> {
    rows(list)?
        .into_iter()
        .try_fold(Decimal::ZERO, |sum, row| sum.checked_add(decimal(exact(amount(row)).as_ref())?))
}

/// A number with the text in which it came; V2 sends text.
fn exact(value: Raw<'_>) -> Option<Number> {
    let text = value.text()?;
    // What is shown is what is added up: more than an amount can be is none.
    let amount = parse_decimal(&text)?;
    serde_json::from_str(&text).ok().or_else(|| number(amount))
}

fn decimal(number: Option<&Number>) -> Option<Decimal> {
    parse_decimal(&number?.to_string())
}

fn number(decimal: Decimal) -> Option<Number> {
    serde_json::from_str(&decimal.to_string()).ok()
}

#[cfg(test)]
#[path = "totals_tests.rs"]
mod tests;
