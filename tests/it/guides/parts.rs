//! "Orders overview" as far as it ships orders, shows what hangs on them and pays back.

use super::bodies::{SHIPMENT, SHIPMENT_OF_THE_FIRST_LOCATION, SHIPMENT_OF_THE_SECOND_LOCATION};
use super::*;
use crate::harness::{ACTOR, address, agreed, good_card, run};
use crate::orders::{ask, ask_as, authorized, fresh, get, paid, pointers, refund_of};

/// A paid order with two products that go to as many addresses; two of the first.
async fn order_to(service: &Service, addresses: usize) -> u64 {
    let lines = json!({"billing_address": address(),
        "line_items": [{"product_id": 120, "quantity": 2}, {"product_id": 111, "quantity": 1}]});
    let created = service.post("/v1/checkouts", &lines).await.expect(201);
    let path = format!("/v1/checkouts/{}", created.id());
    let lines = created.body["cart"]["line_items"]["physical_items"].as_array().expect("lines");
    let items: Vec<Value> =
        lines.iter().map(|line| json!({"item_id": line["id"], "quantity": line["quantity"]})).collect();
    let mut elsewhere = address();
    elsewhere["address1"] = json!("9 Side Street");
    let consignments = match addresses {
        1 => json!([{"address": address(), "line_items": items}]),
        _ => {
            json!([{"address": address(), "line_items": [items[0]]}, {"address": elsewhere, "line_items": [items[1]]}])
        }
    };
    let body = agreed(
        json!({"consignments": consignments, "shipping_preference": "cheapest", "payment": good_card()}),
    );
    let done = service.post(&format!("{path}/complete"), &body).await.expect(200);
    done.body["order"]["id"].as_u64().expect("an order")
}

async fn rows(service: &Service, path: &str) -> Vec<Value> {
    let found = get(service, path).await.expect(200);
    found.body["data"].as_array().expect("rows").clone()
}

/// The guide's shipment with the ids of this order; the guide shows the address as text, which BigCommerce's
/// specification refuses.
fn shipment(text: &str, address: &Value, products: &[&Value]) -> Value {
    let mut body = guide(text);
    assert!(body["order_address_id"].is_string());
    body["order_address_id"] = address.clone();
    let items = body["items"].as_array_mut().expect("items");
    assert_eq!(items.len(), products.len());
    for (item, product) in items.iter_mut().zip(products) {
        item["order_product_id"] = (*product).clone();
    }
    body
}

/// "To create an order shipment, send a `POST` request to `/v2/orders/{order_id}/shipments`"; "`order_address_id`:
/// obtainable via Get Order Shipping Address; `items.order_product_id`: obtainable via Get Order Products".
#[tokio::test]
async fn to_create_an_order_shipment_send_a_post_request() {
    run(async |world, service| {
        let order = order_to(service, 1).await;
        let url = format!("orders/{order}/shipments");
        let products = rows(service, &format!("orders/{order}/products")).await;
        let addresses = rows(service, &format!("orders/{order}/shipping-addresses")).await;
        let body = shipment(SHIPMENT, &addresses[0]["id"], &[&products[0]["id"], &products[1]["id"]]);
        let mut as_printed = body.clone();
        as_printed["order_address_id"] = guide(SHIPMENT)["order_address_id"].clone();
        let refused = ask_as(service, ACTOR, &url, None, Some(&as_printed)).await.expect(422);
        assert_eq!(pointers(&refused), ["/order_address_id"]);
        let made = ask_as(service, ACTOR, &url, Some(&fresh()), Some(&body)).await.expect(201);
        for field in ["tracking_number", "comments", "order_address_id", "shipping_provider"] {
            assert_eq!(made.body[field], body[field], "{field}");
        }
        assert_eq!(rows(service, &url).await.len(), 1);
        world.drove(&[
            "list-order-products",
            "list-order-shipping-addresses",
            "create-shipment",
            "list-shipments",
        ]);
    })
    .await;
}

