//! Addresses as checkouts take them, and how BigCommerce normalizes them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::answer::{self, Answer};
use crate::call::{self, text};
use crate::settings::Settings;

/// An address of a checkout.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Address {
    pub(crate) id: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) email: String,
    pub(crate) company: String,
    pub(crate) address1: String,
    pub(crate) address2: String,
    pub(crate) city: String,
    pub(crate) state: String,
    pub(crate) state_code: String,
    pub(crate) country: String,
    pub(crate) country_code: String,
    pub(crate) postal_code: String,
    pub(crate) phone: String,
    pub(crate) custom_fields: Vec<Value>,
}

/// An id such as `6516f14419a81`: thirteen hexadecimal digits.
pub(crate) fn short_id() -> String {
    Uuid::new_v4().simple().to_string().chars().take(13).collect()
}

/// Country codes and names this store ships to or bills; others keep their code as the name.
const COUNTRIES: [(&str, &str); 14] = [
    ("US", "United States"),
    ("CA", "Canada"),
    ("GB", "United Kingdom"),
    ("DE", "Germany"),
    ("FR", "France"),
    ("ES", "Spain"),
    ("IT", "Italy"),
    ("NL", "Netherlands"),
    ("AU", "Australia"),
    ("JP", "Japan"),
    ("MX", "Mexico"),
    ("KW", "Kuwait"),
    ("AQ", "Antarctica"),
    ("IE", "Ireland"),
];

/// States whose code and name are known both ways.
const STATES: [(&str, &str); 12] = [
    ("TX", "Texas"),
    ("CA", "California"),
    ("NY", "New York"),
    ("FL", "Florida"),
    ("WA", "Washington"),
    ("OR", "Oregon"),
    ("IL", "Illinois"),
    ("MA", "Massachusetts"),
    ("CO", "Colorado"),
    ("GA", "Georgia"),
    ("AZ", "Arizona"),
    ("NV", "Nevada"),
];

/// The name of a country.
pub(crate) fn country_name(code: &str) -> String {
    COUNTRIES.iter().find(|(known, _)| *known == code).map_or(code, |(_, name)| name).to_owned()
}

/// The code of a country by its name.
pub(crate) fn country_code(name: &str) -> Option<&'static str> {
    COUNTRIES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(code, _)| *code)
}

/// The code of a state by its name.
pub(crate) fn state_code(name: &str) -> Option<&'static str> {
    STATES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name)).map(|(code, _)| *code)
}

/// Prefectures of Japan: code, English name and own name.
const PREFECTURES: [(&str, &str, &str); 6] = [
    ("JP-01", "Hokkaido", "北海道"),
    ("JP-13", "Tokyo", "東京都"),
    ("JP-14", "Kanagawa", "神奈川県"),
    ("JP-23", "Aichi", "愛知県"),
    ("JP-26", "Kyoto", "京都府"),
    ("JP-27", "Osaka", "大阪府"),
];

/// A prefecture is shown by its English name, whatever it was called (setting `japan_in_english`).
fn in_english(address: &mut Address) {
    let given = [address.state.trim(), address.state_code.trim()];
    let known = PREFECTURES.iter().find(|(code, name, own)| {
        given
            .iter()
            .any(|text| text.eq_ignore_ascii_case(code) || text.eq_ignore_ascii_case(name) || text == own)
    });
    if let Some((code, name, _)) = known.filter(|_| address.country_code == "JP") {
        (address.state, address.state_code) = ((*name).to_owned(), (*code).to_owned());
    }
}

/// Reads and normalizes an address as [`read`] does, and in English where the settings say so.
pub(crate) fn read_for(body: &Value, settings: &Settings) -> Result<Address, Answer> {
    let mut address = read(body)?;
    if settings.japan_in_english {
        in_english(&mut address);
    }
    Ok(address)
}

