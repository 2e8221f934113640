//! Money as exact decimals: rounding by currency and the texts and numbers BigCommerce shows.
//!
//! Never goes through binary floating point.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Number, Value};

/// Currencies in which this store can take money (BigCommerce: transactional currencies).
pub(crate) const TRANSACTIONAL: [&str; 8] = ["USD", "EUR", "GBP", "CAD", "AUD", "JPY", "KWD", "MXN"];

/// Decimal places of a currency by ISO 4217.
pub(crate) fn decimals(currency: &str) -> u32 {
    match currency {
        "JPY" | "KRW" | "CLP" | "VND" => 0,
        "KWD" | "BHD" | "JOD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// Rounds half up to `places`, the way a till does.
pub(crate) fn round_to(amount: Decimal, places: u32) -> Decimal {
    amount.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

/// Rounds to what the currency can express.
pub(crate) fn round(amount: Decimal, currency: &str) -> Decimal {
    round_to(amount, decimals(currency))
}

/// A JSON number with the decimal's own digits, without trailing zeros.
pub(crate) fn number(amount: Decimal) -> Value {
    let text = amount.normalize().to_string();
    text.parse::<Number>().map_or(Value::Null, Value::Number)
}

/// The long fractions of V3 lines: at most twelve places.
pub(crate) fn long(amount: Decimal) -> Value {
    number(round_to(amount, 12))
}

/// The four-decimal text of Orders V2 (`"69.8400"`).
pub(crate) fn text4(amount: Decimal) -> String {
    format!("{:.4}", round_to(amount, 4))
}

/// Whole minor units (45790 for 457.90 USD). `None` when the amount does not fit.
pub(crate) fn minor_units(amount: Decimal, currency: &str) -> Option<i64> {
    let scale = Decimal::from(10_u64.pow(decimals(currency)));
    i64::try_from(round_to(amount.checked_mul(scale)?, 0)).ok()
}

/// The amount of whole minor units.
pub(crate) fn major_units(minor: i64, currency: &str) -> Decimal {
    Decimal::new(minor, decimals(currency))
}

/// Reads a decimal from a JSON number or from text; `None` when it is neither or too large.
pub(crate) fn read(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let parsed = text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(&text)).ok()?;
    (parsed.abs() < Decimal::from(1_000_000_000_000_u64)).then_some(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_currency_rounds_to_its_own_places() {
        let amount: Decimal = "10.8255".parse().expect("a decimal");
        assert_eq!(round(amount, "USD").to_string(), "10.83");
        assert_eq!(round(amount, "JPY").to_string(), "11");
        assert_eq!(round(amount, "KWD").to_string(), "10.826");
        assert_eq!(minor_units(amount, "USD"), Some(1083));
        assert_eq!(minor_units(amount, "JPY"), Some(11));
        assert_eq!(minor_units(amount, "KWD"), Some(10826));
    }

    #[test]
    fn numbers_and_texts_are_read_exactly() {
        assert_eq!(read(&serde_json::json!("10.10")), read(&serde_json::json!(10.10)));
        assert_eq!(read(&serde_json::json!(true)), None);
        assert_eq!(read(&serde_json::json!("1e400")), None);
    }
}
