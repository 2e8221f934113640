//! What a checkout on the straight path costs, counted: of the store's quota, and of the database.

mod database;
mod wire;

use serde_json::json;

use crate::harness::{Service, World, address, agreed, custom_cart, everything, good_card, run};

async fn in_one_call(service: &Service) {
    let path = service.create(&everything()).await;
    service.post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()}))).await.expect(200);
}

async fn stepwise(service: &Service) {
    let path = service.create(&custom_cart()).await;
    service.put(&format!("{path}/billing-address"), &address()).await.expect(200);
    let consigned =
        service.put(&format!("{path}/consignments"), &json!([{"address": address()}])).await.expect(200);
    let option = &consigned.body["consignments"][0]["available_shipping_options"][0]["id"];
    service
        .put(&format!("{path}/shipping-options"), &json!([{"shipping_option_id": option}]))
        .await
        .expect(200);
    service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
}

/// Up to and including the payment: so many management calls and one payment; after it one call at most.
fn assert_calls(world: &World, most: usize) {
    let requests = world.simulator.requests();
    let paid = requests.iter().position(|request| request.call == "process-payment").expect("a payment");
    let payments = requests.iter().filter(|request| request.call == "process-payment").count();
    assert!(paid <= most, "{requests:#?}");
    assert_eq!(payments, 1);
    assert!(requests.len() - paid - 1 <= 1, "{requests:#?}");
}

#[tokio::test]
async fn one_call_costs_at_most_seven_management_calls_and_one_payment() {
    run(async |world, service| {
        in_one_call(service).await;
        assert_calls(world, 7);
    })
    .await;
}

#[tokio::test]
async fn a_stepwise_checkout_costs_at_most_eight_management_calls_and_one_payment() {
    run(async |world, service| {
        stepwise(service).await;
        assert_calls(world, 8);
    })
    .await;
}
