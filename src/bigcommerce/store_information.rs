//! Facts about the store (BigCommerce: store_information.v2), for reading only: whether the credentials work, and in
//! which currency the store thinks.
//!
//! Guarantees: keeps nothing of the owner's personal data.

use reqwest::Method;
use serde_json::Value;

use super::{Answer, Call, Client, Error, lenient, transport::Request};

/// What a store says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreInformation {
    /// The store's hash.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Its domain.
    pub domain: Option<String>,
    /// Such as `live`.
    pub status: Option<String>,
    /// The store's own currency, ISO 4217 code.
    pub currency: Option<String>,
    /// Decimals of that currency.
    pub decimal_places: Option<i64>,
    /// The plan, which decides the quota.
    pub plan_level: Option<String>,
    /// Where operators of the store log in.
    pub control_panel_base_url: Option<String>,
}

impl StoreInformation {
    fn parse(body: &Value) -> Option<Self> {
        let field = |key| lenient::filled(body, key);
        Some(Self {
            id: field("id")?,
            name: field("name"),
            domain: field("domain"),
            status: field("status"),
            currency: field("currency"),
            decimal_places: lenient::integer(body, "decimal_places"),
            plan_level: field("plan_level"),
            control_panel_base_url: field("control_panel_base_url"),
        })
    }
}

impl Client {
    /// What the store says about itself.
    pub async fn store_information(&self, cx: &Call) -> Result<Answer<StoreInformation>, Error> {
        let request = Request::api("store.get", Method::GET, &["v2", "store"]);
        self.call(cx, request, |body| StoreInformation::parse(&body?)).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_store_is_read_and_its_owner_is_not() {
        let read = StoreInformation::parse(&json!({"id": "abc", "currency": "USD", "decimal_places": "2",
            "plan_level": "Plus", "admin_email": "owner@example.com"}))
        .expect("a store");
        assert_eq!(
            (read.id.as_str(), read.currency.as_deref(), read.decimal_places),
            ("abc", Some("USD"), Some(2))
        );
        assert!(!format!("{read:?}").contains("owner"));
        assert!(StoreInformation::parse(&json!({"currency": "USD"})).is_none());
    }
}
