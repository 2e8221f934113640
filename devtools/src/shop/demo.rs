//! What the fault dial does, and what the live view sees: only ever about one checkout, and only what is named here.

use std::sync::Arc;

use anyhow::Context as _;
use axum::{
    Json, Router,
    extract::{Query, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PUBLISHABLE_KEY, Shop, simulator};

/// Something that goes wrong with the next such call of the checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    /// The order is made, and its answer is lost.
    LoseOrderAnswer,
    /// The card is charged, and a gateway answers 504.
    GatewayTimeout,
    /// The card is charged, and the answer comes four seconds later.
    SlowPayment,
}

const FAULTS: [(Fault, &str); 3] = [
    (Fault::LoseOrderAnswer, "lose-order-answer"),
    (Fault::GatewayTimeout, "gateway-timeout"),
    (Fault::SlowPayment, "slow-payment"),
];

impl Fault {
    /// The call that it strikes, and the simulator's name for it.
    fn strikes(self) -> (&'static str, &'static str) {
        match self {
            Self::LoseOrderAnswer => ("create-order", "reset"),
            Self::GatewayTimeout => ("process-payment", "html"),
            Self::SlowPayment => ("process-payment", "slow"),
        }
    }

    fn kind(self) -> Value {
        let kind = self.strikes().1;
        match self {
            Self::LoseOrderAnswer => json!({"kind": kind, "effect": "after"}),
            Self::GatewayTimeout => json!({"kind": kind, "status": 504, "effect": "after"}),
            Self::SlowPayment => json!({"kind": kind, "ms": 4000, "effect": "after"}),
        }
    }

    /// Whether that row of the simulator's board is this fault.
    fn is(self, row: &Value) -> bool {
        let (call, kind) = self.strikes();
        row["call"] == call && row["fault"]["kind"] == kind
    }
}

/// What somebody else does with the checkout, at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Deed {
    /// The merchant adds a fee.
    RaisePrice,
    /// The shopper opens BigCommerce's hosted checkout, too, which makes an order of its own.
    OpenHostedPage,
}

#[derive(Deserialize)]
struct About {
    checkout: Uuid,
}

#[derive(Deserialize)]
struct Turn {
    checkout: Uuid,
    fault: Fault,
    armed: bool,
}

#[derive(Deserialize)]
struct Act {
    checkout: Uuid,
    does: Deed,
}

/// A failure, with the sentence that the page shows.
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"message": self.1}))).into_response()
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Self {
        Self(StatusCode::BAD_GATEWAY, format!("{error:#}"))
    }
}

type Answer = Result<Json<Value>, Refusal>;

/// The routes. A body is JSON and says so, which a page from elsewhere cannot send without asking first.
pub(crate) fn routes() -> Router<Arc<Shop>> {
    Router::new()
        .route("/demo", get(about))
        .route("/demo/ledger", get(ledger))
        .route("/demo/faults", post(turn))
        .route("/demo/meanwhile", post(act))
        .route("/demo/kill", post(kill))
}

/// What a page has to know, and what it can offer.
async fn about(State(shop): State<Arc<Shop>>) -> Json<Value> {
    Json(json!({"api": shop.api, "publishable_key": PUBLISHABLE_KEY, "can_kill": shop.switch.is_some()}))
}

/// What really happened about one checkout.
async fn ledger(State(shop): State<Arc<Shop>>, Query(About { checkout }): Query<About>) -> Answer {
    let id = checkout.to_string();
    let (ledger, faults) = futures::future::join(
        simulator::get(&shop.simulator, "/ledger"),
        simulator::get(&shop.simulator, "/faults"),
    )
    .await;
    let (ledger, faults) = (ledger?, faults?);
    let carts = rows(&ledger["carts"], |row| row["correlation_id"] == *id);
    let is_of_cart = |row: &Value| carts.iter().any(|cart| cart["id"] == row["cart_id"]);
    let orders = rows(&ledger["orders"], |row| row["correlation_id"] == *id || is_of_cart(row));
    let is_of_order = |row: &Value| orders.iter().any(|order| order["id"] == row["order_id"]);
    let charges = rows(&ledger["charges"], is_of_order);
    let requests = rows(&ledger["requests"], |row| row["correlation_id"] == *id);
    let of_checkout = rows(&faults, |row| row["match"]["correlation_id"] == *id);
    let faults: Vec<Value> = FAULTS
        .iter()
        .filter_map(|(fault, name)| {
            let row = of_checkout.iter().rev().find(|row| fault.is(row))?;
            Some(json!({"fault": name, "reached": row["reached"]}))
        })
        .collect();
    let service = shop.switch.as_ref().map(|switch| {
        let service = switch.service();
        json!({"kills": service.kills, "is_down": service.is_down})
    });
    Ok(Json(json!({
        "carts": carts, "orders": orders, "charges": charges, "requests": requests, "faults": faults,
        "service": service,
    })))
}

