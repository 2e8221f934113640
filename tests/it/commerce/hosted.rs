//! The shopper pays on BigCommerce's hosted page, and the service takes over what came of it.

use bigcommerce_simulator::{Effect, Fault, Hosted, Settlement, magic_card};
use reqwest::Method;
use serde_json::{Value, json};

use super::{ordered, ready};
use crate::harness::{Service, World, agreed, card, custom_cart, everything, good_card, run, run_with};

const SECRET: &str = "own-webhook-secret-of-the-tests";

async fn cart_of(service: &Service, path: &str) -> String {
    let snapshot = service.get(path).await.expect(200).body;
    snapshot["cart"]["id"].as_str().expect("a cart").to_owned()
}

async fn hand_over(service: &Service, path: &str) -> String {
    let urls = service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
    assert!(urls.body["checkout_url"].is_string());
    cart_of(service, path).await
}

async fn completed(service: &Service, path: &str) -> Value {
    service.wait_until(path, "completed", |snapshot| snapshot["status"] == "completed").await
}

/// One order that lives, one charge.
fn paid_once(world: &World, snapshot: &Value) {
    paid_once_beside(world, snapshot, &[]);
}

/// The same, beside orders that were left unpaid on the page.
fn paid_once_beside(world: &World, snapshot: &Value, left: &[u64]) {
    let ledger = world.simulator.ledger();
    assert_eq!(ledger.charges.len(), 1, "{:#?}", ledger.charges);
    // What the page made and nobody paid is not ours to archive.
    let ours = |id: u64| id == ledger.charges[0].order_id || !left.contains(&id);
    let alive = ledger.orders.iter().filter(|order| !order.archived && ours(order.id));
    let alive: Vec<u64> = alive.map(|order| order.id).collect();
    assert_eq!(alive, [ledger.charges[0].order_id]);
    assert_eq!(snapshot["order"]["id"].as_u64(), Some(ledger.charges[0].order_id));
    assert_eq!(snapshot["payment"]["status"], "succeeded");
    assert_eq!(snapshot["payment"]["safe_to_pay_again"], false);
}

#[tokio::test]
async fn what_was_paid_on_the_hosted_page_is_found_by_looking() {
    for (how, kind) in [(Hosted::Paid, "purchase"), (Hosted::Authorized, "authorization")] {
        run(async |world, service| {
            // The page asks for addresses and shipping itself: a cart is enough.
            let path = service.create(&custom_cart()).await;
            let cart = hand_over(service, &path).await;
            world.simulator.host(&cart, how).expect("the page takes the cart");
            let snapshot = completed(service, &path).await;
            paid_once(world, &snapshot);
            assert_eq!(snapshot["payment"]["transaction_type"], kind);
            assert_eq!(snapshot["payment"]["instrument"]["type"], "hosted_page");
            assert_eq!(snapshot["next_step"], Value::Null);
            let again = service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(409);
            assert_eq!(again.problem(), "checkout-closed");
            let order = service.get(&format!("{path}/order")).await.expect(200);
            assert_eq!(order.body["order"]["id"], snapshot["order"]["id"]);
        })
        .await;
    }
}

#[tokio::test]
async fn a_webhook_says_it_at_once_also_where_nobody_handed_anything_over() {
    let mut world = World::new().await;
    world.set("BIGCOMMERCE_WEBHOOK_SECRET", SECRET);
    // No look in between can find it.
    world.set("SETTLE_SECONDS", "3600");
    run_with(world, async |world, service| {
        for handed_over in [true, false] {
            let path = ready(service, custom_cart()).await;
            let cart =
                if handed_over { hand_over(service, &path).await } else { cart_of(service, &path).await };
            // The store's own mail about an abandoned cart leads to the page as well.
            let order = world.simulator.host(&cart, Hosted::Paid).expect("the page takes the cart");
            let event = json!({
                "scope": "store/cart/converted", "store_id": "1", "hash": format!("converted {cart}"),
                "created_at": 1_561_479_335, "producer": "stores/teststore",
                "data": {"type": "cart", "id": cart, "orderId": order},
            });
            let headers = [("content-type", "application/json"), ("x-webhook-secret", SECRET)];
            let body = event.to_string().into_bytes();
            service.call(Method::POST, "/webhooks/bigcommerce", &headers, Some(body)).await.expect(200);
            let snapshot = completed(service, &path).await;
            assert_eq!(snapshot["order"]["id"].as_u64(), Some(order));
        }
        assert_eq!(world.simulator.ledger().charges.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_page_that_is_left_changes_nothing_and_the_checkout_goes_on_here() {
    run(async |world, service| {
        let path = ready(service, custom_cart()).await;
        let cart = hand_over(service, &path).await;
        let left = world.simulator.host_order(&cart).expect("the page makes its order");
        let paid = service
            .post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()})))
            .await
            .expect(200);
        paid_once_beside(world, &paid.body, &[left]);
        assert_ne!(paid.body["order"]["id"].as_u64(), Some(left));
    })
    .await;
}

