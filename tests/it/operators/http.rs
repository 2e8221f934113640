//! The operators' doors over HTTP: what they take, what they answer, who may.

use bigcommerce_simulator::Fault;
use reqwest::Method;
use serde_json::{Value, json};

use super::{case, id, ordered, stuck, until, world};
use crate::harness::{
    ACTOR, Answer, OPERATOR, READER, Service, agreed, custom_cart, everything, good_card, run_with,
};

pub(super) async fn get(service: &Service, path: &str) -> Answer {
    service.operate(Method::GET, &format!("/ops/v1/{path}"), READER, None).await
}

pub(super) async fn post(service: &Service, path: &str, token: &str, body: &Value) -> Answer {
    service.operate(Method::POST, &format!("/ops/v1/{path}"), token, Some(body)).await
}

#[tokio::test]
async fn a_role_that_is_not_enough_is_refused_and_written_down() {
    run_with(world().await, async |_, service| {
        let path = ordered(service).await;
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
            let refused = post(service, &format!("{one}/{action}"), token, body).await.expect(403);
            assert_eq!((refused.problem(), &refused.body["needs"]), ("forbidden", &json!(needs)), "{action}");
            refusals += 1;
            // Trying is no way around.
            let mut dry = body.clone();
            dry["dry_run"] = json!(true);
            post(service, &format!("{one}/{action}"), token, &dry).await.expect(403);
        }
        let bulk = json!({"reason": "let me", "filter": {"store": "default"}, "action": "pause"});
        assert_eq!(post(service, "bulk", READER, &bulk).await.expect(403).body["needs"], "act");
        let actions = case(service, &path).await.actions;
        assert_eq!(actions.len(), refusals, "{actions:?}");
        assert!(actions.iter().all(|row| row.result == "refused: forbidden"));
        assert_eq!((&*actions[0].actor, &*actions[0].role), ("adam", "act"));
    })
    .await;
}

#[tokio::test]
async fn an_action_is_tried_done_and_found_in_the_audit_log() {
    run_with(world().await, async |_, service| {
        let path = ordered(service).await;
        let one = format!("checkouts/{}", id(&path));
        let tried =
            post(service, &format!("{one}/pause"), ACTOR, &json!({"reason": "a look", "dry_run": true}))
                .await;
        let tried = tried.expect(200);
        assert_eq!((&tried.body["dry_run"], &tried.body["audit_id"]), (&json!(true), &Value::Null));
        assert_eq!(
            (&tried.body["status_after"], &tried.body["checkout"]["status"]),
            (&json!("stuck"), &json!("stuck"))
        );
        assert_eq!(service.get(&path).await.body["status"], "awaiting_input");
        let done =
            post(service, &format!("{one}/pause"), ACTOR, &json!({"reason": " a look "})).await.expect(200);
        assert_eq!((&done.body["audit_id"], &done.body["status_after"]), (&json!(1), &json!("stuck")));
        let again =
            post(service, &format!("{one}/pause"), ACTOR, &json!({"reason": "a look"})).await.expect(409);
        assert_eq!((again.problem(), &again.body["guard"]), ("refused-by-guard", &json!("at-rest")));
        assert_eq!(again.body["instance"], path);
        post(service, &format!("{one}/resume"), OPERATOR, &json!({"reason": "go on"})).await.expect(200);
        until(service, &path, "awaiting_input").await;

        let all = get(service, "audit").await.expect(200);
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
        let first = get(service, &format!("audit?checkout_id={}&limit=2", id(&path))).await.expect(200);
        let cursor = first.body["next_cursor"].as_str().expect("there is more");
        let rest = get(service, &format!("audit?limit=2&cursor={cursor}")).await.expect(200);
        assert_eq!((rest.body["data"][0]["id"].as_i64(), &rest.body["next_cursor"]), (Some(1), &Value::Null));
        let nobody = "0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10";
        let none = get(service, &format!("audit?checkout_id={nobody}")).await.expect(200);
        assert_eq!(none.body["data"], json!([]));

        let verified = get(service, "audit/verify").await.expect(200);
        assert_eq!((&verified.body["rows"], &verified.body["broken"]), (&json!(3), &Value::Null));
        let head = verified.body["head"].as_str().expect("a head");
        assert_eq!(
            get(service, &format!("audit/verify?head={head}")).await.expect(200).body["broken"],
            Value::Null
        );
        let other = get(service, &format!("audit/verify?head={}", "ab".repeat(32))).await.expect(200);
        assert!(other.body["broken"].is_object(), "{}", other.text);
    })
    .await;
}

#[tokio::test]
async fn a_call_that_was_refused_is_listed_once() {
    run_with(world().await, async |world, service| {
        let path = service.create(&everything()).await;
        world.simulator.add_fault(Fault::on("create-order").status_before(422));
        service.post(&format!("{path}/order"), &json!({})).await.expect(422);
        let shown = get(service, &format!("checkouts/{}", id(&path))).await.expect(200).body;
        let attempts = shown["timeline"]["attempts"].as_array().expect("attempts");
        let calls = attempts.iter().filter_map(|attempt| attempt["results"][0]["calls"].as_array()).flatten();
        let listed: Vec<&Value> = calls.filter(|call| call["call"] == "create-order").collect();
        assert_eq!(listed.len(), 1, "{attempts:#?}");
    })
    .await;
}

