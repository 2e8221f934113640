//! What BigCommerce answers and nobody can read, at the doors where a guess would mean money: nothing is guessed.

mod order;
mod texts;

use std::collections::BTreeMap;

use bigcommerce_simulator::{Effect, Fault, FaultId, Kind};
use reqwest::Method;
use serde_json::Value;

use crate::harness::World;

/// From now on this call does what it does, and this is what is heard of it.
pub(crate) fn answers(world: &World, on: Fault, body: Value) -> FaultId {
    let kind =
        Kind::Status { status: 200, effect: Effect::After, headers: BTreeMap::new(), body: Some(body) };
    world.simulator.add_fault(on.kind(kind))
}

/// How often this call was sent.
fn sent(world: &World, call: &str) -> usize {
    world.simulator.requests().iter().filter(|request| request.call == call).count()
}

/// What BigCommerce answers to another program.
#[expect(clippy::disallowed_methods, reason = "it is not the service that sends")]
async fn at_bigcommerce(world: &World, method: Method, path: &str, body: Option<&Value>) -> Value {
    let url = format!("{}/stores/teststore{path}", world.simulator.url());
    let mut request = reqwest::Client::new().request(method, url).header("x-auth-token", "another-app");
    request = request.header("accept", "application/json");
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    let text = request.send().await.expect("an answer").text().await.expect("a body");
    serde_json::from_str(&text).expect("JSON")
}
