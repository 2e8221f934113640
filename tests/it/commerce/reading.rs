//! What BigCommerce may answer in another form than it is specified, and what a checkout makes of it.

use bigcommerce_simulator::{FreeOrder, Settings};
use serde_json::json;

use super::{amount, ready};
use crate::harness::{World, address, agreed, everything, good_card, run_with};

/// What is made answers 201, and its envelope stands inside of another one.
#[tokio::test]
async fn an_order_a_token_and_a_payment_are_read_at_any_depth() {
    let world =
        World::with(Settings { nested_answers: true, order_ids_as_text: true, ..Settings::default() }).await;
    run_with(world, async |world, service| {
        let path = service.create(&everything()).await;
        let paid = service
            .post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()})))
            .await
            .expect(200);
        assert_eq!(
            (&paid.body["status"], &paid.body["payment"]["status"]),
            (&json!("completed"), &json!("succeeded"))
        );
        assert_eq!(world.simulator.ledger().charges.len(), 1);
    })
    .await;
}

/// A prefecture comes back by its English name, whatever it was called.
#[tokio::test]
async fn a_prefecture_of_japan_is_the_same_by_any_name() {
    let world = World::with(Settings { japan_in_english: true, ..Settings::default() }).await;
    run_with(world, async |_, service| {
        for state in ["東京都", "JP-13", "Tokyo"] {
            let mut there = address();
            for (field, value) in
                [("country_code", "JP"), ("state_or_province", state), ("postal_code", "100-0001")]
            {
                there[field] = json!(value);
            }
            there["state_or_province_code"] = json!("");
            let mut body = everything();
            body["billing_address"] = there.clone();
            body["consignments"] = json!([{"address": there}]);
            let path = ready(service, body).await;
            let before = service.get(&path).await.expect(200).body;
            // The same once more: it is there already.
            service.put(&format!("{path}/billing-address"), &there).await.expect(200);
            let pay = agreed(json!({"payment": good_card()}));
            let paid = service.post(&format!("{path}/complete"), &pay).await.expect(200);
            assert_eq!(paid.body["status"], "completed", "{state}: {before}");
        }
    })
    .await;
}

/// A token that cannot be read says nothing about the amount: the order is asked.
#[tokio::test]
async fn a_token_that_cannot_be_read_charges_what_was_agreed_to() {
    let world = World::with(Settings { opaque_tokens: true, ..Settings::default() }).await;
    run_with(world, async |world, service| {
        let path = service.create(&everything()).await;
        let ready = service.get(&path).await.expect(200).body;
        let total = ready["totals"]["grand_total"].clone();
        let mut pay = json!({"payment": good_card(), "agreed_total": 0.01});
        let refused = service.post(&format!("{path}/complete"), &pay).await.expect(409);
        assert_eq!(refused.problem(), "total-changed");
        assert!(world.simulator.ledger().charges.is_empty());
        pay["agreed_total"] = total.clone();
        let paid = service.post(&format!("{path}/complete"), &pay).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        assert_eq!(amount(&paid.body["payment"]["amount"]), amount(&total));
        assert_eq!(world.simulator.ledger().charges.len(), 1);
    })
    .await;
}

/// However an order of nothing is placed there, nothing is charged here.
#[tokio::test]
async fn an_order_of_nothing_is_completed_whatever_it_needs() {
    for free_order in [FreeOrder::AnyPayment, FreeOrder::CreditOnly, FreeOrder::PlacedAtOnce] {
        for one_call in [false, true] {
            let world = World::with(Settings { free_order, ..Settings::default() }).await;
            run_with(world, async |world, service| {
                let mut body = everything();
                body["custom_items"][0]["list_price"] = json!(0);
                let path = service.create(&body).await;
                let free = json!({"agreed_total": 0});
                let placed = if one_call {
                    service.post(&format!("{path}/complete"), &free).await
                } else {
                    service.post(&format!("{path}/order"), &json!({})).await.expect(200);
                    service.post(&format!("{path}/payment"), &free).await
                };
                let placed = placed.expect(200);
                assert_eq!(placed.body["status"], "completed", "{free_order:?} {one_call}: {}", placed.text);
                assert!(world.simulator.ledger().charges.is_empty());
            })
            .await;
        }
    }
}

/// NUL and half of a surrogate pair, which no text and no database holds, stop nothing: U+FFFD stands for them.
#[tokio::test]
async fn what_nobody_can_keep_is_replaced_and_the_checkout_completes() {
    for one_call in [false, true] {
        let world = World::with(Settings { unkept_texts: true, ..Settings::default() }).await;
        run_with(world, async |world, service| {
            let pay = agreed(json!({"payment": good_card()}));
            let (path, ended) = if one_call {
                let path = service.create(&everything()).await;
                (path.clone(), service.post(&format!("{path}/complete"), &pay).await)
            } else {
                let path = ready(service, everything()).await;
                service.post(&format!("{path}/order"), &json!({})).await.expect(200);
                (path.clone(), service.post(&format!("{path}/payment"), &agreed(good_card())).await)
            };
            let ended = ended.expect(200);
            assert_eq!(ended.body["status"], "completed", "{}", ended.text);
            assert_eq!(world.simulator.ledger().charges.len(), 1);
            let shown = service.get(&path).await.expect(200);
            let name = &shown.body["cart"]["line_items"]["custom_items"][0]["name"];
            assert_eq!(name, "Custom Product\u{fffd}\u{fffd}", "{}", shown.text);
            let stored: Vec<String> = sqlx::query_scalar("select checkout::text from checkout")
                .fetch_all(&world.database.pool)
                .await
                .expect("what is stored");
            for text in stored.iter().chain([&ended.text, &shown.text]) {
                let text = text.to_lowercase();
                assert!(!text.contains("u0000") && !text.contains("ud83d"), "{text}");
            }
        })
        .await;
    }
}