fn rows(list: &Value, is_wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
    list.as_array().into_iter().flatten().filter(|row| is_wanted(row)).cloned().collect()
}

/// Arms a fault, or takes it back. Two faults of one call would hide each other, so that the newer one takes the place.
async fn turn(State(shop): State<Arc<Shop>>, Json(Turn { checkout, fault, armed }): Json<Turn>) -> Answer {
    let place = &shop.simulator;
    let (call, _) = fault.strikes();
    let board = simulator::get(place, "/faults").await?;
    let id = checkout.to_string();
    let old = rows(&board, |row| row["match"]["correlation_id"] == *id && row["call"] == call);
    for row in old {
        simulator::ask(place, Method::DELETE, &format!("/faults/{}", row["id"]), None).await?;
    }
    if armed {
        let added = json!({"call": call, "match": {"correlation_id": id}, "fault": fault.kind()});
        let (status, answer) = simulator::ask(place, Method::POST, "/faults", Some(added)).await?;
        if !status.is_success() {
            return Err(Refusal(
                StatusCode::BAD_GATEWAY,
                format!("The simulator refuses the fault: {answer}"),
            ));
        }
    }
    Ok(Json(json!({"armed": armed})))
}

/// Lets somebody else act on the cart of the checkout.
async fn act(State(shop): State<Arc<Shop>>, Json(Act { checkout, does }): Json<Act>) -> Answer {
    let ledger = simulator::get(&shop.simulator, "/ledger").await?;
    let id = checkout.to_string();
    let cart = rows(&ledger["carts"], |row| row["correlation_id"] == *id && row["state"] == "live").pop();
    let nothing = || {
        let message = "There is nothing to change: the cart is not there, or it is ordered and paid.";
        Refusal(StatusCode::CONFLICT, message.to_owned())
    };
    let cart = cart.ok_or_else(nothing)?;
    let deed = match does {
        Deed::RaisePrice => "add_fee",
        Deed::OpenHostedPage => "open_page",
    };
    let body = json!({"does": deed, "cart_id": cart["id"]});
    let (status, answer) = simulator::ask(&shop.simulator, Method::POST, "/meanwhile", Some(body)).await?;
    match status {
        StatusCode::NOT_FOUND => Err(nothing()),
        status if status.is_success() => Ok(Json(json!({"done": true}))),
        _ => Err(anyhow::anyhow!("the simulator refuses: {answer}").into()),
    }
}

/// Kills the service; it is started again by whoever did it.
async fn kill(State(shop): State<Arc<Shop>>, Json(_): Json<Value>) -> Answer {
    let switch = shop.switch.as_ref().context("nobody here can kill the service");
    let switch = switch.map_err(|error| Refusal(StatusCode::NOT_IMPLEMENTED, format!("{error:#}")))?;
    if switch.kill().await {
        return Ok(Json(json!({"killed": true})));
    }
    Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, "The run is ending.".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_name_and_is_found_again() {
        for (fault, name) in FAULTS {
            assert_eq!(serde_json::from_value::<Fault>(name.into()).expect("a name"), fault);
            let row = json!({"call": fault.strikes().0, "fault": fault.kind()});
            let found: Vec<_> = FAULTS.iter().filter(|(other, _)| other.is(&row)).collect();
            assert_eq!(found, [&(fault, name)]);
        }
    }
}
