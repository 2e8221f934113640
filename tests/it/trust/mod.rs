//! Who is believed about what: server keys, publishable keys, checkout tokens, and tokens that prove a customer.

mod customers;
mod declines;
mod marked;
mod prices;
mod publishable;
mod seen;
mod takeover;
mod tokens;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

pub(crate) use takeover::at_bigcommerce;

use crate::harness::{Answer, KEY, ORIGIN, PAGE_KEY, Service, World, address};

/// A product of the simulator's catalog: 15.00, and 16.24 with tax.
fn mug() -> Value {
    json!({"line_items": [{"product_id": 120, "quantity": 1}]})
}

/// Everything up to the order, of the catalog only.
fn everything() -> Value {
    let mut body = mug();
    body["billing_address"] = address();
    body["consignments"] = json!([{"address": address()}]);
    body["shipping_preference"] = json!("cheapest");
    body
}

/// Whose credential a request carries.
#[derive(Debug, Clone)]
enum Who {
    /// The storefront's server.
    Server,
    /// A page with the publishable key, from its own origin.
    Page,
    /// The holder of this checkout token, in a page.
    Shopper(String),
}

/// A call with this credential and a fresh key.
async fn ask(service: &Service, who: &Who, method: Method, path: &str, body: Option<&Value>) -> Answer {
    ask_with(service, who, method, path, &Uuid::new_v4().to_string(), body).await
}

async fn ask_with(
    service: &Service,
    who: &Who,
    method: Method,
    path: &str,
    key: &str,
    body: Option<&Value>,
) -> Answer {
    let bearer = match who {
        Who::Server => format!("Bearer {KEY}"),
        Who::Page => format!("Bearer {PAGE_KEY}"),
        Who::Shopper(token) => format!("Bearer {token}"),
    };
    let mut headers = vec![("authorization", &*bearer), ("prefer", "wait=30")];
    if !matches!(who, Who::Server) {
        headers.push(("origin", ORIGIN));
    }
    if method == Method::POST {
        headers.push(("idempotency-key", key));
    }
    if body.is_some() {
        headers.push(("content-type", "application/json"));
    }
    service.call(method, path, &headers, body.map(|body| body.to_string().into_bytes())).await
}

async fn post(service: &Service, who: &Who, path: &str, body: &Value) -> Answer {
    ask(service, who, Method::POST, path, Some(body)).await
}

/// The path of a checkout that was created, and its token.
fn created(answer: &Answer) -> (String, Who) {
    let token = answer.body["checkout_token"].as_str().expect("a checkout token").to_owned();
    (format!("/v1/checkouts/{}", answer.id()), Who::Shopper(token))
}

/// Where the errors of a refusal point to.
fn pointers(refused: &Answer) -> Vec<&str> {
    let errors = refused.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().filter_map(|error| error["pointer"].as_str()).collect()
}

/// What was recorded, and what arrived at BigCommerce.
async fn traces(world: &World) -> (i64, i64, usize) {
    let counted =
        sqlx::query_as("select (select count(*) from checkout), (select count(*) from idempotency_key)");
    let (checkouts, keys) = counted.fetch_one(&world.database.pool).await.expect("counts");
    (checkouts, keys, world.simulator.requests().len())
}

const CLIENT_SECRET: &str = "bigcommerce-client-secret-of-the-tests";

/// What BigCommerce says of a customer who is signed in.
fn claims(customer: i64) -> Value {
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    json!({
        "customer": {"id": customer, "email": "jane@example.com", "group_id": "6"}, "iss": "bc/apps", "sub": "teststore",
        "iat": now, "exp": now + 900, "version": 1, "aud": "client", "application_id": "client",
        "store_hash": "teststore", "operation": "current_customer",
    })
}

fn signed(header: &Value, claims: &Value, secret: &str) -> String {
    let encoded = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
    let text = format!("{}.{}", encoded(header), encoded(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(text.as_bytes());
    format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// The Current Customer token of a customer.
fn customer_token(customer: i64) -> String {
    signed(&json!({"alg": "HS256", "typ": "JWT"}), &claims(customer), CLIENT_SECRET)
}

fn with(mut body: Value, field: &str, value: impl Into<Value>) -> Value {
    body[field] = value.into();
    body
}
