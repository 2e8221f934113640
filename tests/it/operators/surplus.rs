//! Another order of the same cart is paid, and ours is not.

use bigcommerce_simulator::Fault;
use headless_checkout::ops::{Action, Assertion, why};
use reqwest::Method;
use serde_json::json;

use super::doors::through_each_door;
use super::{act, case, paid_elsewhere, stuck, until, upstream, world};
use crate::harness::run_with;

through_each_door! {
    a_second_order_that_is_paid_before_the_first_is_taken_over,
}

async fn a_second_order_that_is_paid_before_the_first_is_taken_over() {
    run_with(world().await, async |world, service| {
        world.simulator.add_fault(Fault::on("create-order-v2").status_after(500));
        world.simulator.add_fault(Fault::on("list-orders").status_before(500).always());
        let body = json!({
            "billing_address": {"zip": "78701", "country_iso2": "US", "email": "jane@example.com"},
            "products": [{"name": "Mug", "quantity": 1, "price_inc_tax": 10.83, "price_ex_tax": 10}],
        });
        let created = service.post_waiting("/v1/direct-orders", "direct", 0, &body).await.expect(202);
        let (ours, path) = (created.id(), format!("/v1/checkouts/{}", created.id()));
        stuck(service, &path, "order-unknown").await;
        // Some other program makes the same order again, and has it paid.
        let mut again = body;
        again["external_order_id"] = json!(ours);
        again["status_id"] = json!(0);
        let other = upstream(world, Method::POST, "/v2/orders", &ours, &again).await["id"].clone();
        paid_elsewhere(world, &other, &ours).await;
        world.simulator.clear_faults();
        act(service, &path, &Action::Restart).await.expect("a restart");
        stuck(service, &path, "surplus-order-paid").await;
        let why = why(&case(service, &path).await);
        let said = why.what_happened.join(" ");
        assert!(said.contains(&format!("order {other} of 10.83 USD")), "{said}");
        let refused =
            act(service, &path, &Action::Cancel { refund: false }).await.expect_err("it is refused");
        assert_eq!(refused.name(), "surplus-order-paid", "{refused}");
        let order = other.as_i64().expect("an id");
        act(service, &path, &Action::Resolve(Assertion::Order(order))).await.expect("it is taken over");
        let snapshot = until(service, &path, "completed").await;
        assert_eq!(snapshot["order"]["id"], other);
        assert_eq!(world.simulator.ledger().charges.len(), 1);
    })
    .await;
}
