//! Webhooks: believed only with a credential, stored before they are answered, once each; and never more than a hint.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bigcommerce_simulator::{Fault, Settings, Settlement, magic_card};
use headless_checkout::bigcommerce::hooks::NewHook;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::coverage::calls;
use crate::harness::{
    Answer, KEY, PATIENCE, Service, World, agreed, card, everything, good_card, run, run_with,
};

const PATH: &str = "/webhooks/bigcommerce";
/// As the harness configures it.
const CLIENT_SECRET: &str = "bigcommerce-client-secret-of-the-tests";
const OWN_SECRET: &str = "own-webhook-secret-of-the-tests";

fn event(hash: &str) -> Value {
    json!({
        "scope": "store/order/statusUpdated", "store_id": "1025646", "hash": hash, "created_at": 1_561_479_335,
        "producer": "stores/teststore", "data": {"type": "order", "id": 250},
    })
}

/// Headers as BigCommerce signs them, and the moment in seconds.
fn signed(body: &str, secret: &str) -> Vec<(&'static str, String)> {
    let at = time::OffsetDateTime::now_utc().unix_timestamp().to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(format!("msg_1.{at}.{body}").as_bytes());
    let signature = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    vec![
        ("content-type", "application/json".to_owned()),
        ("webhook-id", "msg_1".to_owned()),
        ("webhook-timestamp", at),
        ("webhook-signature", signature),
    ]
}

