//! Orders made directly, with everything that BigCommerce's V2 orders take.

use bigcommerce_simulator::Fault;
use serde_json::{Value, json};

use super::amount;
use crate::harness::{agreed, good_card, run};

fn place(name: &str) -> Value {
    json!({"first_name": name, "last_name": "Doe", "company": "Example LLC", "street_1": "123 Example ST",
        "street_2": "", "city": "Austin", "state": "Texas", "zip": "12345", "country": "United States",
        "country_iso2": "US", "phone": "5128675309", "email": "jane@example.com"})
}

fn everything() -> Value {
    json!({
        "customer_id": 1,
        "billing_address": place("Jane"),
        "shipping_addresses": [place("Rusty"), place("Dusty")],
        "products": [
            {"name": "BigCommerce Coffee Mug", "quantity": 2, "price_inc_tax": 50, "price_ex_tax": 45, "sku": "MUG"},
            {"product_id": 184, "quantity": 1, "product_options": [{"id": 200, "value": "180"}, {"id": 230, "value": "192"}]},
            {"product_id": 120, "quantity": 1, "price_ex_tax": 9, "price_inc_tax": "10.00"}
        ],
        "shipping_cost_ex_tax": 9.25, "shipping_cost_inc_tax": 10,
        "handling_cost_ex_tax": "4", "handling_cost_inc_tax": "4.50",
        "discount_amount": "20.00",
        "external_source": "ERP", "staff_notes": "made by a machine", "customer_message": "Ring twice",
        "default_currency_code": "USD", "channel_id": 1
    })
}

#[tokio::test]
async fn a_direct_order_takes_everything_and_is_paid_as_computed() {
    run(async |_, service| {
        let created = service.post("/v1/direct-orders", &everything()).await.expect(201);
        let path = format!("/v1/checkouts/{}", created.id());
        assert_eq!(created.body["order"]["status_id"], 0);
        // 2 x 50 + 27.06 (25 and tax) + 10 + shipping 10 + handling 4.50 - 20
        assert_eq!(amount(&created.body["totals"]["grand_total"]).to_string(), "131.56", "{}", created.text);
        let paid = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200).body;
        assert_eq!(paid["status"], "completed");
        let order = service.get(&format!("{path}/order")).await.expect(200).body;
        assert_eq!(order["shipping_addresses"].as_array().map(Vec::len), Some(2));
        assert_eq!(order["products"].as_array().map(Vec::len), Some(3));
        let shown = &order["order"];
        assert_eq!(
            (shown["customer_id"].as_i64(), shown["external_source"].as_str()),
            (Some(1), Some("ERP"))
        );
        assert_eq!(shown["external_order_id"].as_str(), Some(&*created.id()));
        assert_eq!(
            (shown["staff_notes"].as_str(), shown["customer_message"].as_str()),
            (Some("made by a machine"), Some("Ring twice"))
        );
    })
    .await;
}

#[tokio::test]
async fn a_direct_order_whose_answer_was_lost_is_found_by_our_id() {
    run(async |world, service| {
        for fault in
            [Fault::on("create-order-v2").status_after(502), Fault::on("create-order-v2").status_before(502)]
        {
            let fault = world.simulator.add_fault(fault);
            let created = service.post("/v1/direct-orders", &everything()).await.expect(201);
            assert_eq!(world.simulator.reached(fault), 1);
            let path = format!("/v1/checkouts/{}", created.id());
            let made: Vec<u64> = world
                .simulator
                .ledger()
                .orders
                .iter()
                .filter(|order| order.external_order_id == created.id())
                .map(|order| order.id)
                .collect();
            assert_eq!(made.len(), 1, "one order of this checkout: {made:?}");
            assert_eq!(created.body["order"]["id"].as_u64(), made.first().copied());
            service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        }
    })
    .await;
}

#[tokio::test]
async fn only_what_can_be_paid_and_adds_up_is_taken() {
    run(async |world, service| {
        for (field, value, pointer) in [
            ("status_id", json!(11), "/status_id"),
            ("shipping_cost_ex_tax", Value::Null, "/shipping_cost_ex_tax"),
            ("external_order_id", json!("mine"), "/external_order_id"),
            (
                "products",
                json!([{"name": "Mug", "quantity": 1, "price_inc_tax": 5}]),
                "/products/0/price_ex_tax",
            ),
            (
                "products",
                json!([{"name": "x".repeat(251), "quantity": 1, "price_inc_tax": 5, "price_ex_tax": 5}]),
                "/products/0/name",
            ),
        ] {
            let mut body = everything();
            body[field] = value;
            let refused = service.post("/v1/direct-orders", &body).await.expect(422);
            assert_eq!(refused.problem(), "invalid-input");
            let pointers: Vec<&str> = refused.body["errors"]
                .as_array()
                .expect("errors")
                .iter()
                .filter_map(|error| error["pointer"].as_str())
                .collect();
            assert!(pointers.contains(&pointer), "{field}: {pointers:?}");
        }
        assert!(world.simulator.requests().is_empty(), "nothing was asked of BigCommerce");
    })
    .await;
}
