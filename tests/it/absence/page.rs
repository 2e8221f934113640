//! A payment on the hosted page that is accepted and then comes to nothing: the checkout goes on here, and only then.

use std::time::Duration;

use bigcommerce_simulator::{Deed, Effect, Fault, Hosted, Kind, OrderFilters, Settlement};
use serde_json::{Value, json};

use super::{counted, ordered, payment, sent};
use crate::harness::{Answer, PATIENCE, Service, World, everything};

async fn hand_over(service: &Service, path: &str) -> String {
    service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
    let snapshot = service.get(path).await.expect(200).body;
    snapshot["cart"]["id"].as_str().expect("a cart").to_owned()
}

async fn with_payment(service: &Service, path: &str, status: &str) -> Value {
    service.wait_until(path, status, |snapshot| snapshot["payment"]["status"] == *status).await
}

#[tokio::test]
async fn an_order_that_is_made_after_the_page_was_declined_stays() {
    let world = World::new().await;
    let service = world.start().await;
    let path = service.create(&everything()).await;
    let cart = hand_over(&service, &path).await;
    let there = world.simulator.host(&cart, Hosted::Pending).expect("the page takes the cart");
    with_payment(&service, &path, "pending").await;
    assert!(world.simulator.settle(there, Settlement::Decline));
    with_payment(&service, &path, "declined").await;
    let made = service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    let ours = made.body["order"]["id"].as_u64().expect("an order");
    assert_ne!(ours, there);
    // A look, which finds nothing new.
    hand_over(&service, &path).await;
    assert_eq!(service.get(&path).await.body["order"]["id"].as_u64(), Some(ours));
    let paid = service.post(&format!("{path}/payment"), &payment()).await.expect(200);
    assert_eq!((&paid.body["status"], paid.body["order"]["id"].as_u64()), (&json!("completed"), Some(ours)));
    assert_eq!(sent(&world, "create-order"), 1);
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn an_order_that_gave_way_to_a_payment_that_came_to_nothing_is_made_again() {
    let world = World::new().await;
    let service = world.start().await;
    let (path, ours) = ordered(&service).await;
    let cart = hand_over(&service, &path).await;
    let there = world.simulator.host(&cart, Hosted::Pending).expect("the page takes the cart");
    let archived = world.simulator.add_fault(Fault::on("archive-order").nth(1).hold_after());
    let (paths, body) = (format!("{path}/payment"), payment());
    let declined = async {
        tokio::time::timeout(PATIENCE, world.simulator.wait_reached(archived, 1))
            .await
            .expect("it gives way");
        assert!(world.simulator.settle(there, Settlement::Decline));
        world.simulator.release(archived);
    };
    let (paid, ()) = tokio::join!(service.post(&paths, &body), declined);
    assert_eq!(paid.expect(200).body["status"], "completed");
    let charges = world.simulator.ledger().charges;
    assert!(charges.iter().filter(|charge| charge.holds_money()).count() == 1, "{charges:#?}");
    assert!(charges.iter().all(|charge| charge.order_id != ours), "{charges:#?}");
    service.stop().await;
    world.finish().await;
}

/// Asks until nothing of the service's own is in the way.
async fn asks(service: &Service, path: &str) -> Answer {
    let asking = async {
        let mut tries = tokio::time::interval(Duration::from_millis(50));
        loop {
            tries.tick().await;
            let answer = service.post(&format!("{path}/payment"), &payment()).await;
            if answer.body["code"] != "step-in-progress" && answer.status != 503 {
                return answer;
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("it is not for ever")
}

#[tokio::test]
async fn an_order_that_gave_way_before_a_look_was_cut_short_is_made_again() {
    let world = World::hasty().await;
    let service = world.start().await;
    let (path, ours) = ordered(&service).await;
    let cart = hand_over(&service, &path).await;
    let there = world.simulator.host(&cart, Hosted::Pending).expect("the page takes the cart");
    let archived = world.simulator.add_fault(Fault::on("archive-order").nth(1).hold_after());
    tokio::time::timeout(PATIENCE, world.simulator.wait_reached(archived, 1)).await.expect("it gives way");
    let refused = world.simulator.add_fault(Fault::on("list-orders").status_before(500).always());
    assert!(world.simulator.settle(there, Settlement::Decline));
    world.simulator.release(archived);
    tokio::time::timeout(PATIENCE, world.simulator.wait_reached(refused, 1)).await.expect("it is looked for");
    let rests = |now: &Value| now["status"] == "awaiting_input";
    let rested = service.wait_until(&path, "at rest", rests).await;
    assert_eq!((&rested["next_step"], &rested["order"]), (&json!("order"), &Value::Null), "{rested:#}");
    let answer = service.post(&format!("{path}/payment"), &payment()).await;
    assert_ne!(answer.body["code"], "checkout-stuck", "{}", answer.text);
    world.simulator.clear_faults();
    let paid = asks(&service, &path).await.expect(200);
    assert_eq!(paid.body["status"], "completed", "{}", paid.text);
    let made = paid.body["order"]["id"].as_u64().expect("an order");
    assert!(made != there && made != ours, "{}", paid.text);
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn a_list_that_shows_nothing_does_not_end_a_payment_on_the_page() {
    let world = World::new().await;
    let service = world.start().await;
    let path = service.create(&everything()).await;
    let cart = hand_over(&service, &path).await;
    let there = world.simulator.host(&cart, Hosted::Pending).expect("the page takes the cart");
    with_payment(&service, &path, "pending").await;
    world.simulator.set(|settings| settings.order_filters = OrderFilters::Blind);
    let looks = counted(&world, "list-orders");
    tokio::time::timeout(PATIENCE, world.simulator.wait_reached(looks, 2)).await.expect("it is looked for");
    let snapshot = service.get(&path).await.expect(200).body;
    assert_eq!(snapshot["payment"]["status"], "pending", "{snapshot:#}");
    assert_eq!(snapshot["payment"]["safe_to_pay_again"], false);
    assert!(world.simulator.settle(there, Settlement::Success));
    let done = service.wait_until(&path, "completed", |snapshot| snapshot["status"] == "completed").await;
    assert_eq!(done["order"]["id"].as_u64(), Some(there));
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn what_was_made_cheaper_while_the_answer_was_lost_was_not_paid_twice() {
    for (call, effect) in [("get-order", Effect::Before), ("list-transactions", Effect::After)] {
        made_cheaper(call, effect).await;
    }
}

async fn made_cheaper(call: &str, effect: Effect) {
    let world = World::hasty().await;
    let service = world.start().await;
    let (path, order) = ordered(&service).await;
    let lost = world.simulator.add_fault(Fault::on("process-payment").nth(1).status_after(500));
    let cheaper = Fault::on(call).nth(1).kind(Kind::Meanwhile { does: Deed::TotalDown, effect });
    let cheaper = world.simulator.add_fault(cheaper);
    service.post_waiting(&format!("{path}/payment"), "cheaper", 20, &payment()).await;
    let done = service.wait_until(&path, "ended", |snapshot| {
        ["stuck", "completed"].iter().any(|status| snapshot["status"] == **status)
    });
    let done = done.await;
    assert_eq!(done["status"], "completed", "{call}: {}", done["stuck"]);
    let taken: Vec<String> =
        world.simulator.ledger().charges.iter().map(|charge| charge.amount.normalize().to_string()).collect();
    assert_eq!([done["payment"]["amount_paid"].to_string()], *taken, "{call}: what was taken is shown");
    assert_eq!((world.simulator.reached(lost), world.simulator.reached(cheaper)), (1, 1));
    // The look after the end.
    let listed = counted(&world, "list-orders");
    tokio::time::timeout(PATIENCE, world.simulator.wait_reached(listed, 1)).await.expect("a late look");
    let looked = async {
        while sqlx::query_scalar::<_, i64>("select count(*) from late_look where looks < 2")
            .fetch_one(&world.database.pool)
            .await
            .expect("a count")
            > 0
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, looked).await.expect("it ends");
    let snapshot = service.get(&path).await.expect(200).body;
    assert_eq!(
        (&snapshot["status"], &snapshot["stuck"]),
        (&json!("completed"), &Value::Null),
        "{snapshot:#}"
    );
    assert_eq!(snapshot["order"]["id"].as_u64(), Some(order));
    service.stop().await;
    world.simulator.stop().await;
    world.database.drop().await;
}
