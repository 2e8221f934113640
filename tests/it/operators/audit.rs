//! Roles, dry runs and the audit chain.

use headless_checkout::ops::{Action, ActionError, ActionRequest, Assertion};
use headless_checkout::role::Role;
use serde_json::json;

use super::{act, actor, case, id, ordered, world};
use crate::harness::{World, run_with};

async fn tamper(world: &World, sql: &'static str) {
    sqlx::query(sql).execute(&world.database.pool).await.expect("the database is changed");
}

#[tokio::test]
async fn every_action_leaves_a_row_and_a_dry_run_leaves_nothing() {
    run_with(world().await, async |_, service| {
        let path = ordered(service).await;
        let operators = service.ops();
        let before = case(service, &path).await;
        for (role, action, needs) in [
            (Role::Read, Action::Pause, Some(Role::Act)),
            (Role::Act, Action::Resolve(Assertion::NotCharged), Some(Role::Money)),
            (Role::Act, Action::Cancel { refund: true }, Some(Role::Money)),
            (Role::Act, Action::Pause, None),
            (Role::Act, Action::Cancel { refund: false }, None),
        ] {
            let actor = actor(role);
            let tried = operators
                .act(id(&path), &action, ActionRequest { actor: &actor, reason: "why not", dry_run: true })
                .await;
            match (tried, needs) {
                (Ok(report), None) => {
                    assert!(report.dry_run && report.audit_id.is_none());
                    assert_ne!(report.status_after, report.status_before);
                }
                (Err(ActionError::Forbidden { needs }), Some(expected)) => assert_eq!(needs, expected),
                (other, _) => panic!("{action:?} as {role:?}: {other:?}"),
            }
        }
        let after = case(service, &path).await;
        assert_eq!(after.checkout().version, before.checkout().version);
        assert!(after.actions.is_empty(), "{:?}", after.actions);

        let reader = actor(Role::Read);
        let ask = ActionRequest { actor: &reader, reason: "let me", dry_run: false };
        operators.act(id(&path), &Action::Pause, ask).await.expect_err("a reader may not");
        act(service, &path, &Action::Resume).await.expect_err("it is not paused");
        let silent = actor(Role::Money);
        let ask = ActionRequest { actor: &silent, reason: "  ", dry_run: false };
        assert!(matches!(operators.act(id(&path), &Action::Pause, ask).await, Err(ActionError::NoReason)));
        act(service, &path, &Action::Pause).await.expect("a pause");
        let rows = case(service, &path).await.actions;
        let results: Vec<(&str, &str)> =
            rows.iter().map(|row| (row.action.as_str(), row.result.as_str())).collect();
        assert_eq!(
            results,
            [("pause", "done"), ("resume", "refused: not-paused"), ("pause", "refused: forbidden")]
        );
        assert_eq!(
            rows[0].order_id,
            case(service, &path).await.checkout().facts.order.as_ref().map(|order| order.id)
        );
        let page = operators.audit(None, None, 2).await.expect("rows");
        assert_eq!((page.data.len(), page.next_cursor.is_some()), (2, true));
        let cursor = page.next_cursor.and_then(|cursor| cursor.parse().ok());
        assert_eq!(operators.audit(None, cursor, 2).await.expect("rows").data.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_changed_or_removed_row_is_found() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        for _ in 0..3 {
            act(service, &path, &Action::Pause).await.expect("a pause");
            act(service, &path, &Action::Resume).await.expect("a resume");
            super::until(service, &path, "awaiting_input").await;
        }
        let operators = service.ops();
        let verified = operators.verify_audit(None).await.expect("a walk").expect("the chain");
        assert_eq!((verified.rows, verified.broken), (6, None));
        let head = verified.head;
        let broken = async || {
            let verified = operators.verify_audit(None).await.expect("a walk").expect("the chain");
            verified.broken.map(|broken| broken.audit_id)
        };
        tamper(world, "update audit set reason = 'another' where audit_id = 3").await;
        assert_eq!(broken().await, Some(3));
        tamper(world, "update audit set reason = 'a test' where audit_id = 3").await;
        assert_eq!(broken().await, None);
        tamper(world, "delete from audit where audit_id = 6").await;
        assert_eq!(broken().await, Some(6));
        tamper(world, "delete from audit").await;
        assert!(broken().await.is_some());
        assert_eq!(head.len(), 64);
    })
    .await;
}

#[tokio::test]
async fn many_operators_at_once_make_one_chain() {
    run_with(world().await, async |_, service| {
        let mut paths = Vec::new();
        for _ in 0..6 {
            paths.push(
                service
                    .create(
                        &json!({"custom_items": [{"sku": "a", "name": "A", "quantity": 1, "list_price": 1}]}),
                    )
                    .await,
            );
        }
        // The same checkout is asked for by several at once, too: one of them wins.
        let all = paths.iter().chain(paths.iter()).chain(paths.iter());
        let done = futures::future::join_all(all.map(|path| act(service, path, &Action::Pause))).await;
        assert_eq!(done.iter().filter(|result| result.is_ok()).count(), 6);
        for refused in done.into_iter().filter_map(Result::err) {
            assert_eq!(refused.name(), "at-rest", "{refused}");
        }
        let verified = service.ops().verify_audit(None).await.expect("a walk").expect("the chain");
        assert_eq!((verified.rows, verified.broken), (18, None));
    })
    .await;
}