/// Reads and normalizes an address: trims, `TX` becomes `Texas`, the country's name is added.
fn read(body: &Value) -> Result<Address, Answer> {
    if !body.is_object() {
        return Err(answer::invalid("address", "must be an object"));
    }
    let get = |name: &str| text(body, name).map(|value| value.unwrap_or("").trim().to_owned());
    let country_code = get("country_code")?.to_uppercase();
    let email = get("email")?;
    if !email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty()) {
        return Err(answer::invalid("email", "must be a valid email address"));
    }
    if country_code.len() != 2 {
        return Err(answer::invalid("country_code", "must be a country code of two letters"));
    }
    let mut address = Address {
        id: short_id(),
        first_name: get("first_name")?,
        last_name: get("last_name")?,
        email,
        company: get("company")?,
        address1: get("address1")?,
        address2: get("address2")?,
        city: get("city")?,
        state: get("state_or_province")?,
        state_code: get("state_or_province_code")?,
        country: country_name(&country_code),
        country_code,
        postal_code: get("postal_code")?,
        phone: get("phone")?,
        custom_fields: call::list(body, "custom_fields")?.to_vec(),
    };
    normalize_state(&mut address);
    Ok(address)
}

fn normalize_state(address: &mut Address) {
    if address.country_code != "US" {
        return;
    }
    let known = STATES.iter().find(|(code, name)| {
        [&address.state, &address.state_code]
            .iter()
            .any(|given| given.eq_ignore_ascii_case(code) || given.eq_ignore_ascii_case(name))
    });
    if let Some((code, name)) = known {
        (*code).clone_into(&mut address.state_code);
        (*name).clone_into(&mut address.state);
    }
}

impl Address {
    /// What an order needs and this address lacks.
    pub(crate) fn missing_for_order(&self) -> Option<&'static str> {
        let needs_state = matches!(self.country_code.as_str(), "US" | "CA" | "AU");
        [
            ("first_name", self.first_name.is_empty()),
            ("last_name", self.last_name.is_empty()),
            ("address1", self.address1.is_empty()),
            ("city", self.city.is_empty()),
            ("postal_code", needs_state && self.postal_code.is_empty()),
            ("state_or_province", needs_state && self.state.is_empty()),
        ]
        .into_iter()
        .find_map(|(name, missing)| missing.then_some(name))
    }

    /// The V3 form; `with_id` for billing addresses.
    pub(crate) fn json(&self, with_id: bool) -> Value {
        let mut out = json!({
            "first_name": self.first_name, "last_name": self.last_name, "email": self.email,
            "company": self.company, "address1": self.address1, "address2": self.address2,
            "city": self.city, "state_or_province": self.state,
            "state_or_province_code": self.state_code, "country": self.country,
            "country_code": self.country_code, "postal_code": self.postal_code, "phone": self.phone,
            "custom_fields": self.custom_fields,
        });
        if with_id {
            out["id"] = self.id.clone().into();
        }
        out
    }

    /// The V2 form that orders carry.
    pub(crate) fn v2(&self) -> Value {
        json!({
            "first_name": self.first_name, "last_name": self.last_name, "company": self.company,
            "street_1": self.address1, "street_2": self.address2, "city": self.city,
            "state": self.state, "zip": self.postal_code, "country": self.country,
            "country_iso2": self.country_code, "phone": self.phone, "email": self.email,
            "form_fields": [],
        })
    }

    /// Text that differs whenever the place differs, for quotes.
    pub(crate) fn place(&self) -> String {
        [&self.address1, &self.address2, &self.city, &self.state, &self.postal_code, &self.country_code]
            .map(String::as_str)
            .join("\u{1f}")
            .to_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_code_becomes_its_name_and_the_country_is_added() {
        let body = json!({"email": " jane@example.com ", "country_code": "us", "state_or_province": "TX"});
        let address = read(&body).expect("valid");
        assert_eq!((address.state.as_str(), address.state_code.as_str()), ("Texas", "TX"));
        assert_eq!((address.country.as_str(), address.email.as_str()), ("United States", "jane@example.com"));
        assert_eq!(address.id.len(), 13);
    }

    #[test]
    fn an_address_without_email_or_country_is_refused() {
        assert!(read(&json!({"country_code": "US"})).is_err());
        assert!(read(&json!({"email": "a@b.c"})).is_err());
        assert!(read(&json!({"email": 5, "country_code": "US"})).is_err());
        assert!(read(&json!([])).is_err());
    }
}
