//! Checkout objects of which something cannot be read, or cannot be kept.

use bigcommerce_simulator::Fault;
use reqwest::Method;
use serde_json::{Value, json};

use super::{answers, at_bigcommerce, sent};
use crate::harness::{Service, World, address, agreed, custom_cart, good_card, run, run_with};

/// A checkout, and what BigCommerce shows of it.
async fn created(world: &World, service: &Service) -> (String, Value) {
    let mut body = custom_cart();
    body["custom_items"][0]["quantity"] = json!(2);
    body["billing_address"] = address();
    let path = service.create(&body).await;
    let snapshot = service.get(&path).await.expect(200).body;
    let cart = snapshot["cart"]["id"].as_str().expect("a cart").to_owned();
    let mut there = at_bigcommerce(world, Method::GET, &format!("/v3/checkouts/{cart}"), None).await;
    // It is not the latest any more by the time it is answered.
    there["data"].as_object_mut().expect("a checkout").remove("version");
    there["data"]["cart"].as_object_mut().expect("a cart").remove("version");
    (path, there)
}

/// A shopper who typed what JSON can write and PostgreSQL cannot keep goes on like any other.
#[tokio::test]
async fn what_cannot_be_kept_of_a_text_stops_no_checkout() {
    run(async |world, service| {
        let (path, mut there) = created(world, service).await;
        for place in
            ["/data/billing_address/email", "/data/billing_address/first_name", "/data/customer_message"]
        {
            if let Some(text) = there.pointer_mut(place) {
                *text = json!("jane\u{0}@example.com");
            }
        }
        let spoilt = answers(world, Fault::on("update-billing-address"), there);
        let corrected = service.put(&format!("{path}/billing-address"), &address()).await.expect(200);
        assert_eq!(world.simulator.reached(spoilt), 1);
        assert_eq!(
            corrected.body["billing_address"]["email"], "jane\u{fffd}@example.com",
            "{}",
            corrected.text
        );
        service.put(&format!("{path}/consignments"), &json!([{"address": address()}])).await.expect(200);
        let pay = agreed(json!({"shipping_preference": "cheapest", "payment": good_card()}));
        let paid = service.post(&format!("{path}/complete"), &pay).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
    })
    .await;
}

/// How many units go to an address is not made up: a cart that does not say how many it holds is not believed.
#[tokio::test]
async fn units_that_cannot_be_read_are_sent_nowhere() {
    for odd in [json!("two"), json!([2])] {
        let mut world = World::new().await;
        world.set("MAX_ATTEMPTS", "2");
        run_with(world, async |world, service| {
            let (path, mut there) = created(world, service).await;
            *there.pointer_mut("/data/cart/line_items/custom_items/0/quantity").expect("it is there") =
                odd.clone();
            let spoilt = answers(world, Fault::on("update-billing-address"), there.clone());
            let looked = answers(world, Fault::on("get-checkout").always(), there);
            let refused = service.put(&format!("{path}/billing-address"), &address()).await.expect(503);
            assert_eq!(refused.problem(), "upstream-unavailable", "{odd}: {}", refused.text);
            assert!(world.simulator.reached(spoilt) == 1 && world.simulator.reached(looked) > 0);
            let next = service.put(&format!("{path}/consignments"), &json!([{"address": address()}])).await;
            assert!(!next.status.is_success(), "{odd}: {}", next.text);
            assert_eq!(sent(world, "add-consignments"), 0, "{odd}");
        })
        .await;
    }
}
