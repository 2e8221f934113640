//! More is held for an order than it costs, and the way out, through each door.

use bigcommerce_simulator::Fault;
use headless_checkout::ops::{Action, Assertion};
use reqwest::Method;
use serde_json::json;

use super::doors::through_each_door;
use super::{act, ordered, stuck, until, upstream, world};
use crate::harness::{PATIENCE, agreed, good_card, run_with};
use crate::orders::{ask, refund_of};

through_each_door! {
    more_than_the_order_costs_waits_for_a_refund,
}

async fn more_than_the_order_costs_waits_for_a_refund() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        let order = world.simulator.ledger().orders[0].id;
        world.simulator.add_fault(Fault::on("process-payment").status_after(500));
        let blind = world.simulator.add_fault(Fault::on("get-order").always().status_before(503));
        service.post_waiting(&format!("{path}/payment"), "more", 0, &agreed(good_card())).await.expect(202);
        tokio::time::timeout(PATIENCE, world.simulator.wait_reached(blind, 1)).await.expect("a look");
        let lower = json!({"total_inc_tax": "8.00", "total_ex_tax": "8.00"});
        upstream(world, Method::PUT, &format!("/v2/orders/{order}"), "the-merchant", &lower).await;
        world.simulator.clear_faults();
        stuck(service, &path, "paid-twice").await;
        let snapshot = service.get(&path).await.expect(200).body;
        assert_eq!(snapshot["payment"]["amount_paid"].to_string(), "10.83", "{snapshot}");
        assert_eq!(
            (&snapshot["payment"]["safe_to_pay_again"], &snapshot["payment"]["status"]),
            (&json!(false), &json!("unknown"))
        );
        let transaction = world.simulator.ledger().charges[0].transaction_id.clone();
        let resolve = Action::Resolve(Assertion::Charged(transaction));
        let refused = act(service, &path, &resolve).await.expect_err("too much is held");
        assert_eq!(refused.name(), "contradicted", "{refused}");
        let refunds = format!("orders/{order}/refunds");
        ask(service, &refunds, Some("what-is-too-much"), Some(&refund_of(order, "2.83"))).await.expect(201);
        act(service, &path, &Action::Restart).await.expect("a restart");
        let snapshot = until(service, &path, "completed").await;
        assert_eq!(snapshot["payment"]["amount_paid"].to_string(), "8", "{snapshot}");
    })
    .await;
}
