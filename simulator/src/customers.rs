//! Customers with their stored instruments and store credit, and the gift certificates of the store
//! (BigCommerce: customers.v3).

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::answer::{Answer, Reply};
use crate::call::Visit;
use crate::money;

/// The stored card of the guides; every shopper may use it, so that the guides' literal bodies work.
pub(crate) const GUIDE_TOKEN: &str = "8cdf7b6ea1b27119463bf9e5106639618cc77a9adc49f0069ca8b756cc15caee";

/// A customer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Customer {
    pub(crate) id: u64,
    pub(crate) email: String,
    #[serde(deserialize_with = "crate::state::word")]
    pub(crate) first_name: crate::state::Word,
    #[serde(deserialize_with = "crate::state::word")]
    pub(crate) last_name: crate::state::Word,
    pub(crate) store_credit: Decimal,
    pub(crate) instruments: Vec<Instrument>,
}

/// A stored instrument.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Instrument {
    pub(crate) token: String,
    /// The payment method it belongs to.
    #[serde(deserialize_with = "crate::state::word")]
    pub(crate) method: crate::state::Word,
    /// `stored_card`, `stored_paypal_account` or `stored_bank_account`.
    #[serde(deserialize_with = "crate::state::word")]
    pub(crate) kind: crate::state::Word,
    #[serde(deserialize_with = "crate::state::word")]
    pub(crate) brand: crate::state::Word,
    pub(crate) last_4: String,
    pub(crate) expiry_month: u64,
    pub(crate) expiry_year: u64,
    #[serde(deserialize_with = "crate::state::word")]
    pub(crate) email: crate::state::Word,
    pub(crate) is_default: bool,
}

impl Instrument {
    /// As the APIs show it.
    pub(crate) fn show(&self) -> Value {
        match self.kind {
            "stored_paypal_account" => json!({
                "type": self.kind, "token": self.token, "is_default": self.is_default, "email": self.email,
            }),
            "stored_bank_account" => json!({
                "type": self.kind, "token": self.token, "is_default": self.is_default,
                "masked_account_number": format!("****{}", self.last_4), "issuer": "First Example Bank",
            }),
            _ => json!({
                "type": self.kind, "token": self.token, "is_default": self.is_default, "brand": self.brand,
                "expiry_month": self.expiry_month, "expiry_year": self.expiry_year,
                "issuer_identification_number": "424242", "last_4": self.last_4,
            }),
        }
    }
}

/// A gift certificate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GiftCertificate {
    pub(crate) balance: Decimal,
    /// The balance it was sold with.
    pub(crate) original: Decimal,
    pub(crate) expired: bool,
}

/// Sixty-four hexadecimal digits that start with `name`.
fn token(name: &str) -> String {
    format!("{name:0<64}")
}

/// The first customer that was added by hand.
const ADDED: u64 = 1000;

/// A customer with this much store credit and nothing else; answers the id.
pub(crate) fn add(customers: &mut BTreeMap<u64, Customer>, store_credit: Decimal) -> u64 {
    let id = customers.keys().next_back().map_or(ADDED, |last| (last + 1).max(ADDED));
    let email = format!("customer-{id}@example.com");
    let (first_name, last_name) = ("Mary", "Major");
    customers
        .insert(id, Customer { id, email, first_name, last_name, store_credit, instruments: Vec::new() });
    id
}

