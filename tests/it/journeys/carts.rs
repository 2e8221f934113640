//! A cart that is taken, canceled after it was taken over, or empty: what can be done is told, and can be done.

use bigcommerce_simulator::{Deed, Fault, OrderHint, SecondOrder, Settings};
use reqwest::Method;
use serde_json::{Value, json};

use super::paid;
use crate::commerce::carts::foreign_cart;
use crate::harness::{
    Answer, KEY, ORIGIN, OTHER_KEY, PAGE_KEY, PATIENCE, Service, World, custom_cart, everything, run,
    run_with,
};

async fn create_as(service: &Service, key: &str, origin: Option<&str>, body: &Value) -> Answer {
    create_with(service, key, origin, body, &crate::orders::fresh()).await
}

async fn create_with(
    service: &Service,
    key: &str,
    origin: Option<&str>,
    body: &Value,
    fresh: &str,
) -> Answer {
    let bearer = format!("Bearer {key}");
    let mut headers = vec![
        ("authorization", &*bearer),
        ("prefer", "wait=30"),
        ("idempotency-key", fresh),
        ("content-type", "application/json"),
    ];
    headers.extend(origin.map(|origin| ("origin", origin)));
    service.call(Method::POST, "/v1/checkouts", &headers, Some(body.to_string().into_bytes())).await
}

async fn theirs(world: &World) -> Value {
    let cart = foreign_cart(world, "/carts", &custom_cart()).await;
    json!({"cart_id": cart["id"]})
}

#[tokio::test]
async fn whoever_has_a_server_key_finds_the_checkout_of_a_cart_and_goes_on_with_it() {
    run(async |world, service| {
        let body = theirs(world).await;
        let path = service.create(&body).await;
        for key in [KEY, OTHER_KEY] {
            let taken = create_as(service, key, None, &body).await.expect(409);
            assert_eq!(
                (taken.problem(), &taken.body["instance"]),
                ("cart-taken", &json!(path)),
                "{}",
                taken.text
            );
            assert_eq!(taken.header("location"), Some(&*path));
            let bearer = format!("Bearer {}", taken.body["checkout_token"].as_str().expect("a token"));
            let seen =
                service.call(Method::GET, &path, &[("authorization", &bearer)], None).await.expect(200);
            assert_eq!(seen.body["cart"]["id"], body["cart_id"]);
        }
        // The number of a cart is no secret that would open somebody's checkout.
        let taken = create_as(service, PAGE_KEY, Some(ORIGIN), &body).await.expect(409);
        assert_eq!(taken.problem(), "cart-taken");
        let id = path.rsplit('/').next().expect("an id");
        assert!(!taken.text.contains(id) && taken.header("location").is_none(), "{}", taken.text);
        assert!(taken.body.get("checkout_token").is_none(), "{}", taken.text);
        let words = taken.body["shopper_message"].as_str().expect("a sentence");
        assert!(words.contains("Please"), "{words}");
    })
    .await;
}

/// Two servers ask for one cart at once: who comes second is told of the first as if that had been there before.
#[tokio::test]
async fn whoever_loses_the_race_for_a_cart_is_led_to_the_checkout_that_has_it() {
    for (key, origin, is_led) in [(KEY, None, true), (OTHER_KEY, None, true), (PAGE_KEY, Some(ORIGIN), false)]
    {
        run(async |world, service| {
            let body = theirs(world).await;
            let held = world
                .simulator
                .add_fault(Fault::on("get-checkout").nth(if is_led { 1 } else { 2 }).hold_before());
            let fresh = crate::orders::fresh();
            let loses = async || create_with(service, key, origin, &body, &fresh).await;
            let wins = async {
                tokio::time::timeout(PATIENCE, world.simulator.wait_reached(held, 1))
                    .await
                    .expect("it has begun");
                let path = service.create(&body).await;
                world.simulator.release(held);
                path
            };
            let (lost, path) = tokio::join!(loses(), wins);
            assert_eq!((lost.status.as_u16(), lost.problem()), (409, "cart-taken"), "{}", lost.text);
            if !is_led {
                let id = path.rsplit('/').next().expect("an id");
                assert!(!lost.text.contains(id), "{}", lost.text);
                return;
            }
            // Asked again with its key it is the same.
            for lost in [lost, loses().await.expect(409)] {
                assert_eq!(lost.body["instance"], json!(path), "{}", lost.text);
                assert_eq!(lost.header("location"), Some(&*path));
                let bearer = format!("Bearer {}", lost.body["checkout_token"].as_str().expect("a token"));
                let seen =
                    service.call(Method::GET, &path, &[("authorization", &bearer)], None).await.expect(200);
                assert_eq!(seen.body["cart"]["id"], body["cart_id"]);
            }
        })
        .await;
    }
}

