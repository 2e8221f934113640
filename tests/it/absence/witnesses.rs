//! Two witnesses: an order that is not listed, and a cart that is still there.

use bigcommerce_simulator::{Fault, Hosted, Lag, Settings};
use reqwest::Method;
use serde_json::{Value, json};

use super::{ordered, payment, sent};
use crate::harness::{Service, World, agreed, everything, good_card, run, run_with};
use crate::orders::fresh;

const SECRET: &str = "own-webhook-secret-of-the-tests";

/// Hands the cart of this checkout over; answers its number.
async fn hand_over(service: &Service, path: &str) -> String {
    service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
    cart_of(service, path).await
}

async fn cart_of(service: &Service, path: &str) -> String {
    let snapshot = service.get(path).await.expect(200).body;
    snapshot["cart"]["id"].as_str().expect("a cart").to_owned()
}

/// Orders are listed this many milliseconds after they were made.
fn lagging(ms: u64) -> Settings {
    Settings { order_lookup_lag: Lag { reads: 0, ms }, ..Settings::default() }
}

async fn completed(service: &Service, path: &str) -> Value {
    service.wait_until(path, "completed", |snapshot| snapshot["status"] == "completed").await
}

async fn converted(service: &Service, cart: &str, order: u64) {
    let event = json!({
        "scope": "store/cart/converted", "store_id": "1", "hash": format!("converted {cart}"),
        "created_at": 1_561_479_335, "producer": "stores/teststore",
        "data": {"type": "cart", "id": cart, "orderId": order},
    });
    let headers = [("content-type", "application/json"), ("x-webhook-secret", SECRET)];
    let body = event.to_string().into_bytes();
    service.call(Method::POST, "/webhooks/bigcommerce", &headers, Some(body)).await.expect(200);
}

