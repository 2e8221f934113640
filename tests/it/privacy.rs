//! Personal data: how long it is kept, and what is left when it is gone.

use serde_json::{Value, json};

use crate::harness::{
    PATIENCE, Receiver, Service, World, address, agreed, custom_cart, everything, good_card, run,
};

/// Texts that only one person's checkout holds; all of them must be gone.
const CANARIES: &[&str] = &[
    "canary.first",
    "canary.last",
    "canary.company",
    "canary.street",
    "canary.city",
    "+49 30 5550199",
    "canary.zip",
    "canary.message",
    "canary.note",
    "canary.engraving",
    "Canary.Mail@example.com",
    "canary.mail@example.com",
    "canary.gift@example.com",
    "canary.wish",
];
const EMAIL: &str = "Canary.Mail@example.com";

fn canary_address() -> Value {
    json!({
        "first_name": "canary.first", "last_name": "canary.last", "company": "canary.company", "email": EMAIL,
        "address1": "canary.street", "address2": "", "city": "canary.city", "state_or_province": "Texas",
        "state_or_province_code": "TX", "country_code": "US", "postal_code": "canary.zip", "phone": "+49 30 5550199"
    })
}

fn canary_checkout() -> Value {
    let mut body = custom_cart();
    body["custom_items"][0]["name"] = json!("for canary.engraving");
    body["gift_certificates"] = json!([{
        "name": "for canary.first", "theme": "Birthday", "amount": 5, "quantity": 1, "message": "canary.wish",
        "sender": {"name": "canary.last", "email": EMAIL},
        "recipient": {"name": "canary.first", "email": "canary.gift@example.com"}
    }]);
    body["billing_address"] = canary_address();
    body["consignments"] = json!([{"address": canary_address()}]);
    body["shipping_preference"] = json!("cheapest");
    body["customer_message"] = json!("canary.message");
    body["metadata"] = json!({"note": "canary.note"});
    body
}

async fn completed(service: &Service, body: &Value) -> String {
    let path = service.create(body).await;
    service.post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()}))).await.expect(200);
    path
}

fn found(rows: &str) -> Vec<&'static str> {
    CANARIES.iter().copied().filter(|canary| rows.contains(canary)).collect()
}

async fn age(world: &World, days: i32) {
    sqlx::query(
        "update checkout set created_at = created_at - make_interval(days => $1),
             updated_at = updated_at - make_interval(days => $1)",
    )
    .bind(days)
    .execute(&world.database.pool)
    .await
    .expect("time passes");
}

async fn redacted(world: &World) -> i64 {
    sqlx::query_scalar("select count(*) from checkout where redacted_at is not null")
        .fetch_one(&world.database.pool)
        .await
        .expect("a count")
}

async fn wait_until_redacted(world: &World, wanted: i64) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
    loop {
        looks.tick().await;
        let count = redacted(world).await;
        if count == wanted {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "{count} of {wanted} are redacted");
    }
}

/// What must be the same before and after.
fn ledger(snapshot: &Value) -> Value {
    let mut payment = snapshot["payment"].clone();
    payment["instrument"]["last_4"] = Value::Null;
    json!([
        snapshot["id"],
        snapshot["status"],
        snapshot["totals"],
        snapshot["order"],
        payment,
        snapshot["steps"],
        snapshot["created_at"],
        snapshot["cart"]["id"],
        snapshot["cart"]["currency"],
        snapshot["cart"]["line_items"]["custom_items"][0]["list_price"],
        snapshot["cart"]["line_items"]["custom_items"][0]["quantity"],
        snapshot["consignments"][0]["id"],
    ])
}

