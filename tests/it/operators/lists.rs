//! Lists with every filter, in pages, and the summary.

use bigcommerce_simulator::Fault;
use headless_checkout::ops::{Action, Cursor, Filter, Sort, Status, StepName, StuckReason};
use serde_json::json;

use super::{act, case, id, ordered, stuck, world};
use crate::harness::{Service, agreed, custom_cart, everything, good_card, run_with};

async fn found(service: &Service, filter: &Filter) -> usize {
    let page = service.ops().list(filter, Sort::default(), None, 100).await.expect("a list");
    let by_creation = Sort { by_creation: true, descending: false };
    let other = service.ops().list(filter, by_creation, None, 100).await.expect("a list");
    assert_eq!(page.data.len(), other.data.len(), "{filter:?}: both orders find the same");
    page.data.len()
}

#[tokio::test]
async fn every_filter_finds_what_it_says() {
    run_with(world().await, async |_, service| {
        let cart = service.create(&custom_cart()).await;
        let full = ordered(service).await;
        let paid = service.create(&everything()).await;
        service.post(&format!("{paid}/complete"), &agreed(json!({"payment": good_card()}))).await.expect(200);
        act(service, &cart, &Action::Pause).await.expect("a pause");
        let known = case(service, &full).await;
        let known = known.checkout();
        let order_id = known.facts.order.as_ref().map(|order| order.id);
        let (created, none) = (known.created_at, Filter::default);
        for (filter, expected) in [
            (none(), 3),
            (Filter { status: Some(Status::Completed), ..none() }, 1),
            (Filter { status: Some(Status::Expired), ..none() }, 0),
            (Filter { step: Some(StepName::Payment), ..none() }, 1),
            (Filter { reason: Some(StuckReason::Paused), ..none() }, 1),
            (Filter { store: Some("default".to_owned()), ..none() }, 3),
            (Filter { store: Some("another".to_owned()), ..none() }, 0),
            (Filter { order_id, ..none() }, 1),
            (Filter { cart_id: known.facts.cart_id.clone(), ..none() }, 1),
            (Filter { email: Some("JANE@example.com".to_owned()), ..none() }, 2),
            (Filter { created_after: Some(created), ..none() }, 2),
            (Filter { updated_before: Some(created), ..none() }, 0),
            (Filter { status: Some(Status::Stuck), step: Some(StepName::BillingAddress), ..none() }, 1),
        ] {
            assert_eq!(found(service, &filter).await, expected, "{filter:?}");
        }
        let page = service
            .ops()
            .list(&Filter { order_id, ..none() }, Sort::default(), None, 5)
            .await
            .expect("a list");
        let line = &page.data[0];
        assert_eq!(line.total.map(|total| total.decimal().to_string()), Some("10.83".to_owned()));
        assert_eq!((line.currency.as_deref(), line.next_step.as_deref()), (Some("USD"), Some("payment")));
    })
    .await;
}

#[tokio::test]
async fn pages_hold_each_checkout_once_in_either_order() {
    run_with(world().await, async |_, service| {
        let mut paths = Vec::new();
        for _ in 0..7 {
            paths.push(service.create(&custom_cart()).await);
        }
        for sort in ["created_at", "-created_at", "updated_at", "-updated_at"] {
            let sort: Sort = sort.parse().expect("an order");
            let (mut ids, mut cursor) = (Vec::new(), None);
            loop {
                let page = service.ops().list(&Filter::default(), sort, cursor, 3).await.expect("a page");
                assert!(page.data.len() <= 3);
                ids.extend(page.data.iter().map(|line| line.id));
                let Some(next) = page.next_cursor else { break };
                cursor = Some(Cursor::decode(&next, sort).expect("a cursor"));
            }
            let mut expected: Vec<_> = paths.iter().map(|path| id(path).uuid()).collect();
            if sort.descending {
                expected.reverse();
            }
            assert_eq!(ids, expected, "{sort:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_summary_names_the_money_that_hangs() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        service.create(&custom_cart()).await;
        world.simulator.add_fault(Fault::on("process-payment").hang_before());
        service.post(&format!("{path}/payment"), &agreed(good_card())).await;
        stuck(service, &path, "payment-unknown").await;
        let summary = service.ops().summary().await.expect("a summary");
        let counts: Vec<_> =
            summary.by_status.iter().map(|count| (count.name.as_str(), count.count)).collect();
        assert_eq!(counts, [("awaiting_input", 1), ("stuck", 1)]);
        assert_eq!(summary.stuck[0].reason, "payment-unknown");
        let [risk] = summary.money_at_risk.as_slice() else { panic!("{:?}", summary.money_at_risk) };
        assert_eq!((risk.currency.as_str(), risk.checkouts), ("USD", 1));
        assert_eq!(risk.amount.decimal().to_string(), "10.83");
        let oldest = summary.oldest_unknown.expect("an unknown one");
        assert_eq!((oldest.checkout_id, oldest.step.as_str()), (id(&path).uuid(), "payment"));
    })
    .await;
}

#[tokio::test]
async fn a_checkout_that_cannot_be_read_does_not_hide_the_others() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        act(service, &path, &Action::Pause).await.expect("a pause");
        let other = service.create(&custom_cart()).await;
        act(service, &other, &Action::Pause).await.expect("a pause");
        let poison = |sql: &'static str| sqlx::query(sql).bind(id(&other).uuid()).execute(&world.database.pool);
        let (record, document): (String, String) =
            sqlx::query_as("select record::text, document::text from checkout join checkout_content using (checkout_id) where checkout_id = $1")
                .bind(id(&other).uuid())
                .fetch_one(&world.database.pool)
                .await
                .expect("a row");
        poison("update checkout set record = '{\"facts\": \"\\u0000\"}' where checkout_id = $1")
            .await
            .expect("it is poisoned");
        poison("update checkout_content set document = '{\"grand_total\": \"\\u0000\"}' where checkout_id = $1")
            .await
            .expect("it is poisoned");
        assert_eq!(found(service, &Filter { status: Some(Status::Stuck), ..Filter::default() }).await, 2);
        let summary = service.ops().summary().await.expect("a summary");
        assert_eq!(summary.money_at_risk.len(), 1, "the paused one has an order");
        sqlx::query(
            "with mended as (update checkout set record = $2::text::json where checkout_id = $1)
             update checkout_content set document = $3::text::json where checkout_id = $1",
        )
        .bind(id(&other).uuid())
        .bind(record)
        .bind(document)
        .execute(&world.database.pool)
        .await
        .expect("it is mended");
    })
    .await;
}
