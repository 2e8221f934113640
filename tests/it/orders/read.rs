//! Reading orders and what they are about.

use reqwest::Method;
use serde_json::{Value, json};

use super::{get, paid, pointers, world};
use crate::harness::{KEY, OPERATOR, World, address, agreed, custom_cart, good_card, run_with};

fn ids(body: &Value) -> Vec<u64> {
    let rows = body["data"].as_array().expect("rows");
    rows.iter().map(|row| row["id"].as_u64().expect("an id")).collect()
}

#[tokio::test]
async fn orders_are_listed_filtered_and_paged() {
    run_with(world().await, async |_, service| {
        let (path, first) = paid(service).await;
        let second = super::super::operators::ordered(service).await;
        let second = service.get(&second).await.body["order"]["id"].as_u64().expect("an order");
        let cart = service.get(&path).await.body["cart"]["id"].as_str().expect("a cart").to_owned();
        for (query, expected) in [
            (String::new(), vec![first, second]),
            ("?sort=id:desc".to_owned(), vec![second, first]),
            ("?status_id=11".to_owned(), vec![first]),
            ("?status_id=0".to_owned(), vec![second]),
            (format!("?min_id={second}"), vec![second]),
            (format!("?max_id={first}"), vec![first]),
            (format!("?cart_id={cart}"), vec![first]),
            ("?email=jane%40example.com".to_owned(), vec![first, second]),
            ("?email=nobody%40example.com".to_owned(), vec![]),
            ("?customer_id=0&channel_id=1&store=default".to_owned(), vec![first, second]),
            ("?min_date_created=2000-01-01T00:00:00Z".to_owned(), vec![first, second]),
            ("?external_order_id=x".to_owned(), vec![]),
        ] {
            let found = get(service, &format!("orders{query}")).await.expect(200);
            assert_eq!(ids(&found.body), expected, "{query}");
            assert_eq!(found.body["next_page"], Value::Null, "{query}");
        }
        let page = get(service, "orders?limit=1").await.expect(200);
        assert_eq!((ids(&page.body), &page.body["next_page"]), (vec![first], &json!(2)));
        let page = get(service, "orders?limit=1&page=2").await.expect(200);
        assert_eq!(ids(&page.body), [second]);
        for (query, expected) in [
            ("orders?status_id=15&limit=251", vec!["/limit", "/status_id"]),
            ("orders?sort=name&page=0", vec!["/page", "/sort"]),
            ("orders?min_id=x&state=1", vec!["/min_id", "/state"]),
            ("orders?store=another", vec!["/store"]),
            ("customers?id=1,x", vec!["/id"]),
            ("order-actions?cursor=x", vec!["/cursor"]),
        ] {
            assert_eq!(pointers(&get(service, query).await.expect(422)), expected, "{query}");
        }
        // What only BigCommerce finds wrong is its own answer.
        let refused = get(service, "orders?min_date_created=yesterday").await.expect(422);
        assert_eq!(
            (refused.problem(), &refused.body["upstream"]["status"]),
            ("rejected-by-bigcommerce", &json!(400))
        );
    })
    .await;
}

#[tokio::test]
async fn an_order_is_shown_with_all_that_hangs_on_it() {
    run_with(world().await, async |_, service| {
        let mut body = custom_cart();
        body["billing_address"] = address();
        body["consignments"] = json!([{"address": address()}]);
        body["shipping_preference"] = json!("cheapest");
        body["coupon_codes"] = json!(["FIVER"]);
        let path = service.create(&body).await;
        let done = service
            .post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()})))
            .await
            .expect(200);
        let order = done.body["order"]["id"].as_u64().expect("an order");
        let one = format!("orders/{order}");
        let shown = get(service, &one).await.expect(200);
        assert_eq!((&shown.body["id"], &shown.body["status_id"]), (&json!(order), &json!(11)));
        // Digits as BigCommerce sends them.
        assert!(shown.text.contains(r#""total_inc_tax":"5.4100""#), "{}", shown.text);
        let part =
            async |name: &str| get(service, &format!("{one}/{name}")).await.expect(200).body["data"].clone();
        assert_eq!(part("products").await[0]["name"], "Custom Product");
        let addresses = part("shipping-addresses").await;
        let address = addresses[0]["id"].as_u64().expect("an address");
        assert_eq!(addresses[0]["city"], "Austin");
        // BigCommerce: 204 without a body.
        assert_eq!(part(&format!("shipping-addresses/{address}/shipping-quotes")).await, json!([]));
        let taxes = part("taxes").await;
        assert!(taxes[0].get("order_product_id").is_none(), "{taxes}");
        let detailed = part("taxes?details=true").await;
        assert_eq!(detailed[0]["line_item_type"], "item");
        assert_eq!(part("coupons").await[0]["code"], "FIVER");
        assert_eq!(part("transactions").await[0]["event"], "purchase");
        assert_eq!((part("shipments").await, part("refunds").await), (json!([]), json!([])));
        for missing in [
            "orders/99999",
            "orders/99999/products",
            "orders/99999/refunds",
            "orders/0",
            "orders/-1",
            "orders/x",
            "orders/1%2F..%2F..",
            &format!("{one}/shipping-addresses/99999/shipping-quotes"),
            &format!("{one}/shipping-addresses/x/shipping-quotes"),
            "products/x/variants",
            "order-actions/1",
        ] {
            assert_eq!(get(service, missing).await.expect(404).problem(), "not-found", "{missing}");
        }
    })
    .await;
}

