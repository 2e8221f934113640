//! The parts of the totals are the total, whatever a cart holds; and what cannot be read is never 0.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::http::response::totals::*;

fn read(checkout: &Value) -> Value {
    serde_json::to_value(Totals::of_document(&Document::of(checkout))).expect("totals are JSON")
}

fn amount(value: &Value) -> Option<Decimal> {
    parse_decimal(&value.to_string())
}

/// All parts, if each is known.
fn parts(totals: &Value) -> Option<Decimal> {
    let sum = ["subtotal", "shipping", "handling", "fees", "tax", "other"]
        .into_iter()
        .try_fold(Decimal::ZERO, |sum, part| sum.checked_add(amount(&totals[part])?))?;
    sum.checked_sub(amount(&totals["discount"])?)
}

fn json_of(amount: Decimal) -> Value {
    number(amount).expect("a number").into()
}

/// Up to 1000, with as many digits as BigCommerce keeps.
fn money() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        (0_i64..100_000).prop_map(|minor| Decimal::new(minor, 2)),
        (0_i64..1_000_000_000_000_000).prop_map(|long| Decimal::new(long, 12)),
    ]
}

fn list(most: usize) -> impl Strategy<Value = Vec<Decimal>> {
    prop::collection::vec(money(), 0..=most)
}

/// A cart as a shopper has it, and what its parts are.
#[derive(Debug)]
struct Cart {
    lines: Vec<Decimal>,
    wrapping: Decimal,
    discount: Decimal,
    coupons: Vec<Decimal>,
    shipping: Vec<(Decimal, Decimal)>,
    fees: Vec<Decimal>,
    /// Percent.
    tax: u8,
    tax_included: bool,
    credit: Decimal,
    as_text: bool,
}

fn carts() -> impl Strategy<Value = Cart> {
    let goods = (prop::collection::vec(money(), 1..5), money(), money(), list(2));
    let rest = (prop::collection::vec((money(), money()), 0..4), list(5), 0_u8..30, any::<bool>());
    (goods, rest, money(), any::<bool>()).prop_map(|(goods, rest, credit, as_text)| {
        let (lines, wrapping, discount, coupons) = goods;
        let (shipping, fees, tax, tax_included) = rest;
        Cart { lines, wrapping, discount, coupons, shipping, fees, tax, tax_included, credit, as_text }
    })
}

impl Cart {
    fn grand_total(&self, tax: Decimal) -> Decimal {
        let sum = |list: &[Decimal]| list.iter().copied().sum::<Decimal>();
        let goods = sum(&self.lines) + self.wrapping - self.discount - sum(&self.coupons);
        let shipping: Decimal = self.shipping.iter().map(|(cost, handling)| cost + handling).sum();
        (goods + shipping + sum(&self.fees)).round_dp(2) + tax
    }

    /// The checkout object, with its total.
    fn checkout(&self) -> (Value, Decimal) {
        let subtotal: Decimal = self.lines.iter().sum();
        let tax = (subtotal * Decimal::from(self.tax) / Decimal::ONE_HUNDRED).round_dp(2);
        let total = self.grand_total(tax);
        let shown =
            |amount: Decimal| if self.as_text { Value::from(amount.to_string()) } else { json_of(amount) };
        let (rate, fees) = (Decimal::from(self.tax) / Decimal::ONE_HUNDRED, self.fees.iter());
        let items: Vec<Value> = self.lines.iter().enumerate().map(|(at, price)| json!({"id": at.to_string(),
            "quantity": 1, "list_price": shown(*price), "gift_wrapping": {"name": "Paper", "amount": shown(self.wrapping)}})).collect();
        let checkout = json!({
            "id": "c1", "grand_total": shown(total), "subtotal_ex_tax": shown(subtotal),
            "subtotal_inc_tax": shown(subtotal + tax), "tax_total": shown(tax),
            "shipping_cost_total_ex_tax": shown(self.shipping.iter().map(|one| one.0).sum()),
            "handling_cost_total_ex_tax": shown(self.shipping.iter().map(|one| one.1).sum()),
            "outstanding_balance": shown((total - self.credit).max(Decimal::ZERO)), "is_store_credit_applied": true,
            "fees": fees.map(|fee| json!({"id": "f", "cost_ex_tax": shown(*fee), "cost_inc_tax": shown(fee + fee * rate)}))
                .collect::<Vec<_>>(),
            "coupons": self.coupons.iter().map(|one| json!({"code": "C", "discounted_amount": shown(*one)}))
                .collect::<Vec<_>>(),
            "consignments": self.shipping.iter().enumerate().map(|(at, (cost, handling))| json!({"id": at.to_string(),
                "shipping_cost_ex_tax": shown(*cost), "handling_cost_ex_tax": shown(*handling)})).collect::<Vec<_>>(),
            "cart": {"id": "c1", "currency": {"code": "USD"}, "tax_included": self.tax_included,
                "discount_amount": shown(self.discount), "line_items": {"physical_items": items}},
        });
        (checkout, total)
    }
}

