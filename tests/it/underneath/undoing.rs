//! What is being undone is undone further, whatever BigCommerce said to it.

use bigcommerce_simulator::Fault;
use reqwest::Method;
use serde_json::json;

use super::sql;
use crate::harness::{OPERATOR, Service, World, everything, run};

async fn restart(service: &Service, path: &str) {
    let id = path.rsplit('/').next().expect("an id");
    let reason = json!({"reason": "BigCommerce works again"});
    let path = format!("/ops/v1/checkouts/{id}/restart");
    service.operate(Method::POST, &path, OPERATOR, Some(&reason)).await.expect(200);
}

/// Undone for nobody: it was abandoned, BigCommerce refused the undoing, and a person lets it go on.
#[tokio::test]
async fn an_undoing_that_was_refused_is_undone_further_after_a_restart() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        let refusing = world.simulator.add_fault(Fault::on("delete-cart").always().status_before(422));
        sql(world, "update checkout set due_at = now(), expires_at = now()").await;
        let stuck = service.wait_until(&path, "stuck", |snapshot| snapshot["status"] == "stuck").await;
        assert_eq!(stuck["stuck"]["reason"], "undo-failed", "{stuck:#}");
        assert!(world.simulator.reached(refusing) > 0);
        world.simulator.clear_faults();
        restart(service, &path).await;
        let on_its_way = ["stuck", "compensating", "running", "waiting"];
        let ended = service
            .wait_until(&path, "at its end", |snapshot| {
                !on_its_way.contains(&snapshot["status"].as_str().unwrap_or_default())
            })
            .await;
        assert_eq!(ended["status"], "expired", "it never runs forward: {ended:#}");
    })
    .await;
}

/// The same for a shopper who cancelled.
#[tokio::test]
async fn so_is_one_that_a_shopper_asked_for() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        let refusing = world.simulator.add_fault(Fault::on("delete-cart").always().status_before(422));
        let answered = service.delete(&path).await;
        assert_eq!(answered.problem(), "checkout-stuck", "{}", answered.text);
        assert!(world.simulator.reached(refusing) > 0);
        world.simulator.clear_faults();
        restart(service, &path).await;
        service.wait_until(&path, "cancelled", |snapshot| snapshot["status"] == "cancelled").await;
    })
    .await;
}

/// A record that names a step which its flow does not have is for a person; nothing of it is undone.
#[tokio::test]
async fn a_step_that_the_flow_does_not_have_undoes_nothing() {
    let world = World::new().await;
    let service = world.start().await;
    let path = service.create(&everything()).await;
    let sent = world.simulator.requests().len();
    // As if an attempt of that step had been in flight when its process was lost.
    let foreign = "update checkout set flow = 'direct-order', status = 'running', leased_by = gen_random_uuid(), due_at = now(),
        fence = fence + 1, version = version + 1, record = jsonb_set(record::jsonb, '{in_flight}', jsonb_build_object(
            'step', 'consignments', 'attempt', 1, 'fence', 1, 'started_at', '2026-01-01T00:00:00Z'))::json";
    assert_eq!(sql(&world, foreign).await, 1);
    let stuck = service.wait_until(&path, "stuck", |snapshot| snapshot["status"] == "stuck").await;
    assert_eq!(stuck["stuck"]["reason"], "attempts-exhausted", "{stuck:#}");
    assert_eq!(world.simulator.requests().len(), sent, "nothing was sent");
    service.stop().await;
    world.abandon("the log does not tell how a changed row came to be as it is").await;
}
