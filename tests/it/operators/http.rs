//! The operators' doors over HTTP: what they take, what they answer, who may.

use bigcommerce_simulator::Fault;
use reqwest::Method;
use serde_json::{Value, json};

use super::{act, case, id, ordered, stuck, until, world};
use crate::harness::{ACTOR, Answer, OPERATOR, READER, Service, custom_cart, everything, good_card};

async fn get(service: &Service, path: &str) -> Answer {
    service.operate(Method::GET, &format!("/ops/v1/{path}"), READER, None).await
}

async fn post(service: &Service, path: &str, token: &str, body: &Value) -> Answer {
    service.operate(Method::POST, &format!("/ops/v1/{path}"), token, Some(body)).await
}

fn ids(page: &Answer) -> Vec<String> {
    let data = page.body["data"].as_array().expect("rows");
    data.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect()
}

/// Where a refused request is wrong.
fn pointers(answer: &Answer) -> Vec<&str> {
    assert_eq!(answer.problem(), "invalid-input", "{}", answer.text);
    let errors = answer.body["errors"].as_array().expect("errors");
    errors.iter().map(|error| error["pointer"].as_str().expect("a pointer")).collect()
}

#[tokio::test]
async fn every_filter_of_the_list_finds_what_it_says() {
    let world = world().await;
    let service = world.start().await;
    let cart = service.create(&custom_cart()).await;
    let full = ordered(&service).await;
    let paid = service.create(&everything()).await;
    service.post(&format!("{paid}/complete"), &json!({"payment": good_card()})).await.expect(200);
    act(&service, &cart, &headless_checkout::ops::Action::Pause).await.expect("a pause");
    let known = service.get(&full).await.expect(200);
    let (order, created) = (&known.body["order"]["id"], known.body["created_at"].as_str().expect("a time"));
    let [cart, full, paid] = [&cart, &full, &paid].map(|path| id(path).to_string());
    for (query, expected) in [
        (String::new(), vec![&paid, &full, &cart]),
        ("?status=&sort=".to_owned(), vec![&paid, &full, &cart]),
        ("?status=completed".to_owned(), vec![&paid]),
        ("?status=expired".to_owned(), vec![]),
        ("?step=payment".to_owned(), vec![&full]),
        ("?reason=paused".to_owned(), vec![&cart]),
        ("?store=default&sort=created_at".to_owned(), vec![&cart, &full, &paid]),
        ("?store=another".to_owned(), vec![]),
        (format!("?order_id={order}"), vec![&full]),
        (format!("?cart_id={}", known.body["cart"]["id"].as_str().expect("a cart")), vec![&full]),
        ("?email=JANE%40example.com&sort=created_at".to_owned(), vec![&full, &paid]),
        (format!("?created_after={created}&sort=-created_at"), vec![&paid, &full]),
        (format!("?updated_before={created}"), vec![]),
        ("?status=stuck&step=billing-address&reason=paused&store=default".to_owned(), vec![&cart]),
    ] {
        let page = get(&service, &format!("checkouts{query}")).await.expect(200);
        let mut found = ids(&page);
        let mut expected: Vec<String> = expected.into_iter().cloned().collect();
        if !query.contains("sort=c") && !query.contains("sort=-c") {
            // The order of the latest changes is a matter of the background's pace.
            found.sort();
            expected.sort();
        }
        assert_eq!(found, expected, "{query}");
        assert_eq!(page.body["next_cursor"], Value::Null);
    }
    let line = get(&service, &format!("checkouts?order_id={order}")).await.expect(200);
    assert!(line.text.contains("\"total\":10.83"), "{}", line.text);
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn pages_follow_each_other_by_their_cursor() {
    let world = world().await;
    let service = world.start().await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.push(id(&service.create(&custom_cart()).await).to_string());
    }
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page =
            get(&service, &format!("checkouts?sort=created_at&limit=2&cursor={cursor}")).await.expect(200);
        found.extend(ids(&page));
        match page.body["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
        // Whoever comes later is found on a later page, and nobody twice.
        if all.len() < 6 {
            all.push(id(&service.create(&custom_cart()).await).to_string());
        }
    }
    assert_eq!(found, all);
    let other = get(&service, &format!("checkouts?sort=-created_at&cursor={cursor}")).await.expect(422);
    assert_eq!(pointers(&other), ["/cursor"]);
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_query_or_a_body_is_told_at_once() {
    let world = world().await;
    let service = world.start().await;
    let path = service.create(&custom_cart()).await;
    for (query, expected) in [
        ("checkouts?status=lost", vec!["/status"]),
        ("checkouts?stauts=stuck", vec!["/stauts"]),
        ("checkouts?status=stuck&status=running", vec!["/status"]),
        ("checkouts?order_id=x&limit=0&sort=name", vec!["/limit", "/order_id", "/sort"]),
        ("checkouts?limit=201&order_id=0", vec!["/limit", "/order_id"]),
        (
            "checkouts?created_after=yesterday&updated_before=2026-11-21",
            vec!["/created_after", "/updated_before"],
        ),
        ("checkouts?reason=unknown&step=checkout", vec!["/reason", "/step"]),
        ("checkouts?cursor=nonsense", vec!["/cursor"]),
        ("checkouts?email=%00", vec!["/email"]),
        ("audit?checkout_id=1&limit=x", vec!["/limit"]),
        ("audit?checkout_id=1", vec!["/checkout_id"]),
        ("audit?cursor=x", vec!["/cursor"]),
        ("audit/verify?head=abc", vec!["/head"]),
        ("bulk/0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10?cursor=x", vec!["/cursor"]),
    ] {
        let answer = get(&service, query).await.expect(422);
        let mut found = pointers(&answer);
        found.sort_unstable();
        assert_eq!(found, expected, "{query}");
    }
    assert_eq!(get(&service, "bulk/1").await.expect(404).problem(), "not-found");
    let one = format!("checkouts/{}", id(&path));
    let long = "a".repeat(501);
    for (action, body, expected) in [
        ("restart", json!({}), vec!["/reason"]),
        ("restart", json!([]), vec![""]),
        ("pause", json!({"reason": "  "}), vec!["/reason"]),
        ("pause", json!({"reason": "two\nlines"}), vec!["/reason"]),
        (
            "resume",
            json!({"reason": long, "dry_run": "yes", "force": true}),
            vec!["/dry_run", "/force", "/reason"],
        ),
        ("cancel", json!({"reason": "so", "refund": 1}), vec!["/refund"]),
        ("resolve", json!({"reason": "so"}), vec!["/finding"]),
        ("resolve", json!({"reason": "so", "finding": {}}), vec!["/finding"]),
        ("resolve", json!({"reason": "so", "finding": {"no_order": false}}), vec!["/finding"]),
        ("resolve", json!({"reason": "so", "finding": {"no_order": true, "order_id": 1}}), vec!["/finding"]),
        (
            "resolve",
            json!({"reason": "so", "finding": {"order_id": "1"}}),
            vec!["/finding", "/finding/order_id"],
        ),
    ] {
        let answer = post(&service, &format!("{one}/{action}"), OPERATOR, &body).await.expect(422);
        let mut found = pointers(&answer);
        found.sort_unstable();
        assert_eq!(found, expected, "{action} {body}");
    }
    for (body, expected) in [
        (json!({"reason": "so"}), vec!["/action", "/filter"]),
        (
            json!({"reason": "so", "filter": {"state": "stuck"}, "action": "resolve"}),
            vec!["/action", "/filter/state"],
        ),
    ] {
        let answer = post(&service, "bulk", OPERATOR, &body).await.expect(422);
        let mut found = pointers(&answer);
        found.sort_unstable();
        assert_eq!(found, expected, "{body}");
    }
    let everything = json!({"reason": "so", "filter": {}, "action": "cancel"});
    let refused = post(&service, "bulk", OPERATOR, &everything).await.expect(409);
    assert_eq!((refused.problem(), &refused.body["guard"]), ("refused-by-guard", &json!("no-filter")));
    assert!(case(&service, &path).await.actions.is_empty());
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn a_role_that_is_not_enough_is_refused_and_written_down() {
    let world = world().await;
    let service = world.start().await;
    let path = ordered(&service).await;
    let one = format!("checkouts/{}", id(&path));
    let why = json!({"reason": "let me"});
    let refund = json!({"reason": "let me", "refund": true});
    let finding = json!({"reason": "let me", "finding": {"not_charged": true}});
    let mut refusals = 0;
    for (token, action, body, needs) in [
        (READER, "restart", &why, "act"),
        (READER, "pause", &why, "act"),
        (READER, "resume", &why, "act"),
        (READER, "cancel", &why, "act"),
        (READER, "cancel", &refund, "money"),
        (READER, "resolve", &finding, "money"),
        (ACTOR, "cancel", &refund, "money"),
        (ACTOR, "resolve", &finding, "money"),
    ] {
        let refused = post(&service, &format!("{one}/{action}"), token, body).await.expect(403);
        assert_eq!((refused.problem(), &refused.body["needs"]), ("forbidden", &json!(needs)), "{action}");
        refusals += 1;
        // Trying is no way around.
        let mut dry = body.clone();
        dry["dry_run"] = json!(true);
        post(&service, &format!("{one}/{action}"), token, &dry).await.expect(403);
    }
    let bulk = json!({"reason": "let me", "filter": {"store": "default"}, "action": "pause"});
    assert_eq!(post(&service, "bulk", READER, &bulk).await.expect(403).body["needs"], "act");
    let actions = case(&service, &path).await.actions;
    assert_eq!(actions.len(), refusals, "{actions:?}");
    assert!(actions.iter().all(|row| row.result == "refused: forbidden"));
    assert_eq!((&*actions[0].actor, &*actions[0].role), ("adam", "act"));
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn an_action_is_tried_done_and_found_in_the_audit_log() {
    let world = world().await;
    let service = world.start().await;
    let path = ordered(&service).await;
    let one = format!("checkouts/{}", id(&path));
    let tried =
        post(&service, &format!("{one}/pause"), ACTOR, &json!({"reason": "a look", "dry_run": true})).await;
    let tried = tried.expect(200);
    assert_eq!((&tried.body["dry_run"], &tried.body["audit_id"]), (&json!(true), &Value::Null));
    assert_eq!(
        (&tried.body["status_after"], &tried.body["checkout"]["status"]),
        (&json!("stuck"), &json!("stuck"))
    );
    assert_eq!(service.get(&path).await.body["status"], "awaiting_input");
    let done =
        post(&service, &format!("{one}/pause"), ACTOR, &json!({"reason": " a look "})).await.expect(200);
    assert_eq!((&done.body["audit_id"], &done.body["status_after"]), (&json!(1), &json!("stuck")));
    let again =
        post(&service, &format!("{one}/pause"), ACTOR, &json!({"reason": "a look"})).await.expect(409);
    assert_eq!((again.problem(), &again.body["guard"]), ("refused-by-guard", &json!("at-rest")));
    assert_eq!(again.body["instance"], path);
    post(&service, &format!("{one}/resume"), OPERATOR, &json!({"reason": "go on"})).await.expect(200);
    until(&service, &path, "awaiting_input").await;

    let all = get(&service, "audit").await.expect(200);
    let rows = all.body["data"].as_array().expect("rows");
    let told: Vec<_> = rows.iter().map(|row| (row["actor"].as_str(), row["result"].as_str())).collect();
    assert_eq!(
        told,
        [
            (Some("olga"), Some("done")),
            (Some("adam"), Some("refused: at-rest")),
            (Some("adam"), Some("done"))
        ]
    );
    assert_eq!((&rows[2]["reason"], &rows[2]["role"]), (&json!("a look"), &json!("act")));
    assert_eq!(rows[2]["order_id"], service.get(&path).await.body["order"]["id"]);
    let first = get(&service, &format!("audit?checkout_id={}&limit=2", id(&path))).await.expect(200);
    let cursor = first.body["next_cursor"].as_str().expect("there is more");
    let rest = get(&service, &format!("audit?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!((rest.body["data"][0]["id"].as_i64(), &rest.body["next_cursor"]), (Some(1), &Value::Null));
    let nobody = "0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10";
    let none = get(&service, &format!("audit?checkout_id={nobody}")).await.expect(200);
    assert_eq!(none.body["data"], json!([]));

    let verified = get(&service, "audit/verify").await.expect(200);
    assert_eq!((&verified.body["rows"], &verified.body["broken"]), (&json!(3), &Value::Null));
    let head = verified.body["head"].as_str().expect("a head");
    assert_eq!(
        get(&service, &format!("audit/verify?head={head}")).await.expect(200).body["broken"],
        Value::Null
    );
    let other = get(&service, &format!("audit/verify?head={}", "ab".repeat(32))).await.expect(200);
    assert!(other.body["broken"].is_object(), "{}", other.text);
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn one_checkout_is_shown_with_its_timeline_and_in_plain_words() {
    let world = world().await;
    let service = world.start().await;
    let path = ordered(&service).await;
    world.simulator.add_fault(Fault::on("process-payment").hang_before());
    service.post(&format!("{path}/payment"), &good_card()).await;
    stuck(&service, &path, "payment-unknown").await;
    let one = format!("checkouts/{}", id(&path));
    let shown = get(&service, &one).await.expect(200);
    let version = shown.body["version"].to_string();
    assert_eq!(shown.header("etag"), Some(&*format!("\"{version}\"")));
    let attempts = shown.body["timeline"]["attempts"].as_array().expect("attempts");
    let paying = attempts.iter().rfind(|attempt| attempt["step"] == "payment").expect("the payment");
    assert_eq!(paying["correlation_id"], id(&path).to_string());
    assert_eq!(
        paying["results"][0]["calls"]
            .as_array()
            .and_then(|calls| calls.last())
            .map(|call| (call["call"].clone(), call["result"].clone())),
        Some((json!("process-payment"), json!("unknown"))),
        "{paying:#}"
    );
    assert_eq!(shown.body["in_flight"]["step"], "payment");
    for secret in ["4111111111111111", "eyJ", "\"900\""] {
        assert!(!shown.text.contains(secret), "{secret}");
    }
    let why = get(&service, &format!("{one}/why")).await.expect(200);
    assert_eq!(why.body["suggested"]["action"], "resolve");
    assert_eq!(why.body["headline"], "Whether the shopper was charged is not known");
    let allowed = |action: &str| {
        let actions = why.body["actions"].as_array().expect("actions");
        let of = actions.iter().filter(|known| known["action"] == action);
        of.map(|known| known["allowed"] == true).collect::<Vec<_>>()
    };
    assert_eq!((allowed("restart"), allowed("cancel")), (vec![true], vec![false, false]));
    let same = headless_checkout::ops::why(&case(&service, &path).await);
    assert_eq!(why.body["known"], json!(same.known));
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn the_summary_shows_the_checkouts_and_the_health_of_each_store() {
    let world = world().await;
    let service = world.start().await;
    let path = ordered(&service).await;
    service.create(&custom_cart()).await;
    world.simulator.add_fault(Fault::on("process-payment").hang_before());
    service.post(&format!("{path}/payment"), &good_card()).await;
    stuck(&service, &path, "payment-unknown").await;
    sqlx::query("insert into webhook_event (store, scope, hash, body) values ('default', 'store/order/created', 'h', '{}')")
        .execute(&world.database.pool)
        .await
        .expect("an event");
    let summary = get(&service, "summary").await.expect(200);
    assert_eq!(
        summary.body["by_status"],
        json!([{"name": "awaiting_input", "count": 1}, {"name": "stuck", "count": 1}])
    );
    assert_eq!(summary.body["stuck"][0]["reason"], "payment-unknown");
    assert!(summary.text.contains("\"money_at_risk\":[{\"amount\":10.83"), "{}", summary.text);
    assert_eq!(summary.body["oldest_unknown"]["checkout_id"], id(&path).to_string());
    let store = &summary.body["stores"][0];
    assert_eq!((&store["store"], &store["api"]["breaker"]), (&json!("default"), &json!("closed")));
    assert!(store["api"]["left"].as_u64() < store["api"]["quota"].as_u64(), "{store:#}");
    assert_eq!(store["hooks"]["events_last_hour"], 1);
    assert!(store["hooks"]["last_event_at"].is_string());
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn a_bulk_is_previewed_begun_and_followed() {
    let world = world().await;
    let service = world.start().await;
    for _ in 0..3 {
        service.create(&custom_cart()).await;
    }
    let order = ordered(&service).await;
    let order = service.get(&order).await.body["order"]["id"].clone();
    let mut body = json!({"filter": {"store": "default", "step": "billing-address"}, "action": "pause",
        "reason": "the shop is closed", "dry_run": true});
    let preview = post(&service, "bulk", ACTOR, &body).await.expect(200);
    assert_eq!((&preview.body["total"], &preview.body["allowed"]), (&json!(3), &json!(3)));
    assert_eq!(get(&service, "bulk").await.expect(200).body["data"], json!([]));
    body["dry_run"] = json!(false);
    let begun = post(&service, "bulk", ACTOR, &body).await.expect(202);
    assert_eq!((&begun.body["action"], &begun.body["total"]), (&json!("pause"), &json!(3)));
    let bulk =
        begun.header("location").and_then(|to| to.strip_prefix("/ops/v1/")).expect("a location").to_owned();
    let seen = finished(&service, &bulk).await;
    assert_eq!((&seen.body["done"], &seen.body["failed"]), (&json!(3), &json!(0)));
    let outcomes = seen.body["results"].as_array().expect("results");
    assert!(
        outcomes.len() == 3 && outcomes.iter().all(|result| result["outcome"] == "done"),
        "{}",
        seen.text
    );
    let first = get(&service, &format!("{bulk}?limit=2")).await.expect(200);
    let cursor = first.body["next_cursor"].as_str().expect("there is more");
    let rest = get(&service, &format!("{bulk}?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!((&rest.body["results"][0], &rest.body["next_cursor"]), (&outcomes[2], &Value::Null));
    // A number in a filter is kept as a number.
    let one = json!({"filter": {"order_id": order, "store": null}, "action": "pause", "reason": "so"});
    let begun = post(&service, "bulk", ACTOR, &one).await.expect(202);
    assert_eq!(begun.body["filter"], json!({"order_id": order}));
    let path = format!("bulk/{}", begun.id());
    assert_eq!(finished(&service, &path).await.body["filter"], json!({"order_id": order}));
    let latest = get(&service, "bulk").await.expect(200);
    assert_eq!(latest.body["data"][0]["id"], begun.id());
    service.stop().await;
    world.finish().await;
}

async fn finished(service: &Service, bulk: &str) -> Answer {
    for _ in 0..2000 {
        let seen = get(service, bulk).await.expect(200);
        if seen.body["status"] == "done" {
            return seen;
        }
    }
    panic!("{bulk} never ends");
}

#[tokio::test]
async fn pages_of_other_origins_are_not_let_in() {
    let mut world = world().await;
    world.set("CORS_ORIGINS", "https://shop.example");
    let service = world.start().await;
    for (path, allowed) in [("/v1/checkouts", true), ("/ops/v1/checkouts", false)] {
        let headers = [
            ("origin", "https://shop.example"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization"),
        ];
        let answer = service.call(Method::OPTIONS, path, &headers, None).await;
        assert_eq!(answer.header("access-control-allow-origin").is_some(), allowed, "{path}");
    }
    service.stop().await;
    world.finish().await;
}
