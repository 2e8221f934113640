//! Other people's hands: what was found, one by one. The whole dimension is in `matrix::others`.

mod declined;
mod gone;
mod late;
mod moved;
mod opaque;
mod over;
mod put_right;
mod rest;
mod revived;
mod vanished;

use bigcommerce_simulator::{Deed, Fault};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::harness::{
    PATIENCE, Service, World, address, agreed, custom_cart, everything, good_card, run, run_with,
};

/// A checkout with its order of 10.83, and the order's id.
async fn ordered(service: &Service) -> (String, u64) {
    let path = service.create(&everything()).await;
    let made = service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    (path, made.body["order"]["id"].as_u64().expect("an order"))
}

fn pays(total: Value) -> Value {
    let mut body = good_card();
    body["agreed_total"] = total;
    body
}

fn charged(world: &World) -> Vec<(u64, Decimal)> {
    world.simulator.ledger().charges.iter().map(|charge| (charge.order_id, charge.amount)).collect()
}

#[tokio::test]
async fn an_order_that_was_made_cheaper_is_paid_at_its_new_price() {
    run(async |world, service| {
        let (path, order) = ordered(service).await;
        assert!(world.simulator.does_to_order("teststore", order, Deed::TotalDown));
        let paid = service.post(&format!("{path}/payment"), &pays(json!(10.83))).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        assert_eq!(charged(world), [(order, Decimal::new(542, 2))]);
    })
    .await;
}

#[tokio::test]
async fn an_order_that_was_made_dearer_is_agreed_to_again() {
    run(async |world, service| {
        let (path, order) = ordered(service).await;
        assert!(world.simulator.does_to_order("teststore", order, Deed::TotalUp));
        let refused = service.post(&format!("{path}/payment"), &pays(json!(10.83))).await.expect(409);
        assert_eq!(refused.problem(), "total-changed");
        assert_eq!(refused.body["grand_total"].to_string(), "21.66", "{}", refused.text);
        assert!(charged(world).is_empty());
        let rests = service.get(&path).await.body;
        assert_eq!(
            (&rests["status"], &rests["payment"]),
            (&json!("awaiting_input"), &Value::Null),
            "{rests}"
        );
        let paid = service.post(&format!("{path}/payment"), &pays(json!(21.66))).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        assert_eq!(charged(world), [(order, Decimal::new(2166, 2))]);
    })
    .await;
}

#[tokio::test]
async fn an_unpaid_order_that_is_over_is_followed_by_a_new_one_within_the_payment() {
    for deed in [Deed::Archive, Deed::Cancel, Deed::MarkDeclined] {
        for gone in [false, true] {
            let world = World::new().await;
            world.simulator.set(|settings| settings.archived_order_is_404 = gone);
            run_with(world, async |world, service| {
                let (path, order) = ordered(service).await;
                assert!(world.simulator.does_to_order("teststore", order, deed));
                let paid = service.post(&format!("{path}/payment"), &pays(json!(10.83))).await.expect(200);
                assert_eq!(paid.body["status"], "completed", "{deed:?}: {}", paid.text);
                assert_eq!(charged(world), [(order + 1, Decimal::new(1083, 2))], "{deed:?}");
                assert_eq!(paid.body["order"]["id"], order + 1);
            })
            .await;
        }
    }
}

/// What the new order costs is agreed to as before: the cart may have become dearer since.
#[tokio::test]
async fn the_order_that_follows_costs_no_more_than_was_agreed_to() {
    run(async |world, service| {
        let (path, order) = ordered(service).await;
        let cart = world.simulator.ledger().carts[0].id.clone();
        assert!(world.simulator.does_to_order("teststore", order, Deed::Cancel));
        assert!(world.simulator.does_to_cart(&cart, Deed::AddFee));
        let refused = service.post(&format!("{path}/payment"), &pays(json!(10.83))).await.expect(409);
        assert_eq!(refused.problem(), "total-changed", "{}", refused.text);
        assert!(charged(world).is_empty());
    })
    .await;
}

#[tokio::test]
async fn an_order_that_was_cancelled_while_it_was_being_paid_is_paid_by_the_next_payment() {
    run_with(World::hasty().await, async |world, service| {
        let (path, order) = ordered(service).await;
        let fault = world.simulator.add_fault(Fault::on("process-payment").meanwhile_before(Deed::Cancel));
        service.post(&format!("{path}/payment"), &agreed(good_card())).await;
        assert_eq!(world.simulator.reached(fault), 1);
        let rests = service.wait_until(&path, "at rest", |now| now["status"] == "awaiting_input").await;
        assert_eq!(rests["payment"], Value::Null, "{rests}");
        let paid = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        assert_eq!(charged(world), [(order + 1, Decimal::new(1083, 2))]);
    })
    .await;
}

