//! A list of orders proves something only where its filter proves itself: by showing nothing else, and the order that is known.

use bigcommerce_simulator::{Fault, OrderHint};
use reqwest::Method;
use serde_json::json;

use super::{ordered, payment, sent};
use crate::harness::{OPERATOR, World, everything, run_with};
use crate::unreadable::answers;

/// A list of other things, on which ours may stand further down: not seen there is not absent.
#[tokio::test]
async fn a_list_of_other_things_does_not_say_that_no_order_was_made() {
    let mut world = World::hasty().await;
    world.set("MAX_ATTEMPTS", "2");
    world.simulator.set(|settings| settings.order_hint = OrderHint::Never);
    run_with(world, async |world, service| {
        let path = service.create(&everything()).await;
        let lost = world.simulator.add_fault(Fault::on("create-order").nth(1).status_after(500));
        let other = json!([{"id": 7, "status_id": 11, "cart_id": "another-cart", "total_inc_tax": "1.0000",
            "default_currency_code": "USD", "payment_status": "captured"}]);
        let shown = answers(world, Fault::on("list-orders").always(), other);
        service.post(&format!("{path}/order"), &json!({})).await;
        let stuck = service
            .wait_until(&path, "at its end", |now| now["status"] == "stuck" || now["order"]["id"].is_u64())
            .await;
        assert_eq!(stuck["stuck"]["reason"], "order-unknown", "{stuck}");
        assert!(world.simulator.reached(lost) == 1 && world.simulator.reached(shown) > 0);
        assert_eq!((sent(world, "create-order"), world.simulator.ledger().orders.len()), (1, 1));
        world.simulator.clear_faults();
        let why = json!({"reason": "look"});
        service.operate(Method::POST, &format!("/ops{path}/restart"), OPERATOR, Some(&why)).await.expect(200);
        service.wait_until(&path, "ordered", |now| now["order"]["id"].is_u64()).await;
        assert_eq!(sent(world, "create-order"), 1);
    })
    .await;
}

/// A list that does not even show the order that is there says nothing about an order of the hosted page.
#[tokio::test]
async fn a_list_without_the_order_that_is_known_does_not_say_that_nothing_was_paid_elsewhere() {
    run_with(World::hasty().await, async |world, service| {
        let (path, _) = ordered(service).await;
        service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
        let blind = answers(world, Fault::on("list-orders").always(), json!([]));
        let refused = service.post(&format!("{path}/payment"), &payment()).await;
        assert!(!refused.status.is_success(), "{}", refused.text);
        assert!(world.simulator.reached(blind) > 0);
        assert_eq!(sent(world, "process-payment"), 0);
    })
    .await;
}
