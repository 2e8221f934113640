//! What stands in a page and is known to everybody: it creates, and nothing else.

use super::*;
use crate::harness::{good_card, run};

#[tokio::test]
async fn a_page_creates_with_its_key_and_goes_on_with_the_token() {
    run(async |_, service| {
        let first = post(service, &Who::Page, "/v1/checkouts", &everything()).await.expect(201);
        // A browser of that page may read the answer.
        assert_eq!(first.header("access-control-allow-origin"), Some(ORIGIN));
        let (path, shopper) = created(&first);
        assert_eq!(first.body["cart"]["customer_id"], 0, "{}", first.text);
        let body = json!({"payment": good_card(), "agreed_total": first.body["totals"]["grand_total"]});
        let paid = post(service, &shopper, &format!("{path}/complete"), &body).await.expect(200);
        assert_eq!(paid.body["status"], "completed");
    })
    .await;
}

#[tokio::test]
async fn a_page_cannot_read_what_it_created_without_its_token() {
    run(async |world, service| {
        let (path, shopper) = created(&post(service, &Who::Page, "/v1/checkouts", &mug()).await.expect(201));
        for (method, tail) in [
            (Method::GET, ""),
            (Method::GET, "/events"),
            (Method::GET, "/order"),
            (Method::GET, "/payment-methods"),
            (Method::DELETE, ""),
            (Method::POST, "/order"),
            (Method::POST, "/redirect-urls"),
        ] {
            let before = traces(world).await;
            let refused = ask(service, &Who::Page, method, &format!("{path}{tail}"), None).await.expect(403);
            assert_eq!(refused.problem(), "forbidden", "{tail}");
            assert_eq!(traces(world).await, before, "{tail}");
        }
        ask(service, &shopper, Method::GET, &path, None).await.expect(200);
    })
    .await;
}

#[tokio::test]
async fn repeating_a_creation_with_a_key_that_everybody_has_tells_nothing_of_it() {
    let world = World::new().await;
    let service = world.start().await;
    let create = |who: Who, body: Value| {
        let service = &service;
        async move { ask_with(service, &who, Method::POST, "/v1/checkouts", "create-1", Some(&body)).await }
    };
    let (path, victim) = created(&create(Who::Page, mug()).await.expect(201));
    ask(&service, &victim, Method::PUT, &format!("{path}/billing-address"), Some(&address()))
        .await
        .expect(200);
    let before = traces(&world).await;
    let tokens = "select count(*) from checkout_token";
    let count = || sqlx::query_scalar::<_, i64>(tokens).fetch_one(&world.database.pool);
    let admitted = count().await.expect("a count");
    for body in [mug(), everything()] {
        let refused = create(Who::Page, body).await.expect(422);
        assert_eq!(refused.problem(), "idempotency-key-reused");
        for secret in
            ["\"checkout_token\":", "ct_", "jane@example.com", path.rsplit('/').next().unwrap_or_default()]
        {
            assert!(!refused.text.contains(secret), "{secret}: {}", refused.text);
        }
    }
    assert_eq!((traces(&world).await, count().await.expect("a count")), (before, admitted));
    ask(&service, &victim, Method::GET, &path, None).await.expect(200);
    // A server key is known to the storefront's server alone: its replays are answered as ever.
    let first = create(Who::Server, mug()).await.expect(201);
    let again = create(Who::Server, mug()).await.expect(201);
    assert_eq!((first.id(), again.header("idempotent-replayed")), (again.id(), Some("true")));
    assert_ne!(first.body["checkout_token"], again.body["checkout_token"]);
    // And it cannot be joined with the publishable key.
    assert_eq!(create(Who::Page, mug()).await.expect(422).problem(), "idempotency-key-reused");
    service.stop().await;
    world.finish().await;
}

const TRACED: &str = "authorization,baggage,content-type,idempotency-key,sentry-trace,traceparent,tracestate,x-datadog-trace-id";

#[tokio::test]
async fn the_pages_of_a_publishable_key_may_call_from_a_browser_without_any_further_setting() {
    run(async |_, service| {
        for (origin, allowed) in [(ORIGIN, Some(ORIGIN)), ("https://evil.example", None)] {
            let headers = [
                ("origin", origin),
                ("access-control-request-method", "POST"),
                // As a browser asks for a page that is traced.
                ("access-control-request-headers", TRACED),
            ];
            let answer = service.call(Method::OPTIONS, "/v1/checkouts", &headers, None).await;
            assert_eq!(answer.header("access-control-allow-origin"), allowed, "{origin}");
            if allowed.is_some() {
                assert_eq!(answer.header("access-control-allow-headers"), Some(TRACED));
            }
        }
    })
    .await;
}
