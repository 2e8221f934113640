//! Operators who are bound to one store of several: what is of another one is not there, through whichever door.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use reqwest::Method;
use serde_json::{Value, json};

use crate::bad_requests::credentials::OPERATORS;
use crate::dashboard::Visitor;
use crate::dashboard::doors::PAGES;
use crate::harness::{Answer, OPERATOR, Receiver, Service, World, agreed, everything, good_card};

/// A store: its name, its hash, the key of its storefront and its operator.
struct Shop {
    name: &'static str,
    hash: &'static str,
    key: &'static str,
    operator: &'static str,
    token: &'static str,
    email: &'static str,
    price: u32,
    reason: &'static str,
}

const NORTH: Shop = Shop {
    name: "north",
    hash: "northhash",
    key: "storefront-key-of-the-north",
    operator: "nora",
    token: "operator-token-of-the-north",
    email: "jane@north.example",
    price: 10,
    reason: "Nora wants it",
};
const SOUTH: Shop = Shop {
    name: "south",
    hash: "southhash",
    key: "storefront-key-of-the-south",
    operator: "sven",
    token: "operator-token-of-the-south",
    email: "jim@south.example",
    price: 4242,
    reason: "Sven wants it",
};

/// What a request may name.
struct Names {
    store: String,
    checkout: String,
    bulk: String,
    action: String,
    event: String,
}

/// What nobody has.
fn nobody() -> Names {
    let id = || "0199f0c4-7a34-7c6f-9c4b-2f6d3c1e8a10".to_owned();
    Names { store: "nowhere".to_owned(), checkout: id(), bulk: id(), action: id(), event: id() }
}

/// What is there of a store: what can be asked for, and what must not be seen of it.
struct Stock {
    names: Names,
    checkouts: Vec<String>,
    order: u64,
    secrets: Vec<String>,
}

async fn two_stores() -> (World, Service, Receiver) {
    let tables = [NORTH, SOUTH].map(|shop| {
        format!(
            "[[store]]\nname = \"{}\"\nstore_hash = \"{}\"\naccess_token = \"access-token-of-{}\"\n\
             storefront_keys = [{{ name = \"web\", key = \"{}\" }}]\noperator_tokens = \"{}:money={}\"\n",
            shop.name, shop.hash, shop.name, shop.key, shop.operator, shop.token
        )
    });
    let receiver = Receiver::start().await;
    let mut world = super::world().await;
    world.set_stores(&tables.concat());
    world.set("EVENT_DESTINATIONS", &receiver.entry("shop"));
    let service = world.start().await;
    (world, service, receiver)
}

async fn send(service: &Service, token: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let bearer = format!("Bearer {token}");
    let mut headers = vec![("authorization", &*bearer)];
    let key = uuid::Uuid::now_v7().to_string();
    if method == Method::POST {
        headers.extend([("idempotency-key", &*key), ("prefer", "wait=30")]);
    }
    if body.is_some() {
        headers.push(("content-type", "application/json"));
    }
    service.call(method, path, &headers, body.map(|body| body.to_string().into_bytes())).await
}

async fn get(service: &Service, token: &str, path: &str) -> Answer {
    send(service, token, Method::GET, path, None).await
}

