//! A checkout whose record cannot be read: it is shown by every door, and a person may give it up.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::{sql, text};
use crate::dashboard::Visitor;
use crate::harness::{
    ACTOR, Answer, OPERATOR, PATIENCE, READER, Service, World, agreed, everything, good_card, run,
};

/// A field that nobody knows.
const UNKNOWN: &str = r#"update checkout set
    record = jsonb_set(record::jsonb, '{facts,tenders}', '[{"amount": 5.00}]')::json"#;

/// No document at all.
const BROKEN: &str = "update checkout set record = '[]'";

/// What the shopper gave, spoilt.
const INPUT: &str = r#"update checkout_content set input = '{"consignments": 5}', metadata = '[]'"#;

/// As a newer version leaves it.
const NEWER: &str = "update checkout set record_version = record_version + 1";

async fn ask(service: &Service, path: &str, action: &str, token: &str, leaves: &Value) -> Answer {
    let mut body = json!({"reason": "a test"});
    if !leaves.is_null() {
        body["leaves"] = leaves.clone();
    }
    service.operate(Method::POST, &format!("/ops{path}/{action}"), token, Some(&body)).await
}

/// Asks until what was on its way has had the time to show.
async fn close(service: &Service, path: &str, leaves: &Value) -> Answer {
    close_or_try(service, path, leaves, false).await
}

async fn close_or_try(service: &Service, path: &str, leaves: &Value, dry_run: bool) -> Answer {
    let (door, body) =
        (format!("/ops{path}/close"), json!({"reason": "a test", "dry_run": dry_run, "leaves": leaves}));
    let mut looks = tokio::time::interval(Duration::from_millis(100));
    let closed = async {
        loop {
            looks.tick().await;
            let answer = service.operate(Method::POST, &door, OPERATOR, Some(&body)).await;
            if answer.body["guard"] != "settling" {
                return answer;
            }
        }
    };
    tokio::time::timeout(PATIENCE, closed).await.expect("it settles")
}

async fn look(service: &Service, path: &str, what: &str) -> Value {
    service.operate(Method::GET, &format!("/ops{path}{what}"), READER, None).await.expect(200).body
}

/// Why the invariants do not hold.
const CHANGED: &str = "the log does not tell how a changed row came to be as it is";

#[tokio::test]
async fn whatever_is_wrong_with_it_every_door_shows_it_and_a_person_may_close_it() {
    for spoil in [UNKNOWN, BROKEN, INPUT, NEWER] {
        let world = World::new().await;
        let service = world.start().await;
        let path = service.create(&everything()).await;
        let snapshot = service.post(&format!("{path}/order"), &json!({})).await.expect(200).body;
        let (cart, order) = (snapshot["cart"]["id"].clone(), snapshot["order"]["id"].clone());
        assert_eq!(sql(&world, spoil).await, 1);

        let storefront = service.get(&path).await;
        // What a newer version wrote is for a process of that version, which may come.
        let slug = if spoil == NEWER { "service-unavailable" } else { "checkout-stuck" };
        assert_eq!(storefront.problem(), slug, "{spoil}: {}", storefront.text);
        assert_eq!(storefront.body["safe_to_pay_again"], false, "{}", storefront.text);
        let shown = look(&service, &path, "").await;
        assert_eq!((&shown["cart_id"], &shown["order_ids"]), (&cart, &json!([order])), "{shown}");
        assert!(shown["unreadable"].is_string() && shown["timeline"]["attempts"].is_array(), "{shown}");
        let why = look(&service, &path, "/why").await;
        let known = why["known"].to_string();
        assert!(known.contains(&order.to_string()) && known.contains(cart.as_str().expect("an id")), "{why}");
        assert_eq!(
            (&why["actions"][0]["action"], &why["actions"][0]["role"]),
            (&json!("close"), &json!("money"))
        );
        let mut visitor = Visitor::with(&service, READER).await;
        let page = visitor.get(&format!("/ops{}", path.trim_start_matches("/v1"))).await.expect(200).text;
        assert!(page.contains("Its record cannot be read"), "{page}");
        let list = visitor.get("/ops/checkouts").await.expect(200).text;
        assert!(list.contains("unreadable") || spoil != NEWER, "{spoil}: {list}");

        for action in ["restart", "pause", "cancel", "resume"] {
            let refused = ask(&service, &path, action, OPERATOR, &Value::Null).await.expect(409);
            assert_eq!(refused.body["guard"], "unreadable", "{}", refused.text);
        }
        let refused = ask(&service, &path, "close", ACTOR, &Value::Null).await.expect(403);
        assert_eq!(refused.body["needs"], "money", "{}", refused.text);
        for named in [Value::Null, json!([cart]), json!([order.to_string()]), json!(["no-such-thing"])] {
            let refused = close(&service, &path, &named).await.expect(409);
            assert_eq!(refused.problem(), "contradicted-by-bigcommerce", "{named}: {}", refused.text);
            let evidence = refused.body["evidence"].to_string();
            assert_eq!(
                evidence.contains("cart "),
                !named.to_string().contains(cart.as_str().expect("an id"))
            );
            assert_eq!(evidence.contains("order "), named != json!([order.to_string()]), "{evidence}");
        }
        let before = text(&world, "select concat_ws(' ', version, status, record) from checkout").await;
        let named = json!([cart, order.to_string()]);
        close_or_try(&service, &path, &named, true).await.expect(200);
        assert_eq!(
            text(&world, "select concat_ws(' ', version, status, record) from checkout").await,
            before
        );
        let closed = close(&service, &path, &named).await.expect(200);
        assert_eq!(closed.body["status_after"], "cancelled", "{}", closed.text);

        let after = service.get(&path).await.expect(200).body;
        assert_eq!(after["status"], "cancelled", "{after}");
        let audit = look(&service, &path, "").await["actions"].clone();
        assert_eq!((&audit[0]["action"], &audit[0]["result"]), (&json!("close"), &json!("done")), "{audit}");
        assert_eq!((&audit[0]["actor"], &audit[0]["order_id"]), (&json!("olga"), &order), "{audit}");
        let ledger = world.simulator.ledger();
        assert_eq!(
            (ledger.orders[0].status_id, &*ledger.carts[0].state),
            (0, "live"),
            "nothing is touched there"
        );
        service.stop().await;
        world.abandon(CHANGED).await;
    }
}

