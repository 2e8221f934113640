//! The look after the end: a payment of ours whose answer was lost, or that was turned away, may arrive when everybody believes
//! that it did not. It is found without a webhook, and told.

use std::time::Duration;

use bigcommerce_simulator::{Fault, Hosted};
use reqwest::Method;
use serde_json::json;

use super::windows::refused;
use super::{ordered, payment, sent};
use crate::harness::{OPERATOR, PATIENCE, Service, World, run_with};
use crate::orders::fresh;
use crate::webhooks::tell;

/// How it ends that nothing was paid, as far as anybody knows.
#[derive(Debug, Clone, Copy)]
enum End {
    /// The shopper cancels.
    Cancelled,
    /// It was idle for too long.
    Expired,
}

/// The payment is turned away, and that is believed once it was quiet for long enough.
async fn turned_away(world: &World, service: &Service) -> (String, u64) {
    let (path, order) = ordered(service).await;
    let fault = world.simulator.add_fault(Fault::on("process-payment").nth(1).kind(refused(401, 10_001)));
    service.post(&format!("{path}/payment"), &payment()).await;
    world.meets(fault, 1).await;
    let rests = service.wait_until(&path, "at rest", |now| now["status"] == "awaiting_input").await;
    assert_eq!(rests["next_step"], "payment", "{rests}");
    (path, order)
}

/// The answer is lost, and an operator finds that nothing was charged.
async fn given_up(world: &World, service: &Service) -> (String, u64) {
    let (path, order) = ordered(service).await;
    let fault = world.simulator.add_fault(Fault::on("process-payment").nth(1).status_before(500));
    service.post_waiting(&format!("{path}/payment"), &fresh(), 0, &payment()).await.expect(202);
    world.meets(fault, 1).await;
    service.wait_until(&path, "stuck", |now| now["status"] == "stuck").await;
    let finding = json!({"reason": "the gateway says so", "finding": {"not_charged": true}});
    let resolve = format!("/ops{path}/resolve");
    let mut tries = tokio::time::interval(Duration::from_millis(100));
    let resolved = async {
        loop {
            tries.tick().await;
            let answer = service.operate(Method::POST, &resolve, OPERATOR, Some(&finding)).await;
            // What BigCommerce shows may lag behind, and the operator is asked to try again.
            if answer.body["guard"] != "settling" {
                return answer;
            }
        }
    };
    tokio::time::timeout(PATIENCE, resolved).await.expect("it settles").expect(200);
    service.wait_until(&path, "at rest", |now| now["status"] == "awaiting_input").await;
    (path, order)
}

async fn ends(world: &World, service: &Service, path: &str, end: End) {
    let wanted = match end {
        End::Cancelled => {
            service.delete(path).await.expect(200);
            "cancelled"
        }
        End::Expired => {
            let idle = sqlx::query("update checkout set expires_at = now(), due_at = now()");
            idle.execute(&world.database.pool).await.expect("a row");
            "expired"
        }
    };
    service.wait_until(path, wanted, |now| now["status"] == *wanted).await;
}

async fn arrives(world: &World, service: &Service, path: &str, order: u64) {
    let order_there = |world: &World| {
        world.simulator.ledger().orders.iter().find(|one| one.id == order).map(|one| one.status_id)
    };
    assert_eq!(order_there(world), Some(5), "it was cancelled");
    assert!(world.simulator.take_payment(order, Hosted::Paid));
    let told = service.wait_until(path, "told as paid", |now| now["status"] == "completed").await;
    assert_eq!(told["order"]["id"].as_u64(), Some(order), "{told:#}");
    assert_eq!(told["payment"]["status"], "succeeded", "{told:#}");
    assert_eq!(told["payment"]["safe_to_pay_again"], false, "{told:#}");
    assert_eq!(told["payment"]["amount_due"].to_string(), "0", "{told:#}");
    let refused = service.post(&format!("{path}/payment"), &payment()).await.expect(409);
    assert_eq!(refused.problem(), "checkout-closed", "{}", refused.text);
    assert_eq!(sent(world, "process-payment"), 1);
    // Operators see that it was not so.
    let why = service.operate(Method::GET, &format!("/ops{path}/why"), OPERATOR, None).await.expect(200);
    assert_eq!(why.body["headline"], "Completed: the order is paid", "{}", why.text);
}

#[tokio::test]
async fn a_payment_that_arrives_after_the_end_is_found_and_told() {
    for end in [End::Cancelled, End::Expired] {
        run_with(World::hasty().await, async |world, service| {
            let (path, order) = turned_away(world, service).await;
            ends(world, service, &path, end).await;
            arrives(world, service, &path, order).await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_payment_that_was_given_up_by_an_operator_is_found_after_the_end() {
    for end in [End::Cancelled, End::Expired] {
        run_with(World::hasty().await, async |world, service| {
            let (path, order) = given_up(world, service).await;
            ends(world, service, &path, end).await;
            arrives(world, service, &path, order).await;
        })
        .await;
    }
}

/// Nobody could tell, and a person was to look: the payment shows, and the checkout goes on by itself.
#[tokio::test]
async fn a_payment_that_nobody_could_find_completes_its_checkout_once_it_shows() {
    run_with(World::hasty().await, async |world, service| {
        let (path, order) = ordered(service).await;
        let fault = world.simulator.add_fault(Fault::on("process-payment").nth(1).status_before(500));
        service.post_waiting(&format!("{path}/payment"), &fresh(), 0, &payment()).await.expect(202);
        world.meets(fault, 1).await;
        let stuck = service.wait_until(&path, "stuck", |now| now["status"] == "stuck").await;
        assert_eq!(stuck["stuck"]["reason"], "payment-unknown", "{stuck}");
        assert!(world.simulator.take_payment(order, Hosted::Paid));
        tell(service, order, "paid after all").await;
        let done = service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
        assert_eq!(done["order"]["id"].as_u64(), Some(order), "{done}");
        assert_eq!(done["payment"]["status"], "succeeded", "{done}");
        assert_eq!(sent(world, "process-payment"), 1);
    })
    .await;
}