/// A paid checkout whose order is paid back in part, one with an open order, one that is paused; and a bulk.
async fn stock(world: &World, service: &Service, shop: &Shop) -> Stock {
    let post = async |token: &str, path: &str, body: Value, status: u16| {
        send(service, token, Method::POST, path, Some(&body)).await.expect(status)
    };
    let mut cart = everything();
    cart["custom_items"][0]["list_price"] = json!(shop.price);
    cart["billing_address"]["email"] = json!(shop.email);
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(post(shop.key, "/v1/checkouts", cart.clone(), 201).await.body);
    }
    let ids: Vec<String> = made.iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect();
    let [paid, open, paused] = ids.as_slice() else { panic!("three checkouts") };
    let complete = format!("/v1/checkouts/{paid}/complete");
    let done = post(shop.key, &complete, agreed(json!({"payment": good_card()})), 200).await.body;
    post(shop.key, &format!("/v1/checkouts/{open}/order"), json!({}), 200).await;
    let order = done["order"]["id"].as_u64().expect("an order");
    let why = json!({"reason": shop.reason});
    post(shop.token, &format!("/ops/v1/checkouts/{paused}/pause"), why, 200).await;
    // The store needs no name: it is the only one that there is.
    let refund = json!({
        "items": [{"item_type": "ORDER", "item_id": order, "amount": 1, "reason": "broken"}],
        "payments": [{"provider_id": "stripe", "amount": 1, "offline": false}], "reason": shop.reason,
    });
    post(shop.token, &format!("/ops/v1/orders/{order}/refunds"), refund, 201).await;
    let bulk = json!({"filter": {"reason": "paused"}, "action": "pause", "reason": shop.reason});
    let bulk = post(shop.token, "/ops/v1/bulk", bulk, 202).await;
    assert_eq!((&bulk.body["total"], &bulk.body["filter"]["store"]), (&json!(1), &json!(shop.name)));
    let bulk = bulk.id();
    finished(service, shop.token, &bulk).await;
    let action = get(service, shop.token, "/ops/v1/order-actions").await.expect(200).body["data"][0].clone();
    let event: uuid::Uuid =
        sqlx::query_scalar("select event_id from outbox where checkout_id = $1::text::uuid limit 1")
            .bind(paid)
            .fetch_one(&world.database.pool)
            .await
            .expect("an event");
    let names = Names {
        store: shop.name.to_owned(),
        checkout: paid.clone(),
        bulk,
        action: action["id"].as_str().expect("an action").to_owned(),
        event: event.to_string(),
    };
    let mut secrets = vec![names.bulk.clone(), names.action.clone(), names.event.clone()];
    secrets.extend([shop.name, shop.operator, shop.email, shop.reason].map(str::to_owned));
    secrets.extend(made.iter().filter_map(|one| one["cart"]["id"].as_str()).map(str::to_owned));
    secrets.extend(ids.clone());
    let listed = get(service, shop.token, "/ops/v1/checkouts?status=completed").await.expect(200);
    let total = &listed.body["data"][0]["total"];
    assert!(total.is_number(), "{}", listed.text);
    secrets.push(total.to_string());
    Stock { names, checkouts: ids, order, secrets }
}

async fn finished(service: &Service, token: &str, bulk: &str) -> Answer {
    for _ in 0..2000 {
        let seen = get(service, token, &format!("/ops/v1/bulk/{bulk}")).await.expect(200);
        if seen.body["status"] == "done" {
            return seen;
        }
    }
    panic!("{bulk} never ends");
}

/// A request of this route that names these.
fn filled(path: &str, names: &Names, order: u64) -> String {
    let mut filled = path
        .replace("{id}", &names.checkout)
        .replace("{bulk_id}", &names.bulk)
        .replace("{action_id}", &names.action)
        .replace("{event_id}", &names.event)
        .replace("{order_id}", &order.to_string())
        .replace("{product_id}", "184")
        .replace("{address_id}", "1");
    let of_orders = ["/orders", "/order-statuses", "/customers", "/products"];
    if of_orders.iter().any(|part| filled.starts_with(&format!("/ops/v1{part}"))) {
        let _ = write!(filled, "?store={}", names.store);
    }
    filled
}

/// A body that this route would take.
fn body(path: &str, store: &str) -> Value {
    match path.rsplit('/').next() {
        Some("resolve") => json!({"reason": "so", "finding": {"not_charged": true}}),
        Some("cancel") => json!({"reason": "so", "refund": true}),
        Some("bulk") => json!({"reason": "so", "action": "pause", "filter": {"store": store}}),
        Some("{order_id}") => json!({"status_id": 5}),
        _ => json!({"reason": "so"}),
    }
}

/// Lists that are asked for what is of a store.
fn searches(stock: &Stock, shop: &Shop) -> Vec<String> {
    let (names, email) = (&stock.names, shop.email.replace('@', "%40"));
    let mut all = vec!["/ops/audit?verify=yes".to_owned()];
    for list in ["/ops/v1/checkouts", "/ops/checkouts"] {
        for query in [
            String::new(),
            format!("?store={}", names.store),
            format!("?order_id={}", stock.order),
            format!("?email={email}"),
            "?status=completed".to_owned(),
            "?reason=paused&sort=created_at".to_owned(),
        ] {
            all.push(format!("{list}{query}"));
        }
    }
    for list in ["/ops/v1/audit", "/ops/audit", "/ops/events"] {
        all.extend([list.to_owned(), format!("{list}?checkout_id={}", names.checkout)]);
    }
    for query in ["", "?limit=200", "?order_id=125", "?store=south", "?status=done"] {
        all.push(format!("/ops/v1/order-actions{query}"));
    }
    all
}

/// What a problem says, and how much a bulk has.
fn gist(answer: &Answer) -> (u16, [Value; 5]) {
    let fields = ["code", "detail", "guard", "errors", "total"];
    (answer.status.as_u16(), fields.map(|field| answer.body[field].clone()))
}

