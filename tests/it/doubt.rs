//! Payments whose answer was lost while BigCommerce cannot be asked.

use bigcommerce_simulator::{Fault, Lag, OrderHint, Settings};
use serde_json::json;

use crate::harness::{PATIENCE, World, agreed, everything, good_card, run, run_with};

#[tokio::test]
async fn a_payment_that_could_not_be_looked_for_is_not_given_up() {
    let mut world = World::new().await;
    world.simulator.set(|settings| settings.token_ttl_seconds = 1);
    world.set("SETTLE_SECONDS", "0.2");
    run_with(world, async |world, service| {
        let path = service.create(&everything()).await;
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        world.simulator.add_fault(Fault::on("process-payment").status_after(500));
        let unreadable = world.simulator.add_fault(Fault::on("get-order").always().status_before(503));
        service.post_waiting(&format!("{path}/payment"), "doubt", 0, &agreed(good_card())).await.expect(202);
        // The fourth look comes seconds after the token and the quiet period have run out.
        let looks = world.simulator.wait_reached(unreadable, 4);
        tokio::time::timeout(PATIENCE, looks).await.expect("it goes on looking");
        let snapshot = service.get(&path).await.expect(200);
        assert_eq!(snapshot.body["payment"]["status"], "unknown", "{}", snapshot.text);
        assert_ne!(snapshot.body["status"], "stuck", "{}", snapshot.text);
        world.simulator.clear_faults();
        service.wait_until(&path, "completed", |snapshot| snapshot["status"] == "completed").await;
    })
    .await;
}

#[tokio::test]
async fn an_order_that_shows_late_is_adopted() {
    let settings = Settings {
        order_lookup_lag: Lag { reads: 2, ms: 0 },
        order_hint: OrderHint::Never,
        ..Settings::default()
    };
    run_with(World::with(settings).await, async |world, service| {
        let path = service.create(&everything()).await;
        let lost = world.simulator.add_fault(Fault::on("create-order").status_after(500));
        let ordered = service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        assert_eq!(world.simulator.reached(lost), 1);
        let ledger = world.simulator.ledger();
        assert_eq!(ledger.orders.len(), 1, "no second order is made, not even one that is cleared up");
        assert_eq!(ordered.body["order"]["id"].as_u64(), ledger.orders.first().map(|order| order.id));
    })
    .await;
}

#[tokio::test]
async fn the_database_refuses_a_second_payable_order() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        let second = sqlx::query(
            "insert into checkout_order (checkout_id, order_id, store) select checkout_id, 999999, store from checkout",
        );
        let refused = second.execute(&world.database.pool).await.expect_err("it is refused");
        let constraint = refused.as_database_error().and_then(sqlx::error::DatabaseError::constraint);
        assert_eq!(constraint, Some("checkout_order_one_alive"));
    })
    .await;
}
