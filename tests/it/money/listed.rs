//! A decline that is listed ends the payment it belongs to: only what may have reached a gateway can be listed.

use std::collections::BTreeMap;

use bigcommerce_simulator::{Effect, Fault, Kind, magic_card};
use serde_json::json;

use super::ordered;
use crate::harness::{World, agreed, card, good_card, run_with};

/// Refusals after which nothing of the payment is ever listed.
fn refusals() -> Vec<Kind> {
    let body = json!({"status": 401, "title": "Not taken", "type": "about:blank", "code": 10_001});
    vec![
        Kind::RateLimit { headers: true, retry_ms: 20 },
        Kind::Status { status: 401, effect: Effect::Before, headers: BTreeMap::new(), body: Some(body) },
    ]
}

#[tokio::test]
async fn a_listed_decline_is_believed_after_payments_that_reached_no_gateway() {
    for kind in refusals() {
        run_with(World::hasty().await, async |world, service| {
            let path = ordered(service).await;
            let refusal = world.simulator.add_fault(Fault::on("process-payment").nth(1).kind(kind.clone()));
            service.post(&format!("{path}/payment"), &agreed(good_card())).await;
            assert_eq!(world.simulator.reached(refusal), 1);
            service.wait_until(&path, "at rest", |now| now["status"] == "awaiting_input").await;
            world.simulator.clear_faults();
            let lost = world.simulator.add_fault(Fault::on("process-payment").nth(1).status_after(500));
            service.post(&format!("{path}/payment"), &agreed(card(&magic_card(30_106, 0)))).await;
            assert_eq!(world.simulator.reached(lost), 1);
            let ended = service
                .wait_until(&path, "at its end", |now| {
                    now["status"] == "awaiting_input" || now["status"] == "stuck"
                })
                .await;
            assert_eq!(ended["payment"]["status"], "declined", "{kind:?}: {ended}");
            assert_eq!(ended["payment"]["safe_to_pay_again"], true);
            let paid = service.post(&format!("{path}/payment"), &agreed(good_card())).await.expect(200);
            assert_eq!(paid.body["status"], "completed", "{kind:?}");
        })
        .await;
    }
}