/// A cancelled order of the same cart is not adopted in place of the right one, whose answer was lost.
#[tokio::test]
async fn a_cart_that_was_ordered_and_cancelled_once_is_ordered_again() {
    for (lost, later) in [(false, false), (true, false), (false, true), (true, true)] {
        run_with(World::hasty().await, async |world, service| {
            let cart = foreign_cart(world).await;
            // Another program made an order of it, and the merchant cancelled that: before it was taken over, or later.
            let cancelled = |old: u64| {
                assert!(world.simulator.does_to_order("teststore", old, Deed::Cancel));
                old
            };
            let mut old = 0;
            if !later {
                old = cancelled(world.simulator.host_order(&cart).expect("an order"));
            }
            let path = service.create(&json!({"cart_id": cart})).await;
            service.put(&format!("{path}/billing-address"), &address()).await.expect(200);
            let consignments = json!([{"address": address()}]);
            service.put(&format!("{path}/consignments"), &consignments).await.expect(200);
            let options =
                service.get(&path).await.body["consignments"][0]["available_shipping_options"].clone();
            let choice = json!([{"shipping_option_id": options[0]["id"]}]);
            service.put(&format!("{path}/shipping-options"), &choice).await.expect(200);
            if later {
                assert!(world.simulator.does_to_cart(&cart, Deed::OrderAgain));
                old = cancelled(world.simulator.ledger().orders[0].id);
            }
            let fault = Fault::on("create-order").status_after(500);
            let fault = lost.then(|| world.simulator.add_fault(fault));
            service.post(&format!("{path}/order"), &json!({})).await;
            service.wait_until(&path, "ordered", |now| now["order"]["id"].is_u64()).await;
            if let Some(fault) = fault {
                assert_eq!(world.simulator.reached(fault), 1, "its answer was lost");
            }
            let paid = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
            assert_eq!(paid.body["status"], "completed", "{}", paid.text);
            assert_eq!(charged(world).iter().map(|(order, _)| *order).collect::<Vec<_>>(), [old + 1]);
        })
        .await;
    }
}

#[tokio::test]
async fn two_tabs_that_take_over_one_cart_at_once_are_one_checkout_and_a_refusal() {
    run(async |world, service| {
        let cart = foreign_cart(world).await;
        let body = json!({"cart_id": cart});
        let held = world.simulator.add_fault(Fault::on("get-checkout").times(2).hold_before());
        let both = async {
            tokio::join!(service.post("/v1/checkouts", &body), service.post("/v1/checkouts", &body))
        };
        let release = async {
            tokio::time::timeout(PATIENCE, world.simulator.wait_reached(held, 2))
                .await
                .expect("both have begun");
            world.simulator.release(held);
        };
        let ((one, other), ()) = tokio::join!(both, release);
        let (won, lost) = if one.status == 201 { (one, other) } else { (other, one) };
        assert_eq!((won.status.as_u16(), lost.status.as_u16()), (201, 409), "{} {}", won.text, lost.text);
        assert_eq!(lost.problem(), "cart-taken", "{}", lost.text);
        let stuck: i64 = sqlx::query_scalar("select count(*) from checkout where status = 'stuck'")
            .fetch_one(&world.database.pool)
            .await
            .expect("a count");
        assert_eq!(stuck, 0, "nobody is paged");
        let alive =
            world.simulator.ledger().carts.iter().filter(|one| one.id == cart && one.state == "live").count();
        assert_eq!(alive, 1, "the cart is left alone");
    })
    .await;
}

/// A cart that another program made.
#[expect(clippy::disallowed_methods, reason = "it is not the service that sends")]
async fn foreign_cart(world: &World) -> String {
    let url = format!("{}/stores/teststore/v3/carts", world.simulator.url());
    let request = reqwest::Client::new().post(url).header("x-auth-token", "another-app");
    let request = request.header("accept", "application/json").header("content-type", "application/json");
    let answer = request.body(custom_cart().to_string()).send().await.expect("an answer");
    let body: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
    body["data"]["id"].as_str().expect("an id").to_owned()
}

/// The merchant moves an order to this status.
#[expect(clippy::disallowed_methods, reason = "it is not the service that sends")]
async fn moved(world: &World, order: u64, status: u8) {
    let url = format!("{}/stores/teststore/v2/orders/{order}", world.simulator.url());
    let request = reqwest::Client::new().put(url).header("x-auth-token", "the-merchant");
    let request = request.header("accept", "application/json").header("content-type", "application/json");
    let answer = request.body(json!({"status_id": status}).to_string()).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}
