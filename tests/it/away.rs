//! Our own database is away, or its answer is lost: what is told then is true, and nothing is done twice.

use bigcommerce_simulator::Fault;
use serde_json::{Value, json};

use crate::dashboard::{Visitor, hidden};
use crate::harness::{ACTOR, Answer, Relay, Service, World, agreed, everything, good_card, run_with};
use crate::operators::id;
use crate::orders;

/// A world whose services reach their database through a relay.
async fn world() -> (World, Relay) {
    let mut world = World::new().await;
    let relay = Relay::to(&world.database).await;
    world.set("DATABASE_URL", relay.url());
    (world, relay)
}

/// It is our own fault, and whether the request may have been recorded is as told.
#[track_caller]
fn ours(answer: &Answer, may_be_recorded: Option<bool>) {
    assert_eq!((answer.status.as_u16(), answer.problem()), (503, "service-unavailable"), "{}", answer.text);
    assert!(answer.header("retry-after").is_some());
    let (may, detail) = (&answer.body["may_be_recorded"], answer.body["detail"].as_str().unwrap_or_default());
    assert!(may.is_boolean(), "{}", answer.text);
    assert_eq!(detail.contains("nothing was recorded"), *may == false, "{detail}");
    assert!(!answer.text.contains("Nothing was charged"), "{}", answer.text);
    if let Some(expected) = may_be_recorded {
        assert_eq!(*may, expected, "{}", answer.text);
    }
    if *may == true && answer.body.get("instance").is_some() {
        assert_eq!(answer.body["safe_to_pay_again"], false, "{}", answer.text);
    }
}

/// Sends the same request with the same key until it is settled.
async fn insist(service: &Service, path: &str, key: &str, body: &Value) -> Answer {
    for _ in 0..60 {
        let answer = service.post_with(path, key, body).await;
        match answer.status.as_u16() {
            202 => {
                let path = path.trim_end_matches("/complete").trim_end_matches("/payment");
                let settled = |snapshot: &Value| snapshot["status"] != "running";
                service.wait_until(path, "settled", settled).await;
            }
            503 | 409 => tokio::task::yield_now().await,
            _ => return answer,
        }
    }
    panic!("{path} is never settled")
}

#[tokio::test]
async fn a_database_that_is_away_is_told_as_ours_and_the_same_key_does_it_once() {
    let (world, relay) = world().await;
    run_with(world, async |world, service| {
        let path = service.create(&everything()).await;
        let complete = format!("{path}/complete");
        let body = agreed(json!({"payment": good_card()}));
        let calls = world.simulator.requests().len();
        relay.close();
        ours(&service.get(&path).await, Some(false));
        ours(&service.post_with(&complete, "pay", &body).await, None);
        ours(&service.post_with("/v1/checkouts", "create", &everything()).await, None);
        // What has to be read before it could be recorded was not.
        ours(&service.post_with(&complete, "pay", &body).await, Some(false));
        let listed = service
            .operate(reqwest::Method::GET, "/ops/v1/checkouts", crate::harness::OPERATOR, None)
            .await
            .expect(503);
        ours(&listed, Some(false));
        assert_eq!(world.simulator.requests().len(), calls, "nothing was sent");
        relay.open();
        let paid = insist(service, &complete, "pay", &body).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        insist(service, "/v1/checkouts", "create", &everything()).await.expect(201);
        let ledger = world.simulator.ledger();
        assert_eq!((ledger.carts.len(), ledger.orders.len(), ledger.charges.len()), (2, 1, 1));
    })
    .await;
}

#[tokio::test]
async fn a_claim_whose_commit_was_not_heard_is_never_called_unrecorded() {
    let (world, relay) = world().await;
    run_with(world, async |world, service| {
        relay.lose("lost-create");
        ours(&service.post_with("/v1/checkouts", "lost-create", &everything()).await, Some(true));
        assert!(relay.has_lost(), "the statement was reached");
        relay.open();
        let created = insist(service, "/v1/checkouts", "lost-create", &everything()).await.expect(201);
        let path = format!("/v1/checkouts/{}", created.id());
        for (call, key) in [("order", "lost-order"), ("payment", "lost-payment")] {
            let body = if call == "order" { json!({}) } else { agreed(good_card()) };
            relay.lose(key);
            let told = service.post_with(&format!("{path}/{call}"), key, &body).await;
            ours(&told, Some(true));
            assert!(relay.has_lost(), "the statement was reached");
            relay.open();
            let done = insist(service, &format!("{path}/{call}"), key, &body).await.expect(200);
            assert!(done.body["order"]["id"].is_number(), "{}", done.text);
        }
        let ledger = world.simulator.ledger();
        assert_eq!((ledger.carts.len(), ledger.orders.len(), ledger.charges.len()), (1, 1, 1));
    })
    .await;
}

