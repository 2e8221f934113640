//! Calls that the client has and no endpoint needs: they are answered all the same.

use headless_checkout::bigcommerce::checkouts::Include;
use serde_json::json;

use super::calls::{client, hook, nobody};
use crate::harness::{World, address, custom_cart};

#[tokio::test]
async fn what_only_the_client_can_is_answered() {
    let world = World::new().await;
    let (client, cx) = (client(&world.simulator.url()), nobody());
    let store = client.store_information(&cx).await.expect("the store").value;
    assert_eq!((store.currency.as_deref(), store.decimal_places), (Some("USD"), Some(2)));
    let stored = client.customers(&cx).stored_instruments(11).await.expect("instruments").value;
    assert_eq!(stored.first().and_then(|one| one.last_4.as_deref()), Some("1142"));

    let cart = client.carts(&cx).create(&custom_cart(), &[]).await.expect("a cart").value;
    assert_eq!(client.carts(&cx).get(&cart.id, &[]).await.expect("it is there").value.id, cart.id);

    let made = client.hooks(&cx).create(&hook(false)).await.expect("a hook").value;
    client.hooks(&cx).delete(made.id).await.expect("it goes");
    assert!(client.hooks(&cx).list().await.expect("hooks").value.is_empty());
    world.drove(&["get-store", "get-stored-instruments", "get-cart", "delete-hook"]);
    world.finish().await;
}

#[tokio::test]
async fn a_consignment_moves_to_another_address() {
    let world = World::new().await;
    let (client, cx) = (client(&world.simulator.url()), nobody());
    let cart = client.carts(&cx).create(&custom_cart(), &[]).await.expect("a cart").value;
    let item = cart.items.first().expect("an item").id.clone();
    let items = json!([{"item_id": item, "quantity": 1}]);
    let to = |city: &str| {
        let mut place = address();
        place["city"] = json!(city);
        json!({"address": place, "line_items": items})
    };
    let checkouts = client.checkouts(&cx);
    let added = checkouts.add_consignments(&cart.id, &[to("Austin")], None).await.expect("it is added").value;
    let consignment = added.consignments[0].id.clone();
    checkouts
        .update_consignment(&cart.id, &consignment, &to("Dallas"), added.version)
        .await
        .expect("it moves");
    let read = checkouts.get(&cart.id, Include::ShippingOptions).await.expect("a checkout").value;
    let moved = read.consignments[0].address.as_ref().and_then(|place| place.city.as_deref());
    assert_eq!((read.consignments[0].id.as_str(), moved), (&*consignment, Some("Dallas")));
    world.drove(&["update-consignment", "get-checkout"]);
    world.finish().await;
}
