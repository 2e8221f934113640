//! A quiet window is longer than what it waits for: the call's own time-out, and what BigCommerce's lists lag behind.

use std::collections::BTreeMap;

use bigcommerce_simulator::{Effect, Fault, Hosted, Kind, OrderHint, Settings};
use serde_json::json;

use super::{counted, ordered, payment, sent};
use crate::harness::{PATIENCE, World, run, run_with};
use crate::orders::{ask, fresh, paid, refund_of};

/// A refusal of the payments API.
pub(super) fn refused(status: u16, code: u32) -> Kind {
    let body = json!({"status": status, "title": "Not taken", "type": "about:blank", "code": code});
    Kind::Status { status, effect: Effect::Before, headers: BTreeMap::new(), body: Some(body) }
}

/// Refusals that say "not this time", as the second copy of a request hears them, and what becomes of each in the end.
fn refusals() -> Vec<(Kind, u16)> {
    vec![
        (refused(401, 10_001), 422),
        (refused(400, 30_102), 402),
        (refused(403, 10_001), 422),
        (refused(409, 10_001), 422),
        (refused(422, 30_004), 503),
        (Kind::RateLimit { headers: true, retry_ms: 20 }, 503),
        (Kind::RateLimit { headers: false, retry_ms: 0 }, 503),
    ]
}

#[tokio::test]
async fn a_refusal_is_not_believed_while_the_first_copy_may_be_at_the_gateway() {
    run(async |world, service| {
        for (kind, _) in refusals() {
            let (path, order) = ordered(service).await;
            let before = sent(world, "process-payment");
            let refusal = world.simulator.add_fault(Fault::on("process-payment").nth(1).kind(kind.clone()));
            let doubted = service.post_waiting(&format!("{path}/payment"), &fresh(), 0, &payment()).await;
            doubted.expect(202);
            let snapshot = service
                .wait_until(&path, "in doubt", |snapshot| snapshot["payment"]["status"] == "unknown")
                .await;
            assert_eq!(snapshot["payment"]["safe_to_pay_again"], false, "{kind:?}");
            assert_eq!(world.simulator.reached(refusal), 1, "{kind:?}");
            // The first copy lands.
            assert!(world.simulator.host_payment(order, Hosted::Paid));
            let done =
                service.wait_until(&path, "completed", |snapshot| snapshot["status"] == "completed").await;
            assert_eq!(done["order"]["id"].as_u64(), Some(order));
            assert_eq!(sent(world, "process-payment"), before + 1, "{kind:?}: nothing was sent again");
            world.simulator.clear_faults();
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_that_was_not_taken_may_be_followed_by_another_payment_and_never_by_itself() {
    run(async |world, service| {
        for (kind, status) in refusals() {
            let (path, _) = ordered(service).await;
            let before = sent(world, "process-payment");
            let refusal = world.simulator.add_fault(Fault::on("process-payment").nth(1).kind(kind.clone()));
            let refused = service.post(&format!("{path}/payment"), &payment()).await;
            assert_eq!(refused.status, status, "{kind:?}: {}", refused.text);
            assert_eq!(world.simulator.reached(refusal), 1, "{kind:?}");
            assert_eq!(sent(world, "process-payment"), before + 1, "{kind:?}: nothing was sent by itself");
            let snapshot = service.get(&path).await.expect(200).body;
            assert_eq!(
                (&snapshot["status"], &snapshot["next_step"]),
                (&json!("awaiting_input"), &json!("payment"))
            );
            let again = service.post(&format!("{path}/payment"), &payment()).await.expect(200);
            assert_eq!(again.body["status"], "completed", "{kind:?}");
            world.simulator.clear_faults();
        }
    })
    .await;
}

#[tokio::test]
async fn an_order_that_is_made_after_its_answer_was_given_up_is_the_only_one() {
    let settings = Settings { order_hint: OrderHint::Never, ..Settings::default() };
    let mut world = World::with(settings).await;
    world.set("UPSTREAM_TIMEOUT_SECONDS", "3");
    run_with(world, async |world, service| {
        let path = service.create(&crate::harness::everything()).await;
        let late = world.simulator.add_fault(Fault::on("create-order").deliver_late());
        // Slow, because the looks come closer together in a shorter window.
        let looks = world.simulator.add_fault(Fault::on("list-orders").slow(600).always());
        let lands = async {
            world.meets(late, 1).await;
            // With a window that only waited for the list, the last look before another order would have been the second.
            tokio::time::timeout(PATIENCE, world.simulator.wait_reached(looks, 3))
                .await
                .expect("it goes on looking");
            world.simulator.release(late);
        };
        let (order, body) = (format!("{path}/order"), json!({}));
        let (made, ()) = tokio::join!(service.post(&order, &body), lands);
        made.expect(200);
        assert_eq!(world.simulator.ledger().orders.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_refund_that_lands_after_its_answer_was_given_up_is_the_only_one() {
    run(async |world, service| {
        let (_, order) = paid(service).await;
        let late = world.simulator.add_fault(Fault::on("refund").nth(1).deliver_late());
        let looks = counted(world, "list-refunds");
        let lands = async {
            world.meets(late, 1).await;
            // With a window that only waited for the list, the last look would have been the sixth.
            tokio::time::timeout(PATIENCE, world.simulator.wait_reached(looks, 9))
                .await
                .expect("it goes on looking");
            world.simulator.release(late);
        };
        let (path, key, body) = (format!("orders/{order}/refunds"), fresh(), refund_of(order, "2.50"));
        let (answer, ()) = tokio::join!(ask(service, &path, Some(&key), Some(&body)), lands);
        answer.expect(201);
        assert_eq!(world.simulator.ledger().refunds.len(), 1);
    })
    .await;
}
