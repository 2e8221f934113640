//! The catalog (BigCommerce: catalog/product-variants), for reading only.
//!
//! Guarantees: documents are passed on as BigCommerce wrote them.

use reqwest::Method;
use serde_json::Value;

use super::{Answer, Call, Client, Error, as_is, rows, transport::Request};

/// The catalog of a store, for one call.
#[derive(Clone, Copy)]
pub struct Catalog<'a> {
    client: &'a Client,
    cx: &'a Call,
}

impl Client {
    /// The catalog.
    pub const fn catalog<'a>(&'a self, cx: &'a Call) -> Catalog<'a> {
        Catalog { client: self, cx }
    }
}

impl Catalog<'_> {
    /// A page of the variants of a product, as they are. Pages are counted from 1.
    pub async fn variants(
        &self,
        product_id: i64,
        page: Option<u32>,
        limit: Option<u32>,
    ) -> Result<Answer<Vec<Value>>, Error> {
        let product_id = product_id.to_string();
        let segments = ["v3", "catalog", "products", &product_id, "variants"];
        let request = Request::api("catalog.variants", Method::GET, &segments);
        self.client.call(self.cx, request.query("page", page).query("limit", limit), rows(as_is)).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn variants_keep_the_text_of_their_numbers() {
        let body =
            r#"{"data":[{"id":9,"calculated_price":13.858823529412}],"meta":{"pagination":{"total":1}}}"#;
        let read = rows(as_is)(serde_json::from_str(body).ok()).expect("a list");
        let kept = read.first().map(Value::to_string).unwrap_or_default();
        assert!(kept.contains(r#""calculated_price":13.858823529412"#), "{kept}");
        assert!(rows(as_is)(Some(json!({"data": [7]}))).is_none());
    }
}
