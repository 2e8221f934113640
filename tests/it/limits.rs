//! Limits of our own: what is above is answered with 429, and nothing is bound, recorded or sent.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{
    Answer, KEY, OPERATOR, ORIGIN, PAGE_KEY, Service, World, agreed, card, custom_cart, everything,
    good_card, run_with,
};

/// A world with these limits.
async fn limited(settings: &[(&str, &str)]) -> World {
    let mut world = World::new().await;
    for (name, value) in settings {
        world.set(name, value);
    }
    world
}

/// A call with this credential from this client, as a proxy in front says it.
async fn call(
    service: &Service,
    method: Method,
    path: &str,
    credential: &str,
    client: Option<&str>,
    body: Option<&Value>,
) -> Answer {
    let bearer = format!("Bearer {credential}");
    let key = uuid::Uuid::now_v7().to_string();
    let mut headers = vec![
        ("authorization", &*bearer),
        ("prefer", "wait=30"),
        ("idempotency-key", &*key),
        ("content-type", "application/json"),
        ("origin", ORIGIN),
    ];
    headers.extend(client.map(|client| ("x-forwarded-for", client)));
    service.call(method, path, &headers, body.map(|body| body.to_string().into_bytes())).await
}

#[track_caller]
fn refused(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.problem()), (429, "rate-limited"), "{}", answer.text);
    let after: u64 = answer.header("retry-after").and_then(|after| after.parse().ok()).expect("Retry-After");
    assert!((1..=3600).contains(&after), "{after}");
}

/// How many of so many calls are let in.
async fn let_in(calls: usize, call: impl AsyncFn() -> Answer) -> usize {
    let mut passed = 0;
    for _ in 0..calls {
        let answer = call().await;
        if answer.status == 429 {
            refused(&answer);
        } else {
            passed += 1;
        }
    }
    passed
}

#[tokio::test]
async fn an_address_is_limited_where_the_key_is_public_and_a_server_is_not() {
    let world = limited(&[("LIMIT_ADDRESS_PER_MINUTE", "5"), ("TRUSTED_PROXIES", "127.0.0.0/8,::1")]).await;
    run_with(world, async |world, service| {
        let create = async |credential: &str, client: &str| {
            call(service, Method::POST, "/v1/checkouts", credential, Some(client), Some(&custom_cart())).await
        };
        // Whatever the client says itself stands on the left, and changes nothing.
        for n in 0..5 {
            let answer = create(PAGE_KEY, &format!("203.0.113.{n}, 198.51.100.1")).await;
            assert_ne!(answer.status, 429, "{}", answer.text);
        }
        let calls = world.simulator.requests().len();
        refused(&create(PAGE_KEY, "203.0.113.99, 198.51.100.1").await);
        assert_eq!(world.simulator.requests().len(), calls, "nothing was sent");
        // Another address has its own; of IPv6 a /64 is one.
        assert_ne!(create(PAGE_KEY, "198.51.100.2").await.status, 429);
        assert_eq!(let_in(8, async || create(PAGE_KEY, "2001:db8::1").await).await, 5);
        refused(&create(PAGE_KEY, "2001:db8::ffff:1").await);
        assert_ne!(create(PAGE_KEY, "2001:db8:0:1::1").await.status, 429);
        // What nobody can read is counted for the proxy.
        assert_eq!(let_in(8, async || create(PAGE_KEY, "nobody").await).await, 5);
        // A server speaks for all its shoppers.
        for _ in 0..12 {
            create(KEY, "198.51.100.1").await.expect(201);
        }
        let page = service.get("/metrics").await.text;
        let counted =
            page.lines().find(|line| line.contains("limited_requests_total") && line.contains("\"address\""));
        assert!(counted.is_some_and(|line| !line.ends_with(" 0")), "{counted:?}");
    })
    .await;
}

#[tokio::test]
async fn who_is_no_proxy_of_ours_is_not_believed_about_addresses() {
    let world = limited(&[("LIMIT_ADDRESS_PER_MINUTE", "5"), ("TRUSTED_PROXIES", "10.0.0.0/8")]).await;
    run_with(world, async |_, service| {
        let mut passed = 0;
        for n in 0..9 {
            let client = format!("198.51.100.{n}");
            let answer =
                call(service, Method::POST, "/v1/checkouts", PAGE_KEY, Some(&client), Some(&custom_cart()))
                    .await;
            passed += usize::from(answer.status != 429);
        }
        assert_eq!(passed, 5);
        // Neither are probes and webhooks counted, nor who is an operator.
        for _ in 0..12 {
            for path in ["/healthz", "/readyz", "/metrics", "/problems"] {
                assert_eq!(service.get(path).await.status, 200);
            }
            assert_eq!(service.post("/webhooks/bigcommerce", &json!({})).await.status, 401);
            service.operate(Method::GET, "/ops/v1/summary", OPERATOR, None).await.expect(200);
        }
    })
    .await;
}

