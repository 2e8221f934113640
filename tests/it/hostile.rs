//! A hostile caller has many keys, many names for where it is, and no shame: it gets no more than a polite one.

use std::time::Instant;

use reqwest::Method;
use serde_json::json;

use crate::harness::{KEY, ORIGIN, PAGE_KEY, Service, World, run_with};

/// Ways to say where one is, each different from request to request.
fn disguises(n: usize) -> Vec<Vec<(&'static str, String)>> {
    let address = format!("198.51.{}.{}", n / 250, n % 250 + 1);
    vec![
        vec![("x-forwarded-for", address.clone())],
        vec![("x-forwarded-for", format!("{address}, 127.0.0.1"))],
        vec![("x-forwarded-for", format!("127.0.0.1, {address}")), ("x-forwarded-for", "::1".to_owned())],
        vec![("X-FORWARDED-FOR", format!("[2001:db8:{n:x}::1]:443"))],
        vec![("forwarded", format!("for={address};proto=https;by=127.0.0.1"))],
        vec![("forwarded", format!("for=\"[2001:db8:{n:x}::1]\"")), ("x-forwarded-for", address.clone())],
        vec![("x-real-ip", address.clone()), ("true-client-ip", address.clone())],
        vec![
            ("cf-connecting-ip", address.clone()),
            ("x-client-ip", address.clone()),
            ("via", address.clone()),
        ],
        vec![("x-forwarded-for", format!("\u{e9}{address}"))],
        vec![("x-forwarded-for", format!("{address},").repeat(2_000))],
        vec![("x-forwarded-host", address.clone()), ("host", format!("{address}:80"))],
    ]
}

/// What is asked with a public key: at every turn with other words.
async fn create(service: &Service, credential: &str, n: usize, disguise: &[(&str, String)]) -> u16 {
    let key = format!("hostile-{n}");
    let scheme = ["Bearer", "bearer", "BEARER"][n % 3];
    let bearer = format!("{scheme} {credential}");
    let mut headers = vec![
        ("authorization", &*bearer),
        ("content-type", "application/json"),
        ("idempotency-key", &*key),
        ("origin", ORIGIN),
        ("prefer", "wait=0"),
    ];
    headers.extend(disguise.iter().map(|(name, value)| (*name, &**value)));
    let body = json!({"line_items": [{"product_id": 120, "quantity": 1}]}).to_string().into_bytes();
    service.call(Method::POST, "/v1/checkouts", &headers, Some(body)).await.status.as_u16()
}

/// The most that may be let in by a limit of so many in a minute.
fn at_most(limit: usize, since: Instant) -> usize {
    let waited = usize::try_from(since.elapsed().as_millis()).expect("a short test");
    limit + waited * limit / 60_000 + 1
}

#[tokio::test]
async fn no_header_makes_a_caller_somebody_else() {
    for proxies in ["", "10.0.0.0/8,2001:db8::/32"] {
        let mut world = World::new().await;
        world.set("LIMIT_CREATIONS_PER_MINUTE", "5");
        world.set("LIMIT_UNKNOWN_PER_MINUTE", "5");
        world.set("TRUSTED_PROXIES", proxies);
        run_with(world, async |world, service| {
            let began = Instant::now();
            let (mut made, mut guessed) = (0, 0);
            for n in 0..4 {
                for (which, disguise) in disguises(n).into_iter().enumerate() {
                    let n = n * 100 + which;
                    made += usize::from(create(service, PAGE_KEY, n, &disguise).await != 429);
                    guessed +=
                        usize::from(create(service, &format!("a-guess-{n:020}"), n, &disguise).await != 429);
                }
            }
            assert!((5..=at_most(5, began)).contains(&made), "{made} created");
            assert!((5..=at_most(5, began)).contains(&guessed), "{guessed} guessed");
            assert!(world.simulator.ledger().carts.len() <= made);
            // Whoever is known is let in all the same.
            assert_ne!(create(service, KEY, 9_999, &[]).await, 429);
        })
        .await;
    }
}

#[tokio::test]
async fn behind_a_proxy_what_the_caller_says_of_itself_changes_nothing() {
    let mut world = World::new().await;
    world.set("LIMIT_CREATIONS_PER_MINUTE", "5");
    world.set("TRUSTED_PROXIES", "127.0.0.0/8,::1");
    run_with(world, async |_, service| {
        let began = Instant::now();
        let mut made = 0;
        for n in 0..30_usize {
            // The proxy adds whom it saw to whatever the caller sent, in the same line or in one of its own.
            let lies = ["", "127.0.0.1, ", "unknown, ", "203.0.113.1, 127.0.0.1, ", ", , "][n % 5];
            let lies = lies.repeat(if n % 7 == 0 { 500 } else { 1 });
            let way = if n % 2 == 0 {
                vec![("x-forwarded-for", format!("{lies}198.51.100.{}, 203.0.113.77", n % 200 + 1))]
            } else {
                vec![
                    ("x-forwarded-for", format!("{lies}198.51.100.1")),
                    ("x-forwarded-for", "203.0.113.77".to_owned()),
                ]
            };
            made += usize::from(create(service, PAGE_KEY, n, &way).await != 429);
        }
        assert!((5..=at_most(5, began)).contains(&made), "{made} created");
        let other = vec![("x-forwarded-for", "203.0.113.78".to_owned())];
        assert_ne!(create(service, PAGE_KEY, 999, &other).await, 429);
    })
    .await;
}
