//! The calls that a one-call checkout makes upstream, one after the other, with nothing in between.
//!
//! It is what a storefront would do that trusts the network and its own memory.

use std::time::Instant;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{ACCEPT, HeaderName, HeaderValue};

use super::bodies;
use super::shopper::Shopper;
use super::upstream::OPTION;

/// The calls that each step of the program makes, for what is added to a step: its name there, and the names here.
pub(crate) const STEPS: &[(&str, &[&str])] = &[
    ("create", &["cart"]),
    ("billing-address", &["billing-address"]),
    ("consignments", &["consignments"]),
    ("shipping-options", &["shipping-option"]),
];

/// One checkout.
pub(super) async fn checkout(shopper: &mut Shopper) -> anyhow::Result<()> {
    const STORE: &str = "/stores/bench";
    let cart = call(shopper, "cart", Method::POST, &format!("{STORE}/v3/carts"), bodies::CART).await?;
    let id = text_after(&cart, "\"id\":\"", '"')?;
    let at = |below: &str| format!("{STORE}/v3/checkouts/{id}/{below}");
    call(shopper, "billing-address", Method::POST, &at("billing-address"), bodies::ADDRESS).await?;
    let consignments =
        call(shopper, "consignments", Method::POST, &at("consignments"), bodies::CONSIGNMENTS).await?;
    let consignment = text_after(&consignments, "\"consignments\":[{\"id\":\"", '"')?;
    let option = format!(r#"{{"shipping_option_id":"{OPTION}"}}"#);
    let path = at(&format!("consignments/{consignment}"));
    call(shopper, "shipping-option", Method::PUT, &path, option).await?;
    let created = call(shopper, "order", Method::POST, &at("orders"), "").await?;
    let order = text_after(&created, "\"id\":", '}')?;
    let witness = format!("{STORE}/v2/orders?cart_id={id}&sort=id:asc");
    call(shopper, "orders", Method::GET, &witness, "").await?;
    let body = format!(r#"{{"order":{{"id":{order},"is_recurring":false}}}}"#);
    call(shopper, "token", Method::POST, &format!("{STORE}/v3/payments/access_tokens"), body).await?;
    let payment = bodies::UPSTREAM_PAYMENT;
    call(shopper, "payment", Method::POST, &format!("{STORE}/payments"), payment).await?;
    Ok(())
}

async fn call(
    shopper: &mut Shopper,
    what: &'static str,
    method: Method,
    path: &str,
    body: impl Into<Bytes>,
) -> anyhow::Result<Bytes> {
    let headers = [
        (ACCEPT, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("x-auth-token"), HeaderValue::from_static("bench-access-token")),
    ];
    let began = Instant::now();
    let answer = shopper.connection.send(method, path, &headers, body.into()).await?;
    shopper.note(what, began);
    Ok(answer.expect(&[200, 201, 202])?.body)
}

/// What stands between that text and that character.
pub(super) fn text_after(body: &[u8], text: &str, end: char) -> anyhow::Result<String> {
    let body = String::from_utf8_lossy(body);
    let found =
        body.split_once(text).and_then(|(_, rest)| rest.split_once(end)).map(|(found, _)| found.to_owned());
    found.ok_or_else(|| anyhow::anyhow!("the upstream's answer has no {text:?}"))
}