#[tokio::test]
async fn what_everybody_may_create_is_limited_more_than_what_is_done_with_it() {
    let world = limited(&[("LIMIT_CREATIONS_PER_MINUTE", "3"), ("TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    run_with(world, async |world, service| {
        let mug = json!({"line_items": [{"product_id": 120, "quantity": 1}]});
        let create = async |key: &str, client: &str| {
            call(service, Method::POST, "/v1/checkouts", key, Some(client), Some(&mug)).await
        };
        let created = create(PAGE_KEY, "198.51.100.1").await.expect(201);
        let (path, token) =
            (format!("/v1/checkouts/{}", created.id()), text(&created.body["checkout_token"]));
        assert_eq!(let_in(5, async || create(PAGE_KEY, "198.51.100.1").await).await, 2);
        assert_eq!(world.simulator.ledger().carts.len(), 3);
        for _ in 0..9 {
            call(service, Method::GET, &path, &token, Some("198.51.100.1"), None).await.expect(200);
            create(KEY, "198.51.100.1").await.expect(201);
        }
        create(PAGE_KEY, "198.51.100.2").await.expect(201);
    })
    .await;
}

#[tokio::test]
async fn a_checkout_is_limited_for_its_token_and_for_writes_of_a_server() {
    run_with(limited(&[("LIMIT_CHECKOUT_PER_MINUTE", "6")]).await, async |_, service| {
        let created = service.post("/v1/checkouts", &custom_cart()).await.expect(201);
        let (path, token) =
            (format!("/v1/checkouts/{}", created.id()), text(&created.body["checkout_token"]));
        let other = service.create(&custom_cart()).await;
        // Who may not see it uses nothing of it up.
        for _ in 0..9 {
            assert_eq!(call(service, Method::GET, &path, "no-such-key", None, None).await.status, 401);
            let stranger = call(service, Method::GET, &other, &token, None, None).await;
            assert_eq!(stranger.status, 404, "{}", stranger.text);
        }
        assert_eq!(let_in(9, async || call(service, Method::GET, &path, &token, None, None).await).await, 6);
        // The whole checkout is busy, but a server may look, and another one is not concerned.
        refused(&service.put(&format!("{path}/customer-message"), &json!({"customer_message": "x"})).await);
        for _ in 0..12 {
            service.get(&path).await.expect(200);
        }
        service
            .put(&format!("{other}/customer-message"), &json!({"customer_message": "x"}))
            .await
            .expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_key_is_limited_and_a_publishable_one_to_less() {
    let world = limited(&[("LIMIT_KEY_PER_MINUTE", "4"), ("LIMIT_PUBLISHABLE_KEY_PER_MINUTE", "2")]).await;
    run_with(world, async |_, service| {
        let path = service.create(&custom_cart()).await;
        assert_eq!(let_in(6, async || service.get(&path).await).await, 3);
        let bearer = format!("Bearer {PAGE_KEY}");
        let headers = [("authorization", &*bearer), ("origin", ORIGIN)];
        // A page may not look, and is counted all the same.
        assert_eq!(let_in(4, async || service.call(Method::GET, &path, &headers, None).await).await, 2);
    })
    .await;
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn two_processes_share_a_limit() {
    let world =
        limited(&[("LIMIT_CHECKOUT_PER_MINUTE", "8"), ("LIMIT_PAYMENTS_CHECKOUT_PER_HOUR", "3")]).await;
    let (one, two) = (world.start().await, world.start().await);
    for service in [&one, &two] {
        service.wait_for_budget("shared", |state| state.replicas == 2).await;
    }
    let created = one.post("/v1/checkouts", &everything()).await.expect(201);
    let (path, token) = (format!("/v1/checkouts/{}", created.id()), text(&created.body["checkout_token"]));
    let mut passed = 0;
    for service in [&one, &two] {
        passed += let_in(9, async || call(service, Method::GET, &path, &token, None, None).await).await;
    }
    assert_eq!(passed, 8);
    one.stop().await;
    two.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn stolen_cards_cannot_be_tried_one_after_the_other() {
    let world = limited(&[
        ("LIMIT_PAYMENTS_CHECKOUT_PER_HOUR", "3"),
        ("LIMIT_PAYMENTS_SHOPPER_PER_HOUR", "5"),
        ("LIMIT_PAYMENTS_ADDRESS_PER_HOUR", "7"),
        ("TRUSTED_PROXIES", "127.0.0.0/8,::1"),
    ])
    .await;
    let (one, two) = (world.start().await, world.start().await);
    let declined = agreed(card(&bigcommerce_simulator::magic_card(30_106, 0)));
    let ordered = async |email: &str| {
        let mut body = everything();
        body["billing_address"]["email"] = json!(email);
        let created = one.post("/v1/checkouts", &body).await.expect(201);
        let path = format!("/v1/checkouts/{}", created.id());
        one.post(&format!("{path}/order"), &json!({})).await.expect(200);
        (format!("{path}/payment"), text(&created.body["checkout_token"]))
    };
    let tried = async |service: &Service, (path, token): &(String, String), client: &str| {
        call(service, Method::POST, path, token, Some(client), Some(&declined)).await
    };
    let first = ordered("mallory@example.com").await;
    // Over both processes, of one checkout.
    for service in [&one, &two, &one] {
        tried(service, &first, "198.51.100.1").await.expect(402);
    }
    let charged = world.simulator.requests().len();
    for service in [&one, &two] {
        refused(&tried(service, &first, "198.51.100.2").await);
    }
    assert_eq!(world.simulator.requests().len(), charged, "nothing was sent");
    // Of one shopper, however the address is written, over several checkouts. What was refused above was counted as well.
    let second = ordered("Mallory@Example.com").await;
    refused(&tried(&two, &second, "198.51.100.3").await);
    // Of one address, over several shoppers: three so far.
    for n in 0..4 {
        let next = ordered(&format!("other-{n}@example.com")).await;
        tried(&two, &next, "198.51.100.1").await.expect(402);
    }
    let last = ordered("last@example.com").await;
    refused(&tried(&one, &last, "198.51.100.1").await);
    // Somebody else pays.
    let paid =
        call(&one, Method::POST, &last.0, &last.1, Some("198.51.100.9"), Some(&agreed(good_card()))).await;
    assert_eq!(paid.expect(200).body["status"], "completed");
    one.stop().await;
    two.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn a_repetition_is_no_further_payment_and_a_server_is_limited_for_each_checkout() {
    let world =
        limited(&[("LIMIT_PAYMENTS_CHECKOUT_PER_HOUR", "2"), ("LIMIT_PAYMENTS_SHOPPER_PER_HOUR", "2")]).await;
    run_with(world, async |world, service| {
        let declined = agreed(card(&bigcommerce_simulator::magic_card(30_106, 0)));
        for _ in 0..3 {
            let path = service.create(&everything()).await;
            service.post(&format!("{path}/order"), &json!({})).await.expect(200);
            let payment = format!("{path}/payment");
            for _ in 0..6 {
                service.post_with(&payment, &format!("{path}-one"), &declined).await.expect(402);
            }
            service.post(&payment, &declined).await.expect(402);
            refused(&service.post_with(&payment, &format!("{path}-late"), &agreed(good_card())).await);
            // Nothing was bound: the outcome of the first is still told, and nothing of the last is known.
            service.post_with(&payment, &format!("{path}-one"), &declined).await.expect(402);
            assert_eq!(service.get(&path).await.body["payment"]["status"], "declined");
        }
        assert_eq!(world.simulator.ledger().charges.len(), 0);
    })
    .await;
}

#[tokio::test]
async fn what_is_refused_before_it_is_sent_is_no_attempt_to_pay() {
    let world = limited(&[
        ("LIMIT_PAYMENTS_CHECKOUT_PER_HOUR", "1"),
        ("LIMIT_PAYMENTS_SHOPPER_PER_HOUR", "1"),
        ("LIMIT_PAYMENTS_ADDRESS_PER_HOUR", "1"),
    ])
    .await;
    run_with(world, async |world, service| {
        let created = service.post("/v1/checkouts", &everything()).await.expect(201);
        let (path, token) =
            (format!("/v1/checkouts/{}", created.id()), text(&created.body["checkout_token"]));
        let pay = async |body: &Value, to: &str| {
            call(service, Method::POST, &format!("{path}/{to}"), &token, None, Some(body)).await
        };
        for _ in 0..3 {
            // Out of order, no agreement, a body that does not fit, an instrument of a customer who was not proven.
            assert_eq!(pay(&agreed(good_card()), "payment").await.problem(), "step-out-of-order");
            assert_eq!(
                pay(&json!({"payment": good_card()}), "complete").await.problem(),
                "agreement-required"
            );
            assert_eq!(
                pay(&json!({"payment": {}, "agreed_total": 11}), "complete").await.problem(),
                "invalid-input"
            );
            let stored = json!({"type": "store_credit"});
            let foreign = agreed(
                json!({"payment": {"payment_method_id": "bigcommerce.store_credit", "instrument": stored}}),
            );
            assert_eq!(pay(&foreign, "complete").await.problem(), "forbidden");
        }
        let rows: i64 = sqlx::query_scalar("select count(*) from payment_asked")
            .fetch_one(&world.database.pool)
            .await
            .expect("a count");
        assert_eq!(rows, 0);
        pay(&agreed(json!({"payment": good_card()})), "complete").await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_locks_nobody_out_and_old_counts_are_forgotten() {
    let world = limited(&[("LIMIT_PAYMENTS_CHECKOUT_PER_HOUR", "2")]).await;
    let service = world.start().await;
    let declined = agreed(card(&bigcommerce_simulator::magic_card(30_106, 0)));
    let path = service.create(&everything()).await;
    service.post(&format!("{path}/order"), &json!({})).await.expect(200);
    let pay = async || service.post(&format!("{path}/payment"), &declined).await;
    let at = async |since: &str| {
        let moved = format!("update payment_asked set since = now() {since}");
        sqlx::query(sqlx::AssertSqlSafe(moved)).execute(&world.database.pool).await.expect("it is moved");
    };
    assert_eq!(let_in(4, pay).await, 2);
    // A moment ahead is another transaction, which began later.
    at("+ interval '1 second'").await;
    assert_eq!(let_in(2, pay).await, 0);
    at("+ interval '3 days'").await;
    assert_eq!(let_in(3, pay).await, 1);
    at("- interval '61 minutes'").await;
    assert_eq!(let_in(3, pay).await, 1);
    service.stop().await;
    // What is a day old goes when a process tidies up, whatever else there is to do.
    at("- interval '25 hours'").await;
    sqlx::query(
        "insert into payment_asked (kind, subject, since, times)
         select 'payments-of-address', int4send(n), now() - interval '2 days', 1 from generate_series(1, 500) as n",
    )
    .execute(&world.database.pool)
    .await
    .expect("old counts");
    let service = world.start().await;
    crate::events::wait_for_rows(&world, "forgotten", "select not exists (select from payment_asked)").await;
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn guessing_is_limited_at_every_door_and_locks_nobody_out_who_is_known() {
    let world = limited(&[("LIMIT_UNKNOWN_PER_MINUTE", "5"), ("LIMIT_SIGN_IN_PER_MINUTE", "3")]).await;
    run_with(world, async |_, service| {
        let guess = async || call(service, Method::GET, "/ops/v1/summary", "guess", None, None).await;
        assert_eq!(let_in(9, guess).await, 5);
        refused(&call(service, Method::POST, "/v1/checkouts", "guess", None, Some(&custom_cart())).await);
        let created = service.post("/v1/checkouts", &custom_cart()).await.expect(201);
        let (path, token) =
            (format!("/v1/checkouts/{}", created.id()), text(&created.body["checkout_token"]));
        call(service, Method::GET, &path, &token, None, None).await.expect(200);
        service.operate(Method::GET, "/ops/v1/summary", OPERATOR, None).await.expect(200);
        // Signing in: what is wrong counts, and then nothing is let in.
        let sign_in = async || {
            let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", service.url())];
            service
                .call(Method::POST, "/ops/sign-in", &headers, Some(b"token=guess&csrf=x&next=/ops".to_vec()))
                .await
        };
        let mut tried = Vec::new();
        for _ in 0..6 {
            tried.push(sign_in().await);
        }
        assert_eq!(tried.iter().filter(|answer| answer.status != 429).count(), 3);
        // A person reads it: a page, with the headers that every page has.
        let last = tried.last().expect("an answer");
        assert!(
            last.header("content-type").is_some_and(|kind| kind.starts_with("text/html")),
            "{}",
            last.text
        );
        assert!(last.header("content-security-policy").is_some() && last.header("retry-after").is_some());
        assert!(last.text.contains("Too many requests"), "{}", last.text);
    })
    .await;
}
