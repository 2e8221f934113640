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
    /// Customers with one of these email addresses.
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
    /// Its email address.
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
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn customers_are_read() {
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
