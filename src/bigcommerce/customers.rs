//! Customers (BigCommerce: customers.v3), for reading only.
//!
//! Guarantees: documents are passed on as BigCommerce wrote them.

use reqwest::Method;
use serde_json::Value;

use super::{Answer, Call, Client, Error, as_is, lenient, rows, transport::Request};

/// The customers of a store, for one call.
#[derive(Clone, Copy)]
pub struct Customers<'a> {
    client: &'a Client,
    cx: &'a Call,
}

impl Client {
    /// Customers.
    pub const fn customers<'a>(&'a self, cx: &'a Call) -> Customers<'a> {
        Customers { client: self, cx }
    }
}

/// Which customers to list.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Customers with one of these ids.
    pub ids: Vec<i64>,
    /// Customers with one of these e-mail addresses.
    pub emails: Vec<String>,
    /// Such as `addresses` and `storecredit`.
    pub include: Vec<String>,
    /// From 1.
    pub page: Option<u32>,
    /// Rows in a page.
    pub limit: Option<u32>,
}

impl Filter {
    fn apply(&self, request: Request) -> Request {
        let joined = |list: Vec<String>| (!list.is_empty()).then(|| list.join(","));
        request
            .query("id:in", joined(self.ids.iter().map(i64::to_string).collect()))
            .query("email:in", joined(self.emails.clone()))
            .query("include", joined(self.include.clone()))
            .query("page", self.page)
            .query("limit", self.limit)
    }
}

/// A customer.
#[derive(Debug, Clone)]
pub struct Customer {
    /// Its id.
    pub id: i64,
    /// Its e-mail address.
    pub email: Option<String>,
    /// Exactly what BigCommerce answered.
    pub raw: Value,
}

impl Customer {
    fn parse(raw: Value) -> Option<Self> {
        let (id, email) = (lenient::integer(&raw, "id")?, lenient::filled(&raw, "email"));
        Some(Self { id, email, raw: as_is(raw)? })
    }
}

/// An instrument that a customer stored. `raw` holds its token: for the shopper, not for a log.
#[derive(Clone)]
pub struct StoredInstrument {
    /// BigCommerce's `type`, such as `stored_card`.
    pub kind: Option<String>,
    /// Its last four digits.
    pub last_4: Option<String>,
    /// Exactly what BigCommerce answered.
    pub raw: Value,
}

impl StoredInstrument {
    fn parse(raw: Value) -> Option<Self> {
        let (kind, last_4) = (lenient::filled(&raw, "type"), lenient::filled(&raw, "last_4"));
        Some(Self { kind, last_4, raw: as_is(raw)? })
    }
}

impl Customers<'_> {
    /// Lists customers.
    pub async fn list(&self, filter: &Filter) -> Result<Answer<Vec<Customer>>, Error> {
        let request = filter.apply(Request::api("customer.list", Method::GET, &["v3", "customers"]));
        self.client.call(self.cx, request, rows(Customer::parse)).await
    }

    /// Reads one customer; there is no call for one, so it is a list of one.
    pub async fn get(&self, id: i64) -> Result<Answer<Option<Customer>>, Error> {
        let filter = Filter { ids: vec![id], ..Filter::default() };
        let found = self.list(&filter).await?;
        Ok(found.map(|list| list.into_iter().find(|customer| customer.id == id)))
    }

    /// What the customer stored to pay with. It does not say for which payment method: ask the methods for that.
    pub async fn stored_instruments(&self, id: i64) -> Result<Answer<Vec<StoredInstrument>>, Error> {
        let id = id.to_string();
        let segments = ["v3", "customers", &id, "stored-instruments"];
        let request = Request::api("customer.stored_instruments", Method::GET, &segments);
        self.client.call(self.cx, request, rows(StoredInstrument::parse)).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn stored_instruments_are_a_bare_array_and_customers_are_not() {
        let bare = json!([{"type": "stored_card", "last_4": 1111, "token": "t"}]);
        let read = rows(StoredInstrument::parse)(Some(bare)).expect("a list");
        assert_eq!(read.first().and_then(|one| one.last_4.as_deref()), Some("1111"));

        let read = rows(Customer::parse)(Some(json!({"data": [{"id": "4", "email": ""}], "meta": {}})));
        assert_eq!(read.expect("a list").first().map(|one| (one.id, one.email.is_none())), Some((4, true)));
        assert!(rows(Customer::parse)(Some(json!({"data": [{"email": "x"}]}))).is_none());
    }

    #[test]
    fn filters_become_comma_lists() {
        let filter = Filter { ids: vec![1, 2], emails: vec!["a@b.c".to_owned()], ..Filter::default() };
        let request = filter.apply(Request::api("x", Method::GET, &["v3"]));
        assert_eq!(request.query_text(), "?id:in=1,2&email:in=a%40b.c");
    }
}
