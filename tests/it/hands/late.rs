//! Who pays between our access token and our payment, without a hand-over: a webhook tells of it, and what is put right
//! there is put right here.

use bigcommerce_simulator::{Deed, Fault, Hosted};
use reqwest::Method;
use serde_json::{Value, json};

use super::{charged, ordered};
use crate::harness::{Service, World, agreed, everything, good_card, run_with};
use crate::orders::{ask, refund_of};

const SECRET: &str = "own-webhook-secret-of-the-tests";

async fn world() -> World {
    let mut world = World::hasty().await;
    world.set("BIGCOMMERCE_WEBHOOK_SECRET", SECRET);
    world
}

/// Whether a token that was minted before still charges an order that was paid meanwhile is not documented: here it does.
async fn charging_twice() -> World {
    let world = world().await;
    world.simulator.set(|settings| settings.charge_checks_status = false);
    world
}

/// BigCommerce tells of something, once.
async fn told(service: &Service, scope: &str, data: Value) {
    let event = json!({
        "scope": scope, "store_id": "1", "hash": format!("{scope} {data} {}", uuid::Uuid::new_v4()),
        "created_at": 1_561_479_335, "producer": "stores/teststore", "data": data,
    });
    let headers = [("content-type", "application/json"), ("x-webhook-secret", SECRET)];
    let body = event.to_string().into_bytes();
    service.call(Method::POST, "/webhooks/bigcommerce", &headers, Some(body)).await.expect(200);
}

async fn becomes(service: &Service, path: &str, status: &str) -> Value {
    service.wait_until(path, status, |now| now["status"] == *status).await
}

#[tokio::test]
async fn what_was_paid_twice_without_a_hand_over_is_found_by_any_webhook_about_its_money() {
    for scope in [
        "store/order/transaction/created",
        "store/order/transaction/updated",
        "store/order/statusUpdated",
        "store/order/updated",
        "store/channel/1/order/updated",
    ] {
        run_with(charging_twice().await, async |world, service| {
            let (path, order) = ordered(service).await;
            let fault =
                world.simulator.add_fault(Fault::on("process-payment").meanwhile_before(Deed::PayOrder));
            let paid = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
            assert_eq!(paid.body["status"], "completed", "{}", paid.text);
            assert_eq!((world.simulator.reached(fault), charged(world).len()), (1, 2));
            told(service, scope, json!({"type": "order", "id": order, "order_id": order})).await;
            let stuck = becomes(service, &path, "stuck").await;
            assert_eq!(stuck["stuck"]["reason"], "paid-twice", "{scope}: {stuck}");
            assert_eq!(charged(world).len(), 2, "nothing is given back by itself");
            if scope == "store/order/transaction/created" {
                // An operator gives one of them back, and the event about it completes the checkout again.
                let (refunds, refund) = (format!("orders/{order}/refunds"), refund_of(order, "10.83"));
                ask(service, &refunds, Some("the-only-refund"), Some(&refund)).await.expect(201);
                told(service, "store/order/refund/created", json!({"type": "refund", "order_id": order}))
                    .await;
                becomes(service, &path, "completed").await;
            }
            world.others_moved_money_of(&path);
        })
        .await;
    }
}

/// Only the event says that it was paid on the page, and it may write the cart's number in capitals and name no order.
#[tokio::test]
async fn a_webhook_finds_the_checkout_by_its_cart_in_any_case() {
    for capitals in [false, true] {
        run_with(world().await, async |world, service| {
            let path = service.create(&everything()).await;
            let cart = service.get(&path).await.body["cart"]["id"].as_str().expect("a cart").to_owned();
            let order = world.simulator.host(&cart, Hosted::Paid).expect("the page takes the cart");
            let said = if capitals { cart.to_uppercase() } else { cart };
            told(service, "store/cart/converted", json!({"type": "cart", "id": said})).await;
            let done = becomes(service, &path, "completed").await;
            assert_eq!(done["order"]["id"].as_u64(), Some(order), "{done}");
        })
        .await;
    }
}

/// The event may come before the answer to our own payment.
#[tokio::test]
async fn a_webhook_that_comes_while_our_payment_runs_is_not_forgotten() {
    run_with(charging_twice().await, async |world, service| {
        let (path, order) = ordered(service).await;
        world.simulator.add_fault(Fault::on("process-payment").meanwhile_before(Deed::PayOrder));
        let held = world.simulator.add_fault(Fault::on("process-payment").hold_after());
        let paying = async { service.post(&format!("{path}/payment"), &agreed(good_card())).await };
        let telling = async {
            world.meets(held, 1).await;
            told(service, "store/order/transaction/created", json!({"order_id": order})).await;
            world.simulator.release(held);
        };
        tokio::join!(paying, telling);
        let stuck = becomes(service, &path, "stuck").await;
        assert_eq!(stuck["stuck"]["reason"], "paid-twice", "{stuck}");
        world.others_moved_money_of(&path);
    })
    .await;
}

/// Events that our own payment causes are looked into, and change nothing: also when a merchant makes the order cheaper later.
#[tokio::test]
async fn what_was_paid_once_stays_completed_whatever_webhooks_tell() {
    run_with(world().await, async |world, service| {
        let (path, order) = ordered(service).await;
        service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        assert!(world.simulator.does_to_order("teststore", order, Deed::TotalDown));
        let look = world.simulator.add_fault(Fault::on("list-transactions").slow(1).always());
        for scope in ["store/order/statusUpdated", "store/order/transaction/created", "store/order/updated"] {
            told(service, scope, json!({"id": order, "order_id": order})).await;
        }
        world.meets(look, 1).await;
        let left = async {
            let count = "select count(*) from late_look";
            while sqlx::query_scalar::<_, i64>(count).fetch_one(&world.database.pool).await.expect("a count")
                > 0
            {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(crate::harness::PATIENCE, left).await.expect("the look ends");
        assert_eq!(service.get(&path).await.body["status"], "completed");
        assert_eq!(world.simulator.reached(look), 1, "one look for the events of one payment");
        // More is held than the order costs by now.
        world.others_moved_money_of(&path);
    })
    .await;
}

#[tokio::test]
async fn an_order_that_nobody_could_find_is_gone_on_with_once_it_shows() {
    run_with(world().await, async |world, service| {
        let path = service.create(&everything()).await;
        world.simulator.add_fault(Fault::on("create-order").status_after(500));
        world.simulator.add_fault(Fault::on("list-orders").status_before(500).always());
        service.post(&format!("{path}/order"), &json!({})).await;
        let stuck = becomes(service, &path, "stuck").await;
        assert_eq!(stuck["stuck"]["reason"], "order-unknown", "{stuck}");
        world.simulator.clear_faults();
        let ledger = world.simulator.ledger();
        let (cart, order) = (ledger.carts[0].id.clone(), ledger.orders[0].id);
        told(service, "store/cart/converted", json!({"type": "cart", "id": cart, "orderId": order})).await;
        let rests = becomes(service, &path, "awaiting_input").await;
        assert_eq!(rests["order"]["id"], order, "{rests}");
        let paid = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        assert_eq!(charged(world).len(), 1);
    })
    .await;
}
