//! A deployment migrates first: the processes of the version before go on working on the newer schema until they are replaced.

use reqwest::Method;
use serde_json::json;

use super::{sql, text};
use crate::harness::{OPERATOR, READER, Receiver, Service, World, agreed, everything, good_card};

/// What a newer version may do to a schema that the version before still uses: it only adds. A column in every table changes what
/// `select *` answers, which PostgreSQL refuses for statements that were prepared before.
const EXPAND: &str = "do $$
declare name text;
begin
    for name in select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'public' and c.relkind = 'r' and c.relname <> '_sqlx_migrations'
    loop
        execute format('alter table %I add column added_later text not null default %L', name, 'later');
    end loop;
    create table added_later (checkout_id uuid primary key);
    create index added_later_index on checkout (added_later);
    insert into _sqlx_migrations (version, description, success, checksum, execution_time)
        values (99991231000000, 'added later', true, '', 0);
end
$$";

#[tokio::test]
async fn a_process_is_ready_and_works_on_the_schema_of_the_next_version() {
    let receiver = Receiver::start().await;
    let mut world = World::new().await;
    world.set("EVENT_DESTINATIONS", &receiver.entry("shop"));
    let service = world.start().await;
    // Every kind of statement was prepared once; one checkout is half-way.
    let pay = agreed(json!({"payment": good_card()}));
    let first = service.create(&everything()).await;
    service.post(&format!("{first}/complete"), &pay).await.expect(200);
    let half = service.create(&everything()).await;
    service.post(&format!("{half}/order"), &json!({})).await.expect(200);
    operate(&service, &half).await;
    assert_eq!(service.get("/readyz").await.expect(200).body["checks"]["migrations"], "ok");

    sql(&world, EXPAND).await;
    let ready = service.get("/readyz").await.expect(200);
    assert_eq!(
        (&ready.body["status"], &ready.body["checks"]["migrations"]),
        (&json!("ready"), &json!("newer schema"))
    );
    operate(&service, &half).await;
    let done = service.post(&format!("{half}/complete"), &pay).await.expect(200);
    assert_eq!(done.body["status"], "completed");
    let another = service.create(&everything()).await;
    service.post(&format!("{another}/complete"), &pay).await.expect(200);
    service.delete(&service.create(&everything()).await).await.expect(200);
    receiver
        .wait_until("all of them", |events| {
            events.iter().filter(|event| event.taken && event.kind() == "checkout.completed").count() == 3
        })
        .await;
    assert_eq!(text(&world, "select count(*)::text from checkout where added_later = 'later'").await, "4");
    service.stop().await;

    // The version before is started again, which a rollback does.
    let said = world.run(&["migrate"], "").await.expect(0);
    assert!(said.out.contains("newer version") && said.out.contains("99991231000000"), "{said:?}");
    let service = world.start().await;
    let path = service.create(&everything()).await;
    service.post(&format!("{path}/complete"), &pay).await.expect(200);
    service.stop().await;
    world.finish().await;
}

/// What operators read and do, of every table that they see.
async fn operate(service: &Service, path: &str) {
    let id = path.rsplit('/').next().expect("an id");
    let reason = json!({"reason": "a test"});
    for action in ["pause", "resume"] {
        let door = format!("/ops/v1/checkouts/{id}/{action}");
        service.operate(Method::POST, &door, OPERATOR, Some(&reason)).await.expect(200);
    }
    for read in ["summary", "checkouts", "audit", "audit?limit=1", "audit/verify", "order-actions"] {
        service.operate(Method::GET, &format!("/ops/v1/{read}"), READER, None).await.expect(200);
    }
    for read in ["", "/why"] {
        service
            .operate(Method::GET, &format!("/ops/v1/checkouts/{id}{read}"), READER, None)
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn migrations_that_are_nobodys_are_refused() {
    let world = World::new().await;
    let strange = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
        values (20200101000000, 'of another program', true, '', 0)";
    sql(&world, strange).await;
    let service = world.start().await;
    let said = service.get("/readyz").await.expect(503);
    assert_eq!(said.body["checks"]["migrations"], "has migrations that are not part of this version");
    service.stop().await;
    let refused = world.run(&["migrate"], "").await.expect(1);
    assert!(refused.err.contains("20200101000000"), "{refused:?}");
    world.finish().await;
}
