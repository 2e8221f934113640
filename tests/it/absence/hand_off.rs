//! No URL of the hosted page while the answer to a payment of ours is missing: whoever paid on the page would pay twice.

use bigcommerce_simulator::{Fault, magic_card};
use serde_json::json;

use super::{ordered, payment, sent};
use crate::harness::{Service, World, agreed, card, run, run_with};
use crate::orders::fresh;

/// What a shopper hears who asks for the page now.
async fn refused(world: &World, service: &Service, path: &str) {
    let refused = service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(409);
    assert_eq!(refused.problem(), "payment-in-doubt", "{}", refused.text);
    assert_eq!(refused.body["safe_to_pay_again"], false, "{}", refused.text);
    let told = refused.body["shopper_message"].as_str().unwrap_or_default();
    assert!(told.contains("do not pay again"), "{}", refused.text);
    assert!(!refused.text.contains("checkout_url") && !refused.text.contains("cart_url"), "{}", refused.text);
    assert_eq!(sent(world, "create-redirect-urls"), 0, "nothing was handed out");
}

/// In the quiet window, and also once it is over and a person is asked.
#[tokio::test]
async fn no_page_is_handed_out_while_the_answer_to_a_payment_is_missing() {
    run(async |world, service| {
        let (path, _) = ordered(service).await;
        let late = world.simulator.add_fault(Fault::on("process-payment").nth(1).deliver_late());
        service.post_waiting(&format!("{path}/payment"), &fresh(), 0, &payment()).await.expect(202);
        world.meets(late, 1).await;
        service.wait_until(&path, "in doubt", |now| now["payment"]["status"] == "unknown").await;
        refused(world, service, &path).await;
        world.simulator.release(late);
        service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
        assert_eq!(world.simulator.ledger().charges.len(), 1);
    })
    .await;
    run_with(World::hasty().await, async |world, service| {
        let (path, _) = ordered(service).await;
        let lost = world.simulator.add_fault(Fault::on("process-payment").nth(1).status_before(500));
        service.post_waiting(&format!("{path}/payment"), &fresh(), 0, &payment()).await.expect(202);
        world.meets(lost, 1).await;
        let stuck = service.wait_until(&path, "stuck", |now| now["status"] == "stuck").await;
        assert_eq!(stuck["stuck"]["reason"], "payment-unknown", "{stuck}");
        refused(world, service, &path).await;
    })
    .await;
}

#[tokio::test]
async fn no_page_is_handed_out_while_a_payment_settles() {
    let world = World::new().await;
    world.simulator.set(|settings| settings.pending_settle_reads = 1_000);
    run_with(world, async |world, service| {
        let (path, order) = ordered(service).await;
        let pending = agreed(card(&magic_card(20_003, 0)));
        service.post_waiting(&format!("{path}/payment"), &fresh(), 0, &pending).await.expect(202);
        service.wait_until(&path, "pending", |now| now["payment"]["status"] == "pending").await;
        refused(world, service, &path).await;
        assert!(world.simulator.settle(order, bigcommerce_simulator::Settlement::Success));
        service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
    })
    .await;
}
