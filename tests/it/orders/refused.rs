//! A refusal of the token, of the quota or of the state may be the answer to the second copy of a request whose first copy is
//! still on its way. What was asked for happens once, whatever is heard.

use bigcommerce_simulator::Fault;
use serde_json::{Value, json};

use super::lost::{call, effects, target};
use super::{ask, fresh, get, noted, pairs, world};
use crate::harness::run_with;

const KINDS: [&str; 4] = ["refund", "capture", "void", "shipment"];

#[tokio::test]
async fn what_was_turned_away_is_done_once_when_its_first_copy_arrives() {
    for status in [401, 403, 409, 423, 429] {
        run_with(world().await, async |world, service| {
            for kind in KINDS {
                let target = target(service, kind).await;
                let path = format!("/orders/{}/", target.order);
                let fault = Fault::on(call(kind)).path_contains(&path).overtaken_for(status, 700);
                let (fault, key) = (world.simulator.add_fault(fault), fresh());
                let told = ask(service, &target.path, Some(&key), target.body.as_ref()).await;
                assert_eq!(told.status, 201, "{kind} {status}: {}", told.text);
                assert_eq!(world.simulator.reached(fault), 2, "{kind} {status}");
                let again = ask(service, &target.path, Some(&key), target.body.as_ref()).await.expect(201);
                assert_eq!(again.header("idempotent-replayed"), Some("true"));
                assert_eq!(effects(service, kind, target.order).await, 1, "{kind} {status}");
            }
        })
        .await;
    }
}

/// Nobody is told that nothing happened before that is known, and nothing else is begun meanwhile.
#[tokio::test]
async fn while_a_first_copy_may_arrive_nobody_hears_that_nothing_happened() {
    run_with(world().await, async |world, service| {
        for (status, end) in [(401, "not-done"), (409, "rejected"), (429, "not-done")] {
            let target = target(service, "refund").await;
            world.simulator.add_fault(Fault::on("refund").status_before(status));
            let headers = [
                ("authorization", &*format!("Bearer {}", crate::harness::OPERATOR)),
                ("idempotency-key", &*fresh()),
                ("content-type", "application/json"),
                ("prefer", "wait=0"),
            ];
            let body = target.body.as_ref().map(|body| body.to_string().into_bytes());
            let url = format!("/ops/v1/{}", target.path);
            let open = service.call(reqwest::Method::POST, &url, &headers, body.clone()).await.expect(202);
            let busy = ask(service, &target.path, Some("another"), target.body.as_ref()).await.expect(409);
            assert_eq!(busy.problem(), "order-busy", "{status}");
            let id = open.body["id"].as_str().expect("an id").to_owned();
            let asked = [headers[0], headers[1], headers[2], ("prefer", "wait=30")];
            let told = service.call(reqwest::Method::POST, &url, &asked, body).await;
            assert_eq!(told.status, if status == 409 { 422 } else { 503 }, "{}", told.text);
            let action = get(service, &format!("order-actions/{id}")).await.expect(200);
            assert_eq!(action.body["status"], end, "{}", action.text);
            assert_eq!(effects(service, "refund", target.order).await, 0);
        }
    })
    .await;
}

/// The second copy is refused, because the first one did it.
#[tokio::test]
async fn a_request_that_was_delivered_twice_is_done() {
    run_with(world().await, async |world, service| {
        for kind in KINDS {
            let mut target = target(service, kind).await;
            if kind == "refund" {
                target.body = Some(super::refund_of(target.order, "10.83"));
            }
            let path = format!("/orders/{}/", target.order);
            let fault = world.simulator.add_fault(Fault::on(call(kind)).path_contains(&path).duplicate());
            let told = ask(service, &target.path, Some(&fresh()), target.body.as_ref()).await;
            assert_eq!(told.status, 201, "{kind}: {}", told.text);
            assert_eq!(world.simulator.reached(fault), 1, "{kind}");
            assert_eq!(effects(service, kind, target.order).await, 1, "{kind}");
            let rows = noted(service, target.order).await;
            assert_eq!(pairs(&rows)[0].1, "done", "{kind}: {rows:?}");
        }
    })
    .await;
}

/// The same of a change of the status, which may be repeated: what is heard is what is so.
#[tokio::test]
async fn a_status_that_was_changed_is_told_whatever_was_answered() {
    run_with(world().await, async |world, service| {
        for status in [401, 409, 422, 429, 500] {
            let (_, order) = super::paid(service).await;
            let fault = world.simulator.add_fault(Fault::on("update-order").status_after(status));
            let url = format!("/ops/v1/orders/{order}");
            let body = json!({"status_id": 10, "reason": "handed over"});
            let told = service
                .operate(reqwest::Method::PUT, &url, crate::harness::OPERATOR, Some(&body))
                .await
                .expect(200);
            assert_eq!(told.body["status_id"], Value::from(10), "{status}: {}", told.text);
            assert_eq!(world.simulator.reached(fault), 1);
            // Nothing is shown of this one: nobody is told that it was not made.
            world.simulator.add_fault(Fault::on("update-order").status_before(429));
            let body = json!({"status_id": 2, "reason": "sent"});
            let open =
                service.operate(reqwest::Method::PUT, &url, crate::harness::OPERATOR, Some(&body)).await;
            assert_eq!((open.status.as_u16(), open.problem()), (503, "outcome-unknown"), "{}", open.text);
        }
    })
    .await;
}
