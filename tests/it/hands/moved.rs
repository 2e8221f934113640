//! What others did to the order of a checkout at rest: looked into at once when a webhook tells of it, judged by its money, and
//! shown with what is due now.

use bigcommerce_simulator::{Deed, Hosted, Lag};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{charged, moved, ordered, pays};
use crate::bad_requests::direct_order;
use crate::harness::{Service, World, run_with};
use crate::webhooks::tell;

/// A world in which checkouts at rest are looked at after so long.
async fn looking(after: &str) -> World {
    let mut world = World::new().await;
    world.set("RECONCILE_SECONDS", after);
    world
}

fn amount(of: &Value) -> Decimal {
    of.to_string().parse().unwrap_or_else(|_| panic!("no amount: {of}"))
}

/// What the totals say that it costs.
fn costs(of: &Value) -> String {
    of["totals"]["grand_total"].to_string()
}

/// The parts of the totals add up.
#[track_caller]
fn add_up(totals: &Value) {
    let part = |name: &str| amount(&totals[name]);
    let plus: Decimal =
        ["subtotal", "shipping", "handling", "fees", "tax", "other"].into_iter().map(part).sum();
    assert_eq!(plus - part("discount"), part("grand_total"), "{totals}");
}

#[tokio::test]
async fn a_webhook_about_the_order_of_a_checkout_at_rest_is_looked_into_at_once() {
    // No look in between can find it; 0: there is none.
    for after in ["3600", "0"] {
        run_with(looking(after).await, async |world, service| {
            for (deed, wanted) in [
                (Deed::PayOrder, "completed"),
                (Deed::Cancel, "without an order"),
                (Deed::TotalDown, "cheaper"),
                (Deed::MarkPaid, "moved on"),
            ] {
                let (path, order) = ordered(service).await;
                assert!(world.simulator.does_to_order("teststore", order, deed));
                tell(service, order, &format!("{order} {deed:?}")).await;
                service
                    .wait_until(&path, wanted, |now| match deed {
                        Deed::PayOrder => now["status"] == "completed",
                        Deed::Cancel => now["order"] == Value::Null && now["next_step"] == "order",
                        Deed::TotalDown => costs(now) == "5.42",
                        _ => now["order"]["status_id"] == 11 && now["status"] != "completed",
                    })
                    .await;
            }
        })
        .await;
    }
}

/// A cart that was handed over is looked at for what the page took, and its order for what others did to it.
#[tokio::test]
async fn the_order_of_a_cart_that_was_handed_over_is_looked_at_as_any_other() {
    for (deed, wanted) in [(Deed::Cancel, "without an order"), (Deed::TotalDown, "cheaper")] {
        run_with(looking("3600").await, async |world, service| {
            let (path, order) = ordered(service).await;
            service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
            assert!(world.simulator.does_to_order("teststore", order, deed));
            service
                .wait_until(&path, wanted, |now| match deed {
                    Deed::Cancel => now["order"] == Value::Null && now["next_step"] == "order",
                    _ => costs(now) == "5.42",
                })
                .await;
        })
        .await;
    }
}

/// What a webhook tells of may not be shown yet.
#[tokio::test]
async fn what_shows_after_its_webhook_is_looked_for_once_more() {
    run_with(looking("3600").await, async |world, service| {
        let (path, order) = ordered(service).await;
        world.simulator.set(|settings| settings.status_lag = Lag { reads: 1, ms: 0 });
        assert!(world.simulator.does_to_order("teststore", order, Deed::PayOrder));
        let blind = bigcommerce_simulator::Fault::on("get-order").nth(1).status_before(404);
        let blind = world.simulator.add_fault(blind);
        tell(service, order, "early").await;
        service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
        assert_eq!(world.simulator.reached(blind), 1);
    })
    .await;
}

/// A status that lags behind is no amount: what others paid is not undone.
#[tokio::test]
async fn what_others_paid_is_not_cancelled_while_the_order_still_says_incomplete() {
    // Of a direct order there is no cart that could say so as well.
    for direct in [false, true] {
        run_with(looking("3600").await, async |world, service| {
            let (path, order) = if direct {
                let created = service.post("/v1/direct-orders", &direct_order()).await.expect(201);
                (format!("/v1/checkouts/{}", created.id()), world.simulator.ledger().orders[0].id)
            } else {
                ordered(service).await
            };
            world.simulator.set(|settings| settings.status_lag = Lag { reads: 100, ms: 0 });
            assert!(world.simulator.take_payment(order, Hosted::Paid));
            let refused = service.delete(&path).await.expect(409);
            assert_eq!(refused.problem(), "checkout-closed", "{}", refused.text);
            let done = service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
            assert_eq!(done["order"]["id"].as_u64(), Some(order), "{done}");
            assert_eq!(done["payment"]["instrument"]["type"], "elsewhere", "{done}");
            assert_ne!(world.simulator.ledger().orders[0].status_id, 5);
        })
        .await;
    }
}

/// The status says that it is paid, and no money is there: it is for a person, until it is clear.
#[tokio::test]
async fn an_order_that_was_moved_on_while_its_checkout_rests_is_judged_by_its_money() {
    run_with(looking("0.2").await, async |world, service| {
        let (path, order) = ordered(service).await;
        moved(world, order, 11).await;
        let stuck = service.wait_until(&path, "stuck", |now| now["status"] == "stuck").await;
        assert_eq!(stuck["stuck"]["reason"], "order-not-payable", "{stuck}");
        assert_eq!(stuck["order"]["status_id"], 11, "{stuck}");
        assert!(charged(world).is_empty());
        // The merchant takes it back, and nobody tells of it.
        moved(world, order, 0).await;
        service.wait_until(&path, "payable again", |now| now["status"] == "awaiting_input").await;
        service.post(&format!("{path}/payment"), &pays(json!(10.83))).await.expect(200);
        assert_eq!(charged(world).len(), 1);
        // With money it is paid, whatever its status is.
        for status in [2, 3, 9, 10] {
            let (path, order) = ordered(service).await;
            assert!(world.simulator.does_to_order("teststore", order, Deed::PayOrder));
            moved(world, order, status).await;
            let done = service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
            assert_eq!(done["payment"]["amount_due"].to_string(), "0", "{done}");
        }
    })
    .await;
}

async fn changed(service: &Service, path: &str, total: &str) -> Value {
    let wanted = |now: &Value| costs(now) == total;
    service.wait_until(path, total, wanted).await
}

#[tokio::test]
async fn the_totals_show_what_the_order_costs_now() {
    for (deed, total) in [(Deed::TotalUp, "21.66"), (Deed::TotalDown, "5.42")] {
        run_with(looking("0.2").await, async |world, service| {
            let (path, order) = ordered(service).await;
            add_up(&service.get(&path).await.body["totals"]);
            assert!(world.simulator.does_to_order("teststore", order, deed));
            let rests = changed(service, &path, total).await;
            add_up(&rests["totals"]);
            let agreed = pays(rests["totals"]["grand_total"].clone());
            let paid = service.post(&format!("{path}/payment"), &agreed).await.expect(200);
            assert_eq!(paid.body["payment"]["amount_paid"].to_string(), total, "{}", paid.text);
            assert_eq!(paid.body["payment"]["amount_due"].to_string(), "0", "{}", paid.text);
            add_up(&paid.body["totals"]);
        })
        .await;
    }
}
