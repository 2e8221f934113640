//! Ids as BigCommerce says them: a cart by the id of its document, a store by its hash.

use bigcommerce_simulator::Settings;
use serde_json::json;

use super::payment;
use crate::commerce::carts::foreign_cart;
use crate::harness::{KEY, World, custom_cart, everything, run_with};
use crate::orders::fresh;

fn stores(name: &str, hash: &str) -> String {
    format!(
        "[[store]]\nname = \"{name}\"\nstore_hash = \"{hash}\"\naccess_token = \"access-token-of-this-store\"\n\
         storefront_keys = [{{ name = \"web\", key = \"{KEY}\" }}]\n"
    )
}

#[tokio::test]
async fn the_same_cart_in_capitals_is_the_same_cart() {
    let world = World::with(Settings { ids_ignore_case: true, ..Settings::default() }).await;
    run_with(world, async |world, service| {
        // A cart that this service made cannot be taken over by another checkout, nor one that was taken over already.
        let path = service.create(&everything()).await;
        let snapshot = service.get(&path).await.expect(200).body;
        let made = snapshot["cart"]["id"].as_str().expect("a cart").to_owned();
        for id in [made.to_uppercase(), made.clone()] {
            let again = service.post("/v1/checkouts", &json!({ "cart_id": id })).await.expect(409);
            assert_eq!(again.problem(), "cart-taken");
        }
        service.delete(&path).await.expect(200);
        let foreign = foreign_cart(world, "/carts", &custom_cart()).await;
        let foreign = foreign["id"].as_str().expect("a cart").to_owned();
        let taken =
            service.post("/v1/checkouts", &json!({ "cart_id": foreign.to_uppercase() })).await.expect(201);
        let kept: Vec<Option<String>> =
            sqlx::query_scalar("select cart_id from checkout_content where not released")
                .fetch_all(&world.database.pool)
                .await
                .expect("rows");
        assert_eq!(kept, [Some(foreign.clone())], "as BigCommerce writes it, not as it was typed");
        assert_eq!(taken.body["cart"]["id"], *foreign);
        let again = service.post("/v1/checkouts", &json!({ "cart_id": foreign })).await.expect(409);
        assert_eq!(again.problem(), "cart-taken");
    })
    .await;
}

#[tokio::test]
async fn a_store_that_is_called_something_else_keeps_its_carts_orders_and_keys() {
    let mut world = World::new().await;
    world.set_stores(&stores("before", "teststore"));
    let service = world.start().await;
    let key = fresh();
    let created = service.post_with("/v1/checkouts", &key, &everything()).await.expect(201);
    let path = format!("/v1/checkouts/{}", created.id());
    let cart = created.body["cart"]["id"].clone();
    service.stop().await;
    // Renamed; its old name is given to another store.
    let other = "[[store]]\nname = \"before\"\nstore_hash = \"another\"\naccess_token = \"access-token-of-another\"\n\
                 storefront_keys = [{ name = \"web\", key = \"storefront-key-of-the-other-store\" }]\n";
    world.set_stores(&format!("{}{other}", stores("after", "teststore")));
    let service = world.start().await;
    let again = service.post_with("/v1/checkouts", &key, &everything()).await.expect(201);
    assert_eq!((again.id(), again.header("idempotent-replayed")), (created.id(), Some("true")));
    let taken = service.post("/v1/checkouts", &json!({ "cart_id": cart })).await.expect(409);
    assert_eq!(taken.problem(), "cart-taken");
    service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    let paid = service.post(&format!("{path}/payment"), &payment()).await.expect(200);
    assert_eq!(paid.body["status"], "completed");
    // The other store sees nothing of it.
    let headers = [("authorization", "Bearer storefront-key-of-the-other-store")];
    service.call(reqwest::Method::GET, &path, &headers, None).await.expect(404);
    service.stop().await;
    // Its hash in other letters: it is the same store.
    world.set_stores(&stores("again", "TestStore"));
    let service = world.start().await;
    let again = service.post_with("/v1/checkouts", &key, &everything()).await.expect(201);
    assert_eq!((again.id(), again.header("idempotent-replayed")), (created.id(), Some("true")));
    service.stop().await;
    world.finish().await;
}