#[tokio::test]
async fn a_database_that_goes_while_a_step_runs_does_not_unsay_what_was_recorded() {
    let (world, relay) = world().await;
    run_with(world, async |world, service| {
        let path = service.create(&everything()).await;
        let (complete, body) = (format!("{path}/complete"), agreed(json!({"payment": good_card()})));
        let fault = world.simulator.add_fault(Fault::on("create-order").hang_before());
        let cut = async {
            while world.simulator.reached(fault) == 0 {
                tokio::task::yield_now().await;
            }
            relay.close();
        };
        let (answer, ()) = tokio::join!(service.post_with(&complete, "cut", &body), cut);
        let taken = answer.expect(202);
        assert_eq!(taken.header("location"), Some(&*path), "{}", taken.text);
        relay.open();
        let paid = insist(service, &complete, "cut", &body).await.expect(200);
        assert_eq!(paid.body["status"], "completed", "{}", paid.text);
        let ledger = world.simulator.ledger();
        assert_eq!((ledger.orders.len(), ledger.charges.len()), (1, 1));
    })
    .await;
}

/// Waits until the database can be read again, and a checkout is there as wanted.
async fn reads(service: &Service, path: &str, status: &str) {
    for _ in 0..600 {
        let answer = service.get(path).await;
        if answer.status == 200 {
            assert_eq!(answer.body["status"], status, "{}", answer.text);
            return;
        }
        ours(&answer, Some(false));
    }
    panic!("the database is never back")
}

#[tokio::test]
async fn an_operator_is_never_told_that_nothing_was_done_when_that_is_not_known() {
    for on_a_page in [false, true] {
        let (world, relay) = world().await;
        run_with(world, async |_, service| {
            let path = service.create(&everything()).await;
            if on_a_page {
                let mut adam = Visitor::with(service, ACTOR).await;
                let page = format!("/ops/checkouts/{}", id(&path));
                let csrf = hidden(&adam.get(&page).await.expect(200), "csrf");
                relay.lose("COMMIT");
                let fields = [("csrf", &*csrf), ("action", "pause"), ("reason", "a test")];
                let told = adam.post(&format!("{page}/act"), &fields).await.expect(503);
                let (sees, hears) = (told.text.contains("Check first"), told.text.contains("othing was "));
                assert!(sees && !hears, "{}", told.text);
            } else {
                relay.lose("COMMIT");
                let body = json!({"reason": "a test"});
                let door = format!("/ops{path}/pause");
                let told = service.operate(reqwest::Method::POST, &door, ACTOR, Some(&body)).await;
                ours(&told, Some(true));
            }
            assert!(relay.has_lost(), "the commit was reached");
            relay.open();
            // It was done.
            reads(service, &path, "stuck").await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_refund_whose_record_was_not_heard_is_never_called_undone_and_is_made_once() {
    let (world, relay) = world().await;
    run_with(world, async |world, service| {
        let (_, order) = orders::paid(service).await;
        let (refunds, body) = (format!("orders/{order}/refunds"), orders::refund_of(order, "1"));
        relay.lose("COMMIT");
        let told = orders::ask(service, &refunds, Some("lost-refund"), Some(&body)).await;
        ours(&told, Some(true));
        assert!(relay.has_lost(), "the commit was reached");
        relay.open();
        for _ in 0..600 {
            let answer = orders::ask(service, &refunds, Some("lost-refund"), Some(&body)).await;
            if !matches!(answer.status.as_u16(), 503 | 202 | 409) {
                answer.expect(201);
                break;
            }
        }
        let refunded: usize = world.simulator.ledger().refunds.len();
        assert_eq!(refunded, 1);
    })
    .await;
}
