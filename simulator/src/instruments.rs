//! What an instrument leads to: the magic numbers and tokens, and the checks every gateway makes.

use serde_json::Value;
use time::OffsetDateTime;

use crate::answer::{self, Answer};
use crate::call::{Visit, as_whole, member};
use crate::customers::{GUIDE_TOKEN, Instrument};
use crate::methods::Method;
use crate::order::Outstanding;

/// What the gateway does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The money is taken or authorized.
    Success { authorize: bool },
    /// Accepted; settles later.
    Pending { authorize: bool, outstanding: Outstanding },
    /// A definite no.
    Decline(u32),
    /// An error is answered; what happened to the money is `money`.
    Trouble { code: u32, money: Money },
}

/// What an error answer hides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Money {
    /// Nothing was taken.
    None,
    /// Taken, and BigCommerce knows.
    Taken,
    /// Taken at the gateway, and BigCommerce does not know (until it is settled by the control plane).
    TakenUnknown,
}

/// Codes of magic cards and tokens, with what they do; the binary prints this table.
pub const MAGIC: [(u32, &str); 22] = [
    (10_000, "10000, difficulty; flag 1: charged all the same; flag 2: charged, BigCommerce does not know"),
    (10_001, "10001, missing or invalid data"),
    (20_001, "pending, settles with success"),
    (20_002, "pending, settles as declined"),
    (20_003, "pending, never settles by itself"),
    (20_004, "success, authorized only"),
    (20_005, "pending authorization, settles with success"),
    (20_006, "39999, a code nobody knows; flag 1 and 2 as above"),
    (30_000, "30000, gateway not configured"),
    (30_001, "30001, merchant misconfigured"),
    (30_002, "30002, vaulting disabled"),
    (30_003, "30003, order does not exist"),
    (30_004, "30004, totals do not fit"),
    (30_050, "30050, instrument could not be saved; flag 1: charged all the same"),
    (30_051, "30051, stored instrument not found"),
    (30_101, "30101, order in the wrong status"),
    (30_102, "30102, details could not be verified"),
    (30_103, "30103, card expired"),
    (30_104, "30104, contact the issuer"),
    (30_105, "30105, duplicate transaction; flag 1: charged all the same"),
    (30_106, "30106, insufficient funds"),
    (30_107, "30107, authorization revoked"),
];

/// The magic card number of a code: `4000`, the flag, the code, zeros and a Luhn check digit.
pub fn magic_card(code: u32, flag: u8) -> String {
    let start = format!("4000{flag}{code:05}00000");
    let sum: u32 = start
        .chars()
        .rev()
        .enumerate()
        .filter_map(|(at, digit)| {
            let digit = digit.to_digit(10)?;
            let doubled = if at % 2 == 0 { digit * 2 } else { digit };
            Some(if doubled > 9 { doubled - 9 } else { doubled })
        })
        .sum();
    format!("{start}{}", (10 - sum % 10) % 10)
}

/// The magic stored token of a code: `ca4d`, zeros, the flag and the code; sixty-four digits.
pub fn magic_token(code: u32, flag: u8) -> String {
    format!("ca4d{}{flag}{code:05}", "0".repeat(54))
}

fn magic(code: &str, flag: &str) -> Option<Outcome> {
    let code: u32 = code.parse().ok()?;
    MAGIC.iter().find(|(known, _)| *known == code)?;
    let money = match flag {
        "0" => Money::None,
        "1" => Money::Taken,
        "2" => Money::TakenUnknown,
        _ => return None,
    };
    Some(match code {
        20_001 => Outcome::Pending { authorize: false, outstanding: Outstanding::Settle },
        20_002 => Outcome::Pending { authorize: false, outstanding: Outstanding::Decline },
        20_003 => Outcome::Pending { authorize: false, outstanding: Outstanding::Never },
        20_004 => Outcome::Success { authorize: true },
        20_005 => Outcome::Pending { authorize: true, outstanding: Outstanding::Settle },
        20_006 => Outcome::Trouble { code: 39_999, money },
        10_000 | 30_050 => Outcome::Trouble { code, money },
        _ if money != Money::None => Outcome::Trouble { code, money },
        _ => Outcome::Decline(code),
    })
}

fn bad(field: &str, message: &str) -> Answer {
    answer::payment_detail(422, 10_001, Some((field, message)))
}

/// Decides what becomes of an instrument that is not store credit or a gift certificate.
pub(crate) fn decide(
    visit: &Visit<'_>,
    customer: u64,
    method: &Method,
    instrument: &Value,
) -> Result<Outcome, Answer> {
    match instrument["type"].as_str() {
        Some("card") if method.kind == "card" => card(visit, instrument),
        Some(kind @ "stored_card") if method.kind == "card" => {
            stored(visit, customer, method, instrument, kind)
        }
        Some("tokenized_card") if method.kind == "card" => {
            let token = token(instrument)?;
            Ok(magic_of_token(&token).unwrap_or(Outcome::Success { authorize: false }))
        }
        Some(kind @ "stored_paypal_account") if method.kind == "paypal" => {
            stored(visit, customer, method, instrument, kind)
        }
        Some(kind @ "stored_bank_account") if method.kind == "bank" => {
            stored(visit, customer, method, instrument, kind)
        }
        Some(_) => Err(bad("payment.instrument.type", "does not fit the payment method")),
        None => Err(bad("payment.instrument.type", "is required")),
    }
}

