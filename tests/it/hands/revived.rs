//! Orders that were given up (cancelled by a merchant, declined) and that somebody pays later.

use bigcommerce_simulator::{Deed, Hosted, Settlement, magic_card};
use reqwest::Method;
use serde_json::{Value, json};

use super::{charged, ordered, pays};
use crate::harness::{OPERATOR, PATIENCE, Service, World, agreed, card, run_with};
use crate::webhooks::tell;

/// A world in which checkouts at rest are looked at after so long.
async fn looking(after: &str) -> World {
    let mut world = World::new().await;
    world.set("RECONCILE_SECONDS", after);
    world
}

async fn becomes(service: &Service, path: &str, status: &str) -> Value {
    service.wait_until(path, status, |now| now["status"] == *status).await
}

async fn buried(service: &Service, path: &str) {
    service.wait_until(path, "without an order", |now| now["order"] == Value::Null).await;
}

/// How the order came to be given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// A merchant cancelled it.
    Cancelled,
    /// Its payment was accepted and settled as declined.
    Declined,
}

/// A checkout whose order was given up, and that order.
async fn given_up(world: &World, service: &Service, end: End) -> (String, u64) {
    let (path, order) = ordered(service).await;
    match end {
        End::Cancelled => {
            assert!(world.simulator.does_to_order("teststore", order, Deed::Cancel));
            tell(service, order, "cancelled").await;
        }
        End::Declined => {
            let pending = agreed(card(&magic_card(20_003, 0)));
            service.post_waiting(&format!("{path}/payment"), "pending", 0, &pending).await.expect(202);
            service.wait_until(&path, "pending", |now| now["payment"]["status"] == "pending").await;
            assert!(world.simulator.settle(order, Settlement::Decline));
        }
    }
    buried(service, &path).await;
    (path, order)
}

/// The merchant takes a payment for an order that nobody thinks of any more.
fn taken(world: &World, order: u64) {
    assert!(world.simulator.take_payment(order, Hosted::Paid));
}

fn orders_charged(world: &World) -> Vec<u64> {
    let charges = world.simulator.ledger().charges;
    charges.iter().filter(|charge| charge.holds_money()).map(|charge| charge.order_id).collect()
}

#[tokio::test]
async fn an_order_that_was_given_up_and_is_paid_later_completes_its_checkout() {
    for how in [End::Cancelled, End::Declined] {
        for told in [true, false] {
            let world = looking(if told { "3600" } else { "0.2" }).await;
            run_with(world, async |world, service| {
                let (path, order) = given_up(world, service, how).await;
                taken(world, order);
                if told {
                    tell(service, order, "paid").await;
                }
                let done = becomes(service, &path, "completed").await;
                assert_eq!(done["order"]["id"].as_u64(), Some(order), "{how:?}: {done}");
                assert_eq!(done["payment"]["amount_paid"].to_string(), "10.83", "{how:?}: {done}");
                assert_eq!(orders_charged(world), [order], "{how:?}");
            })
            .await;
        }
    }
}

/// Another order is there by now, and nobody has paid it.
#[tokio::test]
async fn nothing_is_charged_beside_an_order_that_was_given_up_and_is_paid() {
    for again in ["order", "payment", "complete"] {
        run_with(looking("3600").await, async |world, service| {
            let (path, order) = given_up(world, service, End::Cancelled).await;
            if again == "payment" {
                service.post(&format!("{path}/order"), &json!({})).await.expect(200);
            }
            taken(world, order);
            let body = match again {
                "order" => json!({}),
                "payment" => pays(json!(10.83)),
                _ => json!({"payment": crate::harness::good_card(), "agreed_total": 10.83}),
            };
            let done = service.post(&format!("{path}/{again}"), &body).await.expect(200);
            assert_eq!(done.body["status"], "completed", "{again}: {}", done.text);
            assert_eq!(done.body["order"]["id"].as_u64(), Some(order), "{again}: {}", done.text);
            assert_eq!(orders_charged(world), [order], "{again}");
        })
        .await;
    }
}

/// Neither is the checkout undone.
#[tokio::test]
async fn a_checkout_whose_order_was_given_up_and_is_paid_is_not_cancelled() {
    run_with(looking("3600").await, async |world, service| {
        let (path, order) = given_up(world, service, End::Cancelled).await;
        taken(world, order);
        assert_eq!(service.delete(&path).await.expect(409).problem(), "checkout-closed");
        let done = service.get(&path).await.body;
        assert_eq!((&done["status"], &done["order"]["id"]), (&json!("completed"), &json!(order)), "{done}");
    })
    .await;
}

/// A status that a person set is no money.
#[tokio::test]
async fn an_order_that_was_given_up_and_only_moved_is_not_paid() {
    run_with(looking("3600").await, async |world, service| {
        let (path, order) = given_up(world, service, End::Cancelled).await;
        super::moved(world, order, 11).await;
        let paid = service.post(&format!("{path}/payment"), &pays(json!(10.83))).await.expect(200);
        assert_eq!(paid.body["order"]["id"].as_u64(), Some(order + 1), "{}", paid.text);
        assert_eq!(orders_charged(world), [order + 1]);
    })
    .await;
}

