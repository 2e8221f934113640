//! An order that a person marks as declined: a status is no proof about a payment that is under way.

use bigcommerce_simulator::{Deed, Fault, Hosted, Settlement, magic_card};
use rust_decimal::Decimal;
use serde_json::json;

use super::{charged, ordered, pays};
use crate::harness::{World, agreed, card, everything, good_card, run_with};

/// How often the simulator was asked for the transactions of an order.
fn looks(world: &World) -> usize {
    world.simulator.requests().iter().filter(|request| request.call == "list-transactions").count()
}

#[tokio::test]
async fn an_order_that_is_marked_as_declined_while_its_payment_settles_is_not_declined() {
    run_with(World::hasty().await, async |world, service| {
        let (path, order) = ordered(service).await;
        let pending = agreed(card(&magic_card(20_003, 0)));
        service.post_waiting(&format!("{path}/payment"), "pending", 0, &pending).await.expect(202);
        service.wait_until(&path, "pending", |now| now["payment"]["status"] == "pending").await;
        assert!(world.simulator.does_to_order("teststore", order, Deed::MarkDeclined));
        let before = looks(world);
        let looked = service.wait_until(&path, "looked at", |_| looks(world) > before + 1).await;
        assert_eq!(looked["payment"]["status"], "pending", "{looked}");
        assert_eq!(looked["payment"]["safe_to_pay_again"], false, "{looked}");
        assert!(world.simulator.settle(order, Settlement::Success));
        service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
        assert_eq!(charged(world), [(order, Decimal::new(1083, 2))]);
    })
    .await;
}

/// The answer was lost, and the gateway still works on the payment.
#[tokio::test]
async fn nor_is_one_whose_payment_may_still_land() {
    run_with(World::hasty().await, async |world, service| {
        let (path, order) = ordered(service).await;
        let late = world.simulator.add_fault(Fault::on("process-payment").deliver_late());
        let body = pays(json!(10.83));
        service.post_waiting(&format!("{path}/payment"), "lost", 0, &body).await.expect(202);
        service.wait_until(&path, "in doubt", |now| now["status"] == "waiting").await;
        assert_eq!(world.simulator.reached(late), 1);
        assert!(world.simulator.does_to_order("teststore", order, Deed::MarkDeclined));
        let before = looks(world);
        let looked = service.wait_until(&path, "looked at", |_| looks(world) > before).await;
        assert_eq!(looked["payment"]["safe_to_pay_again"], false, "{looked}");
        service
            .wait_until(&path, "at its end", |now| now["status"] == "stuck" || now["status"] == "completed")
            .await;
        let total: Decimal = charged(world).iter().map(|(_, amount)| *amount).sum();
        assert!(total <= Decimal::new(1083, 2), "{total}");
    })
    .await;
}

/// Paid by others and made dearer in the moment in which it is paid here: what is shown is that nobody knows, not that a payment is
/// being made.
#[tokio::test]
async fn no_payment_is_being_made_while_a_person_is_needed() {
    run_with(World::new().await, async |world, service| {
        let (path, order) = ordered(service).await;
        assert!(world.simulator.does_to_order("teststore", order, Deed::PayOrder));
        assert!(world.simulator.does_to_order("teststore", order, Deed::TotalUp));
        service.post(&format!("{path}/payment"), &pays(json!(10.83))).await;
        let stuck = service.wait_until(&path, "stuck", |now| now["status"] == "stuck").await;
        assert_eq!(stuck["stuck"]["reason"], "order-not-payable", "{stuck}");
        assert_eq!(stuck["payment"]["status"], "unknown", "{stuck}");
        assert_eq!(stuck["payment"]["safe_to_pay_again"], false, "{stuck}");
    })
    .await;
}

/// The page was paid, and its order made dearer before we looked.
#[tokio::test]
async fn what_cannot_be_told_of_the_page_is_not_called_settling() {
    run_with(World::hasty().await, async |world, service| {
        let path = service.create(&everything()).await;
        service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
        let cart =
            service.get(&path).await.expect(200).body["cart"]["id"].as_str().expect("a cart").to_owned();
        let order = world.simulator.host(&cart, Hosted::Paid).expect("the page takes the cart");
        assert!(world.simulator.does_to_order("teststore", order, Deed::TotalUp));
        service.post(&format!("{path}/payment"), &agreed(good_card())).await;
        let stuck = service.wait_until(&path, "stuck", |now| now["status"] == "stuck").await;
        assert_eq!(stuck["stuck"]["reason"], "order-not-payable", "{stuck}");
        assert_eq!(stuck["payment"]["status"], "unknown", "{stuck}");
    })
    .await;
}
