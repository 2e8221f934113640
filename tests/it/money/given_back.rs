//! Parts that go back while a merchant gives some of them back, too: never more than is held, and never twice.

use bigcommerce_simulator::{Deed, Fault, PartialPayment, Settings, magic_card};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{amounts, certificate, money, ordered, paid_in_part, settings};
use crate::harness::{Service, World, agreed, card, run_with};
use crate::webhooks::tell;

/// A world with short windows, in which a part can be paid.
async fn hasty(settings: Settings) -> World {
    let world = World::hasty().await;
    world.simulator.set(|now| {
        now.partial_payment = settings.partial_payment;
        now.refund_moves_unpaid = settings.refund_moves_unpaid;
    });
    world
}

/// Everything went back, by the merchant or by us, and ours was sent with effect at most once.
#[track_caller]
fn all_is_back(world: &World, ended: &Value) {
    assert_eq!(ended["payment"]["status"], "given_back", "{ended:#}");
    assert!(money(world).held().is_zero(), "{:#?}", money(world));
    let refunds = world.simulator.ledger().refunds;
    let sum: Decimal = refunds.iter().map(|refund| refund.amount).sum();
    assert_eq!(sum, Decimal::from(5), "{refunds:#?}");
    assert!(refunds.iter().filter(|refund| refund.reason.contains("was cancelled")).count() <= 1);
}

async fn ends(service: &Service, path: &str) -> Value {
    let over = |now: &Value| now["status"] == "cancelled" || now["status"] == "stuck";
    service.wait_until(path, "at its end", over).await
}

#[tokio::test]
async fn what_a_merchant_gives_back_first_is_not_given_back_again_and_the_rest_is() {
    for deed in [Deed::RefundPart, Deed::RefundAll] {
        for before in ["list-refunds", "refund-quote", "refund"] {
            for partial_payment in [PartialPayment::Incomplete, PartialPayment::PendingPayable] {
                for refund_moves_unpaid in [true, false] {
                    let world = World::with(Settings { refund_moves_unpaid, ..settings(partial_payment) });
                    run_with(world.await, async |world, service| {
                        let path = paid_in_part(service).await;
                        let fault = world.simulator.add_fault(Fault::on(before).meanwhile_before(deed));
                        service.delete(&path).await;
                        let ended = ends(service, &path).await;
                        assert_eq!(
                            ended["status"], "cancelled",
                            "{deed:?} {before} {partial_payment:?} {refund_moves_unpaid}: {ended:#}"
                        );
                        assert_eq!(world.simulator.reached(fault), 1);
                        all_is_back(world, &ended);
                    })
                    .await;
                }
            }
        }
    }
}

/// The answer to our refund is lost as well, which was refused because of the merchant's.
#[tokio::test]
async fn so_it_is_when_the_refusal_of_our_refund_is_lost() {
    for refund_moves_unpaid in [true, false] {
        let settings = Settings { refund_moves_unpaid, ..settings(PartialPayment::Incomplete) };
        run_with(hasty(settings).await, async |world, service| {
            let path = paid_in_part(service).await;
            world.simulator.add_fault(Fault::on("refund").nth(1).meanwhile_before(Deed::RefundPart));
            let lost = world.simulator.add_fault(Fault::on("refund").nth(1).status_after(500));
            service.delete(&path).await;
            let ended = ends(service, &path).await;
            assert_eq!(ended["status"], "cancelled", "{refund_moves_unpaid}: {ended:#}");
            assert_eq!(world.simulator.reached(lost), 1);
            all_is_back(world, &ended);
        })
        .await;
    }
}

