//! Lost answers: whatever is lost, at the first and at the second attempt, it happens once and is told.

use bigcommerce_simulator::Fault;
use serde_json::{Value, json};

use super::{ask, authorized, fresh, get, happened, noted, paid, pairs, refund_of, world};
use crate::harness::{Answer, Service, World, run_with};

const KINDS: [&str; 4] = ["refund", "capture", "void", "shipment"];
const LOST: [&str; 4] = ["hang", "status", "reset", "malformed"];

pub(super) fn call(kind: &str) -> &'static str {
    match kind {
        "refund" => "refund",
        "capture" => "capture",
        "void" => "void",
        _ => "create-shipment",
    }
}

/// A fault that loses the answer of the nth request about this order.
fn lose(lost: &str, kind: &str, order: u64, nth: u64, took_effect: bool) -> Fault {
    use bigcommerce_simulator::{Effect, Kind};
    let fault = Fault::on(call(kind)).path_contains(&format!("/orders/{order}/")).nth(nth);
    let effect = if took_effect { Effect::After } else { Effect::Before };
    match (lost, took_effect) {
        ("hang", true) => fault.hang_after(),
        ("hang", false) => fault.hang_before(),
        ("status", true) => fault.status_after(500),
        ("status", false) => fault.status_before(500),
        ("reset", true) => fault.reset_after(),
        ("reset", false) => fault.reset_before(),
        _ => fault.kind(Kind::Malformed { effect }),
    }
}

pub(super) struct Target {
    pub(super) order: u64,
    pub(super) path: String,
    pub(super) body: Option<Value>,
}

pub(super) async fn target(service: &Service, kind: &str) -> Target {
    let (_, order) = match kind {
        "refund" | "shipment" => paid(service).await,
        _ => authorized(service).await,
    };
    let (name, body) = match kind {
        "refund" => ("refunds", Some(refund_of(order, "2.50"))),
        "shipment" => ("shipments", Some(super::shipments::whole(service, order).await)),
        other => (other, None),
    };
    Target { order, path: format!("orders/{order}/{name}"), body }
}

/// How often it really happened.
pub(super) async fn effects(service: &Service, kind: &str, order: u64) -> usize {
    let rows = |answer: Answer| answer.body["data"].as_array().map_or(0, Vec::len);
    match kind {
        "refund" => rows(get(service, &format!("orders/{order}/refunds")).await.expect(200)),
        "shipment" => rows(get(service, &format!("orders/{order}/shipments")).await.expect(200)),
        kind => {
            // Reading it lets it settle.
            for _ in 0..3 {
                get(service, &format!("orders/{order}")).await.expect(200);
            }
            happened(service, order, kind).await
        }
    }
}

/// Loses answers as told, `true`: after the effect; asks with one key until it is done, and checks each answer.
async fn cell(world: &World, service: &Service, kind: &str, lost: &str, effect: &[bool]) {
    let target = target(service, kind).await;
    let faults: Vec<_> = (1..)
        .zip(effect)
        .map(|(nth, took)| world.simulator.add_fault(lose(lost, kind, target.order, nth, *took)))
        .collect();
    let (key, what) = (fresh(), format!("{kind} {lost} {effect:?}"));
    for took in effect {
        let answer = ask(service, &target.path, Some(&key), target.body.as_ref()).await;
        if *took {
            assert_eq!(answer.status, 201, "{what}: {}", answer.text);
        } else {
            assert_eq!((answer.status.as_u16(), answer.problem()), (503, "upstream-unavailable"), "{what}");
            assert!(answer.header("retry-after").is_some());
        }
    }
    let told = ask(service, &target.path, Some(&key), target.body.as_ref()).await;
    assert_eq!(told.status, 201, "{what}: {}", told.text);
    let replayed = effect.last() == Some(&true);
    assert_eq!(told.header("idempotent-replayed").is_some(), replayed, "{what}");
    for fault in faults {
        assert_eq!(world.simulator.reached(fault), 1, "{what}: the fault was not reached");
    }
    assert_eq!(effects(service, kind, target.order).await, 1, "{what}");
    let rows = noted(service, target.order).await;
    assert_eq!(rows.first().map(|(_, result)| &**result), Some("done"), "{what}: {:?}", pairs(&rows));
}

