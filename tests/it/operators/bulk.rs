//! One action on many checkouts.

use headless_checkout::ops::{
    Action, ActionError, ActionRequest, Assertion, BulkRequest, Filter, Status, StuckReason,
};
use headless_checkout::role::Role;

use super::{act, actor, case, ordered, until, world};
use crate::harness::{Service, custom_cart, run_with};

async fn finished(service: &Service, id: uuid::Uuid) -> headless_checkout::ops::BulkSeen {
    for _ in 0..2000 {
        let seen = service.ops().bulk(id, None, 100).await.expect("the database").expect("a bulk");
        if seen.bulk.status == "done" {
            return seen;
        }
        tokio::task::yield_now().await;
    }
    panic!("the bulk never ends");
}

#[tokio::test]
async fn a_bulk_is_previewed_carried_out_and_answers_for_each() {
    run_with(world().await, async |_, service| {
        let mut paths = Vec::new();
        for _ in 0..4 {
            paths.push(service.create(&custom_cart()).await);
        }
        act(service, &paths[0], &Action::Pause).await.expect("a pause");
        let operators = service.ops();
        let olga = actor(Role::Act);
        let ask = ActionRequest { actor: &olga, reason: "the shop is closed", dry_run: false };
        let everywhere = Filter { store: Some("default".to_owned()), ..Filter::default() };
        let bulk = BulkRequest { filter: &everywhere, action: &Action::Pause, ask };
        let preview = operators.preview_bulk(bulk).await.expect("a preview");
        assert_eq!((preview.total, preview.allowed, preview.refused), (4, 3, 1));
        assert_eq!(preview.sample.len(), 4);
        assert_eq!(case(service, &paths[1]).await.checkout().status, Status::AwaitingInput);

        let begun = operators.begin_bulk(bulk).await.expect("a bulk");
        assert_eq!(begun.total, 4);
        let seen = finished(service, begun.id).await;
        assert_eq!((seen.bulk.done, seen.bulk.failed, seen.results.len()), (3, 1, 4));
        let refused = seen.results.iter().find(|result| result.outcome.as_deref() == Some("refused"));
        assert!(refused.is_some_and(|result| result.detail.contains("already stuck")), "{:?}", seen.results);
        assert_eq!(operators.bulks().await.expect("bulks").len(), 1);

        let paused = Filter { reason: Some(StuckReason::Paused), ..Filter::default() };
        let bulk = BulkRequest { filter: &paused, action: &Action::Resume, ask };
        let seen = finished(service, operators.begin_bulk(bulk).await.expect("a bulk").id).await;
        assert_eq!((seen.bulk.done, seen.bulk.failed), (4, 0));
        for path in &paths {
            until(service, path, "awaiting_input").await;
            let actions = case(service, path).await.actions;
            assert!(actions[0].detail.contains("bulk_id"), "{actions:?}");
        }
        assert_eq!(operators.verify_audit(None).await.expect("a walk").expect("the chain").broken, None);
    })
    .await;
}

#[tokio::test]
async fn a_bulk_survives_its_process() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        // Asked for in a process that does not carry it out: as if it had been killed right after.
        let config = headless_checkout::config::Config::from_vars(|name| {
            world.vars().into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
        })
        .expect("a configuration");
        let other = headless_checkout::app::reading(&config.database).await.expect("a room");
        let olga = actor(Role::Act);
        let ask = ActionRequest { actor: &olga, reason: "because", dry_run: false };
        let waiting = Filter { status: Some(Status::AwaitingInput), ..Filter::default() };
        let bulk = BulkRequest { filter: &waiting, action: &Action::Pause, ask };
        other.begin_bulk(bulk).await.expect("a bulk");
        until(service, &path, "stuck").await;
    })
    .await;
}

#[tokio::test]
async fn what_is_about_money_or_about_everything_is_no_bulk() {
    run_with(world().await, async |_, service| {
        let operators = service.ops();
        let one = Filter { status: Some(Status::Stuck), ..Filter::default() };
        let all = Filter::default();
        for (role, filter, action, expected) in [
            (Role::Read, &one, Action::Restart, "forbidden"),
            (Role::Money, &one, Action::Resolve(Assertion::NotCharged), "one-by-one"),
            (Role::Money, &one, Action::Cancel { refund: true }, "one-by-one"),
            (Role::Money, &all, Action::Cancel { refund: false }, "no-filter"),
        ] {
            let actor = actor(role);
            let ask = ActionRequest { actor: &actor, reason: "because", dry_run: false };
            let refused: ActionError = operators
                .begin_bulk(BulkRequest { filter, action: &action, ask })
                .await
                .expect_err("it is refused");
            assert_eq!(refused.name(), expected);
        }
    })
    .await;
}
