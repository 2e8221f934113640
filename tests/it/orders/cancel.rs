//! Cancelling a checkout that was paid: what was paid goes back, once, and the checkout is cancelled.

use bigcommerce_simulator::Fault;
use reqwest::Method;
use serde_json::{Value, json};

use super::{ask, authorized, get, happened, id, noted, paid, pairs, refund_of, refunds, world};
use crate::harness::{ACTOR, Answer, OPERATOR, Service, run_with};

async fn cancel(service: &Service, token: &str, path: &str, more: &Value) -> Answer {
    let mut body = json!({"reason": "the shopper changed her mind", "refund": true});
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    let url = format!("/ops/v1/checkouts/{}/cancel", id(path));
    service.operate(Method::POST, &url, token, Some(&body)).await
}

#[tokio::test]
async fn a_paid_checkout_is_refunded_and_cancelled() {
    run_with(world().await, async |world, service| {
        let (path, order) = paid(service).await;
        assert_eq!(cancel(service, ACTOR, &path, &json!({})).await.expect(403).body["needs"], "money");
        let without = cancel(service, OPERATOR, &path, &json!({"refund": false})).await.expect(409);
        assert_eq!(without.body["guard"], "paid");
        let why = get(service, &format!("checkouts/{}/why", id(&path))).await.expect(200);
        let allowed = why.body["actions"]
            .as_array()
            .expect("actions")
            .iter()
            // Tokens may be revoked whatever becomes of the order.
            .filter(|action| action["allowed"] == true && action["action"] != "revoke-tokens");
        assert_eq!(
            allowed.map(|action| (&action["action"], &action["role"])).collect::<Vec<_>>(),
            [(&json!("cancel"), &json!("money"))]
        );
        let tried = cancel(service, OPERATOR, &path, &json!({"dry_run": true})).await.expect(200);
        assert_eq!(tried.body["effect_on_money"], "10.83 USD are refunded.");
        assert_eq!(
            (&tried.body["status_after"], &tried.body["audit_id"]),
            (&json!("cancelled"), &Value::Null)
        );
        assert!(refunds(world, order).is_empty(), "a dry run moves nothing");

        let done = cancel(service, OPERATOR, &path, &json!({})).await.expect(200);
        assert_eq!(
            (&done.body["status_before"], &done.body["status_after"]),
            (&json!("completed"), &json!("cancelled"))
        );
        assert_eq!(done.body["effect_on_money"], "10.83 USD are refunded.");
        assert!(done.body["audit_id"].is_i64());
        assert_eq!(service.get(&path).await.body["status"], "cancelled");
        assert_eq!(get(service, &format!("orders/{order}")).await.body["status_id"], 4);
        let again = cancel(service, OPERATOR, &path, &json!({})).await.expect(409);
        assert_eq!(again.body["guard"], "ended");
        assert_eq!(refunds(world, order).len(), 1);
        let rows = noted(service, order).await;
        assert_eq!(
            pairs(&rows),
            [
                ("cancel", "refused: ended"),
                ("cancel", "done"),
                ("cancel", "begun"),
                ("cancel", "refused: paid"),
                ("cancel", "refused: forbidden"),
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn an_authorized_payment_is_voided_instead() {
    run_with(world().await, async |world, service| {
        let (path, order) = authorized(service).await;
        let done = cancel(service, OPERATOR, &path, &json!({})).await.expect(200);
        assert_eq!(done.body["status_after"], "cancelled");
        assert!(refunds(world, order).is_empty());
        for _ in 0..3 {
            get(service, &format!("orders/{order}")).await.expect(200);
        }
        assert_eq!(happened(service, order, "void").await, 1);
    })
    .await;
}

#[tokio::test]
async fn only_what_is_left_is_refunded() {
    run_with(world().await, async |_, service| {
        let (path, order) = paid(service).await;
        ask(service, &format!("orders/{order}/refunds"), Some("k"), Some(&refund_of(order, "10")))
            .await
            .expect(201);
        let done = cancel(service, OPERATOR, &path, &json!({})).await.expect(200);
        assert_eq!(done.body["effect_on_money"], "0.83 USD are refunded.");
        let (other, order) = paid(service).await;
        ask(service, &format!("orders/{order}/refunds"), Some("l"), Some(&refund_of(order, "10.83")))
            .await
            .expect(201);
        let nothing = cancel(service, OPERATOR, &other, &json!({})).await.expect(409);
        assert_eq!(nothing.body["guard"], "nothing-left");
    })
    .await;
}

#[tokio::test]
async fn whatever_is_lost_it_is_refunded_once_and_cancelled() {
    run_with(world().await, async |world, service| {
        for fault in [
            Fault::on("refund").hang_after(),
            Fault::on("refund").status_after(500),
            Fault::on("refund").hang_before(),
            Fault::on("refund").status_before(500),
        ] {
            let (path, order) = paid(service).await;
            let fault = world.simulator.add_fault(fault);
            let first = cancel(service, OPERATOR, &path, &json!({})).await;
            if first.status == 503 {
                assert!(refunds(world, order).is_empty(), "{}", first.text);
                assert_eq!(service.get(&path).await.body["status"], "completed");
                cancel(service, OPERATOR, &path, &json!({})).await.expect(200);
            } else {
                first.expect(200);
            }
            assert_eq!(world.simulator.reached(fault), 1);
            assert_eq!(service.get(&path).await.body["status"], "cancelled");
            assert_eq!(refunds(world, order).len(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn several_operators_at_once_refund_it_once() {
    run_with(world().await, async |world, service| {
        let (path, order) = paid(service).await;
        let nothing = json!({});
        let all = futures::future::join_all((0..6).map(|_| cancel(service, OPERATOR, &path, &nothing))).await;
        assert!(all.iter().any(|answer| answer.status == 200));
        for answer in &all {
            let guard = answer.body["guard"].as_str().unwrap_or_default();
            let told = answer.status == 200 || matches!(guard, "ended" | "nothing-left" | "order-busy");
            assert!(told, "{}", answer.text);
        }
        assert_eq!(refunds(world, order).len(), 1);
        assert_eq!(service.get(&path).await.body["status"], "cancelled");
    })
    .await;
}
