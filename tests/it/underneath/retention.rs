//! What only protects for a time is forgotten after it, by the janitor of a running service; and what is forgotten never
//! lets anything happen twice.

use reqwest::Method;
use serde_json::json;

use super::{sql, text};
use crate::harness::{Answer, PATIENCE, Service, World, agreed, everything, good_card, logs};
use crate::signals::page::Page;

const TABLES: [&str; 3] = ["idempotency_key", "checkout_token", "webhook_event"];

/// So many days pass, for everything that is there.
async fn pass(world: &World, days: u32) {
    let by = format!("interval '{days} days'");
    sql(
        world,
        &format!("update checkout set created_at = created_at - {by}, updated_at = updated_at - {by}"),
    )
    .await;
    for (table, column) in TABLES.into_iter().zip(["created_at", "created_at", "received_at"]) {
        sql(world, &format!("update {table} set {column} = {column} - {by}")).await;
    }
}

/// Waits until a query answers so.
async fn wait_for(world: &World, query: &str, wanted: &str) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
    loop {
        looks.tick().await;
        let found = text(world, query).await;
        if found == wanted {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{query}: {found} and not {wanted}");
    }
}

/// A row of long ago that the janitor forgets last: once it is gone, everything else was looked at.
async fn mark(world: &World) {
    sql(
        world,
        "insert into webhook_event (store, scope, hash, body, received_at)
         values ('default', 'a/mark', 'a mark', '{}', now() - interval '99 days')",
    )
    .await;
}

const MARKED: &str = "select count(*)::text from webhook_event where scope = 'a/mark'";
const KEYS: &str = "select coalesce(string_agg(key, ' ' order by key), '') from idempotency_key";

async fn by_token(service: &Service, path: &str, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    service.call(Method::GET, path, &[("authorization", &bearer)], None).await
}

