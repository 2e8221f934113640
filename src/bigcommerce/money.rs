//! Amounts in the smallest unit of a currency, as the payment access token states them.
//!
//! Guarantees: exact decimal arithmetic, no panic on any amount. It never converts between currencies.
//! The exponents are those of ISO 4217; BigCommerce documents "integer minor units" and names no table.

use rust_decimal::{Decimal, RoundingStrategy};

/// How many decimals a currency has: 0 for JPY and its like, 3 for KWD and its like, otherwise 2.
pub fn exponent(currency: &str) -> u32 {
    match currency.trim().to_ascii_uppercase().as_str() {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// The amount in minor units (457.90 USD is 45790), rounded half away from zero at the currency's precision, because
/// totals are compared at that precision. `None` when it does not fit.
pub fn minor_units(amount: Decimal, currency: &str) -> Option<i64> {
    let exponent = exponent(currency);
    let rounded = amount.round_dp_with_strategy(exponent, RoundingStrategy::MidpointAwayFromZero);
    let factor = Decimal::from(10_i64.pow(exponent));
    i64::try_from(rounded.checked_mul(factor)?).ok()
}

/// The amount that so many minor units are; the inverse of [`minor_units`].
pub fn from_minor_units(units: i64, currency: &str) -> Decimal {
    Decimal::new(units, exponent(currency))
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_amounts() {
        for (amount, currency, expected) in [
            ("457.90", "USD", Some(45_790)),
            ("69.8400", "usd", Some(6984)),
            ("13.858823529412", "EUR", Some(1386)),
            ("0.005", "USD", Some(1)),
            ("-0.005", "USD", Some(-1)),
            ("1200.0000", "JPY", Some(1200)),
            ("1.2345", "KWD", Some(1235)),
            ("0", "XXX", Some(0)),
            ("79228162514264337593543950335", "USD", None),
            ("92233720368547758.08", "USD", None),
            ("92233720368547758.07", "USD", Some(i64::MAX)),
        ] {
            let amount = Decimal::from_str(amount).expect("a fixture");
            assert_eq!(minor_units(amount, currency), expected, "{amount} {currency}");
        }
    }

    proptest! {
        #![proptest_config(crate::seeded::seeded())]

        #[test]
        fn minor_units_and_back_is_the_same(units: i64, currency in "USD|JPY|KWD|EUR|VND|TND") {
            prop_assert_eq!(minor_units(from_minor_units(units, &currency), &currency), Some(units));
        }

        #[test]
        fn trailing_zeros_do_not_matter(units in -1_000_000_000_i64..1_000_000_000, extra in 0_u32..6, currency in "USD|JPY|KWD") {
            let mut amount = from_minor_units(units, &currency);
            amount.rescale(exponent(&currency) + extra);
            prop_assert_eq!(minor_units(amount, &currency), Some(units));
        }

        #[test]
        fn rounding_moves_by_at_most_half_a_unit(mantissa: i64, scale in 0_u32..20, currency in "USD|JPY|KWD") {
            let amount = Decimal::new(mantissa, scale);
            if let Some(units) = minor_units(amount, &currency) {
                let distance = (from_minor_units(units, &currency) - amount).abs();
                prop_assert!(distance <= Decimal::new(5, exponent(&currency) + 1));
            }
        }

        #[test]
        fn no_amount_panics(bytes: [u8; 16], currency in ".{0,4}") {
            let _ = minor_units(Decimal::deserialize(bytes), &currency);
        }
    }
}