#[tokio::test]
async fn an_order_of_ours_gives_way_to_the_one_that_was_paid() {
    run(async |world, service| {
        let path = ordered(service, custom_cart()).await;
        // What the Payments API refused, the page can do.
        service.post(&format!("{path}/payment"), &agreed(card(&magic_card(30_106, 0)))).await.expect(402);
        let cart = hand_over(service, &path).await;
        world.simulator.host(&cart, Hosted::Paid).expect("the page takes the cart");
        let snapshot = completed(service, &path).await;
        paid_once(world, &snapshot);
    })
    .await;
}

#[tokio::test]
async fn a_payment_here_that_comes_after_the_one_there_charges_nothing() {
    let mut world = World::new().await;
    world.set("SETTLE_SECONDS", "3600");
    run_with(world, async |world, service| {
        let path = ordered(service, custom_cart()).await;
        let cart = hand_over(service, &path).await;
        world.simulator.host(&cart, Hosted::Paid).expect("the page takes the cart");
        let paid = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        paid_once(world, &paid.body);
        assert_eq!(paid.body["payment"]["instrument"]["type"], "hosted_page");
        let attempts =
            world.simulator.requests().iter().filter(|request| request.call == "process-payment").count();
        assert_eq!(attempts, 0, "the card was never sent");
    })
    .await;
}

#[tokio::test]
async fn the_page_is_paid_while_our_order_is_made() {
    // Before the call that makes our order, and after it.
    for effect in [Effect::Before, Effect::After] {
        run(async |world, service| {
            let path = ready(service, custom_cart()).await;
            let cart = hand_over(service, &path).await;
            let create = Fault::on("create-order");
            let held = if effect == Effect::Before { create.hold_before() } else { create.hold_after() };
            let fault = world.simulator.add_fault(held);
            let raced = async {
                world.meets(fault, 1).await;
                world.simulator.host(&cart, Hosted::Paid).expect("the page takes the cart");
                world.simulator.release(fault);
            };
            let body = agreed(json!({"payment": good_card()}));
            let complete = format!("{path}/complete");
            let (answer, ()) = tokio::join!(service.post(&complete, &body), raced);
            let snapshot = answer.expect(200).body;
            assert_eq!(snapshot["status"], "completed");
            paid_once(world, &snapshot);
        })
        .await;
    }
}

#[tokio::test]
async fn a_payment_that_settles_on_the_page_is_waited_for() {
    for (settlement, status) in [(Settlement::Success, "completed"), (Settlement::Decline, "awaiting_input")]
    {
        run(async |world, service| {
            let path = ready(service, custom_cart()).await;
            let cart = hand_over(service, &path).await;
            let order = world.simulator.host(&cart, Hosted::Pending).expect("the page takes the cart");
            service.wait_until(&path, "waiting", |snapshot| snapshot["payment"]["status"] == "pending").await;
            // While it looks, it is busy; otherwise it says why.
            let refused = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(409);
            assert!(
                ["payment-in-doubt", "step-in-progress"].contains(&refused.problem()),
                "{}",
                refused.text
            );
            assert!(world.simulator.settle(order, settlement));
            let snapshot = service
                .wait_until(&path, status, |snapshot| {
                    snapshot["status"] == status && snapshot["payment"]["status"] != "pending"
                })
                .await;
            if settlement == Settlement::Decline {
                // The cart is still there: a new order of it is paid here.
                assert_eq!((&snapshot["next_step"], &snapshot["order"]), (&json!("order"), &Value::Null));
                let body = agreed(json!({"payment": good_card()}));
                service.post(&format!("{path}/complete"), &body).await.expect(200);
            }
            assert_eq!(
                world.simulator.ledger().charges.iter().filter(|charge| charge.holds_money()).count(),
                1
            );
        })
        .await;
    }
}

#[tokio::test]
async fn what_was_paid_on_the_page_is_not_undone() {
    let mut world = World::new().await;
    world.set("SETTLE_SECONDS", "3600");
    run_with(world, async |world, service| {
        let path = service.create(&everything()).await;
        let cart = hand_over(service, &path).await;
        world.simulator.host(&cart, Hosted::Paid).expect("the page takes the cart");
        let refused = service.delete(&path).await.expect(409);
        assert_eq!(refused.problem(), "checkout-closed");
        let snapshot = service.get(&path).await.expect(200).body;
        assert_eq!(snapshot["status"], "completed");
        paid_once(world, &snapshot);
    })
    .await;
}