/// Fails when an answer holds a secret that the request did not name.
fn keeps(answer: &Answer, asked: &str, secrets: &[String]) {
    for secret in secrets.iter().filter(|secret| !asked.contains(*secret)) {
        // An address that was asked for may be quoted.
        let text = answer.text.replace(asked, "");
        assert!(!text.contains(secret), "{asked} shows {secret}: {}", answer.text);
    }
}

/// Everything of a store that could be changed.
async fn standing(world: &World, shop: &Shop) -> String {
    // A delivery counts, and is made a moment after what it tells of.
    crate::events::wait_until_all_is_told(world).await;
    let rows: String = sqlx::query_scalar(
        "select concat_ws('; ',
            (select string_agg(concat_ws(' ', checkout_id, version, status), ',' order by checkout_id)
             from checkout where store = $1),
            (select count(*) from attempt_log join checkout using (checkout_id) where store = $1),
            (select count(*) from audit join checkout using (checkout_id) where store = $1),
            (select count(*) from bulk_item join checkout using (checkout_id) where store = $1),
            (select sum(attempts) from delivery join checkout using (checkout_id) where store = $1),
            (select string_agg(concat_ws(' ', order_action_id, fence, status), ',' order by order_action_id)
             from order_action where store = $1))",
    )
    .bind(shop.name)
    .fetch_one(&world.database.pool)
    .await
    .expect("rows");
    let ledger = world.simulator.ledger_of(shop.hash);
    format!("{rows} {:?} {:?} {:?}", ledger.orders, ledger.charges, ledger.refunds)
}