async fn send(service: &Service, body: &str, headers: &[(&'static str, String)]) -> Answer {
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
    service.call(Method::POST, PATH, &headers, Some(body.as_bytes().to_vec())).await
}

/// BigCommerce tells of an order.
pub(crate) async fn tell(service: &Service, order: u64, hash: &str) {
    let mut told = event(hash);
    told["data"]["id"] = json!(order);
    let body = told.to_string();
    send(service, &body, &signed(&body, CLIENT_SECRET)).await.expect(200);
}

async fn stored(world: &World) -> i64 {
    sqlx::query_scalar("select count(*) from webhook_event")
        .fetch_one(&world.database.pool)
        .await
        .expect("a count")
}

#[tokio::test]
async fn what_is_not_signed_is_refused_and_leaves_nothing() {
    let mut world = World::new().await;
    world.set("BIGCOMMERCE_WEBHOOK_SECRET", OWN_SECRET);
    run_with(world, async |world, service| {
        let body = event("one").to_string();
        let own = |value: &str| {
            vec![("content-type", "application/json".to_owned()), ("x-webhook-secret", value.to_owned())]
        };
        let mut elsewhere = event("one");
        elsewhere["producer"] = json!("stores/another");
        let elsewhere = elsewhere.to_string();
        let mut late = signed(&body, CLIENT_SECRET);
        late[2].1 = "1700000000".to_owned();
        for (what, text, headers) in [
            ("no credential", &body, own("")),
            ("a storefront key", &body, vec![("authorization", format!("Bearer {KEY}"))]),
            ("another secret", &body, signed(&body, "another-secret")),
            ("another body's signature", &body, signed(&elsewhere, CLIENT_SECRET)),
            ("another moment", &body, late),
            ("another own secret", &body, own("own-webhook-secret-of-the-testz")),
            ("a store that is not ours", &elsewhere, signed(&elsewhere, CLIENT_SECRET)),
            ("no JSON", &"stores/teststore".to_owned(), own(OWN_SECRET)),
        ] {
            let answer = send(service, text, &headers).await;
            assert_eq!(
                (answer.status.as_u16(), answer.problem()),
                (401, "unauthorized"),
                "{what}: {}",
                answer.text
            );
        }
        // Of many letters, so that no compression makes it fit into an index.
        let letters = (0..9_000_u32).map(|n| char::from_u32(97 + n * n % 26).expect("a letter"));
        let long = json!(letters.collect::<String>());
        for field in ["scope", "hash"] {
            for nonsense in [Value::Null, json!(7), json!("a\u{0}b"), long.clone()] {
                let mut event = event("one");
                event[field] = nonsense;
                let text = event.to_string();
                let answer = send(service, &text, &signed(&text, CLIENT_SECRET)).await.expect(400);
                assert_eq!(answer.problem(), "malformed-request");
                assert!(answer.text.contains(field), "{}", answer.text);
            }
        }
        let huge = format!("{}{}", " ".repeat(2_000_000), body);
        assert_eq!(
            send(service, &huge, &signed(&huge, CLIENT_SECRET)).await.expect(413).problem(),
            "payload-too-large"
        );
        assert_eq!(stored(world).await, 0, "nothing of all this is stored");
    })
    .await;
}

#[tokio::test]
async fn an_event_is_stored_once_whichever_credential_comes_with_it() {
    let mut world = World::new().await;
    world.set("BIGCOMMERCE_WEBHOOK_SECRET", OWN_SECRET);
    run_with(world, async |world, service| {
        let body = event("one").to_string();
        send(service, &body, &signed(&body, CLIENT_SECRET)).await.expect(200);
        send(service, &body, &[("x-webhook-secret", OWN_SECRET.to_owned())]).await.expect(200);
        assert_eq!(stored(world).await, 1);
        let mut odd = event("two");
        odd["data"] = json!({"type": "cart", "id": "a\u{0}b", "order_id": "99999999999999999999999"});
        let odd = odd.to_string();
        send(service, &odd, &signed(&odd, CLIENT_SECRET)).await.expect(200);
        assert_eq!(stored(world).await, 2, "what it is about is not understood, and it is kept");
    })
    .await;
}

/// Subscribes through the command line, as an operator does.
async fn subscribe(world: &World, service: &Service, command: &str) -> String {
    subscribe_at(world, service, &[], &[command]).await
}

async fn subscribe_at(world: &World, service: &Service, more: &[(&str, &str)], arguments: &[&str]) -> String {
    let destination = format!("{}{PATH}", service.url);
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_headless-checkout"))
        .args(["webhooks", "--destination", &destination])
        .args(arguments)
        .env_clear()
        .envs(world.vars())
        .envs(more.iter().copied())
        .output()
        .await
        .expect("the command runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn settings() -> Settings {
    Settings {
        webhook_allow_http: true,
        webhook_secret: CLIENT_SECRET.to_owned(),
        webhook_copies: 3,
        ..Settings::default()
    }
}

/// Pays with what never settles by itself, and answers the order.
async fn pending(service: &Service, path: &str) -> u64 {
    service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    let body = agreed(card(&magic_card(20_003, 0)));
    let pending = service.post_waiting(&format!("{path}/payment"), "pending", 1, &body).await.expect(202);
    pending.body["order"]["id"].as_u64().expect("an order")
}

#[tokio::test]
async fn a_webhook_wakes_a_checkout_that_would_have_slept_for_an_hour() {
    run_with(World::with(settings()).await, async |world, service| {
        let registered = subscribe(world, service, "register").await;
        assert_eq!(registered.lines().filter(|line| line.ends_with("\tregistered")).count(), 6, "{registered}");
        assert_eq!(subscribe(world, service, "repair").await.matches("\tunchanged\n").count(), 6);
        let path = service.create(&everything()).await;
        let order = pending(service, &path).await;
        let asleep = async {
            loop {
                let put_off = sqlx::query(
                    "update checkout set due_at = now() + interval '1 hour' where status = 'waiting' and leased_by is null",
                );
                if put_off.execute(&world.database.pool).await.expect("an update").rows_affected() == 1 {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, asleep).await.expect("it falls asleep");
        assert!(world.simulator.settle(order, Settlement::Success));
        service.wait_until(&path, "completed", |snapshot| snapshot["status"] == "completed").await;
        let about: i64 = sqlx::query_scalar("select count(*) from webhook_event where checkout_id is not null")
            .fetch_one(&world.database.pool)
            .await
            .expect("a count");
        assert!(about > 0, "the events are about the checkout");
        world.drove(&["list-hooks", "create-hook"]);
    })
    .await;
}

#[tokio::test]
async fn what_bigcommerce_deactivated_is_turned_on_again() {
    run_with(World::with(settings()).await, async |world, service| {
        subscribe(world, service, "register").await;
        let (client, cx) = (calls::client(&world.simulator.url()), calls::nobody());
        let hook = client.hooks(&cx).list().await.expect("hooks").value.remove(0);
        let NewHook { headers, .. } = calls::hook(false);
        let off =
            NewHook { scope: hook.scope.clone(), destination: hook.destination, is_active: false, headers };
        client.hooks(&cx).update(hook.id, &off).await.expect("it is turned off");
        let listed = subscribe(world, service, "list").await;
        assert!(listed.starts_with("id\tstore\tscope\tstate\n"), "{listed}");
        let (id, scope) = (hook.id, &hook.scope);
        let has = |text: &str, how: &str| {
            let starts = |line: &&str| line.starts_with(&format!("{id}\t"));
            text.lines().find(starts).is_some_and(|line| line.ends_with(&format!("\t{scope}\t{how}")))
        };
        assert!(has(&listed, "inactive"), "{listed}");
        let narrow = subscribe_at(world, service, &[("COLUMNS", "60")], &["list"]).await;
        assert!(narrow.contains(scope.as_str()) && !narrow.contains('\t'), "{narrow}");
        assert!(narrow.lines().all(|line| line.chars().count() <= 60), "{narrow}");
        let rows = subscribe_at(world, service, &[], &["list", "--output", "json"]).await;
        let rows: Vec<Value> = rows.lines().map(|row| serde_json::from_str(row).expect("a row")).collect();
        let row = rows.iter().find(|row| row["id"] == id).expect("the subscription");
        assert!(row["state"] == "inactive" && row["scope"] == scope.as_str(), "{row}");
        let repaired = subscribe(world, service, "repair").await;
        assert!(has(&repaired, "re-enabled"), "{repaired}");
        assert_eq!(repaired.matches("\tunchanged\n").count(), 5);
        assert_eq!(subscribe(world, service, "list").await.matches("\tactive\n").count(), 6);
        world.drove(&["list-hooks", "create-hook", "update-hook"]);
    })
    .await;
}

/// The look had read everything before it was paid, and the webhook came before the look was over. There is just this one,
/// so that no later one makes up for it.
#[tokio::test]
async fn a_webhook_that_comes_during_a_look_is_not_slept_over() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        let order = pending(service, &path).await;
        let look = world.simulator.add_fault(Fault::on("list-transactions").hold_after());
        world.meets(look, 1).await;
        assert!(world.simulator.settle(order, Settlement::Success));
        let mut told = event("the only one");
        told["data"]["id"] = json!(order);
        let told = told.to_string();
        send(service, &told, &signed(&told, CLIENT_SECRET)).await.expect(200);
        world.simulator.release(look);
        // A wait, if there is one, lasts for an hour.
        let completed = async {
            let put_off = "update checkout set due_at = now() + interval '1 hour'
                where status = 'waiting' and leased_by is null and due_at > clock_timestamp()";
            loop {
                sqlx::query(put_off).execute(&world.database.pool).await.expect("an update");
                if service.get(&path).await.body["status"] == "completed" {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, completed).await.expect("it looks again at once");
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_webhooks_during_a_checkout_changes_nothing() {
    run_with(World::with(settings()).await, async |world, service| {
        subscribe(world, service, "register").await;
        let path = service.create(&everything()).await;
        service.post(&format!("{path}/order"), &json!({})).await.expect(200);
        // The simulator tells of the order and of the payment, three times each, while the calls are in flight; and somebody
        // repeats an event about the order all the time.
        let order = service.get(&path).await.expect(200).body["order"]["id"].clone();
        let flood = async {
            for count in 0..40 {
                let mut event = event(&format!("flood {count}"));
                event["data"]["id"] = order.clone();
                let body = event.to_string();
                send(service, &body, &signed(&body, CLIENT_SECRET)).await.expect(200);
            }
        };
        let payment = format!("{path}/payment");
        let body = agreed(good_card());
        let (paid, ()) = tokio::join!(service.post(&payment, &body), flood);
        assert_eq!(paid.expect(200).body["status"], "completed");
        let ledger = world.simulator.ledger();
        assert_eq!((ledger.orders.len(), ledger.charges.len()), (1, 1));
    })
    .await;
}
