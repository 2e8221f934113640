//! The guides' literal bodies lead from a cart to a paid order.

use serde_json::json;

use crate::harness::{GUIDE_TOKEN, Shop, address, stored_card};

#[tokio::test]
async fn the_guides_bodies_lead_to_a_paid_order() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let item = json!({"sku": "abc-123", "name": "Custom Product", "quantity": 1, "list_price": 10});
    let cart = client.post("/v3/carts?include=redirect_urls", json!({"custom_items": [item]})).await;
    assert_eq!(cart.status, 201);
    let data = &cart.body["data"];
    assert_eq!(
        (data["base_amount"].to_string(), data["cart_amount"].to_string()),
        ("10".into(), "10.83".into())
    );
    assert!(data["redirect_urls"]["checkout_url"].as_str().is_some_and(|url| url.contains("loadInCheckout")));
    assert_eq!(data["line_items"]["custom_items"][0]["quantity"], "1", "carts show text, as specified");
    let id = data["id"].as_str().expect("an id");
    let line = &data["line_items"]["custom_items"][0]["id"];

    let billing = client.post(&format!("/v3/checkouts/{id}/billing-address"), address()).await;
    assert_eq!(billing.status, 200);
    assert_eq!(billing.body["data"]["billing_address"]["country"], "United States");
    assert_eq!(billing.body["data"]["cart"]["line_items"]["custom_items"][0]["quantity"], 1);

    let mut shipping = address();
    shipping["state_or_province"] = "TX".into();
    let body = json!([{"shipping_address": shipping, "line_items": [{"item_id": line, "quantity": 1}]}]);
    let path = format!("/v3/checkouts/{id}/consignments");
    let got = client.post(&format!("{path}?include=consignments.available_shipping_options"), body).await;
    let consignment = &got.body["data"]["consignments"][0];
    assert_eq!(consignment["address"]["state_or_province"], "Texas", "normalized");
    let options = consignment["available_shipping_options"].as_array().expect("options");
    let costs: Vec<String> = options.iter().map(|option| option["cost"].to_string()).collect();
    assert_eq!(costs, ["0", "0", "5", "10"]);
    let path = format!("{path}/{}", consignment["id"].as_str().expect("an id"));
    let got = client.put(&path, json!({"shipping_option_id": options[1]["id"]})).await;
    let chosen = &got.body["data"]["consignments"][0];
    assert_eq!(chosen["selected_shipping_option"]["description"], "Free Shipping");
    assert!(chosen.get("available_shipping_options").is_none(), "only with include");

    let order = client.send("POST", &format!("/v3/checkouts/{id}/orders"), None).await;
    assert_eq!((order.status, &order.body), (200, &json!({"data": {"id": 125}, "meta": {}})));
    let incomplete = client.get("/v2/orders/125").await.body;
    assert_eq!((&incomplete["status_id"], &incomplete["total_inc_tax"]), (&json!(0), &json!("10.8300")));

    let methods = client.get("/v3/payments/methods?order_id=125").await;
    assert!(
        methods.body["data"]
            .as_array()
            .is_some_and(|rows| rows.iter().any(|row| row["id"] == "adyenv2.scheme"))
    );
    let paid = client.charge(125, stored_card(GUIDE_TOKEN)).await;
    assert_eq!((paid.status, &paid.body["data"]["status"]), (201, &json!("success")));
    assert_eq!(paid.headers["content-type"], "application/vnd.bc.v1+json");

    let order = client.get("/v2/orders/125").await.body;
    assert_eq!((&order["status_id"], &order["payment_status"]), (&json!(11), &json!("captured")));
    assert_eq!(order["cart_id"], id);
    assert_eq!(client.get(&format!("/v3/carts/{id}")).await.status, 404);
    let gone = client.get(&format!("/v3/checkouts/{id}")).await;
    assert_eq!((gone.status, &gone.body["errors"][0]["status"]), (404, &json!(404)));
    let transactions = client.get("/v3/orders/125/transactions").await;
    assert_eq!(transactions.body["data"][0]["amount"].to_string(), "10.83");
    let ledger = shop.simulator.ledger();
    assert_eq!((ledger.orders.len(), ledger.charges.len()), (1, 1));
    assert_eq!(ledger.charges[0].amount.to_string(), "10.83");
    assert_eq!(ledger.carts[0].state, "converted");
}