/// "Create multiple shipments by specifying a subset of products and quantities in each `POST` request."
#[tokio::test]
async fn create_multiple_shipments_by_specifying_a_subset_of_products_and_quantities() {
    run(async |world, service| {
        let order = order_to(service, 1).await;
        let url = format!("orders/{order}/shipments");
        let products = rows(service, &format!("orders/{order}/products")).await;
        let both = [&products[0]["id"], &products[1]["id"]];
        let first = shipment(SHIPMENT, &products[0]["order_address_id"], &both);
        ask_as(service, ACTOR, &url, Some(&fresh()), Some(&first)).await.expect(201);
        assert_eq!(get(service, &format!("orders/{order}")).await.body["status"], "Partially Shipped");
        let mut rest = first;
        rest["items"].as_array_mut().expect("items").truncate(1);
        ask_as(service, ACTOR, &url, Some(&fresh()), Some(&rest)).await.expect(201);
        assert_eq!(get(service, &format!("orders/{order}")).await.body["status"], "Shipped");
        world.drove(&["create-shipment"]);
    })
    .await;
}

/// "You can create multiple shipments for orders, and each shipment can have a different `order_address_id`."
#[tokio::test]
async fn each_shipment_can_have_a_different_order_address_id() {
    run(async |world, service| {
        let order = order_to(service, 2).await;
        let url = format!("orders/{order}/shipments");
        let products = rows(service, &format!("orders/{order}/products")).await;
        assert_ne!(products[0]["order_address_id"], products[1]["order_address_id"]);
        for (text, product) in
            [(SHIPMENT_OF_THE_FIRST_LOCATION, &products[0]), (SHIPMENT_OF_THE_SECOND_LOCATION, &products[1])]
        {
            let body = shipment(text, &product["order_address_id"], &[&product["id"]]);
            let made = ask_as(service, ACTOR, &url, None, Some(&body)).await.expect(201);
            assert_eq!(made.body["order_address_id"], product["order_address_id"]);
        }
        let made = rows(service, &url).await;
        assert_eq!(made.iter().map(|one| &one["shipping_provider"]).collect::<Vec<_>>(), ["usps", ""]);
        world.drove(&["create-shipment", "list-shipments"]);
    })
    .await;
}

/// "To get shipping quotes, send a `GET` request to
/// `/v2/orders/{order_id}/shipping_addresses/{shipping_address_id}/shipping_quotes`"; "it returns a 204".
#[tokio::test]
async fn to_get_shipping_quotes_send_a_get_request() {
    run(async |world, service| {
        let order = order_to(service, 2).await;
        for place in rows(service, &format!("orders/{order}/shipping-addresses")).await {
            let quotes = format!("orders/{order}/shipping-addresses/{}/shipping-quotes", place["id"]);
            assert_eq!(rows(service, &quotes).await, Vec::<Value>::new());
        }
        let asked = world.simulator.requests();
        let statuses: Vec<u16> =
            call(&asked, "/shipping_quotes").iter().map(|request| request.status).collect();
        assert_eq!(statuses, [204, 204]);
        world.drove(&["list-order-shipping-addresses", "list-order-shipping-quotes"]);
    })
    .await;
}

/// "To get order taxes, send a `GET` request to `/v2/orders/{order_id}/taxes`": the fields of the guide's response.
#[tokio::test]
async fn to_get_order_taxes_send_a_get_request() {
    run(async |world, service| {
        let (_, order) = paid(service).await;
        let taxes = rows(service, &format!("orders/{order}/taxes")).await;
        for field in [
            "id",
            "order_id",
            "order_address_id",
            "tax_rate_id",
            "tax_class_id",
            "name",
            "class",
            "rate",
            "priority",
            "priority_amount",
            "line_amount",
        ] {
            assert!(taxes[0].get(field).is_some(), "{field}: {}", taxes[0]);
        }
        assert_eq!((&taxes[0]["order_id"], &taxes[0]["class"]), (&json!(order), &json!("Default Tax Class")));
        let detailed = rows(service, &format!("orders/{order}/taxes?details=true")).await;
        assert!(detailed[0].get("order_product_id").is_some(), "{}", detailed[0]);
        world.drove(&["list-order-taxes"]);
    })
    .await;
}

