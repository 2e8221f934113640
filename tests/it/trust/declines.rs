//! Who tests stolen cards: each decline tells whether one is alive, so there are few of them, and little is told.

use super::*;
use crate::harness::{agreed, card, good_card, run, run_with};
use bigcommerce_simulator::magic_card;

/// Somebody's checkout with an order, ready to be paid.
struct Ordered {
    path: String,
    who: Who,
}

async fn ordered(service: &Service, by: &Who, email: &str) -> Ordered {
    let mut body = everything();
    body["billing_address"]["email"] = json!(email);
    let (path, shopper) = created(&post(service, by, "/v1/checkouts", &body).await.expect(201));
    post(service, &shopper, &format!("{path}/order"), &json!({})).await.expect(200);
    Ordered { path, who: shopper }
}

/// A payment with this card from this address.
async fn pay(service: &Service, of: &Ordered, client: &str, card: &Value) -> Answer {
    let bearer = match &of.who {
        Who::Shopper(token) => format!("Bearer {token}"),
        Who::Server | Who::Page => format!("Bearer {KEY}"),
    };
    let key = Uuid::new_v4().to_string();
    let headers = [
        ("authorization", &*bearer),
        ("prefer", "wait=30"),
        ("idempotency-key", &*key),
        ("content-type", "application/json"),
        ("origin", ORIGIN),
        ("x-forwarded-for", client),
    ];
    let body = agreed(card.clone()).to_string().into_bytes();
    service.call(Method::POST, &format!("{}/payment", of.path), &headers, Some(body)).await
}

/// The wait that a refusal asks for, in seconds.
#[track_caller]
fn refused(answer: &Answer) -> u64 {
    assert_eq!((answer.status.as_u16(), answer.problem()), (429, "rate-limited"), "{}", answer.text);
    assert!(answer.text.contains("declined"), "{}", answer.text);
    let words = answer.body["shopper_message"].as_str().expect("a sentence");
    assert!(words.contains("Please wait a while before you try again"), "{words}");
    answer.header("retry-after").and_then(|after| after.parse().ok()).expect("Retry-After")
}

async fn pass(world: &World, time: &str) {
    let passed = format!("update payment_declined set at = at - interval '{time}'");
    sqlx::query(sqlx::AssertSqlSafe(passed)).execute(&world.database.pool).await.expect("time passes");
}

async fn with_limits(limits: &[(&str, &str)]) -> World {
    let mut world = World::new().await;
    world.set("TRUSTED_PROXIES", "127.0.0.0/8,::1");
    for (of, most) in limits {
        world.set(&format!("LIMIT_DECLINES_{of}_PER_DAY"), most);
    }
    world
}

