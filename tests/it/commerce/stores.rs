//! Several stores in one service: nothing of one is seen, used or spent by another.

use bigcommerce_simulator::Fault;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Service, World, agreed, everything, good_card, logs};

const STORES: [(&str, &str, &str, &str, &str); 2] = [
    (
        "north",
        "northhash",
        "access-token-of-the-north-store",
        "storefront-key-of-the-north",
        "webhook-secret-of-the-north",
    ),
    (
        "south",
        "southhash",
        "access-token-of-the-south-store",
        "storefront-key-of-the-south",
        "webhook-secret-of-the-south",
    ),
];

async fn two_stores() -> (World, Service) {
    let tables = STORES.map(|(name, hash, token, key, webhook)| {
        format!(
            "[[store]]\nname = \"{name}\"\nstore_hash = \"{hash}\"\naccess_token = \"{token}\"\n\
             webhook_secret = \"{webhook}\"\nstorefront_keys = [{{ name = \"web\", key = \"{key}\" }}]\n"
        )
    });
    let mut world = World::new().await;
    world.set_stores(&tables.concat());
    let service = world.start().await;
    (world, service)
}

async fn send(
    service: &Service,
    store: usize,
    method: Method,
    path: &str,
    key: &str,
    body: Option<&Value>,
) -> Answer {
    let bearer = format!("Bearer {}", STORES[store].3);
    let mut headers = vec![("authorization", &*bearer), ("prefer", "wait=30")];
    if method == Method::POST {
        headers.push(("idempotency-key", key));
    }
    if body.is_some() {
        headers.push(("content-type", "application/json"));
    }
    service.call(method, path, &headers, body.map(|body| body.to_string().into_bytes())).await
}

#[tokio::test]
async fn two_stores_with_the_same_numbers_and_keys_know_nothing_of_each_other() {
    let (world, service) = two_stores().await;
    let mut paths = Vec::new();
    for (store, (name, ..)) in STORES.iter().enumerate() {
        // The same idempotency key in both: it belongs to the credential.
        let created =
            send(&service, store, Method::POST, "/v1/checkouts", "same-key", Some(&everything())).await;
        let created = created.expect(201);
        assert_eq!(created.header("idempotent-replayed"), None);
        assert_eq!(created.body["store"], *name);
        paths.push(format!("/v1/checkouts/{}", created.id()));
    }
    let mut orders = Vec::new();
    for (store, path) in paths.iter().enumerate() {
        let body = agreed(json!({"payment": good_card()}));
        let complete = format!("{path}/complete");
        let paid = send(&service, store, Method::POST, &complete, "pay", Some(&body)).await.expect(200);
        assert_eq!(paid.body["status"], "completed");
        orders.push(paid.body["order"]["id"].clone());
    }
    // Both stores number from 125: one order id, two owners.
    assert_eq!(orders[0], orders[1]);
    for (store, path) in paths.iter().enumerate() {
        let other = 1 - store;
        for (method, tail) in [
            (Method::GET, ""),
            (Method::GET, "/order"),
            (Method::DELETE, ""),
            (Method::GET, "/payment-methods"),
        ] {
            let refused =
                send(&service, other, method, &format!("{path}{tail}"), "x", None).await.expect(404);
            assert_eq!(refused.problem(), "checkout-not-found");
            assert!(!refused.text.contains(STORES[store].0), "{}", refused.text);
        }
        let ledger = world.simulator.ledger_of(STORES[store].1);
        assert_eq!((ledger.carts.len(), ledger.orders.len(), ledger.charges.len()), (1, 1, 1));
        let id = path.rsplit('/').next().map(str::to_owned);
        assert_eq!(ledger.orders[0].correlation_id, id);
    }
    for (_, _, token, key, webhook) in STORES {
        for secret in [token, key, webhook] {
            assert!(!logs::contain(secret), "a log line holds {secret}");
        }
    }
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn a_cart_of_one_store_and_a_webhook_of_it_mean_nothing_to_the_other() {
    let (world, service) = two_stores().await;
    let created =
        send(&service, 0, Method::POST, "/v1/checkouts", "a", Some(&everything())).await.expect(201);
    let path = format!("/v1/checkouts/{}", created.id());
    let cart = created.body["cart"]["id"].clone();
    // The other store has no such cart.
    let taken = send(&service, 1, Method::POST, "/v1/checkouts", "b", Some(&json!({"cart_id": cart})))
        .await
        .expect(422);
    assert_eq!(taken.problem(), "rejected-by-bigcommerce");
    let event = |producer: &str| {
        json!({"scope": "store/cart/converted", "store_id": "1", "hash": format!("h {producer}"), "created_at": 1,
            "producer": format!("stores/{producer}"), "data": {"type": "cart", "id": cart, "orderId": 125}})
        .to_string()
    };
    let hook = async |producer: &str, secret: &str| {
        let headers = [("content-type", "application/json"), ("x-webhook-secret", secret)];
        let body = event(producer).into_bytes();
        service.call(Method::POST, "/webhooks/bigcommerce", &headers, Some(body)).await.status.as_u16()
    };
    assert_eq!(hook(STORES[0].1, STORES[1].4).await, 401, "a store speaks for itself only");
    assert_eq!(hook(STORES[1].1, STORES[1].4).await, 200);
    let about: i64 = sqlx::query_scalar("select count(*) from webhook_event where checkout_id is not null")
        .fetch_one(&world.database.pool)
        .await
        .expect("a count");
    assert_eq!(about, 0, "the cart belongs to the other store");
    let body = agreed(json!({"payment": good_card()}));
    send(&service, 0, Method::POST, &format!("{path}/complete"), "c", Some(&body)).await.expect(200);
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn a_store_whose_quota_is_spent_slows_no_other() {
    let (world, service) = two_stores().await;
    let empty = world.simulator.add_fault(Fault::on("*").store(STORES[0].1).rate_limit(20_000).always());
    let body = everything();
    let blocked = send(&service, 0, Method::POST, "/v1/checkouts", "a", Some(&body));
    let free = async {
        world.meets(empty, 1).await;
        let created =
            send(&service, 1, Method::POST, "/v1/checkouts", "a", Some(&everything())).await.expect(201);
        let path = format!("/v1/checkouts/{}/complete", created.id());
        let body = agreed(json!({"payment": good_card()}));
        send(&service, 1, Method::POST, &path, "b", Some(&body)).await.expect(200);
        world.simulator.clear_faults();
    };
    let (blocked, ()) = tokio::join!(blocked, free);
    assert!([201, 202, 503].contains(&blocked.status.as_u16()), "{}", blocked.text);
    assert_eq!(world.simulator.ledger_of(STORES[1].1).charges.len(), 1);
    assert!(world.simulator.ledger_of(STORES[0].1).orders.is_empty());
    service.stop().await;
    world.finish().await;
}