#[tokio::test]
async fn one_checkout_is_shown_with_its_timeline_and_in_plain_words() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        world.simulator.add_fault(Fault::on("process-payment").hang_before());
        service.post(&format!("{path}/payment"), &agreed(good_card())).await;
        stuck(service, &path, "payment-unknown").await;
        let one = format!("checkouts/{}", id(&path));
        let shown = get(service, &one).await.expect(200);
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
        let why = get(service, &format!("{one}/why")).await.expect(200);
        assert_eq!(why.body["suggested"]["action"], "resolve");
        assert_eq!(why.body["headline"], "It is not known whether the shopper was charged");
        let allowed = |action: &str| {
            let actions = why.body["actions"].as_array().expect("actions");
            let of = actions.iter().filter(|known| known["action"] == action);
            of.map(|known| known["allowed"] == true).collect::<Vec<_>>()
        };
        assert_eq!((allowed("restart"), allowed("cancel")), (vec![true], vec![false, false]));
        let same = headless_checkout::ops::why(&case(service, &path).await);
        assert_eq!(why.body["known"], json!(same.known));
    })
    .await;
}

#[tokio::test]
async fn the_summary_shows_the_checkouts_and_the_health_of_each_store() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        service.create(&custom_cart()).await;
        world.simulator.add_fault(Fault::on("process-payment").hang_before());
        service.post(&format!("{path}/payment"), &agreed(good_card())).await;
        stuck(service, &path, "payment-unknown").await;
        sqlx::query("insert into webhook_event (store, scope, hash, body) values ('default', 'store/order/created', 'h', '{}')")
            .execute(&world.database.pool)
            .await
            .expect("an event");
        let summary = get(service, "summary").await.expect(200);
        assert_eq!(
            summary.body["by_status"],
            json!([{"name": "awaiting_input", "count": 1}, {"name": "stuck", "count": 1}])
        );
        assert_eq!(summary.body["stuck"][0]["reason"], "payment-unknown");
        assert!(summary.text.contains("\"money_at_risk\":[{\"currency\":\"USD\",\"amount\":10.83"), "{}", summary.text);
        assert_eq!(summary.body["oldest_unknown"]["checkout_id"], id(&path).to_string());
        let store = &summary.body["stores"][0];
        assert_eq!((&store["store"], &store["api"]["breaker"]), (&json!("default"), &json!("closed")));
        assert!(store["api"]["left"].as_u64() < store["api"]["quota"].as_u64(), "{store:#}");
        assert_eq!(store["hooks"]["events_last_hour"], 1);
        assert!(store["hooks"]["last_event_at"].is_string());
    })
    .await;
}

#[tokio::test]
async fn a_bulk_is_previewed_begun_and_followed() {
    run_with(world().await, async |_, service| {
        for _ in 0..3 {
            service.create(&custom_cart()).await;
        }
        let order = ordered(service).await;
        let order = service.get(&order).await.body["order"]["id"].clone();
        let mut body = json!({"filter": {"store": "default", "step": "billing-address"}, "action": "pause",
            "reason": "the shop is closed", "dry_run": true});
        let preview = post(service, "bulk", ACTOR, &body).await.expect(200);
        assert_eq!((&preview.body["total"], &preview.body["allowed"]), (&json!(3), &json!(3)));
        assert_eq!(get(service, "bulk").await.expect(200).body["data"], json!([]));
        body["dry_run"] = json!(false);
        let begun = post(service, "bulk", ACTOR, &body).await.expect(202);
        assert_eq!((&begun.body["action"], &begun.body["total"]), (&json!("pause"), &json!(3)));
        let bulk = begun
            .header("location")
            .and_then(|to| to.strip_prefix("/ops/v1/"))
            .expect("a location")
            .to_owned();
        let seen = finished(service, &bulk).await;
        assert_eq!((&seen.body["done"], &seen.body["failed"]), (&json!(3), &json!(0)));
        let outcomes = seen.body["results"].as_array().expect("results");
        assert!(
            outcomes.len() == 3 && outcomes.iter().all(|result| result["outcome"] == "done"),
            "{}",
            seen.text
        );
        let first = get(service, &format!("{bulk}?limit=2")).await.expect(200);
        let cursor = first.body["next_cursor"].as_str().expect("there is more");
        let rest = get(service, &format!("{bulk}?limit=2&cursor={cursor}")).await.expect(200);
        assert_eq!((&rest.body["results"][0], &rest.body["next_cursor"]), (&outcomes[2], &Value::Null));
        // A number in a filter is kept as a number.
        let one = json!({"filter": {"order_id": order, "store": null}, "action": "pause", "reason": "so"});
        let begun = post(service, "bulk", ACTOR, &one).await.expect(202);
        assert_eq!(begun.body["filter"], json!({"order_id": order}));
        let path = format!("bulk/{}", begun.id());
        assert_eq!(finished(service, &path).await.body["filter"], json!({"order_id": order}));
        let latest = get(service, "bulk").await.expect(200);
        assert_eq!(latest.body["data"][0]["id"], begun.id());
    })
    .await;
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
    run_with(world, async |_, service| {
        for (path, allowed) in [("/v1/checkouts", true), ("/ops/v1/checkouts", false)] {
            let headers = [
                ("origin", "https://shop.example"),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "authorization"),
            ];
            let answer = service.call(Method::OPTIONS, path, &headers, None).await;
            assert_eq!(answer.header("access-control-allow-origin").is_some(), allowed, "{path}");
        }
    })
    .await;
}
