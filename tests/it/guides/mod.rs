//! One test for each sentence of BigCommerce's guides that describes a call, named after it, with the guide's literal
//! bodies, through the doors of the service. The guides: "Create an order from a cart", "Handling orders" (older and
//! newer), "Orders overview", "Processing orders".
//!
//! Where a guide is wrong, the service does what is right, and the test says so.

mod bodies;
mod carts;
mod direct;
mod management;
mod parts;
mod payments;

use serde_json::{Value, json};

use self::bodies::{BILLING_ADDRESS, CART, CONSIGNMENT_OF_JANE};
use crate::harness::{Answer, Service, World};

fn guide(text: &str) -> Value {
    serde_json::from_str(text).expect("the guide's body is JSON")
}

/// The body as it is printed in the guide, to the byte.
async fn post(service: &Service, path: &str, body: &str) -> Answer {
    post_seen(service, path, None, body).await
}

/// Pays with the body as it is printed in the guide, to the byte. The shopper agrees to the total of the snapshot that he
/// was shown.
async fn pay(service: &Service, path: &str, body: &str) -> Answer {
    let shown = service.get(path).await.expect(200);
    post_seen(service, &format!("{path}/payment"), shown.header("etag"), body).await
}

async fn post_seen(service: &Service, path: &str, seen: Option<&str>, body: &str) -> Answer {
    let bearer = format!("Bearer {}", crate::harness::KEY);
    let key = uuid::Uuid::now_v7().to_string();
    let mut headers = vec![
        ("authorization", &*bearer),
        ("prefer", "wait=30"),
        ("idempotency-key", &*key),
        ("content-type", "application/json"),
    ];
    headers.extend(seen.map(|seen| ("if-match", seen)));
    service.call(reqwest::Method::POST, path, &headers, Some(body.as_bytes().to_vec())).await
}

/// The cart of the guide, for this customer.
async fn cart_of(service: &Service, customer: Option<u32>) -> (String, Value) {
    let mut body = guide(CART);
    if let Some(customer) = customer {
        body["customer_id"] = customer.into();
    }
    let created = post(service, "/v1/checkouts", &body.to_string()).await.expect(201);
    (format!("/v1/checkouts/{}", created.id()), created.body)
}

fn line_item(checkout: &Value) -> &str {
    checkout["cart"]["line_items"]["custom_items"][0]["id"].as_str().expect("a line item")
}

/// The guide's consignment for the cart's own line.
fn consignment_of(text: &str, checkout: &Value) -> Value {
    let mut body = guide(text);
    body[0]["line_items"][0]["item_id"] = line_item(checkout).into();
    body
}

async fn with_address(service: &Service, customer: Option<u32>) -> (String, Value) {
    let (path, _) = cart_of(service, customer).await;
    let body = guide(BILLING_ADDRESS);
    let answer = service.put(&format!("{path}/billing-address"), &body).await.expect(200);
    (path, answer.body)
}

async fn with_consignment(service: &Service, customer: Option<u32>) -> (String, Value) {
    let (path, checkout) = with_address(service, customer).await;
    let body = consignment_of(CONSIGNMENT_OF_JANE, &checkout);
    let answer = service.put(&format!("{path}/consignments"), &body).await.expect(200);
    (path, answer.body)
}

fn option(checkout: &Value, kind: &str) -> Value {
    let options = checkout["consignments"][0]["available_shipping_options"].as_array().expect("options");
    let found = options.iter().find(|option| option["type"] == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {options:?}"))["id"].clone()
}

async fn with_order(service: &Service, customer: Option<u32>) -> (String, Value) {
    let (path, checkout) = with_consignment(service, customer).await;
    let body = json!([{"shipping_option_id": option(&checkout, "freeshipping")}]);
    service.put(&format!("{path}/shipping-options"), &body).await.expect(200);
    let answer = service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    (path, answer.body)
}

fn call<'a>(
    requests: &'a [bigcommerce_simulator::Request],
    end: &str,
) -> Vec<&'a bigcommerce_simulator::Request> {
    requests.iter().filter(|request| request.path.ends_with(end)).collect()
}
