//! What a shopper thinks better of, before the order is made.

use bigcommerce_simulator::Deed;
use serde_json::{Value, json};

use super::ready;
use crate::harness::{address, agreed, custom_cart, good_card, run};

fn physical(checkout: &Value) -> Vec<(&str, &Value)> {
    let lines = checkout["cart"]["line_items"]["physical_items"].as_array().expect("lines");
    lines.iter().map(|line| (line["id"].as_str().expect("an id"), &line["quantity"])).collect()
}

#[tokio::test]
async fn items_are_added_changed_and_taken_out_and_what_is_left_is_ordered() {
    run(async |world, service| {
        let path = service.create(&json!({"line_items": [{"product_id": 120, "quantity": 1}]})).await;
        let more = json!({"line_items": [{"product_id": 111, "quantity": 1}], "custom_items": custom_cart()["custom_items"]});
        let added = service.post(&format!("{path}/items"), &more).await.expect(200).body;
        let [(mug, _), (kettle, _)] = physical(&added)[..] else { panic!("{added}") };
        let changed = service.put(&format!("{path}/items/{mug}"), &json!({"line_item": {"quantity": 3}})).await;
        assert_eq!(physical(&changed.expect(200).body)[0], (mug, &json!(3)));
        let taken = service.delete(&format!("{path}/items/{kettle}")).await.expect(200).body;
        assert_eq!(physical(&taken), [(mug, &json!(3))]);
        assert_eq!(taken["cart"]["line_items"]["custom_items"].as_array().map(Vec::len), Some(1));
        let body = agreed(json!({"billing_address": address(), "consignments": [{"address": address()}],
            "shipping_preference": "cheapest", "payment": good_card()}));
        service.post(&format!("{path}/complete"), &body).await.expect(200);
        let order = service.get(&format!("{path}/order")).await.expect(200).body;
        let products = order["products"].as_array().expect("products");
        let units: Vec<&Value> = products.iter().map(|product| &product["quantity"]).collect();
        assert_eq!(units, [&json!(3), &json!(1)]);
        world.drove(&["add-cart-items", "update-cart-item", "delete-cart-item", "get-checkout"]);
    })
    .await;
}

#[tokio::test]
async fn what_was_said_last_counts_for_addresses_and_messages() {
    run(async |world, service| {
        let path = ready(service, custom_cart()).await;
        let mut elsewhere = address();
        elsewhere["city"] = json!("Dallas");
        service.put(&format!("{path}/billing-address"), &elsewhere).await.expect(200);
        let moved =
            service.put(&format!("{path}/consignments"), &json!([{"address": elsewhere}])).await.expect(200);
        assert_eq!(moved.body["consignments"].as_array().map(Vec::len), Some(1), "{}", moved.text);
        for message in ["Ring once", "Ring twice"] {
            let said = json!({"customer_message": message});
            service.put(&format!("{path}/customer-message"), &said).await.expect(200);
        }
        let body = agreed(json!({"shipping_preference": "cheapest", "payment": good_card()}));
        service.post(&format!("{path}/complete"), &body).await.expect(200);
        let order = service.get(&format!("{path}/order")).await.expect(200).body;
        assert_eq!(order["order"]["billing_address"]["city"], "Dallas");
        assert_eq!(order["shipping_addresses"][0]["city"], "Dallas");
        assert_eq!(order["order"]["customer_message"], "Ring twice");
        world.drove(&["update-billing-address", "update-consignment", "update-checkout"]);
    })
    .await;
}

#[tokio::test]
async fn who_gives_up_leaves_no_cart_behind() {
    run(async |world, service| {
        let path = ready(service, custom_cart()).await;
        assert_eq!(service.delete(&path).await.expect(200).body["status"], "cancelled");
        assert!(world.simulator.ledger().carts.iter().all(|cart| cart.state != "live"));
        world.drove(&["delete-cart"]);
    })
    .await;
}

#[tokio::test]
async fn units_that_were_added_after_the_consignments_are_consigned_before_the_order() {
    run(async |world, service| {
        let cart = json!({"line_items": [{"product_id": 120, "quantity": 1}]});
        let path = ready(service, cart).await;
        let before = service.get(&path).await.expect(200).body;
        let (line, _) = physical(&before)[0];
        let one = json!([{"address": address(), "line_items": [{"item_id": line, "quantity": 1}]}]);
        service.put(&format!("{path}/consignments"), &one).await.expect(200);
        let body = agreed(json!({"shipping_preference": "cheapest", "payment": good_card()}));
        let cart_id = before["cart"]["id"].as_str().expect("a cart");
        assert!(world.simulator.does_to_cart(cart_id, Deed::RaiseQuantity));
        let refused = service.post(&format!("{path}/complete"), &body).await;
        assert!(refused.status.is_client_error(), "{}", refused.text);
        let now = service.get(&path).await.expect(200).body;
        assert_eq!((&now["next_step"], physical(&now)[0].1), (&json!("consignments"), &json!(2)), "{now}");
        let all = json!([{"address": address()}]);
        service.put(&format!("{path}/consignments"), &all).await.expect(200);
        service.post(&format!("{path}/complete"), &body).await.expect(200);
        let order = service.get(&format!("{path}/order")).await.expect(200).body;
        assert_eq!(order["products"][0]["quantity"], 2);
        world.drove(&["add-consignments", "create-order"]);
    })
    .await;
}