fn card(visit: &Visit<'_>, instrument: &Value) -> Result<Outcome, Answer> {
    let text = |name: &str| instrument[name].as_str().filter(|value| !value.is_empty());
    let number = text("number").filter(|number| number.chars().all(|c| c.is_ascii_digit()));
    let number = number.filter(|number| (12..=19).contains(&number.len()));
    let number = number.ok_or_else(|| bad("payment.instrument.number", "must be a card number"))?;
    text("cardholder_name").ok_or_else(|| bad("payment.instrument.cardholder_name", "is required"))?;
    check_verification(visit, instrument)?;
    let whole = |name: &str| {
        let value = member(instrument, name).filter(|value| value.is_number()).and_then(as_whole);
        value.ok_or_else(|| bad(&format!("payment.instrument.{name}"), "must be an integer"))
    };
    let (month, year) = (whole("expiry_month")?, whole("expiry_year")?);
    if !(1..=12).contains(&month) || !(1000..=9999).contains(&year) {
        return Err(bad("payment.instrument.expiry_month", "must be a month and a year of four digits"));
    }
    if expired(month, year, visit.now) {
        return Ok(Outcome::Decline(30_103));
    }
    let outcome = number
        .strip_prefix("4000")
        .filter(|rest| rest.len() == 12 && rest.get(6..11) == Some("00000"))
        .and_then(|rest| magic(rest.get(1..6)?, rest.get(0..1)?));
    Ok(outcome.unwrap_or(Outcome::Success { authorize: false }))
}

fn expired(month: u64, year: u64, now: OffsetDateTime) -> bool {
    let (this_year, this_month) = (u64::try_from(now.year()).unwrap_or(0), u64::from(u8::from(now.month())));
    (year, month) < (this_year, this_month)
}

fn check_verification(visit: &Visit<'_>, instrument: &Value) -> Result<(), Answer> {
    let field = "payment.instrument.verification_value";
    match member(instrument, "verification_value") {
        None if visit.settings.require_verification_value => Err(bad(field, "is required")),
        None => Ok(()),
        Some(Value::String(value))
            if (3..=4).contains(&value.len()) && value.chars().all(|c| c.is_ascii_digit()) =>
        {
            Ok(())
        }
        Some(_) => Err(bad(field, "must have 3 or 4 digits")),
    }
}

fn token(instrument: &Value) -> Result<String, Answer> {
    let token = instrument["token"].as_str().filter(|token| token.len() == 64);
    token.map(ToOwned::to_owned).ok_or_else(|| bad("payment.instrument.token", "must have 64 characters"))
}

fn magic_of_token(token: &str) -> Option<Outcome> {
    let rest = token.strip_prefix("ca4d")?.strip_prefix(&"0".repeat(54))?;
    magic(rest.get(1..6)?, rest.get(0..1)?)
}

fn stored(
    visit: &Visit<'_>,
    customer: u64,
    method: &Method,
    instrument: &Value,
    kind: &str,
) -> Result<Outcome, Answer> {
    let token = token(instrument)?;
    check_verification(visit, instrument)?;
    if let Some(outcome) = magic_of_token(&token) {
        return Ok(outcome);
    }
    if token == GUIDE_TOKEN {
        return Ok(Outcome::Success { authorize: false });
    }
    let own: &[Instrument] =
        visit.store.customers.get(&customer).map_or(&[], |one| one.instruments.as_slice());
    let found = own.iter().find(|one| one.token == token && one.kind == kind && one.method == method.id);
    Ok(match found {
        None => Outcome::Decline(30_051),
        Some(one) if kind == "stored_card" && expired(one.expiry_month, one.expiry_year, visit.now) => {
            Outcome::Decline(30_103)
        }
        Some(_) => Outcome::Success { authorize: false },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_cards_pass_the_luhn_check_and_tokens_have_their_length() {
        for (code, _) in MAGIC {
            let card = magic_card(code, 1);
            let sum: u32 = card
                .chars()
                .rev()
                .enumerate()
                .map(|(at, digit)| {
                    let digit = digit.to_digit(10).expect("a digit") * if at % 2 == 1 { 2 } else { 1 };
                    if digit > 9 { digit - 9 } else { digit }
                })
                .sum();
            assert_eq!((card.len(), sum % 10), (16, 0), "{card}");
            assert_eq!(magic_token(code, 0).len(), 64);
        }
    }
}
