//! Payments whose answer was lost while BigCommerce cannot be asked.

use bigcommerce_simulator::Fault;
use serde_json::json;

use crate::harness::{KEY, PATIENCE, World, everything, good_card};

#[tokio::test]
async fn a_payment_that_could_not_be_looked_for_is_not_given_up() {
    let mut world = World::new().await;
    world.simulator.set(|settings| settings.token_ttl_seconds = 1);
    world.set("SETTLE_SECONDS", "0.2");
    let service = world.start().await;
    let path = service.create(&everything()).await;
    service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    world.simulator.add_fault(Fault::on("process-payment").status_after(500));
    let unreadable = world.simulator.add_fault(Fault::on("get-order").always().status_before(503));
    let bearer = format!("Bearer {KEY}");
    let headers = [
        ("authorization", &*bearer),
        ("prefer", "wait=0"),
        ("idempotency-key", "doubt"),
        ("content-type", "application/json"),
    ];
    let body = good_card().to_string().into_bytes();
    service.call(reqwest::Method::POST, &format!("{path}/payment"), &headers, Some(body)).await.expect(202);
    // The fourth look comes seconds after the token and the quiet period have run out.
    let looks = world.simulator.wait_reached(unreadable, 4);
    tokio::time::timeout(PATIENCE, looks).await.expect("it goes on looking");
    let snapshot = service.get(&path).await.expect(200);
    assert_eq!(snapshot.body["payment"]["status"], "unknown", "{}", snapshot.text);
    assert_ne!(snapshot.body["status"], "stuck", "{}", snapshot.text);
    world.simulator.clear_faults();
    service.wait_until(&path, "completed", |snapshot| snapshot["status"] == "completed").await;
    service.stop().await;
    world.finish().await;
}
