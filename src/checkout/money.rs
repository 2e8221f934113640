//! Amounts as exact decimals. Never: binary floating point.

use std::cmp::Ordering;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

/// An amount of money in the checkout's currency. It is read from the exact text of a JSON number and written
/// back as a JSON number with the same digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(Decimal);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The decimal value.
    pub fn decimal(self) -> Decimal {
        self.0
    }

    /// Compares at the precision of the currency: BigCommerce sends cart amounts with long fractions
    /// (`27.717647058823`) and order amounts with four digits (`27.7200`).
    pub fn compare(self, other: Self, currency: &str) -> Ordering {
        self.rounded(currency).cmp(&other.rounded(currency))
    }

    /// The same amount with no more digits than it needs: orders carry four (`"10.8300"`), shoppers are shown 10.83.
    #[must_use]
    pub fn at_precision_of(self, currency: &str) -> Self {
        Self(self.rounded(currency).normalize())
    }

    /// As people read it: rounded, and with all the digits of the currency's minor unit (`10.80`, `1080`).
    pub fn shown(self, currency: &str) -> String {
        // At most 3, which fits wherever this runs.
        let digits = usize::try_from(exponent(currency)).unwrap_or(2);
        format!("{:.digits$}", self.rounded(currency))
    }

    /// Rounded half away from zero to the minor unit of the currency.
    pub fn rounded(self, currency: &str) -> Decimal {
        self.0.round_dp_with_strategy(exponent(currency), RoundingStrategy::MidpointAwayFromZero)
    }
}

impl From<Decimal> for Money {
    fn from(value: Decimal) -> Self {
        Self(value)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        rust_decimal::serde::arbitrary_precision::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    /// Takes a JSON number only: `"10.83"` as a string is refused.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(deserializer)?;
        let decimal =
            parse_decimal(&number.to_string()).ok_or_else(|| serde::de::Error::custom("not an amount"))?;
        Ok(Self(decimal))
    }
}

/// Reads the text of a number, in plain or scientific notation, as an exact decimal. `None` when it is no
/// number or beyond what an amount can be (28 digits).
pub fn parse_decimal(text: &str) -> Option<Decimal> {
    if text.len() > 64 {
        return None;
    }
    if text.contains(['e', 'E']) { Decimal::from_scientific(text).ok() } else { Decimal::from_str(text).ok() }
}

/// Whether an amount in minor units (as in a payment access token) is exactly this amount of the currency.
pub fn minor_units_match(amount: Money, minor: i64, currency: &str) -> bool {
    Decimal::try_new(minor, exponent(currency)).is_ok_and(|token| token == amount.rounded(currency))
}

/// Digits after the point of a currency (ISO 4217). BigCommerce does not document its exponent; two where unknown.
fn exponent(currency: &str) -> u32 {
    match currency.trim().to_ascii_uppercase().as_str() {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn money(text: &str) -> Money {
        serde_json::from_str(text).expect("an amount")
    }

    #[test]
    fn the_text_of_an_amount_survives() {
        for text in ["10.83", "0.1", "10.00", "27.717647058823", "0", "-3.50"] {
            assert_eq!(serde_json::to_string(&money(text)).expect("json"), text);
        }
        assert!(serde_json::from_str::<Money>("\"10\"").is_err());
        assert!(serde_json::from_str::<Money>("-3.4e38").is_err());
    }

    #[test]
    fn amounts_compare_at_the_precision_of_the_currency() {
        assert_eq!(money("27.717647058823").compare(money("27.72"), "USD"), Ordering::Equal);
        assert_eq!(money("27.714").compare(money("27.72"), "USD"), Ordering::Less);
        assert_eq!(money("1499.6").compare(money("1500"), "JPY"), Ordering::Equal);
        assert_eq!(money("1.2344").compare(money("1.235"), "KWD"), Ordering::Less);
    }

    /// Line sums as BigCommerce keeps them: more digits than the currency has.
    fn lines() -> impl Strategy<Value = Vec<Decimal>> {
        let line = (0_i64..10_000_000_000_000, 0_u32..13, 1_i64..20)
            .prop_map(|(price, scale, units)| Decimal::new(price, scale) * Decimal::from(units));
        prop::collection::vec(line, 1..20)
    }

    proptest! {
        #![proptest_config(crate::seeded::seeded())]

        #[test]
        fn the_checkout_the_order_and_the_token_name_one_total(lines in lines(), currency in "USD|JPY|KWD") {
            let sum: Decimal = lines.iter().sum();
            // The checkout shows every digit, the order four, the token minor units.
            let checkout = money(&sum.to_string());
            let order = money(&format!("{:.4}", checkout.rounded(&currency)));
            let digits = exponent(&currency);
            let minor = i64::try_from(order.rounded(&currency).mantissa()).expect("a total fits");
            prop_assert_eq!(order.rounded(&currency).scale(), digits);
            prop_assert_eq!(checkout.compare(order, &currency), Ordering::Equal);
            prop_assert!(minor_units_match(order, minor, &currency));
            prop_assert!(minor_units_match(checkout, minor, &currency));
            // One minor unit more is another total everywhere.
            let more = Money(order.0 + Decimal::new(1, digits));
            prop_assert_eq!(more.compare(checkout, &currency), Ordering::Greater);
            prop_assert!(!minor_units_match(more, minor, &currency));
        }

        #[test]
        fn long_fractions_compare_as_the_shopper_sees_them(
            minor in 0_i64..1_000_000_000_000, fraction in 0_i64..100_000_000, currency in "USD|JPY|KWD",
        ) {
            let digits = exponent(&currency);
            let exact = Money(Decimal::new(minor, digits));
            let long = Money(exact.0 + Decimal::new(fraction, digits + 8));
            // Half a minor unit is rounded up; less is not seen.
            let expected = if fraction < 50_000_000 { Ordering::Equal } else { Ordering::Greater };
            prop_assert_eq!(long.compare(exact, &currency), expected);
            prop_assert_eq!(exact.compare(long, &currency), expected.reverse());
        }

        #[test]
        fn minor_units_agree_with_the_amount(minor in 0_i64..1_000_000_000_000, currency in "USD|JPY|KWD|EUR") {
            let amount = Money(Decimal::new(minor, exponent(&currency)));
            prop_assert!(minor_units_match(amount, minor, &currency));
            prop_assert!(!minor_units_match(amount, minor + 1, &currency));
        }

        #[test]
        fn no_amount_passes_through_binary_floating_point(units in 0_i64..i64::MAX, scale in 0_u32..18) {
            let text = Decimal::new(units, scale).to_string();
            prop_assert_eq!(serde_json::to_string(&money(&text)).expect("json"), text);
        }
    }
}
