//! What a checkout token is good for, and until when: a few of one checkout, until an operator revokes them, and without names and
//! addresses some time after the end.

use super::*;
use crate::harness::{ACTOR, OPERATOR, READER, agreed, good_card, run};
use crate::streams::Stream;

async fn status(service: &Service, who: &Who, path: &str) -> u16 {
    ask(service, who, Method::GET, path, None).await.status.as_u16()
}

#[tokio::test]
async fn a_checkout_has_a_few_tokens_and_the_oldest_goes() {
    run(async |world, service| {
        let mut tokens = Vec::new();
        let mut path = String::new();
        for _ in 0..8 {
            let answer =
                ask_with(service, &Who::Server, Method::POST, "/v1/checkouts", "one-creation", Some(&mug()))
                    .await;
            let (of, token) = created(&answer.expect(201));
            path = of;
            tokens.push(token);
        }
        let (gone, good) = tokens.split_at(3);
        for token in gone {
            assert_eq!(status(service, token, &path).await, 401);
        }
        for token in good {
            assert_eq!(status(service, token, &path).await, 200);
        }
        let kept: i64 = sqlx::query_scalar("select count(*) from checkout_token")
            .fetch_one(&world.database.pool)
            .await
            .expect("a count");
        assert_eq!(kept, 5);
    })
    .await;
}

#[tokio::test]
async fn an_operator_revokes_the_tokens_of_a_checkout_and_it_goes_on() {
    run(async |_, service| {
        let create = async || {
            let body = mug();
            let path = "/v1/checkouts";
            let answer =
                ask_with(service, &Who::Server, Method::POST, path, "to-be-revoked", Some(&body)).await;
            created(&answer.expect(201))
        };
        let (path, token) = create().await;
        let revoke = format!("{}/revoke-tokens", path.replace("/v1/", "/ops/v1/"));
        let reason = json!({"reason": "it stood in a log"});
        let refused = service.operate(Method::POST, &revoke, READER, Some(&reason)).await.expect(403);
        assert_eq!(refused.problem(), "forbidden");
        let tried = json!({"reason": "it stood in a log", "dry_run": true});
        service.operate(Method::POST, &revoke, ACTOR, Some(&tried)).await.expect(200);
        assert_eq!(status(service, &token, &path).await, 200);
        service.operate(Method::POST, &revoke, ACTOR, Some(&reason)).await.expect(200);
        assert_eq!(status(service, &token, &path).await, 401);
        assert_eq!(status(service, &Who::Server, &path).await, 200);
        let audit = service.operate(Method::GET, "/ops/v1/audit", OPERATOR, None).await.expect(200).body;
        let row = &audit["data"][0];
        assert_eq!((&row["action"], &row["result"]), (&json!("revoke-tokens"), &json!("done")), "{audit}");
        let (_, fresh) = create().await;
        assert_eq!(status(service, &fresh, &path).await, 200);
    })
    .await;
}

#[tokio::test]
async fn whoever_follows_with_a_revoked_token_hears_nothing_more() {
    run(async |_, service| {
        let (path, token) = created(&post(service, &Who::Server, "/v1/checkouts", &mug()).await.expect(201));
        let Who::Shopper(token) = &token else { unreachable!("a checkout token") };
        let ticket =
            ask(service, &Who::Shopper(token.clone()), Method::POST, &format!("{path}/event-tickets"), None)
                .await;
        let by_ticket = ticket.expect(201).body["url"].as_str().expect("an address").to_owned();
        let mut followed = [
            Stream::open(service, &format!("{path}/events"), Some(token)).await,
            Stream::open(service, &by_ticket, None).await,
        ];
        for stream in &mut followed {
            stream.until("BigCommerce Coffee Mug").await;
        }
        let revoke = format!("{}/revoke-tokens", path.replace("/v1/", "/ops/v1/"));
        let reason = json!({"reason": "it stood in a log"});
        service.operate(Method::POST, &revoke, ACTOR, Some(&reason)).await.expect(200);
        let billing = format!("{path}/billing-address");
        ask(service, &Who::Server, Method::PUT, &billing, Some(&address())).await.expect(200);
        for stream in followed {
            let told = stream.rest().await;
            assert!(!told.contains("Jane"), "{told}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_of_an_ended_checkout_shows_nobody_some_time_later() {
    run(async |world, service| {
        let answer = post(service, &Who::Server, "/v1/checkouts", &everything()).await.expect(201);
        let (path, shopper) = created(&answer);
        let pay = agreed(json!({"payment": good_card()}));
        let complete = format!("{path}/complete");
        ask_with(service, &shopper, Method::POST, &complete, "complete", Some(&pay)).await.expect(200);
        let personal = ["jane@example.com", "Jane", "123 Main Street"];
        let reads = [path.clone(), format!("{path}/order"), format!("{path}/events")];
        for read in &reads {
            let shown = ask(service, &shopper, Method::GET, read, None).await.expect(200);
            assert!(personal.iter().any(|text| shown.text.contains(text)), "{read}: {}", shown.text);
        }
        sqlx::query("update checkout set updated_at = updated_at - interval '25 hours'")
            .execute(&world.database.pool)
            .await
            .expect("a day passes");
        for read in &reads {
            let shown = ask(service, &shopper, Method::GET, read, None).await.expect(200);
            let told = personal.iter().find(|text| shown.text.contains(**text));
            assert_eq!(told, None, "{read}: {}", shown.text);
        }
        let again =
            ask_with(service, &shopper, Method::POST, &complete, "complete", Some(&pay)).await.expect(200);
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        assert!(!again.text.contains("Jane"), "{}", again.text);
        assert_eq!(again.body["totals"]["grand_total"], answer.body["totals"]["grand_total"]);
        let server = ask(service, &Who::Server, Method::GET, &path, None).await.expect(200);
        assert!(server.text.contains("Jane"));
    })
    .await;
}
