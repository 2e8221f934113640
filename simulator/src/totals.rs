//! What a cart costs: discounts, taxes, shipping, fees and the grand total.
//!
//! Pure: the same cart and settings give the same totals. Lines keep long fractions; taxes and the grand total are
//! rounded to the currency.

use rust_decimal::Decimal;

use crate::cart::{Cart, Consignment, Kind, Line};
use crate::coupons::{self, Benefit, Coupon};
use crate::money::{round, round_to};
use crate::settings::{Settings, TaxRate};

/// What one line costs.
#[derive(Debug, Clone, Default)]
pub(crate) struct LineTotal {
    /// Discount by hand.
    pub(crate) discount: Decimal,
    /// Its share of the coupons.
    pub(crate) coupon: Decimal,
    /// What is paid for it, before tax.
    pub(crate) net: Decimal,
    /// Tax, not rounded.
    pub(crate) tax: Decimal,
}

/// What the cart costs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Totals {
    /// In the order of the cart's lines.
    pub(crate) lines: Vec<LineTotal>,
    pub(crate) base: Decimal,
    /// Products' own discounts and discounts by hand.
    pub(crate) discount: Decimal,
    pub(crate) coupons: Vec<(Coupon, Decimal)>,
    /// After the products' own discounts, before coupons.
    pub(crate) subtotal_ex: Decimal,
    pub(crate) subtotal_inc: Decimal,
    pub(crate) taxes: Vec<(TaxRate, Decimal)>,
    pub(crate) tax: Decimal,
    pub(crate) shipping_ex: Decimal,
    pub(crate) shipping_tax: Decimal,
    pub(crate) fees: Decimal,
    /// Goods without and with tax, after all discounts.
    pub(crate) goods_ex: Decimal,
    pub(crate) goods_inc: Decimal,
    pub(crate) grand_total: Decimal,
}

impl Totals {
    /// All coupons together.
    pub(crate) fn coupon_total(&self) -> Decimal {
        self.coupons.iter().map(|(_, amount)| amount).sum()
    }
}

/// Computes everything.
pub(crate) fn compute(cart: &Cart, settings: &Settings) -> Totals {
    let mut totals = Totals { lines: vec![LineTotal::default(); cart.lines.len()], ..Totals::default() };
    for (line, total) in cart.lines.iter().zip(&mut totals.lines) {
        total.discount = line.manual_discount.min(line.sale_total());
        total.net = line.sale_total() - total.discount;
    }
    totals.base = cart.lines.iter().map(Line::list_total).sum();
    totals.subtotal_ex = cart.lines.iter().map(Line::sale_total).sum();
    totals.discount = totals.base - totals.subtotal_ex;
    spread(cart, &mut totals.lines, cart.manual_discount, |total| &mut total.discount);
    totals.discount += totals.lines.iter().map(|line| line.discount).sum::<Decimal>();
    apply_coupons(cart, &mut totals);
    apply_taxes(cart, settings, &mut totals);
    totals.fees = cart.fees.iter().map(|fee| fee.cost).sum();
    totals.goods_ex = totals.lines.iter().map(|line| line.net).sum();
    let goods_tax = totals.tax - totals.shipping_tax;
    totals.goods_inc = round(totals.goods_ex, &cart.currency) + goods_tax;
    totals.subtotal_inc = totals.subtotal_ex + goods_tax;
    let payable = round(totals.goods_ex + totals.shipping_ex + totals.fees, &cart.currency);
    totals.grand_total = payable + totals.tax;
    totals
}

/// Spreads an amount over the lines that may be discounted, by their weight; the last takes the remainder.
fn spread(
    cart: &Cart,
    lines: &mut [LineTotal],
    amount: Decimal,
    field: impl Fn(&mut LineTotal) -> &mut Decimal,
) -> Decimal {
    let eligible: Vec<usize> = cart
        .lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.kind != Kind::GiftCertificate)
        .map(|(index, _)| index)
        .collect();
    let weight: Decimal = eligible.iter().filter_map(|index| lines.get(*index)).map(|line| line.net).sum();
    let amount = amount.min(weight);
    if amount <= Decimal::ZERO {
        return Decimal::ZERO;
    }
    let mut left = amount;
    for (position, index) in eligible.iter().enumerate() {
        let Some(line) = lines.get_mut(*index) else { continue };
        let last = position + 1 == eligible.len();
        let share = if last { left } else { round_to(amount * (line.net / weight), 12).min(left) };
        let share = share.min(line.net);
        *field(line) += share;
        line.net -= share;
        left -= share;
    }
    amount - left
}

fn apply_coupons(cart: &Cart, totals: &mut Totals) {
    for code in &cart.coupons {
        let Some(coupon) = coupons::find(code) else { continue };
        let goods: Decimal = totals.lines.iter().map(|line| line.net).sum();
        let amount = match coupon.benefit {
            Benefit::Percent(percent) => goods * percent / Decimal::ONE_HUNDRED,
            Benefit::Amount(amount) => amount,
            Benefit::FreeShipping => Decimal::ZERO,
        };
        let taken = spread(cart, &mut totals.lines, amount, |total| &mut total.coupon);
        totals.coupons.push((coupon, round(taken, &cart.currency)));
    }
}

