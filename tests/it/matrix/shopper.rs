//! A storefront that does not give up: every request of a stepwise checkout, sent again with its own key until its answer
//! is settled.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, KEY, Service, World, address, agreed, custom_cart, good_card};

/// The requests of a stepwise checkout, by the name of the call that each one leads to.
pub(crate) struct Shopper {
    payment: Value,
    cancels: bool,
    path: Option<String>,
}

/// How often a request is sent again before the test gives up.
const PERSISTENCE: usize = 40;

impl Shopper {
    pub(crate) fn new(payment: Option<Value>, cancels: bool) -> Self {
        Self { payment: payment.unwrap_or_else(good_card), cancels, path: None }
    }

    /// The names of its requests, in order.
    pub(crate) fn requests(&self) -> &'static [&'static str] {
        if self.cancels {
            &["create", "billing-address", "consignments", "shipping-options", "order", "cancel"]
        } else {
            &["create", "billing-address", "consignments", "shipping-options", "order", "payment"]
        }
    }

    /// The request that leads to this call.
    pub(crate) fn request_of(call: &str) -> &'static str {
        match call {
            "create-cart" => "create",
            "add-billing-address" => "billing-address",
            "add-consignments" => "consignments",
            "update-consignment" => "shipping-options",
            "create-order" | "list-orders" => "order",
            "create-access-token" | "process-payment" => "payment",
            "update-order" | "delete-cart" => "cancel",
            other => panic!("no request leads to {other}"),
        }
    }

    /// The path of its checkout.
    pub(crate) fn path(&self) -> &str {
        self.path.as_deref().expect("it was created")
    }

    /// Sends one request once.
    pub(crate) async fn send(&self, service: &Service, request: &str, wait: &str) -> Answer {
        let path = self.path.clone().unwrap_or_default();
        let (method, path, body) = match request {
            "create" => (Method::POST, "/v1/checkouts".to_owned(), Some(custom_cart())),
            "billing-address" => (Method::PUT, format!("{path}/billing-address"), Some(address())),
            "consignments" => {
                (Method::PUT, format!("{path}/consignments"), Some(json!([{"address": address()}])))
            }
            "shipping-options" => {
                let snapshot = service.get(&path).await;
                let options = &snapshot.body["consignments"][0]["available_shipping_options"];
                let option =
                    options.as_array().and_then(|options| options.iter().find(|option| option["cost"] == 0));
                let option = option.map(|option| option["id"].clone()).unwrap_or_default();
                let choice = json!([{"shipping_option_id": option}]);
                (Method::PUT, format!("{path}/shipping-options"), Some(choice))
            }
            "order" => (Method::POST, format!("{path}/order"), Some(json!({}))),
            "payment" => (Method::POST, format!("{path}/payment"), Some(agreed(self.payment.clone()))),
            "cancel" => (Method::DELETE, path, None),
            other => panic!("no request {other}"),
        };
        let bearer = format!("Bearer {KEY}");
        let mut headers =
            vec![("authorization", &*bearer), ("prefer", wait), ("content-type", "application/json")];
        if method == Method::POST {
            headers.push(("idempotency-key", request));
        }
        service.call(method, &path, &headers, body.map(|body| body.to_string().into_bytes())).await
    }

    /// Sends a request until its answer is settled: done, or in doubt.
    pub(crate) async fn insist(&mut self, service: &Service, request: &str) -> Answer {
        for _ in 0..PERSISTENCE {
            let answer = self.send(service, request, "wait=5").await;
            if request == "create" && answer.status.is_success() {
                self.path = Some(format!("/v1/checkouts/{}", answer.id()));
            }
            match answer.status.as_u16() {
                200 | 201 | 402 => return answer,
                202 => {
                    let path = self.path().to_owned();
                    let settled = |snapshot: &Value| {
                        !matches!(snapshot["status"].as_str(), Some("running" | "compensating"))
                            && (snapshot["status"] != "waiting" || snapshot["payment"].is_object())
                    };
                    let snapshot = service.wait_until(&path, "settled", settled).await;
                    if snapshot["payment"]["status"] == "unknown"
                        || snapshot["payment"]["status"] == "pending"
                    {
                        return answer;
                    }
                }
                409 if matches!(answer.problem(), "step-in-progress") => {
                    let path = self.path().to_owned();
                    service.wait_until(&path, "at rest", |snapshot| snapshot["status"] != "running").await;
                }
                // A PUT that was done by an earlier send: the step is over.
                409 if matches!(
                    answer.problem(),
                    "checkout-closed" | "payment-in-doubt" | "checkout-stuck"
                ) =>
                {
                    return answer;
                }
                503 => {}
                other => panic!("{request}: {other} {}", answer.text),
            }
        }
        panic!("{request} is never settled");
    }

    /// All requests from this one on.
    pub(crate) async fn go_on(&mut self, service: &Service, from: &str) {
        for request in self.requests().iter().skip_while(|request| **request != from) {
            self.insist(service, request).await;
        }
    }
}

/// A hasty world whose processes share few connections.
pub(crate) async fn world() -> World {
    let mut world = World::hasty().await;
    world.set("DATABASE_MAX_CONNECTIONS", "5");
    world
}
