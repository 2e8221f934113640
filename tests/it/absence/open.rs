//! What BigCommerce's documents leave open, in each way that it may be: what was paid is charged once, given back once, and
//! told as it is.

use bigcommerce_simulator::{
    ActionEnd, Fault, Lag, OrderFilters, OrderHint, PartialPayment, Settings, Settlement, TokenReplay,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{ordered, payment, sent};
use crate::harness::{OPERATOR, Service, World, agreed, everything, good_card, run_with};
use crate::orders::{ask, authorized, fresh, get, paid, refund_of};

const LATE: Lag = Lag { reads: 0, ms: 900 };
const NEVER_LATE: Lag = Lag { reads: 0, ms: 0 };

/// A card of which the gateway takes the money, and its answer is lost.
async fn pays_and_hears_nothing(world: &World, service: &Service) {
    let (path, order) = ordered(service).await;
    let lost = world.simulator.add_fault(Fault::on("process-payment").nth(1).status_after(500));
    let mut events = service.events(&path).await;
    service.post_waiting(&format!("{path}/payment"), &fresh(), 0, &payment()).await.expect(202);
    world.meets(lost, 1).await;
    let mut done = Value::Null;
    while let Some(now) = events.next().await {
        let in_the_air = now["payment"].is_object();
        assert!(!in_the_air || now["payment"]["safe_to_pay_again"] == false, "{now:#}");
        done = now;
    }
    assert_eq!(done["status"], "completed", "{done:#}");
    assert_eq!(done["order"]["id"].as_u64(), Some(order));
    assert_eq!(sent(world, "process-payment"), 1);
    assert_eq!(world.simulator.ledger().charges.len(), 1);
}

#[tokio::test]
async fn a_lost_payment_is_found_however_late_its_transaction_shows() {
    for transactions_lag in [NEVER_LATE, LATE, Lag { reads: 3, ms: 0 }] {
        let settings = Settings { transactions_lag, ..Settings::default() };
        run_with(World::with(settings).await, pays_and_hears_nothing).await;
    }
}

#[tokio::test]
async fn a_lost_payment_is_found_whichever_word_of_its_order_comes_first() {
    for payment_status_first in [false, true] {
        for transactions_lag in [NEVER_LATE, LATE] {
            let settings =
                Settings { payment_status_first, status_lag: LATE, transactions_lag, ..Settings::default() };
            run_with(World::with(settings).await, pays_and_hears_nothing).await;
        }
    }
}

/// The request is delivered twice, and what is heard is the answer to the second copy, whatever that is.
#[tokio::test]
async fn what_a_used_token_is_told_is_not_believed_of_a_payment_that_was_made() {
    for token_replay in [
        TokenReplay::Unauthorized,
        TokenReplay::WrongStatus,
        TokenReplay::NotVerified,
        TokenReplay::Duplicate,
    ] {
        let settings =
            Settings { token_replay, status_lag: LATE, transactions_lag: LATE, ..Settings::default() };
        run_with(World::with(settings).await, async |world, service| {
            let (path, _) = ordered(service).await;
            let twice = world.simulator.add_fault(Fault::on("process-payment").nth(1).duplicate());
            service.post_waiting(&format!("{path}/payment"), &fresh(), 0, &payment()).await.expect(202);
            world.meets(twice, 1).await;
            let over = |now: &Value| {
                ["completed", "awaiting_input", "stuck"].iter().any(|status| now["status"] == **status)
            };
            let done = service.wait_until(&path, "at its end", over).await;
            assert_eq!(done["status"], "completed", "{token_replay:?}: {done:#}");
            assert_eq!(sent(world, "process-payment"), 1, "{token_replay:?}");
            assert_eq!(world.simulator.ledger().charges.len(), 1, "{token_replay:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_lost_order_is_not_paid_beside_another_one_whatever_the_filters_do() {
    for order_filters in [OrderFilters::Honored, OrderFilters::Ignored, OrderFilters::Blind] {
        for order_hint in [OrderHint::Latest, OrderHint::Never] {
            let settings = Settings { order_filters, order_hint, ..Settings::default() };
            run_with(World::with(settings).await, async |world, service| {
                // Orders of others are on the first page.
                paid(service).await;
                let path = service.create(&everything()).await;
                let lost = world.simulator.add_fault(Fault::on("create-order").nth(1).status_after(500));
                service.post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()}))).await;
                world.meets(lost, 1).await;
                let over = |now: &Value| now["status"] == "completed" || now["status"] == "stuck";
                let ended = service.wait_until(&path, "at its end", over).await;
                if ended["status"] == "stuck" {
                    assert_eq!(ended["stuck"]["reason"], "order-unknown", "{ended:#}");
                    assert_ne!(order_filters, OrderFilters::Honored, "{ended:#}");
                }
                let ledger = world.simulator.ledger();
                let charged = usize::from(ended["status"] == "completed");
                assert_eq!(ledger.charges.len(), 1 + charged, "{order_filters:?} {order_hint:?}");
                assert!(ledger.orders.iter().all(|order| order.status_id != 5));
            })
            .await;
        }
    }
}

/// Parts that go back when the shopper cancels.
#[tokio::test]
async fn parts_are_given_back_once_however_late_their_refund_shows() {
    for lost in [false, true] {
        for (refunds_lag, transactions_lag) in [(LATE, NEVER_LATE), (NEVER_LATE, LATE), (LATE, LATE)] {
            let settings = Settings {
                refunds_lag,
                transactions_lag,
                partial_payment: PartialPayment::Incomplete,
                ..Settings::default()
            };
            run_with(World::with(settings).await, async |world, service| {
                let (path, _) = ordered(service).await;
                let certificate = json!({"payment_method_id": "bigcommerce.gift_certificate",
                    "instrument": {"type": "gift_certificate", "gift_certificate_code": "GIFT-5"}});
                service.post(&format!("{path}/payment"), &agreed(certificate)).await;
                let part = |now: &Value| {
                    now["payment"]["status"] == "partially_paid" && now["status"] == "awaiting_input"
                };
                service.wait_until(&path, "paid in part", part).await;
                let fault =
                    lost.then(|| world.simulator.add_fault(Fault::on("refund").nth(1).status_after(500)));
                service.delete(&path).await;
                let done = service.wait_until(&path, "at its end", |now| {
                    now["status"] == "cancelled" || now["status"] == "stuck"
                });
                let done = done.await;
                assert!(fault.is_none_or(|fault| world.simulator.reached(fault) == 1));
                assert_eq!(world.simulator.ledger().refunds.len(), 1, "{lost}: {done:#}");
                assert_eq!(
                    done["status"], "cancelled",
                    "{lost} {refunds_lag:?} {transactions_lag:?}: {done:#}"
                );
                assert_eq!(done["payment"]["status"], "given_back", "{done:#}");
            })
            .await;
        }
    }
}

/// A refund that an operator asks for.
#[tokio::test]
async fn a_refund_is_made_once_however_late_it_is_listed() {
    for refunds_lag in [NEVER_LATE, LATE, Lag { reads: 3, ms: 0 }] {
        run_with(
            World::with(Settings { refunds_lag, ..Settings::default() }).await,
            async |world, service| {
                let (_, order) = paid(service).await;
                let lost = world.simulator.add_fault(Fault::on("refund").nth(1).status_after(500));
                let (path, key, body) =
                    (format!("orders/{order}/refunds"), fresh(), refund_of(order, "2.50"));
                let told = ask(service, &path, Some(&key), Some(&body)).await.expect(201);
                world.meets(lost, 1).await;
                let again = ask(service, &path, Some(&key), Some(&body)).await.expect(201);
                assert_eq!(again.body["id"], told.body["id"]);
                assert_eq!(world.simulator.ledger().refunds.len(), 1);
            },
        )
        .await;
    }
}

/// What an order is after a capture or a void was accepted, as an operator sees it once it was read a few times.
async fn read(service: &Service, order: u64) -> Value {
    for _ in 0..3 {
        get(service, &format!("orders/{order}")).await.expect(200);
    }
    get(service, &format!("orders/{order}")).await.expect(200).body["payment_status"].clone()
}

#[tokio::test]
async fn a_capture_is_told_as_scheduled_until_it_took_effect() {
    for (capture_ends, shown) in [
        (ActionEnd::Succeeds, "captured"),
        (ActionEnd::Fails, "authorized"),
        (ActionEnd::Never, "capture pending"),
    ] {
        run_with(
            World::with(Settings { capture_ends, ..Settings::default() }).await,
            async |world, service| {
                let (path, order) = authorized(service).await;
                let asked =
                    ask(service, &format!("orders/{order}/capture"), Some(&fresh()), None).await.expect(201);
                assert_eq!(asked.body["payment_status"], "capture pending", "{}", asked.text);
                assert_eq!(read(service, order).await, shown);
                // Nobody lets go in between what is being taken.
                let void = ask(service, &format!("orders/{order}/void"), Some(&fresh()), None).await;
                let may_void = capture_ends == ActionEnd::Fails;
                assert_eq!(void.status.is_success(), may_void, "{capture_ends:?}: {}", void.text);
                let charges = world.simulator.ledger().charges;
                assert_eq!(charges.len(), 1);
                assert_eq!(charges[0].state == "captured", capture_ends == ActionEnd::Succeeds);
                assert_eq!(service.get(&path).await.expect(200).body["status"], "completed");
            },
        )
        .await;
    }
}

/// A checkout is cancelled when its money was let go, and not when that was scheduled.
#[tokio::test]
async fn a_checkout_is_cancelled_by_a_void_only_when_that_took_effect() {
    for void_ends in [ActionEnd::Succeeds, ActionEnd::Fails, ActionEnd::Never] {
        run_with(World::with(Settings { void_ends, ..Settings::default() }).await, async |world, service| {
            let (path, order) = authorized(service).await;
            let body = json!({"reason": "she changed her mind", "refund": true});
            let url = format!("/ops{path}/cancel");
            let asked = service.operate(Method::POST, &url, OPERATOR, Some(&body));
            let answer = if void_ends == ActionEnd::Never {
                let looks = world.simulator.add_fault(Fault::on("list-transactions").slow(1).always());
                let meanwhile = async {
                    world.meets(looks, 3).await;
                    let before = service.get(&path).await.expect(200).body["status"].clone();
                    assert_eq!(before, "completed", "it is scheduled");
                    assert!(world.simulator.settle(order, Settlement::Success));
                };
                tokio::join!(asked, meanwhile).0
            } else {
                asked.await
            };
            let status = service.get(&path).await.expect(200).body["status"].clone();
            let charges = world.simulator.ledger().charges;
            if void_ends == ActionEnd::Fails {
                assert!(!answer.status.is_success(), "{}", answer.text);
                assert_eq!((status, &*charges[0].state), (json!("completed"), "authorized"));
            } else {
                answer.expect(200);
                assert_eq!((status, &*charges[0].state), (json!("cancelled"), "voided"), "{void_ends:?}");
            }
        })
        .await;
    }
}
