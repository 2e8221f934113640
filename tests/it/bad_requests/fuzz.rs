//! Random bodies at every route that takes one: never our own failure, and BigCommerce hears only of what was taken in.
//!
//! A failure names its seed; `FUZZ_SEED=<seed> ./dev test fuzz` runs it again, `FUZZ_CASES=<number>` runs more.

use std::sync::Mutex;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use super::{Place, direct_order};
use crate::conformance::operations;
use crate::harness::{Answer, KEY, OPERATOR, World, address, custom_cart, everything};

/// How many bodies an ordinary run sends.
const CASES: u32 = 200;

/// Route, method, and a body that it takes.
fn routes() -> Vec<(reqwest::Method, &'static str, Value)> {
    let (post, put) = (reqwest::Method::POST, reqwest::Method::PUT);
    let stored = json!({"payment_method_id": "adyenv2.scheme", "instrument": {"type": "stored_card",
        "token": "8cdf7b6ea1b27119463bf9e5106639618cc77a9adc49f0069ca8b756cc15caee", "verification_value": "114"}});
    let complete = json!({"billing_address": address(), "consignments": [{"address": address()}],
        "shipping_preference": "cheapest", "agreed_total": 10.83, "payment": stored});
    vec![
        (post.clone(), "/v1/checkouts", everything()),
        (post.clone(), "/v1/direct-orders", direct_order()),
        (put.clone(), "{id}/billing-address", address()),
        (put.clone(), "{id}/consignments", json!([{"address": address()}])),
        (put.clone(), "{id}/shipping-options", json!([{"shipping_option_id": "a"}])),
        (post.clone(), "{id}/items", custom_cart()),
        (put.clone(), "{id}/items/1", json!({"line_item": {"quantity": 2}})),
        (post.clone(), "{id}/coupons", json!({"coupon_code": "TENOFF"})),
        (put.clone(), "{id}/customer-message", json!({"customer_message": "Hi"})),
        (post.clone(), "{id}/order", json!({"agreed_total": 10})),
        (post.clone(), "{id}/payment", stored),
        (post.clone(), "{id}/complete", complete),
        (post.clone(), "{id}/redirect-urls", json!({})),
        (post.clone(), "/ops{id}/restart", json!({"reason": "so"})),
        (post.clone(), "/ops{id}/pause", json!({"reason": "so", "dry_run": true})),
        (post.clone(), "/ops{id}/resume", json!({"reason": "so"})),
        (post.clone(), "/ops{id}/cancel", json!({"reason": "so", "refund": false, "dry_run": true})),
        (post.clone(), "/ops{id}/resolve", json!({"reason": "so", "finding": {"order_id": 999_999}})),
        (post.clone(), "/ops{id}/close", json!({"reason": "so", "leaves": ["126"], "dry_run": true})),
        (post.clone(), "/ops{id}/revoke-tokens", json!({"reason": "so"})),
        (put, "/ops/v1/orders/126", json!({"status_id": 10, "staff_notes": "a", "reason": "so"})),
        (
            post.clone(),
            "/ops/v1/orders/126/shipments",
            json!({"order_address_id": 1, "items": [{"order_product_id": 1, "quantity": 1}], "tracking_number": "1"}),
        ),
        (
            post.clone(),
            "/ops/v1/orders/126/refund-quotes",
            json!({"items": [{"item_type": "ORDER", "item_id": 126, "amount": 0.01}]}),
        ),
        (
            post.clone(),
            "/ops/v1/orders/126/refunds",
            json!({"items": [{"item_type": "ORDER", "item_id": 126, "amount": 0.01, "reason": "so"}],
                "payments": [{"provider_id": "adyenv2", "amount": 0.01, "offline": false}], "reason": "so"}),
        ),
        (post.clone(), "/ops/v1/orders/126/capture", json!({"reason": "so"})),
        (post.clone(), "/ops/v1/orders/126/void", json!({"reason": "so"})),
        (
            post,
            "/ops/v1/bulk",
            json!({"filter": {"order_id": 999_999, "email": "nobody@example.com"}, "action": "restart",
                "reason": "so", "dry_run": true}),
        ),
    ]
}

