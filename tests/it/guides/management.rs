//! "Orders overview" as far as it looks at orders, changes them and knows customers, through the operators' doors.

use bigcommerce_simulator::Fault;
use reqwest::Method;

use super::bodies::{CHANGE_STATUS, CREDIT_CARD, STATUS_INCOMPLETE};
use super::*;
use crate::harness::{ACTOR, run};
use crate::orders::{get, paid};

async fn change(service: &Service, order: u64, body: &str) -> Answer {
    let bearer = format!("Bearer {ACTOR}");
    let headers = [("authorization", &*bearer), ("content-type", "application/json")];
    let path = format!("/ops/v1/orders/{order}");
    service.call(Method::PUT, &path, &headers, Some(body.as_bytes().to_vec())).await
}

/// "Orders V2 exposes endpoints for ... reading ... orders": all of them, those of a filter, one.
#[tokio::test]
async fn orders_v2_exposes_endpoints_for_reading_orders() {
    run(async |world, service| {
        let (path, order) = paid(service).await;
        let (_, other) = paid(service).await;
        let cart = service.get(&path).await.body["cart"]["id"].as_str().expect("a cart").to_owned();
        for (query, expected) in [
            (String::new(), vec![order, other]),
            (format!("?cart_id={cart}"), vec![order]),
            ("?status_id=0".to_owned(), vec![]),
        ] {
            let found = get(service, &format!("orders{query}")).await.expect(200);
            let ids: Vec<u64> = found.body["data"]
                .as_array()
                .expect("orders")
                .iter()
                .filter_map(|row| row["id"].as_u64())
                .collect();
            assert_eq!(ids, expected, "{query}");
        }
        let one = get(service, &format!("orders/{order}")).await.expect(200);
        assert_eq!((&one.body["id"], &one.body["status"]), (&json!(order), &json!("Awaiting Fulfillment")));
        world.drove(&["list-orders", "get-order"]);
    })
    .await;
}

/// "Orders V2 exposes endpoints for ... deleting orders": an order that a proxy made twice is archived, unpaid.
#[tokio::test]
async fn orders_v2_exposes_endpoints_for_deleting_orders() {
    run(async |world, service| {
        world.simulator.add_fault(Fault::on("create-order").duplicate());
        let (path, checkout) = with_order(service, None).await;
        pay(service, &path, CREDIT_CARD).await.expect(200);
        let ledger = world.simulator.ledger();
        let alive: Vec<u64> =
            ledger.orders.iter().filter(|order| !order.archived).map(|order| order.id).collect();
        assert_eq!(ledger.orders.len(), 2);
        assert_eq!(alive.first().copied(), checkout["order"]["id"].as_u64());
        assert_eq!(alive.len(), 1);
        world.drove(&["create-order", "list-orders", "archive-order"]);
    })
    .await;
}

/// "To update an order and change its status, send a `PUT` request to `/v2/orders/{order_id}`."
#[tokio::test]
async fn to_update_an_order_and_change_its_status_send_a_put_request() {
    run(async |world, service| {
        let (_, order) = paid(service).await;
        let changed = change(service, order, CHANGE_STATUS).await.expect(200);
        assert_eq!((&changed.body["status_id"], &changed.body["status"]), (&json!(2), &json!("Shipped")));
        assert_eq!(world.simulator.ledger().orders[0].status_id, 2);
        world.drove(&["update-order"]);
    })
    .await;
}

/// "To get a list of order statuses, send a `GET` request to `/v2/order_statuses`."
#[tokio::test]
async fn to_get_a_list_of_order_statuses_send_a_get_request() {
    run(async |world, service| {
        let statuses = get(service, "order-statuses").await.expect(200);
        let first = &statuses.body["data"][0];
        for (field, value) in guide(STATUS_INCOMPLETE).as_object().expect("a status") {
            assert_eq!(&first[field], value, "{field}");
        }
        assert_eq!(statuses.body["data"].as_array().map(Vec::len), Some(15));
        world.drove(&["list-order-statuses"]);
    })
    .await;
}

/// "To get a list of customers, send a `GET` request to `/v3/customers`."
#[tokio::test]
async fn to_get_a_list_of_customers_send_a_get_request() {
    run(async |world, service| {
        let all = get(service, "customers").await.expect(200);
        let first = &all.body["data"][0];
        assert_eq!((&first["id"], &first["email"]), (&json!(1), &json!("jane@example.com")));
        let none = get(service, "customers?email=nobody%40example.com").await.expect(200);
        assert_eq!(none.body["data"], json!([]));
        world.drove(&["get-customers"]);
    })
    .await;
}

/// "BigCommerce submits tax documents to Avalara when an order moves from an unpaid status to a paid status and voids
/// tax documents when an order moves from a paid status to an unpaid status": each row of the table.
#[tokio::test]
async fn an_order_that_moves_between_paid_and_unpaid_says_what_becomes_of_its_tax_document() {
    run(async |world, service| {
        let (_, order) = paid(service).await;
        // Paid, and each time from where the row before ended.
        for (to, document) in
            [(9, "none"), (7, "voided"), (12, "none"), (11, "submitted"), (4, "none"), (10, "submitted")]
        {
            let changed = change(service, order, &json!({"status_id": to}).to_string()).await.expect(200);
            assert_eq!(changed.body["status_change"]["tax_document"], document, "to {to}");
        }
        world.drove(&["update-order"]);
    })
    .await;
}
