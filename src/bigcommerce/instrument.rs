//! What a shopper pays with.
//!
//! Guarantees: card data is parsed into secrets without `Debug` or `Serialize`, is written out only into the one request
//! that pays, and is overwritten when dropped. Refusals name the field and never quote what was in it.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use super::lenient;
use crate::secret::Secret;

/// A payment as the storefront asked for it. There is no amount: the payment access token decides it.
pub struct PaymentRequest {
    payment_method_id: String,
    instrument: Instrument,
    save_instrument: bool,
}

/// A raw card.
pub struct Card {
    number: Secret,
    cardholder_name: Secret,
    expiry_month: u8,
    expiry_year: u16,
    verification_value: Secret,
}

/// A card that another party turned into a token.
pub struct TokenizedCard {
    token: Secret,
    iin: Option<String>,
    last_four_digits: Option<String>,
    expiration_month: Option<String>,
    expiration_year: Option<String>,
}

/// BigCommerce's payment instruments.
pub enum Instrument {
    /// A card that the shopper stored earlier.
    StoredCard {
        /// BigCommerce's token of it.
        token: Secret,
        /// Where the method asks for it.
        verification_value: Option<Secret>,
    },
    /// A raw card.
    Card(Card),
    /// A PayPal account that the shopper stored earlier.
    StoredPayPalAccount(Secret),
    /// A bank account that the shopper stored earlier.
    StoredBankAccount(Secret),
    /// A gift certificate, by its code.
    GiftCertificate(Secret),
    /// The shopper's credit with the store.
    StoreCredit,
    /// A third party's token of a card.
    TokenizedCard(TokenizedCard),
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// JSON pointer to the field (RFC 6901).
    pub pointer: String,
    /// What it must be. Never what it was.
    pub detail: &'static str,
}

impl Instrument {
    /// BigCommerce's `type`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::StoredCard { .. } => "stored_card",
            Self::Card(_) => "card",
            Self::StoredPayPalAccount(_) => "stored_paypal_account",
            Self::StoredBankAccount(_) => "stored_bank_account",
            Self::GiftCertificate(_) => "gift_certificate",
            Self::StoreCredit => "store_credit",
            Self::TokenizedCard(_) => "tokenized_card",
        }
    }

    /// The last four digits, where the instrument itself holds them; those of stored ones come with the methods.
    pub fn last_4(&self) -> Option<String> {
        match self {
            Self::Card(card) => {
                let number = card.number.expose();
                number.get(number.len().checked_sub(4)?..).map(str::to_owned)
            }
            Self::TokenizedCard(card) => card.last_four_digits.clone(),
            _ => None,
        }
    }
}

impl PaymentRequest {
    /// Reads `{payment_method_id, instrument, save_instrument?}` found at `pointer` and overwrites its texts, whatever
    /// comes out. All that is wrong is told at once.
    pub fn parse(mut body: Value, pointer: &str) -> Result<Self, Vec<FieldError>> {
        let mut reader = Reader { errors: Vec::new() };
        let request = reader.request(&body, pointer);
        wipe(&mut body);
        request.filter(|_| reader.errors.is_empty()).ok_or(reader.errors)
    }

    /// Which method pays, such as `stripe.card`.
    pub fn payment_method_id(&self) -> &str {
        &self.payment_method_id
    }

    /// With what.
    pub const fn instrument(&self) -> &Instrument {
        &self.instrument
    }

    /// Whether the instrument is to be stored for next time.
    pub const fn save_instrument(&self) -> bool {
        self.save_instrument
    }

    /// The body of the one request that pays.
    pub(super) fn body(&self) -> Zeroizing<Vec<u8>> {
        // Large enough not to move while it grows, which would leave copies behind.
        let mut body = Zeroizing::new(Vec::with_capacity(16 * 1024));
        serde_json::to_writer(&mut *body, &Wire(self)).expect("maps with text keys, written to memory");
        body
    }
}

/// Overwrites every text in a document.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(wipe),
        Value::Object(map) => map.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

struct Reader {
    errors: Vec<FieldError>,
}