/// Any JSON, with a taste for what breaks things.
fn any_json() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(Value::from),
        "-?[1-9][0-9]{0,40}(\\.[0-9]{1,40})?([eE][-+]?[0-9]{1,5})?"
            .prop_map(|text| serde_json::from_str(&text).expect("a number")),
    ];
    let text = prop_oneof![
        any::<String>().prop_map(Value::from),
        proptest::sample::select(vec![
            "\u{0}", "", " ", "\u{202e}", "\u{ffff}", "type", "card", "USD", "US", "-1"
        ])
        .prop_map(Value::from),
    ];
    let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number, text];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map("[a-z_]{0,12}", inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Which place of the good body is changed (as a number that is reduced to one that exists), and to what.
#[derive(Debug, Clone)]
enum Change {
    /// The whole body.
    Whole(Value),
    /// One place of it.
    At(usize, Value),
    /// One place less.
    Without(usize),
    /// A field more.
    More(usize, String, Value),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        1 => any_json().prop_map(Change::Whole),
        4 => (any::<usize>(), any_json()).prop_map(|(at, value)| Change::At(at, value)),
        1 => any::<usize>().prop_map(Change::Without),
        1 => (any::<usize>(), "[a-z_]{1,12}", any_json())
            .prop_map(|(at, name, value)| Change::More(at, name, value)),
    ]
}

/// Every place of a body.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(name, value)| places(value, &format!("{at}/{name}"), found));
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| places(value, &format!("{at}/{index}"), found));
        }
        _ => {}
    }
}

fn changed(mut body: Value, change: Change) -> Value {
    let mut found = Vec::new();
    places(&body, "", &mut found);
    let place = |at: usize| found[at % found.len()].clone();
    match change {
        Change::Whole(value) => return value,
        Change::At(at, value) => *body.pointer_mut(&place(at)).expect("it is there") = value,
        Change::Without(at) => {
            let place = place(at);
            let (parent, name) = place.rsplit_once('/').unwrap_or_default();
            match body.pointer_mut(parent) {
                Some(Value::Object(map)) => drop(map.remove(name)),
                Some(Value::Array(list)) if !list.is_empty() => drop(list.pop()),
                _ => {}
            }
        }
        Change::More(at, name, value) => {
            if let Some(Value::Object(map)) = body.pointer_mut(&place(at)) {
                map.insert(name, value);
            }
        }
    }
    body
}

/// Whether a refusal may have been heard by BigCommerce: only when it is its own.
fn may_have_gone_out(answer: &Answer) -> bool {
    let code = answer.body["code"].as_str().unwrap_or_default();
    answer.status.is_success()
        || matches!(
            code,
            "rejected-by-bigcommerce"
                | "payment-declined"
                | "total-changed"
                | "checkout-stuck"
                | "payment-in-doubt"
                // What is refused to an operator is written down.
                | "refused-by-guard"
                | "contradicted-by-bigcommerce"
        )
}

/// What is kept between cases.
struct Kept {
    /// Checkouts that nothing has changed yet, one for each route.
    subjects: Vec<Option<Subject>>,
    /// How many bodies were taken, and how many refused.
    taken: u32,
    refused: u32,
}

/// The checkout that is fuzzed, and the version at which it was new.
struct Subject {
    path: String,
    version: Value,
}

async fn fresh(place: &Place, route: &str) -> Subject {
    let path = if route.ends_with("/payment") || route.ends_with("/shipping-options") {
        place.service.create(&everything()).await
    } else {
        place.service.create(&custom_cart()).await
    };
    if route.ends_with("/payment") {
        place.service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    }
    let version = place.service.get(&path).await.expect(200).body["version"].clone();
    Subject { path, version }
}