/// Whether a coupon makes shipping free.
pub(crate) fn ships_free(cart: &Cart) -> bool {
    cart.coupons
        .iter()
        .filter_map(|code| coupons::find(code))
        .any(|coupon| coupon.benefit == Benefit::FreeShipping)
}

/// What a consignment costs, with coupons considered.
pub(crate) fn shipping_cost(cart: &Cart, consignment: &Consignment) -> Decimal {
    match &consignment.selected {
        Some(option) if !ships_free(cart) => option.cost,
        _ => Decimal::ZERO,
    }
}

fn apply_taxes(cart: &Cart, settings: &Settings, totals: &mut Totals) {
    let mut sums: Vec<(TaxRate, Decimal)> = Vec::new();
    let mut add = |rate: &TaxRate, tax: Decimal| match sums.iter_mut().find(|(known, _)| known == rate) {
        Some((_, sum)) => *sum += tax,
        None => sums.push((rate.clone(), tax)),
    };
    for (line, total) in cart.lines.iter().zip(&mut totals.lines) {
        if !line.taxable {
            continue;
        }
        if let Some(rate) = rate_for(cart, consignment_of(cart, &line.id), settings) {
            total.tax = total.net * rate.percent / Decimal::ONE_HUNDRED;
            add(rate, total.tax);
        }
    }
    let mut shipping_tax = Decimal::ZERO;
    for consignment in &cart.consignments {
        let cost = shipping_cost(cart, consignment);
        totals.shipping_ex += cost;
        let rate = rate_for(cart, Some(consignment), settings).filter(|_| settings.tax_shipping);
        if let Some(rate) = rate {
            shipping_tax += cost * rate.percent / Decimal::ONE_HUNDRED;
            add(rate, cost * rate.percent / Decimal::ONE_HUNDRED);
        }
    }
    totals.shipping_tax = round(shipping_tax, &cart.currency);
    totals.taxes = sums.into_iter().map(|(rate, tax)| (rate, round(tax, &cart.currency))).collect();
    totals.tax = totals.taxes.iter().map(|(_, tax)| tax).sum();
}

fn consignment_of<'c>(cart: &'c Cart, line: &str) -> Option<&'c Consignment> {
    cart.consignments.iter().find(|consignment| consignment.items.iter().any(|(id, _)| id == line))
}

/// The rate of where the goods go; without a consignment of where the bill goes; without either of the store.
fn rate_for<'s>(
    cart: &Cart,
    consignment: Option<&Consignment>,
    settings: &'s Settings,
) -> Option<&'s TaxRate> {
    let (country, state) = match (consignment, &cart.billing) {
        (Some(consignment), _) => {
            (consignment.address.country_code.as_str(), consignment.address.state_code.as_str())
        }
        (None, Some(billing)) => (billing.country_code.as_str(), billing.state_code.as_str()),
        (None, None) => ("US", "TX"),
    };
    settings
        .tax_rates
        .iter()
        .find(|rate| rate.country_code == country && (rate.state_code.is_empty() || rate.state_code == state))
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn cart(prices: &[&str]) -> Cart {
        let mut cart = Cart::new("USD", OffsetDateTime::UNIX_EPOCH, None);
        cart.lines = prices
            .iter()
            .map(|price| {
                let price: Decimal = price.parse().expect("a decimal");
                Line {
                    id: price.to_string(),
                    kind: Kind::Custom,
                    product_id: 0,
                    variant_id: 0,
                    sku: String::new(),
                    name: String::new(),
                    quantity: 1,
                    list_price: price,
                    price_override: true,
                    sale_price: price,
                    taxable: true,
                    is_mutable: true,
                    manual_discount: Decimal::ZERO,
                    options: Vec::new(),
                    image_url: String::new(),
                    certificate: serde_json::Value::Null,
                }
            })
            .collect();
        cart
    }

    #[test]
    fn the_guide_cart_of_ten_comes_to_ten_eighty_three() {
        let totals = compute(&cart(&["10"]), &Settings::default());
        assert_eq!(totals.grand_total.to_string(), "10.83");
        assert_eq!(totals.tax.to_string(), "0.83");
    }

    #[test]
    fn a_coupon_is_spread_without_losing_a_cent() {
        let mut cart = cart(&["10", "20", "33.33"]);
        cart.coupons.push("FIVER".into());
        let totals = compute(&cart, &Settings::default());
        let coupon: Decimal = totals.lines.iter().map(|line| line.coupon).sum();
        assert_eq!(coupon, Decimal::from(5));
        assert_eq!(totals.goods_ex, "58.33".parse::<Decimal>().expect("a decimal"));
    }

    #[test]
    fn a_discount_larger_than_the_goods_leaves_nothing_to_pay() {
        let mut cart = cart(&["10"]);
        cart.manual_discount = Decimal::from(99);
        assert_eq!(compute(&cart, &Settings::default()).grand_total, Decimal::ZERO);
    }
}
