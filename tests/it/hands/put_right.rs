//! A checkout that was paid here and on the page waits for a person, and goes on by itself once somebody gave one of the two
//! payments back, and not before.

use bigcommerce_simulator::{Deed, Fault};
use serde_json::json;

use super::{charged, ordered};
use crate::harness::{PATIENCE, Service, World, agreed, good_card};
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
    let world = World::hasty().await;
    let service = world.start().await;
    let (path, ours) = ordered(&service).await;
    service.post(&format!("{path}/redirect-urls"), &json!({})).await.expect(200);
    let page = world.simulator.add_fault(Fault::on("process-payment").meanwhile_before(Deed::PayPage));
    service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(409);
    assert_eq!((world.simulator.reached(page), charged(&world).len()), (1, 2));
    let stuck = service.get(&path).await.expect(200).body;
    assert_eq!(stuck["stuck"]["reason"], "surplus-order-paid", "{stuck}");
    let there =
        charged(&world).into_iter().map(|(order, _)| order).find(|order| *order != ours).expect("another");
    // That ours is paid is no news, and no reason to call it done: the other one is paid as well.
    tell(&service, ours, "one").await;
    let still = looked_at(&world, &service, &path).await;
    assert_eq!(still["stuck"]["reason"], "surplus-order-paid", "{still}");
    // The merchant gives the page's money back.
    assert!(world.simulator.does_to_order("teststore", there, Deed::RefundAll));
    tell(&service, ours, "two").await;
    let done = service.wait_until(&path, "completed", |now| now["status"] == "completed").await;
    assert_eq!((&done["order"]["id"], &done["stuck"]), (&json!(ours), &json!(null)), "{done}");
    service.stop().await;
    world.finish().await;
}
