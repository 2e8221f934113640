//! PostgreSQL fails over under load: the primary dies or falls silent, its synchronous standby is promoted, and the one
//! address in `DATABASE_URL` leads there. Nothing that was acknowledged is lost, and nothing is done twice. A server that
//! takes no writes any more is given up.

mod endpoint;
mod pair;

use std::sync::atomic::{AtomicUsize, Ordering};

use bigcommerce_simulator::Settings;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::harness::daemon::skipped;
use crate::harness::{Answer, Database, KEY, PATIENCE, Service, World, agreed, everything, good_card, logs};
use endpoint::Endpoint;
use pair::Pair;

/// Storefronts that send at the same time, and what each of them does.
const STOREFRONTS: usize = 6;
const CHECKOUTS: usize = 6;
/// The primary is lost after so many answers.
const ANSWERS: usize = 20;

/// What all storefronts together were told.
#[derive(Default)]
struct Told {
    answers: AtomicUsize,
    enough: Notify,
}

/// What one checkout's storefront was told.
#[derive(Debug, Default)]
struct Acknowledged {
    path: String,
    /// The keys that were acknowledged.
    created: String,
    paid: Option<String>,
    order: Option<Value>,
    completed: bool,
}

/// Whether a request has to be repeated with the same key: nothing was promised yet.
fn is_to_be_repeated(answer: &Answer) -> bool {
    answer.status.is_server_error()
        || matches!(answer.body["code"].as_str(), Some("idempotency-key-in-use" | "step-in-progress"))
}

/// Sends until it is answered, always with the same key, as every storefront should.
async fn insist(service: &Service, told: &Told, path: &str, key: &str, body: &Value) -> Answer {
    let deadline = tokio::time::Instant::now() + PATIENCE + PATIENCE;
    let bearer = format!("Bearer {KEY}");
    let headers = [
        ("authorization", &*bearer),
        ("prefer", "wait=5"),
        ("idempotency-key", key),
        ("content-type", "application/json"),
    ];
    loop {
        let body = Some(body.to_string().into_bytes());
        let answer = service.call(reqwest::Method::POST, path, &headers, body).await;
        if !is_to_be_repeated(&answer) {
            if told.answers.fetch_add(1, Ordering::Relaxed) + 1 >= ANSWERS {
                told.enough.notify_one();
            }
            return answer;
        }
        assert!(tokio::time::Instant::now() < deadline, "{path} {key}: {}", answer.text);
        tokio::task::yield_now().await;
    }
}

async fn storefront(service: &Service, told: &Told, name: usize) -> Vec<Acknowledged> {
    let mut all = Vec::new();
    for checkout in 0..CHECKOUTS {
        let mut seen = Acknowledged::default();
        let key = format!("create-{name}-{checkout}");
        let created = insist(service, told, "/v1/checkouts", &key, &everything()).await;
        assert!(created.status.is_success(), "{}", created.text);
        seen.path = format!("/v1/checkouts/{}", created.id());
        seen.created = key;
        let key = format!("complete-{name}-{checkout}");
        let body = agreed(json!({"payment": good_card()}));
        let paid = insist(service, told, &format!("{}/complete", seen.path), &key, &body).await;
        if paid.status.is_success() {
            seen.paid = Some(key);
            seen.order = Some(paid.body["order"]["id"].clone()).filter(Value::is_u64);
            seen.completed = paid.body["status"] == "completed";
        }
        all.push(seen);
    }
    all
}

/// At rest, or waiting for what only time tells: a payment of which nobody can know whether it was made.
fn has_ended(snapshot: &Value) -> bool {
    matches!(snapshot["status"].as_str(), Some("completed" | "stuck" | "awaiting_input" | "cancelled"))
        || snapshot["payment"]["status"] == "unknown"
}

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
    let told = Told::default();
    let load = futures::future::join_all((0..STOREFRONTS).map(|name| {
        let service = if name % 2 == 0 { &one } else { &other };
        storefront(service, &told, name)
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

    for seen in &acknowledged {
        // At the process that it was not sent to.
        let ended = other.wait_until(&seen.path, "at an end", has_ended).await;
        if let Some(order) = &seen.order {
            assert_eq!(&ended["order"]["id"], order, "{seen:?}: {ended:#}");
        }
        if seen.completed {
            assert_eq!(ended["status"], "completed", "{seen:?}: {ended:#}");
        }
        let id = seen.path.rsplit('/').next().expect("an id");
        let again = insist(&one, &told, "/v1/checkouts", &seen.created, &everything()).await;
        assert_eq!(again.id(), id, "{seen:?} was acknowledged");
        if let Some(key) = &seen.paid {
            let body = agreed(json!({"payment": good_card()}));
            let again = insist(&one, &told, &format!("{}/complete", seen.path), key, &body).await;
            assert_eq!(again.id(), id, "{seen:?} was acknowledged");
        }
    }
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
    let refused = service.post_with(&format!("{path}/order"), "an-order", &json!({})).await.expect(503);
    assert_eq!(refused.body["code"], "service-unavailable", "{}", refused.text);
    let said = until_ready(&service, false).await;
    assert_eq!(said.body["status"], "not-ready", "{}", said.text);
    let nothing = world.simulator.ledger().orders.len();
    assert_eq!(nothing, 0, "nothing was recorded, so nothing was sent");
    // The address leads to the standby before that is promoted: nobody is deceived.
    endpoint.lead_to(pair.port(1));
    let said = service.get("/readyz").await.expect(503);
    assert_eq!(said.body["status"], "not-ready", "{}", said.text);
    pair.promote_standby().await;
    until_ready(&service, true).await;
    let told = Told::default();
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