#[tokio::test]
async fn a_cart_that_is_gone_is_not_paid_here_while_the_list_lags_behind() {
    run_with(World::with(lagging(2_000)).await, async |world, service| {
        let (path, _) = ordered(service).await;
        let cart = hand_over(service, &path).await;
        let there = world.simulator.host(&cart, Hosted::Paid).expect("the page takes the cart");
        let key = fresh();
        let paid = service.post_with(&format!("{path}/payment"), &key, &payment()).await;
        assert!(paid.status == 200 || paid.status == 503, "{}", paid.text);
        let snapshot = completed(service, &path).await;
        assert_eq!(snapshot["order"]["id"].as_u64(), Some(there));
        assert_eq!(sent(world, "process-payment"), 0, "the card was never sent");
        assert_eq!(world.simulator.ledger().charges.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_cart_that_is_gone_is_not_undone_while_the_list_lags_behind() {
    run_with(World::with(lagging(2_000)).await, async |world, service| {
        // Handed over, and not: the store's own mail about an abandoned cart leads to the page as well.
        for handed_over in [true, false] {
            let path = service.create(&everything()).await;
            let cart =
                if handed_over { hand_over(service, &path).await } else { cart_of(service, &path).await };
            let there = world.simulator.host(&cart, Hosted::Paid).expect("the page takes the cart");
            let refused = service.delete(&path).await.expect(409);
            assert_eq!(refused.problem(), "checkout-closed");
            let snapshot = completed(service, &path).await;
            assert_eq!(snapshot["order"]["id"].as_u64(), Some(there));
        }
    })
    .await;
}

#[tokio::test]
async fn no_url_of_the_page_is_made_while_a_payment_of_ours_runs_or_is_in_doubt() {
    run(async |world, service| {
        let (path, _) = ordered(service).await;
        let urls = format!("{path}/redirect-urls");
        let held = world.simulator.add_fault(Fault::on("process-payment").hold_after());
        service.post_waiting(&format!("{path}/payment"), &fresh(), 0, &payment()).await.expect(202);
        world.meets(held, 1).await;
        assert_eq!(service.post(&urls, &json!({})).await.expect(409).problem(), "step-in-progress");
        world.simulator.release(held);
        completed(service, &path).await;
        assert_eq!(service.post(&urls, &json!({})).await.expect(409).problem(), "checkout-closed");
        assert_eq!(sent(world, "create-redirect-urls"), 0);
    })
    .await;
}

#[tokio::test]
async fn no_payment_of_ours_begins_while_urls_of_the_page_are_made() {
    run(async |world, service| {
        let (path, _) = ordered(service).await;
        let held = world.simulator.add_fault(Fault::on("create-redirect-urls").hold_after());
        let (urls, body) = (format!("{path}/redirect-urls"), json!({}));
        let refused = async {
            world.meets(held, 1).await;
            let refused = service.post(&format!("{path}/payment"), &payment()).await.expect(409);
            world.simulator.release(held);
            refused
        };
        let (urls, refused) = tokio::join!(service.post(&urls, &body), refused);
        assert_eq!(refused.problem(), "step-in-progress");
        assert!(urls.expect(200).body["checkout_url"].is_string());
    })
    .await;
}

#[tokio::test]
async fn what_was_paid_on_the_page_is_found_after_our_payment_ended_by_a_look() {
    run(async |world, service| {
        let (path, ours) = ordered(service).await;
        let cart = hand_over(service, &path).await;
        let there = world.simulator.host_order(&cart).expect("the page makes its order");
        // Ours is sent while nothing is paid, and lands after its answer was given up: only a look finds that it was paid.
        let late = world.simulator.add_fault(Fault::on("process-payment").nth(1).deliver_late());
        service.post_waiting(&format!("{path}/payment"), &fresh(), 0, &payment()).await.expect(202);
        world.meets(late, 1).await;
        service.wait_until(&path, "given up", |snapshot| snapshot["payment"]["status"] == "unknown").await;
        assert!(world.simulator.host_payment(there, Hosted::Paid), "the page is paid in the same moment");
        world.simulator.release(late);
        let snapshot = service.wait_until(&path, "ended", |snapshot| {
            ["stuck", "completed"].iter().any(|status| snapshot["status"] == **status)
        });
        let snapshot = snapshot.await;
        assert_eq!(snapshot["stuck"]["reason"], "paid-twice", "{snapshot:#}");
        assert_eq!(snapshot["order"]["id"].as_u64(), Some(ours));
        let charges = world.simulator.ledger().charges;
        assert!(charges.len() == 2 && charges.iter().any(|charge| charge.order_id == there), "{charges:#?}");
        world.others_moved_money_of(&path);
    })
    .await;
}

#[tokio::test]
async fn an_ended_checkout_hears_that_its_cart_was_paid() {
    let mut world = World::with(lagging(500)).await;
    world.set("BIGCOMMERCE_WEBHOOK_SECRET", SECRET);
    run_with(world, async |world, service| {
        // Cancelled here in the very moment in which the page was paid: what BigCommerce shows is one step behind.
        let path = service.create(&everything()).await;
        let cart = hand_over(service, &path).await;
        let deleting = world.simulator.add_fault(Fault::on("delete-cart").status_before(204));
        service.delete(&path).await.expect(200);
        assert_eq!(world.simulator.reached(deleting), 1);
        let there = world.simulator.host(&cart, Hosted::Paid).expect("the page takes the cart");
        assert_eq!(service.get(&path).await.expect(200).body["status"], "cancelled");
        converted(service, &cart, there).await;
        let snapshot = completed(service, &path).await;
        assert_eq!(snapshot["order"]["id"].as_u64(), Some(there));
        assert_eq!(snapshot["payment"]["status"], "succeeded");
    })
    .await;
}

#[tokio::test]
async fn a_late_look_finds_what_was_paid_without_a_webhook() {
    run_with(World::with(lagging(500)).await, async |world, service| {
        let path = service.create(&everything()).await;
        let cart = hand_over(service, &path).await;
        let deleting = world.simulator.add_fault(Fault::on("delete-cart").status_before(204));
        service.delete(&path).await.expect(200);
        assert_eq!(world.simulator.reached(deleting), 1);
        let there = world.simulator.host(&cart, Hosted::Paid).expect("the page takes the cart");
        let snapshot = completed(service, &path).await;
        assert_eq!(snapshot["order"]["id"].as_u64(), Some(there));
    })
    .await;
}

#[tokio::test]
async fn a_surplus_order_that_shows_after_the_end_is_archived() {
    // Longer than the window after which an order is believed absent, shorter than the late look.
    let world = World::with(lagging(5_000)).await;
    let service = world.start().await;
    let path = service.create(&everything()).await;
    let lost = world.simulator.add_fault(Fault::on("create-order").nth(1).status_after(500));
    world.simulator.set(|settings| settings.order_hint = bigcommerce_simulator::OrderHint::Never);
    let body = agreed(json!({"payment": good_card()}));
    let done = service.post(&format!("{path}/complete"), &body).await.expect(200);
    assert_eq!(world.simulator.reached(lost), 1);
    let ours = done.body["order"]["id"].as_u64().expect("an order");
    assert_eq!(world.simulator.ledger().orders.len(), 2, "one that was not listed in time, and ours");
    let archived = world.simulator.add_fault(Fault::on("archive-order").slow(1).always());
    tokio::time::timeout(crate::harness::PATIENCE, world.simulator.wait_reached(archived, 1))
        .await
        .expect("it is looked for once more");
    service.wait_until(&path, "as it was", |snapshot| snapshot["status"] == "completed").await;
    service.stop().await;
    let orders = world.simulator.ledger().orders;
    let alive: Vec<u64> = orders.iter().filter(|order| !order.archived).map(|order| order.id).collect();
    assert_eq!(alive, [ours]);
    world.finish().await;
}

#[tokio::test]
async fn an_unpaid_order_of_somebody_else_is_left_alone() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        let cart = hand_over(service, &path).await;
        let left = world.simulator.host_order(&cart).expect("the page makes its order");
        let body = agreed(json!({"payment": good_card()}));
        let done = service.post(&format!("{path}/complete"), &body).await.expect(200);
        assert_ne!(done.body["order"]["id"].as_u64(), Some(left));
        let orders = world.simulator.ledger().orders;
        assert!(orders.iter().any(|order| order.id == left && !order.archived), "{orders:#?}");
    })
    .await;
}
