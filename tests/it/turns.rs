//! One step after the other, of one process or of several: what a step answers is what is there, and what comes next is
//! decided on nothing older.

use serde_json::json;

use crate::harness::{World, address, agreed, custom_cart, good_card, run};

#[tokio::test]
async fn what_a_step_answers_is_what_is_read_afterwards() {
    run(async |_, service| {
        let mut created = service.post("/v1/checkouts", &custom_cart()).await.expect(201);
        let path = format!("/v1/checkouts/{}", created.id());
        created.body.as_object_mut().expect("an object").remove("checkout_token");
        let mut expires = vec![created.body["expires_at"].clone()];
        assert_eq!(created.body, service.get(&path).await.expect(200).body);
        for (step, body) in [
            ("billing-address", address()),
            ("consignments", json!([{"address": address()}])),
            ("complete", agreed(json!({"payment": good_card(), "shipping_preference": "cheapest"}))),
        ] {
            let url = format!("{path}/{step}");
            let answered = if step == "complete" {
                service.post(&url, &body).await.expect(200)
            } else {
                service.put(&url, &body).await.expect(200)
            };
            assert_eq!(answered.body, service.get(&path).await.expect(200).body, "{step}");
            expires.push(answered.body["expires_at"].clone());
        }
        expires.dedup();
        assert!(expires.len() > 2, "each step gives the shopper more time: {expires:?}");
    })
    .await;
}

#[tokio::test]
async fn processes_may_take_turns() {
    let world = World::new().await;
    let (one, other) = (world.start().await, world.start().await);
    let path = one.create(&custom_cart()).await;
    other.put(&format!("{path}/billing-address"), &address()).await.expect(200);
    // What the first process let go is old by now: it must neither be decided on nor answered.
    let consignments = json!([{"address": address()}]);
    let body = one.put(&format!("{path}/consignments"), &consignments).await.expect(200).body;
    assert_eq!(body["billing_address"]["email"], address()["email"], "{body}");
    let complete = agreed(json!({"payment": good_card(), "shipping_preference": "cheapest"}));
    let (url, key) = (format!("{path}/complete"), "one-key-at-both-doors");
    let paid = other.post_with(&url, key, &complete).await.expect(200);
    let again = one.post_with(&url, key, &complete).await.expect(200);
    assert_eq!(paid.body["status"], "completed");
    assert_eq!(again.body, paid.body);
    let ledger = world.simulator.ledger();
    assert_eq!((ledger.orders.len(), ledger.charges.len()), (1, 1));
    one.stop().await;
    other.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn a_step_is_decided_on_what_was_let_go_unless_that_has_moved() {
    run(async |world, service| {
        let path = service.create(&custom_cart()).await;
        // Whoever reads it now cannot read it; whoever knows it need not.
        let unreadable = "update checkout set record = '[]'";
        sqlx::query(unreadable).execute(&world.database.pool).await.expect("a row");
        service.get(&path).await.expect(409);
        let url = format!("{path}/billing-address");
        service.put(&url, &address()).await.expect(200);
        service.get(&path).await.expect(200);
        let moved = "update checkout set record = '[]', version = version + 1";
        sqlx::query(moved).execute(&world.database.pool).await.expect("a row");
        service.put(&url, &address()).await.expect(409);
        // The invariants are checked over everything that can be read.
        sqlx::query("delete from checkout_content").execute(&world.database.pool).await.expect("its rows");
        sqlx::query("delete from checkout").execute(&world.database.pool).await.expect("its rows");
    })
    .await;
}
