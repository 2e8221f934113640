//! An order that is not found by its number: how sure it has to be that it is gone, and what must not be forgotten with it.

use bigcommerce_simulator::{Deed, Fault, Hosted, PartialPayment, magic_card};
use serde_json::json;

use super::ordered;
use crate::harness::{
    Answer, PATIENCE, Service, World, address, agreed, card, everything, good_card, run, run_with,
};
use crate::unreadable::answers;

/// A world in which archived orders are not found any more.
async fn world() -> World {
    let world = World::hasty().await;
    world.simulator.set(|settings| {
        settings.archived_order_is_404 = true;
        settings.partial_payment = PartialPayment::Incomplete;
    });
    world
}

/// Pays until the answer is another one than "try again".
async fn pays_at_last(service: &Service, path: &str) -> Answer {
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(100));
    let paying = async {
        loop {
            looks.tick().await;
            let answer = service.post(&format!("{path}/payment"), &agreed(good_card())).await;
            if answer.status != 503 {
                return answer;
            }
        }
    };
    tokio::time::timeout(PATIENCE, paying).await.expect("it is not forever")
}

/// It is for a person, and no other order was made.
async fn is_for_a_person(world: &World, service: &Service, path: &str, why: &str) {
    let refused = pays_at_last(service, path).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert_eq!(refused.problem(), "checkout-stuck", "{}", refused.text);
    let stuck = service.get(path).await.expect(200).body;
    assert_eq!(stuck["stuck"]["reason"], "order-not-payable", "{stuck}");
    assert!(stuck["stuck"]["detail"].as_str().is_some_and(|detail| detail.contains(why)), "{stuck}");
    assert_eq!(world.simulator.ledger().orders.len(), 1, "no other order was made");
}

/// Its transactions do not show the part any more, either: what was paid here is known here.
#[tokio::test]
async fn a_part_that_was_paid_here_is_not_forgotten_with_its_order() {
    run_with(world().await, async |world, service| {
        let (path, order) = ordered(service).await;
        let certificate = json!({"payment_method_id": "bigcommerce.gift_certificate", "agreed_total": 10.83,
            "instrument": {"type": "gift_certificate", "gift_certificate_code": "GIFT-5"}});
        let part = service.post(&format!("{path}/payment"), &certificate).await.expect(200);
        assert_eq!(part.body["payment"]["status"], "partially_paid", "{}", part.text);
        assert!(world.simulator.does_to_order("teststore", order, Deed::Archive));
        let of_it = Fault::on("list-transactions").path_contains(&format!("/orders/{order}/"));
        world.simulator.add_fault(of_it.always().status_before(404));
        is_for_a_person(world, service, &path, "a part of it was paid").await;
    })
    .await;
}

/// Somebody paid it, and it is gone: its transactions still say so.
#[tokio::test]
async fn a_payment_that_is_still_listed_is_not_forgotten_with_its_order() {
    for status in ["ok", "pending"] {
        run_with(world().await, async |world, service| {
            let (path, order) = ordered(service).await;
            service.post(&format!("{path}/payment"), &agreed(card(&magic_card(30_106, 0)))).await.expect(402);
            assert!(world.simulator.does_to_order("teststore", order, Deed::Archive));
            let listed = json!({"data": [{"id": 900, "order_id": order.to_string(), "event": "purchase", "status": status,
                "amount": 10.83, "currency": "USD", "method": "credit_card", "gateway": "stripe"}], "meta": {}});
            let of_it = Fault::on("list-transactions").path_contains(&format!("/orders/{order}/"));
            let listed = answers(world, of_it.always(), listed);
            is_for_a_person(world, service, &path, "a payment of it is listed").await;
            assert!(world.simulator.reached(listed) > 0);
        })
        .await;
    }
}

/// Neither its number nor the list finds it, for a moment: it is not gone before the settle window has passed.
#[tokio::test]
async fn an_order_that_no_witness_sees_for_a_moment_is_not_replaced() {
    run(async |world, service| {
        let (path, order) = ordered(service).await;
        service.post(&format!("{path}/payment"), &agreed(card(&magic_card(30_106, 0)))).await.expect(402);
        let number = world.simulator.add_fault(Fault::on("get-order").nth(1).status_before(404));
        let list = answers(world, Fault::on("list-orders").nth(1), json!([]));
        let paid = pays_at_last(service, &path).await.expect(200);
        assert_eq!((world.simulator.reached(number), world.simulator.reached(list)), (1, 1));
        assert_eq!(paid.body["order"]["id"], order, "{}", paid.text);
        assert_eq!(world.simulator.ledger().orders.len(), 1);
    })
    .await;
}

/// A cart that is not found, and whose order is listed as paid, was not thrown away: its checkout is at no moment told to have
/// expired.
#[tokio::test]
async fn a_cart_that_is_gone_because_it_was_paid_is_never_called_expired() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        let cart = world.simulator.ledger().carts[0].id.clone();
        let order = world.simulator.host_order(&cart).expect("an order");
        assert!(world.simulator.host_payment(order, Hosted::Paid));
        let answer = service.put(&format!("{path}/billing-address"), &address()).await;
        assert_ne!(answer.body["status"], "expired", "{}", answer.text);
        let done = service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
        assert_eq!(done["order"]["id"], order, "{done}");
        let events: Vec<String> = sqlx::query_scalar("select event from attempt_log")
            .fetch_all(&world.database.pool)
            .await
            .expect("the log");
        assert!(
            events.len() > 5 && !events.iter().any(|event| event == "lapsed" || event == "abandoned"),
            "{events:?}"
        );
    })
    .await;
}
