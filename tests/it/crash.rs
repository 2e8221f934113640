//! The real binary, killed with `kill -9` while a call is in flight, and started again.

use bigcommerce_simulator::{Effect, Fault};
use serde_json::{Value, json};

use crate::harness::{KEY, World, agreed, everything, good_card};

/// The seven calls of the straight path.
const CALLS: [&str; 7] = [
    "create-cart",
    "add-billing-address",
    "add-consignments",
    "update-consignment",
    "create-order",
    "create-access-token",
    "process-payment",
];

/// Kills the process while this call waits in the simulator, before or after it took effect; then goes on as a
/// storefront would, with the same keys, and answers the last snapshot.
async fn crash_at(call: &str, effect: Effect) -> (World, Value) {
    let mut world = World::new().await;
    // The shortest that starts: recovery begins when the lease of the dead process runs out.
    world.set("LEASE_SECONDS", "5.5");
    let service = world.spawn().await;
    let fault = world.simulator.add_fault(match effect {
        Effect::Before => Fault::on(call).hold_before(),
        Effect::After => Fault::on(call).hold_after(),
    });
    let url = service.url.clone();
    let bearer = format!("Bearer {KEY}");
    let storefront = {
        let client =
            headless_checkout::bigcommerce::http_client(std::time::Duration::from_secs(5)).expect("a client");
        let bearer = bearer.clone();
        async move { storefront(&client, &url, &bearer).await }
    };
    tokio::select! {
        () = world.simulator.wait_reached(fault, 1) => {}
        () = storefront => panic!("{call} was never reached"),
    }
    assert_eq!(world.simulator.reached(fault), 1);
    service.kill().await;
    world.simulator.clear_faults();

    let service = world.spawn().await;
    let created = service.post_with("/v1/checkouts", "create", &everything()).await;
    let created = if created.status == 202 { created } else { created.expect(201) };
    let path = format!("/v1/checkouts/{}", created.id());
    service
        .wait_until(&path, "at rest or in doubt", |snapshot| {
            matches!(snapshot["status"].as_str(), Some("awaiting_input" | "completed" | "stuck"))
                || snapshot["payment"]["status"] == "unknown"
        })
        .await;
    let body = agreed(json!({"payment": good_card()}));
    let bearer_headers = [
        ("authorization", &*bearer),
        ("idempotency-key", "complete"),
        ("content-type", "application/json"),
        ("prefer", "wait=10"),
    ];
    let body = body.to_string().into_bytes();
    let completed =
        service.call(reqwest::Method::POST, &format!("{path}/complete"), &bearer_headers, Some(body)).await;
    let last = service.get(&path).await.expect(200).body;
    assert!(matches!(completed.status.as_u16(), 200 | 202), "{call} {effect:?}: {}", completed.text);
    service.stop().await;
    (world, last)
}

/// A storefront that creates a checkout and completes it.
#[expect(clippy::disallowed_methods, reason = "a test is not the upstream client")]
async fn storefront(client: &reqwest::Client, url: &str, bearer: &str) {
    let post = |path: String, key: &str, body: Value| {
        client
            .post(path)
            .header("authorization", bearer)
            .header("idempotency-key", key)
            .header("content-type", "application/json")
            .body(body.to_string())
            .send()
    };
    let created = post(format!("{url}/v1/checkouts"), "create", everything()).await.expect("created");
    let body: Value = serde_json::from_str(&created.text().await.expect("a body")).expect("json");
    let id = body["id"].as_str().expect("an id").to_owned();
    let _ = post(
        format!("{url}/v1/checkouts/{id}/complete"),
        "complete",
        agreed(json!({"payment": good_card()})),
    )
    .await;
}

async fn ends_with_one_charge(call: &str, effect: Effect) {
    let (world, last) = crash_at(call, effect).await;
    assert_eq!(last["status"], "completed", "{call} {effect:?}: {last:#}");
    let ledger = world.simulator.ledger();
    let orders = ledger.orders.iter().filter(|order| !order.archived).count();
    assert_eq!((orders, ledger.charges.len()), (1, 1), "{call} {effect:?}");
    world.finish().await;
}

#[tokio::test]
async fn killed_before_each_call_took_effect() {
    // The payment is apart: nobody can know that it was not sent.
    for call in CALLS.iter().filter(|call| **call != "process-payment") {
        ends_with_one_charge(call, Effect::Before).await;
    }
}

#[tokio::test]
async fn killed_after_each_call_took_effect() {
    for call in CALLS {
        ends_with_one_charge(call, Effect::After).await;
    }
}

#[tokio::test]
async fn killed_before_the_payment_took_effect_nothing_is_charged_again() {
    let (world, last) = crash_at("process-payment", Effect::Before).await;
    assert_eq!(last["payment"]["status"], "unknown", "{last:#}");
    assert_eq!(last["payment"]["safe_to_pay_again"], false);
    let ledger = world.simulator.ledger();
    assert_eq!((ledger.orders.len(), ledger.charges.len()), (1, 0));
    world.finish().await;
}
