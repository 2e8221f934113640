//! A running simulator and a client that speaks like the guides do.

use bigcommerce_simulator::{Settings, Simulator};
use serde_json::{Value, json};

/// An answer with its body read.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    /// Null when there was no body.
    pub(crate) body: Value,
}

/// A simulator with one store under test.
pub(crate) struct Shop {
    pub(crate) simulator: Simulator,
    pub(crate) client: Client,
}

/// A client of one store.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) url: String,
    pub(crate) store: String,
    pub(crate) correlation_id: String,
    pub(crate) http: reqwest::Client,
}

pub(crate) const GUIDE_TOKEN: &str = "8cdf7b6ea1b27119463bf9e5106639618cc77a9adc49f0069ca8b756cc15caee";

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let simulator =
            Simulator::start(([127, 0, 0, 1], 0).into(), settings).await.expect("the simulator starts");
        let client = Client {
            url: simulator.url(),
            store: "abc".into(),
            correlation_id: "00000000-0000-4000-8000-000000000001".into(),
            http: client(),
        };
        Self { simulator, client }
    }
}

impl Client {
    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let url = if path.starts_with("/simulator") {
            format!("{}{path}", self.url)
        } else {
            format!("{}/stores/{}{path}", self.url, self.store)
        };
        self.http
            .request(method.parse().expect("a method"), url)
            .header("x-correlation-id", &self.correlation_id)
            .header("accept", "application/json")
            .header("content-type", "application/json")
    }

    /// Sends to the management host.
    pub(crate) async fn try_send(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> reqwest::Result<Got> {
        let mut request = self.request(method, path).header("x-auth-token", "token");
        if let Some(body) = body {
            request = request.body(body.to_string());
        }
        finish(request).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<Value>) -> Got {
        self.try_send(method, path, body).await.expect("an answer")
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.send("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Got {
        self.send("POST", path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Got {
        self.send("PUT", path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Got {
        self.send("DELETE", path, None).await
    }

    /// A cart with the guide's custom item; its id.
    pub(crate) async fn guide_cart(&self) -> String {
        let item = json!({"sku": "abc-123", "name": "Custom Product", "quantity": 1, "list_price": 10});
        self.cart(json!({"custom_items": [item]})).await
    }

    /// A cart; its id.
    pub(crate) async fn cart(&self, body: Value) -> String {
        let got = self.post("/v3/carts", body).await;
        assert_eq!(got.status, 201, "{}", got.body);
        got.body["data"]["id"].as_str().expect("an id").to_owned()
    }

    /// Billing address, one consignment for everything, its second option; the checkout.
    pub(crate) async fn make_ready(&self, cart: &str) -> Value {
        let path = format!("/v3/checkouts/{cart}");
        let got = self.post(&format!("{path}/billing-address"), address()).await;
        assert_eq!(got.status, 200, "{}", got.body);
        let items = ship_items(&got.body["data"]);
        if items.is_empty() {
            return got.body["data"].clone();
        }
        let include = "?include=consignments.available_shipping_options";
        let body = json!([{"address": address(), "line_items": items}]);
        let got = self.post(&format!("{path}/consignments{include}"), body).await;
        assert_eq!(got.status, 200, "{}", got.body);
        let consignment = &got.body["data"]["consignments"][0];
        let option = &consignment["available_shipping_options"][1]["id"];
        let path = format!("{path}/consignments/{}", consignment["id"].as_str().expect("an id"));
        let got = self.put(&path, json!({"shipping_option_id": option})).await;
        assert_eq!(got.status, 200, "{}", got.body);
        got.body["data"].clone()
    }

    /// Everything up to an Incomplete order; its id.
    pub(crate) async fn order(&self) -> u64 {
        let cart = self.guide_cart().await;
        self.make_ready(&cart).await;
        self.order_of(&cart).await
    }

    pub(crate) async fn order_of(&self, cart: &str) -> u64 {
        let got = self.send("POST", &format!("/v3/checkouts/{cart}/orders"), None).await;
        assert_eq!(got.status, 200, "{}", got.body);
        got.body["data"]["id"].as_u64().expect("an id")
    }

    /// A payment access token.
    pub(crate) async fn token(&self, order: u64) -> String {
        let got = self.mint(order).await;
        assert_eq!(got.status, 201, "{}", got.body);
        got.body["data"]["id"].as_str().expect("a token").to_owned()
    }

    pub(crate) async fn mint(&self, order: u64) -> Got {
        self.post("/v3/payments/access_tokens", json!({"order": {"id": order, "is_recurring": false}})).await
    }

    /// Sends to the payments host.
    pub(crate) async fn try_pay(&self, token: &str, payment: Value) -> reqwest::Result<Got> {
        let request = self
            .request("POST", "/payments")
            .header("authorization", format!("PAT {token}"))
            .header("accept", "application/vnd.bc.v1+json");
        finish(request.body(json!({ "payment": payment }).to_string())).await
    }

    pub(crate) async fn pay(&self, token: &str, payment: Value) -> Got {
        self.try_pay(token, payment).await.expect("an answer")
    }

    /// Mints and pays.
    pub(crate) async fn charge(&self, order: u64, payment: Value) -> Got {
        let token = self.token(order).await;
        self.pay(&token, payment).await
    }
}

/// A client for plain HTTP. Built together with the service, reqwest has TLS without a provider of its own.
pub(crate) fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// The only place that sends.
#[expect(clippy::disallowed_methods, reason = "this is the transport of the simulator's own tests")]
pub(crate) async fn finish(request: reqwest::RequestBuilder) -> reqwest::Result<Got> {
    let answer = request.send().await?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let text = answer.text().await?;
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Ok(Got { status, headers, body })
}

pub(crate) fn address() -> Value {
    json!({
        "first_name": "Jane", "last_name": "Doe", "email": "jane@example.com", "address1": "123 Main Street",
        "address2": "", "city": "Austin", "state_or_province": "Texas", "state_or_province_code": "TX",
        "country_code": "US", "postal_code": "78751", "phone": "1234567890",
    })
}

/// All lines of a checkout that ship, with their quantities.
pub(crate) fn ship_items(checkout: &Value) -> Vec<Value> {
    let lines = &checkout["cart"]["line_items"];
    ["physical_items", "custom_items"]
        .iter()
        .flat_map(|list| lines[list].as_array().expect("a list"))
        .map(|line| json!({"item_id": line["id"], "quantity": line["quantity"]}))
        .collect()
}

pub(crate) fn stored_card(token: &str) -> Value {
    json!({
        "instrument": {"type": "stored_card", "token": token, "verification_value": "1142"},
        "payment_method_id": "adyenv2.scheme", "save_instrument": true,
    })
}

pub(crate) fn card(number: &str) -> Value {
    json!({
        "instrument": {"type": "card", "number": number, "cardholder_name": "Jane Doe", "expiry_month": 12,
            "expiry_year": 2045, "verification_value": "123"},
        "payment_method_id": "stripe.card",
    })
}

pub(crate) fn good_card() -> Value {
    card("4242424242424242")
}