#[tokio::test]
async fn personal_data_of_ended_checkouts_goes_after_its_time_and_the_money_stays() {
    let mut world = World::new().await;
    world.set("RETENTION_DAYS", "30");
    // Events must not hold what is removed either.
    let receiver = Receiver::start().await;
    world.set("EVENT_DESTINATIONS", &receiver.entry("shop"));
    let service = world.start().await;
    let created = service.post_with("/v1/checkouts", "create", &canary_checkout()).await.expect(201);
    let path = format!("/v1/checkouts/{}", created.id());
    // Refusals that quote what they refuse are kept with their key.
    let refused =
        service.post_with(&format!("{path}/coupons"), "coupon", &json!({"coupon_code": "canary.note"})).await;
    assert_eq!(refused.status.as_u16(), 422, "{}", refused.text);
    let pay = agreed(json!({"payment": good_card()}));
    service.post_with(&format!("{path}/complete"), "complete", &pay).await.expect(200);
    let cancelled = service.create(&canary_checkout()).await;
    service.delete(&cancelled).await.expect(200);
    receiver.wait_for("checkout.completed").await;
    let rows = world.every_row().await;
    let missing: Vec<_> = CANARIES
        .iter()
        .filter(|canary| !rows.contains(**canary) && **canary != "canary.mail@example.com")
        .collect();
    assert!(missing.is_empty(), "the search looks at the right rows, and would find {missing:?}");
    service.stop().await;

    // 29 days after their end they are as they were.
    age(&world, 29).await;
    let service = world.start().await;
    let before = service.get(&path).await.expect(200);
    let young = service.create(&everything()).await;
    service.stop().await;
    assert_eq!(redacted(&world).await, 0);

    age(&world, 2).await;
    let service = world.start().await;
    wait_until_redacted(&world, 2).await;
    let rows = world.every_row().await;
    assert_eq!(found(&rows), Vec::<&str>::new());
    let after = service.get(&path).await.expect(200);
    let ages = |mut snapshot: Value| {
        // The test made it older.
        snapshot["created_at"] = Value::Null;
        ledger(&snapshot)
    };
    assert_eq!(ages(after.body.clone()), ages(before.body.clone()));
    assert_eq!(after.body["totals"].to_string(), before.body["totals"].to_string(), "digit by digit");
    assert_eq!((&after.body["billing_address"], &after.body["metadata"]), (&Value::Null, &json!({})));
    assert_eq!(after.body["payment"]["instrument"]["last_4"], Value::Null);
    // Whoever asks again with the same key hears the same.
    let replayed = service.post_with(&format!("{path}/complete"), "complete", &pay).await.expect(200);
    assert_eq!(replayed.header("idempotent-replayed"), Some("true"));
    let replayed =
        service.post_with(&format!("{path}/coupons"), "coupon", &json!({"coupon_code": "canary.note"})).await;
    assert_eq!(replayed.problem(), refused.problem());
    // The one that has not ended is as it was.
    let young = service.get(&young).await.expect(200);
    assert_eq!(young.body["billing_address"]["email"], "jane@example.com");
    let causes: Vec<(String, Option<String>)> = sqlx::query_as("select cause, reason from redaction")
        .fetch_all(&world.database.pool)
        .await
        .expect("the redactions");
    assert_eq!(causes, vec![("retention".to_owned(), None); 2]);
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn a_direct_order_keeps_its_amount_and_nobody_s_address() {
    run(async |world, service| {
        let body = json!({
            "billing_address": {
                "first_name": "canary.first", "last_name": "canary.last", "street_1": "canary.street", "city": "canary.city",
                "state": "Texas", "zip": "canary.zip", "country": "United States", "country_iso2": "US", "email": EMAIL,
            },
            "products": [{"name": "canary.engraving", "quantity": 1, "price_inc_tax": 50, "price_ex_tax": 45}],
        });
        let created = service.post("/v1/direct-orders", &body).await.expect(201);
        let path = format!("/v1/checkouts/{}", created.id());
        service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        let before = service.get(&path).await.expect(200);
        // Nothing is looked for in columns alone: a direct order has its address in its body.
        let erase = ["privacy", "erase", "--email", &EMAIL.to_uppercase(), "--reason", "request 7"];
        world.run(&erase, "").await.expect(0);
        assert_eq!(found(&world.every_row().await), Vec::<&str>::new());
        let after = service.get(&path).await.expect(200);
        assert_eq!(after.body["totals"].to_string(), before.body["totals"].to_string());
        assert_eq!(
            (&after.body["order"], &after.body["payment"]["amount"]),
            (&before.body["order"], &before.body["payment"]["amount"])
        );
    })
    .await;
}

#[tokio::test]
async fn a_person_is_forgotten_on_request_but_for_checkouts_that_still_run() {
    run(async |world, service| {
        let done = completed(service, &canary_checkout()).await;
        let before = service.get(&done).await.expect(200);
        let running = service.create(&canary_checkout()).await;
        let stranger = completed(service, &everything()).await;
        let id = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();

        let erase = |email: &'static str, more: &[&'static str]| {
            let mut arguments =
                vec!["privacy", "erase", "--email", email, "--reason", "request 7", "-o", "json"];
            arguments.extend_from_slice(more);
            arguments
        };
        // Only to look. The address comes from standard input, in another case.
        let dry = world.run(&erase("-", &["--dry-run"]), "canary.MAIL@example.com\n").await.expect(5);
        let outcomes = |said: Vec<Value>| -> Vec<(String, String)> {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            said.iter().map(|row| (text(&row["checkout_id"]), text(&row["outcome"]))).collect()
        };
        let expected =
            [(id(&done), "erased".to_owned()), (id(&running), "refused-still-running".to_owned())].to_vec();
        assert_eq!(outcomes(dry.json()), expected);
        assert!(dry.err.contains("dry run") && dry.err.contains("still running"), "{}", dry.err);
        assert_eq!(redacted(world).await, 0);

        let partly = world.run(&erase(EMAIL, &[]), "").await.expect(5);
        assert_eq!(outcomes(partly.json()), expected);
        let after = service.get(&done).await.expect(200);
        assert_eq!(ledger(&after.body), ledger(&before.body));
        assert_eq!(after.body["billing_address"], Value::Null);
        let running_snapshot = service.get(&running).await.expect(200);
        assert_eq!(running_snapshot.body["billing_address"]["email"], EMAIL, "what runs is not touched");

        // Alone it is refused; once it has ended it is erased.
        world.run(&erase(EMAIL, &[]), "").await.expect(4);
        service.delete(&running).await.expect(200);
        world.run(&erase(EMAIL, &[]), "").await.expect(0);
        assert_eq!(found(&world.every_row().await), Vec::<&str>::new());
        world.run(&erase(EMAIL, &[]), "").await.expect(3);
        let other = service.get(&stranger).await.expect(200);
        assert_eq!(other.body["billing_address"]["email"], address()["email"], "others keep theirs");
        let reasons: Vec<(String, Option<String>)> = sqlx::query_as("select cause, reason from redaction")
            .fetch_all(&world.database.pool)
            .await
            .expect("the redactions");
        assert_eq!(reasons, vec![("request".to_owned(), Some("request 7".to_owned())); 2]);
    })
    .await;
}

