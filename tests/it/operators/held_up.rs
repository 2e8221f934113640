//! Shoppers who do not get on are found: who is blocked and by what, who is tried again, what costs how much.

use bigcommerce_simulator::Fault;
use serde_json::{Value, json};

use super::http::get;
use super::{id, ordered, world};
use crate::dashboard::Visitor;
use crate::harness::{ACTOR, Service, agreed, card, custom_cart, everything, good_card, run_with};

async fn found(service: &Service, query: &str) -> Vec<String> {
    let page = get(service, &format!("checkouts?{query}")).await.expect(200);
    let rows = page.body["data"].as_array().expect("rows");
    rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn a_shopper_who_is_blocked_is_found_by_what_blocks_until_they_get_on() {
    run_with(world().await, async |_, service| {
        let path = ordered(service).await;
        let at = id(&path).to_string();
        assert!(found(service, "attention=blocked").await.is_empty(), "an order that waits for its payment");
        let declined = agreed(card(&bigcommerce_simulator::magic_card(30_106, 0)));
        service.post(&format!("{path}/payment"), &declined).await.expect(402);
        for query in ["attention=blocked", "obstacle=payment-declined", "attention=blocked&step=payment"] {
            assert_eq!(found(service, query).await, std::slice::from_ref(&at), "{query}");
        }
        for query in ["attention=retrying", "obstacle=upstream-unavailable"] {
            assert!(found(service, query).await.is_empty(), "{query}");
        }
        let summary = service.ops().summary().await.expect("a summary");
        let counted: Vec<_> = summary
            .attention
            .iter()
            .map(|one| (one.attention.as_str(), one.obstacle.as_deref(), one.count))
            .collect();
        assert_eq!(counted, [("blocked", Some("payment-declined"), 1)]);
        let mut visitor = Visitor::with(service, ACTOR).await;
        let overview = visitor.get("/ops").await.expect(200).text;
        assert!(overview.contains("Blocked shoppers"), "{overview}");
        let list = visitor.get("/ops/checkouts?attention=blocked").await.expect(200).text;
        assert!(list.contains("blocked: payment-declined") && list.contains(&at), "{list}");
        service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        assert!(found(service, "attention=blocked").await.is_empty(), "paid");
    })
    .await;
}

#[tokio::test]
async fn only_the_answer_at_order_or_payment_blocks_and_a_later_success_removes_it() {
    run_with(world().await, async |world, service| {
        let path = service.create(&everything()).await;
        let at = id(&path).to_string();
        let obstacle = async || {
            let page = get(service, "checkouts?attention=blocked").await.expect(200);
            page.body["data"][0]["obstacle"].as_str().map(str::to_owned)
        };
        let (coupons, order) = (format!("{path}/coupons"), format!("{path}/order"));
        let wrong = json!({"coupon_code": "NONSENSE"});
        // Everything is there for the order, and the shopper tries a coupon.
        service.post(&coupons, &wrong).await.expect(422);
        assert_eq!(obstacle().await, None, "nothing was asked of order or payment");
        // What the last write answered is not read again before the order, so this reads something else.
        world.simulator.add_fault(Fault::on("get-checkout").always().status_before(503));
        service.post(&order, &json!({})).await.expect(503);
        assert_eq!(found(service, "obstacle=upstream-unavailable").await, std::slice::from_ref(&at));
        world.simulator.clear_faults();
        service.post(&order, &json!({})).await.expect(200);
        assert_eq!(obstacle().await, None, "it was ordered");
        let declined = agreed(card(&bigcommerce_simulator::magic_card(30_106, 0)));
        service.post(&format!("{path}/payment"), &declined).await.expect(402);
        // The refusal of something else does not cover what happened at the payment.
        service.post(&coupons, &wrong).await.expect(422);
        assert_eq!(obstacle().await.as_deref(), Some("payment-declined"));
        let message = json!({"coupon_code": "TENOFF"});
        let edited = service.post(&coupons, &message).await;
        assert_eq!(edited.status, 200, "{}", edited.text);
        assert_eq!(obstacle().await, None, "the shopper goes on");
    })
    .await;
}

#[tokio::test]
async fn what_is_tried_again_is_found_while_it_waits() {
    let mut world = world().await;
    world.set("RETRY_BASE_MS", "60000");
    world.set("RETRY_MAX_SECONDS", "60");
    run_with(world, async |world, service| {
        let path = service.create(&everything()).await;
        world.simulator.add_fault(Fault::on("create-order").status_before(503));
        let order = format!("{path}/order");
        service.post_waiting(&order, "an-order", 0, &json!({})).await.expect(202);
        service.wait_until(&path, "waiting", |snapshot| snapshot["status"] == "waiting").await;
        assert_eq!(found(service, "attention=retrying").await, [id(&path).to_string()]);
        assert!(found(service, "attention=blocked").await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_checkout_is_found_by_what_it_costs() {
    run_with(world().await, async |_, service| {
        let path = ordered(service).await;
        service.create(&custom_cart()).await;
        let at = id(&path).to_string();
        let total = service.get(&path).await.expect(200).body["totals"]["grand_total"].clone();
        for (query, is_found) in [
            (format!("total_from={total}&total_to={total}"), true),
            (format!("total_from={total}"), true),
            (format!("total_to={total}&email=jane%40example.com"), true),
            ("total_from=10.84&total_to=10.84".to_owned(), false),
            ("total_to=10.82".to_owned(), false),
        ] {
            assert_eq!(found(service, &query).await.contains(&at), is_found, "{query}");
        }
        for wrong in ["total_from=-1", "total_to=ten", "attention=lost", "obstacle=nothing"] {
            let refused = get(service, &format!("checkouts?{wrong}")).await.expect(422);
            assert_eq!(refused.problem(), "invalid-input", "{wrong}");
        }
        let bulk = json!({"filter": {"total_from": 10.83, "total_to": 10.83}, "action": "pause", "reason": "a look", "dry_run": true});
        let counted = super::http::post(service, "bulk", crate::harness::OPERATOR, &bulk).await;
        assert_eq!(counted.status.as_u16() / 100, 2, "{}", counted.text);
    })
    .await;
}

#[tokio::test]
async fn one_field_finds_whatever_an_operator_was_told() {
    run_with(world().await, async |_, service| {
        let path = ordered(service).await;
        let snapshot = service.get(&path).await.expect(200).body;
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let mut visitor = Visitor::with(service, ACTOR).await;
        let at = id(&path).to_string();
        for (asked, leads_to) in [
            (at.clone(), format!("/ops/checkouts/{at}")),
            (text(&snapshot["order"]["id"]), format!("/ops/checkouts?order_id={}", snapshot["order"]["id"])),
            (
                text(&snapshot["cart"]["id"]),
                format!("/ops/checkouts?cart_id={}", text(&snapshot["cart"]["id"])),
            ),
            ("jane%40example.com".to_owned(), "/ops/checkouts?email=jane%40example.com".to_owned()),
        ] {
            let found = visitor.get(&format!("/ops/find?q={asked}")).await.expect(303);
            assert_eq!(found.header("location"), Some(&*leads_to));
        }
        let page = visitor.get(&format!("/ops/checkouts/{at}")).await.expect(200).text;
        assert!(page.contains("jane@example.com") && page.contains("data-copy"), "{page}");
        assert!(!page.contains("mybigcommerce.com"), "the simulator has no control panel");
    })
    .await;
}

#[tokio::test]
async fn credentials_that_bigcommerce_refuses_are_a_state_of_the_store() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        let stores = async || get(service, "summary").await.expect(200).body["stores"][0]["api"].clone();
        assert_eq!(stores().await["credentials_refused"], false);
        let fault = world.simulator.add_fault(Fault::on("get-payment-methods").status_before(401));
        service.get(&format!("{path}/payment-methods")).await;
        world.meets(fault, 1).await;
        assert_eq!(stores().await["credentials_refused"], true);
        let mut visitor = Visitor::with(service, ACTOR).await;
        let overview = visitor.get("/ops").await.expect(200).text;
        assert!(overview.contains("BigCommerce refuses the access token"), "{overview}");
        world.simulator.clear_faults();
        service.get(&format!("{path}/payment-methods")).await;
        assert_eq!(stores().await["credentials_refused"], false);
    })
    .await;
}