#[tokio::test]
async fn with_nothing_of_it_at_bigcommerce_it_is_closed_without_a_word() {
    let world = World::new().await;
    let service = world.start().await;
    let path = service.create(&everything()).await;
    let cart = service.get(&path).await.body["cart"]["id"].clone();
    assert_eq!(sql(&world, UNKNOWN).await, 1);
    let gone = format!("/v3/carts/{}", cart.as_str().expect("an id"));
    crate::operators::upstream(&world, Method::DELETE, &gone, "the-merchant", &json!({})).await;
    let closed = close(&service, &path, &Value::Null).await.expect(200);
    assert_eq!(closed.body["status_after"], "cancelled", "{}", closed.text);
    service.stop().await;
    world.abandon(CHANGED).await;
}

/// A paid one is paid: there is nothing to be given up.
#[tokio::test]
async fn neither_what_can_be_read_nor_what_has_ended_is_closed() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        let refused = ask(service, &path, "close", OPERATOR, &Value::Null).await.expect(409);
        assert_eq!(refused.body["guard"], "readable", "{}", refused.text);
        let paid = agreed(json!({"payment": good_card()}));
        service.post(&format!("{path}/complete"), &paid).await.expect(200);
        let refused = ask(service, &path, "close", OPERATOR, &Value::Null).await.expect(409);
        assert_eq!(refused.body["guard"], "readable", "{}", refused.text);
        assert_eq!(sql(world, UNKNOWN).await, 1);
        let refused = ask(service, &path, "close", OPERATOR, &Value::Null).await.expect(409);
        assert_eq!(refused.body["guard"], "ended", "{}", refused.text);
    })
    .await;
}

#[tokio::test]
async fn the_command_line_shows_it_and_closes_it() {
    let world = World::new().await;
    let service = world.start().await;
    let path = service.create(&everything()).await;
    let id = path.rsplit('/').next().expect("an id").to_owned();
    let cart = service.get(&path).await.body["cart"]["id"].as_str().expect("an id").to_owned();
    assert_eq!(sql(&world, UNKNOWN).await, 1);
    let shown = world.run(&["checkouts", "show", &id], "").await.expect(0);
    assert!(shown.out.contains("unreadable") && shown.out.contains(&cart), "{}", shown.out);
    let why = world.run(&["checkouts", "why", &id], "").await.expect(0);
    assert!(why.out.contains("Its record cannot be read") && why.out.contains("close"), "{}", why.out);
    let why = world.run(&["checkouts", "why", &id, "-o", "json"], "").await.expect(0);
    let why: Value = serde_json::from_str(&why.out).expect("it is JSON");
    assert_eq!(why["checkout_id"], *id, "{why}");
    world.run(&["checkouts", "list"], "").await.expect(0);
    // What was on its way settles first.
    close_or_try(&service, &path, &json!([cart]), true).await.expect(200);
    let act = ["checkouts", "close", &id, "--direct", "--reason", "a test"];
    world.run(&act, "").await.expect(4);
    let named = [&act[..], &["--leaves", &cart]].concat();
    let closed = world.run(&named, "").await.expect(0);
    assert!(closed.out.contains("cancelled"), "{}", closed.out);
    service.stop().await;
    world.abandon(CHANGED).await;
}