#[tokio::test]
async fn an_erasure_needs_an_address_and_a_reason_that_names_nobody() {
    run(async |world, service| {
        completed(service, &canary_checkout()).await;
        for (email, reason) in [
            ("", "r"),
            ("example.com", "r"),
            ("@example.com", "r"),
            (EMAIL, " "),
            (EMAIL, "for canary.mail@example.com"),
        ] {
            world.run(&["privacy", "erase", "--email", email, "--reason", reason], "").await.expect(2);
        }
        // A part of an address is another address.
        world.run(&["privacy", "erase", "--email", "Mail@example.com", "--reason", "r"], "").await.expect(3);
        world.run(&["privacy", "erase", "--email", "%@example.com", "--reason", "r"], "").await.expect(3);
        assert_eq!(redacted(world).await, 0);
    })
    .await;
}

#[tokio::test]
async fn many_old_checkouts_are_redacted_in_batches_by_several_processes() {
    let world = World::new().await;
    let service = world.start().await;
    let path = service.create(&canary_checkout()).await;
    service.delete(&path).await.expect(200);
    service.stop().await;
    sqlx::query(
        "with old as (
             insert into checkout (checkout_id, store, flow, status, version, fence, record, created_at, updated_at, expires_at)
             select gen_random_uuid(), store, flow, status, version, fence, record, now() - interval '91 days',
                 now() - interval '91 days', expires_at
             from checkout, generate_series(1, 450)
             returning checkout_id
         )
         insert into checkout_content (checkout_id, store, cart_id, email, released, metadata, input, document)
         select old.checkout_id, store, cart_id, email, released, metadata, input, document from old, checkout_content",
    )
    .execute(&world.database.pool)
    .await
    .expect("old checkouts");
    let services = [world.start().await, world.start().await];
    wait_until_redacted(&world, 450).await;
    let twice: i64 = sqlx::query_scalar(
        "select count(*) from (select checkout_id from redaction group by 1 having count(*) > 1) t",
    )
    .fetch_one(&world.database.pool)
    .await
    .expect("a count");
    assert_eq!(twice, 0);
    for service in services {
        service.stop().await;
    }
    // They have no log, so they cannot be replayed.
    for sql in ["delete from redaction", "delete from checkout where redacted_at is not null"] {
        sqlx::query(sql).execute(&world.database.pool).await.expect("they are removed");
    }
    world.finish().await;
}

#[tokio::test]
async fn personal_data_is_kept_for_ever_when_that_is_said() {
    let mut world = World::new().await;
    let service = world.start().await;
    completed(&service, &canary_checkout()).await;
    service.stop().await;
    age(&world, 4000).await;
    world.set("RETENTION_DAYS", "0");
    let receiver = Receiver::start().await;
    world.set("EVENT_DESTINATIONS", &receiver.entry("shop"));
    let service = world.start().await;
    // The janitor had its look by the time that something else was done.
    completed(&service, &everything()).await;
    receiver.wait_for("checkout.completed").await;
    assert_eq!(redacted(&world).await, 0);
    service.stop().await;
    world.finish().await;
}