#[tokio::test]
async fn whose_cards_are_declined_waits_longer_and_longer() {
    let world = with_limits(&[("CHECKOUT", "3"), ("SHOPPER", "5"), ("ADDRESS", "7")]).await;
    let (one, two) = (world.start().await, world.start().await);
    let (bad, good) = (card(&magic_card(30_106, 0)), good_card());
    let first = ordered(&one, &Who::Page, "mallory@example.com").await;
    for service in [&one, &two, &one] {
        pay(service, &first, "198.51.100.1", &bad).await.expect(402);
    }
    let sent = world.simulator.requests().len();
    for service in [&one, &two] {
        let after = refused(&pay(service, &first, "198.51.100.2", &good).await);
        assert!((50..=60).contains(&after), "{after}");
    }
    assert_eq!(world.simulator.requests().len(), sent, "nothing was sent");
    pass(&world, "61 seconds").await;
    pay(&two, &first, "198.51.100.1", &bad).await.expect(402);
    let after = refused(&pay(&one, &first, "198.51.100.1", &good).await);
    assert!((110..=120).contains(&after), "{after}");
    // Another checkout of the same shopper, however the address is written: the fifth.
    let second = ordered(&one, &Who::Page, "Mallory@Example.com").await;
    pay(&one, &second, "198.51.100.3", &bad).await.expect(402);
    let third = ordered(&two, &Who::Page, "mallory@example.com").await;
    refused(&pay(&two, &third, "198.51.100.4", &good).await);
    // Other shoppers from the first address: four so far.
    for n in 0..3 {
        let next = ordered(&two, &Who::Page, &format!("other-{n}@example.com")).await;
        pay(&two, &next, "198.51.100.1", &bad).await.expect(402);
    }
    let last = ordered(&one, &Who::Page, "last@example.com").await;
    refused(&pay(&one, &last, "198.51.100.1", &good).await);
    pay(&one, &last, "198.51.100.9", &good).await.expect(200);
    // The next day, and then nothing is kept of it.
    pass(&world, "1 day").await;
    pay(&one, &first, "198.51.100.1", &good).await.expect(200);
    let page = one.get("/metrics").await.text;
    for counted in ["declined_payments_total{store=", "limited_requests_total{kind=\"declines-of-checkout\"}"]
    {
        let line = page.lines().find(|line| line.contains(counted));
        assert!(line.is_some_and(|line| !line.ends_with(" 0")), "{counted}: {line:?}");
    }
    one.stop().await;
    two.stop().await;
    pass(&world, "3 days").await;
    let again = world.start().await;
    crate::events::wait_for_rows(&world, "forgotten", "select not exists (select from payment_declined)")
        .await;
    again.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn declines_are_counted_for_the_key_where_that_is_asked_for() {
    let world = with_limits(&[("CHECKOUT", "0"), ("KEY", "3")]).await;
    run_with(world, async |_, service| {
        let (bad, good) = (card(&magic_card(30_106, 0)), good_card());
        for n in 0..3 {
            // By the server itself, and by shoppers whose checkouts it created.
            let mut next = ordered(service, &Who::Server, &format!("{n}@example.com")).await;
            if n == 0 {
                next.who = Who::Server;
            }
            pay(service, &next, "198.51.100.1", &bad).await.expect(402);
        }
        let mut next = ordered(service, &Who::Server, "last@example.com").await;
        refused(&pay(service, &next, "198.51.100.2", &good).await);
        next.who = Who::Server;
        refused(&pay(service, &next, "198.51.100.2", &good).await);
        let page = ordered(service, &Who::Page, "page@example.com").await;
        pay(service, &page, "198.51.100.2", &good).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_pays_for_many_is_not_paused() {
    run(async |_, service| {
        let bad = card(&magic_card(30_106, 0));
        for _ in 0..12 {
            let mut next = ordered(service, &Who::Server, "jane@example.com").await;
            next.who = Who::Server;
            pay(service, &next, "198.51.100.1", &bad).await.expect(402);
        }
    })
    .await;
}

#[tokio::test]
async fn a_shopper_is_told_of_a_decline_what_helps_and_a_server_everything() {
    run(async |_, service| {
        for (code, helps) in [(30_103, true), (30_106, true), (30_104, false), (30_107, false)] {
            let mut of = ordered(service, &Who::Page, "jane@example.com").await;
            let declined = pay(service, &of, "198.51.100.1", &card(&magic_card(code, 0))).await.expect(402);
            let shown = ask(service, &of.who, Method::GET, &of.path, None).await.expect(200);
            let told = if helps { json!(code) } else { Value::Null };
            assert_eq!(declined.body["decline"]["code"], told, "{}", declined.text);
            assert_eq!(shown.body["payment"]["decline"]["code"], told, "{}", shown.text);
            let vague = "The payment was declined";
            assert_eq!(declined.body["detail"] == vague, !helps, "{}", declined.text);
            let words = declined.body["shopper_message"].as_str().expect("a sentence");
            assert_eq!(words.starts_with("Your payment was declined. You have not"), !helps, "{words}");
            of.who = Who::Server;
            let shown = ask(service, &of.who, Method::GET, &of.path, None).await.expect(200);
            assert_eq!(shown.body["payment"]["decline"]["code"], json!(code), "{}", shown.text);
        }
    })
    .await;
}
