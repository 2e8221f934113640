//! PostgreSQL fails over under load: the primary dies or falls silent, its synchronous standby is promoted, and the one
//! address in `DATABASE_URL` leads there. Nothing that was acknowledged is lost, and nothing is done twice. A server that
//! takes no writes any more is given up.

mod endpoint;
mod load;
mod pair;

use std::sync::atomic::Ordering;

use bigcommerce_simulator::Settings;
use serde_json::json;

use crate::harness::daemon::skipped;
use crate::harness::{Answer, Database, PATIENCE, Service, World, agreed, everything, good_card, logs};
use endpoint::Endpoint;
use load::{Acknowledged, CHECKOUTS, STOREFRONTS, Told, insist, storefront, verify};
use pair::Pair;

/// The primary is lost after so many answers.
const ANSWERS: usize = 20;

async fn world() -> Option<(World, Pair, Endpoint)> {
    let Some(programs) = pair::installed() else {
        skipped("failover", "PostgreSQL's programs are not installed: nobody tried what a failover does");
        return None;
    };
    logs::capture();
    let pair = Pair::start(programs).await;
    let database = Database::create_alone_in(pair.options(0)).await;
    let mut world = World::on(database, Settings::default()).await;
    let endpoint = Endpoint::start(pair.port(0)).await;
    let url = format!("postgres://checkout@127.0.0.1:{}/{}", endpoint.port, world.database.place().1);
    world.set("DATABASE_URL", &url);
    Some((world, pair, endpoint))
}

/// Loses the primary under load, and checks what was promised on the one that took over.
async fn fail_over(
    mut world: World,
    mut pair: Pair,
    endpoint: &Endpoint,
    lose: impl AsyncFnOnce(&mut Pair),
) -> (World, Pair) {
    let (one, other) = (world.spawn().await, world.spawn().await);
    let told = Told::after(ANSWERS);
    let load = futures::future::join_all((0..STOREFRONTS).map(|name| {
        let service = if name % 2 == 0 { &one } else { &other };
        storefront(service, &told, name.to_string())
    }));
    let failover = async {
        told.enough.notified().await;
        pair.hold_back_standby().await;
        lose(&mut pair).await;
        let answered = told.answers.load(Ordering::Relaxed);
        pair.release_standby();
        pair.promote_standby().await;
        endpoint.lead_to(pair.port(1));
        endpoint.cut();
        answered
    };
    let (acknowledged, answered) = tokio::join!(load, failover);
    let acknowledged: Vec<Acknowledged> = acknowledged.into_iter().flatten().collect();
    assert_eq!(acknowledged.len(), STOREFRONTS * CHECKOUTS);
    // What was under way may go on with the new primary without anybody noticing.
    assert!(answered < told.answers.load(Ordering::Relaxed), "all had been answered: it was not under load");

    verify(&acknowledged, &one, &other, &told).await;
    one.stop().await;
    other.stop().await;
    // Everything is read where it is now.
    world.database = world.database.moved_to(pair.options(1)).await;
    let completed = acknowledged.iter().filter(|seen| seen.completed).count();
    assert!(completed * 2 > acknowledged.len(), "only {completed} of {} were told so", acknowledged.len());
    let ledger = world.simulator.ledger();
    assert!(ledger.charges.len() <= acknowledged.len() && ledger.charges.len() >= completed);
    (world, pair)
}

#[tokio::test]
async fn a_primary_that_is_killed_under_load_loses_nothing_and_doubles_nothing() {
    let Some((world, pair, endpoint)) = world().await else { return };
    let (world, mut pair) = fail_over(world, pair, &endpoint, async |pair| pair.kill_primary()).await;
    // It comes back as if nothing had happened; the address leads past it.
    pair.revive_old_primary().await;
    let late = world.spawn().await;
    let path = late.create(&everything()).await;
    let completed =
        late.post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()}))).await.expect(200);
    assert_eq!(completed.body["status"], "completed", "{}", completed.text);
    let migrated = world.run(&["migrate"], "").await.expect(0);
    assert!(migrated.out.contains("(0 applied)"), "{migrated:?}");
    late.stop().await;
    world.finish().await;
    pair.stop().await;
}

#[tokio::test]
async fn a_primary_that_falls_silent_under_load_is_left_behind() {
    let Some((world, pair, endpoint)) = world().await else { return };
    let (world, pair) = fail_over(world, pair, &endpoint, async |pair| pair.freeze_primary().await).await;
    world.finish().await;
    pair.stop().await;
}

/// Asks until the service is or is not ready, and answers what it said.
async fn until_ready(service: &Service, ready: bool) -> Answer {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let answer = service.get("/readyz").await;
        if answer.status.is_success() == ready {
            return answer;
        }
        assert!(tokio::time::Instant::now() < deadline, "{}", answer.text);
        tokio::task::yield_now().await;
    }
}

/// A switch-over whose old connections stay open on a server that refuses writes: each of them is closed, none is given
/// out again, and everything goes on once the address leads to the new primary.
#[tokio::test]
async fn a_server_that_takes_no_writes_any_more_is_given_up() {
    let Some((mut world, pair, endpoint)) = world().await else { return };
    let service = world.spawn().await;
    let path = service.create(&everything()).await;
    until_ready(&service, true).await;
    pair.make_primary_read_only().await;
    // Its sessions learn of it one after the other.
    let said = until_ready(&service, false).await;
    assert_eq!(said.body["status"], "not-ready", "{}", said.text);
    let refused = service.post_with(&format!("{path}/order"), "an-order", &json!({})).await.expect(503);
    assert_eq!(refused.body["code"], "service-unavailable", "{}", refused.text);
    let nothing = world.simulator.ledger().orders.len();
    assert_eq!(nothing, 0, "nothing was recorded, so nothing was sent");
    // The address leads to the standby before that is promoted: nobody is deceived.
    endpoint.lead_to(pair.port(1));
    let said = service.get("/readyz").await.expect(503);
    assert_eq!(said.body["status"], "not-ready", "{}", said.text);
    pair.promote_standby().await;
    until_ready(&service, true).await;
    let told = Told::after(usize::MAX);
    let ordered = insist(&service, &told, &format!("{path}/order"), "an-order", &json!({})).await;
    assert!(ordered.body["order"]["id"].is_u64(), "{}", ordered.text);
    // Nobody cut the old connections; the service closed them.
    world.database = world.database.moved_to(pair.options(1)).await;
    pair.until_primary_is_left(world.database.place().1).await;
    let body = agreed(good_card());
    let completed = insist(&service, &told, &format!("{path}/payment"), "a-payment", &body).await;
    assert_eq!(completed.body["status"], "completed", "{}", completed.text);
    service.stop().await;
    world.finish().await;
    pair.stop().await;
}