async fn one(place: &Place, index: usize, change: Change, kept: &Mutex<Kept>) -> Result<(), String> {
    let (method, route, good) = routes().swap_remove(index);
    let subject = kept.lock().expect("not poisoned").subjects[index].take();
    let subject = match subject {
        Some(subject) => subject,
        None => fresh(place, route).await,
    };
    let body = changed(good, change).to_string();
    let credential = if route.starts_with("/ops") { OPERATOR } else { KEY };
    let (bearer, key) = (format!("Bearer {credential}"), uuid::Uuid::now_v7().to_string());
    let headers = [
        ("authorization", &*bearer),
        ("idempotency-key", &*key),
        ("content-type", "application/json"),
        ("prefer", "wait=30"),
    ];
    let before = place.traces().await;
    let path = route.replace("{id}", &subject.path);
    let answer = place.service.call(method.clone(), &path, &headers, Some(body.clone().into_bytes())).await;
    let said = || format!("{method} {route} with {body}: {} {}", answer.status, answer.text);
    if answer.status.is_server_error() {
        return Err(said());
    }
    if !may_have_gone_out(&answer) {
        let after = place.traces().await;
        if before != after {
            return Err(format!("{before:?} became {after:?}: {}", said()));
        }
    }
    if route.starts_with("/ops") && answer.status.is_success() {
        // What an operator asked for goes on after the answer.
        let at_rest = ["awaiting_input", "stuck", "cancelled", "completed"];
        let settled = |now: &Value| now["status"].as_str().is_some_and(|status| at_rest.contains(&status));
        place.service.wait_until(&subject.path, "at rest", settled).await;
    }
    let now = place.service.get(&subject.path).await.expect(200);
    let mut kept = kept.lock().expect("not poisoned");
    if answer.status.is_success() {
        kept.taken += 1;
    } else {
        kept.refused += 1;
    }
    if now.body["version"] == subject.version {
        kept.subjects[index] = Some(subject);
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "what to run again is named by the environment")]
fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn seed() -> [u8; 32] {
    let text = asked("FUZZ_SEED").unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string());
    let mut seed = [b'0'; 32];
    for (here, there) in seed.iter_mut().zip(text.bytes()) {
        *here = there;
    }
    seed
}

#[test]
fn every_route_that_takes_a_body_is_fuzzed() {
    let routes = routes();
    for operation in operations()
        .into_iter()
        .filter(|operation| !operation.is_of_bigcommerce())
        .filter(|operation| operation.takes_body)
    {
        let path = operation.path.replace("/v1/checkouts/{id}", "{id}").replace("{item_id}", "1");
        let path = path.replace("{order_id}", "126");
        let known = routes.iter().any(|(method, route, _)| *route == path && *method == *operation.method);
        assert!(known, "{} {} is not fuzzed", operation.method, operation.path);
    }
}

#[test]
fn random_bodies_never_break_anything() {
    let seed = seed();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let place = runtime.block_on(async {
        // A checkout that was handed over is looked at again and again; here nothing may change by itself.
        let mut world = World::new().await;
        world.set("SETTLE_SECONDS", "3600");
        Place::of(world).await
    });
    let subjects = routes().iter().map(|_| None).collect();
    let kept = Mutex::new(Kept { subjects, taken: 0, refused: 0 });
    let wanted = asked("FUZZ_CASES").and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let config =
        Config { cases: wanted, failure_persistence: None, max_shrink_iters: 100, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let cases = (0..routes().len(), change());
    let result = runner.run(&cases, |(index, change)| {
        runtime.block_on(one(&place, index, change, &kept)).map_err(TestCaseError::fail)
    });
    if let Err(error) = result {
        panic!("FUZZ_SEED={}: {error}", String::from_utf8_lossy(&seed));
    }
    let Kept { taken, refused, .. } = kept.into_inner().expect("not poisoned");
    println!("{taken} bodies were taken, {refused} refused");
    assert!(taken * 50 > wanted && refused * 2 > wanted, "{taken} taken, {refused} refused: a blind run");
    runtime.block_on(async {
        place.service.stop().await;
        place.world.finish().await;
    });
}
