//! Refunds, captures and voids, as long as every answer arrives.

use serde_json::{Value, json};

use super::{
    ask, ask_as, authorized, fresh, get, happened, noted, paid, pairs, pointers, refund_of, refunds, world,
};
use crate::harness::{ACTOR, READER, run_with};

#[tokio::test]
async fn a_refund_is_quoted_made_once_and_told_again() {
    run_with(world().await, async |world, service| {
        let (_, order) = paid(service).await;
        let items = json!({"items": [{"item_type": "ORDER", "item_id": order, "amount": 4.5}]});
        let quotes = format!("orders/{order}/refund-quotes");
        let quote = ask_as(service, ACTOR, &quotes, None, Some(&items)).await.expect(201);
        assert!(quote.text.contains("\"total_refund_amount\":4.5"), "{}", quote.text);
        assert_eq!(quote.body["refund_methods"][0][0]["provider_id"], "stripe");
        let (path, body) = (format!("orders/{order}/refunds"), refund_of(order, "4.50"));
        let made = ask(service, &path, Some("one"), Some(&body)).await.expect(201);
        assert!(made.header("idempotent-replayed").is_none());
        let reason = made.body["items"][0]["reason"].as_str().expect("a reason");
        assert!(reason.starts_with("arrived broken ["), "{reason}");
        let again = ask(service, &path, Some("one"), Some(&body)).await.expect(201);
        assert_eq!((again.header("idempotent-replayed"), &again.body), (Some("true"), &made.body));
        assert_eq!(refunds(world, order).len(), 1);
        // Another key is another refund.
        ask(service, &path, Some("two"), Some(&body)).await.expect(201);
        assert_eq!(refunds(world, order).len(), 2);
        let listed = get(service, &path).await.expect(200);
        assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(2));
        let other = ask(service, &path, Some("one"), Some(&refund_of(order, "1"))).await.expect(422);
        assert_eq!(other.problem(), "idempotency-key-reused");
        // More than is left: BigCommerce says so, for good.
        for _ in 0..2 {
            let refused = ask(service, &path, Some("three"), Some(&body)).await.expect(422);
            assert_eq!(refused.problem(), "rejected-by-bigcommerce");
            assert_eq!(refused.body["upstream"]["status"], 422);
        }
        let declined = json!({
            "items": [{"item_type": "ORDER", "item_id": order, "amount": 1}],
            "payments": [{"provider_id": "declining", "amount": 1, "offline": false}],
        });
        let refused = ask(service, &path, Some("four"), Some(&declined)).await.expect(422);
        assert_eq!(refused.body["upstream"]["title"], "The provider declined.");
        let rows = noted(service, order).await;
        assert_eq!(
            pairs(&rows),
            [
                ("refund", "refused: rejected-by-bigcommerce"),
                ("refund", "begun"),
                ("refund", "refused: rejected-by-bigcommerce"),
                ("refund", "begun"),
                ("refund", "done"),
                ("refund", "begun"),
                ("refund", "done"),
                ("refund", "begun"),
            ]
        );
        let actions = get(service, &format!("order-actions?order_id={order}&limit=3")).await.expect(200);
        let statuses: Vec<&Value> =
            actions.body["data"].as_array().expect("rows").iter().map(|row| &row["status"]).collect();
        assert_eq!(statuses, ["rejected", "rejected", "done"]);
        let cursor = actions.body["next_cursor"].as_str().expect("there is more");
        let rest = get(service, &format!("order-actions?limit=3&cursor={cursor}")).await.expect(200);
        assert_eq!(
            (rest.body["data"].as_array().map(Vec::len), &rest.body["next_cursor"]),
            (Some(1), &Value::Null)
        );
        let location =
            made.header("location").and_then(|to| to.strip_prefix("/ops/v1/")).expect("a location");
        let shown = get(service, location).await.expect(200);
        assert_eq!((&shown.body["result"], &shown.body["actor"]), (&made.body, &json!("olga")));
        assert_eq!(get(service, "audit/verify").await.expect(200).body["broken"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn identical_refunds_at_once_are_one_with_one_key_and_never_two_at_a_time() {
    run_with(world().await, async |world, service| {
        let (_, order) = paid(service).await;
        let (path, body) = (format!("orders/{order}/refunds"), refund_of(order, "1"));
        let same =
            futures::future::join_all((0..8).map(|_| ask(service, &path, Some("same"), Some(&body)))).await;
        for answer in &same {
            assert_eq!(answer.status, 201, "{}", answer.text);
            assert_eq!(answer.body["id"], same[0].body["id"]);
        }
        assert_eq!(same.iter().filter(|answer| answer.header("idempotent-replayed").is_none()).count(), 1);
        assert_eq!(refunds(world, order).len(), 1);
        // With keys of their own: while one is on its way, the others are told to wait, and then each is made.
        let fault = world.simulator.add_fault(bigcommerce_simulator::Fault::on("refund").hold_before());
        let (first, others) = futures::future::join(ask(service, &path, Some("a"), Some(&body)), async {
            world.meets(fault, 1).await;
            let b = ask(service, &path, Some("b"), Some(&body)).await;
            let c = ask(
                service,
                &format!("orders/{order}/shipments"),
                Some("c"),
                Some(&json!({
                    "order_address_id": 1, "items": [{"order_product_id": 1, "quantity": 1}]
                })),
            )
            .await;
            world.simulator.release(fault);
            [b, c]
        })
        .await;
        first.expect(201);
        for other in others {
            assert_eq!(other.status, 409, "{}", other.text);
            assert_eq!(other.problem(), "order-busy");
            assert!(other.header("retry-after").is_some());
        }
        ask(service, &path, Some("b"), Some(&body)).await.expect(201);
        assert_eq!(refunds(world, order).len(), 3);
    })
    .await;
}

#[tokio::test]
async fn what_is_authorized_is_captured_or_voided_and_nothing_else_is() {
    run_with(world().await, async |_, service| {
        for (kind, other, pending, settled) in
            [("capture", "void", "capture pending", "captured"), ("void", "capture", "void pending", "void")]
        {
            let (_, order) = authorized(service).await;
            let path = format!("orders/{order}/{kind}");
            let key = fresh();
            let done = ask(service, &path, Some(&key), None).await.expect(201);
            assert_eq!(
                (&done.body["payment_status"], &done.body["order_id"]),
                (&json!(pending), &json!(order))
            );
            let again = ask(service, &path, Some(&key), None).await.expect(201);
            assert_eq!((again.header("idempotent-replayed"), &again.body), (Some("true"), &done.body));
            // Reading it lets it settle.
            for _ in 0..3 {
                get(service, &format!("orders/{order}")).await.expect(200);
            }
            let shown = get(service, &format!("orders/{order}")).await.expect(200);
            assert_eq!(shown.body["payment_status"], settled);
            assert_eq!(happened(service, order, kind).await, 1);
            for kind in [kind, other] {
                let refused =
                    ask(service, &format!("orders/{order}/{kind}"), Some(&fresh()), None).await.expect(409);
                assert_eq!(refused.body["guard"], "nothing-authorized", "{kind}");
            }
            assert_eq!(happened(service, order, kind).await, 1);
        }
        let (_, order) = paid(service).await;
        for kind in ["capture", "void"] {
            let body = json!({"reason": "let me"});
            let refused =
                ask(service, &format!("orders/{order}/{kind}"), Some("k"), Some(&body)).await.expect(409);
            assert_eq!(refused.body["guard"], "nothing-authorized", "{kind}");
            // A refusal of ours binds no key.
        }
    })
    .await;
}

#[tokio::test]
async fn who_may_not_move_money_is_told_so_and_written_down() {
    run_with(world().await, async |world, service| {
        let (_, order) = paid(service).await;
        let body = refund_of(order, "1");
        for token in [READER, ACTOR] {
            for (kind, body) in [("refunds", Some(&body)), ("capture", None), ("void", None)] {
                let path = format!("orders/{order}/{kind}");
                let refused = ask_as(service, token, &path, Some(&fresh()), body).await.expect(403);
                assert_eq!(refused.body["needs"], "money", "{kind}");
            }
        }
        let items = json!({"items": body["items"]});
        let quotes = format!("orders/{order}/refund-quotes");
        assert_eq!(
            ask_as(service, READER, &quotes, None, Some(&items)).await.expect(403).body["needs"],
            "act"
        );
        let rows = noted(service, order).await;
        assert_eq!(rows.len(), 6);
        assert!(rows.iter().all(|(_, result)| result == "refused: forbidden"), "{rows:?}");
        assert!(refunds(world, order).is_empty());
    })
    .await;
}

#[tokio::test]
async fn bad_bodies_and_missing_keys_reach_nobody() {
    run_with(world().await, async |world, service| {
        let (_, order) = paid(service).await;
        let path = format!("orders/{order}/refunds");
        let good = refund_of(order, "1");
        let with = |pointer: &str, value: Value| {
            let mut body = good.clone();
            *body.pointer_mut(pointer).expect("it is there") = value;
            body
        };
        let before = world.simulator.requests().len();
        for kind in ["refunds", "capture", "void"] {
            let body = (kind == "refunds").then_some(&good);
            let missing = ask(service, &format!("orders/{order}/{kind}"), None, body).await.expect(400);
            assert_eq!(missing.problem(), "idempotency-key-missing");
            let odd = ask(service, &format!("orders/{order}/{kind}"), Some("a b"), body).await.expect(400);
            assert_eq!(odd.problem(), "malformed-request");
        }
        for (body, expected) in [
            (json!({}), vec!["/items", "/payments"]),
            (with("/items", json!([])), vec!["/items"]),
            (with("/items/0/item_type", json!("CARD")), vec!["/items/0/item_type"]),
            (with("/items/0/item_id", json!("1")), vec!["/items/0/item_id"]),
            (with("/items/0/amount", json!(0)), vec!["/items/0/amount"]),
            (with("/items/0/amount", json!("1")), vec!["/items/0/amount"]),
            (with("/items/0/amount", json!(-1)), vec!["/items/0/amount"]),
            (with("/items/0/amount", Value::Null), vec!["/items/0/amount"]),
            (with("/items/0/item_type", json!("PRODUCT")), vec!["/items/0/amount", "/items/0/quantity"]),
            (with("/items/0/reason", json!("a".repeat(901))), vec!["/items/0/reason"]),
            (with("/payments", json!([])), vec!["/payments"]),
            (with("/payments/0/provider_id", json!("")), vec!["/payments/0/provider_id"]),
            (with("/payments/0/offline", json!("no")), vec!["/payments/0/offline"]),
            (with("/reason", json!(1)), vec!["/reason"]),
        ] {
            let refused = ask(service, &path, Some(&fresh()), Some(&body)).await.expect(422);
            assert_eq!(pointers(&refused), expected, "{body}");
        }
        let odd = json!({"amount": 3});
        let refused =
            ask(service, &format!("orders/{order}/capture"), Some(&fresh()), Some(&odd)).await.expect(422);
        assert_eq!(pointers(&refused), ["/amount"]);
        assert_eq!(world.simulator.requests().len(), before, "nothing was sent");
        let actions = get(service, "order-actions").await.expect(200);
        assert_eq!(actions.body["data"], json!([]));
        let missing = ask(service, "orders/99999/refunds", Some("k"), Some(&good)).await.expect(404);
        assert_eq!(missing.problem(), "not-found");
    })
    .await;
}
