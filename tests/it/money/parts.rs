//! Orders that are paid in parts.

use bigcommerce_simulator::{Fault, PartShown, PartialPayment, Settings, magic_card};
use serde_json::{Value, json};

use super::{amounts, certificate, money, ordered, paid_in_part, settings};
use crate::harness::{World, agreed, card, everything, good_card, run, run_with};

fn pair(paid: &str, due: &str) -> (String, String) {
    (paid.to_owned(), due.to_owned())
}

#[tokio::test]
async fn a_certificate_pays_a_part_and_a_card_the_rest() {
    for partial_payment in [PartialPayment::PendingPayable, PartialPayment::Incomplete] {
        for part_shown in [PartShown::Nothing, PartShown::Pending, PartShown::Captured] {
            let world = World::with(Settings { part_shown, ..settings(partial_payment) }).await;
            run_with(world, async |world, service| {
                let path = ordered(service).await;
                let pay = format!("{path}/payment");
                let part = service.post(&pay, &agreed(certificate())).await.expect(200);
                assert_eq!(part.body["status"], "awaiting_input", "{}", part.text);
                assert_eq!(part.body["next_step"], "payment");
                assert_eq!(part.body["payment"]["status"], "partially_paid");
                assert_eq!(part.body["payment"]["safe_to_pay_again"], true);
                assert_eq!(amounts(&part.body), pair("5", "5.83"));
                assert_eq!(
                    part.body["payment"]["payments"].as_array().map(Vec::len),
                    Some(1),
                    "{}",
                    part.text
                );
                assert!(!money(world).is_whole());
                // Nothing above it is charged, and the rest is within what was agreed to.
                let mut rest = good_card();
                rest["agreed_total"] = serde_json::from_str("5.82").expect("an amount");
                assert_eq!(service.post(&pay, &rest).await.expect(409).problem(), "total-changed");
                rest["agreed_total"] = serde_json::from_str("5.83").expect("an amount");
                let paid = service.post(&pay, &rest).await.expect(200);
                assert_eq!(
                    paid.body["status"], "completed",
                    "{partial_payment:?} {part_shown:?}: {}",
                    paid.text
                );
                assert_eq!(amounts(&paid.body), pair("10.83", "0"));
                let payments = paid.body["payment"]["payments"].as_array().cloned().unwrap_or_default();
                let told: Vec<String> = payments.iter().map(|one| one["amount"].to_string()).collect();
                assert_eq!(told, ["5", "5.83"]);
                assert!(money(world).is_whole());
            })
            .await;
        }
    }
}

#[tokio::test]
async fn where_bigcommerce_takes_no_further_payment_it_stops_and_the_part_goes_back() {
    run_with(World::with(settings(PartialPayment::Pending)).await, async |world, service| {
        let path = paid_in_part(service).await;
        let refused = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(422);
        assert_eq!(refused.problem(), "rejected-by-bigcommerce");
        let snapshot = service.get(&path).await.expect(200).body;
        assert_eq!(snapshot["payment"]["status"], "partially_paid", "{snapshot}");
        assert_eq!(snapshot["status"], "awaiting_input");
        assert_eq!(amounts(&snapshot), pair("5", "5.83"));
        let cancelled = service.delete(&path).await.expect(200);
        assert_eq!(cancelled.body["status"], "cancelled", "{}", cancelled.text);
        assert_eq!(cancelled.body["payment"]["status"], "given_back");
        assert!(money(world).held().is_zero());
    })
    .await;
}

#[tokio::test]
async fn certificate_credit_and_card_pay_in_one_call() {
    run_with(World::with(settings(PartialPayment::Incomplete)).await, async |world, service| {
        let mut body = everything();
        body["customer_id"] = json!(11);
        let path = service.create(&body).await;
        let credit =
            json!({"payment_method_id": "bigcommerce.store_credit", "instrument": {"type": "store_credit"}});
        let payments = json!({"payments": [certificate(), credit, good_card()]});
        let done = service.post(&format!("{path}/complete"), &agreed(payments)).await.expect(200);
        assert_eq!(done.body["status"], "completed", "{}", done.text);
        let told: Vec<String> = done.body["payment"]["payments"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| one["amount"].to_string())
            .collect();
        assert_eq!(told, ["5", "3", "2.83"], "{}", done.text);
        assert!(money(world).is_whole());
    })
    .await;
}

