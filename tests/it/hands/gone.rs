//! What somebody else took away or settled without us: the order, its money, the cart. From each there is a way on, or a
//! reason why a person is needed.

use bigcommerce_simulator::{Deed, Fault, Hosted, PartialPayment, magic_card};
use reqwest::Method;
use serde_json::{Value, json};

use super::{charged, ordered, pays};
use crate::harness::{
    OPERATOR, PATIENCE, Service, World, address, agreed, card, custom_cart, everything, good_card, run,
    run_with,
};
use crate::webhooks::tell;

/// A card that the gateway declines.
fn bad_card() -> Value {
    agreed(card(&magic_card(30_106, 0)))
}

/// Pays until the answer is another one than "try again".
async fn pays_at_last(service: &Service, path: &str) -> crate::harness::Answer {
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(100));
    let paying = async {
        loop {
            looks.tick().await;
            let answer = service.post(&format!("{path}/payment"), &pays(json!(10.83))).await;
            if answer.status != 503 {
                return answer;
            }
        }
    };
    tokio::time::timeout(PATIENCE, paying).await.expect("it is not forever")
}

#[tokio::test]
async fn an_order_that_is_gone_after_a_payment_was_declined_is_followed_by_a_new_one() {
    let world = World::hasty().await;
    world.simulator.set(|settings| settings.archived_order_is_404 = true);
    run_with(world, async |world, service| {
        let (path, order) = ordered(service).await;
        service.post(&format!("{path}/payment"), &bad_card()).await.expect(402);
        assert!(world.simulator.does_to_order("teststore", order, Deed::Archive));
        let paid = pays_at_last(service, &path).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        assert_eq!(charged(world).iter().map(|(order, _)| *order).collect::<Vec<_>>(), [order + 1]);
    })
    .await;
}

/// One that comes back within the window is paid itself: what is not seen is not gone.
#[tokio::test]
async fn an_order_that_cannot_be_read_for_a_moment_is_not_replaced() {
    run(async |world, service| {
        let (path, order) = ordered(service).await;
        service.post(&format!("{path}/payment"), &bad_card()).await.expect(402);
        let gone = world.simulator.add_fault(Fault::on("get-order").nth(1).status_before(404));
        let paid = service.post(&format!("{path}/payment"), &pays(json!(10.83))).await.expect(200);
        assert_eq!(world.simulator.reached(gone), 1);
        assert_eq!(paid.body["order"]["id"], order, "{}", paid.text);
        assert_eq!(world.simulator.ledger().orders.len(), 1);
    })
    .await;
}

/// Somebody moved the order on, and BigCommerce shows no money: nobody may be charged for it, and nobody is told to wait.
#[tokio::test]
async fn an_order_that_was_moved_on_without_money_is_for_a_person_until_its_money_is_clear() {
    run(async |world, service| {
        let (path, order) = ordered(service).await;
        service.post(&format!("{path}/payment"), &bad_card()).await.expect(402);
        assert!(world.simulator.does_to_order("teststore", order, Deed::MarkPaid));
        let refused = service.post(&format!("{path}/payment"), &pays(json!(10.83))).await.expect(409);
        assert_eq!(refused.problem(), "checkout-stuck", "{}", refused.text);
        let stuck = service.get(&path).await.body;
        assert_eq!(stuck["stuck"]["reason"], "order-not-payable", "{stuck}");
        assert!(charged(world).is_empty());
        // Hearing of it changes nothing as long as its money is not clear.
        tell(service, order, "one").await;
        let restart = format!("/ops{path}/restart");
        let why = json!({"reason": "look"});
        service.operate(Method::POST, &restart, OPERATOR, Some(&why)).await.expect(200);
        service
            .wait_until(&path, "stuck again", |now| {
                now["version"].as_i64() > stuck["version"].as_i64() && now["status"] == "stuck"
            })
            .await;
        // The merchant takes it back.
        super::moved(world, order, 0).await;
        tell(service, order, "two").await;
        service.wait_until(&path, "payable again", |now| now["status"] == "awaiting_input").await;
        let paid = service.post(&format!("{path}/payment"), &pays(json!(10.83))).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
    })
    .await;
}

/// Every call that changes a checkout whose cart is gone, and what it sends.
fn changes() -> Vec<(Method, &'static str, Value)> {
    vec![
        (Method::PUT, "billing-address", address()),
        (Method::PUT, "consignments", json!([{"address": address()}])),
        (Method::POST, "items", custom_cart()),
        (Method::POST, "coupons", json!({"coupon_code": "TENOFF"})),
        (Method::POST, "order", json!({})),
        (Method::POST, "complete", agreed(json!({"payment": good_card()}))),
    ]
}

#[tokio::test]
async fn a_checkout_whose_cart_is_gone_says_so_and_ends() {
    for (method, call, body) in changes() {
        run(async |world, service| {
            let path = service.create(&everything()).await;
            let cart = world.simulator.ledger().carts[0].id.clone();
            assert!(world.simulator.does_to_cart(&cart, Deed::DeleteCart));
            let target = format!("{path}/{call}");
            let refused = if method == Method::PUT {
                service.put(&target, &body).await
            } else {
                service.post(&target, &body).await
            };
            assert_eq!(refused.status, 409, "{call}: {}", refused.text);
            assert_eq!(refused.problem(), "checkout-closed", "{call}");
            let ended = service.wait_until(&path, "expired", |now| now["status"] == "expired").await;
            assert_eq!(ended["next_step"], Value::Null);
            assert!(world.simulator.ledger().orders.is_empty(), "{call}");
        })
        .await;
    }
}

