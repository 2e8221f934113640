//! Changing an order.

use bigcommerce_simulator::Fault;
use reqwest::Method;
use serde_json::{Value, json};

use super::{get, noted, paid, pairs, pointers, world};
use crate::harness::{ACTOR, Answer, READER, Service, run_with};
use crate::operators::ordered;

async fn put(service: &Service, token: &str, order: u64, body: &Value) -> Answer {
    service.operate(Method::PUT, &format!("/ops/v1/orders/{order}"), token, Some(body)).await
}

#[tokio::test]
async fn a_status_is_changed_and_its_tax_document_explained() {
    run_with(world().await, async |_, service| {
        let (_, order) = paid(service).await;
        let tried = put(service, ACTOR, order, &json!({"status_id": 5, "dry_run": true})).await.expect(200);
        assert_eq!(
            (&tried.body["status_id"], &tried.body["status_change"]["tax_document"]),
            (&json!(11), &json!("voided"))
        );
        assert!(noted(service, order).await.is_empty(), "a dry run leaves nothing");
        for (to, document) in [(2, "none"), (5, "voided"), (12, "none"), (10, "submitted")] {
            let body = json!({"status_id": to, "reason": "it is so"});
            let changed = put(service, ACTOR, order, &body).await.expect(200);
            assert_eq!((&changed.body["status_id"], &changed.body["id"]), (&json!(to), &json!(order)));
            assert_eq!(changed.body["status_change"]["tax_document"], document, "to {to}");
        }
        let notes = json!({"staff_notes": "call back", "status_id": null});
        let changed = put(service, ACTOR, order, &notes).await.expect(200);
        assert_eq!(
            (&changed.body["staff_notes"], &changed.body["status_change"]),
            (&json!("call back"), &Value::Null)
        );
        let rows = noted(service, order).await;
        assert_eq!(pairs(&rows), vec![("order-status", "done"); 5]);
        let audit = get(service, "audit").await.expect(200);
        assert!(!audit.text.contains("call back"), "notes may be personal");
        assert_eq!(get(service, "audit/verify").await.expect(200).body["broken"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn an_order_never_becomes_payable_again_and_never_looks_paid_by_hand() {
    run_with(world().await, async |_, service| {
        let (_, order) = paid(service).await;
        let refused = put(service, ACTOR, order, &json!({"status_id": 0})).await.expect(409);
        assert_eq!(
            (refused.problem(), &refused.body["guard"]),
            ("refused-by-guard", &json!("payable-again"))
        );
        let path = ordered(service).await;
        let unpaid = service.get(&path).await.body["order"]["id"].as_u64().expect("an order");
        for to in [11, 5, 1] {
            let refused = put(service, ACTOR, unpaid, &json!({"status_id": to})).await.expect(409);
            assert_eq!(refused.body["guard"], "checkout-open", "to {to}");
        }
        put(service, ACTOR, unpaid, &json!({"status_id": 0})).await.expect(200);
        service.delete(&path).await;
        crate::operators::until(service, &path, "cancelled").await;
        put(service, ACTOR, unpaid, &json!({"status_id": 6})).await.expect(200);
        let rows = noted(service, order).await;
        assert_eq!(pairs(&rows), [("order-status", "refused: payable-again")]);
    })
    .await;
}

#[tokio::test]
async fn who_may_not_and_what_does_not_fit_is_refused() {
    run_with(world().await, async |_, service| {
        let (_, order) = paid(service).await;
        let refused = put(service, READER, order, &json!({"status_id": 2})).await.expect(403);
        assert_eq!(refused.body["needs"], "act");
        put(service, READER, order, &json!({"status_id": "2"})).await.expect(403);
        for (body, expected) in [
            (json!({}), vec![""]),
            (json!({"status_id": 15}), vec!["/status_id"]),
            (json!({"status_id": "2"}), vec!["/status_id"]),
            (json!({"status_id": 2, "total_inc_tax": "0"}), vec!["/total_inc_tax"]),
            (json!({"status_id": 2, "reason": "a\nb", "dry_run": 1}), vec!["/dry_run", "/reason"]),
            (json!([]), vec![""]),
        ] {
            assert_eq!(pointers(&put(service, ACTOR, order, &body).await.expect(422)), expected, "{body}");
        }
        assert_eq!(
            put(service, ACTOR, 99_999, &json!({"status_id": 2})).await.expect(404).problem(),
            "not-found"
        );
        let rows = noted(service, order).await;
        assert_eq!(pairs(&rows), [("order-status", "refused: forbidden")]);
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_to_a_change_is_looked_for() {
    run_with(world().await, async |world, service| {
        let (_, order) = paid(service).await;
        world.simulator.add_fault(Fault::on("update-order").hang_after());
        let changed = put(service, ACTOR, order, &json!({"status_id": 9})).await.expect(200);
        assert_eq!(changed.body["status_id"], 9);
        world.simulator.add_fault(Fault::on("update-order").status_before(500));
        let unknown = put(service, ACTOR, order, &json!({"status_id": 2})).await.expect(503);
        assert_eq!(unknown.problem(), "outcome-unknown");
        put(service, ACTOR, order, &json!({"status_id": 2})).await.expect(200);
        let rows = noted(service, order).await;
        assert_eq!(
            pairs(&rows),
            [("order-status", "done"), ("order-status", "unknown"), ("order-status", "done")]
        );
    })
    .await;
}
