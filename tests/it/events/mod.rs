//! Outgoing events, as a destination sees them.

mod deliveries;

use bigcommerce_simulator::{Fault, Settlement, magic_card};
use headless_checkout::checkout::Announcement;
use headless_checkout::config::EVENT_TYPES;
use serde_json::{Value, json};

use crate::harness::{
    EVENT_SECRET, PATIENCE, Received, Receiver, Service, World, agreed, card, everything, good_card, run,
    run_with,
};

/// A world whose services tell these destinations, and try again soon.
async fn world(destinations: &[String]) -> World {
    let mut world = World::new().await;
    world.set("EVENT_DESTINATIONS", &destinations.join(","));
    world.set("EVENT_TIMEOUT_SECONDS", "0.5");
    world.set("EVENT_RETRY_BASE_MS", "20");
    world.set("EVENT_RETRY_MAX_SECONDS", "0.2");
    world
}

async fn complete(service: &Service) -> String {
    let path = service.create(&everything()).await;
    service.post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()}))).await.expect(200);
    path
}

fn kinds(events: &[Received]) -> Vec<&str> {
    events.iter().filter(|event| event.taken).map(Received::kind).collect()
}

async fn count(world: &World, table: &str) -> i64 {
    let sql = format!("select count(*) from {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&world.database.pool).await.expect("a count")
}

/// Waits until the database says so: what a destination saw is recorded a moment later.
pub(crate) async fn wait_for_rows(world: &World, what: &str, sql: &'static str) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
    loop {
        looks.tick().await;
        let found: bool =
            sqlx::query_scalar(sql).fetch_one(&world.database.pool).await.expect("the database answers");
        if found {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "never {what}");
    }
}

pub(crate) async fn wait_until_all_is_told(world: &World) {
    let idle = "select not exists (select from delivery where state = 'pending')
                    and not exists (select from delivery_turn)";
    wait_for_rows(world, "all told", idle).await;
}

#[test]
fn every_event_can_be_asked_for_by_its_name() {
    let announced: Vec<&str> = Announcement::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(announced, EVENT_TYPES);
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/events.md"))
        .expect("docs/events.md");
    for kind in EVENT_TYPES {
        assert!(document.contains(&format!("| `{kind}` |")), "docs/events.md does not explain {kind}");
    }
}

#[tokio::test]
async fn a_checkout_is_told_in_order_signed_and_without_a_person() {
    let receiver = Receiver::start().await;
    run_with(world(&[receiver.entry("shop")]).await, async |world, service| {
        let path = complete(service).await;
        let snapshot = service.get(&path).await.expect(200);
        let events = receiver.wait_for("checkout.completed").await;
        assert_eq!(kinds(&events), ["order.created", "checkout.completed"]);
        for event in &events {
            assert!(event.is_signed_with(EVENT_SECRET), "{event:?}");
            assert!(!event.is_signed_with("whsec_YW5vdGhlci1zZWNyZXQtYW5vdGhlci1zZWNyZXQtMDE="));
            assert_eq!(event.headers["content-type"], "application/json");
            let timestamp: i64 =
                event.headers["webhook-timestamp"].to_str().expect("text").parse().expect("seconds");
            assert!((time::OffsetDateTime::now_utc().unix_timestamp() - timestamp).abs() < 60);
            for personal in ["jane", "Doe", "Austin", "78751", "1234567890", "Main", "4111", "last_4"] {
                assert!(!event.text.contains(personal), "{personal}: {}", event.text);
            }
        }
        let last = events.last().expect("an event");
        let data = &last.body["data"];
        assert_eq!(data["checkout_id"], snapshot.body["id"]);
        assert_eq!(data["order_id"], snapshot.body["order"]["id"]);
        assert_eq!((data["status"].as_str(), data["store"].as_str()), (Some("completed"), Some("default")));
        assert!(last.text.contains(r#""grand_total":10.83,"currency":"USD""#), "{}", last.text);
        assert_eq!(data["payment"]["transaction_id"], snapshot.body["payment"]["transaction_id"]);
        assert_eq!(data["stuck"], Value::Null);
        assert_ne!(events[0].id, events[1].id);
        wait_until_all_is_told(world).await;
    })
    .await;
}

#[tokio::test]
async fn a_changed_body_or_id_or_time_is_not_signed() {
    let receiver = Receiver::start().await;
    run_with(world(&[receiver.entry("shop")]).await, async |_, service| {
        complete(service).await;
        let event = receiver.wait_for("checkout.completed").await.pop().expect("an event");
        let mut body = event.clone();
        body.text = body.text.replace("10.83", "10.84");
        assert!(!body.is_signed_with(EVENT_SECRET));
        for header in ["webhook-id", "webhook-timestamp"] {
            let mut forged = event.clone();
            forged.headers.insert(header, "1".parse().expect("a value"));
            assert!(!forged.is_signed_with(EVENT_SECRET), "{header}");
        }
    })
    .await;
}

#[tokio::test]
async fn without_a_destination_nothing_is_written() {
    run(async |world, service| {
        complete(service).await;
        for table in ["outbox", "delivery", "delivery_turn", "delivery_log"] {
            assert_eq!(count(world, table).await, 0, "{table}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_becomes_of_payments_and_checkouts_is_told() {
    let receiver = Receiver::start().await;
    run_with(world(&[receiver.entry("shop")]).await, async |world, service| {
        let declined = service.create(&everything()).await;
        service.post(&format!("{declined}/order"), &json!({})).await.expect(200);
        service.post(&format!("{declined}/payment"), &agreed(card(&magic_card(30_106, 0)))).await.expect(402);
        let events = receiver.wait_for("payment.declined").await;
        assert_eq!(kinds(&events), ["order.created", "payment.declined"]);
        assert_eq!(events[1].body["data"]["payment"]["decline_code"], 30106);
        assert_eq!(events[1].body["data"]["status"], "awaiting_input");

        service.delete(&declined).await.expect(200);
        receiver.wait_for("checkout.cancelled").await;

        let expired = service.create(&everything()).await;
        let id = expired.rsplit('/').next().expect("an id").to_owned();
        sqlx::query("update checkout set due_at = now(), expires_at = now() where checkout_id = $1::uuid")
            .bind(&id)
            .execute(&world.database.pool)
            .await
            .expect("its time comes");
        let events = receiver.wait_for("checkout.expired").await;
        assert_eq!(events.last().map(Received::checkout), Some(&*id));

        let pending = service.create(&everything()).await;
        let ordered = service.post(&format!("{pending}/order"), &json!({})).await.expect(200);
        let body = agreed(card(&magic_card(20_003, 0)));
        service.post_waiting(&format!("{pending}/payment"), "pending", 1, &body).await.expect(202);
        receiver.wait_for("payment.pending").await;
        let order = ordered.body["order"]["id"].as_u64().expect("an order");
        assert!(world.simulator.settle(order, Settlement::Success));
        receiver.wait_for("checkout.completed").await;
    })
    .await;
}

#[tokio::test]
async fn a_stuck_checkout_alerts_who_asked_for_alerts_alone() {
    let (shop, alerts) = (Receiver::start().await, Receiver::start().await);
    let asked = alerts.entry("alerts:checkout.stuck|payment.unknown|checkout.restarted");
    let mut world = world(&[shop.entry("shop"), asked]).await;
    world.simulator.set(|settings| settings.token_ttl_seconds = 1);
    world.set("SETTLE_SECONDS", "0.2");
    run_with(world, async |world, service| {
        let path = service.create(&everything()).await;
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        world.simulator.add_fault(Fault::on("process-payment").status_before(500));
        service.post_waiting(&format!("{path}/payment"), "stuck", 0, &agreed(good_card())).await.expect(202);
        let told = alerts.wait_for("checkout.stuck").await;
        assert_eq!(kinds(&told), ["payment.unknown", "checkout.stuck"]);
        let stuck = &told[1].body["data"]["stuck"];
        assert_eq!(
            (stuck["reason"].as_str(), stuck["suggested_action"].as_str()),
            (Some("payment-unknown"), Some("resolve"))
        );
        assert!(stuck["since"].is_string() && stuck.get("detail").is_none());
        let told = shop.wait_for("checkout.stuck").await;
        assert_eq!(kinds(&told), ["order.created", "payment.unknown", "checkout.stuck"]);
        // What is done past the service is told as well: it looks again, and finds no more than before.
        let id = path.rsplit('/').next().expect("an id");
        world.run(&["checkouts", "restart", id, "--direct", "--reason", "look again"], "").await.expect(0);
        let again =
            |events: &[Received]| kinds(events).iter().filter(|kind| **kind == "checkout.stuck").count() == 2;
        let told = alerts.wait_until("stuck again", again).await;
        assert_eq!(
            kinds(&told),
            ["payment.unknown", "checkout.stuck", "checkout.restarted", "checkout.stuck"]
        );
    })
    .await;
}