/// The cart that was taken over is not deleted by a cancel: the next checkout of it orders it anew.
#[tokio::test]
async fn a_cart_that_was_ordered_and_canceled_is_ordered_by_its_next_checkout() {
    for (second_order, order_hint) in [
        (SecondOrder::New, OrderHint::Latest),
        (SecondOrder::SameUnpaid, OrderHint::Never),
        (SecondOrder::SameUnpaid, OrderHint::First),
    ] {
        let world = World::with(Settings { second_order, order_hint, ..Settings::default() }).await;
        run_with(world, async |world, service| {
            let mut body = theirs(world).await;
            for rest in ["billing_address", "consignments", "shipping_preference"] {
                body[rest] = everything()[rest].clone();
            }
            let path = service.create(&body).await;
            service.post(&format!("{path}/order"), &json!({})).await.expect(200);
            service.delete(&path).await.expect(200);
            let again = service.create(&body).await;
            let done = paid(service, &again).await;
            assert_eq!(world.simulator.ledger().charges.len(), 1, "{done}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_cart_whose_last_item_was_removed_is_empty_and_takes_others() {
    for lost in [false, true] {
        run(async |world, service| {
            let path = service.create(&everything()).await;
            let shown = service.get(&path).await.expect(200).body;
            let item = shown["cart"]["line_items"]["custom_items"][0]["id"].as_str().expect("an item");
            if lost {
                world.simulator.add_fault(Fault::on("delete-cart-item").status_after(500));
            }
            let empty = service.delete(&format!("{path}/items/{item}")).await.expect(200).body;
            assert_eq!(
                (&empty["status"], &empty["next_step"], &empty["cart"]),
                (&json!("awaiting_input"), &json!("cart"), &Value::Null),
                "{empty}"
            );
            assert_eq!(empty["consignments"], json!([]), "{empty}");
            let early = service.post(&format!("{path}/order"), &json!({})).await.expect(409);
            assert_eq!(early.body["next_step"], "cart", "{}", early.text);
            let others = json!({"line_items": [{"product_id": 120, "quantity": 1}]});
            let on = service.post(&format!("{path}/items"), &others).await.expect(200).body;
            assert_eq!(on["next_step"], "order", "what was given before counts: {on}");
            assert_eq!(on["cart"]["line_items"]["custom_items"], json!([]), "{on}");
            paid(service, &path).await;
            let ledger = world.simulator.ledger();
            assert_eq!((ledger.carts.len(), ledger.orders.len(), ledger.charges.len()), (2, 1, 1));
        })
        .await;
    }
}

#[tokio::test]
async fn a_cart_that_somebody_deleted_needs_a_new_checkout_and_says_so() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        let cart = world.simulator.ledger().carts[0].id.clone();
        assert!(world.simulator.does_to_cart(&cart, Deed::DeleteCart));
        let gone = service.post(&format!("{path}/items"), &custom_cart()).await.expect(409);
        assert_eq!(gone.problem(), "checkout-closed");
        let words = gone.body["shopper_message"].as_str().expect("a sentence");
        assert!(words.contains("start a new one"), "{words}");
    })
    .await;
}