/// It arrives after the wait for it: nothing is sent again, and once it shows the undoing goes on by itself.
#[tokio::test]
async fn a_refund_that_shows_after_the_wait_for_it_ends_what_is_stuck() {
    for told in [true, false] {
        run_with(hasty(settings(PartialPayment::Incomplete)).await, async |world, service| {
            let path = paid_in_part(service).await;
            let order = world.simulator.ledger().orders[0].id;
            let late = world.simulator.add_fault(Fault::on("refund").nth(1).deliver_late());
            service.delete(&path).await;
            let stuck = ends(service, &path).await;
            assert_eq!(stuck["stuck"]["reason"], "undo-failed", "{stuck:#}");
            // A look that comes before it shows changes nothing.
            tell(service, order, "too early").await;
            world.simulator.release(late);
            let lands = async {
                while world.simulator.ledger().refunds.is_empty() {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(crate::harness::PATIENCE, lands).await.expect("it lands");
            if told {
                tell(service, order, "refunded").await;
            } else {
                // The look that comes by itself, sooner.
                let due = "update late_look set due_at = now() where due_at > now() + interval '1 second'";
                let looks = async {
                    while service.get(&path).await.body["status"] == "stuck" {
                        sqlx::query(due).execute(&world.database.pool).await.expect("looks");
                        tokio::task::yield_now().await;
                    }
                };
                tokio::time::timeout(crate::harness::PATIENCE, looks).await.expect("it goes on");
            }
            let ended = service.wait_until(&path, "cancelled", |now| now["status"] == "cancelled").await;
            all_is_back(world, &ended);
            assert_eq!(world.simulator.ledger().refunds.len(), 1);
        })
        .await;
    }
}

/// A merchant gives back what BigCommerce refused to give back here: nobody has to be asked any more.
#[tokio::test]
async fn an_undoing_that_is_stuck_goes_on_once_the_merchant_gave_everything_back() {
    run_with(hasty(settings(PartialPayment::Incomplete)).await, async |world, service| {
        let path = paid_in_part(service).await;
        let order = world.simulator.ledger().orders[0].id;
        world.simulator.add_fault(Fault::on("refund").always().status_before(422));
        service.delete(&path).await;
        let stuck = ends(service, &path).await;
        assert_eq!(stuck["stuck"]["reason"], "undo-failed", "{stuck:#}");
        world.simulator.clear_faults();
        assert!(world.simulator.does_to_order("teststore", order, Deed::RefundAll));
        tell(service, order, "refunded").await;
        let ended = service.wait_until(&path, "cancelled", |now| now["status"] == "cancelled").await;
        all_is_back(world, &ended);
    })
    .await;
}

/// Nobody comes back after the rest was declined: the parts do, when the checkout expires.
#[tokio::test]
async fn a_checkout_that_expires_after_its_rest_was_declined_gives_its_parts_back() {
    for partial_payment in [PartialPayment::Incomplete, PartialPayment::PendingPayable] {
        for later in [false, true] {
            let mut world = World::with(settings(partial_payment)).await;
            world.set("CHECKOUT_TTL_SECONDS", "2");
            run_with(world, async |world, service| {
                let path = ordered(service).await;
                let pay = format!("{path}/payment");
                service.post(&pay, &agreed(certificate())).await.expect(200);
                // At once, or accepted and declined when it settles.
                let code = if later { 20_002 } else { 30_106 };
                service.post(&pay, &agreed(card(&magic_card(code, 0)))).await;
                let declined = service
                    .wait_until(&path, "declined", |now| {
                        now["status"] == "awaiting_input" || now["status"] == "expired"
                    })
                    .await;
                if declined["status"] == "awaiting_input" {
                    assert_eq!(amounts(&declined), ("5".to_owned(), "5.83".to_owned()), "{declined:#}");
                }
                let ended = service
                    .wait_until(&path, "at its end", |now| {
                        now["status"] == "expired" || now["status"] == "stuck"
                    })
                    .await;
                assert_eq!(ended["status"], "expired", "{partial_payment:?} {later}: {ended:#}");
                all_is_back(world, &ended);
                assert_eq!(world.simulator.ledger().refunds.len(), 1);
                let closed = service.post(&pay, &agreed(json!({"payment_method_id": "stripe.card"}))).await;
                assert!(!closed.status.is_success(), "{}", closed.text);
            })
            .await;
        }
    }
}
