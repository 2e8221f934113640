//! A checkout that was paid here and on the page waits for a person, and goes on by itself once somebody gave one of the two
//! payments back, and not before.

use bigcommerce_simulator::{Deed, Fault};
use serde_json::json;

use super::{charged, ordered};
use crate::harness::{PATIENCE, Service, World, agreed, good_card, run_with};
use crate::webhooks::tell;

/// How the checkout stands once the look that an event asked for has ended.
async fn looked_at(world: &World, service: &Service, path: &str) -> serde_json::Value {
    let ended = "select not exists (select from late_look where again)
        and (exists (select from late_look where looks > 0) or exists (select from checkout where status <> 'stuck'))";
    let looking = async {
        let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
        while !sqlx::query_scalar::<_, bool>(ended).fetch_one(&world.database.pool).await.expect("an answer")
        {
            looks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.expect("it is looked at");
    service.get(path).await.expect(200).body
}

#[tokio::test]
async fn what_was_paid_here_and_on_the_page_waits_until_one_of_the_two_is_given_back() {
    run_with(World::hasty().await, async |world, service| {
        let (path, ours) = ordered(service).await;
        service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
        let page = world.simulator.add_fault(Fault::on("process-payment").meanwhile_before(Deed::PayPage));
        service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(409);
        assert_eq!((world.simulator.reached(page), charged(world).len()), (1, 2));
        let stuck = service.get(&path).await.expect(200).body;
        assert_eq!(stuck["stuck"]["reason"], "paid-twice", "{stuck}");
        let there =
            charged(world).into_iter().map(|(order, _)| order).find(|order| *order != ours).expect("another");
        // That ours is paid is no news, and no reason to call it done: the other one is paid as well.
        tell(service, ours, "one").await;
        let still = looked_at(world, service, &path).await;
        assert_eq!(still["stuck"]["reason"], "paid-twice", "{still}");
        // The merchant gives the page's money back.
        assert!(world.simulator.does_to_order("teststore", there, Deed::RefundAll));
        tell(service, ours, "two").await;
        let done = service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
        assert_eq!((&done["order"]["id"], &done["stuck"]), (&json!(ours), &json!(null)), "{done}");
    })
    .await;
}

/// An event that is looked into while our own payment still runs is looked into again when that has ended.
#[tokio::test]
async fn a_look_that_comes_while_our_payment_runs_comes_again() {
    let mut world = World::hasty().await;
    // Whether a token that was minted before still charges an order that was paid meanwhile is not documented: here it does.
    world.simulator.set(|settings| settings.charge_checks_status = false);
    for (name, value) in
        [("PAYMENT_TIMEOUT_SECONDS", "20"), ("LEASE_SECONDS", "23"), ("SETTLE_SECONDS", "0.2")]
    {
        world.set(name, value);
    }
    run_with(world, async |world, service| {
        let (path, order) = ordered(service).await;
        let other = world.simulator.add_fault(Fault::on("process-payment").meanwhile_before(Deed::PayOrder));
        let held = world.simulator.add_fault(Fault::on("process-payment").hold_after());
        let paying = async { service.post(&format!("{path}/payment"), &agreed(good_card())).await };
        let telling = async {
            tokio::time::timeout(PATIENCE, world.simulator.wait_reached(held, 1))
                .await
                .expect("it is being paid");
            tell(service, order, "early").await;
            // A look that comes too early is put off, and does not count. It was there once its row was written anew.
            let row = "select max(xmin::text) from late_look where looks = 0";
            let before: Option<String> =
                sqlx::query_scalar(row).fetch_one(&world.database.pool).await.expect("a row");
            let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
            loop {
                looks.tick().await;
                let now: Option<String> =
                    sqlx::query_scalar(row).fetch_one(&world.database.pool).await.expect("a row");
                if now.is_some() && now != before {
                    break;
                }
            }
            world.simulator.release(held);
        };
        let (paid, ()) = tokio::join!(paying, telling);
        paid.expect(200);
        assert_eq!((world.simulator.reached(other), charged(world).len()), (1, 2));
        let waiting = "select count(*) from late_look";
        let waiting: i64 =
            sqlx::query_scalar(waiting).fetch_one(&world.database.pool).await.expect("a count");
        assert_eq!(waiting, 1, "it is looked at again");
        world.others_moved_money_of(&path);
    })
    .await;
}
