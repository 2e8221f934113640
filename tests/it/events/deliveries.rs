//! Deliveries that fail, destinations that are dead, processes that are killed: everything is told all the same.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{complete, count, kinds, wait_for_rows, wait_until_all_is_told, world};
use crate::harness::{EVENT_SECRET, Received, Receiver, Reply, run_with};
use crate::signals::page::Page;

#[tokio::test]
async fn what_fails_is_sent_again_with_its_id_before_what_follows() {
    let receiver = Receiver::start().await;
    receiver.script([
        Reply::Status(500),
        Reply::Never,
        Reply::Status(302),
        Reply::Status(200),
        Reply::Status(503),
    ]);
    run_with(world(&[receiver.entry("shop")]).await, async |world, service| {
        complete(service).await;
        let events = receiver.wait_for("checkout.completed").await;
        let sent: Vec<&str> = events.iter().map(Received::kind).collect();
        let (order, done) = ("order.created", "checkout.completed");
        assert_eq!(sent, [order, order, order, order, done, done]);
        let ids: BTreeSet<&str> = events.iter().map(|event| event.id.as_str()).collect();
        assert_eq!(ids.len(), 2, "a repetition is known by its id");
        assert!(events[..4].iter().all(|event| event.text == events[0].text), "and has the same bytes");
        assert!(events.iter().all(|event| event.is_signed_with(EVENT_SECRET)));
        wait_until_all_is_told(world).await;
        let log: Vec<(i32, String, Option<i16>, Option<String>)> = sqlx::query_as(
            "select attempt, outcome, status, failure from delivery_log order by delivery_log_id",
        )
        .fetch_all(&world.database.pool)
        .await
        .expect("the log");
        let text = str::to_owned;
        assert_eq!(
            log,
            [
                (1, text("failed"), Some(500), None),
                (2, text("failed"), None, Some(text("timeout"))),
                (3, text("failed"), Some(302), None),
                (4, text("delivered"), Some(200), None),
                (1, text("failed"), Some(503), None),
                (2, text("delivered"), Some(204), None),
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn each_checkout_keeps_its_order_while_deliveries_fail() {
    let receiver = Receiver::start().await;
    // Two of three fail for a while.
    receiver.script((0..45).map(|n| if n % 3 == 0 { Reply::Status(200) } else { Reply::Status(500) }));
    run_with(world(&[receiver.entry("shop")]).await, async |world, service| {
        let checkouts = (0..8).map(|_| complete(service));
        futures::future::join_all(checkouts).await;
        wait_until_all_is_told(world).await;
        let mut orders: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
        for event in receiver.received().iter().filter(|event| event.taken) {
            let version = event.body["data"]["version"].as_i64().expect("a version");
            orders.entry(event.checkout().to_owned()).or_default().push((version, event.kind().to_owned()));
        }
        assert_eq!(orders.len(), 8);
        for (checkout, told) in orders {
            assert!(told.is_sorted(), "{checkout}: {told:?}");
            let kinds: Vec<&str> = told.iter().map(|(_, kind)| kind.as_str()).collect();
            assert_eq!(kinds, ["order.created", "checkout.completed"], "{checkout}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_dead_destination_delays_no_checkout_and_no_other_destination() {
    let (fine, silent) = (Receiver::start().await, Receiver::start().await);
    silent.always(Reply::Never);
    // Nothing listens at the third.
    let closed = format!("closed={EVENT_SECRET}@http://127.0.0.1:9/events");
    let mut world = world(&[silent.entry("silent"), closed, fine.entry("fine")]).await;
    world.set("EVENT_TIMEOUT_SECONDS", "30");
    world.set("SHUTDOWN_SECONDS", "1");
    let service = world.start().await;
    for _ in 0..12 {
        complete(&service).await;
    }
    let done = |events: &[Received]| {
        kinds(events).iter().filter(|kind| **kind == "checkout.completed").count() == 12
    };
    fine.wait_until("complete", done).await;
    silent.wait_until("called", |events| !events.is_empty()).await;
    assert!(silent.received().iter().all(|event| !event.taken));
    assert!(count(&world, "delivery_log where destination = 'closed' and failure = 'connect'").await > 0);
    // Whoever stops hands its turns back.
    service.stop().await;
    assert_eq!(count(&world, "delivery_turn where leased_by is not null").await, 0);
    world.finish().await;
}

#[tokio::test]
async fn several_processes_deliver_each_event_once() {
    let receiver = Receiver::start().await;
    let mut world = world(&[receiver.entry("shop")]).await;
    world.set("EVENT_TIMEOUT_SECONDS", "10");
    let services = [world.start().await, world.start().await, world.start().await];
    let checkouts = (0..24).map(|n| complete(&services[n % services.len()]));
    futures::future::join_all(checkouts).await;
    wait_until_all_is_told(&world).await;
    let events = receiver.received();
    let ids: BTreeSet<&str> = events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!((events.len(), ids.len()), (48, 48));
    let processes = count(&world, "(select distinct process_id from delivery_log) p").await;
    assert!(processes > 1, "the work was not shared: {processes}");
    for service in services {
        service.stop().await;
    }
    world.finish().await;
}

#[tokio::test]
async fn killed_with_kill_9_in_the_middle_of_a_delivery_nothing_is_lost() {
    let receiver = Receiver::start().await;
    receiver.script([Reply::Never]);
    let mut world = world(&[receiver.entry("shop")]).await;
    // Long enough that the process is killed before it gives the answer up.
    world.set("EVENT_TIMEOUT_SECONDS", "3");
    let service = world.spawn().await;
    complete(&service).await;
    receiver.wait_until("called", |events| events.len() == 1).await;
    service.kill().await;
    assert_eq!(count(&world, "delivery where state = 'pending'").await, 2);
    let service = world.spawn().await;
    let events = receiver.wait_for("checkout.completed").await;
    assert_eq!(kinds(&events), ["order.created", "checkout.completed"]);
    assert_eq!(events[0].id, events[1].id, "what was on its way is sent again with its id");
    wait_until_all_is_told(&world).await;
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn what_waits_when_a_process_stops_is_delivered_by_the_next() {
    let receiver = Receiver::start().await;
    receiver.always(Reply::Status(500));
    let world = world(&[receiver.entry("shop")]).await;
    let service = world.start().await;
    complete(&service).await;
    service.stop().await;
    assert_eq!(count(&world, "delivery_turn where leased_by is not null").await, 0);
    receiver.always(Reply::Status(200));
    let service = world.start().await;
    let events = receiver.wait_for("checkout.completed").await;
    assert_eq!(kinds(&events), ["order.created", "checkout.completed"]);
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn what_nobody_takes_is_given_up_and_what_follows_is_sent() {
    let receiver = Receiver::start().await;
    // Gone at once; then one that is too old when it fails.
    receiver.script([Reply::Status(410), Reply::Status(500)]);
    let mut world = world(&[receiver.entry("shop")]).await;
    world.set("EVENT_GIVE_UP_SECONDS", "0.001");
    run_with(world, async |world, service| {
        complete(service).await;
        wait_until_all_is_told(world).await;
        let states: Vec<String> = sqlx::query_scalar("select state from delivery order by version")
            .fetch_all(&world.database.pool)
            .await
            .expect("states");
        assert_eq!(states, ["given-up", "given-up"]);

        // By hand it is sent again.
        let list = world.run(&["events", "list", "--state", "given-up", "-o", "ids"], "").await.expect(0);
        assert_eq!(list.out.lines().count(), 2);
        let again = world.run(&["events", "redeliver", "-", "-o", "ids"], &list.out).await.expect(0);
        assert_eq!(again.out.lines().count(), 2);
        let events = receiver.wait_for("checkout.completed").await;
        assert_eq!(kinds(&events), ["order.created", "checkout.completed"]);
    })
    .await;
}

#[tokio::test]
async fn events_are_sent_again_by_id_by_time_and_to_another() {
    let (shop, late) = (Receiver::start().await, Receiver::start().await);
    run_with(
        world(&[shop.entry("shop"), late.entry("late:checkout.stuck")]).await,
        async |world, service| {
            let path = complete(service).await;
            let checkout = path.rsplit('/').next().expect("an id");
            wait_until_all_is_told(world).await;
            assert!(late.received().is_empty());

            let list = world.run(&["events", "list", "-o", "json"], "").await.expect(0).json();
            assert_eq!(list.len(), 2);
            assert!(
                list.iter().all(|row| row["state"] == "delivered" && row["last_status"] == 204),
                "{list:?}"
            );
            let (done, order) = (&list[0], &list[1]);
            assert_eq!(done["type"], "checkout.completed");

            // By id.
            let id = order["event_id"].as_str().expect("an id");
            let queued = world.run(&["events", "redeliver", id, "-o", "json"], "").await.expect(0).json();
            assert_eq!(queued, [json!({"event_id": id, "destination": "shop"})]);
            let events = shop.wait_until("sent again", |events| events.len() == 3).await;
            assert_eq!((events[2].id.as_str(), &events[2].text), (id, &events[0].text));
            wait_until_all_is_told(world).await;

            // By time, first only to look.
            let since = order["at"].as_str().expect("a time");
            let dry = world
                .run(&["events", "redeliver", "--since", since, "--dry-run", "-o", "ids"], "")
                .await
                .expect(0);
            assert_eq!(dry.out.lines().count(), 2);
            assert_eq!(count(world, "delivery where state = 'pending'").await, 0);
            world.run(&["events", "redeliver", "--since", since], "").await.expect(0);
            let events = shop.wait_until("both sent again", |events| events.len() == 5).await;
            assert_eq!(kinds(&events[3..]), ["order.created", "checkout.completed"]);
            world.run(&["events", "redeliver", "--since", "2999-01-01T00:00:00Z"], "").await.expect(3);

            // To one that had not asked for it.
            let to = [
                "events",
                "redeliver",
                "--checkout",
                checkout,
                "--type",
                "checkout.completed",
                "--to",
                "late",
            ];
            world.run(&to, "").await.expect(0);
            late.wait_for("checkout.completed").await;
            wait_until_all_is_told(world).await;

            // What would be everything, or goes nowhere, is refused.
            world.run(&["events", "redeliver"], "").await.expect(2);
            world.run(&["events", "redeliver", id, "--to", "nowhere"], "").await.expect(2);
            let shown = world.run(&["events", "show", id, "-o", "table"], "").await.expect(0);
            assert!(
                shown.out.contains(checkout) && shown.out.matches("delivered").count() == 3,
                "{}",
                shown.out
            );
            world.run(&["events", "show", "00000000-0000-7000-8000-000000000000"], "").await.expect(3);
        },
    )
    .await;
}

#[tokio::test]
async fn while_a_secret_is_changed_both_sign() {
    let receiver = Receiver::start().await;
    let fresh = "whsec_YW5vdGhlci1zZWNyZXQtYW5vdGhlci1zZWNyZXQtMDE=";
    let world = world(&[format!("shop={fresh}|{EVENT_SECRET}@{}", receiver.url)]).await;
    run_with(world, async |_, service| {
        complete(service).await;
        let events = receiver.wait_for("checkout.completed").await;
        assert!(events.iter().all(|event| event.is_signed_with(fresh) && event.is_signed_with(EVENT_SECRET)));
    })
    .await;
}

#[tokio::test]
async fn how_long_events_wait_is_told_whatever_their_destination() {
    let (receiver, other) = (Receiver::start().await, Receiver::start().await);
    let world = world(&[receiver.entry("shop"), other.entry("mail")]).await;
    let service = world.start().await;
    receiver.always(Reply::Status(500));
    complete(&service).await;
    receiver.wait_until("tried", |events| events.iter().any(|event| !event.taken)).await;
    service.stop().await;
    sqlx::query(
        "update delivery set queued_at = queued_at - interval '20 minutes' where destination = 'shop'",
    )
    .execute(&world.database.pool)
    .await
    .expect("time passes");
    let service = world.start().await;
    let page = Page::of(&service).await;
    let lag = page.sum("event_delivery_lag_seconds", &[]);
    assert!((1200.0..1260.0).contains(&lag), "{lag}");
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn what_is_old_and_told_is_forgotten_and_what_waits_is_kept() {
    let receiver = Receiver::start().await;
    let world = world(&[receiver.entry("shop")]).await;
    let service = world.start().await;
    complete(&service).await;
    wait_until_all_is_told(&world).await;
    receiver.always(Reply::Status(500));
    complete(&service).await;
    receiver.wait_until("tried", |events| events.iter().any(|event| !event.taken)).await;
    service.stop().await;
    sqlx::query("update outbox set at = at - interval '31 days'")
        .execute(&world.database.pool)
        .await
        .expect("time passes");
    let service = world.start().await;
    wait_for_rows(&world, "forgotten", "select count(*) = 2 from outbox").await;
    assert_eq!(count(&world, "delivery where state = 'pending'").await, 2);
    assert_eq!(count(&world, "delivery").await, 2);
    service.stop().await;
    world.finish().await;
}
