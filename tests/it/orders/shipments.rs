//! Shipments: in parts, to several addresses, once each.

use serde_json::{Value, json};

use super::{ask, ask_as, get, noted, paid, pairs, pointers, world};
use crate::harness::{ACTOR, READER, Service, address, agreed, good_card, run_with};

/// A shipment of everything in an order with one address.
pub(super) async fn whole(service: &Service, order: u64) -> Value {
    let products = get(service, &format!("orders/{order}/products")).await.expect(200);
    let addresses = get(service, &format!("orders/{order}/shipping-addresses")).await.expect(200);
    let items: Vec<Value> = products.body["data"]
        .as_array()
        .expect("products")
        .iter()
        .map(|product| json!({"order_product_id": product["id"], "quantity": product["quantity"]}))
        .collect();
    json!({"order_address_id": addresses.body["data"][0]["id"], "tracking_number": "EJ958083578UK", "items": items,
        "shipping_provider": "usps", "comments": "Janes Order"})
}

#[tokio::test]
async fn an_order_is_shipped_in_parts_to_several_addresses() {
    run_with(world().await, async |_, service| {
        let created = service
            .post(
                "/v1/checkouts",
                &json!({"line_items": [{"product_id": 120, "quantity": 2}, {"product_id": 111, "quantity": 1}],
                    "billing_address": address()}),
            )
            .await
            .expect(201);
        let path = format!("/v1/checkouts/{}", created.id());
        let lines = created.body["cart"]["line_items"]["physical_items"].as_array().expect("lines").clone();
        let mut elsewhere = address();
        elsewhere["address1"] = json!("9 Side Street");
        let to = |address: Value, line: &Value| json!({"address": address, "line_items": [{"item_id": line["id"], "quantity": line["quantity"]}]});
        let consignments = json!([to(address(), &lines[0]), to(elsewhere, &lines[1])]);
        service.put(&format!("{path}/consignments"), &consignments).await.expect(200);
        let pay = agreed(json!({"shipping_preference": "cheapest", "payment": good_card()}));
        let done = service.post(&format!("{path}/complete"), &pay).await.expect(200);
        let order = done.body["order"]["id"].as_u64().expect("an order");

        let products = get(service, &format!("orders/{order}/products")).await.expect(200).body["data"].clone();
        let url = format!("orders/{order}/shipments");
        let part = |product: &Value, quantity: u64| {
            json!({"order_address_id": product["order_address_id"], "shipping_provider": "",
                "items": [{"order_product_id": product["id"], "quantity": quantity}]})
        };
        assert_ne!(products[0]["order_address_id"], products[1]["order_address_id"]);
        for (body, status) in [(part(&products[0], 1), 3), (part(&products[1], 1), 3), (part(&products[0], 1), 2)]
        {
            let shipped = ask_as(service, ACTOR, &url, None, Some(&body)).await.expect(201);
            assert_eq!(shipped.body["order_address_id"], body["order_address_id"]);
            assert_eq!(get(service, &format!("orders/{order}")).await.body["status_id"], status);
        }
        let listed = get(service, &url).await.expect(200);
        assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(3));
        let too_many = ask_as(service, ACTOR, &url, None, Some(&part(&products[0], 1))).await.expect(422);
        assert_eq!(too_many.problem(), "rejected-by-bigcommerce");
    })
    .await;
}

#[tokio::test]
async fn a_key_makes_a_shipment_once_and_bad_bodies_make_none() {
    run_with(world().await, async |_, service| {
        let (_, order) = paid(service).await;
        let (url, body) = (format!("orders/{order}/shipments"), whole(service, order).await);
        assert_eq!(ask_as(service, READER, &url, None, Some(&body)).await.expect(403).body["needs"], "act");
        let with = |name: &str, value: Value| {
            let mut body = body.clone();
            body[name] = value;
            body
        };
        for (body, expected) in [
            (json!({}), vec!["/items", "/order_address_id"]),
            // The guide shows text; BigCommerce's specification refuses it.
            (with("order_address_id", json!("128")), vec!["/order_address_id"]),
            (with("items", json!([])), vec!["/items"]),
            (with("items", json!([{"order_product_id": 1, "quantity": 0}])), vec!["/items/0/quantity"]),
            (with("tracking_number", json!("1".repeat(51))), vec!["/tracking_number"]),
            (with("shipping_provider", json!("pigeon")), vec!["/shipping_provider"]),
            (with("shipping_provider", json!("carrier_x")), vec!["/shipping_provider"]),
        ] {
            assert_eq!(
                pointers(&ask(service, &url, None, Some(&body)).await.expect(422)),
                expected,
                "{body}"
            );
        }
        let made = ask(service, &url, Some("one"), Some(&body)).await.expect(201);
        let again = ask(service, &url, Some("one"), Some(&body)).await.expect(201);
        assert_eq!((again.header("idempotent-replayed"), &again.body), (Some("true"), &made.body));
        assert_eq!(get(service, &url).await.body["data"].as_array().map(Vec::len), Some(1));
        assert_eq!(
            ask(service, "orders/99999/shipments", None, Some(&body)).await.expect(404).problem(),
            "not-found"
        );
        let rows = noted(service, order).await;
        assert_eq!(
            pairs(&rows),
            [("shipment", "done"), ("shipment", "begun"), ("shipment", "refused: forbidden")]
        );
    })
    .await;
}
