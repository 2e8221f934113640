//! What a checkout costs, taken from BigCommerce's own numbers. Amounts keep their text where they are not added up.

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Number;
use utoipa::ToSchema;

use super::schema;
use crate::checkout::{Checkout, Document, parse_decimal};
use crate::json::{self, List, Object, Raw, shape};

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
        let shape: Shape<'_> = json::read(document.text());
        let grand_total = exact(shape.grand_total);
        let subtotal = exact(shape.subtotal_ex_tax);
        let discount = discount(&shape);
        // A cart, unlike a checkout, does not say what its tax is.
        let tax = exact(shape.tax_total).or_else(|| {
            let without = decimal(subtotal.as_ref())? - decimal(discount.as_ref())?;
            number((decimal(grand_total.as_ref())? - without).max(Decimal::ZERO))
        });
        let shipping = exact(shape.shipping_cost_total_ex_tax).or_else(|| Some(Number::from(0)));
        Self { currency: document.currency().to_owned(), subtotal, discount, shipping, tax, grand_total }
    }
}

shape!(
    /// What of BigCommerce's checkout object says what it costs.
    Shape {
        grand_total: Raw<'a>,
        subtotal_ex_tax: Raw<'a>,
        tax_total: Raw<'a>,
        shipping_cost_total_ex_tax: Raw<'a>,
        coupons: List<Object<Coupon<'a>>>,
        cart: Object<Cart<'a>>,
    }
);

shape!(Cart {
    discount_amount: Raw<'a>,
    coupons: List<Object<Coupon<'a>>>,
});

shape!(Coupon {
    discounted_amount: Raw<'a>,
});

/// The discount of the cart together with those of its coupons (BigCommerce: `discount_amount` leaves coupons out).
fn discount(checkout: &Shape<'_>) -> Option<Number> {
    let cart = &checkout.cart.0;
    let of_cart = exact(cart.discount_amount);
    let coupons = [&cart.coupons.0, &checkout.coupons.0].into_iter().find(|list| !list.is_empty());
    let mut sum = Decimal::ZERO;
    for coupon in coupons.into_iter().flatten() {
        let amount = exact(coupon.0.discounted_amount);
        sum += decimal(amount.as_ref()).unwrap_or_default();
    }
    if sum.is_zero() {
        return of_cart.or_else(|| Some(Number::from(0)));
    }
    number(decimal(of_cart.as_ref()).unwrap_or_default() + sum)
}

/// A number with the text in which it came; V2 sends text.
fn exact(value: Raw<'_>) -> Option<Number> {
    let text = value.text()?;
    serde_json::from_str(&text).ok().or_else(|| number(parse_decimal(&text)?))
}

fn decimal(number: Option<&Number>) -> Option<Decimal> {
    parse_decimal(&number?.to_string())
}

fn number(decimal: Decimal) -> Option<Number> {
    serde_json::from_str(&decimal.to_string()).ok()
}