#[tokio::test]
async fn what_pays_in_one_call_is_told_once() {
    run(async |_, service| {
        let path = service.create(&everything()).await;
        let complete = format!("{path}/complete");
        for body in [
            json!({"payments": []}),
            json!({"payments": [good_card()], "payment": good_card()}),
            json!({}),
            json!({"payments": [{"payment_method_id": "stripe.card"}]}),
            json!({"payments": "all of it"}),
        ] {
            let refused = service.post(&complete, &agreed(body.clone())).await.expect(422);
            assert_eq!(refused.problem(), "invalid-input", "{body}: {}", refused.text);
        }
    })
    .await;
}

#[tokio::test]
async fn a_declined_rest_leaves_the_part_standing_and_payable() {
    run_with(World::with(settings(PartialPayment::PendingPayable)).await, async |world, service| {
        let path = service.create(&everything()).await;
        let payments = json!({"payments": [certificate(), card(&magic_card(30_106, 0))]});
        let declined = service.post(&format!("{path}/complete"), &agreed(payments)).await.expect(402);
        assert_eq!(declined.body["safe_to_pay_again"], true, "{}", declined.text);
        let snapshot = service.get(&path).await.expect(200).body;
        assert_eq!(snapshot["payment"]["status"], "partially_paid", "{snapshot}");
        assert_eq!(amounts(&snapshot), pair("5", "5.83"));
        let paid = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        assert!(money(world).is_whole());
    })
    .await;
}

/// Each part whose answer is lost is found by its amount, and nothing is charged again.
#[tokio::test]
async fn a_part_whose_answer_is_lost_counts_for_what_it_took() {
    for lost in [1, 2] {
        run_with(World::with(settings(PartialPayment::Incomplete)).await, async |world, service| {
            let path = service.create(&everything()).await;
            let fault = world.simulator.add_fault(Fault::on("process-payment").nth(lost).status_after(500));
            let payments = json!({"payments": [certificate(), good_card()]});
            service.post(&format!("{path}/complete"), &agreed(payments)).await.expect(200);
            assert_eq!(world.simulator.reached(fault), 1);
            let done =
                service.wait_until(&path, "completed", |snapshot| snapshot["status"] == "completed").await;
            assert_eq!(amounts(&done), pair("10.83", "0"));
            assert!(money(world).is_whole());
            assert_eq!(world.simulator.ledger().charges.len(), 2);
        })
        .await;
    }
}

