//! Undoing a checkout whose order cannot be found: not found is not undone.

use bigcommerce_simulator::{Deed, Fault, PartialPayment};
use serde_json::json;

use super::ordered;
use crate::bad_requests::direct_order;
use crate::harness::{World, run_with};
use crate::unreadable::answers;

/// A part was paid, and the order that holds it cannot be found: it is for a person, not "cancelled".
#[tokio::test]
async fn a_part_is_not_called_given_back_because_its_order_cannot_be_found() {
    let mut world = World::hasty().await;
    world.set("MAX_ATTEMPTS", "2");
    world.simulator.set(|settings| {
        settings.archived_order_is_404 = true;
        settings.partial_payment = PartialPayment::Incomplete;
    });
    run_with(world, async |world, service| {
        let path = ordered(service).await;
        let certificate = json!({"payment_method_id": "bigcommerce.gift_certificate", "agreed_total": 10.83,
            "instrument": {"type": "gift_certificate", "gift_certificate_code": "GIFT-5"}});
        service.post(&format!("{path}/payment"), &certificate).await.expect(200);
        let order = world.simulator.ledger().orders[0].id;
        assert!(world.simulator.does_to_order("teststore", order, Deed::Archive));
        service.delete(&path).await;
        let ended = service
            .wait_until(&path, "at its end", |now| now["status"] == "stuck" || now["status"] == "cancelled")
            .await;
        assert_eq!(ended["stuck"]["reason"], "undo-failed", "{ended}");
        let held = world.simulator.ledger().money("teststore", order).expect("the order");
        assert_eq!((held.total - held.open).normalize().to_string(), "5", "which nobody gave back");
    })
    .await;
}

/// Somebody paid it, and it is not found for a moment: what is held is listed, and nothing is called cancelled.
#[tokio::test]
async fn a_paid_order_that_cannot_be_found_for_a_moment_is_not_called_cancelled() {
    run_with(World::hasty().await, async |world, service| {
        // Of a direct order there is no cart that could say so as well.
        let created = service.post("/v1/direct-orders", &direct_order()).await.expect(201);
        let path = format!("/v1/checkouts/{}", created.id());
        let order = world.simulator.ledger().orders[0].id;
        let paid = json!({"data": [{"id": 900, "order_id": order.to_string(), "event": "purchase", "status": "ok",
            "amount": 50, "currency": "USD", "method": "credit_card", "gateway": "stripe"}], "meta": {}});
        let listed = answers(world, Fault::on("list-transactions").always(), paid);
        let gone = world.simulator.add_fault(Fault::on("get-order").nth(1).status_before(404));
        service.delete(&path).await;
        assert_eq!(world.simulator.reached(gone), 1);
        let ended = service
            .wait_until(&path, "at its end", |now| now["status"] == "stuck" || now["status"] == "cancelled")
            .await;
        assert_eq!(ended["status"], "stuck", "{ended}");
        assert!(world.simulator.reached(listed) > 0);
    })
    .await;
}
