//! What is told of the money: by amounts where a person set a word, and of whoever paid it.

use bigcommerce_simulator::{Fault, Hosted, PartialPayment, magic_card};
use reqwest::Method;
use serde_json::{Value, json};

use super::{amounts, merchant, money, ordered, paid_in_part, settings};
use crate::harness::{OPERATOR, World, agreed, card, good_card, run_with};
use crate::unreadable::answers;

/// A world in which checkouts at rest are looked at after so long.
async fn looking(after: &str) -> World {
    let mut world = World::with(settings(PartialPayment::PendingPayable)).await;
    world.set("RECONCILE_SECONDS", after);
    world
}

/// Refunded is a status that anybody may set. What is listed as taken, and not as given back, is held.
#[tokio::test]
async fn a_part_is_not_given_back_by_a_status_that_somebody_set() {
    for partial_payment in [PartialPayment::PendingPayable, PartialPayment::Incomplete] {
        run_with(World::with(settings(partial_payment)).await, async |world, service| {
            let path = paid_in_part(service).await;
            let order = service.get(&path).await.body["order"]["id"].clone();
            merchant(world, &order, json!({"status_id": 4})).await;
            service.delete(&path).await;
            let over = |now: &Value| now["status"] == "cancelled" || now["status"] == "stuck";
            let ended = service.wait_until(&path, "at its end", over).await;
            assert_eq!(ended["status"], "cancelled", "{partial_payment:?}: {ended}");
            assert!(money(world).held().is_zero(), "{partial_payment:?}: {ended}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_part_is_still_shown_after_somebody_set_a_status() {
    run_with(looking("0.2").await, async |world, service| {
        let path = paid_in_part(service).await;
        let order = service.get(&path).await.body["order"]["id"].clone();
        merchant(world, &order, json!({"status_id": 4})).await;
        let moved = service
            .wait_until(&path, "seen", |now| now["order"]["status_id"] == 4 || now["order"] == Value::Null)
            .await;
        assert_eq!(amounts(&moved), ("5".to_owned(), "5.83".to_owned()), "{moved}");
        assert_eq!(moved["payment"]["status"], "partially_paid", "{moved}");
        service.post(&format!("{path}/payment"), &agreed(good_card())).await;
        assert_eq!(world.simulator.ledger().charges.len(), 1, "the certificate, and no card");
    })
    .await;
}

#[tokio::test]
async fn a_rest_that_others_paid_is_told_as_what_it_was() {
    for looked_at in [false, true] {
        run_with(looking(if looked_at { "0.2" } else { "0" }).await, async |world, service| {
            let path = paid_in_part(service).await;
            let order = world.simulator.ledger().orders[0].id;
            assert!(world.simulator.take_payment(order, Hosted::Paid));
            if !looked_at {
                service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
            }
            let done = service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
            let payments = done["payment"]["payments"].as_array().cloned().unwrap_or_default();
            let told: Vec<String> = payments.iter().map(|one| one["amount"].to_string()).collect();
            assert_eq!(told, ["5", "5.83"], "{looked_at}: {done}");
            assert_eq!(payments[1]["instrument_type"], "elsewhere", "{looked_at}: {done}");
        })
        .await;
    }
}

#[tokio::test]
async fn what_others_paid_is_not_told_of_the_card_that_was_declined() {
    run_with(looking("0.2").await, async |world, service| {
        let path = ordered(service).await;
        let declining = agreed(card(&magic_card(30_106, 0)));
        service.post(&format!("{path}/payment"), &declining).await.expect(402);
        let order = world.simulator.ledger().orders[0].id;
        assert!(world.simulator.take_payment(order, Hosted::Paid));
        let done = service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
        assert_eq!(done["payment"]["instrument"], json!({"type": "elsewhere", "last_4": null}), "{done}");
        assert_eq!(amounts(&done), ("10.83".to_owned(), "0".to_owned()), "{done}");
    })
    .await;
}

/// What is listed late is held all the same: a refund of what is listed gives not everything back.
#[tokio::test]
async fn a_refund_of_what_is_listed_does_not_cancel_what_holds_more() {
    run_with(World::with(settings(PartialPayment::PendingPayable)).await, async |world, service| {
        let path = paid_in_part(service).await;
        let paid = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        let part = json!({"data": [{"id": 1, "event": "purchase", "status": "ok", "amount": 5, "currency": "USD",
            "method": "gift_certificate"}]});
        let listed = answers(world, Fault::on("list-transactions").always(), part);
        let body = json!({"reason": "she changed her mind", "refund": true});
        service.operate(Method::POST, &format!("/ops{path}/cancel"), OPERATOR, Some(&body)).await;
        let now = service.get(&path).await.body;
        let held = money(world).held();
        assert!(now["status"] == "completed" || held.is_zero(), "{held} are held: {now}");
        assert!(world.simulator.reached(listed) > 0);
        world.simulator.clear_faults();
        service.operate(Method::POST, &format!("/ops{path}/cancel"), OPERATOR, Some(&body)).await.expect(200);
        assert!(money(world).held().is_zero());
    })
    .await;
}
