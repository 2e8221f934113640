//! While BigCommerce is away, nothing before the order becomes a case for a person.

use bigcommerce_simulator::Fault;
use reqwest::Method;
use serde_json::{Value, json};

use super::{made, paid};
use crate::harness::{Answer, Service, World, address, custom_cart, everything, run_with};

async fn world() -> World {
    let mut world = World::hasty().await;
    world.set("MAX_ATTEMPTS", "3");
    world
}

/// It is told what is true: BigCommerce is away, and nobody has to do anything but ask again.
#[track_caller]
fn away(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.problem()), (503, "upstream-unavailable"), "{}", answer.text);
    assert!(answer.header("retry-after").is_some(), "{}", answer.text);
    assert_eq!(answer.body["retryable"], true, "{}", answer.text);
    assert!(!answer.text.contains("contact you"), "{}", answer.text);
}

/// How far it is before the call, the call, and what is sent by it.
type Case = (Value, Method, &'static str, Value, &'static str);

fn cases() -> Vec<Case> {
    let mut addressed = custom_cart();
    addressed["billing_address"] = address();
    let mut elsewhere = address();
    elsewhere["city"] = json!("Dallas");
    let chosen = json!([{"address": address()}]);
    vec![
        (custom_cart(), Method::PUT, "billing-address", address(), "add-billing-address"),
        (addressed, Method::PUT, "consignments", chosen, "add-consignments"),
        (everything(), Method::PUT, "billing-address", elsewhere, "update-billing-address"),
        (custom_cart(), Method::POST, "coupons", json!({"coupon_code": "TENOFF"}), "add-coupon"),
        (custom_cart(), Method::POST, "items", custom_cart(), "add-cart-items"),
    ]
}

async fn call(service: &Service, method: &Method, path: &str, key: &str, body: &Value) -> Answer {
    if *method == Method::PUT {
        service.put(path, body).await
    } else {
        service.post_with(path, key, body).await
    }
}

/// With an effect or without one, and whether BigCommerce can be asked about it or not.
#[tokio::test]
async fn nothing_before_the_order_is_stuck_and_the_next_call_goes_on() {
    for (nth, (body, method, step, sent, upstream)) in cases().into_iter().enumerate() {
        for (blind, effect) in [(false, false), (true, false), (true, true)] {
            run_with(world().await, async |world, service| {
                let path = service.create(&body).await;
                let fault = Fault::on(upstream).always();
                world.simulator.add_fault(if effect {
                    fault.status_after(500)
                } else {
                    fault.status_before(500)
                });
                if blind {
                    world.simulator.add_fault(Fault::on("get-checkout").status_before(500).always());
                }
                let (target, key) = (format!("{path}/{step}"), format!("key-{nth}"));
                away(&call(service, &method, &target, &key, &sent).await);
                let rests = service.get(&path).await.expect(200).body;
                assert_eq!(
                    (&rests["status"], &rests["stuck"]),
                    (&json!("awaiting_input"), &Value::Null),
                    "{rests}"
                );
                world.simulator.clear_faults();
                let done = call(service, &method, &target, &key, &sent).await.expect(200);
                let units = done.body["cart"]["line_items"]["custom_items"].as_array().map(Vec::len);
                assert_eq!(
                    units,
                    Some(if step == "items" { 2 } else { 1 }),
                    "{step} is done once: {}",
                    done.text
                );
                let missing = json!({"billing_address": address(), "consignments": [{"address": address()}],
                    "shipping_preference": "cheapest"});
                let mut pay = crate::harness::agreed(json!({"payment": crate::harness::good_card()}));
                pay.as_object_mut()
                    .expect("an object")
                    .extend(missing.as_object().cloned().expect("an object"));
                let done = service.post(&format!("{path}/complete"), &pay).await.expect(200);
                assert_eq!(done.body["status"], "completed", "{}", done.text);
                assert_eq!(world.simulator.ledger().charges.len(), 1);
            })
            .await;
        }
    }
}

#[tokio::test]
async fn a_creation_in_an_outage_is_gone_on_with_by_its_key() {
    for effect in [false, true] {
        run_with(world().await, async |world, service| {
            let fault = Fault::on("create-cart").always();
            world.simulator.add_fault(if effect {
                fault.status_after(500)
            } else {
                fault.status_before(500)
            });
            let refused = service.post_with("/v1/checkouts", "again", &everything()).await;
            away(&refused);
            let path = made(&refused);
            assert_eq!(service.get(&path).await.expect(200).body["status"], "awaiting_input");
            world.simulator.clear_faults();
            let created = service.post_with("/v1/checkouts", "again", &everything()).await.expect(201);
            assert_eq!(format!("/v1/checkouts/{}", created.id()), path);
            assert_eq!(created.body["next_step"], "order", "{}", created.text);
            paid(service, &path).await;
        })
        .await;
    }
}

/// Nothing was ordered: there is only a cart to be deleted, which is done once BigCommerce is back.
#[tokio::test]
async fn a_cancel_in_an_outage_ends_by_itself() {
    run_with(world().await, async |world, service| {
        let path = service.create(&everything()).await;
        let failing = world.simulator.add_fault(Fault::on("delete-cart").always().status_before(500));
        let bearer = format!("Bearer {}", crate::harness::KEY);
        let headers = [("authorization", &*bearer), ("prefer", "wait=0")];
        service.call(Method::DELETE, &path, &headers, None).await.expect(202);
        world.meets(failing, 5).await;
        assert_eq!(service.get(&path).await.expect(200).body["status"], "compensating");
        world.simulator.clear_faults();
        service.wait_until(&path, "cancelled", |now| now["status"] == "cancelled").await;
        assert_eq!(world.simulator.ledger().carts[0].state, "deleted");
    })
    .await;
}