/// "To get order transactions, send a `GET` request to `/v3/orders/{order_id}/transactions`": the fields of the
/// guide's response, except the reference that a purchase does not have.
#[tokio::test]
async fn to_get_order_transactions_send_a_get_request() {
    run(async |world, service| {
        let (_, order) = paid(service).await;
        let transactions = rows(service, &format!("orders/{order}/transactions")).await;
        for field in [
            "id",
            "order_id",
            "event",
            "method",
            "amount",
            "currency",
            "gateway",
            "gateway_transaction_id",
            "status",
            "test",
            "fraud_review",
            "date_created",
            "payment_method_id",
        ] {
            assert!(transactions[0].get(field).is_some(), "{field}: {}", transactions[0]);
        }
        let shown = &transactions[0];
        assert_eq!(
            (&shown["order_id"], &shown["event"], &shown["status"]),
            (&json!(order.to_string()), &json!("purchase"), &json!("ok"))
        );
        assert_eq!(shown["amount"].to_string(), "10.83");
        world.drove(&["list-transactions"]);
    })
    .await;
}

/// "Orders V3 exposes endpoints for managing order refunds."
#[tokio::test]
async fn orders_v3_exposes_endpoints_for_managing_order_refunds() {
    run(async |world, service| {
        let (_, order) = paid(service).await;
        let body = refund_of(order, "4.50");
        let items = json!({"items": body["items"]});
        let quote =
            ask_as(service, ACTOR, &format!("orders/{order}/refund-quotes"), None, Some(&items)).await;
        let quote = quote.expect(201).body;
        assert_eq!(quote["total_refund_amount"].to_string(), "4.5");
        assert_eq!(quote["refund_methods"][0][0]["provider_id"], body["payments"][0]["provider_id"]);
        let path = format!("orders/{order}/refunds");
        let made = ask(service, &path, Some(&fresh()), Some(&body)).await.expect(201);
        assert_eq!(
            rows(service, &path).await.iter().map(|one| &one["id"]).collect::<Vec<_>>(),
            [&made.body["id"]]
        );
        assert_eq!(get(service, &format!("orders/{order}")).await.body["status"], "Partially Refunded");
        world.drove(&["refund-quote", "refund", "list-refunds"]);
    })
    .await;
}

/// "For an overview on using these endpoints, see ... payment actions": what was authorized is captured or voided.
#[tokio::test]
async fn payment_actions_capture_or_void_what_was_authorized() {
    run(async |world, service| {
        for (action, pending) in [("capture", "capture pending"), ("void", "void pending")] {
            let (_, order) = authorized(service).await;
            let done =
                ask(service, &format!("orders/{order}/{action}"), Some(&fresh()), None).await.expect(201);
            assert_eq!(done.body["payment_status"], pending);
        }
        world.drove(&["capture", "void"]);
    })
    .await;
}

/// "Related endpoints: Order Coupons."
#[tokio::test]
async fn order_coupons_are_listed() {
    run(async |world, service| {
        let mut body = crate::harness::everything();
        body["coupon_codes"] = json!(["FIVER"]);
        let path = service.create(&body).await;
        let done = service
            .post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()})))
            .await
            .expect(200);
        let coupons = rows(service, &format!("orders/{}/coupons", done.body["order"]["id"])).await;
        assert_eq!(coupons.iter().map(|coupon| &coupon["code"]).collect::<Vec<_>>(), ["FIVER"]);
        world.drove(&["add-coupon", "list-order-coupons"]);
    })
    .await;
}
