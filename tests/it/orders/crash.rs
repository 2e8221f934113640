//! `kill -9` while something is on its way, and the start of another process.

use bigcommerce_simulator::{Effect, Fault};
use serde_json::Value;

use super::{ask, authorized, get, happened, paid, refund_of};
use crate::harness::{OPERATOR, Service, World};

/// Kills the process while this call waits in the simulator, before or after it took effect; answers what became of the
/// action after another process was started, and the service.
async fn kill_at(
    world: &World,
    service: Service,
    call: &str,
    effect: Effect,
    path: &str,
    body: Option<&Value>,
) -> (Service, Value) {
    let fault = world.simulator.add_fault(match effect {
        Effect::Before => Fault::on(call).hold_before(),
        Effect::After => Fault::on(call).hold_after(),
    });
    tokio::select! {
        () = world.simulator.wait_reached(fault, 1) => {}
        answer = lonely(&service, path, body) => panic!("{call} was answered: {answer:?}"),
    }
    service.kill().await;
    world.simulator.clear_faults();
    let service = world.spawn().await;
    let deadline = tokio::time::Instant::now() + crate::harness::PATIENCE;
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(50));
    loop {
        looks.tick().await;
        let actions = get(&service, "order-actions").await.expect(200);
        let action = actions.body["data"][0].clone();
        if !matches!(action["status"].as_str(), Some("sending" | "unknown")) {
            return (service, action);
        }
        assert!(tokio::time::Instant::now() < deadline, "it is never known: {action:#}");
    }
}

/// A request whose answer may never come.
#[expect(clippy::disallowed_methods, reason = "a test is not the upstream client")]
async fn lonely(service: &Service, path: &str, body: Option<&Value>) -> Option<u16> {
    let http =
        headless_checkout::bigcommerce::http_client(std::time::Duration::from_secs(5)).expect("a client");
    let mut request = http
        .post(format!("{}/ops/v1/{path}", service.url()))
        .bearer_auth(OPERATOR)
        .header("prefer", "wait=30")
        .header("idempotency-key", "killed");
    if let Some(body) = body {
        request = request.header("content-type", "application/json").body(body.to_string());
    }
    request.send().await.ok().map(|response| response.status().as_u16())
}

async fn short_world() -> World {
    let mut world = World::new().await;
    // The shortest that starts: recovery begins when the lease of the dead process runs out.
    world.set("LEASE_SECONDS", "5.5");
    world
}

#[tokio::test]
async fn a_refund_that_took_effect_before_the_process_died_is_found() {
    let world = short_world().await;
    let service = world.spawn().await;
    let (_, order) = paid(&service).await;
    let (path, body) = (format!("orders/{order}/refunds"), refund_of(order, "2"));
    let (service, action) = kill_at(&world, service, "refund", Effect::After, &path, Some(&body)).await;
    assert_eq!(action["status"], "done", "{action:#}");
    let replayed = ask(&service, &path, Some("killed"), Some(&body)).await.expect(201);
    assert_eq!(replayed.header("idempotent-replayed"), Some("true"));
    assert_eq!(super::refunds(&world, order).len(), 1);
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn a_refund_that_never_left_is_made_when_it_is_asked_for_again() {
    let world = short_world().await;
    let service = world.spawn().await;
    let (_, order) = paid(&service).await;
    let (path, body) = (format!("orders/{order}/refunds"), refund_of(order, "2"));
    let (service, action) = kill_at(&world, service, "refund", Effect::Before, &path, Some(&body)).await;
    assert_eq!(action["status"], "not-done", "{action:#}");
    assert!(super::refunds(&world, order).is_empty(), "money moves only when an operator asks");
    ask(&service, &path, Some("killed"), Some(&body)).await.expect(201);
    assert_eq!(super::refunds(&world, order).len(), 1);
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn a_capture_that_took_effect_before_the_process_died_is_found() {
    let world = short_world().await;
    let service = world.spawn().await;
    let (_, order) = authorized(&service).await;
    let path = format!("orders/{order}/capture");
    let (service, action) = kill_at(&world, service, "capture", Effect::After, &path, None).await;
    assert_eq!(action["status"], "done", "{action:#}");
    for _ in 0..3 {
        get(&service, &format!("orders/{order}")).await.expect(200);
    }
    assert_eq!(happened(&service, order, "capture").await, 1);
    service.stop().await;
    world.finish().await;
}
