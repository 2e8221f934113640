//! Findings against lists that prove nothing, and what is left of the parts after one.

use bigcommerce_simulator::{Deed, Fault, OrderFilters, PartialPayment};
use headless_checkout::ops::{Action, Assertion};
use reqwest::Method;
use serde_json::json;

use super::reasons::{act_once_settled, refused_once_settled};
use super::{act, ordered, stuck, until, upstream, world};
use crate::harness::{agreed, good_card, run_with};

/// A page of other orders does not say that ours was not made.
#[tokio::test]
async fn an_order_that_stands_on_no_page_of_an_ignored_filter_cannot_be_denied() {
    run_with(world().await, async |world, service| {
        let body = json!({
            "billing_address": {"zip": "78701", "country_iso2": "US", "email": "jane@example.com"},
            "products": [{"name": "Mug", "quantity": 1, "price_inc_tax": 10.83, "price_ex_tax": 10}],
        });
        // More than the first page holds.
        for _ in 0..51 {
            upstream(world, Method::POST, "/v2/orders", "staff", &body).await;
        }
        world.simulator.add_fault(Fault::on("create-order-v2").status_after(500));
        world.simulator.add_fault(Fault::on("list-orders").status_before(500).always());
        let created = service.post_waiting("/v1/direct-orders", "direct", 0, &body).await.expect(202);
        let path = format!("/v1/checkouts/{}", created.id());
        stuck(service, &path, "order-unknown").await;
        world.simulator.set(|settings| settings.order_filters = OrderFilters::Ignored);
        world.simulator.clear_faults();
        let denied = refused_once_settled(service, &path, &Action::Resolve(Assertion::NoOrder)).await;
        assert_eq!(denied.name(), "contradicted", "{denied}");
        act(service, &path, &Action::Restart).await.expect("a restart");
        service.wait_until(&path, "ordered", |now| now["order"]["id"].is_u64()).await;
        assert_eq!(world.simulator.ledger().orders.len(), 52);
    })
    .await;
}

/// What was given back pays nothing of the order that follows.
#[tokio::test]
async fn parts_that_were_given_back_do_not_outlive_the_finding() {
    let world = world().await;
    world.simulator.set(|settings| settings.partial_payment = PartialPayment::PendingPayable);
    run_with(world, async |world, service| {
        let path = ordered(service).await;
        let pay = format!("{path}/payment");
        let certificate = json!({"payment_method_id": "bigcommerce.gift_certificate",
            "instrument": {"type": "gift_certificate", "gift_certificate_code": "GIFT-5"}});
        let part = service.post(&pay, &agreed(certificate)).await.expect(200);
        assert_eq!(part.body["payment"]["status"], "partially_paid", "{}", part.text);
        world.simulator.add_fault(Fault::on("process-payment").hang_before());
        service.post(&pay, &agreed(good_card())).await;
        stuck(service, &path, "payment-unknown").await;
        let order = world.simulator.ledger().orders[0].id;
        assert!(world.simulator.does_to_order("teststore", order, Deed::RefundAll));
        world.simulator.clear_faults();
        act_once_settled(service, &path, &Action::Resolve(Assertion::NotCharged)).await;
        let rests = until(service, &path, "awaiting_input").await;
        assert_eq!(rests["payment"]["amount_paid"].to_string(), "0", "{rests}");
        assert_eq!(rests["next_step"], "order", "{rests}");
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        let paid = service.post(&pay, &agreed(good_card())).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        assert_eq!(paid.body["payment"]["amount_paid"].to_string(), "10.83", "{}", paid.text);
        let holding = |charge: &&bigcommerce_simulator::Charge| charge.amount > charge.refunded;
        let ledger = world.simulator.ledger();
        assert_eq!(ledger.charges.iter().filter(holding).count(), 1, "{:#?}", ledger.charges);
        world.others_moved_money_of(&path);
    })
    .await;
}
