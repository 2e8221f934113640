//! A record of an action that cannot be read back: nothing is sent, nothing is concluded, and it says so.

use bigcommerce_simulator::Fault;
use serde_json::Value;

use super::{ask, authorized, fresh, get, happened, paid, refund_of, refunds, world};
use crate::harness::{OPERATOR, PATIENCE, Service, World, run_with};

/// Does something to the records behind the service's back.
async fn spoil(world: &World, what: &'static str) {
    let done = sqlx::query(what).execute(&world.database.pool).await.expect("it is spoilt");
    assert_eq!(done.rows_affected(), 1, "{what}");
}

async fn latest(service: &Service) -> Value {
    get(service, "order-actions").await.expect(200).body["data"][0].clone()
}

#[tokio::test]
async fn what_is_to_be_sent_and_cannot_be_read_is_not_sent() {
    let world = world().await;
    let service = world.start().await;
    let (_, order) = paid(&service).await;
    let (path, body, key) = (format!("orders/{order}/refunds"), refund_of(order, "2.50"), fresh());
    world.simulator.add_fault(Fault::on("refund").status_before(503));
    let first = ask(&service, &path, Some(&key), Some(&body)).await;
    assert_eq!(first.status, 503, "{}", first.text);
    world.simulator.clear_faults();
    let asked = |world: &World| {
        let all = world.simulator.requests();
        all.iter().filter(|request| request.call == "refund").count()
    };
    let before = asked(&world);
    spoil(&world, "update order_action set body = '{'").await;
    let again = ask(&service, &path, Some(&key), Some(&body)).await.expect(503);
    assert!(again.text.contains("its body") && again.text.contains("nothing was sent"), "{}", again.text);
    assert_eq!(asked(&world), before);
    assert!(refunds(&world, order).is_empty());
    // A new key says anew what is wanted.
    ask(&service, &path, Some(&fresh()), Some(&body)).await.expect(201);
    assert_eq!(refunds(&world, order).len(), 1);
    service.stop().await;
    world.finish().await;
}

#[tokio::test]
async fn nothing_is_concluded_without_what_was_there_before() {
    run_with(world().await, async |world, service| {
        let (_, order) = authorized(service).await;
        world.simulator.add_fault(Fault::on("capture").status_before(500));
        // After the look before it nobody can look.
        for nth in 2..20 {
            world.simulator.add_fault(Fault::on("list-transactions").nth(nth).status_before(503));
        }
        let headers = [
            ("authorization", &*format!("Bearer {OPERATOR}")),
            ("idempotency-key", "k"),
            ("prefer", "wait=1"),
        ];
        let url = format!("/ops/v1/orders/{order}/capture");
        service.call(reqwest::Method::POST, &url, &headers, None).await.expect(202);
        spoil(world, "update order_action set seen = '{}', due_at = now()").await;
        world.simulator.clear_faults();
        // It was looked for, and is looked for again after the longest pause: nothing was found out.
        let deadline = tokio::time::Instant::now() + PATIENCE;
        let mut looks = tokio::time::interval(std::time::Duration::from_millis(20));
        loop {
            looks.tick().await;
            let later = "select count(*) from order_action where due_at > now() + interval '30 seconds'";
            let count: i64 =
                sqlx::query_scalar(later).fetch_one(&world.database.pool).await.expect("a count");
            if count == 1 {
                break;
            }
            let action = latest(service).await;
            assert_eq!(action["status"], "unknown", "{action:#}");
            assert!(tokio::time::Instant::now() < deadline, "{action:#}");
        }
        assert_eq!(latest(service).await["status"], "unknown");
        assert_eq!(happened(service, order, "capture").await, 0);
    })
    .await;
}

#[tokio::test]
async fn an_outcome_that_cannot_be_read_is_told_as_that() {
    run_with(world().await, async |world, service| {
        let (_, order) = paid(service).await;
        let (path, body, key) = (format!("orders/{order}/refunds"), refund_of(order, "2.50"), fresh());
        ask(service, &path, Some(&key), Some(&body)).await.expect(201);
        spoil(world, "update order_action set answer = '{'").await;
        let again = ask(service, &path, Some(&key), Some(&body)).await.expect(500);
        assert_eq!(again.problem(), "internal");
        let shown = latest(service).await;
        assert_eq!((&shown["status"], &shown["result"]), (&Value::from("done"), &Value::Null));
        assert!(shown["problem"].as_str().is_some_and(|said| said.contains("cannot be read")), "{shown:#}");
        assert_eq!(refunds(world, order).len(), 1);
    })
    .await;
}