/// The instruments are in memory only: what is not paid yet waits for the shopper.
#[tokio::test]
async fn a_process_that_is_killed_between_two_parts_leaves_the_rest_to_the_shopper() {
    let world = World::with(settings(PartialPayment::Incomplete)).await;
    let service = world.spawn().await;
    let path = service.create(&everything()).await;
    let held = world.simulator.add_fault(Fault::on("create-access-token").nth(2).hold_before());
    let payments = agreed(json!({"payments": [certificate(), good_card()]}));
    service.post_waiting(&format!("{path}/complete"), "split", 0, &payments).await.expect(202);
    tokio::time::timeout(crate::harness::PATIENCE, world.simulator.wait_reached(held, 1))
        .await
        .expect("the second part");
    service.kill().await;
    world.simulator.clear_faults();
    let service = world.start().await;
    let rests = |snapshot: &Value| snapshot["status"] == "awaiting_input";
    let snapshot = service.wait_until(&path, "at rest", rests).await;
    assert_eq!(snapshot["payment"]["status"], "partially_paid", "{snapshot}");
    assert_eq!(amounts(&snapshot), pair("5", "5.83"));
    // The same key pays nothing again.
    let replayed = service.post_with(&format!("{path}/complete"), "split", &payments).await.expect(200);
    assert_eq!(replayed.body["payment"]["status"], "partially_paid", "{}", replayed.text);
    assert_eq!(world.simulator.ledger().charges.len(), 1);
    let paid = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
    assert_eq!(paid.body["status"], "completed", "{}", paid.text);
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn cancelling_gives_the_parts_back_also_when_the_answer_to_the_refund_is_lost() {
    for lost in [false, true] {
        for partial_payment in [PartialPayment::PendingPayable, PartialPayment::Incomplete] {
            for refund_moves_unpaid in [false, true] {
                let world = World::with(Settings { refund_moves_unpaid, ..settings(partial_payment) }).await;
                run_with(world, async |world, service| {
                    let path = paid_in_part(service).await;
                    let fault =
                        lost.then(|| world.simulator.add_fault(Fault::on("refund").status_after(500)));
                    service.delete(&path).await.expect(200);
                    let done =
                        service.wait_until(&path, "cancelled", |now| now["status"] == "cancelled").await;
                    assert!(fault.is_none_or(|fault| world.simulator.reached(fault) == 1));
                    assert_eq!(done["payment"]["status"], "given_back", "{done}");
                    assert!(money(world).held().is_zero());
                    assert_eq!(world.simulator.ledger().refunds.len(), 1);
                })
                .await;
            }
        }
    }
}

#[tokio::test]
async fn parts_that_cannot_be_given_back_are_for_a_person() {
    run_with(World::with(settings(PartialPayment::Incomplete)).await, async |world, service| {
        let path = paid_in_part(service).await;
        let fault = world.simulator.add_fault(Fault::on("refund").always().status_before(422));
        service.delete(&path).await;
        let stuck = service.wait_until(&path, "stuck", |snapshot| snapshot["status"] == "stuck").await;
        assert!(world.simulator.reached(fault) >= 1);
        assert_eq!(stuck["stuck"]["reason"], "undo-failed", "{stuck}");
        assert_eq!(stuck["payment"]["safe_to_pay_again"], false);
        assert!(world.simulator.ledger().refunds.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_checkout_that_expires_gives_its_parts_back() {
    let mut world = World::with(settings(PartialPayment::PendingPayable)).await;
    world.set("CHECKOUT_TTL_SECONDS", "1");
    run_with(world, async |world, service| {
        let path = paid_in_part(service).await;
        let expired = service.wait_until(&path, "expired", |snapshot| snapshot["status"] == "expired").await;
        assert_eq!(expired["payment"]["status"], "given_back", "{expired}");
        assert!(money(world).held().is_zero());
    })
    .await;
}

/// What was applied to the cart in another place is shown by its unpaid order, and taken only with the rest.
#[tokio::test]
async fn a_cart_with_applied_credit_is_cancelled_and_its_order_is_no_payment() {
    for handed_over in [false, true] {
        run(async |world, service| {
            let mut body = everything();
            body["customer_id"] = json!(11);
            let path = service.create(&body).await;
            let cart = service.get(&path).await.body["cart"]["id"].as_str().expect("a cart").to_owned();
            assert!(world.simulator.apply_to_cart(&cart, true, &["GIFT-5"]));
            if handed_over {
                service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
                assert!(world.simulator.does_to_cart(&cart, bigcommerce_simulator::Deed::OpenPage));
            }
            let ordered = service.post(&format!("{path}/order"), &json!({})).await.expect(200);
            assert_eq!(ordered.body["next_step"], "payment", "{}", ordered.text);
            let cancelled = service.delete(&path).await.expect(200);
            assert_eq!(cancelled.body["status"], "cancelled", "{}", cancelled.text);
            assert!(world.simulator.ledger().charges.is_empty());
        })
        .await;
    }
}

/// A refund of parts is sent once, also where its first copy takes effect after the second one was turned away.
#[tokio::test]
async fn parts_are_given_back_once_when_the_refund_is_turned_away_and_arrives() {
    for status in [401, 409, 429] {
        let mut world = World::with(settings(PartialPayment::Incomplete)).await;
        world.set("UPSTREAM_TIMEOUT_SECONDS", "1");
        run_with(world, async |world, service| {
            let path = paid_in_part(service).await;
            let fault = world.simulator.add_fault(Fault::on("refund").overtaken_for(status, 700));
            service.delete(&path).await;
            let done = service.wait_until(&path, "cancelled", |now| now["status"] == "cancelled").await;
            assert_eq!(world.simulator.reached(fault), 2, "{status}");
            assert_eq!(done["payment"]["status"], "given_back", "{status}: {done}");
            assert_eq!(world.simulator.ledger().refunds.len(), 1, "{status}");
            assert!(money(world).held().is_zero());
            // One that never arrives is refunded after the window.
            let path = super::ordered(service).await;
            let other = service.post(&format!("{path}/payment"), &agreed(gift("GIFT-3"))).await.expect(200);
            assert_eq!(other.body["payment"]["status"], "partially_paid", "{}", other.text);
            let fault = world.simulator.add_fault(Fault::on("refund").status_before(status));
            service.delete(&path).await;
            service.wait_until(&path, "cancelled", |now| now["status"] == "cancelled").await;
            assert_eq!(world.simulator.reached(fault), 1, "{status}");
            assert_eq!(world.simulator.ledger().refunds.len(), 2, "{status}");
        })
        .await;
    }
}

fn gift(code: &str) -> Value {
    let mut certificate = certificate();
    certificate["instrument"]["gift_certificate_code"] = code.into();
    certificate
}
