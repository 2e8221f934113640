//! Two versions of the record side by side: whoever cannot read a row leaves it alone, and says so.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{sql, text};
use crate::harness::{OPERATOR, PATIENCE, READER, Service, World, everything, run};

/// As a newer version leaves a checkout: due, in a record that this version does not know.
const NEWER: &str = r#"update checkout set status = 'waiting', due_at = now() - interval '1 minute', leased_by = null,
    record_version = record_version + 1,
    record = jsonb_set(record::jsonb, '{facts,tenders}', '[{"amount": 5.00}]')::json"#;

/// As an own row looks that somebody else wrote a field into.
const UNKNOWN: &str = r#"update checkout set status = 'waiting', due_at = now() - interval '1 minute', leased_by = null,
    record = jsonb_set(record::jsonb, '{facts,tenders}', '[{"amount": 5.00}]')::json"#;

/// The first checkout, as it stands in the database.
const ROW: &str = "select concat_ws(' ', status, version, fence, lost_leases, record::text) from checkout
    order by created_at limit 1";

/// Why the invariants do not hold.
const CHANGED: &str = "the log does not tell how a changed row came to be as it is";

fn of_operators(path: &str) -> String {
    format!("/ops/v1/checkouts/{}", path.rsplit('/').next().expect("an id"))
}

/// A checkout that comes and goes is the proof that recovery looked meanwhile.
async fn recovery_looks(world: &World, service: &Service) {
    let path = service.create(&everything()).await;
    let id = path.rsplit('/').next().expect("an id");
    let expire = format!("update checkout set due_at = now(), expires_at = now() where checkout_id = '{id}'");
    assert_eq!(sql(world, &expire).await, 1);
    service.wait_until(&path, "expired", |snapshot| snapshot["status"] == "expired").await;
}

/// Waits until `/readyz` says this of the records; the process is ready all the same.
async fn records_are(service: &Service, wanted: &str) {
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    let found = async {
        loop {
            looks.tick().await;
            let ready = service.get("/readyz").await.expect(200);
            if ready.body["checks"]["records"] == wanted {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("records are never {wanted:?}"));
}

async fn metric_is_one(service: &Service, name: &str) {
    let metrics = service.get("/metrics").await.expect(200).text;
    let wanted = format!("{name} 1");
    assert!(metrics.lines().any(|line| line.ends_with(&wanted)), "{metrics}");
}

async fn listed(service: &Service, path: &str) -> Value {
    let list = service.operate(Method::GET, "/ops/v1/checkouts", READER, None).await.expect(200);
    let id = path.rsplit('/').next().expect("an id");
    let rows = list.body["data"].as_array().expect("rows").clone();
    rows.into_iter().find(|row| row["id"] == id).expect("it is listed")
}

#[tokio::test]
async fn what_a_newer_version_wrote_is_left_to_it() {
    let world = World::new().await;
    let service = world.start().await;
    let path = service.create(&everything()).await;
    records_are(&service, "ok").await;
    assert_eq!(sql(&world, NEWER).await, 1);
    let before = text(&world, ROW).await;
    recovery_looks(&world, &service).await;
    recovery_looks(&world, &service).await;
    assert_eq!(text(&world, ROW).await, before, "nobody touched it");
    records_are(&service, "some are of a newer version").await;
    metric_is_one(&service, "newer_records").await;

    // Every door: nothing is done, and it is said why.
    service.post(&format!("{path}/order"), &json!({})).await.expect(503);
    service.get(&path).await.expect(503);
    let reason = json!({"reason": "why not"});
    for action in ["restart", "cancel", "pause"] {
        let door = format!("{}/{action}", of_operators(&path));
        let acted = service.operate(Method::POST, &door, OPERATOR, Some(&reason)).await.expect(409);
        assert_eq!(acted.body["guard"], "unreadable", "{}", acted.text);
    }
    let shown = service.operate(Method::GET, &of_operators(&path), READER, None).await.expect(200);
    assert!(shown.body["unreadable"].is_string(), "{}", shown.text);
    assert!(listed(&service, &path).await["unreadable"].is_string());
    assert_eq!(text(&world, ROW).await, before, "nobody touched it");

    // A process of its version takes it: here this one, once the row is of this version.
    let ours = "update checkout set record_version = record_version - 1, record = (record::jsonb #- '{facts,tenders}')::json
        where record_version > (select min(record_version) from checkout)";
    assert_eq!(sql(&world, ours).await, 1);
    service.wait_until(&path, "going on", |snapshot| snapshot["status"] == "awaiting_input").await;
    records_are(&service, "ok").await;
    service.stop().await;
    world.abandon(CHANGED).await;
}

#[tokio::test]
async fn what_cannot_be_read_is_claimed_once_and_shown() {
    let world = World::new().await;
    let service = world.start().await;
    let path = service.create(&everything()).await;
    assert_eq!(sql(&world, UNKNOWN).await, 1);
    records_are(&service, "some cannot be read").await;
    let before = text(&world, ROW).await;
    assert!(before.contains("tenders"), "nothing was dropped: {before}");
    recovery_looks(&world, &service).await;
    recovery_looks(&world, &service).await;
    assert_eq!(text(&world, ROW).await, before, "it is not claimed again and again");
    let shown = listed(&service, &path).await;
    let why = shown["unreadable"].as_str().expect("why");
    assert!(why.contains("unknown field facts.tenders") && !why.contains("5.00"), "{why}");
    metric_is_one(&service, "unreadable_records").await;
    assert_eq!(service.get(&path).await.expect(409).problem(), "checkout-stuck");

    // A person mends it, and it goes on.
    let mended =
        "update checkout set unreadable_for = null, record = (record::jsonb #- '{facts,tenders}')::json
        where unreadable_for is not null";
    assert_eq!(sql(&world, mended).await, 1);
    service.wait_until(&path, "going on", |snapshot| snapshot["status"] == "awaiting_input").await;
    service.stop().await;
    world.abandon(CHANGED).await;
}

#[tokio::test]
async fn what_an_older_version_wrote_is_taken_over_and_written_as_ours() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        let version = "select record_version::text from checkout";
        let own = text(world, version).await;
        let older = "update checkout set record_version = record_version - 1,
            record = jsonb_set(record::jsonb, '{facts,no_longer_kept}', 'true')::json";
        assert_eq!(sql(world, older).await, 1);
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        assert_eq!(text(world, version).await, own);
    })
    .await;
}
