//! What was told to whom, and money that is given back, as an operator sees and does it on the pages.

use serde_json::json;

use super::{Visitor, hidden};
use crate::harness::{
    ACTOR, OPERATOR, READER, Receiver, World, agreed, everything, good_card, run, run_with,
};
use crate::operators::{case, id, until};

#[tokio::test]
async fn the_log_of_deliveries_is_read_and_an_event_is_sent_again() {
    let receiver = Receiver::start().await;
    let mut world = World::new().await;
    world.set("EVENT_DESTINATIONS", &receiver.entry("shop"));
    run_with(world, async |_, service| {
        let path = service.create(&everything()).await;
        service.post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()}))).await.expect(200);
        let told = receiver.wait_for("checkout.completed").await;
        let event = told.last().expect("an event").id.clone();
        let mut rita = Visitor::with(service, READER).await;
        let list = rita
            .get(&format!("/ops/events?type=checkout.completed&checkout_id={}", id(&path)))
            .await
            .expect(200);
        assert!(list.text.contains(&event) && !list.text.contains("order.created"), "{}", list.text);
        let page = format!("/ops/events/{event}");
        let seen = rita.get(&page).await.expect(200);
        assert!(seen.text.contains("grand_total") && seen.text.contains("shop"), "{}", seen.text);
        let fields = |csrf: &str| [("csrf", csrf.to_owned()), ("reason", "the shop lost it".to_owned())];
        let again = format!("{page}/redeliver");
        for (token, status) in [(READER, 403), (ACTOR, 303)] {
            let mut visitor = Visitor::with(service, token).await;
            let shown = visitor.get(&page).await.expect(200);
            assert_eq!(shown.text.contains("your role is read"), token == READER);
            let csrf = hidden(&shown, "csrf");
            visitor.post(&again, &[("csrf", &csrf), ("reason", "  ")]).await.expect(if token == READER {
                403
            } else {
                400
            });
            let sent = fields(&csrf);
            let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (*name, value.as_str())).collect();
            visitor.post(&again, &sent).await.expect(status);
        }
        let twice = receiver
            .wait_until("the same event twice", |events| {
                events.iter().filter(|received| received.id == event).count() == 2
            })
            .await;
        assert_eq!(twice.len(), 3);
        let row = case(service, &path).await.actions.remove(0);
        assert_eq!((&*row.actor, &*row.action, &*row.reason), ("adam", "redeliver", "the shop lost it"));
    })
    .await;
}

#[tokio::test]
async fn a_paid_checkout_is_cancelled_with_a_refund_by_who_may_move_money() {
    run(async |world, service| {
        let path = service.create(&everything()).await;
        service.post(&format!("{path}/complete"), &agreed(json!({"payment": good_card()}))).await.expect(200);
        let page = format!("/ops/checkouts/{}", id(&path));
        let mut visitor = Visitor::with(service, OPERATOR).await;
        let shown = visitor.get(&page).await.expect(200);
        assert!(
            shown.text.contains("id=\"action-cancel-refund\"")
                && !shown.text.contains("id=\"action-cancel\"")
        );
        let csrf = hidden(&shown, "csrf");
        let mut adam = Visitor::with(service, ACTOR).await;
        let foreign = hidden(&adam.get(&page).await, "csrf");
        let asked = |csrf| [("csrf", csrf), ("action", "cancel"), ("refund", "true"), ("reason", "returned")];
        adam.post(&format!("{page}/act"), &asked(&*foreign)).await.expect(403);
        let preview = visitor.post(&format!("{page}/preview"), &asked(&*csrf)).await.expect(200);
        assert_eq!(hidden(&preview, "refund"), "true");
        assert!(world.simulator.ledger().refunds.is_empty(), "a preview gives nothing back");
        visitor.post(&format!("{page}/act"), &asked(&*csrf)).await.expect(303);
        until(service, &path, "cancelled").await;
        assert_eq!(world.simulator.ledger().refunds.len(), 1);
    })
    .await;
}
