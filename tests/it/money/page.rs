//! What the hosted page took is judged by its amounts.

use bigcommerce_simulator::{Deed, Hosted, PartialPayment, Settlement};
use serde_json::{Value, json};

use super::{amounts, money, settings};
use crate::harness::{Answer, PATIENCE, Service, World, agreed, everything, good_card, run, run_with};

fn pair(paid: &str, due: &str) -> (String, String) {
    (paid.to_owned(), due.to_owned())
}

/// A checkout that was handed over, and its cart.
async fn handed_over(service: &Service) -> (String, String) {
    let path = service.create(&everything()).await;
    service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
    let cart = service.get(&path).await.expect(200).body["cart"]["id"].as_str().expect("a cart").to_owned();
    (path, cart)
}

/// Looks at the page come in between: whoever is told that a step is being worked on asks again.
async fn asks(service: &Service, path: &str, body: &Value) -> Answer {
    let mut tries = tokio::time::interval(std::time::Duration::from_millis(50));
    let asking = async {
        loop {
            tries.tick().await;
            let answer = service.post(path, body).await;
            if answer.body["code"] != "step-in-progress" {
                return answer;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("it is not forever")
}

fn whole() -> Value {
    agreed(json!({"payment": good_card()}))
}

fn sent(world: &World) -> usize {
    world.simulator.requests().iter().filter(|request| request.call == "process-payment").count()
}

#[tokio::test]
async fn a_page_that_took_less_than_was_due_leaves_the_rest_to_be_paid() {
    for rest_there in [false, true] {
        run_with(World::with(settings(PartialPayment::PendingPayable)).await, async |world, service| {
            let (path, cart) = handed_over(service).await;
            let order = world.simulator.host(&cart, Hosted::Part).expect("the page takes the cart");
            let part = |now: &Value| now["payment"]["status"] == "partially_paid";
            let snapshot = service.wait_until(&path, "paid in part", part).await;
            assert_eq!(snapshot["status"], "awaiting_input", "{snapshot}");
            assert_eq!(snapshot["next_step"], "payment", "{snapshot}");
            assert_eq!(snapshot["order"]["id"].as_u64(), Some(order), "{snapshot}");
            assert_eq!(amounts(&snapshot), pair("5.42", "5.41"), "{snapshot}");
            assert_eq!(snapshot["payment"]["payments"][0]["instrument_type"], "hosted_page", "{snapshot}");
            if rest_there {
                assert!(world.simulator.take_payment(order, Hosted::Paid));
            } else {
                asks(service, &format!("{path}/payment"), &agreed(good_card())).await.expect(200);
            }
            let done = service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
            assert_eq!(amounts(&done), pair("10.83", "0"), "{done}");
            assert!(money(world).is_whole());
        })
        .await;
    }
}

#[tokio::test]
async fn a_part_that_the_page_took_is_given_back_when_the_shopper_cancels() {
    for known in [false, true] {
        run_with(World::with(settings(PartialPayment::PendingPayable)).await, async |world, service| {
            let (path, cart) = handed_over(service).await;
            world.simulator.host(&cart, Hosted::Part).expect("the page takes the cart");
            if known {
                let part = |now: &Value| now["payment"]["status"] == "partially_paid";
                service.wait_until(&path, "paid in part", part).await;
            }
            service.delete(&path).await;
            let cancelled = service.wait_until(&path, "cancelled", |now| now["status"] == "cancelled").await;
            assert_eq!(cancelled["payment"]["status"], "given_back", "{cancelled}");
            assert!(money(world).held().is_zero());
        })
        .await;
    }
}

#[tokio::test]
async fn a_page_that_took_more_than_was_due_is_for_a_person() {
    let mut world = World::new().await;
    world.set("SETTLE_SECONDS", "3600");
    run_with(world, async |world, service| {
        let (path, cart) = handed_over(service).await;
        let order = world.simulator.host(&cart, Hosted::Paid).expect("the page takes the cart");
        assert!(world.simulator.take_payment(order, Hosted::Paid));
        let refused = service.post(&format!("{path}/complete"), &whole()).await.expect(409);
        assert_eq!(refused.problem(), "checkout-stuck", "{}", refused.text);
        let stuck = service.get(&path).await.body;
        assert_eq!(stuck["stuck"]["reason"], "paid-twice", "{stuck}");
        assert_eq!(amounts(&stuck), pair("21.66", "0"), "{stuck}");
        assert_eq!(sent(world), 0);
        world.others_moved_money_of(&path);
    })
    .await;
}

/// What the page authorized or charged, and what was voided or refunded before anybody looked, pays nothing.
#[tokio::test]
async fn what_the_page_took_and_what_was_given_back_is_no_payment() {
    for (how, deed) in [(Hosted::Authorized, Deed::Void), (Hosted::Paid, Deed::RefundAll)] {
        run_with(World::hasty().await, async |world, service| {
            let path = service.create(&everything()).await;
            let cart = service.get(&path).await.body["cart"]["id"].as_str().expect("a cart").to_owned();
            let order = world.simulator.host(&cart, how).expect("the page takes the cart");
            assert!(world.simulator.does_to_order("teststore", order, deed));
            world.simulator.settle(order, Settlement::Success);
            service.post(&format!("{path}/redirect-urls"), &json!({})).await;
            let mut tries = tokio::time::interval(std::time::Duration::from_millis(100));
            let trying = async {
                loop {
                    tries.tick().await;
                    let answer = asks(service, &format!("{path}/complete"), &whole()).await;
                    assert_ne!(answer.status, 200, "{deed:?}: {}", answer.text);
                    if answer.status != 503 {
                        return;
                    }
                }
            };
            tokio::time::timeout(PATIENCE, trying).await.expect("it is not forever");
            let snapshot = service.get(&path).await.body;
            assert_ne!(snapshot["status"], "completed", "{deed:?}: {snapshot}");
            assert_ne!(snapshot["payment"]["status"], "succeeded", "{deed:?}: {snapshot}");
            assert_eq!(sent(world), 0);
        })
        .await;
    }
}

/// A status that a person set is no money, and nothing is charged beside it either.
#[tokio::test]
async fn an_order_of_the_page_that_somebody_moved_on_without_money_is_neither_paid_nor_paid_again() {
    let mut world = World::hasty().await;
    world.set("PENDING_SECONDS", "1");
    run_with(world, async |world, service| {
        let (path, cart) = handed_over(service).await;
        let order = world.simulator.host_order(&cart).expect("the page makes its order");
        assert!(world.simulator.does_to_order("teststore", order, Deed::MarkPaid));
        service.post_waiting(&format!("{path}/complete"), "moved", 0, &whole()).await;
        let ended = |now: &Value| ["stuck", "completed"].iter().any(|status| now["status"] == **status);
        let stuck = service.wait_until(&path, "ended", ended).await;
        assert_eq!(stuck["status"], "stuck", "{stuck}");
        assert_eq!(sent(world), 0);
    })
    .await;
}

/// An order of ours that is made after the page's was declined is not taken for the page's.
#[tokio::test]
async fn what_was_declined_on_the_page_does_not_bury_the_order_that_follows() {
    run(async |world, service| {
        let (path, cart) = handed_over(service).await;
        let there = world.simulator.host(&cart, Hosted::Pending).expect("the page takes the cart");
        service.wait_until(&path, "waiting", |now| now["payment"]["status"] == "pending").await;
        assert!(world.simulator.settle(there, Settlement::Decline));
        service.wait_until(&path, "declined", |now| now["payment"]["status"] == "declined").await;
        let made = asks(service, &format!("{path}/order"), &json!({})).await.expect(200);
        let order = made.body["order"]["id"].as_u64().expect("an order");
        // The looks for what the page may have taken go on.
        let looks =
            world.simulator.add_fault(bigcommerce_simulator::Fault::on("list-orders").slow(1).always());
        tokio::time::timeout(PATIENCE, world.simulator.wait_reached(looks, 2))
            .await
            .expect("it is looked at");
        let paid = asks(service, &format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        assert_eq!(paid.body["order"]["id"].as_u64(), Some(order), "{}", paid.text);
    })
    .await;
}