/// Both hold money: a webhook tells of it, or the look after the end finds it. What is given back completes it again.
#[tokio::test]
async fn what_was_paid_here_and_for_an_order_that_was_given_up_is_paid_twice() {
    for told in [true, false] {
        for kept_is_ours in [true, false] {
            run_with(looking("3600").await, async |world, service| {
                let (path, order) = given_up(world, service, End::Cancelled).await;
                let paid = service.post(&format!("{path}/payment"), &pays(json!(10.83))).await.expect(200);
                let ours = paid.body["order"]["id"].as_u64().expect("an order");
                assert_eq!(
                    (paid.body["status"].as_str(), ours),
                    (Some("completed"), order + 1),
                    "{}",
                    paid.text
                );
                taken(world, order);
                if told {
                    tell(service, order, "paid").await;
                }
                let stuck = becomes(service, &path, "stuck").await;
                assert_eq!(stuck["stuck"]["reason"], "paid-twice", "{stuck}");
                let detail = stuck["stuck"]["detail"].as_str().expect("a detail");
                let both =
                    [format!("order {ours} holds 10.83 USD"), format!("order {order}, which was given up")];
                assert!(both.iter().all(|said| detail.contains(said)), "{detail}");
                assert_eq!(detail.matches("10.83 USD").count(), 2, "{detail}");
                assert_eq!(stuck["payment"]["amount_paid"].to_string(), "21.66", "{stuck}");
                // A restart changes nothing as long as both hold money: it is looked at, and not undone.
                let restart = format!("/ops{path}/restart");
                let why = json!({"reason": "look"});
                service.operate(Method::POST, &restart, OPERATOR, Some(&why)).await.expect(200);
                let newer = |now: &Value| now["version"].as_i64() > stuck["version"].as_i64();
                let again = service
                    .wait_until(&path, "stuck again", |now| {
                        newer(now) && !["waiting", "running"].iter().any(|busy| now["status"] == **busy)
                    })
                    .await;
                assert_eq!(again["stuck"]["reason"], "paid-twice", "{again}");
                // The merchant gives one of them back.
                let back = if kept_is_ours { order } else { ours };
                assert!(world.simulator.does_to_order("teststore", back, Deed::RefundAll));
                tell(service, back, "refunded").await;
                let done = becomes(service, &path, "completed").await;
                let kept = if kept_is_ours { ours } else { order };
                assert_eq!(done["order"]["id"].as_u64(), Some(kept), "{done}");
                assert_eq!(done["payment"]["amount_paid"].to_string(), "10.83", "{done}");
                world.others_moved_money_of(&path);
            })
            .await;
        }
    }
}

/// After an operator said that it was paid, it is looked at once more as after any other end.
#[tokio::test]
async fn a_look_after_the_end_is_kept_when_an_operator_says_that_it_was_paid() {
    run_with(looking("3600").await, async |world, service| {
        let (path, order) = given_up(world, service, End::Cancelled).await;
        let made = service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        let ours = made.body["order"]["id"].as_u64().expect("an order");
        super::moved(world, ours, 11).await;
        service.post(&format!("{path}/payment"), &pays(json!(10.83))).await;
        tell(service, ours, "moved").await;
        becomes(service, &path, "stuck").await;
        sqlx::query("delete from late_look").execute(&world.database.pool).await.expect("no looks");
        let resolve = format!("/ops{path}/resolve");
        let body = json!({"reason": "he paid in cash", "finding": {"charged": "cash"}});
        service.operate(Method::POST, &resolve, OPERATOR, Some(&body)).await.expect(200);
        let looks: i64 = sqlx::query_scalar("select count(*) from late_look")
            .fetch_one(&world.database.pool)
            .await
            .expect("a count");
        assert_eq!(looks, 1);
        taken(world, order);
        let stuck = becomes(service, &path, "stuck").await;
        assert_eq!(stuck["stuck"]["reason"], "paid-twice", "{stuck}");
    })
    .await;
}

/// A payment after the order was given up goes on by itself with another order, within what was agreed to.
#[tokio::test]
async fn a_payment_after_a_look_that_gave_the_order_up_pays_another_one() {
    for dearer in [false, true] {
        run_with(looking("0.2").await, async |world, service| {
            let (path, order) = ordered(service).await;
            let cart = world.simulator.ledger().carts[0].id.clone();
            assert!(world.simulator.does_to_order("teststore", order, Deed::Cancel));
            buried(service, &path).await;
            if dearer {
                assert!(world.simulator.does_to_cart(&cart, Deed::AddFee));
                let refused = service.post(&format!("{path}/payment"), &pays(json!(10.83))).await.expect(409);
                assert_eq!(refused.problem(), "total-changed", "{}", refused.text);
                assert!(charged(world).is_empty());
            } else {
                let paid = service.post(&format!("{path}/payment"), &pays(json!(10.83))).await.expect(200);
                assert_eq!(paid.body["status"], "completed", "{}", paid.text);
                assert_eq!(orders_charged(world), [order + 1]);
            }
        })
        .await;
    }
}

/// A look that comes while the checkout is worked on or waits is put off, and counts as none.
#[tokio::test]
async fn what_was_not_looked_at_counts_as_no_look() {
    run_with(looking("3600").await, async |world, service| {
        let (path, order) = ordered(service).await;
        let pending = agreed(card(&magic_card(20_003, 0)));
        service.post_waiting(&format!("{path}/payment"), "pending", 0, &pending).await.expect(202);
        service.wait_until(&path, "pending", |now| now["payment"]["status"] == "pending").await;
        sqlx::query("insert into late_look (checkout_id, due_at) select checkout_id, now() from checkout")
            .execute(&world.database.pool)
            .await
            .expect("a look that is due");
        let put_off = async {
            let later = "select looks from late_look where due_at > now() + interval '7 seconds'";
            loop {
                let looks: Option<i32> =
                    sqlx::query_scalar(later).fetch_optional(&world.database.pool).await.expect("a row");
                if let Some(looks) = looks {
                    return looks;
                }
                tokio::task::yield_now().await;
            }
        };
        assert_eq!(tokio::time::timeout(PATIENCE, put_off).await.expect("it is put off"), 0);
        assert!(world.simulator.settle(order, Settlement::Success));
        becomes(service, &path, "completed").await;
    })
    .await;
}
