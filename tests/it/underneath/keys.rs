//! A key answers with what became of its attempt, also when a person decided that.

use bigcommerce_simulator::Fault;
use reqwest::Method;
use serde_json::json;

use super::text;
use crate::harness::{OPERATOR, PATIENCE, Service, World, everything, run_with};

/// A checkout that is stuck because nobody can say what became of its order; the key `order` was told so.
async fn stuck(world: &World, service: &Service) -> String {
    let path = service.create(&everything()).await;
    world.simulator.add_fault(Fault::on("create-order").always().reset_before());
    world.simulator.add_fault(Fault::on("list-orders").always().status_before(500));
    service.post_with(&format!("{path}/order"), "order", &json!({})).await;
    let stuck = service.wait_until(&path, "stuck", |snapshot| snapshot["status"] == "stuck").await;
    assert_eq!(stuck["stuck"]["reason"], "order-unknown", "{stuck:#}");
    let told = service.post_with(&format!("{path}/order"), "order", &json!({})).await;
    assert_eq!(told.problem(), "checkout-stuck", "{}", told.text);
    world.simulator.clear_faults();
    path
}

async fn operate(service: &Service, path: &str, action: &str) {
    let id = path.rsplit('/').next().expect("an id");
    let reason = json!({"reason": "the shopper called"});
    let path = format!("/ops/v1/checkouts/{id}/{action}");
    service.operate(Method::POST, &path, OPERATOR, Some(&reason)).await.expect(200);
}

#[tokio::test]
async fn the_key_of_what_an_operator_cancelled_says_that_it_is_closed() {
    let mut world = World::new().await;
    world.set("MAX_ATTEMPTS", "2");
    run_with(world, async |world, service| {
        let path = stuck(world, service).await;
        operate(service, &path, "cancel").await;
        service.wait_until(&path, "cancelled", |snapshot| snapshot["status"] == "cancelled").await;
        let told = service.post_with(&format!("{path}/order"), "order", &json!({})).await;
        assert_eq!(told.problem(), "checkout-closed", "{}", told.text);
    })
    .await;
}

/// A restart takes "stuck" back: until it has ended, the key has no answer, and then the one that is true.
#[tokio::test]
async fn the_key_of_what_goes_on_waits_for_what_becomes_of_it() {
    let mut world = World::new().await;
    world.set("MAX_ATTEMPTS", "2");
    run_with(world, async |world, service| {
        let path = stuck(world, service).await;
        let held = world.simulator.add_fault(Fault::on("list-orders").hold_before());
        operate(service, &path, "restart").await;
        tokio::time::timeout(PATIENCE, world.simulator.wait_reached(held, 1)).await.expect("it looks again");
        service.post_waiting(&format!("{path}/order"), "order", 0, &json!({})).await.expect(202);
        world.simulator.release(held);
        service.wait_until(&path, "at rest", |snapshot| snapshot["status"] == "awaiting_input").await;
        let open = "select count(*)::text from idempotency_key where answer is null";
        assert_eq!(text(world, open).await, "0");
        let told = service.post_with(&format!("{path}/order"), "order", &json!({})).await;
        assert_ne!(told.body["code"], "checkout-stuck", "{}", told.text);
    })
    .await;
}