#[tokio::test]
async fn the_orders_guides_bodies_work() {
    let shop = Shop::open().await;
    let billing = json!({
        "first_name": "Jane", "last_name": "Doe", "street_1": "123 Main Street", "city": "Austin",
        "state": "Texas", "zip": "78751", "country": "United States", "country_iso2": "US",
        "email": "janedoe@email.com",
    });
    let mug =
        json!({"name": "BigCommerce Coffee Mug", "quantity": 1, "price_inc_tax": 50, "price_ex_tax": 45});
    let got = shop.client.post("/v2/orders", json!({"billing_address": billing, "products": [mug]})).await;
    assert_eq!((got.status, &got.body["status_id"]), (200, &json!(1)), "status 1 is the default");
    assert_eq!((&got.body["total_inc_tax"], &got.body["total_tax"]), (&json!("50.0000"), &json!("5.0000")));

    let shirt = json!({"product_id": 184, "quantity": 1,
        "product_options": [{"id": 200, "value": "180"}, {"id": 230, "value": "192"}]});
    let body = json!({"status_id": 0, "customer_id": 1, "external_order_id": "ours-1", "billing_address": billing,
        "shipping_addresses": [billing], "products": [mug, shirt]});
    let got = shop.client.post("/v2/orders", body).await;
    assert_eq!((got.status, &got.body["total_inc_tax"]), (200, &json!("77.0600")));
    let id = got.body["id"].as_u64().expect("an id");
    let found = shop.client.get("/v2/orders?external_order_id=ours-1").await;
    assert_eq!(found.body[0]["id"], id);
    let products = shop.client.get(&format!("/v2/orders/{id}/products")).await.body;
    assert_eq!(products[1]["variant_id"], 421);
    let paid = shop.client.charge(id, stored_card(GUIDE_TOKEN)).await;
    assert_eq!(paid.status, 201);
    let variants = shop.client.get("/v3/catalog/products/184/variants").await.body;
    assert_eq!(variants["data"][0]["option_values"][0]["label"], "Red");
    let statuses = shop.client.get("/v2/order_statuses").await.body;
    assert_eq!(statuses[0]["custom_label"], "Incomplete - Testing");
}

#[tokio::test]
async fn shipments_capture_and_refunds_follow_the_guide() {
    let shop = Shop::open().await;
    let client = &shop.client;
    let id = client.order().await;
    assert_eq!(
        client.charge(id, crate::harness::card(&bigcommerce_simulator::magic_card(20_004, 0))).await.status,
        201
    );
    let order = client.get(&format!("/v2/orders/{id}")).await.body;
    assert_eq!((&order["status_id"], &order["payment_status"]), (&json!(7), &json!("authorized")));
    assert_eq!(
        client.send("POST", &format!("/v3/orders/{id}/payment_actions/capture"), None).await.status,
        201
    );
    assert_eq!(client.get(&format!("/v2/orders/{id}")).await.body["payment_status"], "capture pending");
    assert_eq!(client.get(&format!("/v2/orders/{id}")).await.body["payment_status"], "captured");

    let product = client.get(&format!("/v2/orders/{id}/products")).await.body[0]["id"].clone();
    let address = client.get(&format!("/v2/orders/{id}/shipping_addresses")).await.body[0]["id"].clone();
    let quotes = format!("/v2/orders/{id}/shipping_addresses/{address}/shipping_quotes");
    assert_eq!(client.get(&quotes).await.status, 204);
    let shipment = json!({"tracking_number": "EJ958083578UK", "order_address_id": address, "shipping_provider": "",
        "items": [{"order_product_id": product, "quantity": 1}]});
    assert_eq!(client.post(&format!("/v2/orders/{id}/shipments"), shipment.clone()).await.status, 201);
    assert_eq!(
        client.post(&format!("/v2/orders/{id}/shipments"), shipment).await.status,
        400,
        "nothing is left"
    );
    assert_eq!(client.get(&format!("/v2/orders/{id}")).await.body["status_id"], 2);

    let items =
        json!([{"item_type": "PRODUCT", "item_id": product, "quantity": 1, "reason": "refund-key-1"}]);
    let actions = format!("/v3/orders/{id}/payment_actions");
    let quote = client.post(&format!("{actions}/refund_quotes"), json!({"items": items})).await;
    let way = &quote.body["data"]["refund_methods"][0][0];
    assert_eq!(way["amount"].to_string(), "10.83");
    let body =
        json!({"items": items, "payments": [{"provider_id": way["provider_id"], "amount": way["amount"]}]});
    assert_eq!(client.post(&format!("{actions}/refunds"), body.clone()).await.status, 201);
    assert_eq!(client.post(&format!("{actions}/refunds"), body).await.status, 422, "nothing is left");
    let refunds = client.get(&format!("{actions}/refunds")).await.body;
    assert_eq!(refunds["data"][0]["items"][0]["reason"], "refund-key-1");
    let order = client.get(&format!("/v2/orders/{id}")).await.body;
    assert_eq!((&order["status_id"], &order["refunded_amount"]), (&json!(4), &json!("10.8300")));
    assert_eq!(shop.simulator.ledger().charges[0].state, "refunded");
}