#[tokio::test]
async fn a_key_that_is_forgotten_lets_nothing_happen_twice() {
    let world = World::new().await;
    let service = world.start().await;
    let created = service.post_with("/v1/checkouts", "create", &everything()).await.expect(201);
    let path = format!("/v1/checkouts/{}", created.id());
    let pay = agreed(json!({"payment": good_card()}));
    service.post_with(&format!("{path}/complete"), "complete", &pay).await.expect(200);
    // One that has not ended keeps what protects it, however long it takes.
    let open = service.post_with("/v1/checkouts", "open-create", &everything()).await.expect(201);
    let open_path = format!("/v1/checkouts/{}", open.id());
    service.post_with(&format!("{open_path}/order"), "open-order", &agreed(json!({}))).await.expect(200);
    service.stop().await;

    // Six days after its end nothing is forgotten.
    pass(&world, 6).await;
    mark(&world).await;
    let service = world.start().await;
    wait_for(&world, MARKED, "0").await;
    assert_eq!(text(&world, KEYS).await, "complete create open-create open-order");
    let replayed = service.post_with(&format!("{path}/complete"), "complete", &pay).await.expect(200);
    assert_eq!(replayed.header("idempotent-replayed"), Some("true"));
    service.stop().await;

    pass(&world, 2).await;
    let service = world.start().await;
    wait_for(&world, KEYS, "create open-create open-order").await;
    // What is repeated now is refused by the checkout itself, and nothing is sent.
    let charges = world.simulator.ledger().charges.len();
    let again = service.post_with(&format!("{path}/complete"), "complete", &pay).await.expect(409);
    assert_eq!(again.problem(), "checkout-closed");
    // The creation is the same creation forever: a program that begins anew finds the checkout that was paid.
    let again = service.post_with("/v1/checkouts", "create", &everything()).await.expect(201);
    assert_eq!((again.id(), again.header("idempotent-replayed")), (created.id(), Some("true")));
    assert_eq!(again.body["status"], "completed");
    let again = service.post_with(&format!("{open_path}/order"), "open-order", &agreed(json!({}))).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"), "{}", again.text);
    assert_eq!((charges, world.simulator.ledger().charges.len()), (1, 1));
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn the_token_of_a_checkout_is_good_until_long_after_its_end() {
    let mut world = World::new().await;
    world.set("CHECKOUT_TOKEN_RETENTION_DAYS", "5");
    let service = world.start().await;
    let token = |created: &Answer| created.body["checkout_token"].as_str().expect("a token").to_owned();
    let ended = service.post("/v1/checkouts", &everything()).await.expect(201);
    let ended_path = format!("/v1/checkouts/{}", ended.id());
    service.delete(&ended_path).await.expect(200);
    let open = service.post("/v1/checkouts", &everything()).await.expect(201);
    let open_path = format!("/v1/checkouts/{}", open.id());
    service.stop().await;

    pass(&world, 4).await;
    mark(&world).await;
    let service = world.start().await;
    wait_for(&world, MARKED, "0").await;
    by_token(&service, &ended_path, &token(&ended)).await.expect(200);
    service.stop().await;

    pass(&world, 2).await;
    let service = world.start().await;
    wait_for(&world, "select count(*)::text from checkout_token", "1").await;
    by_token(&service, &ended_path, &token(&ended)).await.expect(401);
    by_token(&service, &open_path, &token(&open)).await.expect(200);
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn what_grew_for_a_year_is_forgotten_in_batches_by_several_processes() {
    let mut world = World::new().await;
    // Only the rows of this test are old.
    world.set("RETENTION_DAYS", "0");
    let service = world.start().await;
    let path = service.create(&everything()).await;
    service.delete(&path).await.expect(200);
    let open = service.create(&everything()).await;
    service.stop().await;
    let ended = path.rsplit('/').next().expect("an id");
    let open = open.rsplit('/').next().expect("an id");
    sql(&world, "update checkout set updated_at = now() - interval '400 days'").await;
    for id in [ended, open] {
        sql(
            &world,
            &format!(
                "insert into idempotency_key (checkout_id, principal, key, operation, fingerprint, answer, created_at)
                 select '{id}', 'key:web', '{id}' || n, 'order', '', '\"done\"', now() - interval '399 days'
                 from generate_series(1, 450) n"
            ),
        )
        .await;
        sql(
            &world,
            &format!(
                "insert into checkout_token (checkout_id, token_hash, created_at)
                 select '{id}', ('of ' || n)::bytea, now() - interval '399 days' from generate_series(1, 450) n"
            ),
        )
        .await;
    }
    sql(
        &world,
        "insert into webhook_event (store, scope, hash, body, received_at)
         select 'default', 'store/order/updated', 'old ' || n, '{}'::json, now() - interval '8 days' from generate_series(1, 450) n
         union all
         select 'default', 'store/order/updated', 'young ' || n, '{}'::json, now() - interval '2 days' from generate_series(1, 9) n",
    )
    .await;
    let services = [world.start().await, world.start().await];
    for (table, left) in [("webhook_event", "9"), ("idempotency_key", "452"), ("checkout_token", "452")] {
        wait_for(&world, &format!("select count(*)::text from {table}"), left).await;
    }
    let others = format!(
        "select count(*)::text from idempotency_key where checkout_id = '{ended}' and operation <> 'create'"
    );
    assert_eq!(text(&world, &others).await, "0");
    for service in services {
        service.stop().await;
    }
    sql(&world, "delete from idempotency_key where principal = 'key:web' and operation = 'order'").await;
    world.finish().await;
}

/// An action on an order that ended so many days ago.
async fn old_action(world: &World, order: u32, days: u32, answer: &str) {
    sql(
        world,
        &format!(
            "insert into order_action (order_action_id, store, order_id, kind, principal, key, fingerprint, actor, role,
                 reason, body, seen, status, answer, updated_at)
             values (gen_random_uuid(), 'default', {order}, 'shipment', 'olga', '{order}', '', 'olga', 'act', 'for Jane',
                 '{{}}', '[]', 'done', '{answer}', now() - interval '{days} days')"
        ),
    )
    .await;
}

#[tokio::test]
async fn a_nul_in_an_answer_costs_no_other_row() {
    let world = World::new().await;
    let service = world.start().await;
    let path = service.create(&everything()).await;
    service.delete(&path).await.expect(200);
    service.stop().await;
    old_action(&world, 501, 200, r#"{"body":{"id":7,"comment":"a\u0000b, for Jane"}}"#).await;
    old_action(&world, 502, 200, r#"{"body":{"id":8,"comment":"for Jane"}}"#).await;
    pass(&world, 200).await;
    let service = world.start().await;
    let left = "select string_agg(concat(reason, body, answer), ' ' order by order_id) from order_action";
    wait_for(&world, left, r#"{"body":{"id":7}} {"body":{"id":8}}"#).await;
    wait_for(&world, "select count(*)::text from checkout where redacted_at is not null", "1").await;
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn a_part_of_the_janitor_that_fails_costs_only_itself_and_is_noticed() {
    let mut world = World::new().await;
    world.set("RETENTION_DAYS", "30");
    let service = world.start().await;
    let path = service.create(&everything()).await;
    service.delete(&path).await.expect(200);
    service.stop().await;
    pass(&world, 40).await;
    mark(&world).await;
    sql(
        &world,
        "create function refuse() returns trigger language plpgsql as $$ begin raise 'not for %', 'Jane Doe'; end $$",
    )
    .await;
    sql(&world, "create trigger refuse before insert on redaction for each row execute function refuse()")
        .await;
    let service = world.start().await;
    wait_for(&world, MARKED, "0").await;
    assert_eq!(text(&world, "select count(*)::text from redaction").await, "0");
    assert!(logs::contain("personal data of checkouts") && logs::contain("SQLSTATE P0001"));
    assert!(!logs::contain("not for Jane Doe"));
    let page = Page::of(&service).await;
    let overdue = page.sum("personal_data_overdue_seconds", &[]);
    assert!((overdue / 86_400.0 - 10.0).abs() < 0.1, "{overdue}");
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn what_operators_asked_for_goes_long_after_its_end() {
    let world = World::new().await;
    let service = world.start().await;
    let path = service.create(&everything()).await;
    service.delete(&path).await.expect(200);
    service.stop().await;
    let id = path.rsplit('/').next().expect("an id");
    for (order, days) in [(601, 366), (602, 364)] {
        old_action(&world, order, days, r#"{"body":{"id":7}}"#).await;
    }
    for (bulk, days) in [(1, 366), (2, 364)] {
        let bulk = format!("00000000-0000-7000-8000-00000000000{bulk}");
        sql(
            &world,
            &format!(
                "insert into bulk (bulk_id, action, filter, reason, actor, role, total, created_at)
                 values ('{bulk}', 'pause', '{{}}', 'a test', 'olga', 'act', 1, now() - interval '{days} days')"
            ),
        )
        .await;
        let item = format!(
            "insert into bulk_item (bulk_id, checkout_id, outcome) values ('{bulk}', '{id}', 'done')"
        );
        sql(&world, &item).await;
    }
    mark(&world).await;
    let service = world.start().await;
    wait_for(&world, MARKED, "0").await;
    assert_eq!(text(&world, "select string_agg(order_id::text, ' ') from order_action").await, "602");
    let bulks = "select string_agg(right(bulk_id::text, 1), ' ' order by bulk_id) from bulk join bulk_item using (bulk_id)";
    assert_eq!(text(&world, bulks).await, "2");
    service.stop().await;
    world.finish().await;
}
