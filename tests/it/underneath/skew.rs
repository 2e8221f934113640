//! BigCommerce's clock is not ours: what its tokens say is how long they live, counted here from when they were sent.

use bigcommerce_simulator::Fault;
use serde_json::json;

use crate::harness::{PATIENCE, World, agreed, everything, good_card, run_with};

/// Hours that BigCommerce's clock is ahead of PostgreSQL's.
const SKEWS: [i64; 2] = [3, -3];

async fn ordered(service: &crate::harness::Service) -> String {
    let path = service.create(&everything()).await;
    service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    path
}

/// A payment is not given up while its token lives, also where BigCommerce's clock says that it expired long ago.
#[tokio::test]
async fn a_payment_is_followed_for_as_long_as_its_token_lives_whatever_time_it_is_there() {
    for hours in SKEWS {
        let world = World::hasty().await;
        world.simulator.set(|settings| settings.token_ttl_seconds = 3600);
        world.simulator.advance_clock(hours * 3600);
        run_with(world, async |world, service| {
            let path = ordered(service).await;
            let late = world.simulator.add_fault(Fault::on("process-payment").nth(1).deliver_late());
            let looks = world.simulator.add_fault(Fault::on("list-transactions").slow(1).always());
            service
                .post_waiting(&format!("{path}/payment"), "skew", 0, &agreed(good_card()))
                .await
                .expect(202);
            world.meets(late, 1).await;
            // By a comparison of its `exp` with our time it would have been given up after the second one.
            tokio::time::timeout(PATIENCE, world.simulator.wait_reached(looks, 5))
                .await
                .expect("it goes on looking");
            let doubted = service.get(&path).await.expect(200).body;
            assert_eq!(
                (&doubted["payment"]["status"], &doubted["stuck"]),
                (&json!("unknown"), &json!(null)),
                "{hours}"
            );
            assert_eq!(doubted["payment"]["safe_to_pay_again"], false);
            world.simulator.release(late);
            service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
            assert_eq!(world.simulator.ledger().charges.len(), 1);
        })
        .await;
    }
}

/// Nor is it followed for hours longer, because the clock there is ahead.
#[tokio::test]
async fn a_payment_that_nobody_can_make_any_more_is_for_a_person_whatever_time_it_is_there() {
    for hours in SKEWS {
        let world = World::hasty().await;
        world.simulator.advance_clock(hours * 3600);
        run_with(world, async |world, service| {
            let path = ordered(service).await;
            let lost = world.simulator.add_fault(Fault::on("process-payment").nth(1).status_before(500));
            service
                .post_waiting(&format!("{path}/payment"), "skew", 0, &agreed(good_card()))
                .await
                .expect(202);
            world.meets(lost, 1).await;
            let stuck = service.wait_until(&path, "stuck", |now| now["status"] == "stuck").await;
            assert_eq!(stuck["stuck"]["reason"], "payment-unknown", "{hours}: {stuck}");
            assert_eq!(stuck["payment"]["safe_to_pay_again"], false);
            assert!(world.simulator.ledger().charges.is_empty());
        })
        .await;
    }
}