/// A cart is gone too when another program ordered it and it was paid there.
#[tokio::test]
async fn a_cart_that_is_gone_because_it_was_paid_elsewhere_completes_its_checkout() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        let cart = world.simulator.ledger().carts[0].id.clone();
        let order = world.simulator.host_order(&cart).expect("an order");
        assert!(world.simulator.host_payment(order, Hosted::Paid));
        service.put(&format!("{path}/billing-address"), &address()).await;
        let done = service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
        assert_eq!(done["order"]["id"], order, "{done}");
    })
    .await;
}

/// Paid here, given back by the merchant before we knew, and the cart is gone with the payment: there is nothing to go on
/// with, and the shopper is told so.
#[tokio::test]
async fn what_was_given_back_with_its_cart_gone_ends_the_checkout() {
    run_with(World::hasty().await, async |world, service| {
        let (path, order) = ordered(service).await;
        world.simulator.add_fault(Fault::on("process-payment").status_after(500));
        let blind = world.simulator.add_fault(Fault::on("get-order").always().status_before(503));
        service.post_waiting(&format!("{path}/payment"), "back", 0, &agreed(good_card())).await.expect(202);
        tokio::time::timeout(PATIENCE, world.simulator.wait_reached(blind, 1)).await.expect("a look");
        assert!(world.simulator.does_to_order("teststore", order, Deed::RefundAll));
        world.simulator.clear_faults();
        let rests = service.wait_until(&path, "at rest", |now| now["status"] == "awaiting_input").await;
        assert_eq!(rests["payment"]["status"], "given_back", "{rests}");
        let refused = service.post(&format!("{path}/order"), &json!({})).await.expect(409);
        assert_eq!(refused.problem(), "checkout-closed", "{}", refused.text);
        let ended = service.wait_until(&path, "expired", |now| now["status"] == "expired").await;
        assert_eq!(ended["payment"]["status"], "given_back", "{ended}");
    })
    .await;
}

/// What only a person can know: the money came in another way, or it did not come at all.
#[tokio::test]
async fn an_order_that_was_moved_on_without_money_is_resolved_by_a_person() {
    for (finding, status) in [
        (json!({"charged": "bank-transfer-7"}), "completed"),
        (json!({"not_charged": true}), "awaiting_input"),
    ] {
        run_with(World::hasty().await, async |world, service| {
            let (path, order) = ordered(service).await;
            assert!(world.simulator.does_to_order("teststore", order, Deed::MarkPaid));
            service.post(&format!("{path}/payment"), &pays(json!(10.83))).await.expect(409);
            let stuck = service.get(&path).await.body;
            assert_eq!(stuck["stuck"]["reason"], "order-not-payable", "{stuck}");
            let resolve = format!("/ops{path}/resolve");
            let body = json!({"reason": "I asked", "finding": finding});
            let mut asks = tokio::time::interval(std::time::Duration::from_millis(200));
            let resolving = async {
                loop {
                    asks.tick().await;
                    let answer = service.operate(Method::POST, &resolve, OPERATOR, Some(&body)).await;
                    // What is not shown is believed only after the window.
                    if answer.body["guard"] != "settling" {
                        return answer.expect(200);
                    }
                }
            };
            tokio::time::timeout(PATIENCE, resolving).await.expect("the window ends");
            let now = service.get(&path).await.body;
            assert_eq!(now["status"], status, "{now}");
            if status == "awaiting_input" {
                assert_eq!((&now["next_step"], &now["order"]), (&json!("order"), &Value::Null), "{now}");
            } else {
                world.others_moved_money_of(&path);
            }
        })
        .await;
    }
}

/// What was paid in part must not be forgotten with its order.
#[tokio::test]
async fn an_order_that_is_gone_with_a_part_of_its_money_is_for_a_person() {
    let certificate = json!({"payment_method_id": "bigcommerce.gift_certificate", "agreed_total": 10.83,
        "instrument": {"type": "gift_certificate", "gift_certificate_code": "GIFT-5"}});
    let world = World::hasty().await;
    world.simulator.set(|settings| {
        settings.archived_order_is_404 = true;
        settings.partial_payment = PartialPayment::Incomplete;
    });
    run_with(world, async |world, service| {
        let (path, order) = ordered(service).await;
        let part = service.post(&format!("{path}/payment"), &certificate).await.expect(200);
        assert_eq!(part.body["payment"]["status"], "partially_paid", "{}", part.text);
        assert!(world.simulator.does_to_order("teststore", order, Deed::Archive));
        let refused = pays_at_last(service, &path).await.expect(409);
        assert_eq!(refused.problem(), "checkout-stuck", "{}", refused.text);
        let stuck = service.get(&path).await.body;
        assert_eq!(stuck["stuck"]["reason"], "order-not-payable", "{stuck}");
        assert!(
            stuck["stuck"]["detail"].as_str().is_some_and(|detail| detail.contains("a part of it was paid")),
            "{stuck}"
        );
        assert_eq!(world.simulator.ledger().orders.len(), 1, "no other order was made");
    })
    .await;
}
