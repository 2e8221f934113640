//! Orders of which something cannot be read.

use bigcommerce_simulator::{Fault, magic_card};
use reqwest::Method;
use serde_json::{Value, json};

use super::{answers, at_bigcommerce, sent};
use crate::bad_requests::direct_order;
use crate::harness::{OPERATOR, PATIENCE, Service, agreed, card, everything, good_card, run};

/// An unpaid order of this cart, as BigCommerce shows it.
fn row(cart: &str, id: u64) -> Value {
    json!({
        "id": id, "status_id": 0, "status": "Incomplete", "payment_status": "", "is_deleted": false, "cart_id": cart,
        "total_inc_tax": "10.8300", "default_currency_code": "USD", "currency_code": "USD",
        "order_source": "checkout_api", "customer_id": 0, "external_id": null,
    })
}

async fn cart_of(service: &Service, path: &str) -> String {
    let snapshot = service.get(path).await.expect(200).body;
    snapshot["cart"]["id"].as_str().expect("a cart").to_owned()
}

async fn restart(service: &Service, path: &str) {
    let why = json!({"reason": "look"});
    service.operate(Method::POST, &format!("/ops{path}/restart"), OPERATOR, Some(&why)).await.expect(200);
}

/// Only what is known to hold no money is taken away.
#[tokio::test]
async fn a_twin_of_which_not_everything_can_be_read_is_not_archived() {
    for (name, odd) in [
        ("payment_status", json!({"a": 1})),
        ("payment_status", json!(["captured"])),
        ("is_deleted", json!("perhaps")),
        ("gift_certificate_amount", json!("five")),
        ("refunded_amount", json!({"value": 1})),
    ] {
        run(async |world, service| {
            // Held, because whose orders they are is known only by the id of the checkout.
            let held = world.simulator.add_fault(Fault::on("create-order-v2").nth(1).hold_after());
            let created =
                service.post_waiting("/v1/direct-orders", "twin", 0, &direct_order()).await.expect(202);
            tokio::time::timeout(PATIENCE, world.simulator.wait_reached(held, 1)).await.expect("it is made");
            let id = created.id();
            let mut again = direct_order();
            (again["status_id"], again["external_order_id"]) = (json!(0), json!(id));
            let again = at_bigcommerce(world, Method::POST, "/v2/orders", Some(&again)).await;
            let of_it = |order: &Value| {
                let mut row = row("", order.as_u64().expect("a number"));
                (row["external_order_id"], row["total_inc_tax"]) =
                    (json!(id), again["total_inc_tax"].clone());
                row
            };
            let mut twin = of_it(&again["id"]);
            twin[name] = odd;
            let ours = world.simulator.ledger().orders[0].id;
            let spoilt =
                answers(world, Fault::on("list-orders").always(), json!([of_it(&json!(ours)), twin]));
            world.simulator.release(held);
            let path = format!("/v1/checkouts/{id}");
            let stuck = service.wait_until(&path, "stuck", |now| now["status"] == "stuck").await;
            assert_eq!(stuck["stuck"]["reason"], "surplus-order-paid", "{name}: {stuck}");
            assert!(world.simulator.reached(spoilt) > 0);
            assert_eq!(
                (world.simulator.ledger().orders.len(), sent(world, "archive-order")),
                (2, 0),
                "{name}"
            );
            // As soon as it can be read, it is known to hold nothing.
            world.simulator.clear_faults();
            restart(service, &path).await;
            service.wait_until(&path, "ordered", |now| now["status"] == "awaiting_input").await;
            assert_eq!(sent(world, "archive-order"), 1, "{name}");
            let paid = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
            assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        })
        .await;
    }
}

/// 10.83 of what? Nobody knows, and nobody guesses.
#[tokio::test]
async fn an_order_whose_currency_is_not_said_is_not_paid() {
    for nothing in [Value::Null, json!(""), json!({})] {
        run(async |world, service| {
            let path = service.create(&everything()).await;
            let mut silent = row(&cart_of(service, &path).await, 125);
            silent["default_currency_code"] = nothing.clone();
            silent["currency_code"] = nothing;
            let spoilt = answers(world, Fault::on("list-orders").always(), json!([silent]));
            service
                .post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()})))
                .await
                .expect(409);
            assert!(world.simulator.reached(spoilt) > 0);
            let stuck = service.get(&path).await.expect(200).body;
            assert_eq!(stuck["stuck"]["reason"], "total-mismatch", "{stuck}");
            assert_eq!(sent(world, "create-access-token"), 0, "nothing was on its way to be paid");
        })
        .await;
    }
}

/// The same where it was said before, and is not any more.
#[tokio::test]
async fn an_order_whose_currency_is_not_said_any_more_is_not_paid() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        let cart = cart_of(service, &path).await;
        let made = service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        let order = made.body["order"]["id"].as_u64().expect("an order");
        service.post(&format!("{path}/payment"), &agreed(card(&magic_card(30_106, 0)))).await.expect(402);
        let mut silent = row(&cart, order);
        for name in ["default_currency_code", "currency_code"] {
            silent[name] = Value::Null;
        }
        let before = sent(world, "process-payment");
        let spoilt = answers(world, Fault::on("get-order").always(), silent);
        let refused = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(409);
        assert_eq!(refused.problem(), "checkout-stuck", "{}", refused.text);
        assert!(world.simulator.reached(spoilt) > 0);
        let stuck = service.get(&path).await.expect(200).body;
        assert_eq!(stuck["stuck"]["reason"], "order-not-payable", "{stuck}");
        assert_eq!(sent(world, "process-payment"), before);
        world.simulator.clear_faults();
        restart(service, &path).await;
        service.wait_until(&path, "payable again", |now| now["status"] == "awaiting_input").await;
        let paid = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
    })
    .await;
}