impl Reader {
    fn refuse<T>(&mut self, pointer: &str, field: &str, detail: &'static str) -> Option<T> {
        self.errors.push(FieldError { pointer: format!("{pointer}/{field}"), detail });
        None
    }

    fn request(&mut self, body: &Value, pointer: &str) -> Option<PaymentRequest> {
        if !body.is_object() {
            self.errors.push(FieldError { pointer: pointer.to_owned(), detail: "must be an object" });
            return None;
        }
        let payment_method_id = match lenient::filled(body, "payment_method_id") {
            Some(id) if id.len() <= 255 => Some(id),
            _ => self.refuse(pointer, "payment_method_id", "must be text of 1 to 255 characters"),
        };
        let save_instrument = match body.get("save_instrument") {
            None | Some(Value::Null) => Some(false),
            Some(Value::Bool(save)) => Some(*save),
            Some(_) => self.refuse(pointer, "save_instrument", "must be true or false"),
        };
        let instrument = match body.get("instrument") {
            Some(instrument) if instrument.is_object() => {
                self.instrument(instrument, &format!("{pointer}/instrument"))
            }
            _ => self.refuse(pointer, "instrument", "must be an object"),
        };
        Some(PaymentRequest {
            payment_method_id: payment_method_id?,
            instrument: instrument?,
            save_instrument: save_instrument?,
        })
    }

    fn instrument(&mut self, body: &Value, pointer: &str) -> Option<Instrument> {
        match body.get("type").and_then(Value::as_str) {
            Some("stored_card") => {
                let token = self.secret(body, pointer, "token");
                let verification_value = match body.get("verification_value") {
                    None | Some(Value::Null) => None,
                    Some(_) => self.verification_value(body, pointer),
                };
                Some(Instrument::StoredCard { token: token?, verification_value })
            }
            Some("card") => self.card(body, pointer).map(Instrument::Card),
            Some("stored_paypal_account") => {
                self.secret(body, pointer, "token").map(Instrument::StoredPayPalAccount)
            }
            Some("stored_bank_account") => {
                self.secret(body, pointer, "token").map(Instrument::StoredBankAccount)
            }
            Some("gift_certificate") => {
                self.secret(body, pointer, "gift_certificate_code").map(Instrument::GiftCertificate)
            }
            Some("store_credit") => Some(Instrument::StoreCredit),
            Some("tokenized_card") => self.tokenized_card(body, pointer).map(Instrument::TokenizedCard),
            _ => self.refuse(
                pointer,
                "type",
                "must be stored_card, card, stored_paypal_account, stored_bank_account, gift_certificate, \
                 store_credit or tokenized_card",
            ),
        }
    }

    fn card(&mut self, body: &Value, pointer: &str) -> Option<Card> {
        let number = self.number(body, pointer);
        let cardholder_name = self.secret(body, pointer, "cardholder_name");
        let expiry_month = match lenient::integer(body, "expiry_month").map(u8::try_from) {
            Some(Ok(month @ 1..=12)) => Some(month),
            _ => self.refuse(pointer, "expiry_month", "must be a number from 1 to 12"),
        };
        let expiry_year = match lenient::integer(body, "expiry_year").map(u16::try_from) {
            Some(Ok(year @ 2000..=2999)) => Some(year),
            _ => self.refuse(pointer, "expiry_year", "must be a year of four digits"),
        };
        let verification_value = self.verification_value(body, pointer);
        Some(Card {
            number: number?,
            cardholder_name: cardholder_name?,
            expiry_month: expiry_month?,
            expiry_year: expiry_year?,
            verification_value: verification_value?,
        })
    }