/// Each kind on its own, because a store that loses every answer is left alone for a while.
async fn matrix(lost: &str) {
    let mut wrong = 0;
    for effect in [&[true][..], &[false], &[false, true], &[false, false]] {
        run_with(world().await, async |world, service| {
            for kind in KINDS {
                cell(world, service, kind, lost, effect).await;
                wrong += 1;
            }
        })
        .await;
    }
    assert_eq!(wrong, 16);
    assert!(LOST.contains(&lost));
}

#[tokio::test]
async fn an_answer_that_never_comes_changes_nothing() {
    matrix("hang").await;
}

#[tokio::test]
async fn a_500_changes_nothing() {
    matrix("status").await;
}

#[tokio::test]
async fn a_reset_connection_changes_nothing() {
    matrix("reset").await;
}

#[tokio::test]
async fn an_unreadable_answer_changes_nothing() {
    matrix("malformed").await;
}

#[tokio::test]
async fn while_it_is_not_known_the_caller_is_told_so_and_the_order_waits() {
    run_with(world().await, async |world, service| {
        let (_, order) = paid(service).await;
        let (path, body) = (format!("orders/{order}/refunds"), refund_of(order, "1"));
        world.simulator.add_fault(Fault::on("refund").status_after(500));
        // Nobody can look either.
        world.simulator.add_fault(Fault::on("list-refunds").status_before(503).always());
        let headers = [
            ("authorization", &*format!("Bearer {}", crate::harness::OPERATOR)),
            ("idempotency-key", "k"),
            ("content-type", "application/json"),
            ("prefer", "wait=1"),
        ];
        let bytes = body.to_string().into_bytes();
        let url = format!("/ops/v1/{path}");
        let open = service.call(reqwest::Method::POST, &url, &headers, Some(bytes)).await.expect(202);
        assert_eq!((&open.body["status"], &open.body["kind"]), (&json!("unknown"), &json!("refund")));
        assert!(open.header("retry-after").is_some() && open.header("location").is_some());
        let busy = ask(service, &path, Some("another"), Some(&body)).await.expect(409);
        assert_eq!(busy.problem(), "order-busy");
        let listed = get(service, "order-actions?status=unknown").await.expect(200);
        assert_eq!(listed.body["data"][0]["id"], open.body["id"]);
        world.simulator.clear_faults();
        let done = ask(service, &path, Some("k"), Some(&body)).await.expect(201);
        assert_eq!(done.body["total_amount"], json!(1));
        assert_eq!(super::refunds(world, order).len(), 1);
    })
    .await;
}

#[tokio::test]
async fn somebody_elses_refund_is_not_taken_for_ours() {
    run_with(world().await, async |world, service| {
        let (_, order) = paid(service).await;
        let (path, body) = (format!("orders/{order}/refunds"), refund_of(order, "1"));
        let theirs = json!({"items": body["items"], "payments": body["payments"]});
        let url = format!("/v3/orders/{order}/payment_actions/refunds");
        world.simulator.add_fault(Fault::on("refund").nth(2).status_before(500));
        crate::operators::upstream(world, reqwest::Method::POST, &url, &fresh(), &theirs).await;
        let lost = ask(service, &path, Some("k"), Some(&body)).await.expect(503);
        assert_eq!(lost.problem(), "upstream-unavailable");
        ask(service, &path, Some("k"), Some(&body)).await.expect(201);
        assert_eq!(super::refunds(world, order).len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_refusal_of_the_token_or_of_the_quota_is_no_end() {
    run_with(world().await, async |world, service| {
        let (_, order) = paid(service).await;
        let (path, body) = (format!("orders/{order}/refunds"), refund_of(order, "1"));
        for status in [401, 403, 423, 429] {
            world.simulator.add_fault(Fault::on("refund").status_before(status));
            let refused = ask(service, &path, Some("k"), Some(&body)).await.expect(503);
            assert_eq!(refused.problem(), "upstream-unavailable", "{status}");
            assert!(super::refunds(world, order).is_empty());
        }
        ask(service, &path, Some("k"), Some(&body)).await.expect(201);
        assert_eq!(super::refunds(world, order).len(), 1);
    })
    .await;
}