#[tokio::test]
async fn nothing_of_another_store_is_seen_or_done_through_any_door() {
    let (world, service, _receiver) = two_stores().await;
    let north = stock(&world, &service, &NORTH).await;
    let south = stock(&world, &service, &SOUTH).await;
    assert_eq!(north.order, south.order, "both stores count alike");
    let before = standing(&world, &SOUTH).await;
    let mut seen_by_all = String::new();
    for (method, path, _) in OPERATORS {
        let method: Method = method.parse().expect("a method");
        let mut answers = Vec::new();
        for names in [&south.names, &nobody()] {
            let asked = filled(path, names, south.order);
            let body = (method != Method::GET).then(|| body(path, &names.store));
            let answer = send(&service, NORTH.token, method.clone(), &asked, body.as_ref()).await;
            let named = asked.clone() + &body.unwrap_or_default().to_string();
            keeps(&answer, &named, &south.secrets);
            answers.push(gist(&answer));
            if method == Method::GET && names.store == SOUTH.name {
                seen_by_all += &get(&service, OPERATOR, &asked).await.text;
            }
        }
        assert_eq!(answers[0], answers[1], "{method} {path} tells what is there");
        let hidden = ["{id}", "{bulk_id}", "{action_id}", "verify"].iter().any(|part| path.contains(part));
        assert_eq!(answers[0].0 == 404, hidden, "{method} {path}: {:?}", answers[0]);
    }
    let form = |names: &Names| format!("action=pause&reason=so&why=so&store={}", names.store).into_bytes();
    for (method, path, least) in PAGES {
        if least.is_none() || ["/ops/live", "/ops/sign-out"].contains(path) {
            continue;
        }
        let method: Method = method.to_uppercase().parse().expect("a method");
        let mut answers = Vec::new();
        for names in [&south.names, &nobody()] {
            let asked = filled(path, names, south.order);
            let bearer = format!("Bearer {}", NORTH.token);
            let headers =
                [("content-type", "application/x-www-form-urlencoded"), ("authorization", &*bearer)];
            let posts = method == Method::POST;
            let sent = posts.then(|| form(names));
            let answer = service.call(method.clone(), &asked, &headers, sent).await;
            let named = if posts { format!("{asked} store={}", names.store) } else { asked.clone() };
            keeps(&answer, &named, &south.secrets);
            answers.push(answer.status.as_u16());
            if !posts && names.store == SOUTH.name && !path.ends_with("/live") {
                seen_by_all += &get(&service, OPERATOR, &asked).await.text;
            }
        }
        assert_eq!(answers[0], answers[1], "{method} {path} tells what is there");
        assert_eq!(answers[0] == 404, path.contains('{'), "{method} {path}: {answers:?}");
    }
    for asked in searches(&south, &SOUTH) {
        let answer = get(&service, NORTH.token, &asked).await;
        let echoed = asked.replace("%40", "@");
        keeps(&answer, &echoed, &south.secrets);
        seen_by_all += &get(&service, OPERATOR, &asked).await.text;
    }
    // Whoever is for all stores sees all of it: what is looked for can be found.
    for secret in north.secrets.iter().chain(&south.secrets) {
        assert!(seen_by_all.contains(secret), "{secret} is never seen by anybody");
    }
    assert_eq!(standing(&world, &SOUTH).await, before, "something of the other store was changed");
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn an_operator_of_a_store_has_all_of_it_and_no_more() {
    let (world, service, _receiver) = two_stores().await;
    let north = stock(&world, &service, &NORTH).await;
    let south = stock(&world, &service, &SOUTH).await;
    let ops = async |path: &str| get(&service, NORTH.token, &format!("/ops/v1/{path}")).await.expect(200);
    let rows = |page: &Answer, field: &str| -> BTreeSet<String> {
        let data = page.body["data"].as_array().expect("rows").iter();
        data.filter(|row| !row[field].is_null())
            .map(|row| row[field].to_string().trim_matches('"').to_owned())
            .collect()
    };
    let own: BTreeSet<String> = north.checkouts.iter().cloned().collect();
    assert_eq!(rows(&ops("checkouts").await, "id"), own);
    assert_eq!(rows(&ops("order-actions").await, "id"), BTreeSet::from([north.names.action.clone()]));
    assert_eq!(rows(&ops("bulk").await, "id"), BTreeSet::from([north.names.bulk.clone()]));
    assert_eq!(rows(&ops("orders").await, "id").len(), world.simulator.ledger_of(NORTH.hash).orders.len());
    let summary = ops("summary").await;
    let counts = summary.body["by_status"].as_array().expect("counts").iter();
    assert_eq!(counts.filter_map(|one| one["count"].as_u64()).sum::<u64>(), 3);
    assert_eq!(summary.body["stuck"][0]["count"], 1);
    let stores = summary.body["stores"].as_array().expect("stores");
    assert_eq!(stores.iter().map(|one| &one["store"]).collect::<Vec<_>>(), [NORTH.name]);
    let audit = ops("audit").await;
    assert_eq!(rows(&audit, "actor"), BTreeSet::from([NORTH.operator.to_owned()]));
    let actions = ["bulk", "pause", "refund"].map(str::to_owned);
    assert_eq!(rows(&audit, "action"), BTreeSet::from(actions));
    assert_eq!(rows(&audit, "checkout_id"), BTreeSet::from([north.checkouts[2].clone()]));
    // Whoever is for all stores has both, and the chain.
    let all = get(&service, OPERATOR, "/ops/v1/checkouts").await.expect(200);
    assert_eq!(rows(&all, "id").len(), 6);
    let chain = get(&service, OPERATOR, "/ops/v1/audit/verify").await.expect(200);
    assert_eq!(chain.body["broken"], Value::Null);

    // A bulk that names no store is for the one that the operator has.
    let mut wish = json!({"filter": {"status": "awaiting_input"}, "action": "pause", "reason": "closed",
        "dry_run": true});
    let preview = send(&service, NORTH.token, Method::POST, "/ops/v1/bulk", Some(&wish)).await.expect(200);
    assert_eq!((&preview.body["total"], &preview.body["allowed"]), (&json!(1), &json!(1)));
    wish["dry_run"] = json!(false);
    let before = standing(&world, &SOUTH).await;
    let begun = send(&service, NORTH.token, Method::POST, "/ops/v1/bulk", Some(&wish)).await.expect(202);
    let done = finished(&service, NORTH.token, &begun.id()).await;
    assert_eq!((&done.body["total"], &done.body["done"]), (&json!(1), &json!(1)));
    assert_eq!(done.body["results"][0]["checkout_id"], north.checkouts[1].as_str());
    assert_eq!(standing(&world, &SOUTH).await, before);
    let theirs = get(&service, SOUTH.token, &format!("/ops/v1/checkouts/{}", south.checkouts[1])).await;
    assert_eq!(theirs.expect(200).body["status"], "awaiting_input");

    let mut nora = Visitor::with(&service, NORTH.token).await;
    let page = nora.get("/ops").await.expect(200);
    assert!(page.text.contains("nora") && page.text.contains("store north"), "{}", page.text);
    let audit = nora.get("/ops/audit").await.expect(200);
    assert!(!audit.text.contains("Verify the chain"), "{}", audit.text);
    service.stop().await;
    world.finish().await;
}
