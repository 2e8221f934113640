//! Stores whose order lists ignore their filters, or find nothing by them: what was paid on the hosted page does not end unseen.

use bigcommerce_simulator::{Deed, Hosted, OrderFilters, Settings};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::harness::{Service, World, custom_cart, everything, run_with};

async fn world(order_filters: OrderFilters) -> World {
    let world = World::hasty().await;
    world.simulator.set(|settings: &mut Settings| settings.order_filters = order_filters);
    world
}

/// A checkout whose cart was handed over, and the number of that.
async fn handed_over(service: &Service) -> (String, String) {
    let path = service.create(&everything()).await;
    service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
    let cart = service.get(&path).await.body["cart"]["id"].as_str().expect("a cart").to_owned();
    (path, cart)
}

async fn ends(world: &World, service: &Service, path: &str, expires: bool) -> Value {
    if expires {
        let id = path.rsplit('/').next().expect("an id");
        let idle = format!(
            "update checkout set expires_at = now(), due_at = now() where checkout_id = '{id}' and status = 'awaiting_input'"
        );
        sqlx::raw_sql(AssertSqlSafe(idle)).execute(&world.database.pool).await.expect("a statement");
    } else {
        service.delete(path).await;
    }
    let over = |now: &Value| {
        ["completed", "cancelled", "expired", "stuck"].iter().any(|status| now["status"] == **status)
    };
    service.wait_until(path, "at its end", over).await
}

/// So many other carts are ordered in the same store.
#[expect(clippy::disallowed_methods, reason = "it is not the service that sends")]
async fn others_order(world: &World, times: usize) {
    let url = format!("{}/stores/teststore/v3/carts", world.simulator.url());
    for _ in 0..times {
        let request = reqwest::Client::new().post(&url).header("x-auth-token", "another-app");
        let request = request.header("accept", "application/json").header("content-type", "application/json");
        let answer = request.body(custom_cart().to_string()).send().await.expect("an answer");
        let body: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
        let cart = body["data"]["id"].as_str().expect("an id");
        assert!(world.simulator.host_order(cart).is_some());
    }
}

#[tokio::test]
async fn what_was_paid_on_the_page_does_not_end_unseen_whatever_the_filters_do() {
    for filters in [OrderFilters::Blind, OrderFilters::Ignored] {
        for expires in [false, true] {
            // Those before fill the first page of a list without a filter, those after the newest one.
            for (before, after) in [(0, 0), (60, 0), (0, 60)] {
                run_with(world(filters).await, async |world, service| {
                    others_order(world, before).await;
                    let (path, cart) = handed_over(service).await;
                    let order = world.simulator.host(&cart, Hosted::Paid).expect("the page takes the cart");
                    others_order(world, after).await;
                    let ended = ends(world, service, &path, expires).await;
                    let case = format!("{filters:?} {expires} {before} {after}: {ended:#}");
                    assert_eq!(ended["status"], "completed", "{case}");
                    assert_eq!(ended["order"]["id"].as_u64(), Some(order), "{case}");
                })
                .await;
            }
        }
    }
}

/// There is an order of ours as well, which nobody paid.
#[tokio::test]
async fn so_it_is_where_an_order_of_ours_is_there_as_well() {
    for expires in [false, true] {
        run_with(world(OrderFilters::Blind).await, async |world, service| {
            let (path, cart) = handed_over(service).await;
            service.post(&format!("{path}/order"), &json!({})).await.expect(200);
            let order = world.simulator.host(&cart, Hosted::Paid).expect("the page takes the cart");
            let ended = ends(world, service, &path, expires).await;
            assert_ne!(ended["status"], "cancelled", "{ended:#}");
            assert_ne!(ended["status"], "expired", "{ended:#}");
            if ended["status"] == "completed" {
                assert_eq!(ended["order"]["id"].as_u64(), Some(order), "{ended:#}");
            }
        })
        .await;
    }
}

/// A cart that is gone and was not ordered ends its checkout: a filter that finds other orders proves that there is none of it,
/// and so do pages that go back far enough. Where nothing proves it, a person is asked.
#[tokio::test]
async fn a_cart_that_was_only_deleted_ends_its_checkout_where_a_list_can_prove_it() {
    for (filters, others, wanted) in [
        (OrderFilters::Honored, 0, "cancelled"),
        (OrderFilters::Honored, 60, "cancelled"),
        (OrderFilters::Blind, 0, "cancelled"),
        (OrderFilters::Blind, 60, "cancelled"),
        (OrderFilters::Blind, 210, "stuck"),
    ] {
        let mut world = world(filters).await;
        world.set("MAX_ATTEMPTS", "3");
        run_with(world, async |world, service| {
            others_order(world, others).await;
            let (path, cart) = handed_over(service).await;
            assert!(world.simulator.does_to_cart(&cart, Deed::DeleteCart));
            let ended = ends(world, service, &path, false).await;
            assert_eq!(ended["status"], wanted, "{filters:?} {others}: {ended:#}");
        })
        .await;
    }
}