#[tokio::test]
async fn statuses_customers_and_variants_are_listed() {
    run_with(world().await, async |_, service| {
        let statuses = get(service, "order-statuses").await.expect(200);
        let kinds: Vec<(i64, &str)> = statuses.body["data"]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| (row["id"].as_i64().expect("an id"), row["kind"].as_str().expect("a kind")))
            .collect();
        assert_eq!(kinds.len(), 15);
        for expected in [(0, "unpaid"), (2, "paid"), (4, "refunded"), (11, "paid"), (14, "unpaid")] {
            assert!(kinds.contains(&expected), "{expected:?}");
        }
        assert_eq!(statuses.body["data"][0]["custom_label"], "Incomplete - Testing");
        let jane = get(service, "customers?email=jane%40example.com").await.expect(200);
        assert_eq!(ids(&jane.body), [1]);
        let two = get(service, "customers?id=1,2&limit=2").await.expect(200);
        assert_eq!((ids(&two.body), &two.body["next_page"]), (vec![1, 2], &json!(2)));
        let variants = get(service, "products/184/variants").await.expect(200);
        assert_eq!(variants.body["data"][0]["option_values"][0]["option_id"], 200);
        assert_eq!(get(service, "products/9999/variants").await.expect(404).problem(), "not-found");
    })
    .await;
}

#[tokio::test]
async fn the_store_is_named_when_there_are_several() {
    let store = |name: &str, hash: &str, key: &str| {
        format!(
            "[[store]]\nname = \"{name}\"\nstore_hash = \"{hash}\"\naccess_token = \"bigcommerce-token-of-the-tests\"\n\
             storefront_keys = [{{ name = \"web\", key = \"{key}\" }}]\n"
        )
    };
    let tables = store("first", "teststore", KEY) + &store("second", "otherstore", "another-key-for-this");
    let mut world = World::new().await;
    world.set_stores(&tables);
    run_with(world, async |_, service| {
        let (_, order) = paid(service).await;
        let needed = get(service, "orders").await.expect(422);
        assert_eq!(pointers(&needed), ["/store"]);
        assert!(needed.text.contains("first, second"), "{}", needed.text);
        assert_eq!(ids(&get(service, "orders?store=first").await.expect(200).body), [order]);
        assert_eq!(get(service, "orders?store=second").await.expect(200).body["data"], json!([]));
        let refund = super::refund_of(order, "1");
        let path = format!("orders/{order}/refunds");
        assert_eq!(
            pointers(&super::ask(service, &path, Some("k"), Some(&refund)).await.expect(422)),
            ["/store"]
        );
        let elsewhere = super::ask(service, &format!("{path}?store=second"), Some("k"), Some(&refund)).await;
        assert_eq!(elsewhere.expect(404).problem(), "not-found");
        super::ask(service, &format!("{path}?store=first"), Some("k"), Some(&refund)).await.expect(201);
        // The same key means another request in another store.
        let elsewhere = super::ask(service, &format!("{path}?store=second"), Some("k"), Some(&refund)).await;
        assert_eq!(elsewhere.expect(422).problem(), "idempotency-key-reused");
        let status = json!({"status_id": 2});
        let path = format!("/ops/v1/orders/{order}");
        let unnamed = service.operate(Method::PUT, &path, OPERATOR, Some(&status)).await.expect(422);
        assert_eq!(pointers(&unnamed), ["/store"]);
    })
    .await;
}

#[tokio::test]
async fn whatever_bigcommerce_answers_becomes_a_problem() {
    use bigcommerce_simulator::Fault;
    run_with(world().await, async |world, service| {
        let (_, order) = paid(service).await;
        for (fault, status, code) in [
            (Fault::on("get-order").status_before(401), 422, "rejected-by-bigcommerce"),
            (Fault::on("get-order").status_before(403), 422, "rejected-by-bigcommerce"),
            (Fault::on("get-order").status_before(404), 404, "not-found"),
            (Fault::on("get-order").status_before(409), 422, "rejected-by-bigcommerce"),
            (Fault::on("get-order").status_before(422), 422, "rejected-by-bigcommerce"),
            (Fault::on("get-order").status_before(500), 503, "upstream-unavailable"),
            (Fault::on("get-order").malformed(), 503, "upstream-unavailable"),
            (Fault::on("get-order").reset_before(), 503, "upstream-unavailable"),
        ] {
            let fault = world.simulator.add_fault(fault);
            let answer = get(service, &format!("orders/{order}")).await.expect(status);
            assert_eq!(answer.problem(), code);
            assert_eq!(world.simulator.reached(fault), 1);
            world.simulator.clear_faults();
            if status == 503 {
                assert!(answer.header("retry-after").is_some());
            }
        }
    })
    .await;
}
