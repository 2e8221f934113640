//! Gateways show the refund of a charge that was not settled as a void: the money went back all the same.

use bigcommerce_simulator::{PartialPayment, RefundEvent, Settings};
use reqwest::Method;
use serde_json::json;

use super::{certificate, money, ordered};
use crate::harness::{OPERATOR, World, agreed, good_card, run_with};

async fn world() -> World {
    let settings = Settings {
        refund_event: RefundEvent::Void,
        partial_payment: PartialPayment::Incomplete,
        ..Settings::default()
    };
    World::with(settings).await
}

#[tokio::test]
async fn what_was_paid_in_full_and_is_shown_as_voided_went_back() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
        let body = json!({"reason": "she changed her mind", "refund": true});
        service.operate(Method::POST, &format!("/ops{path}/cancel"), OPERATOR, Some(&body)).await.expect(200);
        let ended = service.wait_until(&path, "cancelled", |now| now["status"] == "cancelled").await;
        assert_eq!(ended["payment"]["status"], "given_back", "{ended}");
        assert_eq!(world.simulator.ledger().refunds.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_part_that_is_shown_as_voided_went_back() {
    run_with(world().await, async |world, service| {
        let path = ordered(service).await;
        service.post(&format!("{path}/payment"), &agreed(certificate())).await.expect(200);
        service.delete(&path).await.expect(200);
        let ended = service.wait_until(&path, "cancelled", |now| now["status"] == "cancelled").await;
        assert_eq!(ended["payment"]["status"], "given_back", "{ended}");
        assert_eq!((money(world).open, world.simulator.ledger().refunds.len()), (money(world).total, 1));
    })
    .await;
}