/// The places of a checkout that say what it costs.
const PLACES: [&str; 12] = [
    "/grand_total",
    "/subtotal_ex_tax",
    "/tax_total",
    "/shipping_cost_total_ex_tax",
    "/handling_cost_total_ex_tax",
    "/fees",
    "/fees/0",
    "/fees/0/cost_ex_tax",
    "/coupons",
    "/coupons/0",
    "/coupons/0/discounted_amount",
    "/cart/discount_amount",
];

proptest! {
    #![proptest_config(crate::seeded::seeded())]

    #[test]
    fn the_parts_are_the_total(cart in carts()) {
        let (checkout, total) = cart.checkout();
        let totals = read(&checkout);
        prop_assert_eq!(amount(&totals["grand_total"]), Some(total), "{}", totals);
        prop_assert_eq!(parts(&totals), Some(total), "{}", totals);
        let sum = |list: &[Decimal]| Some(list.iter().copied().sum::<Decimal>());
        prop_assert_eq!(amount(&totals["fees"]), sum(&cart.fees), "{}", totals);
        prop_assert_eq!(amount(&totals["discount"]), sum(&cart.coupons).map(|sum| sum + cart.discount), "{}", totals);
        // What is left is the wrapping, and what was rounded.
        let beyond = amount(&totals["other"]).map(|other| (other - cart.wrapping).abs());
        prop_assert!(beyond.is_some_and(|rounded| rounded <= Decimal::new(5, 3)), "{}", totals);
    }

    /// Whatever stands in the place of an amount: it is read, or the amount is null and nothing is made of it.
    #[test]
    fn what_cannot_be_read_is_null_and_not_0(
        cart in carts(), place in prop::sample::select(&PLACES[..]),
        odd in prop::sample::select(vec![json!("x"), json!(true), json!({"a": 1}), json!([5]), json!("1e99"), json!([[1]])]),
    ) {
        let (mut checkout, total) = cart.checkout();
        let Some(there) = checkout.pointer_mut(place) else { return Ok(()) };
        *there = odd;
        let totals = read(&checkout);
        let part = match place {
            "/grand_total" => "grand_total",
            "/subtotal_ex_tax" => "subtotal",
            "/tax_total" => "tax",
            "/shipping_cost_total_ex_tax" => "shipping",
            "/handling_cost_total_ex_tax" => "handling",
            place if place.starts_with("/fees") => "fees",
            _ => "discount",
        };
        prop_assert_eq!(&totals[part], &Value::Null, "{} {}", place, totals);
        prop_assert_eq!(&totals["other"], &Value::Null, "{}", totals);
        if part != "grand_total" {
            prop_assert_eq!(amount(&totals["grand_total"]), Some(total));
        }
    }
}

#[test]
fn nothing_is_written_in_many_ways() {
    for nothing in
        [json!(null), json!([]), json!({}), json!(""), json!([{}]), json!([{"id": "", "cost_ex_tax": ""}])]
    {
        let totals = read(&json!({"grand_total": 10, "subtotal_ex_tax": 10, "tax_total": 0, "fees": nothing,
            "coupons": nothing, "consignments": nothing, "cart": {"discount_amount": 0, "coupons": nothing}}));
        assert_eq!((&totals["fees"], &totals["discount"]), (&json!(0), &json!(0)), "{nothing}");
        assert_eq!((&totals["shipping"], &totals["other"]), (&json!(0), &json!(0)), "{nothing}");
        assert_eq!(totals["currency"], Value::Null, "one that is not known is not USD");
    }
    let shipped = read(&json!({"grand_total": 10, "subtotal_ex_tax": 10, "tax_total": 0,
        "consignments": [{"id": "k"}], "cart": {}}));
    for part in ["shipping", "handling", "discount", "other"] {
        assert_eq!(shipped[part], Value::Null, "{part}: {shipped}");
    }
}

/// A discount on shipping is in no total of BigCommerce's but the last one.
#[test]
fn what_is_not_explained_is_said() {
    let totals = read(&json!({"grand_total": 10.83, "subtotal_ex_tax": 10, "tax_total": 0.83,
        "shipping_cost_total_ex_tax": 5, "handling_cost_total_ex_tax": 0,
        "consignments": [{"id": "k", "coupon_discounts": [{"code": "SHIPFREE", "amount": 5}]}],
        "cart": {"discount_amount": 0}}));
    assert_eq!(totals["other"].to_string(), "-5");
}

#[test]
fn amounts_that_are_too_large_to_be_added_are_none() {
    let large = "79228162514264337593543950335";
    let totals = read(&serde_json::from_str(&format!(
        r#"{{"grand_total":{large},"subtotal_ex_tax":1,"tax_total":0,"fees":[{{"cost_ex_tax":{large}}},{{"cost_ex_tax":{large}}}],
            "cart":{{"discount_amount":{large}}}}}"#
    ))
    .expect("JSON"));
    assert_eq!((&totals["fees"], &totals["other"]), (&Value::Null, &Value::Null));
}
