//! What is not seen is not absent: before anything is ordered, charged, undone or said to be certain, what may still be on
//! its way has had its time, and there are two witnesses.

mod blind;
mod ended;
mod filters;
mod hand_off;
mod identities;
mod late;
mod open;
mod windows;
mod witnesses;

use serde_json::{Value, json};

use crate::harness::{Service, World, agreed, everything, good_card};

/// A payment to which the shopper agreed.
fn payment() -> Value {
    agreed(good_card())
}

/// A checkout with its order, and the number of that.
async fn ordered(service: &Service) -> (String, u64) {
    let path = service.create(&everything()).await;
    let ordered = service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    let order = ordered.body["order"]["id"].as_u64().expect("an order");
    (path, order)
}

/// How often this call was sent.
fn sent(world: &World, call: &str) -> usize {
    world.simulator.requests().iter().filter(|request| request.call == call).count()
}

/// A fault that changes nothing and counts.
fn counted(world: &World, call: &str) -> bigcommerce_simulator::FaultId {
    world.simulator.add_fault(bigcommerce_simulator::Fault::on(call).slow(1).always())
}