/// The customers a store starts with: 1 and 11 have cards and credit, 2 has nothing.
pub(crate) fn first_customers() -> BTreeMap<u64, Customer> {
    let card = |name: &str, method, brand, last_4: &str, year| Instrument {
        token: token(name),
        method,
        kind: "stored_card",
        brand,
        last_4: last_4.to_owned(),
        expiry_month: 9,
        expiry_year: year,
        email: "",
        is_default: false,
    };
    let other =
        |name: &str, method, kind| Instrument { method, kind, ..card(name, method, "", "6789", 2045) };
    let jane = vec![
        Instrument { is_default: true, ..card("c01a1", "stripe.card", "VISA", "4242", 2045) },
        card("c01a2", "adyenv2.scheme", "MASTERCARD", "4444", 2045),
        card("c01a3", "stripe.card", "VISA", "0003", 2020),
        Instrument {
            email: "jane@example.com",
            ..other("c01b1", "braintree.paypal", "stored_paypal_account")
        },
        other("c01c1", "braintree.ach", "stored_bank_account"),
    ];
    let guide =
        Instrument { token: GUIDE_TOKEN.to_owned(), ..card("", "adyenv2.scheme", "VISA", "1142", 2045) };
    let customer = |id, email: &str, first_name, last_name, credit: i64, instruments| Customer {
        id,
        email: email.to_owned(),
        first_name,
        last_name,
        store_credit: Decimal::from(credit),
        instruments,
    };
    [
        customer(1, "jane@example.com", "Jane", "Doe", 1000, jane),
        customer(2, "john.doe@example.com", "John", "Doe", 0, Vec::new()),
        customer(11, "janedoe@email.com", "Jane", "Doe", 3, vec![guide]),
    ]
    .into_iter()
    .map(|customer| (customer.id, customer))
    .collect()
}

/// The gift certificates a store starts with.
pub(crate) fn first_certificates() -> HashMap<String, GiftCertificate> {
    let certificate = |code: &str, balance: i64, expired| {
        let balance = Decimal::from(balance);
        (code.to_owned(), GiftCertificate { balance, original: balance, expired })
    };
    HashMap::from([
        certificate("GIFT-1000", 1000, false),
        certificate("GIFT-5", 5, false),
        certificate("GIFT-3", 3, false),
        certificate("GIFT-EXPIRED", 1000, true),
    ])
}

/// `GET /v3/customers`
pub(crate) fn list(visit: &mut Visit<'_>) -> Reply {
    let wanted = |name: &str| -> Option<Vec<String>> {
        visit.query(name).map(|list| list.split(',').map(|part| part.trim().to_lowercase()).collect())
    };
    let (emails, ids) = (wanted("email:in"), wanted("id:in"));
    let rows: Vec<Value> = visit
        .store
        .customers
        .values()
        .filter(|one| emails.as_ref().is_none_or(|list| list.contains(&one.email.to_lowercase())))
        .filter(|one| ids.as_ref().is_none_or(|list| list.contains(&one.id.to_string())))
        .map(|one| show(one, visit))
        .collect();
    let (page, limit) = visit.paging();
    Ok(Answer::page(&rows, page, limit))
}

fn show(one: &Customer, visit: &Visit<'_>) -> Value {
    let mut out = json!({
        "id": one.id, "email": one.email, "first_name": one.first_name, "last_name": one.last_name,
        "company": "", "phone": "", "registration_ip_address": "", "notes": "", "tax_exempt_category": "",
        "customer_group_id": 0, "date_created": "2023-09-28T20:30:33Z",
        "date_modified": "2023-09-28T20:30:33Z", "address_count": 0, "attribute_count": 0,
        "authentication": {"force_password_reset": false}, "origin_channel_id": 1, "channel_ids": [1],
        "accepts_product_review_abandoned_cart_emails": false,
    });
    if visit.includes("storecredit") {
        out["store_credit_amounts"] = json!([{"amount": money::number(one.store_credit)}]);
    }
    if visit.includes("addresses") {
        out["addresses"] = json!([]);
    }
    out
}

/// `GET /v3/customers/{id}/stored-instruments`: a bare array.
pub(crate) fn stored_instruments(visit: &mut Visit<'_>) -> Reply {
    let customer = visit.id(0).and_then(|id| visit.store.customers.get(&id));
    let rows: Vec<Value> =
        customer.map(|one| one.instruments.iter().map(Instrument::show).collect()).unwrap_or_default();
    Ok(Answer::json(200, &rows.into()))
}