    /// Blanks and hyphens between the digits are what people type; BigCommerce wants the digits.
    fn number(&mut self, body: &Value, pointer: &str) -> Option<Secret> {
        let given = body.get("number").and_then(Value::as_str).unwrap_or_default();
        // One allocation, so that growing leaves no copies behind.
        let mut digits = String::with_capacity(given.len());
        digits.extend(given.chars().filter(|char| !matches!(char, ' ' | '-')));
        let digits = Secret::new(digits);
        let is_number = (12..=19).contains(&digits.expose().len());
        if is_number && digits.expose().bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(digits);
        }
        self.refuse(pointer, "number", "must be text of 12 to 19 digits")
    }

    fn verification_value(&mut self, body: &Value, pointer: &str) -> Option<Secret> {
        match body.get("verification_value").and_then(Value::as_str) {
            Some(value)
                if (3..=4).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                Some(Secret::new(value.to_owned()))
            }
            _ => self.refuse(pointer, "verification_value", "must be text of 3 or 4 digits"),
        }
    }

    fn tokenized_card(&mut self, body: &Value, pointer: &str) -> Option<TokenizedCard> {
        let token = self.secret(body, pointer, "token");
        let last_four_digits = lenient::filled(body, "last_four_digits");
        if last_four_digits
            .as_ref()
            .is_some_and(|four| four.len() != 4 || !four.bytes().all(|b| b.is_ascii_digit()))
        {
            return self.refuse(pointer, "last_four_digits", "must be four digits");
        }
        Some(TokenizedCard {
            token: token?,
            iin: lenient::filled(body, "iin"),
            last_four_digits,
            expiration_month: lenient::filled(body, "expiration_month"),
            expiration_year: lenient::filled(body, "expiration_year"),
        })
    }

    fn secret(&mut self, body: &Value, pointer: &str, field: &str) -> Option<Secret> {
        match body.get(field).and_then(Value::as_str).map(str::trim) {
            Some(text) if !text.is_empty() && text.len() <= 1024 => Some(Secret::new(text.to_owned())),
            _ => self.refuse(pointer, field, "must be text of 1 to 1024 characters"),
        }
    }
}

/// The only thing that can write an instrument out, known to nobody but [`PaymentRequest::body`].
struct Wire<'a>(&'a PaymentRequest);

impl Serialize for Wire<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(Some(1))?;
        body.serialize_entry("payment", &WirePayment(self.0))?;
        body.end()
    }
}

struct WirePayment<'a>(&'a PaymentRequest);

impl Serialize for WirePayment<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut payment = serializer.serialize_map(None)?;
        payment.serialize_entry("instrument", &WireInstrument(&self.0.instrument))?;
        payment.serialize_entry("payment_method_id", &self.0.payment_method_id)?;
        if self.0.save_instrument {
            payment.serialize_entry("save_instrument", &true)?;
        }
        payment.end()
    }
}

struct WireInstrument<'a>(&'a Instrument);

impl Serialize for WireInstrument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", self.0.kind())?;
        match self.0 {
            Instrument::StoredCard { token, verification_value } => {
                map.serialize_entry("token", token.expose())?;
                if let Some(value) = verification_value {
                    map.serialize_entry("verification_value", value.expose())?;
                }
            }
            Instrument::Card(card) => {
                map.serialize_entry("number", card.number.expose())?;
                map.serialize_entry("cardholder_name", card.cardholder_name.expose())?;
                map.serialize_entry("expiry_month", &card.expiry_month)?;
                map.serialize_entry("expiry_year", &card.expiry_year)?;
                map.serialize_entry("verification_value", card.verification_value.expose())?;
            }
            Instrument::StoredPayPalAccount(token) | Instrument::StoredBankAccount(token) => {
                map.serialize_entry("token", token.expose())?;
            }
            Instrument::GiftCertificate(code) => {
                map.serialize_entry("gift_certificate_code", code.expose())?;
            }
            Instrument::StoreCredit => {}
            Instrument::TokenizedCard(card) => {
                map.serialize_entry("token", card.token.expose())?;
                for (key, value) in [
                    ("iin", &card.iin),
                    ("last_four_digits", &card.last_four_digits),
                    ("expiration_month", &card.expiration_month),
                    ("expiration_year", &card.expiration_year),
                ] {
                    if let Some(value) = value {
                        map.serialize_entry(key, value)?;
                    }
                }
            }
        }
        map.end()
    }
}

#[cfg(test)]
#[path = "instrument_tests.rs"]
mod tests;
